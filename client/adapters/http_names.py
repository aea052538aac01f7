"""Names of files that others chose, made fit for any disk (SEC-30)."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

NAME_MAX_CHARS: Final = 120
NAME_MAX_BYTES: Final = 200
"""Disks count bytes (255 in most): this leaves room for a number beside the name."""
EXTENSION_MAX_CHARS: Final = 10
FALLBACK: Final = "file"

_FORBIDDEN = re.compile(r'[<>:"/\\|?*]')
_RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])", re.IGNORECASE)
_DROPPED = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
"""Control characters, invisible ones (those that turn the direction of writing too), and halves of characters."""


def safe_name(name: str) -> str:
    """A file name that is one name everywhere and looks like what it is: `gpj.exe` cannot show as `exe.jpg`."""
    seen = "".join(char for char in name if unicodedata.category(char) not in _DROPPED)
    plain = _FORBIDDEN.sub("_", unicodedata.normalize("NFC", seen)).strip(". ")
    stem, dot, extension = plain.rpartition(".")
    if not dot or len(extension) > EXTENSION_MAX_CHARS:
        stem, dot, extension = plain, "", ""
    if _RESERVED.fullmatch(stem.partition(".")[0].strip()):
        stem = "_" + stem
    stem = _cut(stem[: NAME_MAX_CHARS - len(dot + extension)], len((dot + extension).encode())) or FALLBACK
    return stem + dot + extension


def _cut(stem: str, extension_bytes: int) -> str:
    """What fits, and ends with neither a dot nor a space: some systems drop those."""
    return stem.encode()[: NAME_MAX_BYTES - extension_bytes].decode(errors="ignore").strip(". ")


def safe_extension(name: str) -> str:
    """The ending of a safe name with its dot, lower case and plain; empty if it has none."""
    _, dot, extension = safe_name(name).rpartition(".")
    extension = extension.lower()
    return dot + extension if dot and extension.isascii() and extension.isalnum() else ""

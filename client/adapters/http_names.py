"""Names of files that others chose, made fit for any disk (SEC-30)."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

NAME_MAX_CHARS: Final = 120
EXTENSION_MAX_CHARS: Final = 10
FALLBACK: Final = "file"

_FORBIDDEN = re.compile(r'[<>:"/\\|?*]')
_RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])", re.IGNORECASE)
_DROPPED = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
"""Control characters, invisible ones (those that turn the direction of writing too), and halves of characters."""


def safe_name(name: str) -> str:
    """A file name that is one name everywhere and looks like what it is: `gpj.exe` cannot show as `exe.jpg`."""
    seen = "".join(char for char in unicodedata.normalize("NFC", name) if unicodedata.category(char) not in _DROPPED)
    plain = _FORBIDDEN.sub("_", seen).strip(". ")
    stem, dot, extension = plain.rpartition(".")
    if not dot or len(extension) > EXTENSION_MAX_CHARS:
        stem, dot, extension = plain, "", ""
    stem = stem[: NAME_MAX_CHARS - len(dot + extension)].strip(" ") or FALLBACK
    if _RESERVED.fullmatch(stem.partition(".")[0].strip()):
        stem = "_" + stem
    return stem + dot + extension


def safe_extension(name: str) -> str:
    """The ending of a safe name with its dot, lower case and plain; empty if it has none."""
    _, dot, extension = safe_name(name).rpartition(".")
    extension = extension.lower()
    return dot + extension if dot and extension.isascii() and extension.isalnum() else ""

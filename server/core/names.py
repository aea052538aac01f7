"""What a person may be called, and when two names look alike."""

from __future__ import annotations

import unicodedata

from protocol.limits import NAME_MAX_CHARS
from protocol.problems import NameInvalid

UNSEEN = frozenset("\u200b\u2060\ufeff\u00ad\u180e\u034f\u115f\u1160\u3164\uffa0")  # take no room, or hide
BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")  # turn text around
REFUSED_KINDS = frozenset({"Cc", "Cs", "Co", "Cn", "Zl", "Zp"})


def tidy_name(name: str) -> str:
    """The name as it is kept: trimmed, composed (NFC).

    Raises: NameInvalid, if it is empty, longer than 64 characters, or has characters that control or hide.
    """
    tidy = unicodedata.normalize("NFC", name.strip())
    if not 1 <= len(tidy) <= NAME_MAX_CHARS or any(map(_is_refused, tidy)) or not folded(tidy):
        raise NameInvalid(limit=NAME_MAX_CHARS)
    return tidy


def folded(name: str) -> str:
    """What must be unique: without case, without width and style, without joiners, with single blanks."""
    alike = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    return " ".join("".join(char for char in alike if unicodedata.category(char) != "Cf").split())


def _is_refused(char: str) -> bool:
    return char in BIDI or char in UNSEEN or unicodedata.category(char) in REFUSED_KINDS or _is_tag(char)


def _is_tag(char: str) -> bool:
    """Invisible letters that can carry a hidden text."""
    return 0xE0000 <= ord(char) <= 0xE0FFF

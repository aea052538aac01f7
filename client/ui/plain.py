"""Foreign text made safe to show: no hidden direction tricks, no invisible tags, no towers of accents (SEC-37…39)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

FIRST_STRONG, POP = "\u2068", "\u2069"
BOX = "\u25af"
MARKS_IN_A_ROW = 5
"""More combining marks on one letter than any script needs are a weapon, not writing."""

_DIRECTION = "\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069"
_HIDDEN = re.compile(
    r"[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u115f\u1160\u17b4\u17b5\u180e\u200b\u2028\u2029"
    r"\u202a-\u202e\u2060-\u2064\u2066-\u206f\u3164\ufeff\ufff9-\ufffb\U000e0001]"
)
_TAGS = re.compile("(\U0001f3f4[\U000e0020-\U000e007e]+\U000e007f)|[\U000e0000-\U000e007f]+")
_NAME_CUT = re.compile(f"[{_DIRECTION}\u2028\u2029]")
_SPACE = re.compile(r"\s+")


def visible(text: str) -> str:
    """The text of a message: line breaks stay, what hides or turns other text becomes a box."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = _TAGS.sub(lambda found: found[1] or BOX, text)
    return _few_marks(_HIDDEN.sub(BOX, text))


def named(text: str, people: Iterable[tuple[int, int, bool]]) -> tuple[str, list[tuple[int, int, bool]]]:
    """The visible text, and where its people stand in that: hiding signs may have made it shorter.

    People are first sign, number of signs and whatever belongs to them, in the order of the text.
    """
    shown, found, end = "", [], 0
    for start, length, mine in people:
        shown += visible(text[end:start])
        name = visible(text[start : start + length])
        found.append((len(shown), len(name), mine))
        shown, end = shown + name, start + length
    return shown + visible(text[end:]), found


def one_line(text: str) -> str:
    """A name, a title or a preview: visible, on one line, without direction controls."""
    return _SPACE.sub(" ", visible(_NAME_CUT.sub("", text.replace("\n", " ")))).strip()


def isolate(text: str) -> str:
    """A foreign name for the middle of a sentence: its writing direction cannot leak out."""
    return f"{FIRST_STRONG}{one_line(text)}{POP}"


def _few_marks(text: str) -> str:
    if text.isascii():
        return text
    kept: list[str] = []
    marks = 0
    for sign in text:
        marks = marks + 1 if unicodedata.combining(sign) else 0
        if marks <= MARKS_IN_A_ROW:
            kept.append(sign)
    return "".join(kept)


# --- emoji

_PICTURE = re.compile(
    "[\u203c\u2049\u2122\u2139\u2194-\u21aa\u231a-\u23ff\u24c2\u25aa-\u25fe\u2600-\u27bf\u2934\u2935\u2b05-\u2b55"
    "\u3030\u303d\u3297\u3299\U0001f000-\U0001faff]"
)
_JOINED = "\u200d"
_BESIDE = re.compile("[\ufe0f\U0001f3fb-\U0001f3ff\u20e3\U000e0020-\U000e007f]")
_KEY = re.compile("[#*0-9]\ufe0f?\u20e3")
_FLAG = re.compile("[\U0001f1e6-\U0001f1ff]")
EMOJI_ALONE_MAX = 3


def only_emoji(text: str) -> bool:
    """Whether a message is one to three emoji and nothing else: it is then drawn large."""
    signs = "".join(text.split())
    return bool(signs) and len(signs) <= 60 and 1 <= (_emoji_count(signs) or 0) <= EMOJI_ALONE_MAX


def _emoji_count(signs: str) -> int | None:
    """How many emoji these signs are, None if there is anything else among them."""
    count, place = 0, 0
    while place < len(signs):
        if _FLAG.match(signs, place):
            if not _FLAG.match(signs, place + 1):
                return None
            place += 2
        elif _KEY.match(signs, place) or _PICTURE.match(signs, place):
            place += 1
        else:
            return None
        count += 1
        while place < len(signs) and (_BESIDE.match(signs, place) or signs[place] == _JOINED):
            place += 2 if signs[place] == _JOINED else 1
    return count


# --- links

_LINK = re.compile(r"(?<![A-Za-z0-9_@])(?:https?://|mailto:)[^\s<>\"“”‘’（）《》【】，。；！？、]+", re.IGNORECASE)
_TAIL = ".,;:!?)]}'"


def links(text: str) -> list[tuple[int, int, str]]:
    """Where addresses stand in a text: start, length, address. Only http, https and mailto (SEC-40)."""
    found = []
    for match in _LINK.finditer(text):
        address = _without_tail(match[0])
        if len(address) > len("mailto:") and not _tricky(address):
            found.append((match.start(), len(address), address))
    return found


def _without_tail(address: str) -> str:
    """Signs at the end belong to the sentence; a last bracket belongs to the address, as in …/Hexagram_(book).

    In one pass: an address may be as long as a message, and all brackets.
    """
    end, spare = len(address), address.count(")") - address.count("(")
    while end and address[end - 1] in _TAIL:
        if address[end - 1] == ")":
            if spare <= 0:
                break
            spare -= 1
        end -= 1
    return address[:end]


def _tricky(address: str) -> bool:
    """A name and password in front of the host pretend to be the host."""
    host = re.split(r"[/?#]", address.partition("://")[2], maxsplit=1)[0]
    return "@" in host or BOX in address or not address.isprintable()

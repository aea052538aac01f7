"""People named in a text: who is meant while “@An” is typed, and where the names stand in what is sent.

A name is found by its letters, not by where it was put in: so drafts, undo, pasting and input methods cannot harm it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from client.core.model import Member
from client.ui.plain import one_line
from client.ui.viewmodels.contacts import folded
from protocol.content import Mention
from protocol.values import Uid

AT = "@＠"
"""Chinese input methods give the wide one."""
QUERY_MAX = 40
SHOWN_MAX = 8
_WIDE_FROM = "\u2e80"
"""From here on are scripts that put no space between words."""


@dataclass(frozen=True, slots=True)
class Asked:
    """An at sign that is being completed: where it stands, where the cursor does, and what is between them."""

    start: int
    end: int
    words: str


def asked_at(text: str, cursor: int) -> Asked | None:
    """The name that is being typed before the cursor, if one is."""
    start = max(text.rfind(sign, max(0, cursor - QUERY_MAX), cursor) for sign in AT)
    if start < 0 or not _begins(text, start):
        return None
    words = text[start + 1 : cursor]
    if "\n" in words or words.startswith(" ") or words.count(" ") > 3:
        return None
    return Asked(start, cursor, words)


def candidates(members: Iterable[Member], me: Uid, words: str) -> list[Member]:
    """Who may be meant: names that begin so, then names with a word that begins so."""
    wanted = folded(words).strip()
    others = sorted((member for member in members if member.uid != me), key=lambda member: folded(member.name))
    named = [(folded(one_line(member.name)), member) for member in others]
    first = [member for name, member in named if name.startswith(wanted)]
    second = [member for name, member in named if f" {wanted}" in name and member not in first]
    return (first + second)[:SHOWN_MAX]


def found(text: str, members: Iterable[Member]) -> list[Mention]:
    """Where “@Name” of a member stands in a text, in code points; of two names the longer one is meant."""
    names = sorted(((one_line(member.name), member.uid) for member in members), key=lambda each: -len(each[0]))
    made: list[Mention] = []
    place = 0
    while (start := _next_at(text, place)) >= 0:
        place = start + 1
        for name, uid in names:
            end = start + 1 + len(name)
            if name and text[start + 1 : end].casefold() == name.casefold() and _ends(text, end):
                made.append(Mention(uid, start, end - start))
                place = end
                break
    return made


def shifted(mentions: Sequence[Mention], by: int) -> list[Mention]:
    """The same names in a text whose first `by` signs were taken away."""
    return [Mention(each.uid, each.start - by, each.length) for each in mentions if each.start >= by]


def _next_at(text: str, place: int) -> int:
    found_at = [at for sign in AT if (at := text.find(sign, place)) >= 0]
    return next((at for at in sorted(found_at) if _begins(text, at)), _later(text, found_at))


def _later(text: str, places: list[int]) -> int:
    return _next_at(text, min(places) + 1) if places else -1


def _begins(text: str, at: int) -> bool:
    """An address like ann@example is no name: before the sign stands no letter of a script with spaces."""
    return at == 0 or not _binds(text[at - 1])


def _ends(text: str, end: int) -> bool:
    return end >= len(text) or not (_binds(text[end - 1]) and _binds(text[end]))


def _binds(sign: str) -> bool:
    return sign.isalnum() and sign < _WIDE_FROM

"""Which neighbours are shown as one: pictures and films of one author that were sent together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from client.core.model import Bubble, State
from client.ui.viewmodels.rows import Row
from protocol.content import Picture, Video
from protocol.limits import MEDIA_PER_MESSAGE_MAX
from protocol.values import Lid

FAILED = (State.NEEDS_YOU, State.REFUSED)


def album_of(bubble: Bubble) -> str:
    """What the messages of one album have in common; empty for what stands alone."""
    body = bubble.body
    if not isinstance(body, Picture | Video) or bubble.why or bubble.recalled:
        return ""
    return "" if isinstance(body, Video) and body.note else body.album


def gather(bubbles: Sequence[Bubble], broken: Callable[[int], bool]) -> dict[Lid, tuple[Lid, ...]]:
    """The members of each album, for each of them: 2 to 10 neighbours, and what was removed among them is passed over.

    `broken` says of a place that something stands above it: a day, or the line of the unread.
    """
    found: dict[Lid, tuple[Lid, ...]] = {}
    here: list[Bubble] = []
    for place, bubble in enumerate(bubbles):
        if here and bubble.recalled and bubble.uid == here[0].uid and not broken(place):
            continue
        if here and not (_joins(here, bubble) and not broken(place)):
            _close(here, found)
            here = []
        if album_of(bubble):
            here.append(bubble)
    _close(here, found)
    return found


def _joins(here: Sequence[Bubble], bubble: Bubble) -> bool:
    first = here[0]
    return album_of(bubble) == album_of(first) and bubble.uid == first.uid and len(here) < MEDIA_PER_MESSAGE_MAX


def _close(here: Iterable[Bubble], found: dict[Lid, tuple[Lid, ...]]) -> None:
    lids = tuple(bubble.lid for bubble in here)
    if len(lids) > 1:
        found.update(dict.fromkeys(lids, lids))


def spokesman(row: Row) -> Row:
    """The member of an album that says how far all have got: the one that is furthest behind."""
    if not row.album:
        return row
    slowest = min(row.album, key=lambda each: -1 if each.bubble.state in FAILED else each.bubble.state)
    return replace(slowest, place=row.place)


def missing_bytes(row: Row) -> int:
    """How much a download of all that is not here would bring."""
    away = [each for each in row.album if each.face in ("away", "paused")]
    return sum(each.total_bytes - each.done_bytes for each in away)


def captions(row: Row) -> str:
    """The words below an album."""
    said = (getattr(each.bubble.body, "caption", "") for each in row.album)
    return "\n".join(words.strip("\n") for words in said if words.strip())

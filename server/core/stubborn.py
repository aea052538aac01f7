"""A page that a device gets in session after session and never acknowledges: smaller each time, and a gap in the end.

Whatever it is that such a device cannot store, it must not keep everything behind it away (P-81). A line that is too
bad for a long page looks the same from here; a short one may get through. What is pushed into a line proves nothing:
only who asks for the page has heard us in this session.
"""

from __future__ import annotations

from protocol.limits import PAGE_EVENTS, UNREADABLE_AFTER, UNREADABLE_WITHIN_S
from protocol.packets import Gap
from protocol.values import ConvId, Did, Value, replace
from server.core.moves import Page

KEPT = 4_096  # devices and conversations that are remembered; the oldest are forgotten first
SHRINK_BITS = 2  # each further session gets a quarter of the events: 256, 64, 16, 4, 1, and then the gap


class _Tries(Value, frozen=True):
    """Sessions that were given what is behind `from_`, since `first_s`; the last of them."""

    from_: int
    first_s: float
    count: int
    session: int


class Stubborn:
    """What was given to devices lately, in memory only."""

    def __init__(self) -> None:
        self._tries: dict[tuple[Did, ConvId], _Tries] = {}

    def given(self, did: Did, session: int, page: Page, now_s: float) -> Page:
        """The page as it is to be sent: whole, shorter, or with its first event as the gap `unreadable`.

        Only what the device itself asks for counts; history is given as often as somebody asks. `session` is another
        number for each session.
        """
        if not page.events or page.ask.history or not page.ask.pull:
            return page
        tries = self._note((did, page.ask.conv), page.from_, session, now_s)
        if tries.count > UNREADABLE_AFTER:
            return _without_first(page)
        return _shorter(page, max(1, PAGE_EVENTS >> SHRINK_BITS * (tries.count - 1)))

    def heard(self, did: Did, conv: ConvId, upto: int) -> None:
        """The device has stored everything up to there: what it was given before is no trouble to it.

        A copy of a profile asks again for what its original has acknowledged, session after session.
        """
        tries = self._tries.get((did, conv))
        if tries is not None and upto > tries.from_:
            del self._tries[did, conv]

    def _note(self, key: tuple[Did, ConvId], from_: int, session: int, now_s: float) -> _Tries:
        tries = self._tries.pop(key, None)
        if tries is None or tries.from_ != from_ or now_s > tries.first_s + UNREADABLE_WITHIN_S:
            tries = _Tries(from_, now_s, 1, session)
        elif tries.session != session:
            tries = replace(tries, count=tries.count + 1, session=session)
        self._tries[key] = tries
        if len(self._tries) > KEPT:
            del self._tries[next(iter(self._tries))]
        return tries


def _shorter(page: Page, limit: int) -> Page:
    """Up to its event number `limit`; the device asks for the rest."""
    if len(page.events) <= limit:
        return page
    to = page.events[limit - 1].pos
    return replace(page, to=to, events=page.events[:limit], gaps=tuple(gap for gap in page.gaps if gap.last < to))


def _without_first(page: Page) -> Page:
    short = _shorter(page, 1)
    pos = short.events[0].pos
    before = tuple(gap for gap in short.gaps if gap.last < pos)
    return replace(short, to=pos, events=(), gaps=(*before, Gap(pos, pos, "unreadable")))

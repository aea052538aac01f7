"""What is asked of the store, and what it answers: cursors and marks (T3), pages of the log, heads (P-44…P-50)."""

from __future__ import annotations

from protocol.packets import Crowd, Event, Gap, GroupA, Mark, Prefs
from protocol.values import ConvId, Uid, Value
from server.core.values import Identity


class Move(Value, frozen=True, gc=False):
    """A device has stored everything up to `upto`; or, with `read`, the person has read it (P-44, P-73)."""

    who: Identity
    conv: ConvId
    upto: int
    read: bool = False


class Told(Value, frozen=True, gc=False):
    """All that one person is told of the marks of a conversation, as they stand at `rev` (P-50, P-52)."""

    rev: int = 0
    marks: tuple[Mark, ...] = ()
    crowd: Crowd | None = None

    def reached(self, pos: int, but: Uid) -> bool:
        """Whether anybody else has this position."""
        counted = self.crowd is not None and any(step.pos >= pos for step in self.crowd.delivered)
        return counted or any(mark.delivered >= pos for mark in self.marks if mark.by != but)


class Moved(Value, frozen=True, gc=False):
    """Committed: where the cursor stands now, and the person's mark if it climbed; `rev` is the mark's (P-49).

    `tells` says whether others may know what the person has read (P-73).
    `code` is `misuse` for a position above the visible head, or why there is no such conversation.
    """

    move: Move
    cursor: int = 0
    climbed: Mark | None = None
    rev: int = 0
    members: tuple[Uid, ...] = ()
    code: str = ""
    tells: bool = True


class Ask(Value, frozen=True, gc=False):
    """A page of the log, please: positions above `after`; None means from this device's cursor.

    `pull` says that the device itself asked (`offline:R`) and has the marks up to `rev`; with `history` it wants also
    what is older than itself, and nothing of it moves anything (P-63).
    """

    conv: ConvId
    after: int | None
    limit: int
    pull: bool = False
    rev: int = 0
    history: bool = False


class Page(Value, frozen=True, gc=False):
    """Every position p with from_ < p <= to, each once, as this person may see it (P-42, P-70).

    `cursor` is the device's at the server, `head` the last visible position. For a pull also the marks with
    `ask.rev` < rev <= `told.rev`. `code` says why there is nothing to see.
    """

    ask: Ask
    from_: int = 0
    to: int = 0
    head: int = 0
    cursor: int = 0
    events: tuple[Event, ...] = ()
    gaps: tuple[Gap, ...] = ()
    told: Told = Told()
    code: str = ""


class Marks(Value, frozen=True, gc=False):
    """What a person who knows the marks up to `from_` is told of them (P-50)."""

    conv: ConvId
    from_: int
    told: Told


class Bell(Value, frozen=True, gc=False):
    """A doorbell: there is news at `head`. `events` are a copy of the end of the log, never more than that."""

    conv: ConvId
    head: int
    events: tuple[Event, ...]
    members: tuple[Uid, ...]


class MarksBell(Value, frozen=True, gc=False):
    """A doorbell: these marks climbed, all those with from_ < rev <= to.

    What those in `silent` have read is for their own devices only (P-73).
    """

    conv: ConvId
    from_: int
    to: int
    marks: tuple[Mark, ...]
    members: tuple[Uid, ...]
    silent: frozenset[Uid] = frozenset()


class PrefsBell(Value, frozen=True, gc=False):
    """A doorbell for one person's sessions: this is what the person tells from now on (P-73)."""

    prefs: Prefs
    members: tuple[Uid, ...]


class Changed(Value, frozen=True, gc=False):
    """What became of a wish to change a group, and who is to hear of it; `crowds` as for `Chosen`."""

    answer: GroupA
    bells: tuple[Bell | MarksBell, ...] = ()
    crowds: tuple[ConvId, ...] = ()


class Chosen(Value, frozen=True, gc=False):
    """What a person tells from now on, and whose marks look different through it.

    `crowds` are the large conversations whose counts have changed (P-52).
    """

    prefs: Prefs
    bells: tuple[MarksBell, ...] = ()
    crowds: tuple[ConvId, ...] = ()

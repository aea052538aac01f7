"""What is asked of the store, and what it answers: cursors and marks (T3), pages of the log, heads (P-44…P-50)."""

from __future__ import annotations

from protocol.packets import Event, Gap, Mark
from protocol.values import ConvId, Uid, Value
from server.core.values import Identity


class Move(Value, frozen=True, gc=False):
    """A device has stored everything up to `upto`; or, with `read`, the person has read it (P-44, P-73)."""

    who: Identity
    conv: ConvId
    upto: int
    read: bool = False


class Moved(Value, frozen=True, gc=False):
    """Committed: where the cursor stands now, and the person's mark if it climbed; `rev` is the mark's (P-49).

    `code` is `misuse` for a position above the visible head, or why there is no such conversation.
    """

    move: Move
    cursor: int = 0
    climbed: Mark | None = None
    rev: int = 0
    members: tuple[Uid, ...] = ()
    code: str = ""


class Ask(Value, frozen=True, gc=False):
    """A page of the log, please: positions above `after`; None means from this device's cursor.

    `pull` says that the device itself asked (`offline:R`) and has the marks up to `rev`.
    """

    conv: ConvId
    after: int | None
    limit: int
    pull: bool = False
    rev: int = 0


class Page(Value, frozen=True, gc=False):
    """Every position p with from_ < p <= to, each once, as this person may see it (P-42, P-70).

    `cursor` is the device's at the server, `head` the last visible position. For a pull also the marks with
    `ask.rev` < rev <= `rev`. `code` says why there is nothing to see.
    """

    ask: Ask
    from_: int = 0
    to: int = 0
    head: int = 0
    cursor: int = 0
    events: tuple[Event, ...] = ()
    gaps: tuple[Gap, ...] = ()
    rev: int = 0
    marks: tuple[Mark, ...] = ()
    code: str = ""


class Marks(Value, frozen=True, gc=False):
    """All marks of a conversation with from_ < rev <= to (P-50)."""

    conv: ConvId
    from_: int
    to: int
    marks: tuple[Mark, ...]


class Bell(Value, frozen=True, gc=False):
    """A doorbell: there is news at `head`. `events` are a copy of the end of the log, never more than that."""

    conv: ConvId
    head: int
    events: tuple[Event, ...]
    members: tuple[Uid, ...]


class MarksBell(Value, frozen=True, gc=False):
    """A doorbell: these marks climbed, all those with from_ < rev <= to."""

    conv: ConvId
    from_: int
    to: int
    marks: tuple[Mark, ...]
    members: tuple[Uid, ...]

"""Everything that can happen to a session."""

from __future__ import annotations

from typing import TypeAlias

from protocol.codec import Garbled
from protocol.packets import Doing, FromClient, GroupA, Head, Here, MembersA, OpenA, Person, Prefs, Status
from protocol.values import ConvId, Uid, Value
from server.core.acceptance import Answer
from server.core.crowd import CrowdBell
from server.core.moves import Bell, Marks, MarksBell, Moved, Page
from server.core.values import Identity


class Received(Value, frozen=True, gc=False):
    """One frame came in; what could not be read stands in its place."""

    packets: tuple[FromClient | Garbled, ...]


class Identified(Value, frozen=True):
    """Whose token it is; nobody's is None."""

    who: Identity | None


class Begun(Value, frozen=True):
    """T2 is committed and doorbells are attached: the number of this session and the state of things (P-13).

    `away`: the device was not here for so long that it is not pushed to until it pulls (P-48).
    """

    sn: int
    gen: str
    now_ms: int
    heads: tuple[Head, ...]
    prefs: Prefs = Prefs()
    away: bool = False


class Decided(Value, frozen=True, gc=False):
    """T1 is committed. `home`: conversations where a device of another member has a session, a hint (P-51)."""

    answers: tuple[Answer, ...]
    home: frozenset[ConvId]


class Climbed(Value, frozen=True, gc=False):
    """T3 is committed."""

    moved: tuple[Moved, ...]


class Paged(Value, frozen=True, gc=False):
    """A page of the log was read."""

    page: Page


class MarksRead(Value, frozen=True):
    """The marks of a conversation were read."""

    marks: Marks


class HeadsRead(Value, frozen=True):
    """Where everything stands."""

    heads: tuple[Head, ...]


class Stated(Value, frozen=True):
    """What became of the messages asked about."""

    states: tuple[Status, ...]


class PeopleRead(Value, frozen=True):
    """Who is here."""

    people: tuple[Person, ...]


class Opened(Value, frozen=True):
    """A conversation was opened, or not."""

    answer: OpenA


class Changed(Value, frozen=True):
    """A group is as it was wished, or not."""

    answer: GroupA


class MembersRead(Value, frozen=True):
    """The table of members was read."""

    answer: MembersA


class Chosen(Value, frozen=True):
    """What this person tells from now on is stored."""

    prefs: Prefs


class ChoiceRung(Value, frozen=True):
    """A doorbell: the person said at one of the devices what to tell from now on."""

    prefs: Prefs


class CrowdRung(Value, frozen=True):
    """A doorbell: the counts of a large conversation have changed."""

    bell: CrowdBell


class Rung(Value, frozen=True, gc=False):
    """A doorbell: there is news in the log."""

    bell: Bell


class MarksRung(Value, frozen=True, gc=False):
    """A doorbell: marks climbed. `jitter` in [0, 1) spreads what follows in time (P-52)."""

    bell: MarksBell
    jitter: float


class Typed(Value, frozen=True, gc=False):
    """A doorbell: somebody else writes here."""

    conv: ConvId
    uid: Uid
    doing: Doing


class Told(Value, frozen=True, gc=False):
    """Where people are, whom this session watches."""

    people: tuple[Here, ...]


class Replaced(Value, frozen=True):
    """A newer session of the same device began (P-13)."""

    sn: int


class Copied(Value, frozen=True):
    """This device's profile is in use in two places; the device was ended (P-14)."""


class Unsent(Value, frozen=True):
    """So many bytes wait for the other side to read them (P-80)."""

    size_bytes: int


class Heard(Value, frozen=True):
    """Bytes of a frame came in that is not whole yet: a slow line lives (P-15)."""


class Failed(Value, frozen=True):
    """What was asked could not be done; nothing was stored. `code` is a problem's."""

    code: str


class Unread(Value, frozen=True):
    """What was to be pushed could not be read: a page of the log, or `marks`. No device asked for it."""

    conv: ConvId
    marks: bool = False


class StoreLost(Value, frozen=True):
    """A commit reported an error: nobody knows (P-37). `code` is what the disk lacks, as far as that is known."""

    code: str = "store_failed"


class Stopping(Value, frozen=True):
    """The server is about to stop; this client is asked to come back in `retry_ms` (P-80)."""

    retry_ms: int = 0


class Tick(Value, frozen=True):
    """Time passed."""


Event: TypeAlias = (
    Received
    | Identified
    | Begun
    | Decided
    | Climbed
    | Paged
    | MarksRead
    | HeadsRead
    | Stated
    | PeopleRead
    | Opened
    | Changed
    | MembersRead
    | Chosen
    | ChoiceRung
    | CrowdRung
    | Rung
    | MarksRung
    | Typed
    | Told
    | Replaced
    | Copied
    | Unsent
    | Heard
    | Failed
    | Unread
    | StoreLost
    | Stopping
    | Tick
)

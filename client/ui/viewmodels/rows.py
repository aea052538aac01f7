"""What a row of a conversation needs beside its bubble: its place among its neighbours, and what goes on with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from client.core.model import Bubble, Form, State, TransferProgress
from client.ui import words
from protocol.content import Joined, Left, Opened, Ranked, Titled
from protocol.values import Lid, Uid

RUN_GAP_MS = 3 * 60 * 1000
"""Messages of one person less than this apart belong together."""

NOTICES = (Opened, Joined, Left, Titled, Ranked)
"""What the server says: a line in the middle, and nobody's message."""

Face = Literal["none", "away", "loading", "paused", "ready", "gone", "uploading", "stopped"]
"""`paused` is a download that the person stopped, `stopped` an upload that does not move, for whatever reason."""
STUCK = (State.NEEDS_YOU, State.REFUSED, State.LONG_AGO)
WAITING = (State.QUEUED, State.SENDING, State.CANCELLING)
GONE_CODES = ("media_unknown", "media_missing")


@dataclass(eq=False, slots=True)
class Screen:
    """Where the pictures of a film appear that plays in its bubble; `image` is a QImage, None before the first."""

    image: Any = None


@dataclass(frozen=True, slots=True)
class Playing:
    """What is playing: the one voice note or video that sounds now. `screen` shows it if it plays in its bubble."""

    lid: Lid
    position_s: float = 0.0
    duration_s: float = 0.0
    paused: bool = False
    speed: float = 1.0
    screen: Screen | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a bubble stands: first and last of a run, first of a day, first unread."""

    first: bool = True
    last: bool = True
    day: bool = False
    divider: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """Everything that is drawn of one message. `sender` is its author, `peer` the other person of a direct chat.

    Of a notice `sender` is whom it is about and `by` who did it. `gaps` are the reasons why what stood above it is not
    here, `gaps_below` why nothing comes after the last one. `me` is whose window this is, `quoted` who wrote what it
    answers (`quote_gone`: that was removed since), `remover` who took it away, `reactors` the names behind each of
    `bubble.reactions`. `album` are the messages that are shown as one with this one, itself first; the others are
    `folded`: nothing is drawn of them in their own place.
    """

    bubble: Bubble
    place: Place = Place()
    form: Form = "direct"
    sender: str = ""
    peer: str = ""
    progress: TransferProgress | None = None
    playing: Playing | None = None
    expanded: bool = False
    by: str = ""
    gaps: tuple[str, ...] = ()
    gaps_below: tuple[str, ...] = ()
    me: Uid = Uid("")
    quoted: str = ""
    quote_gone: bool = False
    remover: str = ""
    reactors: tuple[tuple[str, ...], ...] = ()
    album: tuple[Row, ...] = ()
    folded: bool = False

    @property
    def lid(self) -> Lid:
        """The bubble's number on this device."""
        return self.bubble.lid

    @property
    def system(self) -> bool:
        """Whether the server says it: a line in the middle, not a bubble."""
        return isinstance(self.bubble.body, NOTICES)

    @property
    def failed(self) -> bool:
        """Whether the person has to decide something."""
        failed = (State.NEEDS_YOU, State.REFUSED)
        return self.bubble.state in failed or any(each.bubble.state in failed for each in self.album)

    @property
    def stuck_change(self) -> bool:
        """Whether something that was to be done to this message did not come about, and the person has to decide."""
        return self.bubble.change in STUCK

    @property
    def waiting_change(self) -> bool:
        """Whether the server has not taken yet what this person did to the message."""
        return self.bubble.change in WAITING

    @property
    def names_me(self) -> bool:
        """Whether somebody else names the person of this window."""
        return not self.bubble.mine and any(mention.uid == self.me for mention in self.bubble.mentions)

    @property
    def face(self) -> Face:
        """Which of its faces a file shows; `none` for what is not a file."""
        bubble, progress = self.bubble, self.progress
        if bubble.attachment is None:
            return "none"
        if bubble.state is State.UPLOADING:
            return "stopped" if bubble.code or bubble.paused else "uploading"
        if bubble.path:
            return "ready"
        if bubble.paused:
            return "paused"
        if bubble.fetching or (progress is not None and progress.way == "down"):
            return "loading"
        return "gone" if bubble.code in GONE_CODES else "away"

    @property
    def done_bytes(self) -> int:
        """How much of its file has gone or come, as far as known."""
        return max(self.progress.done_bytes if self.progress else 0, self.bubble.here_bytes)

    @property
    def total_bytes(self) -> int:
        """How much there is to go or to come."""
        file = self.bubble.attachment
        return (self.progress.total_bytes if self.progress else 0) or (file.size_bytes if file else 0)

    @property
    def share(self) -> float:
        """How much of it is done, 0 to 1."""
        return min(1.0, self.done_bytes / self.total_bytes) if self.total_bytes else 0.0

    @property
    def making(self) -> bool:
        """Whether a smaller copy is being made before the upload."""
        return self.face == "uploading" and self.progress is not None and self.progress.way == "make"


def shown_ms(bubble: Bubble) -> int:
    """The time a bubble is shown under: the server's, or the author's before the server has it."""
    return bubble.ts or bubble.at_ms


def together(first: Bubble, second: Bubble) -> bool:
    """Whether two neighbours belong to one run: same person, same day, less than three minutes apart."""
    if isinstance(first.body, NOTICES) or isinstance(second.body, NOTICES) or first.uid != second.uid:
        return False
    if State.NEEDS_YOU in (first.state, second.state) or State.REFUSED in (first.state, second.state):
        return False
    apart_ms = abs(shown_ms(second) - shown_ms(first))
    return apart_ms < RUN_GAP_MS and words.same_day(shown_ms(first), shown_ms(second))


def place_of(before: Bubble | None, here: Bubble, after: Bubble | None, divider: bool) -> Place:
    """Where `here` stands between its neighbours. Nothing runs across the divider or midnight."""
    new_day = before is None or not words.same_day(shown_ms(before), shown_ms(here))
    first = new_day or divider or before is None or not together(before, here)
    last = after is None or not together(here, after)
    return Place(first=first, last=last, day=new_day, divider=divider)

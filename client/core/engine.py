"""The client's core as a whole: one event in, a list of effects out. It joins the machines and decides nothing else.

Every machine has one shape: `handle(event: Event | Internal, now_s) -> list[Output]` and
`next_wakeup_s() -> float | None`. An `Output` is an effect for the shell, or an event for the other machines
(`Internal`), which the engine feeds to all of them, in order, before it goes on.

| machine | says to the others | hears from the others |
|---|---|---|
| Link | SessionUp, SessionDown, Said | Unanswered |
| Inbox | MembersNow, AskRoster, OlderMissing, Placed | SessionUp, SessionDown, Said, Pull, Rewound |
| Outbox | Placed | SessionUp, SessionDown, Said, Compose, Rewound |
| Marks | Pull, AskRoster | SessionUp, SessionDown, Said, MembersNow, Placed, Rewound |
| Inquiry, Directory | Pull | SessionUp, SessionDown, Said |
| Groups | | SessionUp, SessionDown, Said, AskRoster |
| History | | SessionUp, SessionDown, Said, OlderMissing, Rewound |
| Choices, Watcher, Typists | | SessionUp, SessionDown, Said |
| Transfers | Compose (when its upload is complete, P-3) | SessionUp, SessionDown |

The link alone hears the wire. It answers `welcome` with SessionUp, and what is said behind it with one `Said` a
frame; packets of older wires and from before the welcome go nowhere (P-12). A session of another generation is held
back until this device has fallen back to what the server still knows (P-69); then it begins in the order of P-17:
pulls, waiting messages in lane order with their cancels, what this person tells and then marks, questions, transfers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from client.core.choices import Choices
from client.core.directory import Directory
from client.core.effects import Effect, Output, SaveDropped, Told
from client.core.events import (
    INTERNAL,
    Attach,
    Cancel,
    Compose,
    Event,
    Heard,
    Internal,
    OnNetwork,
    OwnAbove,
    Quit,
    Received,
    Said,
    SessionDown,
    SessionUp,
    Unanswered,
    WireDown,
    WireUp,
)
from client.core.generation import Generation
from client.core.groups import Groups
from client.core.history import History
from client.core.inbox import Inbox
from client.core.inquiry import Inquiry
from client.core.link import Link
from client.core.marks import Marks
from client.core.model import Memory
from client.core.outbox import Outbox
from client.core.presence import Watcher
from client.core.transfers import Transfers
from client.core.typists import Typists
from protocol.ladder import Ladder
from protocol.values import Lid


class Machine(Protocol):
    """One noun of the core."""

    def handle(self, event: Event | Internal, now_s: float) -> list[Output]: ...
    def next_wakeup_s(self) -> float | None: ...


class Engine:
    """All machines of one profile. Built from what was written down, and again after a save that failed.

    Args:
        memory: the disk; `memory.me` is known.
        ladder: the schedule of tries.
        now_ms: the wall clock, which is asked once and only finds what waited for seven days (P-58).
        roll: dice in [0, 1), seeded in a simulated world: for the wait before calling again, and for the polls.
    """

    def __init__(self, memory: Memory, ladder: Ladder, now_ms: int, roll: Callable[[], float]) -> None:
        assert memory.me is not None
        self._marks = Marks(memory)
        self._outbox = Outbox(memory, ladder, now_ms)
        self._inbox = Inbox(memory, roll, self._marks.rev_of, self._outbox.echo)
        self._inquiry = Inquiry(self._outbox.key_of)
        self._link = Link(memory.me, roll, self._inbox.summary)
        self._waits_since_s: float | None = None
        self._generation = Generation(memory.me.gen, lambda: (*self._inbox.convs(), *self._outbox.convs()))
        self._others: tuple[Machine, ...] = (
            self._inbox,
            self._outbox,
            Choices(memory),  # before the reads that they are about
            self._marks,
            self._inquiry,
            Directory(),
            Groups(memory),
            History(memory),
            Watcher(),
            Typists(),
            Transfers(memory.me.uid, memory.uploads),
        )

    def handle(self, event: Event, now_s: float) -> list[Effect]:
        """What is to be done about this event, in order. `now_s` is monotonic and never falls."""
        return self._react(event, now_s) + self._say_what_waits(now_s)

    def next_wakeup_s(self) -> float | None:
        """When a `Tick` is due, in seconds of the caller's monotonic clock."""
        wakeups = [machine.next_wakeup_s() for machine in (self._link, *self._others)]
        return min((due_s for due_s in wakeups if due_s is not None), default=None)

    def _react(self, event: Event, now_s: float) -> list[Effect]:
        match event:
            case WireUp() | Received() | WireDown() | Heard() | OnNetwork():
                return self._pass_on(self._link.handle(event, now_s), now_s)
            case OwnAbove(own):
                return self._pass_on(self._generation.found(own), now_s)
            case Quit():
                return self._tell(event, now_s) + self._pass_on(self._link.handle(event, now_s), now_s)
            case Cancel(lid):
                return self._cancel(event, lid, now_s)
            case Compose(lid, conv) | Attach(lid, conv) if not self._inbox.may_write(conv):
                return [Told("not_member", lid)]
        return self._pass_on(self._link.handle(event, now_s), now_s) + self._tell(event, now_s)

    def _cancel(self, event: Event, lid: Lid, now_s: float) -> list[Effect]:
        """What neither waits in a lane nor is on its way up cannot be cancelled any more."""
        waits = self._outbox.waits(lid)
        effects = self._tell(event, now_s)
        if not waits and not any(isinstance(effect, SaveDropped) for effect in effects):
            effects.append(Told("not_possible_now", lid))
        return effects

    def _tell(self, event: Event | Internal, now_s: float) -> list[Effect]:
        """Feed an event to all machines but the link."""
        return [effect for machine in self._others for effect in self._pass_on(machine.handle(event, now_s), now_s)]

    def _pass_on(self, outputs: list[Output], now_s: float) -> list[Effect]:
        """Keep the effects in order; what is for other machines is dealt with in its place."""
        effects: list[Effect] = []
        for output in outputs:
            if isinstance(output, INTERNAL):
                effects += self._route(output, now_s)
            else:
                effects.append(output)
        return effects

    def _route(self, event: Internal, now_s: float) -> list[Effect]:
        """Everybody hears it, unless a session is held back: then only the generation listens (P-69)."""
        match event:
            case SessionUp() if event.welcome.gen != self._generation.gen:
                return self._pass_on(self._generation.greet(event), now_s)
            case SessionDown() if self._generation.holds:
                self._generation.drop()
                return []
            case Said(packets) if self._generation.holds:
                answers = [self._generation.hear(packet) for packet in packets]
                return [effect for answer in answers for effect in self._pass_on(answer, now_s)]
        return self._tell(event, now_s)

    def _say_what_waits(self, now_s: float) -> list[Effect]:
        """The link must know since when the oldest of all that was asked waits for its answer (P-15)."""
        asked = (self._outbox, self._inbox, self._inquiry)
        waits = [machine.unanswered_since_s() for machine in asked]
        since_s = min((waits_s for waits_s in waits if waits_s is not None), default=None)
        if since_s == self._waits_since_s:
            return []
        self._waits_since_s = since_s
        return self._pass_on(self._link.handle(Unanswered(since_s), now_s), now_s)

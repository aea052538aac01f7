"""Defects, each planted alone: the tests of section 22 that are about it must fail, or they show nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Any

from client.adapters.sqlite_saves import Saver
from client.core import inbox
from client.core.inbox import Inbox
from client.core.outbox import Outbox
from client.core.probes import Probes
from protocol.ladder import Climb
from server.core.delivery import Promises
from tests.conformance import scene
from tests.simulation import clients
from tests.simulation.mutants import MUTANTS, swap

NEVER_S = float("inf")


def no_second_try(stack: ExitStack) -> None:
    """What was sent once is never sent again in a session."""
    stack.enter_context(swap(Climb, "stepped", lambda self, ladder, now_s: Climb(self.tries + 1, NEVER_S)))


def no_probes(stack: ExitStack) -> None:
    """What the server has taken is never asked about."""
    stack.enter_context(swap(Probes, "due", lambda self, now_s: ([], [])))
    stack.enter_context(swap(Probes, "next_wakeup_s", lambda self: None))


def asks_early(stack: ExitStack) -> None:
    """One try, then the question, whatever the settings say."""
    stack.enter_context(swap(Climb, "exhausted", lambda self, ladder: self.tries >= 1))


def acknowledges_once(stack: ExitStack) -> None:
    """An acknowledgement is never said again, in no session."""
    honest, shelf_of = Inbox._ack_due, inbox._shelf_of

    def once(self: Any, shelf: Any, now_s: float) -> Any:
        said = honest(self, shelf, now_s)
        shelf.ack_due_s = None if said[0] else shelf.ack_due_s
        return said

    def silent(room: Any) -> Any:
        shelf = shelf_of(room)
        shelf.ack_due_s = None
        return shelf

    stack.enter_context(swap(Inbox, "_ack_due", once))
    stack.enter_context(swap(inbox, "_shelf_of", silent))


def pulls_once(stack: ExitStack) -> None:
    """A pull without an answer is not said again, and nobody asks where there is news (P-46)."""
    honest = Inbox._pulls_due

    def once(self: Any, now_s: float) -> Any:
        packets = honest(self, now_s)
        self._pulls = {conv: (sent_s, NEVER_S) for conv, (sent_s, _) in self._pulls.items()}
        return packets

    def never(self: Any, now_s: float) -> None:
        self._heads_due_s = NEVER_S

    stack.enter_context(swap(Inbox, "_pulls_due", once))
    stack.enter_context(swap(Inbox, "_plan_poll", never))


def no_cursor(stack: ExitStack) -> None:
    """What came before is stored and shown once more (P-43; planted with the unique indexes off)."""
    _without_indexes(stack)
    take = Inbox._take

    def again(self: Any, frame: Any, now_s: float) -> Any:
        shelf = self._shelf(frame.conv)
        if frame.from_ < shelf.cursor:
            cursor, shelf.cursor = shelf.cursor, frame.from_
            outputs = take(self, frame, now_s)
            shelf.cursor = max(cursor, shelf.cursor)
            return outputs
        return take(self, frame, now_s)

    stack.enter_context(swap(Inbox, "_take", again))


def echo_drawn(stack: ExitStack) -> None:
    """What comes back of one's own is drawn once more (planted with the unique indexes off)."""
    _without_indexes(stack)
    stack.enter_context(swap(Outbox, "echo", lambda self, conv, events, now_s: ((), [])))


def _without_indexes(stack: ExitStack) -> None:
    connection = stack.enter_context(closing(clients.in_memory()))
    connection.deserialize(clients.BLANK)
    connection.execute("drop index bubble_dg")
    connection.execute("drop index bubble_pos")
    stack.enter_context(swap(scene, "BLANK", bytes(connection.serialize())))
    stack.enter_context(swap(Saver, "_event", lambda self, conv, event: self._new_bubble(conv, event)))


def no_promise(stack: ExitStack) -> None:
    """The server never says that it keeps a message."""
    stack.enter_context(swap(Promises, "accepted", lambda self, *args, **facts: None))


PLANTS: dict[str, tuple[Callable[[ExitStack], None], tuple[str, ...]]] = {
    "no second try": (no_second_try, ("msg_R_lost_online", "msg_R_lost_offline", "msg_R_lost_crashing")),
    "no probes": (no_probes, ("msg_A_lost_offline", "ack_N_lost_offline")),
    "asks early": (asks_early, ("msg_R_lost_online", "msg_R_late_online")),
    "acknowledges once": (acknowledges_once, ("ack_R_lost_online", "ack_R_lost_offline", "ack_R_lost_crashing")),
    "pulls once": (pulls_once, ("msg_N_lost_offline",)),
    "no cursor": (no_cursor, ("msg_N_twice_online", "msg_N_twice_offline")),
    "no promise": (no_promise, ("msg_N_lost_online", "ack_N_twice_offline")),
    "a known number is ignored": (MUTANTS["B2"], ("msg_A_lost_offline", "ack_N_lost_offline")),
    "acknowledges before it is stored": (MUTANTS["B22"], ("msg_N_lost_crashing",)),
    "the cursor moves on write": (MUTANTS["B21"], ("ack_R_lost_crashing",)),
    "applies what lies ahead": (MUTANTS["B23"], ("msg_N_lost_online", "msg_N_late_online")),
    "marks fall": (MUTANTS["B32"], ("ack_N_late_online", "ack_N_late_crashing")),
    "stored is delivered": (MUTANTS["B36"], ("msg_R_lost_offline",)),
    "the echo is a second bubble": (echo_drawn, ("msg_A_lost_online", "msg_A_late_online")),
}
"""The defect, and some of the tests that must fail over it."""


@contextmanager
def planted(name: str) -> Iterator[None]:
    """The program with this defect in it."""
    with ExitStack() as stack:
        PLANTS[name][0](stack)
        yield

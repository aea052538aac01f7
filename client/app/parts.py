"""What the shell is built from: one part for each port, chosen by the bootstrap."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from client.core.effects import Effect
from client.core.events import Event
from client.core.model import Memory
from client.ports import Accounts, Clock, Dice, Media, Messages, Wire, WireListener, Worker
from protocol.ladder import Ladder


class Machine(Protocol):
    """The core, as the shell sees it: one event in, effects out, and when it wants to be woken."""

    def handle(self, event: Event, now_s: float) -> list[Effect]: ...
    def next_wakeup_s(self) -> float | None: ...


MakeMachine: TypeAlias = Callable[[Memory, Ladder, int], Machine]
"""Builds the core from what was remembered, the ladder of the settings, and the wall clock in milliseconds."""


@dataclass(frozen=True, slots=True)
class Parts:
    """One part a port, and the way to build the core."""

    messages: Messages
    open_wire: Callable[[WireListener], Wire]
    media: Media
    worker: Worker
    accounts: Accounts
    clock: Clock
    dice: Dice
    make: MakeMachine

"""Whose data is the server serving? After a restored backup everything falls back to a common base (P-69)."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from client.core.effects import FindOwnAbove, Output, SaveGeneration, Send
from client.core.events import Rewound, SessionUp
from client.core.model import Own
from protocol.packets import HeadsA, HeadsR, Welcome
from protocol.values import ConvId, replace


class Generation:
    """Holds a session back until this device agrees with the server's generation.

    `gen` is the one that was written down, empty before the first session; `known` are the conversations of this
    device. What a restored server has forgotten is looked up first, so that offering it again and the new
    generation are written together.
    """

    def __init__(self, gen: str, known: Callable[[], Iterable[ConvId]]) -> None:
        self.gen, self._known = gen, known
        self._held: SessionUp | None = None
        self._bases: dict[ConvId, int] | None = None

    @property
    def holds(self) -> bool:
        """Whether a session waits to begin."""
        return self._held is not None

    def greet(self, up: SessionUp) -> list[Output]:
        """A session of another generation begins: put things right first."""
        assert up.welcome.gen != self.gen
        self.drop()
        if not self.gen:
            self.gen = up.welcome.gen
            return [SaveGeneration(self.gen, ()), up]
        self._held = up
        if up.welcome.same:
            return [Send(up.wire, (HeadsR(sum=""),))]
        return self._look_up(up.welcome)

    def hear(self, packet: object) -> list[Output]:
        """The list of heads, if the welcome did not bring it."""
        if self._held is None or self._bases is not None or not isinstance(packet, HeadsA) or packet.same:
            return []
        welcome = replace(self._held.welcome, same=False, heads=packet.heads)
        self._held = replace(self._held, welcome=welcome)
        return self._look_up(welcome)

    def found(self, own: tuple[Own, ...]) -> list[Output]:
        """What is to be offered again is known: fall back, and let the session begin."""
        if self._held is None or self._bases is None:
            return []
        up, bases = self._held, self._bases
        self.drop()
        self.gen = up.welcome.gen
        return [Rewound(self.gen, bases, own), SaveGeneration(self.gen, tuple(sorted(bases.items()))), up]

    def drop(self) -> None:
        """The session is over before it began."""
        self._held = self._bases = None

    def _look_up(self, welcome: Welcome) -> list[Output]:
        bases = dict.fromkeys(self._known(), 0)
        bases |= {head.conv: min(head.base, head.head) for head in welcome.heads}
        self._bases = bases
        return [FindOwnAbove(tuple(sorted(bases.items())))]

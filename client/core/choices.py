"""What this person tells others: chosen on any device, kept by the server, the same on all of them (P-73)."""

from __future__ import annotations

from client.core.effects import Output, PrefsKnown, SavePrefs, Send
from client.core.events import Event, Internal, Said, SessionDown, SessionUp, SetPrefs
from client.core.model import Memory
from protocol.limits import ANSWER_WAIT_S
from protocol.packets import Prefs, PrefsA, PrefsR


class Choices:
    """The machine of the choices. A wish of this device counts until the server has confirmed it, also offline."""

    def __init__(self, memory: Memory) -> None:
        self._wire: int | None = None
        self._wish = memory.prefs_wish
        self._due_s = 0.0

    def handle(self, event: Event | Internal, now_s: float) -> list[Output]:
        outputs = self._react(event)
        if self._wire is not None and self._wish is not None and self._due_s <= now_s:
            self._due_s = now_s + ANSWER_WAIT_S
            outputs.append(Send(self._wire, (PrefsR(prefs=self._wish),)))
        return outputs

    def next_wakeup_s(self) -> float | None:
        """When the wish is said again."""
        return None if self._wire is None or self._wish is None else self._due_s

    def _react(self, event: Event | Internal) -> list[Output]:
        match event:
            case SetPrefs(prefs):
                self._wish, self._due_s = prefs, 0.0
                return [SavePrefs(prefs)]
            case SessionUp(wire, welcome):
                self._wire, self._due_s = wire, 0.0
                return self._heard(welcome.prefs)
            case SessionDown():
                self._wire = None
            case Said(packets):
                return [
                    output for packet in packets if isinstance(packet, PrefsA) for output in self._heard(packet.prefs)
                ]
        return []

    def _heard(self, prefs: Prefs) -> list[Output]:
        """What another device chose before ours arrives is not what the person chose last."""
        if self._wish is None:
            return [PrefsKnown(prefs)]
        if self._wish != prefs:
            return []
        self._wish = None
        return [SavePrefs(None), PrefsKnown(prefs)]

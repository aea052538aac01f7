"""What a bad network does to frames: judges for the proxy, each with its own dice."""

from __future__ import annotations

from random import Random

from tests.faults.proxy import Cut, Hold, Hop, Keep, Lose, Verdict

ONCE_PER_LINE = frozenset({"hello", "welcome"})
"""No network doubles a frame of a TCP stream. The contract forgives it all the same, but for hello (P-12)."""


def without(hop: Hop, *kinds: str) -> Verdict:
    """Take packets of these kinds out of a frame."""
    packets = hop.frame.packets
    left = [packet for packet in packets if packet.get("t") not in kinds]
    if len(left) == len(packets):
        return Keep(hop.frame)
    return Keep(hop.frame.saying(left)) if left else Lose()


class Losing:
    """Loses the first packet of a kind on each line, wherever it stands in its frame (F-4)."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._lines: set[int] = set()
        self._tries: dict[tuple[int, object, object], int] = {}
        self.lost = 0

    @property
    def tries(self) -> int:
        """How often the same message was sent on one line, at most."""
        return max(self._tries.values(), default=0)

    def __call__(self, hop: Hop) -> Verdict:
        packets = hop.frame.packets
        for packet in packets:
            if packet.get("t") == "msg:R" and not packet.get("probe"):
                key = (hop.passage, packet.get("conv"), packet.get("n"))
                self._tries[key] = self._tries.get(key, 0) + 1
        if hop.passage in self._lines or self._kind not in hop.frame.types:
            return Keep(hop.frame)
        self._lines.add(hop.passage)
        self.lost += 1
        place = hop.frame.types.index(self._kind)
        left = packets[:place] + packets[place + 1 :]
        return Keep(hop.frame.saying(left)) if left else Lose()


class Doubling:
    """Doubles frames up to five times, and lets some come again in a later session (F-6)."""

    def __init__(self, dice: Random) -> None:
        self._dice = dice

    def __call__(self, hop: Hop) -> Verdict:
        if ONCE_PER_LINE & set(hop.frame.types):
            return Keep(hop.frame)
        if self._dice.random() < 0.1:
            return Hold(hop.frame)
        return Keep(hop.frame, copies=self._dice.randint(1, 5))


class Overtaking:
    """Delays some frames for up to three seconds, so that later ones come first, and some beyond the session (F-7)."""

    def __init__(self, dice: Random) -> None:
        self._dice = dice

    def __call__(self, hop: Hop) -> Verdict:
        if ONCE_PER_LINE & set(hop.frame.types):
            return Keep(hop.frame)
        roll = self._dice.random()
        if roll < 0.08:
            return Hold(hop.frame)
        return Keep(hop.frame, delay_s=self._dice.uniform(0.05, 3.0) if roll < 0.5 else 0.0)


class Late:
    """Holds the first frame with such a packet until the next session (F-8)."""

    def __init__(self, kind: str) -> None:
        self._kind, self._held = kind, False

    def __call__(self, hop: Hop) -> Verdict:
        if self._held or self._kind not in hop.frame.types:
            return Keep(hop.frame)
        self._held = True
        return Hold(hop.frame)


class Storm:
    """Everything at once, each with its own chance; for campaigns."""

    def __init__(self, dice: Random, *, lose: float = 0.0, double: float = 0.0, late: float = 0.0, hold: float = 0.0,
                 cut: float = 0.0, packet: float = 0.0) -> None:  # fmt: skip
        self._dice = dice
        chances = {"lose": lose, "double": double, "late": late, "hold": hold, "cut": cut, "packet": packet}
        self._chances = tuple(chances.items())

    @staticmethod
    def none(hop: Hop) -> Verdict:
        """No storm."""
        return Keep(hop.frame)

    def __call__(self, hop: Hop) -> Verdict:
        roll = self._dice.random()
        for what, chance in self._chances:
            if roll < chance:
                return self._spoil(what, hop)
            roll -= chance
        return Keep(hop.frame)

    def _spoil(self, what: str, hop: Hop) -> Verdict:
        greeting = bool(ONCE_PER_LINE & set(hop.frame.types))
        match what:
            case "lose":
                return Lose()
            case "cut":
                return Cut(self._dice.random())
            case "packet" if len(hop.frame.packets) > 1 and not greeting:
                packets = hop.frame.packets
                del packets[self._dice.randrange(len(packets))]
                return Keep(hop.frame.saying(packets))
            case "double" if not greeting:
                return Keep(hop.frame, copies=self._dice.randint(2, 5))
            case "late" if not greeting:
                return Keep(hop.frame, delay_s=self._dice.uniform(0.01, 2.0))
            case "hold" if not greeting:
                return Hold(hop.frame)
        return Keep(hop.frame)

"""What the log says about packets and saves: short names and numbers, never the text of a message."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from client.core.effects import Save
from protocol.codec import Garbled
from protocol.packets import Packet

SHORT = 6


class packets_line:
    """A line about packets that is only put together if the log is on: `msg:R c7/42, ack:R c7 upto 910`."""

    def __init__(self, packets: Sequence[Packet | Garbled]) -> None:
        self._packets = packets

    def __str__(self) -> str:
        return ", ".join(map(_packet, self._packets))


class saves_line:
    """The same for what is written down: `Settled lid 5 accepted`."""

    def __init__(self, saves: Iterable[Save]) -> None:
        self._saves = saves

    def __str__(self) -> str:
        return ", ".join(map(_save, self._saves))


def _packet(packet: Packet | Garbled) -> str:
    if isinstance(packet, Garbled):
        return f"garbled {packet.code} {packet.type}"
    words = [str(packet.__struct_config__.tag)]  # as on the wire: msg:R
    conv = getattr(packet, "conv", "")
    if conv:
        n = getattr(packet, "n", 0)
        words.append(f"{conv[:SHORT]}/{n}" if n else str(conv[:SHORT]))
    for field in ("upto", "from_", "to", "pos", "stored", "code", "last", "close"):
        if value := getattr(packet, field, None):
            words.append(f"{field.rstrip('_')} {value}")
    return " ".join(words)


def _save(save: Save) -> str:
    words = [type(save).__name__.removeprefix("Save").lower()]
    for field in ("lid", "conv", "n", "cursor", "upto", "rev", "code"):
        if value := getattr(save, field, None):
            words.append(f"{field} {value[:SHORT] if field == 'conv' else value}")
    if (state := getattr(save, "state", None)) is not None:
        words.append(state.word)
    return " ".join(words)

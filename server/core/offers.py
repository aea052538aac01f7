"""What one session offers to the store, and in which words it is answered (section 6).

A pure machine: what holds together is offered, what does not is turned away at the door, where nothing is stored.
"""

from __future__ import annotations

from protocol.codec import from_text
from protocol.lanes import DIGEST_BYTES, digest
from protocol.limits import BUSY_RETRY_MS, MEDIA_PER_MESSAGE_MAX, UNANSWERED_MAX
from protocol.packets import MsgA, MsgR, Nack, VoidA, VoidR
from protocol.values import ConvId, Digest
from server.core.acceptance import CANCELLED, MESSAGE, Answer, Offer, Removed, Settled, Taken, Turned
from server.core.values import ID_MAX_CHARS, Identity

WAITING_MAX = 4 * UNANSWERED_MAX  # offers of one session at the store; more are turned away (P-26, P-79)
SPOILED_MAX = 3  # exceptions over the same packet, then it is refused for good (P-39)


class Offers:
    """The offers of one session: those that gather for the store, and how many are there already."""

    __slots__ = ("_gathered", "_spoiled", "_waiting")

    def __init__(self) -> None:
        self._gathered: list[Offer] = []
        self._waiting = 0
        self._spoiled: dict[tuple[ConvId, int, Digest], int] = {}

    def add(self, who: Identity, packet: MsgR | VoidR) -> Nack | None:
        """Offer the packet with the next batch; or say why not (P-26)."""
        content = _content(packet)
        if content is None or not packet.n or len(packet.conv) > ID_MAX_CHARS:
            return turned(packet, "packet")
        if self._waiting + len(self._gathered) >= WAITING_MAX:
            return turned(packet, "busy", BUSY_RETRY_MS)
        spoiled = bool(self._spoiled) and self._spoiled.get(_key(packet), 0) >= SPOILED_MAX
        self._gathered.append(Offer(who, packet, content, spoiled))
        return None

    def take(self) -> tuple[Offer, ...]:
        """What has gathered, on its way to the store."""
        gathered, self._gathered = tuple(self._gathered), []
        self._waiting += len(gathered)
        return gathered

    def drop(self) -> None:
        """The session ends: nothing more is offered."""
        self._gathered.clear()

    def landed(self, count: int) -> None:
        """The store has answered so many."""
        self._waiting -= count

    def answered(self, answer: Answer) -> MsgA | VoidA | Nack:
        """An answer of the store in the words of the wire."""
        packet = answer.offer.packet
        conv, n, dg = packet.conv, packet.n, packet.dg
        match answer:
            case Taken(_, event, _):
                return MsgA(conv, n, event.pos, dg, event.ts, n, dg)
            case Settled():
                return _settled(answer)
            case Removed(_, last, ld):
                return MsgA(conv, n, 0, dg, 0, last, ld, gone=True)
            case Turned(_, code, last, ld):
                return Nack(code, conv, n, dg, last=last, ld=ld)
            case spoiled:
                return self._spoil(packet, spoiled.code)

    def _spoil(self, packet: MsgR | VoidR, code: str) -> Nack:
        """Our own mistake is counted; the third one over the same packet refuses it for good (P-39)."""
        if code == "internal":
            self._spoiled[_key(packet)] = self._spoiled.get(_key(packet), 0) + 1
        return turned(packet, code, BUSY_RETRY_MS)


def turned(packet: MsgR | VoidR, code: str, retry_ms: int = 0) -> Nack:
    """Turned away at the door: nothing is stored, and the number stays free (P-26)."""
    return Nack(code, packet.conv, packet.n, packet.dg, retry_ms=retry_ms)


def _settled(answer: Settled) -> MsgA | VoidA | Nack:
    """The stored answer (P-27), for a number that was given away now or long ago."""
    conv, n, shown = answer.offer.packet.conv, answer.offer.packet.n, answer.shown
    if shown.kind == CANCELLED:
        return VoidA(conv, n, shown.dg, answer.last, answer.ld)
    if shown.kind == MESSAGE:
        return MsgA(conv, n, shown.pos, shown.dg, answer.ts, answer.last, answer.ld)
    return Nack(shown.code, conv, n, shown.dg, final=True, last=answer.last, ld=answer.ld)


def _content(packet: MsgR | VoidR) -> bytes | None:
    """The content bytes, if the packet holds together: sizes of its names, and `dg` over the content (P-5).

    A packet whose digest cannot be compared with anything must at least have one.
    """
    if isinstance(packet, VoidR) or (packet.probe and not packet.content):
        content = _bytes(packet.dg)
        return b"" if content is not None and len(content) == DIGEST_BYTES else None
    named = (packet.suite, *packet.media)
    if len(packet.media) > MEDIA_PER_MESSAGE_MAX or max(map(len, named)) > ID_MAX_CHARS:
        return None
    content = _bytes(packet.content)
    return content if content is not None and digest(packet.conv, content) == packet.dg else None


def _bytes(text: str) -> bytes | None:
    try:
        return from_text(text)
    except ValueError:
        return None


def _key(packet: MsgR | VoidR) -> tuple[ConvId, int, Digest]:
    return packet.conv, packet.n, packet.dg

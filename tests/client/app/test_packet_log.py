"""What the log says about packets and saves."""

from __future__ import annotations

from client.app.packet_log import packets_line, saves_line
from client.core.effects import SaveSettled
from client.core.model import State
from protocol.codec import Garbled
from protocol.packets import AckN, AckR, MsgR, Packet, Ping
from protocol.values import ConvId, Digest, Lid

CONV = ConvId("c7xyzabc")


def test_the_log_never_has_the_text_of_a_message() -> None:
    packets: list[Packet | Garbled] = [
        MsgR(conv=CONV, n=42, pd=Digest(""), dg=Digest("dg"), content="SECRET"),
        AckR(conv=CONV, upto=910),
        AckN(conv=CONV, n=42, pos=910, stored="offline"),
        Ping("x"),
        Garbled("packet", "msg:N", "SECRET"),
    ]
    line = str(packets_line(packets))
    assert line == (
        "msg:R c7xyza/42, ack:R c7xyza upto 910, ack:N c7xyza/42 pos 910 stored offline, ping, garbled packet msg:N"
    )
    saved = SaveSettled(Lid(5), CONV, State.ACCEPTED, pos=9, ts=1, seen_last=1)
    assert str(saves_line([saved])) == "settled lid 5 conv c7xyza accepted"

"""The proof itself: what the measurements would find if a message were lost, doubled or out of order."""

from __future__ import annotations

from protocol.codec import from_client, write
from protocol.packets import MsgR
from protocol.values import ConvId, Uid
from tests.benchmarks.framing import Unframer, framed
from tests.benchmarks.messages import Messages
from tests.benchmarks.pairs import AckN, Event, Mark, MsgA, MsgN, Receiver, Sender, findings
from tests.benchmarks.trace import ordered

CONV, ALICE, BOB = ConvId("talk"), Uid("alice"), Uid("bob")


def pair(said: int = 3) -> tuple[Sender, Receiver]:
    sender = Sender(CONV, ALICE, Messages(CONV, ALICE, 0), lambda: 0.0)
    sender.refills = False
    for _ in range(said):
        sender.say()
    return sender, Receiver(CONV, sender, lambda: 0.0)


def event(sender: Sender, n: int, pos: int) -> Event:
    return Event(pos, "7", n, sender.messages.digests[n - 1])


def accept(sender: Sender, *positions: int) -> None:
    for n, pos in enumerate(positions, start=1):
        sender.hear(MsgA(n, pos, sender.messages.digests[n - 1]))


def test_messages_are_true_packets_in_one_chain() -> None:
    sender, _ = pair(2)
    frame = b"[" + b",".join(sender.turn()) + b"]"
    first, second = from_client.read(frame)
    assert isinstance(first, MsgR)
    assert isinstance(second, MsgR)
    assert (first.n, second.n, first.pd, second.pd) == (1, 2, "", first.dg)
    assert write([first, second]) == frame, "the server reads it the fast way"


def test_what_arrives_once_and_in_order_is_fine() -> None:
    sender, receiver = pair()
    accept(sender, 1, 2, 3)
    receiver.hear(MsgN(0, 3, [event(sender, n, n) for n in (1, 2, 3)]))
    assert receiver.turn() == [b'{"t":"ack:R","conv":"talk","upto":3}']
    sender.hear(AckN([Mark(BOB, 3)]))
    assert findings(sender, receiver) == []


def test_a_lost_message_is_found() -> None:
    sender, receiver = pair()
    accept(sender, 1, 2, 3)
    receiver.hear(MsgN(0, 2, [event(sender, n, n) for n in (1, 2)]))
    sender.hear(AckN([Mark(BOB, 3)]))
    assert "sent 3, accepted 3, delivered 2, done 3" in findings(sender, receiver)


def test_a_doubled_message_is_found() -> None:
    sender, receiver = pair()
    accept(sender, 1, 2, 3)
    receiver.hear(MsgN(0, 2, [event(sender, 1, 1), event(sender, 1, 2)]))
    assert "message 1 came, expected 2" in findings(sender, receiver)


def test_a_frame_that_leaves_something_out_is_found() -> None:
    sender, receiver = pair()
    receiver.hear(MsgN(0, 3, [event(sender, 1, 1), event(sender, 2, 3)]))
    receiver.hear(MsgN(4, 5, [event(sender, 3, 5)]))
    found = findings(sender, receiver)
    assert "msg:N (0, 3] does not continue 0" in found
    assert "msg:N (4, 5] does not continue 3" in found


def test_only_the_mark_of_the_other_one_makes_a_message_done() -> None:
    sender, _ = pair()
    accept(sender, 1, 2, 3)
    sender.hear(AckN([Mark(ALICE, 3)]))
    sender.hear(AckN(stored="offline"))
    assert sender.done == 0
    sender.hear(AckN([Mark(BOB, 2)]))
    assert sender.done == 2


def test_frames_survive_being_cut_anywhere() -> None:
    payloads = [b"a" * size for size in (0, 125, 126, 65_535, 65_536)]
    stream = b"".join(framed(payload, masked=size % 2 == 0) for size, payload in enumerate(payloads))
    for step in (1_000, 65_537, len(stream)):
        unframer = Unframer()
        got = [one for at in range(0, len(stream), step) for one in unframer.feed(stream[at : at + step])]
        assert got == payloads


def test_a_sync_counts_only_between_its_message_and_the_answer() -> None:
    trace = [
        '11 read(9<socket:[1]>, "...msg:R...", 65536) = 400',
        "12 fdatasync(5</data/hexagram.sqlite-wal> <unfinished ...>",
        "12 <... fdatasync resumed>) = 0",
        '11 write(9<socket:[1]>, "...msg:A...", 120) = 120',
        "12 fdatasync(5</data/hexagram.sqlite-wal> <unfinished ...>",
        '11 read(9<socket:[1]>, "...msg:R...", 65536) = 400',
        "12 <... fdatasync resumed>) = 0",
        '11 write(9<socket:[1]>, "...msg:A...", 120) = 120',
    ]
    assert ordered(trace) == {"accepted": 2, "after_a_sync": 1}

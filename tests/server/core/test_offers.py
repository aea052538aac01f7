"""What one session offers to the store, and in which words it is answered."""

from __future__ import annotations

import pytest

from protocol.limits import BUSY_RETRY_MS, MEDIA_PER_MESSAGE_MAX
from protocol.packets import MsgA, MsgR, Nack, VoidA, VoidR
from protocol.values import ConvId, Digest, MediaId, replace
from server.core.acceptance import CANCELLED, MESSAGE, REFUSED, Answer, Removed, Settled, Slot, Spoiled, Taken, Turned
from server.core.offers import SPOILED_MAX, WAITING_MAX, Offers
from server.core.values import ID_MAX_CHARS
from tests.helpers.wire import ALICE, TALK, dg_of, event, msg, offer, probe, void

ONE = dg_of("one")


def test_what_holds_together_is_offered_in_order() -> None:
    offers = Offers()
    packets = (msg(1, "one"), probe(2, "two"), void(3, "three"))
    assert [offers.add(ALICE, packet) for packet in packets] == [None] * 3
    assert offers.take() == tuple(offer(packet) for packet in packets)
    assert offers.take() == ()


def test_what_was_gathered_can_be_dropped() -> None:
    offers = Offers()
    offers.add(ALICE, msg(1, "one"))
    offers.drop()
    assert offers.take() == ()


@pytest.mark.parametrize(
    "packet",
    [
        msg(0, "no number"),
        msg(1, "long", conv=ConvId("c" * 33)),
        replace(msg(1, "one"), dg=dg_of("two")),
        replace(msg(1, "one"), content="!"),
        replace(msg(1, "one"), suite="s" * 33),
        replace(msg(1, "one"), media=(MediaId("m" * 33),)),
        replace(msg(1, "one"), media=(MediaId("m"),) * (MEDIA_PER_MESSAGE_MAX + 1)),
        replace(probe(1, "one"), dg=Digest("short")),
        replace(void(1, "one"), dg=Digest("!")),
    ],
)
def test_what_does_not_hold_together_is_turned_away(packet: MsgR | VoidR) -> None:
    offers = Offers()
    assert offers.add(ALICE, packet) == Nack("packet", packet.conv, packet.n, packet.dg)
    assert offers.take() == ()


def test_too_many_at_once_are_turned_away_until_some_are_answered() -> None:
    offers = Offers()
    for n in range(1, WAITING_MAX + 1):
        assert offers.add(ALICE, msg(n, "one")) is None
    busy = Nack("busy", TALK, 9_999, ONE, retry_ms=BUSY_RETRY_MS)
    assert offers.add(ALICE, msg(9_999, "one")) == busy
    offers.take()
    assert offers.add(ALICE, msg(9_999, "one")) == busy
    offers.landed(1)
    assert offers.add(ALICE, msg(9_999, "one")) is None


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Taken(offer(msg(1, "one")), event(4), (ALICE.uid,)), MsgA(TALK, 1, 4, ONE, 1_004, 1, ONE)),
        (Settled(offer(msg(1, "one")), Slot(ONE, MESSAGE, 4), 2, ONE, 77), MsgA(TALK, 1, 4, ONE, 77, 2, ONE)),
        (Settled(offer(void(1, "one")), Slot(ONE, CANCELLED), 2, ONE), VoidA(TALK, 1, ONE, 2, ONE)),
        (
            Settled(offer(msg(1, "one")), Slot(ONE, REFUSED, code="blocked"), 2, ONE),
            Nack("blocked", TALK, 1, ONE, final=True, last=2, ld=ONE),
        ),
        (Removed(offer(msg(1, "one")), 2, ONE), MsgA(TALK, 1, 0, ONE, 0, 2, ONE, gone=True)),
        (Turned(offer(msg(1, "one")), "fork", 2, ONE), Nack("fork", TALK, 1, ONE, last=2, ld=ONE)),
        (Spoiled(offer(msg(1, "one")), "disk_full"), Nack("disk_full", TALK, 1, ONE, retry_ms=BUSY_RETRY_MS)),
    ],
)
def test_answers_in_the_words_of_the_wire(answer: Answer, said: MsgA | VoidA | Nack) -> None:
    assert Offers().answered(answer) == said


def test_the_third_mistake_over_the_same_packet_spoils_it() -> None:
    offers = Offers()
    for _ in range(SPOILED_MAX):
        offers.add(ALICE, msg(1, "one"))
        assert not offers.take()[0].spoiled
        offers.answered(Spoiled(offer(msg(1, "one")), "internal"))
    offers.add(ALICE, msg(1, "one"))
    offers.add(ALICE, msg(2, "two"))
    assert [one.spoiled for one in offers.take()] == [True, False]


@pytest.mark.parametrize(
    "packet",
    [
        msg(1, "one", conv=ConvId("c" * ID_MAX_CHARS)),
        replace(msg(1, "one"), suite="s" * ID_MAX_CHARS),
        msg(1, "one", media=(MediaId("m" * ID_MAX_CHARS),) * MEDIA_PER_MESSAGE_MAX),
    ],
)
def test_what_is_just_short_enough_is_offered(packet: MsgR) -> None:
    assert Offers().add(ALICE, packet) is None


def test_only_a_probe_may_leave_its_content_out() -> None:
    """An empty message has the digest of nothing; a probe with content is held to it (P-5, P-31)."""
    offers = Offers()
    empty = replace(msg(1, "one"), content="")
    assert offers.add(ALICE, empty) == Nack("packet", TALK, 1, ONE)
    assert offers.add(ALICE, msg(1, "")) is None
    wrong = replace(msg(1, "two"), probe=True, dg=ONE)
    assert offers.add(ALICE, wrong) == Nack("packet", TALK, 1, ONE)


def test_what_waits_at_the_store_is_counted_over_several_batches() -> None:
    offers = Offers()
    for n in range(1, WAITING_MAX + 1):
        assert offers.add(ALICE, msg(n, "one")) is None
        offers.take()
    busy = Nack("busy", TALK, 9_999, ONE, retry_ms=BUSY_RETRY_MS)
    assert offers.add(ALICE, msg(9_999, "one")) == busy
    offers.landed(1)
    assert offers.add(ALICE, msg(9_999, "one")) is None
    assert offers.add(ALICE, msg(9_999, "one")) == busy

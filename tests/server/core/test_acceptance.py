"""The table of section 6, line by line (P-27…P-35, P-39). The first matching line wins."""

from __future__ import annotations

from protocol.limits import CONTENT_MAX_BYTES
from protocol.values import Digest
from server.core.acceptance import (
    ALIAS,
    CANCELLED,
    MESSAGE,
    REFUSED,
    Answer,
    Fill,
    Found,
    Gone,
    Offer,
    Removed,
    Repeat,
    Settled,
    Slot,
    Spoiled,
    Take,
    Taken,
    Turn,
    Turned,
    decide,
)
from tests.helpers.wire import ALICE, dg_of, event, msg, offer, probe, void

ONE, TWO = dg_of("one"), dg_of("two")
EMPTY = Found(0, Digest(""), None, None)
AFTER_ONE = Found(1, ONE, None, None)


def test_the_next_number_in_its_place_is_taken() -> None:
    assert decide(offer(msg(1, "one")), EMPTY) == Take()
    assert decide(offer(msg(2, "two", ONE)), AFTER_ONE) == Take()


def test_an_old_number_is_answered_again() -> None:
    for slot in (Slot(ONE, MESSAGE, 7), Slot(ONE, CANCELLED), Slot(ONE, REFUSED, code="blocked")):
        found = Found(3, TWO, slot, None)
        assert decide(offer(msg(1, "something else")), found) == Repeat(slot)
        assert decide(offer(void(1, "one")), found) == Repeat(slot)


def test_an_old_number_without_a_slot_is_gone() -> None:
    assert decide(offer(msg(1, "one")), Found(3, TWO, None, None)) == Gone()


def test_a_number_that_leaves_one_out_is_turned_away() -> None:
    assert decide(offer(msg(3, "three", ONE)), AFTER_ONE) == Turn("order")


def test_a_number_behind_another_message_is_turned_away() -> None:
    assert decide(offer(msg(2, "two", TWO)), AFTER_ONE) == Turn("fork")
    assert decide(offer(void(2, "two")), AFTER_ONE) == Turn("fork")


def test_a_probe_of_something_new_asks_for_all_of_it() -> None:
    assert decide(offer(probe(1, "one")), EMPTY) == Turn("unknown")


def test_a_known_digest_becomes_an_alias_and_answers_as_its_target() -> None:
    for twin in (Slot(ONE, MESSAGE, 7), Slot(ONE, CANCELLED)):
        found = Found(2, TWO, None, twin)
        assert decide(offer(msg(3, "one", TWO)), found) == Fill(Slot(ONE, ALIAS, twin.pos), shown=twin)
        assert decide(offer(void(3, "one", TWO)), found) == Fill(Slot(ONE, ALIAS, twin.pos), shown=twin)


def test_a_cancel_spends_the_number() -> None:
    slot = Slot(ONE, CANCELLED)
    assert decide(offer(void(1, "one")), EMPTY) == Fill(slot, shown=slot)


def test_what_stands_against_a_message_spends_the_number() -> None:
    slot = Slot(ONE, REFUSED, code="not_member")
    refused = Found(0, Digest(""), None, None, "not_member")
    assert decide(offer(msg(1, "one")), refused) == Fill(slot, shown=slot)


def test_content_that_is_too_large_spends_the_number() -> None:
    packet = msg(1, "one")
    fits, too_large = b"x" * CONTENT_MAX_BYTES, b"x" * (CONTENT_MAX_BYTES + 1)
    slot = Slot(ONE, REFUSED, code="content_too_large")
    assert decide(Offer(ALICE, packet, fits), EMPTY) == Take()
    assert decide(Offer(ALICE, packet, too_large), EMPTY) == Fill(slot, shown=slot)


def test_a_packet_that_spoils_the_store_spends_the_number() -> None:
    slot = Slot(ONE, REFUSED, code="internal")
    assert decide(offer(msg(1, "one"), spoiled=True), EMPTY) == Fill(slot, shown=slot)


def test_every_answer_knows_its_offer() -> None:
    asked = offer(msg(1, "one"))
    answers: list[Answer] = [
        Taken(asked, event(1), ()),
        Settled(asked, Slot(ONE, MESSAGE, 1), 1, ONE),
        Removed(asked, 1, ONE),
        Turned(asked, "order", 1, ONE),
        Spoiled(asked, "internal"),
    ]
    assert all(answer.offer is asked for answer in answers)


def test_the_last_number_again_is_answered_again() -> None:
    """The most common repetition: only its answer was lost."""
    slot = Slot(ONE, MESSAGE, 7)
    assert decide(offer(msg(1, "one")), Found(1, ONE, slot, None)) == Repeat(slot)

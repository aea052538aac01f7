"""Edits, recalls and reactions in the outbox: ordinary messages that must never hit another one (P-69, P-74)."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from client.core.effects import (
    SaveAdrift,
    SaveComposed,
    SaveMoored,
    SaveRenumbered,
    SaveRequeued,
    SaveRewrite,
    SaveSettled,
    SaveState,
    Told,
    Tried,
)
from client.core.events import Cancel, Compose, Placed, Resend, Reword, Rewound, Tick
from client.core.model import Lane, Own, Rewrite, Room, Row, State
from client.core.outbox import Outbox
from protocol.codec import from_text
from protocol.limits import SILENT_MAX_S
from protocol.packets import MsgR, Relation, VoidR
from protocol.values import Lid, MediaId, replace
from tests.helpers.machines import (
    ALICE,
    NO,
    C,
    D,
    Sender,
    dg,
    event,
    memory,
    nack,
    of_kind,
    packets_of,
    row,
    taken,
    voided,
)


def changes(lid: int, text: str, target: str, pos: int, at_ms: int = 1) -> Compose:
    """Alice does something to a message."""
    return Compose(Lid(lid), C, text.encode(), dg(text), at_ms, (), Relation("edit", pos), dg(target))


def waiting(lid: int, n: int, text: str, target: str, pos: int, before: str = "", first_ms: int = 0) -> Row:
    """The same on the disk."""
    return replace(row(lid, n, text, before, first_ms=first_ms), rel=Relation("edit", pos), target=dg(target))


def sent(outputs: Iterable[object]) -> list[MsgR]:
    return [packet for packet in packets_of(outputs) if isinstance(packet, MsgR)]


def outbox(sender: Sender) -> Outbox:
    assert isinstance(sender.machine, Outbox)
    return sender.machine


def test_a_change_goes_out_in_its_lane_and_names_its_message() -> None:
    alice = Sender()
    alice.online()
    outputs = alice.does(changes(5, "edit", "hello", 4))

    [packet] = sent(outputs)
    assert (packet.n, packet.rel, from_text(packet.content)) == (1, Relation("edit", 4), b"edit")
    [saved] = of_kind(outputs, SaveComposed)
    assert (saved.rel, saved.target, saved.lane) == (Relation("edit", 4), dg("hello"), Lane(1, dg("edit")))


def test_a_change_of_what_still_waits_follows_it() -> None:
    """The message has no place yet: the change is written down, and leaves behind it."""
    alice = Sender()
    alice.online()
    hello = alice.writes("hello")
    [saved] = of_kind(alice.does(changes(5, "edit", "hello", 0)), SaveComposed)
    assert (saved.n, saved.pd, saved.lane) == (0, NO, Lane(1, dg("hello")))
    assert outbox(alice).key_of(Lid(5)) is None
    assert outbox(alice).waits(Lid(5))
    other = alice.writes("other")

    outputs = alice.hears(taken("hello", 1, pos=7))
    assert of_kind(outputs, SaveMoored) == [SaveMoored(Lid(5), C, 3, dg("other"), 7, Lane(3, dg("edit")))]
    assert [(packet.n, packet.rel) for packet in sent(outputs)] == [(3, Relation("edit", 7))]
    assert (alice.states[hello], alice.states[other]) == (State.ACCEPTED, State.QUEUED)


@pytest.mark.parametrize("answer", [voided("hello", 1), nack("hello", 1, "blocked", final=True, last=1, ld="hello")])
def test_a_change_of_what_is_never_sent_ends(answer: object) -> None:
    alice = Sender()
    alice.online()
    alice.writes("hello")
    alice.does(changes(5, "edit", "hello", 0))

    ends = [save for save in of_kind(alice.hears(answer), SaveSettled) if save.lid == 5]  # type: ignore[arg-type]
    assert [(save.state, save.code) for save in ends] == [(State.REFUSED, "target_gone")]
    assert not outbox(alice).waits(Lid(5))


# ------------------------------------------------------------------------------------- P-69: a restored server


def test_a_change_never_hits_the_message_that_took_the_place_of_its_own() -> None:
    """P-69: `hello` stood at 7, the server knows up to 5, and somebody else's message stands at 7 now."""
    alice = Sender(memory(Room(C, lane=Lane(4, dg("edit"), 3)), rows=(waiting(5, 4, "edit", "hello", 7, "hello"),)))
    outputs = alice.does(Rewound("2-bb", {C: 5}, (Own(Lid(3), C, dg("hello"), b"hello"),)))
    assert outputs == [SaveAdrift(Lid(5), C), SaveRequeued(Lid(3), C, 5, dg("edit"), Lane(5, dg("hello"), 0))]

    alice.online()
    assert [packet.dg for packet in sent(alice.all)] == [dg("hello")]
    outputs = alice.hears(nack("hello", 5, "order", last=2, ld="two"))
    assert of_kind(outputs, SaveRenumbered)[0].rows[0].n == 3
    assert not [packet for packet in sent(alice.all) if packet.rel]

    [packet] = sent(alice.hears(taken("hello", 3, pos=9)))
    assert (packet.n, packet.pd, packet.dg, packet.rel) == (4, dg("hello"), dg("edit"), Relation("edit", 9))


def test_a_reaction_waits_until_the_author_has_offered_the_message_again() -> None:
    """P-69, for what other people wrote: it is found by its digest in the log."""
    alice = Sender(memory(Room(C, lane=Lane(4, dg("fine"), 4))))
    heart = Own(Lid(5), C, dg("heart"), b"heart", rel=Relation("react", 7), target=dg("theirs"))
    below = Own(Lid(6), C, dg("smile"), b"smile", rel=Relation("react", 2), target=dg("old"))
    outputs = alice.does(Rewound("2-bb", {C: 5}, (heart, below)))
    assert of_kind(outputs, SaveRequeued) == [
        SaveRequeued(Lid(5), C, 0, NO, Lane(4, dg("fine"), 0)),
        SaveRequeued(Lid(6), C, 5, dg("fine"), Lane(5, dg("smile"), 0)),
    ]
    alice.online()
    assert [(packet.dg, packet.rel) for packet in sent(alice.all)] == [(dg("smile"), Relation("react", 2))]

    _, outputs = outbox(alice).echo(C, [event(6, "another"), event(7, "theirs")], 0.0)
    assert [(save.lid, save.pos) for save in of_kind(outputs, SaveMoored)] == [(5, 7)]
    assert [packet.rel for packet in sent(alice.does(Tick()))] == [Relation("react", 7)]


def test_the_own_message_may_come_back_by_the_log() -> None:
    """P-21 and P-69: what the backup has after all settles, and what is about it may go."""
    alice = Sender(memory(rows=(row(1, 1, "hello"), waiting(5, 0, "edit", "hello", 0))))
    settled, outputs = outbox(alice).echo(C, [event(3, "hello", did=ALICE.did, uid="alice", n=1)], 0.0)

    assert [lid for lid, _, _ in settled] == [1]
    assert [(save.lid, save.pos) for save in of_kind(outputs, SaveMoored)] == [(5, 3)]


def test_what_flies_when_the_server_falls_back_is_taken_back() -> None:
    alice = Sender()
    alice.online()
    alice.does(changes(5, "edit", "hello", 7))
    assert outbox(alice).unanswered_since_s() == 0.0

    alice.does(Rewound("2-bb", {C: 5}, ()))
    assert outbox(alice).unanswered_since_s() is None


def test_a_change_that_is_adrift_can_be_cancelled() -> None:
    """P-40: void:R needs no place, and the server says what became of it."""
    alice = Sender(memory(rows=(waiting(5, 0, "edit", "hello", 7),)))
    alice.online()
    assert alice.does(Resend(Lid(5))) == []
    assert not alice.sent

    outputs = alice.does(Cancel(Lid(5)))
    assert of_kind(outputs, SaveMoored) == [SaveMoored(Lid(5), C, 1, NO, 0, Lane(1, dg("edit")))]
    assert of_kind(outputs, SaveState) == [SaveState(Lid(5), State.CANCELLING, "cancel", False)]
    assert [packet for _, packet in alice.sent] == [VoidR(C, 1, NO, dg("edit"))]
    alice.does(Rewound("2-bb", {C: 0}, ()))
    alice.online()
    assert alice.sent[-1][1] == VoidR(C, 1, NO, dg("edit"))


WEEK_MS = int(SILENT_MAX_S * 1000)


def test_nobody_waits_for_ever_for_a_message_that_does_not_come_back() -> None:
    rows = (
        row(1, 1, "hello"),
        waiting(5, 0, "late", "theirs", 7, first_ms=1),
        waiting(6, 0, "young", "theirs", 7, first_ms=WEEK_MS),
        waiting(7, 0, "follows", "hello", 0, first_ms=1),
    )
    alice = Sender(memory(rows=rows), now_ms=WEEK_MS + 5)
    outputs = alice.online()

    assert [(save.lid, save.state, save.code) for save in of_kind(outputs, SaveSettled)] == [
        (5, State.REFUSED, "target_gone")
    ]
    assert outbox(alice).waits(Lid(6))
    assert outbox(alice).waits(Lid(7))


# ------------------------------------------------------------------------------ other words for what still waits

NEW = Rewrite(b"anew", dg("anew"), b"edited", dg("edited"), Lid(9), 50)


def test_what_waits_is_cancelled_and_written_anew_in_its_place() -> None:
    alice = Sender()
    alice.online()
    hello = alice.writes("hello")
    outputs = alice.does(Reword(hello, NEW))
    assert outputs[0] == SaveRewrite(hello, NEW)
    assert alice.numbers() == [(1, "msg"), (1, "void")]

    outputs = alice.hears(voided("hello", 1))
    saves = [type(output) for output in outputs if type(output).__name__.startswith("Save")]
    assert saves == [SaveSettled, SaveRewrite, SaveComposed]
    [composed] = of_kind(outputs, SaveComposed)
    assert (composed.lid, composed.n, composed.pd, composed.dg) == (hello, 2, dg("hello"), dg("anew"))
    assert [packet.dg for packet in sent(outputs)] == [dg("anew")]


def test_if_that_is_too_late_the_new_words_follow_as_an_edit() -> None:
    alice = Sender()
    alice.online()
    hello = alice.writes("hello")
    alice.does(Reword(hello, NEW))

    outputs = alice.hears(taken("hello", 1, pos=7))
    assert of_kind(outputs, Told) == []
    [composed] = of_kind(outputs, SaveComposed)
    assert (composed.lid, composed.rel, composed.target) == (9, Relation("edit", 7), dg("hello"))
    assert [packet.rel for packet in sent(outputs)] == [Relation("edit", 7)]


def test_the_wish_survives_a_restart() -> None:
    disk = memory(rows=(row(1, 1, "hello", wish="cancel"),), rewrites={Lid(1): NEW})
    alice = Sender(disk)
    alice.online()
    [composed] = of_kind(alice.hears(voided("hello", 1)), SaveComposed)
    assert (composed.lid, composed.content) == (1, b"anew")


def test_all_of_it_can_be_taken_back() -> None:
    alice = Sender()
    alice.online()
    hello = alice.writes("hello")
    alice.does(Reword(hello, NEW))
    assert of_kind(alice.does(Cancel(hello)), SaveRewrite) == [SaveRewrite(hello, None)]

    assert of_kind(alice.hears(voided("hello", 1)), SaveComposed) == []
    assert alice.states[hello] is State.CANCELLED


def test_what_does_not_wait_in_a_lane_is_not_written_anew() -> None:
    alice = Sender(memory(rows=(waiting(5, 0, "edit", "hello", 7),)))
    for lid in (Lid(5), Lid(77)):
        assert alice.does(Reword(lid, NEW)) == [Told("not_possible_now", lid)]


# ------------------------------------------------------------------------------------- to the very edge


def test_every_change_above_its_base_is_cut_loose_and_no_other() -> None:
    """In each lane, and each row of it; of a conversation without a base nothing is left (P-69)."""
    rows = (
        waiting(1, 1, "below", "old", 5),
        waiting(2, 2, "above", "hello", 6, "below"),
        waiting(3, 3, "higher", "hello", 7, "above"),
        replace(waiting(4, 1, "there", "first", 1), conv=D),
    )
    alice = Sender(memory(rows=rows))
    outputs = alice.does(Rewound("2-bb", {C: 5}, ()))
    assert outputs == [SaveAdrift(Lid(2), C), SaveAdrift(Lid(3), C), SaveAdrift(Lid(4), D)]


def test_what_flies_in_several_rows_is_taken_back_in_each() -> None:
    alice = Sender()
    alice.online()
    alice.does(changes(5, "edit", "hello", 7))
    alice.does(changes(6, "again", "hello", 7))

    outputs = alice.does(Rewound("2-bb", {C: 5}, ()))
    assert of_kind(outputs, Tried) == [Tried(Lid(5), 0, 0.0), Tried(Lid(6), 0, 0.0)]
    assert [save.lid for save in of_kind(outputs, SaveAdrift)] == [5, 6]


def test_an_own_change_in_a_conversation_without_a_base_waits_for_its_message() -> None:
    alice = Sender()
    alice.online()
    heart = Own(Lid(5), C, dg("heart"), b"heart", rel=Relation("react", 1), target=dg("theirs"))
    outputs = alice.does(Rewound("2-bb", {}, (heart,)))
    assert outputs == [SaveRequeued(Lid(5), C, 0, NO, Lane())]


def test_a_change_of_what_is_never_sent_settles_in_its_conversation_with_what_is_known() -> None:
    alice = Sender()
    alice.online()
    alice.writes("hello")
    alice.does(changes(5, "edit", "hello", 0))
    alice.hears(nack("other", 0, "order", last=0))
    outputs = alice.hears(voided("hello", 1))
    [end] = [save for save in of_kind(outputs, SaveSettled) if save.lid == 5]
    assert end == SaveSettled(Lid(5), C, State.REFUSED, 0, 0, 0, "target_gone")


FULL = replace(NEW, media=(MediaId("m"),))


def test_new_words_keep_their_time_and_their_files_and_the_rest_goes_on() -> None:
    alice = Sender()
    alice.online()
    hello, behind = alice.writes("hello"), alice.writes("behind")
    alice.run_until(200.0)
    alice.does(Reword(hello, FULL))
    outputs = alice.hears(voided("hello", 1))

    assert SaveRewrite(hello, None) in outputs
    assert SaveState(behind, State.QUEUED) in outputs
    [composed] = of_kind(outputs, SaveComposed)
    assert (composed.content, composed.at_ms, composed.media) == (b"anew", 50, (MediaId("m"),))


def test_new_words_that_come_too_late_are_an_edit_in_the_same_conversation() -> None:
    alice = Sender()
    alice.online()
    hello = alice.writes("hello")
    alice.does(Reword(hello, NEW))
    outputs = alice.hears(taken("hello", 1, pos=7))
    assert Placed(C, 7) in outputs
    assert SaveRewrite(hello, None) in outputs
    [composed] = of_kind(outputs, SaveComposed)
    assert (composed.conv, composed.content, composed.dg, composed.at_ms) == (C, b"edited", dg("edited"), 50)

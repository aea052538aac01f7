"""What the menu offers is what the door would not refuse."""

from __future__ import annotations

import pytest

from client.core.model import Bubble, Member, State
from client.ui.viewmodels.rights import rights, words_of
from protocol.content import Text
from protocol.values import Digest
from tests.stages import people
from tests.stages.people import ANNA, ME, Diary, entry

SAID = {"dg": Digest("d")}


def own(state: State = State.READ, **facts: object) -> Bubble:
    return Diary().say("Hello", state, **SAID, **facts).bubbles[0]


def heard(**facts: object) -> Bubble:
    return Diary().hear(ANNA, Text("Hi"), **SAID, **facts).bubbles[0]


def test_an_own_message_that_arrived() -> None:
    assert rights(own(), entry(), ME.uid) == {"reply", "react", "edit", "copy", "forward", "recall"}


def test_somebody_elses_message() -> None:
    assert rights(heard(), entry(), ME.uid) == {"reply", "react", "copy", "forward"}


def test_who_administers_removes_what_others_said() -> None:
    chief = Member(ME.uid, ME.name, role=1)
    assert "recall" in rights(heard(), entry("group", "Trip", (chief, ANNA)), ME.uid)


@pytest.mark.parametrize("state", [State.QUEUED, State.SENDING, State.NEEDS_YOU])
def test_what_waits_can_have_other_words_and_is_cancelled_instead_of_recalled(state: State) -> None:
    may = rights(own(state), entry(), ME.uid)
    assert "edit" in may
    assert "recall" not in may


@pytest.mark.parametrize("state", [State.REFUSED, State.CANCELLED, State.LONG_AGO])
def test_what_is_over_is_only_copied_and_deleted(state: State) -> None:
    assert rights(own(state), entry(), ME.uid) == {"copy", "delete"}


def test_nothing_is_done_to_what_was_removed() -> None:
    gone = Diary().hear(ANNA, None, recalled=True, recalled_by=ANNA.uid, **SAID).bubbles[0]
    assert rights(gone, entry(), ME.uid) == frozenset()


def test_who_left_only_reads() -> None:
    assert rights(own(), entry(away=True), ME.uid) == {"copy", "forward"}
    assert rights(own(), None, ME.uid) == {"copy", "forward"}


def test_an_edited_message_has_versions_and_a_lost_one_cannot_change() -> None:
    assert "versions" in rights(own(edited=True), entry(), ME.uid)
    assert not {"edit", "recall"} & rights(own(lost=True), entry(), ME.uid)


def test_a_voice_note_has_no_words_and_a_file_without_a_place_at_the_server_is_not_forwarded() -> None:
    note = Diary().say(people.voice(), State.READ, **SAID).bubbles[0]
    assert not {"edit", "copy"} & rights(note, entry(), ME.uid)
    assert words_of(Diary().say(people.photo(caption="Ridge")).bubbles[0]) == "Ridge"

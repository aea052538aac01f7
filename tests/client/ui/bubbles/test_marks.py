"""Marks and sentences: each state says what it means, in short and in long, in both languages."""

from __future__ import annotations

import pytest

from client.core.model import State, TransferProgress
from client.ui.bubbles.marks import MARKS, RETRY, STOPPED, long_words, mark_of, settled, short_words
from client.ui.bubbles.sentences import content_words, notice_words, preview, sentence
from client.ui.viewmodels.rows import Place, Row
from client.ui.words import speak
from protocol.content import Joined, Left, Opened, Text, Titled
from protocol.values import Lid, Uid
from tests.stages import people
from tests.stages.people import ANNA, Diary
from tests.stages.stage import NOW_S


def row(state: State, form: str = "direct", **facts: object) -> Row:
    return Row(Diary().say("x", state, **facts).bubbles[0], peer="Anna", form=form)  # type: ignore[arg-type]


OWN = [state for state in State if state not in (State.RECEIVED, State.UNREADABLE)]


@pytest.mark.parametrize("state", OWN)
def test_every_own_state_has_a_mark_and_its_words(state: State) -> None:
    assert mark_of(row(state)) == MARKS[state]
    english = short_words(row(state)), long_words(row(state), NOW_S)
    speak("zh_CN")
    chinese = short_words(row(state)), long_words(row(state), NOW_S)
    assert all(english)
    assert all(chinese)
    assert set(english).isdisjoint(chinese)


def test_no_two_states_say_the_same() -> None:
    assert len({long_words(row(state), NOW_S) for state in OWN}) == len(OWN)


def test_other_peoples_messages_have_no_mark() -> None:
    assert mark_of(Row(Diary().hear(ANNA, Text("x")).bubbles[0])) is None
    assert settled(Row(Diary().hear(ANNA, Text("x")).bubbles[0]))


def test_a_further_try_tells_when_the_next_one_is() -> None:
    again = row(State.SENDING, tries=2, due_s=NOW_S + 8)
    assert mark_of(again) == RETRY
    assert long_words(again, NOW_S) == "Next try in 8 seconds (3 of 3)"
    assert long_words(row(State.SENDING, tries=1, due_s=NOW_S + 8), NOW_S) == "Sending, try 1"


def test_an_upload_tells_its_bytes() -> None:
    bubble = Diary().say(people.photo(), State.UPLOADING).bubbles[0]
    moving = Row(bubble, progress=TransferProgress(Lid(1), "up", 3_200_000, 8_100_000))
    assert long_words(moving, NOW_S) == "Uploading 3.2 / 8.1 MB"
    stopped = Diary().say(people.photo(), State.UPLOADING, code="transfer_interrupted").bubbles[0]
    assert mark_of(Row(stopped)) == STOPPED
    assert "interrupted" in long_words(Row(stopped), NOW_S)


def test_a_group_counts() -> None:
    many = row(State.DELIVERED, "group", delivered_to=7, read_by=4, of=9)
    assert long_words(many, NOW_S) == "7 of 9 delivered, 4 opened"
    assert "On the server" in long_words(row(State.ACCEPTED, "group"), NOW_S)


def test_a_refusal_gives_its_reason() -> None:
    assert "not a member" in long_words(row(State.REFUSED, code="not_member"), NOW_S)


@pytest.mark.parametrize(
    ("bubble", "words"),
    [
        (Diary().say(people.voice(), State.DELIVERED).bubbles[0], "You, voice note, 0:42, delivered, 13:25"),
        (
            Diary().hear(ANNA, people.photo(caption="hills")).bubbles[0],
            "\u2068Anna\u2069, picture, 1.8 MB, hills, 13:25",
        ),
        (Diary().hear(ANNA, people.video()).bubbles[0], "\u2068Anna\u2069, video, 0:12, 13:25"),
        (
            Diary().hear(ANNA, people.document("a\u202eb.pdf")).bubbles[0],
            "\u2068Anna\u2069, file, \u2068ab.pdf\u2069, 2.3 MB, 13:25",
        ),
    ],
)
def test_a_message_is_one_sentence(bubble: object, words: str) -> None:
    assert sentence(Row(bubble, sender="Anna")) == words  # type: ignore[arg-type]


def test_the_first_unread_says_so() -> None:
    unread = Row(Diary().hear(ANNA, Text("Hi")).bubbles[0], sender="Anna", place=Place(divider=True))
    assert sentence(unread) == "\u2068Anna\u2069, Hi, unread, 13:25"


@pytest.mark.parametrize(
    ("notice", "words"),
    [
        (Opened("direct"), "This is where your conversation begins"),
        (Opened("self"), "Here you write to yourself"),
        (Opened("group", "Trip"), "\u2068Anna\u2069 made the group \u2068Trip\u2069"),
        (Joined(Uid("b"), "Ben"), "\u2068Ben\u2069 joined"),
        (Left(Uid("a")), "\u2068Anna\u2069 left"),
        (Titled("Trip 2"), "The group is now called \u2068Trip 2\u2069"),
    ],
)
def test_what_the_server_says(notice: object, words: str) -> None:
    bubble = Diary().hear(ANNA, notice).bubbles[0]  # type: ignore[arg-type]
    assert notice_words(Row(bubble, sender="Anna")) == words
    assert preview(bubble, "Anna") == ("", words)
    assert sentence(Row(bubble, sender="Anna")).startswith(words)


def test_a_group_that_nobody_is_known_to_have_made() -> None:
    bubble = Diary().hear(ANNA, Opened("group", "Trip")).bubbles[0]
    assert notice_words(Row(bubble)) == "The group \u2068Trip\u2069 begins here"


def test_what_cannot_be_read_is_explained() -> None:
    assert "version" in content_words(Diary().hear(ANNA, None).bubbles[0])


def test_previews_of_captions_and_files() -> None:
    captioned = Diary().hear(ANNA, people.photo(caption="hills\nand sky")).bubbles[0]
    assert preview(captioned) == ("picture", "hills and sky")
    assert preview(Diary().hear(ANNA, people.document()).bubbles[0]) == ("file", "Quarterly report.pdf")
    assert preview(Diary().hear(ANNA, people.video()).bubbles[0]) == ("video", "Video 0:12")

"""Marks and sentences: each state says what it means, in short and in long, in both languages."""

from __future__ import annotations

import pytest

from client.core.model import State, TransferProgress
from client.ui.bubbles.marks import MARKS, RETRY, STOPPED, count_words, long_words, mark_of, settled, short_words
from client.ui.bubbles.meta import meta_words
from client.ui.bubbles.sentences import content_words, gap_words, notice_people, notice_words, preview, sentence
from client.ui.viewmodels.rows import Place, Row
from client.ui.words import speak
from protocol.content import Joined, Left, Notice, Opened, Ranked, Text, Titled
from protocol.values import Lid, Uid
from tests.stages import people
from tests.stages.media import note
from tests.stages.people import ANNA, Diary
from tests.stages.stage import NOW_MS, NOW_S


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
        (Diary().say(people.voice(), State.DELIVERED, path="x").bubbles[0], "You, voice note, 0:42, delivered, 13:25"),
        (
            Diary().hear(ANNA, people.photo(caption="hills")).bubbles[0],
            "\u2068Anna\u2069, picture, 1.8 MB, hills, not downloaded, 13:25",
        ),
        (Diary().hear(ANNA, people.video(), path="/x").bubbles[0], "\u2068Anna\u2069, video, 0:12, 13:25"),
        (Diary().hear(ANNA, note(), path="/x").bubbles[0], "\u2068Anna\u2069, video note, 0:12, 13:25"),
        (
            Diary().hear(ANNA, people.document("a\u202eb.pdf")).bubbles[0],
            "\u2068Anna\u2069, file, \u2068ab.pdf\u2069, 2.3 MB, not downloaded, 13:25",
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
    name = "Ben" if isinstance(notice, Joined) else "Anna"
    assert notice_words(Row(bubble, sender=name)) == words
    assert preview(bubble, name) == ("", words)
    assert sentence(Row(bubble, sender=name)).startswith(words)


@pytest.mark.parametrize(
    ("notice", "words"),
    [
        (Joined(people.BEN.uid, "Ben", by=ANNA.uid), "\u2068Anna Li\u2069 added \u2068Ben Okafor\u2069"),
        (Joined(people.ME.uid, "Nora", by=ANNA.uid), "\u2068Anna Li\u2069 added \u2068you\u2069"),
        (Joined(people.ME.uid, "Nora"), "\u2068You\u2069 joined"),
        (Joined(Uid("new"), "Newcomer", by=people.ME.uid), "\u2068You\u2069 added \u2068Newcomer\u2069"),
        (Left(people.BEN.uid, by=people.BEN.uid), "\u2068Ben Okafor\u2069 left"),
        (Left(people.BEN.uid, by=ANNA.uid), "\u2068Anna Li\u2069 removed \u2068Ben Okafor\u2069"),
        (Left(Uid("gone")), "\u2068Somebody\u2069 left"),
        (Titled("Sea", by=ANNA.uid), "\u2068Anna Li\u2069 named the group \u2068Sea\u2069"),
        (Titled("Sea", by=people.ME.uid), "\u2068You\u2069 named the group \u2068Sea\u2069"),
        (Ranked(people.BEN.uid, 1, ANNA.uid), "\u2068Anna Li\u2069 made \u2068Ben Okafor\u2069 an administrator"),
        (Ranked(people.BEN.uid, 0, ANNA.uid), "\u2068Anna Li\u2069 made \u2068Ben Okafor\u2069 an ordinary member"),
        (Ranked(people.BEN.uid, 1), "\u2068Ben Okafor\u2069 can administer this group now"),
        (Ranked(people.ME.uid, 0), "\u2068You\u2069 can no longer administer this group"),
        (Opened("group", "Trip", people.ME.uid), "\u2068You\u2069 made the group \u2068Trip\u2069"),
    ],
)
def test_who_did_what_to_whom(notice: Notice, words: str) -> None:
    names = {member.uid: member.name for member in (people.ME, ANNA, people.BEN)}
    about, by = notice_people(notice, names, people.ME.uid)
    bubble = Diary().hear(ANNA, notice).bubbles[0]
    assert notice_words(Row(bubble, sender=about, by=by)) == words
    assert preview(bubble, about, by) == ("", words)


def test_a_message_has_no_people_of_a_notice() -> None:
    assert notice_people(Text("x"), {}, people.ME.uid) == ("", "")


@pytest.mark.parametrize("why", ["before_join", "not_member", "expired", "before_device", "unreadable", "new_reason"])
def test_what_is_missing_is_said_before_the_message(why: str) -> None:
    words = gap_words(why)
    bubble = Diary().hear(ANNA, Text("Hi")).bubbles[0]
    assert sentence(Row(bubble, sender="Anna", gaps=(why,))).startswith(words)
    notice = Diary().hear(ANNA, Opened("direct")).bubbles[0]
    assert words in sentence(Row(notice, gaps_below=(why,)))


@pytest.mark.parametrize(
    ("state", "facts", "words"),
    [
        (State.STORED, {"delivered_to": 7, "of": 9}, "7 of 9"),
        (State.ACCEPTED, {"delivered_to": 0, "of": 9}, ""),
        (State.DELIVERED, {"delivered_to": 9, "read_by": 4, "of": 9}, "4 of 9 opened"),
        (State.DELIVERED, {"delivered_to": 9, "of": 9}, ""),
        (State.READ, {"delivered_to": 9, "read_by": 9, "of": 9}, ""),
        (State.STORED, {"delivered_to": 0, "of": 1}, ""),
        (State.SENDING, {}, ""),
    ],
)
def test_a_bubble_of_a_group_counts(state: State, facts: dict[str, int], words: str) -> None:
    counted = row(state, "group", **facts)
    assert count_words(counted) == words
    assert meta_words(counted) == (f"{words} · 13:25" if words else "13:25")
    assert count_words(row(state, "direct", **facts)) == ""


def test_since_when_the_other_person_has_it() -> None:
    at_ms = NOW_MS - 60_000
    assert long_words(row(State.DELIVERED, delivered_ms=at_ms), NOW_S).endswith("device 14:04:00")
    assert long_words(row(State.READ, delivered_ms=at_ms, read_ms=at_ms), NOW_S).endswith("14:04:00")


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

"""Answers, reactions, edits, recalls and names in a measured row, and in the sentence that is read aloud."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from PySide6.QtCore import QPointF
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtWidgets import QApplication

from client.core.model import Bubble, State
from client.ui.bubbles.chips import MARK, reactors_words
from client.ui.bubbles.ink import Ink
from client.ui.bubbles.marks import CHANGING, mark_of
from client.ui.bubbles.pictures import Pictures
from client.ui.bubbles.sentences import preview, quote_words, recalled_words, sentence
from client.ui.bubbles.sheet import Sheet
from client.ui.plain import BOX, named
from client.ui.theme import Look
from client.ui.viewmodels.rows import Row
from protocol.content import Forward, Mention, Reply, Text
from protocol.values import Digest, Uid
from tests.stages import people
from tests.stages.afterwards import TEAM, answered, changing
from tests.stages.people import ANNA, BEN, ME, Diary
from tests.stages.stage import NOW_MS

LOOK = Look("light")
REPLY = Reply(Digest("d"), ANNA.uid, "Which train do you take?")


def row(bubble: Bubble, **facts: Any) -> Row:
    known = {"sender": "Anna Li", "peer": "Anna Li", "me": ME.uid, "quoted": "Anna Li"}
    return dataclasses.replace(Row(bubble), **{**known, **facts})


def heard(text: str = "Hello", **facts: Any) -> Bubble:
    return Diary().hear(ANNA, Text(text), **facts).bubbles[0]


def parts(sheet: Sheet) -> list[str]:
    return [part.name for part in sheet.parts]


def drawn(made: Sheet, width: int = 640) -> QImage:
    image = QImage(width, made.height + 8, QImage.Format.Format_RGB32)
    image.fill(LOOK.color("bg_canvas"))
    with QPainter(image) as painter:
        made.paint(painter, QPointF(0, 0), Ink(LOOK, Pictures(), ground=QColor("white"), hovered="quote"))
    return image


@pytest.mark.parametrize("scale", [0.85, 1.0, 1.5])
@pytest.mark.parametrize("width", [340, 640, 1800])
def test_everything_stands_inside_of_its_row(qapp: QApplication, width: int, scale: float) -> None:
    names = {member.uid: member.name for member in TEAM}
    for bubble in [*answered(), *changing()]:
        reactors = tuple(tuple(names.get(uid, "") for uid in uids) for _, uids in bubble.reactions)
        made = Sheet(row(bubble, form="group", reactors=reactors), width, Look("light", scale), NOW_MS)
        for part in made.parts:
            assert part.rect.top() >= 0, (bubble.body, part)
            assert part.rect.bottom() <= made.height, (bubble.body, part)
            assert part.rect.left() >= -6, (bubble.body, part)
            assert part.rect.right() <= width, (bubble.body, part)


def test_a_quotation_can_be_clicked_and_makes_no_picture_wider(qapp: QApplication) -> None:
    picture = Diary().hear(ANNA, people.photo(), reply=Reply(Digest("d"), ANNA.uid, "word " * 20)).bubbles[0]
    plain = Diary().hear(ANNA, people.photo()).bubbles[0]
    quoting = Sheet(row(picture), 640, LOOK, NOW_MS)
    assert "quote" in parts(quoting)
    assert quoting.bubble.width() == Sheet(row(plain), 640, LOOK, NOW_MS).bubble.width()


def test_a_rocket_that_answers_is_no_big_rocket(qapp: QApplication) -> None:
    assert Sheet(row(heard("🚀")), 640, LOOK, NOW_MS).big
    assert not Sheet(row(heard("🚀", reply=REPLY)), 640, LOOK, NOW_MS).big


def test_chips_are_parts_under_the_bubble(qapp: QApplication) -> None:
    bubble = heard(reactions=(("👍", (ME.uid, BEN.uid)), ("❤️", (BEN.uid,))))
    made = Sheet(row(bubble), 640, LOOK, NOW_MS)
    chips = [part for part in made.parts if part.name.startswith(MARK)]
    assert [part.name for part in chips] == [f"{MARK}👍", f"{MARK}❤️"]
    assert all(part.rect.top() >= made.bubble.bottom() for part in chips)
    own, other = (drawn(made).pixelColor(round(part.rect.left() + 13), round(part.rect.top() + 2)) for part in chips)
    assert own != other, "the one that is chosen looks different"


def test_many_chips_take_more_rows(qapp: QApplication) -> None:
    bubble = heard(reactions=tuple((sign, (ANNA.uid,)) for sign in "😀😃😄😁😆😅😂🤣🥲😊"))
    tops = {part.rect.top() for part in Sheet(row(bubble), 380, LOOK, NOW_MS).parts if part.name.startswith(MARK)}
    assert len(tops) > 1


def test_who_reacted() -> None:
    uids = tuple(Uid(str(number)) for number in range(20))
    bubble = heard(reactions=(("👍", (BEN.uid, ME.uid)), ("🎉", uids)))
    shown = row(bubble, reactors=((BEN.name, ME.name), tuple(f"P{uid}" for uid in uids)))
    assert reactors_words(shown, "👍") == "You, Ben Okafor"
    assert reactors_words(shown, "🎉").endswith("and 8 more")
    assert reactors_words(shown, "❤️") == ""


def test_an_edited_message_says_so_even_inside_a_run(qapp: QApplication) -> None:
    made = Sheet(row(heard(edited=True)), 640, LOOK, NOW_MS)
    assert "edited" in parts(made)
    assert "edited" in sentence(row(heard(edited=True)))


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"recalled_by": ME.uid}, "You asked others to remove this message"),
        ({"recalled_by": ANNA.uid}, "\u2068Anna Li\u2069 removed this message"),
        ({"recalled_by": Uid("gone")}, "This message was removed"),
    ],
)
def test_a_stub_stands_in_the_place_of_what_was_removed(qapp: QApplication, facts: dict[str, Any], words: str) -> None:
    bubble = Diary().hear(ANNA, None, recalled=True, reactions=(("👍", (ME.uid,)),), reply=REPLY, **facts).bubbles[0]
    shown = row(bubble)
    assert recalled_words(shown) == words
    assert not {f"{MARK}👍", "quote"} & set(parts(Sheet(shown, 640, LOOK, NOW_MS)))
    assert words in sentence(shown)
    assert preview(bubble) == ("", "Removed message")


def test_an_administrator_removed_it() -> None:
    bubble = Diary().hear(ANNA, None, recalled=True, recalled_by=BEN.uid).bubbles[0]
    assert recalled_words(row(bubble, remover=BEN.name)) == "\u2068Ben Okafor\u2069 removed this message"


def test_what_was_removed_is_not_quoted(qapp: QApplication) -> None:
    made = Sheet(row(heard(reply=REPLY), quote_gone=True), 640, LOOK, NOW_MS)
    assert made._heads is not None
    assert made._heads.words == "Removed message"
    assert quote_words(Reply(Digest("d"), ANNA.uid, "", "voice")) == "Voice note"
    assert quote_words(Reply(Digest("d"), ANNA.uid, "", "poll")) == "Message"


def test_a_change_that_waits_and_one_that_was_refused(qapp: QApplication) -> None:
    waits = row(Diary().say("Hello", change=State.QUEUED).bubbles[0])
    assert mark_of(waits) == CHANGING
    refused = Sheet(row(Diary().say("Hello", change=State.REFUSED).bubbles[0]), 640, LOOK, NOW_MS)
    assert {"again", "drop"} <= set(parts(refused))


def test_sentences_of_answers_and_of_what_is_passed_on() -> None:
    mine = Reply(Digest("d"), ME.uid, "x")
    assert sentence(row(heard(reply=mine))).startswith("\u2068Anna Li\u2069 replied to you, Hello")
    assert "replied to \u2068Anna Li\u2069" in sentence(row(heard(reply=REPLY)))
    assert "forwarded from \u2068Zoë\u2069" in sentence(row(heard(forward=Forward(Uid("z"), "Zoë"))))
    assert "👍 2" in sentence(row(heard(reactions=(("👍", (ME.uid, BEN.uid)),))))


def test_ones_own_name_lies_on_a_band(qapp: QApplication) -> None:
    text = "@Nora Lindqvist look"
    body = Text(text, (Mention(ME.uid, 0, 15),))
    made = Sheet(row(Diary().hear(ANNA, body).bubbles[0]), 640, LOOK, NOW_MS)
    other = Sheet(row(heard(text)), 640, LOOK, NOW_MS)
    x, y = 630, round(made.bubble.center().y())
    assert drawn(made).pixelColor(x, y) == LOOK.color("mention_bg")
    assert drawn(other).pixelColor(x, y) == LOOK.color("bg_canvas")


def test_names_are_found_again_after_hiding_signs() -> None:
    text = "a\r\n\u202e@Ben\u202e @Mei"
    spans = [(text.index("@Ben"), 4, True), (text.index("@Mei"), 4, False)]
    shown, places = named(text, spans)
    assert shown == f"a\n{BOX}@Ben{BOX} @Mei"
    assert [shown[start : start + size] for start, size, _ in places] == ["@Ben", "@Mei"]

"""The window over a conversation: slides at both ends, keeps its order, and tells Qt the truth about every row."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest
from PySide6.QtCore import Qt
from pytestqt.modeltest import ModelTester

from client.core.model import Bubble, ChatEntry, State, TransferProgress
from client.ui.bubbles.sentences import notice_words
from client.ui.viewmodels.conversation import CAP, PAGE, ROW, ConversationModel
from client.ui.viewmodels.rows import Playing
from protocol.content import Joined, Reply, Text
from protocol.packets import Gap
from protocol.values import ConvId, Digest, Lid
from tests.stages.people import ANNA, CONV, ME, Diary, Shelf, entry
from tests.stages.stage import NOW_MS, finish


def changed(bubble: Bubble, **facts: object) -> Bubble:
    return Bubble(**{**{name: getattr(bubble, name) for name in bubble.__struct_fields__}, **facts})  # type: ignore[arg-type]


def heard(count: int) -> list[Bubble]:
    diary = Diary(NOW_MS - count * 60_000)
    for number in range(count):
        diary.hear(ANNA, Text(f"message {number + 1}"))
    return diary.bubbles


def refuse(work: Coroutine[Any, Any, None]) -> None:
    work.close()


def shown(bubbles: list[Bubble], chat: ChatEntry | None = None) -> ConversationModel:
    model = ConversationModel(Shelf(bubbles), me=ME.uid, now_ms=lambda: NOW_MS, start=refuse)
    finish(model.open(chat or entry()))
    return model


def lids(model: ConversationModel) -> list[int]:
    return [model.bubble_at(row).lid for row in range(model.rowCount())]


class TestOpening:
    def test_a_long_conversation_begins_at_its_end(self) -> None:
        model = shown(heard(1000))
        assert lids(model) == list(range(971, 1001))
        assert model.at_end
        assert not model.at_start

    def test_a_short_one_is_all_there(self) -> None:
        model = shown(heard(7))
        assert lids(model) == list(range(1, 8))
        assert model.at_end
        assert model.at_start

    def test_many_unread_open_around_the_divider(self) -> None:
        model = shown(heard(1000), entry(unread=400, read_upto=600))
        row = model.divider_row()
        assert row is not None
        assert model.bubble_at(row).pos == 601
        assert model.row(row).place.divider
        assert not model.at_end

    def test_what_is_not_loaded_yet_is_counted_too(self) -> None:
        model = shown(heard(1000), entry(unread=400, read_upto=600))
        assert model.unread_below(model.rowCount() - 1) == 400
        model.count_unread(390)
        assert model.unread_below(0) == 390

    def test_few_unread_have_a_divider_that_stays(self) -> None:
        model = shown(heard(40), entry(unread=3, read_upto=37))
        assert model.divider_row() == model.row_of(Lid(38))
        model.merge([changed(heard(41)[40], lid=Lid(99))])
        assert model.divider_row() == model.row_of(Lid(38))

    def test_what_the_server_says_has_no_divider(self) -> None:
        diary = Diary().hear(ANNA, Joined(uid=ANNA.uid, name=ANNA.name)).hear(ANNA, Text("Hello"))
        assert shown(diary.bubbles, entry(unread=1, read_upto=0)).divider_row() == 1

    def test_nothing_unread_has_no_divider(self) -> None:
        assert shown(heard(10), entry(read_upto=10)).divider_row() is None

    def test_closing_forgets(self) -> None:
        model = shown(heard(5))
        model.close()
        assert model.rowCount() == 0
        assert model.conv == ""

    def test_a_page_that_comes_too_late_is_not_shown(self) -> None:
        gate = asyncio.Event()

        class Slow(Shelf):
            async def page(self, conv: ConvId, **wish: Any) -> list[Bubble]:
                if conv == CONV:
                    await gate.wait()
                    return self.bubbles
                return []

        model = ConversationModel(Slow(heard(3)), me=ME.uid, now_ms=lambda: NOW_MS, start=refuse)

        async def main() -> None:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(model.open(entry()))
                await asyncio.sleep(0)
                await model.open(entry(conv=ConvId("other")))
                gate.set()

        asyncio.run(main())
        assert model.conv == "other"
        assert model.rowCount() == 0


class TestSliding:
    def test_older_pages_come_until_the_beginning(self) -> None:
        model = shown(heard(100))
        finish(model.older())
        assert lids(model) == list(range(100 - 30 - PAGE + 1, 101))
        finish(model.older())
        assert lids(model) == list(range(1, 101))
        assert model.at_start

    def test_the_far_end_is_let_go_and_comes_back(self) -> None:
        model = shown(heard(1000))
        while model.rowCount() < CAP or model.at_end:
            finish(model.older())
        assert model.rowCount() == CAP
        assert not model.at_end
        finish(model.older())
        last = lids(model)[-1]
        finish(model.newer())
        assert lids(model) == list(range(last + PAGE - CAP + 1, last + PAGE + 1))
        for _ in range(20):
            finish(model.newer())
        assert model.rowCount() == CAP
        assert lids(model)[-1] == 1000

    def test_to_the_end_at_once(self) -> None:
        model = shown(heard(1000), entry(unread=900, read_upto=100))
        finish(model.to_end())
        assert lids(model)[-1] == 1000
        assert model.at_end

    def test_a_page_is_one_range(self, qtbot: Any) -> None:
        model = shown(heard(100))
        ranges: list[tuple[int, int]] = []
        model.rowsInserted.connect(lambda _, first, last: ranges.append((first, last)))
        finish(model.older())
        assert ranges == [(0, PAGE - 1)]


class TestChanges:
    def test_new_messages_are_one_range_at_the_end(self) -> None:
        bubbles = heard(50)
        model = shown(bubbles[:40])
        ranges: list[tuple[int, int]] = []
        model.rowsInserted.connect(lambda _, first, last: ranges.append((first, last)))
        before = model.rowCount()
        model.merge(bubbles[40:])
        assert ranges == [(before, before + 9)]
        assert lids(model)[-1] == 50

    def test_a_changed_bubble_is_drawn_again_in_its_place(self) -> None:
        bubbles = heard(10)
        model = shown(bubbles)
        rows: list[tuple[int, int]] = []
        model.dataChanged.connect(lambda first, last, _: rows.append((first.row(), last.row())))
        model.merge([changed(bubbles[4], path="/here")])
        assert rows == [(3, 5)]
        assert model.row(4).bubble.path == "/here"

    def test_a_message_moves_when_it_gets_its_position(self) -> None:
        mine = Diary().say("mine", State.SENDING).bubbles[0]
        mine = changed(mine, lid=Lid(50))
        model = shown([*heard(10), mine])
        assert lids(model)[-1] == 50
        late = changed(heard(12)[10], lid=Lid(60))
        model.merge([late])
        assert lids(model)[-2:] == [60, 50]
        model.merge([changed(mine, pos=11, ts=NOW_MS, state=State.ACCEPTED), changed(late, pos=12)])
        assert lids(model)[-2:] == [50, 60]

    def test_unsent_messages_stay_below_in_the_order_they_were_written(self) -> None:
        model = shown(heard(3))
        written = Diary().say("a", State.QUEUED).say("b", State.QUEUED).bubbles
        waiting = [changed(bubble, lid=Lid(20 + bubble.lid)) for bubble in written]
        model.merge(list(reversed(waiting)))
        assert lids(model) == [1, 2, 3, 21, 22]

    def test_other_conversations_are_not_for_us(self) -> None:
        model = shown(heard(3))
        model.merge([changed(heard(1)[0], lid=Lid(9), conv=ConvId("other"))])
        assert lids(model) == [1, 2, 3]

    def test_what_lies_beyond_the_window_is_not_put_into_it(self) -> None:
        bubbles = heard(1001)
        model = shown(bubbles[:1000], entry(unread=900, read_upto=100))
        before = lids(model)
        model.merge([bubbles[1000]])
        assert lids(model) == before

    def test_a_dropped_bubble_is_gone(self) -> None:
        model = shown(heard(3))
        model.drop(Lid(2))
        model.drop(Lid(77))
        assert lids(model) == [1, 3]

    def test_the_window_stays_small_under_a_flood(self) -> None:
        bubbles = heard(CAP + 400)
        model = shown(bubbles[:100])
        model.merge(bubbles[100:])
        assert model.rowCount() == CAP
        assert lids(model)[-1] == CAP + 400
        assert not model.at_start

    def test_progress_repaints_without_a_new_layout(self) -> None:
        model = shown(heard(3))
        told: list[object] = []
        sizes: list[object] = []
        model.repaint.connect(told.append)
        model.dataChanged.connect(lambda *_: sizes.append(1))
        model.progress(TransferProgress(Lid(2), "down", 1, 10))
        model.progress(TransferProgress(Lid(2), "down", 5, 10))
        assert told == [2]
        assert len(sizes) == 1
        assert model.row(1).progress == TransferProgress(Lid(2), "down", 5, 10)
        model.settle(Lid(2))
        assert model.row(1).progress is None

    def test_only_one_thing_plays(self) -> None:
        model = shown(heard(3))
        model.play(Playing(Lid(1), 1.0, 9.0))
        model.play(Playing(Lid(3), 0.0, 5.0))
        assert model.row(0).playing is None
        assert model.row(2).playing == Playing(Lid(3), 0.0, 5.0)
        model.play(None)
        assert model.row(2).playing is None

    def test_a_long_text_is_shown_whole_once_asked_for(self) -> None:
        model = shown(heard(2))
        model.expand(Lid(2))
        assert [model.row(row).expanded for row in range(2)] == [False, True]


class TestWhatQtSees:
    def test_the_model_keeps_qts_rules(self, qtmodeltester: ModelTester) -> None:
        bubbles = heard(300)
        model = shown(bubbles[:200])
        qtmodeltester.check(model, force_py=True)
        finish(model.older())
        model.merge(bubbles[200:])
        model.drop(Lid(150))

    def test_what_the_server_says_is_no_message_of_a_newer_version(self) -> None:
        model = shown(Diary().hear(ANNA, Joined(ANNA.uid, "Anna")).bubbles)
        assert model.index(0).data(Qt.ItemDataRole.DisplayRole) == notice_words(model.row(0))

    def test_a_row_is_one_sentence(self) -> None:
        model = shown(Diary(NOW_MS - 60_000).say("Hello", State.DELIVERED).bubbles)
        words = model.index(0).data(Qt.ItemDataRole.AccessibleTextRole)
        assert words == "You, Hello, delivered, 14:04"
        assert model.index(0).data(ROW).bubble.body == Text("Hello")

    def test_how_many_are_below(self) -> None:
        model = shown(heard(20), entry(unread=5, read_upto=15))
        assert model.unread_below(9) == 5
        assert model.unread_below(17) == 2

    @pytest.mark.parametrize("role", [Qt.ItemDataRole.DecorationRole, ROW])
    def test_an_index_of_nowhere_has_nothing(self, role: int) -> None:
        model = shown(heard(1))
        assert model.data(model.index(5), role) is None


class TestGaps:
    """What is not here is said between the messages where it is missing (P-42, P-63)."""

    def gapped(self, *gaps: Gap, count: int = 8) -> ConversationModel:
        bubbles = [bubble for bubble in heard(count) if not any(gap.first <= bubble.pos <= gap.last for gap in gaps)]
        model = ConversationModel(Shelf(bubbles, gaps), me=ME.uid, now_ms=lambda: NOW_MS, start=refuse)
        finish(model.open(entry()))
        return model

    def test_above_the_first_between_two_and_below_the_last(self) -> None:
        model = self.gapped(Gap(1, 2, "before_join"), Gap(5, 5, "expired"), Gap(8, 8, "not_member"))
        assert [model.row(place).gaps for place in range(4)] == [("before_join",), (), ("expired",), ()]
        assert [model.row(place).gaps_below for place in range(4)] == [(), (), (), ("not_member",)]

    def test_two_gaps_of_one_reason_are_said_once(self) -> None:
        model = self.gapped(Gap(1, 1, "expired"), Gap(2, 2, "expired"), Gap(3, 3, "unreadable"))
        assert model.row(0).gaps == ("expired", "unreadable")

    def test_above_the_window_nobody_knows_yet(self) -> None:
        model = self.gapped(Gap(1, 1, "before_join"), count=200)
        assert not model.at_start
        assert model.row(0).gaps == ()

    def test_a_message_without_a_place_has_none(self) -> None:
        model = self.gapped(Gap(8, 8, "expired"))
        waiting = changed(Diary().say("x", State.QUEUED).bubbles[0], lid=Lid(99))
        model.merge([waiting])
        assert model.row(model.rowCount() - 1).gaps == ()
        assert model.row(model.rowCount() - 2).gaps_below == ("expired",)

    def test_with_a_line_what_is_older_than_this_device_is_asked_for(self) -> None:
        started: list[Coroutine[Any, Any, None]] = []
        bubbles = heard(8)[4:]
        shelf = Shelf(bubbles, (Gap(1, 4, "before_device"),))
        model = ConversationModel(shelf, me=ME.uid, now_ms=lambda: NOW_MS, start=started.append)
        finish(model.open(entry()))
        assert model.row(0).gaps == ("before_device",)
        shelf.bubbles, shelf.missing = heard(8), ()
        model.merge([])
        finish(model.look_again())
        assert started == [], "nothing is older on the server any more"
        shelf.missing = (Gap(1, 4, "before_device"),)
        finish(model.look_again())
        shelf.missing = ()
        finish(started.pop())
        assert [model.rowCount(), model.at_start, model.row(0).gaps, model.waiting] == [8, True, (), False]

    def test_without_a_conversation_nothing_is_asked(self) -> None:
        model = shown(heard(2))
        model.close()
        finish(model.look_again())
        assert model.rowCount() == 0

    def test_waiting_is_told(self) -> None:
        model = ConversationModel(Shelf(heard(3)), me=ME.uid, now_ms=lambda: NOW_MS, start=refuse)
        told: list[bool] = []
        model.waiting_changed.connect(lambda: told.append(model.waiting))
        finish(model.open(entry()))
        assert told == [True, False]


class TestGoingToAMessage:
    def test_one_that_is_here_moves_nothing(self) -> None:
        model = shown(heard(1000))
        before = lids(model)
        assert finish(model.around(Lid(980)))
        assert lids(model) == before

    def test_one_far_above_is_read_with_what_stands_around_it(self) -> None:
        model = shown(heard(1000))
        assert finish(model.around(Lid(300)))
        assert lids(model) == list(range(251, 351))
        assert not model.at_end
        assert not model.at_start

    def test_near_the_beginning_the_window_ends_there(self) -> None:
        model = shown(heard(60))
        assert finish(model.around(Lid(5)))
        assert lids(model) == list(range(1, 56))
        assert model.at_start

    def test_one_of_another_conversation_is_not_shown(self) -> None:
        bubbles = heard(60)
        bubbles[0] = changed(bubbles[0], conv=ConvId("other"))
        model = shown(bubbles)
        assert not finish(model.around(Lid(1)))


def test_what_answers_a_removed_message_repeats_it_no_longer() -> None:
    bubbles = heard(2)
    reply = Reply(Digest("d"), ANNA.uid, "message 1")
    model = shown([bubbles[0], changed(bubbles[1], reply=reply, reply_lid=Lid(1))])
    assert model.row(1).quoted == ANNA.name
    assert not model.row(1).quote_gone
    model.merge([changed(bubbles[0], body=None, recalled=True, recalled_by=ANNA.uid)])
    assert model.row(1).quote_gone
    assert model.row(0).remover == ANNA.name

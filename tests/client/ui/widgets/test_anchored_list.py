"""The list keeps its place while it grows at both ends, and follows the end from there."""

from __future__ import annotations

from typing import Any

from client.ui.theme import Themes
from protocol.values import Lid
from tests.client.ui.widgets.list_window import Window, later, talk
from tests.stages import people
from tests.stages.stage import finish


def test_opens_at_the_end_and_follows_it(qtbot: Any, themes: Themes) -> None:
    bubbles = talk(60)
    window = Window(qtbot, themes, bubbles[:50], later)
    assert window.view.px_to_end() == 0
    window.model.merge(bubbles[50:])
    window.rest()
    assert window.view.px_to_end() == 0
    assert ("read_upto", 60) in window.told


def test_a_short_conversation_stands_at_the_bottom(qtbot: Any, themes: Themes) -> None:
    window = Window(qtbot, themes, talk(2))
    assert window.top_of(2) > 400
    assert not window.view.jump_button.isVisible()


def test_new_messages_do_not_move_who_reads_above(qtbot: Any, themes: Themes) -> None:
    bubbles = talk(90)
    window = Window(qtbot, themes, bubbles[:70], later)
    bar = window.view.verticalScrollBar()
    bar.setValue(bar.maximum() // 2)
    window.rest()
    lid = window.model.bubble_at(window.view._top_index().row()).lid
    before = window.top_of(lid)
    window.model.merge(bubbles[70:])
    window.rest()
    assert window.top_of(lid) == before
    assert window.view.jump_button.isVisible()


def test_older_messages_come_in_above_without_a_jump(qtbot: Any, themes: Themes) -> None:
    window = Window(qtbot, themes, talk(400), later)
    bar = window.view.verticalScrollBar()
    bar.setValue(300)
    window.rest()
    for _ in range(5):
        lid = window.model.bubble_at(window.view._top_index().row()).lid
        before = window.top_of(lid)
        finish(window.model.older())
        window.rest()
        assert window.top_of(lid) == before


def test_scrolling_up_loads_until_the_first_message(qtbot: Any, themes: Themes) -> None:
    window = Window(qtbot, themes, talk(300))
    for _ in range(200):
        bar = window.view.verticalScrollBar()
        bar.setValue(bar.value() - 400)
        window.rest()
        if window.model.at_start and bar.value() == 0:
            break
    assert window.top_of(1) == 0


def test_follows_the_end_after_opening_at_a_divider_with_nothing_below_the_view(qtbot: Any, themes: Themes) -> None:
    bubbles = talk(12)
    window = Window(qtbot, themes, bubbles[:3], later, unread=2, read_upto=1)
    for bubble in bubbles[3:]:
        window.model.merge([bubble])
        window.rest()
    assert window.view.verticalScrollBar().maximum() > 0
    assert window.view.px_to_end() == 0


def test_the_width_may_change_without_losing_the_place(qtbot: Any, themes: Themes) -> None:
    window = Window(qtbot, themes, talk(80), later)
    window.view.scroll_to(Lid(65))
    window.rest()
    index = window.view._top_index()
    lid = window.model.bubble_at(index.row()).lid
    before = window.top_of(lid)
    window.view.resize(420, 500)
    window.rest()
    assert window.top_of(lid) == before


def test_show_more_grows_downwards(qtbot: Any, themes: Themes) -> None:
    window = Window(qtbot, themes, people.wordy())
    before = window.top_of(1)
    window.view.verticalScrollBar().setValue(window.view.verticalScrollBar().maximum())
    window.rest()
    before = window.top_of(1)
    window.click(1, "more")
    window.rest()
    assert window.top_of(1) == before
    assert window.clicks() == [(1, "more")]

"""What sounds and what is looked at, in the whole window: notes after each other, keys, the viewer, no request."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import cast

import pytest
import pytest_asyncio
from PySide6.QtCore import QCoreApplication, QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

import resources
from client.app.chat import Chat
from client.core.model import Bubble, TransferProgress
from client.ui.bubbles.note import is_note
from client.ui.notebook import Notebook
from client.ui.sound.sources import INVENTED
from client.ui.theme import Themes
from client.ui.viewmodels.rows import Row
from client.ui.widgets.main_window import MainWindow
from protocol.content import Text, Voice
from protocol.values import ConvId, Lid, replace
from tests.stages import people
from tests.stages.media import note
from tests.stages.shelf_chat import ShelfChat

SAMPLES = Path(resources.__file__).parent / "samples"
VOICE, FILM = str(SAMPLES / "voice.ogg"), str(SAMPLES / "video.mp4")
OTHER = ConvId("other")
SHIFT = Qt.KeyboardModifier.ShiftModifier


class Bench:
    """The window, its chat, and a way to wait."""

    def __init__(self, window: MainWindow, chat: ShelfChat) -> None:
        self.window, self.chat, self.page = window, chat, window.page
        self.player = window.page.player

    async def until(self, wanted: Callable[[], object]) -> None:
        async with asyncio.timeout(10):
            while not wanted():  # noqa: ASYNC110 - what is drawn tells nobody
                await asyncio.sleep(0.005)

    async def plays(self, lid: int) -> None:
        await self.until(lambda: self.player.lid == lid and self.player.position_ms > 0)

    def key(self, widget: QWidget, key: Qt.Key) -> None:
        QTest.keyClick(widget, key)

    def wishes(self, name: str) -> list[object]:
        return [wish[1] for wish in self.chat.wishes if wish[0] == name]

    def point(self, lid: int, part: str) -> QPoint:
        """The middle of a part of a bubble, in the viewport."""
        view = self.page.list
        row = self.page.model.row_of(Lid(lid))
        assert row is not None
        index = self.page.model.index(row)
        return view.bubbles.part_rect(index, view.visualRect(index), part).center()

    async def end(self) -> None:
        """To the last moment of what plays."""
        await self.until(lambda: self.player.duration_ms > 4000)
        self.player.seek(0.98)


def notes() -> list[Bubble]:
    """1 and 2 unheard, 3 words, 4 ours, 5 heard, 6 unheard, 7 not downloaded, 8 unheard behind it."""
    diary = people.Diary()
    diary.hear(people.ANNA, people.voice(), path=VOICE).hear(people.ANNA, people.voice(), path=VOICE)
    diary.hear(people.ANNA, Text("listen!")).say(people.voice(), path=VOICE)
    diary.hear(people.ANNA, people.voice(), path=VOICE, heard=True).hear(people.ANNA, people.voice(), path=VOICE)
    diary.hear(people.ANNA, people.voice()).hear(people.ANNA, people.voice(), path=VOICE)
    return diary.bubbles


@pytest_asyncio.fixture
async def bench(qtbot: QtBot, themes: Themes, tmp_path: Path) -> AsyncIterator[Bench]:
    QApplication.setQuitOnLastWindowClosed(False)
    chat = ShelfChat(notes(), [people.entry(conv=people.CONV), people.entry(conv=OTHER)])
    window = MainWindow(cast(Chat, chat), themes, Notebook(tmp_path), sources=INVENTED, native_dialogs=False)
    window._leaving = True
    made = Bench(window, chat)
    window.show()
    await made.until(lambda: window.chats.rowCount() == 2)
    window.show_chat(people.CONV)
    await made.until(lambda: window.page.model.rowCount() > 0)
    yield made
    window.close()
    await window.close_down()
    window.deleteLater()
    QCoreApplication.sendPostedEvents(window, QEvent.Type.DeferredDelete)


# --------------------------------------------------------------------------------------------- heard


async def test_the_next_note_that_was_not_heard_follows_by_itself(bench: Bench) -> None:
    bench.page.hands.do(Lid(1), "play")
    await bench.plays(1)
    await bench.end()

    await bench.plays(2)
    assert bench.wishes("played") == [1]
    await bench.end()
    await bench.plays(6)
    assert bench.wishes("played") == [1, 2], "what was said here, and what was heard, is not played"


async def test_what_is_not_here_is_neither_fetched_nor_jumped_over(bench: Bench) -> None:
    bench.page.hands.do(Lid(6), "play")
    await bench.plays(6)
    await bench.end()

    await bench.until(lambda: bench.wishes("played") == [6])
    await asyncio.sleep(0.05)
    assert bench.player.lid is None
    assert bench.wishes("fetch") == []


async def test_the_dot_goes_when_a_note_was_played_to_its_end(bench: Bench) -> None:
    def dots() -> list[bool]:
        view = bench.page.list
        rows = [view._model.row(place) for place in range(view._model.rowCount())]
        blocks = [view.bubbles.sheet(row)._block for row in rows if isinstance(row.bubble.body, Voice)]
        return [block.unheard for block in blocks]  # type: ignore[union-attr]

    assert dots() == [True, True, False, False, True, True, True]
    bench.page.hands.do(Lid(6), "play")
    await bench.plays(6)
    bench.player.stop()
    assert dots()[4], "half of it is not all of it"
    bench.page.hands.do(Lid(6), "play")
    await bench.plays(6)
    await bench.end()
    await bench.until(lambda: not dots()[4])


async def test_a_note_that_is_not_what_it_says_is_not_given_to_a_decoder(bench: Bench) -> None:
    bench.chat.put(replace(notes()[0], why="media_not_as_said"))
    bench.page.hands.do(Lid(1), "play")
    bench.page.hands.seek(Lid(1), 0.5)
    await asyncio.sleep(0.02)

    assert bench.wishes("checked_path") == []
    assert bench.player.lid is None


# ---------------------------------------------------------------------------------------- the player


async def test_it_goes_on_in_another_chat_and_says_where_it_is(bench: Bench) -> None:
    bench.page.hands.do(Lid(1), "play")
    await bench.plays(1)
    bench.window.show_chat(OTHER)
    await bench.until(lambda: bench.page.conv == OTHER)

    assert not bench.player.paused
    assert bench.page.strip.isVisible()
    assert bench.page.strip.height() == 40
    assert bench.page.strip._who.text() == "Anna Li"
    bench.window.resize(500, 500)
    bench.page.strip._who.click()
    await bench.until(lambda: bench.page.conv == people.CONV)
    assert not bench.player.paused
    bench.page.strip._close.click()
    assert bench.player.lid is None
    assert bench.page.strip.isHidden()


async def test_a_speed_is_remembered_for_each_conversation(bench: Bench) -> None:
    bench.page.hands.do(Lid(1), "play")
    await bench.plays(1)
    menu = bench.page.strip._speed.menu_of_speeds()
    assert [action.text() for action in menu.actions()][0:3:2] == ["0.5×", "1×"]
    assert [action.text() for action in menu.actions() if action.isChecked()] == ["1×"]
    menu.actions()[-1].trigger()
    assert bench.player.speed == 2.5
    assert bench.page.strip._speed.text() == "2.5×"

    bench.player.stop()
    bench.page.hands.do(Lid(2), "play")
    await bench.plays(2)
    assert bench.player.speed == 2.5
    bench.chat.put(replace(notes()[7], lid=Lid(20), conv=OTHER))
    bench.window.show_chat(OTHER)
    await bench.until(lambda: bench.page.model.row_of(Lid(20)) is not None)
    bench.page.hands.do(Lid(20), "play")
    await bench.plays(20)
    assert bench.player.speed == 1.0
    assert Notebook(bench.page._notebook.folder).speed(people.CONV) == 2.5


async def test_a_drag_along_the_waveform_seeks_until_it_is_let_go(bench: Bench) -> None:
    bench.page.list.scroll_to(Lid(6))
    bench.page.hands.do(Lid(6), "play")
    await bench.plays(6)
    await bench.until(lambda: bench.player.duration_ms > 4000)
    bench.player.pause()
    view, start = bench.page.list.viewport(), bench.point(6, "wave")
    QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=start)
    await bench.until(lambda: 0.4 < bench.player.position_ms / bench.player.duration_ms < 0.6)
    seen: list[float] = []
    bench.page.list.seek_clicked.connect(lambda _lid, share: seen.append(share))
    move(view, start + QPoint(60, 90))
    assert 0.6 < seen[-1] < 1, "also outside of its bubble"
    move(view, start + QPoint(4000, 0))
    assert seen[-1] == 1.0
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=start)
    count = len(seen)
    move(view, start)
    assert len(seen) == count


def move(widget: QWidget, point: QPoint) -> None:
    """The pointer, with its left button down."""
    spot = QPointF(point)
    left = Qt.MouseButton.LeftButton
    none = Qt.KeyboardModifier.NoModifier
    at = QPointF(widget.mapToGlobal(point))
    QApplication.sendEvent(widget, QMouseEvent(QEvent.Type.MouseMove, spot, at, Qt.MouseButton.NoButton, left, none))


async def test_a_click_into_a_waveform_begins_there(bench: Bench) -> None:
    bench.page.hands.seek(Lid(1), 0.2)
    bench.page.hands.seek(Lid(1), 0.5)
    await bench.until(lambda: bench.player.lid == 1 and bench.player.position_ms > 1500)
    assert bench.wishes("checked_path") == [1]


async def test_keys_of_the_player_work_wherever_no_words_are_written(bench: Bench) -> None:
    bench.window.activateWindow()
    bench.page.hands.do(Lid(1), "play")
    await bench.plays(1)
    await bench.until(lambda: bench.player.duration_ms > 4000)
    side = bench.window.side.chats.view
    side.setFocus()
    bench.key(side, Qt.Key.Key_Space)
    assert bench.player.paused
    bench.key(side, Qt.Key.Key_Right)
    await bench.until(lambda: bench.player.position_ms > 4000)
    bench.key(side, Qt.Key.Key_Left)
    await bench.until(lambda: bench.player.position_ms < 1500)

    field = bench.page.composer.field
    field.setFocus()
    bench.key(field, Qt.Key.Key_Space)
    assert bench.player.paused
    assert field.toPlainText() == " "


async def test_a_button_and_a_list_keep_their_keys_while_something_plays(bench: Bench) -> None:
    bench.window.activateWindow()
    bench.page.hands.do(Lid(1), "play")
    await bench.plays(1)
    bench.player.pause()
    close = bench.page.strip._close
    close.setFocus()
    bench.key(close, Qt.Key.Key_Space)
    assert bench.player.lid is None, "the button was pressed"

    bench.page.hands.do(Lid(1), "play")
    await bench.plays(1)
    view = bench.page.list
    view.setFocus(Qt.FocusReason.TabFocusReason)
    view.setCurrentIndex(bench.page.model.index(1))
    view.bubbles.show_focus = True
    bench.key(view, Qt.Key.Key_Right)
    assert view.bubbles.focused_part == "play"
    assert not bench.player.paused


# ---------------------------------------------------------------------------------------- the viewer


def faces(folder: Path) -> list[Bubble]:
    """1 a picture that is here, 2 words, 3 a film that is not here, 4 a film that is here, 5 a picture from us."""
    diary = people.Diary()
    diary.hear(people.ANNA, people.photo(), path=people.saved(folder)).hear(people.ANNA, Text("and"))
    diary.hear(people.ANNA, people.video()).hear(people.ANNA, people.video(), path=FILM)
    diary.say(people.photo(), path=people.saved(folder, "own.jpg"))
    return diary.bubbles


@pytest_asyncio.fixture
async def gallery(bench: Bench, tmp_path: Path) -> Bench:
    bench.chat.shelf = people.Shelf(faces(tmp_path))
    bench.window.show_chat(OTHER)
    await bench.until(lambda: bench.page.conv == OTHER)
    bench.window.show_chat(people.CONV)
    await bench.until(lambda: bench.page.model.row_of(Lid(5)) is not None)
    return bench


def counter(bench: Bench) -> str:
    return bench.page.viewer._count.text()


async def look(bench: Bench, lid: int) -> None:
    bench.page.hands.do(Lid(lid), "open")
    await bench.until(lambda: bench.page.viewer.lid == lid)


def press(bench: Bench, *keys: Qt.Key) -> None:
    for key in keys:
        QTest.keyClick(bench.page.viewer, key)


async def test_the_viewer_steps_through_pictures_and_films_and_fetches_nothing(gallery: Bench) -> None:
    viewer = gallery.page.viewer
    await look(gallery, 1)
    assert counter(gallery) == "1 of 4"
    assert not viewer._before.isVisible()
    press(gallery, Qt.Key.Key_Right)
    await gallery.until(lambda: viewer.lid == 3)

    assert counter(gallery) == "2 of 4"
    assert viewer._said.text() == "4.1 MB"
    assert viewer._do.text() == "Download"
    assert not viewer.canvas._image.isNull(), "its preview"
    assert viewer._rotate.isHidden()
    assert viewer._controls.isHidden()
    press(gallery, Qt.Key.Key_Right)
    await gallery.plays(4)
    press(gallery, Qt.Key.Key_Right)
    assert viewer.lid == 4, "while a film runs, arrows are seconds"
    press(gallery, Qt.Key.Key_Space, Qt.Key.Key_Right)
    await gallery.until(lambda: viewer.lid == 5)
    assert counter(gallery) == "4 of 4"
    assert not viewer._after.isVisible()
    assert gallery.player.lid is None, "what is not seen does not sound"
    press(gallery, Qt.Key.Key_PageUp)
    await gallery.until(lambda: viewer.lid == 4)
    assert gallery.wishes("fetch") == []


async def test_a_click_on_download_fetches_and_what_came_is_shown(gallery: Bench) -> None:
    viewer = gallery.page.viewer
    gallery.page.viewing.open(await gallery.chat.bubble(Lid(3)))
    await gallery.until(lambda: viewer.lid == 3)
    viewer._do.click()
    await gallery.until(lambda: gallery.wishes("fetch") == [3])
    gallery.chat.put(replace(await gallery.chat.bubble(Lid(3)), fetching=True))
    gallery.page.progressed(TransferProgress(Lid(3), "down", 2_060_000, 4_120_000))
    await gallery.until(lambda: viewer._do.text() == "Stop the download")
    assert viewer._said.text() == "2.1 of 4.1 MB"

    gallery.chat.put(replace(await gallery.chat.bubble(Lid(3)), fetching=False))
    await gallery.until(lambda: viewer._do.text() == "Download")
    gallery.chat.put(replace(await gallery.chat.bubble(Lid(3)), path=FILM))
    await gallery.plays(3)
    assert viewer._offer.isHidden()
    assert viewer._controls.isVisible()


async def test_a_film_goes_on_where_it_was_left(gallery: Bench) -> None:
    gallery.page.hands.do(Lid(4), "play")
    await gallery.plays(4)
    gallery.player.pause()
    press(gallery, Qt.Key.Key_5)
    await gallery.until(lambda: gallery.player.position_ms > 0.45 * gallery.player.duration_ms)
    half_ms = gallery.player.position_ms
    press(gallery, Qt.Key.Key_Escape)
    assert gallery.page.viewer.isHidden()
    assert gallery.player.lid is None

    gallery.page.hands.do(Lid(4), "play")
    await gallery.until(lambda: gallery.player.lid == 4 and gallery.player.position_ms >= half_ms)


async def test_keys_of_a_film(gallery: Bench) -> None:
    viewer = gallery.page.viewer
    gallery.page.hands.do(Lid(4), "play")
    await gallery.plays(4)
    press(gallery, Qt.Key.Key_Comma)
    assert gallery.player.paused
    press(gallery, Qt.Key.Key_M)
    assert gallery.player.loudness == 0
    assert viewer._volume.accessibleName() == "Volume 0 %"
    press(gallery, Qt.Key.Key_Up, Qt.Key.Key_Up)
    assert gallery.player.loudness == pytest.approx(0.2)
    press(gallery, Qt.Key.Key_M, Qt.Key.Key_M)
    assert gallery.player.loudness == 1
    press(gallery, Qt.Key.Key_F)
    assert gallery.window.isFullScreen()
    press(gallery, Qt.Key.Key_Escape)
    assert not gallery.window.isFullScreen()
    assert viewer.isHidden()


async def test_a_picture_is_zoomed_at_the_pointer_within_bounds(gallery: Bench) -> None:
    await look(gallery, 1)
    viewer = gallery.page.viewer
    await gallery.until(lambda: viewer.canvas._image.width() == 1600)
    canvas = viewer.canvas
    fitted = canvas.zoom
    assert fitted < 1
    spot = QPointF(300, 200)
    under = (spot - QPointF(canvas.rect().center()) - canvas._at) / canvas.zoom
    canvas.zoom_by(3, spot)
    now = (spot - QPointF(canvas.rect().center()) - canvas._at) / canvas.zoom
    assert (under - now).manhattanLength() < 0.01
    for _ in range(30):
        press(gallery, Qt.Key.Key_Plus)
    assert canvas.zoom == 8
    for _ in range(40):
        press(gallery, Qt.Key.Key_Minus)
    assert canvas.zoom == pytest.approx(0.1)
    QTest.mouseDClick(canvas, Qt.MouseButton.LeftButton)
    assert canvas.zoom == fitted
    QTest.mouseDClick(canvas, Qt.MouseButton.LeftButton)
    assert canvas.zoom == 1
    press(gallery, Qt.Key.Key_R)
    assert canvas._turns == 1
    assert canvas.zoom < fitted


async def test_a_damaged_picture_is_for_another_program(gallery: Bench, tmp_path: Path) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"not a picture at all")
    gallery.chat.put(replace(await gallery.chat.bubble(Lid(1)), path=str(broken)))
    await look(gallery, 1)
    viewer = gallery.page.viewer
    await gallery.until(lambda: viewer._do.text() == "Open in another program")
    assert viewer._said.text() == "This picture cannot be shown here."


async def test_deeds_are_about_what_is_shown(gallery: Bench) -> None:
    gallery.page.list.setCurrentIndex(gallery.page.model.index(1))
    await look(gallery, 5)
    done: list[tuple[int, str]] = []
    gallery.page.viewing._act = lambda bubble, part: done.append((bubble.lid, part))
    QTest.keyClick(gallery.page.viewer, Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
    QTest.keyClick(gallery.page.viewer, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    for part in ("folder", "forward"):
        gallery.page.viewer._deeds[part].click()
    assert done == [(5, "save"), (5, "copy_file"), (5, "folder"), (5, "forward")]
    gallery.page.viewer._deeds["show"].click()
    assert gallery.page.viewer.isHidden()
    await gallery.until(lambda: gallery.page.list.bubbles.flashed == 5)


async def test_in_a_narrow_window_the_menu_has_what_the_bar_has_no_room_for(gallery: Bench) -> None:
    await look(gallery, 1)
    viewer = gallery.page.viewer
    assert viewer._deeds["folder"].isVisible()
    gallery.window.resize(400, 560)
    await gallery.until(lambda: not viewer._deeds["folder"].isVisible())
    assert viewer._deeds["save"].isVisible()
    assert viewer._bar.minimumSizeHint().width() <= 400
    menu = viewer.menu()
    assert [action.data() for action in menu.actions()] == ["save", "copy_file", "folder", "forward", "show"]
    menu.deleteLater()
    await look_away(gallery, 3)
    menu = viewer.menu()
    assert [action.data() for action in menu.actions()] == ["forward", "show"]
    menu.deleteLater()


async def look_away(bench: Bench, lid: int) -> None:
    press(bench, Qt.Key.Key_PageDown)
    await bench.until(lambda: bench.page.viewer.lid == lid)


async def test_what_is_recalled_or_dropped_is_not_looked_at_any_more(gallery: Bench) -> None:
    await look(gallery, 1)
    gallery.chat.put(replace(await gallery.chat.bubble(Lid(1)), body=None, recalled=True))
    await gallery.until(lambda: gallery.page.viewer.isHidden())
    await look(gallery, 5)
    gallery.page.bubble_dropped(Lid(5))
    assert gallery.page.viewer.isHidden()


async def test_a_new_picture_is_counted_while_one_is_looked_at(gallery: Bench) -> None:
    await look(gallery, 5)
    gallery.chat.put(replace(await gallery.chat.bubble(Lid(3)), lid=Lid(30), pos=90, place=180))
    await gallery.until(lambda: counter(gallery) == "4 of 5")


# --------------------------------------------------------------------------------------- video notes


def at(bench: Bench, lid: int) -> Row:
    place = bench.page.model.row_of(Lid(lid))
    assert place is not None
    return bench.page.model.row(place)


def screen_of(bench: Bench, lid: int) -> object:
    playing = at(bench, lid).playing
    return playing.screen.image if playing is not None and playing.screen is not None else None


async def test_a_video_note_plays_where_it_is(gallery: Bench) -> None:
    gallery.chat.put(replace(await gallery.chat.bubble(Lid(4)), body=note(), path=FILM))
    await gallery.until(lambda: is_note(at(gallery, 4)))
    gallery.page.list.scroll_to_end()
    view = gallery.page.list
    QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=gallery.point(4, "play"))
    await gallery.plays(4)

    assert gallery.page.viewer.isHidden()
    assert gallery.page.strip.isVisible()
    await gallery.until(lambda: screen_of(gallery, 4) is not None)
    QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=gallery.point(4, "pause"))
    assert gallery.player.paused
    gallery.player.toggle()
    gallery.player.seek(0.98)
    await gallery.until(lambda: gallery.wishes("played") == [4])


# ------------------------------------------------------------------------------------ the media tab


def tiles(bench: Bench) -> list[int]:
    model = bench.page.browsing.model
    return [model.row(place).lid for place in range(model.rowCount())]


async def flashed(bench: Bench, lid: int) -> None:
    await bench.until(lambda: bench.page.list.bubbles.flashed == lid)


async def held(bench: Bench, count: int) -> None:
    await bench.until(lambda: len(tiles(bench)) == count)


async def counted(bench: Bench, words: str) -> None:
    await bench.until(lambda: counter(bench) == words)


def click(bench: Bench, place: int, at: QPoint | None = None) -> None:
    view = bench.page.browsing.tab.view
    spot = at or view.visualRect(view.model().index(place, 0)).center()
    QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=spot)


async def test_the_media_of_a_chat_are_opened_looked_at_and_left(gallery: Bench) -> None:
    tab = gallery.page.browsing.tab
    gallery.page.header.media.click()
    await gallery.until(lambda: tiles(gallery) == [5, 4, 3, 1])
    assert tab.isVisible()
    click(gallery, 2)
    await gallery.until(lambda: gallery.page.viewer.lid == 3)
    assert counter(gallery) == "2 of 4"
    press(gallery, Qt.Key.Key_Escape)
    assert gallery.page.viewer.isHidden()
    assert tab.isVisible(), "the uppermost first"
    QTest.keyClick(tab.view, Qt.Key.Key_Escape)
    assert not tab.isVisible()
    assert gallery.wishes("fetch") == []

    QTest.keyClick(gallery.page.list, Qt.Key.Key_G, Qt.KeyboardModifier.ControlModifier | SHIFT)
    assert tab.isVisible()
    await gallery.until(lambda: tiles(gallery) == [5, 4, 3, 1])
    tab.view.setCurrentIndex(tab.view.model().index(3, 0))
    QTest.keyClick(tab.view, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    await gallery.until(lambda: gallery.page.list.bubbles.flashed == 1)
    assert not tab.isVisible()


async def test_voice_notes_are_played_from_their_list(bench: Bench) -> None:
    tab = bench.page.browsing.tab
    bench.page.browse()
    tab._tabs[1].click()
    await bench.until(lambda: tiles(bench) == [8, 7, 6, 5, 4, 2, 1])
    click(bench, 2)
    await bench.plays(6)
    assert bench.page.browsing.model.row(2).playing is not None
    click(bench, 2)
    assert bench.player.paused
    click(bench, 1)
    await bench.until(lambda: bench.wishes("fetch") == [7])
    line = tab.view.visualRect(tab.view.model().index(4, 0))
    click(bench, 4, QPoint(line.right() - 24, line.center().y()))
    await bench.until(lambda: bench.page.list.bubbles.flashed == 4)


async def test_an_empty_tab_says_so_until_something_comes(bench: Bench) -> None:
    tab = bench.page.browsing.tab
    bench.page.browse()
    await bench.until(lambda: tab._nothing.isVisible())
    assert tab._nothing.text() == "No pictures or films in this chat yet."
    bench.chat.put(replace(notes()[6], lid=Lid(40), pos=40, body=people.photo()))
    await bench.until(lambda: tiles(bench) == [40])
    assert tab.view.isVisible()
    tab._tabs[2].click()
    await bench.until(lambda: tab._nothing.text() == "No files in this chat yet.")
    bench.window.show_chat(OTHER)
    await bench.until(lambda: not tab.isVisible())


async def test_its_menu_offers_what_can_be_done_with_a_file(gallery: Bench) -> None:
    gallery.page.browse()
    await gallery.until(lambda: tiles(gallery) == [5, 4, 3, 1])
    for lid, wanted in ((4, {"open", "save", "forward"}), (3, {"download", "forward"})):
        menu = gallery.page.browsing.menu_of(await gallery.chat.bubble(Lid(lid)))
        assert wanted <= {action.data() for action in menu.actions()}
        menu.actions()[0].trigger()
        await flashed(gallery, lid)
        menu.deleteLater()


async def test_fifty_media_cost_no_request_until_a_click(bench: Bench) -> None:
    diary = people.Diary()
    for place in range(50):
        diary.hear(people.ANNA, (people.photo(), people.video(), people.voice(), people.document())[place % 4])
    bench.chat.shelf = people.Shelf(diary.bubbles)
    bench.window.show_chat(OTHER)
    await bench.until(lambda: bench.page.conv == OTHER)
    bench.chat.wishes.clear()
    bench.window.show_chat(people.CONV)
    await bench.until(lambda: bench.page.model.row_of(Lid(50)) is not None)
    bench.page.browse()
    for place, count in ((0, 26), (1, 12), (2, 12)):
        bench.page.browsing.tab.show_tab(place)
        await held(bench, count)
        bench.page.browsing.tab.grab()
    bench.page.viewing.open(await bench.chat.bubble(Lid(1)))
    for place in range(2, 27):
        await counted(bench, f"{place - 1} of 26")
        press(bench, Qt.Key.Key_PageDown)
    await bench.until(lambda: counter(bench) == "26 of 26")

    asking = {"fetch", "checked_path", "people", "members", "receipts"}
    assert not [wish for wish in bench.chat.wishes if wish[0] in asking]
    bench.page.viewer._do.click()
    await bench.until(lambda: len(bench.wishes("fetch")) == 1)

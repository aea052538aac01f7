"""The whole window over a chat in memory: what the person does becomes a wish, what changes is drawn."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import cast

import pytest
import pytest_asyncio
from PySide6.QtCore import QCoreApplication, QEvent, QFileInfo, QMimeData, Qt, QUrl
from PySide6.QtGui import QImage, QInputMethodEvent
from PySide6.QtWidgets import QApplication, QLineEdit, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from client.app.changes import BubbleDropped, LineChanged
from client.app.chat import Chat
from client.core.model import Bubble, Finding, Line, State
from client.ui.dialogs.frame import Choice, Dialog
from client.ui.dialogs.people import PeopleDialog
from client.ui.dialogs.resend import ResendDialog
from client.ui.dialogs.settings import SettingsDialog
from client.ui.drafts import Drafts
from client.ui.notebook import Notebook
from client.ui.sound.sources import INVENTED, Sources, ToneSource
from client.ui.theme import Themes
from client.ui.widgets.main_window import MainWindow
from client.ui.words import problem_words, speak
from protocol.packets import Person
from protocol.problems import OutboxFull
from protocol.values import Lid
from tests.stages import people
from tests.stages.shelf_chat import ShelfChat


class Bench:
    """The window, its chat, and a way to wait."""

    def __init__(self, window: MainWindow, chat: ShelfChat, qtbot: QtBot) -> None:
        self.window, self.chat, self.page, self._qtbot = window, chat, window.page, qtbot

    async def until(self, wanted: Callable[[], object]) -> None:
        async with asyncio.timeout(5):
            while not wanted():  # noqa: ASYNC110 - what is drawn tells nobody
                await asyncio.sleep(0.005)

    async def wish(self, *wanted: object) -> tuple[object, ...]:
        """Wait for a wish that begins so."""
        await self.until(lambda: [w for w in self.chat.wishes if w[: len(wanted)] == wanted])
        return next(w for w in self.chat.wishes if w[: len(wanted)] == wanted)

    def type(self, text: str) -> None:
        self.page.composer.put(text)

    def enter(self) -> None:
        self._qtbot.keyClick(self.page.composer.field, Qt.Key.Key_Return)

    def key(self, widget: QWidget, key: Qt.Key, held: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        self._qtbot.keyClick(widget, key, held)

    def dialog(self) -> Dialog | None:
        return next((d for d in self.window.findChildren(Dialog) if d.isVisible()), None)

    async def answer(self, name: str) -> None:
        await self.until(lambda: self.dialog() and self.dialog().findChild(QPushButton, f"answer_{name}"))  # type: ignore[union-attr]
        dialog = self.dialog()
        assert dialog is not None
        press(dialog, name)


def press(dialog: Dialog, name: str) -> None:
    button = dialog.findChild(QPushButton, f"answer_{name}")
    assert button is not None
    button.click()


def needs_you(lid: int = 77, state: State = State.NEEDS_YOU) -> Bubble:
    bubble = people.Diary().say("Which train?", state).bubbles[0]
    return Bubble(**{**{f: getattr(bubble, f) for f in bubble.__struct_fields__}, "lid": Lid(lid)})


@pytest_asyncio.fixture
async def bench(qtbot: QtBot, themes: Themes, tmp_path: Path) -> AsyncIterator[Bench]:
    QApplication.setQuitOnLastWindowClosed(False)
    chat = ShelfChat(people.everyday(tmp_path), [people.entry(conv=people.CONV), *people.chats()[1:3]])
    window = MainWindow(cast(Chat, chat), themes, Notebook(tmp_path), sources=INVENTED, native_dialogs=False)
    window._leaving = True
    made = Bench(window, chat, qtbot)
    window.show()
    await made.until(lambda: window.chats.rowCount() == 3)
    window.show_chat(people.CONV)
    await made.until(lambda: window.page.model.rowCount() > 0)
    yield made
    window.close()
    await window.close_down()
    window.deleteLater()
    QCoreApplication.sendPostedEvents(window, QEvent.Type.DeferredDelete)


async def test_return_sends_and_the_field_is_emptied_when_it_is_safe(bench: Bench) -> None:
    bench.chat.slow = asyncio.Event()
    bench.type("Hello")
    bench.enter()
    await bench.wish("say", people.CONV, "Hello")
    assert bench.page.composer.text == "Hello", "not before chat.say has returned (P-19)"

    bench.page.composer.field.insertPlainText(" and more")
    bench.chat.slow.set()
    await bench.until(lambda: bench.page.composer.text == " and more")


async def test_each_return_sends_what_stood_there_when_it_was_pressed(bench: Bench) -> None:
    bench.chat.slow = asyncio.Event()
    for words in ("one", "two", "three"):
        bench.page.composer.field.insertPlainText(words)
        bench.enter()
    bench.page.composer.field.insertPlainText("fo")
    bench.chat.slow.set()
    await bench.until(lambda: bench.page.composer.text == "fo")
    said = [wish[2] for wish in bench.chat.wishes if wish[0] == "say"]
    assert said == ["one", "two", "three"]


async def test_a_second_return_does_not_send_the_draft_of_another_chat(bench: Bench) -> None:
    bench.chat.slow = asyncio.Event()
    bench.type("Hello")
    bench.enter()
    bench.enter()
    other = bench.window.chats.entry(1).conv
    bench.window.show_chat(other)
    await bench.until(lambda: bench.page.conv == other)
    bench.type("not yet")
    bench.chat.slow.set()
    await bench.wish("set_draft", people.CONV, "")
    await bench.until(lambda: not bench.page.sending.busy)
    assert [wish for wish in bench.chat.wishes if wish[0] == "say"] == [("say", people.CONV, "Hello")]
    assert bench.page.composer.text == "not yet"


async def test_a_refused_text_stays_and_the_reason_is_said(bench: Bench) -> None:
    bench.chat.refuse = OutboxFull(limit=1000)
    bench.type("Hello")
    bench.enter()
    await bench.until(lambda: "1000" in bench.page.hint.words)
    assert bench.page.composer.text == "Hello"


async def test_return_belongs_to_an_input_method_that_composes(bench: Bench) -> None:
    field = bench.page.composer.field
    QApplication.sendEvent(field, QInputMethodEvent("ni", []))
    bench.enter()
    bench.page.send()
    assert not [wish for wish in bench.chat.wishes if wish[0] == "say"]
    done = QInputMethodEvent("", [])
    done.setCommitString("你")
    QApplication.sendEvent(field, done)
    bench.enter()
    await bench.wish("say", people.CONV, "你")


async def test_the_draft_of_each_chat_is_kept(bench: Bench) -> None:
    bench.type("half a thou")
    other = bench.window.chats.entry(1).conv
    bench.window.show_chat(other)
    await bench.wish("set_draft", people.CONV, "half a thou")
    await bench.until(lambda: bench.page.conv == other)
    assert bench.page.composer.text == bench.window.chats.entry(1).draft
    bench.window.show_chat(people.CONV)
    await bench.until(lambda: bench.page.composer.text == "half a thou")


async def test_files_wait_on_the_rail_and_the_words_are_their_caption(bench: Bench, tmp_path: Path) -> None:
    picture, folder, empty = Path(people.saved(tmp_path, "a.jpg")), tmp_path / "folder", tmp_path / "empty.txt"
    folder.mkdir()
    empty.touch()
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in (picture, folder, empty)])
    bench.page.composer.field.insertFromMimeData(data)
    assert "folder" in bench.page.hint.words
    assert "empty.txt" in bench.page.hint.words
    assert not bench.page.rail.isHidden()
    assert not [wish for wish in bench.chat.wishes if wish[0] == "send_file"], "nothing is sent without Send"

    bench.type("look")
    bench.enter()
    assert await bench.wish("send_file") == ("send_file", people.CONV, str(picture), "auto", "look")
    await bench.until(lambda: bench.page.rail.isHidden() and bench.page.composer.text == "")


async def test_a_pasted_picture_becomes_a_file_on_the_rail(bench: Bench) -> None:
    image = QImage(40, 30, QImage.Format.Format_RGB32)
    image.fill(Qt.GlobalColor.red)
    data = QMimeData()
    data.setImageData(image)
    bench.page.composer.field.insertFromMimeData(data)
    await bench.until(lambda: not bench.page.rail.isHidden())
    bench.page.send()
    wish = await bench.wish("send_file")
    assert QImage(str(wish[2])).size() == image.size()


@pytest.mark.qt_log_ignore("No RHI backend")  # pictures are then converted by the processor
@pytest.mark.parametrize("kind", ["voice", "video"])
async def test_a_recording_is_sent_as_a_real_file(bench: Bench, kind: str) -> None:
    bench.page.record(kind)
    await bench.until(lambda: bench.page.recording.duration_ms >= 600)
    bench.page.bar.send.click()
    wish = await bench.wish("send_file")
    assert wish[3] == kind
    assert QFileInfo(str(wish[2])).size() > 1000
    assert not bench.page.recording.running


async def test_a_recording_waits_in_its_chat_when_another_one_is_opened(bench: Bench) -> None:
    bench.page.record("voice")
    await bench.until(lambda: bench.page.recording.duration_ms >= 500)
    first, second = bench.window.chats.entry(0), bench.window.chats.entry(1)
    bench.window.show_chat(second.conv)
    await bench.until(lambda: not bench.page.recording.running)
    assert bench.page._below.currentWidget() is bench.page.composer
    assert bench.window.chats.draft_words(first) == "voice 0:00"
    assert "Draft: voice 0:00" in bench.window.chats.sentence(first)
    bench.window.show_chat(people.CONV)
    await bench.until(lambda: bench.page._below.currentWidget() is bench.page.bar)
    assert bench.page.bar.face == "draft"

    bench.page.bar.send.click()
    wish = await bench.wish("send_file", people.CONV)
    assert QFileInfo(str(wish[2])).size() > 1000
    await bench.until(lambda: bench.page._below.currentWidget() is bench.page.composer)
    assert bench.window.chats.draft_words(first) == ""


async def test_a_recording_that_cannot_be_sent_waits_in_its_chat(bench: Bench) -> None:
    bench.page.record("voice")
    await bench.until(lambda: bench.page.recording.duration_ms >= 500)
    bench.chat.refuse = OutboxFull()
    bench.page.bar.send.click()
    await bench.until(lambda: bench.page.hint.words == problem_words("outbox_full"))
    assert bench.page.bar.face == "draft"
    folder = bench.window._notebook.recordings
    assert [path.suffix for path in folder.iterdir()] == [""], "only the recording is left, not what was made of it"


async def test_what_was_discarded_can_be_had_back(bench: Bench) -> None:
    bench.page.record("voice")
    await bench.until(lambda: bench.page.recording.duration_ms >= 500)
    bench.page.bar.discard.click()
    assert bench.page._below.currentWidget() is bench.page.composer
    assert bench.window.toast.words == "The recording was discarded."
    bench.page.composer.setFocus()
    bench.window.toast.action.click()
    assert bench.page._below.currentWidget() is bench.page.bar
    assert bench.page.bar.face == "draft"
    assert bench.window.focusWidget() is bench.page.bar, "Space must not discard it"


async def test_closing_the_window_keeps_what_is_being_recorded(bench: Bench) -> None:
    bench.page.record("voice")
    await bench.until(lambda: bench.page.recording.duration_ms >= 500)
    bench.window.close()
    await bench.window.close_down()

    found = Drafts(bench.window._notebook.recordings)
    assert found.words(people.CONV) == "voice 0:00"


async def test_a_missing_microphone_is_said_in_words(bench: Bench) -> None:
    bench.page.recording._sources = Sources(lambda key: None, lambda key: None)
    bench.page.record("voice")
    assert bench.page.hint.words == problem_words("microphone_missing")


async def test_a_missing_camera_is_said_in_words(bench: Bench) -> None:
    bench.page.recording._sources = Sources(lambda key: ToneSource(), lambda key: None)
    bench.page.record("video")
    assert bench.page.hint.words == problem_words("camera_missing")
    assert not bench.page.recording.running


async def test_a_file_that_cannot_be_played_is_said_in_words(bench: Bench, tmp_path: Path) -> None:
    broken = tmp_path / "broken.ogg"
    broken.write_bytes(b"no sound")
    said: list[str] = []
    bench.page.playback.said.connect(said.append)
    bench.page.playback.player.play(Lid(1), str(broken))
    await bench.until(lambda: said)
    assert said == [problem_words("playback_failed")]


async def test_the_resend_dialog_asks_first_and_sends_again(bench: Bench) -> None:
    bench.chat.finding = Finding(Lid(77), "not_there")
    bench.chat.put(needs_you())
    bench.page.hands.do(Lid(77), "resend")
    await bench.wish("ask", Lid(77))
    await bench.answer("resend")
    await bench.wish("resend", Lid(77))


async def test_an_open_question_closes_itself_when_the_message_arrived(bench: Bench) -> None:
    bench.chat.finding = Finding(Lid(77), "no_answer")
    bench.chat.put(needs_you())
    bench.page.hands.do(Lid(77), "resend")
    await bench.until(lambda: isinstance(bench.dialog(), ResendDialog) and bench.page.hands._found == "no_answer")
    bench.chat.put(needs_you(state=State.DELIVERED))
    await bench.until(lambda: bench.dialog() is None)
    assert bench.page.hint.words == "It arrived after all"
    assert not [wish for wish in bench.chat.wishes if wish[0] == "resend"]


async def test_editing_a_message_that_was_not_sent_happens_in_its_place(bench: Bench) -> None:
    bench.chat.put(needs_you())
    bench.page.hands.do(Lid(77), "edit")
    await bench.until(lambda: bench.page.composer.text == "Which train?")
    bench.type("Which bus?")
    bench.enter()
    await bench.wish("edit", Lid(77), "Which bus?")
    assert not [wish for wish in bench.chat.wishes if wish[0] == "cancel"]


async def test_editing_a_refused_message_puts_its_words_into_the_field(bench: Bench) -> None:
    bench.chat.put(needs_you(state=State.REFUSED))
    bench.page.hands.do(Lid(77), "edit")
    await bench.wish("remove", Lid(77))
    await bench.until(lambda: bench.page.composer.text == "Which train?")


async def test_a_file_is_downloaded_on_a_click_and_not_before(bench: Bench, tmp_path: Path) -> None:
    video = next(b for b in people.everyday(tmp_path) if b.attachment and b.attachment.type == "video/mp4")
    assert not [wish for wish in bench.chat.wishes if wish[0] == "fetch"]
    bench.page.hands.do(video.lid, "download")
    await bench.wish("fetch", video.lid)


async def test_a_program_is_not_opened_without_a_question(bench: Bench, tmp_path: Path) -> None:
    script = tmp_path / "setup.sh"
    script.write_text("#!/bin/sh")
    diary = people.Diary()
    diary._lid = 90
    diary.hear(people.ANNA, people.document("setup.sh"), path=str(script))
    bench.chat.put(*diary.bubbles)
    bench.page.hands.do(Lid(91), "open")
    await bench.until(lambda: bench.dialog() is not None)
    dialog = bench.dialog()
    assert dialog is not None
    assert dialog.windowTitle() == "Open this file?"
    dialog.reject()


async def test_the_banner_says_how_the_line_stands(bench: Bench) -> None:
    bench.chat.tell(LineChanged(Line("stopped", code="replaced_elsewhere")))
    assert "in use in another place" in bench.page.banner.words
    bench.page.banner._try.click()
    assert ("connect",) in bench.chat.wishes
    bench.chat.tell(LineChanged(Line("ready")))
    assert bench.page.banner.words == "Connected again"


async def test_messages_that_wait_are_asked_about_before_quitting(bench: Bench) -> None:
    bench.window._leaving = False
    bench.chat.entries[0] = people.entry(conv=people.CONV, waiting=2)
    bench.window._read_chats()
    await bench.until(lambda: bench.window.side.outbox.waiting == 3)
    gone: list[bool] = []
    bench.window.gone.connect(lambda: gone.append(True))
    bench.window.close()
    await bench.until(lambda: bench.dialog() is not None)
    assert not gone
    await bench.answer("quit")
    await bench.until(lambda: gone)


async def test_a_narrow_window_shows_one_pane(bench: Bench) -> None:
    bench.window.resize(420, 600)
    await bench.until(lambda: bench.window.side.isHidden())
    assert not bench.page.header.back.isHidden()
    bench.page.header.back.click()
    assert not bench.window.side.isHidden()
    assert not bench.page.isVisible()


async def test_a_dropped_bubble_is_gone(bench: Bench) -> None:
    lid = bench.page.model.bubble_at(3).lid
    bench.chat.tell(BubbleDropped(lid, people.CONV))
    assert bench.page.model.row_of(lid) is None


async def test_return_presses_the_button_that_has_the_keyboard(bench: Bench) -> None:
    dialog = Dialog(bench.window, "Stop recording?")
    dialog.offer([Choice("discard", "Discard", "danger"), Choice("", "Go on", "primary")])
    async with asyncio.TaskGroup() as tasks:
        asked = tasks.create_task(dialog.answered())
        await bench.until(dialog.isVisible)
        discard = dialog.findChild(QPushButton, "answer_discard")
        assert discard is not None
        discard.setFocus()
        bench.key(discard, Qt.Key.Key_Return)
    assert asked.result() == "discard"


async def test_control_end_in_an_empty_field_goes_to_the_newest_message(bench: Bench) -> None:
    bench.window.activateWindow()
    bar = bench.page.list.verticalScrollBar()
    bench.window.resize(700, 480)
    await bench.until(lambda: bar.maximum() > 0)
    bar.setValue(0)
    bench.page.composer.field.setFocus()
    await bench.until(bench.page.composer.field.hasFocus)
    bench.key(bench.page.composer.field, Qt.Key.Key_End, Qt.KeyboardModifier.ControlModifier)
    await bench.until(lambda: bar.value() == bar.maximum())


async def test_escape_leaves_the_search(bench: Bench) -> None:
    bench.window.activateWindow()
    search = bench.window.side.chats.search
    bench.window.shortcuts.focus_search()
    await bench.until(search.hasFocus)
    search.setText(people.ANNA.name)
    bench.window.shortcuts.escape()
    assert search.text() == ""
    await bench.until(bench.page.composer.field.hasFocus)


async def test_two_clicks_open_one_dialog(bench: Bench) -> None:
    for _ in range(2):
        bench.window.invite()
        bench.window.new_chat()
    await bench.until(lambda: len(bench.window.findChildren(Dialog)) == 2)
    for _ in range(20):
        await asyncio.sleep(0)
    opened = bench.window.findChildren(Dialog)
    assert sorted(type(dialog).__name__ for dialog in opened) == ["InviteDialog", "PeopleDialog"]
    for dialog in opened:
        dialog.reject()


async def test_the_settings_speak_the_language_that_is_chosen_in_them(bench: Bench) -> None:
    bench.window.preferences.show()
    dialog = next(found for found in bench.window.findChildren(SettingsDialog))
    dialog.language.setFocus()
    speak("zh_CN")
    await bench.until(lambda: dialog.windowTitle() == "设置")
    assert (dialog.theme.itemText(2), dialog.language.accessibleName()) == ("深色", "语言")
    assert dialog.focusWidget() is dialog.language
    assert dialog.theme.currentData() == bench.chat.settings.theme
    dialog.reject()


async def test_who_comes_in_later_can_be_searched_at_once(bench: Bench) -> None:
    dialog = PeopleDialog(bench.window, bench.window._themes.look)
    dialog.open()
    assert dialog.search.isHidden()
    dialog.show_people([Person(uid=people.ANNA.uid, name=people.ANNA.name)])
    assert dialog.focusWidget() is dialog.search
    dialog.reject()


async def test_an_invite_is_shown_with_a_line_to_copy(bench: Bench) -> None:
    bench.window.invite()
    await bench.until(lambda: bench.dialog() is not None)
    dialog = bench.dialog()
    assert dialog is not None
    line = dialog.findChild(QLineEdit)
    assert line is not None
    assert line.text() == "http://127.0.0.1:8787/#K7PQ-3MXA"
    press(dialog, "copy")
    assert QApplication.clipboard().text() == "http://127.0.0.1:8787/#K7PQ-3MXA"
    dialog.reject()

"""Stages of the whole window and its dialogs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, cast

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import QApplication, QDialog, QWidget

from client.app.chat import Chat
from client.app.settings import Settings
from client.core.model import Bubble, ChatEntry, Finding, Line, Seen, State
from client.core.spending import Spending
from client.ui.dialogs.invite import InviteDialog
from client.ui.dialogs.onboarding import Onboarding
from client.ui.dialogs.people import PeopleDialog
from client.ui.dialogs.resend import ResendDialog
from client.ui.dialogs.settings import SettingsDialog
from client.ui.dialogs.settings_data import DataDialog
from client.ui.dialogs.settings_sound import SoundDialog
from client.ui.dialogs.trace import TraceDialog
from client.ui.errands import Errands
from client.ui.notebook import Notebook
from client.ui.sound.recorder import square
from client.ui.sound.segments import Draft, Span
from client.ui.sound.sources import INVENTED
from client.ui.viewmodels.contacts import title_of
from client.ui.viewmodels.rows import Playing
from client.ui.widgets.main_window import MainWindow
from client.ui.widgets.viewer import Exhibit
from client.ui.words import problem_words, tr
from protocol.content import Picture, Text, Video
from protocol.packets import Person
from protocol.problems import MediaIsFolder
from protocol.values import ConvId, Lid
from tests.stages import people
from tests.stages.shelf_chat import AtOnce, ShelfChat
from tests.stages.stage import LIGHT_AND_CHINESE, NOW_MS, NOW_S, Scene, stage

SIZE = (1080, 720)


def window(
    scene: Scene, bubbles: Sequence[Bubble] | None = None, *, opened: bool = True, first: ChatEntry | None = None
) -> MainWindow:
    """The window of Nora with her chats; the first one is open."""
    told = people.everyday(scene.folder) if bubbles is None else list(bubbles)
    entries = people.chats()
    first = first or people.entry(last=told[-1] if told else None, conv=people.CONV)
    chat = ShelfChat(told, [first, *entries[1:]])
    errands = AtOnce()
    made = MainWindow(
        cast(Chat, chat), scene.themes, Notebook(scene.folder), sources=INVENTED, errands=cast(Errands, errands)
    )
    made.resize(*SIZE)
    made._leaving = True  # a picture is closed without a question
    scene.keep += [made, chat, errands]
    if opened:
        made.show_chat(people.CONV)
    return made


class Shade(QWidget):
    """What a modal dialog lies on, in a picture."""

    def paintEvent(self, event: object) -> None:
        """Darker."""
        with QPainter(self) as painter:
            painter.fillRect(self.rect(), QColor(0, 0, 0, 90))


def under(base: QWidget, dialog: QDialog) -> QWidget:
    """The window with the dialog in its middle, as one picture."""
    shade = Shade(base)
    shade.setGeometry(0, 0, base.width(), base.height())
    dialog.setParent(shade, Qt.WindowType.Widget)
    dialog.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
    dialog.adjustSize()
    dialog.show()
    QApplication.processEvents()
    dialog.adjustSize()
    dialog.move((base.width() - dialog.width()) // 2, (base.height() - dialog.height()) // 2)
    shade.show()
    shade.raise_()
    return base


@stage("window", SIZE, LIGHT_AND_CHINESE)
def whole(scene: Scene) -> QWidget:
    """Chats and a conversation."""
    return window(scene)


@stage("window_kinds", (1080, 1240), LIGHT_AND_CHINESE)
def kinds(scene: Scene) -> QWidget:
    """All five kinds at once."""
    made = window(scene)
    made.resize(1080, 1240)
    voice = next(b for b in people.everyday(scene.folder) if b.attachment and b.attachment.type == "audio/ogg")
    made.page.model.play(Playing(voice.lid, 12.4, 42.0))
    made.page.strip.show_playing("Anna Li", 12_400, 42_000, paused=False, speed=1.0)
    return made


@stage("recording", SIZE, LIGHT_AND_CHINESE)
def recording(scene: Scene) -> QWidget:
    """A voice note is being recorded."""
    made = window(scene)
    _record(made)
    return made


@stage("recording_silence", SIZE, LIGHT_AND_CHINESE)
def recording_silence(scene: Scene) -> QWidget:
    """Nothing is heard of the microphone."""
    made = window(scene)
    _record(made, 1.8, silent=True)
    return made


@stage("recording_draft", SIZE, LIGHT_AND_CHINESE)
def recording_draft(scene: Scene) -> QWidget:
    """A voice note waits to be sent, shortened at both ends; another chat has one too."""
    made = window(scene)
    page = made.page
    first, second = made.chats.entry(0).conv, made.chats.entry(1).conv
    for conv, seconds, kind in ((first, 42.0, "voice"), (second, 12.0, "video")):
        folder = scene.folder / f"{conv}-{kind}"
        levels = bytes(round(255 * _loud(place)) for place in range(round(seconds * 10)))
        page.drafts.keep(Draft(folder, conv, cast(Any, kind), NOW_MS, round(seconds * 1000), levels))
    page.bar.strip._span = Span(3000, 36_000)
    page.bar._show_span()
    page.bar.setFocus()
    return made


@stage("recording_video_draft", SIZE)
def recording_video_draft(scene: Scene) -> QWidget:
    """A video note stands still: it can be looked at, taken again and sent."""
    made = window(scene)
    levels = bytes(round(255 * _loud(place)) for place in range(240))
    made.page.drafts.keep(Draft(scene.folder / "video", people.CONV, "video", NOW_MS, 24_000, levels))
    made.page.camera.show_picture(square(people.landscape(640, 480, 0.9)), mirrored=False)
    made.page.camera.show_share(0.4)
    return made


def _loud(place: int) -> float:
    return abs(math.sin(place * 0.7) * math.sin(place * 0.09 + 0.4)) * 0.8 + 0.03


def _record(made: MainWindow, seconds: float = 17.3, *, silent: bool = False, video: bool = False) -> None:
    page = made.page
    page.bar.begin(video=video)
    page.bar.began()
    for place in range(round(seconds * 10)):
        page.bar.show_level(0.0 if silent else _loud(place), (place + 1) * 100, "USB Mic")
    page._below.setCurrentWidget(page.bar)
    page.bar.setFocus()


@stage("recording_video", SIZE)
def recording_video(scene: Scene) -> QWidget:
    """A video is being recorded."""
    made = window(scene)
    _record(made, 52.4, video=True)
    made.page.camera.show_picture(square(people.landscape(640, 480, 0.9)))
    made.page.camera.show_share(52.4 / 60)
    made.page.camera.show()
    return made


@stage("staging", SIZE, LIGHT_AND_CHINESE)
def staging(scene: Scene) -> QWidget:
    """Files wait above the field, one was refused."""
    made = window(scene)
    report = scene.folder / "Packing list – Ridge trip.pdf"
    report.write_bytes(b"%PDF-1.4" * 40_000)
    made.page.attaching.offer([people.saved(scene.folder), people.saved(scene.folder, "evening.jpg"), str(report)])
    made.page.composer.put("Two pictures and the list")
    made.page.say(problem_words(MediaIsFolder(name="Holiday 2026")))
    return made


@stage("offline", SIZE, LIGHT_AND_CHINESE)
def offline(scene: Scene) -> QWidget:
    """No line: the banner, the outbox bar, waiting messages."""
    diary = people.Diary(NOW_MS - 6 * 60_000)
    diary.hear(people.ANNA, Text("Are you there?")).say("Yes, in the tunnel", State.QUEUED)
    diary.say("Send me the address, please", State.QUEUED)
    made = window(scene, diary.bubbles)
    entries = [people.entry(last=diary.bubbles[-1], conv=people.CONV, waiting=2), *people.chats()[1:]]
    made.side.outbox.show_bubbles([b for b in diary.bubbles if b.mine])
    made.side.outbox.show_chats(entries)
    made.side.outbox._draw()
    banner: Any = made.page.banner
    banner._line = Line("offline", NOW_S + 4)
    banner._speak()
    return made


def _unsure(state: State = State.NEEDS_YOU) -> tuple[list[Bubble], Bubble]:
    diary = people.Diary(NOW_MS - 12 * 60_000)
    diary.hear(people.ANNA, Text("Which train do you take?"))
    diary.say("The one at 8:12, from platform 4. I keep a seat for you.", state)
    return diary.bubbles, diary.bubbles[-1]


def _resend(scene: Scene, found: str, state: State = State.NEEDS_YOU, code: str = "") -> QWidget:
    bubbles, bubble = _unsure(state)
    made = window(scene, bubbles)
    dialog = ResendDialog(None, bubble, "Anna Li")
    dialog.show_finding(Finding(bubble.lid, found, code, NOW_MS - 9 * 60_000))  # type: ignore[arg-type]
    scene.keep.append(dialog)
    return under(made, dialog)


@stage("resend", SIZE, LIGHT_AND_CHINESE)
def resend(scene: Scene) -> QWidget:
    """The server was asked and does not know the message."""
    return _resend(scene, "not_there")


@stage("resend_no_answer", SIZE)
def resend_no_answer(scene: Scene) -> QWidget:
    """Nobody can tell."""
    return _resend(scene, "no_answer")


@stage("resend_delivered", SIZE)
def resend_delivered(scene: Scene) -> QWidget:
    """Only the receipt was lost."""
    return _resend(scene, "delivered")


@stage("resend_refused", SIZE)
def resend_refused(scene: Scene) -> QWidget:
    """For good."""
    return _resend(scene, "refused", State.REFUSED, "not_member")


@stage("trace", SIZE, LIGHT_AND_CHINESE)
def trace(scene: Scene) -> QWidget:
    """Six packets, six lines."""
    made = window(scene)
    bubble = next(b for b in reversed(people.everyday(scene.folder)) if b.mine)
    times = (("msg:R", "out", 0), ("msg:A", "in", 4), ("ack:N", "in", 31))
    seen = [Seen(bubble.lid, packet, way, 1, NOW_MS - 60_000 + ms) for packet, way, ms in times]  # type: ignore[arg-type]
    dialog = TraceDialog(None, scene.themes, bubble, seen, "Anna Li")
    scene.keep.append(dialog)
    return under(made, dialog)


@stage("invite", SIZE, LIGHT_AND_CHINESE)
def invite(scene: Scene) -> QWidget:
    """A line to send to somebody."""
    return under(window(scene, [], opened=False), InviteDialog(None, "http://127.0.0.1:8787", "K7PQ-3MXA"))


@stage("settings", SIZE, LIGHT_AND_CHINESE)
def settings(scene: Scene) -> QWidget:
    """Few choices."""
    return under(window(scene), SettingsDialog(None, scene.themes, Settings(), 1.0))


@stage("data", SIZE, LIGHT_AND_CHINESE)
def data(scene: Scene) -> QWidget:
    """What is kept, and what every day cost."""
    names = {str(entry.conv): title_of(entry, people.ME.uid) for entry in people.chats()}
    dialog = DataDialog(None, scene.themes, 2048, "/home/nora/Downloads", lambda conv: names.get(conv, tr("Unnamed")))
    dialog.show_sizes({"picture": 48_200_000, "voice": 6_400_000, "video": 612_000_000, "file": 0})
    dialog.show_spending(spending(list(names)))
    scene.keep.append(dialog)
    return under(window(scene), dialog)


def spending(convs: Sequence[str]) -> list[Spending]:
    """Two days of everybody, and what belongs to nobody."""
    rows = [
        Spending(day, ConvId(conv), 3 + place, 12_000_000 // (place + 1), 310_000_000 // (place + 2) ** 2)
        for day in ("2026-03-12", "2026-03-11")
        for place, conv in enumerate(convs[:4])
    ]
    return [*rows, Spending("2026-03-11", ConvId(""), 4, 1_900, 2_400)]


@stage("sound_settings", SIZE, LIGHT_AND_CHINESE)
def sound_settings(scene: Scene) -> QWidget:
    """Which microphone, which camera."""
    dialog = SoundDialog(None, scene.themes, Notebook(scene.folder), INVENTED)
    dialog._close()  # a picture shows one moment
    dialog.meter.show_level(0.4)
    return under(window(scene), dialog)


@stage("new_chat", SIZE, LIGHT_AND_CHINESE)
def new_chat(scene: Scene) -> QWidget:
    """Everybody on this server."""
    members = (people.ANNA, people.BEN, people.MEI, people.YUSUF, people.LONG, people.ZOE)
    persons = [Person(member.uid, member.name) for member in members]
    return under(window(scene), PeopleDialog(None, scene.themes.look, persons))


@stage("empty", SIZE, LIGHT_AND_CHINESE)
def empty(scene: Scene) -> QWidget:
    """No chat yet."""
    chat = ShelfChat()
    made = MainWindow(
        cast(Chat, chat), scene.themes, Notebook(scene.folder), sources=INVENTED, errands=cast(Errands, AtOnce())
    )
    scene.keep += [made, chat]
    return made


@stage("hello", SIZE, LIGHT_AND_CHINESE)
def hello(scene: Scene) -> QWidget:
    """Nothing was said yet in this chat."""
    return window(scene, [])


@stage("viewer", SIZE)
def viewer(scene: Scene) -> QWidget:
    """A picture over the whole window."""
    made = window(scene)
    made.show()
    pictured = next(b for b in people.everyday(scene.folder) if isinstance(b.body, Picture))
    made.page.viewing.open(pictured)
    made.page.viewer.wait()
    return made


@stage("viewer_away", SIZE, LIGHT_AND_CHINESE)
def viewer_away(scene: Scene) -> QWidget:
    """A film that is not on this computer: its preview, its size, and a button."""
    made = window(scene)
    made.show()
    made.page.viewing.open(next(b for b in people.everyday(scene.folder) if isinstance(b.body, Video)))
    return made


@stage("viewer_video", SIZE)
def viewer_video(scene: Scene) -> QWidget:
    """A video, standing still."""
    made = window(scene)
    made.show()
    poster = people.landscape(1280, 720, 0.8)
    film = Exhibit(Lid(9), True, "Anna Li", "13:41", 2, 3, "ready", "", poster, poster.size(), 12_000)
    made.page.viewer.show_item(film)
    made.page.player.changed.emit()
    return made


@stage("window_narrow", (400, 720))
def narrow(scene: Scene) -> QWidget:
    """One pane."""
    made = window(scene)
    made.resize(QSize(400, 720))
    return made


@stage("onboarding", (560, 520), LIGHT_AND_CHINESE)
def onboarding(scene: Scene) -> QWidget:
    """The first start."""
    page = Onboarding(scene.themes, scene.start, _nothing, _nothing)
    scene.keep.append(page)
    return page


@stage("onboarding_invite", (560, 560), LIGHT_AND_CHINESE)
def onboarding_invite(scene: Scene) -> QWidget:
    """Joining with an invite that was used already."""
    page = Onboarding(scene.themes, scene.start, _nothing, _nothing, "http://127.0.0.1:8787")
    page.code.setText("K7PQ-3MXA")
    page.name.setText("陈美玲")
    page._invite_form.say(problem_words("invite_wrong"))
    scene.keep.append(page)
    return page


async def _nothing(*_words: str) -> None:
    """Nobody really joins."""

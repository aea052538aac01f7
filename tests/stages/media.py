"""Stages of what sounds and is looked at: video notes, and the media of a conversation."""

from __future__ import annotations

from PySide6.QtWidgets import QApplication, QWidget

from client.core.model import Bubble, TransferProgress
from client.ui.viewmodels.rows import Playing, Screen
from protocol.content import Video
from protocol.values import Lid, replace
from tests.stages import people
from tests.stages.conversations import conversation
from tests.stages.stage import DAY_MS, LIGHT_AND_CHINESE, MINUTE_MS, NOW_MS, Scene, stage
from tests.stages.windows import window


def note() -> Video:
    """A short film of somebody."""
    return replace(people.video(width=480, height=480), note=True)


def noted(scene: Scene) -> list[Bubble]:
    """A video note with its faces, one of them playing."""
    diary = people.Diary(NOW_MS - 30 * MINUTE_MS)
    here = people.saved(scene.folder)
    diary.hear(people.ANNA, note()).later(4).hear(people.ANNA, note(), fetching=True).later(4)
    diary.hear(people.ANNA, note(), path=here).later(4).say(note(), path=here).later(4)
    return diary.bubbles


@stage("notes", (640, 1120))
def notes(scene: Scene) -> QWidget:
    """Video notes: not here, on its way, ready, playing."""
    view = conversation(scene, noted(scene))
    model = view.model()
    model.progress(TransferProgress(Lid(2), "down", 860_000, 1_840_000))  # type: ignore[attr-defined]
    screen = Screen(people.landscape(480, 480, 0.1))
    model.play(Playing(Lid(4), 7.2, 12.0, screen=screen))  # type: ignore[attr-defined]
    return view


def gathered(scene: Scene) -> list[Bubble]:
    """Some weeks of pictures, films, notes and files, some of them here."""
    diary = people.Diary(NOW_MS - 9 * DAY_MS)
    here = people.saved(scene.folder)
    for place in range(14):
        shot = people.video() if place % 4 == 2 else people.photo(width=1600, height=(1067, 2400, 900)[place % 3])
        where = {"path": here} if place % 3 else {"fetching": True} if place == 12 else {}
        diary.hear(people.ANNA, shot, **where).later(700)
    for place in range(5):
        diary.hear(people.ANNA, people.voice(12 + 9 * place), heard=place > 2, path=here if place else "").later(90)
    diary.say(people.document(), path=here).later(30)
    diary.hear(people.ANNA, people.document("Packing list – Ridge trip 2026, third version of Thursday.pdf"))
    diary.later(20).hear(people.ANNA, people.document("装备清单.pdf", 812_000), code="media_unknown")
    return diary.bubbles


def browsing(scene: Scene, tab: int, bubbles: list[Bubble]) -> QWidget:
    """The window with the media of a conversation open."""
    made = window(scene, bubbles)
    made.resize(1080, 720)
    made.show()
    QApplication.processEvents()
    made.page.browse()
    made.page.browsing.tab.show_tab(tab)
    return made


@stage("media_grid", (1080, 720), LIGHT_AND_CHINESE)
def media_grid(scene: Scene) -> QWidget:
    """Pictures and films."""
    return browsing(scene, 0, gathered(scene))


@stage("media_voice", (1080, 720))
def media_voice(scene: Scene) -> QWidget:
    """Voice notes, one of them playing."""
    made = browsing(scene, 1, gathered(scene))
    made.page.browsing.model.play(Playing(Lid(17), 3.0, 40.0))  # type: ignore[attr-defined]
    return made


@stage("media_files", (1080, 720), LIGHT_AND_CHINESE)
def media_files(scene: Scene) -> QWidget:
    """Files."""
    return browsing(scene, 2, gathered(scene))


@stage("media_nothing", (1080, 720), LIGHT_AND_CHINESE)
def media_nothing(scene: Scene) -> QWidget:
    """Nothing was sent here yet."""
    return browsing(scene, 0, people.wordy())

"""Stages of what sounds and is looked at: video notes, and the media of a conversation."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from client.core.model import Bubble, TransferProgress
from client.ui.viewmodels.rows import Playing, Screen
from protocol.content import Video
from protocol.values import Lid, replace
from tests.stages import people
from tests.stages.conversations import conversation
from tests.stages.stage import MINUTE_MS, NOW_MS, Scene, stage


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

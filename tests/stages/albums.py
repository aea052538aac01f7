"""Stages of albums: from two to ten, with every face a tile can have."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from client.core.model import State, TransferProgress
from protocol.content import Text
from protocol.values import Lid, replace
from tests.stages import people
from tests.stages.conversations import conversation
from tests.stages.people import ANNA, BEN, Diary
from tests.stages.stage import ALL, LIGHT_AND_CHINESE, MINUTE_MS, NOW_MS, Scene, stage


@stage("album_faces", (640, 1180), ALL)
def faces(scene: Scene) -> QWidget:
    """What came, what is on its way, and what is gone."""
    diary = Diary(NOW_MS - 30 * MINUTE_MS)
    diary.hear(ANNA, Text("Here are the pictures of the ridge"))
    facts: list[dict[str, object]] = [
        {"path": people.saved(scene.folder)}, {}, {"fetching": True, "paused": True, "here_bytes": 700_000}, {},
        {"code": "media_unknown"}, {"fetching": True}, {"reactions": (("👍", (ANNA.uid, BEN.uid)), ("❤️", (BEN.uid,)))},
    ]  # fmt: skip
    for body, more in zip(people.shots(7), facts, strict=True):
        diary.hear(ANNA, body, **more)
    diary.later(4)
    own: list[tuple[State, dict[str, object]]] = [
        (State.READ, {}), (State.UPLOADING, {}), (State.UPLOADING, {"paused": True, "here_bytes": 600_000}),
        (State.QUEUED, {}),
    ]  # fmt: skip
    for body, (state, more) in zip(people.shots(4, "b" * 22), own, strict=True):
        diary.say(body, state, path=people.saved(scene.folder), **more)
    view = conversation(scene, diary.bubbles)
    view.model().progress(TransferProgress(Lid(7), "down", 900_000, 1_840_000))  # type: ignore[attr-defined]
    view.model().progress(TransferProgress(Lid(10), "up", 900_000, 1_840_000))  # type: ignore[attr-defined]
    return view


@stage("album_sizes", (640, 1700), LIGHT_AND_CHINESE)
def sizes(scene: Scene) -> QWidget:
    """Two, three, four, five and ten; with words below, and one that failed."""
    diary = Diary(NOW_MS - 50 * MINUTE_MS)
    for count in (2, 3, 5):
        bodies = people.shots(count, str(count) * 22)
        bodies[0] = replace(bodies[0], caption="مرحبا! صور من الجبل" if count == 3 else "From the ridge, this morning")
        for body in bodies:
            diary.hear(ANNA, body)
        diary.later(4)
    for place, body in enumerate(people.shots(10, "x" * 22)):
        diary.say(body, State.NEEDS_YOU if place == 4 else State.DELIVERED, path=people.saved(scene.folder))
    return conversation(scene, diary.bubbles)


@stage("faces_more", (640, 1300), ALL)
def more_faces(scene: Scene) -> QWidget:
    """What is paused, what is made smaller, and what the worker did not pass; long names and others."""
    diary, here = Diary(NOW_MS - 50 * MINUTE_MS), people.saved(scene.folder)
    held: dict[str, object] = {"fetching": True, "paused": True}
    long = "Protokoll der außerordentlichen Mitgliederversammlung vom 12. März, Anlage 3 (endgültig).pdf"
    for body in (people.photo(width=280, height=180), people.voice(), people.document(long)):
        diary.later(4).hear(ANNA, body, **held, here_bytes=body.file.size_bytes // 2)
    for name, why in (("holiday.mp4", "media_unsafe"), ("تقرير الرحلة.wav", "media_not_as_said")):
        diary.later(4).hear(ANNA, people.document(name), path=here, why=why)
    for film in (people.video(width=280, height=180), people.document("film.mov", 61_000_000)):
        diary.later(4).say(film, State.UPLOADING, path=here)
    view = conversation(scene, diary.bubbles)
    for bubble in diary.bubbles[-2:]:
        view.model().progress(TransferProgress(bubble.lid, "make", 41, 100))  # type: ignore[attr-defined]
    return view

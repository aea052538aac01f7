"""Stages of the conversation: one per kind of content and per thing that can happen to it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QItemSelectionModel
from PySide6.QtWidgets import QWidget

from client.core.model import Bubble, ChatEntry, TransferProgress
from client.ui.viewmodels.contacts import ChatsModel
from client.ui.viewmodels.conversation import ConversationModel
from client.ui.viewmodels.rows import Playing
from client.ui.widgets.contact_list import ContactList
from client.ui.widgets.message_list import MessageList
from protocol.content import Body
from protocol.values import ConvId, Lid
from tests.stages import people
from tests.stages.stage import ALL, LIGHT_AND_CHINESE, Scene, finish, stage


def conversation(scene: Scene, bubbles: Sequence[Bubble], entry: ChatEntry | None = None) -> MessageList:
    """A message list that shows these bubbles."""
    model = ConversationModel(people.Shelf(bubbles), me=people.ME.uid, now_ms=scene.now_ms, start=scene.start)
    view = MessageList(scene.themes, model, scene.now_s)
    scene.keep += [model, view]
    finish(model.open(entry or people.entry()))
    return view


@stage("conversation", (760, 1180), ALL)
def everyday(scene: Scene) -> QWidget:
    """All five kinds between two people."""
    view = conversation(scene, people.everyday(scene.folder))
    voice = next(b for b in people.everyday(scene.folder) if b.attachment and b.attachment.type == "audio/ogg")
    playing = Playing(voice.lid, 12.4, 42.0)
    view.model().play(playing)  # type: ignore[attr-defined]
    return view


@stage("awkward", (560, 900))
def awkward(scene: Scene) -> QWidget:
    """Scripts, emoji, tricks."""
    return conversation(scene, people.awkward())


@stage("marks", (560, 900), ALL)
def marks(scene: Scene) -> QWidget:
    """Every state of an own message."""
    return conversation(scene, people.marks())


@stage("group", (640, 1060), LIGHT_AND_CHINESE)
def group(scene: Scene) -> QWidget:
    """A group with unread messages."""
    members = (people.ME, people.BEN, people.MEI, people.YUSUF, people.LONG, people.ZOE)
    return conversation(scene, people.team(), people.entry("group", "Ridge trip 🏔", members, unread=6, read_upto=5))


def facing(scene: Scene, *bodies: Body) -> MessageList:
    """Files with all their faces: away, loading, ready, gone, uploading, stopped."""
    view = conversation(scene, people.facing(scene.folder, *bodies))
    for first in range(1, 6 * len(bodies), 6):
        for lid, way in ((first + 1, "down"), (first + 4, "up"), (first + 5, "up")):
            moved = TransferProgress(Lid(lid), way, 860_000, 1_840_000)  # type: ignore[arg-type]
            view.model().progress(moved)  # type: ignore[attr-defined]
    return view


@stage("faces_picture", (640, 1300), LIGHT_AND_CHINESE)
def picture_faces(scene: Scene) -> QWidget:
    """A picture."""
    return facing(scene, people.photo(width=280, height=180))


@stage("faces_video", (640, 1300))
def video_faces(scene: Scene) -> QWidget:
    """A video."""
    return facing(scene, people.video(width=280, height=180))


@stage("faces_card", (640, 1000), LIGHT_AND_CHINESE)
def card_faces(scene: Scene) -> QWidget:
    """A voice note and a file."""
    return facing(scene, people.voice(), people.document())


@stage("long_text", (640, 980))
def wordy(scene: Scene) -> QWidget:
    """8,000 characters."""
    return conversation(scene, people.wordy())


@stage("narrow", (380, 700))
def narrow(scene: Scene) -> QWidget:
    """The smallest window."""
    return conversation(scene, people.marks()[-4:] + people.everyday(scene.folder)[4:8])


@stage("selected", (640, 560))
def selected(scene: Scene) -> QWidget:
    """Selection, and the keyboard at a message."""
    view = conversation(scene, people.everyday(scene.folder)[-6:])
    view.selectAll()
    view.selectionModel().setCurrentIndex(view.model().index(2, 0), QItemSelectionModel.SelectionFlag.NoUpdate)
    view.bubbles.show_focus = True
    view.setFocus()
    return view


@stage("chats", (320, 720), ALL)
def chats(scene: Scene) -> QWidget:
    """The chat list."""
    model = ChatsModel(people.ME.uid, scene.now_ms)
    model.show(people.chats())
    widget = ContactList(scene.themes, model)
    widget.select(ConvId("1"))
    scene.keep += [model, widget]
    return widget

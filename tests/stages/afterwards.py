"""Stages of what is done to messages that are there: answered, marked, edited, removed, forwarded, people named."""

from __future__ import annotations

from typing import Any

from PySide6.QtWidgets import QApplication, QWidget

from client.core.model import Bubble, State, Version
from client.ui.dialogs.forward import ForwardDialog, tick
from client.ui.dialogs.versions import VersionsDialog
from client.ui.widgets.emoji_picker import EmojiPicker
from protocol.content import Forward, Mention, Reply, Text
from protocol.values import Digest, Lid, Uid
from tests.stages import people
from tests.stages.conversations import conversation
from tests.stages.people import ANNA, BEN, LONG, ME, MEI, YUSUF, ZOE
from tests.stages.stage import ALL, LIGHT_AND_CHINESE, MINUTE_MS, NOW_MS, Scene, stage
from tests.stages.windows import SIZE, under, window

TEAM = (ME, BEN, MEI, YUSUF, LONG, ZOE)
DG = Digest("d" * 43)


def naming(text: str, *names: str) -> Text:
    """A text in which “@Name” is a mention."""
    uids = {member.name: member.uid for member in TEAM}
    spans = [Mention(uids[name], text.index(f"@{name}"), len(name) + 1) for name in names]
    return Text(text, tuple(spans))


def answered() -> list[Bubble]:
    """A group in which everything has been done to messages."""
    diary = people.Diary(NOW_MS - 44 * MINUTE_MS)
    said: dict[str, Any] = {"dg": DG}
    all_of_us = tuple(member.uid for member in TEAM)
    diary.hear(BEN, Text("Who can bring a stove? The cabin has none."), reactions=(("👍", (ME.uid, MEI.uid)),), **said)
    diary.say(
        "I can, and two pots.", reply=Reply(DG, BEN.uid, "Who can bring a stove? The cabin has none."),
        reply_lid=Lid(1), reactions=(("❤️", (BEN.uid,)), ("🎉", all_of_us[1:])), of=5, delivered_to=5, read_by=5, **said,
    )  # fmt: skip
    diary.later(4).hear(
        MEI, naming("@Nora Lindqvist 我带茶和水果 🍊，你带咖啡吗？", "Nora Lindqvist"),
        reply=Reply(DG, ME.uid, "I can, and two pots."), reply_lid=Lid(2), **said,
    )  # fmt: skip
    diary.hear(MEI, people.photo(width=3000, height=1600), reply=Reply(DG, LONG.uid, "", "picture"), **said)
    diary.later(4).hear(
        YUSUF, Text("القطار الساعة 8:12 من الرصيف 4، لا تتأخروا!"), edited=True,
        reply=Reply(DG, MEI.uid, "还有一副扑克牌"), reactions=(("👍", all_of_us), ("😂", (ZOE.uid,))), **said,
    )  # fmt: skip
    diary.later(4).hear(LONG, None, recalled=True, recalled_by=LONG.uid)
    diary.hear(ZOE, Text("🚀"), reactions=(("🚀", (ME.uid, BEN.uid)), ("👩🏽‍🚀", (LONG.uid,))), **said)
    diary.later(4).hear(
        BEN, Text("Snow above 1,800 m from Friday on."), forward=Forward(Uid("w"), "Mountain weather 🏔"), **said
    )
    diary.say(
        naming("@Ben Okafor @陈美玲 then let us take the valley path.", "Ben Okafor", "陈美玲"), edited=True, **said
    )
    diary.say(Text(""), recalled=True, recalled_by=ME.uid, change=State.QUEUED)
    return [_without_body(bubble) for bubble in diary.bubbles]


def _without_body(bubble: Bubble) -> Bubble:
    if not bubble.recalled:
        return bubble
    facts = {name: getattr(bubble, name) for name in bubble.__struct_fields__}
    state = State.RECEIVED if not bubble.mine else bubble.state
    return Bubble(**{**facts, "body": None, "state": state})


def changing() -> list[Bubble]:
    """Changes that wait, and changes that did not come about."""
    diary = people.Diary(NOW_MS - 20 * MINUTE_MS)
    said: dict[str, Any] = {"dg": DG, "change_lid": Lid(50)}
    diary.hear(ANNA, Text("See you at platform 4"), reactions=(("👍", (ME.uid,)),), change=State.QUEUED, **said)
    diary.later(4).say("At 8:12, not 8:21!", edited=True, change=State.SENDING, **said)
    diary.later(4).say("This cannot be edited any more", change=State.REFUSED, change_code="not_allowed", **said)
    diary.later(4).hear(ANNA, Text("Ok"), change=State.NEEDS_YOU, change_code="not_confirmed_by_server", **said)
    diary.later(4).hear(
        ANNA, Text("看起来不错 👌" * 6), reactions=tuple((sign, (ANNA.uid,)) for sign in "😀😃😄😁😆😅😂🤣🥲😊"), dg=DG
    )
    return diary.bubbles


@stage("answered", (640, 1180), ALL)
def all_answered(scene: Scene) -> QWidget:
    """Quotes, chips, edits, stubs, names."""
    return conversation(scene, answered(), people.entry("group", "Ridge trip 🏔", TEAM))


@stage("changes", (560, 620), LIGHT_AND_CHINESE)
def all_changes(scene: Scene) -> QWidget:
    """Waiting and refused."""
    return conversation(scene, changing())


@stage("answered_narrow", (380, 760))
def narrow(scene: Scene) -> QWidget:
    """In the smallest window."""
    return conversation(scene, answered()[:6], people.entry("group", "Ridge trip 🏔", TEAM))


def group_window(scene: Scene) -> Any:
    """The window with the group open."""
    return window(scene, answered(), first=people.entry("group", "Ridge trip 🏔", TEAM, last=answered()[-2]))


@stage("replying", SIZE, LIGHT_AND_CHINESE)
def replying(scene: Scene) -> QWidget:
    """The strip over the field, and the bar beside a message."""
    made = group_window(scene)
    made.page.writing.reply(made.page.model.bubble(Lid(4)))
    made.page.composer.put("这张照片真好看！")
    made.show()
    for _ in range(3):
        QApplication.processEvents()
        made.grab()
    made.page.list.hover.key_at(Lid(8), "reply")
    return made


@stage("editing", SIZE, LIGHT_AND_CHINESE)
def editing(scene: Scene) -> QWidget:
    """Other words for an own message; the message itself stands out."""
    made = group_window(scene)
    made.page.writing.edit(made.page.model.bubble(Lid(9)))
    made.page.list.show_message(Lid(9))
    return made


@stage("naming", SIZE, LIGHT_AND_CHINESE)
def naming_people(scene: Scene) -> QWidget:
    """An at sign offers the people here."""
    made = group_window(scene)
    made.show()
    made.page.composer.setFocus()
    made.page.composer.put("@Ben Okafor and @")
    return made


@stage("forward", SIZE, LIGHT_AND_CHINESE)
def forward(scene: Scene) -> QWidget:
    """Several conversations."""
    dialog = ForwardDialog(None, scene.themes.look, people.chats(), ME.uid, count=2)
    for row in (1, 4):
        tick(dialog.list.item(row))
    return under(window(scene), dialog)


@stage("versions", SIZE, LIGHT_AND_CHINESE)
def versions(scene: Scene) -> QWidget:
    """What it said before."""
    said = [
        Version(NOW_MS - 60 * MINUTE_MS, "At 8:21 on platform 4"),
        Version(NOW_MS - 58 * MINUTE_MS, "在八点十二分，四号站台"),
        Version(0, "At 8:12 on platform 4. " * 6),
    ]
    return under(window(scene), VersionsDialog(None, said, NOW_MS))


@stage("reactions", (380, 380), LIGHT_AND_CHINESE)
def reactions(scene: Scene) -> QWidget:
    """The picker, with all of them."""
    holder = QWidget()
    picker = EmojiPicker(scene.themes, holder, "👍")
    picker.expand()
    scene.keep.append(holder)
    return picker

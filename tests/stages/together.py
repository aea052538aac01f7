"""Stages of groups, of who is near, of how far messages got, and of a person's devices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from PySide6.QtWidgets import QWidget

from client.app.changes import PresenceChanged, TypingChanged
from client.app.chat import Chat
from client.core.model import Bubble, ChatEntry, Device, Line, Member, Presence, Receipt, State
from client.ui.dialogs.delivery import DeliveryDialog
from client.ui.dialogs.devices import DeviceCodeDialog, DevicesDialog
from client.ui.dialogs.group import GroupDialog
from client.ui.dialogs.onboarding import Onboarding
from client.ui.dialogs.pick_people import PickPeopleDialog
from client.ui.dialogs.rejoin import LeftOverDialog, RejoinDialog, Unsent
from client.ui.errands import Errands
from client.ui.notebook import Notebook
from client.ui.sound.sources import INVENTED
from client.ui.widgets.main_window import MainWindow
from protocol.content import Joined, Left, Opened, Ranked, Text, Titled
from protocol.packets import Doing, Gap, Person, Seat
from protocol.values import ConvId, Did, Uid, replace
from tests.stages import people
from tests.stages.conversations import conversation
from tests.stages.people import ANNA, BEN, CONV, LONG, ME, MEI, YUSUF, ZOE, Diary, entry
from tests.stages.shelf_chat import AtOnce, ShelfChat
from tests.stages.stage import DAY_MS, LIGHT_AND_CHINESE, MINUTE_MS, NOW_MS, NOW_S, Scene, finish, stage
from tests.stages.windows import SIZE, under, window

CREW = (ME, BEN, MEI, YUSUF, LONG, ZOE, ANNA)
SURNAMES = ("Okafor", "Lindqvist", "Nakamura", "Petrov", "van der Berg", "Li", "Haddad", "Silva")


def seats(members: Sequence[Member] = CREW) -> list[Seat]:
    """A member table: the second one and we administer."""
    return [Seat(member.uid, member.name, int(place < 2)) for place, member in enumerate(members)]


def crowd(count: int = 500) -> list[Seat]:
    """Many people, among them we without any rights."""
    others = [Seat(Uid(f"u{n}"), f"Person {n:03} {SURNAMES[n % 8]}", int(n == 7)) for n in range(count - 1)]
    return [Seat(ME.uid, ME.name), *others]


def near(uid: Uid) -> Presence:
    """Half of them were here lately."""
    return {
        BEN.uid: Presence(uid, True), MEI.uid: Presence(uid, False, NOW_MS - 5 * MINUTE_MS),
        LONG.uid: Presence(uid, False, NOW_MS - 3 * DAY_MS), ZOE.uid: Presence(uid, False, NOW_MS - 200 * MINUTE_MS),
    }.get(uid, Presence(uid))  # fmt: skip


def trip(**more: Any) -> ChatEntry:
    """The group."""
    return entry("group", "Ridge trip 🏔", CREW, **more)


def page(scene: Scene, of: ChatEntry, table: Sequence[Seat], chosen: Uid, title: str = "") -> QWidget:
    """The page of a group over the window."""
    made = group_window(scene, of)
    dialog = GroupDialog(None, scene.themes, of, ME.uid, near, scene.now_ms)
    dialog.show_members(table)
    dialog.list.choose(chosen)
    if title:
        dialog.rename.click()
        dialog.name_field.setText(title)
    scene.keep.append(dialog)
    return under(made, dialog)


def group_window(
    scene: Scene, of: ChatEntry, bubbles: Sequence[Bubble] | None = None, *, doing: dict[Uid, Doing] | None = None
) -> MainWindow:
    """The window with a group open."""
    told = people.team() if bubbles is None else list(bubbles)
    of = replace(of, last=told[-1] if told else None)
    chat = ShelfChat(told, [of, *people.chats()[:1], *people.chats()[2:]])
    chat.doing = {CONV: doing or {}}
    chat.seats = seats()
    chat.near = {ANNA.uid: Presence(ANNA.uid, True), MEI.uid: Presence(MEI.uid, False, NOW_MS - 5 * MINUTE_MS)}
    made = MainWindow(
        cast(Chat, chat), scene.themes, Notebook(scene.folder), sources=INVENTED, errands=cast(Errands, AtOnce())
    )
    made.resize(*SIZE)
    made._leaving = True
    scene.keep += [made, chat]
    made.show_chat(CONV)
    chat.tell(PresenceChanged(tuple(chat.near.values())))
    return made


@stage("group_page", SIZE, LIGHT_AND_CHINESE)
def group_page(scene: Scene) -> QWidget:
    """Who is in a group; we administer it."""
    return page(scene, trip(), seats(), LONG.uid)


@stage("group_rename", SIZE)
def group_rename(scene: Scene) -> QWidget:
    """The name is being changed."""
    return page(scene, trip(), seats(), MEI.uid, "Ridge trip 2026")


@stage("group_crowd", SIZE, LIGHT_AND_CHINESE)
def group_crowd(scene: Scene) -> QWidget:
    """Five hundred members, and no rights."""
    title = "Hamnens båtklubb – styrelse, vaktlista, sommarfest 2026 och allt annat"
    return page(scene, entry("group", title, CREW[:2]), crowd(), Uid("u12"))


@stage("group_left", SIZE, LIGHT_AND_CHINESE)
def group_left(scene: Scene) -> QWidget:
    """A group that one has left."""
    diary = Diary(NOW_MS - 90 * MINUTE_MS)
    diary.hear(BEN, Opened("group", "Ridge trip 🏔", by=BEN.uid)).hear(BEN, Text("The cabin is booked."))
    diary.say("I cannot come, sorry.", State.READ, delivered_to=5, read_by=5, of=5)
    diary.hear(BEN, Left(ME.uid, mlv=4))
    return group_window(scene, trip(away=True), diary.bubbles)


@stage("new_group", SIZE, LIGHT_AND_CHINESE)
def new_group(scene: Scene) -> QWidget:
    """A name, and several people."""
    others = [Person(member.uid, member.name) for member in CREW[1:]]
    dialog = PickPeopleDialog(None, scene.themes, others, naming=True)
    dialog.name.setText("Sunday walk")
    for member in (MEI, BEN):
        dialog.toggle(member.uid)
    scene.keep.append(dialog)
    return under(window(scene), dialog)


@stage("add_people_none", SIZE)
def add_people_none(scene: Scene) -> QWidget:
    """Everybody is in the group already."""
    dialog = PickPeopleDialog(None, scene.themes, [], naming=False)
    scene.keep.append(dialog)
    return under(group_window(scene, trip()), dialog)


@stage("notices", (640, 900), LIGHT_AND_CHINESE)
def notices(scene: Scene) -> QWidget:
    """What the server says in a group, and what is missing."""
    diary = Diary(NOW_MS - 60 * MINUTE_MS)
    diary._pos = 6
    diary.hear(BEN, Joined(ME.uid, ME.name, by=BEN.uid, mlv=2)).hear(BEN, Joined(MEI.uid, MEI.name, by=ME.uid, mlv=3))
    diary.hear(BEN, Joined(LONG.uid, LONG.name, mlv=4)).hear(BEN, Titled("Ridge trip 🏔", by=MEI.uid))
    diary.hear(BEN, Ranked(MEI.uid, 1, by=BEN.uid)).hear(MEI, Text("大家好！"))
    diary.say("Hello!", State.STORED, delivered_to=3, read_by=1, of=5).later(5)
    diary.hear(BEN, Left(LONG.uid, by=MEI.uid)).hear(BEN, Left(YUSUF.uid))
    diary._pos += 3
    diary.later(9).hear(BEN, Joined(ME.uid, ME.name, by=MEI.uid, mlv=9)).hear(ZOE, Text("Welcome back 🎉"))
    diary.say("Good to be here.", State.DELIVERED, delivered_to=5, read_by=2, of=5)
    view = conversation(scene, diary.bubbles, entry("group", "Ridge trip 🏔", CREW))
    model: Any = view.model()
    model._pages = people.Shelf(diary.bubbles, (Gap(1, 6, "before_join"), Gap(16, 18, "not_member")))
    finish(model.look_again())
    return view


@stage("loading", (560, 420), LIGHT_AND_CHINESE)
def loading(scene: Scene) -> QWidget:
    """A new device: what is older is on its way, and cannot come without a line."""
    view = conversation(scene, people.everyday(scene.folder)[-3:])
    model: Any = view.model()
    model._pages = people.Shelf(model._bubbles, (Gap(1, 8, "before_device"),))
    finish(model.look_again())
    model._start_reached = True
    model.refresh()
    view._show_loading()
    return view


@stage("typing", SIZE, LIGHT_AND_CHINESE)
def typing(scene: Scene) -> QWidget:
    """Two people write in the group; somebody records in another chat."""
    made = group_window(scene, trip(), doing={MEI.uid: "text", BEN.uid: "text"})
    chat: Any = made._chat
    chat.doing[ConvId("4")] = {MEI.uid: "voice"}
    chat.tell(TypingChanged(CONV, MEI.uid, "text"))
    chat.tell(TypingChanged(ConvId("4"), MEI.uid, "voice"))
    return made


@stage("last_seen", SIZE)
def last_seen(scene: Scene) -> QWidget:
    """The other person was here five minutes ago."""
    made = window(scene)
    chat: Any = made._chat
    chat.near = {ANNA.uid: Presence(ANNA.uid, False, NOW_MS - 5 * MINUTE_MS), BEN.uid: Presence(BEN.uid, True)}
    chat.tell(PresenceChanged(tuple(chat.near.values())))
    return made


def table() -> list[Receipt]:
    """Some have opened it, some have it, some were away."""
    early, late = NOW_MS - 30 * MINUTE_MS, NOW_MS - 11 * MINUTE_MS
    return [
        Receipt(BEN.uid, BEN.name, True, True, early, late), Receipt(MEI.uid, MEI.name, True, True, early, early),
        Receipt(LONG.uid, LONG.name, True, False, NOW_MS - DAY_MS), Receipt(ZOE.uid, ZOE.name, True, False, late),
        Receipt(YUSUF.uid, YUSUF.name), Receipt(ANNA.uid, ANNA.name, True, False),
    ]  # fmt: skip


def own(words: str, of: int = 6, **more: Any) -> Bubble:
    """One of our messages in a group."""
    return Diary(NOW_MS - 40 * MINUTE_MS).say(words, State.STORED, of=of, **more).bubbles[0]


def delivery(scene: Scene, bubble: Bubble, receipts: Sequence[Receipt] | None, *, reads: bool = True) -> QWidget:
    """The dialog over the group."""
    dialog = DeliveryDialog(None, scene.themes, bubble, NOW_MS, reads=reads, receipts=receipts)
    scene.keep.append(dialog)
    return under(group_window(scene, trip()), dialog)


@stage("delivery", SIZE, LIGHT_AND_CHINESE)
def delivery_table(scene: Scene) -> QWidget:
    """Six others."""
    words = "I bring a stove and two pots, and somebody should remember the matches this time, please."
    return delivery(scene, own(words, delivered_to=5, read_by=2), table())


@stage("delivery_crowd", SIZE, LIGHT_AND_CHINESE)
def delivery_crowd(scene: Scene) -> QWidget:
    """Five hundred: counts, and the table on request; reads are not told."""
    return delivery(scene, own("Harbour closed on Sunday", 499, delivered_to=421, read_by=97), None, reads=False)


@stage("delivery_direct", SIZE)
def delivery_direct(scene: Scene) -> QWidget:
    """One other person."""
    bubble = Diary(NOW_MS - 40 * MINUTE_MS).say("See you Saturday!", State.READ).bubbles[0]
    receipts = [Receipt(ANNA.uid, ANNA.name, True, True, NOW_MS - 38 * MINUTE_MS, NOW_MS - 12 * MINUTE_MS)]
    return delivery(scene, bubble, receipts)


def devices() -> list[Device]:
    """Three of them."""
    return [
        Device(Did("d"), "Nora's desk", NOW_MS, NOW_MS - 90 * DAY_MS, here=True),
        Device(Did("e"), "Laptop with a very long name that somebody once gave it in a hurry", NOW_MS - 3 * DAY_MS, 1),
        Device(Did("f"), "客厅的电脑", 0, 1),
    ]


@stage("devices", SIZE, LIGHT_AND_CHINESE)
def device_list(scene: Scene) -> QWidget:
    """This one and two others."""
    dialog = DevicesDialog(None, scene.themes, NOW_MS)
    dialog.show_devices(devices())
    scene.keep.append(dialog)
    return under(window(scene), dialog)


@stage("device_code", SIZE, LIGHT_AND_CHINESE)
def device_code(scene: Scene) -> QWidget:
    """A code for another one."""
    return under(window(scene), DeviceCodeDialog(None, "http://127.0.0.1:8787", "9D4K-TWX2"))


@stage("onboarding_device", (560, 560), LIGHT_AND_CHINESE)
def onboarding_device(scene: Scene) -> QWidget:
    """The first start of another device."""
    made = Onboarding(scene.themes, scene.start, _nothing, _nothing)
    made.show_device()
    made.device_server.setText("http://127.0.0.1:8787/#9D4K-TWX2")
    scene.keep.append(made)
    return made


async def _nothing(*_words: str) -> None:
    """Nobody really joins."""


def unsent(count: int = 7) -> list[Unsent]:
    """What a device had not sent."""
    said = [
        Unsent("Anna Li", "", "Are you still there?", "13:40"), Unsent("Ridge trip 🏔", "picture", "The map", "13:41"),
        Unsent(LONG.name, "", "A long sentence that does not fit on one line, whatever one does about it.", "13:42"),
        Unsent("陈美玲", "", "明天见", "13:44"),
    ]  # fmt: skip
    return [said[place % len(said)] for place in range(count)]


@stage("left_over", SIZE, LIGHT_AND_CHINESE)
def left_over(scene: Scene) -> QWidget:
    """What the device before this one had not sent."""
    return under(window(scene), LeftOverDialog(None, scene.themes, unsent()))


@stage("rejoin", SIZE, LIGHT_AND_CHINESE)
def rejoin(scene: Scene) -> QWidget:
    """This device was ended."""
    made = window(scene)
    made.page.banner.show_line(Line("stopped", code="sign_in_again"))
    dialog = RejoinDialog(None, scene.themes, scene.start, _nothing, "http://127.0.0.1:8787", unsent(2))
    scene.keep.append(dialog)
    return under(made, dialog)


@stage("server_full", SIZE, LIGHT_AND_CHINESE)
def server_full(scene: Scene) -> QWidget:
    """The server has no room left."""
    made = window(scene)
    banner: Any = made.page.banner
    banner._line = Line("offline", NOW_S + 27, "server_full")
    banner._speak()
    return made

"""The window: chats on the left, one conversation on the right; one pane where there is no room for two."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import assert_never

from PySide6.QtCore import QEvent, QPoint, QSize, Qt, Signal
from PySide6.QtGui import QCloseEvent, QResizeEvent
from PySide6.QtWidgets import QMainWindow, QMenu, QSplitter, QStackedWidget

from client.app.changes import (
    BubbleDropped,
    BubblesChanged,
    Change,
    ChatsChanged,
    LineChanged,
    MembersChanged,
    NewMessages,
    PacketSeen,
    PeopleChanged,
    PrefsChanged,
    PresenceChanged,
    ProblemSeen,
    Progressed,
    TypingChanged,
)
from client.app.chat import Chat
from client.core.model import ChatEntry, Line, end_of
from client.ui import icons
from client.ui.dialogs.frame import Choice, ask
from client.ui.dialogs.invite import InviteDialog
from client.ui.dialogs.people import PeopleDialog
from client.ui.drafts import UNDO_MS
from client.ui.errands import Errands
from client.ui.groups import Groups
from client.ui.hints import Watcher
from client.ui.notebook import Notebook
from client.ui.own_devices import OwnDevices
from client.ui.plain import one_line
from client.ui.preferences import Preferences
from client.ui.shortcuts import Shortcuts
from client.ui.sound.sources import SYSTEM, Sources
from client.ui.storage_page import StoragePage
from client.ui.theme import Themes
from client.ui.viewmodels.contacts import ChatsModel
from client.ui.viewmodels.nearness import doing_words
from client.ui.widgets.conversation_page import ConversationPage
from client.ui.widgets.page_parts import NoChat
from client.ui.widgets.side_pane import SidePane
from client.ui.widgets.toast import Toast
from client.ui.words import plural, problem_words, tr
from protocol.packets import Person
from protocol.problems import Problem
from protocol.values import ConvId, Lid, Uid

SIZE, SMALLEST = QSize(1080, 720), QSize(380, 480)
ONE_PANE_PX, SIDE_PX, SIDE_MIN, SIDE_MAX, PAGE_MIN = 640, 320, 260, 480, 380
NAMES_LOOKED = 200
"""So many unread messages of a group are looked through for one's own name at the start."""
SELF_TOLD = ("server_unreachable", "rate", "busy", "transfer_interrupted", "sign_in_again", "replaced_elsewhere")
"""Problems that the banner or the bubble shows already."""

MakeInvite = Callable[[], Awaitable[tuple[str, str]]]
"""A fresh invite: address and code."""


class MainWindow(QMainWindow):
    """Everything of one profile. `gone` says that it has been closed for good; `renewed` that it is somebody else's."""

    gone = Signal()
    listed = Signal()
    renewed = Signal()

    def __init__(
        self,
        chat: Chat,
        themes: Themes,
        notebook: Notebook,
        *,
        sources: Sources = SYSTEM,
        make_invite: MakeInvite | None = None,
        native_dialogs: bool = True,
        errands: Errands | None = None,
    ) -> None:
        super().__init__()
        assert chat.me is not None
        self._chat, self._themes, self._notebook = chat, themes, notebook
        self._make_invite = make_invite or self._invite_from_chat
        self._wanted = ConvId("")
        self.errands = errands or Errands(self.say)
        self._leaving = self._reading = self._read_again = False
        self._looked: set[ConvId] = set()
        self.chats = ChatsModel(chat.me.uid, chat.wall_ms, self)
        self.side = SidePane(themes, self.chats, chat.now_s, chat.me)
        self.groups = Groups(
            chat, themes, self.errands, self, entry_of=self._entry, write_to=self._open_with, invite=self.invite
        )
        self.devices = OwnDevices(
            chat, themes, self.errands, self, title_of=self.groups.title, say=self.say, renewed=self._renew
        )
        self.page = ConversationPage(
            chat, themes, self.errands, notebook, sources, self, delivery=self.groups.delivery,
            native_dialogs=native_dialogs,
        )  # fmt: skip
        self.chats.recorded = self.page.drafts.words
        self._watcher = Watcher(chat, self._people_shown, self)
        self.storage = StoragePage(
            chat, themes, self.errands, self, title_of=self.groups.title, native_dialogs=native_dialogs
        )
        chat.storage.keep_while(self.page.files_in_use)
        self.preferences = Preferences(
            chat, themes, notebook, self.errands, self.page.composer, self, self.storage, sources
        )
        self._no_chat = NoChat(themes)
        self._right, self._split = QStackedWidget(), QSplitter(Qt.Orientation.Horizontal)
        self._arrange()
        self.toast = Toast(self)
        self._listen()
        self.shortcuts = Shortcuts(
            self, self.side, self.page, self.preferences,
            new_chat=self.new_chat, show_group=self.show_group, close_chat=self.close_chat,
        )  # fmt: skip
        self._restore()
        self._unsubscribe = chat.subscribe(self._hear)
        self._read_chats()
        self.errands.start(self.page.parts.load())
        self.errands.start(self.page.speaking.tidy())
        self._line_changed(chat.line)

    # --- building

    def _arrange(self) -> None:
        self.setWindowIcon(icons.app_icon())
        self.setMinimumSize(SMALLEST)
        self._right.addWidget(self._no_chat)
        self._right.addWidget(self.page)
        self._split.addWidget(self.side)
        self._split.addWidget(self._right)
        self._split.setHandleWidth(1)
        self._split.setChildrenCollapsible(False)
        self._split.setStretchFactor(0, 0)
        self._split.setStretchFactor(1, 1)
        self._split.setSizes([SIDE_PX, SIZE.width() - SIDE_PX])
        self.setCentralWidget(self._split)
        self._title()
        self.side.chats.view.setFocus()

    def _listen(self) -> None:
        self.side.chats.chosen.connect(lambda conv: self.show_chat(ConvId(conv)))
        self.side.chats.dropped.connect(self._dropped)
        self.side.outbox.opened.connect(lambda conv: self.show_chat(ConvId(conv)))
        self.side.new_chat_wanted.connect(self.new_chat)
        self.side.menu_wanted.connect(self._menu)
        self.page.back_wanted.connect(self.close_chat)
        self.page.menu_wanted.connect(self._chat_menu)
        self.page.shown_wanted.connect(self._show_message)
        self.page.info_wanted.connect(self.show_group)
        self.page.drafts.changed.connect(lambda conv: self.chats.show_recorded(ConvId(conv)))
        self.page.speaking.undo_wanted.connect(lambda words, back: self.toast.offer(words, tr("Undo"), back, UNDO_MS))
        self.page.join_wanted.connect(lambda: self.errands.once(self.devices.rejoin))
        self.preferences.devices_wanted.connect(self.show_devices)
        self.side.chats.moved.connect(self._watcher.look_soon)
        self._no_chat.new_chat_wanted.connect(self.new_chat)
        self._no_chat.invite_wanted.connect(self.invite)

    def _restore(self) -> None:
        self.resize(SIZE)
        self.restoreGeometry(self._notebook.bytes_of("window/geometry"))
        self._split.restoreState(self._notebook.bytes_of("window/splitter"))
        self._one_pane()

    # --- what the chat says

    def _hear(self, change: Change) -> None:
        match change:
            case BubblesChanged(bubbles):
                self.chats.merge(bubbles)
                self.side.outbox.show_bubbles(bubbles)
                self.page.bubbles_changed(bubbles)
                self.groups.bubbles_changed(bubbles)
            case BubbleDropped(lid):
                self.page.bubble_dropped(lid)
            case ChatsChanged():
                self._read_chats()
            case LineChanged(line):
                self._line_changed(line)
            case Progressed(progress):
                self.page.progressed(progress)
            case ProblemSeen(code, facts):
                if code not in SELF_TOLD:
                    self.say(problem_words(code, facts))
            case PacketSeen() | NewMessages():
                pass
            case PeopleChanged() | TypingChanged() | PresenceChanged() | PrefsChanged() | MembersChanged():
                self._hear_of_people(change)
            case _ as never:
                assert_never(never)

    def _hear_of_people(
        self, change: PeopleChanged | TypingChanged | PresenceChanged | PrefsChanged | MembersChanged
    ) -> None:
        match change:
            case PeopleChanged(people):
                self.page.model.members(people)
                self.groups.people_changed(people)
            case TypingChanged(conv):
                self._typing_changed(conv)
            case PresenceChanged(near):
                self.chats.show_online(near)
                self.page.show_near()
                self.groups.presence_changed()
            case MembersChanged(conv):
                self.groups.members_changed(conv)
                self._read_chats()
            case PrefsChanged():
                self.preferences.changed_elsewhere()

    def _line_changed(self, line: Line) -> None:
        self.page.banner.show_line(line)
        if line.state == "ready":
            self.errands.start(self.page.model.look_again())
            self.errands.start(self.devices.offer_left_over())

    def _typing_changed(self, conv: ConvId) -> None:
        entry = self._entry(conv)
        if entry is not None:
            names = {member.uid: member.name for member in entry.members}
            words = doing_words(self._chat.typists(conv), lambda uid: names.get(uid, ""), entry.form)
            self.chats.show_doing(conv, words)
        if conv == self.page.conv:
            self.page.show_near()

    def _entry(self, conv: ConvId) -> ChatEntry | None:
        row = self.chats.row_of(conv)
        return self.chats.entry(row) if row is not None else None

    def _people_shown(self) -> list[Uid]:
        """Whom the window shows something of: the open conversation and group first, then the list."""
        assert self._chat.me is not None
        me = self._chat.me.uid
        entries = [self.page.entry] if self.page.entry is not None and self.page.entry.form == "direct" else []
        entries += [entry for entry in self.side.chats.shown() if entry.form == "direct"]
        uids = [member.uid for entry in entries for member in entry.members]
        return [uid for uid in (*uids[:2], *self.groups.shown_uids, *uids[2:]) if uid != me]

    def _renew(self) -> None:
        """The profile is somebody else's now: the window begins anew."""
        self.renewed.emit()
        self.leave()

    def _read_chats(self) -> None:
        """Read the list again; what changes meanwhile is read once more after that."""
        if self._reading:
            self._read_again = True
            return
        self._reading = True
        self.errands.start(self._show_chats())

    async def _show_chats(self) -> None:
        try:
            while True:
                self._read_again = False
                entries = await self._chat.chats()
                self._take_chats(entries)
                if not self._read_again:
                    return
        finally:
            self._reading = False

    def _take_chats(self, entries: list[ChatEntry]) -> None:
        self.chats.show(entries)
        self.side.outbox.show_chats(entries)
        self._no_chat.show_chats(any_chats=bool(entries))
        for entry in entries:
            if entry.form == "group" and entry.unread and entry.conv not in self._looked:
                self._looked.add(entry.conv)
                self.errands.start(self._look_for_names(entry))
            self.page.entry_changed(entry)
            self.groups.entry_changed(entry)
        self._watcher.look_soon()
        self._title(sum(entry.unread for entry in entries))
        self.listed.emit()
        if self._wanted and self.chats.row_of(self._wanted) is not None:
            wanted, self._wanted = self._wanted, ConvId("")
            self.show_chat(wanted)

    async def _look_for_names(self, entry: ChatEntry) -> None:
        """Once after the start: what came before may name this person; what comes later is seen as it comes."""
        limit = min(entry.unread, NAMES_LOOKED)
        self.chats.note(await self._chat.page(entry.conv, after=end_of(entry.read_upto), limit=limit))

    def _title(self, unread: int = 0) -> None:
        assert self._chat.me is not None
        name = f"{one_line(self._chat.me.name)} – Hexagram"
        self.setWindowTitle(f"({unread}) {name}" if unread else name)

    # --- going to a chat

    def show_chat(self, conv: ConvId) -> None:
        """Open a conversation of the list."""
        row = self.chats.row_of(conv)
        if row is not None:
            self._open(self.chats.entry(row))

    def _open(self, entry: ChatEntry) -> None:
        self.side.chats.select(entry.conv)
        self._right.setCurrentWidget(self.page)
        self.errands.start(self.page.open(entry))
        self._watcher.look_soon()
        self._one_pane()

    def _dropped(self, conv: str, paths: list[str]) -> None:
        """Files were let go on a row: that chat, with its rail filled."""
        self.show_chat(ConvId(conv))
        self.page.attaching.offer(paths, conv=ConvId(conv))

    def close_chat(self) -> None:
        """Back to the list."""
        self.page.close_chat()
        self.side.chats.select(ConvId(""))
        self._right.setCurrentWidget(self._no_chat)
        self._one_pane()
        self.side.chats.view.setFocus()

    async def _open_with(self, uid: Uid) -> None:
        """A new conversation stands in the list a moment after the server has made it."""
        self._wanted = await self._chat.open_direct(uid)
        self._read_chats()

    def _show_message(self, conv: str, lid: object) -> None:
        """Where is it that plays, or that was looked at?"""
        self.errands.start(self._go_to(ConvId(conv), Lid(int(lid))))  # type: ignore[call-overload]

    async def _go_to(self, conv: ConvId, lid: Lid) -> None:
        entry = self._entry(conv)
        if self.page.conv != conv and entry is not None:
            self.side.chats.select(conv)
            self._right.setCurrentWidget(self.page)
            await self.page.open(entry)
            self._one_pane()
        await self.page.show_message(lid)

    # --- dialogs

    def say(self, words: str) -> None:
        """A sentence that goes by itself."""
        self.toast.say(words)

    def new_chat(self) -> None:
        """Everybody on this server."""
        self.errands.once(self._new_chat)

    async def _new_chat(self) -> None:
        dialog = PeopleDialog(self, self._themes.look, self._others(await self._chat.people()))

        def hear(change: Change) -> None:
            if isinstance(change, PeopleChanged):
                dialog.show_people(self._others(change.people))

        stop = self._chat.subscribe(hear)
        try:
            answer = await dialog.answered()
        finally:
            stop()
        if answer == "invite":
            self.invite()
        elif answer == "group":
            self.new_group()
        elif answer:
            await self._open_with(Uid(answer))

    def new_group(self) -> None:
        """A name and several people."""
        self.errands.once(self._new_group)

    async def _new_group(self) -> None:
        self._wanted = await self.groups.new() or self._wanted
        self._read_chats()

    def show_group(self) -> None:
        """Who is in the open group."""
        if self.page.entry is not None and self.page.entry.form == "group":
            self.errands.once(self._show_group)

    async def _show_group(self) -> None:
        if self.page.entry is not None:
            showing = self.groups.show(self.page.entry)
            self._watcher.look_soon()
            await showing
            self._watcher.look_soon()

    def show_devices(self) -> None:
        """This person's devices."""
        self.errands.once(self.devices.show)

    def _others(self, people: Iterable[Person]) -> list[Person]:
        return [person for person in people if self._chat.me is None or person.uid != self._chat.me.uid]

    def invite(self) -> None:
        """A line for somebody else."""
        self.errands.once(self._invite)

    async def _invite(self) -> None:
        server, code = await self._make_invite()
        await InviteDialog(self, server, code).answered()

    async def _invite_from_chat(self) -> tuple[str, str]:
        assert self._chat.me is not None
        return self._chat.me.server, await self._chat.invite()

    def about(self) -> None:
        """What this is."""
        self.errands.once(self._about)

    async def _about(self) -> None:
        assert self._chat.me is not None
        words = tr(
            "Every message arrives once, and says where it is.\n\n“Already across”, the 63rd hexagram: six lines, "
            "one for each packet of a message.\n\nServer: {server}",
            server=self._chat.me.server,
        )
        await ask(self, "Hexagram 既济", words, [Choice("", tr("Close"), "primary")])

    def _menu(self, at: QPoint) -> None:
        self._pop_up(at, (
            ("new_chat", tr("New chat"), self.new_chat), ("invite", tr("Invite someone"), self.invite),
            ("people", tr("New group"), self.new_group), ("settings", tr("Settings"), self.preferences.show),
            ("device", tr("My devices"), self.show_devices), ("info", tr("About"), self.about),
            ("close", tr("Quit"), self.close),
        ))  # fmt: skip

    def _chat_menu(self, at: QPoint) -> None:
        self._pop_up(at, (
            *((("people", tr("People in this group"), self.show_group),) if self._group_open() else ()),
            *((("attach", tr("Attach files"), self.page.attaching.choose_files),) if not self._away() else ()),
            ("trace", tr("Trace of the last message"), lambda: self.shortcuts.on_message("trace")),
            ("close", tr("Close chat"), self.close_chat),
        ))  # fmt: skip

    def _pop_up(self, at: QPoint, rows: Iterable[tuple[str, str, Callable[[], object]]]) -> None:
        """A menu of icons, words and deeds."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for icon, words, do in rows:
            action = menu.addAction(icons.icon(icon, self._themes.look), words)
            action.triggered.connect(lambda _checked=False, each=do: each())
        menu.popup(at)

    def _group_open(self) -> bool:
        return self.page.entry is not None and self.page.entry.form == "group"

    def _away(self) -> bool:
        return self.page.entry is not None and self.page.entry.away

    # --- the window itself

    def _one_pane(self) -> None:
        narrow, reading = self.width() < ONE_PANE_PX, bool(self.page.conv) or self._right.currentWidget() is self.page
        self.side.setVisible(not narrow or not reading)
        self._right.setVisible(not narrow or reading)
        self.side.setMinimumWidth(SIDE_MIN if not narrow else SMALLEST.width())
        self.side.setMaximumWidth(SIDE_MAX if not narrow else 16_777_215)
        self._right.setMinimumWidth(PAGE_MIN)
        self.page.header.back.setVisible(narrow)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Two panes, or one."""
        super().resizeEvent(event)
        self._one_pane()

    def changeEvent(self, event: QEvent) -> None:
        """Another language."""
        super().changeEvent(event)
        if event.type() is QEvent.Type.LanguageChange:
            self._read_chats()

    def raise_up(self) -> None:
        """Somebody started the program a second time."""
        if self.isMinimized():
            self.showNormal()
        self.show()
        self.raise_()
        self.activateWindow()

    def closeEvent(self, event: QCloseEvent) -> None:
        """With messages that still wait, ask first."""
        if not self._leaving and self.side.outbox.waiting:
            event.ignore()
            self.errands.once(self._ask_to_quit)
            return
        self._notebook.keep_bytes("window/geometry", self.saveGeometry())
        if self.width() >= ONE_PANE_PX:
            self._notebook.keep_bytes("window/splitter", self._split.saveState())
        self._unsubscribe()
        super().closeEvent(event)
        self.gone.emit()

    @property
    def server(self) -> str:
        """The address of the server this window talks to."""
        return self._chat.me.server if self._chat.me is not None else ""

    def leave(self) -> None:
        """Close without a question."""
        self._leaving = True
        self.close()

    async def _ask_to_quit(self) -> None:
        words = plural(
            "{count} message is still waiting. It will be sent the next time you open Hexagram.",
            "{count} messages are still waiting. They will be sent the next time you open Hexagram.",
            self.side.outbox.waiting,
        )
        choices = [Choice("quit", tr("Quit")), Choice("", tr("Stay"), "primary")]
        if await ask(self, tr("Quit now?"), words, choices) == "quit":
            self.leave()

    async def close_down(self) -> None:
        """After `gone`: end what runs, keep what was written."""
        with suppress(Problem):
            await self.page.close_down()
        await self.errands.close()

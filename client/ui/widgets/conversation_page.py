"""The page of one conversation: header, banner, messages, and what is about to be sent."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from PySide6.QtCore import QEvent, QObject, QPoint, Qt, QTimer, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QDragEnterEvent, QDragLeaveEvent, QDragMoveEvent, QDropEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from client.app.chat import Chat
from client.core.model import Bubble, ChatEntry, Member, State, TransferProgress
from client.ui.actions import MessageActions
from client.ui.afterwards import Afterwards
from client.ui.attaching import Attaching
from client.ui.browsing import Browsing
from client.ui.draft_parts import DraftParts
from client.ui.drafts import Drafts
from client.ui.errands import Errands
from client.ui.hints import OwnHints
from client.ui.notebook import Notebook
from client.ui.play_keys import PlayKeys
from client.ui.playback import Playback
from client.ui.recording import Recording
from client.ui.sending import Sending
from client.ui.sound.player import Player
from client.ui.sound.sources import Sources
from client.ui.speaking import Speaking
from client.ui.theme import SPACE, Themes
from client.ui.viewing import Viewing
from client.ui.viewmodels.conversation import ConversationModel
from client.ui.viewmodels.nearness import doing_words, presence_words
from client.ui.widgets.banner import Banner
from client.ui.widgets.camera_view import CameraView
from client.ui.widgets.composer_bar import ComposerBar, drop_paths
from client.ui.widgets.composer_strip import ComposerStrip
from client.ui.widgets.mention_list import MentionList
from client.ui.widgets.message_list import MessageList
from client.ui.widgets.mini_player import MiniPlayer
from client.ui.widgets.page_parts import AwayBar, DropTargets, EmptyChat, Header, HintLine
from client.ui.widgets.recording_bar import RecordingBar
from client.ui.widgets.staging_rail import StagingRail
from client.ui.widgets.viewer import Viewer
from client.ui.writing import Writing
from protocol.values import ConvId, Lid

NEAR_MS = 20_000
"""“Last seen 5 minutes ago” grows older by itself."""
SMALL_CHAT = 5
"""A conversation with more rows than this has been written in."""


class ConversationPage(QFrame):
    """One page for all conversations, one at a time. It draws what the chat says and passes wishes on."""

    back_wanted = Signal()
    menu_wanted = Signal(QPoint)
    shown_wanted = Signal(str, object)
    info_wanted = Signal()
    join_wanted = Signal()

    def __init__(
        self,
        chat: Chat,
        themes: Themes,
        errands: Errands,
        notebook: Notebook,
        sources: Sources,
        window: QWidget,
        *,
        delivery: Callable[[Bubble], Coroutine[Any, Any, str]] | None = None,
        native_dialogs: bool = True,
    ) -> None:
        super().__init__()
        self._delivery = delivery
        self.setObjectName("conversation_page")
        self._chat, self._themes, self._errands, self._notebook = chat, themes, errands, notebook
        self._window, self._native = window, native_dialogs
        self.entry: ChatEntry | None = None
        self._drafts: dict[ConvId, str] = {}
        self._asked: set[Lid] = set()
        self._build(themes, sources)
        self._arrange()
        self._listen()
        self.setAcceptDrops(True)

    # --- building

    def _build(self, themes: Themes, sources: Sources) -> None:
        """What is seen first, then who works on it; each knows only what was built before."""
        self._build_parts(themes)
        self._build_writing(themes)
        self._build_playing(themes, sources)
        self._build_deeds(themes)
        self._targets = DropTargets(themes, self)
        self.empty.hide()
        self.camera.hide()

    def _build_parts(self, themes: Themes) -> None:
        assert self._chat.me is not None
        self.model = ConversationModel(
            self._chat, me=self._chat.me.uid, now_ms=self._chat.wall_ms, start=self._errands.start, parent=self
        )
        self.header, self.banner = Header(themes, self), Banner(themes, self._chat.now_s, self)
        self.strip = MiniPlayer(themes, self)
        self.list = MessageList(themes, self.model, self._chat.now_s, self)
        self.empty = EmptyChat(themes, self.list)
        self.hint = HintLine(themes, self)
        self.rail = StagingRail(themes, self.list.pictures, self)
        self.composer, self.bar = ComposerBar(themes, self), RecordingBar(themes, self)
        self.away, self.hints = AwayBar(self), OwnHints(self._chat, self)
        self._near = QTimer(self, interval=NEAR_MS)
        self.answer = ComposerStrip(themes, self)
        self.names = MentionList(themes, self.composer.field, self._namable, self.model.me, self)

    def _build_writing(self, themes: Themes) -> None:
        self.writing = Writing(
            self._chat, self.model, self.list, self.composer, self.answer, self.names, self._errands,
            entry=lambda: self.entry, drafts=self._drafts, say=self.say, busy=lambda: self.sending.busy,
        )  # fmt: skip
        self.attaching = Attaching(
            self.rail, self.composer, self._errands, self._window,
            chat=self._chat, conv=lambda: self.conv, editing=lambda: self.writing.editing, say=self.say,
            picture_path=lambda: self._notebook.recordings / f"picture-{self._chat.wall_ms()}.png",
            native_dialogs=self._native,
        )  # fmt: skip
        self.parts = DraftParts(self._chat, self.attaching, self.writing, self._errands)
        self.sending = Sending(
            self._chat, self.list, self.composer, self.writing, self.attaching, self._errands,
            entry=lambda: self.entry, recordings=lambda: self._notebook.recordings, drafts=self._drafts, say=self.say,
        )  # fmt: skip
        self.afterwards = Afterwards(
            self._chat, themes, self.model, self.list, self._errands, self._window,
            entry=lambda: self.entry, say=self.say, reply=self.writing.reply, edit=self.writing.edit,
        )  # fmt: skip

    def _build_playing(self, themes: Themes, sources: Sources) -> None:
        self.camera = CameraView(themes, self.list)
        self.player = Player(self)
        self.viewer = Viewer(themes, self.player, self._window)
        self.playback = Playback(self._chat, self._errands, self._notebook, self.player, self.strip, self.model, self)
        self._keys = PlayKeys(self.player, self.viewer, self.list, self._window)
        self.drafts = Drafts(self._notebook.recordings, self)
        self.recording = Recording(
            sources, self._notebook, self.drafts, self._chat.wall_ms, self.bar, self.camera, self
        )
        self.speaking = Speaking(
            self._chat, self.recording, self.drafts, self._errands, self._notebook, self._window, self.say
        )

    def _build_deeds(self, themes: Themes) -> None:
        self.hands = MessageActions(
            self._chat, themes, self.model, self._errands, self.playback, self._view, self._window,
            say=self.say, edit=self._edit, choose_file=self.attaching.choose_files,
            afterwards=self.afterwards, selected=self.list.selected_lids, delivery=self._delivery,
            native_dialogs=self._native,
        )  # fmt: skip
        self.viewing = Viewing(
            self._chat, self.model, self.list.pictures, self._errands, self.playback, self.viewer,
            act=self.hands.act, show=self.shown_wanted.emit, say=self.say,
        )  # fmt: skip
        self.browsing = Browsing(
            self._chat, themes, self.list.pictures, self._errands, self.playback, self, self.list,
            name=self.model.name, view=self._view, act=self.hands.act,
            show=lambda lid: self._errands.start(self.show_message(lid)),
        )  # fmt: skip

    def _arrange(self) -> None:
        self._below = QStackedWidget(self)
        self._below.addWidget(self.composer)
        self._below.addWidget(self.bar)
        self._below.addWidget(self.away)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        for part in (self.header, self.banner, self.strip):
            column.addWidget(part)
        column.addWidget(self.list, 1)
        for lower in (self.hint, self.answer, self.rail, self.bar.silence, self._below):
            column.addWidget(lower)
        over = QHBoxLayout(self.list)
        over.setContentsMargins(SPACE[4], SPACE[4], SPACE[4], SPACE[4])
        over.addWidget(self.empty)
        over.addWidget(self.camera, 0, Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignBottom)
        self._fit_below()

    def _listen(self) -> None:
        self.header.back_wanted.connect(self.back_wanted)
        self.header.menu_wanted.connect(self._ask_menu)
        self.header.info_wanted.connect(self.info_wanted)
        self.header.media_wanted.connect(self.browse)
        self.banner.connect_wanted.connect(self._chat.connect)
        self.banner.join_wanted.connect(self.join_wanted)
        self._near.timeout.connect(self.show_near)
        self._near.start()
        self.list.part_clicked.connect(self.hands.do)
        self.list.seek_clicked.connect(self.hands.seek)
        self.list.link_clicked.connect(lambda url: QDesktopServices.openUrl(QUrl(url)))
        self.list.menu_wanted.connect(self.hands.menu)
        self.list.read_upto.connect(self._read)
        self.list.offers = self._offers
        self.list.looked_at.connect(self._looked_at)
        self.list.copy_wanted.connect(lambda: self.hands.copy(self._pointed()))
        self.writing.changed.connect(self.attaching.show)
        self.list.typed.connect(self.composer.type)
        self.playback.said.connect(self.say)
        self.playback.shown.connect(self.shown_wanted)
        self.playback.outside.connect(lambda lid: self.hands.do(lid, "outside"))
        self.recording.began.connect(self._recording_began)
        self.recording.ended.connect(self._recording_over)
        self.recording.changed.connect(self._show_below)
        self.recording.said.connect(self.say)
        self.speaking.sent.connect(self.list.scroll_to_end)
        self.bar.listen_wanted.connect(self.player.pause)
        self.bar.keep_or_discard_wanted.connect(self.speaking.ask)
        self.composer.send_wanted.connect(self.send)
        self.composer.record_pressed.connect(lambda: self.record("voice", held=True))
        self.composer.record_wanted.connect(lambda: self.record("voice"))
        self.composer.video_wanted.connect(lambda: self.record("video"))
        self.composer.text_changed.connect(self._typed)
        self.empty.greeted.connect(self._greet)
        self.model.loaded.connect(self._look_empty)
        self.model.waiting_changed.connect(self._look_empty)
        self.viewer.closed.connect(self.composer.setFocus)
        self.composer.field.installEventFilter(self)

    # --- which conversation

    @property
    def conv(self) -> ConvId:
        """The open conversation, empty if none is."""
        return self.entry.conv if self.entry is not None else ConvId("")

    async def open(self, entry: ChatEntry) -> None:
        """Show this conversation, with what was about to be written in it."""
        if entry.conv == self.conv:
            self.composer.setFocus()
            return
        self.sending.keep_draft()
        self.writing.leave()
        self.hints.stop()
        self.browsing.leave()
        self.entry = entry
        self.hint.hide()
        self.recording.show(entry.conv)
        self.writing.enter(self._drafts.get(entry.conv, entry.draft))
        self.attaching.show()
        self._show_entry(entry)
        (self.list if entry.away else self._field).setFocus()
        await self.model.open(entry)
        self._look_empty()

    def close_chat(self) -> None:
        """Show none."""
        self.sending.keep_draft()
        self.writing.leave()
        self.hints.stop()
        self.browsing.leave()
        self.entry = None
        self.recording.show(ConvId(""))
        self.model.close()

    def _show_entry(self, entry: ChatEntry) -> None:
        self.show_near()
        self.empty.show_entry(entry, self.model.me)
        self._show_below()

    def show_near(self) -> None:
        """Who is writing here, and whether the other person is here."""
        if self.entry is None:
            return
        entry, now_ms = self.entry, self._chat.wall_ms()
        names = {member.uid: member.name for member in entry.members}
        near = ""
        if entry.form == "direct":
            other = next((uid for uid in names if uid != self.model.me), None)
            near = presence_words(self._chat.presence(other), now_ms) if other is not None else ""
        doing = doing_words(self._chat.typists(entry.conv), lambda uid: names.get(uid, ""), entry.form)
        self.header.show_entry(entry, self.model.me, now_ms, near=near, doing=doing)

    @property
    def _field(self) -> QWidget:
        """What the keyboard belongs to: a recording that waits, else the words."""
        return self.bar if self.recording.shown else self.composer

    def _show_below(self) -> None:
        """The field, the recording, or why there is neither."""
        away = self.entry is not None and self.entry.away
        wanted = self.away if away else self._field
        had_keys = self._below.isAncestorOf(self._window.focusWidget())  # type: ignore[arg-type]  # None is none
        if wanted is not self._below.currentWidget():
            self._below.setCurrentWidget(wanted)
            if had_keys:
                wanted.setFocus()  # else the nearest button would have them, and that is Discard
        self.rail.setEnabled(not away)
        self._fit_below()

    # --- what changed

    def entry_changed(self, entry: ChatEntry) -> None:
        """Title, people or last message of the open conversation are others."""
        if entry.conv == self.conv:
            if self.entry is not None and entry.members != self.entry.members:
                self.model.members(entry.members)
            self.entry = entry
            self.model.count_unread(entry.unread)
            self._show_entry(entry)

    def bubbles_changed(self, bubbles: Sequence[Bubble]) -> None:
        """New bubbles, or other states."""
        self.model.merge(bubbles)
        for bubble in bubbles:
            if bubble.paused or (bubble.state is not State.UPLOADING and (bubble.path or bubble.code)):
                self.model.settle(bubble.lid)
            if bubble.attachment is not None and bubble.state is not State.UPLOADING and bubble.mine:
                self.hints.sent(bubble.conv)
            self.hands.changed(bubble)
            self.writing.bubble_changed(bubble)
            self._ask_by_itself(bubble)
        self.viewing.bubbles_changed(bubbles)
        self.browsing.bubbles_changed(bubbles)
        self._look_empty()

    def bubble_dropped(self, lid: Lid) -> None:
        """A bubble is gone."""
        self.playback.drop(lid)
        self.viewing.dropped(lid)
        self.browsing.dropped(lid)
        self.model.drop(lid)
        self.writing.dropped(lid)
        self._look_empty()

    def progressed(self, progress: TransferProgress) -> None:
        """A file has got further."""
        self.model.progress(progress)
        self.viewing.progressed(progress)
        self.browsing.progressed(progress)
        if progress.way == "up" and self.conv and self.model.row_of(progress.lid) is not None:
            self.hints.begin(self.conv, "file")

    def browse(self) -> None:
        """All media of this conversation."""
        if self.conv:
            self.browsing.open(self.conv)

    def _view(self, bubble: Bubble) -> None:
        self.viewing.open(bubble)

    async def show_message(self, lid: Lid) -> None:
        """Go to a message of the open conversation; it may have to be read from the disk first."""
        if await self.model.around(lid):
            self.list.show_message(lid)

    def _ask_by_itself(self, bubble: Bubble) -> None:
        """Once, in the chat that is looked at, and only while nothing is being written (GUI: resend dialog)."""
        free = self.isVisible() and not self.composer.text and not self.recording.running and not self.hands.asking
        here = bubble.conv == self.conv and bubble.state is State.NEEDS_YOU and bubble.lid not in self._asked
        if here and free and self._window.isActiveWindow():
            self._asked.add(bubble.lid)
            self._errands.start(self.hands.ask(bubble))

    def _look_empty(self) -> None:
        rows = self.model.rowCount()
        sayable = bool(self.conv) and not self.model.waiting and not self._is_away()
        nothing = sayable and rows <= SMALL_CHAT and all(self.model.row(row).system for row in range(rows))
        self.empty.setVisible(nothing)

    def _is_away(self) -> bool:
        """Whether this is a group that the person is not in any more: nothing can be said there."""
        return self.entry is not None and self.entry.away

    def _read(self, upto: int) -> None:
        if self.conv and self.conv == self.model.conv:
            self._errands.start(self._chat.read(self.conv, upto))

    # --- words

    def say(self, words: str) -> None:
        """A sentence above the field."""
        self.hint.say(words)

    def send(self) -> None:
        """Send what waits on the rail and in the field; both are emptied only when it is safe (P-19)."""
        self.hints.stop()
        if not self.conv or self._is_away() or self.composer.field.composing:
            return
        if self.writing.editing:
            self.writing.save()
        else:
            self.sending.send()

    def _greet(self, words: str) -> None:
        self._errands.start(self._chat.say(self.conv, words))

    def _edit(self, text: str) -> None:
        """Words of a message that was not sent: before what is in the field already."""
        rest = self.composer.text
        self.composer.put(f"{text}\n{rest}" if rest else text)
        self.composer.setFocus()

    def _typed(self) -> None:
        if self.conv and self.composer.field.hasFocus() and not self.recording.running:
            self.hints.wrote(self.conv, anything=bool(self.composer.text.strip()))
        self.sending.typed()

    # --- messages that are there

    def _offers(self, lid: Lid) -> frozenset[str]:
        """What the bar beside a message has."""
        row = self.model.row_of(lid)
        if row is None or self.model.row(row).system:
            return frozenset()
        return frozenset({"menu", *self.afterwards.rights(self.model.bubble_at(row))})

    def _looked_at(self, lid: Lid, part: str) -> None:
        """The pointer rests on something that has a story."""
        if part == "edited":
            self._errands.start(self.afterwards.look_back(lid))

    def _pointed(self) -> list[Lid]:
        """What is selected, else the message that the keyboard is at."""
        return self.list.selected_lids() or ([self.list.pointed] if self.list.pointed else [])

    def _namable(self) -> Sequence[Member]:
        """Whom an at sign offers: the people of a group."""
        return self.entry.members if self.entry is not None and self.entry.form == "group" else ()

    # --- recording

    def record(self, kind: str, *, held: bool = False) -> None:
        """Begin a voice note or a video."""
        if self.conv and not self._is_away() and not self.recording.running:
            self.player.pause()
            self.recording.start(self.conv, kind, held=held)  # type: ignore[arg-type]

    def _recording_began(self) -> None:
        self._show_below()
        self.hints.begin(self.conv, self.recording.kind)

    def _recording_over(self) -> None:
        self.hints.stop()
        self._show_below()
        self._field.setFocus()

    # --- drag and drop, keys, size

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Files from elsewhere."""
        if self.conv and not self._is_away() and event.mimeData().hasUrls():
            self._targets.cover()
            event.acceptProposedAction()

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        """Upper half or lower half."""
        self._targets.point_at(event.position().y())
        event.acceptProposedAction()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        """Not here."""
        self._targets.hide()

    def dropEvent(self, event: QDropEvent) -> None:
        """To the rail; nothing is sent without Send."""
        self._targets.hide()
        self.attaching.offer(drop_paths(event), as_files=self._targets.as_files)
        event.acceptProposedAction()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """The row below is as high as what stands in it."""
        if event.type() is QEvent.Type.Resize:
            self._fit_below()
        return False

    def _fit_below(self) -> None:
        self._below.setFixedHeight(max(56, self.composer.field.height() + 2 * SPACE[2] + 1))

    def _ask_menu(self) -> None:
        button = self.header.menu
        self.menu_wanted.emit(button.mapToGlobal(button.rect().bottomLeft()))

    def changeEvent(self, event: QEvent) -> None:
        """Another language."""
        super().changeEvent(event)
        if event.type() is QEvent.Type.LanguageChange and self.entry is not None:
            self._show_entry(self.entry)
            self.writing.show()

    def files_in_use(self) -> set[Lid]:
        """The bubbles whose files are played or shown large now: they stay on the disk."""
        return {lid for lid in (self.player.lid, self.viewer.lid) if lid}

    async def close_down(self) -> None:
        """The window closes: stop what sounds, keep what was written."""
        if self.recording.running:
            self.recording.keep()
        self.drafts.close()
        self.player.stop()
        await self.sending.flush_draft()

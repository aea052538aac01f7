"""What sounds in the window: one player, drawn in its bubble and in the strip under the header."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal
from PySide6.QtMultimedia import QVideoFrame, QVideoSink

from client.app.chat import Chat
from client.core.model import Bubble
from client.ui.errands import Errands
from client.ui.notebook import Notebook
from client.ui.plain import one_line
from client.ui.sound.player import Player
from client.ui.viewmodels.conversation import ConversationModel
from client.ui.viewmodels.rows import Playing, Screen
from client.ui.widgets.mini_player import MiniPlayer
from client.ui.words import problem_words, tr
from protocol.content import Video, Voice
from protocol.values import Lid

NOTES_LOOKED = 50
"""So many notes at a time are looked through for the next one that was not heard."""


class Playback(QObject):
    """Voice notes and video notes play in their bubble; a film plays in the viewer, with the same player.

    It goes on when the person scrolls, looks at another chat or leaves the window; what is played next stops what
    played before. `said` is a sentence, `shown` where the bubble that plays is, `outside` a film for another program.
    """

    said = Signal(str)
    shown = Signal(str, object)
    outside = Signal(object)

    def __init__(
        self,
        chat: Chat,
        errands: Errands,
        notebook: Notebook,
        player: Player,
        strip: MiniPlayer,
        model: ConversationModel,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._chat, self._errands, self._notebook = chat, errands, notebook
        self.player, self._strip, self._model = player, strip, model
        self._bubble: Bubble | None = None
        self._wish, self._share = Lid(0), 0.0
        self._in_bubble, self._who = False, ""
        self._sink, self._screen = QVideoSink(self), Screen()
        self._sink.videoFrameChanged.connect(self._frame)
        self._listen()

    def _listen(self) -> None:
        self.player.changed.connect(self._draw)
        self.player.failed.connect(self._failed)
        self.player.unshown.connect(self._unshown)
        self.player.ended.connect(self._ended)
        self._strip.toggled.connect(self.player.toggle)
        self._strip.sought.connect(self.player.seek)
        self._strip.speed_chosen.connect(self.choose_speed)
        self._strip.closed.connect(self.stop)
        self._strip.shown.connect(self._show)

    # --- what the person wants

    def toggle(self, bubble: Bubble) -> None:
        """Pause it if it plays, play it in its bubble if not."""
        if self.player.lid == bubble.lid:
            self.player.toggle()
        else:
            self._begin(bubble)

    def seek(self, bubble: Bubble, share: float) -> None:
        """A click into the waveform, or a drag along it, goes there, and begins to play."""
        if self.player.lid == bubble.lid:
            self.player.seek(share)
        elif self._wish == bubble.lid:
            self._share = share
        else:
            self._begin(bubble, share)

    def watch(self, bubble: Bubble) -> None:
        """The viewer plays a film: no strip, no bubble, but the same speed and the same memory."""
        self._bubble, self._in_bubble, self._wish = bubble, False, Lid(0)
        self.player.set_speed(self._notebook.speed(bubble.conv))

    def choose_speed(self, speed: float) -> None:
        """For what plays, and from now on in this conversation."""
        self.player.set_speed(speed)
        if self._bubble is not None:
            self._notebook.keep_speed(self._bubble.conv, self.player.speed)

    def next_speed(self) -> None:
        """A click on the chip."""
        self.player.next_speed()
        self.choose_speed(self.player.speed)

    def stop(self) -> None:
        """Nothing sounds any more."""
        self._wish = Lid(0)
        self.player.stop()

    def drop(self, lid: Lid) -> None:
        """The bubble is gone."""
        if lid in (self.player.lid, self._wish):
            self.stop()

    # --- playing in a bubble

    def _begin(self, bubble: Bubble, share: float = 0.0) -> None:
        """What was not looked into is not given to a decoder: its bubble is that of a file then (SEC-29)."""
        if bubble.path and not bubble.why and isinstance(bubble.body, Voice | Video):
            self._wish, self._share = bubble.lid, share
            self._errands.start(self._play(bubble))

    async def _play(self, bubble: Bubble) -> None:
        file = bubble.attachment
        assert file is not None
        try:
            path = await self._chat.checked_path(bubble.lid)
        finally:
            wanted, share = self._wish == bubble.lid, self._share
            if wanted:
                self._wish = Lid(0)
        if not wanted:
            return
        self.player.stop()
        self._bubble, self._in_bubble, self._who = bubble, True, self._name(bubble)
        self._screen = Screen()
        self.player.show_on(self._sink if isinstance(bubble.body, Video) else None)
        self.player.speed = self._notebook.speed(bubble.conv)
        self.player.play(bubble.lid, path, file.duration_ms, from_ms=round(share * file.duration_ms))

    def _name(self, bubble: Bubble) -> str:
        if bubble.mine:
            return tr("You")
        return one_line(self._model.name(bubble.uid)) or tr("Voice note")

    def _ended(self, lid: Lid) -> None:
        """It was heard to its end; the next note that was not heard follows."""
        bubble = self._bubble
        if bubble is not None and bubble.lid == lid:
            self._errands.start(self._heard(bubble, self._in_bubble))

    async def _heard(self, bubble: Bubble, follow: bool) -> None:
        if not bubble.mine:
            await self._chat.played(bubble.lid)
        following = await self._next(bubble) if follow and not bubble.mine and isinstance(bubble.body, Voice) else None
        if following is not None and following.path and self.player.lid is None and not self._wish:
            self._begin(following)

    async def _next(self, bubble: Bubble) -> Bubble | None:
        """The next note of somebody else that was not heard. One that is not here is not fetched (P-76)."""
        after = bubble.order
        while notes := await self._chat.media(bubble.conv, ("voice",), after=after, limit=NOTES_LOOKED):
            for note in notes:
                if not (note.mine or note.heard or note.recalled):
                    return note
            after = notes[-1].order
        return None

    # --- drawing

    def _frame(self, frame: QVideoFrame) -> None:
        if frame.isValid() and self.player.lid is not None:
            self._screen.image = frame.toImage()
            self._model.repaint.emit(self.player.lid)

    def _draw(self) -> None:
        player = self.player
        if player.lid is None:
            self._strip.hide()
        elif self._in_bubble:
            self._strip.show_playing(
                self._who, player.position_ms, player.duration_ms, paused=player.paused, speed=player.speed
            )
        self._model.play(self.playing)

    @property
    def playing(self) -> Playing | None:
        """What sounds now, as bubbles show it."""
        player = self.player
        if player.lid is None:
            return None
        return Playing(
            player.lid, player.position_ms / 1000, player.duration_ms / 1000, player.paused, player.speed, self._screen
        )

    def _show(self) -> None:
        if self._bubble is not None:
            self.shown.emit(self._bubble.conv, self._bubble.lid)

    def _failed(self, _lid: Lid) -> None:
        self.said.emit(problem_words("playback_failed"))

    def _unshown(self, lid: Lid) -> None:
        """In the viewer there is a button for it; a bubble has none."""
        if self._in_bubble:
            self.outside.emit(lid)

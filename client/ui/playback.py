"""What sounds in the window: one player, drawn in its bubble and in the strip under the header."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from client.core.model import Bubble
from client.ui.sound.player import Player
from client.ui.viewmodels.conversation import ConversationModel
from client.ui.viewmodels.rows import Playing
from client.ui.widgets.mini_player import MiniPlayer
from client.ui.words import problem_words
from protocol.values import ConvId, Lid


class Playback(QObject):
    """Voice notes play in their bubble; a video plays in the viewer, with the same player. `said` is a sentence."""

    said = Signal(str)
    shown = Signal(str, object)

    def __init__(self, player: Player, strip: MiniPlayer, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.player, self._strip = player, strip
        self._model: ConversationModel | None = None
        self._voice = Lid(0)
        self._conv, self._who = ConvId(""), ""
        player.changed.connect(self._draw)
        player.failed.connect(self._failed)
        strip.toggled.connect(player.toggle)
        strip.sought.connect(player.seek)
        strip.speed_wanted.connect(player.next_speed)
        strip.closed.connect(player.stop)
        strip.shown.connect(lambda: self.shown.emit(self._conv, self._voice))

    def show_in(self, model: ConversationModel) -> None:
        """Draw what plays in this conversation's bubbles."""
        self._model = model

    def play(self, bubble: Bubble, who: str) -> None:
        """Play a voice note from its file, or go on with it."""
        assert bubble.attachment is not None
        self._voice, self._conv, self._who = bubble.lid, bubble.conv, who
        self.player.show_on(None)
        self.player.play(bubble.lid, bubble.path, bubble.attachment.duration_ms)

    def toggle(self, bubble: Bubble, who: str) -> None:
        """Pause it if it plays, play it if not."""
        if self.player.lid == bubble.lid:
            self.player.toggle()
        else:
            self.play(bubble, who)

    def seek(self, bubble: Bubble, who: str, share: float) -> None:
        """A click into the waveform goes there, and begins to play."""
        if self.player.lid != bubble.lid:
            self.play(bubble, who)
        self.player.seek(share)

    def drop(self, lid: Lid) -> None:
        """The bubble is gone."""
        if self.player.lid == lid:
            self.player.stop()

    def _draw(self) -> None:
        player = self.player
        if player.lid is None:
            self._strip.hide()
        elif player.lid == self._voice:
            self._strip.show_playing(
                self._who, player.position_ms, player.duration_ms, paused=player.paused, speed=player.speed
            )
        if self._model is not None:
            self._model.play(self._playing())

    def _playing(self) -> Playing | None:
        player = self.player
        if player.lid is None:
            return None
        return Playing(player.lid, player.position_ms / 1000, player.duration_ms / 1000, player.paused, player.speed)

    def _failed(self, _lid: Lid) -> None:
        self.said.emit(problem_words("playback_failed"))

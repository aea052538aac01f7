"""A voice note in a bubble: a round button, its waveform, its length; the bars are there before the sound is."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter

from client.ui.bubbles.ink import Ink, Part, circle_button, ring
from client.ui.bubbles.media import moved_words, offered
from client.ui.theme import Look
from client.ui.viewmodels.rows import Row
from client.ui.words import duration, size_words, tr
from protocol.content import unpack_bins
from protocol.limits import WAVEFORM_BITS

WIDTH, BUTTON, GAP = 256, 40, 12
BAR, BAR_GAP, BARS_HEIGHT, BAR_MIN = 2.0, 2.0, 22.0, 3.0
CHIP_WIDTH = 34
DOT, DOT_GAP = 8, 6
ICONS = {
    "away": ("arrow_down", "download"), "loading": ("pause", "hold"), "ready": ("play", "play"),
    "paused": ("arrow_down", "resume"), "uploading": ("pause", "hold"), "stopped": ("arrow_up", "resend"),
    "gone": ("broken", "ask_again"),
}  # fmt: skip


class VoiceBlock:
    """One voice note. The part `wave` is its slider."""

    def __init__(self, row: Row, look: Look, width_max: float) -> None:
        file = row.bubble.attachment
        assert file is not None
        self._row, self._file, self._font = row, file, look.font("meta")
        self.size = QSizeF(min(look.px(WIDTH), width_max), look.px(44))
        button, chip = look.px(BUTTON), look.px(CHIP_WIDTH)
        self._button = QRectF(0, (self.size.height() - button) / 2, button, button)
        left = button + GAP
        room = self.size.width() - left - (chip + 6 if row.playing else 0)
        self._wave = QRectF(left, 1, room, look.px(BARS_HEIGHT))
        self._chip = QRectF(self._wave.right() + 6, 2, chip, look.px(20)) if row.playing else QRectF()
        self.heights = bars(unpack_bins(file.waveform), int((self._wave.width() + BAR_GAP) // (BAR + BAR_GAP)))
        self.last_line_px = left + QFontMetricsF(self._font).horizontalAdvance(self.label())
        self.last_line_px += DOT_GAP + DOT if self.unheard else 0
        self.parts = self._clickable()

    def _clickable(self) -> list[Part]:
        name = "play" if self._row.face == "ready" else offered(self._row)
        if self._row.playing and not self._row.playing.paused:
            name = "pause"
        parts = [Part(name, self._button)] if name else []
        if self._row.face == "ready":
            parts.append(Part("wave", self._wave.adjusted(0, -4, 0, 4)))
        if self._row.playing:
            parts.append(Part("speed", self._chip))
        return parts

    def label(self) -> str:
        """The words under the bars."""
        face, playing = self._row.face, self._row.playing
        length = duration(self._file.duration_ms)
        if playing:
            return f"{duration(round(playing.position_s * 1000))} / {length}"
        if moved := moved_words(self._row):
            return moved
        if face == "gone":
            return " · ".join((tr("No longer on the server"), *((tr("Ask again"),) if offered(self._row) else ())))
        if face == "away":
            again = tr("Try again") + " · " if self._row.bubble.code else ""
            return f"{again}{length} · {size_words(self._file.size_bytes)}"
        return length

    @property
    def unheard(self) -> bool:
        """Whether somebody else said it, and it was not played to its end yet."""
        bubble = self._row.bubble
        return not bubble.mine and not bubble.heard and self._row.face != "gone" and not self._row.playing

    def share_played(self) -> float:
        """How much of it has been heard, 0 to 1."""
        playing = self._row.playing
        length_s = playing.duration_s or self._file.duration_ms / 1000 if playing else 0
        return min(1.0, playing.position_s / length_s) if playing and length_s else 0.0

    def paint(self, painter: QPainter, at: QPointF, ink: Ink) -> None:
        """Draw the button, the bars and the words."""
        self._paint_button(painter, self._button.translated(at), ink)
        self._paint_bars(painter, self._wave.translated(at), ink)
        if self.unheard:
            self._paint_dot(painter, at, ink)
        if self._row.playing:
            self._paint_chip(painter, self._chip.translated(at), ink)
        painter.setFont(self._font)
        painter.setPen(ink.look.color("text_2"))
        left, high = self._wave.left(), ink.look.px(18)
        line = QRectF(left, self.size.height() - high, self.size.width() - left, high)
        painter.drawText(line.translated(at), Qt.AlignmentFlag.AlignVCenter, self.label())

    def _paint_button(self, painter: QPainter, button: QRectF, ink: Ink) -> None:
        icon, part = ICONS[self._row.face]
        if self._row.playing and not self._row.playing.paused:
            icon, part = "pause", "pause"
        if self._row.face == "gone":
            circle_button(painter, button, icon, ink.look.color("bubble_sys"), ink.look.color("text_2"))
            return
        ground = ink.look.color("accent_hover" if part and part == ink.hovered else "accent")
        if self._row.face in ("loading", "uploading"):
            circle_button(painter, button.adjusted(5, 5, -5, -5), icon, ground, ink.look.color("on_accent"))
            ring(painter, button, self._row.share, ink.look.color("accent"))
            return
        circle_button(painter, button, icon, ground, ink.look.color("on_accent"))

    def _paint_bars(self, painter: QPainter, wave: QRectF, ink: Ink) -> None:
        """Time runs from left to right in every language."""
        painter.setPen(Qt.PenStyle.NoPen)
        played = self.share_played() * len(self.heights)
        idle = "text_2" if ink.selected else "wave_idle"
        for place, height in enumerate(self.heights):
            painter.setBrush(ink.look.color("wave_play" if place < played else idle))
            tall = max(BAR_MIN, height * wave.height())
            bar = QRectF(wave.left() + place * (BAR + BAR_GAP), wave.bottom() - tall, BAR, tall)
            painter.drawRoundedRect(bar, BAR / 2, BAR / 2)

    def _paint_dot(self, painter: QPainter, at: QPointF, ink: Ink) -> None:
        """Behind the words under the bars."""
        middle = QPointF(self.last_line_px - DOT / 2, self.size.height() - ink.look.px(9))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(ink.look.color("accent"))
        painter.drawEllipse(at + middle, DOT / 2, DOT / 2)

    def _paint_chip(self, painter: QPainter, chip: QRectF, ink: Ink) -> None:
        assert self._row.playing is not None
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(ink.look.color("accent"))
        painter.drawRoundedRect(chip, chip.height() / 2, chip.height() / 2)
        painter.setPen(ink.look.color("on_accent"))
        painter.setFont(ink.look.font("badge"))
        painter.drawText(chip, Qt.AlignmentFlag.AlignCenter, f"{self._row.playing.speed:g}×")


def bars(bins: tuple[int, ...], count: int) -> list[float]:
    """As many heights (0 to 1) as there is room for: each the loudest of the bins it stands for."""
    count = max(1, min(count, len(bins)))
    top = (1 << WAVEFORM_BITS) - 1
    edges = [place * len(bins) // count for place in range(count + 1)]
    return [max(bins[start:end]) / top for start, end in zip(edges, edges[1:], strict=False)]

"""The delivery trace: six packets as the six lines of a hexagram, each with its time."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QGuiApplication, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from client.core.journey import PACKETS
from client.core.model import Bubble, Seen
from client.ui.dialogs.frame import Choice, Dialog
from client.ui.plain import isolate
from client.ui.theme import Themes
from client.ui.viewmodels.trace import TraceLine, forged_at_ms, trace_lines
from client.ui.words import clock_s, plural, tr

ROW, LINE_WIDTH, LINE_HEIGHT, GAP = 44, 88, 14, 20


def meaning(packet: str) -> str:
    """What a packet says, in words."""
    return {
        "msg:R": tr("Sent to the server"),
        "msg:A": tr("The server keeps it"),
        "msg:N": tr("The server hands it over"),
        "ack:R": tr("The other device confirms"),
        "ack:A": tr("The server has noted that"),
        "ack:N": tr("We know that it arrived"),
    }[packet]


def when(line: TraceLine) -> str:
    """14:02:09 · 3 ms · try 2"""
    if not line.seen:
        return tr("between server and the other device") if line.known else tr("not yet")
    parts = [clock_s(line.at_ms)]
    if line.after_ms:
        parts.append(tr("after {milliseconds} ms", milliseconds=line.after_ms))
    if line.tries > 1:
        parts.append(plural("{count} try", "{count} tries", line.tries))
    return " · ".join(parts)


class HexagramView(QWidget):
    """Six rows, the first packet at the bottom: a line, its name, what it means and when."""

    def __init__(self, themes: Themes, lines: Sequence[TraceLine], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._themes, self._lines = themes, tuple(lines)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(trace_text(self._lines))

    def sizeHint(self) -> QSize:
        """Six rows."""
        return QSize(360, self._themes.look.px(ROW) * 6)

    def paintEvent(self, event: QPaintEvent) -> None:
        """From the top down, the last packet first."""
        look, row = self._themes.look, self._themes.look.px(ROW)
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            for place, line in enumerate(reversed(self._lines)):
                top = place * row
                bar = QRectF(0, top + (row - LINE_HEIGHT) / 2, LINE_WIDTH, LINE_HEIGHT)
                color = look.color("accent" if line.seen else "wave_idle" if line.known else "border_ctl")
                self._paint_line(painter, bar, solid=line.solid, color=color)
                left = LINE_WIDTH + GAP
                width = self.width() - left
                upper, lower = QRectF(left, top, width, row / 2), QRectF(left, top + row / 2, width, row / 2)
                down, up = Qt.AlignmentFlag.AlignBottom, Qt.AlignmentFlag.AlignTop
                painter.setFont(look.font("mono"))
                painter.setPen(look.color("text_1" if line.solid else "text_3"))
                name_px = max(painter.fontMetrics().horizontalAdvance(name) for name in PACKETS) + 12
                painter.drawText(upper, down, line.packet)
                painter.setFont(look.font("name" if line.seen else "body"))
                painter.drawText(upper.adjusted(name_px, 0, 0, 0), down, meaning(line.packet))
                painter.setFont(look.font("meta"))
                painter.setPen(look.color("text_2"))
                painter.drawText(lower.adjusted(name_px, 0, 0, 0), up, when(line))

    @staticmethod
    def _paint_line(painter: QPainter, bar: QRectF, *, solid: bool, color: QColor) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(color)
        half = bar.width() * 0.41
        parts = [bar] if solid else [
            QRectF(bar.left(), bar.top(), half, bar.height()),
            QRectF(bar.right() - half, bar.top(), half, bar.height()),
        ]  # fmt: skip
        for part in parts:
            painter.drawRoundedRect(part, 3, 3)


def trace_text(lines: Sequence[TraceLine]) -> str:
    """The same as text, the first packet first."""
    return "\n".join(f"{line.packet}  {meaning(line.packet)}  {when(line)}" for line in lines)


class TraceDialog(Dialog):
    """One message and its six packets; “Copy as text” leaves it open."""

    def __init__(self, parent: QWidget | None, themes: Themes, bubble: Bubble, seen: Sequence[Seen], peer: str) -> None:
        lines = trace_lines(bubble, seen)
        super().__init__(parent, tr("Delivery trace"), self._summary(bubble, lines, seen, peer), width=480)
        self.setObjectName("trace_dialog")
        self._text = trace_text(lines)
        self.body.addWidget(HexagramView(themes, lines, self))
        self.offer([Choice("copy", tr("Copy as text")), Choice("", tr("Close"), "primary")])

    @staticmethod
    def _summary(bubble: Bubble, lines: Sequence[TraceLine], seen: Sequence[Seen], peer: str) -> str:
        name = isolate(peer)
        if all(line.solid for line in lines):
            return tr("All six lines are whole: both ends know.")
        if forged := forged_at_ms(seen):
            return tr("{name} was away at {time}; the server keeps it.", name=name, time=clock_s(forged))
        if not bubble.mine:
            return tr("What this device saw of a message that came in.")
        return tr("A broken line is a packet that was not seen yet.")

    def answer(self, answer: str) -> None:
        """“Copy” leaves the dialog open."""
        if answer == "copy":
            QGuiApplication.clipboard().setText(self._text)
            self.offer([Choice("copy", tr("Copied")), Choice("", tr("Close"), "primary")])
        else:
            super().answer(answer)

"""What every painter draws with: the look, the pictures, and small shapes that several kinds share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen

from client.ui import icons
from client.ui.bubbles.pictures import Pictures
from client.ui.theme import Look
from protocol.values import Lid

RING_PX = 3
PILL = QColor(0, 0, 0, 166)
"""Black at 65 %: white letters on it keep 7:1 even over a white picture."""
ON_PILL = QColor("white")


@dataclass(frozen=True, slots=True)
class Part:
    """A place of a row that can be clicked. Rectangles are relative to the row's corner."""

    name: str
    rect: QRectF


TILE = "tile:"


def tile_name(lid: Lid, name: str) -> str:
    """The name of a part that belongs to one message among several in a row."""
    return f"{TILE}{lid}:{name}"


def tile_of(name: str) -> tuple[Lid, str] | None:
    """Whose part it is, and what that is called there; None if it is the row's own."""
    if not name.startswith(TILE):
        return None
    lid, _, own = name.removeprefix(TILE).partition(":")
    return Lid(int(lid)), own


@dataclass(frozen=True, slots=True)
class Ink:
    """What a painter is given beside its row. `phase` turns 0…1 every two seconds for what moves."""

    look: Look
    pictures: Pictures
    dpr: float = 1.0
    now_s: float = 0.0
    now_ms: int = 0
    phase: float = 0.0
    hovered: str = ""
    focused: str = ""
    selected: bool = False
    current: bool = False
    ground: QColor = field(default_factory=lambda: QColor("white"))


class Block(Protocol):
    """A measured piece of a bubble. `parts` are relative to its own corner."""

    size: QSizeF
    parts: list[Part]

    def paint(self, painter: QPainter, at: QPointF, ink: Ink) -> None:
        """Draw it with its corner at `at`."""


def rounded(rect: QRectF, radii: tuple[float, float, float, float]) -> QPainterPath:
    """A rectangle with its own radius at each corner: top left, top right, bottom right, bottom left."""
    top_left, top_right, bottom_right, bottom_left = radii
    path = QPainterPath()
    path.moveTo(rect.left() + top_left, rect.top())
    path.lineTo(rect.right() - top_right, rect.top())
    _corner(path, QRectF(rect.right() - 2 * top_right, rect.top(), 2 * top_right, 2 * top_right), 90)
    path.lineTo(rect.right(), rect.bottom() - bottom_right)
    box = QRectF(rect.right() - 2 * bottom_right, rect.bottom() - 2 * bottom_right, 2 * bottom_right, 2 * bottom_right)
    _corner(path, box, 0)
    path.lineTo(rect.left() + bottom_left, rect.bottom())
    _corner(path, QRectF(rect.left(), rect.bottom() - 2 * bottom_left, 2 * bottom_left, 2 * bottom_left), 270)
    path.lineTo(rect.left(), rect.top() + top_left)
    _corner(path, QRectF(rect.left(), rect.top(), 2 * top_left, 2 * top_left), 180)
    path.closeSubpath()
    return path


def _corner(path: QPainterPath, box: QRectF, start: float) -> None:
    if box.width() > 0:
        path.arcTo(box, start, -90)


def circle_button(painter: QPainter, rect: QRectF, icon: str, ground: QColor, color: QColor) -> None:
    """A filled disc with an icon in its middle."""
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(ground)
    painter.drawEllipse(rect)
    size = rect.width() * 0.5
    inner = QRectF(0, 0, size, size)
    inner.moveCenter(rect.center() + QPointF(size * 0.04 if icon == "play" else 0, 0))
    icons.paint(painter, icon, inner, color)


def ring(painter: QPainter, rect: QRectF, share: float, color: QColor, width: float = RING_PX) -> None:
    """A ring that is full at `share` = 1, with a faint track behind."""
    inner = rect.adjusted(width / 2, width / 2, -width / 2, -width / 2)
    track = QColor(color)
    track.setAlphaF(0.28)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(track, width))
    painter.drawEllipse(inner)
    painter.setPen(QPen(color, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
    painter.drawArc(inner, 90 * 16, -round(max(0.02, min(1.0, share)) * 360 * 16))


def focus_ring(painter: QPainter, rect: QRectF, radius: float, look: Look) -> None:
    """The 2 px ring, 2 px away, around what the keyboard is at."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(look.color("focus"), 2))
    painter.drawRoundedRect(rect.adjusted(-3, -3, 3, 3), radius + 3, radius + 3)

"""Icons from `resources/icons`, in any colour and size, and the mark of the app: a hexagram of six lines."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from importlib import resources

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QLinearGradient, QPainter, QPainterPath, QPixmap
from PySide6.QtSvg import QSvgRenderer

from client.ui.theme import Look

ALREADY_ACROSS = (True, False, True, False, True, False)
"""既济, the 63rd hexagram, from the bottom up: solid and broken lines in turn."""
ALL_SEEN = (True,) * 6
APP_ICON_SIZES = (16, 24, 32, 48, 64, 128, 256)
APP_BLUE, APP_BLUE_DEEP = QColor("#1477C6"), QColor("#084C86")


@lru_cache(maxsize=256)
def _source(name: str) -> str:
    return resources.files("resources.icons").joinpath(f"{name}.svg").read_text(encoding="utf-8")


@lru_cache(maxsize=512)
def _renderer(name: str, color: str, knockout: str) -> QSvgRenderer:
    drawing = _source(name).replace("currentColor", color).replace("knockout", knockout)
    return QSvgRenderer(QByteArray(drawing.encode()))


def names() -> list[str]:
    """Every icon there is."""
    files = resources.files("resources.icons").iterdir()
    return sorted(file.name.removesuffix(".svg") for file in files if file.name.endswith(".svg"))


def paint(painter: QPainter, name: str, rect: QRectF, color: QColor, ground: QColor | None = None) -> None:
    """Draw an icon into `rect`. `ground` is the colour behind, for the icons that cut a figure out of a shape."""
    _renderer(name, color.name(), (ground or QColor("#ffffff")).name()).render(painter, rect)


def pixmap(name: str, color: QColor, size: int, dpr: float = 1.0, ground: QColor | None = None) -> QPixmap:
    """An icon as a picture of `size` logical pixels."""
    picture = QPixmap(QSize(round(size * dpr), round(size * dpr)))
    picture.setDevicePixelRatio(dpr)
    picture.fill(Qt.GlobalColor.transparent)
    with QPainter(picture) as painter:
        paint(painter, name, QRectF(0, 0, size, size), color, ground)
    return picture


def icon(name: str, look: Look, token: str = "text_2", size: int = 20) -> QIcon:
    """An icon for a button, in a colour of the theme; greyed when the button is disabled."""
    made = QIcon()
    for dpr in (1.0, 2.0):
        made.addPixmap(pixmap(name, look.color(token), size, dpr))
        made.addPixmap(pixmap(name, look.color("border_ctl"), size, dpr), QIcon.Mode.Disabled)
    return made


def paint_hexagram(painter: QPainter, rect: QRectF, lines: Sequence[bool], color: QColor) -> None:
    """Draw six lines from the bottom up; True is a solid line, False a broken one."""
    pitch = rect.height() / 6
    thick = pitch * 0.58
    broken_gap = rect.width() * 0.2
    for place, solid in enumerate(lines):
        top = rect.bottom() - (place + 1) * pitch + (pitch - thick) / 2
        bar = QRectF(rect.left(), top, rect.width(), thick)
        half = (rect.width() - broken_gap) / 2
        parts = [bar] if solid else [
            QRectF(bar.left(), top, half, thick), QRectF(bar.right() - half, top, half, thick)
        ]  # fmt: skip
        for part in parts:
            path = QPainterPath()
            path.addRoundedRect(part, thick / 4, thick / 4)
            painter.fillPath(path, color)


def hexagram_pixmap(lines: Sequence[bool], color: QColor, size: int, dpr: float = 1.0) -> QPixmap:
    """Six lines as a picture of `size` logical pixels."""
    picture = QPixmap(QSize(round(size * dpr), round(size * dpr)))
    picture.setDevicePixelRatio(dpr)
    picture.fill(Qt.GlobalColor.transparent)
    with QPainter(picture) as painter:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        paint_hexagram(painter, QRectF(0, 0, size, size), lines, color)
    return picture


@lru_cache(maxsize=1)
def app_icon() -> QIcon:
    """The icon of the app: 既济 in white on a blue tile."""
    made = QIcon()
    for size in APP_ICON_SIZES:
        made.addPixmap(app_pixmap(size))
    return made


def app_pixmap(size: int) -> QPixmap:
    """The app's tile in `size` pixels."""
    picture = QPixmap(size, size)
    picture.fill(Qt.GlobalColor.transparent)
    with QPainter(picture) as painter:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        tile = QPainterPath()
        tile.addRoundedRect(QRectF(0, 0, size, size), size * 0.22, size * 0.22)
        painter.fillPath(tile, _tile_brush(size))
        inner = size * 0.56
        edge = (size - inner) / 2
        paint_hexagram(painter, QRectF(edge, edge, inner, inner), ALREADY_ACROSS, QColor("white"))
    return picture


def _tile_brush(size: int) -> QLinearGradient:
    brush = QLinearGradient(0, 0, 0, size)
    brush.setColorAt(0, APP_BLUE)
    brush.setColorAt(1, APP_BLUE_DEEP)
    return brush

"""The round picture of a person or a group: initials on a colour of their own."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, QTextBoundaryFinder
from PySide6.QtGui import QFont, QPainter, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QSizePolicy, QWidget

from client.ui.plain import one_line
from client.ui.theme import Look

FONT_SHARE, FONT_SHARE_TWO = 0.44, 0.38
"""Height of one and of two initials, as a share of the disc."""
DOT_SHARE = 0.27


def initials(name: str) -> str:
    """One or two signs for a name: the first letters of its first and last word, one sign for Chinese and emoji."""
    all_words = one_line(name).split()
    words = [word for word in all_words if word[0].isalpha()] or all_words
    if not words:
        return "?"
    first = _first_sign(words[0])
    if len(words) == 1 or not (first.isascii() and words[-1][0].isascii()):
        return first.upper()
    return (first + _first_sign(words[-1])).upper()


def _first_sign(word: str) -> str:
    """The first letter with everything that belongs to it: accents, skin tones, joined emoji."""
    finder = QTextBoundaryFinder(QTextBoundaryFinder.BoundaryType.Grapheme, word)
    end = finder.toNextBoundary()
    return word.encode("utf-16-le")[: end * 2].decode("utf-16-le", "ignore") if end > 0 else word[:1]


def paint_avatar(painter: QPainter, rect: QRectF, name: str, seed: str, look: Look) -> None:
    """Draw the disc of a person into `rect`; `seed` (the person's number) chooses the colour."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(look.name_color(seed))
    painter.drawEllipse(rect)
    signs = initials(name)
    font = QFont(look.font("name"))
    font.setPixelSize(max(8, round(rect.height() * (FONT_SHARE if len(signs) == 1 else FONT_SHARE_TWO))))
    painter.setFont(font)
    painter.setPen(look.on_name_color())
    painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, signs)
    painter.restore()


def paint_online(painter: QPainter, disc: QRectF, look: Look, ground: str) -> None:
    """The dot at the foot of a disc: this person is here now. `ground` is the token of the colour behind the disc."""
    size = max(10.0, disc.height() * DOT_SHARE)
    dot = QRectF(0, 0, size, size)
    dot.moveBottomRight(disc.bottomRight() + QPointF(1, 1))
    painter.setPen(QPen(look.color(ground), 2))
    painter.setBrush(look.color("online"))
    painter.drawEllipse(dot)


def avatar_pixmap(name: str, seed: str, look: Look, size: int, dpr: float = 1.0) -> QPixmap:
    """The disc as a picture of `size` logical pixels."""
    picture = QPixmap(QSize(round(size * dpr), round(size * dpr)))
    picture.setDevicePixelRatio(dpr)
    picture.fill(Qt.GlobalColor.transparent)
    with QPainter(picture) as painter:
        paint_avatar(painter, QRectF(0, 0, size, size), name, seed, look)
    return picture


class Avatar(QWidget):
    """The disc as a widget."""

    def __init__(self, size: int, look: Look, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look, self._name, self._seed = look, "", ""
        self.setFixedSize(size, size)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def show_person(self, name: str, seed: str) -> None:
        """Whose disc this is."""
        self._name, self._seed = name, seed
        self.setAccessibleName(one_line(name))
        self.update()

    def restyle(self, look: Look) -> None:
        """Draw in another theme."""
        self._look = look
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the disc."""
        with QPainter(self) as painter:
            paint_avatar(painter, QRectF(self.rect()), self._name, self._seed, self._look)

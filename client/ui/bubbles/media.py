"""Pictures and videos in a bubble: the preview that came with the message, and four faces over it."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, QSizeF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPixmap

from client.ui import icons
from client.ui.bubbles.ink import ON_PILL, PILL, Ink, Part, circle_button, ring
from client.ui.plain import one_line
from client.ui.theme import RADIUS_MEDIA
from client.ui.viewmodels.rows import Row
from client.ui.words import duration, size_pair, size_words, tr
from protocol.content import Attachment, Video

SIDE_MAX, WIDTH_MIN, HEIGHT_MIN = 360, 120, 80
UNKNOWN_SIZE = QSizeF(280, 180)
BUTTON = 48
PILL_HEIGHT, PILL_PAD, PILL_EDGE = 22, 8, 8
BUTTONS = {
    "away": ("arrow_down", "download"), "loading": ("close", "stop"), "uploading": ("close", "cancel"),
    "stopped": ("resend", "resend"),
}  # fmt: skip
"""Which icon the button in the middle shows, and what a click on it means."""


def box_of(file: Attachment, width_max: float) -> QSizeF:
    """The size of a picture in a bubble, known before anything of it is here, so that nothing jumps later."""
    if not file.width or not file.height:
        return QSizeF(min(UNKNOWN_SIZE.width(), width_max), UNKNOWN_SIZE.height())
    whole = QSizeF(file.width, file.height)
    fitted = whole.scaled(min(SIDE_MAX, width_max), SIDE_MAX, Qt.AspectRatioMode.KeepAspectRatio)
    if whole.width() < fitted.width():
        fitted = whole
    return QSizeF(max(WIDTH_MIN, round(fitted.width())), max(HEIGHT_MIN, round(fitted.height())))


class MediaBlock:
    """One picture or video. A click anywhere does what its face offers."""

    def __init__(self, row: Row, width_max: float, width_min: float = 0) -> None:
        file = row.bubble.attachment
        assert file is not None
        self._row, self._file = row, file
        self._video = isinstance(row.bubble.body, Video)
        fitted = box_of(file, width_max)
        self.size = QSizeF(max(fitted.width(), min(width_min, width_max)), fitted.height())
        self._button = QRectF(0, 0, BUTTON, BUTTON)
        self._button.moveCenter(QRectF(QPointF(0, 0), self.size).center())
        self.parts = self._clickable()

    def _clickable(self) -> list[Part]:
        whole = QRectF(QPointF(0, 0), self.size)
        face = self._row.face
        if face == "ready":
            return [Part("play" if self._video else "open", whole)]
        if face == "uploading":
            return [Part("cancel", self._button)] + ([Part("open", whole)] if self._row.bubble.path else [])
        return [Part(BUTTONS[face][1], whole)] if face in BUTTONS else []

    def paint(self, painter: QPainter, at: QPointF, ink: Ink) -> None:
        """Draw the picture and what is over it."""
        box = QRectF(at, self.size)
        painter.save()
        shape = QPainterPath()
        shape.addRoundedRect(box, RADIUS_MEDIA, RADIUS_MEDIA)
        painter.setClipPath(shape, Qt.ClipOperation.IntersectClip)
        if self._row.face == "gone":
            self._paint_gone(painter, box, ink)
        else:
            self._paint_picture(painter, box, ink)
        painter.restore()
        if self._row.face != "gone":
            self._paint_button(painter, self._button.translated(at), ink)
            self._paint_pill(painter, box, ink)

    def _paint_picture(self, painter: QPainter, box: QRectF, ink: Ink) -> None:
        picture = self._best(box, ink)
        if picture is None:
            painter.fillRect(box, ink.look.color("bubble_sys"))
            mark = QRectF(0, 0, 40, 40)
            mark.moveCenter(box.center() - QPointF(0, 0 if self._row.face == "ready" else 48))
            if box.height() > 150 or self._row.face == "ready":
                icons.paint(painter, "video" if self._video else "picture", mark, ink.look.color("text_3"))
            return
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawPixmap(box, picture, _cover(picture, box))

    def _best(self, box: QRectF, ink: Ink) -> QPixmap | None:
        """The real picture if it is here, else the preview."""
        path = self._row.bubble.path
        if path and not self._video:
            wanted = QSize(round(box.width() * ink.dpr), round(box.height() * ink.dpr))
            if (picture := ink.pictures.file(path, wanted)) is not None:
                return picture
        return ink.pictures.preview(self._file.preview)

    def _paint_gone(self, painter: QPainter, box: QRectF, ink: Ink) -> None:
        painter.fillRect(box, ink.look.color("bubble_sys"))
        mark = QRectF(0, 0, 32, 32)
        mark.moveCenter(box.center() - QPointF(0, 14))
        icons.paint(painter, "broken", mark, ink.look.color("text_2"))
        painter.setFont(ink.look.font("meta"))
        painter.setPen(ink.look.color("text_2"))
        words = QRectF(box.left() + 8, mark.bottom() + 4, box.width() - 16, 34)
        flags = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop | Qt.TextFlag.TextWordWrap
        painter.drawText(words, flags, tr("No longer on the server"))

    def _paint_button(self, painter: QPainter, button: QRectF, ink: Ink) -> None:
        face = self._row.face
        if face == "ready":
            if self._video:
                circle_button(painter, button, "play", PILL, ON_PILL)
            return
        icon, part = BUTTONS[face]
        ground = QColor(0, 0, 0, 200) if ink.hovered == part else PILL
        circle_button(painter, button, icon, ground, ON_PILL)
        if face in ("loading", "uploading"):
            ring(painter, button.adjusted(2, 2, -2, -2), share_of(self._row), ON_PILL)

    def _paint_pill(self, painter: QPainter, box: QRectF, ink: Ink) -> None:
        if words := self.pill_words():
            paint_pill(painter, box.topLeft() + QPointF(PILL_EDGE, PILL_EDGE), words, ink, box.width() - 2 * PILL_EDGE)

    def pill_words(self) -> str:
        """What the pill in the corner says."""
        face, progress, file = self._row.face, self._row.progress, self._file
        length = duration(file.duration_ms) if self._video and file.duration_ms else ""
        if face == "ready":
            return length
        if face in ("loading", "uploading"):
            if progress is None:
                return tr("Preparing") if face == "uploading" else size_pair(0, file.size_bytes)
            return size_pair(progress.done_bytes, progress.total_bytes)
        if face == "stopped":
            done = progress.done_bytes if progress else 0
            return tr("Stopped at {sizes} · Resume", sizes=size_pair(done, file.size_bytes))
        kind = length or type_words(file)
        again = tr("Try again") + " · " if self._row.bubble.code else ""
        return f"{again}{kind} · {size_words(file.size_bytes)}"


def share_of(row: Row) -> float:
    """How much of a transfer is done, 0 to 1."""
    if row.progress is None or not row.progress.total_bytes:
        return 0.0
    return min(1.0, row.progress.done_bytes / row.progress.total_bytes)


def type_words(file: Attachment) -> str:
    """JPG, PNG, MP4 …: the file's own extension, else the end of its type."""
    stem, dot, ending = one_line(file.name).rpartition(".")
    if dot and stem and ending.isascii() and ending.isalnum() and len(ending) <= 5:
        return ending.upper()
    return one_line(file.type.rpartition("/")[2].upper().removeprefix("X-"))[:5]


def paint_pill(painter: QPainter, at: QPointF, words: str, ink: Ink, width_max: float) -> None:
    """White words on a dark pill, over a picture."""
    font = ink.look.font("meta")
    painter.setFont(font)
    metrics = painter.fontMetrics()
    words = metrics.elidedText(words, Qt.TextElideMode.ElideRight, int(width_max - 2 * PILL_PAD))
    height = max(PILL_HEIGHT, metrics.height() + 2)
    box = QRectF(at, QSizeF(metrics.horizontalAdvance(words) + 2 * PILL_PAD, height))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(PILL)
    painter.drawRoundedRect(box, height / 2, height / 2)
    painter.setPen(ON_PILL)
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, words)


def _cover(picture: QPixmap, box: QRectF) -> QRectF:
    """The part of a picture that fills a box of another shape, cut evenly."""
    whole = QSizeF(picture.width(), picture.height())
    seen = box.size().scaled(whole, Qt.AspectRatioMode.KeepAspectRatio)
    return QRectF(QPointF((whole.width() - seen.width()) / 2, (whole.height() - seen.height()) / 2), seen)

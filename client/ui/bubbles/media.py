"""Pictures and videos in a bubble: the preview that came with the message, and four faces over it."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, QSizeF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPainterPath, QPixmap

from client.ui import icons
from client.ui.bubbles.ink import ON_PILL, PILL, Ink, Part, circle_button, ring
from client.ui.plain import one_line
from client.ui.theme import RADIUS_MEDIA
from client.ui.viewmodels.rows import Row
from client.ui.words import duration, size_pair, size_share, size_words, tr
from protocol.content import Attachment, Video

SIDE_MAX, WIDTH_MIN, HEIGHT_MIN = 360, 120, 80
UNKNOWN_SIZE = QSizeF(280, 180)
BUTTON, BUTTON_SMALL, CROSS = 48, 36, 28
SMALL_SIDE = 130
"""A tile of a mosaic that is narrower than this has a smaller button, and fewer words."""
PILL_HEIGHT, PILL_PAD, PILL_EDGE = 22, 8, 8
BUTTONS = {
    "away": ("arrow_down", "download"), "loading": ("pause", "hold"), "paused": ("arrow_down", "resume"),
    "uploading": ("pause", "hold"), "stopped": ("arrow_up", "resend"), "gone": ("broken", "ask_again"),
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

    def __init__(self, row: Row, size: QSizeF, radius: float = RADIUS_MEDIA) -> None:
        file = row.bubble.attachment
        assert file is not None
        self._row, self._file, self._radius = row, file, radius
        self._video = isinstance(row.bubble.body, Video)
        self.size = size
        self.small = min(size.width(), size.height()) < SMALL_SIDE
        side = BUTTON_SMALL if self.small else BUTTON
        self._button = QRectF(0, 0, side, side)
        self._button.moveCenter(QRectF(QPointF(0, 0), size).center())
        self._cross = QRectF(size.width() - CROSS - 6, 6, CROSS, CROSS)
        self.parts = self._clickable()

    @classmethod
    def alone(cls, row: Row, width_max: float, width_min: float = 0) -> MediaBlock:
        """As large as its picture wants to be."""
        file = row.bubble.attachment
        assert file is not None
        fitted = box_of(file, width_max)
        return cls(row, QSizeF(max(fitted.width(), min(width_min, width_max)), fitted.height()))

    def _clickable(self) -> list[Part]:
        whole = QRectF(QPointF(0, 0), self.size)
        face = self._row.face
        if face == "ready":
            return [Part("play" if self._video else "open", whole)]
        if face == "uploading":
            under = [Part("open", whole)] if self._row.bubble.path else []
            return [Part("hold", self._button), Part("cancel", self._cross), *under]
        name = offered(self._row)
        crossed = [Part("cancel", self._cross)] if face == "stopped" else []
        return [*crossed, Part(name, whole)] if name else []

    def paint(self, painter: QPainter, at: QPointF, ink: Ink) -> None:
        """Draw the picture and what is over it."""
        box = QRectF(at, self.size)
        painter.save()
        shape = QPainterPath()
        shape.addRoundedRect(box, self._radius, self._radius)
        painter.setClipPath(shape, Qt.ClipOperation.IntersectClip)
        if self._row.face == "gone":
            self._paint_gone(painter, box, ink)
        else:
            self._paint_picture(painter, box, ink)
        painter.restore()
        if self._row.face != "gone":
            self._paint_button(painter, self._button.translated(at), ink)
            self._paint_pill(painter, box, ink)
        if self._row.face in ("uploading", "stopped"):
            ground = QColor(0, 0, 0, 200) if ink.hovered == "cancel" else PILL
            circle_button(painter, self._cross.translated(at), "close", ground, ON_PILL)

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
        """A broken picture, why, and whom to ask, as far as there is room for it."""
        painter.fillRect(box, ink.look.color("bubble_sys"))
        side, line = 24 if self.small else 32, ink.look.px(18)
        said = [] if self.small else [(tr("No longer on the server"), "text_2")]
        said += [(tr("Ask again") if self.small else tr("Ask sender again"), "text_link")] if self.parts else []
        mark = QRectF(0, 0, side, side)
        mark.moveCenter(box.center() - QPointF(0, (line * len(said) + 6) / 2))
        icons.paint(painter, "broken", mark, ink.look.color("text_2"))
        painter.setFont(ink.look.font("meta"))
        words = QRectF(box.left() + 8, mark.bottom() + 6, box.width() - 16, line)
        for sentence, token in said:
            painter.setPen(ink.look.color(token))
            shown = painter.fontMetrics().elidedText(sentence, Qt.TextElideMode.ElideRight, int(words.width()))
            painter.drawText(words, Qt.AlignmentFlag.AlignCenter, shown)
            words.translate(0, line)

    def _paint_button(self, painter: QPainter, button: QRectF, ink: Ink) -> None:
        face = self._row.face
        if face == "ready":
            if self._video:
                circle_button(painter, button, "play", PILL, ON_PILL)
            return
        icon = BUTTONS[face][0]
        ground = QColor(0, 0, 0, 200) if ink.hovered == offered(self._row) else PILL
        circle_button(painter, button, icon, ground, ON_PILL)
        if face in MOVED and (face in ("loading", "uploading") or self._row.done_bytes):
            ring(painter, button.adjusted(2, 2, -2, -2), self._row.share, ON_PILL)

    def _paint_pill(self, painter: QPainter, box: QRectF, ink: Ink) -> None:
        if words := self.pill_words():
            edge = 5 if self.small else PILL_EDGE
            crossed = self._row.face in ("uploading", "stopped")
            corner, room = box.topLeft() + QPointF(edge, edge), box.width() - 2 * edge
            if crossed and self.small:
                corner = box.bottomLeft() + QPointF(edge, -edge - pill_height(ink))
            elif crossed:
                room -= CROSS
            paint_pill(painter, corner, words, ink, room, whole=self.small)

    def pill_words(self) -> str:
        """What the pill in the corner says."""
        file = self._file
        length = duration(file.duration_ms) if self._video and file.duration_ms else ""
        if self._row.face == "ready":
            return length
        if moved := moved_words(self._row, short=self.small):
            return moved
        if self.small:
            return size_words(file.size_bytes)
        kind = length or type_words(file)
        again = tr("Try again") + " · " if self._row.bubble.code else ""
        return f"{again}{kind} · {size_words(file.size_bytes)}"


MOVED = ("loading", "paused", "uploading", "stopped")
"""Faces of which something has gone or come already."""


def moved_words(row: Row, *, short: bool = False) -> str:
    """How far a file has got, and what a click would do; empty if nothing of it moves or has moved."""
    done, total, face = row.done_bytes, row.total_bytes, row.face
    if row.making:
        percent = f"{row.share:.0%}"
        return percent if short else tr("Making it smaller, {percent}", percent=percent)
    if face == "uploading" and row.progress is None and not done:
        return tr("Preparing")
    if face in ("loading", "uploading"):
        return f"{row.share:.0%}" if short else size_pair(done, total)
    if face not in ("paused", "stopped"):
        return ""
    if short:
        return tr("Resume")
    if face == "paused":
        return tr("{sizes} · Resume", sizes=size_share(done, total))
    if not done:
        return tr("Upload stopped · Resume")
    return tr("Stopped at {sizes} · Resume", sizes=size_share(done, total))


def offered(row: Row) -> str:
    """What a click on a file does that is not here whole: the name of a part; empty if nothing can be done."""
    face = row.face
    if face == "gone" and row.bubble.mine:
        return ""
    if face == "stopped" and row.bubble.paused and not row.bubble.code:
        return "resume"
    return BUTTONS[face][1] if face in BUTTONS else ""


def type_words(file: Attachment) -> str:
    """JPG, PNG, MP4 …: the file's own extension, else the end of its type."""
    stem, dot, ending = one_line(file.name).rpartition(".")
    if dot and stem and ending.isascii() and ending.isalnum() and len(ending) <= 5:
        return ending.upper()
    return one_line(file.type.rpartition("/")[2].upper().removeprefix("X-"))[:5]


def pill_height(ink: Ink) -> float:
    """How high a pill is at this text size."""
    return max(PILL_HEIGHT, QFontMetricsF(ink.look.font("meta")).height() + 2)


def paint_pill(painter: QPainter, at: QPointF, words: str, ink: Ink, width_max: float, *, whole: bool = False) -> None:
    """White words on a dark pill, over a picture; cut if they are too long, or left out if only `whole` they help."""
    font = ink.look.font("meta")
    painter.setFont(font)
    metrics = painter.fontMetrics()
    room, height = int(width_max - 2 * PILL_PAD), pill_height(ink)
    if whole and metrics.horizontalAdvance(words) > room:
        return
    words = metrics.elidedText(words, Qt.TextElideMode.ElideRight, room)
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

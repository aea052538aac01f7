"""One row of the conversation, measured once: what stands where, what can be clicked, and how it is drawn."""

from __future__ import annotations

import math
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPen

from client.core.model import State
from client.ui import plain
from client.ui.bubbles import meta as metas
from client.ui.bubbles.chips import Chips
from client.ui.bubbles.filecard import FileBlock
from client.ui.bubbles.ink import Block, Ink, Part, focus_ring, rounded, tile_name
from client.ui.bubbles.media import MediaBlock
from client.ui.bubbles.meta import Meta
from client.ui.bubbles.mosaic import MosaicBlock
from client.ui.bubbles.note import NoteBlock, is_note
from client.ui.bubbles.quote import Heads
from client.ui.bubbles.sentences import gap_words, notice_words, recalled_words
from client.ui.bubbles.textblock import Named, TextBlock
from client.ui.bubbles.voice import VoiceBlock
from client.ui.theme import RADIUS_BUBBLE, RADIUS_SMALL, Look
from client.ui.viewmodels.albums import captions, spokesman
from client.ui.viewmodels.rows import Row, shown_ms
from client.ui.widgets.avatars import paint_avatar
from client.ui.words import day, one_line, problem_words, tr
from protocol.content import File, Picture, Text, Video, Voice, within

SIDE, LANE_WIDE, LANE_MAX = 16, 900, 860
BUBBLE_MAX, BUBBLE_SHARE = 480, 0.72
PAD_X, PAD_Y, MEDIA_PAD = 12, 8, 4
AVATAR, AVATAR_GAP = 36, 8
GAP_RUN, GAP_APART = 2, 10
DAY_HEIGHT, DIVIDER_HEIGHT, FAILED_HEIGHT = 40, 32, 28
META_SPARE = 8
LINES_MAX = 40


@dataclass(frozen=True, slots=True)
class Lane:
    """The column in which the messages live."""

    left: float
    width: float

    @classmethod
    def of(cls, view_width: float) -> Lane:
        """The lane of a view: all of it, or a centred column in a wide one."""
        if view_width > LANE_WIDE:
            return cls((view_width - LANE_MAX) / 2, LANE_MAX)
        return cls(SIDE, max(120.0, view_width - 2 * SIDE))

    @property
    def right(self) -> float:
        """The lane's right edge."""
        return self.left + self.width


class Sheet:
    """A measured row. `parts` are relative to the row's corner; `height` is everything from gap to failed row."""

    def __init__(self, row: Row, view_width: float, look: Look, now_ms: int) -> None:
        self.row, self._look, self._width = row, look, view_width
        self._lane = Lane.of(view_width)
        self.parts: list[Part] = []
        self.bubble = QRectF()
        self.text: TextBlock | None = None
        self.text_at = QPointF()
        self.meta: Meta | None = None
        self.meta_at, self.meta_over = QPointF(), False
        self.big, self.name = False, ""
        self._block: Block | None = None
        self._block_at = QPointF()
        self._more = QRectF()
        self._heads: Heads | None = None
        self._heads_at = QPointF()
        self._chips: Chips | None = None
        self._chips_at = QPointF()
        self._named: list[Named] = []
        self._failed: list[tuple[str, str, QRectF]] = []
        self._day = day(shown_ms(row.bubble), now_ms) if row.place.day else ""
        self._gap_lines: list[tuple[TextBlock, QRectF]] = []
        top = self._above()
        bottom = self._notice(top) if row.system else self._message(top)
        self.height = math.ceil(self._gaps(row.gaps_below, bottom + GAP_APART) if row.gaps_below else bottom)

    # --- measuring

    def _above(self) -> float:
        place = self.row.place
        top = float(look_px(self._look, DAY_HEIGHT) if place.day else 0)
        top += look_px(self._look, DIVIDER_HEIGHT) if place.divider else 0
        top = self._gaps(self.row.gaps, top)
        if place.day or place.divider:
            return top + GAP_RUN
        return top + (GAP_APART if place.first else GAP_RUN)

    def _gaps(self, reasons: tuple[str, ...], top: float) -> float:
        """A line in the middle for each reason why something is not here."""
        for why in reasons:
            pill, text = self._pill(gap_words(why), top)
            self._gap_lines.append((text, pill))
            top = pill.bottom() + 6
        return top

    def _pill(self, words: str, top: float) -> tuple[QRectF, TextBlock]:
        """Words in the middle of the lane, and the rectangle around them."""
        width = min(self._lane.width - 24, BUBBLE_MAX)
        text = TextBlock(
            words, self._look.font("meta"), width, line_px=self._look.px(16), token="text_2", with_links=False
        )
        size = text.size
        left = self._lane.left + (self._lane.width - size.width()) / 2
        text.fit(size.width())
        return QRectF(left - 12, top + 4, size.width() + 24, size.height() + 8), text

    def _notice(self, top: float) -> float:
        self.bubble, self.text = self._pill(notice_words(self.row), top)
        self.text_at = self.bubble.topLeft() + QPointF(12, 4)
        return self.bubble.bottom() + 6

    def _message(self, top: float) -> float:
        row = self.row
        indent = AVATAR + AVATAR_GAP if row.form == "group" and not row.bubble.mine else 0
        widest: float = min(BUBBLE_MAX, self._lane.width * BUBBLE_SHARE)
        widest = max(min(widest, self._lane.width - indent), 60.0)
        teller = spokesman(row)
        self.meta = Meta(teller, self._look) if metas.visible(teller) else None
        inside = self._inside(widest)
        size = QSizeF(math.ceil(inside.width()), math.ceil(inside.height()))
        left = self._lane.right - size.width() if row.bubble.mine else self._lane.left + indent
        self._move(QPointF(left, top), size)
        bottom = self.bubble.bottom()
        if row.bubble.reactions and not row.bubble.recalled and not row.album:
            bottom = self._chips_row(bottom, widest)
        if row.failed or row.stuck_change:
            bottom = self._failed_row(bottom)
        return bottom

    def _chips_row(self, top: float, widest: float) -> float:
        """Reactions, on the bubble's own side of the lane."""
        self._chips = Chips(self.row, self._look, widest)
        size = self._chips.size
        left = self.bubble.right() - size.width() if self.row.bubble.mine else self.bubble.left()
        self._chips_at = QPointF(left, top)
        self.parts += [Part(part.name, part.rect.translated(self._chips_at)) for part in self._chips.parts]
        return top + size.height() + 2

    def _inside(self, widest: float) -> QSizeF:
        """Stack name, file, words and meta at 0, 0; return the bubble's size."""
        row, inner = self.row, widest - 2 * PAD_X
        self.big = not _has_heads(row) and isinstance(row.bubble.body, Text) and plain.only_emoji(row.bubble.body.text)
        self.name = self._name(inner)
        top = float(PAD_Y + (self._look.px(19) if self.name else 0))
        self._block = self._make_block(widest, inner)
        heads = Heads(row, self._look, self._heads_room(inner)) if _has_heads(row) else None
        wide = self._name_px() if self.name else 0.0
        if heads is not None:
            self._heads, self._heads_at = heads, QPointF(PAD_X, top)
            top, wide = top + heads.size.height(), max(wide, heads.size.width())
        if self._block is not None:
            top, wide = self._place_block(top, wide)
        caption = self._words()
        if not caption:
            return self._close_block(top, wide)
        if self._is_framed() and self._block is not None:
            inner = max(wide - 2 * PAD_X, 100)
        return self._close_words(caption, top, wide, inner)

    def _heads_room(self, inner: float) -> float:
        """Nothing above a picture makes its bubble wider than the picture."""
        if self._block is None or not self._is_framed():
            return inner
        return min(inner, self._block.size.width() + 2 * MEDIA_PAD - 2 * PAD_X)

    def _is_bare(self) -> bool:
        """A video note stands alone, without a bubble around it."""
        alone = not self.name and self._heads is None and self.text is None
        return alone and isinstance(self._block, NoteBlock) and not self.row.failed

    def _is_framed(self) -> bool:
        return isinstance(self._block, MediaBlock | MosaicBlock)

    def _make_block(self, widest: float, inner: float) -> Block | None:
        if self.row.bubble.why and self.row.bubble.attachment is not None:
            return FileBlock(self.row, self._look, inner)
        if self.row.album:
            return MosaicBlock(self.row, self._look, widest - 2 * MEDIA_PAD)
        if is_note(self.row):
            return NoteBlock(self.row, widest - 2 * MEDIA_PAD)
        match self.row.bubble.body:
            case Picture(_, caption) | Video(_, caption):
                narrowest = 200 if caption or self.name or _has_heads(self.row) else 0
                return MediaBlock.alone(self.row, widest - 2 * MEDIA_PAD, narrowest)
            case Voice():
                return VoiceBlock(self.row, self._look, inner)
            case File():
                return FileBlock(self.row, self._look, inner)
        return None

    def _place_block(self, top: float, wide: float) -> tuple[float, float]:
        assert self._block is not None
        size = self._block.size
        if self._is_framed():
            top = top + 2 if self.name or self._heads else MEDIA_PAD
            self._block_at = QPointF(MEDIA_PAD, top)
            return top + size.height(), max(wide + 2 * PAD_X, size.width() + 2 * MEDIA_PAD)
        self._block_at = QPointF(PAD_X, top)
        return top + size.height(), max(wide, size.width())

    def _close_block(self, top: float, wide: float) -> QSizeF:
        """The bubble ends with its file: meta lies over a picture, or on the last line of a card."""
        line_px = getattr(self._block, "line_px", 0.0)
        self.meta_over = self._is_framed() and not line_px
        if line_px:
            self._put_meta(wide - MEDIA_PAD - 6, top - (line_px - self._look.px(16)) / 2)
            return QSizeF(wide, top)
        if self._is_framed():
            self._put_meta(wide - MEDIA_PAD - 6 - metas.PILL_PAD, top - 6 - 2)
            return QSizeF(wide, top + MEDIA_PAD)
        last = getattr(self._block, "last_line_px", 0.0)
        if self.meta is not None:
            if last + META_SPARE + self.meta.size.width() > wide:
                top += self.meta.size.height()
            self._put_meta(PAD_X + wide, top - 1)
        return QSizeF(wide + 2 * PAD_X, top + PAD_Y)

    def _words(self) -> str:
        body = self.row.bubble.body
        if self.row.album:
            return plain.visible(captions(self.row))
        match body:
            case Text(text):
                return self._with_people(text)
            case Picture(_, caption) | Video(_, caption) | File(_, caption):
                return plain.visible(caption).strip("\n")
            case None if self.row.bubble.recalled:
                return recalled_words(self.row)
            case None:
                return problem_words(self.row.bubble.code or "content_unreadable")
        return ""

    def _with_people(self, text: str) -> str:
        """The visible text; where people are named in it is remembered."""
        people = within(self.row.bubble.mentions, text)
        if not people:
            return plain.visible(text)
        spans = [(each.start, each.length, each.uid == self.row.me) for each in people]
        shown, self._named = plain.named(text, spans)
        return shown

    def _close_words(self, words: str, top: float, wide: float, inner: float) -> QSizeF:
        """The bubble ends with words: meta stands on their last line if it fits, else below."""
        self.meta_over = False
        framed = self._is_framed()
        if self._block is not None:
            top += 6 if framed else 4
        self.text = self._text(words, inner)
        if self.big:
            top = self._look.px(24) if self.name else 0
        self.text_at = QPointF(0 if self.big else PAD_X, top)
        top = self.text_at.y() + self.text.size.height()
        content = max(self.text.size.width(), wide - 2 * PAD_X if framed else wide)
        if self.text.cut:
            self._more = QRectF(PAD_X, top, 0, self._look.px(24))
            self._more.setWidth(QFontMetricsF(self._look.font("name")).horizontalAdvance(tr("Show more")))
            top, content = self._more.bottom(), max(content, self._more.width())
        content, top = self._seat_meta(content, top, inner)
        self.text.fit(content)
        pad = 0 if self.big else PAD_X
        return QSizeF(content + 2 * pad, top + (0 if self.big else PAD_Y))

    def _text(self, words: str, inner: float) -> TextBlock:
        look, body = self._look, self.row.bubble.body
        faint = body is None or self.row.bubble.state is State.CANCELLED
        if self.big:
            return TextBlock(words, look.font("big"), inner, line_px=look.px(44), with_links=False)
        lines = None if self.row.expanded else LINES_MAX
        return TextBlock(
            words, look.font("body"), inner, line_px=look.px(20), lines_max=lines,
            token="text_2" if faint else "text_1", with_links=body is not None, people=self._named,
        )  # fmt: skip

    def _seat_meta(self, content: float, top: float, inner: float) -> tuple[float, float]:
        if self.meta is None or self.text is None:
            return content, top
        need = self.meta.size.width()
        pad = 0 if self.big else PAD_X
        last = self.text.last_line_px if not self.text.cut else self._more.width()
        beside = last + META_SPARE + need
        if beside <= max(inner, content) and not self.text.last_is_rtl and not self.big:
            content = max(content, beside)
            self._put_meta(pad + content, top + 1)
        else:
            content = max(content, need)
            top += self.meta.size.height() + (2 if self.big else 0)
            self._put_meta(pad + content, top)
        return content, top

    def _put_meta(self, right: float, bottom: float) -> None:
        if self.meta is not None:
            self.meta_at = QPointF(right - self.meta.size.width(), bottom - self.meta.size.height())

    def _name(self, inner: float) -> str:
        row = self.row
        if row.form != "group" or row.bubble.mine or not row.place.first:
            return ""
        metrics = QFontMetricsF(self._look.font("sender"))
        return metrics.elidedText(one_line(row.sender) or "?", Qt.TextElideMode.ElideRight, inner)

    def _name_px(self) -> float:
        return math.ceil(QFontMetricsF(self._look.font("sender")).horizontalAdvance(self.name))

    def _move(self, at: QPointF, size: QSizeF) -> None:
        """Everything was measured at 0, 0: now it gets its place."""
        at = QPointF(round(at.x()), round(at.y()))
        self.bubble = QRectF(at, size)
        self.text_at += at
        self._block_at += at
        if self._heads is not None:
            self._heads_at += at
            self._heads.fit(size.width() - 2 * PAD_X)
            if not self._heads.quote.isEmpty():
                self.parts.append(Part("quote", self._heads.quote.translated(self._heads_at)))
        if self.meta is not None:
            self.meta_at += at
            teller = spokesman(self.row).lid if self.row.album else None
            self.parts += [
                Part(part.name if teller is None else tile_name(teller, part.name), part.rect.translated(self.meta_at))
                for part in self.meta.parts
            ]
        if not self._more.isEmpty():
            self._more.translate(at)
            self.parts.append(Part("more", self._more))
        if self._block is not None:
            self.parts += [Part(part.name, part.rect.translated(self._block_at)) for part in self._block.parts]

    def _failed_row(self, top: float) -> float:
        """“Not confirmed · Resend · Edit · Copy · Delete”, right under the bubble."""
        height = look_px(self._look, FAILED_HEIGHT)
        metrics = QFontMetricsF(self._look.font("meta"))
        ways = [(name, words, math.ceil(metrics.horizontalAdvance(words)) + 10) for name, words in self._ways_out()]
        mine = self.row.bubble.mine
        room = self.bubble.right() - self._lane.left if mine else self._lane.right - self.bubble.left()
        for line in _lines(ways, room):
            left = self.bubble.right() - sum(width for _, _, width in line) if mine else self.bubble.left() - 5
            for name, words, width in line:
                rect = QRectF(left, top, width, height)
                self._failed.append((name, words, rect))
                left = rect.right()
                if name:
                    self.parts.append(Part(name, rect))
            top += height
        return top

    def _ways_out(self) -> list[tuple[str, str]]:
        bubble = spokesman(self.row).bubble
        if not self.row.failed:
            return [("", tr("Change not confirmed")), ("again", tr("Try again")), ("drop", tr("Give it up"))]
        text = isinstance(bubble.body, Text)
        parked = bubble.state is State.NEEDS_YOU
        ways = [("", tr("Not confirmed") if parked else tr("Refused"))]
        ways += [("resend", tr("Resend"))] if parked else []
        ways += [("edit", tr("Edit")), ("copy", tr("Copy"))] if text else []
        ways = [*ways, ("delete", tr("Delete"))]
        if self.row.album:
            ways = [(tile_name(bubble.lid, name) if name else "", words) for name, words in ways]
        return ways

    # --- asking

    def part_at(self, point: QPointF) -> Part | None:
        """What is under a point relative to the row: the smallest part there."""
        if self.text is not None and (url := self.text.link_at(point - self.text_at)):
            return Part(f"link:{url}", QRectF(self.text_at, self.text.size))
        under = [part for part in self.parts if part.rect.contains(point)]
        return min(under, key=lambda part: part.rect.width() * part.rect.height(), default=None)

    # --- drawing

    def paint(self, painter: QPainter, at: QPointF, ink: Ink) -> None:
        """Draw the whole row with its corner at `at`."""
        painter.save()
        painter.translate(at)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.TextAntialiasing)
        if self.row.names_me:
            band = QRectF(0, self.bubble.top() - 2, self._width, self.bubble.height() + 4)
            painter.fillRect(band, ink.look.color("mention_bg"))
        self._paint_above(painter, ink)
        self._paint_gaps(painter, ink)
        if self.row.system:
            self._paint_notice(painter, ink)
        else:
            self._paint_message(painter, ink)
        painter.restore()

    def _paint_above(self, painter: QPainter, ink: Ink) -> None:
        top = 0
        if self._day:
            height = look_px(ink.look, DAY_HEIGHT)
            paint_day(painter, QRectF(self._lane.left, 0, self._lane.width, height), self._day, ink.look)
            top = height
        if self.row.place.divider:
            box = QRectF(self._lane.left, top, self._lane.width, look_px(ink.look, DIVIDER_HEIGHT))
            paint_divider(painter, box, ink.look)

    def _paint_gaps(self, painter: QPainter, ink: Ink) -> None:
        """What is missing is said like a notice, in a dashed frame."""
        for text, pill in self._gap_lines:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(ink.look.color("border_ctl"), 1, Qt.PenStyle.DashLine))
            painter.drawRoundedRect(pill.adjusted(0.5, 0.5, -0.5, -0.5), 12, 12)
            text.paint(painter, pill.topLeft() + QPointF(12, 4), ink)

    def _paint_notice(self, painter: QPainter, ink: Ink) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(ink.look.color("bubble_sys"))
        radius = min(12.0, self.bubble.height() / 2)
        painter.drawRoundedRect(self.bubble, radius, radius)
        if self.text is not None:
            self.text.paint(painter, self.text_at, ink)
        if ink.current:
            focus_ring(painter, self.bubble, radius, ink.look)

    def _paint_message(self, painter: QPainter, ink: Ink) -> None:
        if not self.big and not self._is_bare():
            self._paint_ground(painter, ink)
        if self.name:
            self._paint_name(painter, ink)
        if self._heads is not None:
            self._heads.paint(painter, self._heads_at, ink)
        if self._block is not None:
            self._block.paint(painter, self._block_at, ink)
        if self.text is not None:
            self.text.paint(painter, self.text_at, ink)
        if self._chips is not None:
            self._chips.paint(painter, self._chips_at, ink)
        self._paint_more(painter, ink)
        if self.meta is not None:
            self.meta.paint(painter, self.meta_at, ink, pill=self.meta_over)
        self._paint_avatar(painter, ink)
        self._paint_failed(painter, ink)
        self._paint_focus(painter, ink)

    def _paint_ground(self, painter: QPainter, ink: Ink) -> None:
        painter.setBrush(ink.ground)
        failed = self.row.failed
        painter.setPen(QPen(ink.look.color("danger"), 1) if failed else Qt.PenStyle.NoPen)
        edge = 0.5 if failed else 0
        painter.drawPath(rounded(self.bubble.adjusted(edge, edge, -edge, -edge), self._radii()))

    def ground_token(self, selected: bool) -> str:
        """The colour of the bubble."""
        if self.big:
            return "bg_canvas"
        if selected:
            return "bubble_sel"
        if self.row.failed:
            return "bubble_failed"
        return "bubble_out" if self.row.bubble.mine else "bubble_in"

    def _radii(self) -> tuple[float, float, float, float]:
        """16 at the corners; 4 on the sender's side where the run goes on."""
        full, small = RADIUS_BUBBLE, RADIUS_SMALL
        above = full if self.row.place.first else small
        below = full if self.row.place.last else small
        return (full, above, below, full) if self.row.bubble.mine else (above, full, full, below)

    def _paint_name(self, painter: QPainter, ink: Ink) -> None:
        painter.setFont(ink.look.font("sender"))
        painter.setPen(ink.look.name_color(self.row.bubble.uid))
        pad = 0 if self.big else PAD_X
        line = QRectF(self.bubble.left() + pad, self.bubble.top() + PAD_Y - 2, self.bubble.width(), ink.look.px(19))
        painter.drawText(line, Qt.AlignmentFlag.AlignVCenter, self.name)

    def _paint_more(self, painter: QPainter, ink: Ink) -> None:
        if not self._more.isEmpty():
            painter.setFont(ink.look.font("name"))
            painter.setPen(ink.look.color("text_link"))
            painter.drawText(self._more, Qt.AlignmentFlag.AlignVCenter, tr("Show more"))

    def _paint_avatar(self, painter: QPainter, ink: Ink) -> None:
        row = self.row
        if row.form == "group" and not row.bubble.mine and row.place.last:
            spot = QRectF(self._lane.left, self.bubble.bottom() - AVATAR, AVATAR, AVATAR)
            spot.moveTop(max(spot.top(), self.bubble.top()))
            paint_avatar(painter, spot, row.sender, row.bubble.uid, ink.look)

    def _paint_failed(self, painter: QPainter, ink: Ink) -> None:
        for place, (name, words, rect) in enumerate(self._failed):
            font = ink.look.font("meta")
            if name and name == ink.hovered:
                font = type(font)(font)
                font.setUnderline(True)
            painter.setFont(font)
            painter.setPen(ink.look.color("text_link" if name else "danger"))
            painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, words)
            if place and rect.top() == self._failed[place - 1][2].top():
                painter.setPen(ink.look.color("text_3"))
                dot = QRectF(rect.left() - 5, rect.top(), 10, rect.height())
                painter.drawText(dot, Qt.AlignmentFlag.AlignCenter, "·")

    def _paint_focus(self, painter: QPainter, ink: Ink) -> None:
        if not ink.current:
            return
        part = next((part for part in self.parts if part.name == ink.focused), None)
        if part is not None:
            focus_ring(painter, part.rect.adjusted(2, 2, -2, -2), RADIUS_SMALL, ink.look)
        else:
            focus_ring(painter, self.bubble, RADIUS_BUBBLE, ink.look)


def _lines(ways: list[tuple[str, str, int]], room: float) -> list[list[tuple[str, str, int]]]:
    """Words beside each other as long as there is room; with large letters in a narrow window they take two lines."""
    lines: list[list[tuple[str, str, int]]] = [[]]
    for way in ways:
        if lines[-1] and sum(width for _, _, width in lines[-1]) + way[2] > room:
            lines.append([])
        lines[-1].append(way)
    return lines


def _has_heads(row: Row) -> bool:
    bubble = row.bubble
    return not bubble.recalled and (bubble.reply is not None or bubble.forward is not None)


def look_px(look: Look, size: float) -> int:
    """A height that must grow with the text in it, and never shrinks below its design."""
    return max(round(size), look.px(size))


def paint_day(painter: QPainter, box: QRectF, words: str, look: Look) -> None:
    """The pill with a day, centred in a box."""
    painter.setFont(look.font("meta"))
    metrics = painter.fontMetrics()
    pill = QRectF(0, 0, metrics.horizontalAdvance(words) + 24, max(24, metrics.height() + 6))
    pill.moveCenter(box.center())
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(look.color("bubble_sys"))
    painter.drawRoundedRect(pill, pill.height() / 2, pill.height() / 2)
    painter.setPen(look.color("text_2"))
    painter.drawText(pill, Qt.AlignmentFlag.AlignCenter, words)


def paint_divider(painter: QPainter, box: QRectF, look: Look) -> None:
    """The line above the first unread message."""
    words = tr("New messages")
    painter.setFont(look.font("badge"))
    width = painter.fontMetrics().horizontalAdvance(words) + 16
    middle, center = round(box.center().y()) + 0.5, box.center().x()
    painter.setPen(QPen(look.color("unread_line"), 1))
    painter.drawLine(QPointF(box.left(), middle), QPointF(center - width / 2, middle))
    painter.drawLine(QPointF(center + width / 2, middle), QPointF(box.right(), middle))
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, words)

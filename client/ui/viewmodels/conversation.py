"""A window onto one conversation: some hundred bubbles, oldest first, that slides over what is on the disk."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Protocol

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal

from client.core.model import NOWHERE, Bubble, ChatEntry, Form, Member, State, TransferProgress, end_of
from client.ui.bubbles.sentences import content_words, notice_people, notice_words, sentence
from client.ui.viewmodels.albums import album_of, gather
from client.ui.viewmodels.rows import NOTICES, Place, Playing, Row, place_of
from protocol.packets import Gap, Person
from protocol.values import ConvId, Lid, Uid

ROW = Qt.ItemDataRole.UserRole + 1
FIRST_PAGE, PAGE, CAP = 30, 50, 500
_UNKNOWN = -1
OLDER = "before_device"
"""The reason of a gap that a page fills once there is a line."""
AnyIndex = QModelIndex | QPersistentModelIndex
Start = Callable[[Coroutine[Any, Any, None]], object]


class Pages(Protocol):
    """Where the bubbles come from: `Chat` is one."""

    async def page(
        self,
        conv: ConvId,
        *,
        before: tuple[int, int] | None = None,
        after: tuple[int, int] | None = None,
        limit: int = 50,
    ) -> list[Bubble]:
        """Bubbles in the order shown, next to the given `Bubble.order`, or the newest ones."""
        ...

    async def bubble(self, lid: Lid) -> Bubble:
        """One bubble. Raises UnknownMessage."""
        ...

    async def gaps(self, conv: ConvId) -> tuple[Gap, ...]:
        """The positions of a conversation that are not here, and why."""
        ...


@dataclass(frozen=True, slots=True)
class _Room:
    """What does not change while a conversation is open. `divider` is the position read when it was opened."""

    conv: ConvId = ConvId("")
    form: Form = "direct"
    title: str = ""
    divider: int = 0
    unread: int = 0


class ConversationModel(QAbstractListModel):
    """Bubbles by `Bubble.order`. Whoever holds it hands in what changed; it decides nothing.

    `loaded` tells that a page has come, `waiting_changed` that one is awaited or no more; `repaint` that
    one row looks different without another size.
    """

    loaded = Signal()
    waiting_changed = Signal()
    repaint = Signal(object)

    def __init__(
        self,
        pages: Pages,
        *,
        me: Uid,
        now_ms: Callable[[], int],
        start: Start,
        cap: int = CAP,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._pages, self._me, self._start, self._cap = pages, me, start, cap
        self.now_ms = now_ms
        self._room = _Room()
        self._names: dict[Uid, str] = {}
        self._bubbles: list[Bubble] = []
        self._orders: list[tuple[int, int]] = []
        self._rows: dict[Lid, Row] = {}
        self._progress: dict[Lid, TransferProgress] = {}
        self._playing: Playing | None = None
        self._expanded: set[Lid] = set()
        self._start_reached = self._end_reached = True
        self._loading = self._asked = False
        self._divider: int | None = _UNKNOWN
        self._unread = 0
        self._gaps: tuple[Gap, ...] = ()
        self._awaited = 0
        self._gathered: dict[Lid, tuple[Lid, ...]] | None = None

    # --- Qt asks

    def rowCount(self, parent: AnyIndex = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        """How many bubbles are in the window."""
        return 0 if parent.isValid() else len(self._bubbles)

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """The Row for painters, a sentence for screen readers."""
        if not index.isValid() or index.row() >= len(self._bubbles):
            return None
        if role == ROW:
            return self.row(index.row())
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return sentence(self.row(index.row()))
        if role == Qt.ItemDataRole.DisplayRole:
            row = self.row(index.row())
            return notice_words(row) if row.system else content_words(row.bubble)
        return None

    # --- asking

    @property
    def conv(self) -> ConvId:
        """The open conversation, empty if none is."""
        return self._room.conv

    @property
    def me(self) -> Uid:
        """Whose profile this is."""
        return self._me

    @property
    def at_end(self) -> bool:
        """Whether the newest message is in the window."""
        return self._end_reached

    @property
    def at_start(self) -> bool:
        """Whether the oldest message is in the window."""
        return self._start_reached

    @property
    def waiting(self) -> bool:
        """Whether earlier messages, or the first ones, are on their way: some may have to come from the server."""
        return self._awaited > 0

    def row(self, place: int) -> Row:
        """Everything that is drawn of one row; made once, until something about it changes."""
        bubble = self._bubbles[place]
        if (known := self._rows.get(bubble.lid)) is None:
            known = self._rows[bubble.lid] = self._make_row(place)
        return known

    def _make_row(self, place: int) -> Row:
        """A row with everything that is shown in it."""
        bubble = self._bubbles[place]
        lids = self._albums().get(bubble.lid, ())
        if not lids:
            return self._make_one(place)
        if lids[0] != bubble.lid:
            return replace(self._make_one(place), folded=True)
        rows = [self._make_one(at) for lid in lids if (at := self.row_of(lid)) is not None]
        ends = replace(rows[0].place, last=rows[-1].place.last)
        return replace(rows[0], place=ends, gaps_below=rows[-1].gaps_below, album=tuple(rows))

    def _make_one(self, place: int) -> Row:
        bubble = self._bubbles[place]
        playing = self._playing if self._playing and self._playing.lid == bubble.lid else None
        room = self._room
        sender, by = self._people(bubble)
        above, below = self._missing(place)
        return Row(
            bubble=bubble, place=self._place(place), form=room.form, sender=sender, by=by,
            peer=room.title, progress=self._progress.get(bubble.lid), playing=playing,
            expanded=bubble.lid in self._expanded, gaps=above, gaps_below=below, me=self._me,
            **self._beside(bubble),
        )  # fmt: skip

    def _beside(self, bubble: Bubble) -> dict[str, Any]:
        """The names that a bubble needs beside its author's."""
        facts: dict[str, Any] = {}
        if bubble.reply is not None:
            facts["quoted"] = self.name(bubble.reply.uid)
            original = self.bubble(bubble.reply_lid) if bubble.reply_lid else None
            facts["quote_gone"] = original is not None and original.recalled
        if bubble.recalled:
            facts["remover"] = self.name(bubble.recalled_by)
        if bubble.reactions:
            facts["reactors"] = tuple(tuple(self.name(uid) for uid in uids) for _, uids in bubble.reactions)
        return facts

    def name(self, uid: Uid) -> str:
        """What a person is called here; empty if nobody has said."""
        return self._names.get(uid, "")

    def bubble(self, lid: Lid) -> Bubble | None:
        """The bubble with this number, if it is in the window."""
        place = self.row_of(lid)
        return None if place is None else self._bubbles[place]

    def bubble_at(self, place: int) -> Bubble:
        """The bubble of a row."""
        return self._bubbles[place]

    def album(self, lid: Lid) -> tuple[Row, ...]:
        """The rows that are shown as one with this one, itself among them; nothing if it stands alone."""
        lids = self._albums().get(lid)
        place = self.row_of(lids[0]) if lids else None
        return () if place is None else self.row(place).album

    def folded(self, place: int) -> bool:
        """Whether a row is shown in that of another message."""
        lids = self._albums().get(self._bubbles[place].lid)
        return lids is not None and lids[0] != self._bubbles[place].lid

    @property
    def has_albums(self) -> bool:
        """Whether any row is shown with another."""
        return bool(self._albums())

    def shown_row_of(self, lid: Lid) -> int | None:
        """The row in which a message is seen: its own, or that of the first of its album."""
        lids = self._albums().get(lid)
        return self.row_of(lids[0] if lids else lid)

    def last_row_of(self, place: int) -> int:
        """The last message that is seen in a row."""
        lids = self._albums().get(self._bubbles[place].lid) if place >= 0 else None
        last = self.row_of(lids[-1]) if lids else None
        return place if last is None else last

    def _albums(self) -> dict[Lid, tuple[Lid, ...]]:
        if self._gathered is None:
            self._gathered = gather(self._bubbles, self._breaks)
        return self._gathered

    def _breaks(self, place: int) -> bool:
        """Whether a day or the divider stands above a message."""
        before = self._bubbles[place - 1] if place else None
        return self._is_divider(place) or place_of(before, self._bubbles[place], None, divider=False).day

    def row_of(self, lid: Lid) -> int | None:
        """The row of a bubble, if it is in the window."""
        return next((place for place, bubble in enumerate(self._bubbles) if bubble.lid == lid), None)

    def divider_row(self) -> int | None:
        """The first row that was unread when the conversation was opened."""
        if self._divider == _UNKNOWN:
            self._divider = self._find_divider()
        return self._divider

    def unread_below(self, row: int) -> int:
        """How many messages of other people come after a row; those that are not loaded yet count too."""
        if not self.at_end:
            return self._unread
        return sum(1 for place in range(row + 1, len(self._bubbles)) if self._foreign_after(place))

    def count_unread(self, unread: int) -> None:
        """How many there are in the whole conversation now."""
        self._unread = unread

    # --- opening and sliding

    async def open(self, entry: ChatEntry) -> None:
        """Show a conversation: its newest page, or the page around the first unread message."""
        self._show_room(entry)
        with self._wait():
            around = await self._first_page(entry)
            gaps = await self._pages.gaps(entry.conv)
        if self._room.conv == entry.conv:
            self._gaps = gaps
            self._replace(around)
            self.loaded.emit()

    @contextmanager
    def _wait(self) -> Iterator[None]:
        self._awaited += 1
        self.waiting_changed.emit()
        try:
            yield
        finally:
            self._awaited -= 1
            self.waiting_changed.emit()

    async def look_again(self) -> None:
        """There is a line now: what is older than this device may come; and what is missing may be otherwise."""
        conv = self._room.conv
        if not conv:
            return
        gaps = await self._pages.gaps(conv)
        if self._room.conv == conv and gaps != self._gaps:
            self._gaps = gaps
            self.refresh()
        if self._room.conv == conv and self._start_reached and self._older_than_here():
            self._start_reached = False
            self.want_older()

    def _older_than_here(self) -> bool:
        """Whether the server keeps something that is older than this device, above the first message here."""
        first = next((bubble.pos for bubble in self._bubbles if bubble.pos), NOWHERE)
        return any(gap.why == OLDER and gap.first < first for gap in self._gaps)

    def _missing(self, place: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Why what stood between a message and the one before it is not here; for the last one, what would follow."""
        here = self._bubbles[place].pos
        if not self._gaps or not here:
            return (), ()
        before = self._bubbles[place - 1].pos if place else 0
        above: tuple[str, ...] = ()
        if place or self._start_reached:
            above = tuple(dict.fromkeys(gap.why for gap in self._gaps if before < gap.first and gap.last < here))
        last = self._end_reached and not any(bubble.pos > here for bubble in self._bubbles[place + 1 :])
        below = tuple(dict.fromkeys(gap.why for gap in self._gaps if last and gap.first > here))
        return above, below

    async def _first_page(self, entry: ChatEntry) -> list[Bubble]:
        conv = entry.conv
        if entry.unread <= FIRST_PAGE:
            newest = await self._pages.page(conv, limit=FIRST_PAGE + entry.unread)
            self._start_reached, self._end_reached = len(newest) < FIRST_PAGE + entry.unread, True
            return newest
        edge = end_of(entry.read_upto)
        later = await self._pages.page(conv, after=edge, limit=PAGE)
        first = later[0].order if later else None
        earlier = await self._pages.page(conv, before=first, limit=FIRST_PAGE)
        self._start_reached, self._end_reached = len(earlier) < FIRST_PAGE, len(later) < PAGE
        return earlier + later

    def _show_room(self, entry: ChatEntry) -> None:
        self.close()
        self._room = _Room(entry.conv, entry.form, self._title(entry), entry.read_upto, entry.unread)
        self._unread = entry.unread
        self.members(entry.members)

    def _title(self, entry: ChatEntry) -> str:
        return entry.title or ", ".join(member.name for member in entry.members if member.uid != self._me)

    def members(self, members: Iterable[Member | Person]) -> None:
        """Learn the names of the people here, and of those who were."""
        fresh = {member.uid: member.name for member in members if self._names.get(member.uid) != member.name}
        self._names.update(fresh)
        if self._bubbles and fresh:
            self._changed(0, len(self._bubbles) - 1)

    def close(self) -> None:
        """Show nothing."""
        self._room = _Room()
        self._gaps = ()
        self._expanded.clear()
        self._start_reached = self._end_reached = True
        self._replace([])

    async def older(self) -> None:
        """Slide towards the beginning by one page."""
        if self._loading or self._start_reached or not self._bubbles:
            return
        conv, before = self._room.conv, self._orders[0]
        with self._wait():
            page = await self._load(before=before)
            gaps = await self._pages.gaps(conv)
        if page is None or self._room.conv != conv:
            return
        self._gaps = gaps
        self._start_reached = len(page) < PAGE
        self._insert(0, [bubble for bubble in page if bubble.order < self._orders[0]])
        if (over := len(self._bubbles) - self._cap) > 0:
            self._remove(len(self._bubbles) - over, over)
            self._end_reached = False
        self.loaded.emit()

    async def newer(self) -> None:
        """Slide towards the end by one page."""
        if self._loading or self._end_reached or not self._bubbles:
            return
        conv, after = self._room.conv, self._orders[-1]
        page = await self._load(after=after)
        if page is None or self._room.conv != conv:
            return
        self._end_reached = len(page) < PAGE
        self._insert(len(self._bubbles), [bubble for bubble in page if bubble.order > self._orders[-1]])
        self._trim_start()
        self.loaded.emit()

    async def to_end(self) -> None:
        """Show the newest page, unless it is there already."""
        if self._end_reached:
            return
        conv = self._room.conv
        newest = await self._pages.page(conv, limit=PAGE)
        if self._room.conv == conv:
            self._start_reached, self._end_reached = len(newest) < PAGE, True
            self._replace(newest)
            self.loaded.emit()

    async def around(self, lid: Lid) -> bool:
        """Bring this message into the window, with what stands around it. False if it is of another conversation."""
        if self.row_of(lid) is not None:
            return True
        conv = self._room.conv
        found = await self._pages.bubble(lid)
        if found.conv != conv:
            return False
        place, number = found.order
        earlier = await self._pages.page(conv, before=(place, number + 1), limit=PAGE)
        later = await self._pages.page(conv, after=found.order, limit=PAGE)
        if self._room.conv != conv:
            return False
        self._start_reached, self._end_reached = len(earlier) < PAGE, len(later) < PAGE
        self._replace(earlier + later)
        self.loaded.emit()
        return self.row_of(lid) is not None

    def want_older(self) -> None:
        """Start `older` in the background."""
        if not (self._asked or self._loading or self._start_reached):
            self._ask(self.older)

    def want_newer(self) -> None:
        """Start `newer` in the background."""
        if not (self._asked or self._loading or self._end_reached):
            self._ask(self.newer)

    def want_end(self) -> None:
        """Start `to_end` in the background."""
        self._start(self.to_end())

    def _ask(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Start one slide; while it has not ended, scrolling asks for no other."""

        async def slide() -> None:
            try:
                await work()
            finally:
                self._asked = False

        self._asked = True
        self._start(slide())

    async def _load(
        self, *, before: tuple[int, int] | None = None, after: tuple[int, int] | None = None
    ) -> list[Bubble] | None:
        self._loading = True
        try:
            return await self._pages.page(self._room.conv, before=before, after=after, limit=PAGE)
        finally:
            self._loading = False

    # --- what changed

    def merge(self, bubbles: Sequence[Bubble]) -> None:
        """Draw bubbles that are new or look different; those of other conversations are not for us."""
        ours = {bubble.lid: bubble for bubble in bubbles if bubble.conv == self._room.conv}
        for lid, bubble in list(ours.items()):
            place = self.row_of(lid)
            if place is None:
                continue
            if self._bubbles[place].order == bubble.order:
                del ours[lid]
                before = self._bubbles[place]
                gone = bubble.recalled and not before.recalled
                if (album_of(bubble), bubble.recalled) != (album_of(before), before.recalled):
                    self._gathered = None
                self._bubbles[place] = bubble
                self._changed(place - 1, place + 1)
                if gone:
                    self._quotes_gone(lid)
            else:
                self._take_out(place)
        self._add(sorted(ours.values(), key=lambda bubble: bubble.order))
        if self._end_reached:
            self._trim_start()

    def _quotes_gone(self, lid: Lid) -> None:
        """What was removed is not repeated by those that answer it."""
        for place, bubble in enumerate(self._bubbles):
            if bubble.reply_lid == lid:
                self._changed(place, place)

    def drop(self, lid: Lid) -> None:
        """A bubble is gone."""
        if (place := self.row_of(lid)) is not None:
            self._take_out(place)

    def progress(self, progress: TransferProgress) -> None:
        """A file has got further."""
        place = self.row_of(progress.lid)
        before = self._progress.get(progress.lid)
        self._progress[progress.lid] = progress
        if place is None:
            return
        if before is None or before.way != progress.way:
            self._changed(place, place)
        else:
            self._forget_row(progress.lid)
            self.repaint.emit(progress.lid)

    def _forget_row(self, lid: Lid) -> None:
        """Make it anew the next time, and the row in which it is seen."""
        for each in {lid, *self._albums().get(lid, ())[:1]}:
            self._rows.pop(each, None)

    def settle(self, lid: Lid) -> None:
        """A transfer has ended or stopped: its progress is no longer shown."""
        if self._progress.pop(lid, None) is not None and (place := self.row_of(lid)) is not None:
            self._changed(place, place)

    def play(self, playing: Playing | None) -> None:
        """What sounds now, or that nothing does."""
        old, self._playing = self._playing, playing
        for lid in {known.lid for known in (old, playing) if known is not None}:
            if (place := self.row_of(lid)) is None:
                continue
            if old is None or playing is None or old.lid != playing.lid or old.paused != playing.paused:
                self._changed(place, place)
            else:
                self._forget_row(lid)
                self.repaint.emit(lid)

    def expand(self, lid: Lid) -> None:
        """Show all of a long text."""
        self._expanded.add(lid)
        if (place := self.row_of(lid)) is not None:
            self._changed(place, place)

    def refresh(self) -> None:
        """Draw everything again: another language, another day."""
        if self._bubbles:
            self._changed(0, len(self._bubbles) - 1)

    # --- the list

    def _add(self, fresh: list[Bubble]) -> None:
        """Insert sorted bubbles; neighbours in order become one range."""
        while fresh:
            place = bisect_left(self._orders, fresh[0].order)
            ceiling = self._orders[place] if place < len(self._orders) else None
            batch = [bubble for bubble in fresh if ceiling is None or bubble.order < ceiling]
            fresh = fresh[len(batch) :]
            if self._fits(place):
                self._insert(place, batch)

    def _fits(self, place: int) -> bool:
        """Whether a place is inside the window: what lies beyond its ends is read from the disk later."""
        return (place > 0 or self._start_reached or not self._bubbles) and (
            place < len(self._bubbles) or self._end_reached
        )

    def _insert(self, place: int, batch: list[Bubble]) -> None:
        if not batch:
            return
        self.beginInsertRows(QModelIndex(), place, place + len(batch) - 1)
        self._divider, self._gathered = _UNKNOWN, None
        self._bubbles[place:place] = batch
        self._orders[place:place] = [bubble.order for bubble in batch]
        self.endInsertRows()
        self._changed(place - 1, place - 1)
        self._changed(place + len(batch), place + len(batch))

    def _take_out(self, place: int) -> None:
        self._remove(place, 1)
        self._changed(place - 1, place)

    def _remove(self, place: int, count: int) -> None:
        self.beginRemoveRows(QModelIndex(), place, place + count - 1)
        self._divider, self._gathered = _UNKNOWN, None
        for bubble in self._bubbles[place : place + count]:
            self._rows.pop(bubble.lid, None)
        del self._bubbles[place : place + count]
        del self._orders[place : place + count]
        self.endRemoveRows()

    def _trim_start(self) -> None:
        if (over := len(self._bubbles) - self._cap) > 0:
            self._remove(0, over)
            self._start_reached = False
            self._changed(0, 0)

    def _replace(self, bubbles: list[Bubble]) -> None:
        self.beginResetModel()
        self._divider, self._gathered = _UNKNOWN, None
        self._rows.clear()
        self._bubbles = list(bubbles)
        self._orders = [bubble.order for bubble in bubbles]
        self.endResetModel()

    def _changed(self, first: int, last: int) -> None:
        first, last = max(0, first), min(len(self._bubbles) - 1, last)
        for bubble in self._bubbles[first : last + 1]:
            shown = self.shown_row_of(bubble.lid)
            first = first if shown is None else min(first, shown)
        for bubble in self._bubbles[first : last + 1]:
            self._rows.pop(bubble.lid, None)
        if first <= last:
            self.dataChanged.emit(self.index(first), self.index(last))

    # --- what a row shows

    def _place(self, place: int) -> Place:
        bubbles = self._bubbles
        before = bubbles[place - 1] if place else None
        after = bubbles[place + 1] if place + 1 < len(bubbles) else None
        found = place_of(before, bubbles[place], after, self._is_divider(place))
        if after is not None and found.last is False and self._is_divider(place + 1):
            return Place(found.first, True, found.day, found.divider)
        return found

    def _is_divider(self, place: int) -> bool:
        return place == self.divider_row()

    def _find_divider(self) -> int | None:
        """The first message of somebody else after what had been read at the opening."""
        if not self._room.unread:
            return None
        place = next((place for place in range(len(self._bubbles)) if self._foreign_after(place)), None)
        # At the window's first row nobody knows whether an earlier one is unread too.
        return place if place or self._start_reached else None

    def _foreign_after(self, place: int) -> bool:
        bubble = self._bubbles[place]
        told = isinstance(bubble.body, NOTICES)
        received = not bubble.mine and bubble.state in (State.RECEIVED, State.UNREADABLE)
        return received and not told and bubble.pos > self._room.divider

    def _people(self, bubble: Bubble) -> tuple[str, str]:
        """Author and nobody; of a notice whom it is about and who did it."""
        if isinstance(bubble.body, NOTICES):
            return notice_people(bubble.body, self._names, self._me)
        return self._names.get(bubble.uid, ""), ""

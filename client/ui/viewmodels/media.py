"""The media of a conversation as a list, newest first, that grows page by page out of this disk alone."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Protocol

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal

from client.core.model import Bubble, MediaKind, TransferProgress
from client.ui.bubbles.sentences import sentence
from client.ui.viewmodels.rows import Playing, Row
from protocol.values import ConvId, Lid, Uid

ROW = Qt.ItemDataRole.UserRole + 1
PAGE = 60
AnyIndex = QModelIndex | QPersistentModelIndex
Start = Callable[[Coroutine[Any, Any, None]], object]


class MediaPages(Protocol):
    """Where they come from: `Chat` is one."""

    async def media(
        self,
        conv: ConvId,
        kinds: Sequence[MediaKind],
        *,
        before: tuple[int, int] | None = None,
        after: tuple[int, int] | None = None,
        limit: int = 50,
    ) -> list[Bubble]:
        """Messages with a file of these kinds in the order shown, next to the given one, or the newest."""
        ...


class MediaModel(QAbstractListModel):
    """Bubbles of some kinds, as Rows. `loaded` tells that a page has come. `name` says what a person is called."""

    loaded = Signal()

    def __init__(
        self, pages: MediaPages, start: Start, name: Callable[[Uid], str], parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._pages, self._start, self._name = pages, start, name
        self.conv = ConvId("")
        self.kinds: tuple[MediaKind, ...] = ()
        self._bubbles: list[Bubble] = []
        self._whole, self._loading = True, False
        self._progress: dict[Lid, TransferProgress] = {}
        self._playing: Playing | None = None

    # --- Qt asks

    def rowCount(self, parent: AnyIndex = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        """How many are known so far."""
        return 0 if parent.isValid() else len(self._bubbles)

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """The Row for painters, a sentence for screen readers."""
        if not index.isValid() or index.row() >= len(self._bubbles):
            return None
        row = self.row(index.row())
        if role == ROW:
            return row
        return sentence(row) if role == Qt.ItemDataRole.AccessibleTextRole else None

    def canFetchMore(self, parent: AnyIndex) -> bool:
        """Whether there may be older ones."""
        return not (parent.isValid() or self._whole or self._loading)

    def fetchMore(self, parent: AnyIndex) -> None:
        """The person has come to the end of what is known."""
        if self.canFetchMore(parent):
            self._start(self._more())

    # --- asking

    @property
    def empty(self) -> bool:
        """Whether there is nothing, and nothing is awaited."""
        return self._whole and not self._bubbles

    def row(self, place: int) -> Row:
        """What is drawn of one."""
        bubble = self._bubbles[place]
        playing = self._playing if self._playing is not None and self._playing.lid == bubble.lid else None
        return Row(bubble, sender=self._name(bubble.uid), progress=self._progress.get(bubble.lid), playing=playing)

    # --- pages

    async def open(self, conv: ConvId, kinds: tuple[MediaKind, ...]) -> None:
        """The newest of these."""
        self.beginResetModel()
        self.conv, self.kinds, self._bubbles = conv, kinds, []
        self._whole, self._loading = False, False
        self.endResetModel()
        await self._more()

    async def _more(self) -> None:
        conv, kinds = self.conv, self.kinds
        before = self._bubbles[-1].order if self._bubbles else None
        self._loading = True
        try:
            page = await self._pages.media(conv, kinds, before=before, limit=PAGE)
        finally:
            self._loading = False
        if (conv, kinds) != (self.conv, self.kinds):
            return
        self._whole = len(page) < PAGE
        older = [bubble for bubble in reversed(page) if before is None or bubble.order < before]
        if older:
            count = len(self._bubbles)
            self.beginInsertRows(QModelIndex(), count, count + len(older) - 1)
            self._bubbles += older
            self.endInsertRows()
        self.loaded.emit()

    # --- what changed

    def merge(self, bubbles: Sequence[Bubble]) -> None:
        """Other states, new ones, and those that are no such thing any more."""
        for bubble in bubbles:
            if bubble.conv == self.conv and self.conv:
                self._merge(bubble)

    def _merge(self, bubble: Bubble) -> None:
        place = self._place(bubble.lid)
        ours = _kind(bubble) in self.kinds
        if place is not None and ours and self._bubbles[place].order == bubble.order:
            self._bubbles[place] = bubble
            self._changed(place)
            return
        if place is not None:
            self._take_out(place)
        if ours and (self._whole or not self._bubbles or bubble.order > self._bubbles[-1].order):
            self._put_in(bubble)

    def _put_in(self, bubble: Bubble) -> None:
        place = next((place for place, each in enumerate(self._bubbles) if each.order < bubble.order), None)
        place = len(self._bubbles) if place is None else place
        self.beginInsertRows(QModelIndex(), place, place)
        self._bubbles.insert(place, bubble)
        self.endInsertRows()
        self.loaded.emit()

    def drop(self, lid: Lid) -> None:
        """A bubble is gone."""
        if (place := self._place(lid)) is not None:
            self._take_out(place)

    def progress(self, progress: TransferProgress) -> None:
        """A file has got further."""
        if (place := self._place(progress.lid)) is not None:
            self._progress[progress.lid] = progress
            self._changed(place)

    def play(self, playing: Playing | None) -> None:
        """What sounds now."""
        old, self._playing = self._playing, playing
        for lid in {each.lid for each in (old, playing) if each is not None}:
            if (place := self._place(lid)) is not None:
                self._changed(place)

    def _take_out(self, place: int) -> None:
        self.beginRemoveRows(QModelIndex(), place, place)
        del self._bubbles[place]
        self.endRemoveRows()
        self.loaded.emit()

    def _place(self, lid: Lid) -> int | None:
        return next((place for place, bubble in enumerate(self._bubbles) if bubble.lid == lid), None)

    def _changed(self, place: int) -> None:
        if not self._bubbles[place].fetching:
            self._progress.pop(self._bubbles[place].lid, None)
        self.dataChanged.emit(self.index(place), self.index(place))


def _kind(bubble: Bubble) -> str:
    """What a message is found as; empty for one without a file."""
    if bubble.attachment is None or bubble.recalled:
        return ""
    return "file" if bubble.why else type(bubble.body).__name__.lower()

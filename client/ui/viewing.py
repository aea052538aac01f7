"""What the viewer shows: the pictures and films of a conversation, one after the other, from this disk alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QObject, QSize
from PySide6.QtGui import QImage

from client.app.chat import Chat
from client.core.model import Bubble, MediaKind, TransferProgress
from client.ui.bubbles.pictures import Pictures
from client.ui.errands import Errands
from client.ui.plain import one_line
from client.ui.playback import Playback
from client.ui.viewmodels.conversation import ConversationModel
from client.ui.viewmodels.rows import GONE_CODES, shown_ms
from client.ui.widgets.viewer import Exhibit, Shape, Viewer
from client.ui.words import list_time, problem_words, tr
from protocol.content import Picture, Video
from protocol.problems import Problem, UnknownMessage
from protocol.values import ConvId, Lid

FACES: tuple[MediaKind, ...] = ("picture", "video")


class Viewing(QObject):
    """Steps through a conversation. What is not here is shown as its preview; only a click downloads it (P-76).

    Args:
        act: does what a wish about a bubble says, as its menu would.
        show: goes to where a bubble stands.
        say: tells the person a sentence.
    """

    def __init__(
        self,
        chat: Chat,
        model: ConversationModel,
        pictures: Pictures,
        errands: Errands,
        playback: Playback,
        viewer: Viewer,
        *,
        act: Callable[[Bubble, str], object],
        show: Callable[[ConvId, Lid], object],
        say: Callable[[str], None],
    ) -> None:
        super().__init__(viewer)
        self._chat, self._model, self._pictures, self._errands = chat, model, pictures, errands
        self._playback, self._viewer = playback, viewer
        self._act, self._show, self._say = act, show, say
        self._lids: list[Lid] = []
        self._bubble: Bubble | None = None
        self._progress: TransferProgress | None = None
        viewer.wanted.connect(self._wanted)
        viewer.stepped.connect(lambda step: errands.start(self._step(step)))
        viewer.film_wanted.connect(self._begin)
        viewer.speed_chosen.connect(playback.choose_speed)

    # --- what the person wants

    def open(self, bubble: Bubble) -> None:
        """Look at this one."""
        self._errands.start(self._open(bubble))

    async def _open(self, bubble: Bubble) -> None:
        self._lids = await self._chat.media_lids(bubble.conv, FACES)
        await self._put(bubble)

    async def _step(self, step: int) -> None:
        """To a neighbour; one that is gone meanwhile is passed over."""
        while self._bubble is not None:
            place = self._place(self._bubble.lid) + step
            if not 0 <= place < len(self._lids):
                return
            try:
                bubble = await self._chat.bubble(self._lids[place])
            except UnknownMessage:
                del self._lids[place]
                continue
            if isinstance(bubble.body, Picture | Video):
                await self._put(bubble)
                return
            del self._lids[place]

    def _wanted(self, lid: Lid, part: str) -> None:
        bubble = self._bubble
        if bubble is None or bubble.lid != lid:
            return
        if part == "show":
            self._viewer.leave()
            self._show(bubble.conv, bubble.lid)
        else:
            self._act(bubble, part)

    def _begin(self) -> None:
        if self._bubble is not None:
            self._playback.watch(self._bubble)
            self._viewer.begin()

    # --- what changed

    def bubbles_changed(self, bubbles: Sequence[Bubble]) -> None:
        """What is shown came, or went; and what is new may stand behind it."""
        here = self._bubble
        if here is None or self._viewer.isHidden():
            return
        ours = [bubble for bubble in bubbles if bubble.conv == here.conv]
        changed = next((bubble for bubble in ours if bubble.lid == here.lid), None)
        if changed is not None and not isinstance(changed.body, Picture | Video):
            self._viewer.leave()
        elif any(isinstance(bubble.body, Picture | Video) for bubble in ours):
            self._errands.start(self._open(changed or here))

    def dropped(self, lid: Lid) -> None:
        """It is gone."""
        if self._viewer.lid == lid:
            self._viewer.leave()

    def progressed(self, progress: TransferProgress) -> None:
        """A file has got further."""
        if self._bubble is not None and self._viewer.lid == progress.lid and progress.way == "down":
            self._progress = progress
            self._viewer.show_item(self._exhibit(self._bubble, ""))

    # --- showing

    async def _put(self, bubble: Bubble) -> None:
        """A file goes to a decoder only when it was looked into and is as it came (SEC-29)."""
        path = ""
        if bubble.path and not bubble.why:
            try:
                path = await self._chat.checked_path(bubble.lid)
            except Problem as why:
                self._say(problem_words(why))
        if self._bubble is None or self._bubble.lid != bubble.lid or not bubble.fetching:
            self._progress = None
        self._bubble = bubble
        self._viewer.show_item(self._exhibit(bubble, path))

    def _exhibit(self, bubble: Bubble, path: str) -> Exhibit:
        file = bubble.attachment
        assert file is not None
        preview = self._pictures.preview(file.preview)
        moved = self._progress.done_bytes if self._progress is not None else 0
        return Exhibit(
            lid=bubble.lid,
            film=isinstance(bubble.body, Video),
            who=tr("You") if bubble.mine else one_line(self._model.name(bubble.uid)),
            when=list_time(shown_ms(bubble), self._chat.wall_ms()),
            place=self._place(bubble.lid) + 1,
            count=max(1, len(self._lids)),
            shape=self._shape(bubble, path),
            path=path,
            preview=QImage() if preview is None else preview.toImage(),
            size=QSize(file.width, file.height),
            duration_ms=file.duration_ms,
            done_bytes=max(moved, bubble.here_bytes),
            size_bytes=file.size_bytes,
        )

    def _shape(self, bubble: Bubble, path: str) -> Shape:
        if path:
            return "ready"
        if (bubble.fetching and not bubble.paused) or self._progress is not None:
            return "loading"
        return "gone" if bubble.code in GONE_CODES else "away"

    def _place(self, lid: Lid) -> int:
        return self._lids.index(lid) if lid in self._lids else 0

"""A Chat without disk and line: bubbles on a shelf, wishes written down. For stages and for tests of widgets."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Coroutine, Sequence
from pathlib import Path
from typing import Any

from client.adapters.file_marks import MarkedFiles
from client.adapters.http_names import safe_name
from client.app.changes import BubblesChanged, Change, ChatsChanged
from client.app.settings import Settings
from client.core.model import (
    Bubble,
    ChatEntry,
    Device,
    Finding,
    Line,
    Me,
    MediaKind,
    Presence,
    Receipt,
    Seen,
    State,
    Version,
)
from client.core.spending import CacheKind, Spending
from client.ports import DraftPart
from protocol.content import Mention, Text
from protocol.packets import Doing, Gap, Person, Seat
from protocol.problems import CannotJoin, Problem, TextEmpty
from protocol.values import ConvId, Did, Lid, Uid, replace
from tests.stages import people
from tests.stages.stage import NOW_MS, NOW_S

ME = Me(people.ME.uid, Did("d"), people.ME.name, "token", "http://127.0.0.1:8787")


class ShelfStorage:
    """What is kept of files, as a stage says."""

    def __init__(self) -> None:
        self.kept: dict[CacheKind, int] = {"picture": 48_200_000, "voice": 6_400_000, "video": 612_000_000, "file": 0}
        self.in_use: list[Callable[[], Collection[Lid]]] = []

    def keep_while(self, in_use: Callable[[], Collection[Lid]]) -> None:
        self.in_use.append(in_use)

    async def sizes(self) -> dict[CacheKind, int]:
        return dict(self.kept)

    async def clear(self, kind: CacheKind | None = None) -> int:
        gone = [one for one in self.kept if kind in (None, one)]
        return sum(self.kept.pop(one) for one in gone)

    async def trim(self) -> int:
        return 0


class ShelfChat:
    """The door of a front end, in memory. `wishes` are the calls that came, `refuse` the Problem to raise instead."""

    def __init__(self, bubbles: Sequence[Bubble] = (), entries: Sequence[ChatEntry] = ()) -> None:
        self.me: Me | None = ME
        self.line = Line("ready")
        self.settings = Settings()
        self.entries = list(entries)
        self.shelf = people.Shelf(bubbles)
        self.wishes: list[tuple[Any, ...]] = []
        self.refuse: Problem | None = None
        self.finding: Finding | None = None
        self.slow: asyncio.Event | None = None
        self.notes: list[Seen] = []
        self.said: list[Version] = []
        self.doing: dict[ConvId, dict[Uid, Doing]] = {}
        self.near: dict[Uid, Presence] = {}
        self.seats: list[Seat] = []
        self.table: list[Receipt] = []
        self.own: list[Device] = []
        self.storage, self.spends = ShelfStorage(), list[Spending]()
        self.unsent: list[Bubble] = []
        self.joins_as = ME.uid
        self.files_shown: set[str] = set()
        self.waiting: dict[ConvId, list[DraftPart]] = {}
        self._albums = 0
        self._listeners: list[Callable[[Change], None]] = []

    def subscribe(self, listener: Callable[[Change], None]) -> Callable[[], None]:
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def tell(self, change: Change) -> None:
        """Something changed."""
        for listener in tuple(self._listeners):
            listener(change)

    def put(self, *bubbles: Bubble) -> None:
        """New bubbles, or other states of known ones."""
        lids = {bubble.lid for bubble in bubbles}
        kept = [bubble for bubble in self.shelf.bubbles if bubble.lid not in lids]
        self.shelf = people.Shelf([*kept, *bubbles], self.shelf.missing)
        self.tell(BubblesChanged(tuple(bubbles)))
        self.tell(ChatsChanged(tuple(bubble.conv for bubble in bubbles)))

    def now_s(self) -> float:
        return NOW_S

    def wall_ms(self) -> int:
        return NOW_MS

    async def chats(self) -> list[ChatEntry]:
        return list(self.entries)

    async def spending(self, days: int = 90) -> list[Spending]:
        return list(self.spends)

    def typing(self, conv: ConvId, doing: Doing) -> None:
        self.wishes.append(("typing", conv, doing))

    def typists(self, conv: ConvId) -> dict[Uid, Doing]:
        return self.doing.get(conv, {})

    def watch(self, uids: Sequence[Uid]) -> None:
        self.wishes.append(("watch", tuple(uids)))

    def presence(self, uid: Uid) -> Presence:
        return self.near.get(uid, Presence(uid))

    async def members(self, conv: ConvId) -> list[Seat]:
        return list(self.seats)

    async def receipts(self, lid: Lid) -> list[Receipt]:
        await self._wish("receipts", lid)
        return list(self.table)

    async def open_group(self, title: str, uids: Sequence[Uid]) -> ConvId:
        await self._wish("open_group", title, tuple(uids))
        return people.CONV

    async def add_members(self, conv: ConvId, uids: Sequence[Uid]) -> None:
        await self._wish("add_members", conv, tuple(uids))

    async def remove_member(self, conv: ConvId, uid: Uid) -> None:
        await self._wish("remove_member", conv, uid)

    async def leave(self, conv: ConvId) -> None:
        await self._wish("leave", conv)

    async def rename_group(self, conv: ConvId, title: str) -> None:
        await self._wish("rename_group", conv, title)

    async def set_role(self, conv: ConvId, uid: Uid, role: int) -> None:
        await self._wish("set_role", conv, uid, role)

    async def devices(self) -> list[Device]:
        await self._wish("devices")
        return list(self.own)

    async def device_code(self) -> str:
        await self._wish("device_code")
        return "9D4K-TWX2"

    async def end_device(self, did: Did) -> None:
        await self._wish("end_device", did)
        self.own = [device for device in self.own if device.did != did]

    async def join(self, server: str, name: str, code: str) -> Me:
        await self._wish("join", server, name, code)
        self.me = Me(self.joins_as, Did("d2"), people.ME.name, "token", server)
        return self.me

    async def left_over(self) -> list[Bubble]:
        return list(self.unsent)

    async def take_over(self, lids: Sequence[Lid] | None = None) -> list[Lid]:
        await self._wish("take_over", tuple(lids or ()))
        return list(lids or ())

    async def people(self) -> list[Person]:
        return [Person(member.uid, member.name) for member in (people.ME, people.ANNA, people.BEN, people.MEI)]

    async def page(self, conv: ConvId, **where: Any) -> list[Bubble]:
        page = await self.shelf.page(conv, **where)
        return [bubble for bubble in page if bubble.conv == conv]

    async def gaps(self, conv: ConvId) -> tuple[Gap, ...]:
        return await self.shelf.gaps(conv)

    async def bubble(self, lid: Lid) -> Bubble:
        return next(bubble for bubble in self.shelf.bubbles if bubble.lid == lid)

    async def say(
        self, conv: ConvId, text: str, *, reply_to: Lid | None = None, mentions: Sequence[Mention] = ()
    ) -> Lid:
        await self._wish("say", conv, text, *_more(reply_to=reply_to, mentions=tuple(mentions)))
        if not text.strip():
            raise TextEmpty()
        lid = Lid(max((bubble.lid for bubble in self.shelf.bubbles), default=0) + 1)
        self.put(Bubble(lid, conv, ME.uid, True, State.QUEUED, NOW_MS, Text(text)))
        return lid

    async def send_file(
        self, conv: ConvId, path: str, kind: str = "auto", caption: str = "", *, reply_to: Lid | None = None,
        quality: str = "small", bins: bytes = b"", note: bool = False, album: str = "",
    ) -> Lid:  # fmt: skip
        asked = "" if quality == "small" else quality
        more = _more(reply_to=reply_to, quality=asked, bins=bins, note=note, album=album)
        await self._wish("send_file", conv, path, kind, caption, *more)
        return Lid(0)

    def new_album(self) -> str:
        self._albums += 1
        return f"album{self._albums:017}"

    async def pause(self, lid: Lid) -> None:
        await self._wish("pause", lid)

    async def resume(self, lid: Lid) -> None:
        await self._wish("resume", lid)

    def file_name(self, bubble: Bubble) -> str:
        return MarkedFiles(safe_name).name(bubble.attachment.name if bubble.attachment else "")

    async def save_copy(self, lid: Lid, to: str) -> str:
        await self._wish("save_copy", lid, to)
        return await MarkedFiles(safe_name).save(await self.checked_path(lid), to)

    async def shows_file(self, path: str) -> bool:
        return path in self.files_shown

    async def draft_parts(self) -> dict[ConvId, list[DraftPart]]:
        return self.waiting

    async def set_draft_parts(self, conv: ConvId, parts: Sequence[DraftPart]) -> None:
        self.waiting[conv] = list(parts)

    async def join_recording(self, folder: str, kind: str) -> Path:
        raise CannotJoin()

    async def ask(self, lid: Lid) -> Finding:
        await self._wish("ask", lid)
        return self.finding or Finding(lid, "no_answer")

    async def resend(self, lid: Lid) -> Lid:
        await self._wish("resend", lid)
        return lid

    async def edit(self, lid: Lid, text: str, mentions: Sequence[Mention] = ()) -> Lid:
        await self._wish("edit", lid, text, *_more(mentions=tuple(mentions)))
        return Lid(900)

    async def recall(self, lid: Lid) -> Lid:
        await self._wish("recall", lid)
        return Lid(901)

    async def react(self, lid: Lid, emoji: str) -> Lid:
        await self._wish("react", lid, emoji)
        return Lid(902)

    async def forward(self, lids: Sequence[Lid], conv: ConvId) -> list[Lid]:
        await self._wish("forward", tuple(lids), conv)
        return list(lids)

    async def versions(self, lid: Lid) -> list[Version]:
        await self._wish("versions", lid)
        return self.said

    async def trace(self, lid: Lid) -> list[Seen]:
        return self.notes

    async def invite(self) -> str:
        return "K7PQ-3MXA"

    async def open_direct(self, uid: Uid) -> ConvId:
        await self._wish("open_direct", uid)
        return people.CONV

    async def change_settings(self, settings: Settings) -> None:
        self.settings = settings

    def connect(self) -> None:
        self.wishes.append(("connect",))

    async def cancel(self, lid: Lid) -> None:
        await self._wish("cancel", lid)

    async def remove(self, lid: Lid) -> None:
        await self._wish("remove", lid)

    async def fetch(self, lid: Lid) -> None:
        await self._wish("fetch", lid)

    async def stop_fetch(self, lid: Lid) -> None:
        await self._wish("stop_fetch", lid)

    async def checked_path(self, lid: Lid) -> str:
        await self._wish("checked_path", lid)
        return (await self.bubble(lid)).path

    async def played(self, lid: Lid) -> None:
        await self._wish("played", lid)
        self.put(replace(await self.bubble(lid), heard=True))

    async def media(self, conv: ConvId, kinds: Sequence[MediaKind], **where: Any) -> list[Bubble]:
        kept = [bubble for bubble in self.shelf.bubbles if bubble.conv == conv and _kind(bubble) in kinds]
        return await people.Shelf(kept).page(conv, **where)

    async def media_lids(self, conv: ConvId, kinds: Sequence[MediaKind]) -> list[Lid]:
        return [bubble.lid for bubble in await self.media(conv, kinds, limit=1000)]

    async def read(self, conv: ConvId, upto: int) -> None:
        await self._wish("read", conv, upto)

    async def set_draft(self, conv: ConvId, text: str) -> None:
        await self._wish("set_draft", conv, text)

    async def _wish(self, *wish: Any) -> None:
        self.wishes.append(wish)
        if self.slow is not None:
            await self.slow.wait()
        if self.refuse is not None:
            raise self.refuse


def _kind(bubble: Bubble) -> str:
    """What a message with a file is found as; empty for one without."""
    return "file" if bubble.why else type(bubble.body).__name__.lower()


def _more(**facts: Any) -> tuple[Any, ...]:
    """What was asked for beside the usual: only that is written down."""
    return tuple(fact for fact in facts.values() if fact)


class AtOnce:
    """Errands that are run at once, one after the other, on a loop that never waits: for stages."""

    def __init__(self) -> None:
        self._waiting: list[Coroutine[Any, Any, Any]] = []
        self._running = False

    def start(self, work: Coroutine[Any, Any, Any]) -> None:
        """Run it, or run it after what runs now."""
        self._waiting.append(work)
        if self._running:
            return
        self._running = True
        loop = asyncio.new_event_loop()
        try:
            while self._waiting:
                loop.run_until_complete(self._waiting.pop(0))
        finally:
            loop.close()
            self._running = False

    async def close(self) -> None:
        """Nothing is left."""

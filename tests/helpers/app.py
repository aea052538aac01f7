"""The app rung: Chat, runner, core and SQLite as they are; the wire is two queues, and the test is the server."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from client.adapters.clock import SystemClock, SystemDice
from client.adapters.file_marks import MarkedFiles
from client.adapters.http_names import safe_name
from client.adapters.sqlite_messages import SqliteMessages
from client.app.changes import BubblesChanged, Change
from client.app.chat import Chat
from client.app.settings import Settings
from client.core.effects import DownloadFile, ForgetUpload, KeepSent, Save, UploadFile
from client.core.engine import Engine
from client.core.model import Bubble, Device, Inspected, Looked, Me, Memory, State
from client.core.spending import Stored
from client.ports import Media, Parts, WireListener
from protocol.codec import from_text, to_text
from protocol.content import PLAIN, SERVER, Body, Content, Joined, Notice, Opened, Text, pack, pack_notice
from protocol.ladder import Ladder
from protocol.lanes import digest
from protocol.packets import AckR, Event, Hello, MsgA, MsgN, MsgR, Packet, Welcome
from protocol.problems import CannotJoin, MediaUnknown, Problem
from protocol.values import SERVER_DID, ConvId, Did, Lid, MediaId, Uid

P = TypeVar("P", bound=Packet)
C = TypeVar("C", bound=Change)

ME = Me(Uid("u-alice"), Did("77"), "alice", "token", "http://127.0.0.1:1")
BOB = Uid("u-bob")
CONV = ConvId("c-alice-bob")
WAIT_S = 5.0


class QueueWire:
    """The port Wire, with the test at its other end."""

    def __init__(self, listener: WireListener) -> None:
        self.listener = listener
        self.wire = 0
        self.said: list[Packet] = []
        self.turns: list[tuple[Packet, ...]] = []
        self._news = asyncio.Event()

    def connect(self, wire: int, url: str) -> None:
        self.wire = wire
        asyncio.get_running_loop().call_soon(self.listener.up, wire)

    def send(self, wire: int, packets: Sequence[Packet]) -> None:
        self.said += packets
        self.turns.append(tuple(packets))
        self._news.set()

    def hang_up(self, wire: int, close: int) -> None:
        asyncio.get_running_loop().call_soon(self.listener.down, wire, close, 0)

    def answer(self, *packets: Packet) -> None:
        """The server says this."""
        self.listener.received(self.wire, list(packets))  # type: ignore[arg-type]

    def fall(self, close: int = 0) -> None:
        """The line ends."""
        self.listener.down(self.wire, close, 0)

    async def hears(self, kind: type[P], wanted: Callable[[P], bool] = lambda packet: True) -> P:
        """The next packet of this kind, taken from what was said; earlier ones of other kinds stay."""
        async with asyncio.timeout(WAIT_S):
            while True:
                for packet in self.said:
                    if isinstance(packet, kind) and wanted(packet):
                        self.said.remove(packet)
                        return packet
                self._news.clear()
                await self._news.wait()


class NoMedia:
    """Nothing is stored anywhere."""

    async def upload(self, wish: UploadFile, progress: Callable[[int, int], None]) -> MediaId:
        progress(wish.found.size_bytes, wish.found.size_bytes)
        return MediaId(f"m{wish.number}")

    async def download(self, wish: DownloadFile, progress: Callable[[int, int], None]) -> str:
        raise MediaUnknown()

    async def forget(self, wish: ForgetUpload) -> None:
        """The server hears of it, or not."""

    async def watched(self, path: str, look: Awaitable[Inspected]) -> Inspected:
        return await look

    async def here_bytes(self, sha256: str) -> int:
        return 0

    async def unchanged(self, path: str, size_bytes: int, sha256: str) -> bool:
        return await asyncio.to_thread(os.path.isfile, path)

    async def keep_sent(self, wish: KeepSent) -> str:
        return ""

    async def drop(self, path: str) -> None:
        """Nothing here is ours."""

    def is_ours(self, path: str) -> bool:
        return False

    async def sweep(self, needed: Collection[str]) -> None:
        """Nothing is left behind."""

    async def stored(self) -> list[Stored]:
        return []

    async def remove(self, path: str) -> bool:
        return False

    async def used(self, path: str, at_ms: int) -> None:
        """Nothing is kept."""


class PlainWorker:
    """Takes every file for a plain one."""

    async def inspect(self, path: str, name: str, kind: str, quality: str = "original") -> Inspected:
        return Inspected("file", "text/plain", name, 4, "0" * 64, path)

    async def look(self, path: str, claimed: str, name: str = "") -> Looked:
        return Looked("file", "text/plain")

    async def make_smaller(self, path: str, kind: str, progress: Callable[[int, int], None]) -> Path | None:
        return None

    async def join(self, folder: str, kind: str) -> Path:
        raise CannotJoin()


class NoAccounts:
    """Lets everybody in."""

    def __init__(self) -> None:
        self.requests: list[str] = []
        self.did = ME.did
        self.listed: list[Device] = []
        self.ended: list[Did] = []
        self.refuse: Problem | None = None

    async def join(self, server: str, name: str, invite: str, request: str) -> Me:
        self.requests.append(request)
        if self.refuse is not None:
            raise self.refuse
        return Me(ME.uid, self.did, name or ME.name, ME.token, server)

    async def invite(self, me: Me) -> str:
        return f"invite by {me.name}"

    async def device_code(self, me: Me) -> str:
        return f"code of {me.name}"

    async def devices(self, me: Me) -> list[Device]:
        return self.listed

    async def end_device(self, me: Me, did: Did) -> None:
        self.ended.append(did)


class SlowDisk(SqliteMessages):
    """The real database, whose saves are counted, and can be held back or made to fail."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.saves: list[list[Save]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.fails: Problem | None = None
        self.fails_late: Problem | None = None

    async def save(self, saves: Sequence[Save]) -> list[Bubble]:
        await self.gate.wait()
        if self.fails is not None:
            raise self.fails
        self.saves.append(list(saves))
        bubbles = await super().save(saves)
        if self.fails_late is not None:
            raise self.fails_late
        return bubbles

    async def set_setting(self, key: str, value: str) -> None:
        await self.gate.wait()
        if self.fails is not None:
            raise self.fails
        await super().set_setting(key, value)


@dataclass
class App:
    """One chat and everything a test wants to look at."""

    chat: Chat
    disk: SlowDisk
    accounts: NoAccounts
    wires: list[QueueWire]
    changes: list[Change] = field(default_factory=list)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def wire(self) -> QueueWire:
        return self.wires[0]

    def hear(self, change: Change) -> None:
        self.changes.append(change)
        self._news.set()

    async def told(self, kind: type[C], wanted: Callable[[C], bool] = lambda change: True) -> C:
        """The first change of this kind that was ever told, waiting for it if need be."""
        async with asyncio.timeout(WAIT_S):
            while True:
                for change in self.changes:
                    if isinstance(change, kind) and wanted(change):
                        return change
                self._news.clear()
                await self._news.wait()

    async def until(self, look: Callable[[], Awaitable[bool]]) -> None:
        """Wait until this is so, looking again after each change."""
        async with asyncio.timeout(WAIT_S):
            while True:
                self._news.clear()
                if await look():
                    return
                await self._news.wait()

    async def shows(self, lid: Lid, state: State, wanted: Callable[[Bubble], bool] = lambda bubble: True) -> Bubble:
        """Wait until a bubble was drawn in this state."""

        def drawn(change: BubblesChanged) -> list[Bubble]:
            return [b for b in change.bubbles if b.lid == lid and b.state is state and wanted(b)]

        return drawn(await self.told(BubblesChanged, lambda change: bool(drawn(change))))[0]

    async def greet(self) -> None:
        """The server welcomes this device; nothing is new."""
        await self.wire.hears(Hello)
        self.wire.answer(Welcome(v=1, sn=1, gen="g1", ts=1, uid=ME.uid, did=ME.did, name=ME.name, same=True))

    async def accept(self, pos: int) -> MsgR:
        """The server takes the next message at this position."""
        asked = await self.wire.hears(MsgR, lambda packet: not packet.probe)
        self.wire.answer(
            MsgA(conv=asked.conv, n=asked.n, pos=pos, dg=asked.dg, ts=1000 + pos, last=asked.n, ld=asked.dg)
        )
        return asked

    async def open_room(self) -> None:
        """The server says that alice and bob have a conversation: positions 1 to 3."""
        notices: tuple[Notice, ...] = (Opened("direct"), Joined(ME.uid, ME.name), Joined(BOB, "Bob"))
        self.wire.answer(
            MsgN(
                conv=CONV,
                from_=0,
                to=3,
                head=3,
                events=tuple(_notice(pos, notice) for pos, notice in enumerate(notices, 1)),
            )
        )
        await self.wire.hears(AckR, lambda packet: packet.upto >= 3)

    async def deliver(self, pos: int, said: str | Body) -> None:
        """The server pushes a message of bob's."""
        body = Text(said) if isinstance(said, str) else said
        content = pack(Content(BOB, CONV, pos.to_bytes(8, "big"), 1000 + pos, body))
        event = Event(
            pos=pos, ts=1000 + pos, uid=BOB, did=Did("88"), n=pos, dg=digest(CONV, content), suite=PLAIN,
            content=to_text(content),
        )  # fmt: skip
        self.wire.answer(MsgN(conv=CONV, from_=pos - 1, to=pos, head=pos, events=(event,)))
        await self.wire.hears(AckR, lambda packet: packet.upto >= pos)


def _notice(pos: int, notice: Notice) -> Event:
    content = pack_notice(notice)
    return Event(
        pos=pos, ts=1000 + pos, uid=ME.uid, did=SERVER_DID, n=pos, dg=digest(CONV, content), suite=SERVER,
        content=to_text(content),
    )  # fmt: skip


def text_of(packet: MsgR) -> str:
    """What a message that went out says."""
    return from_text(packet.content).decode()


async def open_app(
    folder: Path,
    *,
    joined: bool = True,
    batch_s: float = 0.0,
    settings: Settings | None = None,
    server: str | None = None,
    make: Callable[[Memory, Ladder, int], Engine] | None = None,
    media: Media | None = None,
) -> App:
    """A chat on a folder; close it with `close_app`."""
    disk = SlowDisk(folder)
    await disk.open()
    if joined:
        await disk.become(ME)
    wires: list[QueueWire] = []
    accounts = NoAccounts()
    dice = SystemDice()

    def open_wire(listener: WireListener) -> QueueWire:
        wires.append(QueueWire(listener))
        return wires[-1]

    def engine(memory: Memory, ladder: Ladder, now_ms: int) -> Engine:
        return Engine(memory, ladder, now_ms, dice.roll)

    parts = Parts(
        messages=disk, open_wire=open_wire, media=media or NoMedia(), worker=PlainWorker(), accounts=accounts,
        clock=SystemClock(), dice=dice, exports=MarkedFiles(safe_name), make=make or engine,
    )  # fmt: skip
    chat = Chat(parts, settings or Settings(), screen_batch_s=batch_s)
    app = App(chat, disk, accounts, wires)
    chat.subscribe(app.hear)
    await chat.start(server)
    return app


async def close_app(app: App) -> None:
    """Close the chat and its disk."""
    app.disk.gate.set()
    await app.chat.close()
    await app.disk.close()

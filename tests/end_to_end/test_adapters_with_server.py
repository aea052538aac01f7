"""The client's adapters against the real server: join, talk, send a file, survive a kill."""

from __future__ import annotations

import asyncio
import hashlib
import os
import secrets
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TypeVar

import pytest

from client.adapters.bundled_server import BundledServer
from client.adapters.http_accounts import HttpAccounts
from client.adapters.http_media import HttpMedia
from client.adapters.websocket_wire import WebsocketWire
from client.core.effects import DownloadFile, UploadFile
from client.core.model import Inspected, Me
from protocol.codec import Garbled, to_text
from protocol.content import Content, Text, pack
from protocol.lanes import NO_DIGEST, digest
from protocol.packets import AckA, AckN, AckR, FromServer, Hello, MsgA, MsgN, MsgR, OpenA, OpenR, Packet, Welcome
from protocol.problems import (
    DataInUse,
    InviteWrong,
    MediaUnknown,
    NameTaken,
    SignInAgain,
    TransferInterrupted,
    UnknownConversation,
)
from protocol.values import ConvId, Lid, MediaId, replace

P = TypeVar("P")
LAPSE_S = 20.0
DATA = os.urandom(9_000_000)


class Person:
    """Somebody at the end of a line: says packets and waits for packets."""

    def __init__(self, me: Me) -> None:
        self.me = me
        self.heard: list[FromServer | Garbled] = []
        self.ends: list[int] = []
        self._more = asyncio.Event()
        self.wire = WebsocketWire(self, lambda: me.token)
        self._number = 0

    def up(self, wire: int) -> None:
        self.say(Hello((1, 1), self.me.token))

    def progressed(self, wire: int) -> None:
        """Nothing here is slow."""

    def received(self, wire: int, packets: list[FromServer | Garbled]) -> None:
        self.heard += packets
        self._more.set()

    def down(self, wire: int, close: int, retry_ms: int, why: str = "") -> None:
        self.ends.append(close)
        self._more.set()

    async def dial(self) -> None:
        self._number += 1
        self.wire.connect(self._number, self.me.server)
        await self.hears(Welcome)

    def say(self, *packets: Packet) -> None:
        self.wire.send(self._number, packets)

    async def hears(self, kind: type[P]) -> P:
        """The next packet of this kind, which is then forgotten."""
        async with asyncio.timeout(LAPSE_S):
            while True:
                for place, packet in enumerate(self.heard):
                    if isinstance(packet, kind):
                        del self.heard[place]
                        return packet
                self._more.clear()
                await self._more.wait()

    async def falls(self) -> int:
        """The close code, once the line is down."""
        async with asyncio.timeout(LAPSE_S):
            while not self.ends:
                self._more.clear()
                await self._more.wait()
        return self.ends.pop()


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[BundledServer]:
    made = BundledServer(tmp_path / "server", log_file=tmp_path / "server.log")
    await made.start()
    yield made
    await made.close()


@pytest.fixture
async def accounts() -> AsyncIterator[HttpAccounts]:
    made = HttpAccounts()
    yield made
    await made.close()


@pytest.fixture
async def pair(server: BundledServer, accounts: HttpAccounts) -> AsyncIterator[tuple[Person, Person]]:
    alice = Person(await accounts.join(server.url, "Alice", await server.invite(), secrets.token_urlsafe(16)))
    invite = await accounts.invite(alice.me)
    bob = Person(await accounts.join(server.url, "Bob", invite, secrets.token_urlsafe(16)))
    yield alice, bob
    await alice.wire.close()
    await bob.wire.close()


async def conversation(alice: Person, bob: Person) -> ConvId:
    alice.say(OpenR("x" * 22, (bob.me.uid,)))
    return (await alice.hears(OpenA)).conv


def hello(me: Me, conv: ConvId) -> MsgR:
    content = pack(Content(me.uid, conv, os.urandom(8), 0, Text("hello")))
    return MsgR(conv, 1, NO_DIGEST, digest(conv, content), content=to_text(content))


async def test_joining_is_safe_to_repeat(server: BundledServer, accounts: HttpAccounts) -> None:
    invite, request = await server.invite(), secrets.token_urlsafe(16)
    first = await accounts.join(server.url, "Alice", invite, request)
    again = await accounts.join(server.url, "Alice", invite, request)

    assert (again.uid, again.did, again.name, again.server) == (first.uid, first.did, "Alice", server.url)
    with pytest.raises(InviteWrong):
        await accounts.join(server.url, "Mallory", invite, secrets.token_urlsafe(16))
    with pytest.raises(NameTaken) as taken:
        await accounts.join(server.url, "alice", await server.invite(), secrets.token_urlsafe(16))
    assert "alice" in taken.value.for_person()
    with pytest.raises(SignInAgain):
        await accounts.invite(replace(first, token="wrong"))


async def test_six_packets(pair: tuple[Person, Person]) -> None:
    alice, bob = pair
    await alice.dial()
    await bob.dial()
    conv = await conversation(alice, bob)
    alice.say(sent := hello(alice.me, conv))
    taken = await alice.hears(MsgA)
    assert (taken.n, taken.dg, taken.conv) == (1, sent.dg, conv)

    while True:
        frame = await bob.hears(MsgN)
        bob.say(AckR(frame.conv, frame.to))
        if frame.to >= taken.pos:
            break
    assert frame.events[-1].content == sent.content
    while (await bob.hears(AckA)).upto < taken.pos:
        pass
    while True:
        told = await alice.hears(AckN)
        if any(mark.by == bob.me.uid and mark.delivered >= taken.pos for mark in told.marks):
            break


async def test_a_wrong_token_is_told_by_the_close_code(pair: tuple[Person, Person]) -> None:
    stranger = Person(replace(pair[0].me, token="wrong"))
    stranger.wire.connect(0, stranger.me.server)

    assert await stranger.falls() == 4401
    await stranger.wire.close()


async def test_a_file_goes_up_and_comes_down(
    pair: tuple[Person, Person], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("client.adapters.http_media.PROGRESS_EVERY_S", 0.0)
    alice, bob = pair
    await alice.dial()
    conv = await conversation(alice, bob)
    wish = upload_of(tmp_path / "cat.bin", conv)
    sha256 = wish.found.sha256
    up = HttpMedia(lambda: alice.me.server, lambda: alice.me.token, tmp_path / "alice")
    down = HttpMedia(lambda: bob.me.server, lambda: bob.me.token, tmp_path / "bob")
    told: list[int] = []

    media = await up.upload(wish, lambda done, total: told.append(done))
    assert await up.upload(wish, lambda done, total: None) == media  # the same number, the same upload
    assert told == sorted(told)
    assert told[-1] == len(DATA)
    with pytest.raises(UnknownConversation):
        await up.upload(replace(wish, conv=ConvId("x" * 26), number=4712), lambda done, total: None)

    fetch = DownloadFile(Lid(1), media, len(DATA), sha256, "cat.bin")
    with pytest.raises(MediaUnknown):  # no message names it yet
        await down.download(fetch, lambda done, total: None)
    alice.say(replace_media(hello(alice.me, conv), media))
    await alice.hears(MsgA)

    def tear(done: int, total: int) -> None:
        if done > 2_000_000:
            raise TransferInterrupted()

    with pytest.raises(TransferInterrupted):
        await down.download(fetch, tear)
    [part] = (tmp_path / "bob").rglob("*.part")
    assert 0 < part.stat().st_size < len(DATA)
    path = await down.download(fetch, lambda done, total: None)
    assert path_hash(path) == sha256
    await up.close()
    await down.close()


def upload_of(path: Path, conv: ConvId) -> UploadFile:
    """The wish to upload a file that is made here."""
    path.write_bytes(DATA)
    found = Inspected("file", "", path.name, len(DATA), hashlib.sha256(DATA).hexdigest(), str(path))
    return UploadFile(Lid(1), conv, 4711, found, MediaId(""))


def replace_media(packet: MsgR, media: MediaId) -> MsgR:
    return MsgR(packet.conv, packet.n, packet.pd, packet.dg, content=packet.content, media=(media,))


def path_hash(path: str) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


async def test_a_torn_upload_goes_on(
    pair: tuple[Person, Person], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("client.adapters.http_media.PROGRESS_EVERY_S", 0.0)
    alice, bob = pair
    await alice.dial()
    conv = await conversation(alice, bob)
    wish = upload_of(tmp_path / "cat.bin", conv)
    media = HttpMedia(lambda: alice.me.server, lambda: alice.me.token, tmp_path / "alice")

    def tear(done: int, total: int) -> None:
        if done > 5_000_000:
            raise TransferInterrupted()

    with pytest.raises(TransferInterrupted):
        await media.upload(wish, tear)
    steps: list[int] = []
    await media.upload(wish, lambda done, total: steps.append(done))
    assert steps[0] >= 4 * 1024 * 1024
    await media.close()


async def test_one_server_a_folder(server: BundledServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("client.adapters.bundled_server.PREDECESSOR_PAUSE_S", 0.0)
    with pytest.raises(DataInUse):
        await BundledServer(tmp_path / "server").start()


async def test_a_killed_server_comes_back_at_its_address(tmp_path: Path) -> None:
    back: asyncio.Queue[str] = asyncio.Queue()
    server, accounts = BundledServer(tmp_path / "server", on_back=back.put_nowait), HttpAccounts()
    url = await server.start()
    alice = Person(await accounts.join(url, "Alice", await server.invite(), secrets.token_urlsafe(16)))
    await alice.dial()

    assert server._process is not None
    os.kill(server._process.pid, signal.SIGKILL)
    assert await alice.falls() == 0
    async with asyncio.timeout(LAPSE_S):
        assert await back.get() == url
    await alice.dial()

    await alice.wire.close()
    await accounts.close()
    async with asyncio.timeout(2):
        await server.close()

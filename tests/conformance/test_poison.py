"""Poison (P-81): what nobody can read is kept, acknowledged and shown as such, and never stops a conversation.

Through two whole clients and a server, on real stores. An update of the program reads again what it knows now.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from client.adapters import sqlite_messages
from client.adapters.sqlite_messages import SqliteMessages
from client.adapters.sqlite_rows import read_page
from client.adapters.sqlite_saves import Saver
from client.core.effects import SaveArrived
from client.core.events import Compose
from client.core.model import Bubble, Me, State
from protocol import content as language
from protocol.codec import to_text
from protocol.content import PLAIN, Attachment, Content, Edit, File, Notice, Opened, Part, Picture, Text, Titled, pack
from protocol.lanes import digest
from protocol.packets import AckR, Event, OfflineAckR, Relation
from protocol.problems import StoreFailed
from protocol.values import ConvId, Did, Lid, MediaId, Uid
from tests.conformance.scene import Scene
from tests.conformance.script import Script
from tests.simulation.schedule import _listening

ALICE, BOB = Uid("alice"), Uid("bob")
CONV = ConvId("c7")
NOISE = bytes(range(256)) * 255


def envelope(author: str, conv: str, body: str) -> bytes:
    return f'{{"author":"{author}","conv":"{conv}","nonce":"MTIzNDU2Nzg=","at_ms":1,"body":{body}}}'.encode()


def poisons(conv: ConvId) -> dict[str, bytes]:
    """Content that no version can read, or none of today."""
    text = '{"kind":"text","text":"a"}'
    return {
        "noise of 64 KiB": NOISE,
        "nothing but depth": b"[" * 30_000 + b"]" * 30_000,
        "no JSON": b"\xff\xfe\x00",
        "half a character": envelope("alice", conv, '{"kind":"text","text":"\\ud800"}'),
        "an unknown kind": envelope("alice", conv, '{"kind":"hologram","depth":3}'),
        "another author": envelope("bob", conv, text),
        "another conversation": envelope("alice", "elsewhere", text),
        "a time beyond all numbers": envelope("alice", conv, text).replace(b'"at_ms":1', b'"at_ms":1e999'),
        "a wrong type": envelope("alice", conv, '{"kind":"text","text":[1]}'),
        "what only the server says": b'{"kind":"left","uid":"alice"}',
    }


def sends(scene: Scene, content: bytes) -> None:
    """A client of somebody else's making: this content, as it is."""
    alice = scene.programs["alice"]
    assert alice.me is not None
    scene.watch.spoken(alice.me, scene.conv, content)
    lid, alice.next_lid = Lid(alice.next_lid), Lid(alice.next_lid + 1)
    alice.wish(Compose(lid, scene.conv, content, digest(scene.conv, content), scene.world.now_ms()))


def page(scene: Scene) -> list[Bubble]:
    """What bob's screen shows of what people wrote."""
    bubbles = read_page(scene.disks["bob"].db, scene.conv, None, None, 100)
    return [bubble for bubble in bubbles if bubble.uid == ALICE and not isinstance(bubble.body, Notice)]


def shown(scene: Scene) -> list[str]:
    return [bubble.body.text if isinstance(bubble.body, Text) else bubble.state.word for bubble in page(scene)]


def upto(scene: Scene) -> int:
    """How far bob has acknowledged."""
    (cursor,) = scene.server_disk.db.execute(
        "select upto from cursor where conv = ? and did = 200", (scene.conv,)
    ).fetchone()
    return int(cursor)


@pytest.mark.parametrize("recipient", ["online", "offline"])
def test_nothing_that_cannot_be_read_stops_a_conversation(recipient: Any) -> None:
    scene = Scene(Script(), recipient)
    scene.begin()
    with _listening(scene.world):
        scene.say(1)
        for content in poisons(scene.conv).values():
            sends(scene, content)
        scene.say(1)
        scene.pass_s(5.0)
        if recipient == "offline":
            scene.start("bob")
        scene.pass_s(60.0)

        kinds = ["unreadable"] * len(poisons(scene.conv))
        assert shown(scene) == ["words 1", *kinds, "words 2"]
        (head,) = scene.server_disk.db.execute("select head from conv where conv = ?", (scene.conv,)).fetchone()
        assert upto(scene) == head, "what cannot be read is acknowledged like anything else"
        assert {climb[-1] for climb in scene.climbs.values()} == {State.DELIVERED}
        (raw,) = scene.disks["bob"].db.execute("select count(*) from raw").fetchone()
        assert raw == len(kinds)


def test_a_suite_of_the_future_stops_nothing() -> None:
    scene = Scene(Script(), "offline")
    scene.begin()
    with _listening(scene.world):
        scene.say(3)
        scene.pass_s(5.0)
        place = "(select pos from log where did <> 0 order by pos limit 1 offset 1)"
        scene.server_disk.db.execute(f"update log set suite = 'mls1' where pos = {place}")
        scene.start("bob")
        scene.pass_s(60.0)

        assert shown(scene) == ["words 1", "unreadable", "words 3"]
        assert {climb[-1] for climb in scene.climbs.values()} == {State.DELIVERED}


def test_only_a_disk_that_fails_withholds_the_acknowledgement() -> None:
    """5, 10, 20 s: and when the disk takes it, everything is there, once and in order."""
    scene = Scene(Script())
    scene.begin()
    bob = scene.programs["bob"]
    disk, fails = scene.disks["bob"], [True]
    honest = disk._on_thread

    async def on_thread(work: Any) -> Any:
        if fails[0]:
            raise StoreFailed()
        return await honest(work)

    disk._on_thread = on_thread  # type: ignore[method-assign]
    before = upto(scene)
    scene.say(2)
    scene.pass_s(30.0)
    acks = [
        packet for _, who, _, packet in scene.network.said if who == "bob" and isinstance(packet, AckR | OfflineAckR)
    ]
    assert [ack for ack in acks if ack.upto > before] == []
    assert upto(scene) == before
    assert bob.line.code == "store_failed"
    assert [climb[-1] for climb in scene.climbs.values()] == [State.STORED] * 2

    fails[0] = False
    scene.pass_s(60.0)
    assert shown(scene) == ["words 1", "words 2"]
    assert {climb[-1] for climb in scene.climbs.values()} == {State.DELIVERED}


# ---------------------------------------------------------------------------------- after an update


class OldContent(Part, frozen=True):
    """The envelope as a version before this one knew it: words and pictures, and no changes."""

    author: Uid
    conv: ConvId
    nonce: bytes
    at_ms: int
    body: Text | Picture


def event_of(pos: int, body: Any, rel: Relation | None = None) -> Event:
    content = pack(Content(ALICE, CONV, pos.to_bytes(8, "big"), 100 + pos, body))
    dg = digest(CONV, content)
    return Event(pos, 1_000 + pos, ALICE, Did("100"), pos, dg, PLAIN, to_text(content), rel=rel)


def arrived(*events: Event) -> SaveArrived:
    return SaveArrived(CONV, events, (), events[-1].pos, events[-1].pos)


@contextmanager
def an_older_program(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setattr(language, "_content", msgspec.json.Decoder(OldContent))
        patch.setattr(language, "_notice", msgspec.json.Decoder(Opened))
        patch.setattr(sqlite_messages, "languages", lambda: "older")
        yield


async def opened(folder: Path) -> SqliteMessages:
    messages = SqliteMessages(folder)
    await messages.open()
    return messages


async def test_an_event_that_we_stumble_over_is_kept_unread_and_what_is_behind_it_arrives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A mistake of ours over one event; a version without the mistake reads it again."""
    honest, stone = Saver._event, event_of(2, Text("stone"))

    def falls(self: Saver, conv: ConvId, event: Event) -> None:
        honest(self, conv, event)
        if event.dg == stone.dg:
            raise KeyError("planted")

    messages = await opened(tmp_path)
    await messages.become(Me(BOB, Did("200"), "Bob", "token", "http://h"))
    with monkeypatch.context() as patch:
        patch.setattr(Saver, "_event", falls)
        await messages.save([arrived(event_of(1, Text("before")), stone, event_of(3, Text("behind")))])
    seen = await messages.page(CONV)
    assert [bubble.body for bubble in seen] == [Text("before"), None, Text("behind")]
    assert [bubble.state for bubble in seen] == [State.RECEIVED, State.UNREADABLE, State.RECEIVED]
    assert (await messages.load()).rooms[0].cursor == 3
    assert "position 2 of a conversation is kept unread" in caplog.text
    await messages.close()

    monkeypatch.setattr(sqlite_messages, "languages", lambda: "newer")
    messages = await opened(tmp_path)
    assert [bubble.body for bubble in await messages.page(CONV)] == [Text("before"), Text("stone"), Text("behind")]
    await messages.close()


async def test_a_disk_that_fails_over_one_event_keeps_nothing_of_the_frame(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Saver, conv: ConvId, event: Event) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    messages = await opened(tmp_path)
    await messages.become(Me(BOB, Did("200"), "Bob", "token", "http://h"))
    with monkeypatch.context() as patch:
        patch.setattr(Saver, "_event", full)
        with pytest.raises(StoreFailed):
            await messages.save([arrived(event_of(1, Text("a")))])
    assert await messages.page(CONV) == []
    await messages.close()


async def test_after_an_update_what_is_known_now_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = File(Attachment(MediaId("m1"), "a.pdf", "application/pdf", 5, "a" * 64))
    words = event_of(1, Text("old words"))
    edit = event_of(3, Edit(words.dg, "new words"), Relation("edit", 1))
    notice = msgspec.structs.replace(
        words, pos=4, did=Did("0"), dg="", suite="server1", content=to_text(language.pack_notice(Titled("Team")))
    )
    never = msgspec.structs.replace(event_of(5, Text("sealed")), suite="mls1")
    with an_older_program(monkeypatch):
        messages = await opened(tmp_path)
        await messages.become(Me(BOB, Did("200"), "Bob", "token", "http://h"))
        await messages.save([arrived(words, event_of(2, file), edit, notice, never)])
        before = await messages.page(CONV)
        await messages.close()
    assert [bubble.state for bubble in before] == [State.RECEIVED, *[State.UNREADABLE] * (len(before) - 1)]

    messages = await opened(tmp_path)
    after = await messages.page(CONV)
    assert [bubble.body for bubble in after] == [Text("new words"), file, Titled("Team"), None]
    assert [bubble.pos for bubble in after] == [1, 2, 4, 5]
    assert [bubble.at_ms for bubble in after][:2] == [101, 102]
    assert {bubble.lid for bubble in after} <= {bubble.lid for bubble in before}
    assert after[-1].state is State.UNREADABLE
    assert await messages._rows("select pos from raw") == [(5,)]
    await messages.close()


async def test_the_quarantine_is_looked_at_once_an_update(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[int] = []
    monkeypatch.setattr(Saver, "read_again", lambda self: looked.append(1))
    for _ in range(3):
        await (await opened(tmp_path)).close()
    assert looked == [1]


async def test_a_row_of_the_quarantine_that_is_damaged_stops_no_start(tmp_path: Path) -> None:
    messages = await opened(tmp_path)
    await messages.become(Me(BOB, Did("200"), "Bob", "token", "http://h"))
    await messages.save([arrived(msgspec.structs.replace(event_of(1, Text("a")), suite="mls1"))])
    await messages.close()
    with sqlite3.connect(tmp_path / "messages.db") as db:
        db.execute("update raw set bytes = x'ff'")
        db.execute("update setting set value = 'older'")
    db.close()

    messages = await opened(tmp_path)
    (bubble,) = await messages.page(CONV)
    assert bubble.state is State.UNREADABLE
    await messages.close()

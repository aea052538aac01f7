"""The same adapters on the application's own event loop, in Qt's thread."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from pathlib import Path

from PySide6.QtWidgets import QApplication

from client.adapters.bundled_server import BundledServer
from client.adapters.http_accounts import HttpAccounts
from client.adapters.http_media import HttpMedia
from client.adapters.sqlite_messages import SqliteMessages
from client.core.effects import SaveRead, UploadFile
from client.core.model import Inspected
from client.ui.chatloop import ChatLoop
from protocol.packets import Ping, Pong
from protocol.values import ConvId, Lid, MediaId
from tests.end_to_end.test_adapters_with_server import Person, conversation


async def everything(folder: Path) -> list[str]:
    """Use each adapter once; return what was done."""
    done: list[str] = []
    server, accounts = BundledServer(folder / "server"), HttpAccounts()
    url = await server.start()
    me = await accounts.join(url, "Alice", await server.invite(), secrets.token_urlsafe(16))
    other = await accounts.join(url, "Bob", await accounts.invite(me), secrets.token_urlsafe(16))
    done.append("joined")
    alice, bob = Person(me), Person(other)
    await alice.dial()
    alice.say(Ping("AAAAAAAAAAA"))
    assert (await alice.hears(Pong)).x == "AAAAAAAAAAA"
    conv = await conversation(alice, bob)
    done.append("talked")
    media = HttpMedia(lambda: url, lambda: me.token, folder / "cache")
    data = secrets.token_bytes(300_000)
    await asyncio.to_thread((folder / "file").write_bytes, data)
    found = Inspected("file", "", "file", len(data), hashlib.sha256(data).hexdigest(), str(folder / "file"))
    await media.upload(UploadFile(Lid(1), conv, 1, found, MediaId("")), lambda so_far, total: None)
    done.append("uploaded")
    messages = SqliteMessages(folder / "profile")
    await messages.open()
    await messages.become(me)
    await messages.save([SaveRead(ConvId("c"), 3)])
    done.append(f"read up to {(await messages.load()).rooms[0].read_upto}")
    for part in (messages, media, alice.wire, accounts, server):
        await part.close()
    assert alice.ends == [1000]
    return done


def test_they_work_on_the_application_s_loop(qapp: QApplication, tmp_path: Path) -> None:
    loop = ChatLoop(qapp)
    asyncio.set_event_loop(loop)
    try:
        with loop:
            assert loop.run_until_complete(everything(tmp_path)) == [
                "joined", "talked", "uploaded", "read up to 3",
            ]  # fmt: skip
    finally:
        asyncio.set_event_loop(None)

"""A hostile sender, an honest server, a person who clicks on everything: all stay up, and each bubble says why not."""

from __future__ import annotations

import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from client.harness import puppet as puppets
from client.harness.puppet import Puppet
from tests.client.worker.talk import ROOT
from tests.end_to_end.processes import Server
from tests.hostile.corpus import Hostile, corpus

SENT = (
    "a png of 30000 x 30000", "a gif of 65535 x 65535", "a jpeg that is only its start", "a film without its index",
    "a gif that is an archive", "a film that is a document", "a list (hls) named .wav", "a list (concat) named .mp4",
    "a list (sdp) named .mp4", "a film whose data is at another place", "an svg with entities", "ten hours of silence",
    "a program named as a picture",
)  # fmt: skip


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    server = Server(tmp_path / "server")
    await server.start()
    yield server
    await server.kill()


@pytest.fixture
async def people(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Puppet, Puppet]]:
    mallory, bob = (Puppet(name, tmp_path / name, server.url) for name in ("mallory", "bob"))
    try:
        await bob.start(invite=await server.invite())
        liar = [sys.executable, "-m", "tests.hostile.liar"]
        monkeypatch.setattr(puppets, "client_command", lambda *words: [*liar, *words])
        monkeypatch.chdir(ROOT)
        await mallory.start(invite=(await bob.wish("invite"))["invite"])
        yield mallory, bob
    finally:
        await mallory.kill()
        await bob.kill()


@pytest.mark.timeout(180)
async def test_each_bubble_is_a_plain_file_that_says_why(
    server: Server, people: tuple[Puppet, Puppet], tmp_path: Path
) -> None:
    mallory, bob = people
    (tmp_path / "corpus").mkdir()
    with socket.create_server(("127.0.0.1", 0)) as canary:
        canary.setblocking(False)
        known = {one.what: one for one in corpus(tmp_path / "corpus", canary.getsockname()[1])}
        for what in SENT:
            await _sent_and_clicked(mallory, bob, known[what])
        with pytest.raises(BlockingIOError):
            canary.accept()

    photo = Hostile("a photo", ROOT / "resources" / "samples" / "photo.jpg", "picture")
    await _sent_and_clicked(mallory, bob, photo)
    assert server.running
    assert bob.running


async def _sent_and_clicked(mallory: Puppet, bob: Puppet, one: Hostile) -> None:
    wish = {"to": "bob", "path": str(one.path), "kind": one.claimed}
    sent = (await mallory.wish("send", **wish))["lid"]
    await mallory.state(sent, "delivered")
    page = await bob.wish("history", **{"with": "mallory", "limit": 1000})
    bubble = page["bubbles"][-1]
    assert (bubble["kind"], "path" in bubble) == (one.claimed, False), one.what

    await bob.wish("fetch", lid=bubble["lid"])
    here = await bob.until(lambda line: line["event"] == "bubble" and line["lid"] == bubble["lid"] and "path" in line)
    if one.why:
        assert here["kind"] == "file", one.what
        assert here["why"] in one.why, (one.what, here["why"])
    else:
        assert (here["kind"], here.get("why")) == (one.claimed, None), one.what

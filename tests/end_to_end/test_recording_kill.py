"""The window is killed in the middle of a recording: started again it has the recording, in its conversation."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import subprocess
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest

from client.harness.puppet import Puppet
from tests.end_to_end.processes import Server, killed

WITHIN_S = 50.0
LOST_MS_MAX = 2000

pytestmark = pytest.mark.timeout(120)


@asynccontextmanager
async def window(folder: Path, do: str, kind: str) -> AsyncIterator[Process]:
    """alice's window, without a screen. It ends with this block."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.end_to_end.recording_window", str(folder), "alice", do, kind,
        stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env=os.environ | {"QT_QPA_PLATFORM": "offscreen"},
    )  # fmt: skip
    try:
        async with asyncio.timeout(WITHIN_S):
            yield process
    finally:
        await killed(process)


async def told(process: Process) -> dict[str, Any]:
    """The next line."""
    assert process.stdout is not None
    line = await process.stdout.readline()
    assert line, "the window ended"
    return dict(json.loads(line))


async def talk(alice: Puppet, bob: Puppet) -> None:
    """They have a conversation, and alice leaves her profile to her window."""
    await alice.state((await alice.wish("say", to="bob", text="hello"))["lid"], "delivered")
    assert await alice.quit() == 0


@pytest.mark.parametrize("kind", ["voice", "video"])
async def test_a_killed_recording_waits_in_its_conversation_and_can_be_sent(
    server: Server, alice: Puppet, bob: Puppet, tmp_path: Path, kind: str
) -> None:
    await talk(alice, bob)
    async with window(tmp_path, "record", kind) as process:
        recorded_ms = 0
        while recorded_ms < 2500:
            recorded_ms = (await told(process))["recorded_ms"]
        process.kill()
        await process.wait()

    async with window(tmp_path, "send", kind) as process:
        found = await told(process)
        assert found["face"] == "draft"
        assert f"Draft: {kind} 0:0" in found["row"]
        assert recorded_ms - LOST_MS_MAX <= found["recorded_ms"] <= recorded_ms + 1000
        assert found["levels"] == found["recorded_ms"] // 100

        heard = await bob.until(lambda line: line["event"] == "bubble" and line.get("kind") == kind)
        lid = heard["lid"]
        await bob.wish("fetch", lid=lid)
        fetched = await bob.until(lambda line: line["event"] == "bubble" and line["lid"] == lid and "path" in line)
        assert process.stdin is not None
        process.stdin.write(b"\n")
        assert await process.wait() == 0

    file, extra = said(tmp_path / "bob", lid)
    assert extra.get("note", False) == (kind == "video"), "it is a video note, not a film"
    assert bool(file.get("waveform")) == (kind == "voice")
    assert bool(file.get("preview")) == (kind == "video")
    streams = probe(fetched["path"])
    assert abs(float(streams["format"]["duration"]) * 1000 - found["recorded_ms"]) <= 100
    codecs = {stream["codec_type"]: stream["codec_name"] for stream in streams["streams"]}
    assert codecs == ({"audio": "opus"} if kind == "voice" else {"video": "h264", "audio": "aac"})
    assert not [path for path in (tmp_path / "alice" / "recordings").iterdir() if path.is_dir()]


def said(profile: Path, lid: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the message says of its file, and the rest of it."""
    with closing(sqlite3.connect(f"file:{profile / 'messages.db'}?mode=ro", uri=True)) as db:
        (content,) = db.execute("select content from bubble where lid = ?", (lid,)).fetchone()
    body = json.loads(content)["body"]
    return body["file"], body


def probe(path: str) -> dict[str, Any]:
    told = subprocess.run(
        ["ffprobe", "-v", "error", "-show_format", "-show_streams", "-of", "json", path],
        capture_output=True, check=True,
    ).stdout  # fmt: skip
    return dict(json.loads(told))

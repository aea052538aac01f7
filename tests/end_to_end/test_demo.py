"""The demo, as a person starts it."""

from __future__ import annotations

import json
import os
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

from client.core.journey import PACKETS
from client.programs import client_command
from tests.end_to_end.processes import ran


async def demo(*options: str, **env: str) -> tuple[int, str]:
    code, out, _ = await ran(*client_command("demo", *options), stdout=PIPE, env=os.environ | env)
    return code, out.decode("utf-8")


@pytest.mark.timeout(120)
async def test_every_message_has_six_packets_and_every_file_arrives(tmp_path: Path) -> None:
    code, out = await demo("--json", "--keep", str(tmp_path / "demo"))
    report = json.loads(out)
    assert (code, report["good"], report["problems"]) == (0, True, [])
    assert [message["kind"] for message in report["messages"]] == ["text", "picture", "voice", "video", "file"]
    for message in report["messages"]:
        seen = {
            line["packet"].replace("offlineack", "ack").replace("offline:A", "msg:N") for line in message["packets"]
        }
        assert set(PACKETS) <= seen
        assert message["copies"] == 1
    assert "stored" in report["messages"][-1]["states"]
    assert (tmp_path / "demo" / "bob" / "media").is_dir()


@pytest.mark.timeout(120)
async def test_it_is_readable_where_nothing_but_text_is_known() -> None:
    code, out = await demo(NO_COLOR="1", PYTHONIOENCODING="utf-8", TERM="dumb")
    assert code == 0
    assert "\x1b" not in out
    assert out.count("━━━━━━━") == 30
    assert "5 of 5 messages arrived exactly once, in order, every file whole" in out

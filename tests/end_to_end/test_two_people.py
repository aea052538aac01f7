"""Two headless people on one server: all five kinds, absence, cancelling, sending again."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from client.harness.puppet import Puppet
from protocol.problems import Problem
from tests.end_to_end.processes import Server

SAMPLES = Path(__file__).resolve().parents[2] / "resources" / "samples"
KINDS = ("text", "picture", "voice", "video", "file")


async def said(puppet: Puppet, other: str) -> list[dict[str, Any]]:
    """What stands in the conversation, without the server's notices."""
    page = await puppet.wish("history", **{"with": other, "limit": 1000})
    return [bubble for bubble in page["bubbles"] if bubble["kind"] in KINDS]


async def texts(puppet: Puppet, other: str) -> list[str]:
    return [bubble["text"] for bubble in await said(puppet, other)]


async def test_words_arrive_with_six_packets(alice: Puppet, bob: Puppet) -> None:
    hello = (await alice.wish("say", to="BOB", text="hello 既济"))["lid"]
    await alice.state(hello, "delivered")

    assert await texts(bob, "alice") == ["hello 既济"]
    sent = [seen["packet"] for seen in (await alice.wish("trace", lid=hello))["packets"]]
    assert [name for name in ("msg:R", "msg:A", "ack:N") if name in sent] == ["msg:R", "msg:A", "ack:N"]
    got = (await said(bob, "alice"))[0]["lid"]
    names = {seen["packet"].replace("offlineack", "ack") for seen in (await bob.wish("trace", lid=got))["packets"]}
    assert {"ack:R", "ack:A"} <= names
    assert names & {"msg:N", "offline:A"}


async def test_reading_is_told(alice: Puppet, bob: Puppet) -> None:
    hello = (await alice.wish("say", to="bob", text="read me"))["lid"]
    await alice.state(hello, "delivered")
    bubble = (await said(bob, "alice"))[0]
    await bob.wish("read", conv=bubble["conv"], upto=bubble["pos"])
    await alice.state(hello, "read")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("photo.jpg", "picture"),
        ("voice.ogg", "voice"),
        ("video.mp4", "video"),
        ("notes.pdf", "file"),
        ("既济.txt", "file"),
    ],
)
async def test_a_file_is_shown_at_once_and_comes_on_a_click(alice: Puppet, bob: Puppet, name: str, kind: str) -> None:
    sent = (await alice.wish("send", to="bob", path=str(SAMPLES / name), kind="auto"))["lid"]
    await alice.state(sent, "delivered")

    bubble = (await said(bob, "alice"))[0]
    assert (bubble["kind"], bubble["file"]["name"]) == (kind, name)
    assert "path" not in bubble
    assert (bubble["file"].get("preview_bytes", 0) > 0) == (kind in ("picture", "video"))
    assert (bubble["file"].get("waveform_bytes", 0) > 0) == (kind == "voice")

    await bob.wish("fetch", lid=bubble["lid"])
    here = await bob.until(lambda line: line["event"] == "bubble" and line["lid"] == bubble["lid"] and "path" in line)
    data = Path(here["path"]).read_bytes()
    assert hashlib.sha256(data).hexdigest() == bubble["file"]["sha256"]
    assert len(data) == bubble["file"]["size_bytes"]


async def test_who_is_away_gets_it_later(alice: Puppet, bob: Puppet) -> None:
    await alice.state((await alice.wish("say", to="bob", text="one"))["lid"], "delivered")
    assert await bob.quit() == 0

    late = (await alice.wish("say", to="bob", text="two"))["lid"]
    await alice.state(late, "stored")
    await bob.start()
    await alice.state(late, "delivered")
    assert await texts(bob, "alice") == ["one", "two"]


async def test_what_is_written_without_a_server_goes_out_when_it_is_back(
    server: Server, alice: Puppet, bob: Puppet
) -> None:
    await alice.state((await alice.wish("say", to="bob", text="before"))["lid"], "delivered")
    await server.kill()
    waiting = (await alice.wish("say", to="bob", text="meanwhile"))["lid"]
    assert await alice.state(waiting, "queued", "sending") in ("queued", "sending")

    await server.start()
    await alice.wish("connect")
    await bob.wish("connect")
    await alice.state(waiting, "delivered")
    assert await texts(bob, "alice") == ["before", "meanwhile"]


async def test_a_cancelled_message_is_never_seen(server: Server, alice: Puppet, bob: Puppet) -> None:
    await alice.state((await alice.wish("say", to="bob", text="before"))["lid"], "delivered")
    await server.kill()
    regretted = (await alice.wish("say", to="bob", text="regretted"))["lid"]
    kept = (await alice.wish("say", to="bob", text="kept"))["lid"]
    await alice.wish("cancel", lid=regretted)

    await server.start()
    await alice.wish("connect")
    await bob.wish("connect")
    await alice.state(regretted, "cancelled")
    await alice.state(kept, "delivered")
    assert await texts(bob, "alice") == ["before", "kept"]

    again = (await alice.wish("resend", lid=regretted))["lid"]
    assert again != regretted
    await alice.state(again, "delivered")
    assert await texts(bob, "alice") == ["before", "kept", "regretted"]


async def test_too_late_to_cancel_is_said(alice: Puppet, bob: Puppet) -> None:
    hello = (await alice.wish("say", to="bob", text="hello"))["lid"]
    await alice.state(hello, "delivered")
    with pytest.raises(Problem) as refusal:
        await alice.wish("cancel", lid=hello)
    assert refusal.value.code == "not_possible_now"


async def test_asking_the_server_first(alice: Puppet, bob: Puppet) -> None:
    hello = (await alice.wish("say", to="bob", text="hello"))["lid"]
    await alice.state(hello, "delivered")
    assert (await alice.wish("status", lid=hello))["found"] == "delivered"


async def test_a_group_gets_each_message_once(server: Server, alice: Puppet, bob: Puppet, tmp_path: Path) -> None:
    carol = Puppet("carol", tmp_path / "carol", server.url)
    await carol.start(invite=await server.invite())
    try:
        for name in ("bob", "carol"):
            await alice.wish("open", **{"with": name})
        conv = (await alice.wish("open", title="三人行", members=["bob", "carol"]))["conv"]
        hello = (await alice.wish("say", conv=conv, text="hello both"))["lid"]
        for reader in (bob, carol):
            await reader.until(lambda line: line["event"] == "bubble" and line.get("text") == "hello both")
        await alice.until(
            lambda line: line["event"] == "state" and line["lid"] == hello and line.get("delivered_to") == 2
        )
        entry = next(chat for chat in (await bob.wish("chats"))["chats"] if chat["conv"] == conv)
        assert (entry["form"], entry["title"], len(entry["members"])) == ("group", "三人行", 3)
    finally:
        await carol.kill()


async def test_quick_messages_stay_in_order(alice: Puppet, bob: Puppet) -> None:
    answers = [alice.send_wish("say", to="bob", text=f"message {number}") for number in range(200)]
    lids = [(await answer)["lid"] for answer in answers]
    await alice.state(lids[-1], "delivered")
    assert await texts(bob, "alice") == [f"message {number}" for number in range(200)]

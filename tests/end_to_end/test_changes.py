"""Edits, recalls, reactions, answers and forwarding between headless people on one server."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from client.harness.puppet import Line, Puppet
from protocol.problems import Problem
from tests.end_to_end.processes import Server

SAMPLES = Path(__file__).resolve().parents[2] / "resources" / "samples"


@pytest.fixture
async def carol(server: Server, tmp_path: Path) -> AsyncIterator[Puppet]:
    carol = Puppet("carol", tmp_path / "carol", server.url)
    await carol.start(invite=await server.invite())
    yield carol
    await carol.kill()


async def shows(puppet: Puppet, **wanted: object) -> Line:
    """Wait until a bubble was told with these fields; a field that is None is not there."""
    return await puppet.until(
        lambda line: line["event"] == "bubble" and all(line.get(name) == value for name, value in wanted.items())
    )


async def settled(puppet: Puppet, lid: int, **wanted: object) -> Line:
    """The same for one bubble whose changes the server has taken."""
    return await shows(puppet, lid=lid, change=None, **wanted)


async def said(puppet: Puppet, conv: str) -> list[dict[str, Any]]:
    page = await puppet.wish("history", conv=conv, limit=1000)
    return [bubble for bubble in page["bubbles"] if "notice" not in bubble]


async def unread(puppet: Puppet, conv: str) -> int:
    chats = (await puppet.wish("chats"))["chats"]
    return int(next(chat["unread"] for chat in chats if chat["conv"] == conv))


async def test_what_was_said_is_said_otherwise(alice: Puppet, bob: Puppet) -> None:
    lid = (await alice.wish("say", to="bob", text="helo"))["lid"]
    got = await shows(bob, text="helo")
    await alice.state(lid, "delivered")

    await alice.wish("edit", lid=lid, text="hello")
    assert (await settled(alice, lid, edited=True))["text"] == "hello"
    there = await shows(bob, lid=got["lid"], text="hello", edited=True)
    assert [bubble["text"] for bubble in await said(bob, there["conv"])] == ["hello"]
    versions = (await bob.wish("versions", lid=got["lid"]))["versions"]
    assert [version["text"] for version in versions] == ["helo", "hello"]
    assert await unread(bob, there["conv"]) == 1
    assert [line["uids"] for line in bob.heard if line["event"] == "new"] == [[there["uid"]]]
    with pytest.raises(Problem) as refusal:
        await bob.wish("edit", lid=got["lid"], text="I never said that")
    assert refusal.value.code == "not_possible_now"


async def test_what_was_said_is_taken_back_everywhere(alice: Puppet, bob: Puppet) -> None:
    """Also for who was away, and whose copy was never here before."""
    lid = (await alice.wish("say", to="bob", text="a secret"))["lid"]
    got = await shows(bob, text="a secret")
    await alice.state(lid, "delivered")
    assert await bob.quit() == 0
    late = (await alice.wish("send", to="bob", path=str(SAMPLES / "photo.jpg")))["lid"]
    await alice.state(late, "accepted", "stored")

    for each in (lid, late):
        await alice.wish("recall", lid=each)
        gone = await settled(alice, each, kind="recalled")
        assert "text" not in gone
        assert "file" not in gone
    await bob.start()
    assert await shows(bob, lid=got["lid"], recalled=True)
    await alice.wish("say", to="bob", text="the end")
    await shows(bob, text="the end")
    page = await said(bob, got["conv"])
    assert "a secret" not in str(page)
    assert [bubble["kind"] for bubble in page if bubble["kind"] != "recalled"] == ["text"]
    assert await unread(bob, got["conv"]) == 1
    await bob.quit()
    assert not any(b"a secret" in path.read_bytes() for path in bob.data_dir.glob("messages.db*"))


def _shows_reaction(lid: int, emoji: str, line: Line) -> bool:
    reactions = line.get("reactions", ()) if line["event"] == "bubble" and line["lid"] == lid else ()
    return any(each["emoji"] == emoji for each in reactions)


async def test_a_group_reacts(alice: Puppet, bob: Puppet, carol: Puppet) -> None:
    for name in ("bob", "carol"):
        await alice.wish("open", **{"with": name})
    conv = (await alice.wish("open", title="三人行", members=["bob", "carol"]))["conv"]
    lid = (await alice.wish("say", conv=conv, text="lunch?"))["lid"]
    uids = {}
    for puppet, emoji in ((bob, "👍"), (carol, "👍🏽"), (carol, "👍")):
        got = await shows(puppet, text="lunch?")
        await puppet.wish("react", lid=got["lid"], emoji=emoji)
        await settled(puppet, got["lid"])
        uids[puppet.name] = (await shows(puppet, mine=False))["uid"]
        await alice.until(partial(_shows_reaction, lid, emoji))
    both = await alice.until(
        lambda line: (
            line["event"] == "bubble"
            and line["lid"] == lid
            and [(each["emoji"], len(each["uids"])) for each in line.get("reactions", ())] == [("👍", 2)]
        )
    )
    assert both["text"] == "lunch?"
    assert await unread(alice, conv) == 0
    got = await shows(carol, text="lunch?")
    await carol.wish("react", lid=got["lid"], emoji="")
    await bob.until(
        lambda line: line["event"] == "bubble" and [len(each["uids"]) for each in line.get("reactions", ())] == [1]
    )
    assert len(await said(bob, conv)) == 1


async def test_answers_name_what_they_answer(alice: Puppet, bob: Puppet) -> None:
    await alice.wish("say", to="bob", text="tea or coffee?\nsay it soon")
    question = await shows(bob, text="tea or coffee?\nsay it soon")
    await bob.wish(
        "say", conv=question["conv"], text="tea, @alice", reply_to=question["lid"],
        mentions=[{"uid": question["uid"], "start": 5, "length": 6}],
    )  # fmt: skip
    answer = await shows(alice, text="tea, @alice")
    asked = next(bubble for bubble in await said(alice, answer["conv"]) if bubble["mine"])
    assert answer["reply"] == {
        "uid": question["uid"], "kind": "text", "quote": "tea or coffee? say it soon", "lid": asked["lid"],
    }  # fmt: skip
    assert answer["mentions"] == [{"uid": question["uid"], "start": 5, "length": 6}]


async def test_words_and_files_are_passed_on(alice: Puppet, bob: Puppet, carol: Puppet) -> None:
    """P-75: the file is not sent again, and who gets it may fetch it."""
    await alice.wish("say", to="bob", text="look")
    sent = (await alice.wish("send", to="bob", path=str(SAMPLES / "photo.jpg"), caption="the sea"))["lid"]
    await alice.state(sent, "delivered")
    words, photo = await shows(bob, text="look"), await shows(bob, kind="picture")

    lids = (await bob.wish("forward", lids=[photo["lid"], words["lid"]], to="carol"))["lids"]
    for lid in lids:
        await bob.state(lid, "delivered")
    here = [await shows(carol, text="look"), await shows(carol, kind="picture", caption="the sea")]
    assert [bubble["forward"] for bubble in here] == [{"uid": words["uid"], "name": "alice"}] * 2
    assert here[1]["file"]["media"] != photo["file"]["media"]
    await carol.wish("fetch", lid=here[1]["lid"])
    path = (await carol.until(lambda line: line["event"] == "bubble" and "path" in line))["path"]
    assert hashlib.sha256(Path(path).read_bytes()).hexdigest() == photo["file"]["sha256"]


async def test_what_waits_is_written_anew_in_its_place(server: Server, alice: Puppet, bob: Puppet) -> None:
    await alice.state((await alice.wish("say", to="bob", text="before"))["lid"], "delivered")
    await server.kill()
    lid = (await alice.wish("say", to="bob", text="a mistake"))["lid"]
    assert (await alice.wish("edit", lid=lid, text="as it should be"))["change"] == lid
    await shows(alice, lid=lid, text="as it should be")
    unsure = (await alice.wish("say", to="bob", text="never mind"))["lid"]
    await alice.wish("recall", lid=unsure)

    await alice.kill()
    await server.start()
    await alice.start()
    await bob.wish("connect")
    await alice.state(lid, "delivered")
    got = await shows(bob, text="as it should be")
    assert "edited" not in got
    assert [bubble["text"] for bubble in await said(bob, got["conv"])] == ["before", "as it should be"]


async def test_changes_wait_for_a_line_like_messages(server: Server, alice: Puppet, bob: Puppet) -> None:
    lid = (await alice.wish("say", to="bob", text="one"))["lid"]
    await alice.state(lid, "delivered")
    got = await shows(bob, text="one")
    await server.kill()
    await alice.wish("edit", lid=lid, text="two")
    waiting = await shows(alice, lid=lid, text="two", edited=True)
    assert waiting["change"]["state"] in ("queued", "sending")
    await bob.wish("react", lid=got["lid"], emoji="❤️")

    await server.start()
    await alice.wish("connect")
    await bob.wish("connect")
    await shows(bob, lid=got["lid"], text="two")
    await settled(alice, lid, reactions=[{"emoji": "❤️", "uids": [bob_uid(bob)]}])


def bob_uid(puppet: Puppet) -> str:
    return str(next(line["me"]["uid"] for line in puppet.heard if line["event"] == "ready"))

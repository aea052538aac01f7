"""`python -m client send`: one line, and an exit code that says how far the message came."""

from __future__ import annotations

from asyncio.subprocess import PIPE
from pathlib import Path

from client.harness.puppet import Puppet
from client.programs import client_command
from tests.end_to_end.processes import Server, ran
from tests.end_to_end.test_two_people import said, texts


async def send(folder: Path, server: str, *options: str) -> tuple[int, str]:
    words = client_command("send", "--data-dir", str(folder), "--server", server, *options)
    code, out, _ = await ran(*words, stdout=PIPE)
    return code, out.decode().strip()


async def test_delivered_is_0(server: Server, bob: Puppet, tmp_path: Path) -> None:
    joining = ("--name", "carol", "--invite", await server.invite())
    code, line = await send(tmp_path / "carol", server.url, "--to", "bob", "--text", "one line", *joining)
    assert (code, line) == (0, "delivered")
    assert await texts(bob, "carol") == ["one line"]

    file = tmp_path / "list.txt"
    file.write_text("1, 2, 3", "utf-8")
    assert (await send(tmp_path / "carol", server.url, "--to", "bob", "--file", str(file)))[0] == 0
    assert (await said(bob, "carol"))[-1]["file"]["name"] == "list.txt"


async def test_stored_is_2_and_enough_if_that_was_wished(server: Server, bob: Puppet, tmp_path: Path) -> None:
    await bob.quit()
    joining = ("--name", "carol", "--invite", await server.invite())
    wish = ("--to", "bob", "--text", "are you there?", "--timeout", "4")
    assert await send(tmp_path / "carol", server.url, *wish, *joining) == (2, "stored")
    assert await send(tmp_path / "carol", server.url, *wish, "--wait", "stored") == (0, "stored")


async def test_unknown_is_3_and_the_message_goes_out_another_time(server: Server, bob: Puppet, tmp_path: Path) -> None:
    joining = ("--name", "carol", "--invite", await server.invite())
    await send(tmp_path / "carol", server.url, "--to", "bob", "--text", "first", *joining)
    await server.kill()
    code, _ = await send(tmp_path / "carol", server.url, "--to", "bob", "--text", "second", "--timeout", "1")
    assert code == 3

    await server.start()
    await bob.wish("connect")
    assert (await send(tmp_path / "carol", server.url, "--to", "bob", "--text", "third"))[0] == 0
    assert await texts(bob, "carol") == ["first", "second", "third"]


async def test_what_cannot_begin_is_1(server: Server, bob: Puppet, tmp_path: Path) -> None:
    assert (await send(tmp_path / "new", server.url, "--to", "bob", "--text", "x"))[0] == 1
    joining = ("--name", "carol", "--invite", await server.invite())
    code, line = await send(tmp_path / "carol", server.url, "--to", "nobody", "--text", "x", *joining)
    assert code == 1
    assert "nobody" in line

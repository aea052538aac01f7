"""What may be wrong from outside: each has a code and a sentence, and loses nothing."""

from __future__ import annotations

import sqlite3
from asyncio.subprocess import PIPE
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from client.harness.puppet import Puppet
from client.programs import client_command
from protocol.problems import Problem
from tests.end_to_end.processes import Server, ran
from tests.end_to_end.test_two_people import said

CHINESE = range(0x4E00, 0x9FFF + 1)


async def refused(answer: Any) -> str:
    with pytest.raises(Problem) as refusal:
        await answer
    return refusal.value.code


async def test_a_wrong_invite_is_refused_and_the_right_one_works_afterwards(server: Server, tmp_path: Path) -> None:
    dora = Puppet("dora", tmp_path / "dora", server.url)
    assert await refused(dora.start(invite="AAAA-BBBB-CCCC")) == "invite_wrong"
    await dora.kill()
    await dora.start(invite=await server.invite())
    assert await dora.quit() == 0


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("ALICE", "name_taken"),
        ("ＡＬＩＣＥ", "name_taken"),
        ("ali\u200dce", "name_taken"),
        (" ", "name_invalid"),
        ("two\nlines", "name_invalid"),
        ("a\u202eb", "name_invalid"),
        ("\u200b", "name_invalid"),
        ("x" * 65, "name_invalid"),
    ],
)
async def test_a_name_that_cannot_be_had(server: Server, alice: Puppet, tmp_path: Path, name: str, code: str) -> None:
    other = Puppet(name, tmp_path / "other", server.url)
    assert await refused(other.start(invite=(invite := await server.invite()))) == code
    await other.kill()
    other.name = "x" * 64
    await other.start(invite=invite)
    assert await other.quit() == 0, "the invite was not used up"


async def test_an_invite_is_read_as_people_write_it_and_works_once(server: Server, tmp_path: Path) -> None:
    invite = await server.invite()
    dora, eve = (Puppet(name, tmp_path / name, server.url) for name in ("dora", "eve"))
    await dora.start(invite=f"  {invite.lower().replace('-', ' ')} ")
    assert await refused(eve.start(invite=invite)) == "invite_wrong"
    await eve.kill()
    assert await dora.quit() == 0


async def test_an_invite_that_is_too_old(server: Server, tmp_path: Path) -> None:
    invite = await server.invite()
    await server.stop()
    with sqlite3.connect(server.folder / "hexagram.sqlite") as db:
        db.execute("update invite set expires_ms = 1")
    db.close()
    await server.start()
    eve = Puppet("eve", tmp_path / "eve", server.url)
    assert await refused(eve.start(invite=invite)) == "invite_wrong"
    await eve.kill()


async def test_no_server_there(tmp_path: Path) -> None:
    lonely = Puppet("lonely", tmp_path / "lonely", "127.0.0.1:9")
    assert await refused(lonely.start(invite="X")) == "server_unreachable"
    await lonely.kill()


async def test_a_profile_is_used_once_at_a_time(alice: Puppet) -> None:
    twin = Puppet("alice", alice.data_dir, alice.server)
    assert await refused(twin.start()) == "data_in_use"
    await twin.kill()
    assert (await alice.wish("people"))["event"] == "done"


async def test_data_of_a_newer_version_is_left_alone(alice: Puppet) -> None:
    await alice.quit()
    file = alice.data_dir / "messages.db"
    with sqlite3.connect(file) as db:
        db.execute("pragma user_version = 9999")
    db.close()
    assert await refused(alice.start()) == "data_newer"


async def test_a_damaged_database_is_left_alone(alice: Puppet) -> None:
    await alice.quit()
    file = alice.data_dir / "messages.db"
    file.write_bytes(b"this is not a database" * 500)
    assert await refused(alice.start()) == "data_corrupt"
    assert file.read_bytes().startswith(b"this is not a database")


@pytest.mark.parametrize("left_bytes", [0, 5000])
async def test_a_database_that_was_cut_off_is_left_alone(alice: Puppet, left_bytes: int) -> None:
    await alice.quit()
    file = alice.data_dir / "messages.db"
    left = file.read_bytes()[:left_bytes]
    file.write_bytes(left)
    assert await refused(alice.start()) == "data_corrupt"
    assert file.read_bytes() == left


@pytest.mark.parametrize(
    "damage", [lambda data: b"", lambda data: data[:5000], lambda data: data[:9000] + b"\xa5" * 9000 + data[18000:]]
)
async def test_a_damaged_server_is_left_alone(server: Server, damage: Callable[[bytes], bytes]) -> None:
    await server.stop()
    file = server.folder / "hexagram.sqlite"
    whole = file.read_bytes()
    file.write_bytes(damage(whole))
    code, sentence = await server.refusal()
    assert (code, sentence.partition(".")[0]) == (22, "The data file is damaged")
    assert file.read_bytes() == damage(whole)
    file.write_bytes(whole)
    await server.start()


async def test_a_server_s_data_of_a_newer_version_is_left_alone(server: Server) -> None:
    await server.stop()
    with sqlite3.connect(server.folder / "hexagram.sqlite") as db:
        db.execute("pragma user_version = 9999")
    db.close()
    assert (await server.refusal())[0] == 21


async def test_a_server_that_cannot_listen_says_why_and_makes_nothing(server: Server, tmp_path: Path) -> None:
    other = Server(tmp_path / "other")
    port = server.url.rpartition(":")[2]
    assert (await other.refusal(listen=f"127.0.0.1:{port}")) == (
        12, f"Port {port} is used by another program. Choose another one, or 0 for any free port."
    )  # fmt: skip
    assert (await other.refusal(listen="0.0.0.0:0"))[0] == 11
    assert (await other.refusal(listen="hello"))[0] == 10
    assert not other.folder.exists()
    server_twice = Server(server.folder)
    assert (await server_twice.refusal())[0] == 23


async def test_a_device_that_was_removed_says_so_and_keeps_what_it_has(
    server: Server, alice: Puppet, bob: Puppet
) -> None:
    await alice.state((await alice.wish("say", to="bob", text="before"))["lid"], "delivered")
    await bob.wish("open", **{"with": "alice"})
    await server.stop()
    with sqlite3.connect(server.folder / "hexagram.sqlite") as db:
        db.execute("delete from device where uid in (select uid from account where name = 'bob')")
    db.close()
    await server.start()
    await bob.until(lambda line: line["event"] == "line" and line.get("code") == "sign_in_again")
    await bob.wish("say", to="alice", text="later")
    assert await refused(bob.wish("invite")) == "sign_in_again"
    assert [bubble["text"] for bubble in await said(bob, "alice")] == ["before", "later"]
    assert await bob.quit() == 2, "it still waits here"


async def test_a_device_that_is_removed_while_it_is_connected_is_told_so(
    server: Server, alice: Puppet, bob: Puppet
) -> None:
    await alice.state((await alice.wish("say", to="bob", text="before"))["lid"], "delivered")
    await bob.wish("open", **{"with": "alice"})
    since = len(bob.heard)
    with sqlite3.connect(server.folder / "hexagram.sqlite") as db:
        db.execute("update device set ended = 1 where uid in (select uid from account where name = 'bob')")
    db.close()
    await bob.until(lambda line: line["event"] == "line" and line.get("code") == "sign_in_again", since=since)
    lid = (await alice.wish("say", to="bob", text="after"))["lid"]
    await alice.state(lid, "stored")
    assert [bubble["text"] for bubble in await said(bob, "alice")] == ["before"]


async def test_data_of_another_generation_is_no_end(server: Server, alice: Puppet, bob: Puppet) -> None:
    await alice.state((await alice.wish("say", to="bob", text="before"))["lid"], "delivered")
    await server.stop()
    with sqlite3.connect(server.folder / "hexagram.sqlite") as db:
        db.execute("update meta set value = '2.00112233aabbccdd' where key = 'gen'")
    db.close()
    await server.start()
    await alice.state((await alice.wish("say", to="bob", text="after"))["lid"], "delivered")
    assert [bubble["text"] for bubble in await said(bob, "alice")] == ["before", "after"]


async def test_a_folder_that_cannot_be_written_to(server: Server, tmp_path: Path) -> None:
    blocked = tmp_path / "a file"
    blocked.write_text("where the folder should be", "utf-8")
    eve = Puppet("eve", blocked / "eve", server.url)
    assert await refused(eve.start(invite=await server.invite())) == "data_read_only"
    await eve.kill()


async def test_words_that_cannot_be_sent(alice: Puppet, bob: Puppet) -> None:
    assert await refused(alice.wish("say", to="bob", text=" \n ")) == "text_empty"
    assert await refused(alice.wish("say", to="bob", text="x" * 8001)) == "text_too_long"
    assert await refused(alice.wish("say", to="nobody", text="hello")) == "unknown_person"
    lid = (await alice.wish("say", to="bob", text="字" * 8000))["lid"]
    await alice.state(lid, "delivered")


async def test_words_below_a_file_have_the_same_limit_and_harm_nothing(
    alice: Puppet, bob: Puppet, tmp_path: Path
) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("some notes", "utf-8")
    assert await refused(alice.wish("send", to="bob", path=str(file), caption="x" * 70_000)) == "text_too_long"
    await alice.state((await alice.wish("send", to="bob", path=str(file), caption="字" * 8000))["lid"], "delivered")


@pytest.mark.parametrize("text", ["a\0b\x01\x1b[31m", "\x01" * 8000, '"' * 8000, "😀" * 8000, "\u202egpj\u2066"])
async def test_odd_characters_arrive_as_they_were_written(alice: Puppet, bob: Puppet, text: str) -> None:
    await alice.state((await alice.wish("say", to="bob", text=text))["lid"], "delivered")
    assert [bubble["text"] for bubble in await said(bob, "alice")] == [text]


async def test_half_a_character_does_not_stop_anything(alice: Puppet, bob: Puppet) -> None:
    assert await refused(alice.wish("say", to="bob", text="half \ud83d here")) == "wish_invalid"
    assert await refused(alice.wish("say", to="bob", text="x" * 2_000_000)) == "wish_invalid"
    assert await refused(alice.wish("status", lid=2**70)) == "wish_invalid"
    await alice.state((await alice.wish("say", to="bob", text="whole \U0001f600"))["lid"], "delivered")
    assert [bubble["text"] for bubble in await said(bob, "alice")] == ["whole \U0001f600"]


async def test_a_conversation_of_others_is_refused_and_the_next_message_goes_out(alice: Puppet, bob: Puppet) -> None:
    lid = (await alice.wish("say", conv="a" * 26, text="let me in"))["lid"]
    await alice.state(lid, "refused")
    assert (await alice.wish("status", lid=lid))["code"] == "unknown_conversation"
    await alice.state((await alice.wish("say", to="bob", text="still here"))["lid"], "delivered")


async def test_files_that_cannot_be_sent(alice: Puppet, bob: Puppet, tmp_path: Path) -> None:
    empty = tmp_path / "empty.txt"
    empty.touch()
    assert await refused(alice.wish("send", to="bob", path=str(tmp_path / "nothing.jpg"))) == "media_vanished"
    assert await refused(alice.wish("send", to="bob", path=str(tmp_path))) == "media_is_folder"
    assert await refused(alice.wish("send", to="bob", path=str(empty))) == "media_empty"


async def test_a_file_beyond_the_limit_is_refused_before_its_first_byte(
    server: Server, alice: Puppet, bob: Puppet, tmp_path: Path
) -> None:
    huge = tmp_path / "huge.bin"
    with huge.open("wb") as file:
        file.truncate(512 * 1024 * 1024 + 1)
    assert await refused(alice.wish("send", to="bob", path=str(huge))) == "media_too_large"
    assert await said(alice, "bob") == []
    assert not [path for path in (server.folder / "media").rglob("*") if path.is_file()]


@pytest.mark.parametrize("name", ["a\u202egpj.exe", "two\nlines.txt", "\x1b[31m.txt", "n" * 250 + ".txt", "..\\..\\x"])
async def test_odd_file_names_arrive_and_become_harmless_on_the_disk(
    alice: Puppet, bob: Puppet, tmp_path: Path, name: str
) -> None:
    file = tmp_path / name
    file.write_text("x", "utf-8")
    await alice.state((await alice.wish("send", to="bob", path=str(file)))["lid"], "delivered")
    bubble = (await said(bob, "alice"))[0]
    assert bubble["file"]["name"] == name
    await bob.wish("fetch", lid=bubble["lid"])
    told = await bob.until(lambda line: line["event"] == "bubble" and line.get("path", "") != "")
    path = Path(told["path"])
    assert path.is_relative_to(bob.data_dir)
    assert path.name.isascii()
    assert path.name.isprintable()


async def test_a_file_name_beyond_what_a_disk_takes(alice: Puppet, bob: Puppet, tmp_path: Path) -> None:
    assert await refused(alice.wish("send", to="bob", path=str(tmp_path / ("n" * 300)))) == "media_unreadable"


async def test_a_file_that_vanishes_before_its_upload_says_so_and_can_be_sent_again(
    server: Server, alice: Puppet, bob: Puppet, tmp_path: Path
) -> None:
    await alice.state((await alice.wish("say", to="bob", text="first"))["lid"], "delivered")
    await server.kill()
    file = tmp_path / "soon gone.txt"
    file.write_text("here", "utf-8")
    lid = (await alice.wish("send", to="bob", path=str(file)))["lid"]
    await alice.until(lambda line: line["event"] == "bubble" and line["lid"] == lid and line["kind"] == "file")
    file.unlink()
    await server.start()
    await alice.wish("connect")
    await alice.until(
        lambda line: line["event"] == "state" and line["lid"] == lid and line.get("code") == "media_vanished"
    )

    file.write_text("back", "utf-8")
    await alice.wish("resend", lid=lid)
    await alice.state(lid, "delivered")
    assert (await said(bob, "alice"))[-1]["file"]["size_bytes"] == 4


async def test_a_picture_that_is_damaged_goes_as_a_plain_file(alice: Puppet, bob: Puppet, tmp_path: Path) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"\xff\xd8\xff\xe0" + b"\x00" * 4000)
    lid = (await alice.wish("send", to="bob", path=str(broken)))["lid"]
    await alice.state(lid, "delivered")
    bubble = (await said(bob, "alice"))[0]
    assert (bubble["kind"], bubble["file"]["size_bytes"]) == ("file", 4004)


async def test_a_file_the_server_does_not_have_any_more(
    server: Server, alice: Puppet, bob: Puppet, tmp_path: Path
) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("some notes", "utf-8")
    await alice.state((await alice.wish("send", to="bob", path=str(file)))["lid"], "delivered")
    for blob in (server.folder / "media").rglob("*"):
        if blob.is_file():
            blob.unlink()
    bubble = (await said(bob, "alice"))[0]
    await bob.wish("fetch", lid=bubble["lid"])
    told = await bob.until(lambda line: line["event"] == "problem" and line.get("lid") == bubble["lid"])
    assert told["code"] == "media_unknown"


@pytest.mark.parametrize(
    ("line", "part"),
    [
        (b"hello", "JSON"),
        (b"[]", "object"),
        (b'{"do":"fly"}', "fly"),
        (b'{"do":"say","to":"bob"}', "text"),
        (b'{"do":"say","text":"x"}', "`to`"),
        (b'{"do":"fetch","lid":-1}', "lid"),
        (b'{"do":"quit","now":true}', "now"),
        (b"\xff\xfe", "JSON"),
    ],
)
async def test_a_line_that_is_no_wish_is_answered_and_ends_nothing(alice: Puppet, line: bytes, part: str) -> None:
    process = alice._process
    assert process is not None
    assert process.stdin is not None
    since = len(alice.heard)
    process.stdin.write(line + b"\n")
    told = await alice.until(lambda line: line["event"] == "problem", since=since)
    assert told["code"] == "wish_invalid"
    assert part in told["text"]
    assert (await alice.wish("people"))["event"] == "done"


async def test_sentences_come_in_chinese(tmp_path: Path) -> None:
    words = client_command("headless", "--data-dir", str(tmp_path / "p"), "--language", "zh")
    code, out, _ = await ran(*words, stdout=PIPE)
    assert code == 1
    assert b'"code":"not_joined"' in out
    assert any(ord(character) in CHINESE for character in out.decode())

"""The harness: its lines, its options, and that docs/HEADLESS.md names every wish, event and option."""

from __future__ import annotations

import argparse
import asyncio
import os
import re
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from client.app.changes import (
    BubbleDropped,
    BubblesChanged,
    ChatsChanged,
    NewMessages,
    PacketSeen,
    PeopleChanged,
    ProblemSeen,
    Progressed,
)
from client.core.model import Bubble, Finding, Seen, State, TransferProgress
from client.harness import fields, headless, send, wishes
from client.harness.fields import bubble_fields, change_fields, finding_fields, state_fields
from client.harness.stdio import LinesIn, LinesOut
from client.words import problem_words
from protocol.content import Attachment, Joined, Picture, Text
from protocol.packets import MsgR, Person
from protocol.problems import Problem
from protocol.values import ConvId, Lid, MediaId, Uid, replace
from tests.helpers.app import CONV, App, close_app, open_app

DOCS = (Path(__file__).resolve().parents[3] / "docs" / "HEADLESS.md").read_text("utf-8")
HELLO = Bubble(Lid(5), CONV, Uid("u"), True, State.QUEUED, 1, Text("hello"))


class Console:
    """A harness on an app, with its output read back."""

    def __init__(self, app: App, *options: str) -> None:
        self.lines: list[dict[str, Any]] = []
        self.writes = 0
        self.options = headless.parser().parse_args(["--data-dir", "x", "--linger", "0", *options])
        self.out = LinesOut(self._write)
        self.harness = headless.Harness(app.chat, self.out, self.options)
        self._in, self._typing = os.pipe()

    def _write(self, data: bytes) -> None:
        self.writes += 1
        self.lines += [msgspec.json.decode(line) for line in data.splitlines()]

    async def run(self, *typed: object) -> int:
        for wish in typed:
            line = wish if isinstance(wish, bytes) else msgspec.json.encode(wish)
            os.write(self._typing, line + b"\n")
        os.close(self._typing)
        try:
            return await self.harness.run(LinesIn(self._in))
        finally:
            os.close(self._in)

    def events(self, name: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["event"] == name]


@pytest.fixture
async def app(tmp_path: Path) -> Any:
    app = await open_app(tmp_path)
    yield app
    await close_app(app)


# --------------------------------------------------------------------------------------- wishes, events


async def console_again(app: App) -> None:
    """What was written before is in the chat list of the next run."""
    console = Console(app)
    assert await console.run({"do": "chats", "ref": 1}) == 2
    assert [chat["waiting"] for chat in console.events("done")[0]["chats"]] == [1]
    assert console.events("bye") == [{"event": "bye", "waiting": 1}]


async def test_every_wish_has_one_answer_with_its_ref(app: App) -> None:
    console = Console(app)
    await console.run(
        {"do": "say", "conv": CONV, "text": "one", "ref": "a"},
        {"do": "say", "conv": CONV, "text": " ", "ref": ["b"]},
        {"do": "people", "ref": 3},
        b"nonsense",
        {"do": "cancel", "lid": 77, "ref": None},
    )
    answers = {str(line.get("ref")): line for line in console.lines if line["event"] in ("done", "problem")}
    assert answers["a"] == {"event": "done", "do": "say", "ref": "a", "lid": 1}
    assert answers["['b']"]["code"] == "text_empty"
    assert answers["3"]["people"] == []
    await console_again(app)
    assert {line["code"] for line in console.events("problem")} == {"text_empty", "wish_invalid", "unknown_message"}


async def test_a_new_message_is_told_in_full_and_then_by_its_states(app: App) -> None:
    await app.greet()
    console = Console(app, "--linger", "5")
    running = asyncio.gather(console.run({"do": "say", "conv": CONV, "text": "one"}))
    await app.accept(pos=1)
    await app.shows(Lid(1), State.ACCEPTED)
    await running
    assert [line["text"] for line in console.events("bubble")] == ["one"]
    assert [line["state"] for line in console.events("state")] == ["sending", "accepted"]
    assert console.lines[-1]["event"] == "bye"


async def test_messages_to_one_person_leave_in_the_order_of_their_lines(app: App) -> None:
    await app.greet()
    console = Console(app, "--quiet", "trace,bubble,state")
    code = await console.run(*({"do": "say", "conv": CONV, "text": str(number)} for number in range(100)))
    assert code == 2
    assert [line["lid"] for line in console.events("done")] == list(range(1, 101))
    assert console.events("state") == []
    assert console.writes < 50
    assert [packet.n for packet in app.wire.said if isinstance(packet, MsgR)][:3] == [1, 2, 3]


async def test_history_people_trace_status_and_settings(app: App) -> None:
    lid = await app.chat.say(CONV, "one")
    await app.chat.say(CONV, "two")
    console = Console(app)
    await console.run(
        {"do": "history", "conv": CONV, "limit": 1, "ref": "newest"},
        {"do": "history", "conv": CONV, "before": 2, "ref": "older"},
        {"do": "people", "ref": "people"},
        {"do": "trace", "lid": lid, "ref": "trace"},
        {"do": "set", "retry": "ask", "literal": True, "ref": "set"},
        {"do": "invite", "ref": "invite"},
        {"do": "connect", "ref": "connect"},
        {"do": "stop", "lid": lid, "ref": "stop"},
        {"do": "read", "conv": CONV, "upto": 0, "ref": "read"},
        {"do": "quit", "ref": "quit"},
        {"do": "people", "ref": "never"},
    )
    done = {line["ref"]: line for line in console.events("done")}
    assert [bubble["text"] for bubble in done["newest"]["bubbles"]] == ["two"]
    assert [bubble["text"] for bubble in done["older"]["bubbles"]] == ["one"]
    assert done["people"]["people"] == []
    assert done["invite"]["invite"] == "invite by alice"
    assert app.chat.settings.retry_literal
    assert "quit" in done
    assert "never" not in done


async def test_a_harness_that_has_not_joined_says_so(tmp_path: Path) -> None:
    app = await open_app(tmp_path, joined=False)
    with pytest.raises(Problem) as refusal:
        await Console(app).harness.join()
    assert refusal.value.code == "not_joined"
    console = Console(app, "--server", "127.0.0.1:1", "--name", "alice", "--invite", "CODE", "--retry", "ask")
    await console.harness.set_up()
    await console.harness.join()
    console.out.flush()
    assert console.events("ready")[0]["me"]["name"] == "alice"
    assert "token" not in str(console.lines)
    assert app.chat.settings.retry_mode == "ask"
    await close_app(app)


def test_every_change_has_a_line_of_its_own_or_none() -> None:
    def line(change: Any) -> dict[str, Any] | None:
        return change_fields(change, problem_words("en"), 10.0)

    assert line(BubbleDropped(Lid(1), CONV)) == {"event": "dropped", "lid": 1, "conv": CONV}
    assert line(NewMessages(CONV, (Uid("u"),))) == {"event": "new", "conv": CONV, "uids": ["u"]}
    assert line(PeopleChanged((Person(Uid("u"), "Bob"),))) == {
        "event": "people",
        "people": [{"uid": "u", "name": "Bob"}],
    }
    assert line(ProblemSeen("port_in_use", {"port": 1}, Lid(2))) == {
        "event": "problem",
        "code": "port_in_use",
        "text": "Port 1 is used by another program. Choose another one, or 0 for any free port.",
        "lid": 2,
    }
    seen = Seen(Lid(1), "ack:N", "in", 1, 5, "offline")
    assert line(PacketSeen(seen, CONV)) == {
        "event": "trace", "conv": CONV, "lid": 1, "packet": "ack:N", "way": "in", "tries": 1,
        "at_ms": 5, "note": "offline",
    }  # fmt: skip
    assert line(Progressed(TransferProgress(Lid(1), "up", 2, 4))) == {
        "event": "progress", "lid": 1, "way": "up", "done_bytes": 2, "total_bytes": 4,
    }  # fmt: skip
    assert line(ChatsChanged((CONV,))) is None
    assert line(BubblesChanged(())) is None


def test_a_bubble_in_full() -> None:
    file = Attachment(MediaId("m"), "a.jpg", "image/jpeg", 9, "ab", width=4, height=3, preview=b"12345")
    picture = bubble_fields(replace(HELLO, body=Picture(file, "look"), path="/a.jpg"))
    assert picture["kind"] == "picture"
    assert picture["file"]["preview_bytes"] == 5
    assert (picture["caption"], picture["path"]) == ("look", "/a.jpg")
    assert bubble_fields(replace(HELLO, body=None))["kind"] == "unreadable"
    assert bubble_fields(replace(HELLO, body=Joined(Uid("b"), "Bob")))["notice"] == {"uid": "b", "name": "Bob"}


def test_a_state_in_a_group_counts() -> None:
    fields = state_fields(replace(HELLO, of=3, delivered_to=2, tries=1), at_ms=7)
    assert (fields["delivered_to"], fields["read_by"], fields["of"], fields["tries"]) == (2, 0, 3, 1)
    assert finding_fields(Finding(Lid(1), "refused", "blocked", 5)) == {
        "lid": 1, "found": "refused", "code": "blocked", "ts": 5,
    }  # fmt: skip


# ------------------------------------------------------------------------------------------ documents


def test_every_wish_is_documented() -> None:
    names = {kind.__struct_config__.tag for kind in get_args(wishes.AnyWish)}
    assert {name for name in names if f"`{name}`" not in DOCS} == set()


def test_every_event_is_documented() -> None:
    source = "".join(Path(module.__file__ or "").read_text("utf-8") for module in (headless, fields))
    events = set(re.findall(r'"event": "(\w+)"', source))
    assert len(events) > 8
    assert {event for event in events if f"`{event}`" not in DOCS} == set()


@pytest.mark.parametrize("parser", [headless.parser(), send.parser()], ids=["headless", "send"])
def test_every_option_is_documented(parser: argparse.ArgumentParser) -> None:
    options = {option for action in parser._actions for option in action.option_strings if option.startswith("--")}
    assert {option for option in options - {"--help"} if option not in DOCS} == set()


def test_every_state_is_documented() -> None:
    assert {state.word for state in State if f"`{state.word}`" not in DOCS} == set()


def test_unknown_events_cannot_be_left_out() -> None:
    with pytest.raises(SystemExit):
        headless.parser().parse_args(["--data-dir", "x", "--quiet", "everything"])


# --------------------------------------------------------------------------------- the one-shot command


@pytest.mark.parametrize(
    ("state", "wait", "code"),
    [
        (State.DELIVERED, "delivered", 0),
        (State.READ, "delivered", 0),
        (State.STORED, "delivered", 2),
        (State.ACCEPTED, "delivered", 2),
        (State.ACCEPTED, "accepted", 0),
        (State.QUEUED, "delivered", 3),
        (State.SENDING, "accepted", 3),
        (State.NEEDS_YOU, "delivered", 3),
        (State.LONG_AGO, "delivered", 3),
        (State.REFUSED, "delivered", 4),
        (State.CANCELLED, "delivered", 4),
    ],
)
def test_the_exit_code_says_how_far_it_came(
    state: State, wait: str, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    options = send.parser().parse_args(["--data-dir", "x", "--to", "bob", "--text", "x", "--wait", wait])
    bubble = replace(HELLO, state=state, code="blocked" if state is State.REFUSED else "")
    assert send._judge(bubble, "", "", options) == code
    line = capsys.readouterr().out
    assert line.startswith(state.word)
    assert line.count("\n") == 1
    assert ("does not accept" in line) == (state is State.REFUSED)


def test_what_is_not_known_says_what_stands_in_the_way(capsys: pytest.CaptureFixture[str]) -> None:
    options = send.parser().parse_args(["--data-dir", "x", "--to", "bob", "--text", "x"])
    bubble = replace(HELLO, state=State.QUEUED)
    assert send._judge(bubble, "server_unreachable", "http://127.0.0.1:8787", options) == 3
    assert capsys.readouterr().out.startswith("queued: The server at http://127.0.0.1:8787 does not answer.")


def test_a_wish_names_one_place() -> None:
    for line in (b'{"do":"say","text":"x","to":"a","conv":"b"}', b'{"do":"history"}', b'{"do":"open"}', b"x" * 2**21):
        with pytest.raises(Problem):
            wishes.read_wish(line)
    assert wishes.ref_of(b'{"ref":4,"do":1}') == 4
    assert wishes.ref_of(b"[1]") is None
    assert wishes.ref_of(b"{") is None
    assert wishes.read_wish(b'{"do":"open","with":"bob"}') == wishes.OpenChat(with_="bob")
    assert ConvId("") == wishes.Say(text="x", to="b").conv

"""Two people in two windows exchange all five kinds, by mouse and keyboard alone."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

import resources
from client.core.model import State
from tests.end_to_end import screen as screens
from tests.end_to_end.screen import Screen, Thing, Window, screen, until

SAMPLES = Path(resources.__file__).parent / "samples"
DELIVERED = (State.DELIVERED, State.READ)

pytestmark = [
    pytest.mark.timeout(150),
    pytest.mark.skipif(bool(screens.missing()), reason=f"not installed: {screens.missing()}"),
]


@dataclass(frozen=True)
class Kept:
    """A message as a profile's database has it."""

    lid: int
    kind: str
    state: int
    path: str
    file: dict[str, object]
    words: str


def kept(window: Window) -> list[Kept]:
    """The messages of a profile, in the order of the screen, without what the server says."""
    path = window.profile / "messages.db"
    if not path.exists():
        return []
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
        sql = "select lid, state, path, content from bubble where suite = 'plain1' order by pos, lid"
        rows = db.execute(sql).fetchall()
    found = []
    for lid, state, where, content in rows:
        body = json.loads(content)["body"] if content else {}
        words = body.get("text") or body.get("caption") or ""
        found.append(Kept(lid, body.get("kind", ""), state, where, body.get("file", {}), words))
    return found


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Screen]:
    with screen(tmp_path) as made:
        yield made


@pytest.fixture
def alice(stage: Screen, tmp_path: Path) -> Iterator[Window]:
    """alice starts a team: its server runs beside her window."""
    window = Window(stage, tmp_path, "alice", left=0)
    try:
        window.front("Hexagram")
        window.click(name="Start a new team on this computer")
        window.click(name="Your name")
        window.type("alice")
        window.press("Return")
        window.front("alice – Hexagram")
        yield window
    finally:
        stage.picture(tmp_path / "last.png")
        window.end()


@pytest.fixture
def bob(stage: Screen, alice: Window, tmp_path: Path) -> Iterator[Window]:
    """alice invites bob; he pastes the line and joins."""
    alice.click(name="Invite someone", role="push button")
    invite = alice.see(name="Invite", role="text").text
    alice.press("Escape")
    window = Window(stage, tmp_path, "bob", left=1100)
    try:
        window.front("Hexagram")
        window.click(name="I have an invite")
        window.click(name="Server or invite line")
        window.type(invite)
        window.press("Tab")
        until(lambda: window.see(name="Code", role="text").text, "the code in its own field")
        window.click(name="Your name")
        window.type("bob")
        window.press("Return")
        window.front("bob – Hexagram")
        yield window
    finally:
        stage.picture(tmp_path / "bob.png")
        window.end()


def attach(window: Window, path: Path, caption: str = "") -> None:
    """Through the attach dialog, with the keyboard."""
    window.click(name="Attach files (Ctrl+O)")
    window.see(role="dialog", name="Attach files")
    window.type(str(path))
    window.press("Return")
    window.see(within=path.name)
    if caption:
        window.click(name="Message")
        window.type(caption)
    window.click(name="Send", role="push button")


def record(window: Window, button: str) -> None:
    """Click the button, wait for two seconds of sound, click Send."""
    window.click(name=button)
    until(lambda: [thing for thing in window.all(role="label", within="0:0") if thing.name >= "0:02.0"], "two seconds")
    window.click(name="Send", role="push button")


def in_view(window: Window, words: str) -> Thing | None:
    """A message of the open conversation, if its middle can be seen."""
    box = window.see(name="Messages")
    found = [thing for thing in window.all(within=words, role="list item") if thing.x >= box.x]
    return next((thing for thing in found if box.y < thing.middle[1] < box.y + box.height), None)


def download(window: Window, words: str, lid: int) -> Kept:
    """Turn the wheel until the message is in view, choose it with the pointer, and press Return: that downloads it."""
    window.wheel(30, name="Messages")
    for _ in range(30):
        if in_view(window, words) is not None:
            break
        window.wheel(-1, name="Messages")
    message = in_view(window, words)
    assert message is not None, words
    window.click_at(*message.middle, button=3)
    window.press("Escape", "Return")
    return until(lambda: next((m for m in kept(window) if m.lid == lid and m.path), None), f"the file of {words}")


def sha256(path: str) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def test_two_people_in_two_windows_exchange_all_five_kinds(alice: Window, bob: Window) -> None:
    alice.front("alice – Hexagram")
    alice.click(name="New chat", role="push button")
    alice.click(name="bob", role="list item")
    alice.click(name="Message")
    alice.type("Hello bob")
    alice.press("Return")
    until(lambda: [m for m in kept(bob) if m.words == "Hello bob"], "the text at bob's")

    bob.front("bob – Hexagram")
    bob.click(within="alice", role="list item")
    bob.see(within="Hello bob", role="list item")
    bob.click(name="Message")
    bob.type("Hello alice")
    bob.press("Return")
    until(lambda: [m for m in kept(alice) if m.words == "Hello alice"], "the answer at alice's")

    alice.front("alice – Hexagram")
    alice.see(within="Hello alice", role="list item")
    attach(alice, SAMPLES / "photo.jpg", "from the ridge")
    attach(alice, SAMPLES / "notes.pdf")
    record(alice, "Record a voice note (Ctrl+Shift+M)")
    record(alice, "Record a video (Ctrl+Shift+O)")

    def arrived() -> list[Kept]:
        return [m for m in kept(bob) if m.kind in ("picture", "file", "voice", "video")]

    until(lambda: len(arrived()) == 4, "four files at bob's")
    assert [m.kind for m in arrived()] == ["picture", "file", "voice", "video"]
    assert [m.path for m in arrived()] == [""] * 4, "nothing is downloaded before a click"
    assert arrived()[0].words == "from the ridge"

    bob.front("bob – Hexagram")
    for message, words in zip(arrived(), ("picture", "notes.pdf", "voice note", "video"), strict=True):
        here = download(bob, words, message.lid)
        assert sha256(here.path) == message.file["sha256"]
    sent = {m.kind: m for m in kept(alice) if m.file}
    assert {kind: m.file["sha256"] for kind, m in sent.items()} == {m.kind: m.file["sha256"] for m in arrived()}

    until(lambda: all(m.state in DELIVERED for m in kept(alice) if m.words != "Hello alice"), "all delivered")
    bob.press("Escape")
    assert bob.quit() == 0
    alice.front("alice – Hexagram")
    assert alice.quit() == 0

"""A process for each file: its words are heard, its death is told, and it leaves nothing behind."""

from __future__ import annotations

import os
import sys
import time
from typing import Any

import pytest

from client.worker import children
from client.worker.children import Tell

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="files have processes of their own on Linux alone")


def said(work: Any) -> list[dict[str, Any]]:
    return list(children.answers(work))


def test_its_words_are_heard_in_order() -> None:
    def work(tell: Tell) -> None:
        tell({"progress": [1, 2]})
        tell({"ok": {"pid": os.getpid()}})

    first, last = said(work)
    assert first == {"progress": [1, 2]}
    assert last["ok"]["pid"] != os.getpid()


def test_a_long_answer_comes_whole() -> None:
    assert said(lambda tell: tell({"ok": "x" * 400_000})) == [{"ok": "x" * 400_000}]


@pytest.mark.parametrize(
    ("work", "lost"),
    [
        (lambda tell: None, "exit code 0"),
        (lambda tell: os._exit(3), "exit code 3"),
        (lambda tell: os.kill(os.getpid(), 9), "signal 9"),
        (lambda tell: 1 // 0, "exit code 1"),
        (lambda tell: sys.exit(5), "exit code 1"),
    ],
)
def test_an_end_without_an_answer_is_told(work: Any, lost: str) -> None:
    assert said(work) == [{"lost": lost}]


@pytest.mark.parametrize("words", [b"nonsense\n", b"[1]\n", b"[" * 100_000 + b"\n", b"x" * 600_000])
def test_a_child_that_speaks_nonsense_is_ended(words: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    def work(tell: Tell) -> None:
        tell({})
        time.sleep(60)

    monkeypatch.setattr(children, "_write", lambda writing, said: os.write(writing, words))
    began_s = time.monotonic()
    (last,) = said(work)
    assert "lost" in last
    assert time.monotonic() - began_s < 20


def test_what_comes_behind_the_answer_is_not_heard() -> None:
    def work(tell: Tell) -> None:
        tell({"ok": 1})
        tell({"ok": 2})

    assert said(work) == [{"ok": 1}]


def test_nothing_stays() -> None:
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        (last,) = said(lambda tell: tell({"ok": os.getpid()}))
        assert not os.path.exists(f"/proc/{last['ok']}"), "not even as a dead one"
    assert len(os.listdir("/proc/self/fd")) == before

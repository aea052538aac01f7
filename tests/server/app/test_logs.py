"""The log: no forged lines, no secrets in errors, short ids."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator

import pytest

from server.app.logs import log_to, safe, short


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    root, libraries = logging.getLogger(), [logging.getLogger(name) for name in ("aiohttp", "asyncio")]
    before = (root.handlers[:], root.level, [library.level for library in libraries])
    stream = io.StringIO()
    log_to(stream)
    yield stream
    root.handlers[:], root.level = before[0], before[1]
    for library, level in zip(libraries, before[2], strict=True):
        library.setLevel(level)


def test_an_event_is_one_line_with_its_time(logged: io.StringIO) -> None:
    logging.getLogger("x").info("+ media %s", "abc")
    logging.getLogger("x").warning("careful")
    lines = [line.split(" ", 2)[2] for line in logged.getvalue().splitlines()]
    assert lines == ["+ media abc", "warning: careful"]


@pytest.mark.parametrize("forged", ["a\nb", "a\r\nb", "a\x1b[2Jb", "a\u2028b", "a\u202eb", "a\x00b", "a\ud800b"])
def test_nobody_forges_a_line(logged: io.StringIO, forged: str) -> None:
    """SEC-49."""
    logging.getLogger("x").info("name %s", forged)
    assert len(logged.getvalue().splitlines()) == 1
    assert safe(forged).isprintable()


def test_an_error_shows_where_it_came_from_and_not_what_it_says(logged: io.StringIO) -> None:
    try:
        raise ValueError("the words of somebody")
    except ValueError:
        logging.getLogger("x").exception("! an error of ours")
    text = logged.getvalue()
    assert "error: ! an error of ours" in text
    assert "test_logs.py" in text
    assert text.endswith("    ValueError\n")
    assert "words" not in text


def test_an_id_is_shortened() -> None:
    assert short("abcdefghijklmnopqrstuvwxyz") == "abcdef…"
    assert short("77") == "77"

"""What every change is fuzzed with: the whole corpus, some thousand mutations, and what Hypothesis thinks of.

Nothing here is random: the same inputs each time. The long runs are a command of their own, `python -m tests.fuzz`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from mmap import mmap
from time import process_time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from protocol.codec import Garbled, from_client, from_server, write
from protocol.packets import FromClient, FromServer
from tests.fuzz import corpus, doors
from tests.fuzz.mutate import Mutator
from tests.fuzz.parsers import PARSERS, Feed, Parser
from tests.fuzz.runs import Finding, run, timed

MUTATIONS = 800
HUNTS = settings(
    max_examples=80, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(max_size=12), inner, max_size=6),
    max_leaves=20,
)


@cache
def fed(name: str) -> Feed:
    return PARSERS[name].open()


@pytest.mark.parametrize("name", PARSERS)
def test_the_corpus_and_its_mutations_break_nothing(name: str) -> None:
    report = run(PARSERS[name], len(PARSERS[name].seeds()) + MUTATIONS, seed=22)

    assert report.slowest_s < 1.0
    assert report.inputs > MUTATIONS


@pytest.mark.parametrize("name", PARSERS)
@HUNTS
@given(data=st.binary(max_size=400))
def test_any_bytes_break_nothing(name: str, data: bytes) -> None:
    timed(fed(name), data)


@pytest.mark.parametrize("name", ["client-frames", "server-frames", "session", "engine", "content", "wish"])
@HUNTS
@given(value=JSON)
def test_any_json_breaks_nothing(name: str, value: object) -> None:
    timed(fed(name), json.dumps(value).encode())
    timed(fed(name), json.dumps([value], ensure_ascii=False).encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize(("direction", "codec"), [(FromClient, from_client), (FromServer, from_server)])
@HUNTS
@given(data=st.data())
def test_a_packet_with_one_field_exchanged_is_read_or_garbled(
    direction: object, codec: object, data: st.DataObject
) -> None:
    """What is not garbled is a packet of this language, and reads the same when it is written again."""
    frame = json.loads(data.draw(st.sampled_from(corpus.frames(direction)[:-1])))
    field = data.draw(st.sampled_from(sorted(frame[0])))
    frame[0][field] = data.draw(JSON)
    assert codec is from_client or codec is from_server
    read = from_client.read if codec is from_client else from_server.read
    (packet,) = read(json.dumps(frame).encode())
    if not isinstance(packet, Garbled):
        assert read(write([packet])) == [packet]  # type: ignore[arg-type]


@HUNTS
@given(
    data=st.lists(st.binary(min_size=0, max_size=200), max_size=4),
    first=st.integers(0, 255),
    mask=st.binary(min_size=4, max_size=4),
)
def test_frames_of_any_kind_break_no_socket(data: list[bytes], first: int, mask: bytes) -> None:
    timed(fed("socket"), b"".join(doors.masked(one, first, mask) for one in data))


@HUNTS
@given(
    name=st.sampled_from(["Upload-Length", "Upload-Offset", "Range", "Authorization", "Tus-Resumable", "Content-Type"]),
    value=st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=60),
)
def test_headers_of_any_kind_break_no_route(name: str, value: str) -> None:
    for line in ("POST /v1/media", "PATCH /v1/media/m1", "GET /v1/media/m1", "HEAD /v1/media/m1"):
        request = f"{line} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer token\r\n{name}: {value}\r\n\r\n"
        timed(fed("http"), request.encode("latin-1"))


# --------------------------------------------------------------------------- the fuzzer can find something


def _parser(feed: Feed) -> Parser:
    return Parser("planted", "", lambda: feed, lambda: [b'{"a":1}'])


def test_an_exception_is_found() -> None:
    def feed(data: bytes) -> None:
        assert b"\xff" not in data

    with pytest.raises(Finding, match="AssertionError") as found:
        run(_parser(feed), 20_000, seed=1)
    assert b"\xff" in found.value.data


def test_a_reader_that_takes_too_long_is_found() -> None:
    def feed(data: bytes) -> None:
        end_s = process_time() + (1.1 if len(data) > 1_000 else 0.0)
        while process_time() < end_s:
            pass

    with pytest.raises(Finding, match=r"1\.\d s$"):
        run(_parser(feed), 20_000, seed=1)


def test_what_is_kept_for_ever_is_found() -> None:
    kept: list[mmap] = []

    def keep(data: bytes) -> None:
        """Pages of its own: what earlier tests gave back would take the leak in, and nothing would grow."""
        kept.append(mmap(-1, 20_480))
        kept[-1].write(b"x" * 20_480)

    with pytest.raises(Finding, match="MiB more"):
        run(_parser(keep), 12_000, seed=1)


def test_a_run_replays() -> None:
    corpus_of = PARSERS["wish"].seeds()
    one, other = Mutator(corpus_of, 7, 1_000), Mutator(corpus_of, 7, 1_000)

    assert [one.one() for _ in range(500)] == [other.one() for _ in range(500)]


def test_the_command_says_how_it_went() -> None:
    command = [sys.executable, "-m", "tests.fuzz", "--parser", "wish", "--runs", "300"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1].startswith("| wish | 300 |")

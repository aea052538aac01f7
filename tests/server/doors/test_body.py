"""The bytes of a request: gathered in pieces while the last one is written, and handed on up to an interruption."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web

from protocol.problems import TransferInterrupted
from server.doors import body
from server.doors.body import BUFFERS_KEPT, PIECE_BYTES, Body, Buffers


class Content:
    """What the socket gives, read by read; an exception is raised in its place."""

    def __init__(self, *reads: bytes | Exception) -> None:
        self._reads = list(reads)
        self.taken = 0

    async def readany(self) -> bytes:
        await asyncio.sleep(0)
        if not self._reads:
            return b""
        self.taken += 1
        read = self._reads.pop(0)
        if isinstance(read, Exception):
            raise read
        return read


def of(content: object) -> Body:
    return Body(content, Buffers())  # type: ignore[arg-type]


async def test_pieces_are_as_large_as_they_may_be_and_the_last_is_the_rest() -> None:
    reads = [bytes([number]) * (PIECE_BYTES // 4) for number in range(10)]
    pieces = [bytes(piece) async for piece in of(Content(*reads)).pieces()]
    assert [len(piece) for piece in pieces] == [PIECE_BYTES, PIECE_BYTES, PIECE_BYTES // 2]
    assert b"".join(pieces) == b"".join(reads)


async def test_nothing_is_no_piece() -> None:
    assert [piece async for piece in of(Content()).pieces()] == []


@pytest.mark.parametrize(
    ("stop", "raised"),
    [
        (ConnectionResetError(), TransferInterrupted),
        (web.PayloadAccessError(), TransferInterrupted),
        (web.RequestPayloadError("400"), web.RequestPayloadError),
    ],
)
async def test_what_came_before_an_interruption_comes_first(stop: Exception, raised: type[Exception]) -> None:
    pieces: list[bytes] = []

    async def take() -> None:
        async for piece in of(Content(b"ab", b"c", stop)).pieces():
            pieces.append(bytes(piece))

    with pytest.raises(raised):
        await take()
    assert pieces == [b"abc"]


async def test_who_is_silent_for_too_long_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    class Silent:
        async def readany(self) -> bytes:
            return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return]

    monkeypatch.setattr(body, "SILENCE_MAX_S", 0.01)
    with pytest.raises(TransferInterrupted):
        assert [piece async for piece in of(Silent()).pieces()] == []


async def test_no_more_is_read_ahead_than_one_piece() -> None:
    """Memory is bounded: while nobody takes a piece, the sender waits."""
    content = Content(*[bytes(PIECE_BYTES)] * 9)
    pieces = of(content).pieces()
    await anext(pieces)
    for _ in range(50):
        await asyncio.sleep(0)
    assert content.taken == 2
    await pieces.aclose()
    for _ in range(5):
        await asyncio.sleep(0)
    assert content.taken == 2


async def test_buffers_are_used_again_and_few_are_kept() -> None:
    buffers = Buffers()
    read = Body(Content(b"first"), buffers)  # type: ignore[arg-type]
    assert [bytes(piece) async for piece in read.pieces()] == [b"first"]
    used = {id(buffers.take()) for _ in range(2)}
    assert len(used) == 2
    many = [buffers.take() for _ in range(BUFFERS_KEPT + 3)]
    buffers.give_back(*many)
    again = [buffers.take() for _ in range(BUFFERS_KEPT)]
    assert {id(each) for each in again} <= {id(each) for each in many}
    assert id(buffers.take()) not in {id(each) for each in many}


async def test_a_read_that_is_larger_than_a_piece_becomes_several() -> None:
    data = bytes(range(256)) * (PIECE_BYTES // 100)
    pieces = [bytes(piece) async for piece in of(Content(b"x", data)).pieces()]
    assert [len(piece) for piece in pieces] == [PIECE_BYTES, PIECE_BYTES, len(data) + 1 - 2 * PIECE_BYTES]
    assert b"".join(pieces) == b"x" + data

"""The proxy understands what it spoils."""

from __future__ import annotations

import pytest

from tests.faults.frames import TEXT, take_frame, wrapped


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536])
def test_a_frame_is_taken_from_a_stream_whole_or_not_at_all(size: int, masked: bool) -> None:
    payload = bytes(number % 251 for number in range(size))
    raw = wrapped(TEXT, payload, masked=masked)

    assert take_frame(bytearray(raw[:-1])) is None
    buffer = bytearray(raw + b"more")
    frame = take_frame(buffer)
    assert frame is not None
    assert (frame.payload, frame.raw, frame.masked, bytes(buffer)) == (payload, raw, masked, b"more")


def test_a_frame_can_say_something_else() -> None:
    frame = take_frame(bytearray(wrapped(TEXT, b'[{"t":"ping","x":"A"},{"t":"pong","x":"B"}]', masked=True)))
    assert frame is not None
    assert frame.types == ["ping", "pong"]
    again = take_frame(bytearray(frame.saying(frame.packets[1:]).raw))
    assert again is not None
    assert again.payload == b'[{"t":"pong","x":"B"}]'


def test_what_is_no_packet_has_no_name() -> None:
    close = take_frame(bytearray(wrapped(0x88, b"\x03\xe8", masked=False)))
    nonsense = take_frame(bytearray(wrapped(TEXT, b"{nonsense", masked=False)))
    assert close is not None
    assert nonsense is not None
    assert (close.is_data, close.types, nonsense.types) == (False, [], [])

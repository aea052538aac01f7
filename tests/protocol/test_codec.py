"""Frames and packets (P-10, P-11): the fast way, the slow way, and what is refused."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.codec import Garbled, frames, from_client, from_server, from_text, to_text, write
from protocol.limits import FRAME_MAX_BYTES, PACKETS_PER_FRAME_MAX
from protocol.packets import AckR, MsgN, MsgR, Ping, Pong
from protocol.values import NUMBER_MAX, ConvId, Digest

C = ConvId("c7")
ACK = AckR(C, 910)
MESSAGE = MsgR(C, 1, Digest(""), Digest("d"), content="eyJ")


def codes(frame: bytes | str) -> list[str]:
    """Code and type of everything garbled; the type of the packet for everything else."""
    return [
        f"{packet.code} {packet.type}".strip() if isinstance(packet, Garbled) else type(packet).__name__
        for packet in from_client.read(frame)
    ]


def test_what_is_written_is_read() -> None:
    frame = write([ACK, MESSAGE])

    assert frame == (
        b'[{"t":"ack:R","conv":"c7","upto":910},{"t":"msg:R","conv":"c7","n":1,"pd":"","dg":"d","content":"eyJ"}]'
    )
    assert from_client.read(frame) == [ACK, MESSAGE]
    assert from_client.read(frame.decode()) == [ACK, MESSAGE]


def test_unknown_fields_are_ignored_and_order_and_spaces_do_not_matter() -> None:
    assert from_client.read(b'[ {"upto":910, "t":"ack:R", "conv":"c7", "later":{"x":[1]}} ]') == [ACK]


def test_an_unknown_type_spoils_only_itself() -> None:
    assert codes('[{"t":"ack:R","conv":"c7","upto":1},{"t":"dance"},{"t":"ping","x":"1"}]') == [
        "AckR",
        "unknown_type dance",
        "Ping",
    ]


def test_a_packet_of_the_other_direction_is_unknown() -> None:
    assert codes('[{"t":"msg:A"}]') == ["unknown_type msg:A"]
    assert from_server.read(write([Pong("1")])) == [Pong("1")]


@pytest.mark.parametrize(
    "packet",
    [
        '{"t":"ack:R","conv":"c7"}',
        '{"t":"ack:R","conv":"c7","upto":-1}',
        '{"t":"ack:R","conv":"c7","upto":1.5}',
        '{"t":"ack:R","conv":"c7","upto":"1"}',
        '{"t":"ack:R","conv":7,"upto":1}',
        f'{{"t":"ack:R","conv":"c7","upto":{NUMBER_MAX + 1}}}',
        f'{{"t":"ack:R","conv":"c7","upto":{2**70}}}',
        r'{"t":"ack:R","conv":"\ud800","upto":1}',
    ],
)
def test_a_packet_with_a_bad_field_spoils_only_itself(packet: str) -> None:
    assert codes(f'[{packet},{{"t":"ping","x":"1"}}]') == ["packet ack:R", "Ping"]


@pytest.mark.parametrize("packet", ["1", "null", "[]", "{}", '{"t":1}', '"ack:R"'])
def test_a_packet_without_a_type_spoils_only_itself(packet: str) -> None:
    assert codes(f'[{packet},{{"t":"ping","x":"1"}}]') == ["packet", "Ping"]


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b"null",
        b"\xff\xfe",
        b'[{"t":"ping","x":"1","x":"2"}]',
        b'[{"t":"ack:R","conv":"c7","upto":NaN}]',
        b'[{"t":"ack:R","conv":"c7","upto":Infinity}]',
        b'[{"t":"ping","x":"1","deep":' + b"[" * 15 + b"]" * 15 + b"}]",
        b"[" * 100_000,
        write([Ping("1")] * PACKETS_PER_FRAME_MAX)[:-1] + b',{"t":"ping","x":"1"}]',
        b'[{"t":"ping","x":"' + b"x" * FRAME_MAX_BYTES + b'"}]',
    ],
)
def test_a_broken_frame_is_broken_as_a_whole(frame: bytes) -> None:
    assert codes(frame) == ["frame"]


def test_depth_is_counted_to_the_limit() -> None:
    assert codes(b'[{"t":"ping","x":"1","deep":' + b"[" * 14 + b"]" * 14 + b"}]") == ["Ping"]
    assert codes(b'[{"t":"ping","x":"1","deep":{"a":{"b":[' + b"[" * 11 + b"]" * 11 + b"]}}}]") == ["Ping"]


def test_many_packets_leave_in_as_few_frames_as_fit() -> None:
    pings = [Ping(str(number)) for number in range(130)]

    made = frames(pings)

    assert [len(from_client.read(frame)) for frame in made] == [64, 64, 2]
    assert [packet for frame in made for packet in from_client.read(frame)] == pings
    assert frames([]) == []


def test_long_packets_are_spread_over_frames() -> None:
    long = MsgR(C, 1, Digest(""), Digest("d"), content="x" * 100_000)

    made = frames([long] * 5)

    assert [len(from_client.read(frame)) for frame in made] == [2, 2, 1]
    assert all(len(frame) <= FRAME_MAX_BYTES for frame in made)


def test_an_empty_frame_is_never_written() -> None:
    with pytest.raises(AssertionError):
        write([])


def test_bytes_have_one_spelling() -> None:
    assert to_text(b"\xfb\xff") == "-_8"
    assert from_text("-_8") == b"\xfb\xff"
    for wrong in ("-_8=", "0-bC=", "-_8==", "+/8", "-_9", "a", "a b", "ä", "AAA\n"):
        with pytest.raises(ValueError):
            from_text(wrong)


@given(st.binary(max_size=100))
def test_any_bytes_survive(data: bytes) -> None:
    assert from_text(to_text(data)) == data


@given(st.binary(max_size=300))
def test_no_noise_breaks_the_reader(noise: bytes) -> None:
    assert all(isinstance(packet, Garbled) for packet in from_server.read(noise))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(["ack:R", "msg:N", "nack"]),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(st.sampled_from(["t", "conv", "upto", "n", "from", "to", "events"]), inner, max_size=5)
        ),
        max_leaves=20,
    )
)
def test_no_json_breaks_the_reader(value: object) -> None:
    for codec in (from_client, from_server):
        assert codec.read(json.dumps([value]))


def test_a_frame_holds_the_events_it_names() -> None:
    frame = MsgN(C, 3, 3, 3)

    assert write([frame]) == b'[{"t":"msg:N","conv":"c7","from":3,"to":3,"head":3}]'
    assert from_server.read(write([frame])) == [frame]

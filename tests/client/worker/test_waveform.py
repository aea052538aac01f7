"""The packing of a voice note's drawing."""

from __future__ import annotations

import base64

import pytest

from client.worker import waveform
from protocol.content import pack_bins, unpack_bins

RISING = tuple(place % 32 for place in range(100))


def test_what_is_packed_comes_back() -> None:
    packed = waveform.pack(RISING)
    assert len(packed) == 63
    assert len(base64.b64encode(packed)) == 84
    assert waveform.unpack(packed) == RISING


def test_the_first_bin_has_the_highest_bits_and_the_last_four_are_empty() -> None:
    assert waveform.pack((31, *[0] * 99))[0] == 0b11111000
    assert waveform.pack((*[0] * 99, 31))[-2:] == bytes([0b00000001, 0b11110000])


def test_it_is_the_packing_of_the_language() -> None:
    assert waveform.pack(RISING) == pack_bins(RISING)
    assert unpack_bins(waveform.pack(RISING)) == RISING


@pytest.mark.parametrize("bins", [(), (1,) * 99, (1,) * 101, (*[0] * 99, 32), (*[0] * 99, -1)])
def test_other_bins_are_refused(bins: tuple[int, ...]) -> None:
    with pytest.raises(ValueError):
        waveform.pack(bins)


@pytest.mark.parametrize("packed", [b"", bytes(62), bytes(64), bytes(62) + b"\x01"])
def test_other_bytes_are_refused(packed: bytes) -> None:
    with pytest.raises(ValueError):
        waveform.unpack(packed)


def test_halving_keeps_the_louder_of_two_neighbours() -> None:
    assert waveform.halve([1, 5, 4, 2, 9]) == [5, 4, 9]


def test_the_loudest_moment_fills_its_bin_however_quiet_it_is() -> None:
    assert waveform.draw([0] * 500 + [3] * 500) == (0,) * 50 + (31,) * 50


def test_soft_sounds_are_lifted() -> None:
    assert waveform.draw([25, 100])[0] == round(31 * 0.5)


def test_silence_and_nothing_are_flat() -> None:
    assert waveform.draw([0] * 7) == waveform.draw([]) == (0,) * 100


def test_one_loud_moment_among_many_is_still_seen() -> None:
    drawn = waveform.draw([0] * 777 + [8] + [0] * 222)
    assert drawn.count(31) == 1
    assert drawn[77] == 31

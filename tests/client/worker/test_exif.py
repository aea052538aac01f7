"""Which way is up."""

from __future__ import annotations

import pytest

from client.worker import exif
from tests.client.worker.media import tiff


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("value", range(1, 9))
def test_the_orientation_is_read_in_both_byte_orders(value: int, order: str) -> None:
    assert exif.orientation(tiff(value, order)) == value


@pytest.mark.parametrize("value", [0, 9, 65535])
def test_a_value_without_meaning_is_upright(value: int) -> None:
    assert exif.orientation(tiff(value)) == 1


@pytest.mark.parametrize(
    "block",
    [
        b"",
        b"MM\0*",
        b"XX\0*\0\0\0\x08",
        tiff(6)[:18],
        b"MM\0*\xff\xff\xff\xff",
        b"MM\0*\0\0\0\x08\xff\xff" + bytes(30),
    ],
)
def test_a_broken_block_is_upright(block: bytes) -> None:
    assert exif.orientation(block) == 1


@pytest.mark.parametrize("value", range(1, 9))
def test_the_smallest_block_says_only_that(value: int) -> None:
    block = exif.only_orientation(value)
    assert exif.orientation(block) == value
    assert len(block) == 26

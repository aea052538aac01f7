"""The inner envelope: what a message says, and what is refused (P-5, P-78, P-81, P-91)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.content import (
    Attachment,
    Body,
    Content,
    File,
    Joined,
    Left,
    Notice,
    Opened,
    Picture,
    Text,
    Titled,
    Video,
    Voice,
    attachments,
    pack,
    pack_bins,
    pack_notice,
    unpack,
    unpack_bins,
    unpack_notice,
)
from protocol.limits import CONTENT_MAX_BYTES
from protocol.problems import ContentMismatch, ContentTooLarge, ContentUnreadable
from protocol.values import ConvId, MediaId, Uid

ALICE, C = Uid("alice"), ConvId("c7")
FILE = Attachment(MediaId("m"), "a.jpg", "image/jpeg", 5, "ab", preview=b"\x00\xff", preview_type="image/webp")


def content(body: Body) -> Content:
    return Content(ALICE, C, b"8 bytes!", 1_767_225_600_000, body)


@pytest.mark.parametrize("body", [Text("hello ☯"), Picture(FILE, "look"), Voice(FILE), Video(FILE), File(FILE)])
def test_what_is_packed_is_unpacked(body: Body) -> None:
    assert unpack(pack(content(body)), author=ALICE, conv=C) == content(body)


def test_the_bytes_of_a_text_never_change() -> None:
    """Golden: version 1 of the inner envelope."""
    assert pack(content(Text("hello"))) == (
        b'{"author":"alice","conv":"c7","nonce":"OCBieXRlcyE=","at_ms":1767225600000,'
        b'"body":{"kind":"text","text":"hello"}}'
    )


def test_fields_of_a_newer_version_are_ignored() -> None:
    newer = pack(content(Text("hello"))).replace(b'"author"', b'"mood":"merry","author"')

    assert unpack(newer, author=ALICE, conv=C).body == Text("hello")


@pytest.mark.parametrize(
    "data", [b"", b"{}", b"noise \xff", b'{"author":1}', b"[" * 100_000, b'{"body":{"kind":"dance"}}']
)
def test_what_cannot_be_read_is_said_so(data: bytes) -> None:
    with pytest.raises(ContentUnreadable):
        unpack(data, author=ALICE, conv=C)
    with pytest.raises(ContentUnreadable):
        unpack_notice(data)


@pytest.mark.parametrize(("author", "conv"), [(Uid("mallory"), C), (ALICE, ConvId("c8"))])
def test_a_message_under_another_name_is_refused(author: Uid, conv: ConvId) -> None:
    with pytest.raises(ContentMismatch):
        unpack(pack(content(Text("hello"))), author=author, conv=conv)


def test_content_has_a_limit_and_says_it() -> None:
    fits = CONTENT_MAX_BYTES - len(pack(content(Text(""))))
    assert len(pack(content(Text("x" * fits)))) == CONTENT_MAX_BYTES

    with pytest.raises(ContentTooLarge) as refused:
        pack(content(Text("x" * (fits + 1))))
    assert refused.value.facts == {"size_kb": 65, "limit_kb": 64}


def test_the_files_of_a_message() -> None:
    assert attachments(Text("hello")) == ()
    assert attachments(Voice(FILE)) == (FILE,)


@pytest.mark.parametrize(
    "notice", [Opened("group", "Walks", ALICE), Joined(ALICE, "Alice"), Left(ALICE), Titled("Hikes", ALICE)]
)
def test_what_the_server_says(notice: Notice) -> None:
    assert unpack_notice(pack_notice(notice)) == notice


@given(st.lists(st.integers(0, 31), min_size=100, max_size=100))
def test_a_waveform_survives_in_63_bytes(heights: list[int]) -> None:
    packed = pack_bins(tuple(heights))

    assert len(packed) == 63
    assert unpack_bins(packed) == tuple(heights)


def test_a_waveform_of_another_length_is_flat() -> None:
    assert unpack_bins(b"") == (0,) * 100
    assert unpack_bins(b"x" * 64) == (0,) * 100


@pytest.mark.parametrize("bins", [(0,) * 99, (32, *(0,) * 99), (-1, *(0,) * 99)])
def test_a_waveform_out_of_bounds_is_a_mistake_of_ours(bins: tuple[int, ...]) -> None:
    with pytest.raises(AssertionError):
        pack_bins(bins)

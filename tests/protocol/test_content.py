"""The inner envelope: what a message says, and what is refused (P-5, P-78, P-81, P-91)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.content import (
    Attachment,
    Body,
    Change,
    Content,
    Edit,
    File,
    Forward,
    Joined,
    Left,
    Mention,
    Notice,
    Opened,
    Picture,
    Reaction,
    Recall,
    Reply,
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
    within,
)
from protocol.limits import CONTENT_MAX_BYTES, EMOJI_MAX_CHARS, QUOTE_MAX_CHARS
from protocol.problems import ContentMismatch, ContentTooLarge, ContentUnreadable
from protocol.values import ConvId, Digest, MediaId, Uid, replace

ALICE, C = Uid("alice"), ConvId("c7")
FILE = Attachment(MediaId("m"), "a.jpg", "image/jpeg", 5, "ab", preview=b"\x00\xff", preview_type="image/webp")


def content(body: Body | Change) -> Content:
    return Content(ALICE, C, b"8 bytes!", 1_767_225_600_000, body)


@pytest.mark.parametrize(
    "body", [Text("hello ☯"), Picture(FILE, "look", "al"), Voice(FILE), Video(FILE, album="al", note=True), File(FILE)]
)
def test_what_is_packed_is_unpacked(body: Body) -> None:
    assert unpack(pack(content(body)), author=ALICE, conv=C) == content(body)


def test_the_bytes_of_a_text_never_change() -> None:
    """Golden: version 1 of the inner envelope."""
    assert pack(content(Text("hello"))) == (
        b'{"author":"alice","conv":"c7","nonce":"OCBieXRlcyE=","at_ms":1767225600000,'
        b'"body":{"kind":"text","text":"hello"}}'
    )


HELLO = Digest("hello")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (Edit(HELLO, "better"), b'{"kind":"edit","target":"hello","text":"better"}'),
        (
            Edit(HELLO, "@Bob", (Mention(Uid("bob"), 0, 4),)),
            b'{"kind":"edit","target":"hello","text":"@Bob","mentions":[{"uid":"bob","start":0,"length":4}]}',
        ),
        (Recall(HELLO), b'{"kind":"recall","target":"hello"}'),
        (Reaction(HELLO, "x"), b'{"kind":"reaction","target":"hello","emoji":"x"}'),
        (Reaction(HELLO), b'{"kind":"reaction","target":"hello"}'),
        (
            Text("@Bob", (Mention(Uid("bob"), 0, 4),)),
            b'{"kind":"text","text":"@Bob","mentions":[{"uid":"bob","start":0,"length":4}]}',
        ),
    ],
)
def test_the_bytes_of_changes_never_change(body: Body | Change, said: bytes) -> None:
    """Golden: what came to version 1 with edits, recalls, reactions and mentions."""
    packed = pack(content(body))
    assert packed.endswith(b'"body":' + said + b"}")
    assert unpack(packed, author=ALICE, conv=C) == content(body)


def test_the_bytes_of_answers_and_forwards_never_change() -> None:
    answer = replace(content(Text("yes")), reply=Reply(HELLO, Uid("bob"), "hello?"), forward=Forward(ALICE, "Alice"))
    packed = pack(answer)
    assert packed.endswith(
        b'"body":{"kind":"text","text":"yes"},"reply":{"dg":"hello","uid":"bob","quote":"hello?"},'
        b'"forward":{"uid":"alice","name":"Alice"}}'
    )
    assert unpack(packed, author=ALICE, conv=C) == answer


@pytest.mark.parametrize(
    "broken",
    [
        content(Reaction(HELLO, "x" * (EMOJI_MAX_CHARS + 1))),
        replace(content(Text("yes")), reply=Reply(HELLO, ALICE, "x" * (QUOTE_MAX_CHARS + 1))),
        replace(content(Text("yes")), forward=Forward(ALICE, "x" * 65)),
    ],
)
def test_what_is_too_long_cannot_be_read(broken: Content) -> None:
    with pytest.raises(ContentUnreadable):
        unpack(pack(broken), author=ALICE, conv=C)


def test_mentions_that_do_not_fit_the_text_are_left_out() -> None:
    """Somebody else wrote them: they may lie outside, inside one another, or be nothing."""

    def at(start: int, length: int) -> Mention:
        return Mention(ALICE, start, length)

    assert within((at(7, 2), at(0, 3)), "既济 👍🏽 hi") == (at(0, 3),)
    assert within((at(4, 2), at(1, 3), at(0, 2), at(6, 0)), "abcdef") == (at(0, 2), at(4, 2))


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
    assert attachments(Text("hello")) == attachments(Recall(HELLO)) == ()
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

"""What a message can carry: the inner envelope (P-89). The server never reads it.

`content` bytes are JSON today (suite `plain1`). The inner layer repeats author and conversation, so that a receiver
can compare them with what the server says outside (P-91), and carries a nonce, so that two equal texts differ (P-5).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, TypeAlias

import msgspec

from protocol.limits import (
    ALBUM_ID_MAX_CHARS,
    CONTENT_MAX_BYTES,
    EMOJI_MAX_CHARS,
    QUOTE_MAX_CHARS,
    WAVEFORM_BINS,
    WAVEFORM_BITS,
)
from protocol.problems import ContentMismatch, ContentTooLarge, ContentUnreadable
from protocol.values import ConvId, Count, Digest, MediaId, Name, Uid

PLAIN = "plain1"
SERVER = "server1"


class Part(msgspec.Struct, frozen=True, omit_defaults=True):
    """A piece of content; unknown fields are ignored."""


class Attachment(Part, frozen=True):
    """A file that was uploaded before the message was sent, and what can be shown of it without a download.

    `preview` is a JPEG or WebP of at most 12 KB, `waveform` 100 bins of 5 bits in 63 bytes, both in base64.
    """

    media: MediaId
    name: str
    type: str
    size_bytes: Count
    sha256: str
    width: Count = 0
    height: Count = 0
    duration_ms: Count = 0
    preview: bytes = b""
    preview_type: str = ""
    waveform: bytes = b""


class Mention(Part, frozen=True):
    """A person named in a text: `length` characters from `start` on, both counted in code points."""

    uid: Uid
    start: Count
    length: Count


class Text(Part, frozen=True, tag_field="kind", tag="text"):
    """Words."""

    text: str
    mentions: tuple[Mention, ...] = ()


class Picture(Part, frozen=True, tag_field="kind", tag="picture"):
    """A picture with its thumbnail. Neighbours with one `album` are shown as one mosaic."""

    file: Attachment
    caption: str = ""
    album: Annotated[str, msgspec.Meta(max_length=ALBUM_ID_MAX_CHARS)] = ""


class Voice(Part, frozen=True, tag_field="kind", tag="voice"):
    """A voice note with its waveform."""

    file: Attachment


class Video(Part, frozen=True, tag_field="kind", tag="video"):
    """A video with its first bright frame; `note` says that it was said into the camera, and is shown as a square."""

    file: Attachment
    caption: str = ""
    album: Annotated[str, msgspec.Meta(max_length=ALBUM_ID_MAX_CHARS)] = ""
    note: bool = False


class File(Part, frozen=True, tag_field="kind", tag="file"):
    """Any other file."""

    file: Attachment
    caption: str = ""


class Edit(Part, frozen=True, tag_field="kind", tag="edit"):
    """The message `target` says this from now on: its words, or what stands below its file (P-74)."""

    target: Digest
    text: str
    mentions: tuple[Mention, ...] = ()


class Recall(Part, frozen=True, tag_field="kind", tag="recall"):
    """The message `target` is to be removed everywhere (P-74)."""

    target: Digest


class Reaction(Part, frozen=True, tag_field="kind", tag="reaction"):
    """What the author thinks of the message `target`, as one emoji; empty takes it back."""

    target: Digest
    emoji: Annotated[str, msgspec.Meta(max_length=EMOJI_MAX_CHARS)] = ""


Body: TypeAlias = Text | Picture | Voice | Video | File
"""What stands in a bubble of its own."""
Change: TypeAlias = Edit | Recall | Reaction
"""What is done to another message. Outside, `rel` says where that one is; inside, its digest says which it is."""
RELATIONS: dict[type[Change], str] = {Edit: "edit", Recall: "recall", Reaction: "react"}
"""The kind of `rel` that each change travels with."""


class Reply(Part, frozen=True):
    """The message that is answered: its digest, author and kind, and its first words as they were then."""

    dg: Digest
    uid: Uid
    quote: Annotated[str, msgspec.Meta(max_length=QUOTE_MAX_CHARS)] = ""
    kind: str = "text"


class Forward(Part, frozen=True):
    """Who wrote this first, and what that person was called where it was taken from."""

    uid: Uid
    name: Name


class Content(Part, frozen=True):
    """The inner envelope: who wrote what, where, when by the author's own clock (milliseconds)."""

    author: Uid
    conv: ConvId
    nonce: bytes
    at_ms: Count
    body: Body | Change
    reply: Reply | None = None
    forward: Forward | None = None


class Joined(Part, frozen=True, tag_field="kind", tag="joined"):
    """Said by the server: a person became a member. `by` is who added them, `mlv` makes every change another one."""

    uid: Uid
    name: str
    role: int = 0
    by: Uid = Uid("")
    mlv: int = 0


class Left(Part, frozen=True, tag_field="kind", tag="left"):
    """Said by the server: a person left, or was removed `by` another one."""

    uid: Uid
    by: Uid = Uid("")
    mlv: int = 0


class Ranked(Part, frozen=True, tag_field="kind", tag="ranked"):
    """Said by the server: a member has another role, 1 for who administers."""

    uid: Uid
    role: int = 0
    by: Uid = Uid("")
    mlv: int = 0


class Opened(Part, frozen=True, tag_field="kind", tag="opened"):
    """Said by the server, first event of every conversation: what it is. `form` is direct, group or self."""

    form: str
    title: str = ""
    by: Uid = Uid("")


class Titled(Part, frozen=True, tag_field="kind", tag="titled"):
    """Said by the server: the group has another name."""

    title: str
    by: Uid = Uid("")
    mlv: int = 0


Notice: TypeAlias = Opened | Joined | Left | Titled | Ranked

_encoder = msgspec.json.Encoder()
_content = msgspec.json.Decoder(Content)
_notice: msgspec.json.Decoder[Notice] = msgspec.json.Decoder(Notice)


def attachments(body: Body | Change) -> tuple[Attachment, ...]:
    """The files that a body names."""
    return (body.file,) if isinstance(body, Picture | Voice | Video | File) else ()


def within(mentions: Iterable[Mention], text: str) -> tuple[Mention, ...]:
    """The mentions that lie inside the text and do not overlap, in its order: others wrote them."""
    found: list[Mention] = []
    end = 0
    for mention in sorted(mentions, key=lambda mention: mention.start):
        if mention.length and end <= mention.start and mention.start + mention.length <= len(text):
            found.append(mention)
            end = mention.start + mention.length
    return tuple(found)


def pack(content: Content) -> bytes:
    """Return the content bytes, frozen from here on (P-19). Raises ContentTooLarge above 64 KiB (P-78)."""
    data = _encoder.encode(content)
    if len(data) > CONTENT_MAX_BYTES:
        raise ContentTooLarge(size_kb=-(-len(data) // 1024), limit_kb=CONTENT_MAX_BYTES // 1024)
    return data


def unpack(data: bytes, *, author: Uid, conv: ConvId) -> Content:
    """Return what the bytes say. Raises ContentUnreadable (P-81), or ContentMismatch if they name others (P-91)."""
    try:
        content = _content.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ContentUnreadable() from None
    if content.author != author or content.conv != conv:
        raise ContentMismatch()
    return content


def pack_notice(notice: Notice) -> bytes:
    """Return the bytes of what the server says in a conversation."""
    return _encoder.encode(notice)


def unpack_notice(data: bytes) -> Notice:
    """Return what the server says. Raises ContentUnreadable for what this version does not know."""
    try:
        return _notice.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ContentUnreadable() from None


def pack_bins(bins: tuple[int, ...]) -> bytes:
    """100 heights of 0…31 as 63 bytes, 5 bits each, first bin in the highest bits."""
    assert len(bins) == WAVEFORM_BINS, len(bins)
    packed = 0
    for height in bins:
        assert 0 <= height < 1 << WAVEFORM_BITS, height
        packed = packed << WAVEFORM_BITS | height
    spare_bits = -WAVEFORM_BINS * WAVEFORM_BITS % 8
    return (packed << spare_bits).to_bytes((WAVEFORM_BINS * WAVEFORM_BITS + spare_bits) // 8, "big")


def unpack_bins(data: bytes) -> tuple[int, ...]:
    """The 100 heights of a waveform; all zero if the bytes have another length."""
    spare_bits = -WAVEFORM_BINS * WAVEFORM_BITS % 8
    if len(data) * 8 != WAVEFORM_BINS * WAVEFORM_BITS + spare_bits:
        return (0,) * WAVEFORM_BINS
    packed = int.from_bytes(data, "big") >> spare_bits
    mask = (1 << WAVEFORM_BITS) - 1
    return tuple(packed >> WAVEFORM_BITS * (WAVEFORM_BINS - 1 - place) & mask for place in range(WAVEFORM_BINS))

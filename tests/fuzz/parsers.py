"""Everything that reads what a stranger wrote: how it is fed, what it may answer, what mutation begins with.

`feed` raises what the parser promises not to raise; a promise kept is silence.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from protocol.codec import Codec, Garbled, from_client, from_server, write
from protocol.limits import FRAME_MAX_BYTES, KIB
from protocol.packets import FromClient, FromServer, Packet
from protocol.problems import Problem
from protocol.values import SERVER_DID, Did
from tests.fuzz import corpus, doors, machines
from tests.fuzz.media import read_media
from tests.fuzz.mutate import WORDS

Feed = Callable[[bytes], object]


@dataclass(frozen=True)
class Parser:
    """One reader of foreign bytes.

    Attributes:
        what: one line for the table.
        open: returns the function that is fed; called once a run.
        seeds: what mutation begins with.
        max_bytes: longer inputs are cut.
    """

    name: str
    what: str
    open: Callable[[], Feed]
    seeds: Callable[[], list[bytes]]
    max_bytes: int = 16 * KIB


# ------------------------------------------------------------------------------------------- packets


def read_frames(codec: Codec[Any]) -> Feed:
    """Packets or `Garbled`, never an exception; and what was read is read again from what is written of it."""

    def feed(data: bytes) -> None:
        packets = codec.read(data)
        assert packets
        if not any(isinstance(packet, Garbled) for packet in packets):
            assert codec.read(write(cast(list[Packet], packets))) == packets

    return feed


# ------------------------------------------------------------------------------------------- content


def read_content(data: bytes) -> None:
    """What stands in a message, and all that a person is shown of it."""
    from client.adapters.http_names import safe_extension, safe_name
    from client.adapters.sqlite_words import read_content as read
    from client.harness.fields import body_fields
    from protocol.content import PLAIN, SERVER, attachments, unpack_bins

    for did, suite in ((Did("7"), PLAIN), (SERVER_DID, SERVER), (Did("7"), SERVER), (Did("7"), "olm1")):
        body: Any = read(did, suite, data, corpus.AUTHOR, corpus.CONV)
        body_fields(body)
        for file in attachments(body) if body is not None and suite == PLAIN else ():
            name = safe_name(file.name)
            assert name
            assert not set(name) & set('/\\<>:"|?*\x00\u202e')
            assert safe_extension(file.name).isascii()
            assert all(0 <= height < 32 for height in unpack_bins(file.waveform))


def _decoded(data: bytes) -> str:
    """As text, with lone surrogates where it can be: JSON and clipboards may hold them."""
    try:
        return data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return data.decode("utf-8", "replace")


# ------------------------------------------------------------------------- addresses, invites, text


def read_address(data: bytes) -> None:
    """What a person types or pastes as the address of a server."""
    from client.adapters.http_accounts import server_base
    from client.adapters.websocket_wire import line_url
    from client.app.account import server_url
    from server.doors.web import is_this_computer

    text = _decoded(data)
    is_this_computer(text)
    for read in (server_url, server_base):
        try:
            line_url(read(text))
        except Problem:
            continue


def read_invite(data: bytes) -> None:
    """The line that a person pastes to join, and what is made of it again."""
    from client.ui.invites import invite_line
    from client.ui.invites import read_invite as read

    found = read(_decoded(data))
    if found is not None:
        assert read(invite_line(*found)) is not None


def read_text(data: bytes) -> None:
    """What a message is before it is drawn: made visible, its links found, its emoji counted."""
    from client.ui.plain import isolate, links, one_line, only_emoji, visible

    text = _decoded(data)
    shown = visible(text)
    assert not set(shown) & set("\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u2069\x00")
    assert "\n" not in one_line(text)
    only_emoji(shown)
    isolate(text)
    for start, length, address in links(shown):
        assert shown[start : start + length] == address


# ------------------------------------------------------------------------------------ harness, worker


def read_wish(data: bytes) -> None:
    """A line of the harness."""
    from client.harness.wishes import read_wish as read
    from client.harness.wishes import ref_of
    from protocol.problems import WishInvalid

    try:
        read(data)
    except WishInvalid as invalid:
        invalid.for_person(str)
        ref_of(data)


def _client_frames() -> list[bytes]:
    return [*corpus.frames(FromClient), *corpus.hostile_frames()]


def _server_frames() -> list[bytes]:
    return [*corpus.frames(FromServer), *corpus.hostile_frames()]


def _addresses() -> list[bytes]:
    good = (
        b"127.0.0.1:8787",
        b"http://127.0.0.1:8787/",
        b"https://chat.example.org",
        b"[::1]:8787",
        b"http://[::1]:80/",
        b"localhost",
        b"http://user:secret@host:1/x?y#z",
        b"http://[",
        b"http://[::1",
        b"http://a:b",
        b"//x",
        b"http://",
        b"http://h:99999",
        b"ftp://h",
        b"javascript:x",
        b"http://\xef\xbc\xa1.b",
        b"xn--a:1",
        b"http://[v1.a]",
    )
    return [*good, *WORDS, b"a" * 60_000, b"[" * 3_000]


def _invites() -> list[bytes]:
    good = (b"http://127.0.0.1:8787/#CODE-code_1", b"Join me: https://h:1/#abc today", b"h#c", b"[::1]:1/#x", b"#x")
    return [*good, *WORDS, b"a" * 60_000, b"a." * 30_000 + b"/", b"https://" * 8_000]


def _texts() -> list[bytes]:
    good = (
        "Good morning.\nSee https://example.org/Hexagram_(book), and mailto:a@b.c!",
        "\U0001f600\U0001f468\u200d\U0001f469\u200d\U0001f466",
        "1\ufe0f\u20e3\U0001f1e9\U0001f1ea",
        "\u202egpj.exe",
        "\U0001f3f4\U000e0067\U000e0062\U000e007f",
        "Z" + "\u0301" * 500,
        "http://user@host/",
        "既济 https://例子.中国",
    )
    long = ("https://x" + ")" * 60_000, "(" * 60_000, "mailto:" * 9_000, "\U0001f3f4" * 16_000, "\u0301" * 30_000)
    return [*(text.encode() for text in (*good, *long)), *WORDS]


def _wishes() -> list[bytes]:
    good = (
        b'{"do":"say","to":"Bob","text":"hello","ref":1}',
        b'{"do":"history","with":"Bob","limit":9}',
        b'{"do":"quit"}',
        b'{"do":"send","conv":"c7","path":"/a","kind":"picture"}',
        b'{"do":"cancel","lid":9007199254740993}',
        b'{"do":"open","title":"All","members":["Bob"]}',
        b'{"do":"set","retry":"ask","literal":true}',
        b'{"do":"trace","lid":0}',
        b'{"do":"say","do":"say","to":"a","text":"\\ud800"}',
        b'{"ref":NaN}',
    )
    deep = [b'{"ref":' + b"[" * depth + b"]" * depth + b"}" for depth in corpus.DEPTHS]
    return [*good, *deep, *WORDS, b'{"do":"say","to":"a","text":"' + b"a" * 1_100_000 + b'"}']


def _files() -> list[bytes]:
    jpeg = (
        b"\xff\xd8\xff\xe1\x00\x1aExif\x00\x00II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00\x06\x00"
    )
    jpeg += b"\xff\xc0\x00\x11\x08\x01\x00\x01\x00\x03\x01\x22\x00\x02\x11\x01\x03\x11\x01\xff\xd9"
    png = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x01\x00\x00\x00\x01\x00\x08\x02\x00\x00\x00\x00\x00\x00\x00"
    webp = (
        b"RIFF\x24\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x10\x00\x00\x00\xff\x00\x00\xff\x00\x00VP8L\x05\x00\x00\x00/\xff"
    )
    mp4 = b"\x00\x00\x00\x14ftypisom\x00\x00\x02\x00isom\x00\x00\x00\x70moov\x00\x00\x00\x6cmvhd" + b"\x00" * 100
    others = (
        b"GIF89a\x01\x00\x01\x00",
        b"OggS\x00\x02",
        b"RIFF\x04\x00\x00\x00WAVEfmt ",
        b"ID3\x04\x00",
        b"\xff\xfb\x90",
    )
    return [
        jpeg,
        png,
        webp,
        mp4,
        *others,
        b"\x1aE\xdf\xa3webm",
        b"PK\x03\x04",
        b"%PDF-1.7",
        b"words",
        b"",
        b"\xff\xd8\xff" + b"\xff\xe0\x00\x02" * 15_000,
        b"\x00\x00\x00\x08ftypisom" + b"\x00\x00\x00\x08free" * 8_000,
        png[:8] + b"\x00\x00\x00\x00aaaa\x00\x00\x00\x00" * 5_000,
    ]


PARSERS: dict[str, Parser] = {
    parser.name: parser
    for parser in (
        Parser(
            "client-frames",
            "what clients say: `protocol/codec.py`",
            lambda: read_frames(from_client),
            _client_frames,
            FRAME_MAX_BYTES + 8,
        ),
        Parser(
            "server-frames",
            "what the server says: `protocol/codec.py`",
            lambda: read_frames(from_server),
            _server_frames,
            FRAME_MAX_BYTES + 8,
        ),
        Parser(
            "session",
            "a session of the server, greeted, fed with frames: `server/core/session.py`",
            machines.session,
            _client_frames,
            32 * KIB,
        ),
        Parser(
            "engine",
            "the client's engine in a session, fed with frames: `client/core/engine.py`",
            machines.engine,
            _server_frames,
            32 * KIB,
        ),
        Parser("socket", "garbage on the WebSocket: `server/doors/im_socket.py`", doors.socket, doors.socket_seeds),
        Parser("http", "requests to accounts and media: `server/doors/`", doors.http, doors.http_seeds),
        Parser(
            "content",
            "content, notices, names of files",
            lambda: read_content,
            lambda: [*corpus.contents(), *corpus.notices(), *corpus.hostile_contents()],
            64 * KIB,
        ),
        Parser("address", "addresses of servers", lambda: read_address, _addresses, 64 * KIB),
        Parser("invite", "pasted invites: `client/ui/invites.py`", lambda: read_invite, _invites, 64 * KIB),
        Parser("text", "text before it is drawn: `client/ui/plain.py`", lambda: read_text, _texts, 64 * KIB),
        Parser("wish", "lines of the harness: `client/harness/wishes.py`", lambda: read_wish, _wishes, 64 * KIB),
        Parser("file", "files: heads, tracks, remarks: `client/worker/`", lambda: read_media, _files, 128 * KIB),
    )
}

"""Files that strangers send, made by code: what they are said to be, and why they are not shown.

Everything that names another file names the secret beside it; everything that names an address names a listener that
nobody may ever reach.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from tests.client.worker import media
from tests.client.worker.media import png_chunk

NOT_AS_SAID, TOO_BIG, UNSAFE, NOT_SHOWN = (
    "media_not_as_said", "media_too_big_to_show", "media_unsafe", "media_not_shown",
)  # fmt: skip
SECRET = "SECRET-OF-THE-PERSON"
PNG_LEAD = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class Hostile:
    """A file, what its message claims, and the reasons that may be given; none: it may be shown, if cheaply."""

    what: str
    path: Path
    claimed: str
    why: tuple[str, ...] = ()


def corpus(folder: Path, port: int) -> list[Hostile]:
    """Write all of them into the folder."""
    secret = folder / SECRET
    secret.write_bytes((media.SAMPLES / "voice.ogg").read_bytes())
    return [
        *_bombs(folder), *_truncated(folder), *_second_things(folder), *_lists(folder, secret, port),
        *_references(folder, secret), *_texts(folder, port), *_endless(folder), *_misnamed(folder),
    ]  # fmt: skip


def _bombs(folder: Path) -> list[Hostile]:
    gif_lead = b"GIF89a" + struct.pack("<HHBBB", 10, 10, 0xF0, 0, 0) + bytes(6)
    huge_frame = b"\x2c" + struct.pack("<HHHHB", 0, 0, 65535, 65535, 0) + b"\x02\x02\x4c\x01\0;"
    canvas = struct.pack("<I", 0x10) + b"\xff\x3f\0\xff\x3f\0"
    lossless = b"\x2f" + struct.pack("<I", 0x3FFF | 0x3FFF << 14) + bytes(40)
    header = struct.pack(">IIBBBBB", 64, 64, 8, 0, 0, 0, 0)
    rows = zlib.compress(bytes(65 * 64))
    told = png_chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(120_000_000), 9))
    colour = png_chunk(b"iCCP", b"colours\0\0" + zlib.compress(bytes(120_000_000), 9))
    flat = zlib.compress(bytes(6001 * 6000), 9)
    data = {
        ("a png of 30000 x 30000", "bomb.png", (TOO_BIG,)): media.png_bomb(folder / "x.png", 30_000).read_bytes(),
        ("a gif of 65535 x 65535", "screen.gif", (TOO_BIG,)):
            b"GIF89a" + struct.pack("<HHBBB", 65535, 65535, 0xF0, 0, 0) + bytes(900),
        ("a gif with a frame larger than itself", "frame.gif", (NOT_SHOWN, TOO_BIG)): gif_lead + huge_frame,
        ("a webp of 16384 x 16384", "canvas.webp", (TOO_BIG,)): riff(b"VP8X", canvas),
        ("a webp without loss of 16384 x 16384", "lossless.webp", (TOO_BIG,)): riff(b"VP8L", lossless),
        ("a jpeg of 65500 x 65500", "huge.jpg", (TOO_BIG,)):
            b"\xff\xd8" + media.jpeg_segment(0xC0, struct.pack(">BHHB", 8, 65500, 65500, 3) + bytes(9))
            + b"\xff\xda\0\x02" + bytes(99),
        ("a png whose remark unpacks to 120 MB", "remark.png", ()):
            PNG_LEAD + png_chunk(b"IHDR", header) + told + png_chunk(b"IDAT", rows) + png_chunk(b"IEND", b""),
        ("a png whose colours unpack to 120 MB", "colours.png", ()):
            PNG_LEAD + png_chunk(b"IHDR", header) + colour + png_chunk(b"IDAT", rows) + png_chunk(b"IEND", b""),
        ("a png of 36 megapixels in 35 KB", "flat.png", ()): PNG_LEAD
            + png_chunk(b"IHDR", struct.pack(">IIBBBBB", 6000, 6000, 8, 0, 0, 0, 0))
            + png_chunk(b"IDAT", flat) + png_chunk(b"IEND", b""),
    }  # fmt: skip
    return [_put(folder, what, name, "picture", why, body) for (what, name, why), body in data.items()]


def riff(name: bytes, body: bytes) -> bytes:
    chunk = media.webp_chunk(name, body) + media.webp_chunk(b"ALPH", bytes(8))
    return b"RIFF" + struct.pack("<I", len(chunk) + 4) + b"WEBP" + chunk


def _truncated(folder: Path) -> list[Hostile]:
    jpeg = media.quarters(folder / "x.jpg", 640, 480).read_bytes()
    gif = media.quarters(folder / "x.gif", 640, 480).read_bytes()
    mp4 = media.film(folder / "x.mp4").read_bytes()
    mkv = media.film(folder / "x.mkv").read_bytes()
    ogg = (media.SAMPLES / "voice.ogg").read_bytes()
    cut = [
        ("a jpeg that is only its start", "start.jpg", "picture", jpeg[:200]),
        ("a gif that is only its start", "start.gif", "picture", gif[:20]),
        ("a film without its index", "noindex.mp4", "video", mp4[: mp4.index(b"moov") - 4]),
        ("a film that is only its index", "index.mp4", "video", mp4[:32] + mp4[mp4.index(b"moov") - 4 :]),
        ("a matroska that is only its start", "start.mkv", "video", mkv[:300]),
        ("a sound cut in its header", "start.ogg", "voice", ogg[:60]),
    ]  # fmt: skip
    whys = (NOT_SHOWN, NOT_AS_SAID, TOO_BIG)
    return [_put(folder, what, name, claimed, whys, data) for what, name, claimed, data in cut]


def _second_things(folder: Path) -> list[Hostile]:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.writestr("run.exe", b"MZ" * 40)
    hidden, film = archive.getvalue(), media.film(folder / "y.mp4").read_bytes()
    free = struct.pack(">I4s", 24, b"free") + b"%PDF-1.7\n%%EOF  "
    script = b"GIF89a/*" + bytes(40) + b"*/=1;fetch('http://127.0.0.1/');"
    pictures = [
        (f"a {suffix} that is an archive", f"x.{suffix}", "picture", _picture(folder, suffix) + hidden)
        for suffix in ("gif", "jpg", "png", "webp")
    ]
    second = [
        *pictures,
        ("a sound that is an archive", "x.ogg", "voice", (media.SAMPLES / "voice.ogg").read_bytes() + hidden),
        ("a film that is a document", "x.mp4", "video", film[:32] + free + film[32:]),
        ("a gif that is a script", "script.gif", "picture", script),
    ]
    whys = (UNSAFE, NOT_SHOWN, TOO_BIG)  # a script that reads as a head has any size
    return [_put(folder, what, f"second-{name}", claimed, whys, data) for what, name, claimed, data in second]


def _picture(folder: Path, suffix: str) -> bytes:
    return media.quarters(folder / f"a.{suffix}", 64, 64).read_bytes()


def _lists(folder: Path, secret: Path, port: int) -> list[Hostile]:
    there = f"http://127.0.0.1:{port}/canary"
    lists = {
        "hls": f"#EXTM3U\n#EXTINF:1,\nfile://{secret}\n#EXTINF:1,\n{there}\n",
        "concat": f"ffconcat version 1.0\nfile '{secret}'\nfile '{there}'\n",
        "concat without a lead": f"file '{secret}'\nfile '{there}'\n",
        "sdp": f"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\nc=IN IP4 127.0.0.1\r\nm=audio {port} RTP/AVP 0\r\n",
        "pls": f"[playlist]\nFile1={there}\nNumberOfEntries=1\n",
        "asx": f"<asx version='3'><entry><ref href='{there}'/></entry></asx>",
        "dash": f"<?xml version='1.0'?><MPD><BaseURL>{there}</BaseURL></MPD>",
        "smil": f"<smil><body><audio src='{there}'/></body></smil>",
        "rtsptext": f"rtsptext\nrtsp://127.0.0.1:{port}/x\n",
    }
    made = []
    for number, (what, text) in enumerate(lists.items()):
        for suffix, claimed in ((".wav", "voice"), (".mp4", "video"), (".png", "picture")):
            name = f"list{number}{suffix}"
            made.append(_put(folder, f"a list ({what}) named {suffix}", name, claimed, (UNSAFE,), text.encode()))
    return made


def _references(folder: Path, secret: Path) -> list[Hostile]:
    film = media.film(folder / "z.mp4").read_bytes()
    here = struct.pack(">I4sI", 12, b"url ", 1)
    away = film.replace(here, struct.pack(">I4sI", 12, b"url ", 0))
    address = b"url " + struct.pack(">I", len(str(secret))) + str(secret).encode()
    reference = b"rmra" + box(b"rmda", box(b"rdrf", bytes(4) + address))
    elsewhere = film[:28] + box(b"moov", struct.pack(">I", len(reference) + 4) + reference)
    return [
        _put(folder, "a film whose data is at another place", "dref.mp4", "video", (UNSAFE,), away),
        _put(
            folder, "a film that is only an address", "rmra.mov", "video", (UNSAFE, NOT_AS_SAID, NOT_SHOWN), elsewhere
        ),
    ]


def box(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", len(body) + 8, name) + body


def _texts(folder: Path, port: int) -> list[Hostile]:
    entities = "".join(f"<!ENTITY a{n} '{f'&a{n - 1};' * 10}'>" for n in range(1, 12))
    svg = f"<?xml version='1.0'?><!DOCTYPE s [<!ENTITY a0 'ha'>{entities}]><svg><text>&a11;</text></svg>"
    linked = f"<svg xmlns:x='http://www.w3.org/1999/xlink'><image x:href='http://127.0.0.1:{port}/canary'/></svg>"
    page = f"<html><img src='http://127.0.0.1:{port}/canary'></html>"
    plain = [
        ("an svg with entities", "bomb.svg", svg), ("an svg that loads", "linked.svg", linked),
        ("a page named as a picture", "page.jpg", page), ("words named as a picture", "words.png", "no picture\n" * 20),
    ]  # fmt: skip
    return [_put(folder, what, name, "picture", (NOT_AS_SAID, UNSAFE), text.encode()) for what, name, text in plain]


def _endless(folder: Path) -> list[Hostile]:
    options = ("-b:a", "8k", "-ar", "8000", "-write_xing", "0")
    media.ffmpeg("-f", "lavfi", "-i", "anullsrc=r=8000:cl=mono:d=600", *options, folder / "part.mp3")
    silence = (folder / "part.mp3").read_bytes() * 60
    long = folder / "long.wav"
    with long.open("wb") as sparse:
        length = 5 * 3600 * 2000
        sparse.write(media.wav_head(1000, 2000) + b"data" + struct.pack("<I", length))
        sparse.seek(4)
        sparse.write(struct.pack("<I", 36 + length))
        sparse.truncate(44 + length)
    boxes = media.film(folder / "w.mp4").read_bytes()[:32] + b"\0\0\0\x08free" * 30_000
    return [
        _put(folder, "ten hours of silence", "silence.mp3", "voice", (TOO_BIG,), silence),
        Hostile("five hours of silence", long, "voice", (TOO_BIG,)),
        _put(folder, "a film of boxes only", "boxes.mp4", "video", (NOT_SHOWN,), boxes),
    ]


def _misnamed(folder: Path) -> list[Hostile]:
    program = b"MZ\x90\0" + bytes(200)
    photo, film = (media.SAMPLES / "photo.jpg").read_bytes(), (media.SAMPLES / "video.mp4").read_bytes()
    return [
        _put(folder, "a program named as a picture", "run.jpg", "picture", (NOT_AS_SAID,), program),
        _put(folder, "a picture named as a film", "photo.mp4", "video", (NOT_AS_SAID,), photo),
        _put(folder, "a film named as a picture", "film.jpg", "picture", (NOT_AS_SAID,), film),
        _put(folder, "an archive named as a sound", "zip.ogg", "voice", (NOT_AS_SAID,), b"PK\x03\x04" + bytes(90)),
    ]


NAMES = (
    "photo\u202egpj.exe", "a\nb\x1b[31m.jpg", "-i.mp4", "%03d.png", "concat:a|b.jpg", "'; file x'.jpg", "http:..x.jpg",
    "pipe:0", "\u2066x\u2069\u200b.jpg", "既济 photo.jpg", "x" * 200 + ".jpg", "fd:3.jpg",
)  # fmt: skip


def _put(folder: Path, what: str, name: str, claimed: str, why: tuple[str, ...], data: bytes) -> Hostile:
    path = folder / name
    path.write_bytes(data)
    return Hostile(what, path, claimed, why)

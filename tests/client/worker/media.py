"""Media for the tests, good and hostile: made by ffmpeg or byte by byte; no test loads a decoder itself."""

from __future__ import annotations

import json
import math
import struct
import subprocess
import wave
import zlib
from dataclasses import dataclass
from pathlib import Path

SAMPLES = Path(__file__).resolve().parents[3] / "resources" / "samples"


def ffmpeg(*words: str | Path, data: bytes | None = None) -> bytes:
    """Run ffmpeg on trusted input and return what it writes to its output."""
    command = [
        "ffmpeg",
        "-nostdin" if data is None else "-hide_banner",
        "-v",
        "error",
        "-y",
        *map(str, words),
    ]
    return subprocess.run(command, input=data, stdout=subprocess.PIPE, check=True).stdout


@dataclass(frozen=True)
class Pixels:
    """A decoded picture: 3 bytes per pixel, red first."""

    width: int
    height: int
    rgb: bytes

    def at(self, x: float, y: float) -> tuple[int, int, int]:
        """The colour at a place given in 0..1."""
        place = (int(y * (self.height - 1)) * self.width + int(x * (self.width - 1))) * 3
        return self.rgb[place], self.rgb[place + 1], self.rgb[place + 2]

    def mean(self) -> float:
        return sum(self.rgb) / len(self.rgb)


def decode(path: Path) -> Pixels:
    """Decode as stored, orientation not applied."""
    said = subprocess.run(
        ["ffprobe", "-v", "error", "-show_entries", "stream=width,height", "-of", "json", path],
        stdout=subprocess.PIPE,
        check=True,
    ).stdout
    stream = json.loads(said)["streams"][0]
    rgb = ffmpeg("-noautorotate", "-i", path, "-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "rgb24", "pipe:1")
    return Pixels(stream["width"], stream["height"], rgb)


def decode_bytes(data: bytes, folder: Path) -> Pixels:
    path = folder / ("preview.jpg" if data.startswith(b"\xff\xd8") else "preview.webp")
    path.write_bytes(data)
    return decode(path)


# --- good ones

QUARTERS = (
    "color=red:s={w}x{h}[a];color=lime:s={w}x{h}[b];color=blue:s={w}x{h}[c];color=white:s={w}x{h}[d];"
    "[a][b]hstack[e];[c][d]hstack[f];[e][f]vstack"
)
"""Red, green above; blue, white below: shows which way is up."""


def quarters(path: Path, width: int, height: int, *options: str) -> Path:
    graph = QUARTERS.format(w=width // 2, h=height // 2)
    options = options or (("-pix_fmt", "rgb8") if path.suffix == ".gif" else ())
    ffmpeg("-filter_complex", graph, "-frames:v", "1", *options, path)
    return path


def noise(path: Path, width: int, height: int) -> Path:
    """The picture that fits worst into 12 KB."""
    ffmpeg(
        "-f",
        "lavfi",
        "-i",
        f"nullsrc=s={width}x{height},geq=random(1)*255:128+random(2)*90:128",
        "-frames:v",
        "1",
        path,
    )
    return path


def film(path: Path, seconds: float = 1.0, *options: str, source: str = "testsrc=s=320x180:r=25") -> Path:
    ffmpeg("-f", "lavfi", "-i", source, "-t", str(seconds), "-pix_fmt", "yuv420p", *options, path)
    return path


def wav(path: Path, seconds: float = 2.0, rate_hz: int = 8000, sample_bytes: int = 2, channels: int = 1) -> Path:
    """Silence in the first half, a tone in the second."""
    count = int(seconds * rate_hz)
    most = (1 << (8 * sample_bytes - 1)) - 1
    tone = [int(most * 0.5 * math.sin(place * 0.3)) if place > count // 2 else 0 for place in range(count)]
    if sample_bytes == 1:
        frames = b"".join(bytes([value + 128]) * channels for value in tone)
    else:
        frames = b"".join(value.to_bytes(sample_bytes, "little", signed=True) * channels for value in tone)
    with wave.open(str(path), "wb") as out:
        out.setnchannels(channels)
        out.setsampwidth(sample_bytes)
        out.setframerate(rate_hz)
        out.writeframes(frames)
    return path


# --- EXIF


def tiff(orientation: int, order: str = ">") -> bytes:
    """An orientation and a place: 35 north. Also a text that a test can look for."""
    lead = b"MM\0*" if order == ">" else b"II*\0"
    directory = struct.pack(order + "H", 2)
    directory += struct.pack(order + "HHIHH", 0x0112, 3, 1, orientation, 0)
    directory += struct.pack(order + "HHII", 0x8825, 4, 1, 38) + struct.pack(order + "I", 0)
    place = struct.pack(order + "HHHI4sI", 1, 1, 2, 2, b"N\0\0\0", 0)
    return lead + struct.pack(order + "I", 8) + directory + place + b"CANARY-PLACE"


def jpeg_segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def jpeg_with(path: Path, *segments: bytes, tail: bytes = b"") -> Path:
    """Put segments behind the start of a JPEG, and something behind its end."""
    data = path.read_bytes()
    path.write_bytes(data[:2] + b"".join(segments) + data[2:] + tail)
    return path


def png_chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png_with(path: Path, *chunks: bytes, tail: bytes = b"") -> Path:
    data = path.read_bytes()
    behind_header = 8 + 12 + 13
    path.write_bytes(data[:behind_header] + b"".join(chunks) + data[behind_header:] + tail)
    return path


def webp_with(path: Path, width: int, height: int, exif: bytes) -> Path:
    """Make a plain WebP an extended one with EXIF and XMP."""
    inside = path.read_bytes()[12:]
    if inside[:4] == b"VP8X":
        inside = inside[18:]
    head = bytes([0x0C, 0, 0, 0]) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    chunks = webp_chunk(b"VP8X", head) + inside + webp_chunk(b"EXIF", exif) + webp_chunk(b"XMP ", b"<CANARY-PLACE/>")
    path.write_bytes(b"RIFF" + struct.pack("<I", len(chunks) + 4) + b"WEBP" + chunks)
    return path


def webp_chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


# --- hostile ones


def png_bomb(path: Path, side_px: int) -> Path:
    """A picture of one colour that is small in the file and fills gigabytes when decoded."""
    header = struct.pack(">IIBBBBB", side_px, side_px, 8, 2, 0, 0, 0)
    squeezer = zlib.compressobj(9)
    row = bytes(1 + 3 * side_px)
    data = b"".join(squeezer.compress(row) for _ in range(64)) + squeezer.flush()
    chunks = png_chunk(b"IHDR", header) + png_chunk(b"IDAT", data) + png_chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunks)
    return path


def hostile(folder: Path) -> dict[str, Path]:
    """Files that lie, by what is wrong with them. None of them may do more than become a plain file."""
    made = {**_lying_pictures(folder), **_lying_films(folder), **_lying_sounds(folder)}
    paths = {}
    for what, (name, data) in made.items():
        paths[what] = folder / name
        paths[what].write_bytes(data)
    return paths | {"a png of 20000 x 20000": png_bomb(folder / "bomb.png", 20_000)}


def _lying_pictures(folder: Path) -> dict[str, tuple[str, bytes]]:
    jpeg = quarters(folder / "whole.jpg", 640, 480).read_bytes()
    png_lead, png_header = b"\x89PNG\r\n\x1a\n", struct.pack(">IIBBBBB", 9, 9, 8, 2, 0, 0, 0)
    gif_size, jpeg_size = struct.pack("<HH", 65535, 65535), struct.pack(">BHHB", 8, 65500, 65500, 3)
    huge_frame = jpeg_segment(0xC0, jpeg_size + bytes(9))
    return {
        "a text named as a picture": ("text.png", b"this is no picture at all\n" * 20),
        "a header of a huge gif": ("huge.gif", b"GIF89a" + gif_size + b"\xf0\0\0" + bytes(900)),
        "a header of a huge jpeg": ("huge.jpg", b"\xff\xd8" + huge_frame + bytes(99)),
        "a jpeg that is only its start": ("start.jpg", jpeg[:200]),
        "a jpeg whose segment never ends": ("loop.jpg", b"\xff\xd8" + b"\xff\xe1\0\0" * 99),
        "a png without a header": ("nohead.png", png_lead + png_chunk(b"IEND", b"")),
        "a png with a wrong sum": ("sum.png", png_lead + png_chunk(b"IHDR", png_header)[:-1] + b"!" * 80),
        "a webp of nothing": ("nothing.webp", b"RIFF\x40\0\0\0WEBPVP8X" + bytes(60)),
        "an svg with entities": ("bomb.svg", b"<!DOCTYPE s [<!ENTITY a 'aaaa'>]><svg>&a;</svg>"),
    }


def _lying_films(folder: Path) -> dict[str, tuple[str, bytes]]:
    mp4 = film(folder / "whole.mp4").read_bytes()
    playlist = f"#EXTM3U\n#EXTINF:1,\nfile://{folder}/whole.mp4\n".encode()
    mkv_lead = b"\x1aE\xdf\xa3\x9fB\x86\x81\x01B\x82\x88matroska"
    return {
        "a playlist named as a film": ("list.mp4", playlist),
        "a film without its index": ("noindex.mp4", mp4[: mp4.index(b"moov") - 4]),
        "a film with a box longer than itself": ("box.mp4", mp4[:28] + b"\x7f\xff\xff\xffmoov" + mp4[36:]),
        "a film of boxes only": ("boxes.mp4", mp4[:32] + b"\0\0\0\x08free" * 30_000),
        "a film with a box that wraps": ("wrap.mp4", mp4[:32] + b"\0\0\0\x01moov" + b"\xff" * 8 + bytes(99)),
        "a matroska of noise": ("noise.mkv", mkv_lead + bytes(range(256)) * 8),
    }


def _lying_sounds(folder: Path) -> dict[str, tuple[str, bytes]]:
    ogg = folder / "whole.ogg"
    ffmpeg("-f", "lavfi", "-i", "sine=d=1", "-c:a", "libopus", ogg)
    concat_list = f"ffconcat version 1.0\nfile {folder}/whole.ogg\n".encode()
    no_rate = wav_head(0, 0) + b"data" + struct.pack("<I", 4) + b"abcd"
    return {
        "a concat list named as a sound": ("list.wav", concat_list),
        "a sound cut in its header": ("cut.ogg", ogg.read_bytes()[:60]),
        "a wave without samples": ("empty.wav", wav_head(8000, 16_000) + b"data" + bytes(4)),
        "a wave of no rate": ("norate.wav", no_rate),
        "an mp3 of noise": ("noise.mp3", b"ID3\x04\0\0\0\0\0\x10" + bytes(range(256)) * 4),
    }


def wav_head(rate_hz: int, bytes_per_s: int) -> bytes:
    """The start of a wave of one channel and 16 bits, up to its data."""
    form = struct.pack("<HHIIHH", 1, 1, rate_hz, bytes_per_s, 2, 16)
    return b"RIFF" + struct.pack("<I", 36) + b"WAVEfmt " + struct.pack("<I", len(form)) + form

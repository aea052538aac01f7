"""Makes the sample media beside it: a picture like a photograph, a voice note, a film with sound, two files.

    python resources/samples/make.py

Needs numpy and OpenCV, and the programs ffmpeg and espeak-ng. The results are committed; nothing runs this by
itself. The same seed gives the same pictures; encoders of other versions give other bytes.
"""

from __future__ import annotations

import struct
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import cv2
import numpy

HERE = Path(__file__).resolve().parent
SEED = 20_480
WIDTH, HEIGHT = 1600, 1200
HORIZON = 0.52
FILM_WIDTH, FILM_HEIGHT, FILM_RATE, FILM_S, BLACK_S = 640, 360, 25, 3.6, 0.5
TURNED_RIGHT = 6  # the EXIF orientation of a telephone held upright

ENGLISH = "Hexagram: every message arrives, exactly once."
CHINESE = "既济，消息必达。"

REPORT = """Hexagram - a sample file

Six packets carry a message from one person to another:

  1  msg:R   the writer gives it to the server
  2  msg:A   the server has it, and takes over the duty
  3  msg:N   the server gives it to the reader
  4  ack:R   the reader has it on disk
  5  ack:A   the server has noted that
  6  ack:N   the writer learns it

The sixty-third hexagram, 既济, shows water above fire: everything is in its place.
"""


# --- the picture


def field(dice: Any, width: int, height: int, cells: int) -> Any:
    """Soft noise in 0..1: octaves of random grids, each finer and fainter."""
    total, weight, sum_of_weights = numpy.zeros((height, width), numpy.float32), 1.0, 0.0
    while cells < width // 2:
        grid = dice.random((max(2, cells * height // width), cells), dtype=numpy.float32)
        total += weight * cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC)
        sum_of_weights += weight
        cells, weight = cells * 2, weight * 0.55
    return numpy.clip(total / sum_of_weights, 0, 1)


def ridge(dice: Any, width: int, base: float, swing: float, bumps: int) -> Any:
    """The upper edge of a row of hills: one height per column."""
    rough = field(dice, width, 64, bumps)[32]
    return base - swing * (rough - 0.5) * 2


def blend(below: Any, colour: tuple[float, float, float], cover: Any) -> Any:
    """Lay one colour (blue, green, red in 0..1) over a picture, as densely as `cover` says."""
    return below * (1 - cover[..., None]) + numpy.array(colour, numpy.float32) * cover[..., None]


def sky(dice: Any, width: int, height: int, sun: tuple[float, float]) -> Any:
    """Evening: blue above, gold at the horizon, a sun with its glow, clouds lit from below."""
    down = numpy.linspace(0, 1, height, dtype=numpy.float32)[:, None, None]
    zenith, horizon = numpy.array([[0.60, 0.38, 0.20], [0.55, 0.74, 0.98]], numpy.float32)
    picture = zenith * (1 - down**0.8) + horizon * down**0.8 + numpy.zeros((height, width, 3), numpy.float32)
    rows, columns = numpy.mgrid[0:height, 0:width].astype(numpy.float32)
    far = numpy.hypot(columns - sun[0] * width, (rows - sun[1] * height) * 1.0) / width
    picture = blend(picture, (0.62, 0.86, 1.0), 0.75 * numpy.exp(-((far / 0.22) ** 1.2)))
    clouds = cv2.resize(field(dice, width // 3, height, 3), (width, height), interpolation=cv2.INTER_CUBIC)
    cover = numpy.clip((clouds - 0.52) * 5.5, 0, 0.85) * (1 - 0.6 * down[..., 0])
    lit = blend(picture, (0.80, 0.84, 0.97), cover)
    picture = blend(lit, (0.62, 0.55, 0.60), numpy.clip((clouds - 0.64) * 4, 0, 0.5))
    return blend(picture, (0.86, 0.97, 1.0), numpy.clip((0.036 - far) * 160, 0, 1))


def hills(dice: Any, picture: Any, width: int, bottom: int) -> Any:
    """Four rows of hills, each nearer one darker and greener, with haze between them."""
    rows = numpy.arange(picture.shape[0], dtype=numpy.float32)[:, None]
    colours = ((0.66, 0.62, 0.62), (0.52, 0.48, 0.42), (0.34, 0.38, 0.28), (0.16, 0.25, 0.15))
    for place, colour in enumerate(colours):
        edge = ridge(dice, width, bottom - (3 - place) * bottom * 0.085 - bottom * 0.05, bottom * 0.13, 4 + 3 * place)
        cover = numpy.clip(rows - edge[None, :], 0, 1)
        cover[bottom:] = 0
        texture = 0.86 + 0.28 * field(dice, width, picture.shape[0], 60 + 40 * place)
        covered = blend(picture, colour, cover)
        picture = numpy.where(cover[..., None] > 0, covered * texture[..., None], covered)
        haze = cover * numpy.clip(1 - (rows - edge[None, :]) / (bottom * 0.12), 0, 1) * 0.10
        picture = blend(picture, (0.70, 0.80, 0.92), haze)
    return picture


def water(dice: Any, picture: Any, bottom: int, sun_x: float) -> Any:
    """A lake: the mirror of what stands above, broken by waves that grow towards us, with a path of light."""
    height, width = picture.shape[:2]
    depth = height - bottom
    rows, columns = numpy.mgrid[0:depth, 0:width].astype(numpy.float32)
    near = rows / depth
    waves = field(dice, width, depth * 6, 70)[::6][:depth] - 0.5
    squeezed = bottom - 1 - rows * (bottom * 0.78 / depth)
    across = columns + waves * 26 * near
    up = numpy.minimum(squeezed + waves * 90 * (0.15 + near), bottom - 2.0)
    mirror = cv2.remap(picture.astype(numpy.float32), across, up, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    lake = blend(mirror * 0.80, (0.34, 0.27, 0.14), 0.20 + 0.30 * near)
    path = numpy.exp(-(((columns / width - sun_x) / (0.035 + 0.10 * near)) ** 2))
    glints = numpy.clip((waves - 0.03) * 9, 0, 1) * path
    result = picture.copy()
    result[bottom:] = blend(lake, (0.66, 0.90, 1.0), numpy.clip(glints * 0.9, 0, 0.9))
    return result


def boat(picture: Any, x: float, y: float, size: float) -> Any:
    """A small sail on the lake, with its mirror."""
    height, width = picture.shape[:2]
    big = (picture * 255).clip(0, 255).astype(numpy.uint8)

    def at(dx: float, dy: float) -> tuple[int, int]:
        return round(x * width + dx * size), round(y * height + dy * size)

    def draw(points: list[tuple[float, float]], colour: tuple[int, int, int]) -> None:
        cv2.fillPoly(big, [numpy.array([at(*point) for point in points], numpy.int32)], colour, cv2.LINE_AA)

    draw([(0, 0.30), (0, 1.1), (0.38, 0.30)], (120, 140, 160))
    draw([(0, -1.25), (0, -0.08), (0.62, -0.08)], (236, 244, 250))
    draw([(-0.05, -1.0), (-0.05, -0.08), (-0.42, -0.08)], (205, 220, 236))
    draw([(-0.62, 0), (0.74, 0), (0.48, 0.24), (-0.42, 0.24)], (38, 46, 84))
    return big.astype(numpy.float32) / 255


def scene(width: int, height: int, dice: Any, sun: tuple[float, float] = (0.66, 0.29)) -> Any:
    """The whole evening, as floats in 0..1."""
    bottom = round(height * HORIZON)
    above = hills(dice, sky(dice, width, height, sun), width, bottom)
    return boat(water(dice, above, bottom, sun[0]), 0.27, 0.70, height * 0.055)


def finish(picture: Any, dice: Any, grain: float) -> Any:
    """Darker corners and the grain of a sensor; bytes."""
    height, width = picture.shape[:2]
    rows, columns = numpy.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    corners = 1 - 0.22 * (rows**2 + columns**2) / 2
    noisy = picture * corners[..., None] + dice.normal(0, grain, picture.shape)
    return (noisy * 255).clip(0, 255).astype(numpy.uint8)


def telephone_exif() -> bytes:
    """What a telephone writes: maker, model, orientation, and a place (a made-up one: 35 N, 103 E)."""
    make, model = b"Hexagram\0\0", b"Sample Phone\0\0"
    rational = struct.pack(">IIIIII", 35, 1, 0, 1, 0, 1), struct.pack(">IIIIII", 103, 1, 0, 1, 0, 1)
    first_end = 8 + 2 + 4 * 12 + 4
    gps_place = first_end + len(make) + len(model)
    degrees_place = gps_place + 2 + 4 * 12 + 4
    first = struct.pack(">H", 4)
    first += struct.pack(">HHII", 0x010F, 2, len(make), first_end)
    first += struct.pack(">HHII", 0x0110, 2, len(model), first_end + len(make))
    first += struct.pack(">HHIHH", 0x0112, 3, 1, TURNED_RIGHT, 0)
    first += struct.pack(">HHII", 0x8825, 4, 1, gps_place) + struct.pack(">I", 0)
    gps = struct.pack(">H", 4)
    gps += struct.pack(">HHI4s", 1, 2, 2, b"N\0\0\0") + struct.pack(">HHII", 2, 5, 3, degrees_place)
    gps += struct.pack(">HHI4s", 3, 2, 2, b"E\0\0\0") + struct.pack(">HHII", 4, 5, 3, degrees_place + 24)
    gps += struct.pack(">I", 0)
    return b"MM\0*" + struct.pack(">I", 8) + first + make + model + gps + b"".join(rational)


def with_exif(jpeg: bytes, tiff: bytes) -> bytes:
    """Put an EXIF segment behind the start marker."""
    body = b"Exif\0\0" + tiff
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + jpeg[2:]


def make_photo(out: Path) -> None:
    """Stored as 1600 x 1200 lying on its side: seen upright it is 1200 x 1600."""
    dice = numpy.random.default_rng(SEED)
    upright = finish(scene(HEIGHT, WIDTH, dice), dice, 0.012)
    stored = cv2.rotate(upright, cv2.ROTATE_90_COUNTERCLOCKWISE)
    _, encoded = cv2.imencode(".jpg", stored, [cv2.IMWRITE_JPEG_QUALITY, 80])
    out.write_bytes(with_exif(bytes(encoded), telephone_exif()))


# --- sound and film


def run(*command: str | Path, data: bytes | None = None) -> None:
    subprocess.run([str(word) for word in command], input=data, check=True)


def speak(out: Path, voice: str, words: str) -> None:
    run("espeak-ng", "-v", voice, "-s", "160", "-w", out, words)


def make_voice(out: Path) -> None:
    """An English sentence, a breath, a Chinese one; Opus in Ogg, as a voice note is."""
    with tempfile.TemporaryDirectory() as folder:
        english, chinese = Path(folder) / "en.wav", Path(folder) / "zh.wav"
        speak(english, "en", ENGLISH)
        speak(chinese, "cmn", CHINESE)
        joined = "[0:a]apad=pad_dur=0.25[a];[a][1:a]concat=n=2:v=0:a=1,volume=0.9"
        run(
            "ffmpeg", "-y", "-v", "error", "-i", english, "-i", chinese, "-filter_complex", joined,
            "-map_metadata", "-1", "-bitexact", "-ac", "1", "-ar", "48000",
            "-c:a", "libopus", "-b:a", "28k", "-application", "voip", out,
        )  # fmt: skip


def film_frames() -> bytes:
    """Half a second of black; then the sun sinks, the boat sails, and we look slowly to the right."""
    dice = numpy.random.default_rng(SEED + 1)
    wide = scene(FILM_WIDTH * 5 // 4, FILM_HEIGHT, dice, (0.60, 0.30))
    count, black = round(FILM_S * FILM_RATE), round(BLACK_S * FILM_RATE)
    frames = [numpy.zeros((FILM_HEIGHT, FILM_WIDTH, 3), numpy.uint8)] * black
    for place in range(count - black):
        gone = place / (count - black)
        sailing = boat(wide, 0.30 + 0.32 * gone, 0.76 + 0.006 * numpy.sin(place / 4), 24)
        left = round((wide.shape[1] - FILM_WIDTH) * gone)
        dusk = numpy.array([1 - 0.10 * gone, 1 - 0.22 * gone, 1 - 0.16 * gone], numpy.float32)
        frames.append((sailing[:, left : left + FILM_WIDTH] * dusk * 255).clip(0, 255).astype(numpy.uint8))
    return b"".join(frame.tobytes() for frame in frames)


def make_film(out: Path) -> None:
    """H.264 and AAC; a chord that fades in and out."""
    fade = f"afade=t=in:d=0.4,afade=t=out:st={FILM_S - 0.9}:d=0.9"
    tones = "0.12*sin(2*PI*220*t)+0.10*sin(2*PI*277.18*t)+0.08*sin(2*PI*329.63*t)*(0.6+0.4*sin(2*PI*3*t))"
    chord = f"aevalsrc='{tones}':d={FILM_S}:s=44100,{fade}"
    size = f"{FILM_WIDTH}x{FILM_HEIGHT}"
    run(
        "ffmpeg", "-y", "-v", "error",
        "-f", "rawvideo", "-pix_fmt", "bgr24", "-s", size, "-r", str(FILM_RATE), "-i", "pipe:0",
        "-f", "lavfi", "-i", chord, "-shortest",
        "-c:v", "libx264", "-preset", "slow", "-crf", "25", "-pix_fmt", "yuv420p",
        "-c:a", "aac", "-b:a", "64k",
        "-bitexact", "-movflags", "+faststart", out, data=film_frames(),
    )  # fmt: skip


# --- files


def make_pdf(out: Path) -> None:
    """One page with the six packets, written by hand: a PDF is small if nothing is embedded."""
    lines = [line for line in REPORT.splitlines() if line.isascii()]
    text = "BT /F1 13 Tf 60 770 Td 19 TL " + " ".join(
        "({}) Tj T*".format(line.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")) for line in lines
    )
    stream = (text + " ET").encode("ascii")
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Courier >>",
    ]
    document, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(document))
        document += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    head = b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    tail = b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (
        len(objects) + 1,
        len(document),
    )
    out.write_bytes(document + head + table + tail)


def main() -> None:
    """Make everything."""
    make_photo(HERE / "photo.jpg")
    make_voice(HERE / "voice.ogg")
    make_film(HERE / "video.mp4")
    make_pdf(HERE / "notes.pdf")
    (HERE / "既济.txt").write_text(REPORT, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()

"""Sound: how long it is and how loud when, in bounded memory whatever the file claims.

A WAV is read block by block in Python and needs no other program; everything else is streamed through
ffmpeg at 8 kHz. Levels are taken with pydub. Nothing is ever held whole: ten hours of silence in a small
file fill a computer otherwise.
"""

from __future__ import annotations

import struct
import time
import warnings
import wave
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from client.worker import boxes, ffmpeg, limits, waveform
from client.worker.sniff import Format
from client.worker.source import OtherKind, Source, TooBig

RATE_HZ = 8_000
HEARD_WITHIN_S = 8.0
BLOCK_S = 0.5
BEYOND_S = 60  # heard past the limit, so that what is longer shows it
LEVELS_MAX = 800
FIRST_LEVEL_MS = 10
OGG_TAIL_BYTES = 65_536
RATES_HZ = (1_000, 384_000)
SIGNED = bytes((value + 128) % 256 for value in range(256))
OGG_RATES = {b"OpusHead": 48_000}


@dataclass(frozen=True, slots=True)
class Sound:
    """Duration in milliseconds (0: not known) and 100 bins of 0..31, or none if nothing could listen."""

    duration_ms: int
    bins: tuple[int, ...]


class Levels:
    """How loud it is, in at most 800 numbers: when full, neighbours are joined."""

    def __init__(self, segment: type[Any], rate_hz: int, sample_bytes: int, channels: int) -> None:
        self._segment, self._rate_hz = segment, rate_hz
        self._format = {"sample_width": sample_bytes, "frame_rate": rate_hz, "channels": channels}
        self._frame_bytes = sample_bytes * channels
        self._level_frames = max(1, rate_hz * FIRST_LEVEL_MS // 1000)
        self._rest = b""
        self.levels: list[int] = []
        self.frames = 0

    def hear(self, block: bytes) -> None:
        """Take a block of PCM; it may end anywhere."""
        heard = self._rest + block
        place, length = 0, self._level_frames * self._frame_bytes
        while place + length <= len(heard):
            self._take(heard[place : place + length])
            place += length
            length = self._level_frames * self._frame_bytes
        self._rest = heard[place:]

    def finish(self) -> None:
        """Count what is left, if it is at least one frame."""
        whole = len(self._rest) // self._frame_bytes * self._frame_bytes
        if whole:
            self._take(self._rest[:whole])
        self._rest = b""

    @property
    def duration_ms(self) -> int:
        return round(self.frames * 1000 / self._rate_hz)

    def _take(self, piece: bytes) -> None:
        self.frames += len(piece) // self._frame_bytes
        self.levels.append(self._segment(data=piece, **self._format).max)
        if len(self.levels) == LEVELS_MAX:
            self.levels = waveform.halve(self.levels)
            self._level_frames *= 2

    def drawn(self, duration_ms: int) -> tuple[int, ...]:
        """The bins for a sound of this length; what was not heard of it stays flat."""
        silent = 0
        if duration_ms > self.duration_ms > 0:
            silent = round(len(self.levels) * (duration_ms - self.duration_ms) / self.duration_ms)
        return waveform.draw(self.levels + [0] * silent)


def load_segment() -> type[Any]:
    """pydub's AudioSegment, imported on first use; whether there is an ffmpeg is asked elsewhere."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pydub import AudioSegment
    return AudioSegment  # type: ignore[no-any-return]


def listen(source: Source, what: Format) -> Sound:
    """Hear a sound once from start to end.

    Raises:
        OtherKind: no sound in it.
        TooBig: one longer than 4 hours (SEC-34).
    """
    if what.demuxer == "wav":
        try:
            return _listen_to_wav(source)
        except (wave.Error, EOFError, struct.error):
            pass  # not plain PCM: for ffmpeg, if it is there
    if ffmpeg.find("ffmpeg") is None:
        return Sound(_claimed_duration_ms(source, what), ())
    return _listen_through_ffmpeg(source, what)


def _listen_to_wav(source: Source) -> Sound:
    source.handle.seek(0)
    with wave.open(source.handle) as wav:
        if not RATES_HZ[0] <= wav.getframerate() <= RATES_HZ[1] or not 1 <= wav.getsampwidth() <= 4:
            raise wave.Error("not a sound that we read ourselves")
        levels = Levels(load_segment(), wav.getframerate(), wav.getsampwidth(), wav.getnchannels())
        return _sound(levels, _wav_blocks(wav))


def _wav_blocks(wav: wave.Wave_read) -> Iterator[bytes]:
    """Blocks of PCM. Samples of 8 bits are stored without a sign, which is given to them here."""
    frames = max(1, int(wav.getframerate() * BLOCK_S))
    while block := wav.readframes(frames):
        yield block.translate(SIGNED) if wav.getsampwidth() == 1 else block


def _listen_through_ffmpeg(source: Source, what: Format) -> Sound:
    before = ["-t", str(limits.DURATION_MS_MAX // 1000 + BEYOND_S)]
    after = ["-map", "0:a:0", "-vn", "-sn", "-dn", "-ac", "1", "-ar", str(RATE_HZ), "-f", "s16le", "pipe:1"]
    levels = Levels(load_segment(), RATE_HZ, 2, 1)
    started_s = time.monotonic()
    with ffmpeg.stream(source, what.demuxer, before, after, HEARD_WITHIN_S) as pcm:
        sound = _sound(levels, iter(lambda: pcm.read(int(RATE_HZ * 2 * BLOCK_S)), b""))
    if time.monotonic() - started_s < HEARD_WITHIN_S:
        return sound
    probed = ffmpeg.probe(source, what.demuxer)
    claimed_ms = max(sound.duration_ms, probed.duration_ms if probed else 0)
    if claimed_ms > limits.DURATION_MS_MAX:
        raise TooBig("too long")
    return Sound(claimed_ms, levels.drawn(claimed_ms))


def _sound(levels: Levels, blocks: Iterable[bytes]) -> Sound:
    """Hear all blocks. A sound of no length is none."""
    for block in blocks:
        levels.hear(block)
        if levels.duration_ms > limits.DURATION_MS_MAX:
            raise TooBig("too long")
    levels.finish()
    if levels.frames == 0:
        raise OtherKind("no sound")
    return Sound(levels.duration_ms, levels.drawn(levels.duration_ms))


def _claimed_duration_ms(source: Source, what: Format) -> int:
    """Without ffmpeg: what the container says of itself, 0 if it does not."""
    duration_ms = 0
    if what.demuxer == "mp4":
        duration_ms = boxes.movie(source).duration_ms
    elif what.demuxer == "ogg":
        duration_ms = _ogg_duration_ms(source)
    if duration_ms > limits.DURATION_MS_MAX:
        raise TooBig("too long")
    return duration_ms


def _ogg_duration_ms(source: Source) -> int:
    """The clock of the last page, in the ticks that the first page names."""
    head, tail = source.head(), source.at(max(0, source.size_bytes - OGG_TAIL_BYTES), OGG_TAIL_BYTES)
    rate_hz = next((rate for sign, rate in OGG_RATES.items() if sign in head), 0)
    if (place := head.find(b"\x01vorbis")) >= 0 and len(head) >= place + 16:
        (rate_hz,) = struct.unpack_from("<I", head, place + 12)
    last = tail.rfind(b"OggS")
    if rate_hz == 0 or last < 0 or len(tail) < last + 14:
        return 0
    (ticks,) = struct.unpack_from("<q", tail, last + 6)
    return max(0, round(int(ticks) * 1000 / rate_hz))

"""Smaller copies for sending: films as H.264 in MP4, voice as Opus in Ogg or AAC in MP4. Needs ffmpeg.

Everything the original says about itself (place, device, names) stays behind.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path

from client.worker import boxes, ffmpeg, limits, sniff
from client.worker.sniff import Format
from client.worker.source import Refusal, Source, Undecodable

FILM_SIDE_PX = 1280
LARGE_BYTES = 8_000_000
PLAYED_EVERYWHERE = {b"avc1", b"avc3", b"mp4a"}
WITHIN_S = 600.0
BARE = ["-map_metadata", "-1", "-map_chapters", "-1", "-sn", "-dn", "-threads", "1"]
FILM_STREAMS = ["-map", "0:v:0", "-map", "0:a:0?"]
FILM_PICTURE = [
    "-vf",
    f"scale='min({FILM_SIDE_PX},iw)':'min({FILM_SIDE_PX},ih)':force_original_aspect_ratio=decrease:force_divisible_by=2",
    "-pix_fmt", "yuv420p",
]  # fmt: skip
FILM_SOUND = ["-c:a", "aac", "-b:a", "96k", "-ac", "2", "-movflags", "+faststart", "-f", "mp4"]
H264_ENCODERS = (["libx264", "-preset", "veryfast", "-crf", "26"], ["libopenh264", "-b:v", "1500k"])
VOICE_STREAMS = ["-map", "0:a:0", "-vn", "-ac", "1"]
VOICES = (
    (sniff.OGG, ["-c:a", "libopus", "-b:a", "28k", "-ar", "48000", "-application", "voip", "-f", "ogg"]),
    (sniff.M4A, ["-c:a", "aac", "-b:a", "32k", "-ar", "24000", "-movflags", "+faststart", "-f", "ipod"]),
)


def transcode(source: Source, kind: str, out_dir: Path, progress: Callable[[int, int], None]) -> tuple[Path, str]:
    """Write a copy for sending; return its path and type. `progress` hears done and whole milliseconds.

    Raises:
        Refusal: cannot_make_smaller or ffmpeg_missing.
    """
    what = sniff.sniff(source)
    if kind not in what.kinds or kind == "picture":
        raise Refusal("cannot_make_smaller", name=source.name, reason="no_format")
    if ffmpeg.find("ffmpeg") is None:
        raise Refusal("ffmpeg_missing", name=source.name)
    whole_ms = _duration_ms(source, what)

    def done(done_ms: int) -> None:
        progress(min(done_ms, whole_ms) if whole_ms else done_ms, whole_ms)

    for made, options in _ways(kind):
        path = out_dir / f"{uuid.uuid4().hex}{made.suffix}"
        if ffmpeg.convert(source, what.demuxer, options, str(path), WITHIN_S, done) and path.stat().st_size > 0:
            return path, made.type
        path.unlink(missing_ok=True)
    raise Refusal("cannot_make_smaller", name=source.name, reason="no_format")


def is_worthwhile(source: Source, what: Format, width: int, height: int) -> bool:
    """Whether a film is large, or not in the format that everybody can play; False where nothing could be done."""
    if ffmpeg.find("ffmpeg") is None:
        return False
    if source.size_bytes > LARGE_BYTES or max(width, height) > FILM_SIDE_PX or what is not sniff.MP4:
        return True
    return not set(boxes.movie(source).codecs) <= PLAYED_EVERYWHERE


def _ways(kind: str) -> list[tuple[Format, list[str]]]:
    """The encoders to try, best first: which ones there are depends on how ffmpeg was built."""
    if kind == "voice":
        return [(made, [*VOICE_STREAMS, *BARE, *options]) for made, options in VOICES]
    film = [*FILM_STREAMS, *BARE, *FILM_PICTURE]
    return [(sniff.MP4, [*film, "-c:v", *encoder, *FILM_SOUND]) for encoder in H264_ENCODERS]


def _duration_ms(source: Source, what: Format) -> int:
    """How long it says it is; 0 if it does not."""
    try:
        probed = ffmpeg.probe(source, what.demuxer)
    except Undecodable as problem:
        raise Refusal("cannot_make_smaller", name=source.name, reason="no_format") from problem
    duration_ms = probed.duration_ms if probed is not None else 0
    if duration_ms > limits.DURATION_MS_MAX:
        raise Refusal("cannot_make_smaller", name=source.name, reason="too_long")
    return duration_ms

"""What is shown of a file: tried as what it may be, and a plain file with a reason if that fails."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from client.worker import boxes, frames, pictures, sniff, sounds, transcode, waveform
from client.worker.sniff import Format
from client.worker.source import OtherKind, Source, TooBig, Undecodable, Unsafe


@dataclass(frozen=True, slots=True)
class Shown:
    """What a message shows before a click. Sizes in pixels as seen, 0 where there is none.

    `why` is the code of the reason why it is a plain file although it looked like more, or was said to be.
    """

    kind: str = "file"
    type: str = ""
    width: int = 0
    height: int = 0
    duration_ms: int = 0
    preview: bytes = b""
    preview_type: str = ""
    waveform: bytes = b""
    why: str = ""
    large: bool = False


def as_wished(source: Source, what: Format, wish: str) -> Shown:
    """Try what the file may be, the wished kind first; what cannot be decoded is a plain file."""
    why = "" if wish in ("auto", "file") or what.kinds else OtherKind.why
    for kind in _candidates(what, wish):
        try:
            return SHOW[kind](source, what)
        except OtherKind as other:
            why = other.why
        except (Undecodable, MemoryError) as problem:
            why = getattr(problem, "why", TooBig.why)
            break  # a film that we cannot show is not a voice note
    as_file = wish == "file" or not what.kinds
    return Shown(type=what.type if as_file else sniff.UNKNOWN.type, why=why)


def as_claimed(source: Source, what: Format, claimed: str) -> Shown:
    """Show it as what it is said to be, and as nothing else."""
    if claimed == "file":
        return Shown(type=what.type)
    try:
        if sniff.is_list(source) or (what.kinds and sniff.is_second_thing(source)):
            raise Unsafe("more than itself")
        if what.demuxer == "mp4":
            boxes.movie(source)
        for kind in _candidates(what, claimed):
            if claimed in (kind, "auto"):
                return SHOW[kind](source, what)
        raise OtherKind(claimed)
    except (Undecodable, MemoryError) as problem:
        return Shown(type=sniff.UNKNOWN.type, why=getattr(problem, "why", TooBig.why))


def _candidates(what: Format, wish: str) -> tuple[str, ...]:
    if wish == "file":
        return ()
    return tuple(sorted(what.kinds, key=lambda kind: kind != wish))


def _show_picture(source: Source, what: Format) -> Shown:
    return _shown("picture", what.type, pictures.look(source, what))


def _show_film(source: Source, what: Format) -> Shown:
    look, duration_ms = frames.look(source, what)
    is_large = transcode.is_worthwhile(source, what, look.width, look.height)
    return replace(_shown("video", what.type, look, duration_ms), large=is_large)


def _show_voice(source: Source, what: Format) -> Shown:
    sound = sounds.listen(source, what)
    packed = waveform.pack(sound.bins) if sound.bins else b""
    return Shown("voice", what.sound_type(), duration_ms=sound.duration_ms, waveform=packed)


def _shown(kind: str, type_: str, look: pictures.Look, duration_ms: int = 0) -> Shown:
    small = look.preview
    return Shown(kind, type_, look.width, look.height, duration_ms, small.data, small.type)


SHOW: dict[str, Callable[[Source, Format], Shown]] = {
    "picture": _show_picture,
    "video": _show_film,
    "voice": _show_voice,
}

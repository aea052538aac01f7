"""The verbs of the worker: a request in, an answer out (`client.worker.__main__` shows both)."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from client.worker import boxes, frames, limits, pictures, sniff, sounds, transcode, waveform
from client.worker.fit import fit
from client.worker.limits import FILE_SIZE_BYTES
from client.worker.sniff import Format
from client.worker.source import OtherKind, Refusal, Source, TooBig, Undecodable, Unsafe, measured, opened
from client.worker.strip import strip

KINDS = frozenset(("auto", "picture", "voice", "video", "file"))


@dataclass(frozen=True, slots=True)
class Job:
    """A request after reading: which file, as what, and where copies go."""

    path: str
    kind: str
    out_dir: Path
    strip_location: bool
    fits: bool
    limit_bytes: int


@dataclass(frozen=True, slots=True)
class Shown:
    """What a message shows before a click. Sizes in pixels as seen, 0 where there is none."""

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


def run(request: Mapping[str, Any]) -> dict[str, Any]:
    """Do one request and return what belongs under "ok".

    Raises:
        Refusal: with a stable code and facts.
    """
    verb = VERBS.get(str(request.get("do")))
    if verb is None:
        raise Refusal("bad_request", reason="verb")
    return verb(_job(request))


def _job(request: Mapping[str, Any]) -> Job:
    path, out_dir, kind = request.get("path"), request.get("out_dir"), request.get("kind", "auto")
    if not isinstance(path, str) or not isinstance(out_dir, str) or kind not in KINDS:
        raise Refusal("bad_request", reason="fields")
    limit_bytes = min(int(request.get("limit_bytes", FILE_SIZE_BYTES)), FILE_SIZE_BYTES)
    keeps_place, fits = request.get("strip_location") is False, request.get("quality") == "small"
    return Job(path, kind, Path(out_dir), not keeps_place, fits, limit_bytes)


def inspect(job: Job) -> dict[str, Any]:
    """Kind, type, size, hash and what is shown of the file; what cannot be decoded is a plain file."""
    with opened(job.path, job.limit_bytes) as source:
        _allow(source)
        what = sniff.sniff(source)
        shown = _show(source, what, job.kind)
        return _answer(job, source, what, shown)


def look(job: Job) -> dict[str, Any]:
    """What a received file shows, if it is what its message says (SEC-29); else a plain file and the reason."""
    with opened(job.path, job.limit_bytes) as source:
        _allow(source)
        what = sniff.sniff(source)
        return _told(_seen(source, what, job.kind))


def measure(job: Job) -> dict[str, Any]:
    """The same for a plain file, and no decoder is touched: for what once brought the worker down."""
    with opened(job.path, job.limit_bytes) as source:
        _allow(source)
        return _answer(job, source, sniff.sniff(source), Shown(type=sniff.UNKNOWN.type))


def clean(job: Job) -> dict[str, Any]:
    """Only take the place out: the path of the copy, or of the file if there was nothing to take out."""
    with opened(job.path, job.limit_bytes) as source:
        _allow(source)
        copy = strip(source, sniff.sniff(source), job.out_dir)
        return {"file": str(copy or job.path), "stripped": copy is not None}


def smaller(job: Job) -> dict[str, Any]:
    """A copy for sending in the format everybody can play."""
    limits.allow_cpu(limits.CPU_PER_TRANSCODING_S)
    job.out_dir.mkdir(parents=True, exist_ok=True)
    with opened(job.path, job.limit_bytes) as source:
        path, type_ = transcode.transcode(source, job.kind, job.out_dir)
    size_bytes, sha256 = measured(str(path), job.limit_bytes)
    return {"file": str(path), "type": type_, "size_bytes": size_bytes, "sha256": sha256}


VERBS: dict[str, Callable[[Job], dict[str, Any]]] = {
    "inspect": inspect,
    "look": look,
    "measure": measure,
    "clean": clean,
    "transcode": smaller,
}


def _allow(source: Source) -> None:
    """Processor time for decoding, and for reading the file once or twice on top."""
    limits.allow_cpu(limits.CPU_PER_JOB_S + 2 * source.size_bytes / limits.HASHING_BYTES_PER_S)


def _show(source: Source, what: Format, wish: str) -> Shown:
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


def _seen(source: Source, what: Format, claimed: str) -> Shown:
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


def _answer(job: Job, source: Source, what: Format, shown: Shown) -> dict[str, Any]:
    """The whole answer to an inspection: size and hash are those of the file that is to be uploaded."""
    copy = strip(source, what, job.out_dir) if job.strip_location else None
    if job.fits and shown.kind == "picture":
        size_bytes = copy.stat().st_size if copy is not None else source.size_bytes
        fitted = fit(source, what, job.out_dir, size_bytes)
        if fitted is not None:
            if copy is not None:
                copy.unlink()
            copy = fitted.path
            shown = replace(shown, type=fitted.type, width=fitted.width, height=fitted.height)
    file = str(copy or job.path)
    size_bytes, sha256 = measured(file, job.limit_bytes)
    return _told(shown) | {
        "name": source.name,
        "size_bytes": size_bytes,
        "sha256": sha256,
        "file": file,
        "stripped": copy is not None,
    }


def _told(shown: Shown) -> dict[str, Any]:
    return asdict(shown) | {"preview": _base64(shown.preview), "waveform": _base64(shown.waveform)}


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")

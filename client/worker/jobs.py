"""The verbs of the worker: a request in, an answer out (`client.worker.__main__` shows both)."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from client.worker import limits, pictures, segments, shown, sniff, sounds, transcode
from client.worker.fit import fit
from client.worker.limits import FILE_SIZE_BYTES
from client.worker.shown import Shown
from client.worker.sniff import Format
from client.worker.source import HEAD_BYTES, OWN_HANDLES, Refusal, Source, handle_of, measured, taken
from client.worker.strip import strip

KINDS = frozenset(("auto", "picture", "voice", "video", "file"))

Tell: TypeAlias = Callable[[dict[str, Any]], None]


class Wall(Protocol):
    """Shuts the process in with its file: called when the file is open and nothing foreign was understood yet."""

    def __call__(self, handles: Iterable[int], out_dir: Path | None, *, starts_programs: bool) -> None: ...


def no_wall(handles: Iterable[int], out_dir: Path | None, *, starts_programs: bool) -> None:
    """For systems without walls, which the worker's first line names."""


@dataclass(frozen=True, slots=True)
class Job:
    """A request after reading: which file, as what, and where copies go. No path if a handle came instead."""

    path: str
    name: str
    kind: str
    out_dir: Path
    strip_location: bool
    fits: bool
    limit_bytes: int


def run(request: Mapping[str, Any], handle: int | None, tell: Tell, wall: Wall) -> dict[str, Any]:
    """Do one request and return what belongs under "ok".

    Raises:
        Refusal: with a stable code and facts.
    """
    verb, job = str(request.get("do")), _job(request)
    if verb == "join":
        return _join(job, _folder_of(job.path) if handle is None else handle, wall)
    work = VERBS.get(verb)
    if work is None:
        raise Refusal("bad_request", reason="verb")
    with taken(handle_of(job.path) if handle is None else handle, job.name, job.limit_bytes, job.path) as source:
        out_dir = None if verb == "look" else job.out_dir
        if out_dir is not None:
            out_dir.mkdir(parents=True, exist_ok=True)
        wall([source.handle.fileno()], out_dir, starts_programs=_needs_programs(verb, job, sniff.sniff(source)))
        limits.allow_cpu(limits.CPU_PER_JOB_S + 2 * source.size_bytes / limits.HASHING_BYTES_PER_S)
        return work(job, source, tell)


def prepare(request: Mapping[str, Any], handle: int | None) -> None:
    """Load the decoder that the file will need, so that the processes of all later files have it at hand.

    Only the first bytes are looked at; whatever is wrong with the file, its own process will tell.
    """
    with suppress(Refusal, OSError, TypeError, ValueError, ImportError):
        if request.get("do") not in ("inspect", "look") or request.get("kind") == "file":
            return
        opened = handle_of(str(request.get("path"))) if handle is None else os.dup(handle)
        try:
            kinds = sniff.of(_head(opened), "").kinds
        finally:
            os.close(opened)
        if "picture" in kinds or "video" in kinds:
            pictures.load_cv2()
        elif "voice" in kinds:
            sounds.load_segment()


def _head(handle: int) -> bytes:
    """The first bytes, and the place of the handle stays where it was."""
    return os.pread(handle, HEAD_BYTES, 0) if hasattr(os, "pread") else b""


def _job(request: Mapping[str, Any]) -> Job:
    path, out_dir, kind = request.get("path", ""), request.get("out_dir"), request.get("kind", "auto")
    if not isinstance(path, str) or not isinstance(out_dir, str) or kind not in KINDS:
        raise Refusal("bad_request", reason="fields")
    limit_bytes = min(int(request.get("limit_bytes", FILE_SIZE_BYTES)), FILE_SIZE_BYTES)
    keeps_place, fits = request.get("strip_location") is False, request.get("quality") == "small"
    name = str(request.get("name") or os.path.basename(path))
    return Job(path, name, kind, Path(out_dir), not keeps_place, fits, limit_bytes)


def _needs_programs(verb: str, job: Job, what: Format) -> bool:
    """Sounds are heard through ffmpeg, and copies made with it; pictures and films need no program."""
    if verb == "look":
        return job.kind == "voice" and "voice" in what.kinds
    return verb == "make_smaller" or (verb == "inspect" and job.kind != "file" and "voice" in what.kinds)


def inspect(job: Job, source: Source, tell: Tell) -> dict[str, Any]:
    """Kind, type, size, hash and what is shown of the file; what cannot be decoded is a plain file."""
    what = sniff.sniff(source)
    return _answer(job, source, what, shown.as_wished(source, what, job.kind))


def look(job: Job, source: Source, tell: Tell) -> dict[str, Any]:
    """What a received file shows, if it is what its message says (SEC-29); else a plain file and the reason."""
    return _told(shown.as_claimed(source, sniff.sniff(source), job.kind))


def measure(job: Job, source: Source, tell: Tell) -> dict[str, Any]:
    """The same for a plain file, and no decoder is touched: for what once brought the worker down."""
    return _answer(job, source, sniff.sniff(source), Shown(type=sniff.UNKNOWN.type, why="media_unsafe"))


def clean(job: Job, source: Source, tell: Tell) -> dict[str, Any]:
    """Only take the place out: the path of the copy, or of the file if there was nothing to take out."""
    copy = strip(source, sniff.sniff(source), job.out_dir)
    return {"file": str(copy or job.path), "stripped": copy is not None}


def make_smaller(job: Job, source: Source, tell: Tell) -> dict[str, Any]:
    """A copy for sending in the format everybody can play; no file if it would not be smaller."""
    limits.allow_cpu(limits.CPU_PER_TRANSCODING_S)
    path, type_ = transcode.transcode(source, job.kind, job.out_dir, _progress(tell))
    if path.stat().st_size >= source.size_bytes:
        path.unlink()
        return {"file": "", "type": ""}
    return {"file": str(path), "type": type_}


def _folder_of(path: str) -> int | None:
    """A handle of a folder that came by its path, where the system has such."""
    return handle_of(path) if os.path.exists(OWN_HANDLES) else None


def _join(job: Job, handle: int | None, wall: Wall) -> dict[str, Any]:
    """One file out of the segments in a folder."""
    folder = Path(job.path) if handle is None else Path(OWN_HANDLES, str(handle))
    if not folder.is_dir():
        raise Refusal("media_vanished", name=job.name)
    job.out_dir.mkdir(parents=True, exist_ok=True)
    wall([] if handle is None else [handle], job.out_dir, starts_programs=True)
    limits.allow_cpu(limits.CPU_PER_TRANSCODING_S)
    return {"file": str(segments.join(folder, job.kind, job.out_dir))}


def _progress(tell: Tell) -> Callable[[int, int], None]:
    return lambda done_ms, whole_ms: tell({"progress": [done_ms, whole_ms]})


VERBS: dict[str, Callable[[Job, Source, Tell], dict[str, Any]]] = {
    "inspect": inspect,
    "look": look,
    "measure": measure,
    "clean": clean,
    "make_smaller": make_smaller,
}


def _answer(job: Job, source: Source, what: Format, seen: Shown) -> dict[str, Any]:
    """The whole answer to an inspection: size and hash are those of the file that is to be uploaded."""
    copy = strip(source, what, job.out_dir) if job.strip_location else None
    if job.fits and seen.kind == "picture":
        size_bytes = copy.stat().st_size if copy is not None else source.size_bytes
        fitted = fit(source, what, job.out_dir, size_bytes)
        if fitted is not None:
            if copy is not None:
                copy.unlink()
            copy = fitted.path
            seen = replace(seen, type=fitted.type, width=fitted.width, height=fitted.height)
    size_bytes, sha256 = source.measured() if copy is None else measured(str(copy), job.limit_bytes)
    return _told(seen) | {
        "name": source.name,
        "size_bytes": size_bytes,
        "sha256": sha256,
        "file": str(copy or job.path),
        "stripped": copy is not None,
    }


def _told(seen: Shown) -> dict[str, Any]:
    return asdict(seen) | {"preview": _base64(seen.preview), "waveform": _base64(seen.waveform)}


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")

"""The near end of the media worker: looks go through one process, each kind of long job through one of its own.

No decoder is loaded here (SEC-32). A job that hangs or crashes costs the process, and its file is then measured without
any decoder and sent as a plain file. Neither a look nor the joining of a recording waits for a film that is made
smaller.
"""

from __future__ import annotations

import asyncio
import base64
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from client.adapters.worker_process import WorkerLost, WorkerProcess
from client.core.model import Inspected, Looked
from protocol.problems import (
    BY_CODE,
    CannotJoin,
    CannotMakeSmaller,
    MediaUnsafe,
    WorkerFailed,
    problem,
)  # fmt: skip

Kind = Literal["auto", "picture", "voice", "video", "file"]
Claimed = Literal["picture", "voice", "video", "file"]
Quality = Literal["small", "original"]

UNKNOWN_TYPE = "application/octet-stream"
SLOWEST_READING_BYTES_PER_S = 10_000_000  # on top of the wall time: a large file is read twice
MAKING_WITHIN_S = 930.0
JOINING_WITHIN_S = 330.0
JOBS_PER_PROCESS = 200
PREVIEW_BYTES_MAX, PREVIEW_LEADS = 12 * 1024, (b"\xff\xd8\xff", b"RIFF")
SHOWN = ("kind", "type", "width", "height", "duration_ms", "preview_type", "why")


class _Bench:
    """Where one kind of long job is done, one at a time: a process of its own, and a folder for what is unfinished."""

    def __init__(self, command: Sequence[str], folder: Path) -> None:
        self.process, self.folder, self.turn = WorkerProcess(command, jobs_most=1), folder, asyncio.Lock()


class WorkerPool:
    """Asks the worker; the port `Worker`.

    Args:
        command: how to start the worker, e.g. `python -m client.worker`.
        out_dir: where it puts copies without place and device; they are the caller's to delete.
        wall_timeout_s: how long one look may take by the clock on the wall, plus time to read a large file.
        strip_location: take place and device out of what is sent (SEC-31).
    """

    def __init__(
        self,
        command: Sequence[str],
        out_dir: Path,
        wall_timeout_s: float = 15.0,
        jobs_per_process: int = JOBS_PER_PROCESS,
        strip_location: bool = True,
    ) -> None:
        self._out_dir, self._wall_timeout_s, self._strip_location = out_dir, wall_timeout_s, strip_location
        self._quick, self._turn = WorkerProcess(command, jobs_per_process), asyncio.Lock()
        self._making = _Bench(command, out_dir / "making")
        self._joining = _Bench(command, out_dir / "joining")

    @property
    def ready(self) -> Mapping[str, Any]:
        """What the last process said of itself: layers, skipped layers, tools."""
        return self._quick.ready

    @property
    def pid(self) -> int | None:
        """The number of the process that looks, while there is one."""
        return self._quick.pid

    @property
    def peak_mib(self) -> int:
        """The most memory that any job took, with the programs that it started."""
        return max(one.peak_mib for one in (self._quick, self._making.process, self._joining.process))

    async def inspect(self, path: str, name: str, kind: Kind, quality: Quality = "original") -> Inspected:
        """Look into a file that is to be sent; what is not understood is a plain file.

        Raises:
            Problem: media_vanished, media_unreadable, media_is_folder, media_empty, media_too_large; and
                worker_failed if not even measuring it was possible.
        """
        wish = {"kind": kind, "strip_location": self._strip_location, "quality": quality}
        within_s = self._wall_timeout_s + _reading_s(path)
        async with self._turn:
            try:
                found = await self._ask({"do": "inspect", **wish}, path, name, within_s)
            except WorkerLost:
                found = await self._measure(wish, path, name, within_s)
        return Inspected(
            name=name or os.path.basename(path),
            size_bytes=int(found["size_bytes"]),
            sha256=str(found["sha256"]),
            path=path if found["file"] in ("", path) else self._copy(found),
            large=bool(found["large"]),
            **_shown(found),
        )

    async def look(self, path: str, claimed: Claimed, name: str = "") -> Looked:
        """Look into a file that arrived; it is shown as what it was said to be, or is a plain file with a reason.

        Raises:
            Problem: media_vanished, media_unreadable, media_is_folder, media_empty, media_too_large.
        """
        async with self._turn:
            try:
                found = await self._ask({"do": "look", "kind": claimed}, path, name, self._wall_timeout_s)
            except WorkerLost:
                return Looked("file", UNKNOWN_TYPE, why=MediaUnsafe.code)
        return Looked(**_shown(found))

    async def make_smaller(
        self, path: str, kind: Literal["voice", "video"], progress: Callable[[int, int], None]
    ) -> Path | None:
        """Have a smaller copy made for sending; None if it would not be smaller.

        `progress` hears done and whole milliseconds (whole 0: not known). A task that is cancelled ends it at once.

        Raises:
            Problem: ffmpeg_missing, cannot_make_smaller, or one of a file that cannot be read.
        """
        name = os.path.basename(path)
        wish = {"do": "make_smaller", "kind": kind}
        made = await self._made(self._making, wish, path, MAKING_WITHIN_S, progress)
        if made is None:
            raise CannotMakeSmaller(name=name)
        return Path(made["file"]) if made["file"] else None

    async def join(self, folder: str, kind: Literal["voice", "video"]) -> Path:
        """Put the segments `000001.pcm`… (voice) or `000001.mp4`… (film) of a folder together; they stay.

        Raises:
            Problem: cannot_join, or one of a folder that cannot be read.
        """
        made = await self._made(self._joining, {"do": "join", "kind": kind}, folder, JOINING_WITHIN_S, None)
        if made is None:
            raise CannotJoin()
        return Path(made["file"])

    async def close(self) -> None:
        """End all processes within a second, whatever they are doing. A job that waits fails."""
        await asyncio.gather(
            self._quick.close(is_idle=not self._turn.locked()),
            self._making.process.close(is_idle=False),
            self._joining.process.close(is_idle=False),
        )

    async def _measure(self, wish: Mapping[str, Any], path: str, name: str, within_s: float) -> dict[str, Any]:
        try:
            return await self._ask({"do": "measure", **wish}, path, name, within_s)
        except WorkerLost as lost:
            raise WorkerFailed(name=name) from lost

    async def _ask(self, request: Mapping[str, Any], path: str, name: str, within_s: float) -> dict[str, Any]:
        """Ask the process that looks."""
        return _ok(await self._quick.ask(self._whole(request, path, name), path, within_s), name)

    async def _made(
        self,
        bench: _Bench,
        request: Mapping[str, Any],
        path: str,
        within_s: float,
        progress: Callable[[int, int], None] | None,
    ) -> dict[str, Any] | None:
        """Have something made by a process that ends with the job; None if it was lost."""
        async with bench.turn:
            try:
                name = os.path.basename(path)
                whole = self._whole(request, path, name) | {"out_dir": str(bench.folder)}
                made = _ok(await bench.process.ask(whole, path, within_s, progress), name)
                return made | {"file": made["file"] and self._moved(bench, made)}
            except WorkerLost:
                return None
            finally:
                await bench.process.drop()
                shutil.rmtree(bench.folder, ignore_errors=True)  # what a job that was ended has left

    def _whole(self, request: Mapping[str, Any], path: str, name: str) -> dict[str, Any]:
        return {"out_dir": str(self._out_dir), "name": name or os.path.basename(path), **request}

    def _moved(self, bench: _Bench, made: Mapping[str, Any]) -> str:
        """Take what was made out of the folder of unfinished things."""
        there = self._out_dir / os.path.basename(str(made["file"]))
        os.replace(bench.folder / there.name, there)
        return str(there)

    def _copy(self, found: Mapping[str, Any]) -> str:
        """The path of a copy. A decoder that was taken over must not choose what is sent."""
        there = self._out_dir / os.path.basename(str(found["file"]))
        if str(there) != found["file"] or there.is_symlink():
            raise WorkerFailed(name="")
        return str(there)


def _ok(answer: Mapping[str, Any], name: str) -> dict[str, Any]:
    """What was found; raises the problem as the person knows it: with the name under which the file is sent."""
    if "ok" in answer:
        return dict(answer["ok"])
    code, facts = str(answer.get("problem")), dict(answer.get("facts") or {})
    raise problem(code if code in BY_CODE else WorkerFailed.code, **facts | {"name": name})


def _shown(found: Mapping[str, Any]) -> dict[str, Any]:
    """What both kinds of looking tell. A preview is small and of two formats, whatever the worker says."""
    shown = {name: found[name] for name in SHOWN}
    shown |= {name: base64.b64decode(found[name]) for name in ("preview", "waveform")}
    if shown["preview"] and not _is_preview(shown["preview"]):
        shown |= {"preview": b"", "preview_type": ""}
    return shown


def _is_preview(data: bytes) -> bool:
    return len(data) <= PREVIEW_BYTES_MAX and data.startswith(PREVIEW_LEADS)


def _reading_s(path: str) -> float:
    try:
        return os.stat(path).st_size / SLOWEST_READING_BYTES_PER_S
    except (OSError, ValueError):
        return 0.0

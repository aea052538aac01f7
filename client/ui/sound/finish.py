"""From a recording on the disk to one file that can be sent, whatever is missing on this computer.

Voice: Opus or AAC by the media worker; without the program for it AAC by Qt; without that WAV. Video: every picture as
it was seen, made smaller on its way out by the media worker; without the program for it MPEG-4 by Qt.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NamedTuple

from client.ui.sound import segments
from client.ui.sound.encoder import Encoder
from client.ui.sound.film import write_film
from client.ui.sound.recorder import SIDE_PX
from client.ui.sound.segments import Draft, Span
from protocol.problems import Problem, StoreFailed

Join = Callable[[str, segments.Kind], Awaitable[Path]]
"""The media worker's way: a folder of segments becomes one file. Raises a Problem."""
FILM_PROGRAM = "ffmpeg"


class Finished(NamedTuple):
    """A file to be sent, durable on the disk, and the waveform that was heard while it was recorded."""

    path: Path
    bins: bytes


async def finish(draft: Draft, span: Span, out: Path, join: Join) -> Finished:
    """Make one file of this part; `out` is where it goes, but for its suffix. The recording stays.

    Raises StoreFailed.
    """
    try:
        path = await (_voice if draft.kind == "voice" else _film)(draft, span, out, join)
        await asyncio.to_thread(_settle, path)
    except OSError as error:
        raise StoreFailed() from error
    bins = segments.bins_of(segments.levels_of(draft, span)) if draft.kind == "voice" else b""
    return Finished(path, bins)


async def _voice(draft: Draft, span: Span, out: Path, join: Join) -> Path:
    folder = await asyncio.to_thread(segments.cut, draft, span)
    try:
        joined: Path | None = await join(str(folder), "voice")
    except Problem:
        joined = None
    finally:
        if folder != draft.folder:
            await asyncio.to_thread(shutil.rmtree, folder, True)
    if joined is not None:
        joined = await asyncio.to_thread(joined.replace, out.with_suffix(joined.suffix))
        if joined.suffix != ".wav":
            return joined
    made = out.with_suffix(".m4a")
    if await _encoded(draft, span, made):
        if joined is not None:
            joined.unlink(missing_ok=True)
        return made
    if joined is not None:
        return joined
    made = out.with_suffix(".wav")
    await asyncio.to_thread(segments.write_wav, draft.folder, span, made)
    return made


async def _film(draft: Draft, span: Span, out: Path, join: Join) -> Path:
    made = out.with_suffix(".mp4")
    if shutil.which(FILM_PROGRAM) is None and await _encoded(draft, span, made):
        return made
    made = out.with_suffix(".mkv")
    await asyncio.to_thread(write_film, draft.folder, span, made, (SIDE_PX, SIDE_PX))
    return made


async def _encoded(draft: Draft, span: Span, path: Path) -> bool:
    """Whether Qt could write it."""
    done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    def settle(well: bool) -> None:
        if not done.done():
            done.set_result(well)

    encoder = Encoder(draft, span, path)
    encoder.done.connect(lambda: settle(True))
    encoder.failed.connect(lambda _code: settle(False))
    encoder.start()
    try:
        return await done and await asyncio.to_thread(_is_there, path)
    finally:
        encoder.deleteLater()


def _is_there(path: Path) -> bool:
    return path.exists() and path.stat().st_size > 0


def _settle(path: Path) -> None:
    """Durable, before the recording goes."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())

"""From a recording to the file that is sent: by the real media worker, and without it."""

from __future__ import annotations

import json
import math
import subprocess
from array import array
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from PySide6.QtGui import QColor, QImage

from client.adapters.worker_pool import WorkerPool
from client.programs import worker_command
from client.ui.sound import finish as finish_module
from client.ui.sound.finish import finish
from client.ui.sound.recorder import SIDE_PX, jpeg
from client.ui.sound.segments import BLOCK_BYTES, Draft, Kind, Span, Tape, read_draft
from protocol.content import unpack_bins
from protocol.problems import CannotJoin, StoreFailed
from protocol.values import ConvId

pytestmark = pytest.mark.qt_log_ignore("No RHI backend")
EVERY_MS = 40


@pytest_asyncio.fixture
async def worker(tmp_path: Path) -> AsyncIterator[WorkerPool]:
    made = WorkerPool(worker_command(), tmp_path / "copies")
    yield made
    await made.close()


def recorded(folder: Path, kind: Kind, blocks: int = 35) -> Draft:
    """A tone, and with it a picture each 40 ms."""
    tape = Tape(folder / "r1", ConvId("c"), kind, 1)
    turn = 2 * math.pi * 440 / 48_000
    samples = array("h", (int(12_000 * math.sin(turn * n)) for n in range(BLOCK_BYTES // 2))).tobytes()
    for place in range(blocks):
        tape.add_sound(samples, 0.2 if place < blocks // 2 else 0.8)
    if kind == "video":
        for at_ms in range(0, blocks * 100, EVERY_MS):
            tape.add_picture(at_ms, lambda at_ms=at_ms: picture(at_ms))  # type: ignore[misc]
    tape.close()
    draft = read_draft(folder / "r1")
    assert draft is not None
    return draft


def picture(at_ms: int) -> bytes:
    made = QImage(SIDE_PX, SIDE_PX, QImage.Format.Format_RGB32)
    made.fill(QColor.fromHsv(at_ms // 10 % 360, 200, 200))
    return jpeg(made)


def probe(path: Path) -> dict[str, dict[str, Any]]:
    told = subprocess.run(
        ["ffprobe", "-v", "error", "-count_frames", "-show_streams", "-show_format", "-of", "json", str(path)],
        capture_output=True,
        check=True,
    ).stdout
    found = json.loads(told)
    return {stream["codec_type"]: stream for stream in found["streams"]} | {"format": found["format"]}


async def nobody(folder: str, kind: Kind) -> Path:
    raise CannotJoin()


async def test_a_voice_note_is_opus_as_long_as_what_was_said(worker: WorkerPool, tmp_path: Path) -> None:
    draft = recorded(tmp_path, "voice")
    made = await finish(draft, draft.span, tmp_path / "out", worker.join)

    told = probe(made.path)
    assert (told["audio"]["codec_name"], told["audio"]["channels"]) == ("opus", 1)
    assert abs(float(told["format"]["duration"]) * 1000 - draft.duration_ms) <= 100
    assert made.path.stat().st_size < 8000 * draft.duration_ms / 1000, "24 to 32 kbit a second"
    assert made.path == tmp_path / "out.ogg"
    bins = unpack_bins(made.bins)
    assert (bins[10], bins[90]) == (round(31 * (51 / 204) ** 0.5), 31)


async def test_a_part_of_a_voice_note_is_as_long_as_the_part(worker: WorkerPool, tmp_path: Path) -> None:
    draft = recorded(tmp_path, "voice")
    made = await finish(draft, Span(500, 1700), tmp_path / "out", worker.join)

    assert abs(float(probe(made.path)["format"]["duration"]) * 1000 - 1200) <= 100
    assert read_draft(draft.folder) == draft
    assert not (draft.folder / "cut").exists()


async def test_a_film_becomes_h264_with_every_picture(worker: WorkerPool, tmp_path: Path) -> None:
    """The file goes to the worker as every large film does, on its way out."""
    draft = recorded(tmp_path, "video")
    made = await finish(draft, draft.span, tmp_path / "out", worker.join)
    found = await worker.inspect(str(made.path), made.path.name, "video", "small")
    assert (found.kind, found.width, found.height, found.large) == ("video", 480, 480, True)
    assert found.preview, "the poster"
    smaller = await worker.make_smaller(str(made.path), "video", lambda done, whole: None)

    assert smaller is not None
    told = probe(smaller)
    assert (told["video"]["codec_name"], told["audio"]["codec_name"]) == ("h264", "aac")
    assert int(told["video"]["nb_read_frames"]) == 3500 // EVERY_MS + 1
    assert (told["video"]["width"], told["video"]["height"]) == (480, 480)
    assert abs(float(told["format"]["duration"]) * 1000 - draft.duration_ms) <= 100


async def test_where_the_worker_cannot_join_qt_makes_aac(tmp_path: Path) -> None:
    draft = recorded(tmp_path, "voice")
    made = await finish(draft, draft.span, tmp_path / "out", nobody)

    assert made.path == tmp_path / "out.m4a"
    assert probe(made.path)["audio"]["codec_name"] == "aac"


async def test_where_the_worker_has_only_wav_qt_makes_aac(tmp_path: Path) -> None:
    draft = recorded(tmp_path, "voice")
    (tmp_path / "copies").mkdir()

    async def wav(folder: str, kind: Kind) -> Path:
        (tmp_path / "copies" / "x.wav").write_bytes(b"RIFF")
        return tmp_path / "copies" / "x.wav"

    made = await finish(draft, draft.span, tmp_path / "out", wav)
    assert made.path == tmp_path / "out.m4a"
    assert not (tmp_path / "out.wav").exists()


async def test_where_nothing_can_encode_it_is_a_wav(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*_facts: object) -> bool:
        return False

    monkeypatch.setattr(finish_module, "_encoded", never)
    draft = recorded(tmp_path, "voice", blocks=10)
    made = await finish(draft, draft.span, tmp_path / "out", nobody)

    told = probe(made.path)
    assert told["audio"]["codec_name"] == "pcm_s16le"
    assert float(told["format"]["duration"]) == 1.0


async def test_without_another_program_a_film_is_mpeg_4(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finish_module, "FILM_PROGRAM", "no-such-program")
    draft = recorded(tmp_path, "video", blocks=15)
    made = await finish(draft, draft.span, tmp_path / "out", nobody)

    told = probe(made.path)
    assert (made.path.suffix, told["video"]["codec_name"], told["audio"]["codec_name"]) == (".mp4", "mpeg4", "aac")
    assert int(told["video"]["nb_read_frames"]) == -(-1500 // EVERY_MS)
    assert made.bins == b""


async def test_a_disk_that_refuses_is_a_problem_and_the_recording_stays(tmp_path: Path) -> None:
    draft = recorded(tmp_path, "voice", blocks=10)
    with pytest.raises(StoreFailed):
        await finish(draft, draft.span, tmp_path / "nowhere" / "out", nobody)
    assert read_draft(draft.folder) == draft

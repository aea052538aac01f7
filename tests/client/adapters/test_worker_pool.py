"""The near end of the media worker: with the real process, and with ones that misbehave."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from client.adapters import worker_process
from client.adapters.worker_pool import WorkerPool
from protocol.content import unpack_bins
from protocol.problems import (
    CannotJoin,
    CannotMakeSmaller,
    FfmpegMissing,
    MediaTooLarge,
    MediaVanished,
    Problem,
    WorkerFailed,
)

SAMPLES = Path(__file__).resolve().parents[3] / "resources" / "samples"
REAL = (sys.executable, "-m", "client.worker")
PHOTO, VOICE, FILM, NOTES = (str(SAMPLES / name) for name in ("photo.jpg", "voice.ogg", "video.mp4", "notes.pdf"))

Script = Callable[[str], tuple[str, ...]]


@pytest.fixture
async def pool(tmp_path: Path) -> AsyncIterator[WorkerPool]:
    real = WorkerPool(REAL, tmp_path / "out")
    yield real
    await real.close()


@pytest.fixture
def script(tmp_path: Path) -> Script:
    """A worker that does as the body says: `request` is the request, `ok(...)` answers it like the real one."""

    def make(body: str) -> tuple[str, ...]:
        path = tmp_path / "fake.py"
        lead = f"""
import json, os, sys, time
from pathlib import Path
from client.worker import jobs
from client.worker.channel import Channel
with open({str(tmp_path / "started")!r}, "a") as log:
    log.write(str(os.getpid()) + "\\n")
channel = Channel()
def say(what):
    channel.say(what)
def say_raw(text):
    channel._answers.write(text.encode())
    channel._answers.flush()
def ok():
    say({{"id": request["id"], "ok": jobs.run(request, handle, say, jobs.no_wall)}})
say({{"ready": {{"layers": []}}}})
for line, handle in channel.requests():
    request = json.loads(line)
"""
        path.write_text(lead + "\n".join("    " + line for line in body.strip().splitlines()))
        return (sys.executable, str(path))

    return make


def starts(folder: Path) -> list[int]:
    return [int(line) for line in (folder / "started").read_text().split()]


def sha256(path: str) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def size_of(path: str) -> int:
    return os.path.getsize(path)


def holds(path: str, data: bytes) -> bool:
    return data in Path(path).read_bytes()


def append(path: str, text: str) -> None:
    with open(path, "a", encoding="utf-8") as file:
        file.write(text)


def ignore(done: int, whole: int) -> None:
    """For a job whose progress is of no interest."""


def replace(path: str, old: str, new: str) -> None:
    text = Path(path).read_text()
    Path(path).write_text(text.replace(old, new))


async def within(seconds: float, what: Awaitable[object]) -> None:
    began_s = time.monotonic()
    await what
    assert time.monotonic() - began_s < seconds


# --- the real one


async def test_a_picture(pool: WorkerPool, tmp_path: Path) -> None:
    found = await pool.inspect(PHOTO, "evening.jpg", "auto")
    assert (found.kind, found.type, found.name) == ("picture", "image/jpeg", "evening.jpg")
    assert (found.width, found.height) == (1200, 1600)
    assert 0 < len(found.preview) <= 12 * 1024
    assert found.preview_type in ("image/jpeg", "image/webp")
    assert os.path.dirname(found.path) == str(tmp_path / "out")
    assert (found.sha256, found.size_bytes) == (sha256(found.path), size_of(found.path))
    assert "address_space" in pool.ready["layers"] or sys.platform != "linux"


async def test_a_voice_note_a_film_and_a_file(pool: WorkerPool) -> None:
    voice = await pool.inspect(VOICE, "voice.ogg", "voice")
    assert (voice.kind, len(voice.waveform), max(unpack_bins(voice.waveform))) == ("voice", 63, 31)
    film = await pool.inspect(FILM, "video.mp4", "video")
    assert (film.kind, film.width, film.height, film.duration_ms) == ("video", 640, 360, 3600)
    notes = await pool.inspect(NOTES, "notes.pdf", "auto")
    assert (notes.kind, notes.path, notes.preview, notes.waveform) == ("file", NOTES, b"", b"")


async def test_what_arrived_is_looked_at(pool: WorkerPool, tmp_path: Path) -> None:
    shown = await pool.look(PHOTO, "picture", "evening.jpg")
    assert (shown.kind, shown.type, shown.width, shown.height, shown.why) == ("picture", "image/jpeg", 1200, 1600, "")
    assert shown.preview[:2] == b"\xff\xd8"
    plain = await pool.look(NOTES, "video")
    assert (plain.kind, plain.preview, plain.why) == ("file", b"", "media_not_as_said")
    with pytest.raises(MediaVanished):
        await pool.look(str(tmp_path / "gone"), "video", "gone")


async def test_jobs_asked_at_once_are_done_one_after_another(pool: WorkerPool) -> None:
    paths = [PHOTO, VOICE, FILM, NOTES] * 2
    found = await asyncio.gather(*(pool.inspect(path, path, "auto") for path in paths))
    assert [one.kind for one in found] == ["picture", "voice", "video", "file"] * 2


async def test_problems_are_those_of_the_language(pool: WorkerPool, tmp_path: Path) -> None:
    with pytest.raises(MediaVanished) as vanished:
        await pool.inspect(str(tmp_path / "gone"), "shown.jpg", "auto")
    assert vanished.value.facts == {"name": "shown.jpg"}
    with (tmp_path / "huge").open("wb") as sparse:
        sparse.truncate(513 * 1024 * 1024)
    with pytest.raises(MediaTooLarge) as large:
        await pool.inspect(str(tmp_path / "huge"), "huge", "auto")
    assert large.value.for_person() == "This file is 538 MB; at most 537 MB can be sent."


async def test_a_name_that_is_not_text_travels_whole(pool: WorkerPool, tmp_path: Path) -> None:
    name = os.fsdecode(b"\xff\xfe 1.txt") if sys.platform == "linux" else "既 1.txt"
    (tmp_path / name).write_text("words")
    found = await pool.inspect(str(tmp_path / name), name, "auto")
    assert (found.type, found.path) == ("text/plain", str(tmp_path / name))


async def test_a_voice_is_made_smaller(pool: WorkerPool, tmp_path: Path) -> None:
    heard: list[tuple[int, int]] = []
    made = await pool.make_smaller(VOICE, "voice", lambda done, whole: heard.append((done, whole)))
    assert made is not None
    assert made.parent == tmp_path / "out"
    assert made.read_bytes()[:4] == b"OggS"
    assert heard[-1] == (7250, 7250)
    with pytest.raises(CannotMakeSmaller):
        await pool.make_smaller(NOTES, "video", ignore)
    assert os.listdir(tmp_path / "out") == [made.name]


async def test_killed_between_two_jobs_it_starts_again(pool: WorkerPool) -> None:
    await pool.inspect(NOTES, "notes.pdf", "auto")
    assert pool.pid is not None
    os.kill(pool.pid, signal.SIGKILL)
    found = await pool.inspect(PHOTO, "photo.jpg", "auto")
    assert found.sha256 == sha256(found.path)


async def test_our_environment_and_our_modules_stay_as_they_were(pool: WorkerPool) -> None:
    before, modules = dict(os.environ), {"cv2", "pydub"} & set(sys.modules)
    await pool.inspect(PHOTO, "photo.jpg", "auto")
    assert dict(os.environ) == before
    assert {"cv2", "pydub"} & set(sys.modules) == modules


async def test_it_is_told_no_secret(script: Script, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEXAGRAM_TOKEN", "CANARY")
    seen = tmp_path / "seen"
    pool = WorkerPool(script(f"Path({str(seen)!r}).write_text(json.dumps(dict(os.environ)))\nok()"), tmp_path)
    await pool.inspect(NOTES, "notes.pdf", "auto")
    await pool.close()
    assert "CANARY" not in seen.read_text()
    assert "PATH" in json.loads(seen.read_text())


async def test_where_handles_cannot_be_passed_the_path_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_process, "PASSES_HANDLES", False)
    pool = WorkerPool(REAL, tmp_path / "out")
    photo, notes = await pool.inspect(PHOTO, "x.jpg", "auto"), await pool.inspect(NOTES, "x.pdf", "auto")
    assert (photo.kind, notes.path, notes.sha256) == ("picture", NOTES, sha256(NOTES))
    with pytest.raises(MediaVanished) as vanished:
        await pool.look(str(tmp_path / "gone"), "voice", "shown.ogg")
    assert vanished.value.facts == {"name": "shown.ogg"}
    await pool.close()


async def test_nothing_is_started_before_there_is_a_file(tmp_path: Path) -> None:
    idle = WorkerPool(REAL, tmp_path)
    assert idle.pid is None
    await within(0.2, idle.close())


# --- ones that misbehave

CRASH = "os._exit(3) if request['do'] == 'inspect' else ok()"
HANG = "time.sleep(600) if request['do'] == 'inspect' else ok()"
NONSENSE = "say_raw('what?\\n') if request['do'] == 'inspect' else ok()"
OLD_ANSWER = "request['id'] -= request['do'] == 'inspect'\nok()"
ENDLESS = "say_raw('x' * 3_000_000 + '\\n') if request['do'] == 'inspect' else ok()"


@pytest.mark.parametrize("body", [CRASH, HANG, NONSENSE, OLD_ANSWER, ENDLESS])
async def test_a_file_that_brings_the_worker_down_is_sent_as_a_plain_file(
    script: Script, tmp_path: Path, body: str
) -> None:
    pool = WorkerPool(script(body), tmp_path / "out", wall_timeout_s=0.4)
    found = await pool.inspect(PHOTO, "photo.jpg", "picture")
    assert (found.kind, found.type, found.preview) == ("file", "application/octet-stream", b"")
    assert (found.sha256, found.size_bytes) == (sha256(found.path), size_of(found.path))
    assert not holds(found.path, b"Sample Phone")
    first, second = starts(tmp_path)
    assert first != second
    await pool.close()


@pytest.mark.parametrize("body", ["os._exit(3)", "time.sleep(600)"])
async def test_what_arrived_and_brings_the_worker_down_is_not_shown(script: Script, tmp_path: Path, body: str) -> None:
    pool = WorkerPool(script(body), tmp_path / "out", wall_timeout_s=0.4)
    shown = await pool.look(PHOTO, "picture", "photo.jpg")
    assert (shown.kind, shown.type, shown.why) == ("file", "application/octet-stream", "media_unsafe")
    await pool.close()


async def test_killed_in_the_middle_of_a_job_its_file_is_sent_as_a_plain_file(script: Script, tmp_path: Path) -> None:
    hangs = "time.sleep(600) if request['do'] == 'inspect' and request['name'] == 'photo.jpg' else ok()"
    pool = WorkerPool(script(hangs), tmp_path / "out")
    await pool.inspect(NOTES, "notes.pdf", "auto")
    async with asyncio.TaskGroup() as tasks:
        job = tasks.create_task(pool.inspect(PHOTO, "photo.jpg", "auto"))
        await asyncio.sleep(0)  # the job has its turn
        assert pool.pid is not None
        os.kill(pool.pid, signal.SIGKILL)
    assert (job.result().kind, job.result().sha256) == ("file", sha256(job.result().path))
    await pool.close()


@pytest.mark.skipif(sys.platform == "win32", reason="a process of Windows has no group to end")
async def test_what_a_hanging_worker_started_ends_with_it(script: Script, tmp_path: Path) -> None:
    """Its child holds one end of a pipe: the other end sees its end only when the child is gone too."""
    child = tmp_path / "child"
    os.mkfifo(child)
    body = f"""
import subprocess
if request["do"] == "inspect":
    subprocess.Popen(["sleep", "600"], stdout=open({str(child)!r}, "w"))
    time.sleep(600)
ok()
"""
    pool = WorkerPool(script(body), tmp_path / "out", wall_timeout_s=0.6)
    end = os.open(child, os.O_RDONLY | os.O_NONBLOCK)
    try:
        await pool.inspect(NOTES, "notes.pdf", "auto")
        assert os.read(end, 1) == b"", "nobody holds the other end any more"
    finally:
        os.close(end)
    await pool.close()


async def test_a_worker_that_always_dies_is_a_problem_with_a_sentence(script: Script, tmp_path: Path) -> None:
    pool = WorkerPool(script("os._exit(3)"), tmp_path)
    with pytest.raises(WorkerFailed) as failed:
        await pool.inspect(NOTES, "notes.pdf", "auto")
    assert failed.value.facts == {"name": "notes.pdf"}
    await pool.close()


@pytest.mark.parametrize(
    "command", [("/no/such/program",), (sys.executable, "-c", "pass"), (sys.executable, "-c", "print(7)")]
)
async def test_a_worker_that_cannot_start_is_the_same_problem(tmp_path: Path, command: tuple[str, ...]) -> None:
    pool = WorkerPool(command, tmp_path)
    with pytest.raises(WorkerFailed):
        await pool.inspect(NOTES, "notes.pdf", "auto")
    with pytest.raises(CannotMakeSmaller):
        await pool.make_smaller(VOICE, "voice", ignore)
    with pytest.raises(CannotJoin):
        await pool.join(str(tmp_path), "voice")
    await pool.close()


async def test_an_unknown_code_of_the_worker_is_a_problem_too(script: Script, tmp_path: Path) -> None:
    pool = WorkerPool(script("say({'id': request['id'], 'problem': 'of_tomorrow', 'facts': {}})"), tmp_path)
    with pytest.raises(Problem) as told:
        await pool.inspect(NOTES, "notes.pdf", "auto")
    assert told.value.code == "worker_failed"
    await pool.close()


async def test_after_its_jobs_the_process_is_replaced(script: Script, tmp_path: Path) -> None:
    pool = WorkerPool(script("ok()"), tmp_path, jobs_per_process=3)
    for _ in range(7):
        await pool.inspect(NOTES, "notes.pdf", "auto")
    assert len(starts(tmp_path)) == 3
    await pool.close()


async def test_a_job_given_up_does_not_answer_the_next(script: Script, tmp_path: Path) -> None:
    pool = WorkerPool(script("time.sleep(600) if request['name'] == 'photo.jpg' else ok()"), tmp_path)
    await pool.inspect(NOTES, "notes.pdf", "auto")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await pool.inspect(PHOTO, "photo.jpg", "auto")
    assert (await pool.inspect(NOTES, "notes.pdf", "auto")).sha256 == sha256(NOTES)
    await pool.close()


async def test_closing_takes_less_than_a_second_even_in_a_job(script: Script, tmp_path: Path) -> None:
    pool = WorkerPool(script("time.sleep(600) if request['name'] == 'photo.jpg' else ok()"), tmp_path)
    await pool.inspect(NOTES, "notes.pdf", "auto")
    async with asyncio.TaskGroup() as tasks:
        job = tasks.create_task(_expect_failure(pool))
        await asyncio.sleep(0)  # the job has its turn
        await within(1.0, pool.close())
        await job
    with pytest.raises(WorkerFailed):
        await pool.inspect(NOTES, "notes.pdf", "auto")


async def _expect_failure(pool: WorkerPool) -> None:
    with pytest.raises(WorkerFailed):
        await pool.inspect(PHOTO, "photo.jpg", "auto")


async def test_a_worker_that_ignores_the_end_of_its_input_is_ended(script: Script, tmp_path: Path) -> None:
    command = script("ok()")
    append(command[1], "\nwhile True:\n    time.sleep(1)\n")
    pool = WorkerPool(command, tmp_path)
    await pool.inspect(NOTES, "notes.pdf", "auto")
    await within(1.0, pool.close())


# --- long jobs


def recording(folder: Path) -> Path:
    folder.mkdir()
    for number in (1, 2):
        (folder / f"{number:06}.pcm").write_bytes(bytes(96_000))
    return folder


def film(path: Path, seconds: int) -> Path:
    source = f"testsrc2=s=640x360:r=30:d={seconds}"
    words = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", source, "-c:v", "mpeg4", "-q:v", "3", str(path)]
    subprocess.run(words, check=True)
    return path


async def test_a_film_being_made_smaller_holds_up_no_look(pool: WorkerPool, tmp_path: Path) -> None:
    """It is given up in the middle: what it had written is gone, and so is ffmpeg."""
    path, begun = film(tmp_path / "x.mp4", 60), asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        making = tasks.create_task(pool.make_smaller(str(path), "video", lambda done, whole: begun.set()))
        await begun.wait()
        assert (await pool.inspect(PHOTO, "photo.jpg", "auto")).kind == "picture"
        assert (await pool.join(str(recording(tmp_path / "recording")), "voice")).suffix == ".ogg"
        assert not making.done()
        making.cancel()
        began_s = time.monotonic()
    assert time.monotonic() - began_s < 1.0
    assert making.cancelled()
    assert not (tmp_path / "out" / "making").exists()
    assert (await pool.make_smaller(VOICE, "voice", ignore)) is not None


async def test_the_segments_of_a_recording_are_joined(pool: WorkerPool, tmp_path: Path) -> None:
    path = await pool.join(str(recording(tmp_path / "recording")), "voice")
    assert path.parent == tmp_path / "out"
    assert path.read_bytes()[:4] == b"OggS"
    (tmp_path / "empty").mkdir()
    with pytest.raises(CannotJoin):
        await pool.join(str(tmp_path / "empty"), "voice")


async def test_without_ffmpeg_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    pool = WorkerPool(REAL, tmp_path / "out")
    with pytest.raises(FfmpegMissing):
        await pool.make_smaller(VOICE, "voice", ignore)
    await pool.close()


# --- a decoder that was taken over


async def test_it_cannot_choose_what_is_sent(script: Script, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("CANARY")
    lies = f"""
found = jobs.run(request, handle, say, jobs.no_wall)
say({{"id": request["id"], "ok": found | {{"file": {str(secret)!r}}}}})
"""
    pool = WorkerPool(script(lies), tmp_path / "out")
    with pytest.raises(WorkerFailed):
        await pool.inspect(PHOTO, "photo.jpg", "auto")
    await pool.close()


@pytest.mark.parametrize("preview", ["b'<svg/>'", "b'\\xff\\xd8\\xff' + bytes(13_000)"])
async def test_it_cannot_send_another_preview_into_the_window(script: Script, tmp_path: Path, preview: str) -> None:
    lies = f"""
import base64
found = jobs.run(request, handle, say, jobs.no_wall)
say({{"id": request["id"], "ok": found | {{"preview": base64.b64encode({preview}).decode()}}}})
"""
    pool = WorkerPool(script(lies), tmp_path / "out")
    shown = await pool.look(PHOTO, "picture", "photo.jpg")
    assert (shown.kind, shown.preview, shown.preview_type) == ("picture", b"", "")
    await pool.close()


async def test_missing_layers_are_in_the_log_once(
    script: Script, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_process, "SAID_ALREADY", set())
    command = script("ok()")
    replace(command[1], '"layers": []', '"layers": [], "skipped": {"files": "not offered"}')
    for _ in range(2):
        pool = WorkerPool(command, tmp_path / "out")
        await pool.look(NOTES, "file")
        await pool.close()
    assert [record.getMessage() for record in caplog.records] == [
        "! the media worker runs without the layer files: not offered"
    ]

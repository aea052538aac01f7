"""The worker as a process: what it says first, when it ends, and what it leaves alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.client.worker import media
from tests.client.worker.talk import COMMAND, ROOT, WorkerProcess


def test_it_says_first_what_holds_it_back(worker: WorkerProcess) -> None:
    assert set(worker.ready) == {"layers", "skipped", "tools"}
    assert worker.ready["tools"] == ["ffmpeg", "ffprobe"]


def test_it_ends_with_its_input(tmp_path: Path) -> None:
    with WorkerProcess(tmp_path) as process:
        process.inspect(media.SAMPLES / "notes.pdf")
    assert process.process.returncode == 0


def test_nothing_but_answers_is_on_its_output(tmp_path: Path) -> None:
    """Decoders complain about broken files; on the output that would break the talk."""
    path = tmp_path / "x.jpg"
    path.write_bytes((media.SAMPLES / "photo.jpg").read_bytes()[:100_000])
    request = f'{{"id":1,"do":"inspect","path":"{path}","out_dir":"{tmp_path}"}}\n'.encode()
    done = subprocess.run(COMMAND, cwd=ROOT, input=request * 2, capture_output=True, check=True)
    assert [line[:7] for line in done.stdout.splitlines()] == [b'{"ready', b'{"id":1', b'{"id":1']


def test_it_is_started_by_its_main_function_too(tmp_path: Path) -> None:
    """The bundle starts it by this name, from its own executable."""
    code = "import sys\nfrom client.worker.__main__ import main\nsys.exit(main())"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, input=b"", capture_output=True, check=True)
    assert done.stdout.startswith(b'{"ready"')


def test_the_environment_stays_as_it_was(tmp_path: Path) -> None:
    """Importing OpenCV sets three variables that break programs started later (SEC-35)."""
    code = """
import json
import os
from client.worker import pictures
before = dict(os.environ)
pictures.load_cv2()
assert dict(os.environ) == before, set(os.environ) ^ set(before)
"""
    before = dict(os.environ)
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
    subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        check=True,
        env={**os.environ, "LD_LIBRARY_PATH": str(tmp_path)},
    )
    assert dict(os.environ) == before


def test_decoders_are_loaded_on_first_use_only() -> None:
    code = "import sys, client.worker.jobs; assert not {'cv2', 'numpy', 'pydub'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_where_nothing_forks_the_worker_does_it_itself(tmp_path: Path) -> None:
    """As on Windows and macOS: the same answers, and the missing walls are named."""
    code = """
import sys
from client.worker import jail, landlock
jail.forks = lambda: False
landlock.version = lambda: (_ for _ in ()).throw(OSError("not here"))
from client.worker.__main__ import main
sys.exit(main())
"""
    photo, gone = media.SAMPLES / "photo.jpg", tmp_path / "gone"
    requests = [
        {"id": number, "do": do, "path": str(path), "kind": "picture", "out_dir": str(tmp_path)}
        for number, (do, path) in enumerate([("look", photo), ("inspect", photo), ("look", gone)])
    ]
    lines = b"".join(json.dumps(request).encode() + b"\n" for request in requests)
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, input=lines, capture_output=True, check=True)
    ready, looked, inspected, vanished = map(json.loads, done.stdout.splitlines())
    assert ready["ready"]["skipped"]["files"] == "not here"
    assert "own_process_per_file" in ready["ready"]["skipped"]
    assert (looked["ok"]["kind"], inspected["ok"]["stripped"]) == ("picture", True)
    assert vanished["problem"] == "media_vanished"


def test_a_decoder_that_raises_or_dies_is_told(tmp_path: Path) -> None:
    code = """
import os, sys
from client.worker import jobs
from client.worker.__main__ import main
def looked(job, source, tell):
    if job.kind == "picture":
        raise RuntimeError("a decoder")
    os.kill(os.getpid(), 11)
jobs.VERBS["look"] = looked
sys.exit(main())
"""
    requests = [
        {"id": kind, "do": "look", "path": str(media.SAMPLES / "notes.pdf"), "kind": kind, "out_dir": str(tmp_path)}
        for kind in ("picture", "video", "picture")
    ]
    lines = b"".join(json.dumps(request).encode() + b"\n" for request in requests)
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, input=lines, capture_output=True, check=True)
    _ready, raised, died, again = map(json.loads, done.stdout.splitlines())
    assert (raised["problem"], raised["facts"]) == ("worker_failed", {"reason": "RuntimeError"})
    assert died == {"id": "video", "lost": "signal 11"}
    assert again["problem"] == "worker_failed"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a process with its parent")
def test_it_dies_with_the_application_and_takes_ffmpeg_along(tmp_path: Path) -> None:
    """The application is killed while a film is made smaller; the ends of its pipes stay open elsewhere."""
    path = tmp_path / "x.mp4"
    media.ffmpeg("-f", "lavfi", "-i", "testsrc2=s=640x360:r=30:d=60", "-c:v", "mpeg4", "-q:v", "3", path)
    request = {"id": 1, "do": "make_smaller", "path": str(path), "kind": "video", "out_dir": str(tmp_path / "out")}
    code = """
import subprocess, sys, time
worker = subprocess.Popen([sys.executable, "-m", "client.worker"])
worker.wait()
"""
    words = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, **words) as application:  # type: ignore[call-overload]
        application.stdout.readline()
        application.stdin.write(json.dumps(request).encode() + b"\n")
        application.stdin.flush()
        assert b"progress" in application.stdout.readline()
        application.kill()
        began_s = time.monotonic()
        rest = application.stdout.read()
        assert time.monotonic() - began_s < 2, "whoever still ran would hold the other end"
        assert b"ok" not in rest

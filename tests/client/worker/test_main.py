"""The worker as a process: what it says first, when it ends, and what it leaves alone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

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

"""An environment is made by the real venv and pip, from a wheel that is built here: whole, or not at all."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import run

WHEEL = "tiny-1.0-py3-none-any.whl"


def build_wheel(folder: Path) -> Path:
    """A package with one module that says where it is."""
    path = folder / WHEEL
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("tiny.py", "ANSWER = 42\n")
        wheel.writestr("tiny-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        wheel.writestr("tiny-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr("tiny-1.0.dist-info/RECORD", "")
    return path


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> run.Environment:
    """An environment that is not made yet; its lock asks for the wheel alone."""
    wheel = build_wheel(tmp_path)
    (tmp_path / "locks").mkdir()
    lock = f"tiny @ {wheel.as_uri()} --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n"
    (tmp_path / "locks" / "runtime.txt").write_text(lock, encoding="utf-8")
    monkeypatch.setattr(run, "NOTES", tmp_path / "notes")
    return run.Environment(tmp_path / "venv", tmp_path / "locks")


def answer_of(environment: run.Environment) -> str:
    words = [
        str(environment.python),
        "-P",
        "-c",
        "import tiny, protocol; print(tiny.ANSWER, protocol.__name__)",
    ]
    return subprocess.run(words, cwd="/", capture_output=True, text=True, check=True).stdout.strip()


def test_it_is_made_once_and_repaired_after_an_interruption(
    environment: run.Environment, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.ensure("runtime")
    assert answer_of(environment) == "42 protocol"
    made_ns = environment.stamp.stat().st_mtime_ns
    capsys.readouterr()

    environment.ensure("runtime")
    assert environment.stamp.stat().st_mtime_ns == made_ns
    assert capsys.readouterr().err == ""

    environment.stamp.unlink()  # as if the power had failed during the installation
    (run._site_packages(environment.folder) / "tiny.py").unlink()
    environment.ensure("runtime")
    assert answer_of(environment) == "42 protocol"
    assert "making it anew" in capsys.readouterr().err


def test_a_package_that_is_not_what_was_locked_is_refused(environment: run.Environment) -> None:
    lock = environment.locks / "runtime.txt"
    lock.write_text(lock.read_text(encoding="utf-8").split("sha256:")[0] + "sha256:" + "0" * 64, encoding="utf-8")
    with pytest.raises(run.Stop, match="could not be installed") as stop:
        environment.ensure("runtime")
    assert "do not match the hashes" in str(stop.value).lower()
    assert not environment.holds("runtime")


def test_two_at_once_make_one(environment: run.Environment, tmp_path: Path) -> None:
    code = (
        "import sys, run; from pathlib import Path; run.NOTES = Path(sys.argv[1]) / 'notes';"
        "run.Environment(Path(sys.argv[1]) / 'venv', Path(sys.argv[1]) / 'locks').ensure('runtime')"
    )
    words = [sys.executable, "-c", code, str(tmp_path)]
    env = {**os.environ, "PYTHONPATH": str(run.ROOT)}
    both = [subprocess.Popen(words, env=env, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    said = [process.communicate(timeout=120)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert sum("Making venv" in text for text in said) == 1
    assert answer_of(environment) == "42 protocol"


@pytest.mark.skipif(run.WINDOWS, reason="a lock that children inherit is a thing of POSIX")
def test_what_a_killed_run_left_working_is_waited_for(environment: run.Environment, tmp_path: Path) -> None:
    """A killed run.py leaves its pip behind; whoever comes next must not delete what that is still writing."""
    code = (
        "import sys, run; from pathlib import Path; run.NOTES = Path(sys.argv[1]) / 'notes'\n"
        "step = ['sh', '-c', 'echo works; read line < ' + sys.argv[2]]\n"
        "with run.alone(): run.follow('a long step', step, print)"
    )
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    env = {**os.environ, "PYTHONPATH": str(run.ROOT), "PYTHONUNBUFFERED": "1"}
    words = [sys.executable, "-c", code, str(tmp_path), str(gate)]
    with subprocess.Popen(words, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as first:
        assert first.stdout is not None
        said = first.stdout.readline()
        first.kill()
    assert said == "works\n"
    with (tmp_path / "notes" / "lock").open("a+b") as file:
        assert not run._try_lock(file)
        gate.write_text("go on\n", encoding="utf-8")
    environment.ensure("runtime")
    assert environment.holds("runtime")

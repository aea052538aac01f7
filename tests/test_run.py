"""The one door: what it understands, says and finds missing. Real installs are in tests/end_to_end."""

from __future__ import annotations

import ast
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import run

ROOT = Path(run.__file__).parent


def locks_in(folder: Path, **texts: str) -> Path:
    """A folder of lock files with these texts."""
    folder.mkdir()
    for name, text in texts.items():
        (folder / f"{name}.txt").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def made(tmp_path: Path) -> run.Environment:
    """An environment that was made from two lock files and is ready for both."""
    locks = locks_in(tmp_path / "locks", runtime="a==1", dev="a==1\nb==2")
    environment = run.Environment(tmp_path / "venv", locks)
    environment.python.parent.mkdir(parents=True)
    environment.python.touch()
    note = {name: run._sha256(locks / f"{name}.txt") for name in ("runtime", "dev")}
    environment.stamp.write_text(json.dumps({"home": environment._home(), **note}), encoding="utf-8")
    return environment


def test_an_old_python_can_read_the_file_and_so_be_told() -> None:
    """The version is checked when it runs, but the whole file must parse before that."""
    ast.parse((ROOT / "run.py").read_text(encoding="utf-8"), feature_version=(3, 7))


def test_it_needs_nothing_but_the_standard_library() -> None:
    tree = ast.parse((ROOT / "run.py").read_text(encoding="utf-8"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.split(".")[0] for name in names} <= sys.stdlib_module_names


def test_the_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run.main(["help"]) == 0
    listed = re.findall(r"^  (\w+) ", capsys.readouterr().out, re.MULTILINE)
    assert set(run.COMMANDS) <= set(listed)


def test_an_unknown_command_is_answered_with_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert run.main(["fly"]) == 2
    said = capsys.readouterr().err
    assert "There is no command 'fly'." in said
    assert "screenshots" in said


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux has sessions without a screen")
@pytest.mark.parametrize(
    ("environment", "command"),
    [
        ({}, "demo"),
        ({"DISPLAY": ":0"}, "app"),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "app"),
        ({"DISPLAY": ""}, "demo"),
    ],
)
def test_without_a_word_the_screen_decides(
    environment: dict[str, str], command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert run.chosen([]) == (command, [])
    assert run.chosen(["--json"]) == (command, ["--json"])


def test_a_command_gets_its_own_arguments() -> None:
    assert run.chosen(["server", "--listen", "127.0.0.1:0"]) == ("server", ["--listen", "127.0.0.1:0"])


def test_an_environment_is_ready_when_its_stamp_fits(made: run.Environment) -> None:
    assert made.holds("runtime")
    assert made.holds("dev")


def test_a_changed_lock_makes_it_unready(made: run.Environment) -> None:
    (made.locks / "dev.txt").write_text("a==1\nb==3", encoding="utf-8")
    assert made.holds("runtime")
    assert not made.holds("dev")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"home": "elsewhere 3.11"}'])
def test_a_broken_or_foreign_stamp_makes_it_unready(made: run.Environment, text: str) -> None:
    made.stamp.write_text(text, encoding="utf-8")
    assert not made.holds("runtime")


def test_an_environment_whose_python_is_gone_is_unready(made: run.Environment) -> None:
    made.python.unlink()
    assert not made.holds("runtime")


def test_a_missing_lock_is_said(made: run.Environment) -> None:
    (made.locks / "runtime.txt").unlink()
    with pytest.raises(run.Stop, match=r"runtime\.txt is missing"):
        made.holds("runtime")


def test_pip_is_told_in_short() -> None:
    digest = run.PipDigest(total=2)
    assert digest("Collecting numpy==2.4.6 (from -r requirements/dev.txt (line 10))") == "1 of 2"
    wheel = "numpy-2.4.6-cp311-cp311-manylinux_2_27_x86_64.whl"
    assert digest(f"  Downloading {wheel} (16.9 MB)") == "1 of 2: numpy (16.9 MB)".replace("(", "").replace(")", "")
    assert digest(f"  Using cached {wheel}") == "1 of 2: numpy"
    assert digest("Requirement already satisfied: idna==3.20 in x") == "2 of 2"
    assert digest("Installing collected packages: numpy") == "unpacking"
    assert digest("WARNING: something") is None


def test_apt_is_told_in_short() -> None:
    assert run.apt_digest("Get:3 http://deb.example bookworm/main amd64 xvfb amd64 2:21.1 [3,036 kB]") == "get xvfb"
    assert run.apt_digest("Unpacking xvfb (2:21.1) ...") == "unpacking xvfb"
    assert run.apt_digest("Reading package lists...") is None


class TestSystemPackages:
    """Against a stand-in dpkg-query, which answers from a file and counts how often it is asked."""

    @pytest.fixture
    def installed(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        folder = tmp_path / "bin"
        folder.mkdir()
        answer = tmp_path / "answer"
        answer.write_text(
            "installed\tffmpeg, \ninstalled\tlibglib2.0-0t64, libglib2.0-0 (= 2.84)\nnot-installed\txvfb, xserver\n",
            encoding="utf-8",
        )
        program = folder / "dpkg-query"
        program.write_text(f'#!/bin/sh\necho asked >> "{tmp_path}/asked"\ncat "{answer}"\n', encoding="utf-8")
        program.chmod(0o755)
        apt = folder / "apt-get"
        apt.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
        apt.chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
        monkeypatch.setattr(run, "NOTES", tmp_path / "notes")
        monkeypatch.setattr(run.Debian, "STATUS", answer)
        for name in ("LISTS", "JOURNAL"):
            (tmp_path / name).mkdir()
            monkeypatch.setattr(run.Debian, name, tmp_path / name)
        monkeypatch.setattr(run.Debian, "_rights", lambda: None)
        return tmp_path / "asked"

    pytestmark = pytest.mark.skipif(run.WINDOWS, reason="the stand-in is a shell script")

    def test_a_package_may_stand_in_for_another(self, installed: Path) -> None:
        assert run.Debian.missing(["ffmpeg", "libglib2.0-0", "xvfb"]) == ["xvfb"]

    def test_it_asks_once_while_nothing_changes(self, installed: Path) -> None:
        for _ in range(3):
            assert run.Debian.missing(["ffmpeg"]) == []
        assert installed.read_text(encoding="utf-8").count("asked") == 1

    def test_it_asks_again_after_a_change(self, installed: Path) -> None:
        run.Debian.missing(["ffmpeg"])
        os.utime(run.Debian.STATUS, ns=(1, 1))
        run.Debian.missing(["ffmpeg"])
        assert installed.read_text(encoding="utf-8").count("asked") == 2

    def test_what_is_needed_stops_with_the_line_to_type(self, installed: Path) -> None:
        with pytest.raises(run.Stop, match="missing: xvfb") as stop:
            run.Debian.ensure(["ffmpeg", "xvfb"], [])
        assert "apt-get install -y --no-install-recommends xvfb" in str(stop.value)

    def test_what_is_only_wanted_is_said(self, installed: Path, capsys: pytest.CaptureFixture[str]) -> None:
        run.Debian.ensure(["ffmpeg"], ["xvfb"])
        assert "apt-get install -y --no-install-recommends xvfb" in capsys.readouterr().err

    @pytest.mark.parametrize(
        ("user", "sudo", "lists", "line"),
        [
            (0, True, True, "apt-get install -y --no-install-recommends xvfb"),
            (0, False, False, "apt-get update && apt-get install -y --no-install-recommends xvfb"),
            (7, True, False, "sudo apt-get update && sudo apt-get install -y --no-install-recommends xvfb"),
            (7, False, True, "su - -c 'apt-get install -y --no-install-recommends xvfb'"),
        ],
    )
    def test_the_line_fits_the_machine(
        self, installed: Path, monkeypatch: pytest.MonkeyPatch, user: int, sudo: bool, lists: bool, line: str
    ) -> None:
        folder = installed.parent / "bin"
        if sudo:
            (folder / "sudo").touch(0o755)
        if lists:
            (run.Debian.LISTS / "mirror_main_Packages").touch()
        monkeypatch.setenv("PATH", str(folder))
        monkeypatch.setattr(os, "geteuid", lambda: user)
        assert run.Debian.line(["xvfb"]) == line

    def test_what_could_not_be_installed_does_not_keep_the_next_start_waiting(
        self, installed: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(run.Debian, "_rights", list)
        run.Debian.ensure(["ffmpeg"], ["xvfb"])
        assert "Fetching the lists of system packages: failed" in capsys.readouterr().err
        run.Debian.ensure(["ffmpeg"], ["xvfb"])
        said = capsys.readouterr().err
        assert "Fetching" not in said
        assert "Going on without xvfb" in said

    def test_what_is_wanted_waits_for_what_is_needed(
        self, installed: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(run.Debian, "_rights", list)
        with pytest.raises(run.Stop, match="missing: xauth"):
            run.Debian.ensure(["xauth"], ["xvfb"])
        assert capsys.readouterr().err.count("Fetching the lists of system packages: failed") == 1

    def test_lists_that_did_not_come_are_said(
        self, installed: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Without a network `apt-get update` warns, and ends well."""
        (installed.parent / "bin" / "apt-get").write_text("#!/bin/sh\nexit 0\n", encoding="utf-8")
        monkeypatch.setattr(run.Debian, "_rights", list)
        run.Debian.install(["xvfb"])
        said = capsys.readouterr().err
        assert "could not be fetched. Check the connection." in said
        assert "Installing" not in said

    def test_an_interrupted_dpkg_is_finished_first(
        self, installed: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        dpkg = installed.parent / "bin" / "dpkg"
        dpkg.write_text(f'#!/bin/sh\necho "$@" >> "{installed}"\n', encoding="utf-8")
        dpkg.chmod(0o755)
        (run.Debian.JOURNAL / "tmp.i").touch()
        (run.Debian.JOURNAL / "0006").touch()
        monkeypatch.setattr(run.Debian, "_rights", list)
        run.Debian.install(["xvfb"])
        assert installed.read_text(encoding="utf-8") == "--configure -a\n"

    def test_nothing_is_said_when_all_is_there(self, installed: Path, capsys: pytest.CaptureFixture[str]) -> None:
        run.Debian.ensure(["ffmpeg"], ["libglib2.0-0"])
        assert capsys.readouterr().err == ""


@pytest.mark.skipif(run.WINDOWS, reason="Windows has no signals for one process")
def test_what_must_be_whole_is_not_broken_off_by_ctrl_c(tmp_path: Path) -> None:
    """dpkg broken off in the middle would leave the person's system half installed."""
    step = "echo works; read line < gate; echo whole > result"
    heeded = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"  # ignored behind a shell
    code = f"{heeded}; import run; run.ROOT = '.'; run.follow('a step', ['sh', '-c', {step!r}], run.say, whole=True)"
    os.mkfifo(tmp_path / "gate")
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    words = [sys.executable, "-c", code]
    with subprocess.Popen(words, cwd=tmp_path, env=env, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert "works" in [process.stderr.readline().strip() for _ in range(2)]
        process.send_signal(signal.SIGINT)
        assert "Stopping as soon as this is done" in process.stderr.readline() + process.stderr.readline()
        (tmp_path / "gate").write_text("go on\n", encoding="utf-8")
        process.communicate(timeout=30)
    assert process.returncode != 0
    assert (tmp_path / "result").read_text(encoding="utf-8") == "whole\n"


def test_all_that_is_missing_is_said_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Python's own part stands in the same line as the packages of the command."""
    asked: list[str] = []
    monkeypatch.setattr(run, "VENV", tmp_path / "venv")
    monkeypatch.setattr(run, "python_package", lambda: [run.VENV_MODULE])
    monkeypatch.setattr(run.Debian, "ensure", lambda needs, wants: asked.extend(needs))
    monkeypatch.setattr(run.Environment, "ensure", lambda self, lock: None)
    run.make_ready(run.COMMANDS["demo"])
    assert asked == [*run.GRAPHICS, run.VENV_MODULE]

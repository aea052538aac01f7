"""The locked packages: whole, bound by hashes, from nowhere in particular, and in nobody's way."""

from __future__ import annotations

import importlib.metadata
import re
import sys
from pathlib import Path

import pytest

import run

LOCKS = ("runtime", "dev", "lock", "mutation")


def text_of(lock: str) -> str:
    return (run.LOCKS / f"{lock}.txt").read_text(encoding="utf-8")


def pins_of(lock: str) -> dict[str, list[str]]:
    """The pins of a lock file, `name==version` without its marker, each with its hashes."""
    entries = re.split(r"\n(?=\S)", re.sub(r"^#.*\n", "", text_of(lock), flags=re.MULTILINE))
    return {entry.split()[0]: re.findall(r"--hash=sha256:[0-9a-f]{64}", entry) for entry in entries if entry.strip()}


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_has_one_version_and_its_hashes(lock: str) -> None:
    pins = pins_of(lock)
    assert pins
    assert [pin for pin, hashes in pins.items() if not re.match(r"[\w.-]+==\S", pin) or not hashes] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_no_lock_names_a_place_to_download_from(lock: str) -> None:
    assert re.findall(r"https?://|--(?:extra-)?index|--find-links|--trusted-host", text_of(lock)) == []


def test_dev_holds_everything_runtime_does() -> None:
    runtime, dev = pins_of("runtime"), pins_of("dev")
    assert {pin: dev.get(pin) for pin in runtime} == runtime


def test_no_package_takes_a_name_of_ours() -> None:
    """Our packages come last on the path: a wheel with a top-level `tests` or `server` would hide them."""
    names = {path.parts[0] for dist in importlib.metadata.distributions() for path in dist.files or ()}
    ours = {*run.PACKAGES, "run.py"}
    assert names & ours == set()


def test_qt_is_two_versions_and_the_right_one_is_here() -> None:
    """docs/decisions/0001-pyside6-pins.md"""
    here = importlib.metadata.version("PySide6_Essentials")
    assert here == ("6.11.3" if sys.version_info < (3, 12) else "6.12.0")
    assert importlib.metadata.version("PySide6_Addons") == here


def test_qt_gives_back_every_true_it_borrows() -> None:
    """PySide6 6.12 on Python 3.11 loses a reference of True at each emit, and some hundred later aborts."""
    core = pytest.importorskip("PySide6.QtCore", reason="the system libraries of Qt are missing", exc_type=ImportError)

    class Bell(core.QObject):  # type: ignore[name-defined]
        rings = core.Signal(bool)

    heard: list[bool] = []
    bell = Bell()
    bell.rings.connect(heard.append)
    before = sys.getrefcount(True)
    for _ in range(5_000):
        bell.rings.emit(True)
    assert len(heard) == 5_000
    heard.clear()
    assert sys.getrefcount(True) >= before


def test_the_packages_are_installed_where_they_belong() -> None:
    assert Path(sys.prefix).resolve() != Path(sys.base_prefix).resolve(), "the tests run outside an environment"

"""A screen that nobody sees, and windows driven by mouse and keyboard (Xvfb, openbox, xdotool, AT-SPI)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

SIZE = (2200, 900)
WAIT_S, POLL_S = 20.0, 0.05
SYSTEM_PYTHON = "/usr/bin/python3"
TOOLS = ("Xvfb", "openbox", "xdotool", "dbus-daemon")
T = TypeVar("T")


def missing() -> str:
    """Which tools of the screen are not installed; empty if all are."""
    lacking = [tool for tool in TOOLS if shutil.which(tool) is None]
    asked = [SYSTEM_PYTHON, "-c", "import gi; gi.require_version('Atspi', '2.0'); from gi.repository import Atspi"]
    if not Path(SYSTEM_PYTHON).exists() or subprocess.run(asked, capture_output=True, check=False).returncode:
        lacking.append("python3-pyatspi")
    return ", ".join(lacking)


def until(wanted: Callable[[], T | None], what: str, timeout_s: float = WAIT_S) -> T:
    """Ask until the answer is not empty, and return it."""
    end_s = time.monotonic() + timeout_s
    while True:
        found = wanted()
        if found:
            return found
        if time.monotonic() > end_s:
            raise AssertionError(f"not within {timeout_s:.0f} s: {what}")
        time.sleep(POLL_S)


@dataclass(frozen=True)
class Thing:
    """Something on the screen, as a screen reader tells it."""

    name: str
    role: str
    text: str
    x: int
    y: int
    width: int
    height: int
    focused: bool

    @property
    def middle(self) -> tuple[int, int]:
        """Where to click."""
        return self.x + self.width // 2, self.y + self.height // 2


class Screen:
    """The display, its window manager, its bus, and the eyes."""

    def __init__(self, env: dict[str, str], eyes: subprocess.Popen[str]) -> None:
        self.env, self._eyes = env, eyes

    def look(self, pid: int, **question: str) -> list[Thing]:
        """Everything of a program that is wanted: by `role`, by whole `name`, by a part `within` it."""
        assert self._eyes.stdin is not None
        assert self._eyes.stdout is not None
        self._eyes.stdin.write(json.dumps({"pid": pid, **question}) + "\n")
        self._eyes.stdin.flush()
        return [Thing(**found) for found in json.loads(self._eyes.stdout.readline())]

    def do(self, *words: str) -> str:
        """Move the mouse, press keys: one line for xdotool."""
        done = subprocess.run(["xdotool", *words], env=self.env, capture_output=True, text=True, check=False)
        return done.stdout.strip()

    def picture(self, path: Path) -> None:
        """What the screen looks like now, for whoever has to find out why a test failed."""
        if shutil.which("ffmpeg"):
            size = f"{SIZE[0]}x{SIZE[1]}"
            grab = [
                "ffmpeg",
                "-loglevel",
                "error",
                "-y",
                "-f",
                "x11grab",
                "-video_size",
                size,
                "-i",
                self.env["DISPLAY"],
            ]
            subprocess.run([*grab, "-frames:v", "1", str(path)], env=self.env, check=False)


@contextmanager
def screen(folder: Path) -> Iterator[Screen]:
    """Everything that a window needs, taken down in reverse."""
    processes: list[subprocess.Popen[Any]] = []
    env = {name: value for name, value in os.environ.items() if not name.startswith(("QT_QPA", "WAYLAND"))}
    env |= {"HOME": str(folder), "XDG_RUNTIME_DIR": str(folder), "QT_LINUX_ACCESSIBILITY_ALWAYS_ON": "1"}
    env |= {"LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "QT_QPA_PLATFORM": "xcb", "NO_AT_BRIDGE": "0"}
    os.chmod(folder, 0o700)
    try:
        env["DISPLAY"] = _display(processes, env)
        env["DBUS_SESSION_BUS_ADDRESS"] = _bus(processes, env)
        processes.append(subprocess.Popen(["openbox", "--sm-disable"], env=env, stderr=subprocess.DEVNULL))
        eyes = subprocess.Popen(
            [SYSTEM_PYTHON, str(Path(__file__).with_name("eyes.py"))],
            env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        processes.append(eyes)
        yield Screen(env, eyes)
    finally:
        for process in reversed(processes):
            process.terminate()
        for process in reversed(processes):
            with process:
                _end(process)


def _end(process: subprocess.Popen[Any]) -> None:
    try:
        process.wait(3)
    except subprocess.TimeoutExpired:
        process.kill()


def _display(processes: list[subprocess.Popen[Any]], env: dict[str, str]) -> str:
    """A free display; the server tells its number when it is ready."""
    reading, writing = os.pipe()
    size = f"{SIZE[0]}x{SIZE[1]}x24"
    command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", size, "-nolisten", "tcp"]
    processes.append(subprocess.Popen(command, env=env, pass_fds=[writing], stderr=subprocess.DEVNULL))
    os.close(writing)
    with os.fdopen(reading) as pipe:
        return f":{pipe.readline().strip()}"


def _bus(processes: list[subprocess.Popen[Any]], env: dict[str, str]) -> str:
    """A session bus of our own; the accessibility bus is started through it."""
    bus = subprocess.Popen(
        ["dbus-daemon", "--session", "--nofork", "--print-address"], env=env, stdout=subprocess.PIPE, text=True,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    processes.append(bus)
    assert bus.stdout is not None
    return bus.stdout.readline().strip()


class Window:
    """One person's window: a process, its profile, and the hands of that person."""

    def __init__(self, screen: Screen, data_dir: Path, profile: str, *, left: int) -> None:
        self._screen, self._left, self.profile = screen, left, data_dir / profile
        command = [
            sys.executable, "-m", "client", "app", "--data-dir", str(data_dir), "--profile", profile,
            "--language", "en", "--sources", "invented", "--own-dialogs",
        ]  # fmt: skip
        self.process = subprocess.Popen(command, env=screen.env)

    # --- looking

    def all(self, **question: str) -> list[Thing]:
        """What can be seen of it."""
        return self._screen.look(self.process.pid, **question)

    def see(self, **question: str) -> Thing:
        """Wait for something and return it: with size, and the last one if there are several."""
        return until(lambda: [thing for thing in self.all(**question) if thing.width > 0], str(question))[-1]

    # --- the hands

    def front(self, title: str) -> None:
        """Wait for its window, put it in its place and bring it to the front."""
        number = until(lambda: self._window(title), f"a window {title!r}").splitlines()[-1]
        self._screen.do("windowactivate", "--sync", number)
        self._screen.do("windowmove", "--sync", number, str(self._left), "20")

    def _window(self, title: str) -> str:
        pid = str(self.process.pid)
        return self._screen.do("search", "--onlyvisible", "--all", "--pid", pid, "--name", title)

    def click(self, **question: str) -> None:
        """Move the mouse to something, and click."""
        self.click_at(*self.see(**question).middle)

    def click_at(self, x: int, y: int, button: int = 1) -> None:
        """Move the mouse there, and click."""
        self._screen.do("mousemove", str(x), str(y), "click", str(button))

    def wheel(self, notches: int, **question: str) -> None:
        """Turn the wheel over something, down or (below 0) up."""
        x, y = self.see(**question).middle
        turn = ["click", "--repeat", str(abs(notches)), "--delay", "5", "5" if notches > 0 else "4"]
        self._screen.do("mousemove", str(x), str(y), *turn)

    def type(self, text: str) -> None:
        """On the keyboard."""
        self._screen.do("type", "--delay", "8", text)

    def press(self, *keys: str) -> None:
        """Some keys, one after the other."""
        self._screen.do("key", "--delay", "20", *keys)

    def quit(self) -> int:
        """Close it as a person does, and return its exit code."""
        self.press("ctrl+q")
        return self.process.wait(10)

    def end(self) -> None:
        """Whatever happened: it does not outlive the test."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

#!/usr/bin/env python3
"""The one door into the project: makes the environment, then runs the app, the demo, the server, the checks.

Nothing but the standard library, so that `python3 run.py` is all a fresh clone needs. It is not a build
system: the packages and their hashes are in requirements/, the rules of the checks in pyproject.toml.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - this line is for people whose Python is too old
    sys.exit(
        f"Hexagram needs Python 3.11 or newer; this is Python {sys.version_info[0]}.{sys.version_info[1]}"
        f" ({sys.executable}).\nInstall a newer one and start it by its name, for example: python3.13 run.py"
    )

import contextlib
import hashlib
import importlib.util
import json
import os
import queue
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
NOTES = ROOT / ".run"  # what a run remembers for the next one; safe to delete
LOCKS = ROOT / "requirements"
WINDOWS = sys.platform == "win32"

# The packages that are checked and tested. A name missing here is a part of the project nobody looks at.
PACKAGES = ("protocol", "client", "server", "resources", "tests")

# --- Debian and Ubuntu packages, by what needs them -------------------------------------------------------
# Names are those of Debian 12; later releases provide the same names from renamed packages (libglib2.0-0t64).
GRAPHICS = (
    "libegl1",
    "libgl1",
    "libdbus-1-3",
    "libglib2.0-0",
    "libfontconfig1",
    "libxkbcommon0",
    "libgssapi-krb5-2",
)
SOUND = ("libpulse0", "libxrandr2")
SCREEN = (
    "libxcb-cursor0", "libxcb-icccm4", "libxcb-keysyms1", "libxcb-image0", "libxcb-randr0",
    "libxcb-render-util0", "libxcb-shape0", "libxcb-sync1", "libxcb-xfixes0", "libxcb-xkb1",
    "libxkbcommon-x11-0", "libx11-xcb1", "libwayland-cursor0",
)  # fmt: skip
FONTS = ("fonts-noto-cjk", "fonts-noto-color-emoji")
MEDIA = ("ffmpeg",)
STAND_IN_SCREEN = ("xvfb", "xauth", "xdotool", "openbox", "at-spi2-core", "python3-pyatspi", "dbus-daemon")
STAND_IN_SOUND = ("pulseaudio", "pulseaudio-utils")
# PyInstaller takes Python's shared library along, which the system's own Python keeps in a package apart.
SHARED_PYTHON = (f"libpython{sys.version_info[0]}.{sys.version_info[1]}",) if sys.base_prefix == "/usr" else ()
BUNDLER = ("binutils", *SHARED_PYTHON)
# Debian ships Python without the part that puts pip into a new environment.
VENV_MODULE = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"


class Stop(Exception):
    """The run cannot go on. The text is the sentence for the person, without a trace."""


@dataclass(frozen=True)
class Command:
    """One word after `run.py`: what it starts, and what must be there first."""

    says: str
    start: Callable[[Sequence[str]], int]
    lock: str = "runtime"  # which file of requirements/ the environment must hold
    needs: tuple[str, ...] = ()  # system packages without which it cannot start
    wants: tuple[str, ...] = ()  # system packages without which it can do less


# --- telling ----------------------------------------------------------------------------------------------


def say(text: str) -> None:
    """Progress goes to stderr: stdout belongs to the program that is started (JSON lines, for one)."""
    print(text, file=sys.stderr, flush=True)


class Step:
    """A step that takes a while: one line that is rewritten on a terminal, a few lines elsewhere."""

    QUIET_S = 10.0

    def __init__(self, title: str) -> None:
        self._title, self._start_s, self._told_s = title, time.monotonic(), time.monotonic()
        self._live = sys.stderr.isatty()
        if not self._live:
            say(f"- {title} ...")

    @property
    def elapsed_s(self) -> float:
        return time.monotonic() - self._start_s

    def tell(self, detail: str) -> None:
        """Show where the step is; where nothing can be rewritten, only every ten seconds."""
        if self._live:
            line = f"- {self._title}: {detail}"[: shutil.get_terminal_size().columns - 10]
            print(f"\r\033[K{line} {self.elapsed_s:5.0f} s", end="", file=sys.stderr, flush=True)
        elif time.monotonic() - self._told_s >= self.QUIET_S:
            self._told_s = time.monotonic()
            say(f"    {self.elapsed_s:.0f} s: {detail}")

    def done(self, result: str = "done") -> None:
        clear = "\r\033[K" if self._live else ""
        say(f"{clear}- {self._title}: {result} ({self.elapsed_s:.1f} s)")


def follow(
    title: str,
    words: Sequence[str],
    digest: Callable[[str], str | None],
    env: Mapping[str, str] | None = None,
    whole: bool = False,
) -> None:
    """Run a long command as one step. `digest` turns a line of its output into a short detail, or into None.

    A `whole` one is not broken off by the first Ctrl-C: it ends its work, and then the run stops.

    Raises:
        Stop: the command failed; carries the last lines it wrote.
    """
    step, detail, tail = Step(title), "starting", list[str]()
    with subprocess.Popen(
        words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        encoding="utf-8", errors="replace", env={**os.environ, **(env or {})}, cwd=ROOT, close_fds=False,
        start_new_session=whole,  # else the terminal gives the Ctrl-C to the command as well
    ) as process:  # fmt: skip
        assert process.stdout is not None
        try:
            for line in _lines_with_ticks(process.stdout):
                if line is not None:
                    tail = [*tail[-14:], line]
                    detail = digest(line) or detail
                step.tell(detail)
        except BaseException:
            _end(process, title, whole)
            raise
    if process.returncode != 0:
        step.done("failed")
        raise Stop("\n".join(["", *tail, "", f"This step failed: {title} (exit code {process.returncode})."]))
    step.done()


def _end(process: subprocess.Popen[str], title: str, whole: bool) -> None:
    """End a command because the run stops: at once, or a `whole` one when its work is done or at a second Ctrl-C."""
    if whole:
        say(f"\nStopping as soon as this is done: {title}. Ctrl-C again breaks it off.")
        with contextlib.suppress(KeyboardInterrupt):
            process.wait()
    process.terminate()


def _lines_with_ticks(stream: IO[str], tick_s: float = 0.5) -> Iterator[str | None]:
    """Yield each line, and None whenever `tick_s` passes without one, so that a clock can be shown."""
    lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def read() -> None:
        for line in stream:
            lines.put(line.rstrip())
        lines.put(None)

    threading.Thread(target=read, daemon=True).start()
    while True:
        try:
            line = lines.get(timeout=tick_s)
        except queue.Empty:
            yield None
        else:
            if line is None:
                return
            yield line


# --- one at a time ----------------------------------------------------------------------------------------


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Hold the checkout's lock while the environment is made. The system drops it when the process ends."""
    NOTES.mkdir(exist_ok=True)
    with (NOTES / "lock").open("a+b") as file:
        # pip and apt-get inherit the lock: should this process be killed, the next run waits for them to end.
        os.set_inheritable(file.fileno(), True)
        if not _try_lock(file):
            step = Step("Waiting for another run.py that is preparing the environment")
            while not _try_lock(file):
                time.sleep(0.2)
                step.tell("still waiting")
            step.done()
        yield


def _try_lock(file: IO[bytes]) -> bool:
    file.seek(0)
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _write_note(path: Path, note: object) -> None:
    """Write a small JSON file so that it is there whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    fresh.write_text(json.dumps(note), encoding="utf-8")
    fresh.replace(path)


def _read_note(path: Path) -> dict[str, object]:
    try:
        note = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return note if isinstance(note, dict) else {}


# --- the environment --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Environment:
    """A virtual environment in `folder` that holds what a hash-locked file of requirements/ lists.

    `stamp` is written last and removed first: an environment without one was interrupted and is made anew.
    """

    folder: Path
    locks: Path = LOCKS

    @property
    def python(self) -> Path:
        return self.folder / ("Scripts/python.exe" if WINDOWS else "bin/python")

    @property
    def stamp(self) -> Path:
        return self.folder / "hexagram.json"

    def holds(self, lock: str) -> bool:
        """Whether the packages of `lock` are installed here, for this Python and at this place."""
        note = _read_note(self.stamp)
        made_here = note.get("home") == self._home() and self.python.exists()
        return made_here and note.get(lock) == _sha256(self.locks / f"{lock}.txt")

    def ensure(self, lock: str) -> None:
        """Make, complete or repair the environment until it holds `lock`; a hash, when nothing is to do."""
        if self.holds(lock):
            return
        with alone():
            if not self.holds(lock):
                self._fill(lock)

    def _fill(self, lock: str) -> None:
        note = _read_note(self.stamp)
        if note.get("home") != self._home() or not self.python.exists():
            note = {}
            self._make()
        self.stamp.unlink(missing_ok=True)
        self._install(lock)
        # dev.txt holds everything runtime.txt does.
        held = {name: _sha256(self.locks / f"{name}.txt") for name in {lock, "runtime" if lock == "dev" else lock}}
        _write_note(self.stamp, {**note, "home": self._home(), **held})

    def _make(self) -> None:
        if self.folder.exists():
            say(f"- The environment in {self.folder.name} is unfinished or of another Python: making it anew")
            shutil.rmtree(self.folder)
        ensure_venv_module()
        base = getattr(sys, "_base_executable", None) or sys.executable
        follow(
            f"Making {self.folder.name} (Python {_python()})",
            [base, "-m", "venv", str(self.folder)],
            lambda _: None,
        )
        # Our packages can be imported from any folder, and no variable leaks into child processes.
        _site_packages(self.folder).joinpath("hexagram.pth").write_text(f"{ROOT}\n", encoding="utf-8")

    def _install(self, lock: str) -> None:
        path = self.locks / f"{lock}.txt"
        total = len(re.findall(r"^[\w.-]+==", path.read_text(encoding="utf-8"), re.MULTILINE))
        words = [
            str(self.python),
            "-m",
            "pip",
            "install",
            "--require-hashes",
            "--only-binary",
            ":all:",
            "--no-input",
        ]
        words += ["--disable-pip-version-check", "--progress-bar", "off", "--requirement", str(path)]
        try:
            follow(
                "Installing packages",
                words,
                PipDigest(total),
                {"PIP_USER": "0", "PIP_REQUIRE_VIRTUALENV": "0"},
            )
        except Stop as stop:
            raise Stop(
                f"{stop}\nThe packages could not be installed. Where they come from is pip's own setting"
                " (pip config list). Check the connection and the room on the disk, then run this again."
            ) from None

    def _home(self) -> str:
        """Where this environment stands and its Python: it can neither be moved nor change that."""
        return f"{self.folder} {_python()}"


class PipDigest:
    """Turns pip's talk into `12 of 40: numpy (16.4 MB)`."""

    def __init__(self, total: int) -> None:
        self._total, self._seen = total, 0

    def __call__(self, line: str) -> str | None:
        if line.startswith(("Collecting ", "Requirement already satisfied")):
            self._seen = min(self._seen + 1, self._total)
            return f"{self._seen} of {self._total}"
        found = re.match(r"\s*(?:Downloading|Using cached) (?:\S*/)?([\w.]+)-\S+(?: \((.*)\))?", line)
        if found:
            return f"{self._seen} of {self._total}: {found[1]} {found[2] or ''}".rstrip()
        return "unpacking" if line.startswith("Installing collected") else None


def _sha256(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except FileNotFoundError:
        raise Stop(f"{path.name} is missing from requirements/: this checkout is not complete.") from None


def _python() -> str:
    return f"{sys.version_info[0]}.{sys.version_info[1]}"


def _site_packages(folder: Path) -> Path:
    if WINDOWS:
        return folder / "Lib" / "site-packages"
    return folder / "lib" / f"python{_python()}" / "site-packages"


def lacks_venv_module() -> bool:
    """Whether this Python cannot make an environment with pip in it."""
    importlib.invalidate_caches()
    return not (importlib.util.find_spec("ensurepip") and importlib.util.find_spec("venv"))


def python_package() -> list[str]:
    """The system package that is missing for that, if this is the system's own Python."""
    return [VENV_MODULE] if sys.base_prefix == "/usr" and lacks_venv_module() else []


def ensure_venv_module() -> None:
    """Get the part of Python that makes environments, or say so."""
    Debian.ensure(python_package(), [])
    if lacks_venv_module():
        raise Stop(f"{sys.executable} has no modules venv and ensurepip. Start run.py with a complete Python.")


# --- system packages --------------------------------------------------------------------------------------


class Debian:
    """The system's own packages, where apt knows them. Elsewhere nothing is asked and nothing is said."""

    STATUS = Path("/var/lib/dpkg/status")
    AGAIN_S = 3600.0  # after so long, what could not be installed is tried again
    JOURNAL = Path("/var/lib/dpkg/updates")  # holds numbered files after dpkg was interrupted
    LISTS = Path("/var/lib/apt/lists")

    @classmethod
    def is_here(cls) -> bool:
        return cls.STATUS.exists() and shutil.which("apt-get") is not None

    @classmethod
    def ensure(cls, needs: Sequence[str], wants: Sequence[str]) -> None:
        """Install what is missing, if this user may; otherwise say how, and stop only for what is needed.

        Raises:
            Stop: a package of `needs` is missing and may not be installed from here.
        """
        if not cls.is_here() or not cls.missing([*needs, *wants]):
            return
        with alone():
            cls.install(cls.missing(needs))  # apart: a name this release does not know stops only its group
            if not cls.missing(needs):
                cls._install_once(cls.missing(wants))
        missing = cls.missing([*needs, *wants])
        lacking = [name for name in missing if name in needs]
        if lacking:
            raise Stop(
                f"System packages are missing: {' '.join(lacking)}.\n"
                f"Install them with this line, then run this again:\n    {cls.line(missing)}"
            )
        if missing:
            say(f"- Going on without {' '.join(missing)}; some things need them. To install:\n    {cls.line(missing)}")

    @classmethod
    def _install_once(cls, names: Sequence[str]) -> None:
        """Install what is only wanted; where that failed lately, do not keep the next start waiting for it again."""
        note, now_s = _read_note(NOTES / "refused.json"), time.monotonic()  # counted since the computer was started
        refused, at_s = note.get("names"), note.get("at_s")
        lately = isinstance(at_s, float) and 0 <= now_s - at_s < cls.AGAIN_S
        if lately and isinstance(refused, list) and set(names) <= set(refused):
            return
        cls.install(names)
        left = cls.missing(names)
        if left and cls._rights() is not None:
            _write_note(NOTES / "refused.json", {"names": left, "at_s": now_s})

    @classmethod
    def install(cls, names: Sequence[str]) -> None:
        """Install packages with apt-get, as root or through a sudo that asks no password; else do nothing."""
        rights = cls._rights() if names else None
        if rights is None:
            return
        quietly = [*rights, "env", "DEBIAN_FRONTEND=noninteractive"]
        apt = [*quietly, "apt-get", "-y", "-q", "-o", "DPkg::Lock::Timeout=120"]
        install = [*apt, "install", "--no-install-recommends", *names]
        title = f"Installing system packages ({' '.join(names)})"
        try:
            if cls._was_interrupted():
                words = [*quietly, "dpkg", "--configure", "-a"]
                follow("Finishing an interrupted installation of system packages", words, apt_digest, whole=True)
            if cls._has_lists():
                with contextlib.suppress(Stop):  # old lists name files that are gone: fetch new ones, try again
                    follow(title, install, apt_digest, whole=True)
                    return
            follow("Fetching the lists of system packages", [*apt, "update"], apt_digest)
            if not cls._has_lists():  # apt-get calls that a success
                raise Stop("The lists of system packages could not be fetched. Check the connection.")
            follow(title, install, apt_digest, whole=True)
        except Stop as stop:
            say(str(stop))

    @classmethod
    def _has_lists(cls) -> bool:
        return any(cls.LISTS.glob("*_Packages*"))

    @classmethod
    def _was_interrupted(cls) -> bool:
        return any(path.name.isdigit() for path in cls.JOURNAL.glob("*"))

    @classmethod
    def line(cls, names: Sequence[str]) -> str:
        """The command a person types to install `names`: one line, for a machine that has sudo or has not."""
        fetch = "" if cls._has_lists() else "apt-get update && "
        install = f"{fetch}apt-get install -y --no-install-recommends {' '.join(names)}"
        if sys.platform != "win32" and os.geteuid() == 0:
            return install
        return install.replace("apt-get", "sudo apt-get") if shutil.which("sudo") else f"su - -c '{install}'"

    @classmethod
    def missing(cls, names: Sequence[str]) -> list[str]:
        """Which of `names` are not installed. Asks dpkg only if something was installed or removed since."""
        note, changed_ns = _read_note(NOTES / "system.json"), cls.STATUS.stat().st_mtime_ns
        known = note.get("present") if note.get("changed_ns") == changed_ns else None
        if isinstance(known, list) and set(names) <= set(known):
            return []
        present = cls._installed()
        with contextlib.suppress(OSError):
            ours = sorted(present & ALL_SYSTEM)
            _write_note(NOTES / "system.json", {"changed_ns": changed_ns, "present": ours})
        return [name for name in dict.fromkeys(names) if name not in present]

    @staticmethod
    def _installed() -> set[str]:
        """Every installed package and every name it stands in for."""
        form = "${db:Status-Status}\t${Package}, ${Provides}\n"
        answer = subprocess.run(["dpkg-query", "-W", "-f", form], capture_output=True, text=True, check=False)
        names: set[str] = set()
        for line in answer.stdout.splitlines():
            status, _, listed = line.partition("\t")
            if status == "installed":
                names.update(part.split()[0] for part in listed.split(",") if part.strip())
        return names

    @staticmethod
    def _rights() -> list[str] | None:
        """The words before apt-get: none for root, sudo where it asks no password, None where neither."""
        if sys.platform == "win32" or os.geteuid() == 0:
            return []
        sudo = shutil.which("sudo")
        if sudo and subprocess.run([sudo, "-n", "true"], capture_output=True, check=False).returncode == 0:
            return [sudo, "-n"]
        return None


def apt_digest(line: str) -> str | None:
    """Turn apt-get's talk into a short detail."""
    found = re.match(r"(Get|Unpacking|Setting up)(?::\d+ \S+ \S+ \S+)? (\S+)", line)
    return f"{found[1].lower()} {found[2]}" if found else None


# --- what the words start ---------------------------------------------------------------------------------


def become(*words: str) -> int:
    """Run Python of the environment with `words`, in place of this process where the system can do that."""
    python = Environment(VENV).python
    # -P: a folder named `client` where the person happens to stand must not be taken for ours.
    command = [str(python), "-P", *words]
    if not WINDOWS:
        sys.stdout.flush()
        os.execv(python, command)
    return subprocess.run(command, check=False).returncode


def module(name: str, *before: str) -> Callable[[Sequence[str]], int]:
    """A command that hands its arguments to `python -m name before…`."""
    return lambda arguments: become("-m", name, *before, *arguments)


def has_screen() -> bool:
    """Whether a window can be shown. Only on Linux can there be a session without a screen."""
    return not sys.platform.startswith("linux") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def bundle(arguments: Sequence[str]) -> int:
    """Build dist/hexagram: one folder, two programs."""
    os.chdir(ROOT)
    words = ["-m", "PyInstaller", "build.spec", "--noconfirm", "--distpath", "dist", "--workpath", "build"]
    return become(*words, *arguments)


def lock(arguments: Sequence[str]) -> int:
    """Write the lock files anew from their inputs. Its one tool lives in an environment of its own."""
    environment = Environment(ROOT / ".venv-lock")
    environment.ensure("lock")
    for name in ("lock", "runtime", "dev", "mutation"):
        compile_words = [
            str(environment.python),
            "-m",
            "uv",
            "pip",
            "compile",
            "--universal",
            "--python-version",
            "3.11",
        ]
        compile_words += ["--generate-hashes", "--no-emit-index-url", "--no-emit-find-links", "--quiet"]
        compile_words += ["--custom-compile-command", "python3 run.py lock", *arguments]
        code = subprocess.run([*compile_words, "-o", f"{name}.txt", f"{name}.in"], cwd=LOCKS, check=False).returncode
        if code != 0:
            return code
    return 0


def doctor(_: Sequence[str]) -> int:
    """Say what is here and what is missing."""
    environment = Environment(VENV)
    print(f"Python        {_python()} ({sys.executable})")
    for name, use in (("runtime", "to use the app"), ("dev", "to test it")):
        print(f"Environment   {'ready' if environment.holds(name) else 'not ready'} {use}")
    print(f"Screen        {'yes' if has_screen() else 'no (the app cannot open; the demo and the server can)'}")
    print(f"ffmpeg        {shutil.which('ffmpeg') or 'not found (some sounds and videos cannot be converted)'}")
    if Debian.is_here():
        missing = Debian.missing([*WINDOW, *FONTS, *MEDIA, *python_package()])
        print(f"System        {'complete' if not missing else 'install: ' + Debian.line(missing)}")
    return 0


# --- checks and tests -------------------------------------------------------------------------------------

FAST = ("-m", "not e2e and not gui", "-q")
ON_ALL_CORES = ("-n", "auto", "--dist", "loadfile")  # a file stays together: what it builds once is built once


def check(arguments: Sequence[str]) -> int:
    """The fast half: style, types, import contracts, and the tests without a screen or processes."""
    return _steps([*FAST, *arguments], without=["own coverage", "simulated worlds"])


def test(arguments: Sequence[str]) -> int:
    """Everything. With arguments: only the tests they name."""
    if arguments:
        os.chdir(ROOT)
        return become("-m", "pytest", *arguments)
    return _steps([])


def _steps(pytest_arguments: Sequence[str], without: Sequence[str] = ()) -> int:
    """Run every step even if one fails, then list them; pytest's own closing line is the last."""
    python = str(Environment(VENV).python)
    here = [name for name in PACKAGES if (ROOT / name).is_dir()]
    lint_imports = "import sys; from importlinter.cli import lint_imports_command; lint_imports_command()"
    steps = {
        "style": [python, "-m", "ruff", "check", "."],
        "format": [python, "-m", "ruff", "format", "--check", "."],
        "types": [python, "-m", "mypy", "run.py", *here],
        "import contracts": [python, "-c", lint_imports, "--no-logo"],
        "own coverage": [python, "-m", "tests.own_coverage"],
        "simulated worlds": [python, "-m", "tests.simulation", "--schedules", "500"],
        "tests": [python, "-m", "pytest", *ON_ALL_CORES, *pytest_arguments],
    }
    for title in without:
        del steps[title]
    results, closing = list[str](), ""
    failed = False
    for number, (title, words) in enumerate(steps.items(), start=1):
        print(f"\n=== {number}/{len(steps)} {title}", flush=True)
        start_s = time.monotonic()
        code, closing = _show(words)
        failed |= code != 0
        results.append(f"{'ok    ' if code == 0 else 'FAILED'} {time.monotonic() - start_s:6.1f} s  {title}")
    print("\n" + "\n".join(results))
    print(closing, flush=True)
    return 1 if failed else 0


def _show(words: Sequence[str]) -> tuple[int, str]:
    """Run a command, pass its output on as it comes, and return its exit code and its last line."""
    last = ""
    env = {**os.environ, "PYTHONUNBUFFERED": "1"}
    if sys.stdout.isatty():
        env.setdefault("FORCE_COLOR", "1")
    with subprocess.Popen(
        words, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=env
    ) as process:
        assert process.stdout is not None
        for raw in process.stdout:
            sys.stdout.buffer.write(raw)
            sys.stdout.buffer.flush()
            last = raw.decode("utf-8", "replace").rstrip() or last
    return process.returncode, last


# --- the table --------------------------------------------------------------------------------------------

OFFSCREEN = (*GRAPHICS, *SOUND)  # the window's code, drawn where nobody sees it
WINDOW = (*OFFSCREEN, *SCREEN)
EVERYTHING = (*WINDOW, *FONTS, *MEDIA, *STAND_IN_SCREEN, *STAND_IN_SOUND)
ALL_SYSTEM = {*EVERYTHING, *BUNDLER, VENV_MODULE}

COMMANDS: dict[str, Command] = {
    "app": Command(
        "open the app with its bundled server",
        module("client", "app"), needs=WINDOW, wants=(*FONTS, *MEDIA),
    ),
    "demo": Command(
        "two people without a window exchange all kinds of messages; --json for lines to parse",
        module("client", "demo"), needs=GRAPHICS, wants=MEDIA,
    ),
    "server": Command("the server alone: --data-dir DIR --listen HOST:PORT", module("server")),
    "headless": Command(
        "the client on stdin and stdout, one JSON line each (docs/HEADLESS.md)",
        module("client", "headless"), needs=GRAPHICS, wants=MEDIA,
    ),
    "send": Command(
        "send one message and wait: --to NAME --text … --wait delivered",
        module("client", "send"), needs=GRAPHICS, wants=MEDIA,
    ),
    "test": Command(
        "everything CI runs: style, types, import contracts, worlds, all tests; with arguments, only those tests",
        test, "dev", needs=OFFSCREEN, wants=EVERYTHING,
    ),
    "check": Command("the fast part of it, for every few minutes", check, "dev", needs=GRAPHICS, wants=MEDIA),
    "bench": Command("the benchmarks", module("tests.benchmarks"), "dev", needs=GRAPHICS, wants=MEDIA),
    "simulate": Command(
        "invented worlds in bad weather: --schedules N --seed S, --trace for one of them, --mutants for planted bugs",
        module("tests.simulation"), "dev", needs=GRAPHICS,
    ),
    "screenshots": Command(
        "make docs/screenshots/ anew", module("tests.stages"), "dev", needs=OFFSCREEN, wants=EVERYTHING
    ),
    "bundle": Command(
        "build dist/hexagram, to run without Python",
        bundle, "dev", needs=(*WINDOW, *BUNDLER), wants=MEDIA,
    ),
    "lock": Command("write the files of requirements/ anew", lock, ""),
    "doctor": Command("say what is here and what is missing", doctor, ""),
}  # fmt: skip


def usage() -> str:
    """The help text."""
    rows = [f"  {name:<12} {command.says}" for name, command in COMMANDS.items()]
    head = "Hexagram: a chat application with its own server.\n\n  python3 run.py [COMMAND] [ARGUMENTS]\n\n"
    return head + "\n".join(rows) + "\n\nWithout a command: app, or demo where there is no screen."


def chosen(arguments: Sequence[str]) -> tuple[str, list[str]]:
    """The command to run and its arguments. Options without a command belong to the app.

    Raises:
        Stop: no such command.
    """
    if not arguments or arguments[0].startswith("-"):
        if has_screen():
            return "app", list(arguments)
        say("There is no screen here (neither DISPLAY nor WAYLAND_DISPLAY is set): running the demo instead.")
        return "demo", list(arguments)
    if arguments[0] not in COMMANDS:
        raise Stop(f"There is no command {arguments[0]!r}.\n\n{usage()}")
    return arguments[0], list(arguments[1:])


def make_ready(command: Command) -> None:
    """Bring the system packages and the environment that a command needs; all that is missing is said at once."""
    environment = Environment(VENV)
    makes_one = command.lock and not environment.holds(command.lock)
    Debian.ensure([*command.needs, *(python_package() if makes_one else [])], command.wants)
    if command.lock:
        environment.ensure(command.lock)


def main(arguments: Sequence[str]) -> int:
    """Make ready what the command needs, then run it. Returns the exit code for the shell."""
    if arguments and arguments[0] in ("help", "-h", "--help"):
        print(usage())
        return 0
    try:
        name, rest = chosen(arguments)
        command = COMMANDS[name]
        make_ready(command)
        return command.start(rest)
    except Stop as stop:
        say(str(stop))
        return 2
    except KeyboardInterrupt:
        say("\nStopped. The next run goes on from here.")
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

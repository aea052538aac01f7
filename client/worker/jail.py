"""What a process that decodes one file may still do: read that file, write copies into one folder, and end.

The worker forks for each file, and the child goes behind these walls before the first foreign byte is understood. What
it may open is the file it was handed, the folder for copies, and the libraries; programs are for sounds alone, and
there are two of them.
"""

from __future__ import annotations

import os
import stat
import sys
import sysconfig
from collections.abc import Callable, Iterable
from glob import glob
from pathlib import Path

from client.worker import ffmpeg, landlock, seccomp

LIBRARIES = (
    "/usr",
    "/lib",
    "/lib32",
    "/lib64",
    "/bin",
    "/nix/store",
    "/gnu/store",
    "/etc/ld.so.cache",
    "/etc/localtime",
)
DEVICES = ("/dev/zero", "/dev/urandom", "/dev/random")
LINKERS = ("/lib/ld-*.so*", "/lib64/ld-*.so*", "/lib/*/ld-*.so*")
FACTS = ("/proc/self", "/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/sys/devices/system/cpu")
PROGRAMS = ("ffmpeg", "ffprobe")
OWN_CODE = Path(__file__).resolve().parents[1]


def forks() -> bool:
    """Whether each file gets a process of its own."""
    return sys.platform == "linux"


def offered() -> dict[str, str]:
    """The walls by name, each with why it is missing here; empty if it is there."""
    return {
        "own_process_per_file": "" if forks() else f"not offered by {sys.platform}",
        "files": _why_not(landlock.version),
        "system_calls": _why_not(seccomp.processor),
    }


def _why_not(ask: Callable[[], object]) -> str:
    try:
        ask()
    except OSError as problem:
        return str(problem)
    return ""


def enter(handles: Iterable[int], out_dir: Path | None, *, starts_programs: bool) -> None:
    """Put up every wall that is there, around this process and for good.

    Raises:
        OSError: one that was promised cannot be put up; nothing foreign must be touched then.
    """
    missing = offered()
    if not missing["files"]:
        landlock.restrict(_handles(handles), _paths(out_dir, starts_programs=starts_programs))
    if not missing["system_calls"]:
        seccomp.restrict(starts_programs=starts_programs)


def _handles(handles: Iterable[int]) -> Iterable[tuple[int, int]]:
    for handle in handles:
        yield handle, landlock.READ if stat.S_ISDIR(os.fstat(handle).st_mode) else landlock.READ_FILE


def _paths(out_dir: Path | None, *, starts_programs: bool) -> Iterable[tuple[str, int]]:
    for path in (*LIBRARIES, *DEVICES, *FACTS, *_python()):
        yield path, landlock.READ
    yield os.devnull, landlock.READ_FILE | landlock.WRITE_FILE
    if out_dir is not None:
        yield str(out_dir), landlock.READ_AND_WRITE
    if starts_programs:
        for program in filter(None, map(ffmpeg.find, PROGRAMS)):
            yield os.path.realpath(program), landlock.READ_FILE | landlock.EXECUTE
        for linker in (found for pattern in LINKERS for found in glob(pattern)):
            yield linker, landlock.READ_FILE | landlock.EXECUTE


def _python() -> Iterable[str]:
    """Where modules come from that are loaded on first use: Python, its packages, this one, or the bundle's program."""
    places = sysconfig.get_paths()
    bundle = getattr(sys, "_MEIPASS", "")
    found = [places[name] for name in ("stdlib", "purelib", "platlib")]
    return filter(None, (*found, sys.base_prefix, str(OWN_CODE), bundle, os.path.realpath(sys.executable)))

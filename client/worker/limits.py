"""What the worker may use, and how it ties its own hands before it touches a foreign byte (SEC-33, SEC-34).

A layer that this system does not have is skipped and said so in the worker's first line, never in silence.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def _resource_module() -> Any:
    """Windows has none."""
    try:
        return import_module("resource")
    except ImportError:
        return None


resource = _resource_module()

MIB = 1024 * 1024

ADDRESS_SPACE_BYTES = 768 * MIB
FILE_SIZE_BYTES = 512 * MIB  # what may be sent (SEC-25), and so the largest copy that may be written
FILE_SIZE_HEADROOM_BYTES = 16 * MIB
OPEN_FILES = 64
CPU_PER_JOB_S = 10
CPU_PER_TRANSCODING_S = 900
HASHING_BYTES_PER_S = 50 * MIB  # slower than any machine we run on: time allowed for reading a large file

SIDE_PX_MAX = 16_384
PIXELS_MAX = 40_000_000
DURATION_MS_MAX = 4 * 3600 * 1000
STREAMS_OF_A_KIND_MAX = 2
PICTURE_BYTES_MAX = 128 * MIB  # a larger picture file is read by no decoder of ours

DECODER_ENVIRONMENT = {
    "OPENCV_IO_MAX_IMAGE_PIXELS": "50000000",
    "OPENCV_IO_MAX_IMAGE_WIDTH": str(SIDE_PX_MAX),
    "OPENCV_IO_MAX_IMAGE_HEIGHT": str(SIDE_PX_MAX),
    "OPENCV_FFMPEG_CAPTURE_OPTIONS": "format_whitelist;mov,mp4,m4a,3gp,3g2,mj2,matroska,webm|protocol_whitelist;file",
    "OPENCV_LOG_LEVEL": "OFF",
    "OPENCV_FFMPEG_LOGLEVEL": "-8",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
}

CLONE_NEWUSER, CLONE_NEWNET, CLONE_NEWIPC = 0x10000000, 0x40000000, 0x08000000
PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS = 1, 38


def fits(width: int, height: int) -> bool:
    """Whether a picture of this size may be decoded at all (SEC-34)."""
    return 0 < width <= SIDE_PX_MAX and 0 < height <= SIDE_PX_MAX and width * height <= PIXELS_MAX


def apply() -> dict[str, Any]:
    """Take every layer this system offers; return {"layers": [names], "skipped": {name: why}}."""
    os.environ.update(DECODER_ENVIRONMENT)
    os.umask(0o077)  # copies are for the person alone (SEC-46)
    taken: list[str] = []
    skipped: dict[str, str] = {}
    for name, take in _layers().items():
        try:
            take()
            taken.append(name)
        except (OSError, ValueError, AttributeError) as problem:
            skipped[name] = str(problem) or type(problem).__name__
    return {"layers": taken, "skipped": skipped}


def allow_cpu(more_s: float) -> None:
    """Let this job use `more_s` seconds of processor time; the system ends the process behind that."""
    if resource is None:
        return
    usage = resource.getrusage(resource.RUSAGE_SELF)
    soft_s = int(usage.ru_utime + usage.ru_stime + more_s) + 1
    _soft_s, hard_s = resource.getrlimit(resource.RLIMIT_CPU)
    allowed_s = soft_s if hard_s == resource.RLIM_INFINITY else min(soft_s, hard_s)
    resource.setrlimit(resource.RLIMIT_CPU, (allowed_s, hard_s))


def _layers() -> Mapping[str, Callable[[], None]]:
    return {
        "address_space": lambda: _limit("RLIMIT_AS", ADDRESS_SPACE_BYTES),
        "cpu": lambda: _need(resource is not None),
        "file_size": lambda: _limit("RLIMIT_FSIZE", FILE_SIZE_BYTES + FILE_SIZE_HEADROOM_BYTES),
        "core": lambda: _limit("RLIMIT_CORE", 0),
        "open_files": lambda: _limit("RLIMIT_NOFILE", OPEN_FILES),
        "no_new_privileges": _no_new_privileges,
        "namespaces": _own_namespaces,
        "dies_with_parent": die_with_parent,  # last: whoever becomes another user forgets it
    }


def _need(there: bool) -> None:
    if not there:
        raise OSError(f"not offered by {sys.platform}")


def _limit(name: str, most: int) -> None:
    """Lower one limit for good: soft and hard."""
    _need(resource is not None)
    which: int = getattr(resource, name)
    _soft, hard = resource.getrlimit(which)
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(which, (most, most))


def peak_mib() -> int:
    """The most memory that this process held, and the largest of those that it started and waited for."""
    if resource is None:
        return 0
    held = [resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(held) // (MIB if sys.platform == "darwin" else 1024)


def die_with_parent() -> None:
    """Have the system end this process when the one that started it is gone."""
    _process_control(PR_SET_PDEATHSIG, signal.SIGKILL)


def _no_new_privileges() -> None:
    _process_control(PR_SET_NO_NEW_PRIVS, 1)


def _process_control(what: int, value: int) -> None:
    _need(sys.platform == "linux")
    if ctypes.CDLL(None, use_errno=True).prctl(what, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _own_namespaces() -> None:
    """Become a user of a world of our own, without rights in the other, without its network and shared memory."""
    _need(sys.platform == "linux")
    libc = ctypes.CDLL(None, use_errno=True)
    own = CLONE_NEWNET | CLONE_NEWIPC
    if libc.unshare(own | CLONE_NEWUSER) != 0 and libc.unshare(own) != 0:  # the latter is for root alone
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

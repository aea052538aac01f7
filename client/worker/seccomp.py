"""A filter of system calls for Linux: no sockets, no look into other processes, and no programs unless they are needed.

The filter is a small program that the kernel runs before each call: a call of the list fails with "not permitted", a
call of another processor's tongue ends the process. Numbers are those of the kernel for the two processors we run on.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
import sys
from dataclasses import dataclass

PR_SET_SECCOMP, FILTER_MODE = 22, 2
LOAD, JUMP_IF_EQUAL, JUMP_IF_AT_LEAST, JUMP_IF_ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
ALLOW, FAIL, KILL_PROCESS = 0x7FFF0000, 0x00050000, 0x80000000
PLACE_OF_CALL, PLACE_OF_TONGUE, PLACE_OF_FLAGS = 0, 4, 16
CLONE_THREAD = 0x00010000
OTHER_NUMBERS = 0x40000000  # the x32 tongue of the same processor


@dataclass(frozen=True, slots=True)
class Processor:
    """The kernel's name for the processor's tongue, and the numbers of the calls that we forbid."""

    tongue: int
    never: tuple[int, ...]
    programs: tuple[int, ...]
    clone: int
    clone3: int = 435


NEVER_ANYWHERE = (425, 426, 427, 428, 429, 430, 431, 432, 433, 438, 442)
"""Rings of calls, the new ways of mounting, handles of other processes, one number a call."""

X86_64 = Processor(
    tongue=0xC000003E,
    never=(
        # socket, connect, accept, bind, listen, socketpair, accept4
        41, 42, 43, 49, 50, 53, 288,
        # ptrace, process_vm_readv, process_vm_writev, open_by_handle_at
        101, 310, 311, 304,
        # mount, umount2, pivot_root, chroot, unshare, setns
        165, 166, 155, 161, 272, 308,
        # add_key, request_key, keyctl, perf_event_open, bpf, userfaultfd, init_module, finit_module, kexec_load
        248, 249, 250, 298, 321, 323, 175, 313, 246,
        *NEVER_ANYWHERE,
    ),
    programs=(57, 58, 59, 322),  # fork, vfork, execve, execveat
    clone=56,
)  # fmt: skip
AARCH64 = Processor(
    tongue=0xC00000B7,
    never=(
        198, 203, 202, 200, 201, 199, 242,
        117, 270, 271, 265,
        40, 39, 41, 51, 97, 268,
        217, 218, 219, 241, 280, 282, 105, 273, 104,
        *NEVER_ANYWHERE,
    ),
    programs=(221, 281),  # execve, execveat
    clone=220,
)  # fmt: skip
PROCESSORS = {"x86_64": X86_64, "aarch64": AARCH64}


def processor() -> Processor:
    """The one we run on.

    Raises:
        OSError: no system calls of Linux, or a processor whose numbers we do not know.
    """
    if sys.platform != "linux":
        raise OSError(f"not offered by {sys.platform}")
    known = PROCESSORS.get(platform.machine())
    if known is None or struct.calcsize("P") != 8:
        raise OSError(f"not known for {platform.machine()}")
    return known


def restrict(*, starts_programs: bool) -> None:
    """Forbid the calls from now on, for this process and its children. Needs no-new-privileges.

    Raises:
        OSError: the kernel has no filters, or the processor is unknown.
    """
    steps = program(processor(), starts_programs=starts_programs)
    held = ctypes.create_string_buffer(steps, len(steps))
    told = struct.pack("=H6xQ", len(steps) // 8, ctypes.addressof(held))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_SECCOMP, ctypes.c_ulong(FILTER_MODE), ctypes.c_char_p(told), 0, 0) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def program(on: Processor, *, starts_programs: bool) -> bytes:
    """The filter: eight bytes a step."""
    fail, missing = FAIL | errno.EPERM, FAIL | errno.ENOSYS
    steps = [
        _step(LOAD, PLACE_OF_TONGUE), _step(JUMP_IF_EQUAL, on.tongue, 1, 0), _step(RETURN, KILL_PROCESS),
        _step(LOAD, PLACE_OF_CALL), _step(JUMP_IF_AT_LEAST, OTHER_NUMBERS, 0, 1), _step(RETURN, KILL_PROCESS),
    ]  # fmt: skip
    for number in on.never if starts_programs else (*on.never, *on.programs):
        steps += [_step(JUMP_IF_EQUAL, number, 0, 1), _step(RETURN, fail)]
    # clone3 hides its flags from us; without it the C library takes clone, whose flags are seen.
    steps += [_step(JUMP_IF_EQUAL, on.clone3, 0, 1), _step(RETURN, missing)]
    if not starts_programs:
        steps += [
            _step(JUMP_IF_EQUAL, on.clone, 0, 3), _step(LOAD, PLACE_OF_FLAGS),
            _step(JUMP_IF_ANY_BIT, CLONE_THREAD, 1, 0), _step(RETURN, fail),
        ]  # fmt: skip
    return b"".join([*steps, _step(RETURN, ALLOW)])


def _step(code: int, value: int, if_so: int = 0, if_not: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_so, if_not, value)

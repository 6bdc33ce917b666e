"""Seccomp: from now on this process may make only the system calls that decoding needs.

The filter is a classic BPF program, assembled here and handed to the kernel through ctypes. libseccomp would do the same,
but it is a C library that a fresh machine may lack, and replaces only one table and forty lines. Sources:
https://docs.kernel.org/userspace-api/seccomp_filter.html, include/uapi/linux/seccomp.h and the kernel's tables of calls.

Other calls meet one of two fates. Most fail with EPERM, because libraries probe: the C library looks up the number of cores
in /sys, Python asks whether a file is a terminal. They accept the refusal and go on, whereas killing the worker would
lose a sound file. But some calls no decoder ever makes, only code that has taken over the worker: another program or
process, a socket, a look into another process or a signal to it. These kill the worker with SIGSYS, so that the attempt
is noticed and recorded with the file that made it.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
import sys
from dataclasses import dataclass

#: Numbers of each call on x86-64 and on 64-bit ARM; None where it does not exist.
_CALLS: dict[str, tuple[int | None, int | None]] = {
    "read": (0, 63),
    "pread64": (17, 67),
    "readv": (19, 65),
    "write": (1, 64),
    "close": (3, 57),
    "fstat": (5, 80),
    "newfstatat": (262, 79),
    "lseek": (8, 62),
    "mmap": (9, 222),
    "mprotect": (10, 226),
    "munmap": (11, 215),
    "mremap": (25, 216),
    "madvise": (28, 233),
    "brk": (12, 214),
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "sigaltstack": (131, 132),
    "restart_syscall": (219, 128),
    "sched_yield": (24, 124),
    "sched_getaffinity": (204, 123),
    "getcpu": (309, 168),
    "nanosleep": (35, 101),
    "clock_nanosleep": (230, 115),
    "clock_gettime": (228, 113),
    "clock_getres": (229, 114),
    "gettimeofday": (96, 169),
    "time": (201, None),
    "times": (100, 153),
    "getrusage": (98, 165),
    "sysinfo": (99, 179),
    "uname": (63, 160),
    "getpid": (39, 172),
    "gettid": (186, 178),
    "getrandom": (318, 278),
    "futex": (202, 98),
    "set_robust_list": (273, 99),
    "set_tid_address": (218, 96),
    "rseq": (334, 293),
    "clone": (56, 220),
    "clone3": (435, 435),
    "exit": (60, 93),
    "exit_group": (231, 94),
    "tgkill": (234, 131),
    "prlimit64": (302, 261),
    "recvmsg": (47, 212),
    # These kill the worker.
    "execve": (59, 221),
    "execveat": (322, 281),
    "fork": (57, None),
    "vfork": (58, None),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "socket": (41, 198),
    "connect": (42, 203),
    "kill": (62, 129),
    "tkill": (200, 130),
    "pidfd_open": (434, 434),
}
_DEADLY = (
    *("execve", "execveat", "fork", "vfork", "clone", "ptrace", "process_vm_readv", "process_vm_writev"),
    *("socket", "connect", "kill", "tkill", "pidfd_open"),
)

#: By `platform.machine()`: the column above, and AUDIT_ARCH_*.
_MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}

_ALLOW, _KILL = 0x7FFF0000, 0x80000000
_EPERM, _ENOSYS = 0x00050001, 0x00050026
_PROT_EXEC, _CLONE_THREAD, _AT_EMPTY_PATH = 0x4, 0x10000, 0x1000
_PR_SET_NO_NEW_PRIVS = 38
_SET_MODE_FILTER, _ALL_THREADS, _ACTION_AVAILABLE = 1, 1, 2
_SECCOMP_CALL = (317, 277)

# Instructions of classic BPF (linux/bpf_common.h), and offsets in struct seccomp_data. Both machines are little-endian.
_LOAD, _AND, _JUMP_IF_EQUAL, _RETURN = 0x20, 0x54, 0x15, 0x06
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16


@dataclass(frozen=True, slots=True)
class _Rule:
    """What happens to a call.

    only_if: (argument, mask, value), all of which must hold: the low 32 bits of the argument under the mask are the value.
    """

    call: str
    action: int
    only_if: tuple[tuple[float, int, int], ...] = ()


def _rules() -> list[_Rule]:
    anything = 0xFFFFFFFF
    conditional = {
        # Memory stays data or code for good: nothing is loaded or compiled after the lock.
        "mmap": ((2, _PROT_EXEC, 0),),
        "mprotect": ((2, _PROT_EXEC, 0),),
        "clone": ((0, _CLONE_THREAD, _CLONE_THREAD),),
        # This is how the C library does fstat. A name could be passed too, but that only shows whether a file exists.
        "newfstatat": ((3, anything, _AT_EMPTY_PATH),),
        # So that abort() ends the worker as abort().
        "tgkill": ((0, anything, os.getpid()),),
        # Limits may be read, as starting a thread does, but not set. 2.5: the upper half of the pointer.
        "prlimit64": ((2, anything, 0), (2.5, anything, 0)),
    }
    # A filter cannot see its arguments, which are behind a pointer. If it does not exist, libraries use clone.
    rules = [_Rule("clone3", _ENOSYS)]
    rules += [_Rule(call, _ALLOW, conditional.get(call, ())) for call in _CALLS if call in conditional]
    rules += [_Rule(call, _KILL) for call in _DEADLY]
    allowed = [call for call in _CALLS if call not in (*conditional, *_DEADLY, "clone3")]
    return [*rules, *(_Rule(call, _ALLOW) for call in allowed)]


def _program(column: int, architecture: int) -> bytes:
    """The filter: a check of the architecture, each rule in turn, and EPERM for the rest."""

    def instruction(code: int, value: int, if_equal: int = 0, if_not: int = 0) -> bytes:
        """if_equal, if_not: how many instructions to skip after a comparison."""
        return struct.pack("=HBBI", code, if_equal, if_not, value)

    # 32-bit programs number the calls otherwise; no rule names those of the x32 kind.
    parts = [
        instruction(_LOAD, _ARCHITECTURE),
        instruction(_JUMP_IF_EQUAL, architecture, if_equal=1),
        instruction(_RETURN, _KILL),
    ]
    for rule in _rules():
        number = _CALLS[rule.call][column]
        if number is None:
            continue
        tests = b""
        left = 3 * len(rule.only_if) + 1
        for argument, mask, value in rule.only_if:
            left -= 3
            tests += instruction(_LOAD, _ARGUMENTS + int(8 * argument)) + instruction(_AND, mask)
            tests += instruction(_JUMP_IF_EQUAL, value, if_not=left)
        whole = tests + instruction(_RETURN, rule.action)
        skip = len(whole) // 8
        parts += [instruction(_LOAD, _NUMBER), instruction(_JUMP_IF_EQUAL, number, if_not=skip), whole]
    return b"".join([*parts, instruction(_RETURN, _EPERM)])


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def available() -> bool:
    """Whether this kernel supports the filter and the table covers this machine."""
    if sys.platform != "linux" or platform.machine() not in _MACHINES or struct.calcsize("P") != 8:
        return False
    call = _SECCOMP_CALL[_MACHINES[platform.machine()][0]]
    kill = ctypes.c_uint32(_KILL)
    return bool(ctypes.CDLL(None).syscall(call, _ACTION_AVAILABLE, 0, ctypes.byref(kill)) == 0)


def set_no_new_privileges() -> bool:
    """Let no program gain privileges (set-user-id); the kernel demands this before Landlock and seccomp."""
    return bool(ctypes.CDLL(None).prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)


def allow_decoding_only() -> bool:
    """Install the filter for every thread of this process, for good. Returns whether it worked."""
    if not available():
        return False
    column, architecture = _MACHINES[platform.machine()]
    code = _program(column, architecture)
    program = _Program(len(code) // 8, code)
    call = _SECCOMP_CALL[column]
    return bool(ctypes.CDLL(None).syscall(call, _SET_MODE_FILTER, _ALL_THREADS, ctypes.byref(program)) == 0)

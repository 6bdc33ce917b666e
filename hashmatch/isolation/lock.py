"""How a worker locks itself before it touches a file: one step after another, as far as the system can.

| step | what it takes away | where |
|---|---|---|
| limits | the terminal; memory above the limit; writing files; core dumps; many descriptors | Unix |
| landlock | opening any file, connecting, signalling other processes | Linux 5.13 and newer |
| seccomp | every system call that decoding does not need | Linux on x86-64 and 64-bit ARM |

Landlock and seccomp come with "no new privileges". The parent passes open descriptors, so a worker need not open anything.
On macOS a worker has the limits except for memory; on Windows it is only a separate process. On both, the parent ends
a worker that makes no progress.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Collection

from hashmatch.i18n import _
from hashmatch.isolation import landlock, seccomp

#: All steps; a worker that takes all of them is fully sandboxed.
STEPS = ("limits", "landlock", "seccomp")

#: Descriptors that a worker may have: the three standard ones, the connection twice, the file, and a few to spare.
_MOST_DESCRIPTORS = 32


def available() -> tuple[str, ...]:
    """The steps that this system claims to support; each worker reports which of them it took."""
    has = {
        "limits": sys.platform != "win32",
        "landlock": landlock.version() > 0,
        "seccomp": seccomp.available(),
    }
    return tuple(step for step in STEPS if has[step])


def name_of(steps: Collection[str]) -> str:
    """The level of isolation in words."""
    if set(steps) >= set(STEPS):
        return _("full sandbox: {steps}").format(steps=", ".join(STEPS))
    if steps:
        return _("worker processes with {steps} only").format(steps=", ".join(steps))
    return _("worker processes only")


def close_all_but(keep: Collection[int]) -> None:
    """Close what a forked process has inherited: the database, other files, and the connections to other workers, whose
    end would otherwise go unnoticed."""
    try:
        have = [int(name) for name in os.listdir("/proc/self/fd")]
    except OSError:  # no /proc: try them one by one
        have = list(range(os.sysconf("SC_OPEN_MAX")))
    for descriptor in have:
        if descriptor > 2 and descriptor not in keep:
            with contextlib.suppress(OSError):  # the descriptor of the listing itself
                os.close(descriptor)


def lock(steps: Collection[str], memory: int) -> tuple[str, ...]:
    """Take the steps in order and return those that worked. Nothing more can be imported afterwards.

    memory: bytes of address space to allow beyond what is in use.
    """
    taken = []
    if "limits" in steps and sys.platform != "win32":
        _leave_the_terminal()
        _limit_resources(memory)
        taken.append("limits")
    if {"landlock", "seccomp"} & set(steps) and sys.platform == "linux" and seccomp.set_no_new_privileges():
        if "landlock" in steps and landlock.deny_all():
            taken.append("landlock")
        if "seccomp" in steps and seccomp.allow_decoding_only():
            taken.append("seccomp")
    return tuple(taken)


def _leave_the_terminal() -> None:
    """Standard input is empty from now on, and output is lost."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in range(3):
        os.dup2(nowhere, standard)
    os.close(nowhere)


def _limit_resources(memory: int) -> None:
    """Allow no file to be written, no core dump, and no more than `memory` bytes beyond what is in use."""
    import resource

    def at_most(kind: int, value: int) -> None:
        hard = resource.getrlimit(kind)[1]  # it may only be lowered
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        with contextlib.suppress(ValueError, OSError):  # macOS refuses some
            resource.setrlimit(kind, (value, value))

    at_most(resource.RLIMIT_FSIZE, 0)
    at_most(resource.RLIMIT_CORE, 0)
    at_most(resource.RLIMIT_NOFILE, _MOST_DESCRIPTORS)
    if sys.platform == "linux":
        with open("/proc/self/statm", encoding="ascii") as statm:
            in_use = int(statm.read().split()[0]) * resource.getpagesize()
        at_most(resource.RLIMIT_AS, in_use + memory)

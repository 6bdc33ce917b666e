"""How a worker locks itself before it touches a file: one step after another, as far as the system has them.

| step | what is gone after it | where |
|---|---|---|
| limits | the terminal; memory above the limit; writing files; core dumps; many descriptors | Unix |
| landlock | opening any file, connecting, signalling other processes | Linux 5.13 and newer |
| seccomp | every system call that decoding does not need | Linux on x86-64 and 64-bit ARM |

Both of the latter come with "no new privileges". Descriptors are given by the parent, so nothing needs to be opened. On
macOS a worker has the limits but for memory, on Windows it is a process of its own and no more; the parent ends either
when it makes no progress.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Collection

from hashmatch.i18n import _
from hashmatch.isolation import landlock, seccomp

#: All that there is; with each of them a worker is sandboxed in full.
STEPS = ("limits", "landlock", "seccomp")

#: Descriptors that a worker may have: three standard ones, the connection twice, the file, and a few to spare.
_MOST_DESCRIPTORS = 32


def available() -> tuple[str, ...]:
    """The steps that this system has, by what it says of itself; a worker tells which of them it took."""
    has = {
        "limits": sys.platform != "win32",
        "landlock": landlock.version() > 0,
        "seccomp": seccomp.available(),
    }
    return tuple(step for step in STEPS if has[step])


def name_of(steps: Collection[str]) -> str:
    """The level for a person, and for the audit trail."""
    if set(steps) >= set(STEPS):
        return _("full sandbox: {steps}").format(steps=", ".join(STEPS))
    if steps:
        return _("worker processes with {steps} only").format(steps=", ".join(steps))
    return _("worker processes only")


def close_all_but(keep: Collection[int]) -> None:
    """Close what a forked process has of its parent: the database, other files and, or their end would go unnoticed, the
    connections to other workers."""
    try:
        have = [int(name) for name in os.listdir("/proc/self/fd")]
    except OSError:  # without /proc, one by one
        have = list(range(os.sysconf("SC_OPEN_MAX")))
    for descriptor in have:
        if descriptor > 2 and descriptor not in keep:
            with contextlib.suppress(OSError):  # that of the listing itself
                os.close(descriptor)


def lock(steps: Collection[str], memory: int) -> tuple[str, ...]:
    """Take the steps, in order, and return those that were taken. What is imported by now is all that ever will be.

    memory: bytes of address space beyond what is in use.
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
    """What is read there is nothing, and what is written there is lost."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in range(3):
        os.dup2(nowhere, standard)
    os.close(nowhere)


def _limit_resources(memory: int) -> None:
    """No file may be written, no core dumped, and no more than `memory` bytes be taken on top of what is in use."""
    import resource

    def at_most(kind: int, value: int) -> None:
        hard = resource.getrlimit(kind)[1]  # it may be lowered and not raised
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

"""Landlock: from now on this process may open no file and no network connection, and signal no other process.

Uses system calls through ctypes, since the C library has no functions for it and the few Python packages are young. Source:
https://docs.kernel.org/userspace-api/landlock.html and include/uapi/linux/landlock.h.
"""

from __future__ import annotations

import ctypes
import sys

# The same numbers on every architecture.
_CREATE_RULESET, _RESTRICT_SELF = 444, 446
_VERSION_FLAG = 1

#: Version of the interface that introduced some rights to files, and those rights (bits of LANDLOCK_ACCESS_FS_*).
_FILE_RIGHTS = ((1, 0x1FFF), (2, 1 << 13), (3, 1 << 14), (5, 1 << 15))
_BIND_AND_CONNECT_TCP = 0x3  # from version 4
_ABSTRACT_SOCKETS_AND_SIGNALS = 0x3  # from version 6


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


def version() -> int:
    """The kernel's version of the interface; 0 if it has none or it is switched off."""
    if sys.platform != "linux":
        return 0
    found: int = ctypes.CDLL(None).syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(_VERSION_FLAG))
    return max(0, found)


def deny_all() -> bool:
    """Give up every right that this kernel can take away, for good. Open files stay usable.

    Needs "no new privileges" to be set. Binds the calling thread and those that it starts. Returns whether it worked.
    """
    known = version()
    if not known:
        return False
    libc = ctypes.CDLL(None)
    rules = _Ruleset(
        sum(bits for since, bits in _FILE_RIGHTS if known >= since),
        _BIND_AND_CONNECT_TCP if known >= 4 else 0,
        _ABSTRACT_SOCKETS_AND_SIGNALS if known >= 6 else 0,
    )
    # An older kernel has a shorter structure. It accepts ours because the rest is zero.
    ruleset = libc.syscall(_CREATE_RULESET, ctypes.byref(rules), ctypes.c_size_t(ctypes.sizeof(rules)), 0)
    if ruleset < 0:
        return False
    done: bool = libc.syscall(_RESTRICT_SELF, ruleset, 0) == 0
    libc.close(ruleset)
    return done

"""A process that works for another one ends together with it."""

from __future__ import annotations

import ctypes
import signal
import sys


def end_with_parent() -> None:
    """Have the kernel end this process when its parent dies, even if it hangs, and leave Ctrl-C to the parent."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)

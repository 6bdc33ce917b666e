"""How a process that works for another one ends: with it."""

from __future__ import annotations

import ctypes
import signal
import sys


def end_with_parent() -> None:
    """End when the parent dies, which one that hangs would never notice, and leave Ctrl-C, which goes to the whole
    terminal, to the parent."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)

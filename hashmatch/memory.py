"""The memory of this process."""

from __future__ import annotations

import sys


def give_back() -> None:
    """Give back what was freed, which the C library would keep for later."""
    if sys.platform == "linux":
        import ctypes  # here, since every command imports this module

        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc's
        if trim is not None:
            trim(0)

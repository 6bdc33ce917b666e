"""Dask calls this first in workers that we start ourselves."""

from __future__ import annotations

import signal
from typing import Any


def dask_setup(worker: Any) -> None:
    """Ignore Ctrl-C, which reaches all processes of the terminal: the client decides, and ends its workers."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

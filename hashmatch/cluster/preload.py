"""What workers that we start ourselves do first; Dask calls it."""

from __future__ import annotations

import signal
from typing import Any


def dask_setup(worker: Any) -> None:
    """Ctrl-C goes to the whole terminal; the client decides, and ends its workers."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

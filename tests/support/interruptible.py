"""Starts processes that a test will interrupt."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def start_interruptible(command: Sequence[str | bytes | Path], **options: Any) -> subprocess.Popen[Any]:
    """Start a process that SIGINT interrupts, wherever the tests themselves run.

    Under `nohup` or `&` a shell has the tests ignore SIGINT. A child inherits that, and Python then installs no handler.

    options: those of Popen, without preexec_fn.
    """
    return subprocess.Popen(command, preexec_fn=_heed_interrupts, **options)


def _heed_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)

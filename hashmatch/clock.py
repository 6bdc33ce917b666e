"""The time in the form that all records use: UTC, ISO 8601."""

from __future__ import annotations

import functools
import time
from datetime import UTC, datetime


def now() -> str:
    """The time now, to the second: "2026-11-21T19:00:00Z"."""
    return _stamp(int(time.time()))


def now_exactly() -> str:
    """The time now, to the microsecond, for when the order of two changes counts: "2026-11-21T19:00:00.123456Z"."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@functools.lru_cache(maxsize=1)  # an import asks three times per entry
def _stamp(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def exactly(moment: str) -> str:
    """A moment with microseconds. In this form, moments can be compared as text."""
    return moment if "." in moment else moment.removesuffix("Z") + ".000000Z"

"""The time, as all records have it: UTC, ISO 8601."""

from __future__ import annotations

import functools
import time
from datetime import UTC, datetime


def now() -> str:
    """The time as all records have it: UTC, ISO 8601, to the second."""
    return _stamp(int(time.time()))


def now_exactly() -> str:
    """The time to the microsecond, where the order of two changes counts: "2026-11-21T19:00:00.123456Z"."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@functools.lru_cache(maxsize=1)  # an import asks three times for each of its entries
def _stamp(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def exactly(moment: str) -> str:
    """A moment to the microsecond, so that moments are compared as texts are."""
    return moment if "." in moment else moment.removesuffix("Z") + ".000000Z"

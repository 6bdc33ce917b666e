"""Marks of a time axis."""

from __future__ import annotations

#: Seconds between the marks.
_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)


def marks(length: float, most: int = 8) -> list[int]:
    """The seconds of the marks on an axis of `length` seconds, from 0; about `most` of them at most."""
    step = next((each for each in _STEPS if length / each <= most), max(_STEPS[-1], round(length / most)))
    return list(range(0, int(length) + 1, step))

"""Counts by kind what a reader skips in third-party lists, so that it can be reported once."""

from __future__ import annotations

from collections import Counter

from hashmatch.exchange.fields import snippet

#: How many kinds are counted by name; a hostile list could contain any number of them.
_KINDS_MAX = 12


class SkippedKinds:
    def __init__(self) -> None:
        self._counts = Counter[str]()

    def add(self, kind: object) -> None:
        name = snippet(kind)
        self._counts[name if name in self._counts or len(self._counts) < _KINDS_MAX else "…"] += 1

    def __bool__(self) -> bool:
        return bool(self._counts)

    def __str__(self) -> str:
        """The most frequent kinds in one short line: "3 'malware', 2 'indicator'"."""
        line = ", ".join(f"{count} {kind}" for kind, count in self._counts.most_common(6))
        return line if len(line) <= 120 else line[:119] + "…"

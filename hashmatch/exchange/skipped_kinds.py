"""What a reader passes over in lists of others, counted by kind and told once."""

from __future__ import annotations

from collections import Counter

from hashmatch.exchange.fields import snippet

#: Kinds that are counted by name; a hostile list could name any number.
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
        """The most frequent kinds on one short line: "3 'malware', 2 'indicator'"."""
        told = ", ".join(f"{count} {kind}" for kind, count in self._counts.most_common(6))
        return told if len(told) <= 120 else told[:119] + "…"

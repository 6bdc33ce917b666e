"""What was found, held against the truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from film_queries.plan import Query, Truth

Interval = tuple[float, float]
#: `exact` comes with Meta's or our own copies of the very bytes; it counts as `near`.
NEAR = ("exact", "near")
#: Seconds by which a segment may miss the truth and still be of it, for finding; how well it fits is told apart.
SLACK = 2.0


@dataclass(frozen=True, slots=True)
class Score:
    """One truth of one query, or one query that is to match nothing (`group` is None then).

    found, near: by a match with the right film, at the right place where its segments tell one. ends: seconds by which
    start and end miss the truth, of the query and then of the reference. iou: of the query's and the reference's
    interval, each the union of what was found of this truth. wrong: films (and tiers) that should not be there, told
    at the first truth of a query.
    """

    query: str
    edit: str
    row: str
    group: str | None
    found: bool
    near: bool
    segments: int
    ends: tuple[float, ...]
    iou: tuple[float, ...]
    wrong: tuple[tuple[str, str], ...]
    status: str


def scores(query: Query, result: dict[str, Any] | None, groups: dict[str, str]) -> list[Score]:
    """One for each truth, else one. result: of `scan --format jsonl`, None where there is none; groups: the film by its
    SHA-256."""
    matches: list[dict[str, Any]] = [] if result is None else result["matches"]
    status = "missing" if result is None else str(result["status"])
    truths: Sequence[Truth | None] = query.truth or (None,)
    known = {truth.group for truth in query.truth}
    wrong = []
    for match in matches:
        group = groups.get(match["reference"]["sha256"], "?")
        segments = _segments(match)
        mine = [truth for truth in query.truth if truth.group == group]
        if group not in known:
            wrong.append((group, str(match["tier"])))
        elif any(not any(_belongs(segment, truth) for truth in mine) for segment in segments):
            wrong.append((f"{group}, other place", str(match["tier"])))
    return [
        _score(query, truth, matches, groups, tuple(wrong) if number == 0 else (), status)
        for number, truth in enumerate(truths)
    ]


def _score(
    query: Query,
    truth: Truth | None,
    matches: Sequence[dict[str, Any]],
    groups: dict[str, str],
    wrong: tuple[tuple[str, str], ...],
    status: str,
) -> Score:
    if truth is None:
        near = any(match["tier"] in NEAR for match in matches)
        return Score(query.name, query.edit, query.row, None, bool(matches), near, 0, (), (), wrong, status)
    tiers, covering = [], []
    for match in matches:
        if groups.get(match["reference"]["sha256"]) != truth.group:
            continue
        segments = _segments(match)
        own = [segment for segment in segments if _belongs(segment, truth)]
        if own or not segments:
            tiers.append(match["tier"])
            if len(own) and not covering:  # the best match comes first; a twin's segments are not added to it
                covering = own
    ends: tuple[float, ...] = ()
    iou: tuple[float, ...] = ()
    if covering and query.edit != "Meta's edits":
        sides = [
            ([segment[side] for segment in covering], goal) for side, goal in enumerate((truth.query, truth.reference))
        ]
        ends = tuple(error for found, goal in sides for error in _ends(found, goal))
        iou = tuple(_iou(found, goal) for found, goal in sides)
    near = any(tier in NEAR for tier in tiers)
    return Score(
        query.name, query.edit, query.row, truth.group, bool(tiers), near, len(covering), ends, iou, wrong, status
    )


def _segments(match: dict[str, Any]) -> list[tuple[Interval, Interval]]:
    """Each as the interval of the query and of the reference, in seconds."""
    video = match.get("video") or {}
    return [(_interval(each["query"]), _interval(each["reference"])) for each in video.get("segments", ())]


def _interval(ends: Sequence[float]) -> Interval:
    return float(ends[0]), float(ends[1])


def _belongs(segment: tuple[Interval, Interval], truth: Truth) -> bool:
    """Whether it lies where the truth does: overlapping on both sides, and about on its line."""
    (start, end), (from_, to) = segment
    overlap = min(end, truth.query[1]) - max(start, truth.query[0])
    if overlap < 0 or min(to, truth.reference[1]) < max(from_, truth.reference[0]):
        return False
    speed = (truth.reference[1] - truth.reference[0]) / (truth.query[1] - truth.query[0])
    middle = (start + end) / 2
    expected = truth.reference[0] + (middle - truth.query[0]) * speed
    return abs((from_ + to) / 2 - expected) <= SLACK


def _ends(found: Sequence[Interval], truth: Interval) -> tuple[float, float]:
    return abs(min(start for start, _end in found) - truth[0]), abs(max(end for _start, end in found) - truth[1])


def _iou(found: Sequence[Interval], truth: Interval) -> float:
    """Seconds in both by seconds in either; found: may overlap one another."""
    merged: list[Interval] = []
    for start, end in sorted(found):
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((start, end))
    both = sum(max(0.0, min(end, truth[1]) - max(start, truth[0])) for start, end in merged)
    either = sum(end - start for start, end in merged) + (truth[1] - truth[0]) - both
    return both / either if either else 0.0

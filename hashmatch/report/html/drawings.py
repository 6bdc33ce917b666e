"""What the report draws, as numbers; the templates turn them into SVG. Positions are percent of the width, so that a drawing
fits every screen and its text keeps its size."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hashmatch.matching.results import LocalEvidence, Segment, Tier
from hashmatch.report.scan_text import clock
from hashmatch.report.time_axis import marks

#: Most stretches of a match that are drawn and listed; further ones are counted.
MOST_SEGMENTS = 200
#: Marks of a time axis; a phone has room for this many.
_MARKS = 4
#: Least width in percent; anything shorter could not be seen.
_LEAST = 0.4
#: The least range of the histogram in bits, and its steps.
_LEAST_BITS, _STEP = 32, 2
#: Tiers that depend on a distance. The same bytes are `exact` whatever the distance.
_WITH_DISTANCE: tuple[Tier, ...] = ("near", "possible")


@dataclass(frozen=True, slots=True)
class AxisMark:
    """A mark on an axis. at: percent. anchor: of its text, as in SVG."""

    at: float
    text: str
    anchor: str = "middle"


@dataclass(frozen=True, slots=True)
class TimeAxis:
    """The time axis of one film. length: in seconds, of the whole film if is_whole, else of what matches."""

    marks: tuple[AxisMark, ...]
    length: float
    is_whole: bool


@dataclass(frozen=True, slots=True)
class TimelineBand:
    """A stretch on both axes: [left, right] on each, in percent; None for a picture. is_turned: mirrored or turned."""

    query: tuple[float, float] | None
    reference: tuple[float, float] | None
    is_turned: bool

    @property
    def corners(self) -> str:
        """Corners of the shape that joins both axes, in a box of 100 by 100; empty if one side is a picture."""
        if self.query is None or self.reference is None:
            return ""
        (a, b), (c, d) = self.query, self.reference
        return f"{a:.2f},0 {b:.2f},0 {d:.2f},100 {c:.2f},100"


@dataclass(frozen=True, slots=True)
class Timeline:
    """Both time axes of a match, one above the other, and what is the same on both. A picture's axis is None."""

    query: TimeAxis | None
    reference: TimeAxis | None
    bands: tuple[TimelineBand, ...]


def timeline(segments: Sequence[Segment], query: float | None, reference: float | None, is_film: bool) -> Timeline:
    """Place a match's segments, at least one, on both axes. query, reference: their lengths in seconds, if known.
    is_film: whether the file is a film."""
    shown = segments[:MOST_SEGMENTS]
    # A picture has no times: it is a stretch without length.
    reference_is_film = any(each.reference != (0.0, 0.0) for each in shown) or not is_film
    upper = _track(query, max(each.query[1] for each in shown)) if is_film else None
    lower = _track(reference, max(each.reference[1] for each in shown)) if reference_is_film else None
    bands = tuple(
        TimelineBand(
            _place(each.query, upper.length) if upper else None,
            _place(each.reference, lower.length) if lower else None,
            each.transform != "none",
        )
        for each in shown
    )
    return Timeline(upper, lower, bands)


def _track(known: float | None, last: float) -> TimeAxis:
    length = max(last, known or 0.0, 1.0)
    found = marks(length, _MARKS)
    placed = [AxisMark(100 * second / length, clock(second), "middle" if second else "start") for second in found]
    # The last text must not run out of the drawing.
    placed = [AxisMark(each.at, each.text, "end") if each.at > 90 else each for each in placed]
    return TimeAxis(tuple(placed), length, known is not None)


def _place(span: tuple[float, float], length: float) -> tuple[float, float]:
    start, end = (100 * each / length for each in span)
    start = min(start, 100 - _LEAST)
    return start, max(end, start + _LEAST)


@dataclass(frozen=True, slots=True)
class HistogramBar:
    """Matches of one tier within some distances: [left, width] and [top, height] in percent of the drawing."""

    tier: Tier
    left: float
    width: float
    top: float
    height: float


@dataclass(frozen=True, slots=True)
class HistogramDrawing:
    """How many matches have which distance. rows: for each step, its first and last distance, and how many of each tier.
    most: matches in the highest bar."""

    bars: tuple[HistogramBar, ...]
    marks: tuple[AxisMark, ...]
    most: int
    rows: tuple[tuple[int, int, tuple[int, ...]], ...]
    tiers: tuple[Tier, ...] = _WITH_DISTANCE


def histogram(distances: Mapping[int, Counter[Tier]]) -> HistogramDrawing | None:
    """The histogram, or None if there are no distances. distances: for each, how many matches each tier has."""
    if not distances:
        return None
    steps = max(_LEAST_BITS, *distances) // _STEP + 1
    sums = [Counter[Tier]() for _step in range(steps)]
    for distance, tiers in distances.items():
        sums[distance // _STEP].update(tiers)
    most = max(each.total() for each in sums)
    bars, rows = [], []
    for number, tiers in enumerate(sums):
        top = 100.0
        for tier in _WITH_DISTANCE:
            height = 100 * tiers[tier] / most
            if height:
                top -= height
                bars.append(HistogramBar(tier, 100 * (number + 0.08) / steps, 84 / steps, top, height))
        if tiers:
            rows.append((_STEP * number, _STEP * number + _STEP - 1, tuple(tiers[tier] for tier in _WITH_DISTANCE)))
    every = 8 * max(1, steps // 32)
    placed = tuple(AxisMark(100 * at / _STEP / steps, str(at)) for at in range(0, _STEP * steps, every))
    placed = tuple(AxisMark(each.at, each.text, "start") if each.at == 0 else each for each in placed)
    return HistogramDrawing(tuple(bars), placed, most, tuple(rows))


@dataclass(frozen=True, slots=True)
class AreaDrawing:
    """Where in the file the reference's picture is. view_box: of the SVG. corners: of the reference, in parts of the file's
    width and height."""

    view_box: str
    corners: str


def area(local: LocalEvidence) -> AreaDrawing:
    """Draw the file as the square from 0 to 1; corners far outside are drawn nearer."""
    points = [tuple(min(max(place, -1.5), 2.5) for place in corner) for corner in local.quadrilateral]
    left, top = (min(0.0, *(point[side] for point in points)) - 0.05 for side in (0, 1))
    right, bottom = (max(1.0, *(point[side] for point in points)) + 0.05 for side in (0, 1))
    box = f"{left:.3f} {top:.3f} {right - left:.3f} {bottom - top:.3f}"
    return AreaDrawing(box, " ".join(f"{x:.3f},{y:.3f}" for x, y in points))

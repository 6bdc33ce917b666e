"""Two films, or a film and a picture, in one drawing: where both show the same, and frames of both side by side.

Above, every dot is a frame of A that resembles a frame of B: A's time across, B's time down. What a copy shares lies on
lines. Below, frames at the numbered moments of these lines, A above B, as they are: a mirrored copy is not turned back.
All text is times and numbers, so that it reads the same in every language.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont, ImageOps

from hashmatch.hashers import MAIN
from hashmatch.matching.dots import Dots
from hashmatch.matching.results import Segment
from hashmatch.matching.tiers import thresholds
from hashmatch.records import Pixels
from hashmatch.report.scan_text import clock
from hashmatch.report.time_axis import marks

#: Most pairs of frames that are shown in a row.
MOST_PAIRS = 4
#: Pixels.
MARGIN, GAP, THUMBNAIL, PLOT_HEIGHT = 24, 12, 264, 420
AXIS = 76
DOT, LINE, LABEL = 2, 9, 14
_GROUND, _PLOT, _GRID, _INK = "#f4f4f4", "#ffffff", "#e2e2e2", "#202020"
_LINE, _NEAR, _FAR = "#f08080", "#1f3f8c", "#7fa3dc"


@dataclass(frozen=True, slots=True)
class AlignedMoment:
    """The same moment in both films, in seconds; None for a picture. number: as drawn."""

    number: int
    a: float | None
    b: float | None


@dataclass(frozen=True, slots=True)
class PicturePair:
    """The pictures of a moment; None where one cannot be shown."""

    moment: AlignedMoment
    a: Pixels | None
    b: Pixels | None


def moments_of(segments: Sequence[Segment], a_is_film: bool, b_is_film: bool) -> tuple[AlignedMoment, ...]:
    """Moments spread over the stretches in proportion to their length; without stretches, the beginnings."""
    if not segments:
        return (AlignedMoment(1, 0.0 if a_is_film else None, 0.0 if b_is_film else None),)
    # On its side, a picture is a stretch without length.
    lengths = [max(_length(each.query), _length(each.reference), 1e-3) for each in segments]
    count = max(1, min(MOST_PAIRS, len(segments) + round(sum(lengths))))
    moments = []
    for number in range(count):
        at = (number + 0.5) / count * sum(lengths)
        for segment, length in zip(segments, lengths, strict=True):
            if at <= length or segment is segments[-1]:
                share = min(1.0, at / length)
                a, b = (_between(span, share) for span in (segment.query, segment.reference))
                moments.append(AlignedMoment(number + 1, a if a_is_film else None, b if b_is_film else None))
                break
            at -= length
    return tuple(moments)


def draw(
    dots: Dots | None, lengths: tuple[float, float], segments: Sequence[Segment], pairs: Sequence[PicturePair]
) -> Image.Image:
    """Draw the sheet. dots: None unless both are films. lengths: of both films, in seconds."""
    columns = len(pairs) if dots is None else MOST_PAIRS
    width = 2 * MARGIN + columns * THUMBNAIL + (columns - 1) * GAP
    rows = [max((_fitted(getattr(pair, side)).height for pair in pairs), default=0) for side in ("a", "b")]
    below = 2 * (LABEL + GAP) + sum(rows) + MARGIN
    above = PLOT_HEIGHT + AXIS if dots is not None else 0
    sheet = Image.new("RGB", (width, MARGIN + above + below), _GROUND)
    pen = ImageDraw.Draw(sheet)
    if dots is not None:
        top = MARGIN + AXIS // 2
        box = (MARGIN + AXIS, top, width - MARGIN - AXIS // 2, top + PLOT_HEIGHT)
        _Plot(box, lengths).draw(pen, dots, segments, [pair.moment for pair in pairs])
    for number, pair in enumerate(pairs):
        left, top = MARGIN + number * (THUMBNAIL + GAP), MARGIN + above
        for name, side, height in zip("AB", ("a", "b"), rows, strict=True):
            time = getattr(pair.moment, side)
            when = "" if time is None else clock(time, tenths=True)
            _write(pen, (left, top), f"{pair.moment.number}  {name}  {when}")
            sheet.paste(_fitted(getattr(pair, side)), (left, top + LABEL + GAP // 2))
            top += LABEL + GAP + height
    return sheet


class _Plot:
    """The part of the sheet with both time axes. box: its edges in pixels."""

    def __init__(self, box: tuple[int, int, int, int], lengths: tuple[float, float]) -> None:
        self._box = box
        self._lengths = max(lengths[0], 1e-3), max(lengths[1], 1e-3)

    def draw(
        self, pen: ImageDraw.ImageDraw, dots: Dots, segments: Sequence[Segment], moments: list[AlignedMoment]
    ) -> None:
        left, top, right, bottom = self._box
        pen.rectangle(self._box, fill=_PLOT)
        for second in marks(self._lengths[0]):
            x, _y = self._at(second, 0.0)
            pen.line((x, top, x, bottom), fill=_GRID)
            _write(pen, (x, top - 6), clock(second), "ms" if second else "ls")
        for second in marks(self._lengths[1]):
            _x, y = self._at(0.0, second)
            pen.line((left, y, right, y), fill=_GRID)
            _write(pen, (left - 8, y), clock(second), "rm")
        _write(pen, ((left + right) / 2, top - 24), "A", "ms", bold=True)
        _write(pen, (MARGIN, (top + bottom) / 2), "B", "lm", bold=True)
        for each in segments:
            ends = self._at(each.query[0], each.reference[0]), self._at(each.query[1], each.reference[1])
            pen.line(ends, fill=_LINE, width=LINE)
        near = thresholds()[MAIN].near
        for query, reference, distance in zip(dots.query, dots.reference, dots.distance.tolist(), strict=True):
            x, y = self._at(float(query), float(reference))
            colour = _NEAR if distance <= near else _FAR
            pen.rectangle((x - DOT, y - DOT, x + DOT - 1, y + DOT - 1), fill=colour)
        pen.rectangle(self._box, outline=_INK)
        for moment in moments if segments else ():
            if moment.a is not None and moment.b is not None:
                x, y = self._at(moment.a, moment.b)
                pen.ellipse((x - 10, y - 10, x + 10, y + 10), fill=_PLOT, outline=_INK)
                _write(pen, (x, y), str(moment.number), "mm")

    def _at(self, a: float, b: float) -> tuple[float, float]:
        """The point where two times meet, kept within the edges."""
        left, top, right, bottom = self._box
        x, y = (min(max(at / length, 0.0), 1.0) for at, length in zip((a, b), self._lengths, strict=True))
        return left + x * (right - left), top + y * (bottom - top)


def _length(span: tuple[float, float]) -> float:
    return span[1] - span[0]


def _between(span: tuple[float, float], share: float) -> float:
    return round(span[0] + share * _length(span), 3)


def _fitted(pixels: Pixels | None) -> Image.Image:
    """A picture that fits into a square of THUMBNAIL, or a grey one if there is none."""
    if pixels is None:
        return Image.new("RGB", (THUMBNAIL, THUMBNAIL // 2), _GRID)
    image = Image.frombytes("RGB", (pixels.width, pixels.height), pixels.rgb)
    return ImageOps.contain(image, (THUMBNAIL, THUMBNAIL))


def _write(
    pen: ImageDraw.ImageDraw, at: tuple[float, float], text: str, anchor: str = "la", bold: bool = False
) -> None:
    pen.text(at, text, fill=_INK, font=ImageFont.load_default(LABEL), anchor=anchor, stroke_width=int(bold) * 0.5)

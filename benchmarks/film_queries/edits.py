"""The edits of films: what re-uploaders do, each as a change of every frame and the settings of the encoder.

Strengths are those of the issue's table, drawn per query from a seed where it gives a range.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from random import Random

import cv2
import numpy as np

from film_queries.footage import Frame, resized
from hashmatch.evaluate.scenes import font, place_text, words
from hashmatch.hashers.orientations import ORIENTATIONS, turn

#: A picture and its seconds since the start of the result, to the changed picture.
Change = Callable[[Frame, float], Frame]


@dataclass(frozen=True, slots=True)
class Edit:
    """change: makes the Change of one query, given its randomness and endless frames of an unrelated film.

    height: of the result in pixels, None: as the source. rate: frames a second, None: as the source. speed: seconds of
    the source in one of the result. crf, options: the encoder's.
    """

    name: str
    row: str
    change: Callable[[Random, Iterator[Frame]], Change] = lambda random, other: lambda picture, time: picture
    height: int | None = None
    rate: Fraction | None = None
    speed: float = 1.0
    crf: int = 26
    options: dict[str, str] = field(default_factory=dict)


def edited(
    edit: Edit, pictures: Iterator[Frame], rate: Fraction, random: Random, other: Iterator[Frame]
) -> Iterator[Frame]:
    """The frames of the edited film."""
    change = edit.change(random, other)
    for number, picture in enumerate(pictures):
        result = change(picture, float(number / rate))
        if edit.height is not None:
            width = round(result.shape[1] * edit.height / result.shape[0] / 2) * 2
            result = resized(result, (width, edit.height))
        yield result


def brightness(random: Random, other: Iterator[Frame]) -> Change:
    """Darker by a quarter or brighter by a third."""
    gain, offset = random.choice(((0.75, 0), (1.3, 8), (1.15, 20), (0.8, -10)))
    table = np.clip(np.arange(256) * gain + offset, 0, 255).astype(np.uint8)
    return lambda picture, time: table[picture]


def mirror(random: Random, other: Iterator[Frame]) -> Change:
    return lambda picture, time: picture[:, ::-1]


def turned(orientation: str) -> Callable[[Random, Iterator[Frame]], Change]:
    """orientation: as hashmatch names it, such as rotate90."""
    return lambda random, other: lambda picture, time: np.ascontiguousarray(turn(picture, orientation))


def negative(random: Random, other: Iterator[Frame]) -> Change:
    return lambda picture, time: 255 - picture


def letterbox(random: Random, other: Iterator[Frame]) -> Change:
    """Black bars of 8 to 16 % at both ends, or at both sides."""
    share, sides = random.uniform(0.08, 0.16), random.random() < 0.3

    def change(picture: Frame, time: float) -> Frame:
        height, width = picture.shape[:2]
        down, across = (0, round(width * share)) if sides else (round(height * share), 0)
        return np.pad(picture, ((down, down), (across, across), (0, 0)))

    return change


def inset(ground: str) -> Callable[[Random, Iterator[Frame]], Change]:
    """The film at 70 % of its size, somewhere on a ground: "black", "still" (its own first frame, blurred), "film"."""

    def prepare(random: Random, other: Iterator[Frame]) -> Change:
        left, top = (random.uniform(0.1, 0.9) for _ in range(2))  # of the room that there is
        still: list[Frame] = []

        def change(picture: Frame, time: float) -> Frame:
            height, width = picture.shape[:2]
            if ground == "film":
                canvas = resized(next(other), (width, height)).copy()
            elif ground == "still":
                if not still:
                    still.append(blurred(picture, 0.04))
                canvas = still[0].copy()
            else:
                canvas = np.zeros_like(picture)
            inner = resized(picture, (round(width * 0.7), round(height * 0.7)))
            x, y = round(left * (width - inner.shape[1])), round(top * (height - inner.shape[0]))
            canvas[y : y + inner.shape[0], x : x + inner.shape[1]] = inner
            return canvas

        return change

    return prepare


def logo_and_subtitle(random: Random, other: Iterator[Frame]) -> Change:
    """A half-transparent round logo in a corner; two lines of text on a dark strip, others every three seconds."""
    corner, text, ink = random.randrange(4), Random(random.random()), tuple(random.randint(120, 255) for _ in range(3))
    overlays: dict[int, tuple[Frame, Frame]] = {}

    def change(picture: Frame, time: float) -> Frame:
        turn = int(time / 3)
        if turn not in overlays:
            lines = "\n".join(words(text, text.randint(4, 6)) for _ in range(2))
            overlays[turn] = _overlay(picture.shape[1], picture.shape[0], corner, lines, ink)
        paint, opacity = overlays[turn]
        mixed = picture.astype(np.uint16) * (255 - opacity) + paint.astype(np.uint16) * opacity
        return (mixed // 255).astype(np.uint8)

    return change


def _overlay(width: int, height: int, corner: int, text: str, ink: tuple[int, ...]) -> tuple[Frame, Frame]:
    """Colours (height, width, 3) and opacity (height, width, 1) of what is laid over the film."""
    from PIL import Image, ImageDraw

    sheet = Image.new("RGBA", (width, height))
    draw = ImageDraw.Draw(sheet)
    side = round(0.2 * min(width, height))
    x = 8 if corner % 2 else width - side - 8
    y = 8 if corner < 2 else round(height * 0.72) - side
    draw.ellipse((x, y, x + side, y + side), (20, 40, 30, 160), (*ink, 180), max(2, side // 12))
    draw.text((x + side / 2, y + side / 2), "HM", (*ink, 180), font(side * 0.4), anchor="mm")
    draw.rectangle((width * 0.05, height * 0.8, width * 0.95, height * 0.96), (0, 0, 0, 150))
    place_text(draw, (width / 2, height * 0.88), text, (width * 0.86, height * 0.14), (255, 255, 255))
    painted = np.asarray(sheet)
    return painted[:, :, :3], painted[:, :, 3:].astype(np.uint16)  # type: ignore[return-value]


def crop(share: float) -> Callable[[Random, Iterator[Frame]], Change]:
    """share: what is cut off at each of the four sides, in parts of the picture's side."""

    def change(picture: Frame, time: float) -> Frame:
        height, width = picture.shape[:2]
        down, across = round(height * share), round(width * share)
        return picture[down : height - down, across : width - across]

    return lambda random, other: change


def portrait(random: Random, other: Iterator[Frame]) -> Change:
    """The film in the middle of 270 x 480 (9:16), over its own enlargement, blurred."""

    def change(picture: Frame, time: float) -> Frame:
        height, width = picture.shape[:2]
        scale = max(270 / width, 480 / height)
        large = resized(picture, (max(270, round(width * scale)), max(480, round(height * scale))))
        x, y = (large.shape[1] - 270) // 2, (large.shape[0] - 480) // 2
        canvas = blurred(large[y : y + 480, x : x + 270], 0.03)
        small = min(270 / width, 480 / height)
        inner = resized(picture, (round(width * small), round(height * small)))
        x, y = (270 - inner.shape[1]) // 2, (480 - inner.shape[0]) // 2
        canvas[y : y + inner.shape[0], x : x + inner.shape[1]] = inner
        return canvas

    return change


def filmed_screen(random: Random, other: Iterator[Frame]) -> Change:
    """A screen filmed by hand: turned by a few degrees, a little soft, other gamma, noise, a slight sway."""
    turn, roll = random.uniform(-1, 1), np.deg2rad(random.uniform(-2.5, 2.5))
    tilt, phase, gamma = random.uniform(-1, 1), random.uniform(0, 6), random.uniform(0.85, 1.2)
    noise = np.random.default_rng(random.getrandbits(32))
    table = (255 * (np.arange(256) / 255) ** gamma).astype(np.uint8)

    def change(picture: Frame, time: float) -> Frame:
        height, width = picture.shape[:2]
        corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], np.float64) * 0.97
        depth = 1 + 0.035 * (turn * corners[:, 0] + tilt * corners[:, 1])  # about 4° at a usual distance
        seen = corners / depth[:, None]
        spin = np.array([[np.cos(roll), -np.sin(roll)], [np.sin(roll), np.cos(roll)]])
        half = np.array([width / 2, height / 2])
        sway = 0.004 * width * np.array([np.sin(time * 1.7 + phase), np.cos(time * 1.1 + phase)])
        target = (seen * half) @ spin.T + half + sway
        source = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
        matrix = cv2.getPerspectiveTransform(source, target.astype(np.float32))
        shown = cv2.warpPerspective(picture, matrix, (width, height), borderValue=(24, 22, 20))
        soft = cv2.GaussianBlur(table[shown], (0, 0), max(0.6, width * 0.002))
        grain = noise.integers(-6, 7, (height, width, 1), np.int16)
        return np.clip(soft.astype(np.int16) + grain, 0, 255).astype(np.uint8)

    return change


def blurred(picture: Frame, share: float) -> Frame:
    """share: the Gaussian's standard deviation in parts of the longer side. Done at a quarter of the size."""
    height, width = picture.shape[:2]
    small = resized(picture, (max(1, width // 4), max(1, height // 4)))
    soft = cv2.GaussianBlur(small, (0, 0), share * max(small.shape[:2]))
    return resized(soft, (width, height))  # type: ignore[arg-type]


FIRST, SECOND, TURNED = "row 1", "row 2", "turned"

EDITS: tuple[Edit, ...] = (
    Edit("reencode-240p", FIRST, height=240, crf=28),
    Edit("reencode-144p", FIRST, height=144, crf=30),
    Edit("fps-12", FIRST, rate=Fraction(12)),
    Edit("gop-250", FIRST, options={"x264-params": "keyint=250:scenecut=0"}),
    Edit("brightness", FIRST, brightness),
    Edit("mirror", FIRST, mirror),
    Edit("letterbox", FIRST, letterbox),
    Edit("pip-70-black", FIRST, inset("black")),
    Edit("pip-70-still", FIRST, inset("still")),
    Edit("pip-70-film", FIRST, inset("film")),
    Edit("speed-0.9", FIRST, speed=0.9),
    Edit("speed-1.1", FIRST, speed=1.1),
    Edit("logo-subtitle", SECOND, logo_and_subtitle),
    Edit("crop-10", SECOND, crop(0.05)),
    Edit("crop-10-each-side", SECOND, crop(0.1)),
    Edit("portrait-blurred", SECOND, portrait),
    Edit("screen-filmed", SECOND, filmed_screen),
    *(Edit(name, TURNED, turned(name)) for name in ORIENTATIONS[2:]),
    Edit("inverted", TURNED, negative),
)

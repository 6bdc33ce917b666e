"""A film to the hashes that are kept of it, or that it is searched by: the middle of a film's fingerprint.

Dense reference, sparse query: of a reference every frame is hashed, and those are kept that differ from the last one kept.
A query is looked at where it costs little, and a single frame of it then meets the reference at the very frame it shows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
from PIL import Image

from hashmatch import hashers
from hashmatch.errors import MediaError
from hashmatch.fingerprints.settings import Settings
from hashmatch.hashers.base import Picture
from hashmatch.hashers.frames import WHOLE, FrameArea, hash_frames, quality_of_frames
from hashmatch.hashers.insets import find_inset
from hashmatch.hashers.pdq import hash_exact
from hashmatch.hashers.static_borders import find_areas, is_alike
from hashmatch.i18n import _
from hashmatch.media.opened import Film, Frame
from hashmatch.media.sampling import (
    DISTINCT_BITS,
    EVERY_FRAME,
    HEARTBEAT,
    KEY_FRAMES,
    MOST_A_SECOND,
    QUERY_SIDE,
    STEADY,
    FilmShare,
    Sampling,
)
from hashmatch.records import CUT, LONGEST_FILM, TRIM, WIDE, Glance, Hash, Length

#: Stretches [start, end] of a film, in seconds.
Parts = tuple[tuple[float, float], ...]
#: Asked with what was seen at a glance for the parts that are worth a longer look.
Look = Callable[[Glance], Parts]

#: Asked how many workers share a film of some length.
Sharers = Callable[[Length], int]

#: Seconds from which a film is worth being asked about.
LONG = 60.0
#: Frames, and of a reference seconds, whose borders are looked for at a time.
QUERY_FRAMES, REFERENCE_FRAMES, REFERENCE_SECONDS = 16, 512, 8.0
#: Different borders that a film may have, one after the other; of more the first.
MOST_TRIMS = 8
#: Part of a reach of a reference in which a border must be.
BORDERED = 0.5
#: A film that has fewer key frames is decoded, since it is short.
FEWEST_KEY_FRAMES = 3
#: Frames a second that are hashed exactly, which takes as long as decoding 20.
EXACT_RATE = 1.0
#: Of the frames that a query is decoded at, every how many is searched by the guesses below.
GUESS_EVERY = 2

_CROPPED = {
    # As if this much had been cut off each side: 5 %, 10 %, and 4:3 from the middle of 16:9.
    f"{WIDE}1": (1 / 18, 1 / 18),
    f"{WIDE}2": (1 / 8, 1 / 8),
    f"{WIDE}3": (1 / 6, 0.0),
}
#: Width by height of films that stand in the middle of a picture of another shape, over something that moves.
_SHAPES = (16 / 9, 4 / 3, 9 / 16)
#: The part of each side that a picture in the middle of another one has.
_INSET = 0.7


@dataclass(slots=True)
class FilmReading:
    """What was made of a film so far. size: width and height as shown. end: seconds, of the last frame seen."""

    hashes: list[Hash] = field(default_factory=list)
    size: tuple[int, int] | None = None
    end: float | None = None


def read(
    film: Film,
    settings: Settings,
    footage: FilmReading,
    beat: Callable[[float], None],
    look: Look = lambda glance: (),
    share: FilmShare = FilmShare(),
) -> None:
    """Decode a film, or a share of it, and add its hashes to the footage. Where MediaError is raised, what was added before
    is good."""
    if settings.interval is not None:
        _read_evenly(film, settings.interval, settings, footage, beat)
    elif settings.exact:
        _read_exact(film, settings, footage, beat)
    elif settings.side == "reference":
        _read_all(film, replace(EVERY_FRAME, share=share), settings, footage, beat)
    elif settings.profile == "thorough":
        _read_query(film, replace(STEADY, share=share), settings, footage, beat)
    else:
        _glance(film, settings, footage, look, beat)


def can_be_shared(settings: Settings) -> bool:
    """Whether several workers may decode a film: where it is decoded from end to end."""
    if settings.exact or settings.interval is not None or settings.moments:
        return False
    return settings.side == "reference" or settings.profile == "thorough"


def in_order(hashes: Iterable[Hash]) -> list[Hash]:
    """By time, whoever decoded which share of a film."""
    return sorted(hashes, key=lambda each: (each.time or 0.0, each.algorithm, each.view))


def _glance(film: Film, settings: Settings, footage: FilmReading, look: Look, beat: Callable[[float], None]) -> None:
    """Key frames, and then the parts that these make worth it."""
    damage: MediaError | None = None
    try:
        _read_query(film, KEY_FRAMES, settings, footage, beat)
    except MediaError as error:
        if not footage.hashes:
            raise
        damage = error
    seen = [each.time for each in footage.hashes if each.view == "full" and each.algorithm == "pdq"]
    parts: Parts = ((0.0, LONGEST_FILM),)
    if len(seen) >= FEWEST_KEY_FRAMES:
        parts = look(Glance(tuple(footage.hashes), film.duration))
    if parts:
        closely = replace(STEADY, parts=parts)
        kept = [each for each in footage.hashes if each.time is not None and not closely.wants(each.time)]
        glanced, footage.hashes = footage.hashes, []
        try:
            _read_query(film, closely, settings, footage, beat)
        except MediaError as error:
            damage = damage or error
        if footage.hashes:
            _add(footage, kept, settings)
        else:
            footage.hashes = glanced
    if damage is not None:
        raise damage


def _read_evenly(
    film: Film, interval: float, settings: Settings, footage: FilmReading, beat: Callable[[float], None]
) -> None:
    """Frames at equal intervals, which vPDQ counts in whole frames, whenever they are shown."""
    step = max(1, int(interval * film.rate)) if film.rate else 1

    def chosen() -> Iterator[Frame]:
        due = 0.0
        for number, frame in enumerate(film.frames(Sampling(side=QUERY_SIDE))):
            if number % step == 0 and (film.rate or frame.time + 1e-6 >= due):
                due += interval if due + interval > frame.time else frame.time + interval - due
                yield frame

    for some in _together(chosen(), QUERY_FRAMES, float("inf"), footage, beat):
        squares = np.stack([frame.pixels for frame in some])
        _add(footage, _hashes(some, list(range(len(some))), hash_frames(squares), squares, "full", WHOLE), settings)


def _read_exact(film: Film, settings: Settings, footage: FilmReading, beat: Callable[[float], None]) -> None:
    for frame in film.frames(Sampling(rate=EXACT_RATE)):
        _note(frame, footage, beat)
        bits, quality = hash_exact(frame.pixels)
        _add(footage, [Hash("pdq", bits, quality, frame.time, "full", _version("pdq"))], settings)
        _add_others([frame], settings, footage)


def _read_all(
    film: Film, sampling: Sampling, settings: Settings, footage: FilmReading, beat: Callable[[float], None]
) -> None:
    """Every frame, as a reference is."""
    reach = _Reach(0, footage, settings)
    try:
        for some in _together(film.frames(sampling), REFERENCE_FRAMES, REFERENCE_SECONDS, footage, beat):
            if some[0].reach != reach.number:
                reach.end()
                reach = _Reach(some[0].reach, footage, settings)
            squares = np.stack([frame.pixels for frame in some])
            reach.last = some[-1]
            for name, area in reach.views_of(squares):
                bits = hash_frames(squares, area)
                kept = reach.keeper(name).of(bits, [frame.time for frame in some])
                _add(footage, _hashes(some, kept, bits[kept], squares[kept], name, area), settings)
                if name == "full":
                    _add_others([some[number] for number in kept], settings, footage)
    finally:
        reach.end()


class _Reach:
    """What is remembered of a reach of a reference while it is hashed, and not beyond; see sampling.REACH."""

    def __init__(self, number: int, footage: FilmReading, settings: Settings) -> None:
        self.number, self._settings = number, settings
        self._footage, self._start = footage, len(footage.hashes)
        self._trims, self._keepers = _Trims(), dict[str, _Keeper]()
        self._stretches = 0
        self.last: Frame | None = None

    def views_of(self, squares: npt.NDArray[np.uint8]) -> list[tuple[str, FrameArea]]:
        self._stretches += 1
        return [("full", WHOLE), *self._trims.of(squares)]

    def keeper(self, name: str) -> _Keeper:
        return self._keepers.setdefault(name, _Keeper())

    def end(self) -> None:
        """Drop what seemed a border in a few shots only: it is none, and would double what is stored. And keep the last
        frame, which tells how long the one before it stood."""
        seen, least = self._trims.seen, BORDERED * self._stretches
        kept = [each for each in self._footage.hashes[self._start :] if each.view == "full" or seen[each.view] >= least]
        self._footage.hashes[self._start :] = kept
        if self.last is not None and self.last.time - self.keeper("full").time > 0.999 / MOST_A_SECOND:
            squares = self.last.pixels[None]
            _add(self._footage, _hashes([self.last], [0], hash_frames(squares), squares, "full", WHOLE), self._settings)
            _add_others([self.last], self._settings, self._footage)


def _read_query(
    film: Film, sampling: Sampling, settings: Settings, footage: FilmReading, beat: Callable[[float], None]
) -> None:
    """The frames that are asked for, and of each what it may be a part of, or have a part of in it; all mirrored, too."""
    trims, reach = _Trims(insets=True), 0
    every = 1 if sampling.keys else GUESS_EVERY
    for some in _together(film.frames(sampling), QUERY_FRAMES, float("inf"), footage, beat):
        if some[0].reach != reach:
            trims, reach = _Trims(insets=True), some[0].reach
        squares = np.stack([frame.pixels for frame in some])
        few = list(range(0, len(some), every))
        views = [(name, area, list(range(len(some)))) for name, area in [("full", WHOLE), *trims.of(squares)]]
        views += [(name, area, few) for name, area in guesses(some[0].size, settings.profile == "thorough").items()]
        for name, area, numbers in views:
            own = squares[numbers]
            bits, mirrored = hash_frames(own, area), hash_frames(own, area, mirrored=True)
            _add(footage, _hashes(some, numbers, bits, own, name, area, mirrored), settings)
        _add_others(some, settings, footage)


def guesses(size: tuple[int, int], thorough: bool) -> dict[str, FrameArea]:
    """Areas by which a query is searched, too, whatever can be seen of borders. size: width and height of the frame."""
    areas = {name: FrameArea(-x, -y, 1 + x, 1 + y) for name, (x, y) in _CROPPED.items() if thorough or x == y}
    shape = size[0] / size[1]
    inside = []
    for other in _SHAPES:
        if other > 1.2 * shape and (thorough or shape < 1):
            inside.append((1.0, shape / other))
        elif thorough and other < 1 < shape:
            inside.append((other / shape, 1.0))
    if thorough:
        inside.append((_INSET, _INSET))
    for number, (width, height) in enumerate(inside, 1):
        left, top = (1 - width) / 2, (1 - height) / 2
        areas[f"{CUT}{number}"] = FrameArea(left, top, 1 - left, 1 - top)
    return areas


class _Keeper:
    """Which frames of a reference differ enough from the last one that was kept."""

    def __init__(self) -> None:
        self._bits, self.time = 0, float("-inf")

    def of(self, bits: npt.NDArray[np.uint8], times: list[float]) -> list[int]:
        """The numbers of those to keep. bits: uint8 (n, 32)."""
        kept = []
        for number, (packed, time) in enumerate(zip(bits, times, strict=True)):
            value = int.from_bytes(packed.tobytes(), "big")
            since = time - self.time
            is_new = since > 0.999 / MOST_A_SECOND and (value ^ self._bits).bit_count() > DISTINCT_BITS
            if is_new or since >= HEARTBEAT:
                self._bits, self.time = value, time
                kept.append(number)
        return kept


class _Trims:
    """The parts of a film that something was put around, by name; the same part keeps its name. Of a query also what seems
    to be a film within a picture; of a reference that would be kept wherever somebody stands before a window. seen: in how
    many stretches each was found."""

    def __init__(self, insets: bool = False) -> None:
        self.seen = Counter[str]()
        self._insets = insets
        self._named: list[FrameArea] = []
        self._last: list[int] = []

    def of(self, squares: npt.NDArray[np.uint8]) -> list[tuple[str, FrameArea]]:
        """Those of a stretch of film, or, where none is found, since it may be too dark to see any, of the one before."""
        areas = find_areas(squares)
        inset = find_inset(squares) if self._insets else None
        areas += (inset,) if inset is not None else ()
        # The same part may have been found twice.
        found = [number for number in dict.fromkeys(map(self._number, areas)) if number < MOST_TRIMS]
        self.seen.update(f"{TRIM}{number + 1}" for number in found)
        self._last = found or self._last
        return [(f"{TRIM}{number + 1}", self._named[number]) for number in self._last]

    def _number(self, area: FrameArea) -> int:
        for number, known in enumerate(self._named):
            if is_alike(area, known):
                return number
        self._named.append(area)
        return len(self._named) - 1


def _together(
    frames: Iterator[Frame], most: int, seconds: float, footage: FilmReading, beat: Callable[[float], None]
) -> Iterator[list[Frame]]:
    """Frames of one reach in groups of so many, and of so many seconds, at most. An error comes after the last group."""
    group: list[Frame] = []
    try:
        for frame in frames:
            _note(frame, footage, beat)
            if group and (len(group) >= most or frame.time - group[0].time >= seconds or frame.reach != group[0].reach):
                yield group
                group = []
            group.append(frame)
    except MediaError:
        if group:
            yield group
        raise
    if group:
        yield group


def _note(frame: Frame, footage: FilmReading, beat: Callable[[float], None]) -> None:
    footage.size, footage.end = footage.size or frame.size, frame.time
    beat(frame.time)


def _hashes(
    frames: list[Frame],
    numbers: list[int],
    bits: npt.NDArray[np.uint8],
    squares: npt.NDArray[np.uint8],
    view: str,
    area: FrameArea,
    mirrored: npt.NDArray[np.uint8] | None = None,
) -> list[Hash]:
    """numbers: of the frames that bits, squares and mirrored are of."""
    version = _version("pdq")
    turned = [b""] * len(numbers) if mirrored is None else [each.tobytes() for each in mirrored]
    qualities = quality_of_frames(squares, area).tolist()
    return [
        Hash("pdq", bits[at].tobytes(), qualities[at], frames[number].time, view, version, turned[at])
        for at, number in enumerate(numbers)
    ]


def _add_others(frames: list[Frame], settings: Settings, footage: FilmReading) -> None:
    """The hashes of other algorithms that are asked for."""
    for name in settings.hashers:
        if name != "pdq":
            hasher = hashers.by_name(name)
            for frame in frames:
                image = Image.fromarray(frame.pixels)
                bits, quality = hasher.hash(Picture(image, image.size, settings.exact, frame.time))
                _add(footage, [Hash(name, bits, quality, frame.time, "full", hasher.version)], settings)


def _add(footage: FilmReading, hashes: list[Hash], settings: Settings) -> None:
    limit = settings.limits.max_frames
    # Time stamps may lie; they are cut here, where sampling has used them, so that no frame is lost.
    hashes = [replace(each, time=LONGEST_FILM) if (each.time or 0.0) > LONGEST_FILM else each for each in hashes]
    footage.hashes += hashes if "pdq" in settings.hashers else [each for each in hashes if each.algorithm != "pdq"]
    if len(footage.hashes) > limit:
        del footage.hashes[limit:]
        raise too_many(limit)


def too_many(limit: int) -> MediaError:
    """What is said of a film that has more hashes than are kept."""
    return MediaError("too-large", _("more than {limit:,} hashes; the rest was not examined").format(limit=limit))


def _version(name: str) -> int:
    return hashers.by_name(name).version

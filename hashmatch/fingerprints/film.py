"""A film to its hashes: the middle of a film's fingerprint.

Dense reference, sparse query. Every frame of a reference is hashed, and kept if it differs from the last one that was kept.
A query is decoded only where that is cheap; each of its frames then meets the very frame of the reference that it shows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
from PIL import Image

from hashmatch import hashers
from hashmatch.errors import MediaError
from hashmatch.fingerprints.film_trims import Trims
from hashmatch.fingerprints.settings import Hashing, PlainHashing, QueryHashing, ReferenceHashing, Settings, VpdqHashing
from hashmatch.hashers.base import Picture
from hashmatch.hashers.frames import WHOLE, FrameArea, hash_frames, hash_oriented, quality_of_frames
from hashmatch.hashers.pdq import hash_exact
from hashmatch.media.grounds import LOOK_BITS
from hashmatch.media.opened import Beat, Film, Frame
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
from hashmatch.messages import Message
from hashmatch.records import LONGEST_FILM, Glance, Hash, Length
from hashmatch.views import FULL, ViewKind, ViewName

#: Stretches [start, end] of a film, in seconds.
Parts = tuple[tuple[float, float], ...]
#: Asked, with a film's key frames, which parts of it are worth decoding.
PartsToDecode = Callable[[Glance], Parts]
#: Asked how many workers share a film of this length.
CountSharers = Callable[[Length], int]

#: A film of fewer seconds is not worth sharing.
LONG = 60.0
#: Borders are looked for in this many frames at a time; of a reference, in at most this many seconds.
QUERY_FRAMES, REFERENCE_FRAMES, REFERENCE_SECONDS = 16, 512, 8.0
#: A border counts only if it was found in this share of a reach of a reference.
BORDERED = 0.5
#: A film with fewer key frames is short, and decoded as a whole.
FEWEST_KEY_FRAMES = 3
#: Frames per second to hash exactly; hashing one takes as long as decoding 20.
EXACT_RATE = 1.0
#: Every how many of a query's decoded frames is also searched by the guesses below.
GUESS_EVERY = 2

_CROPPED = {
    # The frame as it was before this much was cropped off each side: 5 %, 10 %, and 4:3 from the middle of 16:9.
    1: (1 / 18, 1 / 18),
    2: (1 / 8, 1 / 8),
    3: (1 / 6, 0.0),
}
#: Width by height of films that others have put in the middle of a frame of another shape, over a moving background.
_SHAPES = (16 / 9, 4 / 3, 9 / 16)
#: The width and height of a picture in the middle of another one, as shares of the outer ones.
_INSET = 0.7


@dataclass(slots=True)
class FilmReading:
    """What has been made of a film so far. size: width and height as shown. end: time of the last frame, in seconds."""

    hashes: list[Hash] = field(default_factory=list)
    size: tuple[int, int] | None = None
    end: float | None = None


def read(
    film: Film,
    settings: Hashing,
    reading: FilmReading,
    beat: Beat,
    parts_to_decode: PartsToDecode = lambda glance: (),
    share: FilmShare = FilmShare(),
) -> None:
    """Decode a film, or a share of it, and add its hashes to the reading.

    beat: see opened.Beat. parts_to_decode: see PartsToDecode.
    Raises MediaError if the film is damaged or over a limit; what is in the reading by then is good.
    """
    match settings:
        case VpdqHashing():
            _read_evenly(film, settings, reading, beat)
        case PlainHashing(exact=True):
            _read_exact(film, settings, reading, beat)
        case PlainHashing() | ReferenceHashing():
            _read_all(film, replace(EVERY_FRAME, share=share), settings, reading, beat)
        case QueryHashing(profile="thorough"):
            _read_query(film, replace(STEADY, share=share), settings, reading, beat)
        case QueryHashing():
            _glance(film, settings, reading, parts_to_decode, beat)


def can_be_shared(settings: Settings) -> bool:
    """Whether several workers may decode a film: only if it is decoded from end to end."""
    match settings:
        case PlainHashing():
            return not settings.exact
        case QueryHashing():
            return settings.profile == "thorough"
    return isinstance(settings, ReferenceHashing)


def in_order(hashes: Iterable[Hash]) -> list[Hash]:
    """Hashes by time, whichever worker decoded them."""
    return sorted(hashes, key=lambda each: (each.time or 0.0, each.algorithm, each.view))


def _glance(
    film: Film,
    settings: QueryHashing,
    reading: FilmReading,
    parts_to_decode: PartsToDecode,
    beat: Beat,
) -> None:
    """Hash the key frames, then the parts of the film that these make worth decoding."""
    damage: MediaError | None = None
    try:
        _read_query(film, KEY_FRAMES, settings, reading, beat)
    except MediaError as error:
        if not reading.hashes:
            raise
        damage = error
    seen = [each.time for each in reading.hashes if each.view == FULL and each.algorithm == "pdq"]
    parts: Parts = ((0.0, LONGEST_FILM),)
    if len(seen) >= FEWEST_KEY_FRAMES:
        parts = parts_to_decode(Glance(tuple(reading.hashes), film.duration))
    if parts:
        closely = replace(STEADY, parts=parts)
        kept = [each for each in reading.hashes if each.time is not None and not closely.wants(each.time)]
        glanced, reading.hashes = reading.hashes, []
        try:
            _read_query(film, closely, settings, reading, beat)
        except MediaError as error:
            damage = damage or error
        if reading.hashes:
            _add(reading, kept, settings)
        else:
            reading.hashes = glanced
    if damage is not None:
        raise damage


def _read_evenly(film: Film, settings: VpdqHashing, reading: FilmReading, beat: Beat) -> None:
    """Hash frames at equal intervals. vPDQ counts an interval in whole frames, whatever their times are."""
    interval = settings.interval
    step = max(1, int(interval * film.rate)) if film.rate else 1

    def chosen() -> Iterator[Frame]:
        due = 0.0
        for number, frame in enumerate(film.frames(Sampling(side=QUERY_SIDE), beat)):
            if number % step == 0 and (film.rate or frame.time + 1e-6 >= due):
                due += interval if due + interval > frame.time else frame.time + interval - due
                yield frame

    for some in _together(chosen(), QUERY_FRAMES, float("inf"), reading):
        squares = np.stack([frame.pixels for frame in some])
        _add(reading, _hashes(some, list(range(len(some))), hash_frames(squares), squares, FULL, WHOLE), settings)


def _read_exact(film: Film, settings: Hashing, reading: FilmReading, beat: Beat) -> None:
    for frame in film.frames(Sampling(rate=EXACT_RATE), beat):
        _note(frame, reading)
        bits, quality = hash_exact(frame.pixels)
        _add(reading, [Hash("pdq", bits, quality, frame.time, FULL, _version("pdq"))], settings)
        _add_others([frame], settings, reading)


def _read_all(film: Film, sampling: Sampling, settings: Hashing, reading: FilmReading, beat: Beat) -> None:
    """Hash every frame, and keep those that differ: how a reference is read."""
    reach = _Reach(0, reading, settings)
    try:
        for some in _together(film.frames(sampling, beat), REFERENCE_FRAMES, REFERENCE_SECONDS, reading):
            if some[0].reach != reach.number:
                reach.end()
                reach = _Reach(some[0].reach, reading, settings)
            squares = np.stack([frame.pixels for frame in some])
            reach.last = some[-1]
            for name, area in reach.views_of(squares):
                bits = hash_frames(squares, area)
                kept = reach.keeper(name).of(bits, [frame.time for frame in some])
                _add(reading, _hashes(some, kept, bits[kept], squares[kept], name, area), settings)
                if name == FULL:
                    _add_others([some[number] for number in kept], settings, reading)
            for name, looks in _looks_of(some).items():
                squares = np.stack([look.pixels for look in looks])
                bits = hash_frames(squares)
                kept = reach.keeper(name).of(bits, [look.time for look in looks])
                _add(reading, _hashes(looks, kept, bits[kept], squares[kept], name, WHOLE), settings)
    finally:
        reach.end()


class _Reach:
    """What is remembered while one reach of a reference is hashed, and then forgotten; see sampling.REACH."""

    def __init__(self, number: int, reading: FilmReading, settings: Hashing) -> None:
        self.number, self._settings = number, settings
        self._reading, self._start = reading, len(reading.hashes)
        self._trims, self._keepers = Trims(), dict[str, _Keeper]()
        self._stretches = 0
        self.last: Frame | None = None

    def views_of(self, squares: npt.NDArray[np.uint8]) -> list[tuple[str, FrameArea]]:
        self._stretches += 1
        return [(FULL, WHOLE), *self._trims.of(squares)]

    def keeper(self, name: str) -> _Keeper:
        return self._keepers.setdefault(name, _Keeper())

    def end(self) -> None:
        """Drop views whose border was seen in a few shots only: it is not a border, and they would double what is stored.
        And keep the last frame, which says how long the one before it was shown."""
        seen, least = self._trims.seen, BORDERED * self._stretches
        found = self._reading.hashes[self._start :]
        self._reading.hashes[self._start :] = [e for e in found if e.view not in seen or seen[e.view] >= least]
        if self.last is not None and self.last.time - self.keeper(FULL).time > 0.999 / MOST_A_SECOND:
            squares = self.last.pixels[None]
            _add(self._reading, _hashes([self.last], [0], hash_frames(squares), squares, FULL, WHOLE), self._settings)
            _add_others([self.last], self._settings, self._reading)


def _read_query(film: Film, sampling: Sampling, settings: QueryHashing, reading: FilmReading, beat: Beat) -> None:
    """Hash the frames that the sampling asks for: whole, without borders, and by guesses.

    All of it is hashed mirrored, too, and half of the frames, but for the guesses, in all orientations.
    """
    trims, reach = Trims(insets=True), 0
    every = 1 if sampling.keys else GUESS_EVERY
    for some in _together(film.frames(sampling, beat), QUERY_FRAMES, float("inf"), reading):
        if some[0].reach != reach:
            trims, reach = Trims(insets=True), some[0].reach
        squares = np.stack([frame.pixels for frame in some])
        few = list(range(0, len(some), every))
        rest = [number for number in range(len(some)) if number % every]
        for name, area in [(FULL, WHOLE), *trims.of(squares)]:
            oriented = hash_oriented(squares[few], area)
            _add(reading, _hashes(some, few, oriented[:, 0], squares[few], name, area, oriented[:, 1:]), settings)
            _add(reading, _mirrored(some, rest, squares[rest], name, area), settings)
        for name, area in guesses(some[0].size, settings.profile == "thorough").items():
            _add(reading, _mirrored(some, few, squares[few], name, area), settings)
        for name, looks in _looks_of(some).items():
            own, numbers = np.stack([look.pixels for look in looks]), list(range(len(looks)))
            _add(reading, _mirrored(looks, numbers, own, name, WHOLE), settings)
        _add_others(some, settings, reading)


def _looks_of(frames: list[Frame]) -> dict[str, list[Frame]]:
    """The further looks of frames that are other pictures by PDQ, each as a frame by itself, by the name of the view."""
    looks: dict[str, list[Frame]] = {}
    for frame in frames:
        for name, square in frame.looks:
            both = hash_frames(np.stack([frame.pixels, square]))
            if np.bitwise_count(both[0] ^ both[1]).sum() > LOOK_BITS[name]:
                looks.setdefault(name, []).append(replace(frame, pixels=square, looks=()))
    return looks


def guesses(size: tuple[int, int], thorough: bool) -> dict[str, FrameArea]:
    """Further areas by which a query is searched for, whether or not a border can be seen: a wider frame from which it may
    have been cropped, a picture that may be in its middle. size: width and height of the frame. thorough: more of them."""
    areas = {
        str(ViewName(ViewKind.WIDE, number)): FrameArea(-x, -y, 1 + x, 1 + y)
        for number, (x, y) in _CROPPED.items()
        if thorough or x == y
    }
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
        areas[str(ViewName(ViewKind.CUT, number))] = FrameArea(left, top, 1 - left, 1 - top)
    return areas


class _Keeper:
    """Decides which frames of a reference to keep: those that differ enough from the last one kept."""

    def __init__(self) -> None:
        self._bits, self.time = 0, float("-inf")

    def of(self, bits: npt.NDArray[np.uint8], times: list[float]) -> list[int]:
        """The numbers of the frames to keep. bits: uint8 (n, 32), PDQ of each. times: in seconds."""
        kept = []
        for number, (packed, time) in enumerate(zip(bits, times, strict=True)):
            value = int.from_bytes(packed.tobytes(), "big")
            since = time - self.time
            is_new = since > 0.999 / MOST_A_SECOND and (value ^ self._bits).bit_count() > DISTINCT_BITS
            if is_new or since >= HEARTBEAT:
                self._bits, self.time = value, time
                kept.append(number)
        return kept


def _together(frames: Iterator[Frame], most: int, seconds: float, reading: FilmReading) -> Iterator[list[Frame]]:
    """Groups of frames: of one reach, at most `most` frames and `seconds` seconds. An error comes after the last group."""
    group: list[Frame] = []
    try:
        for frame in frames:
            _note(frame, reading)
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


def _note(frame: Frame, reading: FilmReading) -> None:
    reading.size, reading.end = reading.size or frame.size, frame.time


def _hashes(
    frames: list[Frame],
    numbers: list[int],
    bits: npt.NDArray[np.uint8],
    squares: npt.NDArray[np.uint8],
    view: str,
    area: FrameArea,
    others: npt.NDArray[np.uint8] | None = None,
) -> list[Hash]:
    """Hashes of some of the frames. numbers: which; bits, squares and others, the hashes in other orientations, have a row
    for each of these."""
    version = _version("pdq")
    turned = [b""] * len(numbers) if others is None else [each.tobytes() for each in others]
    qualities = quality_of_frames(squares, area).tolist()
    return [
        Hash("pdq", bits[at].tobytes(), qualities[at], frames[number].time, view, version, turned[at])
        for at, number in enumerate(numbers)
    ]


def _mirrored(
    frames: list[Frame], numbers: list[int], squares: npt.NDArray[np.uint8], view: str, area: FrameArea
) -> list[Hash]:
    """Hashes of some of the frames, upright and mirrored. numbers: which; squares has a row for each of these."""
    bits, mirrored = hash_frames(squares, area), hash_frames(squares, area, mirrored=True)
    return _hashes(frames, numbers, bits, squares, view, area, mirrored)


def _add_others(frames: list[Frame], settings: Hashing, reading: FilmReading) -> None:
    """Add the hashes of the other algorithms that the settings ask for."""
    for name in settings.hashers:
        if name != "pdq":
            hasher = hashers.by_name(name)
            for frame in frames:
                image = Image.fromarray(frame.pixels)
                bits, quality = hasher.hash(Picture(image, image.size, settings.exact, frame.time))
                _add(reading, [Hash(name, bits, quality, frame.time, FULL, hasher.version)], settings)


def _add(reading: FilmReading, hashes: list[Hash], settings: Hashing) -> None:
    limit = settings.limits.max_frames
    # Time stamps may lie; they are cut here, where sampling has used them, so that no frame is lost.
    hashes = [replace(each, time=LONGEST_FILM) if (each.time or 0.0) > LONGEST_FILM else each for each in hashes]
    reading.hashes += hashes if "pdq" in settings.hashers else [each for each in hashes if each.algorithm != "pdq"]
    if len(reading.hashes) > limit:
        del reading.hashes[limit:]
        raise too_many(limit)


def too_many(limit: int) -> MediaError:
    """The error of a film that has more hashes than are kept."""
    return MediaError("too-large", Message.of("hash-limit", limit=limit))


def _version(name: str) -> int:
    return hashers.by_name(name).version

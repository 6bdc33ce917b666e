"""Which films are asked about, what is known, and what the truth is. Everything follows from the seed.

A `Query` is a recipe: planning costs no decoding but the lengths of the originals, and a query that lies in the folder
from an earlier run is not made again.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from random import Random

from film_queries.edits import EDITS, Edit, edited
from film_queries.footage import Frame, fitted, frames, length, rate, resized, shape, write
from film_queries.made_up import LEADER, MADE_UP

WINDOW = 20.0
#: Clips below this are no references; they serve as the unrelated footage.
SHORTEST_REFERENCE = 6.0
#: The joined film: its size, its rate, and how much of each clip is in it at most.
JOINED_SIZE, JOINED_RATE, JOINED_MOST = (640, 360), Fraction(25), 60.0
CLIPS, COMPILATION, INTRO, VPDQ = "clip {:g} s", "compilation of three", "intro and outro", "Meta's edits"
UNRELATED, GENERATED, LEADERS, LATER = "leave one out", "made up", "shared leader", "same scene later"
OPENINGS = "one reference's intro"
#: The originals among Meta's films.
META = ("chair-orig-22-sd-bar.mp4", "pattern-hd-no-bar.mp4")
#: Films of one camera that stands still.
STATIC = ("bottle-detection", "car-detection", "one-by-one-person-detection", "chair-orig")


@dataclass(frozen=True, slots=True)
class Film:
    """An original. group: what counts as the same film; seconds: its length."""

    path: Path
    group: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Truth:
    """That `query` (start and end in seconds) of the query is `reference` of a film of that group."""

    group: str
    query: tuple[float, float]
    reference: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Query:
    """truth: empty where nothing may be found `near`. known: the set of references it is held against; without: the
    group of them that is left out. make: writes the film to a path; path: a film that exists already instead."""

    name: str
    edit: str
    row: str
    known: str
    truth: tuple[Truth, ...] = ()
    make: Callable[[Path], None] | None = None
    path: Path | None = None
    without: str | None = None


def corpus_films(corpus: Path) -> tuple[list[Film], list[Film], list[Film]]:
    """The references, their twins (the same film in another encoding), and films too short to be references."""
    paths = [
        *sorted((corpus / "videos").iterdir()),
        *(corpus / "vpdq" / name for name in (*META, "doorknob-hd-no-bar.mp4")),
    ]
    films: dict[str, Film] = {}
    twins, strangers = [], []
    for path in paths:
        film = Film(path, group_of(path), length(path))
        if film.seconds < SHORTEST_REFERENCE:
            strangers.append(film)
        elif film.group in films:
            twins.append(film)
        else:
            films[film.group] = film
    return list(films.values()), twins, strangers


def group_of(path: Path) -> str:
    """A short name for the film that a file of the corpus shows."""
    name = path.stem.split("__")[-1]
    return {"rabbit320": "rabbit"}.get(name, name.split("-")[0] if path.parent.name == "vpdq" else name)


@dataclass(frozen=True, slots=True)
class Window:
    film: Film
    start: float
    end: float


def windows(films: Sequence[Film], count: int, seconds: float, random: Random) -> list[Window]:
    """So many windows, spread over the films: each film once, the longest first, before any is taken again."""
    longest = sorted(films, key=lambda film: -film.seconds)
    chosen = []
    for film in itertools.islice(itertools.cycle(longest), count):
        long = min(seconds, film.seconds)
        start = round(random.uniform(0, film.seconds - long), 2)
        chosen.append(Window(film, start, start + long))
    return chosen


def edit_queries(films: Sequence[Film], strangers: Sequence[Film], count: int, seed: int) -> Iterator[Query]:
    """Every edit of every window; the windows are the same for all edits."""
    for number, window in enumerate(windows(films, count, WINDOW, Random(seed))):
        for edit in EDITS:
            name = f"{edit.name}-{number:02}"
            length = (window.end - window.start) / edit.speed
            truth = Truth(window.film.group, (0.0, length), (window.start, window.end))

            def make(path: Path, edit: Edit = edit, window: Window = window, name: str = name) -> None:
                random = Random(f"{seed} {name}")
                per_second = edit.rate or rate(window.film.path)
                pictures = frames(window.film.path, window.start, window.end, per_second, edit.speed)
                other = unrelated(strangers, shape(window.film.path), per_second, random)
                write(path, edited(edit, pictures, per_second, random, other), per_second, edit.crf, edit.options)

            yield Query(name, edit.name, edit.row, "clips", (truth,), make)


def unrelated(
    strangers: Sequence[Film], size: tuple[int, int], per_second: Fraction, random: Random
) -> Iterator[Frame]:
    """Frames of films that are no references, one after the other, for ever. Each is decoded as it is needed."""
    order = list(strangers)
    random.shuffle(order)
    for film in itertools.cycle(order):
        for picture in frames(film.path, 0, film.seconds, per_second):
            yield resized(picture, size)


def joined_parts(films: Sequence[Film], seed: int) -> list[Window]:
    """The parts of the joined film, in its order."""
    parts = [Window(film, 0.0, min(film.seconds, JOINED_MOST)) for film in films]
    Random(seed).shuffle(parts)
    return parts


def joined_length(parts: Iterable[Window]) -> float:
    """Seconds, in whole frames of each part."""
    return sum(float(round((part.end - part.start) * JOINED_RATE) / JOINED_RATE) for part in parts)


def make_joined(parts: Sequence[Window], path: Path) -> None:
    def pictures() -> Iterator[Frame]:
        for part in parts:
            for picture in frames(part.film.path, part.start, part.end, JOINED_RATE):
                yield fitted(picture, JOINED_SIZE)

    write(path, pictures(), JOINED_RATE, crf=22)


def clip_queries(film: Film, count: int, seed: int) -> Iterator[Query]:
    """Clips of 5, 10 and 20 s out of a long film, re-encoded at 240p."""
    for seconds in (5.0, 10.0, 20.0):
        random = Random(f"{seed} {seconds}")
        edit = CLIPS.format(seconds)
        for number in range(count):
            start = round(random.uniform(0, film.seconds - seconds), 2)
            window = Window(film, start, start + seconds)
            truth = Truth(film.group, (0.0, seconds), (start, start + seconds))

            def make(path: Path, window: Window = window) -> None:
                pictures = frames(window.film.path, window.start, window.end, JOINED_RATE)
                write(path, (resized(picture, (426, 240)) for picture in pictures), JOINED_RATE, 28)

            yield Query(f"clip-{seconds:g}-{number:02}", edit, edit, "joined", (truth,), make)


def sequence(parts: Sequence[Window | Iterator[Frame]], path: Path, per_second: Fraction) -> None:
    """Write films one after the other, each fitted into 480 x 270."""

    def pictures() -> Iterator[Frame]:
        for part in parts:
            shown = frames(part.film.path, part.start, part.end, per_second) if isinstance(part, Window) else part
            for picture in shown:
                yield fitted(picture, (480, 270))

    write(path, pictures(), per_second)


def compilation_queries(films: Sequence[Film], count: int, seed: int) -> Iterator[Query]:
    """Pieces of 6 to 12 s out of three references, one after the other."""
    for number in range(count):
        random = Random(f"{seed} compilation {number}")
        parts, truth, now = [], [], Fraction(0)
        for film in random.sample(sorted(films, key=lambda film: film.group), 3):
            whole = min(round(film.seconds * JOINED_RATE), round(random.uniform(6, 12) * JOINED_RATE))
            seconds = Fraction(whole) / JOINED_RATE
            start = round(random.uniform(0, max(0.0, film.seconds - float(seconds))), 2)
            parts.append(Window(film, start, start + float(seconds)))
            truth.append(Truth(film.group, (float(now), float(now + seconds)), (start, start + float(seconds))))
            now += seconds

        def make(path: Path, parts: Sequence[Window] = parts) -> None:
            sequence(parts, path, JOINED_RATE)

        yield Query(f"compilation-{number:02}", COMPILATION, COMPILATION, "clips", tuple(truth), make)


def intro_queries(films: Sequence[Film], strangers: Sequence[Film], count: int, seed: int) -> Iterator[Query]:
    """A window between 10 s of unrelated footage before and after."""
    for number, window in enumerate(windows(films, count, WINDOW, Random(f"{seed} intro"))):
        seconds = float(round((window.end - window.start) * JOINED_RATE) / JOINED_RATE)
        truth = Truth(window.film.group, (10.0, 10.0 + seconds), (window.start, window.start + seconds))

        def make(path: Path, window: Window = window, number: int = number) -> None:
            other = unrelated(strangers, (480, 270), JOINED_RATE, Random(number))
            around = round(10 * JOINED_RATE)
            sequence((itertools.islice(other, around), window, itertools.islice(other, around)), path, JOINED_RATE)

        yield Query(f"intro-{number:02}", INTRO, INTRO, "clips", (truth,), make)


def vpdq_queries(folder: Path, references: Sequence[Film]) -> Iterator[Query]:
    """Meta's own edits of the chair and the pattern, as they are. Of those that are shorter the beginning was cut off, as
    the published hashes of their first frames show."""
    lengths = {film.group: film.seconds for film in references}
    own = {film.path for film in references}
    for path in sorted(folder.glob("*.mp4")):
        group = path.name.split("-")[0]
        if group in ("chair", "pattern") and path not in own:
            seconds = length(path)
            cut = max(0.0, lengths[group] - seconds)
            truth = Truth(group, (0.0, min(seconds, lengths[group])), (cut, lengths[group]))
            yield Query(f"vpdq-{path.stem}", VPDQ, VPDQ, "clips", (truth,), path=path)


def negative_queries(films: Sequence[Film], seed: int) -> Iterator[Query]:
    """Each original against all others; films that are made up; all as they come from a camera or a program."""
    for film in films:
        yield Query(f"without-{film.path.stem}", UNRELATED, UNRELATED, "clips", path=film.path, without=film.group)
    for name, made in MADE_UP.items():

        def make(path: Path, made: Callable[[Random], Iterator[Frame]] = made, name: str = name) -> None:
            write(path, made(Random(f"{seed} {name}")), JOINED_RATE)

        yield Query(f"made-up-{name}", GENERATED, GENERATED, "clips", make=make)


def leader_films(films: Sequence[Film]) -> list[Window]:
    """Those that are known with a leader before them, and last the one that is asked about."""
    chosen = sorted((film for film in films if not is_static(film)), key=lambda film: film.path.name)[:7]
    return [Window(film, 0.0, min(film.seconds, 10.0)) for film in chosen]


def make_with_leader(window: Window | None, path: Path) -> None:
    leader = (picture for name in LEADER for picture in MADE_UP[name](Random(0)))
    sequence((leader,) if window is None else (leader, window), path, JOINED_RATE)


def leader_queries(films: Sequence[Film]) -> Iterator[Query]:
    """Films that share nothing with what is known but a leader: countdown, bars, black."""
    stranger = leader_films(films)[-1]
    yield Query("leader-alone", LEADERS, LEADERS, "leaders", make=lambda path: make_with_leader(None, path))
    yield Query("leader-other", LEADERS, LEADERS, "leaders", make=lambda path: make_with_leader(stranger, path))


def opening_queries(films: Sequence[Film], strangers: Sequence[Film], count: int) -> Iterator[Query]:
    """Films of 9 s, of which 6 are what a reference begins with. Nothing may be found `near`."""
    longest = sorted((film for film in films if not is_static(film)), key=lambda film: -film.seconds)
    for number, film in enumerate(longest[:count]):

        def make(path: Path, film: Film = film, number: int = number) -> None:
            other = unrelated(strangers, (480, 270), JOINED_RATE, Random(number))
            rest = itertools.islice(other, round(3 * JOINED_RATE))
            sequence((Window(film, 0.0, 6.0), rest), path, JOINED_RATE)

        yield Query(f"opening-{number:02}", OPENINGS, OPENINGS, "clips", make=make)


def is_static(film: Film) -> bool:
    return any(name in film.path.name for name in STATIC)


def make_half(film: Film, first: bool, path: Path) -> None:
    half = film.seconds / 2
    pictures = frames(film.path, 0.0 if first else half, half if first else film.seconds, rate(film.path))
    write(path, (picture for picture in pictures), rate(film.path))


def later_queries(films: Sequence[Film]) -> Iterator[Query]:
    """The second half of what a standing camera saw, where the first half is known."""
    for film in films:
        if is_static(film):
            yield Query(
                f"later-{film.path.stem}",
                LATER,
                LATER,
                "halves",
                make=lambda path, film=film: make_half(film, False, path),  # type: ignore[misc]
            )

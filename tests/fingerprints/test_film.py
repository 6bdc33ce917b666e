"""A film's hashes: dense for a reference, sparse for a query."""

from __future__ import annotations

import itertools
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from hashmatch.errors import MediaError
from hashmatch.fingerprints.film import FilmReading, Parts, guesses, in_order, read
from hashmatch.fingerprints.settings import Hashing, QueryHashing, ReferenceHashing
from hashmatch.hashers.frames import FrameArea, hash_frames, hash_oriented
from hashmatch.hashers.pdq import hash_luma
from hashmatch.media import Film, Limits
from hashmatch.media.opened import Beat, Frame, unheard
from hashmatch.media.sampling import DISTINCT_BITS, EVERY_FRAME, HEARTBEAT, MOST_A_SECOND, REACH, SampleClock, Sampling
from hashmatch.messages import Message
from hashmatch.records import LONGEST_FILM, Glance, Hash
from tests.support.opened_media import opened_film
from tests.support.still_files import ANIMATIONS, animated

Square = npt.NDArray[np.uint8]
THOROUGH = QueryHashing(profile="thorough")
FAST = QueryHashing(profile="fast")


def square(seed: int, side: int = 128, box: tuple[int, int, int, int] = (0, 0, 128, 128)) -> Square:
    """A rough picture in a part of the square, in 128ths of it; the rest is black."""
    left, top, right, bottom = (edge * side // 128 for edge in box)
    coarse = Image.fromarray(np.random.default_rng(seed).integers(60, 200, (20, 20), np.uint8))
    # Of a larger one, as its own edges are plain.
    inner = coarse.resize((right - left, bottom - top), Image.Resampling.BICUBIC, (2, 2, 18, 18))
    sheet = np.zeros((side, side), np.uint8)
    sheet[top:bottom, left:right] = inner
    return sheet


#: Where a film with black bars above and below is, in 128ths.
BARS = (0, 20, 128, 108)


class Made:
    """A film of given pictures, which notes what is asked of it. keys: every so many frames is a key frame. breaks: after
    so many frames of each pass comes MediaError. barred: so many seconds have black bars."""

    def __init__(
        self, shots: list[tuple[int, float]], rate: float = 10, keys: int = 10, breaks: int | None = None
    ) -> None:
        """shots: seed and seconds of each."""
        seeds = [seed for seed, seconds in shots for _number in range(round(seconds * rate))]
        self.seeds, self.rate, self.keys, self.breaks = seeds, rate, keys, breaks
        self.barred = 0.0
        self.asked: list[Sampling] = []

    def film(self) -> Film:
        return Film(len(self.seeds) / self.rate, "made", self._frames, lambda moments, side, beat: ())

    def _frames(self, sampling: Sampling, beat: Beat = unheard) -> Iterator[Frame]:
        self.asked.append(sampling)
        clock, given = SampleClock(sampling.rate), 0
        for number, seed in enumerate(self.seeds):
            time = number / self.rate
            if (sampling.keys and number % self.keys) or not sampling.wants(time) or not clock.due(time):
                continue
            if self.breaks is not None and given >= self.breaks:
                raise MediaError("partial", Message.literal("cut off"))
            given += 1
            beat(time, 320 * 180)
            shown = square(seed, sampling.side, BARS) if time < self.barred else square(seed, sampling.side)
            yield Frame(shown, time, (320, 180), int(time / REACH))


def hashed(
    made: Made, settings: Hashing = ReferenceHashing(), look: Any = lambda glance: (), fails: bool = False
) -> list[Hash]:
    footage = FilmReading()
    if fails:
        with pytest.raises(MediaError):
            read(made.film(), settings, footage, unheard, look)
    else:
        read(made.film(), settings, footage, unheard, look)
        assert footage.size == (320, 180)
    return in_order(footage.hashes)


def times(hashes: list[Hash], view: str = "full", algorithm: str = "pdq") -> list[float]:
    return [each.time or 0.0 for each in hashes if (each.view, each.algorithm) == (view, algorithm)]


def plain_reference(made: Made) -> list[tuple[float, bytes]]:
    """By the rule, frame by frame: kept if over 31 bits from the last kept one and a tenth of a second later, or five
    seconds later; each reach begins anew, and ends with its last frame."""
    kept: list[tuple[float, bytes]] = []
    reach = -1
    for number, seed in enumerate(made.seeds):
        time = number / made.rate
        bits, _quality = hash_luma(square(seed).astype(np.float32), (512, 512))
        is_last = number + 1 == len(made.seeds) or int((number + 1) / made.rate / REACH) != int(time / REACH)
        if int(time / REACH) != reach:
            reach, is_new = int(time / REACH), True
        else:
            since = time - kept[-1][0]
            away = (int.from_bytes(bits, "big") ^ int.from_bytes(kept[-1][1], "big")).bit_count()
            may = since > 0.999 / MOST_A_SECOND
            is_new = (away > DISTINCT_BITS and may) or since >= HEARTBEAT or (is_last and may)
        if is_new:
            kept.append((time, bits))
    return kept


# A reference.


@pytest.mark.parametrize("seed", range(6))
def test_a_reference_is_what_the_rule_says(seed: int) -> None:
    """Shots of a frame to twelve seconds, at rates below and above the most that is kept, over more than one reach."""
    chance = np.random.default_rng(seed)
    rate = float(chance.choice([5, 10, 25]))
    shots = [(int(chance.integers(1000)), float(chance.choice([1 / rate, 0.2, 1, 3, 12]))) for _number in range(25)]
    made = Made(shots, rate)
    found, expected = hashed(made), plain_reference(made)
    assert times(found) == [time for time, _bits in expected]
    full = [each.bits for each in found if each.view == "full"]
    away = [
        (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).bit_count()
        for one, (_time, other) in zip(full, expected, strict=True)
    ]
    assert max(away) <= 2, "ties at the median are decided by rounding"
    assert made.asked == [EVERY_FRAME]


def test_a_change_is_kept_at_the_frame_where_it_is() -> None:
    assert times(hashed(Made([(1, 0.5), (2, 0.7), (3, 1.1), (1, 0.4)]))) == pytest.approx([0, 0.5, 1.2, 2.3, 2.6])


def test_a_static_film_has_a_heartbeat() -> None:
    assert times(hashed(Made([(1, 23)]))) == [0, 5, 10, 15, 20, 22.9]


def test_a_film_that_flickers_is_kept_at_most_so_often() -> None:
    kept = times(hashed(Made([(seed, 0.02) for seed in range(150)], rate=50)))
    assert all(after - before > 0.999 / MOST_A_SECOND for before, after in itertools.pairwise(kept))
    assert len(kept) == 30


def test_borders_of_a_reference_are_taken_off() -> None:
    made = Made([(seed, 1) for seed in range(20)])
    whole = hashed(made)
    assert {each.view for each in whole} == {"full"}
    made.barred = 20
    found = hashed(made)
    assert times(found, "trim1") == list(range(20)) and times(found) == [*range(20), 19.9]
    inner = [each for each in found if each.view == "trim1"]
    for one, other in zip(inner, whole[:20], strict=True):
        assert (int.from_bytes(one.bits, "big") ^ int.from_bytes(other.bits, "big")).bit_count() <= 16


def test_borders_in_less_than_half_of_a_reference_are_none() -> None:
    made = Made([(seed, 1) for seed in range(40)])
    made.barred = 16
    assert {each.view for each in hashed(made)} == {"full"}
    made.barred = 33
    assert "trim1" in {each.view for each in hashed(made)}


# A query.


def test_a_thorough_query() -> None:
    made = Made([(seed, 1) for seed in range(10)])
    found = hashed(made, THOROUGH)
    dense = [0, 0.3, 0.5, 0.8, 1, 1.3, 1.5, 1.8, 2, 2.3, 2.5, 2.8, 3, 3.3, 3.5, 3.8]
    assert times(found) == pytest.approx(dense + [n / 2 for n in range(8, 20)])
    (sampling,) = made.asked
    assert (sampling.keys, sampling.parts, sampling.side) == (False, None, 256)
    areas = guesses((320, 180), thorough=True)
    assert {"wide1", "wide2", "wide3", "cut1"} <= set(areas)
    for name in areas:
        assert times(found, name) == pytest.approx(times(found)[::2])
    for each in found:
        own = square(made.seeds[round((each.time or 0) * 10)], 256)[None]
        area = areas.get(each.view, FrameArea())
        if each.view == "full" or each.view in areas:
            assert each.bits == hash_frames(own, area)[0].tobytes()
            others = hash_oriented(own, area)[0, 1:]
            # Every other frame is hashed in all orientations, but guesses at a part of it never.
            is_turned = each.view == "full" and times(found).index(each.time or 0.0) % 2 == 0
            assert each.turned == others[: 7 if is_turned else 1].tobytes()


def test_a_fast_query_that_meets_nothing() -> None:
    made = Made([(seed, 2) for seed in range(20)], keys=20)
    asked: list[Glance] = []
    found = hashed(made, FAST, lambda glance: asked.append(glance) or ())
    assert times(found) == [n * 2.0 for n in range(20)]
    ((glance,),) = (asked,)
    assert glance.duration == 40 and in_order(glance.hashes) == found
    assert [sampling.keys for sampling in made.asked] == [True]
    assert all(len(each.turned) == (7 * 32 if each.view == "full" else 32) for each in found)
    assert {"wide1", "wide2"} <= {each.view for each in found}


def test_a_fast_query_is_decoded_where_it_is_told() -> None:
    made = Made([(seed, 2) for seed in range(20)], keys=20)
    parts: Parts = ((7.0, 9.2), (30.5, 33.0))
    found = hashed(made, FAST, lambda glance: parts)
    glanced, closely = made.asked
    assert (glanced.keys, closely.keys, closely.parts, closely.rate) == (True, False, parts, 2)
    seen = times(found)
    assert seen == sorted(set(seen))
    inside = [time for time in seen if closely.wants(time)]
    assert inside == pytest.approx([7, 7.5, 8, 8.5, 9, 30.5, 31, 31.5, 32, 32.5, 33])
    assert [time for time in seen if not closely.wants(time)] == [
        n * 2.0 for n in range(20) if not closely.wants(n * 2.0)
    ]


def test_too_few_key_frames_and_the_film_is_decoded() -> None:
    """Without a question: what is so short costs nothing."""
    made = Made([(seed, 1) for seed in range(6)], keys=30)

    def look(glance: Glance) -> Parts:
        raise AssertionError

    found = hashed(made, FAST, look)
    assert times(found) == times(hashed(made, THOROUGH)) != []


# Damage and limits.


@pytest.mark.parametrize("settings", [ReferenceHashing(), THOROUGH, FAST], ids=["reference", "thorough", "fast"])
@pytest.mark.parametrize("breaks", [1, 7, 16, 17, 20])
def test_what_came_before_damage_is_kept(settings: Hashing, breaks: int) -> None:
    shots = [(seed, 2.0) for seed in range(40)]
    made = Made(shots, keys=20)
    found = hashed(Made(shots, keys=20, breaks=breaks), settings, lambda glance: (), fails=True)
    whole = hashed(made, settings)
    assert len(times(found)) >= 1
    if settings == FAST:
        assert times(found)[: min(breaks, 20)] == times(whole)[:breaks] or breaks < 3
    else:
        # But for the last frame, which is kept of whatever there is.
        before = [time for time in times(whole) if time in times(found)]
        assert times(whole)[: len(before)] == before and times(found)[: len(before)] == before
        assert len(times(found)) <= len(before) + 1


def test_a_fast_query_whose_parts_break_keeps_both() -> None:
    made = Made([(seed, 2.0) for seed in range(40)], keys=20, breaks=50)
    found = hashed(made, FAST, lambda glance: ((0.0, 70.0),), fails=True)
    seen = times(found)
    assert seen[0] == 0 and seen == sorted(seen) and 70 < seen[-1] <= 78 and len(seen) >= 50


@pytest.mark.parametrize("settings", [ReferenceHashing(), THOROUGH, FAST, ReferenceHashing(hashers=("pdq", "phash"))])
def test_a_clock_that_runs_away_loses_no_frames(settings: Hashing) -> None:
    """Time stamps far beyond any film: all pictures are hashed that would be, and none has a time that nobody believes."""
    sound, runaway = (Made([(seed, 2) for seed in range(6)], keys=5) for _ in range(2))

    def late(sampling: Sampling, beat: Beat = unheard) -> Iterator[Frame]:
        for frame in Made._frames(runaway, sampling, beat):
            yield replace(frame, time=frame.time + (LONGEST_FILM if frame.time >= 4 else 0.0))

    runaway._frames = late  # type: ignore[method-assign]
    expected, found = hashed(sound, settings), hashed(runaway, settings)
    assert {each.bits for each in found} == {each.bits for each in expected}
    cut = [min(each.time or 0.0, LONGEST_FILM) for each in found]
    assert [each.time for each in found] == cut
    assert cut.count(LONGEST_FILM) == sum((each.time or 0.0) >= 4 for each in expected)


@pytest.mark.parametrize("settings", [ReferenceHashing(), THOROUGH, FAST], ids=["reference", "thorough", "fast"])
def test_no_more_hashes_than_allowed(settings: Hashing) -> None:
    few = replace(settings, limits=Limits(max_frames=7))
    footage = FilmReading()
    with pytest.raises(MediaError) as caught:
        read(Made([(seed, 1) for seed in range(30)]).film(), few, footage, unheard)
    assert caught.value.code == "too-large" and len(footage.hashes) == 7


def test_beats_are_the_seconds_decoded() -> None:
    beats: list[float] = []
    read(Made([(1, 3)]).film(), ReferenceHashing(), FilmReading(), lambda position, pixels: beats.append(position))
    assert beats == [n / 10 for n in range(30)]


@pytest.mark.parametrize("settings", [ReferenceHashing(), THOROUGH, FAST], ids=["reference", "thorough", "fast"])
def test_memory_is_that_of_the_hashes(settings: Hashing) -> None:
    """Of five minutes no more is held than what was made of it, and the frames of some seconds."""
    made = Made([(seed % 50, 3) for seed in range(100)], rate=2, keys=4)
    footage = FilmReading()
    read(Made([(1, 20)], rate=2).film(), settings, FilmReading(), unheard)  # what is made once
    tracemalloc.start()
    try:
        read(made.film(), settings, footage, unheard, lambda glance: ((0.0, 300.0),))
        held, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(footage.hashes) >= 100
    assert held < 1000 * len(footage.hashes) + (6 << 20)  # the matrices of areas that are cached
    assert peak - held < 24 << 20


# Other hashes, and animations.


@pytest.mark.parametrize("settings", [ReferenceHashing(), THOROUGH, FAST], ids=["reference", "thorough", "fast"])
def test_other_algorithms_beside_and_alone(settings: Hashing) -> None:
    every = replace(settings, hashers=("pdq", "phash", "dhash"))
    found = hashed(Made([(seed, 1) for seed in range(8)]), every)
    assert times(found, algorithm="phash") == times(found, algorithm="dhash") == times(found)
    assert {len(each.bits) for each in found if each.algorithm != "pdq"} == {8}
    alone = replace(settings, hashers=("dhash",))
    only = hashed(Made([(seed, 1) for seed in range(8)]), alone)
    assert {each.algorithm for each in only} == {"dhash"} and len(only) >= 8


@pytest.mark.parametrize("name", ANIMATIONS)
def test_animations_on_both_sides(name: str) -> None:
    """Each of its frames is kept, and found again by either kind of query."""
    stored = FilmReading()
    read(opened_film(animated(name)), ReferenceHashing(), stored, unheard)
    kept = {each.time: each.bits for each in stored.hashes if each.view == "full"}
    assert list(kept) == [0, 0.5, 1, 1.5, 2, 2.5]
    for settings in (THOROUGH, FAST):
        query = FilmReading()
        read(opened_film(animated(name)), settings, query, unheard)
        asked = {each.time: each.bits for each in query.hashes if each.view == "full"}
        assert asked.keys() == kept.keys()
        for time, bits in asked.items():
            assert (int.from_bytes(bits, "big") ^ int.from_bytes(kept[time], "big")).bit_count() <= 31


def test_a_glance_and_its_parts_together_are_no_more_than_allowed() -> None:
    made = Made([(seed, 2.0) for seed in range(40)], keys=20)
    glance = len(hashed(made, FAST))
    few = replace(FAST, limits=Limits(max_frames=glance))
    footage = FilmReading()
    with pytest.raises(MediaError) as caught:
        read(made.film(), few, footage, unheard, lambda seen: ((0.0, 10.0),))
    assert caught.value.code == "too-large" and len(footage.hashes) == glance

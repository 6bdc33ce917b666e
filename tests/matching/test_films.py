"""Two films, or a film and a picture: the same footage, a quotation, or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashmatch.matching.finding import Finding
from hashmatch.matching.results import Segment
from hashmatch.matching.tiers import MANY_PICTURES, NEAR_COVERAGE, NEAR_PICTURES, thresholds
from hashmatch.records import Hash, Kind
from tests.support.hash_walks import join, part, query, reference, walk
from tests.support.hash_walks import still as static
from tests.support.made_hashes import film, found, only, still
from tests.support.made_references import pdq_bits

LIMITS = thresholds()["pdq"]
NEAR, POSSIBLE, FILM, LOW = LIMITS.near, LIMITS.possible, LIMITS.film, LIMITS.low_quality


def judged(query: Sequence[Hash], reference: Sequence[Hash], kind: Kind = "video") -> Finding:
    return only(query, reference, kind)


def coverage(finding: Finding) -> tuple[float, float]:
    assert finding.video is not None
    return finding.video.query_coverage, finding.video.reference_coverage


def test_the_same_film() -> None:
    finding = judged(film(range(10), 4), film(range(10)))
    assert (finding.tier, finding.distance, finding.quality) == ("near", 4, 100)
    assert (finding.reason, finding.transform, finding.contradiction) == ("same-footage", "none", None)
    assert coverage(finding) == (1.0, 1.0)
    assert finding.video is not None
    assert finding.video.segments == (Segment((0, 10), (0, 10), 10, 4.0, 4, 10),)


def test_a_clip_of_it() -> None:
    finding = judged(film(range(20, 30)), film(range(100)))
    assert (finding.tier, coverage(finding)) == ("near", (1.0, 0.1))
    assert finding.video is not None
    assert finding.video.segments == (Segment((0, 10), (20, 30), 10, 0.0, 0, 10),)


def test_it_within_a_longer_one() -> None:
    finding = judged(film([*range(1000, 1050), *range(10), *range(2000, 2040)]), film(range(10)))
    assert (finding.tier, coverage(finding)) == ("near", (0.1, 1.0))


def test_one_quotes_the_other() -> None:
    finding = judged(film([*range(1000, 1090), *range(10)]), film(range(100)))
    assert (finding.tier, coverage(finding)) == ("possible", (0.1, 0.1))
    assert finding.reason == "shared-footage"


@pytest.mark.parametrize(("shared", "tier"), [(49, "possible"), (50, "near")])
def test_half_of_either_is_enough(shared: int, tier: str) -> None:
    finding = judged(film([*range(shared), *range(1000, 1100 - shared)]), film(range(200)))
    assert (finding.tier, coverage(finding)) == (tier, (shared / 100, shared / 200))
    finding = judged(film([*range(shared), *range(1000, 1200 - shared)]), film(range(100)))
    assert (finding.tier, coverage(finding)) == (tier, (shared / 200, shared / 100))


def test_few_pictures_are_not_enough_unless_there_are_no_more() -> None:
    assert judged(film([0, 1, "x", "y"]), film(range(50))).tier == "possible"
    assert judged(film([0, 1, 2, "y"]), film(range(50))).tier == "near"
    assert judged(film([0, 1]), film(range(50))).tier == "near"
    assert judged(film(range(50)), film([0, 1])).tier == "near"


@pytest.mark.parametrize("reference", [["a"], ["a"] * 20, ["a", *range(19)], [*range(5), "a", "a", *range(10, 15)]])
@pytest.mark.parametrize("count", [1, 20])
def test_one_picture_is_no_film_however_long_it_is_shown(count: int, reference: list[object]) -> None:
    finding = judged(film(["a"] * count), film(reference))
    assert (finding.tier, finding.reason) == ("possible", "shared-footage")
    assert found(film(["a"] * count, NEAR + 1), "video", {1: film(reference)}) == []


def test_many_weak_pictures_are_as_sure_as_a_few_strong_ones() -> None:
    for distance in (NEAR + 1, FILM):
        finding = judged(film(range(MANY_PICTURES), distance), film(range(20)))
        assert (finding.tier, finding.reason) == ("near", "same-footage")
        finding = judged(film(range(MANY_PICTURES - 1), distance), film(range(20)))
        assert (finding.tier, finding.reason) == ("possible", "resembles")
    assert found(film(range(10), FILM + 1), "video", {1: film(range(10))}) == []


def test_little_detail_is_at_most_possible() -> None:
    for file, known in (
        (film(range(10), 0, quality=49), film(range(10))),
        (film(range(10)), film(range(10), LOW, quality=49)),
        (film(range(10), quality=10), film(range(10), quality=10)),
    ):
        finding = judged(file, known)
        assert (finding.tier, finding.reason) == ("possible", "low-quality")
    assert found(film(range(10), LOW + 1, quality=49), "video", {1: film(range(10))}) == []
    assert found(film(range(2), 0, quality=49), "video", {1: film(range(10))}) == []
    assert found(film(range(10), quality=9), "video", {1: film(range(10))}) == []


def test_weak_frames_go_on_with_what_strong_ones_prove() -> None:
    finding = judged([*film(range(10)), *film(range(10, 100), LIMITS.along, start=10)], film(range(100)))
    assert (finding.tier, coverage(finding)) == ("near", (1.0, 1.0))
    finding = judged([*film(range(10)), *film(range(10, 100), LIMITS.along + 1, start=10)], film(range(100)))
    assert (finding.tier, coverage(finding)) == ("possible", (0.1, 0.1))


def test_64_bits_are_never_more_than_possible() -> None:
    frames = [Hash("phash", pdq_bits(n)[:8], None, float(n)) for n in range(20)]
    (finding,) = found(frames, "video", {1: frames}, algorithm="phash")
    assert (finding.tier, finding.algorithm) == ("possible", "phash")


@pytest.mark.parametrize(
    ("radius", "distance", "tier"),
    [(10, 10, "near"), (10, 11, None), (85, 60, "near"), (85, 61, "possible"), (85, 86, None)],
)
def test_a_radius_of_ones_own_never_widens_near(radius: int, distance: int, tier: str | None) -> None:
    findings = found(film(range(20), distance), "video", {1: film(range(20))}, radius=radius)
    assert [finding.tier for finding in findings] == ([tier] if tier else [])


def test_a_mirrored_film() -> None:
    query = [replace(frame, bits=pdq_bits(("x", n)), turned=frame.bits) for n, frame in enumerate(film(range(10), 5))]
    finding = judged(query, film(range(5, 30)))
    assert (finding.tier, finding.transform, coverage(finding)[0]) == ("near", "mirror", 0.5)
    assert finding.video is not None
    (segment,) = finding.video.segments
    assert (segment.query, segment.reference, segment.transform) == ((5, 10), (0, 5), "mirror")


@pytest.mark.parametrize(
    ("view", "transform"), [("trim2", "trimmed"), ("wide1", "crop"), ("cut1", "picture-in-picture")]
)
def test_a_view_of_every_other_frame(view: str, transform: str) -> None:
    query = film([("x", n) for n in range(10)]) + [replace(each, view=view) for each in film(range(10), 5)[::2]]
    finding = judged(query, film(range(10)))
    assert (finding.tier, finding.transform, finding.view, finding.reference_view) == ("near", transform, view, "full")
    assert finding.video is not None
    (segment,) = finding.video.segments
    assert (segment.query, segment.frames, segment.transform, segment.view) == ((0, 9), 5, transform, view)


def test_black_frames_are_no_part_of_either() -> None:
    black = [Hash("pdq", bytes(32), 0, float(n)) for n in range(50)]
    finding = judged([*black, *film(range(10), start=50)], [*film(range(10)), *black])
    assert (finding.tier, coverage(finding)) == ("near", (1.0, 1.0))


def test_times_and_not_frames_are_counted() -> None:
    # Four frames a second in the first four seconds, one a second after: 16 frames are four seconds of twenty.
    times = [n / 4 for n in range(16)] + [float(n) for n in range(4, 20)]
    reference = [replace(still(n), time=time) for n, time in enumerate(times)]
    finding = judged(reference[:16], reference)
    assert coverage(finding) == (1.0, 0.2)
    finding = judged(reference[16:], reference)
    assert coverage(finding) == (1.0, 0.8)


def test_parts_in_another_order_are_still_shown() -> None:
    finding = judged(film([*range(10, 20), *range(10)]), film(range(20)))
    assert (finding.tier, coverage(finding)) == ("near", (1.0, 1.0))
    assert finding.video is not None and len(finding.video.segments) == 2


def test_a_still_of_a_film() -> None:
    finding = judged([still(5, 7)], film(range(20)), "image")
    assert (finding.tier, finding.distance, coverage(finding)) == ("near", 7, (1.0, 0.05))
    assert finding.video is not None
    assert finding.video.segments == (Segment((0, 0), (5, 6), 1, 7.0, 7),)
    finding = judged([still(5, POSSIBLE)], film(range(20)), "image")
    assert (finding.tier, finding.reason) == ("possible", "resembles")
    assert found([still(5, POSSIBLE + 1)], "image", {1: film(range(20))}) == []


def test_a_film_that_shows_a_still() -> None:
    # All of the still is shown, but it is not the film: an intro may be known, and what follows something else.
    finding = judged(film(range(20)), [still(5, 7)])
    assert (finding.tier, finding.distance, coverage(finding)) == ("possible", 7, (0.05, 1.0))
    finding = judged(film(["card"] * 10 + [1, 2]), [still("card", 7)])
    assert (finding.tier, coverage(finding)) == ("near", (0.833, 1.0))


def test_an_image_of_an_image_has_no_film_evidence() -> None:
    assert judged([still(1)], [still(1)], "image").video is None


def test_several_references_keep_their_frames_apart() -> None:
    references = {3: film(range(10)), 1: film(range(10, 20)), 2: film(range(100, 110))}
    findings = found(film(range(20)), "video", references)
    assert [(f.reference_id, coverage(f)) for f in findings] == [(1, (0.5, 1.0)), (3, (0.5, 1.0))]
    spans = [f.video.segments[0].query for f in findings if f.video]
    assert spans == [(10, 20), (0, 10)]


def test_a_compilation() -> None:
    """Each piece has its own reference, and no other one anything."""
    films = {number: walk(number, 60) for number in range(1, 6)}
    pieces = [(3, 10, 22), (1, 40, 48), (5, 0, 15)]
    file = query(join([part(films[number], start, end) for number, start, end in pieces]), 1.1, 15)
    findings = {each.reference_id: each for each in found(file, "video", {n: reference(f) for n, f in films.items()})}
    assert set(findings) == {1, 3, 5}
    begin = 0.0
    for number, start, end in pieces:
        video = findings[number].video
        assert video is not None
        (segment,) = video.segments
        assert segment.reference == pytest.approx((start, end), abs=1.2)
        assert segment.query == pytest.approx((begin, begin + (end - start) / 1.1), abs=1)
        begin += (end - start) / 1.1


def test_unrelated_films_have_nothing_in_common() -> None:
    films = {number: reference(walk(number, 120)) for number in range(10)}
    for number in range(100, 103):
        assert found(query(walk(number, 120)), "video", films) == []


@pytest.mark.parametrize("noise", [3, 15, 30])
def test_later_parts_of_a_static_scene_are_at_most_possible(noise: int) -> None:
    scene = static(1, 240, noise)
    findings = found(query(part(scene, 120, 240)), "video", {1: reference(part(scene, 0, 110))})
    assert {finding.tier for finding in findings} <= {"possible"}


@pytest.mark.slow
def test_an_hour_of_one_picture_is_bounded() -> None:
    hour = film(["a"] * 3600)
    assert judged(hour, hour).tier == "possible"


def test_times_that_make_no_sense() -> None:
    """As a list may have them."""
    for time in (float("nan"), float("inf"), -5.0, 3e38):
        for number in (0, 9):
            strange = [replace(each, time=time) if n == number else each for n, each in enumerate(film(range(10)))]
            assert judged(film(range(10)), strange).tier == "near"
            assert judged(strange, film(range(10))).tier == "near"
        same = [replace(each, time=time) for each in film(range(10))]
        assert len(found(same, "video", {1: film(range(10))})) <= 1
    assert judged(film(range(10)), [replace(each, time=7.0) for each in film(range(10))]).tier == "possible"


_pictures = st.lists(st.integers(0, 30), min_size=1, max_size=25)


@given(_pictures, _pictures, st.sampled_from([0, NEAR, NEAR + 1, FILM]), st.sampled_from([10, 49, 50, None]))
def test_what_always_holds(query: list[int], reference: list[int], distance: int, quality: int | None) -> None:
    findings = found(film(query, distance, quality), "video", {1: film(reference)})
    good = quality in (50, None)
    shared = set(query) & set(reference)
    assert not findings if not shared or (distance > LOW and not good) else True
    if shared and good and distance <= NEAR:
        assert findings
    for finding in findings:
        assert finding.video is not None
        # A frame is shown if its picture is somewhere in the other film; all frames stand for a second here.
        shown = sum(picture in reference for picture in query)
        assert sum(s.frames for s in finding.video.segments) <= shown
        assert 0 < finding.video.query_coverage <= 1 and 0 < finding.video.reference_coverage <= 1
        for segment in finding.video.segments:
            assert 0 <= segment.query[0] < segment.query[1] <= len(query)
            assert 0 <= segment.reference[0] < segment.reference[1] <= len(reference)
            assert (segment.mean_distance, segment.worst_distance) == (distance, distance)
            assert segment.distinct <= len(shared)
        if finding.tier == "near":
            assert good and max(coverage(finding)) >= NEAR_COVERAGE
            needed = NEAR_PICTURES if distance <= NEAR else MANY_PICTURES
            assert len(shared) >= max(2, min(needed, len(query), len(reference)))

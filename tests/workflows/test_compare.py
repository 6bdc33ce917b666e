"""Two files against each other: the same verdict that a scan would give, and why."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

import hashmatch
from hashmatch.fingerprints.many_files import fingerprints
from hashmatch.fingerprints.one_file import fingerprint
from hashmatch.fingerprints.settings import QueryHashing, ReferenceHashing
from hashmatch.hashers import HASHERS
from hashmatch.isolation import Isolation
from hashmatch.matching.layouts import contradiction
from hashmatch.matching.results import VideoEvidence
from hashmatch.matching.tiers import thresholds
from hashmatch.matching.vpdq import RULES
from hashmatch.media.files import walk
from hashmatch.records import Fingerprint, Hash, View
from hashmatch.search.searcher import LocalSearcher
from hashmatch.store import hash_rows, lookup, open_store
from hashmatch.workflows.compare import AlgorithmDistance, Comparison, by_vpdq, compare
from tests.support.drawn_pictures import animation, picture
from tests.support.indexed_files import fixture_set, index_paths, scan_found
from tests.support.made_hashes import blocks, levels
from tests.support.made_references import flip, measured, pdq, pdq_bits
from tests.support.repository import FIXTURES

#: Of the profile that compares as hard as can be.
LIMITS = thresholds("thorough")["pdq"]


def still(name: str, distance: int = 0, quality: int | None = 100) -> Fingerprint:
    """A picture of its own bytes, at a distance from the picture "a"."""
    return measured(name, (Hash("pdq", flip(pdq_bits("a"), distance), quality, version=1),))


def film(name: str, *seeds: object) -> Fingerprint:
    return measured(name, tuple(pdq(seed, time=float(number)) for number, seed in enumerate(seeds)), "video")


def without_times(video: VideoEvidence | None) -> tuple[VideoEvidence | None, list[float]]:
    """The evidence without its times, and these: those read from a database are rounded to milliseconds."""
    if video is None:
        return None, []
    times = [time for each in video.segments for time in (*each.query, *each.reference)]
    bare = tuple(replace(each, query=(0.0, 0.0), reference=(0.0, 0.0)) for each in video.segments)
    return replace(video, segments=bare), times


class TestPictures:
    def test_the_same_bytes(self) -> None:
        got = compare(still("same"), still("same"))
        distances = (AlgorithmDistance("pdq", 0, 256, (100, 100), None, None),)
        assert got == Comparison(
            True, "exact", "same-bytes", "none", "full", "full", distances, 0, None, None, None, None, None, None
        )

    @pytest.mark.parametrize(
        ("distance", "tier", "reason"),
        [
            (0, "near", "same-hash"),
            (LIMITS.near, "near", "same-hash"),
            (LIMITS.near + 1, "possible", "resembles"),
            (LIMITS.possible, "possible", "resembles"),
            (LIMITS.possible + 1, None, None),
        ],
    )
    def test_by_their_distance(self, distance: int, tier: str | None, reason: str | None) -> None:
        got = compare(still("one", distance), still("other"))
        assert (got.same_bytes, got.tier, got.reason, got.video) == (False, tier, reason, None)
        assert got.distances[0].distance == distance
        assert got.distance == (None if tier is None else distance)

    def test_by_their_blocks(self) -> None:
        for distance in (0, LIMITS.near, LIMITS.possible):
            for one, tier, reason in (
                (levels(1), "near", "same-picture"),
                (-levels(1), "possible", "same-layout"),
            ):
                query = measured("one", (*still("one", distance).hashes, blocks(one)))
                reference = measured("other", (*still("other").hashes, blocks(levels(1))))
                got = compare(query, reference)
                assert (got.tier, got.reason) == (tier, reason)
                assert got.contradiction == contradiction(one, levels(1))

    def test_the_area_of_a_view_is_told(self) -> None:
        area = View("trim1", 0.1, 0.2, 0.9, 0.8)
        inner = Hash("pdq", pdq_bits("a"), 90, view="trim1")
        framed = measured("framed", (pdq("another"), inner), views=(area,))
        got = compare(framed, still("other"))
        assert (got.tier, got.transform, got.view, got.reference_view) == ("near", "trimmed", "trim1", "full")
        assert got.area == area
        assert got.distance == 0
        got = compare(still("other"), framed)
        assert (got.tier, got.view, got.reference_view, got.area) == ("near", "full", "trim1", None)

    @pytest.mark.parametrize(("quality", "tier"), [(49, "possible"), (10, "possible"), (9, None)])
    def test_little_detail_is_given_as_the_reason(self, quality: int, tier: str | None) -> None:
        for one, other in ((quality, 100), (100, quality)):
            got = compare(still("one", 5, one), still("other", 0, other))
            assert got.tier == tier
            assert got.reason == ("low-quality" if tier else None)
            assert got.distances[0].quality == (one, other)

    def test_without_pdq(self) -> None:
        one, other = (measured(name, (Hash("phash", bytes(8)),)) for name in ("one", "other"))
        got = compare(one, other)
        assert (got.tier, got.reason) == (None, None)
        assert got.distances == (AlgorithmDistance("phash", 0, 64, None, None, None),)

    def test_each_algorithm_that_both_have(self) -> None:
        one = measured("one", (Hash("dhash", bytes(8)), Hash("phash", bytes(8)), pdq("a")))
        other = measured("other", (pdq("a"), pdq("b"), Hash("phash", b"\x07" + bytes(7)), Hash("whash", bytes(8))))
        assert [(d.algorithm, d.distance, d.bits) for d in compare(one, other).distances] == [
            ("pdq", 0, 256),
            ("phash", 3, 64),
        ]


class TestFilms:
    def test_a_clip(self) -> None:
        got = compare(film("clip", 3, 4, 5, 6), film("film", *range(10)))
        assert got.tier == "near"
        assert got.video is not None
        assert (got.video.query_coverage, got.video.reference_coverage) == (1.0, 0.4)
        assert [(s.query, s.reference) for s in got.video.segments] == [((0, 4), (3, 7))]

    def test_a_quote_is_explained(self) -> None:
        got = compare(film("one", 3, *range(100, 109)), film("other", *range(10)))
        assert (got.tier, got.reason) == ("possible", "shared-footage")
        assert [(d.distance, d.a_time, d.b_time) for d in got.distances] == [(0, 0.0, 3.0)]

    def test_others(self) -> None:
        got = compare(film("one", *range(5)), film("other", *range(5, 10)))
        assert (got.tier, got.video) == (None, None)

    def test_a_picture_and_a_film(self) -> None:
        one, other = measured("one", (pdq(3),)), film("other", *range(5))
        assert (compare(one, other).tier, compare(other, one).tier) == ("near", "possible")

    def test_the_same_bytes_are_still_explained(self) -> None:
        got = compare(film("same", *range(9)), film("same", *range(9)))
        assert (got.same_bytes, got.tier, got.reason) == (True, "exact", "same-bytes")
        assert got.video is not None and [(s.query, s.reference) for s in got.video.segments] == [((0, 9), (0, 9))]

    def test_by_the_rules_of_vpdq(self) -> None:
        clip, whole = film("clip", 3, 4), film("film", *range(10))
        for name, matches in (("vpdq-readme", False), ("vpdq-python", True)):
            got = by_vpdq(clip, whole, RULES[name])
            assert (got.is_match, got.query_percent, got.compared_percent) == (matches, 100.0, 20.0)


class TestOnFiles:
    def test_a_picture_and_its_copy(self, tmp_path: Path) -> None:
        one, other = picture(tmp_path / "a.jpg", "a"), picture(tmp_path / "a.webp", "a", 60)
        got = compare(*(hashmatch.hash_file(path, tuple(HASHERS)) for path in (one, other)))
        assert got.tier == "near"
        assert [d.algorithm for d in got.distances] == list(HASHERS)
        assert all(d.distance <= d.bits // 8 for d in got.distances)

    def test_a_crop_is_told_by_its_local_features(self, tmp_path: Path) -> None:
        path = FIXTURES / "archive" / "towns" / "market.jpg"
        with Image.open(path) as image:
            width, height = image.size
            box = width * 0.25, height * 0.2, width * 0.95, height * 0.9
            image.crop(tuple(map(round, box))).save(tmp_path / "crop.jpg", quality=80)
        settings = QueryHashing(features=True)
        with (tmp_path / "crop.jpg").open("rb") as crop, path.open("rb") as whole:
            got = compare(fingerprint(crop, settings), fingerprint(whole, ReferenceHashing(features=True)))
        assert (got.tier, got.reason, got.transform) == ("near", "straightened", "crop")
        assert got.local is not None and got.straightened is not None
        assert got.distance is None and 0.3 < got.straightened.visible < 0.5
        corners = ((0, 0), (width, 0), (width, height), (0, height))
        for found, corner in zip(got.local.quadrilateral, corners, strict=True):
            for place, at, start, end in zip(found, corner, box[:2], box[2:], strict=True):
                assert abs(place - (at - start) / (end - start)) < 0.02

    def test_says_what_a_scan_says_of_local_features_alone(self, tmp_path: Path) -> None:
        path = FIXTURES / "archive" / "towns" / "market.jpg"
        with path.open("rb") as whole:
            reference = fingerprint(whole, ReferenceHashing(features=True))
            query = fingerprint(whole, QueryHashing(features=True))
        # What only the features find: all of the reference, where it was.
        query = replace(query, digests=measured("other").digests, hashes=(pdq("other"),))
        got = compare(query, reference)
        with open_store(tmp_path / "reference.db", write=True) as store:
            index_paths(store, path, settings=ReferenceHashing(features=True))
            searcher = LocalSearcher(store, profile="thorough")
            (found,) = searcher.matches(query)
        assert (got.tier, got.reason, got.transform) == ("near", "straightened", "none")
        assert found.straightened == got.straightened is not None
        alone = compare(replace(query, copy=None), reference)
        assert (alone.tier, alone.reason, alone.straightened) == ("possible", "same-layout", None)
        assert (found.tier, found.reason, found.transform) == (got.tier, got.reason, got.transform)
        assert found.local == got.local

    def test_two_films(self, tmp_path: Path) -> None:
        one, other = animation(tmp_path / "a.webp", range(6)), animation(tmp_path / "b.webp", range(2, 5), (128, 96))
        got = compare(hashmatch.hash_file(other), hashmatch.hash_file(one))
        assert got.tier == "near"
        assert got.video is not None and [s.reference for s in got.video.segments] == [(2.0, 5.0)]

    def test_says_what_a_scan_says(self, tmp_path: Path) -> None:
        with open_store(fixture_set(tmp_path)) as store:
            references = {
                reference.id: Fingerprint(reference.kind, 0, hashes=hash_rows.hashes(store.connection, reference.id))
                for reference in lookup.references(store.connection)
            }
            paths = list(walk([os.fsencode(FIXTURES / "uploads")]))
            settings = QueryHashing(profile="thorough")
            queries = {state.path: found for state, found in fingerprints(paths, settings, Isolation(2)) if found}
            for result in scan_found(store, paths, Isolation(2), profile="thorough"):
                query = queries[result.path]
                matches = {match.reference.id: match for match in result.matches}
                if not query.hashes or result.tier == "exact":
                    continue
                for number, reference in references.items():
                    got, found = compare(query, reference), matches.get(number)
                    if found is None:
                        assert got.tier is None, result.path
                        continue
                    for name in ("tier", "reason", "transform", "view", "reference_view", "distance", "contradiction"):
                        assert getattr(got, name) == getattr(found, name), (result.path, name)
                    (ours, our_times), (theirs, their_times) = map(without_times, (got.video, found.video))
                    assert ours == theirs
                    assert our_times == pytest.approx(their_times, abs=0.02)

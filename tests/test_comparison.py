"""Two files against each other: the same verdict that a scan would give, and why."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from store.known import FIXTURES, animation, fixture_set, picture, upload_fingerprints
from store.samples import flip, measured, pdq, pdq_bits

import hashmatch
from hashmatch.comparison import Comparison, Distance, compare
from hashmatch.hashers import HASHERS
from hashmatch.isolation import Isolation
from hashmatch.media.files import walk
from hashmatch.records import Fingerprint, Hash
from hashmatch.scanning import scan
from hashmatch.store import Store, lookup


def still(name: str, distance: int = 0, quality: int | None = 100) -> Fingerprint:
    """A picture of its own bytes, at a distance from the picture "a"."""
    return measured(name, (Hash("pdq", flip(pdq_bits("a"), distance), quality, version=1),))


def film(name: str, *seeds: object) -> Fingerprint:
    return measured(name, tuple(pdq(seed, time=float(number)) for number, seed in enumerate(seeds)), "video")


class TestPictures:
    def test_the_same_bytes(self) -> None:
        got = compare(still("same"), still("same"))
        assert got == Comparison(
            True, "exact", "the bytes are the same", "none", (Distance("pdq", 0, 256, (100, 100), None, None),), None
        )

    @pytest.mark.parametrize(
        ("distance", "tier", "reason"),
        [
            (0, "near", "PDQ distance of at most 31"),
            (31, "near", "PDQ distance of at most 31"),
            (32, "possible", "PDQ distance of at most 60, above the 31 of the same picture"),
            (60, "possible", "PDQ distance of at most 60, above the 31 of the same picture"),
            (61, None, "PDQ distance above 60"),
        ],
    )
    def test_by_their_distance(self, distance: int, tier: str | None, reason: str) -> None:
        got = compare(still("one", distance), still("other"))
        assert (got.same_bytes, got.tier, got.reason, got.video) == (False, tier, reason, None)
        assert got.distances[0].distance == distance

    @pytest.mark.parametrize(("quality", "tier"), [(49, "possible"), (10, "possible"), (9, None)])
    def test_little_detail_is_given_as_the_reason(self, quality: int, tier: str | None) -> None:
        for one, other in ((quality, 100), (100, quality)):
            got = compare(still("one", 5, one), still("other", 0, other))
            assert got.tier == tier
            assert got.reason.startswith("little detail (quality below 50)")
            assert got.distances[0].quality == (one, other)

    def test_without_pdq(self) -> None:
        one, other = (measured(name, (Hash("phash", bytes(8)),)) for name in ("one", "other"))
        got = compare(one, other)
        assert (got.tier, got.reason) == (None, "there is no PDQ hash to go by")
        assert got.distances == (Distance("phash", 0, 64, None, None, None),)

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
        assert [(s.query, s.reference) for s in got.video.segments] == [((0, 3), (3, 6))]

    def test_a_quote_is_explained(self) -> None:
        got = compare(film("one", 3, *range(100, 109)), film("other", *range(10)))
        assert (got.tier, got.reason) == ("possible", "single frames are the same, but not enough of either film")
        assert [(d.distance, d.a_time, d.b_time) for d in got.distances] == [(0, 0.0, 3.0)]

    def test_others(self) -> None:
        got = compare(film("one", *range(5)), film("other", *range(5, 10)))
        assert (got.tier, got.video) == (None, None)

    def test_a_picture_and_a_film(self) -> None:
        one, other = measured("one", (pdq(3),)), film("other", *range(5))
        assert (compare(one, other).tier, compare(other, one).tier) == ("near", "possible")


class TestOnFiles:
    def test_a_picture_and_its_copy(self, tmp_path: Path) -> None:
        one, other = picture(tmp_path / "a.jpg", "a"), picture(tmp_path / "a.webp", "a", 60)
        got = compare(*(hashmatch.hash_file(path, tuple(HASHERS)) for path in (one, other)))
        assert got.tier == "near"
        assert [d.algorithm for d in got.distances] == ["pdq", "phash", "dhash"]
        assert all(d.distance <= d.bits // 8 for d in got.distances)

    def test_two_films(self, tmp_path: Path) -> None:
        one, other = animation(tmp_path / "a.webp", range(6)), animation(tmp_path / "b.webp", range(2, 5), (128, 96))
        got = compare(hashmatch.hash_file(other), hashmatch.hash_file(one))
        assert got.tier == "near"
        assert got.video is not None and [s.reference for s in got.video.segments] == [(2.0, 4.0)]

    def test_says_what_a_scan_says(self, tmp_path: Path) -> None:
        with Store.open(fixture_set(tmp_path)) as store:
            references = {
                reference.id: Fingerprint(reference.kind, 0, hashes=lookup.hashes(store.connection, reference.id))
                for reference in lookup.references(store.connection)
            }
            for result in scan(store, walk([os.fsencode(FIXTURES / "uploads")]), Isolation(2)):
                query = upload_fingerprints()[os.path.relpath(result.path, os.fsencode(FIXTURES))]
                matches = {match.reference.id: match for match in result.matches}
                if not query.hashes or result.tier == "exact":
                    continue
                for number, reference in references.items():
                    got, found = compare(query, reference), matches.get(number)
                    assert (got.tier, got.video) == ((found.tier, found.video) if found else (None, None)), result.path
                    assert found is None or found.distance is None or got.distances[0].distance <= found.distance

"""What is found on one reference, and what all findings together make of a file."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashmatch.hashers.blocks import Levels, turned
from hashmatch.hashers.orientations import INVERSE, ORIENTATIONS
from hashmatch.matching.finding import Finding
from hashmatch.matching.layouts import most_contradiction
from hashmatch.matching.results import Match
from hashmatch.matching.stills import MOST_OPINIONS
from hashmatch.matching.tiers import MOST_CONTRADICTION, Profile, thresholds
from hashmatch.matching.verdict import exact, match_of
from hashmatch.records import Hash
from tests.support.made_hashes import blocks, film, found, levels, match, only, still, with_opposed
from tests.support.made_references import flip, pdq_bits

#: Of the profile that is the default.
LIMITS = thresholds()["pdq"]
NEAR, POSSIBLE = LIMITS.near, LIMITS.possible


def tier_of(
    query: Hash, reference: Hash, radius: int | None = None, profile: Profile = "fast"
) -> tuple[str, str] | tuple[None, None]:
    """Tier and reason."""
    findings = found([query], "image", {1: [reference]}, radius=radius, profile=profile)
    return (findings[0].tier, findings[0].reason) if findings else (None, None)


class TestImages:
    @pytest.mark.parametrize("profile", ["fast", "thorough"])
    @pytest.mark.parametrize(
        ("distance", "qualities", "tier", "reason"),
        [
            (0, (100, 100), "near", "same-hash"),
            (31, (100, 100), "near", "same-hash"),
            (32, (100, 100), "possible", "resembles"),
            ("possible", (100, 100), "possible", "resembles"),
            ("possible + 1", (100, 100), None, None),
            (31, (50, 50), "near", "same-hash"),
            ("possible", (50, 50), "possible", "resembles"),
            (0, (49, 100), "possible", "low-quality"),
            (31, (49, 49), "possible", "low-quality"),
            (32, (49, 100), None, None),
            (31, (10, 10), "possible", "low-quality"),
            (0, (9, 100), None, None),
            (31, (None, None), "near", "same-hash"),
            (31, (None, 50), "near", "same-hash"),
            (32, (None, 100), "possible", "resembles"),
            ("possible", (None, None), "possible", "resembles"),
            ("possible + 1", (None, None), None, None),
            (31, (None, 49), "possible", "low-quality"),
            (32, (None, 49), None, None),
            (0, (None, 9), None, None),
        ],
        ids=str,
    )
    def test_tiers_at_their_limits_where_there_are_no_blocks(
        self,
        distance: int | str,
        qualities: tuple[int | None, int | None],
        tier: str | None,
        reason: str | None,
        profile: Profile,
    ) -> None:
        limit = thresholds(profile)["pdq"].possible
        bits = {"possible": limit, "possible + 1": limit + 1}.get(str(distance), distance)
        assert isinstance(bits, int)
        for one, other in (qualities, qualities[::-1]):
            got = tier_of(still("a", bits, one), still("a", 0, other), profile=profile)
            assert got == (tier, reason)

    def test_of_unknown_quality_what_cannot_be_a_picture_is_not_compared(self) -> None:
        for bits in (bytes(32), b"\xff" * 32, (2**60 - 1).to_bytes(32, "big")):  # black, and what white gives
            for quality in (None, 100):
                assert tier_of(Hash("pdq", bits), Hash("pdq", bits, quality)) == (None, None)
                assert tier_of(Hash("pdq", bits, quality), Hash("pdq", bits)) == (None, None)

    @pytest.mark.parametrize(
        ("radius", "distance", "tier"),
        [
            (10, 10, "near"),
            (10, 11, None),
            (0, 0, "near"),
            (0, 1, None),
            (85, 31, "near"),
            (85, 85, "possible"),
            (85, 86, None),
        ],
    )
    def test_a_radius_of_ones_own(self, radius: int, distance: int, tier: str | None) -> None:
        assert tier_of(still("a", distance), still("a"), radius)[0] == tier

    @pytest.mark.parametrize(("algorithm", "limit"), [("phash", 6), ("dhash", 4)])
    def test_64_bits_are_never_more_than_possible(self, algorithm: str, limit: int) -> None:
        bits = b"\x0f\x1e\x2d\x3c\x4b\x5a\x69\x78"
        for distance, tier in ((0, "possible"), (limit, "possible"), (limit + 1, None)):
            findings = found(
                [Hash(algorithm, flip(bits, distance))], "image", {1: [Hash(algorithm, bits)]}, algorithm=algorithm
            )
            assert [finding.tier for finding in findings] == ([tier] if tier else [])

    def test_what_is_told_of_it(self) -> None:
        (finding,) = found([still("a", 12, 80)], "image", {7: [still("a", 0, 66)]})
        assert finding == Finding(7, "near", 12, "pdq", 66, None, "same-hash", "none", "full", "full", None)
        assert found([still("a", 0, None)], "image", {7: [still("a", 0, 66)]})[0].quality == 66
        assert found([still("a", 0, None)], "image", {7: [still("a", 0, None)]})[0].quality is None

    def test_each_reference_once_by_its_closest_good_hash(self) -> None:
        references = {
            1: [still("a", 20), still("a", 4, view="page2"), still("a", 9, view="page3")],
            2: [still("a", POSSIBLE)],
            3: [still("b")],
            4: [still("a", 2, quality=20), still("a", 30)],  # the closer one says less
        }
        found_on = {finding.reference_id: finding for finding in found([still("a"), still("c")], "image", references)}
        assert {number: (finding.tier, finding.distance) for number, finding in found_on.items()} == {
            1: ("near", 4),
            2: ("possible", POSSIBLE),
            4: ("near", 30),
        }

    def test_nothing_to_compare(self) -> None:
        assert found([], "image", {1: [still("a")]}) == []
        assert found([still("a")], "image", {}) == []
        assert found([Hash("phash", bytes(8))], "image", {1: [still("a")]}) == []
        assert found([blocks(levels(1))], "image", {1: [still("a"), blocks(levels(1))]}) == []


class TestGuard:
    """The second opinion on two still pictures, by their blocks."""

    @pytest.mark.parametrize("profile", ["fast", "thorough"])
    @pytest.mark.parametrize("share", [0, 1])
    def test_what_agrees_is_the_same_picture_at_any_distance_worth_a_look(self, profile: Profile, share: int) -> None:
        """share: of the contradiction that there may be."""
        reference = still("a"), blocks(levels(1))
        for distance in (0, NEAR, NEAR + 1, thresholds(profile)["pdq"].possible):
            opposed = share * most_contradiction(distance > thresholds("fast")["pdq"].possible, False) // 2
            query = still("a", distance), blocks(with_opposed(levels(1), opposed))
            finding = only(query, reference, profile=profile)
            assert (finding.tier, finding.reason, finding.contradiction) == ("near", "same-picture", 2 * opposed)
            assert (finding.transform, finding.distance) == ("none", distance)
        query = still("a", thresholds(profile)["pdq"].possible + 1), blocks(levels(1))
        assert found(query, "image", {1: reference}, profile=profile) == []

    @pytest.mark.parametrize("distance", [0, NEAR, NEAR + 1])
    def test_what_contradicts_is_another_picture_however_close(self, distance: int) -> None:
        opposed = MOST_CONTRADICTION // 2 + 1
        for ours, theirs in itertools.permutations((levels(1), with_opposed(levels(1), opposed))):
            finding = only((still("a", distance), blocks(ours)), (still("a"), blocks(theirs)))
            told = finding.tier, finding.reason, finding.contradiction
            assert told == ("possible", "same-layout", 2 * opposed)

    def test_what_has_little_in_its_blocks_is_not_sure(self) -> None:
        strong = levels(1)
        weak, blank = strong // 2, strong * 0
        for ours, theirs in ((weak, weak), (weak, strong), (strong, weak), (weak, blank), (blank, blank)):
            finding = only((still("a", 3), blocks(ours)), (still("a"), blocks(theirs)))
            assert (finding.tier, finding.reason, finding.contradiction) == ("possible", "low-quality", 0)

    def test_blocks_of_one_side_say_nothing(self) -> None:
        for query, reference in itertools.permutations(([], [blocks(levels(1))])):
            for distance, told in ((NEAR, ("near", "same-hash", None)), (NEAR + 1, ("possible", "resembles", None))):
                finding = only([still("a", distance), *query], [still("a"), *reference])
                assert (finding.tier, finding.reason, finding.contradiction) == told

    def test_blocks_do_not_make_up_for_quality(self) -> None:
        same = blocks(levels(1))
        for one, other in ((49, 100), (100, 49), (10, 10)):
            finding = only([still("a", 0, one), same], [still("a", 0, other), same])
            assert (finding.tier, finding.reason) == ("possible", "low-quality")

    @pytest.mark.slow
    def test_nor_for_a_hash_that_too_many_have(self) -> None:
        same = blocks(levels(1))
        finding = only([still("card", 2), same], [still("card"), same], common=[pdq_bits("card")])
        assert (finding.tier, finding.reason, finding.distance) == ("possible", "common-hash", 2)
        finding = only([still("card", 2), same], [still("card", 1), same], common=[pdq_bits("card")])
        assert (finding.tier, finding.reason) == ("near", "same-picture")

    def test_one_good_view_is_enough(self) -> None:
        other = with_opposed(levels(1), 8)
        reference = [
            *(still("a", 2), blocks(-levels(1))),
            *(still("a", 20, view="trim1"), blocks(other, "trim1")),
        ]
        finding = only([still("a"), blocks(other)], reference)
        assert (finding.tier, finding.reason, finding.distance) == ("near", "same-picture", 20)
        assert (finding.view, finding.reference_view, finding.transform) == ("full", "trim1", "trimmed")

    def test_a_part_of_a_reference_may_lack_its_text(self) -> None:
        part = [still("a", 0, view="part2"), blocks(levels(1), "part2")]
        for query in (part, [still("a"), blocks(levels(1))]):
            finding = only(query, part)
            assert (finding.tier, finding.reason, finding.reference_view) == ("possible", "same-layout", "part2")
        assert only(part, [still("a", 3), blocks(levels(1))]).tier == "near"  # a screenshot of the reference
        trimmed = [still("a", 0, view="trim1"), blocks(levels(1), "trim1")]
        assert only(part, trimmed).tier == "near"

    def test_of_many_views_only_the_closest_are_looked_at(self) -> None:
        others = [
            each
            for number in range(MOST_OPINIONS)
            for each in (still("a", number, view=f"page{number + 2}"), blocks(-levels(1), f"page{number + 2}"))
        ]
        own = [still("a", 20), blocks(levels(1))]
        assert only([still("a"), blocks(levels(1))], [*others, *own]).tier == "possible"
        assert only([still("a"), blocks(levels(1))], [*others[2:], *own]).tier == "near"


class TestTransforms:
    def turned_query(self, seed: object = "a", distance: int = 0, quality: int | None = 100) -> Hash:
        """As of a file: with its hash in the seven other orientations, each of which looks like another picture."""
        others = b"".join(flip(pdq_bits((seed, name)), distance) for name in ORIENTATIONS[1:])
        return replace(still(seed, distance, quality), turned=others)

    @pytest.mark.parametrize("orientation", ORIENTATIONS[1:])
    def test_an_orientation_is_told_as_what_was_done_to_the_reference(self, orientation: str) -> None:
        # The reference is what the query is when it is turned so; and the query what that is turned back.
        reference: list[Hash] = [still(("a", orientation)), blocks(turned(levels(1), orientation))]
        finding = only([self.turned_query("a", 5), blocks(levels(1))], reference)
        assert (finding.tier, finding.reason, finding.distance) == ("near", "same-picture", 5)
        assert finding.transform == INVERSE[orientation]
        wrong = [reference[0], blocks(levels(1))]
        assert only([self.turned_query("a", 5), blocks(levels(1))], wrong).reason == "same-layout"

    def test_a_negative(self) -> None:
        negative = Hash("pdq", bytes(255 - byte for byte in pdq_bits("a")), 80)
        finding = only([still("a", 3), blocks(levels(1))], [negative, blocks(-levels(1))])
        assert (finding.tier, finding.reason, finding.transform) == ("near", "same-picture", "inverted")
        assert (finding.distance, finding.quality) == (3, 80)
        assert only([still("a", 3), blocks(levels(1))], [negative, blocks(levels(1))]).reason == "same-layout"
        assert only([still("a", 3)], [negative]).reason == "same-hash"

    def test_no_transform_counts_before_another_one(self) -> None:
        reference = [still("a", 3), still(("a", "mirror"), 3, view="page2")]
        assert only([self.turned_query()], reference).transform == "none"
        reference = [still("a", 4), still(("a", "mirror"), 3, view="page2")]
        assert only([self.turned_query()], reference).transform == "mirror"

    def test_other_algorithms_have_none(self) -> None:
        bits = b"\x0f\x1e\x2d\x3c\x4b\x5a\x69\x78"
        negative = Hash("phash", bytes(255 - byte for byte in bits))
        assert found([Hash("phash", bits)], "image", {1: [negative]}, algorithm="phash") == []

    def test_quality_is_that_of_the_picture_as_it_is(self) -> None:
        reference = [still(("a", "mirror"))]
        assert only([self.turned_query(quality=49)], reference).tier == "possible"
        assert found([self.turned_query(quality=9)], "image", {1: reference}) == []

    @pytest.mark.parametrize(
        ("view", "reference_view", "transform"),
        [
            ("trim1", "full", "trimmed"),
            ("full", "trim2", "trimmed"),
            ("trim1", "trim1", "trimmed"),
            ("full", "page2", "none"),
            ("full", "full", "none"),
        ],
    )
    def test_views_without_borders(self, view: str, reference_view: str, transform: str) -> None:
        query = [still("x"), blocks(-levels(1)), still("a", 4, view=view), blocks(levels(1), view)]
        reference = [still("y"), still("a", view=reference_view), blocks(levels(1), reference_view)]
        finding = only(query[2 * (view == "full") :], reference)
        assert (finding.tier, finding.reason, finding.contradiction) == ("near", "same-picture", 0)
        assert (finding.view, finding.reference_view, finding.transform) == (view, reference_view, transform)

    def test_a_view_that_is_mirrored_is_told_as_mirrored(self) -> None:
        query = replace(self.turned_query("a"), view="trim1")
        finding = only([query], [still(("a", "mirror"))])
        assert (finding.transform, finding.view) == ("mirror", "trim1")

    def test_a_still_of_a_film_that_is_mirrored(self) -> None:
        reference = [
            replace(frame, bits=pdq_bits(("a", "mirror"))) if frame.time == 5 else frame for frame in film("bcdefgh")
        ]
        finding = only([self.turned_query("a", 7)], reference)
        assert (finding.tier, finding.reason, finding.transform) == ("near", "same-footage", "mirror")
        assert finding.video is not None
        assert [(s.query, s.reference, s.frames) for s in finding.video.segments] == [((0, 0), (5, 6), 1)]

    def test_a_film_is_searched_as_it_is(self) -> None:
        mirrored = {1: [replace(frame, bits=bytes(255 - byte for byte in frame.bits)) for frame in film(range(5))]}
        assert found(film(range(5)), "video", mirrored) == []

    @given(st.sampled_from(range(len(ORIENTATIONS) + 1)), st.integers(0, NEAR), st.integers(1, 2**31))
    def test_a_picture_that_is_turned_or_negative_has_the_same_verdict(
        self, turn: int, distance: int, seed: int
    ) -> None:
        def reference(of: Levels, bits: bytes) -> list[Hash]:
            return [Hash("pdq", bits, 70), blocks(of)]

        query = [self.turned_query(seed, distance), blocks(levels(seed))]
        if turn < len(ORIENTATIONS):
            name = ORIENTATIONS[turn]
            own = reference(turned(levels(seed), name), pdq_bits((seed, name) if turn else seed))
            expected = INVERSE[name]
        else:
            own = reference(-levels(seed), bytes(255 - byte for byte in pdq_bits(seed)))
            expected = "inverted"
        finding = only(query, own)
        assert (finding.tier, finding.reason, finding.distance) == ("near", "same-picture", distance)
        assert (finding.transform, finding.contradiction, finding.quality) == (expected, 0, 70)


def test_exact() -> None:
    reference = match("near").reference
    assert exact(reference, "md5") == Match(reference, "exact", 0, "md5", "none", None, None, "same-bytes")


def test_a_match_is_what_was_found_and_what_is_known_of_the_reference() -> None:
    reference = match("near").reference
    finding = Finding(reference.id, "near", 40, "pdq", 77, None, "same-picture", "trimmed", "trim1", "full", 4)
    assert match_of(finding, reference) == Match(
        reference, "near", 40, "pdq", "trimmed", 77, None, "same-picture", "trim1", "full", 4, None
    )


def test_hashes_made_for_these_tests_are_as_far_apart_as_they_say() -> None:
    for count in (0, 1, 31, 32, 60, 61):
        one, other = (int.from_bytes(each, "big") for each in (pdq_bits("a"), flip(pdq_bits("a"), count)))
        assert (one ^ other).bit_count() == count
        assert other.bit_count() in (127, 128)
    assert (
        min(
            (int.from_bytes(pdq_bits(a), "big") ^ int.from_bytes(pdq_bits(b), "big")).bit_count()
            for a, b in itertools.combinations(range(50), 2)
        )
        > 85
    )

"""What all matches together make of a file."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashmatch.errors import CODES, MORE_TO_SEE
from hashmatch.hashers.local_features import LocalFeatures
from hashmatch.matching.results import (
    TIERS,
    LocalEvidence,
    Match,
    MatchedDecision,
    MatchedSource,
    Result,
    ScanSummary,
    Tier,
)
from hashmatch.matching.status import (
    StatusCounts,
    decide,
    is_skipped,
    joined,
    says_anything,
    strength,
    unmatched,
    with_matches,
)
from hashmatch.messages import Message
from hashmatch.records import Failure, Fingerprint, Hash
from tests.support.made_hashes import match

_matches = st.lists(
    st.builds(
        match,
        tier=st.sampled_from(TIERS),
        distance=st.integers(0, 3).map(lambda n: n * 20),
        allow=st.booleans(),
        coverage=st.none() | st.tuples(st.sampled_from([0.1, 0.5, 1.0]), st.sampled_from([0.1, 0.49, 0.5, 1.0])),
        reference_id=st.integers(1, 9),
    ),
    max_size=6,
)


def status(*matches: Match) -> str:
    return decide(matches)[0]


class TestDecide:
    def test_nothing(self) -> None:
        assert decide([]) == ("clean", ())

    @pytest.mark.parametrize("tier", TIERS)
    def test_one(self, tier: str) -> None:
        assert status(match(tier)) == "match"
        assert status(match(tier, allow=True)) == "allowed"

    def test_the_allow_list_wins_a_tie(self) -> None:
        for tier in TIERS:
            one, other = match(tier, 10), match(tier, 10, allow=True)
            for order in ([one, other], [other, one]):
                assert decide(order) == ("allowed", (other, one)), "and comes first, as it decides"

    def test_what_was_judged_false_decides_nothing_and_comes_last(self) -> None:
        said = MatchedDecision("false-positive", ("Anna",), "2026-11-26T12:00:00Z", True)
        false = replace(match("near", 0), decision=said)
        assert decide([false]) == ("clean", (false,))
        weaker = match("possible", 40, reference_id=2)
        assert decide([false, weaker]) == ("match", (weaker, false))
        assert decide([replace(false, decision=replace(said, in_force=False)), weaker])[1][1] == weaker
        for other in ("confirmed", "dispute", "second-look"):
            assert status(replace(false, decision=replace(said, decision=other))) == "match"
        assert status(replace(match("near", 0, allow=True), decision=said), weaker) == "match", "nor does it protect"

    def test_local_features_alone_protect_from_nothing_that_has_a_distance(self) -> None:
        by_parts = replace(match("possible", allow=True), distance=None, local=LocalEvidence(40, ()))
        assert status(by_parts, match("possible", 44, reference_id=2)) == "match"
        flagged = replace(match("possible", reference_id=2), distance=None, local=LocalEvidence(41, ()))
        assert status(by_parts, flagged) == "match"
        assert status(by_parts, replace(flagged, local=LocalEvidence(40, ()))) == "allowed"

    @pytest.mark.parametrize("tier", TIERS)
    def test_what_only_lists_allow_overrules_nobody_else(self, tier: Tier) -> None:
        def said(opinion: str, *voice: str) -> Match:
            found = match(tier, 10, allow=opinion == "benign")
            sources = (MatchedSource("east", None, None, opinion, *voice),)
            return replace(found, reference=replace(found.reference, sources=sources, pending=opinion == "benign"))

        waiting = said("benign", "unsigned", "east")
        assert status(waiting) == "allowed", "there is nothing against it"
        assert status(waiting, said("malicious", "unsigned", "east")) == "allowed", "it overrules only itself"
        for voice in (("", ""), ("unsigned", "west"), ("RW…", ""), ("RW…", "unsigned:east")):
            assert status(waiting, said("malicious", *voice)) == "match"
        for gone in ("retracted", "disputed"):
            both = said("malicious", "unsigned", "east")
            sources = (*both.reference.sources, MatchedSource("west", None, None, gone, "RW…"))
            assert status(waiting, replace(both, reference=replace(both.reference, sources=sources))) == "allowed"

    def test_the_allow_list_wins_when_it_is_better(self) -> None:
        assert status(match("near", 9, allow=True), match("near", 10)) == "allowed"
        assert status(match("near", 30, allow=True), match("possible", 0)) == "allowed"
        assert status(match("exact", allow=True), match("near", 0)) == "allowed"

    def test_the_allow_list_does_not_win_when_it_is_worse(self) -> None:
        assert status(match("near", 11, allow=True), match("near", 10)) == "match"
        assert status(match("possible", 0, allow=True), match("near", 31)) == "match"
        assert status(match("near", 0, allow=True), match("exact")) == "match"
        assert status(match("near", 11, allow=True), match("near", 20), match("near", 10)) == "match"

    def test_a_film_protects_only_what_shows_most_of_it(self) -> None:
        clip = match("near", 5, coverage=(1.0, 0.3))
        for shown, expected in ((0.49, "match"), (0.5, "allowed"), (1.0, "allowed")):
            assert status(match("near", 5, allow=True, coverage=(1.0, shown)), clip) == expected

    def test_bytes_on_the_allow_list_are_protected_whatever_they_are(self) -> None:
        assert status(match("exact", allow=True), match("near", 5, coverage=(1.0, 1.0))) == "allowed"

    def test_of_films_the_one_that_explains_more_counts_before_the_closer_one(self) -> None:
        news = match("near", 9, allow=True, coverage=(1.0, 0.9), reference_id=1)
        quoted = match("near", 2, coverage=(0.6, 1.0), reference_id=2)
        assert decide([quoted, news]) == ("allowed", (news, quoted))

    def test_a_protecting_match_must_be_as_strong_itself(self) -> None:
        # The stronger of the two on the list does not protect, and the one that would is too weak.
        matches = [
            match("near", 0, allow=True, coverage=(1.0, 0.1)),
            match("possible", 0, allow=True),
            match("near", 20, coverage=(1.0, 1.0)),
        ]
        assert status(*matches) == "match"

    def test_what_protects_explains_as_much_of_the_file_as_anything_flagged(self) -> None:
        intro = match("near", 0, allow=True, coverage=(0.02, 1.0))
        assert status(intro) == "allowed"
        assert status(intro, match("possible", 20, coverage=(0.4, 0.3))) == "match"
        assert status(intro, match("near", 20, coverage=(0.6, 0.3))) == "match"
        assert (
            status(match("near", 0, allow=True, coverage=(0.9, 1.0)), match("possible", 2, coverage=(0.4, 1.0)))
            == "allowed"
        )

    def test_best_first(self) -> None:
        best = [
            match("exact", reference_id=1),
            match("near", 0, coverage=(1.0, 0.2), reference_id=2),
            match("near", 9, reference_id=3),
            match("near", 0, coverage=(0.9, 1.0), reference_id=4),
            match("possible", 0, reference_id=5),
            match("possible", 60, reference_id=6),
        ]
        for order in itertools.islice(itertools.permutations(best), 0, 720, 37):
            assert decide(order)[1] == tuple(best)

    @given(_matches)
    def test_what_always_holds(self, matches: list[Match]) -> None:
        verdict, ranked = decide(matches)
        assert sorted(map(repr, ranked)) == sorted(map(repr, matches)), "all evidence is shown"
        assert [strength(each) for each in ranked] == sorted(map(strength, matches), reverse=True)
        flagged = [each for each in matches if not each.reference.allow]
        allowed = [each for each in matches if each.reference.allow]
        if flagged:
            assert verdict != "clean"
        if verdict == "allowed":
            assert allowed
            for each in flagged:
                assert any(strength(other) >= strength(each) for other in allowed)
                share = 1.0 if each.video is None else each.video.query_coverage
                assert any((1.0 if other.video is None else other.video.query_coverage) >= share for other in allowed)
        if not allowed:
            assert verdict == ("match" if flagged else "clean")
        if verdict == "match":
            assert flagged

    @given(_matches, st.randoms())
    def test_the_order_in_which_they_are_found_does_not_matter(self, matches: list[Match], random: object) -> None:
        shuffled = list(matches)
        random.shuffle(shuffled)  # type: ignore[attr-defined]
        assert decide(shuffled)[0] == decide(matches)[0]
        keys = [[(strength(each), each.reference.allow) for each in decide(order)[1]] for order in (matches, shuffled)]
        assert keys[0] == keys[1]

    @given(_matches)
    def test_one_more_flagged_match_never_clears_a_file(self, matches: list[Match]) -> None:
        before = status(*matches)
        for tier in TIERS:
            after = status(*matches, match(tier, 20))
            assert after != "clean"
            assert not (before == "match" and after == "allowed")


#: A picture that was examined, before it is compared.
PICTURE = Result(b"a.jpg", "clean", kind="image", size=9, sha256="0" * 64, md5="0" * 32)


class TestUnmatched:
    @pytest.mark.parametrize("code", [None, *CODES])
    def test_what_is_no_media_is_skipped_and_what_cannot_be_examined_failed(self, code: str | None) -> None:
        error = Failure(code, Message.literal("why")) if code else None
        fingerprint = Fingerprint(None, 7, error=error)
        skipped = code in (None, "unsupported-format")
        assert is_skipped(fingerprint) == skipped
        assert unmatched(b"a", fingerprint) == Result(b"a", "skipped" if skipped else "failed", size=7, error=error)

    def test_says_what_it_is_if_that_is_not_looked_into(self) -> None:
        expected = Result(b"a", "skipped", size=7, unexamined="archive")
        assert unmatched(b"a", Fingerprint(None, 7, unexamined="archive")) == expected

    def test_media_is_never_skipped(self) -> None:
        error = Failure("unsupported-format", Message.literal("why"))
        fingerprint = Fingerprint("image", 7, error=error)
        assert unmatched(b"a", fingerprint) == Result(b"a", "failed", kind="image", size=7, error=error)


class TestWithMatches:
    def test_what_was_measured_stays(self) -> None:
        found = match("near", 4)
        assert with_matches(PICTURE, [found]) == replace(PICTURE, status="match", tier="near", matches=(found,))

    @pytest.mark.parametrize("partial", [False, True])
    @pytest.mark.parametrize("code", CODES)
    def test_clean_is_what_was_examined_as_far_as_it_can_be(self, code: str, partial: bool) -> None:
        result = replace(PICTURE, error=Failure(code, Message.literal("why")), partial=partial)
        expected = "clean" if partial and code not in MORE_TO_SEE else "failed"
        assert (with_matches(result, []).status, with_matches(result, []).tier) == (expected, None)
        assert with_matches(result, [match("possible")]).status == "match"
        assert with_matches(result, [match("possible", allow=True)]).status == "allowed"

    @given(_matches, st.sampled_from(TIERS))
    def test_weaker_matches_count_for_nothing(self, matches: list[Match], least: Tier) -> None:
        enough = [each for each in matches if TIERS.index(each.tier) <= TIERS.index(least)]
        result = with_matches(PICTURE, matches, least)
        assert (result.status, result.matches) == decide(enough)
        assert result.tier == (None if result.status == "clean" else result.matches[0].tier)

    def test_nor_do_they_protect_or_hide_that_something_failed(self) -> None:
        failed = replace(PICTURE, error=Failure("corrupt", Message.literal("why")))
        assert with_matches(failed, [match("possible", allow=True)], "near").status == "failed"
        assert with_matches(PICTURE, [match("near"), match("exact", allow=True)], "exact").status == "allowed"
        assert with_matches(PICTURE, [match("possible", allow=True)], "near").status == "clean"

    def test_what_is_no_media_stays_skipped_unless_its_bytes_are_known(self) -> None:
        sound = replace(PICTURE, status="skipped", kind=None, unexamined="sound")
        assert with_matches(sound, [], can_be_found=False) == sound
        assert with_matches(sound, [match("exact", 0)], can_be_found=False).status == "match"

    def test_clean_needs_something_that_was_compared(self) -> None:
        result = with_matches(PICTURE, [], can_be_found=False)
        assert result.error is not None
        assert (result.status, result.error.code) == ("failed", "nothing-to-compare")
        found = [match("exact", 0)]
        assert with_matches(PICTURE, found, can_be_found=False) == with_matches(PICTURE, found)

    @pytest.mark.parametrize("code", CODES)
    def test_of_what_is_incomplete_the_reason_is_said(self, code: str) -> None:
        """A limit stays a limit; damage that left nothing to compare is worse than a part that is missing."""
        result = replace(PICTURE, error=Failure(code, Message.literal("why")), partial=True)
        told = with_matches(result, [], can_be_found=False)
        assert told.error is not None
        assert (told.status, told.error.code) == ("failed", code if code in MORE_TO_SEE else "corrupt")


BITS = bytes(range(32))


class TestSaysAnything:
    @pytest.mark.parametrize(
        ("hashes", "expected"),
        [
            ([], False),
            ([Hash("pdq", BITS, 9)], False),
            ([Hash("pdq", BITS, 10)], True),
            ([Hash("pdq", BITS, 0), Hash("pdq", BITS, 50, view="trim1")], True),
            ([Hash("pdq", BITS, 0, time=0.0), Hash("pdq", BITS, 0, time=1.0)], False),
            ([Hash("pdq", BITS, 0, time=0.0), Hash("pdq", BITS, 10, time=1.0)], True),
            ([Hash("pdq", bytes(32), None)], False),
            ([Hash("pdq", b"\xf0" * 32, None)], True),
            ([Hash("pdq", BITS, 0), Hash("phash", BITS[:8])], False),
            ([Hash("phash", BITS[:8])], True),
            ([Hash("dhash", BITS[:8])], False),
            ([Hash("blocks", BITS)], False),
        ],
    )
    def test_a_hash_that_is_searched_and_has_the_quality(self, hashes: list[Hash], expected: bool) -> None:
        assert says_anything(hashes, ("pdq", "phash")) is expected

    @pytest.mark.parametrize(("count", "expected"), [(0, False), (4, False), (5, True)])
    def test_or_local_features_enough_for_a_match(self, count: int, expected: bool) -> None:
        features = LocalFeatures(100, 100, bytes(32 * count), bytes(6 * count)).to_bytes()
        assert says_anything([Hash("pdq", BITS, 0)], ("pdq",), [features, features]) is expected


class TestStatusCounts:
    def test_failures_by_code_and_what_was_not_looked_into_by_kind(self) -> None:
        counts = StatusCounts()
        for code in ("timeout", "corrupt", "corrupt"):
            counts.add(replace(PICTURE, status="failed", error=Failure(code, Message.literal("why"))))
        counts.add(replace(PICTURE, error=Failure("partial", Message.literal("why")), partial=True))
        for kind in ("sound", "archive", "sound", None):
            counts.add(Result(b"a", "skipped", unexamined=kind))  # type: ignore[arg-type]
        summary = counts.summary()
        assert summary.failures == {"corrupt": 2, "timeout": 1}
        assert summary.unexamined == {"archive": 1, "sound": 2}

    def test_every_file_once(self) -> None:
        counts = StatusCounts()
        for number, status in enumerate(("match", "allowed", "clean", "failed", "skipped"), 1):
            for _time in range(number):
                counts.add(Result(b"a", status))  # type: ignore[arg-type]
        summary = counts.summary()
        assert summary == ScanSummary(15, 1, 2, 3, 4, 5, summary.seconds)
        assert 0 <= summary.seconds < 60
        assert counts.summary(interrupted=True).interrupted

    def test_what_is_no_match_since_people_judged_it(self) -> None:
        false = replace(match("near"), decision=MatchedDecision("false-positive", ("Anna",), None, True))
        counts = StatusCounts()
        counts.add(with_matches(PICTURE, [false]))
        counts.add(with_matches(PICTURE, [false, match("possible", reference_id=2)]))
        counts.add(with_matches(PICTURE, []))
        assert (counts.judged_false, counts.summary().matched, counts.summary().clean) == (1, 1, 2)


class TestJoined:
    def test_a_failed_part_says_why_the_file_failed(self) -> None:
        damage, secret = (Failure(code, Message.literal("why")) for code in ("partial", "encrypted"))
        main = replace(PICTURE, error=damage, partial=True)
        part = replace(PICTURE, status="failed", error=secret)
        told = joined([main, part], ["stream2"])
        assert (told.status, told.error, told.partial, told.parts) == ("failed", secret, True, ("stream2",))
        found = replace(part, status="match", error=None, tier="near", matches=(match("near"),))
        told = joined([main, found], ["stream2"])
        assert (told.status, told.error, [each.part for each in told.matches]) == ("match", damage, ["stream2"])

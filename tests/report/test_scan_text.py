"""What an analyst reads of a scan."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest

from hashmatch.matching.results import (
    ExaminedFilm,
    LocalEvidence,
    MatchedDecision,
    MatchedSource,
    Reason,
    Segment,
    VideoEvidence,
)
from hashmatch.report.reasons import explain
from hashmatch.report.scan_text import (
    LISTED,
    area_line,
    clock,
    coverage_line,
    examined_text,
    lines_of,
    segment_line,
    segment_text,
)
from hashmatch.store import Store, open_store
from tests.support.harmless_text import harmless
from tests.support.made_references import add
from tests.support.report_results import (
    ALLOWED,
    CLEAN,
    CROPPED,
    FAILED,
    FLAGGED,
    HOSTILE,
    MATCHED,
    SAME_LAYOUT,
    SKIPPED,
    VIDEO,
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "reference.db", write=True) as opened:
        for number in range(6):
            add(opened, f"file {number}")
        add(opened, "seventh", "the archive/seven\x1b.mp4")
        yield opened


def test_nothing_of_what_did_not_match(store: Store) -> None:
    for result in (CLEAN, FAILED, SKIPPED):
        assert list(lines_of(result, store, colour=True)) == []


def test_of_a_match(store: Store) -> None:
    head, first, video, second = lines_of(replace(MATCHED, path=b"up/a.mp4"), store, colour=False)
    assert head == "NEAR      up/a.mp4"
    for part in ("#7", "near", "pdq distance 12", "east (TLP:AMBER+STRICT)", "west", "[first]", "[=second]"):
        assert part in first
    assert first.endswith(r"the archive/seven\x1b.mp4")
    assert (
        "50% of this file, 25% of the reference: 0:00:00–0:00:04 = 0:01:01–0:01:05; 0:00:09–0:00:09 = 1:01:10–1:01:10"
        in video
    )
    assert "#8" in second and "on the allow list" in second and "distance" not in second


def test_of_a_match_in_a_part(store: Store) -> None:
    _head, line, _video = lines_of(replace(MATCHED, matches=(replace(FLAGGED, part="stream2"),)), store, colour=False)
    assert "  in its video stream 2  " in line


def test_who_took_it_back_is_told_beside_who_knows_it(store: Store) -> None:
    _head, line, _video = lines_of(replace(MATCHED, matches=(FLAGGED,)), store, colour=False)
    assert "retracted by west" in line.split("  ") and "disputed by north" in line.split("  ")


def test_of_what_was_decided(store: Store) -> None:
    said = MatchedDecision("false-positive", ("Anna", "B\x1ben"), "2026-11-26T12:00:00.5Z", True)
    result = replace(
        MATCHED, matches=(replace(FLAGGED, decision=said), replace(ALLOWED, decision=replace(said, in_force=False)))
    )
    _head, first, _video, second = lines_of(result, store, colour=False)
    assert r"false positive: decided by Anna, B\x1ben, 2026-11-26" in first
    assert "false positive: said by Anna" in second


def test_of_a_picture_that_was_changed(store: Store) -> None:
    lines = lines_of(replace(MATCHED, tier="possible", matches=(SAME_LAYOUT, CROPPED)), store, colour=False)
    _head, poster, cropped = (line.split("  ") for line in lines)
    assert poster[5:10] == ["#10", "possible", "pdq distance 14", "trimmed", explain("same-layout", "pdq")]
    assert cropped[5:9] == ["#9", "possible", "31 points agree", "crop"]


@pytest.mark.parametrize("reason", ["same-layout", "low-quality", "common-hash"])
def test_why_it_is_no_more_than_possible_where_the_distance_does_not_tell(store: Store, reason: Reason) -> None:
    _head, line = lines_of(replace(MATCHED, matches=(replace(SAME_LAYOUT, reason=reason),)), store, colour=False)
    assert explain(reason, "pdq") in line


@pytest.mark.parametrize("reason", get_args(Reason))
def test_each_reason_has_words_of_its_own(reason: Reason) -> None:
    assert explain(reason, "pdq")
    assert [other for other in get_args(Reason) if explain(other, "pdq") == explain(reason, "pdq")] == [reason]


def test_a_distance_is_told_by_the_hash_that_it_is_of() -> None:
    assert explain("same-hash", "pdq") == "PDQ distance of at most 31"
    assert explain("same-hash", "a\x1bb") == r"a\x1bb distance of at most ?", (
        "a report may have one that is not known here"
    )


@pytest.mark.parametrize(
    ("status", "tier", "word"),
    [
        ("match", "exact", "EXACT"),
        ("match", "near", "NEAR"),
        ("match", "possible", "POSSIBLE"),
        ("allowed", "near", "ALLOWED"),
    ],
)
def test_the_verdict_comes_first_in_its_colour(store: Store, status: str, tier: str, word: str) -> None:
    result = replace(MATCHED, status=status, tier=tier, path=b"a.mp4")
    assert next(lines_of(result, store, colour=False)) == f"{word:<9} a.mp4"
    coloured = next(lines_of(result, store, colour=True))
    assert coloured.startswith("\x1b[") and re.sub(r"\x1b\[[0-9;]*m", "", coloured) == f"{word:<9} a.mp4"


def test_nothing_that_others_wrote_acts_on_the_terminal(store: Store) -> None:
    text = HOSTILE.decode("utf-8", "replace")
    reference = replace(
        FLAGGED.reference, labels=(text,), sources=(MatchedSource(text, text, "red", "malicious"),), sha256=None
    )
    result = replace(MATCHED, matches=(replace(FLAGGED, reference=reference), ALLOWED))
    lines = list(lines_of(result, store, colour=False))
    assert len(lines) == 4
    assert all(map(harmless, lines))


def test_many_matches_are_counted_not_listed(store: Store) -> None:
    for more, told in ((0, None), (1, "… and 1 more reference"), (95, "… and 95 more references")):
        lines = list(lines_of(replace(MATCHED, matches=(ALLOWED,) * (LISTED + more)), store, colour=False))
        assert len(lines) == 1 + LISTED + (more > 0)
        if told:
            assert lines[-1].strip() == told


def test_coverage() -> None:
    assert coverage_line(VideoEvidence(1.0, 0.004, VIDEO.segments[:1])) == (
        "100% of this file, 0% of the reference: 0:00:00–0:00:04 = 0:01:01–0:01:05"
    )
    one = replace(VIDEO, segments=VIDEO.segments[1:])
    assert coverage_line(one) == "one frame, at 1:01:10 of the reference"
    for more, told in ((0, ""), (1, "; … and 1 more"), (9, "; … and 9 more")):
        line = coverage_line(replace(VIDEO, segments=VIDEO.segments[:1] * (LISTED + more)))
        assert line.count("0:01:05") == LISTED and line.endswith("0:01:05" + told)


class TestSegments:
    SEGMENT = Segment((12.0, 100.0), (180.0, 268.4), 176, 12.25, 44, 41)

    @pytest.mark.parametrize(
        ("changes", "told"),
        [
            ({}, ""),
            ({"speed": 1.019}, ""),
            ({"speed": 1.1}, " at 1.10 × speed"),
            ({"speed": 0.9}, " at 0.90 × speed"),
            ({"transform": "mirror"}, ", mirrored"),
            ({"transform": "mirror", "speed": 1.25}, " at 1.25 × speed, mirrored"),
        ],
    )
    def test_times_of_both_and_what_was_done(self, changes: dict[str, Any], told: str) -> None:
        assert segment_text(replace(self.SEGMENT, **changes)) == "0:00:12–0:01:40 = 0:03:00–0:04:28" + told

    def test_of_a_picture_there_are_no_times(self) -> None:
        for changes in ({"query": (0.0, 0.0)}, {"query": (180.0, 268.4), "reference": (0.0, 0.0)}):
            assert segment_text(replace(self.SEGMENT, **changes)) == "0:03:00–0:04:28"

    def test_with_all_evidence(self) -> None:
        assert segment_line(self.SEGMENT) == (
            "0:00:12–0:01:40 = 0:03:00–0:04:28:"
            " 176 frames agree, 41 different pictures, PDQ distance 12.2 on average, 44 at most"
        )
        assert "1 frame agrees, 1 picture," in segment_line(replace(self.SEGMENT, frames=1, distinct=1))


@pytest.mark.parametrize(
    ("seconds", "whole", "tenths"),
    [
        (0.0, "0:00:00", "0:00:00.0"),
        (0.5, "0:00:01", "0:00:00.5"),
        (1.5, "0:00:02", "0:00:01.5"),
        (59.97, "0:01:00", "0:01:00.0"),
        (3599.5, "1:00:00", "0:59:59.5"),
        (36_000.04, "10:00:00", "10:00:00.0"),
    ],
)
def test_clock(seconds: float, whole: str, tenths: str) -> None:
    assert (clock(seconds), clock(seconds, tenths=True)) == (whole, tenths)


def test_examined() -> None:
    assert examined_text(ExaminedFilm(37, 10.41)) == "37 frames looked at, up to 10.4 s apart"
    assert examined_text(ExaminedFilm(1, 10.0)) == "1 frame looked at, up to 10.0 s apart"


def test_area() -> None:
    corners = ((0.25, 0.5), (0.75, 0.5), (0.75, 1.0), (0.25, 1.0))
    assert area_line(LocalEvidence(31, corners)) == (
        "31 points agree; corners at (25%, 50%) (75%, 50%) (75%, 100%) (25%, 100%) of width and height"
    )
    assert area_line(LocalEvidence(1, corners)).startswith("1 point agrees; ")

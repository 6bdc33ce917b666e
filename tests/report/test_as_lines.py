"""What an analyst reads of a scan."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from store.samples import add

from hashmatch.matching.results import MatchedSource, VideoEvidence
from hashmatch.report.as_lines import LISTED, coverage_line, lines_of
from hashmatch.store import Store

from .samples import ALLOWED, CLEAN, FAILED, FLAGGED, HOSTILE, MATCHED, SKIPPED, VIDEO
from .test_escape import harmless


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "reference.db", write=True) as opened:
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
    assert "50% of this file, 25% of the reference: 0:00–0:04 = 1:01–1:05, 0:09–0:09 = 1:01:10–1:01:10" in video
    assert "#8" in second and "on the allow list" in second and "distance" not in second


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
        "100% of this file, 0% of the reference: 0:00–0:04 = 1:01–1:05"
    )

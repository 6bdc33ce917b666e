"""CSV: parses back, row for row and value for value, and runs nothing."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from hashmatch.escape import for_spreadsheet, for_terminal
from hashmatch.exchange.csv_cells import unguard
from hashmatch.matching.results import ExaminedFilm, MatchedOpinion, Result
from hashmatch.messages import Message
from hashmatch.records import Failure
from hashmatch.report.as_csv import COLUMNS, CsvResults
from tests.support.report_results import CLEAN, CROPPED, FAILED, HOSTILE, MATCHED, SAME_LAYOUT, SKIPPED


def written(*results: Result) -> list[dict[str, str]]:
    """What a reader gets of what is written."""
    out = io.StringIO(newline="")
    rows = CsvResults(out)
    for result in results:
        rows.write(result)
    table = list(csv.reader(io.StringIO(out.getvalue(), newline=""), strict=True))
    assert tuple(table[0]) == COLUMNS
    assert {len(row) for row in table} == {len(COLUMNS)}
    return [dict(zip(COLUMNS, row, strict=True)) for row in table[1:]]


def test_a_row_for_each_match() -> None:
    flagged, allowed = written(replace(MATCHED, examined=ExaminedFilm(37, 10.41)))
    file = ["status", "tier", "partial", "kind", "size", "sha256", "md5", "error", "message"]
    file += ["examined_frames", "examined_gap"]
    values = ["match", "near", "yes", "video", "123456", "cd" * 32, "ef" * 16, "partial", "cut off", "37", "10.41"]
    for row in (flagged, allowed):
        assert [row[name] for name in file] == values
    assert {name: flagged[name] for name in COLUMNS if name not in [*file, "path"]} == {
        "reference": "7",
        "reference_sha256": "ab" * 32,
        "match_tier": "near",
        "distance": "12",
        "algorithm": "pdq",
        "transform": "none",
        "reason": "same-footage",
        "quality": "88",
        "query_coverage": "0.5",
        "reference_coverage": "0.25",
        "segments": "0:00:00–0:00:04=0:01:01–0:01:05; 0:00:09–0:00:09=1:01:10–1:01:10",
        "allow": "no",
        "labels": "first; =second",
        "collections": "east; west",
        "opinions": "west: retracted; north: disputed",
        "decision": "",
        "part": "",
        "unexamined": "",
    }
    assert [allowed[name] for name in ("reference", "match_tier", "distance", "allow")] == ["8", "exact", "0", "yes"]
    assert allowed["reason"] == "same-bytes"
    assert [allowed[name] for name in ("reference_sha256", "quality", "query_coverage", "segments", "labels")] == [
        ""
    ] * 5


def test_two_of_one_name_both_have_their_say() -> None:
    match = MATCHED.matches[0]
    said = [MatchedOpinion("review", each, None, None, each, each) for each in ("confirmed", "disputed")]
    reference = replace(match.reference, opinions=(*said, said[0]))
    (row,) = written(replace(MATCHED, matches=(replace(match, reference=reference),)))
    assert row["opinions"] == "west: retracted; review: confirmed; review: disputed"


def test_a_match_without_a_distance() -> None:
    cropped, poster = written(replace(MATCHED, matches=(CROPPED, SAME_LAYOUT)))
    names = ("reference", "match_tier", "distance", "algorithm", "transform", "reason", "quality")
    assert [cropped[name] for name in names] == ["9", "possible", "", "orb", "crop", "local-features", ""]
    assert [poster[name] for name in names] == ["10", "possible", "14", "pdq", "trimmed", "same-layout", "91"]


def test_a_row_for_a_file_without() -> None:
    clean, failed, skipped = written(CLEAN, FAILED, SKIPPED)
    assert (clean["path"], clean["status"], clean["partial"], clean["tier"]) == ("a.jpg", "clean", "no", "")
    assert (failed["status"], failed["error"], failed["message"]) == ("failed", "not-found", "does not exist")
    assert (skipped["status"], skipped["size"], skipped["reference"]) == ("skipped", "45", "")


def test_a_name_is_guarded_and_kept() -> None:
    (row,) = written(Result(HOSTILE, "clean"))
    assert row["path"] == for_spreadsheet(for_terminal(HOSTILE)) != for_terminal(HOSTILE)


_cells = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("=+-@\t\r\n\",;'\0"), max_size=20)


@given(st.lists(st.tuples(_cells, _cells), min_size=1, max_size=4))
def test_whatever_is_in_it(pairs: list[tuple[str, str]]) -> None:
    failures = [(path.encode(), Failure("corrupt", Message.literal(text))) for path, text in pairs]
    rows = written(*(Result(path, "failed", error=failure) for path, failure in failures))
    assert len(rows) == len(pairs)
    for row, (path, text) in zip(rows, pairs, strict=True):
        for cell, value in ((row["path"], path), (row["message"], text)):
            assert unguard(cell) == for_terminal(value)
            assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))

"""Scan results as CSV: one row per match, and one row for a file without a match."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import TextIO

from hashmatch.escape import for_spreadsheet, for_terminal
from hashmatch.matching.results import Match, MatchedDecision, Result, Segment
from hashmatch.report.scan_text import span_text

COLUMNS = (
    "path",
    "status",
    "tier",
    "partial",
    "kind",
    "size",
    "sha256",
    "md5",
    "examined_frames",
    "examined_gap",
    "reference",
    "reference_sha256",
    "match_tier",
    "distance",
    "algorithm",
    "transform",
    "reason",
    "quality",
    "query_coverage",
    "reference_coverage",
    "segments",
    "allow",
    "labels",
    "collections",
    "opinions",
    "decision",
    "error",
    "message",
    "part",
    "unexamined",
)


class CsvResults:
    """Writes results as they come. Text is escaped for terminals and guarded against running as formulas: this is for
    people. The exact names are in the JSON."""

    def __init__(self, out: TextIO) -> None:
        self._rows = csv.writer(out)
        self._out = out
        self._rows.writerow(COLUMNS)

    def write(self, result: Result) -> None:
        for row in _rows(result):
            self._rows.writerow(
                for_spreadsheet(for_terminal(cell)) if isinstance(cell, str | bytes) else cell for cell in row
            )
        self._out.flush()


def _rows(result: Result) -> Iterator[list[object]]:
    file = [
        result.path,
        result.status,
        result.tier,
        "yes" if result.partial else "no",
        result.kind,
        result.size,
        result.sha256,
        result.md5,
        result.examined.frames if result.examined else None,
        result.examined.longest_gap if result.examined else None,
    ]
    error = [result.error.code, result.error.message] if result.error else [None, None]
    for match in result.matches:
        yield [*file, *_match(match), *error, match.part, result.unexamined]
    if not result.matches:
        rest = [*error, None, result.unexamined]
        yield [*file, *[None] * (len(COLUMNS) - len(file) - len(rest)), *rest]


def _match(match: Match) -> list[object]:
    return [
        match.reference.id,
        match.reference.sha256,
        match.tier,
        match.distance,
        match.algorithm,
        match.transform,
        match.reason,
        match.quality,
        match.video.query_coverage if match.video else None,
        match.video.reference_coverage if match.video else None,
        "; ".join(_segment(each) for each in match.video.segments) if match.video else None,
        "yes" if match.reference.allow else "no",
        "; ".join(match.reference.labels),
        "; ".join(source.collection for source in match.reference.sources),
        "; ".join(f"{source}: {opinion}" for source, opinion in match.reference.judgements),
        _decision(match.decision) if match.decision else None,
    ]


def _decision(found: MatchedDecision) -> str:
    return f"{', '.join(found.by)}: {found.decision}" + ("" if found.in_force else " (not in force)")


def _segment(segment: Segment) -> str:
    return f"{span_text(segment.query)}={span_text(segment.reference)}"

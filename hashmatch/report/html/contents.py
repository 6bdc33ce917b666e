"""Sorts the results of a scan, as they come, for a report: by tier, then by reference, then by distance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from hashmatch.errors import CODES
from hashmatch.matching.results import TIERS, Match, MatchedReference, Result, Tier
from hashmatch.records import Tlp, strictest

#: Most matches and files that are listed, and most bytes of the lines that they were read from: somebody may have made
#: up the file to fill the memory. Further ones are counted, and the report says so.
MOST_MATCHES = 100_000
MOST_FILES = 20_000
MOST_BYTES = 128 << 20
#: Problems with an unknown code are counted as this.
OTHER = "?"

#: A section of the report: a tier, or the files that the allow list protects.
SectionName = Literal["exact", "near", "possible", "allowed"]
SECTIONS: tuple[SectionName, ...] = (*TIERS, "allowed")


@dataclass(frozen=True, slots=True)
class ReportEntry:
    """One file and one reference. is_best: whether no other match of the file is better."""

    result: Result
    match: Match
    is_best: bool


@dataclass(frozen=True, slots=True)
class MatchGroup:
    """All matches of one tier with one reference."""

    reference: MatchedReference
    entries: list[ReportEntry]


@dataclass(frozen=True, slots=True)
class ReportSection:
    """All matches of one tier."""

    name: SectionName
    groups: list[MatchGroup]

    @property
    def count(self) -> int:
        return sum(len(group.entries) for group in self.groups)


@dataclass
class ReportContents:
    """What a report shows.

    files: how many files have each status.
    matches: how many matches each section has, including those that are not listed.
    problems: how many files could not be examined, by error code. unexamined: those of them that are listed.
    other_kinds: how many files are of kinds that are not looked into, by kind.
    partial_files: how many files were examined in part. partial: those of them that are listed.
    distances: for each PDQ distance, how many matches each tier has.
    gap: the longest time in seconds between two examined frames, in any film that is not an exact match.
    listed: how many matches are listed.
    tlp: the strictest mark of any reference. unmarked: whether some reference has no mark.
    bytes: total length of the lines that the listed results were read from.
    """

    files: Counter[str] = field(default_factory=Counter)
    matches: Counter[SectionName] = field(default_factory=Counter)
    problems: Counter[str] = field(default_factory=Counter)
    other_kinds: Counter[str] = field(default_factory=Counter)
    unexamined: list[Result] = field(default_factory=list)
    partial: list[Result] = field(default_factory=list)
    partial_files: int = 0
    distances: dict[int, Counter[Tier]] = field(default_factory=dict)
    gap: float = 0.0
    listed: int = 0
    tlp: Tlp | None = None
    unmarked: bool = False
    bytes: int = 0
    _groups: dict[tuple[SectionName, MatchedReference], list[ReportEntry]] = field(default_factory=dict)

    def add(self, result: Result, size: int = 0) -> None:
        """Take one more result. size: of the line that it was read from, in bytes."""
        has_room = self.bytes + size <= MOST_BYTES
        if has_room and (result.partial or result.status not in ("clean", "skipped")):
            self.bytes += size
        self.files[result.status] += 1
        if result.examined is not None and result.tier != "exact":
            self.gap = max(self.gap, result.examined.longest_gap)
        if result.status == "skipped" and result.unexamined is not None:
            self.other_kinds[result.unexamined] += 1
        if result.status == "failed":
            code = result.error.code if result.error else ""
            self.problems[code if code in CODES else OTHER] += 1
            if has_room and len(self.unexamined) < MOST_FILES:
                self.unexamined.append(result)
        elif result.partial:
            self.partial_files += 1
            if has_room and len(self.partial) < MOST_FILES:
                self.partial.append(result)
        if result.status in ("match", "allowed"):
            for number, match in enumerate(result.matches):
                self._add_match(result, match, number == 0, has_room)

    def _add_match(self, result: Result, match: Match, is_best: bool, has_room: bool) -> None:
        name: SectionName = "allowed" if result.status == "allowed" else match.tier
        self.matches[name] += 1
        is_pdq = match.algorithm == "pdq" and match.tier != "exact"
        if is_pdq and match.distance is not None and 0 <= match.distance <= 256:
            self.distances.setdefault(match.distance, Counter())[match.tier] += 1
        marks = [source.tlp for source in match.reference.sources]
        self.tlp = strictest(self.tlp, *marks)
        self.unmarked = self.unmarked or not any(marks)
        if has_room and self.listed < MOST_MATCHES:
            self.listed += 1
            self._groups.setdefault((name, match.reference), []).append(ReportEntry(result, match, is_best))

    @property
    def left_out(self) -> int:
        """How many matches are counted but not listed."""
        return self.matches.total() - self.listed

    def sections(self) -> Iterator[ReportSection]:
        """The sections, strongest tier first; in each, the references with the nearest matches first."""
        for name in SECTIONS:
            groups = [
                MatchGroup(reference, sorted(entries, key=_order))
                for (section, reference), entries in self._groups.items()
                if section == name
            ]
            if groups:
                yield ReportSection(
                    name, sorted(groups, key=lambda group: (_order(group.entries[0])[0], group.reference.id))
                )

    def listed_results(self) -> Iterator[Result]:
        """Each file that is listed with a match, once, strongest tier first."""
        seen = set()
        for section in self.sections():
            for group in section.groups:
                for entry in group.entries:
                    if entry.is_best and entry.result.path not in seen:
                        seen.add(entry.result.path)
                        yield entry.result


def _order(entry: ReportEntry) -> tuple[int, bytes]:
    distance = entry.match.distance
    return (1 << 16 if distance is None else distance), entry.result.path

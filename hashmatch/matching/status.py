"""From a file's matches to its status: the one rule behind `scan`, its exit code, `--min-tier` and the Python API."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from hashmatch import hashers
from hashmatch.errors import MORE_TO_SEE
from hashmatch.hashers.local_features import LocalFeatures
from hashmatch.matching.results import TIERS, Match, Result, ScanSummary, Status, Tier
from hashmatch.matching.table import comparable, rows_of
from hashmatch.matching.tiers import ALLOW_COVERAGE, ENOUGH_INLIERS
from hashmatch.messages import Message
from hashmatch.records import Failure, Fingerprint, Hash

#: Why a file is not clean that shows nothing to tell it by.
NOTHING_TO_COMPARE = Failure("nothing-to-compare", Message.of("too-little-detail"))


def is_skipped(fingerprint: Fingerprint) -> bool:
    """Whether a file is not media at all, nor named like media, rather than media that could not be examined."""
    error = fingerprint.error
    return fingerprint.kind is None and (error is None or error.code == "unsupported-format")


def is_comparable(fingerprint: Fingerprint) -> bool:
    """Whether a file can be compared with references: it was read to its end."""
    return fingerprint.digests is not None


def says_anything(hashes: Sequence[Hash], algorithms: Collection[str], features: Sequence[bytes] = ()) -> bool:
    """Whether a file, or a part of it, can be found by what was measured: black, plain and blurred pictures cannot.

    algorithms: those that are searched. features: local features, if they are searched; see hashers/local_features.py.
    """
    if any(len(LocalFeatures.from_bytes(each)) >= ENOUGH_INLIERS for each in features):
        return True
    # Other algorithms do not tell a picture with little detail from others; the main one does.
    by_main = [each for each in hashes if each.algorithm == hashers.MAIN]
    for name in [hashers.MAIN] if by_main else algorithms:
        own = by_main or [each for each in hashes if each.algorithm == name]
        if own and comparable(rows_of(own), name).any():
            return True
    return False


def unmatched(path: bytes, fingerprint: Fingerprint) -> Result:
    """The result of a file that is not comparable."""
    if is_skipped(fingerprint):
        return Result(
            path, "skipped", size=fingerprint.size, error=fingerprint.error, unexamined=fingerprint.unexamined
        )
    return Result(path, "failed", kind=fingerprint.kind, size=fingerprint.size or None, error=fingerprint.error)


def with_matches(
    result: Result, matches: Iterable[Match], min_tier: Tier = "possible", can_be_found: bool = True
) -> Result:
    """A file's result once it has been compared with the references.

    result: what was measured; its status and matches are replaced, unless it is skipped. min_tier: weaker matches are left
    out, and count for nothing. can_be_found: as of `says_anything`; a file of which nothing was compared is not clean.
    """
    weakest = TIERS.index(min_tier)
    status, ranked = decide(match for match in matches if TIERS.index(match.tier) <= weakest)
    tier = ranked[0].tier if status in ("match", "allowed") else None
    error = result.error
    if status == "clean" and result.status == "skipped":
        status = "skipped"
    elif status == "clean" and _may_hide_a_match(error, result.partial):
        status = "failed"
    elif status == "clean" and not can_be_found:
        status, error = "failed", _nothing_to_compare(error)
    return replace(result, status=status, tier=tier, matches=ranked, error=error)


def _nothing_to_compare(damage: Failure | None) -> Failure:
    if damage is not None:
        return Failure("corrupt", Message.of("too-little-left"))
    return NOTHING_TO_COMPARE


#: From the most serious for the file as a whole.
_SERIOUS: tuple[Status, ...] = ("match", "failed", "allowed", "skipped", "clean")


def joined(verdicts: Sequence[Result], names: Sequence[str]) -> Result:
    """The result of a file from those of its parts, the main part first. names: of the further parts.

    The file has the most serious status of its parts. Each reference is matched once, by its strongest evidence.
    """
    main, *others = verdicts
    if not others:
        return main
    best = {match.reference.id: match for match in main.matches}
    for verdict, name in zip(others, names, strict=True):
        for match in verdict.matches:
            before = best.get(match.reference.id)
            if before is None or strength(match) > strength(before):
                best[match.reference.id] = replace(match, part=name)
    worst = min(verdicts, key=lambda each: _SERIOUS.index(each.status))
    # Of a failed file, why it failed: the damage of a part that is clean says less.
    failures = [each.error for each in verdicts if each.status == worst.status == "failed"]
    error = next(filter(None, [*failures, main.error, *(each.error for each in others)]), None)
    return replace(
        main,
        status=worst.status,
        tier=worst.tier if worst.status in ("match", "allowed") else None,
        partial=any(each.partial for each in verdicts),
        matches=decide(best.values())[1],
        error=error,
        examined=main.examined or next((each.examined for each in others if each.examined), None),
        parts=tuple(names),
    )


def _may_hide_a_match(error: Failure | None, partial: bool) -> bool:
    """Whether too little was examined to call a file clean: nothing at all, or only the part within a limit, or for which
    there is a decoder. Where damage ends a file early, the part that decodes is all there is."""
    return error is not None and (not partial or error.code in MORE_TO_SEE)


def decide(matches: Iterable[Match]) -> tuple[Status, tuple[Match, ...]]:
    """The status that a file's matches give it, and the matches, best first.

    A file is `allowed` if something on the allow list explains it at least as well as anything else does. A film on the
    list counts only if most of that film is shown: a news film does not protect what it quotes. What lists would allow and
    nobody here has decided on protects from nothing that others say. Matches that people judged false are listed last and
    decide nothing.
    """

    # Among equals, the one on the allow list first: it is what decides.
    def rank(match: Match) -> tuple[object, ...]:
        return not match.is_judged_false, strength(match), match.reference.allow

    ranked = tuple(sorted(matches, key=rank, reverse=True))
    counting = [match for match in ranked if not match.is_judged_false]
    flagged = [match for match in counting if not match.reference.allow]
    protecting = [match for match in counting if match.reference.allow and _protects(match)]
    # A known intro in front of propaganda explains less of the file than that does, however well it matches itself.
    most = max(map(explained, flagged), default=0.0)
    protecting = [match for match in protecting if not match.reference.pending or _says_so_itself(match, flagged)]
    protecting = [match for match in protecting if explained(match) >= most]
    if protecting and (not flagged or strength(protecting[0]) >= strength(flagged[0])):
        return "allowed", ranked
    return ("match" if flagged else "clean"), ranked


def strength(match: Match) -> tuple[int, float, float, int]:
    """A key for ordering matches; larger is stronger.

    The tier counts first, then how much of the file the reference explains, then the distance (matches by local features
    alone have none and come last), then how many local features agree.
    """
    distance = math.inf if match.distance is None else match.distance
    points = match.local.points if match.local else 0
    return -TIERS.index(match.tier), explained(match), -distance, points


def explained(match: Match) -> float:
    """How much of the file the reference explains, 0 to 1."""
    return 1.0 if match.video is None else match.video.query_coverage


def _says_so_itself(match: Match, flagged: list[Match]) -> bool:
    """Whether all that is flagged is the word of those who would allow this file, so that they overrule only themselves."""
    sources = [source for each in flagged for source in each.reference.sources]
    others = {(each.owner, each.author) for each in sources if each.opinion not in ("retracted", "disputed")}
    return others <= {(each.owner, each.author) for each in match.reference.sources if each.opinion == "benign"}


def _protects(match: Match) -> bool:
    return match.tier == "exact" or match.video is None or match.video.reference_coverage >= ALLOW_COVERAGE


class StatusCounts:
    """Counts the results of a scan by their status, from the start of the scan on. judged_false: the files that are no match
    only because people judged their matches false."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._counts = Counter[Status]()
        self._failures, self._unexamined = Counter[str](), Counter[str]()
        self.judged_false = 0

    def add(self, result: Result) -> None:
        self._counts[result.status] += 1
        if result.status == "failed" and result.error is not None:
            self._failures[result.error.code] += 1
        if result.status == "skipped" and result.unexamined is not None:
            self._unexamined[result.unexamined] += 1
        if result.status not in ("match", "allowed"):
            self.judged_false += any(match.is_judged_false for match in result.matches)

    def summary(self, interrupted: bool = False) -> ScanSummary:
        """How the scan has gone so far."""
        counts = self._counts
        return ScanSummary(
            counts.total(),
            counts["match"],
            counts["allowed"],
            counts["clean"],
            counts["failed"],
            counts["skipped"],
            round(time.monotonic() - self._started, 2),
            interrupted,
            dict(self._failures.most_common()),
            dict(sorted(self._unexamined.items())),
        )

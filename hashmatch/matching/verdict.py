"""From a file's hashes to its matches and its status."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields

import numpy as np

from hashmatch.matching import films, stills
from hashmatch.matching.finding import Finding, Search
from hashmatch.matching.guard import BlocksOf
from hashmatch.matching.queries import queries_of
from hashmatch.matching.results import TIERS, Match, MatchedReference, Status
from hashmatch.matching.table import HashTable, Hits
from hashmatch.matching.tiers import ALLOW_COVERAGE
from hashmatch.records import Hash, Kind


def find(hashes: Sequence[Hash], kind: Kind, table: HashTable, blocks_of: BlocksOf) -> Iterator[Finding]:
    """One finding for each reference that has a hash near one of the file's. kind: of the file."""
    queries = queries_of(hashes, table.algorithm, kind)
    if not len(queries.rows) or not len(table):
        return
    threshold = table.threshold
    upright = threshold.film if kind == "video" else threshold.possible
    limits = np.where((queries.turn == 0) | (kind == "video"), upright, threshold.turned)
    hits = table.search(queries.rows, limits, seeds=kind == "video")
    owners = table.rows.owner[hits.reference]
    search = Search(queries, kind, table, blocks_of)
    # Hits are sorted by owner, so each reference's lie together. (np.unique would import numpy.ma, 15 ms.)
    starts = [0, *(np.flatnonzero(np.diff(owners)) + 1).tolist(), len(owners)]
    of_films: list[tuple[int, Hits]] = []
    for start, end in itertools.pairwise(starts):
        if end > start:
            owner, own = int(owners[start]), hits.select(np.arange(start, end))
            if kind == "video" or not np.isnan(table.rows.time[table.of_owner(owner)]).all():
                of_films.append((owner, own))
            else:
                yield stills.judge(owner, own, search)
    yield from films.judge(of_films, search)


def strength(match: Match) -> tuple[int, float, float, int]:
    """For ordering: tier, then how much of the file the reference explains, then distance, of which local features alone
    have none, then how many of these agree; larger is stronger."""
    distance = math.inf if match.distance is None else match.distance
    points = match.local.points if match.local else 0
    return -TIERS.index(match.tier), explained(match), -distance, points


def explained(match: Match) -> float:
    """How much of the file the reference explains, 0 to 1."""
    return 1.0 if match.video is None else match.video.query_coverage


def decide(matches: Iterable[Match]) -> tuple[Status, tuple[Match, ...]]:
    """The status of an examined file, and its matches, best first.

    It is `allowed` if something on the allow list explains it at least as well as anything else does. A film on the
    list counts only where most of it is shown: what a news film quotes is not protected by that film. What people judged to
    be no match is listed, last, and decides nothing.
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
    protecting = [match for match in protecting if explained(match) >= most]
    if protecting and (not flagged or strength(protecting[0]) >= strength(flagged[0])):
        return "allowed", ranked
    return ("match" if flagged else "clean"), ranked


def _protects(match: Match) -> bool:
    return match.tier == "exact" or match.video is None or match.video.reference_coverage >= ALLOW_COVERAGE


def match_of(found: Finding, reference: MatchedReference) -> Match:
    """What was found, with what is known of the reference."""
    values = {field.name: getattr(found, field.name) for field in fields(found) if field.name != "reference_id"}
    return Match(reference, **values)


def exact(reference: MatchedReference, algorithm: str) -> Match:
    """The match of equal bytes."""
    return Match(reference, "exact", 0, algorithm, "none", None, None, "same-bytes")

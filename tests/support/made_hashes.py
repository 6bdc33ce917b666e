"""Hashes at exact distances, tables of them, and films of made-up frames."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from hashmatch.hashers.blocks import FREQUENCIES, GRID, Levels, pack
from hashmatch.matching.finding import Finding
from hashmatch.matching.results import Match, MatchedReference, MatchedSource, Tier, VideoEvidence
from hashmatch.matching.table import HashTable, join_rows, rows_of
from hashmatch.matching.tiers import Profile, thresholds
from hashmatch.matching.verdict import find
from hashmatch.records import Guards, Hash, Kind
from tests.support.made_references import flip, pdq_bits


def still(seed: object, distance: int = 0, quality: int | None = 100, view: str = "full") -> Hash:
    """A PDQ hash at a distance from the hash of a picture."""
    return Hash("pdq", flip(pdq_bits(seed), distance), quality, view=view)


def film(seeds: Iterable[object], distance: int = 0, quality: int | None = 100, start: float = 0.0) -> list[Hash]:
    """Hashes of one frame per second, each of another picture."""
    return [Hash("pdq", flip(pdq_bits(seed), distance), quality, start + number) for number, seed in enumerate(seeds)]


def levels(seed: int) -> Levels:
    """The levels of a picture with detail everywhere. The levels of two seeds contradict each other everywhere."""
    strong = np.random.default_rng(seed).integers(0, 2, (GRID, GRID, len(FREQUENCIES)), np.int8)
    made: Levels = 4 * strong - 2
    return made


def with_opposed(of: Levels, count: int) -> Levels:
    """The levels with the sign of `count` coefficients (at most 16) flipped, in two neighbouring blocks.

    The contradiction to the original is twice the count.
    """
    changed = of.copy()
    changed[3, 4:6].reshape(-1)[:count] *= -1
    return changed


def blocks(of: Levels, view: str = "full") -> Hash:
    """The block hash of a view."""
    return Hash("blocks", pack(of), view=view)


def table_of(
    references: dict[int, Sequence[Hash]],
    algorithm: str = "pdq",
    radius: int | None = None,
    profile: Profile = "fast",
    common: Sequence[bytes] = (),
) -> HashTable:
    """A table of the hashes of some references. references: by id."""
    parts = [rows_of([h for h in hashes if h.algorithm == algorithm], owner) for owner, hashes in references.items()]
    return HashTable(algorithm, thresholds(profile, radius)[algorithm], join_rows(parts), common=common)


def found(query: Sequence[Hash], kind: Kind, references: dict[int, Sequence[Hash]], **options: object) -> list[Finding]:
    """What a file with these hashes has in common with references. references: by id. options: those of table_of."""

    def guards_of(reference_id: int, view: str) -> Guards | None:
        own = {h.algorithm: h.bits for h in references[reference_id] if h.view == view}
        return Guards(own["blocks"], own.get("details")) if "blocks" in own else None

    return list(find(query, kind, table_of(references, **options), guards_of))  # type: ignore[arg-type]


def only(query: Sequence[Hash], reference: Sequence[Hash], kind: Kind = "image", **options: object) -> Finding:
    """The one finding on a single reference."""
    (finding,) = found(query, kind, {1: reference}, **options)
    return finding


def match(
    tier: Tier,
    distance: int = 0,
    allow: bool = False,
    coverage: tuple[float, float] | None = None,
    reference_id: int = 1,
) -> Match:
    """A match, for verdicts. coverage: for films, of the query and of the reference."""
    opinion = "benign" if allow else "malicious"
    reference = MatchedReference(
        reference_id, "0" * 64, "image", (), allow, (MatchedSource("one", None, None, opinion),)
    )
    video = None if coverage is None else VideoEvidence(*coverage, ())
    return Match(reference, tier, distance, "sha256" if tier == "exact" else "pdq", "none", None, video)

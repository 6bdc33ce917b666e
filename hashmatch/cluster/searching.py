"""Search a reference set that is sharded over a cluster. It finds what one machine finds.

Each shard has all rows of its references, so it judges a reference as one machine would. One rule needs several references
at once (matching/rarity.py): it finds stretches that films share without being related. If a film shares something with
enough references for that rule, and these lie in several shards, this machine judges those few again, together.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hashmatch.cluster.connection import Cluster
from hashmatch.cluster.shard import ShardQuery
from hashmatch.cluster.shards import Shards
from hashmatch.fingerprints.film import Parts
from hashmatch.hashers.learned import ModelFile
from hashmatch.matching.finding import Finding
from hashmatch.matching.glance import hits_of, parts_around
from hashmatch.matching.table import HashTable
from hashmatch.matching.tiers import UNRELATED, Profile
from hashmatch.matching.verdict import find, find_each
from hashmatch.records import Fingerprint, Glance, Hash, Kind
from hashmatch.search.cache import rows_of_packed
from hashmatch.search.searcher import LocalSearcher
from hashmatch.store import Store, generation, hash_rows

#: At most about this many hashes are sent to the shards at once; a film may have thousands.
QUERY_HASHES = 20_000


class ClusterSearcher(LocalSearcher):
    """Searches where the shards are. Rows added after the shards were made, local features and learned descriptors are
    searched here."""

    def __init__(
        self,
        cluster: Cluster,
        store: Store,
        *,
        collections: Sequence[str] = (),
        profile: Profile = "balanced",
        radius: int | None = None,
        models: Sequence[ModelFile] = (),
    ) -> None:
        super().__init__(store, collections=collections, profile=profile, radius=radius, models=models)
        self._shards = Shards(cluster, store.connection)

    def parts_to_decode(self, glance: Glance) -> Parts:
        """As Searcher.parts_to_decode."""
        self._keep_up()
        hits = [hits_of(glance.hashes, table) for table in self._tables or ()]
        [answers] = self._shards.search([ShardQuery(glance.hashes, "video", is_glance=True)])
        hits += [{owner: set(times) for owner, times in each.glimpsed} for each in answers]
        hit_times = {time for each in hits for owner, times in each.items() if self.finds(owner) for time in times}
        return parts_around(hit_times, sorted({each.time for each in glance.hashes if each.time is not None}))

    def _findings_of_each(self, files: Sequence[Fingerprint]) -> Iterator[list[Finding]]:
        """As of LocalSearcher, but for several files at once."""
        for some in _in_portions(files):
            searchable = [(file.hashes, file.kind) for file in some if file.hashes and file.kind is not None]
            findings = iter(self._search(searchable) if searchable else ())
            for file in some:
                yield next(findings) if file.hashes and file.kind is not None else []

    def _search(self, files: Sequence[tuple[Sequence[Hash], Kind]]) -> list[list[Finding]]:
        answers = self._shards.search([ShardQuery(tuple(hashes), kind) for hashes, kind in files])
        here = [find_each(files, table, self._guards_of) for table in self._tables or ()]
        return [
            self._merged(*file, [*(each.findings for each in answers[number]), *(found[number] for found in here)])
            for number, file in enumerate(files)
        ]

    def _merged(self, hashes: Sequence[Hash], kind: Kind, parts: Sequence[Sequence[Finding]]) -> list[Finding]:
        """The findings of all shards and tables for one file. parts: the findings of each."""
        merged = [finding for part in parts for finding in part]
        if kind == "image":
            return merged
        films = [sum(finding.video is not None for finding in part) for part in parts]
        if sum(films) <= UNRELATED or sum(map(bool, films)) < 2:
            return merged
        apart = [finding for finding in merged if finding.video is None]
        for algorithm in sorted({finding.algorithm for finding in merged if finding.video is not None}):
            owners = sorted({each.reference_id for each in merged if each.video and each.algorithm == algorithm})
            packed = [row for owner in owners for row in hash_rows.packed_of(self._connection, owner, algorithm)]
            common = hash_rows.common_hashes(self._connection, algorithm)
            table = HashTable(algorithm, self._thresholds[algorithm], rows_of_packed(packed, algorithm), common=common)
            apart += find(hashes, kind, table, self._guards_of)
        return apart

    def _load_tables(self, anew: bool) -> list[HashTable]:
        """Have the shards ready. Returns tables of the rows that are in none of them."""
        now = generation.current(self._connection)
        algorithms = [(name, self._thresholds[name]) for name in self.algorithms]
        tables = []
        for algorithm, (later, apart) in self._shards.prepare(algorithms, now).items():
            packed = list(hash_rows.packed_hashes(self._connection, algorithm, after=later))
            beside = {each.reference_id for each in packed}
            for owner in sorted(apart - beside):
                packed += hash_rows.packed_of(self._connection, owner, algorithm)
            rows = rows_of_packed(packed, algorithm)
            common = hash_rows.common_hashes(self._connection, algorithm)
            tables.append(HashTable(algorithm, self._thresholds[algorithm], rows, common=common))
        return [table for table in tables if len(table)]


def _in_portions(files: Sequence[Fingerprint]) -> Iterator[list[Fingerprint]]:
    """The files in groups of some QUERY_HASHES hashes."""
    portion: list[Fingerprint] = []
    hashes = 0
    for file in files:
        portion.append(file)
        hashes += len(file.hashes)
        if hashes >= QUERY_HASHES:
            yield portion
            portion, hashes = [], 0
    if portion:
        yield portion

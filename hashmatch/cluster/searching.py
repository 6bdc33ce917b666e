"""The searcher of a scan whose reference set is sharded over a cluster: what one machine finds, found where the shards are.

Each shard has all rows of its references, so that what it says of a reference is what one machine would. But for one thing,
which needs several references at once (matching/rarity.py): stretches that films share without being related. Where a film
shares something with more references than that takes, and they are in several shards, those few are judged here, together.
"""

from __future__ import annotations

from collections.abc import Sequence

from hashmatch.cluster.connection import Cluster
from hashmatch.cluster.shard import ShardQuery
from hashmatch.cluster.shards import Shards
from hashmatch.fingerprints.film import Parts
from hashmatch.fingerprints.many_files import FileState
from hashmatch.matching.finding import Finding
from hashmatch.matching.glance import hits_of, parts_around
from hashmatch.matching.rarity import UNRELATED
from hashmatch.matching.table import HashTable
from hashmatch.matching.tiers import Profile
from hashmatch.matching.verdict import find, find_each
from hashmatch.records import Fingerprint, Glance, Hash, Kind
from hashmatch.search.cache import rows_of_packed
from hashmatch.search.searcher import Searcher
from hashmatch.store import Store, generation, hash_rows

#: Hashes that are sent to the shards at once; of films one has thousands.
QUERY_HASHES = 20_000


class ClusterSearcher(Searcher):
    """As Searcher; what is later than the shards, and local features, are searched on this machine."""

    def __init__(
        self,
        cluster: Cluster,
        store: Store,
        *,
        collections: Sequence[str] = (),
        profile: Profile = "fast",
        radius: int | None = None,
    ) -> None:
        super().__init__(store, collections=collections, profile=profile, radius=radius)
        self._shards = Shards(cluster, store.connection)
        self._foreseen: dict[int, tuple[Sequence[Hash], list[Finding]]] = {}

    def foresee(self, results: Sequence[tuple[FileState, Fingerprint]]) -> None:
        """Search for several files at once; `matches` then knows what was found."""
        self._keep_up()
        wanted = [
            (result.hashes, result.kind) for _state, result in results if result.hashes and result.kind is not None
        ]
        self._foreseen = {}
        start = count = 0
        for end, (hashes, _kind) in enumerate(wanted, 1):
            count += len(hashes)
            if count >= QUERY_HASHES or end == len(wanted):
                some = wanted[start:end]
                for (own, _kind), findings in zip(some, self._search(some), strict=True):
                    self._foreseen[id(own)] = own, findings
                start, count = end, 0

    def parts_to_look_at(self, glance: Glance) -> Parts:
        self._keep_up()
        glimpsed = [hits_of(glance.hashes, table) for table in self._tables or ()]
        [told] = self._shards.search([ShardQuery(glance.hashes, "video", is_glance=True)])
        glimpsed += [{owner: set(times) for owner, times in each.glimpsed} for each in told]
        hit = {time for each in glimpsed for owner, times in each.items() if self.finds(owner) for time in times}
        return parts_around(hit, sorted({each.time for each in glance.hashes if each.time is not None}))

    def _findings(self, hashes: Sequence[Hash], kind: Kind) -> list[Finding]:
        foreseen = self._foreseen.pop(id(hashes), None)
        return foreseen[1] if foreseen is not None else self._search([(hashes, kind)])[0]

    def _search(self, files: Sequence[tuple[Sequence[Hash], Kind]]) -> list[list[Finding]]:
        told = self._shards.search([ShardQuery(tuple(hashes), kind) for hashes, kind in files])
        here = [find_each(files, table, self._blocks_of) for table in self._tables or ()]
        return [
            self._merged(*file, [*(each.findings for each in told[number]), *(found[number] for found in here)])
            for number, file in enumerate(files)
        ]

    def _merged(self, hashes: Sequence[Hash], kind: Kind, parts: Sequence[Sequence[Finding]]) -> list[Finding]:
        """What all tables together say of one file. parts: what each does."""
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
            apart += find(hashes, kind, table, self._blocks_of)
        return apart

    def _load_tables(self, anew: bool) -> list[HashTable]:
        """Have the shards ready. Returns what is in none of them."""
        now = generation.current(self._connection)
        self._foreseen = {}
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

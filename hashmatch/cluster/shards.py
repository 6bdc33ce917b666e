"""The client's side of the shards: which worker has each, what it is asked, and what happens when a worker is gone."""

from __future__ import annotations

import hashlib
import sqlite3
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from hashmatch import hashers
from hashmatch.cluster import shelves
from hashmatch.cluster.connection import Cluster
from hashmatch.cluster.planning import RowRange, ShardPlan, plan
from hashmatch.cluster.shard import Opening, Shard, ShardAnswer, ShardFinding, ShardQuery, guard_type, row_type
from hashmatch.errors import CommandError
from hashmatch.i18n import _
from hashmatch.isolation import wire
from hashmatch.matching.table import HashRows
from hashmatch.matching.tiers import Threshold, threshold_of
from hashmatch.records import Guards
from hashmatch.search.cache import rows_of_packed
from hashmatch.store import generation, hash_rows
from hashmatch.store.generation import Generation
from hashmatch.version import __version__
from hashmatch.views import ViewName

#: Bytes sent to a worker at a time.
PART = 8 << 20
#: References of a shard that are searched here, not there, since they have got their details only later.
MOST_COMPLETED = 10_000
#: How often, per worker, a shard is built or opened again before it is given up.
MOST_TRIES = 5


class Shards:
    """The shards of a reference set, of all algorithms that are searched by."""

    def __init__(self, cluster: Cluster, connection: sqlite3.Connection) -> None:
        self._cluster, self._connection = cluster, connection
        self._places: dict[str, str] = {}  # the worker's address, by the handle of the opening
        self._openings: dict[str, Opening] = {}

    def __len__(self) -> int:
        return len(self._openings)

    def prepare(
        self, algorithms: Iterable[tuple[str, Threshold]], now: Generation
    ) -> dict[str, tuple[int, frozenset[int]]]:
        """Have shards of a state of the database ready to be searched, those that workers have already and new ones.

        Returns by algorithm what no shard has: the row after which all rows are later, and references to take from the
        database whichever their rows are. Raises CommandError.
        """
        self._origin = now.origin
        stocks = self._stocks()
        openings: dict[str, Opening] = {}
        left = {}
        for algorithm, threshold in algorithms:
            available = {
                shard
                for stock in stocks.values()
                for shard in stock
                if shard.algorithm == algorithm and generation.descends_from(self._connection, now, shard.made_of)
            }
            made: ShardPlan = plan(self._connection, algorithm, now.newest, available, len(self._cluster.workers()))
            shards = [*made.kept, *(self._describe(algorithm, stretch, now) for stretch in made.missing)]
            common = tuple(hash_rows.common_hashes(self._connection, algorithm))
            apart: set[int] = set()
            for shard in shards:
                gone = generation.changed_since(self._connection, algorithm, shard.made_of)
                apart |= (changed := self._other_guards(shard) - gone)
                opening = Opening(shard, threshold, tuple(sorted(gone | changed)), common)
                openings[opening.handle] = opening
            left[algorithm] = made.later, frozenset(apart)
        self._openings = openings
        # Before anything is built: that may need the space.
        shards_now = wire.pack("shards", tuple(each.shard for each in openings.values()))
        self._everywhere(shelves.tidy, self._origin, tuple(openings), shards_now)
        self._place([handle for handle in openings if handle not in self._places], stocks)
        self._places = {handle: self._places[handle] for handle in openings}
        return left

    def _other_guards(self, shard: Shard) -> set[int]:
        """The references whose guards are not those that they had when a shard was made. Of those that have only got their
        details since, MOST_COMPLETED: the others keep the coarser guard until the shard is made again."""
        made_of = shard.made_of
        changed = (generation.changed_since(self._connection, name, made_of) for name in hashers.GUARDS)
        completed = generation.completed_since(
            self._connection, hashers.DETAILS, hashers.GUARD, made_of, MOST_COMPLETED
        )
        return completed.union(*changed)

    def search(self, queries: Sequence[ShardQuery]) -> list[list[ShardFinding]]:
        """The answers of all shards to each query. If a worker is gone, its shards are opened or built elsewhere, and asked
        again. Raises CommandError."""
        packed = wire.pack("queries", tuple(queries))
        answers: dict[str, tuple[ShardFinding, ...]] = {}
        for _try in range(MOST_TRIES):
            waiting = [handle for handle in self._openings if handle not in answers]
            if not waiting:
                return [list(each) for each in zip(*answers.values(), strict=True)] or [[] for _query in queries]
            there = self._cluster.workers()
            places = sorted({self._places[handle] for handle in waiting if self._places[handle] in there})
            replies = self._ask_all(places, shelves.search, tuple(waiting), packed)
            for place, answer in replies.items():
                for each in self._answers(place, answer, len(queries)):
                    if each.handle in waiting:
                        answers.setdefault(each.handle, each.found)
            lost = [handle for handle in waiting if handle not in answers]
            if lost:
                self._cluster.look_again()
                for handle in lost:
                    del self._places[handle]
                self._place(lost, self._stocks())
        raise CommandError(_("the workers of the cluster do not keep their shards; are their disks full?"))

    def _answers(self, place: str, answer: object, count: int) -> tuple[ShardAnswer, ...]:
        if isinstance(answer, OSError):
            return ()  # the worker is gone
        if isinstance(answer, Exception):
            raise _failed(place, answer)
        try:
            assert isinstance(answer, bytes)
            answers: tuple[ShardAnswer, ...] = wire.read(tuple[ShardAnswer, ...], wire.unpack(answer)[1])
            if any(len(each.found) != count for each in answers):
                raise wire.NonsenseError("answers to other questions")
        except wire.NonsenseError as error:
            raise _failed(place, error) from error
        return answers

    def _stocks(self) -> dict[str, list[Shard]]:
        """The shards on each worker's disk."""
        replies = self._everywhere(shelves.inventory, self._origin)
        try:
            return {
                place: list(wire.read(tuple[Shard, ...], wire.unpack(answer)[1])) for place, answer in replies.items()
            }
        except wire.NonsenseError as error:
            raise _failed(self._cluster.address, error) from error

    def _everywhere(self, function: object, *arguments: object) -> dict[str, bytes]:
        """The answers of all workers that are there."""
        replies = self._ask_all(list(self._cluster.workers()), function, *arguments)
        for place, answer in replies.items():
            if isinstance(answer, Exception) and not isinstance(answer, OSError):
                raise _failed(place, answer)
        return {place: answer for place, answer in replies.items() if not isinstance(answer, Exception)}

    def _place(self, handles: Sequence[str], stocks: dict[str, list[Shard]]) -> None:
        """Open each shard on a worker, preferably one that has it; the largest shards first. A worker that failed to keep a
        shard is tried again only when all others have failed as often, and is the last to be given a new one."""
        waiting = sorted(handles, key=lambda handle: (-self._openings[handle].shard.count, handle))
        failed, failures = Counter[tuple[str, str]](), Counter[str]()  # how often, by handle and place, and by place
        most = (
            0  # the most workers at once: one that dies of every shard and comes back under a new address counts once
        )
        while waiting:
            places = self._cluster.some_workers()
            most = max(most, len(places))
            handle = waiting[0]
            opening = self._openings[handle]
            if sum(count for (other, _place), count in failed.items() if other == handle) >= MOST_TRIES * most:
                raise CommandError(_("the workers of the cluster do not keep their shards; are their disks full?"))
            load = dict.fromkeys(places, 0)
            for other, place in self._places.items():
                if place in load and other in self._openings and other not in waiting:
                    load[place] += self._openings[other].shard.count
            having = {place for place in places if opening.shard in stocks.get(place, ())}
            ranks = {
                each: (failed[handle, each], each not in having, failures[each], load[each], each) for each in places
            }
            place = min(places, key=ranks.__getitem__)
            if self._opened(place, opening, place in having):
                self._places[handle] = place
                waiting.pop(0)
            else:
                failed[handle, place] += 1
                failures[place] += 1
                self._cluster.look_again()
                stocks = self._stocks()

    def _opened(self, place: str, opening: Opening, is_there: bool) -> bool:
        """Have a worker open a shard, after building it unless it is there. Returns whether that worked."""
        reply: object = None if is_there else self._built(place, opening.shard)
        if reply is None:
            packed = wire.pack("openings", (opening,))
            reply = self._ask(place, shelves.open_all, self._origin, packed)
        if isinstance(reply, Exception) and not isinstance(reply, OSError):
            raise _failed(place, reply)
        return reply == (True,)

    def _built(self, place: str, shard: Shard) -> object:
        """Send a worker the content of a shard, to build it. Returns None, or the exception that this ended with."""
        name = uuid.uuid4().hex
        for kind, part in self._content(shard.algorithm, shard.after, shard.until):
            reply = self._ask(place, shelves.receive, self._origin, name, kind, part)
            if reply is not None:
                return reply
        packed = wire.pack("shard", shard)
        return self._ask(place, shelves.build, self._origin, name, packed)

    def _ask(self, place: str, function: object, *arguments: object) -> object:
        return self._ask_all([place], function, *arguments)[place]

    def _ask_all(self, places: list[str], function: object, *arguments: object) -> dict[str, Any]:
        """Have workers call a function of shelves.py, if their version of hashmatch is ours."""
        return self._cluster.ask_all(places, shelves.beside, __version__, function, *arguments)

    def _describe(self, algorithm: str, stretch: RowRange, now: Generation) -> Shard:
        digest = hashlib.sha256()
        for _kind, part in self._content(algorithm, stretch.after, stretch.until):
            digest.update(part)
        return Shard(algorithm, stretch.after, stretch.until, now, stretch.count, digest.hexdigest())

    def _content(self, algorithm: str, after: int, until: int) -> Iterator[tuple[str, bytes]]:
        """The content of a shard, in parts: first its rows, then the guards of its references."""
        kind = row_type(algorithm)
        packed, size, owners = [], 0, dict[int, None]()
        for each in hash_rows.packed_hashes(self._connection, algorithm, after=after, until=until):
            packed.append(each)
            owners[each.reference_id] = None
            size += each.number * kind.itemsize
            if size >= PART:
                yield "rows", _packed_rows(rows_of_packed(packed, algorithm), kind)
                packed, size = [], 0
        if packed:
            yield "rows", _packed_rows(rows_of_packed(packed, algorithm), kind)
        # Guards decide between what an algorithm alone may call `near`; see matching/stills.py.
        threshold = threshold_of(algorithm)
        if threshold is None or threshold.near < 0:
            return
        guards: list[tuple[int, int, Guards]] = []
        most = PART // guard_type().itemsize
        for owner in owners:
            for view, found in hash_rows.all_guards(self._connection, owner):
                name = ViewName.parse(view)
                if str(name) == view:
                    guards.append((owner, name.packed, found))
            if len(guards) >= most:
                yield "guards", _packed_guards(guards)
                guards = []
        if guards:
            yield "guards", _packed_guards(guards)


def _packed_rows(rows: HashRows, kind: np.dtype[np.void]) -> bytes:
    packed = np.empty(len(rows), kind)
    for name in kind.names or ():
        packed[name] = getattr(rows, name)
    return packed.tobytes()


def _packed_guards(guards: Sequence[tuple[int, int, Guards]]) -> bytes:
    packed: npt.NDArray[np.void] = np.zeros(len(guards), guard_type())
    for row, (owner, view, each) in zip(packed, guards, strict=True):
        row["owner"], row["view"] = owner, view
        row[hashers.GUARD] = np.frombuffer(each.blocks, np.uint8)
        if each.details is not None:
            row[hashers.DETAILS] = np.frombuffer(each.details, np.uint8)
    return packed.tobytes()


def _failed(place: str, error: Exception) -> CommandError:
    if isinstance(error, CommandError):
        return error
    message = _("worker {place} cannot search: {reason}")
    return CommandError(message.format(place=place, reason=f"{type(error).__name__}: {error}"))

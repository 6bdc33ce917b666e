"""The hashes of the reference set: of one reference, or all of them, to be searched."""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Iterable, Iterator, Sequence, Set
from typing import NamedTuple

from hashmatch import hashers
from hashmatch.hashers import learned as learned_descriptors
from hashmatch.hashers.local_features import FEATURES, LocalFeatures
from hashmatch.records import UNKNOWN_QUALITY, Guards, Hash

#: The largest number that a row can have.
LAST = (1 << 63) - 1


class PackedHashes(NamedTuple):
    """All hashes of one reference, algorithm and view, as they are stored: see schema.py. number: how many hashes these are.

    A tuple, since millions are read at once.
    """

    reference_id: int
    algorithm: str
    view: str
    number: int
    bits: bytes
    quality: bytes
    time: bytes | None


def recipes(connection: sqlite3.Connection, reference_id: int) -> dict[str, tuple[str, int | None]]:
    """For each algorithm that a reference has hashes of: how its pictures were decoded, and the hasher's version."""
    rows = connection.execute(
        "SELECT algorithm, decoding, version FROM hash JOIN recipe ON recipe.id = recipe_id WHERE reference_id = ?",
        (reference_id,),
    )
    return {algorithm: (decoding, version) for algorithm, decoding, version in rows}


def hashes(connection: sqlite3.Connection, reference_id: int) -> tuple[Hash, ...]:
    """All hashes of a reference, unpacked, without local features."""
    rows = connection.execute(
        "SELECT reference_id, algorithm, view, count, bits, quality, time, version FROM hash"
        " JOIN recipe ON recipe.id = recipe_id WHERE reference_id = ? AND points IS NULL ORDER BY algorithm, view",
        (reference_id,),
    )
    return tuple(each for *packed, version in rows for each in unpack(PackedHashes(*packed), version))


def features(connection: sqlite3.Connection, reference_id: int) -> LocalFeatures | None:
    """The local features of a reference; None if it has none. Raises ValueError if they are stored in a wrong form."""
    row = connection.execute(
        "SELECT version, bits, points FROM hash JOIN recipe ON recipe.id = recipe_id"
        " WHERE reference_id = ? AND algorithm = ? AND points IS NOT NULL",
        (reference_id, FEATURES),
    ).fetchone()
    return None if row is None else LocalFeatures.from_parts(*row)


def packed_features(connection: sqlite3.Connection, *, after: int = 0) -> Iterator[tuple[int, LocalFeatures]]:
    """The local features of all references, including retracted ones, each with its reference.

    after: only rows with higher numbers. Raises ValueError if they are stored in a wrong form.
    """
    # The unary plus: see `packed_hashes`.
    rows = connection.execute(
        "SELECT reference_id, version, bits, points FROM hash JOIN recipe ON recipe.id = recipe_id"
        " WHERE hash.id > ? AND +algorithm = ? AND points IS NOT NULL",
        (after, FEATURES),
    )
    return ((reference_id, LocalFeatures.from_parts(*parts)) for reference_id, *parts in rows)


def has_features(connection: sqlite3.Connection) -> bool:
    """Whether any reference has local features."""
    query = "SELECT 1 FROM hash WHERE algorithm = ? AND points IS NOT NULL LIMIT 1"
    return connection.execute(query, (FEATURES,)).fetchone() is not None


def bits_of(connection: sqlite3.Connection, reference_id: int, algorithm: str, view: str) -> bytes | None:
    """The one hash of an algorithm that a view of a reference has; None if it has none, or several."""
    row = connection.execute(
        "SELECT bits FROM hash WHERE reference_id = ? AND algorithm = ? AND view = ? AND count = 1"
        + _of_its_width(algorithm),
        (reference_id, algorithm, view),
    ).fetchone()
    return None if row is None else bytes(row[0])


def guards(connection: sqlite3.Connection, reference_id: int, view: str) -> Guards | None:
    """The guards of one view of a still picture; None if it has no blocks.

    A list that is older than our guards may have called other hashes by their names. These have another length.
    """
    rows = connection.execute(
        "SELECT algorithm, bits FROM hash WHERE reference_id = ? AND algorithm IN (?, ?) AND view = ? AND count = 1",
        (reference_id, hashers.GUARD, hashers.DETAILS, view),
    )
    found = {algorithm: bytes(bits) for algorithm, bits in rows if len(bits) == hashers.by_name(algorithm).width}
    return Guards(found[hashers.GUARD], found.get(hashers.DETAILS)) if hashers.GUARD in found else None


def common_hashes(connection: sqlite3.Connection, algorithm: str) -> list[bytes]:
    """Hashes that `lint` found too common to be evidence."""
    rows = connection.execute("SELECT bits FROM common_hash WHERE algorithm = ? ORDER BY bits", (algorithm,))
    return [row[0] for row in rows]


def owners(connection: sqlite3.Connection, algorithm: str, after: int) -> Iterator[int]:
    """Ids of the references that have hashes of one algorithm in later rows than this one. They may repeat."""
    rows = connection.execute("SELECT reference_id FROM hash WHERE id > ? AND +algorithm = ?", (after, algorithm))
    return (reference_id for (reference_id,) in rows)


def packed_hashes(
    connection: sqlite3.Connection, algorithm: str, *, after: int = 0, until: int | None = None, allowed: bool = False
) -> Iterator[PackedHashes]:
    """The hashes of one algorithm, including those of retracted references.

    after, until: only rows with higher numbers than `after`, up to and including `until`.
    allowed: only those of live references on the allow list.
    Only hashes of the hasher's width: an older list may have called others by its name before this program had the hasher.
    """
    # The unary plus keeps SQLite from walking a million index entries of the algorithm to find ten later rows.
    condition = " AND reference_id IN (SELECT id FROM live_reference WHERE allow)" if allowed else ""
    condition += _of_its_width(algorithm)
    rows = connection.execute(
        "SELECT reference_id, algorithm, view, count, bits, quality, time FROM hash"
        f" WHERE id > ? AND id <= ? AND +algorithm = ?{condition}",
        (after, LAST if until is None else until, algorithm),
    )
    return map(PackedHashes._make, rows)


def _of_its_width(algorithm: str) -> str:
    """In SQL, whether a row's hashes are as wide as those of the algorithm."""
    hasher = hashers.find(algorithm)
    return f" AND length(bits) = {hasher.width} * count" if hasher else ""


def algorithms_without(connection: sqlite3.Connection, algorithm: str, among: Iterable[str]) -> set[str]:
    """The algorithms that some reference has hashes of without having one of the given algorithm: only they can find it.

    among: the algorithms to look at. For one that every picture has, this would walk a million rows.
    """
    alone = (
        "SELECT 1 FROM hash AS h WHERE algorithm = ? AND NOT EXISTS"
        " (SELECT 1 FROM hash WHERE reference_id = h.reference_id AND algorithm = ?) LIMIT 1"
    )
    others = [name for name in among if name != algorithm]
    return {name for name in others if connection.execute(alone, (name, algorithm)).fetchone()}


def algorithms(connection: sqlite3.Connection, among: Iterable[str]) -> set[str]:
    """Which of these algorithms some reference has hashes of."""
    query = "SELECT 1 FROM hash WHERE algorithm = ? LIMIT 1"
    return {name for name in among if connection.execute(query, (name,)).fetchone()}


def learned(connection: sqlite3.Connection) -> list[str]:
    """The algorithms of the learned descriptors that some reference has."""
    rows = connection.execute(_ALGORITHMS).fetchall()
    return [name for (name,) in rows if learned_descriptors.model_of(name)]


#: Walks from one algorithm to the next: to list them by DISTINCT would read a row of the index for each hash.
_ALGORITHMS = """
WITH RECURSIVE named (name) AS (
    SELECT min(algorithm) FROM hash
    UNION ALL SELECT (SELECT min(algorithm) FROM hash WHERE algorithm > name) FROM named WHERE name IS NOT NULL
) SELECT name FROM named WHERE name IS NOT NULL
"""


def unpack(packed: PackedHashes, version: int | None) -> tuple[Hash, ...]:
    """The single hashes of a packed row. version: the hasher's."""
    width = len(packed.bits) // packed.number
    times: Sequence[float | None] = (None,) * packed.number
    if packed.time is not None:
        times = [round(time, 3) for time in struct.unpack(f"<{packed.number}f", packed.time)]
    return tuple(
        Hash(
            packed.algorithm,
            packed.bits[i * width : (i + 1) * width],
            None if packed.quality[i] == UNKNOWN_QUALITY else packed.quality[i],
            times[i],
            packed.view,
            version,
        )
        for i in range(packed.number)
    )


def is_current(found: dict[str, tuple[str, int | None]], decodings: Set[str], versions: dict[str, int]) -> bool:
    """Whether a reference's hashes are as good as those that this program would make now.

    found: what `recipes` returned. decodings: recipes of which each hash must have one. versions: by algorithm, the hasher's
    version that its hashes must have.
    """
    return all(
        algorithm in found and found[algorithm][0] in decodings and found[algorithm][1] == version
        for algorithm, version in versions.items()
    )


def all_guards(connection: sqlite3.Connection, reference_id: int) -> list[tuple[str, Guards]]:
    """The guards of all views of a still picture, each with its view; see `guards`."""
    rows = connection.execute(
        "SELECT DISTINCT view FROM hash WHERE reference_id = ? AND algorithm = ?", (reference_id, hashers.GUARD)
    )
    found = ((view, guards(connection, reference_id, view)) for (view,) in rows.fetchall())
    return [(view, each) for view, each in found if each is not None]


def packed_of(connection: sqlite3.Connection, reference_id: int, algorithm: str) -> list[PackedHashes]:
    """The hashes of one algorithm of one reference, if they have the algorithm's width."""
    rows = connection.execute(
        "SELECT reference_id, algorithm, view, count, bits, quality, time FROM hash"
        f" WHERE reference_id = ? AND algorithm = ?{_of_its_width(algorithm)} ORDER BY id",
        (reference_id, algorithm),
    )
    return list(map(PackedHashes._make, rows))


def extents(connection: sqlite3.Connection, algorithm: str, after: int, until: int) -> Iterator[tuple[int, int, int]]:
    """The number, the reference and the count of hashes of each row of one algorithm in a range of rows.

    after, until: as in `packed_hashes`.
    """
    query = "SELECT id, reference_id, count FROM hash WHERE id > ? AND id <= ? AND +algorithm = ? ORDER BY id"
    return iter(connection.execute(query, (after, until, algorithm)))

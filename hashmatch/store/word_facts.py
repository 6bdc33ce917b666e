"""What each word on a reference says of its bytes. A digest matches as long as the word that brought it stands."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hashmatch.records import Digests
from hashmatch.store.reach import DIGESTS


@dataclass(frozen=True, slots=True)
class StatedFacts:
    """What the word of one collection states of a reference beyond what the reference has itself. Digests in hex."""

    md5: str | None = None
    sha1: str | None = None
    sha256: str | None = None
    size: int | None = None
    width: int | None = None
    height: int | None = None
    duration: float | None = None


def stated(connection: sqlite3.Connection, reference_id: int) -> dict[int, StatedFacts]:
    """What words state of a reference, by collection."""
    rows = connection.execute(
        "SELECT collection_id, lower(hex(md5)), lower(hex(sha1)), lower(hex(sha256)), size, width, height, duration"
        " FROM stated WHERE reference_id = ?",
        (reference_id,),
    )
    return {
        number: StatedFacts(md5 or None, sha1 or None, sha256 or None, *others)
        for number, md5, sha1, sha256, *others in rows
    }


def by_digests(connection: sqlite3.Connection, digests: Digests) -> list[tuple[int, str]]:
    """The live references with the same bytes, and the digest that says so. Each word counts by the strongest digest that it
    has."""
    wanted = {name: bytes.fromhex(getattr(digests, name)) for name in DIGESTS}
    query = " UNION ".join(
        f"SELECT {column} FROM {table} WHERE {name} = :{name}"
        for table, column in (("reference", "id"), ("stated", "reference_id"))
        for name in DIGESTS
    )
    found: list[tuple[int, str]] = []
    for (reference_id,) in connection.execute(query, wanted).fetchall():
        words = connection.execute(
            "SELECT import_id IS NULL OR carried IS NULL, ',' || carried || ',', stated.sha256, stated.sha1, stated.md5,"
            " reference.sha256, reference.sha1, reference.md5 FROM live_membership AS word JOIN reference ON reference.id ="
            " word.reference_id LEFT JOIN stated USING (reference_id, collection_id) WHERE word.reference_id = ?",
            (reference_id,),
        )
        agreeing = {name for word in words if (name := _agrees(word, wanted)) is not None}
        if agreeing:
            found.append((reference_id, min(agreeing, key=DIGESTS.index)))
    return found


def hashes_count(connection: sqlite3.Connection, reference_id: int) -> bool:
    """Whether a live word on a reference has perceptual hashes: people here made them, or a list brought some."""
    words = connection.execute(
        "SELECT carried FROM live_membership WHERE reference_id = ? ORDER BY import_id IS NOT NULL", (reference_id,)
    )
    return any(carried is None or not _BARE.issuperset(carried.split(",")) for (carried,) in words)


#: What a word has that has no perceptual hash.
_BARE = frozenset([*DIGESTS, ""])


def _agrees(word: tuple[Any, ...], wanted: Mapping[str, bytes]) -> str | None:
    """The strongest digest of a word, if it is the wanted one."""
    has_all, carried, *values = word
    for name, stated, own in zip(DIGESTS, values[:3], values[3:], strict=True):
        digest = stated or (own if has_all or f",{name}," in carried else None)
        if digest is not None:
            return name if digest == wanted[name] else None
    return None

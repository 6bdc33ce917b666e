"""Made-up fingerprints, and short ways to add them and list entries to a reference set."""

from __future__ import annotations

import hashlib
import random
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hashmatch.media import recipe
from hashmatch.records import UNNAMED, Digests, Fingerprint, Hash, Kind, ListItem
from hashmatch.store import Store, audit, open_store, row_digests, schema, voices
from hashmatch.store.audit import Actor
from hashmatch.store.list_entries import add_items
from hashmatch.store.list_issues import begin_import
from hashmatch.store.membership import JoinOutcome, Membership
from hashmatch.store.prepared_entries import entry_of
from hashmatch.store.references import add_file

ME = Actor("tester", "test")


def pdq_bits(seed: object) -> bytes:
    """32 bytes with exactly 128 one bits, as in the PDQ hash of any real picture. Two seeds are far apart."""
    ones = random.Random(str(seed)).sample(range(256), 128)
    return sum(1 << position for position in ones).to_bytes(32, "big")


def flip(bits: bytes, count: int) -> bytes:
    """Flip `count` bits, ones and zeros in turn, so that the number of ones stays the same (or drops by 1)."""
    number, width = int.from_bytes(bits, "big"), len(bits) * 8
    ones = [position for position in range(width) if number >> position & 1]
    zeros = [position for position in range(width) if not number >> position & 1]
    for turn in range(count):
        number ^= 1 << (zeros if turn % 2 else ones)[turn // 2]
    return number.to_bytes(len(bits), "big")


def pdq(seed: object, quality: int | None = 100, time: float | None = None, version: int | None = 1) -> Hash:
    return Hash("pdq", pdq_bits(seed), quality, time, version=version)


def digests_of(data: bytes) -> Digests:
    return Digests(*(hashlib.new(name, data).hexdigest() for name in ("md5", "sha1", "sha256")))


def measured(name: str, hashes: tuple[Hash, ...] | None = None, kind: Kind = "image", **changes: Any) -> Fingerprint:
    """The fingerprint of a made-up file whose bytes are its name."""
    facts: dict[str, Any] = {
        "size": len(name),
        "digests": digests_of(name.encode()),
        "width": 640,
        "height": 480,
        "hashes": (pdq(name),) if hashes is None else hashes,
        "decoder": "made up",
        "recipe": recipe(kind, False),
    }
    return Fingerprint(kind, **facts | changes)


def add(store: Store, what: str | Fingerprint, path: str | None = None, **membership: Any) -> tuple[int, JoinOutcome]:
    """Add a file in a transaction of its own. A name stands for a file with these bytes."""
    fingerprint = measured(what) if isinstance(what, str) else what
    assert fingerprint.digests is not None
    name = path or (what if isinstance(what, str) else fingerprint.digests.md5)
    where = (f"/{name}".encode(), fingerprint.size, 1)
    with store.transaction() as connection:
        return add_file(connection, ME, fingerprint, where, Membership(**{"collection": "one"} | membership))


def add_entry(store: Store, item: ListItem, **membership: Any) -> tuple[int, JoinOutcome]:
    """Add an entry of an unsigned list in a transaction of its own. Returns its first reference, and what came of it."""
    collection = membership.get("collection", "one")
    told = {"collection": collection, "owner": voices.UNSIGNED, "author": collection, "carried": carried(item)}
    with store.transaction() as connection:
        told["import_id"] = begin_import(connection, "list", "jsonl", bytes(32), None, UNNAMED, None)
        (heard,) = add_items(connection, ME, [entry_of(item, Membership(**told | membership))])
        return heard.references[0], heard.outcome


def carried(item: ListItem) -> str:
    """What identifies a file in an entry, by name."""
    digests = [name for name in ("md5", "sha1", "sha256") if getattr(item, name)]
    return ",".join([*digests, *sorted({each.algorithm for each in item.hashes})])


def content(store: Store, *leave_out: str) -> dict[str, list[Any]]:
    """Every row of every table, except row_digest, which follows from the others."""
    tables = store.connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").fetchall()
    return {
        name: sorted(store.connection.execute(f'SELECT * FROM "{name}"').fetchall(), key=repr)
        for (name,) in tables
        if name not in (*leave_out, "row_digest") and not name.startswith(("sqlite_", "_sqlite"))
    }


def set_bits(store: Store, reference_id: int, bits: bytes) -> None:
    """Change the stored PDQ hashes of a reference behind the program's back. Its blocks are lost."""
    columns = "reference_id, algorithm, view, recipe_id, count, bits, quality, time"
    query = f"SELECT {columns} FROM hash WHERE reference_id = ? AND algorithm = 'pdq'"
    rows = store.connection.execute(query, (reference_id,)).fetchall()
    store.connection.execute("DELETE FROM hash WHERE reference_id = ?", (reference_id,))
    for *before, _bits, quality, time in rows:
        values = (*before, bits, quality, time)
        store.connection.execute(f"INSERT INTO hash ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)


def actions(store: Store) -> list[str]:
    """The actions in the audit trail, oldest first."""
    return [entry.action for entry in audit.entries(store)]


def make_older(path: Path, version: int, fill: Callable[[Store], None]) -> None:
    """Make a database of an older version with what `fill` writes to a current one, as far as its columns go."""
    raw = sqlite3.connect(path, isolation_level=None)
    raw.execute("BEGIN")
    schema.apply(raw, version)
    if version > 1:
        row_digests.make_all(raw)
    raw.execute("COMMIT")
    if version > 1:
        row_digests.keep(raw)
    today = path.with_name("today.db")
    with open_store(today, write=True) as store:
        fill(store)
    raw.execute("ATTACH ? AS today", (str(today),))
    tables = raw.execute("SELECT name FROM main.sqlite_master WHERE type = 'table' AND sql LIKE '%STRICT%'").fetchall()
    raw.execute("BEGIN")
    for (table,) in tables:
        if table not in ("row_digest", "origin"):
            both = "SELECT name FROM pragma_table_info(?1, 'main') INTERSECT SELECT name FROM pragma_table_info(?1, 'today')"
            names = raw.execute(both, (table,)).fetchall()
            columns = ", ".join(f'"{name}"' for (name,) in names)
            raw.execute(f'INSERT OR IGNORE INTO main."{table}" ({columns}) SELECT {columns} FROM today."{table}"')
    raw.execute("COMMIT")
    raw.execute("DETACH today")
    raw.close()
    for each in path.parent.glob("today.db*"):
        each.unlink()

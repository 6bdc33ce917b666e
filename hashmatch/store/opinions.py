"""What people and sources say about a reference, side by side: nobody's word replaces another's."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Sequence

from hashmatch.clock import exactly, now_exactly
from hashmatch.records import Opinion
from hashmatch.store.audit import Actor, record
from hashmatch.store.membership import touch


def add(connection: sqlite3.Connection, reference_id: int, opinions: Iterable[Opinion], import_id: int | None) -> bool:
    """Keep opinions, the newest of each source. Of two of the same moment, always the same one wins.

    opinions: each has its source. One without a date is news only if it differs from the last one.
    Returns whether any of them is news.
    """
    news = False
    for each in opinions:
        assert each.source is not None
        old = connection.execute(
            "SELECT at, opinion, reason FROM opinion WHERE reference_id = ? AND source = ?", (reference_id, each.source)
        ).fetchone()
        at = exactly(each.at) if each.at else now_exactly()
        if old and ((at, each.verdict, each.reason or "") <= (old[0], old[1], old[2] or "")):
            continue
        if old and each.at is None and (each.verdict, each.reason) == tuple(old[1:]):
            continue
        connection.execute(
            "INSERT INTO opinion (reference_id, source, opinion, at, reason, import_id) VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (reference_id, source) DO UPDATE SET opinion = excluded.opinion, at = excluded.at,"
            " reason = excluded.reason, import_id = excluded.import_id",
            (reference_id, each.source, each.verdict, at, each.reason, import_id),
        )
        news = True
    return news


def give(connection: sqlite3.Connection, actor: Actor, reference_id: int, opinion: Opinion) -> bool:
    """Keep an opinion that is given here, audited. Returns whether it is news."""
    if not add(connection, reference_id, (opinion,), None):
        return False
    touch(connection, reference_id, own=True)
    detail = {"reference": reference_id, "opinion": opinion.verdict, "source": opinion.source, "reason": opinion.reason}
    record(connection, actor, "opinion", detail)
    return True


def take_back(connection: sqlite3.Connection, actor: Actor, reference_id: int, source: str) -> bool:
    """Forget an opinion that was given here, audited. Those who have it from a list keep it. Returns whether there was
    one."""
    gone = connection.execute(
        "DELETE FROM opinion WHERE reference_id = ? AND source = ? AND import_id IS NULL", (reference_id, source)
    ).rowcount
    if gone:
        touch(connection, reference_id, own=True)
        record(connection, actor, "opinion", {"reference": reference_id, "opinion": None, "source": source})
    return bool(gone)


def of(connection: sqlite3.Connection, reference_id: int) -> tuple[Opinion, ...]:
    """All opinions about a reference, in the order of their sources."""
    return of_several(connection, [reference_id])[reference_id]


def of_several(connection: sqlite3.Connection, ids: Sequence[int]) -> defaultdict[int, tuple[Opinion, ...]]:
    """All opinions about some references, by reference."""
    rows = connection.execute(
        "SELECT reference_id, opinion, source, at, reason FROM opinion"
        f" WHERE reference_id IN ({', '.join('?' * len(ids))}) ORDER BY reference_id, source",
        ids,
    )
    found: defaultdict[int, tuple[Opinion, ...]] = defaultdict(tuple)
    for reference_id, *columns in rows:
        found[reference_id] += (Opinion(*columns),)
    return found

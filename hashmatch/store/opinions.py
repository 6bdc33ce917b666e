"""What people and sources say about a reference, side by side: nobody's word replaces another's."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Sequence

from hashmatch.clock import exactly, now_exactly
from hashmatch.records import Opinion
from hashmatch.store import voices
from hashmatch.store.audit import Actor, record
from hashmatch.store.revisions import touch
from hashmatch.store.voices import Voice


def add(
    connection: sqlite3.Connection,
    reference_id: int,
    opinions: Iterable[Opinion],
    import_id: int | None,
    owner: str = "",
) -> bool:
    """Keep opinions, the newest of each voice and source. Of two of the same moment, always the same one wins.

    opinions: each has its source, and its author if the owner passes it on. One without a date is news only if it differs
    from the last one. owner: whose word they are, see voices.py.
    Returns whether any of them is news.
    """
    news = False
    for each in opinions:
        assert each.source is not None
        voice = voices.number(connection, owner, each.author)
        old = connection.execute(
            "SELECT at, opinion, reason FROM opinion WHERE reference_id = ? AND voice_id = ? AND source = ?",
            (reference_id, voice, each.source),
        ).fetchone()
        at = exactly(each.at) if each.at else now_exactly()
        if old and ((at, each.verdict, each.reason or "") <= (old[0], old[1], old[2] or "")):
            continue
        if old and each.at is None and (each.verdict, each.reason) == tuple(old[1:]):
            continue
        connection.execute(
            "INSERT INTO opinion (reference_id, voice_id, source, opinion, at, reason, import_id)"
            " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (reference_id, voice_id, source) DO UPDATE SET"
            " opinion = excluded.opinion, at = excluded.at, reason = excluded.reason, import_id = excluded.import_id",
            (reference_id, voice, each.source, each.verdict, at, each.reason, import_id),
        )
        news = True
    return news


def forget_others(
    connection: sqlite3.Connection,
    reference_id: int,
    kept: Iterable[Opinion],
    owner: str,
    of_author: str | None = None,
) -> bool:
    """Forget what lists of an owner told of a reference before, but for the opinions that they still tell. of_author: only
    those of one author. Returns whether there was anything."""
    still = {(each.author, each.source) for each in kept}
    rows = connection.execute(
        "SELECT opinion.id, author, source FROM opinion JOIN voice ON voice.id = voice_id"
        " WHERE reference_id = ? AND owner = ? AND import_id IS NOT NULL",
        (reference_id, owner),
    ).fetchall()
    gone = [
        (opinion_id,)
        for opinion_id, its_author, source in rows
        if (its_author, source) not in still and of_author in (None, its_author)
    ]
    connection.executemany("DELETE FROM opinion WHERE id = ?", gone)
    return bool(gone)


def give(connection: sqlite3.Connection, actor: Actor, reference_id: int, opinion: Opinion, owner: str = "") -> bool:
    """Keep an opinion that is given here, or that was read on a server, audited. Returns whether it is news.

    owner: see voices.py; people here if empty.
    """
    if not add(connection, reference_id, (opinion,), None, owner):
        return False
    touch(connection, reference_id)
    detail = {"reference": reference_id, "opinion": opinion.verdict, "source": opinion.source, "reason": opinion.reason}
    record(connection, actor, "opinion", detail)
    return True


def take_back(connection: sqlite3.Connection, actor: Actor, reference_id: int, source: str) -> bool:
    """Forget an opinion that was given here, audited. The next list that goes out takes it back from those who have it.
    Returns whether there was one."""
    gone = connection.execute(
        "DELETE FROM opinion WHERE reference_id = ? AND source = ? AND voice_id = ?",
        (reference_id, source, voices.HERE),
    ).rowcount
    if gone:
        touch(connection, reference_id)
        record(connection, actor, "opinion", {"reference": reference_id, "opinion": None, "source": source})
    return bool(gone)


def of(connection: sqlite3.Connection, reference_id: int) -> tuple[Opinion, ...]:
    """All opinions about a reference, in the order of their sources."""
    return of_several(connection, [reference_id])[reference_id]


def of_several(connection: sqlite3.Connection, ids: Sequence[int]) -> defaultdict[int, tuple[Opinion, ...]]:
    """All opinions about some references, by reference. The author of each is the voice, as it is passed on."""
    rows = connection.execute(
        "SELECT reference_id, opinion, source, at, reason, owner, author FROM opinion JOIN voice ON voice.id = voice_id"
        f" WHERE reference_id IN ({', '.join('?' * len(ids))}) ORDER BY reference_id, source, voice_id",
        ids,
    )
    found: defaultdict[int, tuple[Opinion, ...]] = defaultdict(tuple)
    for reference_id, verdict, source, at, reason, owner, author in rows:
        found[reference_id] += (Opinion(verdict, source, at, reason, Voice(owner, author).passed_on_as, owner),)
    return found

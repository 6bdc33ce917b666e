"""Real partners: reference sets in memory that exchange lists through real files and signatures."""

from __future__ import annotations

import contextlib
import hashlib
import io
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hashmatch import exchange
from hashmatch.records import BadLine, ListItem, Opinion, Tlp, Verdict
from hashmatch.signing.minisign import SecretKey
from hashmatch.store import (
    Store,
    allow_list,
    audit,
    curate,
    hand_overs,
    hash_rows,
    lookup,
    opinions,
    references,
    voices,
)
from hashmatch.store.membership import Membership, join
from hashmatch.store.opening import scratch_store
from hashmatch.store.references import add_file
from hashmatch.workflows.export_entries import ExportSelection
from hashmatch.workflows.export_list import ExportReport, export, sign_list
from hashmatch.workflows.import_list import import_list
from hashmatch.workflows.list_origin import ImportPlan
from tests.support.made_references import digests_of, measured, pdq
from tests.support.partner_model import BY_HASH, NOBODY, Choice, Doubt, Entry, How, Place, Told

ACTOR = audit.Actor("tester", "test")
LETTERS = "ABC"
KEYS = {
    f"{name}{key}": SecretKey._of(f"{name}{key}".encode() * 4, f"{name}{key}".encode() * 16)
    for name in LETTERS
    for key in "12"
}

#: Files, by how much is known of them wherever they are known: everything, their SHA-256, their MD5, their PDQ.
FILES = ("full 1", "full 2", "sha256", "md5", "pdq")

#: Formats that have one thing of each file and say nothing else, by that thing.
BARE = {"md5sum": "md5", "pdq": "hashes"}


def facts(file: str) -> dict[str, Any]:
    """What identifies a file in lists."""
    digests = digests_of(file.encode())
    match file:
        case "sha256":
            return {"sha256": digests.sha256}
        case "md5":
            return {"md5": digests.md5}
        case "pdq":
            return {"hashes": (pdq(file),)}
    return {"md5": digests.md5, "sha1": digests.sha1, "sha256": digests.sha256, "hashes": (pdq(file),)}


_FILES = {name: file for file in FILES for name in (facts(file).get("sha256"), facts(file).get("md5")) if name}
_FILES |= {pdq(file).hex: file + BY_HASH * file.startswith("full") for file in FILES if "hashes" in facts(file)}


def file_of(item: ListItem) -> str:
    return _FILES[item.sha256 or item.md5 or item.hashes[0].hex]


#: The partners' voices, as the model calls them, by what the reference sets call them.
ORIGINS = {name: hashlib.sha256(name.encode()).digest()[:16] for name in LETTERS}
VOICES = {key.public.text: name for name, key in KEYS.items()}
VOICES |= {voices.of_origin(ORIGINS[name].hex()): f"{name}-" for name in LETTERS}


class Clock:
    """A clock that every look moves on, so that a history is the same each time."""

    def __init__(self) -> None:
        self.start()

    def start(self) -> None:
        self.moment = datetime(2026, 11, 1, tzinfo=UTC)

    def pass_by(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)

    def time(self) -> float:
        return self.now().timestamp()

    def now(self, _zone: object = None) -> datetime:
        self.moment += timedelta(microseconds=1)
        return self.moment

    def fromtimestamp(self, *moment: Any) -> datetime:
        return datetime.fromtimestamp(*moment)


@dataclass(frozen=True, slots=True)
class Issue:
    """A list that went out. told: its entries, as a reader finds them. unnamed: the collection of those that name none."""

    maker: str
    list: str | None
    sequence: int | None
    since: int | None
    choice: Choice
    form: str
    path: Path
    owner: str
    origin: str | None
    unnamed: str
    told: tuple[Told, ...]
    mark: Tlp | None
    report: ExportReport


class RealPartner:
    """A reference set, and what people who use it do."""

    def __init__(self, name: str, store: Store, folder: Path) -> None:
        self.name, self.store, self.folder, self.made = name, store, folder, 0

    @contextlib.contextmanager
    def _on(self, file: str) -> Iterator[tuple[sqlite3.Connection, int]]:
        """A transaction about the reference of a file, if it is known."""
        number = next((r.id for r in lookup.references(self.store.connection) if self._file(r) == file), 0)
        with self.store.transaction() as connection:
            yield connection, number

    def add(self, file: str, collection: str, mark: Tlp | None, labels: tuple[str, ...], *, allow: bool) -> None:
        membership = Membership(collection, tlp=mark, labels=labels, allow=allow)
        with self._on(file) as (connection, number):
            if file.startswith("full"):
                add_file(connection, ACTOR, measured(file), (file.encode(), len(file), 1), membership)
            elif number:
                join(connection, ACTOR, number, membership)
            else:
                assert file == "sha256"
                references.add_digest(connection, ACTOR, facts(file)["sha256"], membership)

    def retract(self, file: str, collection: str | None) -> None:
        with self._on(file) as (connection, number):
            curate.retract(connection, ACTOR, number, "a mistake", collection)

    def restore(self, file: str, collection: str | None) -> None:
        with self._on(file) as (connection, number):
            curate.restore(connection, ACTOR, number, collection)

    def label(self, file: str, name: str, *, on: bool) -> None:
        with self._on(file) as (connection, number):
            curate.set_labels(connection, ACTOR, number, [name] * on, [name] * (not on))

    def allow(self, file: str, *, on: bool) -> None:
        with self._on(file) as (connection, number):
            curate.set_allow(connection, ACTOR, number, on)

    def give_opinion(self, file: str, source: str, verdict: Verdict | None) -> None:
        with self._on(file) as (connection, number):
            if verdict is None:
                opinions.take_back(connection, ACTOR, number, source)
            else:
                opinions.give(connection, ACTOR, number, Opinion(verdict, source))

    def set_rule(self, collection: str, mark: Tlp) -> None:
        with self.store.transaction() as connection:
            curate.set_collection(connection, ACTOR, collection, mark)

    def trust(self, key: str, *, on: bool) -> None:
        public = KEYS[key].public.text
        with self.store.transaction() as connection:
            newest = hand_overs.successor(connection, public) or public
            allow_list.trust(connection, newest, "2026-01-01T00:00:00Z" if on else None)

    def hand_over(self, old: str, new: str) -> None:
        with self.store.transaction() as connection:
            hand_overs.hand_over(connection, ACTOR, KEYS[old].public.text, KEYS[new].public.text, None)

    def export(self, name: str | None, choice: Choice, since: int | None, form: str, key: str | None) -> Issue:
        """Write a list, which may have a name and be signed with a key, and read it."""
        self.made += 1
        path = self.folder / f"{self.name}{self.made}{'s' * bool(key)}.{form}"
        selection = ExportSelection(choice.collections, choice.labels, since, choice.max_tlp, unmarked=choice.unmarked)
        with path.open("wb") as out:
            report = export(self.store, ACTOR, out, form, selection, name)
        if key:
            sign_list(self.store, ACTOR, path, KEYS[key], report)
        data = path.read_bytes()
        read_head = exchange.get(form).read_head
        origin = read_head(data).origin if read_head else None
        items = [row[1] for row in exchange.get(form).read(io.BytesIO(data)) if isinstance(row, tuple)]
        assert len(items) == report.written
        return Issue(
            self.name,
            name,
            report.head.sequence,
            since,
            choice,
            form,
            path,
            key or (f"{self.name}-" if origin else NOBODY),
            origin,
            key or "imported",
            tuple(map(_told, items)),
            report.strictest if key and form in BARE else None,
            report,
        )

    def take(self, issue: Issue, how: How) -> None:
        """Read a list. Raises CommandError if it is refused."""
        plan = ImportPlan(how.collection, how.mark, how.allow, default_tlp=how.default, accept=frozenset({"unsigned"}))
        self._take(issue.path, issue.form, plan)

    def take_plain(self, file: str, how: How) -> None:
        """Read a plain list of somebody who does not say who he is."""
        form = {"md5": "md5sum", "pdq": "pdq"}[file]
        self.made += 1
        path = self.folder / f"{self.name}{self.made}.{form}"
        write = exchange.get(form).write
        assert write is not None
        with path.open("wb") as out:
            write([ListItem(**facts(file), paths=(b"x",))], out)
        plan = ImportPlan(how.collection, how.mark, how.allow, accept=frozenset({"unsigned"}))
        self._take(path, form, plan)

    def _take(self, path: Path, form: str, plan: ImportPlan) -> None:
        bad: list[object] = []
        import_list(self.store, ACTOR, path, plan, format_name=form, told=bad.append)
        assert not [line for line in bad if isinstance(line, BadLine)]

    def state(self) -> dict[Place, tuple[bool, Tlp | None]]:
        """Of each word whether it stands, and how it is marked."""
        return {
            Place(self._file(each), _voice(source.owner), _voice(source.author), source.collection): (
                source.live,
                source.tlp,
            )
            for each in lookup.references(self.store.connection)
            for source in each.sources
        }

    def listings(self) -> dict[str, tuple[bool, bool]]:
        """Of each live file whether it is on the allow list, and whether it waits for a person."""
        found = lookup.references(self.store.connection)
        return {self._file(each): (each.allow, each.pending) for each in found if each.live}

    def opinions(self) -> dict[str, set[tuple[str, str, str, Verdict]]]:
        """What is thought of each file: owner, author, source and verdict."""
        rows = self.store.connection.execute(
            "SELECT reference_id, owner, author, source, opinion FROM opinion JOIN voice ON voice.id = voice_id"
        ).fetchall()
        return {
            self._file(each): {(_voice(row[1]), _voice(row[2]), row[3], row[4]) for row in rows if row[0] == each.id}
            for each in lookup.references(self.store.connection)
        }

    def _file(self, reference: lookup.Reference) -> str:
        found = reference.sha256 or reference.md5
        return _FILES[found or hash_rows.hashes(self.store.connection, reference.id)[0].hex]


def _voice(name: str) -> str:
    passed_on = f"{NOBODY}:"
    if name.startswith(passed_on):
        return passed_on + VOICES.get(name.removeprefix(passed_on), name.removeprefix(passed_on))
    return VOICES.get(name, name)


def _told(item: ListItem) -> Told:
    entry = Entry(file_of(item), _voice(item.author), item.collection or "")
    dated = item.changed or max(item.retracted or "", item.added or "")
    doubts = frozenset(
        Doubt(_voice(each.author), each.source or entry.collection, each.verdict) for each in item.opinions
    )
    has = frozenset(name for name in ("md5", "sha1", "sha256", "hashes") if getattr(item, name))
    return Told(entry, item.retracted is None, item.tlp, dated, frozenset(item.labels), item.allow, doubts, has)


#: What every reference set has from the start, and what nothing can be deleted from.
_KEPT = ("_sqlite_migrations", "audit", "decision", "origin", "recipe", "removed_hash", "row_digest")


class Sets:
    """Empty reference sets, again and again: making new ones would take longer than what is tried with them."""

    def __init__(self, folder: Path) -> None:
        self.stores = [scratch_store(folder / f"nothing {name}.db") for name in LETTERS]
        for name, store in zip(LETTERS, self.stores, strict=True):
            store.connection.execute("UPDATE origin SET uuid = ?", (ORIGINS[name],))

    def empty(self) -> list[Store]:
        for store in self.stores:
            tables = store.connection.execute("SELECT name FROM main.sqlite_master WHERE type = 'table'").fetchall()
            with store.transaction() as connection:
                for (name,) in tables:
                    if name not in _KEPT and not name.startswith("sqlite_"):
                        connection.execute(f'DELETE FROM "{name}"' + " WHERE id > 1" * (name == "voice"))
        return self.stores

"""Real partners: reference sets in memory that exchange lists through real files and signatures."""

from __future__ import annotations

import contextlib
import hashlib
import io
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hashmatch import exchange
from hashmatch.records import BadLine, ListItem, Tlp
from hashmatch.signing.minisign import SecretKey
from hashmatch.store import Store, audit, curate, lookup, references, voices
from hashmatch.store.membership import Membership, join
from hashmatch.store.opening import scratch_store
from hashmatch.store.references import add_file
from hashmatch.workflows.export_list import ExportReport, ExportSelection, export, sign_list
from hashmatch.workflows.import_list import import_list
from hashmatch.workflows.list_origin import ImportPlan
from tests.support.made_references import digests_of, measured, pdq
from tests.support.partner_model import NOBODY, Choice, Entry, Place, Told

ACTOR = audit.Actor("tester", "test")
LETTERS = "ABC"
KEYS = {name: SecretKey._of(f"key of {name}".encode()[:8], name.encode() * 32) for name in LETTERS}

#: Files, by how much is known of them wherever they are known: everything, their SHA-256, their MD5, their PDQ.
FILES = ("full 1", "full 2", "sha256", "md5", "pdq")


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


_FILES = {facts(file).get("sha256") or facts(file).get("md5") or pdq(file).hex: file for file in FILES}


def file_of(item: ListItem) -> str:
    return _FILES[item.sha256 or item.md5 or item.hashes[0].hex]


#: The partners' voices, as the model calls them, by what the reference sets call them.
ORIGINS = {name: hashlib.sha256(name.encode()).digest()[:16] for name in LETTERS}
VOICES = {KEYS[name].public.text: f"{name}+" for name in LETTERS}
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
    """A list that went out. told: its entries, as a reader finds them."""

    maker: str
    list: str
    sequence: int
    since: int | None
    choice: Choice
    path: Path
    owner: str
    origin: str | None
    told: tuple[Told, ...]
    opinions: tuple[tuple[str, str, str, str], ...]
    report: ExportReport


class RealPartner:
    """A reference set, and what people who use it do."""

    def __init__(self, name: str, store: Store, folder: Path) -> None:
        self.name, self.store, self.folder, self.made = name, store, folder, 0

    @contextlib.contextmanager
    def _on(self, file: str) -> Iterator[tuple[sqlite3.Connection, int]]:
        """A transaction about the reference of a file, if it is known."""
        known = [r.id for r in lookup.references(self.store.connection) if _file(r) == file]
        with self.store.transaction() as connection:
            for number in known:
                yield connection, number
                return
            yield connection, 0

    def add(self, file: str, collection: str, mark: Tlp | None, labels: tuple[str, ...]) -> None:
        membership = Membership(collection, tlp=mark, labels=labels)
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

    def set_rule(self, collection: str, mark: Tlp) -> None:
        with self.store.transaction() as connection:
            curate.set_collection(connection, ACTOR, collection, mark)

    def export(self, name: str, choice: Choice, since: int | None, form: str, *, signed: bool) -> Issue:
        """Write and perhaps sign the next list of a name, and read it."""
        self.made += 1
        path = self.folder / f"{self.name}{self.made}{'s' * signed}.{form}"
        selection = ExportSelection(choice.collections, choice.labels, since, choice.max_tlp, unmarked=choice.unmarked)
        with path.open("wb") as out:
            report = export(self.store, ACTOR, out, form, selection, name)
        assert report.head.sequence is not None
        if signed:
            sign_list(self.store, ACTOR, path, KEYS[self.name], report)
        data = path.read_bytes()
        read_head = exchange.get(form).read_head
        origin = read_head(data).origin if read_head else None
        owner = f"{self.name}+" if signed else f"{self.name}-" if origin else NOBODY
        items = [row[1] for row in exchange.get(form).read(io.BytesIO(data)) if isinstance(row, tuple)]
        return Issue(
            self.name,
            name,
            report.head.sequence,
            since,
            choice,
            path,
            owner,
            origin,
            tuple(_told(item) for item in items),
            tuple(
                (file_of(item), _voice(each.author), each.source or item.collection or "", each.verdict)
                for item in items
                for each in item.opinions
            ),
            report,
        )

    def take(self, issue: Issue, plan: ImportPlan | None = None) -> None:
        """Read a list. Raises CommandError if it is refused."""
        bad: list[object] = []
        import_list(self.store, ACTOR, issue.path, plan or ImportPlan(), told=bad.append)
        assert not [line for line in bad if isinstance(line, BadLine)]

    def take_plain(self, file: str, collection: str, mark: Tlp | None) -> None:
        """Read a plain list of somebody who does not say who he is."""
        form = {"md5": "md5sum", "pdq": "pdq"}[file]
        self.made += 1
        path = self.folder / f"{self.name}{self.made}.{form}"
        item = ListItem(**facts(file))
        write = exchange.get(form).write
        assert write is not None
        with path.open("wb") as out:
            write([replace(item, paths=(b"x",))], out)
        plan = ImportPlan(collection, mark, accept=frozenset({"unsigned"}))
        import_list(self.store, ACTOR, path, plan, format_name=form)

    def state(self) -> dict[Place, tuple[bool, Tlp | None]]:
        """Of each word whether it stands, and how it is marked."""
        return {
            Place(_file(each), _voice(source.owner), _voice(source.author), source.collection): (
                source.live,
                source.tlp,
            )
            for each in lookup.references(self.store.connection)
            for source in each.sources
        }


def _voice(name: str) -> str:
    return VOICES.get(name, name)


def _file(reference: lookup.Reference) -> str:
    found = reference.sha256 or reference.md5
    return _FILES[found] if found else "pdq"


def _told(item: ListItem) -> Told:
    entry = Entry(file_of(item), _voice(item.author), item.collection or "")
    dated = item.changed or max(item.retracted or "", item.added or "")
    return Told(entry, item.retracted is None, item.tlp, dated, frozenset(item.labels), item.allow)


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

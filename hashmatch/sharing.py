"""The reference set to and from hash lists: what `hashmatch export` and `hashmatch import` do."""

from __future__ import annotations

import hashlib
import itertools
import os
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from hashmatch import exchange
from hashmatch.duplicates import NearDuplicate, near_duplicates
from hashmatch.errors import CommandError
from hashmatch.i18n import _
from hashmatch.media.files import chunks
from hashmatch.records import TLP_ORDER, BadLine, LineRemark, ListItem, Tlp, strictest
from hashmatch.store import Store, generation, lookup
from hashmatch.store.audit import Actor, now, record
from hashmatch.store.references import Membership, add_item, ensure_collection

#: Seconds, a hundred days; what a list says beyond is nonsense.
LONGEST = 8_640_000.0
#: Items a transaction: a second writer waits no longer than a fraction of a second.
BATCH = 1000


@dataclass(frozen=True, slots=True)
class Selection:
    """What to export. since: UTC, ISO 8601, of the addition or retraction. include: see exchange.EXTRAS."""

    collections: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    since: str | None = None
    max_tlp: Tlp = "green"
    include: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ExportReport:
    """How many entries were written, and how many references were left out and why.

    unmarked: written ones that carry no TLP mark. left_out_tlp: above `max_tlp`. The others: the format cannot carry
    a retraction, a reference without such a hash, or that a reference is on the allow list.
    """

    written: int
    unmarked: int
    left_out_tlp: int
    left_out_retracted: int
    left_out_without_hash: int
    left_out_allow: int

    @property
    def left_out(self) -> int:
        return self.left_out_tlp + self.left_out_retracted + self.left_out_without_hash + self.left_out_allow


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What became of a list's entries. refused: lines; allow: entries that went to the allow list; not_allowed: those
    that the list allows and others know as propaganda, so that only a person can put them there.

    retracted: entries that are or remain withdrawn; a retraction in the list is taken as one, and an entry that was
    retracted here stays so. duplicates: of those added, how many show the same as an older reference does.
    """

    name: str
    format: str
    added: int = 0
    joined: int = 0
    known: int = 0
    retracted: int = 0
    allow: int = 0
    not_allowed: int = 0
    refused: int = 0
    duplicates: int = 0

    @property
    def items(self) -> int:
        return self.added + self.joined + self.known + self.retracted


class _Withheld:
    """Counts what the sharing rules keep back while the entries stream by."""

    def __init__(self) -> None:
        self.above = 0


def export(store: Store, actor: Actor, out: BinaryIO, format_name: str, selection: Selection) -> ExportReport:
    """Write the selected references as a hash list, and record that in the audit trail where it can be written.

    Raises CommandError on an unknown format or collection, OSError where `out` cannot be written.
    """
    form = exchange.get(format_name)
    if form.write is None:
        raise CommandError(_("lists of format {name} are only read, not written").format(name=format_name))
    withheld = _Withheld()
    items = _items(store.connection, selection, withheld, one_each=not form.carries_retraction)
    written = form.write(items, out, selection.include)
    report = ExportReport(
        written.written,
        written.unmarked,
        withheld.above,
        written.left_out_retracted,
        written.left_out_without_hash,
        written.left_out_allow,
    )
    if store.writable:
        with store.transaction() as connection:
            detail = {
                "format": format_name,
                "written": report.written,
                "left_out": report.left_out,
                "max_tlp": selection.max_tlp,
                "collections": selection.collections,
                "labels": selection.labels,
                "since": selection.since,
                "include": sorted(selection.include),
            }
            record(connection, actor, "export", detail)
    return report


def _items(
    connection: sqlite3.Connection, selection: Selection, withheld: _Withheld, one_each: bool
) -> Iterator[ListItem]:
    for name in selection.collections:
        lookup.collection_number(connection, name)
    wanted = set(selection.collections)
    allowed = TLP_ORDER.index(selection.max_tlp)
    for reference in lookup.references(connection):
        sources = [source for source in reference.sources if not wanted or source.collection in wanted]
        if selection.since is not None:
            sources = [s for s in sources if max(s.added, s.retracted or "") >= selection.since]
        if not sources or not set(selection.labels) <= set(reference.labels):
            continue
        if reference.tlp is not None and TLP_ORDER.index(reference.tlp) > allowed:
            withheld.above += 1
            continue
        # A bare list of hashes names each reference once, by a source that stands by it if there is one.
        sources.sort(key=lambda source: source.retracted is not None)
        hashes = lookup.hashes(connection, reference.id)
        paths = tuple(lookup.locations(connection, reference.id)) if "paths" in selection.include else ()
        for source in sources[:1] if one_each else sources:
            yield ListItem(
                kind=reference.kind,
                md5=reference.md5,
                sha1=reference.sha1,
                sha256=reference.sha256,
                size=reference.size,
                duration=reference.duration,
                hashes=hashes,
                labels=reference.labels,
                allow=reference.allow,
                collection=source.collection,
                source=source.source,
                tlp=source.tlp,
                added=source.added,
                retracted=source.retracted,
                retraction_reason=source.retraction_reason,
                paths=paths,
                case=source.case,
                operator=source.operator,
                note=source.note,
            )


def import_list(
    store: Store,
    actor: Actor,
    path: Path,
    *,
    format_name: str = "auto",
    collection: str | None = None,
    tlp: Tlp | None = None,
    allow: bool = False,
    strict: bool = False,
    refused: Callable[[BadLine], None] = lambda line: None,
    duplicate: Callable[[NearDuplicate], None] = lambda duplicate: None,
    remark: Callable[[LineRemark], None] = lambda remark: None,
) -> ImportReport:
    """Add a hash list's entries to the reference set.

    refused: called with each line that cannot be used; remark: with what else is to be said of a line. duplicate: with each new reference that shows the same as an
    older one.
    collection: where entries go; without it, to the one that the entry names, or to "imported". tlp: for entries; the
    stricter counts where the entry has a mark of its own. strict: all lines must be good, or nothing is imported.
    Importing a list again adds nothing, so an interrupted import is completed by repeating it.
    Raises CommandError: the file cannot be read, its format not told or newer, or a bad line when `strict`.
    """
    try:
        with path.open("rb") as file:
            head = file.read(exchange.HEAD)
            form = exchange.detect(head) if format_name == "auto" else exchange.get(format_name)
            if form is None:
                message = _("{path}: cannot tell what list this is; name it with --format")
                raise CommandError(message.format(path=path))
            file.seek(0)
            digest = hashlib.sha256()
            for part in chunks(file):
                digest.update(part)
            if strict:
                _check_all_lines(path, form, refused)
            file.seek(0)
            rows = form.read(file)
            told = refused, duplicate, remark
            return _add_all(store, actor, path, form.name, digest.digest(), rows, collection, tlp, allow, *told)
    except OSError as error:
        raise CommandError(_("{path}: {reason}").format(path=path, reason=error.strerror or error)) from error


def _problem(item: ListItem) -> str:
    """Why an entry whose fields are all good cannot be used as a whole; "" if it can."""
    widths = {(h.algorithm, h.view, len(h.bits)) for h in item.hashes}
    if len(widths) != len({width[:2] for width in widths}):
        return _("its hashes of one algorithm differ in length")
    if any(h.time is not None and h.time > LONGEST for h in item.hashes) or (item.duration or 0.0) > LONGEST:
        return _("its times are longer than any film")
    return ""


def _check_all_lines(path: Path, form: exchange.Format, refused: Callable[[BadLine], None]) -> None:
    with path.open("rb") as file:
        bad = []
        for row in form.read(file):
            if isinstance(row, BadLine):
                bad.append(row)
            elif not isinstance(row, LineRemark) and (problem := _problem(row[1])):
                bad.append(BadLine(row[0], problem))
    for line in bad:
        refused(line)
    if bad:
        message = _("{path}: {count} lines cannot be used, and nothing was imported (--strict)")
        raise CommandError(message.format(path=path, count=len(bad)))


def _add_all(
    store: Store,
    actor: Actor,
    path: Path,
    format_name: str,
    digest: bytes,
    rows: Iterator[exchange.Row],
    collection: str | None,
    tlp: Tlp | None,
    allow: bool,
    refused: Callable[[BadLine], None],
    duplicate: Callable[[NearDuplicate], None],
    remark: Callable[[LineRemark], None],
) -> ImportReport:
    newest = generation.current(store.connection).newest
    counts = dict.fromkeys(("added", "joined", "known", "retracted", "allow", "not_allowed", "refused"), 0)
    # A list of a newer version is refused here, before anything is changed.
    rows = itertools.chain(list(itertools.islice(rows, 1)), rows)
    with store.transaction() as connection:
        number = None if collection is None else ensure_collection(connection, actor, collection, tlp)
        import_id = connection.execute(
            "INSERT INTO import (name, format, sha256, collection_id, items, refused, imported)"
            " VALUES (?, ?, ?, ?, 0, 0, ?)",
            (os.fsencode(path.name).decode("utf-8", "replace"), format_name, digest, number, now()),
        ).lastrowid
        told: dict[str, object] = {
            "import": import_id,
            "list": path.name,
            "format": format_name,
            "sha256": digest.hex(),
        }
        record(connection, actor, "import", told)
    while batch := list(itertools.islice(rows, BATCH)):
        with store.transaction() as connection:
            for row in batch:
                if isinstance(row, BadLine):
                    counts["refused"] += 1
                    refused(row)
                    continue
                if isinstance(row, LineRemark):
                    remark(row)
                    continue
                line, item = row
                problem = _problem(item)
                if problem:
                    counts["refused"] += 1
                    refused(BadLine(line, problem))
                    continue
                membership = Membership(
                    collection or item.collection or "imported",
                    source=item.source,
                    tlp=strictest(item.tlp, tlp),
                    case=item.case,
                    note=item.note,
                    labels=item.labels,
                    allow=allow or item.allow,
                    added=item.added,
                    retracted=item.retracted,
                    retraction_reason=item.retraction_reason,
                    operator=item.operator,
                    import_id=import_id,
                    named=collection is not None,
                )
                outcome = add_item(connection, actor, item, membership, allow_known=allow)[1]
                if outcome == "forbidden":
                    counts["refused"] += 1
                    message = _("would withdraw what was indexed here; --collection {name} lets it")
                    refused(BadLine(line, message.format(name=membership.collection)))
                    continue
                counts[outcome] += 1
                if membership.allow and (outcome == "added" or (allow and outcome == "joined")):
                    counts["allow"] += 1
                elif membership.allow and outcome == "joined":
                    counts["not_allowed"] += 1
    counts["duplicates"] = 0
    for found in near_duplicates(store, newest):
        counts["duplicates"] += 1
        duplicate(found)
    report = ImportReport(path.name, format_name, **counts)
    with store.transaction() as connection:
        connection.execute(
            "UPDATE import SET items = ?, refused = ? WHERE id = ?", (report.items, report.refused, import_id)
        )
        record(connection, actor, "imported", {"import": import_id, **counts})
    return report

"""The reference set to a hash list: what `hashmatch export` does."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from hashmatch import exchange
from hashmatch.clock import now
from hashmatch.errors import CommandError
from hashmatch.exchange.fields import LIST_VERSION
from hashmatch.exchange.losses import Losses
from hashmatch.i18n import _
from hashmatch.records import TLP_ORDER, UNNAMED, ListHead, ListItem, Opinion, Tlp, strictest
from hashmatch.store import Store, hash_rows, list_issues, lookup, review_decisions
from hashmatch.store.audit import Actor, record
from hashmatch.store.lookup import Reference, ReferenceSource
from hashmatch.store.verify import one_state

if TYPE_CHECKING:
    from hashmatch.signing.minisign import SecretKey


@dataclass(frozen=True, slots=True)
class ExportSelection:
    """What to export.

    since: only what was added, changed or retracted from this moment on (UTC, ISO 8601), or since the list with this number.
    include: see exchange.EXTRAS.
    """

    collections: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    since: str | int | None = None
    max_tlp: Tlp = "green"
    include: frozenset[str] = frozenset()

    def as_json(self) -> dict[str, object]:
        """Everything but `since`."""
        return {
            "max_tlp": self.max_tlp,
            "collections": sorted(self.collections),
            "labels": sorted(self.labels),
            "include": sorted(self.include),
        }


@dataclass(frozen=True, slots=True)
class ExportReport:
    """How many entries were written, and how many references were left out and why.

    unmarked: entries that were written without a TLP mark. left_out_tlp: references above `max_tlp`.
    left_out_retracted, left_out_without_hash, left_out_allow, left_out_false_positive: the format cannot carry a retraction,
    a reference without its kind of hash, one on the allow list, or one that its own source calls a false positive.
    kept, lost: how many entries or hashes have what the format can say and what it cannot; see exchange/losses.py.
    head: what the list says about itself. strictest: the strictest mark in it.
    """

    written: int
    unmarked: int
    left_out_tlp: int
    left_out_retracted: int
    left_out_without_hash: int
    left_out_allow: int
    left_out_false_positive: int = 0
    kept: Mapping[str, int] = field(default_factory=dict)
    lost: Mapping[str, int] = field(default_factory=dict)
    head: ListHead = UNNAMED
    strictest: Tlp | None = None

    @property
    def left_out(self) -> int:
        format_cannot = self.left_out_retracted + self.left_out_allow + self.left_out_false_positive
        return self.left_out_tlp + self.left_out_without_hash + format_cannot


class ExportEntries:
    """The entries that a selection lets out, one by one, and a count of what the sharing rules keep back.

    above: how many references are marked stricter than `max_tlp`. strictest: the strictest mark that went out.
    """

    def __init__(
        self, connection: sqlite3.Connection, selection: ExportSelection, after: int | None, one_each: bool
    ) -> None:
        """after: only references with a higher revision. one_each: each reference once, not once per source."""
        self.above = 0
        self.strictest: Tlp | None = None
        self._connection, self._selection = connection, selection
        self._after, self._one_each = after, one_each
        self._we = review_decisions.rules(connection).source
        for name in selection.collections:
            lookup.collection_number(connection, name)

    def items(self) -> Iterator[ListItem]:
        for _reference_id, item in self.with_ids():
            yield item

    def with_ids(self) -> Iterator[tuple[int, ListItem]]:
        """Each entry with the id of its reference."""
        wanted = set(self._selection.collections)
        allowed = TLP_ORDER.index(self._selection.max_tlp)
        for reference in lookup.references(self._connection, changed_after=self._after):
            sources = [source for source in reference.sources if not wanted or source.collection in wanted]
            if not sources or not set(self._selection.labels) <= set(reference.labels):
                continue
            mark = reference.tlp
            if mark is not None and TLP_ORDER.index(mark) > allowed:
                self.above += 1
                continue
            self.strictest = strictest(self.strictest, mark)
            yield from ((reference.id, item) for item in self._entries(reference, sources))

    def _entries(self, reference: Reference, sources: list[ReferenceSource]) -> Iterator[ListItem]:
        # A bare list of hashes names each reference once, with a source that stands by it if there is one.
        sources.sort(key=lambda source: source.retracted is not None)
        hashes = hash_rows.hashes(self._connection, reference.id)
        paths: tuple[bytes, ...] = ()
        if "paths" in self._selection.include:
            paths = tuple(lookup.locations(self._connection, reference.id))
        told = reference.opinions
        if not self._one_each:
            sources, told = self._as_ours(reference, sources)
        for source in sources[:1] if self._one_each else sources:
            labels = reference.labels if self._one_each else tuple(sorted({*reference.given, *source.labels}))
            yield ListItem(
                kind=reference.kind,
                md5=reference.md5,
                sha1=reference.sha1,
                sha256=reference.sha256,
                size=reference.size,
                duration=reference.duration,
                width=reference.width,
                height=reference.height,
                hashes=hashes,
                labels=labels,
                allow=reference.allow,
                collection=source.collection,
                source=source.source,
                # The strictest mark of all its sources: one source's mark must not open what another keeps closed.
                tlp=reference.tlp,
                added=source.added,
                changed=source.changed,
                retracted=source.retracted,
                retraction_reason=source.retraction_reason,
                opinions=tuple(_told_by(source, opinion) for opinion in told),
                paths=paths,
                case=source.case,
                operator=source.operator,
                note=source.note,
            )

    def _as_ours(
        self, reference: Reference, sources: list[ReferenceSource]
    ) -> tuple[list[ReferenceSource], tuple[Opinion, ...]]:
        """Sources and opinions as they go out. If people here took back an entry of somebody else's list, we dispute it, and
        its source still stands by it: nobody may withdraw another's entry on our word."""
        dispute = reference.our_dispute(self._we)
        if dispute is None or not any(source.withdrawn_here for source in sources):
            return sources, reference.opinions
        standing = [
            replace(source, retracted=None, retraction_reason=None) if source.withdrawn_here else source
            for source in sources
        ]
        others = (opinion for opinion in reference.opinions if opinion.source != self._we)
        return standing, (*others, dispute)


def _told_by(source: ReferenceSource, opinion: Opinion) -> Opinion:
    return replace(opinion, source=None) if opinion.source == source.collection else opinion


def export(
    store: Store,
    actor: Actor,
    out: BinaryIO,
    format_name: str,
    selection: ExportSelection,
    name: str | None = None,
    expires: str | None = None,
) -> ExportReport:
    """Write the selected references as a hash list, and record that in the audit trail if it can be written.

    name: the name of the list. It then has a sequence number, and later lists can continue from it.
    expires: UTC, ISO 8601; from then on readers should refuse the list.
    Raises CommandError for an unknown format, collection or list number, OSError if `out` cannot be written.
    """
    form = exchange.get(format_name)
    if form.write is None:
        raise CommandError(_("lists of format {name} are only read, not written").format(name=format_name))
    if name is not None and not store.writable:
        raise CommandError(_("the database cannot be written, so a list of this name cannot be numbered"))
    connection = store.connection
    with one_state(connection):
        newest = list_issues.newest_revision(connection)
        head, after = _head(connection, selection, name, expires)
        choice = ExportEntries(connection, selection, after, one_each=not form.carries_retraction)
        losses = Losses(form, selection.include)
        items = losses.watch(choice.items())
        if form.write_list is not None:
            written = form.write_list(items, out, selection.include, head)
        else:
            written = form.write(items, out, selection.include)
    report = ExportReport(
        written.written,
        written.unmarked,
        choice.above,
        written.left_out_retracted,
        written.left_out_without_hash,
        written.left_out_allow,
        written.left_out_false_positive,
        dict(sorted(losses.kept.items())),
        dict(sorted(losses.lost.items())),
        head,
        choice.strictest,
    )
    if store.writable:
        with store.transaction() as connection:
            if head.name is not None and head.sequence is not None:
                list_issues.publish(connection, head.name, head.sequence, newest, selection.as_json())
            detail = {
                "format": format_name,
                "written": report.written,
                "left_out": report.left_out,
                "since": selection.since,
                "list": head.name,
                "sequence": head.sequence,
            }
            record(connection, actor, "export", detail | selection.as_json())
    return report


def _head(
    connection: sqlite3.Connection, selection: ExportSelection, name: str | None, expires: str | None
) -> tuple[ListHead, int | None]:
    """The list's head, and the revision after which references are in it; None means all of them."""
    since = selection.since
    if name is None:
        if isinstance(since, int):
            raise CommandError(_("numbers are those of lists with a name: give it with --list"))
        after = None if since is None else list_issues.revision_at(connection, since)
        return ListHead(created=now(), expires=expires), after
    chosen = selection.as_json()
    last = list_issues.published(connection, name, chosen)
    head = ListHead(name, last.sequence + 1 if last else 1, None, now(), expires)
    if isinstance(since, int):
        before = list_issues.published(connection, name, chosen, since)
        assert before is not None
        return replace(head, since=before.sequence), before.revision
    if since is not None:  # nobody can name the number that came before that moment
        raise CommandError(_("a list with a name goes on from a number, not from a date: --since NUMBER"))
    return head, None


def sign_list(store: Store, actor: Actor, path: Path, key: SecretKey, report: ExportReport) -> None:
    """Sign a list that was exported under a name; the signature lies beside its file. Raises CommandError on failure."""
    from hashmatch.signing import signed_lists as signing
    from hashmatch.signing.statement import SignedStatement

    head = report.head
    assert head.name is not None and head.sequence is not None and head.created is not None
    told = SignedStatement(
        name=head.name,
        list_version=LIST_VERSION,
        sequence=head.sequence,
        since=head.since,
        created=head.created,
        expires=head.expires,
        count=report.written,
        tlp=report.strictest,
    )
    signed = signing.sign_file(path, key, told)
    with store.transaction() as connection:
        detail = {"list": signed.name, "sequence": signed.sequence, "sha256": signed.sha256, "key": key.public.text}
        record(connection, actor, "sign", detail)

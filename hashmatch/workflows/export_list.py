"""The reference set to a hash list: what `hashmatch export` does."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from hashmatch import exchange
from hashmatch.clock import now
from hashmatch.errors import CommandError
from hashmatch.exchange.fields import LIST_VERSION
from hashmatch.exchange.losses import Losses, says_as_much
from hashmatch.i18n import _
from hashmatch.records import UNNAMED, ListHead, Tlp
from hashmatch.store import Store, list_issues, voices
from hashmatch.store.audit import Actor, record
from hashmatch.store.given import GivenList
from hashmatch.store.verify import one_state
from hashmatch.workflows.export_entries import ExportEntries, ExportSelection

if TYPE_CHECKING:
    from hashmatch.signing.minisign import SecretKey


@dataclass(frozen=True, slots=True)
class ExportReport:
    """How many entries were written, and how many references were left out and why.

    unmarked: entries that were written without a TLP mark. left_out_tlp: references above `max_tlp`. left_out_unmarked:
    references without a mark. withdrawn: entries that the list gave before and withdraws; not_withdrawn: the same, where the
    format cannot say so.
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
    left_out_unmarked: int = 0
    withdrawn: int = 0
    not_withdrawn: int = 0

    @property
    def left_out(self) -> int:
        format_cannot = self.left_out_retracted + self.left_out_allow + self.left_out_false_positive
        return self.left_out_tlp + self.left_out_unmarked + self.left_out_without_hash + format_cannot


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
        head, after = _head(connection, selection, form, name, expires)
        before = None
        if head.name is not None and head.sequence is not None:
            before = GivenList(connection, head.name, head.sequence, head.since)
        choice = ExportEntries(connection, selection, after, form, before)
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
        choice.unmarked,
        choice.taken if form.carries_retraction else 0,
        0 if form.carries_retraction else choice.taken,
    )
    if store.writable:
        with store.transaction() as connection:
            if head.name is not None and head.sequence is not None:
                list_issues.publish(connection, head.name, head.sequence, newest, selection.as_json(), format_name)
                choice.remember()
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
    connection: sqlite3.Connection,
    selection: ExportSelection,
    form: exchange.Format,
    name: str | None,
    expires: str | None,
) -> tuple[ListHead, int | None]:
    """The list's head, and the revision after which references are in it; None means all of them."""
    since, origin = selection.since, voices.origin(connection)
    if name is None:
        if isinstance(since, int):
            raise CommandError(_("numbers are those of lists with a name: give it with --list"))
        after = None if since is None else list_issues.revision_at(connection, since)
        return ListHead(created=now(), expires=expires, origin=origin), after
    chosen = selection.as_json()
    last = list_issues.published(connection, name, chosen)
    head = ListHead(name, last.sequence + 1 if last else 1, None, now(), expires, origin)
    if isinstance(since, int):
        before = list_issues.published(connection, name, chosen, since)
        assert before is not None
        if before.form is not None and not says_as_much(exchange.get(before.form), form):
            message = _(
                "number {sequence} of list {name} was {before}, which lacks much of what {form} has: make a full list"
            )
            raise CommandError(message.format(sequence=since, name=name, before=before.form, form=form.name))
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
        voices.set_ours(connection, key.public.text)
        detail = {"list": signed.name, "sequence": signed.sequence, "sha256": signed.sha256, "key": key.public.text}
        record(connection, actor, "sign", detail)

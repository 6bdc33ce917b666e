"""Read a hash list, check it and pack it the way the database will store it.

This needs no database, so another process can do it while earlier batches are written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from hashmatch import exchange
from hashmatch.clock import now
from hashmatch.exchange import entry_checks as lint
from hashmatch.exchange.fields import identified
from hashmatch.i18n import _
from hashmatch.records import BadLine, LineRemark, ListItem, strictest
from hashmatch.store import list_entries, voices
from hashmatch.store.membership import Membership
from hashmatch.workflows.list_origin import ImportPlan, ListOrigin

#: Items per transaction, so that a second writer waits for about a second; and hashes, because films have thousands each.
BATCH, BATCH_HASHES = 20_000, 200_000

#: A line that was read and checked: its number; what the database will keep, as a plain tuple that can be sent to another
#: process; why it cannot be used, or ""; and remarks about it.
_Checked = tuple[int, tuple[Any, ...], str, tuple[str, ...]]
PackedLine = _Checked | BadLine | LineRemark


def packed_batches(
    rows: Iterable[exchange.ListRow], origin: ListOrigin, plan: ImportPlan, import_id: int, imported: str
) -> Iterator[list[PackedLine]]:
    """The lines of a list, in batches of one transaction each. origin, plan, import_id: decide how entries are added.
    imported: when the list was first imported."""
    return _batches(_checked(rows, _Memberships(origin, plan, import_id, imported), "opinions" in origin.form.carries))


def _checked(rows: Iterable[exchange.ListRow], memberships: _Memberships, tells_opinions: bool) -> Iterator[PackedLine]:
    checks = lint.ListChecker()
    for row in rows:
        if not isinstance(row, tuple):
            yield row
            continue
        line, item = row
        if not identified(item):
            problem = "" if item.record and item.retracted else _("neither a digest nor a hash")
            yield line, tuple(list_entries.entry_of(item, memberships.of(item))), problem, ()
            continue
        checked = checks.check(line, item)
        item = checked.item
        entry = list_entries.entry_of(item, memberships.of(item), tells_opinions=tells_opinions)
        yield line, tuple(entry), checked.problem, checked.remarks
    yield from checks.whole()


def _batches(rows: Iterable[PackedLine]) -> Iterator[list[PackedLine]]:
    batch: list[PackedLine] = []
    hashes = 0
    last: str | None = None
    for row in rows:
        entry = list_entries.ListEntry._make(row[1]) if isinstance(row, tuple) else None
        record = entry.membership.record if entry is not None else None
        # The entries of one record stay together: the older version is withdrawn at the end of a batch.
        if (len(batch) >= BATCH or hashes >= BATCH_HASHES) and (record is None or record != last):
            yield batch
            batch, hashes = [], 0
        batch.append(row)
        last = record
        if entry is not None:
            hashes += sum(packed[3] for packed in entry.hashes)  # how many hashes each of them packs
    if batch:
        yield batch


class _Memberships:
    """How each entry is added. Most entries of a list say the same about that, so the last answer is kept."""

    def __init__(self, origin: ListOrigin, plan: ImportPlan, import_id: int, imported: str) -> None:
        self._origin, self._plan, self._import_id, self._imported = origin, plan, import_id, imported
        self._last_said: object = None
        self._last: Membership | None = None

    def of(self, item: ListItem) -> Membership:
        own = (item.collection, item.source, item.tlp, item.case, item.note, item.labels, item.allow, item.operator)
        more = (item.added, item.changed, item.retracted, item.retraction_reason, item.opinions, _carried(item))
        said = (*own, *more, item.author, item.record, item.expires)
        if self._last is None or said != self._last_said:
            self._last_said, self._last = said, self._new(item)
        return self._last

    def _new(self, item: ListItem) -> Membership:
        plan, origin = self._plan, self._origin
        own = next((each for each in item.opinions if each.source is None), None)
        retracted, reason = item.retracted, item.retraction_reason
        if own is not None and own.verdict == "false-positive" and retracted is None:
            retracted, reason = own.at or item.changed or item.added or now(), own.reason or own.verdict
        name = plan.collection or item.collection or self._unnamed(item)
        author = "" if item.author == origin.owner else item.author
        if origin.owner == voices.UNSIGNED:
            author = author or name
        return Membership(
            name,
            source=item.source,
            tlp=strictest(item.tlp, plan.tlp, origin.tlp) or plan.default_tlp or origin.form.default_tlp,
            case=item.case,
            note=item.note,
            labels=item.labels,
            allow=plan.allow or item.allow,
            added=item.added,
            retracted=retracted and retracted[:19] + "Z",
            retraction_reason=reason,
            changed=item.changed or self._dated(item),
            operator=item.operator,
            import_id=self._import_id,
            carried=_carried(item),
            owner=origin.owner,
            author=author,
            record=item.record,
            expires=item.expires,
            allow_here=plan.allow,
            also=self._also(item.author, name) if retracted else (),
        )

    def _unnamed(self, item: ListItem) -> str:
        """The name of the collection for an entry that names none: its author's. The signer of a list is the author of all
        its entries."""
        signer = self._origin.teller if self._origin.signer is not None else None
        return signer or self._origin.form.speaker or item.source or "imported"

    def _dated(self, item: ListItem) -> str | None:
        """A date for an entry that has a record and no date: else nobody could tell which version is newer."""
        if item.record is None or item.added or item.retracted:
            return None
        return self._origin.head.created or self._imported

    def _also(self, author: str, name: str) -> tuple[tuple[str, str], ...]:
        """The voices that a withdrawal reaches besides its own: what the same reference set said unsigned, and what nobody
        in particular said."""
        found = []
        if self._origin.signer is not None and self._origin.head.origin is not None:
            found.append((voices.of_origin(self._origin.head.origin), author))
        if self._origin.owner != voices.UNSIGNED:
            found.append((voices.UNSIGNED, author or name))
        return tuple(found)


def _carried(item: ListItem) -> str:
    """What identifies a file in this entry: names of digests and algorithms, separated by commas."""
    digests = {"md5": item.md5, "sha1": item.sha1, "sha256": item.sha256}
    return ",".join([*filter(digests.get, digests), *sorted({each.algorithm for each in item.hashes})])

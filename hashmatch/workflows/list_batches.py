"""A hash list read, looked at and packed as the database will keep it, without the database: so that another process can
do it while what came before is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from hashmatch import exchange
from hashmatch.clock import now
from hashmatch.exchange import entry_checks as lint
from hashmatch.exchange.fields import identified
from hashmatch.records import BadLine, LineRemark, ListItem, strictest
from hashmatch.store import list_entries
from hashmatch.store.membership import Membership
from hashmatch.workflows.list_origin import ImportPlan, ListOrigin

#: Items a transaction: a second writer waits for about a second. And hashes: films have thousands each.
BATCH, BATCH_HASHES = 20_000, 200_000

#: A line that was read and looked at: its number; what the database is to keep of it, as a plain tuple for the way from
#: process to process; whether it names nothing but its case; why it cannot be used, or ""; and what is to be said of it.
_Checked = tuple[int, tuple[Any, ...], bool, str, tuple[str, ...]]
PackedLine = _Checked | BadLine | LineRemark


def packed_batches(
    rows: Iterable[exchange.ListRow], origin: ListOrigin, plan: ImportPlan, import_id: int
) -> Iterator[list[PackedLine]]:
    """The lines of a list in batches of one transaction each. origin, plan, import_id: what becomes of its entries."""
    return _batches(_checked(rows, _Memberships(origin, plan, import_id)))


def _checked(rows: Iterable[exchange.ListRow], memberships: _Memberships) -> Iterator[PackedLine]:
    checks = lint.ListChecker()
    for row in rows:
        if not isinstance(row, tuple):
            yield row
            continue
        line, item = row
        if not identified(item):
            yield line, tuple(list_entries.entry_of(item, memberships.of(item))), True, "", ()
            continue
        checked = checks.check(line, item)
        entry = list_entries.entry_of(checked.item, memberships.of(checked.item))
        yield line, tuple(entry), False, checked.problem, checked.remarks
    yield from checks.whole()


def _batches(rows: Iterable[PackedLine]) -> Iterator[list[PackedLine]]:
    batch: list[PackedLine] = []
    hashes = 0
    for row in rows:
        batch.append(row)
        if isinstance(row, tuple):
            for packed in list_entries.ListEntry._make(row[1]).hashes:
                hashes += packed[3]  # their number
        if len(batch) >= BATCH or hashes >= BATCH_HASHES:
            yield batch
            batch, hashes = [], 0
    if batch:
        yield batch


class _Memberships:
    """As what a list's entries are added: mostly as the one before, since most of a list say the same of that."""

    def __init__(self, origin: ListOrigin, plan: ImportPlan, import_id: int) -> None:
        self._origin, self._plan, self._import_id = origin, plan, import_id
        self._last_said: object = None
        self._last: Membership | None = None

    def of(self, item: ListItem) -> Membership:
        own = (item.collection, item.source, item.tlp, item.case, item.note, item.labels, item.allow, item.operator)
        said = (*own, item.added, item.changed, item.retracted, item.retraction_reason, item.opinions, _carried(item))
        if self._last is None or said != self._last_said:
            self._last_said, self._last = said, self._new(item)
        return self._last

    def _new(self, item: ListItem) -> Membership:
        plan = self._plan
        own = next((each for each in item.opinions if each.source is None), None)
        retracted, reason = item.retracted, item.retraction_reason
        if own is not None and own.verdict == "false-positive" and retracted is None:
            retracted, reason = own.at or item.changed or item.added or now(), own.reason or own.verdict
        return Membership(
            plan.collection or item.collection or self._unnamed(item),
            source=item.source,
            tlp=strictest(item.tlp, plan.tlp, self._origin.tlp),
            case=item.case,
            note=item.note,
            labels=item.labels,
            allow=plan.allow or item.allow,
            added=item.added,
            retracted=retracted and retracted[:19] + "Z",
            retraction_reason=reason,
            changed=item.changed,
            operator=item.operator,
            import_id=self._import_id,
            carried=_carried(item),
            named=plan.collection is not None,
        )

    def _unnamed(self, item: ListItem) -> str:
        """The collection of an entry that names none: one for each who speaks, since the newest word of a collection counts
        and takes back what older ones said, which no partner may do to another. Who signs a list speaks in all of it."""
        signer = self._origin.teller if self._origin.signer is not None else None
        return signer or self._origin.form.speaker or item.source or "imported"


def _carried(item: ListItem) -> str:
    """What an entry has to know a file by: names of digests and algorithms, with commas."""
    digests = {"md5": item.md5, "sha1": item.sha1, "sha256": item.sha256}
    return ",".join([*filter(digests.get, digests), *sorted({each.algorithm for each in item.hashes})])

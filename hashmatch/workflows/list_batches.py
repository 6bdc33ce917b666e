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
from hashmatch.records import BadLine, LineRemark, ListItem, strictest
from hashmatch.store import list_entries
from hashmatch.store.membership import Membership
from hashmatch.workflows.list_origin import ImportPlan, ListOrigin

#: Items per transaction, so that a second writer waits for about a second; and hashes, because films have thousands each.
BATCH, BATCH_HASHES = 20_000, 200_000

#: A line that was read and checked: its number; what the database will keep, as a plain tuple that can be sent to another
#: process; whether it names only its case; why it cannot be used, or ""; and remarks about it.
_Checked = tuple[int, tuple[Any, ...], bool, str, tuple[str, ...]]
PackedLine = _Checked | BadLine | LineRemark


def packed_batches(
    rows: Iterable[exchange.ListRow], origin: ListOrigin, plan: ImportPlan, import_id: int
) -> Iterator[list[PackedLine]]:
    """The lines of a list, in batches of one transaction each. origin, plan, import_id: decide how entries are added."""
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
                hashes += packed[3]  # how many hashes it packs
        if len(batch) >= BATCH or hashes >= BATCH_HASHES:
            yield batch
            batch, hashes = [], 0
    if batch:
        yield batch


class _Memberships:
    """How each entry is added. Most entries of a list say the same about that, so the last answer is kept."""

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
        """The collection for an entry that names none: one per author. In a collection the newest word counts and takes back
        older ones, and no partner may do that to another. The signer of a list is the author of all its entries."""
        signer = self._origin.teller if self._origin.signer is not None else None
        return signer or self._origin.form.speaker or item.source or "imported"


def _carried(item: ListItem) -> str:
    """What identifies a file in this entry: names of digests and algorithms, separated by commas."""
    digests = {"md5": item.md5, "sha1": item.sha1, "sha256": item.sha256}
    return ",".join([*filter(digests.get, digests), *sorted({each.algorithm for each in item.hashes})])

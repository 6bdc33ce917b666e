"""How a list's entries become memberships: whose word each is, in which collection, and with which mark."""

from __future__ import annotations

from hashmatch.clock import now
from hashmatch.records import ListItem, strictest
from hashmatch.store import voices
from hashmatch.store.membership import Membership
from hashmatch.workflows.list_lines import SaidOf
from hashmatch.workflows.list_origin import ImportPlan, ListOrigin


class Memberships:
    """The memberships of one list. Most entries say the same as the one before, so the last answer is kept.

    imported: when the list was first imported.
    """

    def __init__(self, origin: ListOrigin, plan: ImportPlan, import_id: int, imported: str) -> None:
        self._origin, self._plan, self._import_id, self._imported = origin, plan, import_id, imported
        self._last: tuple[SaidOf, Membership] | None = None

    def of(self, said: SaidOf) -> Membership:
        """How to add an entry of which the list says this."""
        if self._last is None or self._last[0] is not said:
            self._last = said, self._new(said.item, said.carried)
        return self._last[1]

    def _new(self, item: ListItem, carried: str) -> Membership:
        plan, origin = self._plan, self._origin
        own = next((each for each in item.opinions if each.source is None), None)
        retracted, reason = item.retracted, item.retraction_reason
        if own is not None and own.verdict == "false-positive" and retracted is None:
            retracted, reason = own.at or item.changed or item.added or now(), own.reason or own.verdict
        name = plan.collection or item.collection or self._unnamed(item)
        author = "" if item.author == origin.owner else item.author
        if origin.owner == voices.UNSIGNED:
            author = author or name
        # Nobody's word may be ours to say; into that of others we put nothing.
        allow_here = plan.allow and origin.owner == voices.UNSIGNED
        return Membership(
            name,
            source=item.source,
            tlp=strictest(item.tlp, plan.tlp, origin.tlp) or plan.default_tlp or origin.form.default_tlp,
            case=item.case,
            note=item.note,
            labels=item.labels,
            allow=item.allow or allow_here,
            added=item.added,
            retracted=retracted and retracted[:19] + "Z",
            retraction_reason=reason,
            changed=item.changed or self._dated(item),
            operator=item.operator,
            import_id=self._import_id,
            carried=carried,
            owner=origin.owner,
            author=author,
            record=item.record,
            expires=item.expires,
            allow_here=allow_here,
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

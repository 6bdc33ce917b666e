"""The reference set to a hash list: what `hashmatch export` does."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypeVar

from hashmatch import exchange, hashers
from hashmatch.clock import now
from hashmatch.errors import CommandError
from hashmatch.exchange.fields import LIST_VERSION
from hashmatch.exchange.losses import Losses
from hashmatch.i18n import _
from hashmatch.records import TLP_ORDER, UNNAMED, ListHead, ListItem, Opinion, Tlp, strictest
from hashmatch.store import Store, given, hash_rows, list_issues, lookup, review_decisions, voices, word_facts
from hashmatch.store.audit import Actor, record
from hashmatch.store.given import GivenEntry, GivenList
from hashmatch.store.lookup import Reference, ReferenceSource
from hashmatch.store.verify import one_state
from hashmatch.store.voices import Voice
from hashmatch.views import ViewKind, ViewName

if TYPE_CHECKING:
    from hashmatch.signing.minisign import SecretKey


@dataclass(frozen=True, slots=True)
class ExportSelection:
    """What to export.

    since: only what was added, changed or retracted from this moment on (UTC, ISO 8601), or since the list with this number.
    unmarked: also what has no TLP mark. include: see exchange.EXTRAS.
    """

    collections: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    since: str | int | None = None
    max_tlp: Tlp = "green"
    include: frozenset[str] = frozenset()
    unmarked: bool = False

    def as_json(self) -> dict[str, object]:
        """Everything but `since`."""
        return {
            "max_tlp": self.max_tlp,
            "collections": sorted(self.collections),
            "labels": sorted(self.labels),
            "include": sorted(self.include),
            "unmarked": self.unmarked,
        }


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


class ExportEntries:
    """The entries that a selection lets out, one by one, and a count of what the sharing rules keep back. See docs/lists.md.

    above, unmarked: references that stay here, since they are marked stricter than `max_tlp`, or not at all.
    taken: entries that the list gave before and withdraws now. strictest: the strictest mark that went out.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        selection: ExportSelection,
        after: int | None,
        form: exchange.Format | None = None,
        before: GivenList | None = None,
    ) -> None:
        """after: only references with a higher revision. form: of the list; None: for a bank. before: what the list gave
        until now."""
        self.above = self.unmarked = self.taken = 0
        self.strictest: Tlp | None = None
        self._connection, self._selection, self._after, self._before = connection, selection, after, before
        self._one_each = form is None or not form.carries_retraction
        self._says_views = form is not None and "view" in form.carries
        self._says_expiry = form is not None and "expires" in form.carries
        self._we = review_decisions.rules(connection).source
        self._passed: list[tuple[int, int, GivenEntry]] = []
        for name in selection.collections:
            lookup.collection_numbers(connection, name)

    def items(self) -> Iterator[ListItem]:
        for _reference_id, item in self.with_ids():
            yield item

    def with_ids(self) -> Iterator[tuple[int, ListItem]]:
        """Each entry with the id of its reference."""
        before = self._before
        given_after = ("", 0) if before is None or before.since is None else (before.name, before.since)
        for reference in lookup.references(self._connection, changed_after=self._after, given_after=given_after):
            for source, item in self._entries(reference):
                self.strictest = strictest(self.strictest, item.tlp)
                if self._before is not None:
                    given = GivenEntry(item.tlp, item.changed or "", item.retracted is not None)
                    self._passed.append((reference.id, source.collection_id, given))
                yield reference.id, item

    def remember(self) -> None:
        """Note what went out, for the next number of the list, within a transaction."""
        if self._before is not None:
            self._before.note(self._passed)

    def _outgoing(self, reference: Reference) -> list[ReferenceSource]:
        """The sources whose word on a reference goes out; none if the reference stays here."""
        wanted = set(self._selection.collections)
        sources = [source for source in reference.sources if not wanted or source.collection in wanted]
        if not sources or not set(self._selection.labels) <= set(reference.labels):
            return []
        mark = reference.tlp
        if mark is None and not self._selection.unmarked:
            self.unmarked += 1
            return []
        if mark is not None and TLP_ORDER.index(mark) > TLP_ORDER.index(self._selection.max_tlp):
            self.above += 1
            return []
        # What the author told us itself counts, else the newest of what others pass on for it.
        best: dict[tuple[str, str], ReferenceSource] = {}
        for source in sources:
            if _word(source) not in best or _rank(source) > _rank(best[_word(source)]):
                best[_word(source)] = source
        return list(best.values())

    def _given(self, reference: Reference) -> dict[tuple[str, str], tuple[ReferenceSource, GivenEntry]]:
        """What the list gave of a reference last, by word: it may have had the word from another source then."""
        rows = {} if self._before is None else self._before.of(reference.id)
        found: dict[tuple[str, str], tuple[ReferenceSource, GivenEntry]] = {}
        for source in reference.sources:
            told = rows.get(source.collection_id)
            last = found.get(_word(source))
            if told and (last is None or (told.changed, told.withdrawn) > (last[1].changed, last[1].withdrawn)):
                found[_word(source)] = source, told
        return found

    def _entries(self, reference: Reference) -> Iterator[tuple[ReferenceSource, ListItem]]:
        sources = self._outgoing(reference)
        before = self._given(reference)
        if self._one_each:
            # A bare list of hashes names each reference once, with a source that stands by it if there is one.
            sources = sorted(sources, key=lambda source: (not source.live, not source.is_ours))[:1]
        facts = _Facts(self._connection, reference, self._selection, says_views=self._says_views)
        newest = given.newest(self._connection, reference.id)
        for source in sources:
            told = before[_word(source)][1] if _word(source) in before else None
            moment = given.dated(_changed(source), told, withdrawn=source.retracted is not None)
            same = [newest.get(each.collection_id, "") for each in reference.sources if _word(each) == _word(source)]
            changed = max(moment, *same)
            item = self._item(reference, source, facts, changed)
            if item.retracted is None and not source.live and not self._says_expiry:
                item = replace(item, retracted=source.expires)
            if self._one_each and item.retracted is not None and any(not each.withdrawn for _, each in before.values()):
                self.taken += 1
                # A format that cannot say that something is withdrawn may be able to say that it is disputed.
                item = replace(item, opinions=(*item.opinions, Opinion("disputed", self._we, changed)))
            yield source, item
        if self._one_each and sources:
            return
        there = {_word(source) for source in sources}
        for word, (source, told) in before.items():
            if word not in there and not (self._one_each and told.withdrawn):
                self.taken += 1
                yield source, self._withdrawal(reference, source, facts, told)

    def _item(self, reference: Reference, source: ReferenceSource, facts: _Facts, changed: str) -> ListItem:
        labels = reference.labels if self._one_each else tuple(sorted({*reference.given, *source.labels}))
        return replace(
            facts.of(None if self._one_each else source),
            labels=labels,
            allow=reference.allow if self._one_each else source.allow,
            author=_author(source),
            collection=source.collection,
            source=source.source,
            # The strictest mark of all its sources: one source's mark must not open what another keeps closed.
            tlp=reference.tlp,
            added=source.added,
            changed=changed,
            retracted=source.retracted,
            retraction_reason=source.retraction_reason,
            expires=source.expires,
            opinions=tuple(_told_by(source, opinion) for opinion in self._opinions(reference)),
            case=source.case,
            operator=source.operator,
            note=source.note,
        )

    def _withdrawal(self, reference: Reference, source: ReferenceSource, facts: _Facts, told: GivenEntry) -> ListItem:
        """Withdraws what the list gave and would not give today: it says no more than that."""
        changed = given.dated(None, told, withdrawn=True)
        ours = Opinion("disputed", self._we, changed)
        return replace(
            facts.of(None if self._one_each else source),
            author=_author(source),
            collection=source.collection,
            tlp=told.tlp,
            changed=changed,
            retracted=changed[:19] + "Z",
            retraction_reason=_NO_LONGER_SHARED,
            opinions=(ours,) if self._one_each else (),
            paths=(),
        )

    def _opinions(self, reference: Reference) -> tuple[Opinion, ...]:
        """Opinions as they go out: if people here took back an entry of somebody else's list, we dispute it. What others say
        in the name of somebody who speaks here is left out."""
        here = {source.owner for source in reference.sources if not source.author}
        told = [each for each in reference.opinions if each.author == each.owner or each.author not in here]
        dispute = reference.our_dispute(self._we)
        if dispute is None:
            return tuple(told)
        return (*(each for each in told if each.author or each.source != self._we), dispute)


#: Reasons travel with lists: they are data, and the same in every language.
_NO_LONGER_SHARED = "no longer shared"


_Fact = TypeVar("_Fact", str, int, float)


class _Facts:
    """What identifies a reference and how it is described, as far as each word on it says."""

    def __init__(
        self, connection: sqlite3.Connection, reference: Reference, selection: ExportSelection, *, says_views: bool
    ) -> None:
        self._reference = reference
        self._stated = word_facts.stated(connection, reference.id)
        self._hashes = tuple(
            each
            for each in hash_rows.hashes(connection, reference.id)
            if not _shows_picture(each.algorithm) or each.algorithm in selection.include
        )
        if not says_views:  # what cannot be told to be a part would pass for the whole
            self._hashes = tuple(each for each in self._hashes if ViewName.parse(each.view).kind is not ViewKind.PART)
        self._paths: tuple[bytes, ...] = ()
        if "paths" in selection.include:
            self._paths = tuple(lookup.locations(connection, reference.id))

    def of(self, source: ReferenceSource | None) -> ListItem:
        """Digests, hashes and measures as one source says them; None: as all live ones do together."""
        reference = self._reference
        sources = [source] if source is not None else [each for each in reference.sources if each.live]
        whole = not sources or any(each.carried is None or each.is_ours for each in sources)
        carried = frozenset().union(*(each.carried or () for each in sources))
        stated = [found for each in sources if (found := self._stated.get(each.collection_id))]

        def fact(name: str, own: _Fact | None) -> _Fact | None:
            """What the sources state, else what the reference has itself."""
            return next((value for each in stated if (value := getattr(each, name)) is not None), own)

        def digest(name: str) -> str | None:
            return fact(name, getattr(reference, name) if whole or name in carried else None)

        return ListItem(
            kind=reference.kind,
            md5=digest("md5"),
            sha1=digest("sha1"),
            sha256=digest("sha256"),
            size=fact("size", reference.size),
            duration=fact("duration", reference.duration),
            width=fact("width", reference.width),
            height=fact("height", reference.height),
            hashes=tuple(each for each in self._hashes if whole or each.algorithm in carried),
            paths=self._paths,
        )


def _shows_picture(algorithm: str) -> bool:
    hasher = hashers.find(algorithm)
    return hasher is not None and hasher.shows_picture


def _author(source: ReferenceSource) -> str:
    return Voice(source.owner, source.author).passed_on_as


def _word(source: ReferenceSource) -> tuple[str, str]:
    """Which word goes out: under which author and collection."""
    return _author(source), source.collection


def _rank(source: ReferenceSource) -> tuple[bool, str]:
    is_direct = source.owner == voices.UNSIGNED or not source.author
    return is_direct, source.changed or ""


def _changed(source: ReferenceSource) -> str:
    """When a word on a reference last changed, by our clock."""
    return (source.changed if source.is_ours else source.heard) or ""


def _told_by(source: ReferenceSource, opinion: Opinion) -> Opinion:
    own = opinion.source == source.collection and opinion.author == _author(source) and opinion.owner == source.owner
    return replace(opinion, source=None, author="") if own else opinion


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
                list_issues.publish(connection, head.name, head.sequence, newest, selection.as_json())
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
    connection: sqlite3.Connection, selection: ExportSelection, name: str | None, expires: str | None
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

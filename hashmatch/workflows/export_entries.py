"""Which entries a list or a bank has: what a selection lets out, and what was given before and is withdrawn."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

from hashmatch import exchange, hashers
from hashmatch.exchange.losses import carried
from hashmatch.records import TLP_ORDER, ListItem, Opinion, Tlp, strictest
from hashmatch.store import given, hash_rows, lookup, review_decisions, voices, word_facts
from hashmatch.store.given import GivenBefore, GivenEntry, GivenList, GivenName
from hashmatch.store.lookup import Reference, ReferenceSource
from hashmatch.store.voices import Voice
from hashmatch.views import ViewKind, ViewName


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


class ExportEntries:
    """The entries that a selection lets out, one by one, and a count of what the sharing rules keep back. See docs/lists.md.

    above, unmarked: references that stay here, or of which some words do: marked stricter than `max_tlp`, or not at all.
    taken: entries that the list gave before and withdraws now; if its format cannot say so, references.
    strictest: the strictest mark that went out.
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
        self._connection, self._selection, self._after = connection, selection, after
        self._form, self._list = form, before
        self._is_bare = form is None or not form.carries_retraction
        self._says_expiry = form is not None and "expires" in form.carries
        self._we = review_decisions.rules(connection).source
        self._passed: list[tuple[int, GivenEntry]] = []
        for name in selection.collections:
            lookup.collection_numbers(connection, name)

    def items(self) -> Iterator[ListItem]:
        for _reference_id, item in self.with_ids():
            yield item

    def with_ids(self) -> Iterator[tuple[int, ListItem]]:
        """Each entry with the id of its reference."""
        given_after = ("", 0) if self._list is None or self._list.since is None else (self._list.name, self._list.since)
        for reference in lookup.references(self._connection, changed_after=self._after, given_after=given_after):
            sources = self._outgoing(reference)
            before = given.before(self._connection, reference.id, None if self._list is None else self._list.name)
            facts = _Facts(self._connection, reference, self._selection, self._form)
            entries = self._bare if self._is_bare else self._each_word
            for item in entries(reference, sources, before, facts):
                self.strictest = strictest(self.strictest, item.tlp)
                yield reference.id, item

    def remember(self) -> None:
        """Note what went out, for the next number of the list, within a transaction."""
        if self._list is not None:
            self._list.note(self._passed)

    def _outgoing(self, reference: Reference) -> list[ReferenceSource]:
        """The sources whose word on a reference goes out; none if the reference stays here."""
        wanted = set(self._selection.collections)
        sources = [source for source in reference.sources if not wanted or source.collection in wanted]
        if not sources or not set(self._selection.labels) <= set(reference.labels):
            return []
        mark = reference.tlp
        if mark is not None and TLP_ORDER.index(mark) > TLP_ORDER.index(self._selection.max_tlp):
            self.above += 1
            return []
        if not self._selection.unmarked:  # another's mark does not open what its own source left without one
            marked = [source for source in sources if source.tlp is not None]
            self.unmarked += len(marked) < len(sources)
            sources = marked
        # What the author told us itself counts, else the newest of what others pass on for it.
        best: dict[GivenName, ReferenceSource] = {}
        for source in sorted(sources, key=_rank):
            best[_name(source)] = source
        return list(best.values())

    def _each_word(
        self, reference: Reference, sources: list[ReferenceSource], before: GivenBefore, facts: _Facts
    ) -> Iterator[ListItem]:
        """An entry for each word, and one for each that was given and does not go out any more."""
        for source in sources:
            item = self._item(reference, source, before, facts.of([source]))
            labels = tuple(sorted({*reference.given, *source.labels}))
            item = replace(item, labels=labels, allow=source.allow)
            self._note(reference, source.collection_id, before, item)
            yield item
        there = {_name(source) for source in sources}
        for name, told in before.here.items():
            if name not in there:
                self.taken += 1
                item = self._withdrawal(told, facts)
                self._note(reference, told.collection_id, before, item)
                yield item

    def _bare(
        self, reference: Reference, sources: list[ReferenceSource], before: GivenBefore, facts: _Facts
    ) -> Iterator[ListItem]:
        """One entry for a reference, with a source that stands by it if there is one.

        A format that cannot say that something is withdrawn may be able to say that we dispute it. What it cannot say, a
        later number of the list in another format will.
        """
        stale = [told for told in before.here.values() if not told.withdrawn]
        if not sources:
            self.taken += bool(stale)
            for told in stale:
                item = self._withdrawal(told, facts)
                yield replace(item, opinions=(Opinion("disputed", self._we, item.changed),))
            return
        source = min(sources, key=lambda source: (not source.live, not source.is_ours))
        item = self._item(reference, source, before, facts.of([each for each in sources if each.live] or sources))
        labels = {*reference.given, *(label for each in sources for label in each.labels)}
        item = replace(item, labels=tuple(sorted(labels)), allow=reference.allow)
        if item.retracted is None and not source.live and not self._says_expiry:
            item = replace(item, retracted=source.expires)
        if item.retracted is None:
            self._note(reference, source.collection_id, before, item)
        elif stale:
            self.taken += 1
            item = replace(item, opinions=(*item.opinions, Opinion("disputed", self._we, item.changed)))
        yield item

    def _item(self, reference: Reference, source: ReferenceSource, before: GivenBefore, facts: ListItem) -> ListItem:
        return replace(
            facts,
            author=_name(source)[0],
            collection=source.collection,
            source=source.source,
            # The strictest mark of all its sources: one source's mark must not open what another keeps closed.
            tlp=reference.tlp,
            added=source.added,
            changed=before.dated(_name(source), _changed(source), withdrawn=source.retracted is not None),
            retracted=source.retracted,
            retraction_reason=source.retraction_reason,
            expires=source.expires,
            opinions=tuple(_told_by(source, opinion) for opinion in self._opinions(reference)),
            case=source.case,
            operator=source.operator,
            note=source.note,
        )

    def _withdrawal(self, told: GivenEntry, facts: _Facts) -> ListItem:
        """Withdraws what the list gave and would not give today: it says no more than that."""
        author, collection = told.name
        changed = given.withdrawn_at(told)
        return replace(
            facts.given(told),
            author=author,
            collection=collection,
            tlp=told.tlp,
            changed=changed,
            retracted=changed[:19] + "Z",
            retraction_reason=_NO_LONGER_SHARED,
            size=None,
            duration=None,
            width=None,
            height=None,
            paths=(),
        )

    def _note(self, reference: Reference, collection_id: int, before: GivenBefore, item: ListItem) -> None:
        """Remember that the list gives an entry, if its format has anything of it."""
        if self._list is None or self._form is None or not (has := carried(self._form, item)):
            return
        name = item.author, item.collection or ""
        told = before.here.get(name)
        whole = given.both(",".join(has), told.carried) if told else ",".join(has)
        entry = GivenEntry(collection_id, name, item.tlp, item.changed or "", item.retracted is not None, whole)
        self._passed.append((reference.id, entry))

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
        self,
        connection: sqlite3.Connection,
        reference: Reference,
        selection: ExportSelection,
        form: exchange.Format | None,
    ) -> None:
        self._reference = reference
        self._stated = word_facts.stated(connection, reference.id)
        self._hashes = tuple(
            each
            for each in hash_rows.hashes(connection, reference.id)
            if not _shows_picture(each.algorithm) or each.algorithm in selection.include
        )
        if form is None or "view" not in form.carries:  # what cannot be told to be a part would pass for the whole
            self._hashes = tuple(each for each in self._hashes if ViewName.parse(each.view).kind is not ViewKind.PART)
        self._paths: tuple[bytes, ...] = ()
        if "paths" in selection.include:
            self._paths = tuple(lookup.locations(connection, reference.id))

    def of(self, sources: list[ReferenceSource]) -> ListItem:
        """Digests, hashes and measures as some sources say them together; all there is, if there are none."""
        whole = not sources or any(each.carried is None or each.is_ours for each in sources)
        names = None if whole else frozenset().union(*(each.carried or () for each in sources))
        return self._named(names, sources)

    def given(self, told: GivenEntry) -> ListItem:
        """What a list gave before, and no more than that."""
        sources = self._reference.sources
        source = next((each for each in sources if each.collection_id == told.collection_id), None)
        if source is None:  # its key was handed over: the word is in the new one's collection
            source = next((each for each in sources if each.collection == told.name[1] and not each.is_ours), None)
        if told.carried is None:
            return self.of([] if source is None else [source])
        return self._named(frozenset(told.carried.split(",")), [] if source is None else [source])

    def _named(self, names: frozenset[str] | None, sources: list[ReferenceSource]) -> ListItem:
        """The digests and hashes of these names (None: all), and measures, as some sources say them."""
        reference = self._reference
        stated = [found for each in sources if (found := self._stated.get(each.collection_id))]

        def fact(name: str, own: _Fact | None) -> _Fact | None:
            """What the sources state, else what the reference has itself."""
            return next((value for each in stated if (value := getattr(each, name)) is not None), own)

        def digest(name: str) -> str | None:
            return fact(name, getattr(reference, name)) if names is None or name in names else None

        return ListItem(
            kind=reference.kind,
            md5=digest("md5"),
            sha1=digest("sha1"),
            sha256=digest("sha256"),
            size=fact("size", reference.size),
            duration=fact("duration", reference.duration),
            width=fact("width", reference.width),
            height=fact("height", reference.height),
            hashes=tuple(each for each in self._hashes if names is None or each.algorithm in names),
            paths=self._paths,
        )


def _shows_picture(algorithm: str) -> bool:
    hasher = hashers.find(algorithm)
    return hasher is not None and hasher.shows_picture


def _name(source: ReferenceSource) -> GivenName:
    """Under which author and collection a word goes out."""
    return Voice(source.owner, source.author).passed_on_as, source.collection


def _rank(source: ReferenceSource) -> tuple[bool, str]:
    is_direct = source.owner == voices.UNSIGNED or not source.author
    return is_direct, source.changed or ""


def _changed(source: ReferenceSource) -> str:
    """When a word on a reference last changed, by our clock."""
    return (source.changed if source.is_ours else source.heard) or ""


def _told_by(source: ReferenceSource, opinion: Opinion) -> Opinion:
    own = (opinion.source, opinion.author, opinion.owner) == (source.collection, _name(source)[0], source.owner)
    return replace(opinion, source=None, author="") if own else opinion

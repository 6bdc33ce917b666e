"""The reference set to lists and back: nothing lost, nothing let out that must not be, nothing revived."""

from __future__ import annotations

import hashlib
import io
import itertools
import json
import os
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import hashmatch
from hashmatch import exchange
from hashmatch.errors import CommandError
from hashmatch.fingerprints.settings import ReferenceHashing
from hashmatch.hashers.local_features import LocalFeatures
from hashmatch.isolation import Isolation
from hashmatch.matching.results import MatchedReference, Result
from hashmatch.media.files import walk
from hashmatch.messages import Message
from hashmatch.records import TLP_ORDER, BadLine, Failure, Hash, ListItem, Tlp
from hashmatch.store import Store, audit, curate, hash_rows, lookup, open_store
from hashmatch.store.membership import Membership, ensure_collection
from hashmatch.workflows.export_entries import ExportSelection
from hashmatch.workflows.export_list import ExportReport, export
from hashmatch.workflows.import_list import ImportReport, import_list
from hashmatch.workflows.list_origin import ImportPlan
from tests.support.drawn_pictures import picture
from tests.support.indexed_files import fixture_set, index_paths, scan_found
from tests.support.made_references import (
    ME,
    actions,
    add,
    add_entry,
    content,
    digests_of,
    flip,
    measured,
    pdq,
    pdq_bits,
)
from tests.support.repository import FIXTURES

pytestmark = pytest.mark.slow

OWN = ("jsonl", "csv")
UPLOADS = FIXTURES / "uploads"
PLAIN = ("pdq", "md5sum", "sha256sum")


@pytest.fixture
def store(new_store: Callable[[], Store]) -> Store:
    return new_store()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Sets the audit trail's clock to the beginning of a year."""

    def set_to(year: int) -> None:
        seconds = datetime(year, 1, 1, tzinfo=UTC).timestamp()
        monkeypatch.setattr("hashmatch.clock.time.time", lambda: seconds)

    return set_to


@pytest.fixture
def list_path(tmp_path: Path) -> Path:
    return tmp_path / "the list"


def exported(store: Store, form: str = "jsonl", **selection: Any) -> tuple[bytes, ExportReport]:
    out = io.BytesIO()
    report = export(store, ME, out, form, ExportSelection(**{"max_tlp": "red", "unmarked": True} | selection))
    return out.getvalue(), report


def counts(report: ExportReport) -> tuple[int, ...]:
    """What went out and what was left out, in the order of the report."""
    return tuple(getattr(report, field.name) for field in fields(report) if field.type == "int")


def items_of(data: bytes, form: str = "jsonl") -> list[ListItem]:
    rows = list(exchange.get(form).read(io.BytesIO(data)))
    assert not any(isinstance(row, BadLine) for row in rows)
    return [row[1] for row in rows if isinstance(row, tuple)]


def items(store: Store, **selection: Any) -> list[ListItem]:
    return items_of(exported(store, **selection)[0])


def imported(store: Store, path: Path, data: bytes, **options: Any) -> tuple[ImportReport, list[BadLine]]:
    path.write_bytes(data)
    bad: list[BadLine] = []
    form = {"format_name": options.pop("format_name")} if "format_name" in options else {}
    told = options.pop("told", lambda line: bad.append(line) if isinstance(line, BadLine) else None)
    return import_list(store, ME, path, ImportPlan(**options), told=told, **form), bad


def verdicts(store: Store, *paths: Path) -> dict[str, Result]:
    """What scanning files and folders finds, by the names of the files."""
    results = scan_found(store, walk(map(os.fsencode, paths)), Isolation(2))
    return {os.path.basename(os.fsdecode(result.path)): result for result in results}


def comparable(result: Result) -> tuple[Any, ...]:
    """What must be the same in every set that has the same references, whatever their numbers and whoever says so. Details
    stay at home."""

    def anybodys(reference: MatchedReference) -> MatchedReference:
        sources = tuple(replace(source, owner="") for source in reference.sources)
        return replace(reference, id=0, sources=sources, pending=False)

    matches = {replace(match, reference=anybodys(match.reference), details=None) for match in result.matches}
    order = [(m.tier, m.distance) for m in result.matches]
    return result.status, result.tier, result.kind, result.partial, matches, order


def retract(store: Store, reference_id: int, collection: str | None = None) -> None:
    with store.transaction() as connection:
        curate.retract(connection, ME, reference_id, "a mistake", collection)


def features() -> LocalFeatures:
    return LocalFeatures(4, 3, bytes(range(64)), bytes(12))


class TestLocalFeatures:
    @pytest.mark.parametrize("form", [*OWN, *PLAIN])
    def test_are_in_no_list(self, new_store: Callable[[], Store], form: str) -> None:
        plain, rich = new_store(), new_store()
        add(plain, measured("a"))
        add(rich, measured("a", features=(features().to_bytes(),)))
        assert hash_rows.has_features(rich.connection)
        list_issues = [exported(each, form)[0] for each in (plain, rich)]
        assert b"orb" not in list_issues[1]
        assert len(list_issues[0]) == len(list_issues[1]) > 0

    def test_what_a_list_calls_by_their_name_is_none(
        self, new_store: Callable[[], Store], tmp_path: Path, list_path: Path
    ) -> None:
        own = new_store()
        hashes = pdq("a"), Hash("orb", bytes(16)), Hash("orb", bytes(16), view="trim1")
        add_entry(own, ListItem("image", sha256="ab" * 32, hashes=hashes))
        data, _report = exported(own)
        copy = new_store()
        _report, bad = imported(copy, list_path, data)
        assert bad == [] and not hash_rows.has_features(copy.connection)
        assert hash_rows.features(copy.connection, 1) is None
        path = FIXTURES / "archive" / "towns" / "market.jpg"
        index_paths(copy, path, settings=ReferenceHashing(features=True))
        (result,) = scan_found(
            copy, walk([os.fsencode(FIXTURES / "uploads" / "grey.jpg")]), Isolation(1), profile="thorough"
        )
        assert result.status == "clean"


class TestRoundTrip:
    @pytest.mark.slow
    @pytest.mark.parametrize("form", OWN)
    def test_of_the_fixtures_gives_the_same_verdicts(
        self, new_store: Callable[[], Store], tmp_path: Path, list_path: Path, form: str
    ) -> None:
        with open_store(fixture_set(tmp_path), write=True) as original:
            bridge = next(r for r in lookup.references(original.connection) if "bridge" in str(_paths(original, r.id)))
            clip = next(r for r in lookup.references(original.connection) if "journey" in str(_paths(original, r.id)))
            retract(original, clip.id)
            add(
                original, measured("by phash", (Hash("phash", bytes(8), version=1),)), labels=("=x", "y|z"), tlp="green"
            )
            add(original, measured("failed", (), error=Failure("corrupt", Message.literal("broken"))), collection="two")
            data, report = exported(original, form, include=frozenset({"blocks"}))
            assert counts(report) == (29, 28, 0, 0, 0, 0, 0, 0, 0, 0)
            expected = verdicts(original, UPLOADS)
            whole = hash_rows.hashes(original.connection, bridge.id)
            archive = {bridge.sha256: tuple(each for each in whole if each.algorithm != "details")}
        statuses = [result.status for result in expected.values()]
        assert {status: statuses.count(status) for status in set(statuses)} == {
            "match": 13,
            "allowed": 2,
            "clean": 8,
            "failed": 2,
            "skipped": 1,
        }
        copy = new_store()
        report, bad = imported(copy, list_path, data)
        assert bad == []
        assert (report.format, report.added, report.tombstone, report.pending, report.items) == (form, 28, 1, 2, 29)
        got = verdicts(copy, UPLOADS)
        for name, result in expected.items():
            assert comparable(got[name]) == comparable(result), name
        assert got["clip.webm"].status == "clean"
        for reference in lookup.references(copy.connection):
            if reference.sha256 in archive:
                assert hash_rows.hashes(copy.connection, reference.id) == archive[reference.sha256]
        assert list(audit.check(copy)) == []

    @pytest.mark.parametrize("form", OWN)
    def test_loses_nothing(self, new_store: Callable[[], Store], list_path: Path, form: str) -> None:
        original = new_store()
        with original.transaction() as connection:
            for name in ("one", "zwei"):
                ensure_collection(connection, ME, Membership(name))
        facts: dict[str, Any] = {"case": "C-1", "note": "=note", "operator": "me", "source": "s"}
        film = measured("film", tuple(pdq(n, 50 + n, n / 4) for n in range(9)), "video", duration=2.25, size=77)
        add(original, film, labels=("b", "a|\\"), tlp="red", **facts)
        add(original, measured("picture", (pdq(1, None), Hash("dhash", bytes(8), version=1))), tlp="clear")
        add(original, "picture", collection="zwei", source="another")
        add_entry(original, ListItem("image", md5="a" * 32), added="2001-01-01T00:00:00Z")
        add_entry(original, ListItem(sha1="1" * 40, hashes=(Hash("new", bytes(16), 3, view="top"),)), allow=True)
        add(original, "gone")
        retract(original, 5)
        copy = new_store()
        _report, bad = imported(copy, list_path, exported(original, form, include=frozenset(exchange.EXTRAS))[0])
        assert bad == []
        for one, other in itertools.zip_longest(
            lookup.references(original.connection), lookup.references(copy.connection)
        ):
            kept = (
                "sha256",
                "sha1",
                "md5",
                "kind",
                "size",
                "duration",
                "width",
                "height",
                "allow",
                "labels",
                "live",
                "opinions",
                "tlp",
            )
            for name in kept:
                assert getattr(one, name) == getattr(other, name), name
            # Whose word it is has changed, and who gave a label; each mark is the strictest of its reference's; and what is
            # passed on counts from when it came here.
            other_here = {
                "owner": "",
                "author": "",
                "collection_id": 0,
                "heard": None,
                "carried": None,
                "changed": None,
            }
            ours, theirs = (
                [replace(s, labels=(), tlp=None, **other_here) for s in each.sources] for each in (one, other)
            )
            assert ours == theirs
            for told, heard in zip(one.sources, other.sources, strict=True):
                assert heard.changed == (told.changed if told.is_ours else told.heard)
            assert hash_rows.hashes(original.connection, one.id) == hash_rows.hashes(copy.connection, other.id)

    @pytest.mark.parametrize("form", OWN)
    def test_to_the_same_set_adds_nothing(self, store: Store, list_path: Path, form: str) -> None:
        add(store, measured("film", tuple(pdq(n, time=n / 7) for n in range(9)), "video"), labels=("x",))
        add(store, "a", allow=True)
        add(store, "a", collection="two")
        add_entry(store, ListItem("image", hashes=(pdq("b", None),)))
        add(store, "gone")
        retract(store, 4)
        before = content(store, "audit", "import", "provenance", "returned", "voice")
        report, bad = imported(store, list_path, exported(store, form)[0])
        assert (bad, report.added, report.joined, report.ours) == ([], 0, 0, 5)
        assert content(store, "audit", "import", "provenance", "returned", "voice") == before

    @pytest.mark.parametrize("form", OWN)
    def test_times_of_any_precision_are_known_again(self, store: Store, list_path: Path, form: str) -> None:
        # An entry without digests is known by its hashes, and their times.
        film = ListItem("video", hashes=tuple(pdq(n, time=n / 7) for n in range(9)), collection="one")
        out = io.BytesIO()
        exchange.get(form).write([film], out)
        assert imported(store, list_path, out.getvalue())[0].added == 1
        assert imported(store, list_path, out.getvalue())[0].known == 1
        report = imported(store, list_path, exported(store, form)[0])[0]
        assert (report.ours, report.joined) == (1, 0)
        assert lookup.counts(store.connection)["references"] == 1


def _paths(store: Store, reference_id: int) -> list[str]:
    return list(map(os.fsdecode, lookup.locations(store.connection, reference_id)))


class TestTlp:
    @pytest.fixture
    def marked(self, store: Store) -> Store:
        """One reference of each mark, and one without, each in a collection of its own."""
        for mark in (None, *TLP_ORDER):
            add(store, f"a {mark}", collection=f"unruled {mark}")
        for number, mark in enumerate((None, *TLP_ORDER), 1):
            store.connection.execute("UPDATE membership SET tlp = ? WHERE reference_id = ?", (mark, number))
        return store

    @pytest.mark.parametrize("form", [*OWN, *PLAIN])
    @pytest.mark.parametrize("most", TLP_ORDER)
    def test_nothing_above_the_mark_goes_out(self, marked: Store, form: str, most: Tlp) -> None:
        data, report = exported(marked, form, max_tlp=most)
        allowed = TLP_ORDER.index(most) + 1
        assert (report.written, report.unmarked) == (1 + allowed, 1)
        assert (report.left_out_tlp, report.left_out) == (5 - allowed, 5 - allowed)
        for number, mark in enumerate((None, *TLP_ORDER)):
            digests = digests_of(f"a {mark}".encode())
            told = {"pdq": pdq(f"a {mark}").hex, "md5sum": digests.md5}.get(form, digests.sha256)
            assert (told.encode() in data) == (number <= allowed)

    def test_the_default_is_green(self, marked: Store) -> None:
        out = io.BytesIO()
        report = export(marked, ME, out, "jsonl", ExportSelection())
        assert {item.tlp for item in items_of(out.getvalue())} == {"clear", "green"}
        assert (report.left_out_tlp, report.left_out_unmarked, report.left_out) == (3, 1, 4)

    def test_the_collections_rule_counts_where_it_is_stricter(self, store: Store) -> None:
        add(store, "a", tlp="clear")
        with store.transaction() as connection:
            curate.set_collection(connection, ME, "one", tlp="amber")
        assert exported(store, max_tlp="green")[1].left_out_tlp == 1
        (item,) = items(store, max_tlp="amber")
        assert item.tlp == "amber"

    def test_the_collections_rule_does_not_weaken(self, store: Store) -> None:
        add(store, "first", tlp="clear")
        add(store, "a", tlp="red")
        assert exported(store, max_tlp="green")[1].left_out_tlp == 1
        assert [item.tlp for item in items(store, max_tlp="red")] == ["clear", "red"]

    def test_of_several_sources_the_strictest_counts_also_when_it_is_not_asked_for(self, store: Store) -> None:
        add(store, "a", collection="open", tlp="clear")
        add(store, "a", collection="closed", tlp="red")
        for selection in ({}, {"collections": ("open",)}):
            data, report = exported(store, max_tlp="amber", **selection)
            assert (report.written, report.left_out_tlp) == (0, 1)
            assert digests_of(b"a").sha256.encode() not in data

    def test_unmarked_ones_are_counted_only_if_they_went_out(self, store: Store) -> None:
        add(store, "a")
        add(store, "gone")
        add(store, "news", allow=True)
        retract(store, 2)
        report = exported(store, "pdq", max_tlp="green")[1]
        assert (report.written, report.left_out_retracted, report.left_out_allow) == (1, 1, 1)
        assert report.unmarked == 1
        assert exported(store, "jsonl", max_tlp="green")[1].unmarked == 3


class TestSelection:
    @pytest.fixture
    def mixed(self, store: Store) -> Store:
        add(store, "a", labels=("x", "y"))
        add(store, "b", labels=("x",), collection="two")
        add(store, "b", collection="three")
        add(store, "c", collection="two")
        return store

    def test_collections(self, mixed: Store) -> None:
        def got(*names: str) -> list[tuple[str | None, str | None]]:
            return [(item.collection, item.sha256 and item.sha256[:4]) for item in items(mixed, collections=names)]

        a, b, c = (digests_of(name).sha256[:4] for name in (b"a", b"b", b"c"))
        assert set(got()) == {("one", a), ("two", b), ("three", b), ("two", c)}
        assert got("one") == [("one", a)]
        assert got("two") == [("two", b), ("two", c)]
        assert set(got("three", "one")) == {("one", a), ("three", b)}
        with pytest.raises(CommandError, match="no collection 'four'"):
            got("one", "four")

    def test_labels(self, mixed: Store) -> None:
        def got(*labels: str) -> set[str | None]:
            return {item.md5 for item in items(mixed, labels=labels)}

        a, b = (digests_of(name).md5 for name in (b"a", b"b"))
        assert got("x") == {a, b}
        assert got("y", "x") == {a}
        assert got("z") == set()

    def test_since(self, store: Store, clock: Callable[[int], None], list_path: Path) -> None:
        """By when it came here, and not by the date that another's list has."""
        for year, name in enumerate(("old", "middle", "new"), 2001):
            clock(year)
            entry = {"md5": digests_of(name.encode()).md5, "added": "1999-01-01T00:00:00Z"}
            imported(store, list_path, json.dumps(entry).encode())
        assert len(items(store)) == 3
        assert len(items(store, since="2002-01-01T00:00:00Z")) == 2
        assert len(items(store, since="2002-01-01T00:00:01Z")) == 1
        retract(store, 1)
        assert [bool(item.retracted) for item in items(store, since="2002-01-01T00:00:01Z")] == [True, False]

    @pytest.mark.parametrize("form", OWN)
    def test_what_is_private_stays_unless_it_is_asked_for(self, store: Store, form: str) -> None:
        secrets = {"case": "CASE-77", "operator": "OPERATOR-77", "note": "NOTE-77"}
        add(store, "a", "PATH-77/secret.jpg", **secrets)
        data = exported(store, form)[0]
        assert b"-77" not in data
        for name in exchange.EXTRAS:
            data = exported(store, form, include=frozenset({name}))[0]
            assert [word in data for word in (b"PATH-77", b"CASE-77", b"OPERATOR-77", b"NOTE-77")] == [
                name == each for each in ("paths", "case", "operator", "note")
            ]
        (item,) = items_of(exported(store, form, include=frozenset(exchange.EXTRAS))[0], form)
        assert (item.paths, item.case, item.operator, item.note) == ((b"/PATH-77/secret.jpg",), *secrets.values())

    @pytest.mark.parametrize("form", ["md5sum", "sha256sum"])
    def test_names_in_digest_lists_too(self, store: Store, form: str) -> None:
        add(store, "a", "PATH-77/secret.jpg")
        assert b"PATH" not in exported(store, form)[0]
        assert b"/PATH-77/secret.jpg" in exported(store, form, include=frozenset({"paths"}))[0]

    def test_an_unknown_format(self, store: Store) -> None:
        with pytest.raises(CommandError, match="unknown list format"):
            exported(store, "xml")


class TestWhatPlainListsCannotSay:
    @pytest.fixture
    def mixed(self, store: Store) -> Store:
        """1 is known, 2 retracted, 3 on the allow list, 4 retracted by one of two, 5 has only a SHA-1, 6 only phash."""
        add(store, "known")
        add(store, "gone")
        add(store, "news", allow=True)
        add(store, "half")
        add(store, "half", collection="two")
        add_entry(store, ListItem(sha1="1" * 40))
        add_entry(store, ListItem(hashes=(Hash("phash", bytes(8)),)))
        retract(store, 2)
        retract(store, 4, "one")
        return store

    @pytest.mark.parametrize("form", PLAIN)
    def test_is_left_out_and_counted(self, mixed: Store, form: str) -> None:
        data, report = exported(mixed, form)
        field = {"pdq": lambda name: pdq(name).hex, "md5sum": lambda name: digests_of(name.encode()).md5}.get(
            form, lambda name: digests_of(name.encode()).sha256
        )
        assert [line.split()[0].decode() for line in data.splitlines()] == [field("known"), field("half")]
        assert counts(report) == (2, 2, 0, 1, 2, 1, 0, 0, 0, 0)
        assert report.left_out == 4

    @pytest.mark.parametrize("form", OWN)
    def test_our_own_say(self, mixed: Store, form: str) -> None:
        data, report = exported(mixed, form)
        assert (report.written, report.left_out) == (7, 0)
        got = items_of(data, form)
        assert [(bool(item.retracted), item.allow) for item in got] == [
            (False, False),
            (True, False),
            (False, True),
            (True, False),
            (False, False),
            (False, False),
            (False, False),
        ]
        assert got[1].retraction_reason == "a mistake"


class TestExport:
    def test_is_in_the_audit_trail(self, store: Store) -> None:
        add(store, "a", tlp="red")
        export(
            store,
            ME,
            io.BytesIO(),
            "csv",
            ExportSelection(max_tlp="clear", collections=("one",), include=frozenset({"case"})),
        )
        entry = list(audit.entries(store))[-1]
        assert (entry.action, entry.operator) == ("export", "tester")
        told = {"format": "csv", "written": 0, "left_out": 1, "max_tlp": "clear"}
        told |= {"collections": ["one"], "include": ["case"]}
        assert told.items() <= json.loads(entry.detail).items()

    def test_from_a_set_that_can_only_be_read(self, store: Store) -> None:
        add(store, "a")
        with open_store(store.path) as reader:
            assert exported(reader)[1].written == 1
        assert actions(store)[-1] == "add"

    @pytest.mark.parametrize("form", [*OWN, *PLAIN])
    def test_of_nothing_can_be_imported(self, store: Store, list_path: Path, form: str) -> None:
        data, report = exported(store, form)
        assert not any(counts(report))
        assert imported(store, list_path, data, format_name=form)[0].items == 0


BRIDGE = "f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22"


class TestImport:
    def test_a_digest_list_matches_bytes(self, store: Store, list_path: Path) -> None:
        known = (UPLOADS / "clean" / "aquarium.jpg").read_bytes()
        line = f"{digests_of(known).md5}  aquarium.jpg\n".encode()
        report, _bad = imported(store, list_path, line)
        assert (report.format, report.added) == ("md5sum", 1)
        found = {name: each for name, each in verdicts(store, UPLOADS / "clean").items() if each.matches}
        (result,) = found.values()
        assert (list(found), result.status, result.tier) == (["aquarium.jpg"], "match", "exact")
        assert result.matches[0].algorithm == "md5"

    def test_a_plain_pdq_list_matches_pictures(self, store: Store, list_path: Path) -> None:
        path = picture(list_path.with_name("a.jpg"), "a")
        bits = flip(hashmatch.hash_file(path).hashes[0].bits, 8).hex()
        report, _bad = imported(store, list_path, f"{bits}\n{bits.upper()},again\n".encode())
        assert (report.format, report.added, report.known) == ("pdq", 1, 1)
        (result,) = verdicts(store, path).values()
        assert [(m.tier, m.distance, m.algorithm, m.quality) for m in result.matches] == [("near", 8, "pdq", 100)]

    def test_goes_where_it_is_told_or_where_the_entry_says(self, store: Store, list_path: Path) -> None:
        lines = b'{"md5":"%s","collection":"theirs"}\n{"md5":"%s"}\n' % (b"a" * 32, b"1" * 32)
        imported(store, list_path, lines)
        names = [r.sources[0].collection for r in lookup.references(store.connection)]
        assert names == ["theirs", "imported"]
        report, _bad = imported(store, list_path, lines, collection="ours")
        assert (report.added, report.joined) == (0, 2)
        for reference in lookup.references(store.connection):
            assert "ours" in {source.collection for source in reference.sources}

    def test_the_stricter_mark_counts(self, store: Store, list_path: Path) -> None:
        lines = b'{"md5":"%s","tlp":"red"}\n{"md5":"%s","tlp":"clear"}\n{"md5":"%s"}\n' % (
            b"a" * 32,
            b"1" * 32,
            b"2" * 32,
        )
        imported(store, list_path, lines, collection="x", tlp="green")
        assert [r.tlp for r in lookup.references(store.connection)] == ["red", "green", "green"]

    def test_the_stricter_mark_counts_in_a_collection_without_a_rule(self, store: Store, list_path: Path) -> None:
        imported(store, list_path, b'{"md5":"%s"}\n' % (b"a" * 32), collection="x")
        imported(store, list_path, b'{"md5":"%s","tlp":"clear"}\n' % (b"a" * 32), collection="x", tlp="green")
        assert lookup.reference(store.connection, 1).tlp == "green"

    @pytest.mark.parametrize("order", list(itertools.permutations(["red", "clear", None])), ids=str)
    def test_marks_are_those_of_their_entries(
        self, store: Store, list_path: Path, order: tuple[str | None, ...]
    ) -> None:
        # And not that of whichever entry happened to come first.
        lines = [json.dumps({"md5": str(n) * 32, "tlp": mark, "collection": "x"}) for n, mark in enumerate(order, 1)]
        imported(store, list_path, "\n".join(lines).encode())
        assert [r.tlp for r in lookup.references(store.connection)] == list(order)

    def test_to_the_allow_list(self, store: Store, list_path: Path) -> None:
        path = picture(list_path.with_name("a.jpg"), "a")
        line = hashmatch.hash_file(path).hashes[0].hex.encode() + b"\n"
        report, _bad = imported(store, list_path, line, allow=True)
        assert report.allow == 1
        assert lookup.reference(store.connection, 1).allow
        again = imported(store, list_path, line, allow=True)[0]
        assert (again.known, again.allow, again.pending) == (1, 1, 0)
        assert verdicts(store, path)["a.jpg"].status == "allowed"

    @pytest.mark.parametrize("form", ["auto", "jsonl", "csv", "pdq", "md5sum", "sha256sum"])
    def test_again_is_known(self, store: Store, new_store: Callable[[], Store], list_path: Path, form: str) -> None:
        other = new_store()
        for name in ("a", "b", "c"):
            add(other, name)
        data, _report = exported(other, "jsonl" if form == "auto" else form)
        first, _bad = imported(store, list_path, data, format_name=form)
        assert (first.added, first.known) == (3, 0)
        before = content(store, "audit", "import")
        again, _bad = imported(store, list_path, data, format_name=form)
        assert (again.added, again.joined, again.known, again.refused) == (0, 0, 3, 0)
        assert content(store, "audit", "import") == before
        assert list(audit.check(store)) == []

    def test_bad_lines_are_told_and_the_others_taken(self, store: Store, list_path: Path) -> None:
        data = f"{BRIDGE}\nnonsense\n\n# comment\n{BRIDGE[:-1]}\n{pdq_bits(1).hex()},quality\n".encode()
        report, bad = imported(store, list_path, data, format_name="pdq")
        assert (report.added, report.refused, report.items) == (2, 2, 2)
        assert [line.line for line in bad] == [2, 5]
        assert all(line.message and "\n" not in line.message for line in bad)

    def test_strict_takes_all_or_nothing(self, store: Store, list_path: Path) -> None:
        before = content(store)
        bad: list[BadLine] = []
        list_path.write_bytes(f"{BRIDGE}\nnonsense\n".encode())
        with pytest.raises(CommandError, match="1 line cannot be used, and nothing was imported"):
            import_list(store, ME, list_path, ImportPlan("x", strict=True), format_name="pdq", told=bad.append)
        assert [line.line for line in bad] == [2]
        assert content(store) == before
        report, _bad = imported(store, list_path, f"{BRIDGE}\n".encode(), strict=True)
        assert report.added == 1

    @pytest.mark.parametrize(
        ("data", "message"),
        [
            (None, "No such file"),
            (b"what is this?\n", "cannot tell what list this is"),
            (b"", "cannot tell what list this is"),
            (b'{"format":"hashmatch-list","version":99}\n{"md5":"%s"}\n' % (b"a" * 32), "version 99"),
        ],
        ids=["missing", "unknown", "empty", "newer"],
    )
    def test_what_cannot_be_read_changes_nothing(
        self, store: Store, list_path: Path, data: bytes | None, message: str
    ) -> None:
        if data is not None:
            list_path.write_bytes(data)
        before = content(store)
        with pytest.raises(CommandError, match=message):
            import_list(store, ME, list_path, ImportPlan("x"))
        assert content(store) == before

    def test_a_folder_is_no_list(self, store: Store, tmp_path: Path) -> None:
        with pytest.raises(CommandError, match="directory"):
            import_list(store, ME, tmp_path)

    def test_is_in_the_audit_trail_as_a_whole_and_all_members_point_to_it(self, store: Store, list_path: Path) -> None:
        lines = b'{"md5":"%s","labels":["x"]}\n{"md5":"%s"}\nnonsense\n' % (b"a" * 32, b"1" * 32)
        imported(store, list_path, lines, collection="x", format_name="jsonl")
        assert "add" not in actions(store)
        details = [json.loads(entry.detail) for entry in audit.entries(store)]
        detail: dict[str, Any] = {}
        for each in details:
            detail |= each if each.get("import") == 1 else {}
        assert detail["list"] == list_path.name
        assert (detail["format"], detail["added"], detail["refused"], detail["import"]) == ("jsonl", 2, 1, 1)
        assert detail["sha256"] == hashlib.sha256(lines).hexdigest()
        rows = store.connection.execute("SELECT DISTINCT import_id FROM membership").fetchall()
        assert rows == [(1,)]
        assert store.connection.execute("SELECT name, items, refused FROM import").fetchall() == [
            (list_path.name, 2, 1)
        ]

    def test_an_interrupted_one_is_in_the_audit_trail_too(
        self, store: Store, list_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("hashmatch.workflows.list_lines.BATCH", 2)
        committed: list[tuple[int, list[str]]] = []

        def interrupt(line: BadLine) -> None:
            with open_store(store.path) as reader:  # sees what would be left after a kill
                details = [json.loads(entry.detail) for entry in audit.entries(reader)]
                list_issues = [detail["list"] for detail in details if "list" in detail]
                committed.append((lookup.counts(reader.connection)["references"], list_issues))
            raise KeyboardInterrupt

        list_path.write_bytes(b"".join(pdq_bits(n).hex().encode() + b"\n" for n in range(3)) + b"bad\n")
        with pytest.raises(KeyboardInterrupt):
            import_list(store, ME, list_path, format_name="pdq", told=interrupt)
        assert committed == [(2, [list_path.name])], "references were added, and the trail says from where"
        report, _bad = imported(store, list_path, list_path.read_bytes(), format_name="pdq")
        assert (report.known, report.added, report.refused) == (2, 1, 1)
        assert list(audit.check(store)) == []

    def test_a_list_larger_than_a_transaction(self, store: Store, list_path: Path) -> None:
        data = b"".join(b"%032x  name %d\n" % (number, number) for number in range(1, 2501))
        report, _bad = imported(store, list_path, data)
        assert (report.format, report.added) == ("md5sum", 2500)
        assert lookup.counts(store.connection)["references"] == 2500

    def test_a_full_disk(self, store: Store, list_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("hashmatch.workflows.list_lines.BATCH", 50)
        (pages,) = store.connection.execute("PRAGMA page_count").fetchone()
        store.connection.execute(f"PRAGMA max_page_count = {pages + 10}")
        data = b"".join(b"%032x\n" % number for number in range(1, 2501))
        with pytest.raises(CommandError, match="disk is full"):
            imported(store, list_path, data)
        store.connection.execute(f"PRAGMA max_page_count = {2**30}")
        kept = lookup.counts(store.connection)["references"]
        assert kept % 50 == 0 and 0 < kept < 2500
        report, _bad = imported(store, list_path, data)
        assert (report.known, report.added) == (kept, 2500 - kept)
        assert list(audit.check(store)) == []


class TestRetractionTravels:
    def line(self, name: str, collection: str = "theirs", **more: Any) -> bytes:
        digests = digests_of(name.encode())
        return json.dumps({"sha256": digests.sha256, "collection": collection, **more}).encode() + b"\n"

    def test_takes_back_what_the_collection_brought(self, store: Store, list_path: Path) -> None:
        imported(store, list_path, self.line("a"))
        assert lookup.reference(store.connection, 1).live
        gone = self.line("a", retracted="2026-01-01T00:00:00Z", retraction_reason="why")
        report, _bad = imported(store, list_path, gone)
        assert (report.retracted, report.added, report.known) == (1, 0, 0)
        reference = lookup.reference(store.connection, 1)
        assert not reference.live
        assert (reference.sources[0].retracted, reference.sources[0].retraction_reason) == (
            "2026-01-01T00:00:00Z",
            "why",
        )
        assert actions(store).count("retract") == 1

    def test_leaves_what_other_collections_say(self, store: Store, list_path: Path) -> None:
        add(store, "a", collection="ours")
        imported(store, list_path, self.line("a"))
        imported(store, list_path, self.line("a", retracted="2026-01-01T00:00:00Z"))
        state = {s.collection: bool(s.retracted) for s in lookup.reference(store.connection, 1).sources}
        assert state == {"ours": False, "theirs": True}

    def test_is_kept_as_a_tombstone_where_it_is_news(self, store: Store, list_path: Path) -> None:
        report, _bad = imported(store, list_path, self.line("a", retracted="2026-01-01T00:00:00Z"))
        assert (report.tombstone, report.retracted) == (1, 0)
        assert lookup.counts(store.connection)["retracted"] == 1
        (item,) = items(store)
        assert item.retracted == "2026-01-01T00:00:00Z"

    def test_a_live_entry_does_not_revive(self, store: Store, list_path: Path) -> None:
        add(store, "a", collection="theirs")
        retract(store, 1)
        for collection in ("theirs", "a third one"):
            report, _bad = imported(store, list_path, self.line("a", collection))
            assert (report.retracted, report.added, report.joined) == (1, 0, 0)
            assert not lookup.reference(store.connection, 1).live

    @pytest.mark.parametrize("plan", [{}, {"collection": "ours"}], ids=["as it says", "named"])
    def test_does_not_touch_what_was_indexed_here(self, store: Store, list_path: Path, plan: dict[str, str]) -> None:
        # Else a partner could withdraw our own references by calling a collection as we do.
        add(store, "a", collection="ours")
        gone = self.line("a", "ours", retracted="2026-01-01T00:00:00Z")
        report, bad = imported(store, list_path, gone, **plan)
        assert (report.disputed, report.retracted, bad) == (1, 0, [])
        reference = lookup.reference(store.connection, 1)
        assert reference.live
        assert [(each.owner, each.live) for each in reference.sources] == [("", True), ("unsigned", False)]

    def test_a_list_cannot_protect_what_is_known_otherwise_unless_it_is_told_to(
        self, store: Store, list_path: Path
    ) -> None:
        add(store, "a", collection="ours")
        allowing = self.line("a", allow=True)
        report, _bad = imported(store, list_path, allowing)
        assert (report.allow, report.joined) == (0, 1)
        assert not lookup.reference(store.connection, 1).allow
        report, _bad = imported(store, list_path, allowing, allow=True)
        assert report.allow == 1
        assert lookup.reference(store.connection, 1).allow

    def test_one_of_two_sources(self, store: Store, new_store: Callable[[], Store], list_path: Path) -> None:
        for name in ("a", "z"):  # the retracted one first by name, and last
            add(store, name, collection="m")
            add(store, name, collection=name)
            retract(store, 1 if name == "a" else 2, name)
        for form in OWN:
            copy = new_store()
            imported(copy, list_path, exported(store, form)[0])
            for reference in lookup.references(copy.connection):
                assert reference.live
                assert sorted(bool(source.retracted) for source in reference.sources) == [False, True]


class TestAMarkThatComesWithWords:
    """Whatever is said of a reference under a mark goes out with it, and no further than that."""

    @staticmethod
    def entry(**more: Any) -> str:
        record = {"sha256": "ab" * 32, "collection": "east", "tlp": "green", "changed": "2026-01-02T00:00:00Z", **more}
        return json.dumps(record) + "\n"

    @pytest.mark.parametrize(
        "says",
        [
            {"collection": "west", "retracted": "2026-02-01T00:00:00Z", "retraction_reason": "seen by our officer"},
            {"changed": "2026-01-01T00:00:00Z", "labels": ["secret"]},
            {"collection": "west", "opinions": [{"opinion": "confirmed", "reason": "secret"}]},
        ],
        ids=["disputes what is another's", "is older than the last", "is of what a person took back"],
    )
    def test_is_heeded(self, store: Store, tmp_path: Path, says: dict[str, Any]) -> None:
        first, second = tmp_path / "first.jsonl", tmp_path / "second.jsonl"
        first.write_text(self.entry())
        second.write_text(self.entry(tlp="amber", **says))
        import_list(store, ME, first)
        if "opinions" in says:
            retract(store, 1)
        import_list(store, ME, second)
        assert lookup.reference(store.connection, 1).tlp == "amber"
        out = io.BytesIO()
        assert export(store, ME, out, "jsonl", ExportSelection()).left_out_tlp == 1
        assert b"sha256" not in out.getvalue()

"""Lists between two who trust each other: what is signed, what has changed since, and who may take back what."""

from __future__ import annotations

import io
import json
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hashmatch import clock, exchange
from hashmatch.errors import CommandError
from hashmatch.records import BadLine, LineRemark, ListItem, Opinion
from hashmatch.signing import keys
from hashmatch.signing.minisign import SecretKey
from hashmatch.store import (
    Store,
    allow_list,
    audit,
    curate,
    hash_rows,
    lookup,
    open_store,
    opinions,
    review_decisions,
    verify,
    voices,
)
from hashmatch.workflows.export_entries import ExportSelection
from hashmatch.workflows.export_list import ExportReport, export, sign_list
from hashmatch.workflows.import_list import ImportReport, import_list
from hashmatch.workflows.list_origin import ImportPlan
from tests.support.made_references import ME, add, add_entry, content, digests_of, measured, pdq

pytestmark = pytest.mark.slow

RED = ExportSelection(max_tlp="red", unmarked=True)


@pytest.fixture(autouse=True)
def key_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HASHMATCH_KEYS", str(tmp_path / "keys"))
    return tmp_path / "keys"


def key(name: str) -> SecretKey:
    keys.make(keys.default_folder(), name, None, "2026-01-01T00:00:00Z")
    return keys.secret_key(keys.default_folder(), name, lambda: "")


def publish(
    store: Store, path: Path, since: int | None = None, signer: SecretKey | None = None, **more: Any
) -> ExportReport:
    """The next list named `east`, in a file."""
    with path.open("wb") as out:
        selection = replace(RED, since=since)
        report = export(store, ME, out, "jsonl", selection, "east", **more)
    if signer is not None:
        sign_list(store, ME, path, signer, report)
    return report


def take(store: Store, path: Path, **plan: Any) -> ImportReport:
    told: list[BadLine | LineRemark] = []
    report = import_list(store, ME, path, ImportPlan(**plan), told=told.append)
    assert not told
    return report


def state(store: Store) -> dict[str, Any]:
    """What matters of every reference, by its MD5, but for whose word it is."""
    return {
        str(reference.md5): (
            reference.live,
            reference.labels,
            tuple(replace(each, author="", owner="") for each in reference.opinions),
            # A reference that nobody stands by protects nothing and matches nothing; both are told with the next word.
            reference.live and reference.allow,
            reference.live and hash_rows.hashes(store.connection, reference.id),
        )
        for reference in lookup.references(store.connection)
    }


class Partner:
    """A source that changes its set, and publishes what has changed."""

    def __init__(self, store: Store, folder: Path) -> None:
        self.store, self.folder = store, folder
        self.lists: list[Path] = []

    def do(self, action: str, number: int) -> None:
        if action == "publish":
            path = self.folder / f"{len(self.lists) + 1}.jsonl"
            publish(self.store, path, since=len(self.lists) or None)
            self.lists.append(path)
            return
        add(self.store, f"file {number}", collection="east")
        found = lookup.find(self.store.connection, digests_of(f"file {number}".encode()).md5)
        with self.store.transaction() as connection:
            match action:
                case "retract":
                    curate.retract(connection, ME, found.id, "a mistake")
                case "restore":
                    curate.restore(connection, ME, found.id)
                case "label":
                    curate.set_labels(connection, ME, found.id, ["x"], [])
                case "unlabel":
                    curate.set_labels(connection, ME, found.id, [], ["x"])
                case "confirm" | "dispute":
                    said = Opinion(
                        "confirmed" if action == "confirm" else "disputed", "an analyst", clock.now_exactly()
                    )
                    opinions.give(connection, ME, found.id, said)
                case "allow" | "disallow":
                    curate.set_allow(connection, ME, found.id, action == "allow")
                case "rehash":
                    pass
        if action == "rehash":
            made = measured(f"file {number}", (pdq(f"{number} anew", version=2),), recipe=f"new {len(self.lists)}")
            add(self.store, made, f"file {number}", collection="east")


ACTIONS = (
    *("retract", "restore", "label", "unlabel", "confirm", "dispute", "allow", "disallow", "rehash"),
    *("publish", "publish"),
)


class TestIncrements:
    @pytest.mark.slow
    @settings(max_examples=12, deadline=None)
    @given(
        steps=st.lists(st.tuples(st.sampled_from(ACTIONS), st.integers(0, 2)), min_size=4, max_size=14),
        chance=st.randoms(use_true_random=False),
    )
    def test_in_any_order_and_twice_end_in_the_same_state(
        self,
        steps: Sequence[tuple[str, int]],
        chance: random.Random,
        tmp_path_factory: pytest.TempPathFactory,
    ) -> None:
        folder = tmp_path_factory.mktemp("lists")
        with (
            open_store(folder / "source.db", write=True) as source,
            open_store(folder / "reader.db", write=True) as reader,
        ):
            partner = Partner(source, folder)
            for action, number in [("label", 0), *steps, ("publish", 0)]:
                partner.do(action, number)
            order = partner.lists * 2
            chance.shuffle(order)
            for path in order:
                take(reader, path)
            assert state(reader) == state(source)
            assert list(verify.check(reader)) == []
            before = state(reader)
            publish(source, folder / "full.jsonl")
            report = take(reader, folder / "full.jsonl")
            assert (report.added, report.joined, report.restored) == (0, 0, 0)
            assert state(reader) == before

    def test_hold_only_what_has_changed(self, new_store: Callable[[], Store], tmp_path: Path) -> None:
        store, path = new_store(), tmp_path / "list.jsonl"
        for number in range(5):
            add(store, f"{number}", collection="east")
        assert (publish(store, path).written, publish(store, path, 1).written) == (5, 0)
        with store.transaction() as connection:
            curate.retract(connection, ME, 2, "a mistake")
            curate.set_labels(connection, ME, 3, ["x"], [])
        report = publish(store, path, 2)
        assert (report.head.sequence, report.head.since, report.written) == (3, 2, 2)
        assert publish(store, path, 1).written == 2
        assert publish(store, path, 4).written == 0
        assert publish(store, path).written == 5
        header = json.loads(path.read_text(encoding="utf-8").splitlines()[0])
        assert (header["list"], header["sequence"], "since" in header) == ("east", 6, False)

    def test_a_gap_is_told_and_can_be_filled(self, new_store: Callable[[], Store], tmp_path: Path) -> None:
        source, reader = new_store(), new_store()
        paths = [tmp_path / f"{number}.jsonl" for number in range(4)]
        for number, path in enumerate(paths):
            add(source, f"{number}", collection="east")
            publish(source, path, number or None)
        assert take(reader, paths[3]).missing == ((1, 3),)
        assert take(reader, paths[1]).missing == ((1, 1), (3, 3))
        assert take(reader, paths[0]).missing == ((3, 3),)
        assert take(reader, paths[2]).missing == ()
        assert state(reader) == state(source)

    def test_go_on_from_what_was_chosen_in_the_same_way(self, new_store: Callable[[], Store], tmp_path: Path) -> None:
        store = new_store()
        publish(store, tmp_path / "list")
        out = io.BytesIO()
        with pytest.raises(CommandError, match="made with other options"):
            export(store, ME, out, "jsonl", ExportSelection(since=1), "east")
        with pytest.raises(CommandError, match="has not gone out with number 7"):
            export(store, ME, out, "jsonl", replace(RED, since=7), "east")
        with pytest.raises(CommandError, match="goes on from a number, not from a date"):
            export(store, ME, out, "jsonl", replace(RED, since="2026-01-01T00:00:00Z"), "east")
        with pytest.raises(CommandError, match="--list"):
            export(store, ME, out, "jsonl", ExportSelection(since=1))
        assert out.getvalue() == b""

    def test_an_interrupted_import_counts_as_not_come(
        self, new_store: Callable[[], Store], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        source, reader = new_store(), new_store()
        for number in range(5):
            add(source, f"{number}", collection="east")
        publish(source, tmp_path / "1")
        add(source, "later", collection="east")
        publish(source, tmp_path / "2", 1)
        monkeypatch.setattr("hashmatch.workflows.list_lines.BATCH", 2)
        with monkeypatch.context() as patch:
            patch.setattr(
                "hashmatch.workflows.import_list.near_duplicates", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt)
            )
            with pytest.raises(KeyboardInterrupt):
                take(reader, tmp_path / "1")
        assert take(reader, tmp_path / "2").missing == ((1, 1),)
        assert take(reader, tmp_path / "1").missing == ()
        assert reader.connection.execute("SELECT count(*) FROM import").fetchone() == (2,)


class TestTheAllowList:
    """What a source says of it travels, but for what a person decided here, and for what others know as well."""

    @pytest.fixture
    def source(self, new_store: Callable[[], Store]) -> Store:
        """It has one reference, which it knows as propaganda."""
        store = new_store()
        add(store, "a", collection="east")
        return store

    @pytest.fixture
    def send(self, source: Store, tmp_path: Path) -> Callable[..., ImportReport]:
        """What the source says now of its reference, to a reader."""

        def say_and_send(reader: Store, says: bool, **plan: Any) -> ImportReport:
            self.put(source, says)
            path = tmp_path / f"{len(list(tmp_path.glob('* list')))} list"
            publish(source, path)
            return take(reader, path, **plan)

        return say_and_send

    def put(self, store: Store, allow: bool) -> None:
        with store.transaction() as connection:
            curate.set_allow(connection, ME, 1, allow)

    def is_allowed(self, store: Store) -> bool:
        assert list(verify.check(store)) == [] and list(audit.check(store)) == []
        return lookup.reference(store.connection, 1).allow

    @pytest.mark.parametrize("allow", [True, False])
    def test_follows_its_source(
        self, new_store: Callable[[], Store], send: Callable[..., ImportReport], tmp_path: Path, allow: bool
    ) -> None:
        reader, third = new_store(), new_store()
        send(reader, not allow)
        publish(reader, tmp_path / "1")
        take(third, tmp_path / "1")
        report = send(reader, allow)
        assert (report.joined, report.known, report.allow, report.pending) == (1, 0, 0, int(allow))
        assert self.is_allowed(reader) == allow
        assert [each.reference for each in allow_list.pending(reader.connection)] == [1] * allow
        assert publish(reader, tmp_path / "2", 1).written == 1, "and goes on to others"
        take(third, tmp_path / "2")
        assert self.is_allowed(third) == allow
        assert take(third, tmp_path / "1").known == 1
        assert self.is_allowed(third) == allow, "older words change nothing"
        assert take(third, tmp_path / "2").known == 1

    @pytest.mark.parametrize("allow", [True, False])
    def test_is_not_changed_by_a_list_where_a_person_decided(
        self, new_store: Callable[[], Store], send: Callable[..., ImportReport], allow: bool
    ) -> None:
        reader, undecided = new_store(), new_store()
        for store in (reader, undecided):
            send(store, allow)
        self.put(reader, not allow)
        self.put(reader, allow)
        report = send(reader, not allow)
        assert (report.joined, report.allow, report.pending) == (1, 0, 0)
        assert self.is_allowed(reader) == allow
        send(undecided, not allow)
        assert self.is_allowed(undecided) != allow
        assert [entry.action for entry in audit.entries(reader)].count("allow") == 1, "the person's"

    def test_keeps_what_a_person_indexed_for_it(
        self, new_store: Callable[[], Store], send: Callable[..., ImportReport]
    ) -> None:
        for says in (True, False):
            reader = new_store()
            send(reader, True)
            add(reader, "a", collection="ours", allow=says)
            send(reader, False)
            assert self.is_allowed(reader) == says

    def test_takes_on_nothing_that_others_know(
        self, new_store: Callable[[], Store], send: Callable[..., ImportReport]
    ) -> None:
        reader = new_store()
        send(reader, False)
        add(reader, "a", collection="ours")
        for again in (0, 1):
            report = send(reader, True)
            assert (report.joined, report.known, report.allow, report.pending) == (1 - again, again, 0, 1)
            assert not self.is_allowed(reader)
            assert [each.against for each in allow_list.pending(reader.connection)] == [True]
        assert send(reader, True, allow=True).allow == 1
        assert self.is_allowed(reader)
        assert send(reader, True).pending == 0

    def test_keeps_nothing_that_another_list_knows_too(
        self, new_store: Callable[[], Store], send: Callable[..., ImportReport], tmp_path: Path
    ) -> None:
        reader = new_store()
        send(reader, True)
        other = tmp_path / "other"
        other.write_text(json.dumps({"sha256": digests_of(b"a").sha256, "collection": "west"}) + "\n")
        assert take(reader, other).joined == 1
        assert not self.is_allowed(reader)
        assert send(reader, True).pending == 1
        assert not self.is_allowed(reader)
        self.put(reader, True)
        assert send(reader, True).pending == 0
        assert self.is_allowed(reader), "a person has decided"

    def test_an_outdated_word_is_not_told_as_kept_off(
        self, new_store: Callable[[], Store], send: Callable[..., ImportReport], tmp_path: Path
    ) -> None:
        reader = new_store()
        send(reader, True)
        send(reader, False)
        first = min(tmp_path.glob("* list"))
        report = take(reader, first)
        assert (report.known, report.allow, report.pending) == (1, 0, 0)
        assert not self.is_allowed(reader)

    def test_goes_with_a_retraction(
        self, new_store: Callable[[], Store], send: Callable[..., ImportReport], source: Store, tmp_path: Path
    ) -> None:
        """What another stands by is not protected any more by one who took all of it back."""
        reader = new_store()
        send(reader, True)
        add(reader, "a", collection="ours")
        with source.transaction() as connection:
            curate.retract(connection, ME, 1, "a mistake")
        assert send(reader, False).disputed == 1
        assert not self.is_allowed(reader)
        assert lookup.reference(reader.connection, 1).live

    def test_goes_off_where_a_person_took_the_entry_back(
        self, new_store: Callable[[], Store], send: Callable[..., ImportReport]
    ) -> None:
        reader = new_store()
        send(reader, True)
        add(reader, "a", collection="ours")
        with reader.transaction() as connection:
            curate.retract(connection, ME, 1, "not ours to know", "east")
        assert send(reader, False).retracted == 1
        assert not self.is_allowed(reader)
        assert send(reader, True).retracted == 1
        assert not self.is_allowed(reader)


class TestSigned:
    def test_a_list_goes_round_and_says_who_made_it(self, new_store: Callable[[], Store], tmp_path: Path) -> None:
        source, reader, signer = new_store(), new_store(), key("unit")
        add(source, "a", collection="east", tlp="amber")
        path = tmp_path / "list.jsonl"
        publish(source, path, signer=signer)
        report = take(reader, path)
        assert (report.added, report.signer, report.head.name, report.head.sequence) == (1, "unit", "east", 1)
        (origin,) = lookup.provenance(reader.connection, 1)
        assert (origin.signer, origin.list, origin.sequence) == (signer.public.text, "east", 1)
        assert origin.carried == "md5,sha1,sha256,pdq"

    def test_every_list_that_had_it_is_told_once(self, new_store: Callable[[], Store], tmp_path: Path) -> None:
        reader = new_store()
        found = digests_of(b"a")
        for number in range(4):
            path = tmp_path / f"{number}.csv"
            item = ListItem(
                "image", found.md5, found.sha1, found.sha256, collection=f"c{number % 2}", labels=(str(number),)
            )
            with path.open("wb") as out:
                exchange.get("csv").write([replace(item, hashes=(pdq("a"),)) if number == 3 else item], out)
            take(reader, path)
        told = lookup.provenance(reader.connection, 1)
        assert [(each.name, each.collection) for each in told] == [
            (f"{number}.csv", f"c{number % 2}") for number in range(4)
        ]
        assert [each.carried for each in told] == ["md5,sha1,sha256"] * 3 + ["md5,sha1,sha256,pdq"]
        # Of those that made it a member of a collection, the membership tells, until a later list has more.
        assert reader.connection.execute("SELECT count(*) FROM provenance").fetchone() == (3,)
        assert list(verify.check(reader)) == []

    def test_any_format_is_signed_beside_its_file(self, new_store: Callable[[], Store], tmp_path: Path) -> None:
        source, reader, signer = new_store(), new_store(), key("unit")
        add(source, "a", collection="east")
        path = tmp_path / "list.txt"
        with path.open("wb") as out:
            report = export(source, ME, out, "md5sum", RED, "digests")
        sign_list(source, ME, path, signer, report)
        assert (take(reader, path).head.name, take(reader, path).known) == ("digests", 1)

    def test_what_speaks_against_it_is_said_and_can_be_accepted(
        self, new_store: Callable[[], Store], tmp_path: Path
    ) -> None:
        source, reader, signer = new_store(), new_store(), key("unit")
        key("another")
        paths = [tmp_path / f"{number}.jsonl" for number in range(4)]
        for path in paths[:2]:
            add(source, path.name, collection="east")
            publish(source, path, signer=signer)
        add(source, "more", collection="east")
        publish(source, paths[2], signer=signer, expires="2026-01-01T00:00:00Z")
        publish(source, paths[3])

        def refused(path: Path, reason: str, **plan: Any) -> None:
            with pytest.raises(CommandError, match=reason):
                take(reader, path, **plan)

        refused(paths[3], "is not signed.*--accept unsigned", verify_key="unit")
        refused(paths[0], "is signed with the key .*, not with another", verify_key="another")
        refused(paths[2], "expired on 2026-01-01T00:00:00Z.*--accept expired")
        assert lookup.size(reader.connection) == 0
        assert take(reader, paths[1], verify_key="unit").added == 2
        refused(paths[0], "number 1, but number 2 has already been imported.*--accept older")
        assert take(reader, paths[0], accept=frozenset({"older"})).known == 1
        assert take(reader, paths[1]).known == 2, "the same again is fine"
        assert take(reader, paths[2], accept=frozenset({"expired"})).added == 1
        assert take(reader, paths[3], verify_key="unit", accept=frozenset({"unsigned"}), collection="x").joined == 3
        paths[1].write_bytes(paths[1].read_bytes() + b"\n")
        refused(paths[1], "altered or replaced")

    def test_by_an_unknown_key(self, new_store: Callable[[], Store], tmp_path: Path, key_folder: Path) -> None:
        source, reader, signer = new_store(), new_store(), key("unit")
        add(source, "a", collection="east")
        publish(source, tmp_path / "list.jsonl", signer=signer)
        keys.remove(key_folder, "unit", with_secret=True)
        with pytest.raises(CommandError, match="which is not known; add a key with `hashmatch keys add`"):
            take(reader, tmp_path / "list.jsonl")
        report = take(reader, tmp_path / "list.jsonl", accept=frozenset({"unsigned"}))
        assert (report.added, report.signer) == (1, None)
        report = take(reader, tmp_path / "list.jsonl", verify_key=signer.public.text)
        assert (report.joined, report.signer) == (1, signer.public.text)
        assert len(lookup.reference(reader.connection, 1).sources) == 2, "who signs is another than who does not"

    def test_signing_is_in_the_audit_trail(self, new_store: Callable[[], Store], tmp_path: Path) -> None:
        source, signer = new_store(), key("unit")
        publish(source, tmp_path / "list.jsonl", signer=signer)
        entry = list(audit.entries(source))[-1]
        detail = json.loads(entry.detail)
        assert (entry.action, detail["list"], detail["key"]) == ("sign", "east", signer.public.text)


class TestWhoMayTakeBackWhat:
    """A retraction by the source that gave it removes it; by another, it disputes it."""

    def entry(self, collection: str | None = None, **more: Any) -> dict[str, Any]:
        record = {"md5": digests_of(b"a").md5, "collection": collection, **more}
        return {name: value for name, value in record.items() if value is not None}

    def listed(self, path: Path, *entries: dict[str, Any], signer: SecretKey | None = None, sequence: int = 1) -> Path:
        from hashmatch.signing.signed_lists import sign_file
        from hashmatch.signing.statement import SignedStatement

        path.write_text("".join(json.dumps(entry) + "\n" for entry in entries), encoding="utf-8")
        if signer is not None:
            created = "2026-11-26T00:00:00Z"
            sign_file(path, signer, SignedStatement("list", 2, sequence, None, created, None, len(entries), None))
        return path

    def test_of_another_collection(self, new_store: Callable[[], Store], tmp_path: Path) -> None:
        store = new_store()
        take(store, self.listed(tmp_path / "1", self.entry("east")))
        gone = self.listed(tmp_path / "2", self.entry("west", retracted="2026-11-26T00:00:00Z"))
        assert take(store, gone).disputed == 1
        reference = lookup.reference(store.connection, 1)
        assert reference.live
        assert {s.collection: s.opinion for s in reference.sources} == {"east": "malicious", "west": "disputed"}
        take(store, self.listed(tmp_path / "3", self.entry("east", retracted="2026-11-26T00:00:00Z")))
        reference = lookup.reference(store.connection, 1)
        assert not reference.live
        assert {s.opinion for s in reference.sources} == {"retracted"}

    def test_of_a_signer_s_collection(self, new_store: Callable[[], Store], tmp_path: Path) -> None:
        store, east, west = new_store(), key("east"), key("west")
        take(store, self.listed(tmp_path / "1", self.entry("east"), signer=east))
        gone = self.entry("east", retracted="2026-11-26T00:00:00Z", retraction_reason="ours now")
        assert take(store, self.listed(tmp_path / "2", gone)).disputed == 1
        assert take(store, self.listed(tmp_path / "3", gone, signer=west)).disputed == 1
        reference = lookup.reference(store.connection, 1)
        assert reference.live and not reference.opinions
        assert {(s.collection, s.owner): s.opinion for s in reference.sources} == {
            ("east", east.public.text): "malicious",
            ("east", west.public.text): "disputed",
            ("east", "unsigned"): "disputed",
        }
        assert take(store, self.listed(tmp_path / "4", gone, signer=east, sequence=2)).retracted == 1
        assert not lookup.reference(store.connection, 1).live
        assert list(verify.check(store)) == []

    def test_a_signer_s_collection_takes_nothing_of_others(
        self, new_store: Callable[[], Store], tmp_path: Path
    ) -> None:
        """Whoever calls a collection as another does has one of this name, too."""
        store, east, west = new_store(), key("east"), key("west")
        take(store, self.listed(tmp_path / "1", self.entry("east"), signer=east))
        other = {"md5": digests_of(b"b").md5, "collection": "east"}
        assert take(store, self.listed(tmp_path / "2", other)).added == 1
        assert take(store, self.listed(tmp_path / "3", other, signer=west)).joined == 1
        told = curate.collections(store.connection)
        assert [(each.name, each.owner, each.references) for each in told] == [
            ("east", east.public.text, 1),
            ("east", "unsigned", 1),
            ("east", west.public.text, 1),
        ]
        assert list(verify.check(store)) == []

    def test_false_positive_by_its_own_source_names_nothing(
        self, new_store: Callable[[], Store], tmp_path: Path
    ) -> None:
        store = new_store()
        said = {"opinions": [{"opinion": "false-positive", "reason": "a news report"}]}
        assert take(store, self.listed(tmp_path / "1", self.entry("east", **said))).tombstone == 1
        assert not lookup.reference(store.connection, 1).live
        take(store, self.listed(tmp_path / "2", self.entry("west")))
        reference = lookup.reference(store.connection, 1)
        assert reference.live, "another stands by it"
        assert {s.collection: s.opinion for s in reference.sources} == {"east": "false-positive", "west": "malicious"}

    def test_opinions_stand_side_by_side(self, new_store: Callable[[], Store], tmp_path: Path) -> None:
        store = new_store()
        for number, (source, opinion) in enumerate([("east", "confirmed"), ("west", "disputed"), ("east", "disputed")]):
            said = {"opinion": opinion, "source": source, "at": f"2026-11-2{number}T00:00:00Z"}
            take(store, self.listed(tmp_path / f"{number}", self.entry("north", opinions=[said])))
        take(store, tmp_path / "0")  # an older word, once more
        reference = lookup.reference(store.connection, 1)
        assert [(said.source, said.verdict) for said in reference.opinions] == [
            ("east", "disputed"),
            ("west", "disputed"),
        ]

    @pytest.mark.parametrize("in_order", [True, False])
    def test_in_the_name_of_another_nobody_withdraws(
        self, new_store: Callable[[], Store], tmp_path: Path, in_order: bool
    ) -> None:
        store, third, east, south = new_store(), new_store(), key("east"), key("south")
        in_its_name = {"author": east.public.text, "changed": "2026-11-27T00:00:00Z"}
        said = {"opinion": "false-positive", "at": "2026-11-27T00:00:00Z"}
        lists = [
            self.listed(tmp_path / "1", self.entry("east", changed="2026-11-26T00:00:00Z"), signer=east),
            self.listed(
                tmp_path / "2", self.entry("south", opinions=[{**said, "source": "east", **in_its_name}]), signer=south
            ),
            self.listed(tmp_path / "3", self.entry("east", opinions=[said], **in_its_name), signer=south, sequence=2),
        ]
        for path in lists if in_order else reversed(lists):
            take(store, path, accept=frozenset({"older"}))
        reference = lookup.reference(store.connection, 1)
        own = next(each for each in reference.sources if each.owner == east.public.text)
        assert (reference.live, own.live, own.opinion) == (True, True, "malicious")
        assert {(each.verdict, each.author, each.owner) for each in reference.opinions} == {
            ("false-positive", east.public.text, south.public.text)
        }
        with (tmp_path / "ours").open("wb") as out:
            export(store, ME, out, "jsonl", RED)
        take(third, tmp_path / "ours")
        reference = lookup.reference(third.connection, 1)
        assert {(each.author, each.collection): each.live for each in reference.sources} == {
            (east.public.text, "east"): True,
            (south.public.text, "south"): True,
        }
        assert reference.opinions == ()

    def test_what_a_person_took_back_here_no_list_revives(self, new_store: Callable[[], Store], tmp_path: Path) -> None:
        store = new_store()
        take(store, self.listed(tmp_path / "1", self.entry("east", changed="2026-11-20T00:00:00Z")))
        with store.transaction() as connection:
            curate.retract(connection, ME, 1, "no")
        for number, collection in enumerate(("east", "west"), 2):
            newer = self.entry(collection, changed=clock.now_exactly())
            assert take(store, self.listed(tmp_path / str(number), newer)).retracted == 1
        assert not lookup.reference(store.connection, 1).live
        with store.transaction() as connection:
            curate.restore(connection, ME, 1)
        assert lookup.reference(store.connection, 1).live

    @pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2), (0, 2, 1), (2, 0, 1), (1, 2, 0)])
    def test_the_newest_word_of_a_source_counts(
        self, new_store: Callable[[], Store], tmp_path: Path, order: tuple[int, ...]
    ) -> None:
        store = new_store()
        words = (
            self.entry("east", changed="2026-11-20T00:00:00Z", labels=["old"]),
            self.entry("east", changed="2026-11-21T00:00:00Z", retracted="2026-11-21T00:00:00Z"),
            self.entry("east", changed="2026-11-22T00:00:00.000001Z", labels=["new"]),
        )
        for number in order:
            take(store, self.listed(tmp_path / str(number), words[number]))
        reference = lookup.reference(store.connection, 1)
        assert (reference.live, reference.labels) == (True, ("new",))


class TestWhatWeTakeBackOfOthers:
    """Whom we pass another's list on to, we tell that we doubt an entry, and not that its source took it back."""

    WHY = "a news report"

    @pytest.fixture
    def source(self, new_store: Callable[[], Store], tmp_path: Path) -> Store:
        store = new_store()
        add(store, "a", collection="east")
        publish(store, tmp_path / "source")
        return store

    @pytest.fixture
    def ours(self, new_store: Callable[[], Store], source: Store, tmp_path: Path) -> Store:
        """Has it from its source, and took it back."""
        store = new_store()
        take(store, tmp_path / "source")
        self.retract(store)
        return store

    def retract(self, store: Store) -> None:
        with store.transaction() as connection:
            curate.retract(connection, ME, 1, self.WHY)

    def send(self, store: Store, path: Path, form: str = "jsonl") -> Path:
        with path.open("wb") as out:
            export(store, ME, out, form, RED)
        return path

    def passed_on(self, store: Store) -> tuple[bool, list[tuple[str | None, str, str | None]]]:
        """Whether it is live, and who says what of it, and why."""
        assert list(verify.check(store)) == [] and list(audit.check(store)) == []
        found = lookup.reference(store.connection, 1)
        return found.live, [(said.source, said.verdict, said.reason) for said in found.opinions]

    @pytest.mark.parametrize("form", ["jsonl", "csv", "stix", "misp"])
    @pytest.mark.parametrize("from_both", [True, False])
    def test_is_disputed_there(
        self, new_store: Callable[[], Store], ours: Store, tmp_path: Path, form: str, from_both: bool
    ) -> None:
        third = new_store()
        if from_both:  # then its own list still counts
            take(third, tmp_path / "source")
        retracted = lookup.reference(ours.connection, 1).sources[0].retracted or ""
        for number in range(2):
            report = take(third, self.send(ours, tmp_path / f"ours {number}", form))
            assert (report.retracted, report.refused) == (0, 0)
            assert (report.disputed, report.tombstone) == ((from_both, not from_both) if number == 0 else (0, 0))
            assert self.passed_on(third) == (from_both, [("review", "disputed", self.WHY)])
            (said,) = lookup.reference(third.connection, 1).opinions
            assert said.at is not None and said.at.startswith(retracted[:-1])
        assert report.known == 1
        with ours.transaction() as connection:
            curate.restore(connection, ME, 1)
        take(third, self.send(ours, tmp_path / "restored", form))
        assert self.passed_on(third) == (True, []), "a restore takes the dispute back everywhere"

    @pytest.mark.parametrize("form", ["pdq", "md5sum", "tx-lines", "vics"])
    def test_is_left_out_where_a_format_has_no_word_for_it(self, ours: Store, tmp_path: Path, form: str) -> None:
        report = export(ours, ME, io.BytesIO(), form, RED)
        assert (report.written, report.left_out_retracted) == (0, 1)

    def test_is_disputed_in_the_words_of_tx(self, ours: Store) -> None:
        out = io.BytesIO()
        report = export(ours, ME, out, "tx-csv", RED)
        assert (report.written, report.left_out) == (1, 0)
        assert [line.split(",")[2:4] for line in out.getvalue().decode().splitlines()[1:]] == [["east", "DISPUTED"]]

    def test_is_said_by_the_name_of_ours_and_outdoes_what_it_said_before(
        self, new_store: Callable[[], Store], ours: Store, tmp_path: Path
    ) -> None:
        third = new_store()
        with ours.transaction() as connection:
            review_decisions.set_rules(connection, ME, review_decisions.Rules(source="unit 7"))
            opinions.give(connection, ME, 1, Opinion("confirmed", "unit 7", "2099-01-01T00:00:00.000000Z"))
        confirmed = self.entry(opinions=[{"opinion": "confirmed", "source": "unit 7", "at": "2099-01-01T00:00:00Z"}])
        (tmp_path / "confirmed").write_text(confirmed)
        take(third, tmp_path / "confirmed")
        take(third, self.send(ours, tmp_path / "ours"))
        live, told = self.passed_on(third)
        assert live and set(told) == {("unit 7", "disputed", self.WHY), ("unit 7", "confirmed", None)}
        by_ours = next(each for each in lookup.reference(third.connection, 1).opinions if each.verdict == "disputed")
        assert by_ours.author == voices.of_origin(voices.origin(ours.connection)), "and the other is nobody's"

    def entry(self, **more: Any) -> str:
        return json.dumps({"sha256": digests_of(b"a").sha256, "collection": "east", **more}) + "\n"

    def test_is_disputed_in_a_signer_s_collection(
        self, new_store: Callable[[], Store], source: Store, ours: Store, tmp_path: Path
    ) -> None:
        third = new_store()
        publish(source, tmp_path / "signed", signer=key("east"))
        take(third, tmp_path / "signed")
        assert take(third, self.send(ours, tmp_path / "ours")).disputed == 1
        assert self.passed_on(third) == (True, [("review", "disputed", self.WHY)])

    def test_comes_back_here_as_nothing_new(self, ours: Store, tmp_path: Path) -> None:
        path = self.send(ours, tmp_path / "ours")
        assert json.loads(path.read_text(encoding="utf-8").splitlines()[1])["opinions"][0]["opinion"] == "disputed"
        left_out = ("audit", "import", "provenance", "returned", "voice", "collection")
        before = content(ours, *left_out)
        for options in ({}, {"collection": "east"}):
            assert take(ours, path, **options).ours == 1
            assert content(ours, *left_out) == before
        assert self.passed_on(ours) == (False, [])
        with ours.transaction() as connection:
            curate.restore(connection, ME, 1)
        assert self.passed_on(ours) == (True, [])
        assert "opinions" not in self.send(ours, tmp_path / "again").read_text(encoding="utf-8")

    def test_what_its_source_takes_back_too_goes_out_as_that(
        self, new_store: Callable[[], Store], source: Store, ours: Store, tmp_path: Path
    ) -> None:
        third = new_store()
        with source.transaction() as connection:
            curate.retract(connection, ME, 1, "our mistake")
        publish(source, tmp_path / "gone")
        take(ours, tmp_path / "gone")
        take(third, self.send(ours, tmp_path / "ours gone"))
        assert self.passed_on(third) == (False, [])
        assert lookup.reference(third.connection, 1).sources[0].retraction_reason == "our mistake"
        with source.transaction() as connection:
            curate.restore(connection, ME, 1)
        publish(source, tmp_path / "back")
        (tmp_path / "west").write_text(self.entry(collection="west"))
        for path in (tmp_path / "west", tmp_path / "back", tmp_path / "gone"):
            take(ours, path)
            assert not self.passed_on(ours)[0], "which a person here took back before"
        take(third, self.send(ours, tmp_path / "ours again"))
        assert self.passed_on(third) == (False, [("review", "disputed", self.WHY)])
        take(third, tmp_path / "back")
        assert self.passed_on(third)[0], "the source's own list counts"


class TestSharingRules:
    def test_a_record_that_came_in_as_amber_cannot_go_out_as_green(
        self, new_store: Callable[[], Store], tmp_path: Path
    ) -> None:
        source, reader = new_store(), new_store()
        add_entry(source, ListItem(md5=digests_of(b"a").md5), tlp="amber", labels=("secret",))
        publish(source, tmp_path / "1.jsonl")
        take(reader, tmp_path / "1.jsonl", collection="ours")
        add_entry(reader, ListItem(md5=digests_of(b"a").md5), collection="green", tlp="green")
        with reader.transaction() as connection:
            curate.set_collection(connection, ME, "ours", "clear")
        out = io.BytesIO()
        report = export(reader, ME, out, "jsonl", ExportSelection(("green",), max_tlp="green"))
        assert (report.written, report.left_out_tlp) == (0, 1)
        report = export(reader, ME, out, "jsonl", ExportSelection(("green",), max_tlp="amber"))
        entry = json.loads(out.getvalue().splitlines()[-1])
        assert (report.strictest, entry["tlp"], entry["collection"]) == ("amber", "amber", "green")
        assert "labels" not in entry, "those of the other source are that one's to tell"

    def test_the_loss_report(self, new_store: Callable[[], Store]) -> None:
        store = new_store()
        add(store, measured("film", tuple(pdq(n, time=n / 7) for n in range(9)), "video"), labels=("x",))
        report = export(store, ME, io.BytesIO(), "pdq", RED)
        assert report.kept == {"pdq": 9}
        assert (report.lost["time"], report.lost["frames"], report.lost["labels"], report.lost["md5"]) == (9, 1, 1, 1)
        assert export(store, ME, io.BytesIO(), "jsonl", RED).lost == {}


def test_what_goes_on_otherwise_than_it_began_is_refused(new_store: Callable[[], Store], tmp_path: Path) -> None:
    store = new_store()
    add(store, "file 1")
    publish(store, tmp_path / "1")
    with pytest.raises(CommandError, match=r"made with other options \(--max-tlp, --label, --unmarked\)"):
        export(store, ME, io.BytesIO(), "jsonl", ExportSelection(labels=("x",), since=1), "east")


@pytest.mark.parametrize("form", ["pdq", "tx-lines", "tx-csv", "md5sum", "kdb", "jsonl"])
def test_the_signed_mark_counts_where_a_format_has_none(
    new_store: Callable[[], Store], tmp_path: Path, form: str
) -> None:
    source, target, path = new_store(), new_store(), tmp_path / "list"
    add(source, measured("file 1", (pdq(1), replace(pdq(2), view="part1"))), tlp="amber")
    with path.open("wb") as out:
        report = export(source, ME, out, form, RED, "east")
    sign_list(source, ME, path, key("east"), report)
    told: list[BadLine | LineRemark] = []
    import_list(target, ME, path, told=told.append)
    # Two lines of one entry are no wrong count.
    assert [line.message.partition(";")[0] for line in told] == ["64 digits can be PDQ or SHA-256"] * (form == "pdq")
    assert {reference.tlp for reference in lookup.references(target.connection)} == {"amber"}

"""Finding references by what a person types, by digests, and by the thousand."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest

from hashmatch.errors import CommandError
from hashmatch.messages import Message
from hashmatch.records import Digests, Failure, Hash, ListItem, Opinion
from hashmatch.store import Store, curate, hash_rows, lookup, opinions, word_facts
from hashmatch.store.membership import Membership
from hashmatch.store.references import add_file
from tests.support.made_references import ME, add, add_entry, digests_of, measured, pdq


def find(store: Store, text: str) -> int:
    return lookup.find(store.connection, text).id


class TestFind:
    def test_by_id(self, store: Store) -> None:
        add(store, "a")
        add(store, "b")
        assert find(store, "2") == 2
        for number in ("3", "0", "00000003"):
            with pytest.raises(CommandError, match="there is no reference"):
                find(store, number)

    @pytest.mark.parametrize("name", ["md5", "sha1", "sha256"])
    def test_by_digest_or_its_beginning(self, store: Store, name: str) -> None:
        add(store, "a")
        add(store, "b")
        digest = getattr(digests_of(b"b"), name)
        for text in (digest, digest.upper(), digest[:8], digest[:11], digest[:12].upper()):
            assert find(store, text) == 2
        with pytest.raises(CommandError, match="there is no reference"):
            find(store, digest[:7])
        with pytest.raises(CommandError, match="there is no reference"):
            find(store, digest[:-1] + ("0" if digest[-1] != "0" else "1"))

    @pytest.mark.parametrize("digits", ["12345678", "123456789012345", "1234567890123456"])
    def test_by_the_beginning_of_a_digest_that_has_no_letters(self, store: Store, digits: str) -> None:
        # One digest in 43 begins with eight decimal digits.
        add_entry(store, ListItem(sha256=digits + "f" * (64 - len(digits))))
        assert find(store, digits) == 1

    def test_more_than_one(self, store: Store) -> None:
        add_entry(store, ListItem(sha256="abcdef00" + "1" * 56))
        add_entry(store, ListItem(sha256="abcdef00" + "2" * 56))
        add_entry(store, ListItem(md5="abcdef01" + "2" * 24))
        with pytest.raises(CommandError, match="more than one"):
            find(store, "abcdef00")
        assert find(store, "abcdef002") == 2
        assert find(store, "abcdef01") == 3

    def test_by_path(self, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        names = [b"plain.jpg", b"deadbeef", "صورة.jpg".encode(), b"\xff.jpg"]
        with store.transaction() as connection:
            for number, name in enumerate(names):
                where = os.path.join(os.fsencode(tmp_path), name)
                add_file(connection, ME, measured(str(number)), (where, 1, 1), Membership("one"))
        for number, name in enumerate(names, 1):
            assert find(store, os.fsdecode(name)) == number
            assert find(store, os.fsdecode(os.path.join(os.fsencode(tmp_path), name))) == number
            assert find(store, "./x/../" + os.fsdecode(name)) == number
        with pytest.raises(CommandError, match="there is no reference"):
            find(store, "plain")

    @pytest.mark.parametrize("text", ["", "%", "a" * 8, "x' OR 1=1 --", "9" * 15, "9" * 40, "-1", "١"])
    def test_none(self, store: Store, text: str) -> None:
        add(store, "something")
        with pytest.raises(CommandError, match="there is no reference"):
            find(store, text)

    def test_retracted_ones_are_found_too(self, store: Store) -> None:
        add(store, "a")
        with store.transaction() as connection:
            curate.retract(connection, ME, 1, None)
        assert find(store, "1") == 1


class TestByDigests:
    def test_the_strongest_that_a_reference_has_decides(self, store: Store) -> None:
        digests = digests_of(b"a")
        add(store, "a")
        add_entry(store, ListItem(sha1=digests.sha1))
        add_entry(store, ListItem(md5=digests.md5))
        # Its SHA-256 says that these are other bytes; that MD5 collides proves nothing.
        add_entry(store, ListItem(sha256="0" * 64, sha1=digests.sha1, md5=digests.md5))
        assert sorted(word_facts.by_digests(store.connection, digests)) == [(1, "sha256")]
        assert word_facts.by_digests(store.connection, digests_of(b"b")) == []

    def test_retracted_ones_are_left_out(self, store: Store) -> None:
        digests = digests_of(b"a")
        add(store, "a")
        add_entry(store, ListItem(md5=digests.md5), retracted="2026-01-01T00:00:00Z")
        with store.transaction() as connection:
            curate.retract(connection, ME, 1, None)
        assert word_facts.by_digests(store.connection, digests) == []
        assert lookup.id_of_sha256(store.connection, digests.sha256) == 1


class TestDigestsAndSizes:
    def test_of_one_reference(self, store: Store) -> None:
        add(store, "a")
        add_entry(store, ListItem(md5="0" * 32, kind="image"))
        assert lookup.sha256_of(store.connection, 1) == digests_of(b"a").sha256
        assert lookup.sha256_of(store.connection, 2) is None
        assert lookup.sha256_of(store.connection, 3) is None

    def test_without_bytes_by_number_and_kind(self, store: Store) -> None:
        add(store, "a")
        add_entry(store, ListItem(md5="0" * 32, kind="image"))
        add_entry(store, ListItem(md5="1" * 32))
        known = lookup.has_without_sha256
        assert known(store.connection, 2, "image")
        assert known(store.connection, 3, None)
        assert not known(store.connection, 2, "video")
        assert not known(store.connection, 2, None)
        assert not known(store.connection, 1, "image"), "its bytes are known"
        assert not known(store.connection, 4, "image")

    def test_sizes_of_what_has_a_sha256(self, store: Store) -> None:
        add(store, "four")
        add_entry(store, ListItem(md5="0" * 32, size=9))
        add(store, "twelve bytes")
        with store.transaction() as connection:
            curate.retract(connection, ME, 3, None)
        assert sorted(lookup.sizes(store.connection)) == [(4, 1), (12, 3)]


class TestIdAt:
    def test_place_size_and_time_must_agree(self, store: Store) -> None:
        with store.transaction() as connection:
            add_file(connection, ME, measured("a"), (b"/a", 10, 2**60 + 1), Membership("one"))
        at = lookup.id_at
        assert at(store.connection, b"/a", 10, 2**60 + 1) == 1
        assert at(store.connection, b"/a", 11, 2**60 + 1) is None
        assert at(store.connection, b"/a", 10, 2**60) is None
        assert at(store.connection, b"/b", 10, 2**60 + 1) is None


class TestReferences:
    def test_more_than_a_page(self, store: Store) -> None:
        rows = [(number.to_bytes(32, "big"), number % 3 == 0, number) for number in range(1, 2346)]
        add_all = "INSERT INTO reference (identity, allow, revision, added) VALUES (?, ?, ?, 'now')"
        store.connection.execute("BEGIN")
        store.connection.executemany(add_all, rows)
        store.connection.execute("DELETE FROM reference WHERE id BETWEEN 900 AND 1100")
        store.connection.execute("COMMIT")
        left = [number for number in range(1, 2346) if not 900 <= number <= 1100]

        def found(**chosen: Any) -> list[int]:
            return [each.id for each in lookup.references(store.connection, **chosen)]

        assert found() == left
        assert found(allowed=True) == [number for number in left if number % 3 == 0]
        assert found(changed_after=2340) == [2341, 2342, 2343, 2344, 2345]
        assert found(changed_after=2340, allowed=True) == [2343]
        assert found(changed_after=2345) == []
        assert found(retracted=True) == left, "nobody stands by any of them"
        assert found(failed=True) == []

    def test_what_is_chosen(self, store: Store) -> None:
        add(store, "live")
        add(store, "withdrawn")
        add(store, measured("failed", (), error=Failure("corrupt", Message.literal("broken"))))
        add(store, measured("in part", error=Failure("partial", Message.literal("cut off")), partial=True))
        add(store, measured("failed and allowed", (), error=Failure("corrupt", Message.literal("broken"))), allow=True)
        with store.transaction() as connection:
            curate.retract(connection, ME, 2, None)

        def found(**chosen: Any) -> list[int]:
            return [each.id for each in lookup.references(store.connection, **chosen)]

        assert found() == [1, 2, 3, 4, 5]
        assert found(failed=True) == [3, 5]
        assert found(retracted=True) == [2]
        assert found(allowed=True) == [5]
        assert found(failed=True, allowed=True) == [5]
        assert found(failed=True, retracted=True) == []
        (retraction,) = lookup.references(store.connection, retracted=True)
        assert not retraction.live

    def test_none_of_that_number(self, store: Store) -> None:
        with pytest.raises(CommandError, match="there is no reference 7"):
            lookup.reference(store.connection, 7)

    def test_the_stricter_of_the_rules_counts(self, store: Store) -> None:
        add(store, "makes the collection amber", tlp="amber")
        add(store, "a", tlp="green")
        add(store, "a", collection="unmarked")
        assert {s.collection: s.tlp for s in lookup.reference(store.connection, 2).sources} == {
            "one": "amber",
            "unmarked": None,
        }
        assert lookup.reference(store.connection, 2).tlp == "amber"


def test_algorithms_that_some_can_only_be_found_by(store: Store) -> None:
    def without() -> set[str]:
        return hash_rows.algorithms_without(store.connection, "pdq", ("pdq", "phash", "dhash"))

    phash, dhash = Hash("phash", bytes(8)), Hash("dhash", bytes(8))
    assert without() == set()
    add(store, measured("both", (pdq(1), phash)))
    assert without() == set()
    add_entry(store, ListItem(hashes=(phash,)))
    assert without() == {"phash"}
    add_entry(store, ListItem(hashes=(dhash,)))
    assert without() == {"phash", "dhash"}


def test_counts(store: Store) -> None:
    assert set(lookup.counts(store.connection).values()) == {0}
    add(store, "a")
    add(store, "a", "second place")
    add(store, measured("film", tuple(pdq(n, time=float(n)) for n in range(5)), "video"), allow=True)
    add(store, measured("failed", (), error=Failure("corrupt", Message.literal("broken"))))
    add(store, measured("part", partial=True, error=Failure("partial", Message.literal("cut off"))))
    add_entry(store, ListItem("image", hashes=(pdq(7), Hash("phash", bytes(8)))), collection="two")
    add_entry(store, ListItem("image", md5="0" * 32), collection="two", retracted="2026-01-01T00:00:00Z")
    with store.transaction() as connection:
        opinions.give(connection, ME, 1, Opinion("disputed", "somebody"))
    assert lookup.counts(store.connection) == {
        "references": 6,
        "images": 4,
        "videos": 1,
        "retracted": 1,
        "allowed": 1,
        "failed": 1,
        "hashes": 9,
        "with_features": 0,
        "common_hashes": 0,
        "imported": 1,
        "collections": 2,
        "locations": 5,
        "opinions": 1,
        "lists_read": 1,
        "lists_written": 0,
        "recorded_scans": 0,
    }


def test_digests_are_looked_up_by_indexes(store: Store) -> None:
    """Also in a set of a million references of which lists brought no digest: one scan of all of them takes 0.3 s."""
    plans = []
    store.connection.set_trace_callback(plans.append)
    word_facts.by_digests(store.connection, Digests("00" * 16, "11" * 20, "22" * 32))
    store.connection.set_trace_callback(None)
    (statement,) = plans
    steps = [row[3] for row in store.connection.execute("EXPLAIN QUERY PLAN " + statement)]
    searched = [step for step in steps if " reference " in step]
    assert [re.search(r"\((.*)\)", step)[1] for step in searched] == ["sha256=?", "sha1=?", "md5=?"]

"""Adding files and list entries: what becomes of them, and that a retraction stands."""

from __future__ import annotations

import itertools
import math
import random
import struct
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashmatch.hashers.local_features import VERSION, LocalFeatures
from hashmatch.media import recipe
from hashmatch.messages import Message
from hashmatch.records import Failure, Fingerprint, Guards, Hash, ListItem
from hashmatch.store import Store, curate, hash_rows, lookup, verify
from hashmatch.store.membership import Membership, join
from hashmatch.store.prepared_entries import identity_of
from hashmatch.store.references import IMPORTED, add_file, pack
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


def get(store: Store, reference_id: int) -> lookup.Reference:
    return lookup.reference(store.connection, reference_id)


def of(store: Store, reference_id: int) -> tuple[Hash, ...]:
    return hash_rows.hashes(store.connection, reference_id)


def entry(name: str, **changes: Any) -> ListItem:
    """A list's entry of the file whose bytes are the name, with another hash than ours."""
    digests = digests_of(name.encode())
    facts: dict[str, Any] = {
        "kind": "image",
        "md5": digests.md5,
        "sha1": digests.sha1,
        "sha256": digests.sha256,
        "hashes": (pdq("theirs of " + name, 90, version=7),),
    }
    return ListItem(**facts | changes)


def retract(store: Store, reference_id: int, collection: str | None = None) -> int:
    with store.transaction() as connection:
        return curate.retract(connection, ME, reference_id, "a mistake", collection)


def restore(store: Store, reference_id: int, collection: str | None = None) -> int:
    with store.transaction() as connection:
        return curate.restore(connection, ME, reference_id, collection)


class TestAddFile:
    def test_everything_measured_is_kept(self, store: Store) -> None:
        hashes = (pdq("a", 88), Hash("phash", b"12345678", version=1), replace(pdq("page 2", 60), view="page 2"))
        made = measured("a", hashes, partial=True, error=Failure("partial", Message.literal("cut off")), duration=None)
        reference_id, outcome = add(
            store,
            made,
            "a",
            source="a partner",
            tlp="amber",
            case="C-1",
            note="a note",
            labels=("y", "x"),
            operator="someone",
        )
        assert outcome == "added"
        found = get(store, reference_id)
        assert made.digests is not None
        assert (found.md5, found.sha1, found.sha256) == (made.digests.md5, made.digests.sha1, made.digests.sha256)
        assert (found.kind, found.size, found.width, found.height, found.duration) == ("image", 1, 640, 480, None)
        assert (found.partial, found.error) == (True, Failure("partial", Message.literal("cut off")))
        assert (found.allow, found.live, found.labels, found.tlp) == (False, True, ("x", "y"), "amber")
        (source,) = found.sources
        assert (source.collection, source.source, source.tlp, source.opinion) == (
            "one",
            "a partner",
            "amber",
            "malicious",
        )
        assert (source.case, source.note, source.operator) == ("C-1", "a note", "someone")
        assert (source.retracted, source.retraction_reason) == (None, None)
        assert set(of(store, reference_id)) == set(hashes)
        assert hash_rows.recipes(store.connection, reference_id) == {
            "pdq": (recipe("image", False), 1),
            "phash": (recipe("image", False), 1),
        }
        assert lookup.locations(store.connection, reference_id) == [b"/a"]

    def test_the_same_again_is_known_and_changes_nothing(self, store: Store) -> None:
        add(store, "a", labels=("x",))
        before = content(store, "location", "audit")
        assert add(store, "a", labels=("x",)) == (1, "known")
        assert content(store, "location", "audit") == before

    def test_the_same_content_elsewhere_is_one_reference_at_two_places(self, store: Store) -> None:
        assert add(store, "a", "here") == (1, "added")
        assert add(store, "a", "there") == (1, "known")
        assert lookup.locations(store.connection, 1) == [b"/here", b"/there"]

    def test_new_content_at_a_place_takes_it_over(self, store: Store) -> None:
        add(store, "a", "here")
        assert add(store, "b", "here") == (2, "added")
        assert lookup.locations(store.connection, 1) == []
        assert lookup.locations(store.connection, 2) == [b"/here"]
        assert get(store, 1).live

    def test_names_may_be_any_bytes(self, store: Store) -> None:
        name = b"/\xff\xfe \xd8\xb5/a"
        with store.transaction() as connection:
            add_file(connection, ME, measured("a"), (name, 1, 1), Membership("one"))
        assert lookup.locations(store.connection, 1) == [name]

    @pytest.mark.parametrize(
        ("changes", "outcome"),
        [
            ({"collection": "two"}, "joined"),
            ({"labels": ("x", "new")}, "joined"),
            ({"allow": True}, "joined"),
            ({"source": "another", "tlp": "clear"}, "known"),
        ],
    )
    def test_what_is_new_of_a_known_one_joins_it(self, store: Store, changes: dict[str, Any], outcome: str) -> None:
        add(store, "a", labels=("x",), source="first", tlp="green")
        assert add(store, "a", **changes) == (1, outcome)
        found = get(store, 1)
        assert {source.collection for source in found.sources} == {"one", changes.get("collection", "one")}
        assert set(found.labels) == {"x", *changes.get("labels", ())}
        assert found.allow == changes.get("allow", False)
        assert (found.sources[0].source, found.sources[0].tlp) == ("first", "green")

    def test_a_stricter_mark_and_what_was_not_known_are_taken_over(self, store: Store) -> None:
        add(store, "a", source="first", tlp="green")
        more: dict[str, Any] = {"source": "another", "tlp": "red", "case": "C-2", "note": "other"}
        assert add(store, "a", **more) == (1, "joined")
        (source,) = get(store, 1).sources
        assert (source.source, source.tlp, source.case, source.note) == ("first", "red", "C-2", "other")
        assert actions(store)[-1] == "join"
        assert add(store, "a", **more) == (1, "known")

    def test_an_allow_listed_one_stays_so(self, store: Store) -> None:
        add(store, "a", allow=True)
        add(store, "a", collection="two")
        assert get(store, 1).allow
        assert get(store, 1).sources[0].opinion == "benign"

    def test_media_that_failed_are_kept_without_hashes(self, store: Store) -> None:
        failed = measured("a", (), recipe="", decoder="", error=Failure("corrupt", Message.literal("broken")))
        assert add(store, failed) == (1, "added")
        assert get(store, 1).error == Failure("corrupt", Message.literal("broken"))
        assert of(store, 1) == ()

    def test_what_failed_and_is_decoded_later_is_no_failure_any_more(self, store: Store) -> None:
        add(store, measured("a", (), width=None, height=None, error=Failure("timeout", Message.literal("slow"))))
        assert add(store, "a")[0] == 1
        found = get(store, 1)
        assert (found.error, found.width) == (None, 640)
        assert of(store, 1) == (pdq("a"),)

    def test_what_was_decoded_and_fails_later_keeps_its_hashes(self, store: Store) -> None:
        add(store, "a")
        add(store, measured("a", (), error=Failure("out-of-memory", Message.literal("small machine"))))
        assert of(store, 1) == (pdq("a"),)
        assert get(store, 1).error is None


class TestWhatListsKnowByAWeakerDigest:
    @pytest.mark.parametrize("known", [("sha1",), ("md5",), ("md5", "sha1")])
    def test_is_completed_by_the_file(self, store: Store, known: tuple[str, ...]) -> None:
        digests = digests_of(b"a")
        number, _outcome = add_entry(store, ListItem(**{name: getattr(digests, name) for name in known}, size=99))
        assert add(store, "a") == (number, "joined")
        found = get(store, number)
        assert (found.sha256, found.sha1, found.md5, found.size) == (digests.sha256, digests.sha1, digests.md5, 1)
        assert of(store, number) == measured("a").hashes
        assert list(verify.check(store)) == []
        assert add(store, "a") == (number, "known")

    def test_stays_withdrawn(self, store: Store) -> None:
        md5 = digests_of(b"a").md5
        withdrawn = {"retracted": "2026-01-01T00:00:00Z"}
        number, _outcome = add_entry(store, ListItem(md5=md5, **withdrawn), **withdrawn)
        assert add(store, "a") == (number, "retracted")
        assert add(store, "a", collection="two") == (number, "retracted")

    def test_is_another_one_if_a_stronger_digest_says_so(self, store: Store) -> None:
        other, same = digests_of(b"b"), digests_of(b"a").md5
        number, _outcome = add_entry(store, ListItem(md5=same, sha1=other.sha1))
        assert add(store, "a")[0] != number
        number, _outcome = add_entry(store, ListItem(md5=digests_of(b"c").md5, sha256=other.sha256))
        assert add(store, "c")[0] != number


class TestRehash:
    def test_a_new_version_replaces_and_is_audited(self, store: Store) -> None:
        add(store, measured("a", (pdq("a"), Hash("phash", b"12345678", version=1))))
        new = pdq("other bits", version=2)
        assert add(store, measured("a", (new,), width=641))[0] == 1
        assert of(store, 1) == (new, Hash("phash", b"12345678", version=1))
        assert get(store, 1).width == 641
        assert actions(store)[-1] == "rehash"

    def test_a_new_recipe_replaces_and_is_audited(self, store: Store) -> None:
        add(store, "a")
        add(store, measured("a", recipe="image-99"))
        assert hash_rows.recipes(store.connection, 1) == {"pdq": ("image-99", 1)}
        assert actions(store)[-1] == "rehash"

    def test_fewer_frames_replace_all_older_ones(self, store: Store) -> None:
        add(store, measured("a", tuple(pdq(n, time=float(n)) for n in range(9)), "video"))
        add(store, measured("a", (pdq("x", time=0.0),), "video", recipe="film-99"))
        assert of(store, 1) == (pdq("x", time=0.0),)

    def test_the_same_hashes_by_the_same_recipe_are_no_rehash(self, store: Store) -> None:
        # As happens when two copies of one file are decoded at the same time by two workers.
        add(store, "a")
        add(store, "a", "b")
        assert "rehash" not in actions(store)

    def test_is_current_compares_decoding_and_version(self, store: Store) -> None:
        add(store, "a")
        found = hash_rows.recipes(store.connection, 1)
        today = {recipe("image", False)}
        assert hash_rows.is_current(found, today, {"pdq": 1})
        assert not hash_rows.is_current(found, today, {"pdq": 2})
        assert not hash_rows.is_current(found, {"image-99"}, {"pdq": 1})
        assert not hash_rows.is_current(found, {recipe("image", True)}, {"pdq": 1})
        assert hash_rows.is_current(found, {"image-99", *today}, {"pdq": 1})
        assert not hash_rows.is_current(found, today, {"pdq": 1, "phash": 1})
        assert not hash_rows.is_current({}, today, {"pdq": 1})
        assert hash_rows.is_current(found, today, {})


def features(seed: int, count: int = 30) -> LocalFeatures:
    """Made-up local features of a picture."""
    chance = random.Random(seed)
    points = b"".join(chance.randbytes(5) + bytes([chance.randrange(8)]) for _each in range(count))
    return LocalFeatures(400, 300, chance.randbytes(32 * count), points)


def with_features(name: str, found: LocalFeatures, **changes: Any) -> Fingerprint:
    return measured(name, features=(found.to_bytes(),), recipe=recipe("image", False, True), **changes)


class TestLocalFeatures:
    def test_are_kept_beside_the_hashes_and_are_none(self, store: Store) -> None:
        assert not hash_rows.has_features(store.connection)
        assert add(store, with_features("a", features(1))) == (1, "added")
        assert hash_rows.features(store.connection, 1) == features(1)
        assert hash_rows.has_features(store.connection)
        assert of(store, 1) == (pdq("a"),)
        counts = lookup.counts(store.connection)
        assert (counts["hashes"], counts["with_features"]) == (1, 1)
        made = recipe("image", False, True)
        assert hash_rows.recipes(store.connection, 1) == {"pdq": (made, 1), "orb": (made, VERSION)}

    def test_where_there_are_none(self, store: Store) -> None:
        add(store, "a")
        add(store, with_features("plain", features(1, 0)))
        for reference_id in (1, 2):
            assert hash_rows.features(store.connection, reference_id) is None
        assert not hash_rows.has_features(store.connection)

    def test_come_later_than_the_hashes(self, store: Store) -> None:
        add(store, "a")
        add(store, with_features("a", features(1)))
        assert hash_rows.features(store.connection, 1) == features(1)
        assert actions(store)[-1] == "rehash"

    def test_are_replaced(self, store: Store) -> None:
        add(store, with_features("a", features(1)))
        add(store, with_features("a", features(2, 50)))
        assert hash_rows.features(store.connection, 1) == features(2, 50)
        assert actions(store)[-1] == "rehash"
        add(store, with_features("a", features(3, 0)))
        assert hash_rows.features(store.connection, 1) is None

    def test_the_same_again_are_no_rehash(self, store: Store) -> None:
        for path in ("one", "other"):
            add(store, with_features("a", features(1)), path)
            add(store, with_features("plain", features(1, 0)), "plain " + path)
        assert "rehash" not in actions(store)

    def test_stay_where_they_were_not_looked_for(self, store: Store) -> None:
        add(store, with_features("a", features(1)))
        add(store, measured("a", (pdq("other bits", version=2),)))
        assert hash_rows.features(store.connection, 1) == features(1)

    def test_what_is_stored_and_cannot_be_such_is_not_taken_for_some(self, store: Store) -> None:
        add(store, with_features("a", features(1)))
        with store.transaction() as connection:
            connection.execute("DELETE FROM hash WHERE algorithm = 'orb'")
            connection.execute(
                "INSERT INTO hash (reference_id, algorithm, recipe_id, count, bits, quality, points)"
                " VALUES (1, 'orb', 1, 1, zeroblob(32), x'ff', zeroblob(10))"
            )
        with pytest.raises(ValueError):
            hash_rows.features(store.connection, 1)


class TestBlocks:
    def test_are_found_by_their_view(self, store: Store) -> None:
        hashes = pdq("a"), Hash("blocks", b"full" * 243), Hash("blocks", b"trim" * 243, view="trim1")
        add(store, measured("a", hashes))
        assert hash_rows.guards(store.connection, 1, "full") == Guards(b"full" * 243)
        assert hash_rows.guards(store.connection, 1, "trim1") == Guards(b"trim" * 243)
        assert hash_rows.guards(store.connection, 1, "trim2") is None
        assert hash_rows.guards(store.connection, 2, "full") is None

    def test_of_a_film_there_are_none(self, store: Store) -> None:
        frames = tuple(Hash("blocks", b"film" * 243, time=float(n)) for n in range(3))
        add(store, measured("film", frames, "video"))
        assert hash_rows.guards(store.connection, 1, "full") is None

    @pytest.mark.parametrize("length", [16, 968, 976])
    def test_other_hashes_of_that_name_are_none(self, store: Store, length: int) -> None:
        add(store, measured("a", (pdq("a"), Hash("blocks", bytes(length)))))
        assert hash_rows.guards(store.connection, 1, "full") is None


class TestAddItem:
    def test_everything_the_list_says_is_kept(self, store: Store) -> None:
        item = entry("a", kind="video", size=7, duration=2.5, hashes=(pdq(1, None, 0.0, None), pdq(2, 44, 1.25, None)))
        got = add_entry(store, item, source="s", tlp="green", labels=("x",), allow=True, added="2020-02-02T02:02:02Z")
        assert got == (1, "added")
        found = get(store, 1)
        assert (found.sha256, found.sha1, found.md5) == (item.sha256, item.sha1, item.md5)
        assert (found.kind, found.size, found.duration) == ("video", 7, 2.5)
        assert (found.allow, found.pending, found.labels, found.tlp) == (True, True, ("x",), "green")
        assert found.sources[0].added == "2020-02-02T02:02:02Z"
        assert of(store, 1) == item.hashes
        assert hash_rows.recipes(store.connection, 1) == {"pdq": (IMPORTED, None)}

    def test_again_is_known(self, store: Store) -> None:
        add_entry(store, entry("a"))
        before = content(store)
        assert add_entry(store, entry("a")) == (1, "known")
        assert content(store) == before

    @pytest.mark.parametrize("keep", [("md5",), ("sha1",), ("hashes",), ("md5", "sha1", "hashes")], ids=str)
    def test_without_sha256_is_one_reference_too(self, store: Store, keep: tuple[str, ...]) -> None:
        nothing = {"md5": None, "sha1": None, "sha256": None, "hashes": ()}
        item = replace(entry("a"), **{name: value for name, value in nothing.items() if name not in keep})
        assert add_entry(store, item) == (1, "added")
        assert add_entry(store, item) == (1, "known")
        assert add_entry(store, item, collection="two") == (1, "joined")

    def test_our_own_hashes_are_not_replaced_by_those_of_a_list(self, store: Store) -> None:
        add(store, "a")
        phash = Hash("phash", b"12345678", version=1)
        assert add_entry(store, entry("a", hashes=(pdq("theirs"), phash)), collection="two") == (1, "joined")
        assert of(store, 1) == (pdq("a"), phash)
        assert get(store, 1).width == 640

    def test_a_lists_hashes_are_replaced_by_our_own(self, store: Store) -> None:
        add_entry(store, entry("a", kind=None, md5=None, sha1=None), collection="two")
        assert add(store, "a") == (1, "joined")
        assert of(store, 1) == (pdq("a"),)
        found, digests = get(store, 1), digests_of(b"a")
        assert (found.kind, found.width, found.md5, found.sha1) == ("image", 640, digests.md5, digests.sha1)
        assert hash_rows.recipes(store.connection, 1) == {"pdq": (recipe("image", False), 1)}
        assert {source.collection for source in found.sources} == {"one", "two"}

    def test_a_tombstone_remembers_what_it_was(self, store: Store) -> None:
        # A protected one that comes retracted and is restored later must not come back as propaganda.
        when = "2026-01-01T00:00:00Z"
        got = add_entry(store, entry("a"), retracted=when, retraction_reason="why", allow=True, labels=("x",))
        assert got == (1, "tombstone")
        assert not get(store, 1).live
        (source,) = get(store, 1).sources
        assert (source.retracted, source.retraction_reason, source.opinion) == (when, "why", "retracted")
        restore(store, 1)
        assert (get(store, 1).live, get(store, 1).allow, get(store, 1).labels) == (True, True, ("x",))
        theirs, ours = sorted(get(store, 1).sources, key=lambda source: source.is_ours)
        assert (theirs.live, ours.live) == (False, True), "what its source withdrew stays so: we stand by it"

    def test_a_retraction_in_a_list_is_that_of_its_collection_only(self, store: Store) -> None:
        add(store, "a", collection="ours")
        add_entry(store, entry("a"), collection="theirs")
        assert add_entry(store, entry("a"), collection="theirs", retracted="2026-01-01T00:00:00Z")[1] == "disputed"
        state = {source.collection: source.retracted for source in get(store, 1).sources}
        assert state == {"ours": None, "theirs": "2026-01-01T00:00:00Z"}
        assert get(store, 1).live

    def test_a_retraction_by_a_collection_that_never_had_it_harms_no_other(self, store: Store) -> None:
        add(store, "a", collection="ours")
        add_entry(store, entry("a"), collection="theirs", retracted="2026-01-01T00:00:00Z")
        assert get(store, 1).live
        assert of(store, 1) == (pdq("a"),)

    def test_a_second_retraction_keeps_the_first_ones_date(self, store: Store) -> None:
        add_entry(store, entry("a"), retracted="2026-01-01T00:00:00Z", retraction_reason="first")
        got = add_entry(store, entry("a"), retracted="2026-02-02T00:00:00Z", retraction_reason="second")
        assert got == (1, "known")
        (source,) = get(store, 1).sources
        assert (source.retracted, source.retraction_reason) == ("2026-01-01T00:00:00Z", "first")
        assert source.changed == "2026-02-02T00:00:00.000000Z", "a word from between the two must not revive it"


class TestRetractionStands:
    @pytest.fixture(params=["add_file", "join"])
    def again(self, request: pytest.FixtureRequest, store: Store) -> Any:
        """Adds the reference "a" again, in one of two ways."""

        def joined(collection: str = "one", **membership: Any) -> tuple[int, str]:
            with store.transaction() as connection:
                return 1, join(connection, ME, 1, Membership(collection, **membership), path=b"/elsewhere")

        return {
            "add_file": lambda **membership: add(store, "a", "elsewhere", **membership),
            "join": joined,
        }[request.param]

    @pytest.mark.parametrize("collection", ["one", "two", "new"])
    def test_where_all_took_it_back(self, store: Store, again: Any, collection: str) -> None:
        add(store, "a")
        add(store, "a", collection="two")
        assert retract(store, 1) == 2
        before = content(store, "location", "collection", "audit")
        assert again(collection=collection, labels=("x",), allow=True) == (1, "retracted")
        assert content(store, "location", "collection", "audit") == before
        assert not get(store, 1).live

    def test_a_list_that_brings_it_is_noted_beside_what_people_said(self, store: Store) -> None:
        add(store, "a")
        retract(store, 1)
        assert add_entry(store, entry("a"), collection="new") == (1, "retracted")
        assert not get(store, 1).live
        restore(store, 1)
        assert {source.collection: source.live for source in get(store, 1).sources} == {"one": True, "new": True}

    def test_where_one_took_it_back(self, store: Store, again: Any) -> None:
        add(store, "a")
        add(store, "a", collection="two")
        assert retract(store, 1, "one") == 1
        assert again(collection="one", labels=("x",)) == (1, "retracted")
        assert {s.collection: bool(s.retracted) for s in get(store, 1).sources} == {"one": True, "two": False}
        assert get(store, 1).labels == ()
        assert again(collection="two") == (1, "known")
        assert again(collection="new") == (1, "joined")

    def test_until_it_is_restored(self, store: Store, again: Any) -> None:
        add(store, "a")
        retract(store, 1)
        assert restore(store, 1) == 1
        assert get(store, 1).live
        assert get(store, 1).sources[0].retraction_reason is None
        assert again(collection="one") == (1, "known")

    def test_a_collection_is_not_made_for_what_is_refused(self, store: Store, again: Any) -> None:
        add(store, "a")
        retract(store, 1)
        again(collection="new")
        assert [collection.name for collection in curate.collections(store.connection)] == ["one"]


class TestCollections:
    def test_a_new_one_gets_the_rule_of_what_makes_it(self, store: Store) -> None:
        add(store, "a", tlp="amber")
        (one,) = curate.collections(store.connection)
        assert (one.name, one.tlp, one.references, one.retracted) == ("one", "amber", 1, 0)

    def test_an_existing_ones_rule_stays(self, store: Store) -> None:
        add(store, "a", tlp="amber")
        add(store, "b", tlp="red")
        assert curate.collections(store.connection)[0].tlp == "amber"
        assert get(store, 2).tlp == "red"  # the stricter one counts
        add(store, "c", tlp="clear")
        assert get(store, 3).tlp == "amber"


_hashes = st.tuples(st.sampled_from([8, 32]), st.booleans()).flatmap(
    lambda shape: st.lists(
        st.builds(
            Hash,
            algorithm=st.just("x"),
            bits=st.binary(min_size=shape[0], max_size=shape[0]),
            quality=st.none() | st.integers(0, 100),
            # Milliseconds are what is kept, up to four and a half hours.
            time=st.integers(0, 16_000_000).map(lambda n: n / 1000) if shape[1] else st.none(),
            view=st.just("v"),
            version=st.just(3),
        ),
        min_size=1,
        max_size=20,
    )
)


class TestPacking:
    @given(_hashes)
    def test_comes_back_as_it_went_in(self, hashes: list[Hash]) -> None:
        bits, quality, time = pack(hashes)
        assert len(quality) == len(hashes)
        assert (time is None) == (hashes[0].time is None)
        packed = hash_rows.PackedHashes(1, "x", "v", len(hashes), bits, quality, time)
        assert hash_rows.unpack(packed, 3) == tuple(hashes)

    def test_bytes_are_as_the_schema_says(self) -> None:
        bits, quality, time = pack([Hash("x", b"abcdefgh", 7, 1.5), Hash("x", b"ABCDEFGH", None, 2.0)])
        assert bits == b"abcdefghABCDEFGH"
        assert quality == b"\x07\xff"
        assert time == struct.pack("<2f", 1.5, 2.0)

    @given(st.floats(0, 3e6))
    def test_times_of_days_stay_within_a_quarter_second(self, time: float) -> None:
        bits, quality, packed = pack([Hash("x", bytes(8), None, time)])
        (back,) = hash_rows.unpack(hash_rows.PackedHashes(1, "x", "full", 1, bits, quality, packed), None)
        assert back.time is not None and math.isclose(back.time, time, abs_tol=0.25)


class TestIdentity:
    def test_is_the_sha256_where_there_is_one(self) -> None:
        item = entry("a")
        assert identity_of(item).hex() == item.sha256
        assert identity_of(replace(item, hashes=(), md5=None, sha1=None)) == identity_of(item)

    def test_else_the_strongest_digest_then_the_hashes(self) -> None:
        levels = [entry("a")]
        for field in ("sha256", "sha1", "md5"):
            levels.append(replace(levels[-1], **{field: None}))
        assert len({identity_of(level) for level in levels}) == 4
        assert identity_of(replace(levels[1], md5=None, hashes=())) == identity_of(levels[1])
        assert identity_of(replace(levels[2], hashes=())) == identity_of(levels[2])

    def test_does_not_depend_on_the_order_of_the_hashes_nor_on_what_else_is_said(self) -> None:
        hashes = (pdq(1), pdq(2), Hash("phash", b"12345678"))
        made = {identity_of(ListItem(hashes=order)) for order in itertools.permutations(hashes)}
        made.add(identity_of(ListItem("video", size=3, labels=("x",), source="s", tlp="red", hashes=hashes)))
        made.add(identity_of(ListItem(hashes=tuple(replace(each, quality=1, version=9) for each in hashes))))
        assert len(made) == 1

    def test_differs_with_any_of_the_hashes(self) -> None:
        base = Hash("pdq", pdq_bits(1), time=1.0)
        others = [
            replace(base, bits=flip(base.bits, 1)),
            replace(base, algorithm="pdq2"),
            replace(base, view="top"),
        ]
        items = [ListItem(hashes=(base,)), *(ListItem(hashes=(other,)) for other in others)]
        items += [ListItem(hashes=(base, other)) for other in others]
        items += [ListItem(md5="0" * 32), ListItem(sha1="0" * 40)]
        assert len({identity_of(item) for item in items}) == len(items)

    def test_is_the_same_for_what_we_tell_of_an_entry_ourselves(self, store: Store) -> None:
        # A list has times of any precision, and ours have milliseconds: else our own export would not be known to us.
        item = ListItem("video", hashes=tuple(pdq(n, time=n / 7) for n in range(20)))
        add_entry(store, item)
        assert identity_of(ListItem("video", hashes=of(store, 1))) == identity_of(item)

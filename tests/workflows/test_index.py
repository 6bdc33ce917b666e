"""Files into the reference set: what becomes of each, and that nothing is read or decoded twice."""

from __future__ import annotations

import itertools
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hashmatch.errors import CommandError
from hashmatch.fingerprints.many_files import LocalExaminer
from hashmatch.fingerprints.settings import ReferenceHashing
from hashmatch.hashers.local_features import VERSION
from hashmatch.isolation import Isolation
from hashmatch.media import recipe
from hashmatch.media.files import walk
from hashmatch.messages import Message
from hashmatch.search.cache import load_features
from hashmatch.store import Store, audit, curate, hash_rows, lookup, open_store, references
from hashmatch.store.membership import Membership
from hashmatch.workflows.index import Indexed, index
from tests.support.drawn_pictures import draw, picture
from tests.support.file_parts import mpo
from tests.support.indexed_files import ALONE, content_of, fixture_results, fixture_set, index_paths
from tests.support.made_references import ME, actions, add_entry, content, digests_of, flip, pdq_bits, set_bits
from tests.support.repository import FIXTURES
from tests.support.still_files import scene


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "sets" / "reference.db", write=True) as opened:
        yield opened


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three pictures: a.jpg, b.png and c.webp."""
    made = tmp_path / "files"
    made.mkdir()
    for number, name in enumerate(("a.jpg", "b.png", "c.webp")):
        picture(made / name, number)
    return made


def statuses(told: list[Indexed]) -> dict[str, str]:
    return {os.fsdecode(os.path.basename(each.path)): each.status for each in told}


def bits(store: Store, reference_id: int) -> bytes:
    return hash_rows.hashes(store.connection, reference_id)[0].bits


def mark(store: Store, reference_id: int) -> bytes:
    """Change a stored hash behind the program's back: it stays so unless the file is decoded again."""
    marked = flip(pdq_bits("a mark"), reference_id)
    set_bits(store, reference_id, marked)
    return marked


def replaced(path: Path, data: bytes) -> None:
    """Other content of the same size, as if it had never changed."""
    status = path.stat()
    assert len(data) == status.st_size
    path.write_bytes(data)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


class TestFixtures:
    """The archive and the allow list, as whoever tries the program for the first time indexes them."""

    def test_all_are_indexed(self) -> None:
        counted = Counter(each.status for each in fixture_results())
        assert counted == {"indexed": 27, "duplicate": 1}
        assert all(each.error is None for each in fixture_results())

    def test_every_reference_has_what_it_needs(self, tmp_path: Path) -> None:
        with open_store(fixture_set(tmp_path)) as store:
            references = list(lookup.references(store.connection))
            assert len(references) == 27
            for reference in references:
                assert reference.live and reference.width and reference.height and not reference.partial
                hashes = hash_rows.hashes(store.connection, reference.id)
                assert max(each.quality or 0 for each in hashes) >= 50
                (path, *others) = lookup.locations(store.connection, reference.id)
                data = Path(os.fsdecode(path)).read_bytes()
                digests = digests_of(data)
                assert (reference.md5, reference.sha1, reference.sha256) == (digests.md5, digests.sha1, digests.sha256)
                assert reference.size == len(data)
                film = "films/" in os.fsdecode(path) or "animations/" in os.fsdecode(path) or path.endswith(b".mp4")
                assert reference.kind == ("video" if film else "image")
                assert (reference.duration is not None) == film
                pdq = [each for each in hashes if each.algorithm == "pdq"]
                times = [each.time for each in pdq]
                if film:
                    assert len(hashes) == len(pdq) and {each.view for each in pdq} <= {"full", "trim1"}
                    whole = [each.time or 0.0 for each in pdq if each.view == "full"]
                    assert len(whole) > 1 and whole == sorted(set(whole))
                    assert reference.duration is not None and whole[-1] == pytest.approx(reference.duration, abs=0.5)
                else:
                    views = ["full", "trim1", "trim2", "trim3"][: len(pdq)]
                    names = [each.view for each in pdq]
                    assert sorted(name.replace("part", "trim") for name in names) == views and set(times) == {None}
                    assert [(each.algorithm, each.view) for each in hashes] == [
                        (name, view)
                        for name in ("blocks", "details", "pdq")
                        for view in names
                        if name != "details" or not view.startswith("part")
                    ]
                news = b"/allowed/" in path
                assert (reference.allow, reference.sources[0].collection) == (news, "news" if news else "archive")
                assert reference.labels == (() if news else ("demo",))
                copies = [os.path.basename(os.fsdecode(each)) for each in (path, *others)]
                assert len(copies) == 1 or copies == ["bridge.jpg", "جسر-قديم.jpg"]
            assert list(audit.check(store)) == []
            assert Counter(actions(store)) == {"collection": 2, "add": 27, "isolation": 2}

    def test_again_all_are_unchanged_and_nothing_is_written_to_the_files(self, tmp_path: Path) -> None:
        before = list(content_of(FIXTURES / "archive"))
        with open_store(fixture_set(tmp_path), write=True) as store:
            known = content(store)
            told = index_paths(store, FIXTURES / "archive", collection="archive", labels=("demo",))
            assert Counter(each.status for each in told) == {"unchanged": 26}
            assert content(store) == known
        assert list(content_of(FIXTURES / "archive")) == before


def test_reading_leaves_no_trace(store: Store, folder: Path) -> None:
    before = list(content_of(folder))
    for path in folder.iterdir():
        os.utime(path, ns=(1, path.stat().st_mtime_ns))  # reading them here has changed it
    index_paths(store, folder)
    if hasattr(os, "O_NOATIME"):
        assert {path.stat().st_atime_ns for path in folder.iterdir()} == {1}
    assert list(content_of(folder)) == before


class TestAgain:
    def test_what_kept_its_size_and_time_is_not_even_read(self, store: Store, folder: Path) -> None:
        (first, *_) = index_paths(store, folder)
        data = (folder / "a.jpg").read_bytes()
        replaced(folder / "a.jpg", data[:-1] + b"\0")
        told = index_paths(store, folder)
        assert statuses(told) == dict.fromkeys(("a.jpg", "b.png", "c.webp"), "unchanged")
        assert told[0].reference_id == first.reference_id
        assert lookup.counts(store.connection)["references"] == 3

    def test_what_was_touched_is_read_but_not_decoded(self, store: Store, folder: Path) -> None:
        index_paths(store, folder / "a.jpg")
        marked = mark(store, 1)
        os.utime(folder / "a.jpg", ns=(1, 2))
        assert statuses(index_paths(store, folder / "a.jpg")) == {"a.jpg": "duplicate"}
        assert statuses(index_paths(store, folder / "a.jpg")) == {"a.jpg": "unchanged"}
        assert bits(store, 1) == marked

    def test_known_content_elsewhere_is_not_decoded(self, store: Store, folder: Path) -> None:
        index_paths(store, folder / "a.jpg")
        marked = mark(store, 1)
        shutil.copy(folder / "a.jpg", folder / "another name.gif")
        told = index_paths(store, folder / "another name.gif")
        assert [(each.status, each.reference_id) for each in told] == [("duplicate", 1)]
        assert bits(store, 1) == marked
        paths = [os.fsencode(folder / name) for name in ("a.jpg", "another name.gif")]
        assert lookup.locations(store.connection, 1) == paths

    def test_new_content_is_a_new_reference(self, store: Store, folder: Path) -> None:
        index_paths(store, folder)
        before = lookup.reference(store.connection, 1)
        picture(folder / "a.jpg", "other")
        (told,) = index_paths(store, folder / "a.jpg")
        assert (told.status, told.reference_id) == ("indexed", 4)
        assert lookup.reference(store.connection, 1) == before, "what was known stays known"
        assert lookup.locations(store.connection, 1) == []
        assert lookup.locations(store.connection, 4) == [os.fsencode(folder / "a.jpg")]

    def test_a_relative_path_is_the_same_place(
        self, store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        index_paths(store, folder / "a.jpg")
        monkeypatch.chdir(folder)
        (told,) = index_paths(store, Path("a.jpg"))
        assert (told.path, told.status) == (b"a.jpg", "unchanged")

    def test_into_another_collection_joins_it_without_reading(self, store: Store, folder: Path) -> None:
        index_paths(store, folder)
        marked = mark(store, 1)
        told = index_paths(store, folder, collection="two", source="partner", tlp="red", labels=("new",))
        assert Counter(each.status for each in told) == {"unchanged": 3}
        assert bits(store, 1) == marked
        for reference in lookup.references(store.connection):
            assert [(s.collection, s.source, s.tlp) for s in reference.sources] == [
                ("one", None, None),
                ("two", "partner", "red"),
            ]
            assert reference.labels == ("new",)

    def test_an_interrupted_run_keeps_what_it_told_and_is_completed_by_the_next(
        self, store: Store, folder: Path
    ) -> None:
        found = walk([os.fsencode(folder)])
        running = index(store, ME, found, Membership("one"), ReferenceHashing(), LocalExaminer(ALONE))
        first = next(running)
        running.close()
        assert lookup.counts(store.connection)["references"] == 1
        assert list(audit.check(store)) == []
        told = index_paths(store, folder)
        assert Counter(each.status for each in told) == {"unchanged": 1, "indexed": 2}
        assert next(each.path for each in told if each.status == "unchanged") == first.path

    def test_a_full_disk_keeps_what_was_told(self, store: Store, tmp_path: Path) -> None:
        many = tmp_path / "many"
        many.mkdir()
        for number in range(12):
            picture(many / f"{number}.jpg", number)
        (pages,) = store.connection.execute("PRAGMA page_count").fetchone()
        store.connection.execute(f"PRAGMA max_page_count = {pages + 4}")
        told: list[Indexed] = []
        with pytest.raises(CommandError, match="disk is full"):
            told.extend(
                index(
                    store,
                    ME,
                    walk([os.fsencode(many)]),
                    Membership("x" * 900, note="n" * 900),
                    ReferenceHashing(),
                    LocalExaminer(ALONE),
                )
            )
        store.connection.execute(f"PRAGMA max_page_count = {2**30}")
        kept = lookup.counts(store.connection)["references"]
        assert 0 < kept < 12
        again = index_paths(store, many)
        assert Counter(each.status for each in again) == {"unchanged": kept, "indexed": 12 - kept}
        assert list(audit.check(store)) == []


class TestRehash:
    @pytest.mark.parametrize("change", ["decoding = 'image-0'", "version = 0", "decoding = 'imported', version = NULL"])
    def test_what_another_recipe_made_is_made_anew(self, store: Store, folder: Path, change: str) -> None:
        index_paths(store, folder)
        before = [bits(store, number) for number in (1, 2, 3)]
        for number in (1, 2, 3):
            mark(store, number)
        store.connection.execute(f"UPDATE recipe SET {change}")
        told = index_paths(store, folder)
        assert [each.reference_id for each in told] == [1, 2, 3]
        assert not {each.status for each in told} & {"failed", "skipped", "unchanged"}
        assert [bits(store, number) for number in (1, 2, 3)] == before
        assert hash_rows.recipes(store.connection, 1) == dict.fromkeys(
            ("blocks", "details", "pdq"), (recipe("image", False), 1)
        )
        assert actions(store).count("rehash") == 3
        assert statuses(index_paths(store, folder))["a.jpg"] == "unchanged"

    def test_so_is_a_copy_of_it(self, store: Store, folder: Path) -> None:
        index_paths(store, folder / "a.jpg")
        right = bits(store, 1)
        mark(store, 1)
        store.connection.execute("UPDATE recipe SET decoding = 'image-0'")
        shutil.copy(folder / "a.jpg", folder / "copy.jpg")
        index_paths(store, folder / "copy.jpg")
        assert bits(store, 1) == right

    def test_more_hashes_are_added_when_asked_for(self, store: Store, folder: Path) -> None:
        index_paths(store, folder / "a.jpg")
        all_three = ReferenceHashing(("pdq", "phash", "dhash"))
        index_paths(store, folder / "a.jpg", settings=all_three)
        made = [each.algorithm for each in hash_rows.hashes(store.connection, 1) if each.view == "full"]
        assert made == ["blocks", "details", "dhash", "pdq", "phash"]
        for settings in (all_three, ReferenceHashing(), ReferenceHashing(("phash",))):
            assert statuses(index_paths(store, folder / "a.jpg", settings=settings)) == {"a.jpg": "unchanged"}

    def test_local_features_of_an_older_kind_are_found_and_replaced_once_indexed_again(
        self, store: Store, folder: Path
    ) -> None:
        path = FIXTURES / "archive" / "towns" / "market.jpg"
        from hashmatch.hashers import orb

        older = replace(
            orb.extract(np.asarray(Image.open(path).convert("L")), orb.Detail(200, 400, 7, 1500)), version=1
        )
        settings = ReferenceHashing(features=True)
        index_paths(store, path, settings=settings)
        with store.transaction() as connection:
            recipe_id = references.recipe(connection, recipe("image", exact=False, features=True), 1)
            connection.execute("DELETE FROM hash WHERE algorithm = 'orb'")
            connection.execute(
                "INSERT INTO hash (reference_id, algorithm, view, recipe_id, count, bits, quality, points)"
                " VALUES (1, 'orb', 'full', ?, ?, ?, ?, ?)",
                (recipe_id, len(older), older.descriptors, b"\xff" * len(older), older.shape_and_points),
            )
        assert hash_rows.features(store.connection, 1) == older
        (table,) = load_features(store)
        query = orb.extract(np.asarray(Image.open(path).convert("L")), orb.QUERY)
        assert table.candidates(query) == [1]
        index_paths(store, path, settings=ReferenceHashing())
        assert hash_rows.features(store.connection, 1) == older, "nobody asked for features"
        index_paths(store, path, settings=settings)
        found = hash_rows.features(store.connection, 1)
        assert found is not None and (found.version, len(found)) == (VERSION, 400)
        (again,) = index_paths(store, path, settings=settings)
        assert again.status == "unchanged"

    def test_local_features_are_added_when_asked_for_and_kept(self, store: Store, folder: Path) -> None:
        path = FIXTURES / "archive" / "towns" / "market.jpg"
        index_paths(store, path)
        assert hash_rows.features(store.connection, 1) is None
        before = hash_rows.hashes(store.connection, 1)
        index_paths(store, path, settings=ReferenceHashing(features=True))
        found = hash_rows.features(store.connection, 1)
        assert found is not None and 200 < len(found) <= 400
        assert len(found.to_bytes()) <= 16 * 1024, "the promise of issue 20: 20 KB in all"
        assert hash_rows.hashes(store.connection, 1) == before
        for settings in (ReferenceHashing(features=True), ReferenceHashing()):
            assert statuses(index_paths(store, path, settings=settings)) == {"market.jpg": "unchanged"}
        assert hash_rows.features(store.connection, 1) == found

    def test_what_a_list_brought_is_made_anew_from_its_bytes(self, store: Store, folder: Path) -> None:
        from hashmatch.records import Hash, ListItem

        digests = digests_of((folder / "a.jpg").read_bytes())
        item = ListItem("image", sha256=digests.sha256, hashes=(Hash("pdq", pdq_bits("theirs"), 100),))
        add_entry(store, item, collection="theirs")
        (told,) = index_paths(store, folder / "a.jpg")
        assert (told.status, told.reference_id) == ("indexed", 1)
        assert bits(store, 1) != pdq_bits("theirs")
        assert lookup.reference(store.connection, 1).md5 == digests.md5


class TestFailures:
    @pytest.fixture
    def broken(self, folder: Path) -> Path:
        path = folder / "broken.jpg"
        path.write_bytes(b"\xff\xd8\xff\xe0" + b"this is no picture" * 50)
        return path

    def test_media_that_cannot_be_decoded(self, store: Store, broken: Path) -> None:
        (told,) = index_paths(store, broken)
        assert (told.status, told.reference_id) == ("failed", 1)
        assert told.error is not None and told.error.code == "corrupt"
        reference = lookup.reference(store.connection, 1)
        assert reference.sha256 == digests_of(broken.read_bytes()).sha256
        assert (reference.kind, reference.error, reference.live) == ("image", told.error, True)
        assert hash_rows.hashes(store.connection, 1) == ()

    def test_is_not_tried_again_unless_asked(self, store: Store, broken: Path) -> None:
        index_paths(store, broken)
        for _ in range(2):
            (told,) = index_paths(store, broken)
            assert told.status == "failed"
            assert told.error is not None and (told.error.code, "(tried before)" in told.error.message) == (
                "corrupt",
                True,
            )
        shutil.copy(broken, broken.with_name("copy.jpg"))
        (told,) = index_paths(store, broken.with_name("copy.jpg"))
        assert told.error is not None and "(tried before)" in told.error.message
        (told,) = index_paths(store, broken, retry_failed=True)
        assert told.status == "failed"
        assert told.error is not None and "(tried before)" not in told.error.message

    def test_may_succeed_when_tried_again(self, store: Store, folder: Path) -> None:
        index_paths(store, folder / "a.jpg")
        right = bits(store, 1)
        store.connection.execute("DELETE FROM hash")
        store.connection.execute("UPDATE reference SET error_code = 'timeout', error_message = 'slow'")
        assert statuses(index_paths(store, folder / "a.jpg")) == {"a.jpg": "failed"}
        assert hash_rows.hashes(store.connection, 1) == ()
        (told,) = index_paths(store, folder / "a.jpg", retry_failed=True)
        assert told.error is None
        assert bits(store, 1) == right
        assert lookup.reference(store.connection, 1).error is None
        assert statuses(index_paths(store, folder / "a.jpg")) == {"a.jpg": "unchanged"}

    def test_what_is_no_media_is_skipped(self, store: Store, folder: Path) -> None:
        (folder / "notes.txt").write_text("some text")
        (folder / "empty.txt").touch()
        (folder / "text.jpg").write_text("some text")
        told = {os.fsdecode(os.path.basename(each.path)): each for each in index_paths(store, folder)}
        assert {name: told[name].status for name in told} == {
            "a.jpg": "indexed",
            "b.png": "indexed",
            "c.webp": "indexed",
            "notes.txt": "skipped",
            "empty.txt": "skipped",
            "text.jpg": "failed",
        }
        assert told["notes.txt"].error is None
        error = told["text.jpg"].error
        assert error is not None and error.code == "unsupported-format" and error.message
        # By its digests, that which is named like media is known all the same.
        counts = lookup.counts(store.connection)
        assert (counts["references"], counts["failed"]) == (4, 1)

    def test_what_cannot_be_read_or_is_empty_fails_and_is_not_kept(self, store: Store, folder: Path) -> None:
        (folder / "empty.jpg").touch()
        os.mkfifo(folder / "pipe.jpg")
        told = index_paths(store, folder / "empty.jpg", folder / "gone.jpg", folder / "pipe.jpg")
        assert statuses(told) == dict.fromkeys(("empty.jpg", "gone.jpg", "pipe.jpg"), "failed")
        codes = {os.path.basename(each.path): each.error and each.error.code for each in told}
        assert codes == {b"empty.jpg": "corrupt", b"gone.jpg": "not-found", b"pipe.jpg": "not-regular-file"}
        assert lookup.counts(store.connection)["references"] == 0

    def test_a_part_of_a_picture_is_indexed_as_such(self, store: Store, tmp_path: Path) -> None:
        (told,) = index_paths(store, FIXTURES / "uploads" / "broken" / "truncated.jpg")
        assert told.status == "indexed"
        assert told.error is not None and told.error.code == "partial"
        reference = lookup.reference(store.connection, 1)
        assert (reference.partial, reference.error) == (True, told.error)
        whole = [each for each in hash_rows.hashes(store.connection, 1) if each.view == "full"]
        assert [each.algorithm for each in whole] == ["blocks", "details", "pdq"]
        assert lookup.counts(store.connection)["failed"] == 0
        (told,) = index_paths(store, FIXTURES / "uploads" / "broken" / "truncated.jpg")
        assert told.status == "unchanged"

    def test_a_broken_file_costs_no_other(self, store: Store, folder: Path, broken: Path) -> None:
        told = index_paths(store, folder, isolation=Isolation(2))
        assert Counter(each.status for each in told) == {"indexed": 3, "failed": 1}


class TestRetracted:
    def test_what_was_indexed_before_there_were_details_is_completed(self, store: Store, folder: Path) -> None:
        index_paths(store, folder / "a.jpg")
        before = hash_rows.hashes(store.connection, 1)
        store.connection.execute("DELETE FROM hash WHERE algorithm = 'details'")
        assert statuses(index_paths(store, folder / "a.jpg")) == {"a.jpg": "indexed"}
        assert hash_rows.hashes(store.connection, 1) == before
        assert statuses(index_paths(store, folder / "a.jpg")) == {"a.jpg": "unchanged"}

    @pytest.mark.parametrize("way", ["unchanged", "touched", "a copy", "rehashed", "another collection"])
    def test_is_never_revived_and_that_is_said(self, store: Store, folder: Path, way: str) -> None:
        path = folder / "a.jpg"
        index_paths(store, path)
        with store.transaction() as connection:
            curate.retract(connection, ME, 1, "a mistake")
        if way == "touched":
            os.utime(path, ns=(1, 2))
        elif way == "a copy":
            path = Path(shutil.copy(path, folder / "copy.jpg"))
        elif way == "rehashed":
            store.connection.execute("UPDATE recipe SET decoding = 'image-0'")
        collection = "another" if way == "another collection" else "one"
        (told,) = index_paths(store, path, collection=collection, labels=("x",), allow=True)
        assert not lookup.reference(store.connection, 1).live
        assert lookup.reference(store.connection, 1).labels == ()
        assert told.warnings == (Message.of("stays-retracted"),)

    def test_is_like_any_other_once_restored(self, store: Store, folder: Path) -> None:
        index_paths(store, folder / "a.jpg")
        with store.transaction() as connection:
            curate.retract(connection, ME, 1, None)
            curate.restore(connection, ME, 1)
        (told,) = index_paths(store, folder / "a.jpg")
        assert (told.status, told.warnings) == ("unchanged", ())


class TestAllowList:
    def test_what_is_added_and_resembles_it_is_told(self, store: Store, folder: Path) -> None:
        index_paths(store, folder / "a.jpg", collection="news", allow=True)
        picture(folder / "like a.webp", 0, quality=50)
        told = {os.path.basename(each.path): each for each in index_paths(store, folder)}
        (warning,) = told[b"like a.webp"].warnings
        facts = dict(warning.parameters)
        assert warning.code == "resembles-allowed" and (facts["id"], facts["tier"]) == (1, "near")
        assert 0 <= int(facts["distance"]) < 31
        assert told[b"b.png"].warnings == told[b"c.webp"].warnings == ()

    def test_what_a_file_shows_besides_resembles_it_too(self, store: Store, folder: Path) -> None:
        """Also where local features are kept, which this search does without."""
        index_paths(store, folder / "a.jpg", collection="news", allow=True)
        with Image.open(folder / "a.jpg") as known:
            (folder / "two.jpg").write_bytes(mpo(scene(99), scene(98), known.convert("RGB")))
        (told,) = index_paths(store, folder / "two.jpg", settings=ReferenceHashing(features=True))
        assert [warning.code for warning in told.warnings] == ["resembles-allowed"]

    def test_what_is_on_it_itself_is_told(self, store: Store, folder: Path) -> None:
        index_paths(store, folder / "a.jpg", collection="news", allow=True)
        (told,) = index_paths(store, folder / "a.jpg", collection="archive")
        assert Message.of("on-the-allow-list", id=1) in told.warnings
        shutil.copy(folder / "b.png", folder / "b2.png")
        index_paths(store, folder / "b.png", collection="news", allow=True)
        (told,) = index_paths(store, folder / "b2.png", collection="archive")
        assert Message.of("on-the-allow-list", id=told.reference_id or 0) in told.warnings

    def test_adding_to_it_warns_of_nothing(self, store: Store, folder: Path) -> None:
        index_paths(store, folder / "a.jpg", collection="news", allow=True)
        picture(folder / "like a.webp", 0, quality=50)
        told = index_paths(store, folder / "like a.webp", collection="news", allow=True)
        assert told[0].warnings == ()

    def test_what_was_retracted_from_it_does_not_count(self, store: Store, folder: Path) -> None:
        index_paths(store, folder / "a.jpg", collection="news", allow=True)
        with store.transaction() as connection:
            curate.retract(connection, ME, 1, None)
        picture(folder / "like a.webp", 0, quality=50)
        (told,) = index_paths(store, folder / "like a.webp")
        assert told.warnings == ()


class TestWorkers:
    def test_two_workers_give_what_one_gives(self, tmp_path: Path, folder: Path) -> None:
        for number in range(3, 13):
            picture(folder / f"{number}.jpg", number)
        for number in range(3):
            shutil.copy(folder / f"{number + 3}.jpg", folder / f"copy {number}.jpg")
        sets = []
        for workers in (1, 2):
            with open_store(tmp_path / f"{workers}.db", write=True) as store:
                told = index_paths(store, folder, isolation=Isolation(workers))
                assert Counter(each.status for each in told) == {"indexed": 13, "duplicate": 3}
                sets.append(
                    {
                        (r.sha256, bits(store, r.id), *lookup.locations(store.connection, r.id))
                        for r in lookup.references(store.connection)
                    }
                )
                assert Counter(actions(store)) == {"collection": 1, "add": 13, "isolation": 1}
        assert sets[0] == sets[1]

    def test_files_are_taken_as_they_are_needed(self, store: Store, folder: Path) -> None:
        taken = itertools.count()

        def endless() -> Iterator[bytes]:
            for number in taken:
                path = folder / f"{number}.bmp"
                draw(number, (64, 48)).save(path)
                yield os.fsencode(path)

        running = index(
            store,
            ME,
            (each for path in endless() for each in walk([path])),
            Membership("one"),
            ReferenceHashing(),
            LocalExaminer(Isolation(2)),
        )
        told = list(itertools.islice(running, 5))
        running.close()
        assert len({each.reference_id for each in told}) == 5
        assert next(taken) < 15

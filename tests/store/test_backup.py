"""Backups, how they are restored, and upgrades of older databases."""

from __future__ import annotations

import os
import shutil
import sqlite3
import threading
from pathlib import Path

import pytest

from hashmatch.errors import CommandError
from hashmatch.store import (
    Store,
    audit,
    backup,
    lookup,
    open_store,
    row_digests,
    scratch_store,
    upgrade,
    verify,
)
from hashmatch.store.database import VERSION
from tests.support.made_references import add, content, make_older


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "copies" / "copy.db"


@pytest.fixture(autouse=True)
def folder(target: Path) -> Path:
    target.parent.mkdir()
    return target.parent


def fill(store: Store, count: int = 20) -> None:
    for number in range(count):
        add(store, f"file {number}", labels=("x",))


class TestBackup:
    def test_is_one_sound_file_with_the_same_content(self, store: Store, target: Path) -> None:
        fill(store)
        before = os.umask(0)
        try:
            head = backup.write(store, target)
        finally:
            os.umask(before)
        assert os.listdir(target.parent) == [target.name]
        assert target.stat().st_mode & 0o777 == 0o600
        with open_store(target) as copy:
            assert content(copy) == content(store)
            assert audit.head(copy.connection) == head == audit.head(store.connection)
            assert list(verify.check(copy)) == []

    def test_leaves_the_original_as_it_is(self, store: Store, path: Path, target: Path) -> None:
        fill(store)
        store.close()
        before = path.read_bytes()
        with open_store(path) as reader:
            backup.write(reader, target)
        assert path.read_bytes() == before

    @pytest.mark.parametrize("kind", ["file", "link to nothing", "folder"])
    def test_never_overwrites(self, store: Store, target: Path, kind: str) -> None:
        if kind == "file":
            target.write_bytes(b"an older backup")
        elif kind == "folder":
            target.mkdir()
        else:
            target.symlink_to("nowhere")
        with pytest.raises(CommandError, match="there already"):
            backup.write(store, target)
        assert os.listdir(target.parent) == [target.name]
        assert kind != "file" or target.read_bytes() == b"an older backup"

    def test_is_not_kept_if_it_is_not_sound(self, store: Store, path: Path, target: Path) -> None:
        fill(store)
        store.close()
        raw = sqlite3.connect(path)
        raw.execute("UPDATE reference SET width = 1 WHERE id = 3")
        raw.commit()
        raw.close()
        with open_store(path) as damaged, pytest.raises(backup.UnsoundError) as caught:
            backup.write(damaged, target)
        assert [line.split(" (")[0] for line in caught.value.damage] == ["reference 3"]
        assert os.listdir(target.parent) == []

    def test_where_nothing_can_be_written(self, store: Store, tmp_path: Path) -> None:
        with pytest.raises(CommandError, match="cannot write"):
            backup.write(store, tmp_path / "no such folder" / "copy.db")

    def test_is_of_one_moment_while_another_writes(self, store: Store, path: Path, target: Path) -> None:
        fill(store)
        stop = threading.Event()

        def write() -> None:
            with open_store(path, write=True) as other:
                number = 0
                while not stop.is_set():
                    add(other, f"more {number}")
                    number += 1

        writer = threading.Thread(target=write)
        writer.start()
        try:
            for number in range(5):
                with open_store(path) as reader:
                    head = backup.write(reader, target.with_name(f"{number}.db"))
                assert head.id > 20
        finally:
            stop.set()
            writer.join()
        with open_store(target.with_name("4.db")) as copy:
            assert list(verify.check(copy)) == []
        assert list(verify.check(store, head.digest)) == [], "what was copied is the beginning of what is there now"

    def test_can_be_used_in_its_place(self, store: Store, path: Path, target: Path) -> None:
        """The restore that docs/database.md describes."""
        fill(store)
        backup.write(store, target)
        add(store, "later")
        store.close()
        for each in path.parent.glob("reference.db*"):
            each.unlink()
        shutil.copyfile(target, path)
        with open_store(path, write=True) as restored:
            assert restored.connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
            assert restored.connection.execute("SELECT count(*) FROM reference").fetchone() == (20,)
            add(restored, "after")
            assert list(verify.check(restored)) == []


def test_a_kill_while_a_backup_becomes_the_database(store: Store, path: Path, target: Path) -> None:
    """It has no log at first; what is undone then, no reader could undo."""
    fill(store)
    backup.write(store, target)
    before = target.read_bytes()
    writer = sqlite3.connect(target, isolation_level=None)
    writer.execute("PRAGMA cache_size = 1")  # so that what is not committed is in the file already
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("UPDATE membership SET note = hex(zeroblob(500))")
    killed = path.parent / "killed.db"
    shutil.copy(target, killed)
    shutil.copy(f"{target}-journal", f"{killed}-journal")
    writer.close()
    assert killed.read_bytes() != before
    with open_store(killed) as restored:
        assert content(restored) == content(store)
        assert list(verify.check(restored)) == []


#: Versions that were released: the first has no digests of rows, the second no local features, the third no provenance,
#: the fourth no decisions, the fifth a row for the first list of a reference, too, the sixth slower digests of rows, the
#: seventh sentences for what is wrong with a file, the eighth one owner for all that a list says, the ninth no memory of
#: records that were withdrawn before they came.
OLDER = (1, 2, 3, 4, 5, 6, 7, 8, 9)


@pytest.fixture(params=OLDER)
def old(path: Path, request: pytest.FixtureRequest) -> Path:
    """A database of an older version, with rows."""
    make_older(path, request.param, fill)
    return path


def version(path: Path) -> int:
    return int.from_bytes(path.read_bytes()[60:64], "big")


def columns_of(store: Store, table: str) -> frozenset[str]:
    rows = store.connection.execute("SELECT name FROM pragma_table_info(?)", (table,))
    return frozenset(name for (name,) in rows)


def rows_of(store: Store, table: str, columns: frozenset[str]) -> list[tuple[object, ...]]:
    return sorted(store.connection.execute(f'SELECT {", ".join(sorted(columns))} FROM "{table}"').fetchall(), key=repr)


def as_it_is(path: Path) -> Store:
    """A database in the tables that it has."""
    return open_store(path, even_damaged=True)


class TestUpgrade:
    def test_each_version_before_this_one_is_tried(self, old: Path) -> None:
        assert set(OLDER) == set(range(1, VERSION))
        with as_it_is(old) as store:
            (columns,) = store.connection.execute("SELECT group_concat(name) FROM pragma_table_info('hash')").fetchone()
            assert ("points" in columns.split(",")) == (version(old) > 2)

    def test_keeps_everything_and_leaves_a_backup(self, old: Path) -> None:
        was = version(old)
        with as_it_is(old) as store, open_store(old) as upgraded:
            original, before = content(store), content(upgraded)
            for table in original:
                columns = columns_of(store, table) & columns_of(upgraded, table)
                assert rows_of(store, table, columns) == rows_of(upgraded, table, columns), table
        assert before["voice"] == [(1, "", "", 0)]
        assert not any(rows for table, rows in before.items() if table not in original and table != "voice")
        with open_store(old, write=True) as store:
            assert content(store) == before
            assert list(verify.check(store)) == []
            (count,) = store.connection.execute("SELECT count(*) FROM row_digest").fetchone()
            assert count >= sum(map(len, before.values()))
        assert version(old) == VERSION
        (saved,) = old.parent.glob("*.backup")
        assert saved.name.startswith(f"reference.db.schema{was}-")
        assert saved.stat().st_mode & 0o777 == 0o600
        assert version(saved) == was
        with as_it_is(saved) as copy:
            assert content(copy) == original

    def test_an_old_one_can_be_read_and_does_not_change(self, old: Path) -> None:
        before, beside = old.read_bytes(), sorted(old.parent.iterdir())
        with open_store(old) as store:
            assert not store.writable
            assert store.connection.execute("PRAGMA user_version").fetchone() == (VERSION,)
            assert list(verify.check(store)) == []
            assert lookup.counts(store.connection)["with_features"] == 0
            with pytest.raises(sqlite3.OperationalError, match="readonly"):
                store.connection.execute("DELETE FROM label")
        assert old.read_bytes() == before
        assert sorted(old.parent.iterdir()) == beside

    def test_an_old_one_is_verified_as_it_is(self, old: Path) -> None:
        with as_it_is(old) as store:
            assert list(verify.check(store)) == []
            assert verify.has_digests(store.connection) == (version(old) > 1)
            assert store.connection.execute("PRAGMA user_version").fetchone() == (version(old),)

    def test_a_new_one_has_nothing_to_back_up(self, store: Store) -> None:
        assert [each.name for each in store.path.parent.glob("*.backup")] == []

    def test_a_copy_in_memory_leaves_no_backup(self, old: Path) -> None:
        was = version(old)
        with scratch_store(old) as copy:
            add(copy, "another")
            assert list(verify.check(copy)) == []
        assert list(old.parent.glob("*.backup")) == []
        assert version(old) == was

    def test_a_damaged_one_is_not_made_to_look_sound(self, old: Path) -> None:
        raw = sqlite3.connect(old)
        raw.executescript("DROP TRIGGER audit_is_append_only_update; UPDATE audit SET operator = 'x' WHERE id = 9")
        raw.close()
        before, was = old.read_bytes(), version(old)
        with pytest.raises(CommandError, match="is damaged, so it is not upgraded"):
            open_store(old, write=True)
        assert version(old) == was
        assert before[100:] == old.read_bytes()[100:], "but for the mark of the log in the header"
        assert list(old.parent.glob("*.backup")) == []

    def test_a_damaged_row_is_not_given_a_digest_that_fits(self, old: Path) -> None:
        was = version(old)
        if was < 2:
            return  # which has no digests, so that nothing tells
        raw = sqlite3.connect(old)
        raw.execute("UPDATE reference SET size = 12345 WHERE id = 1")
        raw.commit()
        raw.close()
        with pytest.raises(CommandError, match=r"not upgraded: reference 1 .* was altered"):
            open_store(old, write=True)
        assert version(old) == was
        assert list(old.parent.glob("*.backup")) == []

    def test_all_or_nothing(self, old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        class DiskFullError(Exception):
            pass

        def fail(connection: sqlite3.Connection) -> None:
            assert connection.execute("PRAGMA user_version").fetchone() == (VERSION,)
            raise DiskFullError

        was = version(old)
        with monkeypatch.context() as patch:
            patch.setattr(upgrade.row_digests, "make_all", fail)
            with pytest.raises(DiskFullError):
                open_store(old, write=True)
        assert version(old) == was
        assert list(old.parent.glob("*.backup")) == []
        with as_it_is(old) as store:
            membership = next(each for each in row_digests.tables(store.connection) if each.name == "membership")
            assert ('"carried"' in membership.columns) == (was > 5)
            assert list(verify.check(store)) == []
        with open_store(old, write=True) as store:
            assert list(verify.check(store)) == []

    def test_of_two_at_once_one_does_it(self, old: Path) -> None:
        errors: list[Exception] = []

        def open_it() -> None:
            try:
                open_store(old, write=True).close()
            except Exception as error:
                errors.append(error)

        several = [threading.Thread(target=open_it) for _ in range(4)]
        for each in several:
            each.start()
        for each in several:
            each.join()
        assert errors == []
        assert len(list(old.parent.glob("*.backup"))) == 1
        with open_store(old) as store:
            assert list(verify.check(store)) == []

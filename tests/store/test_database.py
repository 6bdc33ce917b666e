"""Opening, creating and refusing the file; transactions, full disks, other writers, kills."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import hashmatch.store.schema  # noqa: F401  (an ordinary user may not be able to import it later)
from hashmatch.errors import CommandError
from hashmatch.store import Store, audit, database, lookup, open_store, scratch_store
from hashmatch.store.membership import Membership, ensure_collection
from tests.support.made_references import ME, add, content, measured, pdq

Ordinary = Callable[[Callable[[], Any]], Any]


def collections(store: Store) -> list[str]:
    return [row[0] for row in store.connection.execute("SELECT name FROM collection ORDER BY name")]


def make(store: Store, *names: str) -> None:
    with store.transaction() as connection:
        for name in names:
            ensure_collection(connection, ME, Membership(name))


def refusal(path: Path, write: bool = False) -> str:
    """Why a file cannot be opened."""
    with pytest.raises(CommandError) as caught:
        open_store(path, write=write)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def of_ordinary_user(path: Path, write: bool = False) -> str | list[str]:
    """What an ordinary user gets: the collections, or why not."""
    try:
        with open_store(path, write=write) as store:
            return collections(store)
    except CommandError as error:
        return str(error)


@pytest.fixture
def filled(path: Path) -> Path:
    """A reference set with some pages in it, closed."""
    with open_store(path, write=True) as store:
        for number in range(40):
            add(store, f"file {number}", collection=f"collection {number % 3}")
    return path


class TestCreating:
    def test_new_file_and_all_beside_it_are_for_the_owner_only(self, tmp_path: Path) -> None:
        path = tmp_path / "not" / "there" / "yet.db"
        before = os.umask(0)
        try:
            with open_store(path, write=True) as store:
                make(store, "one")
                modes = {each.name: each.stat().st_mode & 0o777 for each in path.parent.iterdir()}
        finally:
            os.umask(before)
        assert modes == {"yet.db": 0o600, "yet.db-wal": 0o600, "yet.db-shm": 0o600}

    def test_nothing_is_left_beside_a_closed_file(self, filled: Path) -> None:
        assert os.listdir(filled.parent) == [filled.name]

    def test_an_empty_file_becomes_one(self, path: Path) -> None:
        path.touch()
        with open_store(path, write=True) as store:
            make(store, "one")
        with open_store(path) as store:
            assert collections(store) == ["one"]

    def test_reading_does_not_create(self, path: Path) -> None:
        assert "there is no database" in refusal(path)
        assert not path.exists()

    @pytest.mark.slow
    def test_several_processes_may_create_it_at_once(self, tmp_path: Path) -> None:
        code = """
import sys, time
from pathlib import Path
import sqlite_utils
from hashmatch.store import Store, open_store, scratch_store
from hashmatch.store.audit import Actor, record
for path in map(Path, sys.argv[1:]):
    print(flush=True)
    start = float(sys.stdin.readline())
    while time.time() < start:
        pass
    with open_store(path, write=True) as store, store.transaction() as connection:
        record(connection, Actor("several", "test"), "made", {})
"""
        paths = [tmp_path / f"{number}.db" for number in range(20)]
        several = [
            subprocess.Popen(
                [sys.executable, "-c", code, *paths],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for _ in range(3)
        ]
        for _ in paths:
            for process in several:
                assert process.stdout is not None
                process.stdout.readline()  # it is ready
            start = time.time() + 0.01
            for process in several:
                assert process.stdin is not None
                if process.poll() is None:
                    process.stdin.write(f"{start}\n")
                    process.stdin.flush()
        errors = [process.communicate()[1].strip().splitlines()[-1:] for process in several]
        assert errors == [[]] * 3
        for path in paths:
            with open_store(path) as store:
                assert len(list(audit.entries(store))) == 3
                assert list(audit.check(store)) == []

    def test_a_kill_while_it_is_made_leaves_nothing_that_stands_in_the_way(self, path: Path) -> None:
        # The schema needs sqlite-utils, so its import is a moment in the middle of making the file.
        code = """
import os, signal, sys
from pathlib import Path
class Kill:
    def find_spec(self, name, path=None, target=None):
        if name == "sqlite_utils":
            os.kill(os.getpid(), signal.SIGKILL)
sys.meta_path.insert(0, Kill())
from hashmatch.store import Store, open_store, scratch_store
open_store(Path(sys.argv[1]), write=True)
"""
        assert subprocess.run([sys.executable, "-c", code, path]).returncode == -signal.SIGKILL
        with open_store(path, write=True) as store:
            make(store, "one")
            assert collections(store) == ["one"]


class TestRefusing:
    @pytest.mark.parametrize("write", [False, True])
    @pytest.mark.parametrize(
        "data",
        [
            b"hi",
            b"a plain text file, longer than the header of a database\n" * 100,
            b"\x89PNG\r\n\x1a\n" + bytes(5000),
            b"SQLite format 3\0" + b"\xff" * 5000,
        ],
        ids=["short", "text", "picture", "only the magic number"],
    )
    def test_what_is_no_database(self, path: Path, data: bytes, write: bool) -> None:
        path.write_bytes(data)
        assert "it is not a hashmatch database" in refusal(path, write)
        assert path.read_bytes() == data

    def test_an_empty_file_to_read(self, path: Path) -> None:
        path.touch()
        assert "it is not a hashmatch database" in refusal(path)
        assert path.read_bytes() == b""

    @pytest.mark.parametrize("write", [False, True])
    def test_the_database_of_another_program(self, path: Path, write: bool) -> None:
        other = sqlite3.connect(path)
        other.executescript("CREATE TABLE reference (id INTEGER); CREATE TABLE audit (id INTEGER)")
        other.close()
        before = path.read_bytes()
        assert "it is not a hashmatch database" in refusal(path, write)
        assert path.read_bytes() == before

    @pytest.mark.parametrize("write", [False, True])
    def test_a_newer_version(self, filled: Path, write: bool) -> None:
        raw = sqlite3.connect(filled)
        raw.execute(f"PRAGMA user_version = {database.VERSION + 1}")
        raw.close()
        told = refusal(filled, write)
        assert "newer" in told and str(database.VERSION + 1) in told
        with pytest.raises(CommandError, match="newer"):
            scratch_store(filled)
        raw = sqlite3.connect(filled)
        assert raw.execute("PRAGMA user_version").fetchone() == (database.VERSION + 1,)
        raw.close()

    @pytest.mark.parametrize("write", [False, True])
    def test_a_folder(self, tmp_path: Path, write: bool) -> None:
        assert str(tmp_path) in refusal(tmp_path, write)

    def test_a_folder_that_cannot_be_made(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        assert "file/x" in refusal(tmp_path / "file" / "x.db", write=True)

    @pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs Linux's list of open files")
    @pytest.mark.parametrize("write", [False, True])
    @pytest.mark.parametrize("case", ["text", "other", "newer"])
    def test_a_refused_file_is_closed(self, filled: Path, case: str, write: bool) -> None:
        if case == "text":
            filled.write_bytes(b"text" * 1000)
        else:
            raw = sqlite3.connect(filled)
            raw.execute("PRAGMA application_id = 1" if case == "other" else "PRAGMA user_version = 99")
            raw.close()
        with pytest.raises(CommandError) as caught:
            open_store(filled, write=write)
        # As long as the exception lives, so would a connection that was only forgotten and not closed.
        assert _open_files(filled) == []
        del caught


def test_a_copy_that_cannot_be_made_is_closed(filled: Path) -> None:
    raw = sqlite3.connect(filled)
    raw.execute("PRAGMA user_version = 99")
    raw.close()
    with pytest.raises(CommandError) as caught:
        scratch_store(filled)
    for frame, _line in traceback.walk_tb(caught.tb):
        for value in frame.f_locals.values():
            if isinstance(value, sqlite3.Connection) and value is not raw:
                with pytest.raises(sqlite3.ProgrammingError, match="closed"):
                    value.execute("SELECT 1")


def _open_files(path: Path) -> list[str]:
    """The open files of this process whose names begin with a path."""
    found = []
    for number in os.listdir("/proc/self/fd"):
        with contextlib.suppress(FileNotFoundError):  # that of the listing itself
            found.append(os.readlink(f"/proc/self/fd/{number}"))
    return [name for name in found if name.startswith(str(path))]


class TestPermissions:
    """Root may do everything, so that these are done as an ordinary user."""

    def test_writing_a_read_only_file(self, open_folder: Path, as_ordinary_user: Ordinary) -> None:
        path = open_folder / "reference.db"
        with open_store(path, write=True) as store:
            make(store, "one")
        path.chmod(0o444)
        open_folder.chmod(0o777)
        told = as_ordinary_user(lambda: of_ordinary_user(path, write=True))
        assert isinstance(told, str) and "read-only" in told
        assert as_ordinary_user(lambda: of_ordinary_user(path)) == ["one"]

    def test_a_file_that_may_not_be_read(self, open_folder: Path, as_ordinary_user: Ordinary) -> None:
        path = open_folder / "reference.db"
        open_store(path, write=True).close()
        path.chmod(0)
        for write in (False, True):
            told = as_ordinary_user(lambda write=write: of_ordinary_user(path, write))
            assert isinstance(told, str) and str(path) in told

    def test_making_one_in_a_read_only_folder(self, open_folder: Path, as_ordinary_user: Ordinary) -> None:
        open_folder.chmod(0o555)
        told = as_ordinary_user(lambda: of_ordinary_user(open_folder / "reference.db", write=True))
        assert isinstance(told, str) and "Permission denied" in told

    def test_reading_in_a_read_only_folder(self, open_folder: Path, as_ordinary_user: Ordinary) -> None:
        path = open_folder / "reference.db"
        with open_store(path, write=True) as store:
            make(store, "one", "two")
        path.chmod(0o444)
        open_folder.chmod(0o555)
        assert as_ordinary_user(lambda: of_ordinary_user(path)) == ["one", "two"]

    def test_reading_after_a_reader_left_an_empty_log(self, open_folder: Path, as_ordinary_user: Ordinary) -> None:
        path = open_folder / "reference.db"
        with open_store(path, write=True) as store:
            make(store, "one")
        path.chmod(0o444)
        (open_folder / "reference.db-wal").touch(0o444)
        open_folder.chmod(0o555)
        assert as_ordinary_user(lambda: of_ordinary_user(path)) == ["one"]

    def test_newer_content_in_a_log_is_never_passed_over(
        self, open_folder: Path, path: Path, as_ordinary_user: Ordinary
    ) -> None:
        copy = open_folder / "reference.db"
        with open_store(path, write=True) as store:
            make(store, "old")
        with open_store(path, write=True) as store:
            make(store, "new")
            copy.write_bytes(path.read_bytes())
            (open_folder / "reference.db-wal").write_bytes(Path(f"{path}-wal").read_bytes())
        for file in open_folder.iterdir():
            file.chmod(0o444)
        open_folder.chmod(0o555)
        told = as_ordinary_user(lambda: of_ordinary_user(copy))
        assert told == ["new", "old"] or isinstance(told, str)


class TestDamage:
    def test_a_file_that_was_cut_off(self, filled: Path) -> None:
        whole = filled.read_bytes()
        for length in (50, 100, 4096, len(whole) // 2, len(whole) - 4096):
            filled.write_bytes(whole[:length])
            with pytest.raises(CommandError) as caught, open_store(filled, write=True) as store, store.transaction():
                content(store)
            assert "\n" not in str(caught.value)

    def test_damaged_pages_are_told_of(self, filled: Path) -> None:
        data = bytearray(filled.read_bytes())
        for page in range(1, len(data) // 4096):
            data[page * 4096 : page * 4096 + 16] = b"\xff" * 16
        filled.write_bytes(data)
        with pytest.raises(CommandError, match="damaged"), open_store(filled, write=True) as store:
            make(store, "one")


class TestTransactions:
    def test_all_or_nothing(self, store: Store) -> None:
        make(store, "one")
        before = content(store)
        for error in (ValueError, KeyboardInterrupt, CommandError):
            with pytest.raises(error), store.transaction() as connection:
                ensure_collection(connection, ME, Membership("two"))
                raise error("in the middle")
            assert not store.connection.in_transaction
            assert content(store) == before
        make(store, "two")
        assert collections(store) == ["one", "two"]

    def test_an_error_of_sqlite_is_a_line_for_a_person(self, store: Store) -> None:
        with pytest.raises(CommandError) as caught, store.transaction() as connection:
            ensure_collection(connection, ME, Membership("one"))
            connection.execute("INSERT INTO label VALUES (77, 'x')")
        assert str(store.path) in str(caught.value)
        assert collections(store) == []

    def test_what_is_committed_can_be_seen_by_others_at_once(self, store: Store, path: Path) -> None:
        with open_store(path) as reader:
            with store.transaction() as connection:
                ensure_collection(connection, ME, Membership("one"))
                assert collections(reader) == []  # and does not wait
            assert collections(reader) == ["one"]

    def test_a_reader_cannot_write(self, filled: Path) -> None:
        with open_store(filled) as reader:
            assert not reader.writable
            with pytest.raises(CommandError, match="read-only"):
                make(reader, "one")

    def test_a_full_disk_loses_nothing(self, store: Store) -> None:
        add(store, "first")
        before = content(store)
        pages = store.connection.execute("PRAGMA page_count").fetchone()[0]
        store.connection.execute(f"PRAGMA max_page_count = {pages + 2}")
        film = measured("film", tuple(pdq(n, time=float(n)) for n in range(3000)), "video")
        for _ in range(2):
            with pytest.raises(CommandError, match="disk is full"):
                add(store, film)
            assert not store.connection.in_transaction
            assert content(store) == before
        store.connection.execute(f"PRAGMA max_page_count = {2**30}")
        add(store, film)
        assert list(audit.check(store)) == []
        assert lookup.counts(store.connection)["references"] == 2

    def test_a_kill_loses_only_what_was_not_committed(self, path: Path) -> None:
        code = """
import os, signal, sys
from pathlib import Path
from hashmatch.store import Store, open_store, scratch_store
from hashmatch.store.audit import Actor
from hashmatch.store.membership import Membership, ensure_collection
me = Actor("me", "test")
store = open_store(Path(sys.argv[1]), write=True)
with store.transaction() as connection:
    ensure_collection(connection, me, Membership("committed"))
with store.transaction() as connection:
    for number in range(1000):
        ensure_collection(connection, me, Membership(f"not committed {number}"))
    os.kill(os.getpid(), signal.SIGKILL)
"""
        assert subprocess.run([sys.executable, "-c", code, path]).returncode == -signal.SIGKILL
        with open_store(path, write=True) as store:
            assert collections(store) == ["committed"]
            assert list(audit.check(store)) == []


class TestSecondWriter:
    def test_waits_its_turn(self, store: Store, path: Path) -> None:
        ready = threading.Event()
        seen: list[list[str]] = []

        def second() -> None:
            with open_store(path, write=True) as other:
                ready.set()
                with other.transaction() as connection:
                    seen.append(collections(other))
                    ensure_collection(connection, ME, Membership("second"))

        with store.transaction() as connection:
            thread = threading.Thread(target=second)
            thread.start()
            assert ready.wait(100)
            ensure_collection(connection, ME, Membership("first"))
            time.sleep(0.3)
        thread.join(100)
        assert seen == [["first"]]
        assert collections(store) == ["first", "second"]
        assert list(audit.check(store)) == []

    def test_is_told_after_a_while(self, store: Store, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(database, "BUSY_SECONDS", 0.2)
        with open_store(path, write=True) as other:
            with store.transaction() as connection:
                ensure_collection(connection, ME, Membership("first"))
                start = time.monotonic()
                with pytest.raises(CommandError, match=r"another process .* 0\.2 s"):
                    make(other, "second")
                assert 0.15 < time.monotonic() - start < 25
            make(other, "second")
        assert collections(store) == ["first", "second"]

    def test_may_open_while_the_first_writes(self, store: Store, path: Path) -> None:
        with store.transaction() as connection:
            ensure_collection(connection, ME, Membership("first"))
            open_store(path, write=True).close()
            open_store(path).close()


class TestScratch:
    def test_is_a_copy(self, filled: Path) -> None:
        before = filled.read_bytes()
        with open_store(filled) as original, scratch_store(filled) as copy:
            assert content(copy) == content(original)
            assert copy.writable
            add(copy, "another")
            assert content(copy) != content(original)
        assert filled.read_bytes() == before

    def test_has_what_is_still_in_the_log(self, store: Store, path: Path) -> None:
        make(store, "one")
        with scratch_store(path) as copy:
            assert collections(copy) == ["one"]

    def test_is_empty_where_there_is_no_file(self, path: Path) -> None:
        with scratch_store(path) as copy:
            add(copy, "a")
            assert lookup.counts(copy.connection)["references"] == 1
        assert not path.exists()

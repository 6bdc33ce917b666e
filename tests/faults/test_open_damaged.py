"""Any file given as a database: one clear line and an exit code, and neither a traceback nor a hang."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
from pathlib import Path

import pytest

from hashmatch.cli import run as run_here
from hashmatch.store import open_store
from tests.support.made_references import add

#: Each is tried with one of the commands in turn.
FILES = 240
COMMANDS = (["verify"], ["info"], ["list"], ["log"], ["collections"], ["show", "3"], ["label", "3", "--add", "x"])
#: After so many seconds a command is taken to hang.
HANGS = 60


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("original") / "reference.db"
    with open_store(path, write=True) as store:
        for number in range(30):
            add(store, f"file {number}", labels=("known",))
    return path.read_bytes()


def told(db: Path, arguments: list[str]) -> tuple[int, str, str]:
    """Exit status, data and messages of a command, run in a child process; negative where a signal has ended it."""
    out, err = db.with_name("out"), db.with_name("err")
    child = os.fork()
    if child == 0:
        signal.alarm(HANGS)
        for number, path in ((1, out), (2, err)):
            os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
        code = 99
        try:
            import sys

            sys.stdout, sys.stderr = open(1, "w", closefd=False), open(2, "w", closefd=False)  # noqa: SIM115
            code = run_here(["--db", str(db), *arguments])
        except BaseException:
            import traceback

            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    _pid, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status), out.read_text("utf-8", "replace"), err.read_text("utf-8", "replace")


def spoiled(original: bytes, chance: random.Random) -> bytes:
    """A file that is no reference set, or no more."""
    data = bytearray(original)
    match chance.randrange(7):
        case 0:
            return chance.randbytes(chance.randrange(20_000))
        case 1:  # the beginning of one
            return bytes(data[: chance.randrange(len(data))])
        case 2:  # noise after a good header
            return bytes(data[: chance.choice((16, 100, 4096))]) + chance.randbytes(chance.randrange(20_000))
        case 3:  # the header
            for _ in range(chance.randrange(1, 4)):
                data[chance.randrange(100)] = chance.randrange(256)
        case 4:  # the schema
            for _ in range(chance.randrange(1, 20)):
                data[chance.randrange(100, 4096)] = chance.randrange(256)
        case 5:  # anywhere
            for _ in range(chance.randrange(1, 200)):
                data[chance.randrange(len(data))] = chance.randrange(256)
        case 6:  # pages that have changed places
            one, other = (chance.randrange(1, len(data) // 4096) * 4096 for _ in range(2))
            page = data[one : one + 4096]
            data[one : one + 4096] = data[other : other + 4096]
            data[other : other + 4096] = page
    return bytes(data)


@pytest.mark.timeout(900)
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_spoiled_files(tmp_path: Path, original: bytes) -> None:
    path = tmp_path / "reference.db"
    seed = random.randrange(2**32)
    chance = random.Random(seed)
    codes = []
    for number in range(FILES):
        for left in tmp_path.iterdir():
            left.unlink()
        path.write_bytes(spoiled(original, chance))
        # Every other one with verify, so that it has many to judge, whatever the seed.
        arguments = COMMANDS[0] if number % 2 else COMMANDS[number // 2 % len(COMMANDS)]
        code, out, err = told(path, arguments)
        where = f"seed {seed}, file {number}, {arguments}: {code}\n{out}\n{err}"
        assert code in (0, 1, 2), where
        assert "Traceback" not in err, where
        if code == 2:
            (line,) = err.splitlines()
            assert line.startswith("hashmatch: "), where
        if code == 1:
            assert arguments == ["verify"], where
            assert out.strip(), where
        codes.append(code)
    assert codes.count(2) > 50 and codes.count(1) > 5


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_rows_out_of_order(tmp_path: Path, original: bytes) -> None:
    """A page whose first and last row have changed places: what reads on from the last one must come to an end."""
    path = tmp_path / "reference.db"
    path.write_bytes(original)
    connection = sqlite3.connect(path)
    page, root = (
        connection.execute(f"SELECT {what}").fetchone()[0]
        for what in (
            "page_size FROM pragma_page_size",
            "rootpage FROM sqlite_master WHERE name = 'reference'",
        )
    )
    connection.close()
    data = bytearray(original)
    leaf = (root - 1) * page
    while (
        data[leaf] == 5
    ):  # an interior page, with its rightmost child at offset 8: https://sqlite.org/fileformat2.html
        leaf = (int.from_bytes(data[leaf + 8 : leaf + 12]) - 1) * page
    assert data[leaf] == 13
    first, last = leaf + 8, leaf + 8 + 2 * (int.from_bytes(data[leaf + 3 : leaf + 5]) - 1)
    assert last > first
    data[first : first + 2], data[last : last + 2] = data[last : last + 2], data[first : first + 2]
    path.write_bytes(data)
    code, out, err = told(path, ["list"])
    assert code == 2 and "rows are out of order" in err, (code, err)
    assert len(out.splitlines()) < 60


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_files_of_others(tmp_path: Path, arguments: list[str]) -> None:
    path = tmp_path / "reference.db"
    other = sqlite3.connect(path)
    other.executescript("CREATE TABLE reference (id INTEGER); PRAGMA application_id = 77; PRAGMA user_version = 2")
    other.close()
    contents = [path.read_bytes(), b"\n", b"\x89PNG\r\n\x1a\n" + bytes(5000), b"SQLite format 3\0" + bytes(84)]
    if arguments[0] != "label":  # which writes, and so makes a database of an empty file
        contents.append(b"")
    for content in contents:
        path.write_bytes(content)
        code, _out, err = told(path, arguments)
        assert code == 2 and len(err.splitlines()) == 1, err
        assert "it is not a hashmatch database" in err, content
        assert path.read_bytes() == content

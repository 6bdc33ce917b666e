"""Runs `hashmatch index` in a process of its own, and reads what the reference set then holds."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import subprocess
from pathlib import Path
from typing import Any

from tests.support.command_line import COMMAND, environment, run_command
from tests.support.interruptible import start_interruptible


def start(db: Path, *arguments: str | Path, **options: Any) -> subprocess.Popen[str]:
    """Start a command in a process group of its own, with its output in pipes."""
    return start_interruptible(
        [*COMMAND, "--db", str(db), *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
        start_new_session=True,
        **options,
    )


def run(db: Path, *arguments: str | Path) -> tuple[int, str, str]:
    """Run a command. Returns its exit code, output and messages."""
    ran = run_command(*arguments, db=db)
    return ran.code, ran.out, ran.err


def is_made(db: Path) -> bool:
    """Whether the database has tables. A process killed early leaves a file without them."""
    if not db.exists():
        return False
    # It may have been killed within its first transaction, which SQLite then has to take back: not with mode=ro.
    with contextlib.closing(sqlite3.connect(f"{db.absolute().as_uri()}?mode=rw", uri=True)) as connection:
        return bool(connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])


def index(folder: Path, *more: str) -> list[str | Path]:
    """The arguments that index a folder with two workers."""
    return ["--verbose", "index", folder, "--workers", "2", "--label", "known", *more]


def holds(db: Path) -> dict[str, list[Any]]:
    """The content of a reference set, without the ids and times in which two equal runs differ."""
    connection = sqlite3.connect(f"{db.absolute().as_uri()}?mode=ro", uri=True)
    try:
        found = {
            "references": "SELECT sha256, sha1, md5, kind, size, width, height, partial, allow, error_code FROM reference",
            "hashes": "SELECT sha256, algorithm, view, decoding, version, count, bits, quality, time FROM hash"
            " JOIN reference ON reference.id = reference_id JOIN recipe ON recipe.id = recipe_id",
            "memberships": "SELECT sha256, name, source, membership.tlp, retracted FROM membership"
            " JOIN reference ON reference.id = reference_id JOIN collection ON collection.id = collection_id",
            "labels": "SELECT sha256, name FROM label JOIN reference ON reference.id = reference_id",
            "locations": "SELECT path, sha256, location.size, mtime_ns FROM location"
            " JOIN reference ON reference.id = reference_id",
        }
        content = {name: sorted(connection.execute(query).fetchall(), key=repr) for name, query in found.items()}
        # Either of two copies of a file may have been added first.
        added = connection.execute(
            "SELECT sha256, count(*) FROM audit JOIN reference ON reference.id = json_extract(detail, '$.reference')"
            " WHERE action = 'add' GROUP BY sha256 ORDER BY sha256"
        )
        return {**content, "audited": added.fetchall()}
    finally:
        connection.close()


def locations(db: Path) -> set[str]:
    """The names of the files in a reference set."""
    if not is_made(db):
        return set()
    with contextlib.closing(sqlite3.connect(f"{db.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        return {os.path.basename(os.fsdecode(path)) for (path,) in connection.execute("SELECT path FROM location")}


def reported(messages: str) -> set[str]:
    """The names of the files that `index --verbose` reported as done."""
    done = (line.rpartition(": ") for line in messages.splitlines())
    return {os.path.basename(name) for name, _, status in done if status in ("indexed", "duplicate", "unchanged")}

"""A copy of the reference set in one file, made while others read and write it."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import tempfile
from itertools import islice
from pathlib import Path

from hashmatch.errors import CommandError
from hashmatch.i18n import _
from hashmatch.store import audit, verify
from hashmatch.store.database import Store, explain, read_as_it_is

#: Lines about damage to keep; `verify` has all of them.
_MOST_DAMAGE = 100


class UnsoundError(Exception):
    """The copy is not sound. damage: what `verify` finds, at most _MOST_DAMAGE lines."""

    def __init__(self, damage: list[str]) -> None:
        super().__init__(damage[0])
        self.damage = damage


def write(store: Store, target: Path) -> audit.TrailEnd:
    """Copy a reference set, as of one moment, to a new file that only its owner can read, and check the whole copy.

    The file appears under its name when it is complete and sound, or not at all. Returns the head of its audit trail.
    Raises UnsoundError, and CommandError if there is already such a file or it cannot be written.
    """
    if os.path.lexists(target):
        raise CommandError(_("{path} is there already; a backup never overwrites anything").format(path=target))
    part: Path | None = None
    try:
        # In the same folder, with mode 0600, under a new name.
        descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".part")
        part = Path(name)
        os.close(descriptor)
        head = _copy(store, part)
        with read_as_it_is(part) as copy:  # an upgrade would make new digests, also of damaged rows
            damage = list(islice(verify.check(copy, head.digest), _MOST_DAMAGE))
        if damage:
            raise UnsoundError(damage)
        _sync(part)
        _publish(part, target)
        _sync(target.parent)
        return head
    except sqlite3.DatabaseError as error:
        raise explain(error, target) from error
    except OSError as error:
        message = _("cannot write {path}: {reason}")
        raise CommandError(message.format(path=target, reason=error.strerror or error)) from error
    finally:
        if part is not None:
            for left in (part, Path(f"{part}-journal")):
                left.unlink(missing_ok=True)


def _copy(store: Store, part: Path) -> audit.TrailEnd:
    """Copy to an empty file. Returns the head of the audit trail as of the same moment."""
    with contextlib.closing(sqlite3.connect(part, isolation_level=None)) as copy:
        with verify.one_state(store.connection):
            head = audit.head(store.connection)
            store.connection.backup(copy)
        # One file, even if the original has a log beside it. It can be read from any medium.
        copy.execute("PRAGMA journal_mode = DELETE")
    return head


def _publish(part: Path, target: Path) -> None:
    """Give the file its name, unless another file has taken it in the meantime."""
    try:
        os.link(part, target)
    except FileExistsError:
        raise
    except OSError:  # a file system without links, as on USB sticks
        if os.path.lexists(target):
            raise FileExistsError from None
        os.rename(part, target)


def _sync(path: Path) -> None:
    """Make sure that it is on the medium, and not only on its way there."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # some network file systems cannot do this for a folder
            os.fsync(descriptor)
    finally:
        os.close(descriptor)

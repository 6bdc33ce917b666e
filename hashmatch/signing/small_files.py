"""Reads the small files of keys and signatures safely, whatever they are, and writes them whole or not at all."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

from hashmatch.errors import CommandError
from hashmatch.i18n import _
from hashmatch.signing.minisign import FILE_MAX

# Not every system has these. O_NONBLOCK keeps a FIFO from blocking the open.
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


def read_small(path: Path, *, secret: bool = False) -> bytes:
    """Reads a regular file, at most one byte more than a key or signature may have. It does not wait for a pipe.

    secret: refuse a file that others may read, as ssh does. Raises FileNotFoundError, and CommandError for other errors.
    """
    try:
        descriptor = os.open(path, _FLAGS)
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise CommandError(_("{path} is not a file").format(path=path))
            if secret and os.name == "posix" and status.st_mode & 0o077:
                message = _("{path}: others may read this secret key ({mode}); run chmod 600 on it, or make a new one")
                raise CommandError(message.format(path=path, mode=f"{stat.S_IMODE(status.st_mode):04o}"))
            with open(descriptor, "rb", closefd=False) as file:
                return file.read(FILE_MAX + 1)
        finally:
            os.close(descriptor)
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = getattr(error, "strerror", None) or error
        raise CommandError(_("cannot read {path}: {reason}").format(path=path, reason=reason)) from error


def write_new(path: Path, data: bytes, mode: int) -> None:
    """Writes a file that does not exist yet. Raises FileExistsError, and CommandError if it cannot be written."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        try:
            with open(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(descriptor)
        except BaseException:
            os.unlink(path)
            raise
    except FileExistsError:
        raise
    except OSError as error:
        raise cannot_write(path, error) from error


def write_over(path: Path, data: bytes, mode: int) -> None:
    """Writes a file and replaces an older one. At every moment either the whole old file or the whole new one is there.

    Raises CommandError if it cannot be written.
    """
    try:
        descriptor, part = tempfile.mkstemp(dir=path.parent, prefix=".hashmatch-", suffix=".part")
        try:
            with open(descriptor, "wb") as file:
                os.chmod(part, mode)
                file.write(data)
                file.flush()
                os.fsync(descriptor)
            os.replace(part, path)
        except BaseException:
            os.unlink(part)
            raise
    except OSError as error:
        raise cannot_write(path, error) from error


def cannot_write(path: Path, error: OSError) -> CommandError:
    return CommandError(_("cannot write {path}: {reason}").format(path=path, reason=error.strerror or error))

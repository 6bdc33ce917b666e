"""Find files, open them without leaving a trace, and read each byte once."""

from __future__ import annotations

import errno
import fnmatch
import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from hashmatch.errors import MediaError
from hashmatch.i18n import _
from hashmatch.records import Digests

CHUNK = 1 << 20

# O_NOATIME is Linux, and allowed to the file's owner only. O_NONBLOCK keeps a FIFO from blocking the open.
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_NOATIME = getattr(os, "O_NOATIME", 0)


@dataclass(frozen=True, slots=True)
class Found:
    """A path that the walk came upon. error is set where there is nothing to open (a folder that cannot be read)."""

    path: bytes
    error: MediaError | None = None
    #: Whether a person named it; then it may be a symbolic link.
    named: bool = True


def walk(paths: Iterable[bytes], exclude: Sequence[str] = ()) -> Iterator[Found]:
    """Every file below the paths, in a stable order, each path beginning as it was named.

    Symbolic links inside a folder are not followed and not listed: they would lead out of the evidence, or in circles.
    A path that was named itself is taken whatever it is. exclude: shell patterns, held against a name and against the
    path below the named one; a folder that matches is not entered.
    """
    for path in paths:
        try:
            mode = os.stat(path).st_mode
        except OSError as error:
            yield Found(path, os_error(error))
            continue
        except ValueError:  # a NUL in the name
            yield Found(path, MediaError("not-found", _("does not exist")))
            continue
        if stat.S_ISDIR(mode):
            yield from _walk_folder(path, b"", exclude)
        else:
            yield Found(path)


def _walk_folder(root: bytes, inside: bytes, exclude: Sequence[str]) -> Iterator[Found]:
    folders = [inside]  # a stack and not recursion: an enemy's tree may be deeper than Python's
    while folders:
        inside = folders.pop()
        folder = os.path.join(root, inside) if inside else root
        try:
            with os.scandir(folder) as entries:
                listed = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            yield Found(folder, os_error(error))
            continue
        below = []
        for entry in listed:
            relative = os.path.join(inside, entry.name)
            if entry.is_symlink() or _excluded(relative, exclude):
                continue
            if entry.is_dir(follow_symlinks=False):
                below.append(relative)
            elif entry.is_file(follow_symlinks=False):
                yield Found(entry.path, named=False)
            else:  # a pipe, socket or device, which to open may already do something
                yield Found(entry.path, MediaError("not-regular-file", _("is no regular file")), named=False)
        folders.extend(reversed(below))


def _excluded(relative: bytes, exclude: Sequence[str]) -> bool:
    return any(
        fnmatch.fnmatchcase(name, os.fsencode(pattern))
        for pattern in exclude
        for name in (relative, os.path.basename(relative))
    )


def open_file(path: bytes, follow: bool = True) -> tuple[int, os.stat_result]:
    """Open a regular file to read, without touching its access time where the system allows that.

    follow: whether it may be a symbolic link.

    Returns a descriptor and its fstat. Raises MediaError: not-found, permission, not-regular-file, io-error.
    """
    flags = _FLAGS if follow else _FLAGS | getattr(os, "O_NOFOLLOW", 0)
    try:
        try:
            descriptor = os.open(path, flags | _NOATIME)
        except PermissionError:
            descriptor = os.open(path, flags)
    except ValueError as error:  # a NUL in the name
        raise MediaError("not-found", _("does not exist")) from error
    except OSError as error:
        if error.errno in (
            errno.ELOOP,
            errno.ENXIO,
            errno.EOPNOTSUPP,
            errno.ENODEV,
        ):  # a socket, or a device without a driver
            raise MediaError("not-regular-file", _("is no regular file")) from error
        raise os_error(error) from error
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        raise MediaError("not-regular-file", _("is no regular file"))
    return descriptor, status


def digest(parts: Iterable[bytes], beat: Callable[[], None] = lambda: None) -> Digests:
    """MD5, SHA-1 and SHA-256 of the parts, in one pass. `beat` is called after each part."""
    hashes = [hashlib.new(name, usedforsecurity=False) for name in ("md5", "sha1", "sha256")]
    for part in parts:
        for each in hashes:
            each.update(part)
        beat()
    return Digests(*(each.hexdigest() for each in hashes))


def chunks(file: BinaryIO) -> Iterator[bytes]:
    """The rest of a file, CHUNK bytes at a time."""
    while part := file.read(CHUNK):
        yield part


def os_error(error: OSError) -> MediaError:
    """What the operating system says, as one of our codes."""
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return MediaError("not-found", _("does not exist"))
    if isinstance(error, PermissionError):
        return MediaError("permission", _("may not be read"))
    return MediaError("io-error", error.strerror or str(error))

"""Find files, open them without leaving a trace, and read each byte once."""

from __future__ import annotations

import contextlib
import errno
import fnmatch
import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from hashmatch.errors import MediaError
from hashmatch.messages import Message
from hashmatch.records import Digests

CHUNK = 1 << 20

# O_NOATIME is Linux, and allowed to the file's owner only. O_NONBLOCK keeps a FIFO from blocking the open.
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_NOATIME = getattr(os, "O_NOATIME", 0)
#: Whether folders can be read and paths begun at a descriptor, as everywhere but on Windows.
_BY_DESCRIPTOR = os.scandir in os.supports_fd and os.open in os.supports_dir_fd
#: Longer paths are walked down in steps: the system takes 4,096 bytes (Linux) or 1,024 (macOS) at once.
LONGEST_PATH = 1000


@dataclass(frozen=True, slots=True)
class FoundPath:
    """A path that the walk came upon. error is set where there is nothing to open (a folder that cannot be read)."""

    path: bytes
    error: MediaError | None = None
    #: Whether a person named it, or a link to it may be followed; then it may be a symbolic link.
    named: bool = True


def walk(
    paths: Iterable[bytes], exclude: Sequence[str] = (), *, follow: bool = False, one_file_system: bool = False
) -> Iterator[FoundPath]:
    """Every file below the paths, in a stable order, each path beginning as it was named.

    A path that was named itself is taken whatever it is. What is met below and not entered or opened is told of as a
    Found with an error, so that whoever counts can account for all of it. exclude: shell patterns, held against a name
    and against the path below the named one; a folder that matches is not entered, and nothing is told of it.
    follow: whether to follow symbolic links that are met, which may lead out of the evidence; each folder is then entered
    once. one_file_system: whether to stay out of folders on which another file system is mounted.
    """
    for path in paths:
        try:
            with _reached(path) as (near, base):
                mode = os.stat(near, dir_fd=base).st_mode
        except OSError as error:
            yield FoundPath(path, os_error(error))
            continue
        except ValueError:  # a NUL in the name
            yield FoundPath(path, MediaError("not-found", Message.of("does-not-exist")))
            continue
        if stat.S_ISDIR(mode):
            yield from _walk_folder(path, exclude, follow, one_file_system)
        else:
            yield FoundPath(path)


def _walk_folder(root: bytes, exclude: Sequence[str], follow: bool, one_file_system: bool) -> Iterator[FoundPath]:
    folders = [b""]  # a stack and not recursion: an enemy's tree may be deeper than Python's
    entered: set[tuple[int, int]] = set()
    device: int | None = None
    while folders:
        inside = folders.pop()
        folder = os.path.join(root, inside) if inside else root
        try:
            status, listed = _list(folder)
        except OSError as error:
            yield FoundPath(folder, os_error(error))
            continue
        device = status.st_dev if device is None else device
        if one_file_system and status.st_dev != device:
            yield _left_out(folder, Message.of("other-file-system"))
            continue
        if follow:
            if (status.st_dev, status.st_ino) in entered:
                yield _left_out(folder, Message.of("folder-visited"))
                continue
            entered.add((status.st_dev, status.st_ino))
        below = []
        for name, mode, link in listed:
            relative = os.path.join(inside, name)
            if is_excluded(relative, exclude):
                continue
            path = os.path.join(root, relative)
            if link and not follow:
                yield _left_out(path, Message.of("symbolic-link"))
            elif mode is None:
                yield FoundPath(path, MediaError("not-found", Message.of("does-not-exist")), named=False)
            elif stat.S_ISDIR(mode):
                below.append(relative)
            elif stat.S_ISREG(mode):
                yield FoundPath(path, named=link)
            else:  # a pipe, socket or device, which to open may already do something
                yield _left_out(path, Message.of("not-a-regular-file"))
        folders.extend(reversed(below))


def _left_out(path: bytes, why: Message) -> FoundPath:
    """What was met and is no file to examine: it counts as skipped, not as failed."""
    return FoundPath(path, MediaError("unsupported-format", why), named=False)


def _list(folder: bytes) -> tuple[os.stat_result, list[tuple[bytes, int | None, bool]]]:
    """A folder's status and entries, by name: each with the type bits of its mode, of a link that of its target (None if
    there is none), and whether it is a link. Leaves the folder's access time alone where the system allows that.

    Raises OSError.
    """
    if not _BY_DESCRIPTOR:
        with os.scandir(folder) as entries:
            return os.stat(folder), sorted(map(_entry, entries))
    with _reached(folder) as (near, base):
        descriptor = _open(near, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, base)
    try:
        with os.scandir(descriptor) as entries:
            return os.fstat(descriptor), sorted(map(_entry, entries))
    finally:
        os.close(descriptor)


def _entry(entry: os.DirEntry[str] | os.DirEntry[bytes]) -> tuple[bytes, int | None, bool]:
    name = os.fsencode(entry.name)
    link = entry.is_symlink()
    try:
        # What the folder itself says of a file's type is enough, and saves a million questions.
        if entry.is_file(follow_symlinks=link):
            return name, stat.S_IFREG, link
        if entry.is_dir(follow_symlinks=link):
            return name, stat.S_IFDIR, link
        return name, stat.S_IFMT(entry.stat(follow_symlinks=link).st_mode), link
    except OSError:
        return name, None, link


@contextlib.contextmanager
def _reached(path: bytes) -> Iterator[tuple[bytes, int | None]]:
    """A path as the system takes it: a longer one is walked down to within reach. Yields what is left of it, and the
    descriptor of the folder from where it goes on; None for the working directory. Raises OSError."""
    base: int | None = None
    try:
        while _BY_DESCRIPTOR and len(path) >= LONGEST_PATH:
            cut = path.rfind(b"/", 1, LONGEST_PATH)
            if cut < 0:
                break  # a name that long is refused, and how is for the system to say
            below = os.open(path[:cut], getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=base)
            if base is not None:
                os.close(base)
            base, path = below, path[cut:].lstrip(b"/") or b"."
        yield path, base
    finally:
        if base is not None:
            os.close(base)


def _open(path: bytes, flags: int, base: int | None) -> int:
    """Open without touching the access time, which is allowed to the owner only; else with."""
    try:
        return os.open(path, flags | _NOATIME, dir_fd=base)
    except PermissionError:
        return os.open(path, flags, dir_fd=base)


def is_excluded(relative: bytes, exclude: Sequence[str]) -> bool:
    """Whether shell patterns leave out a path below a named folder, as for `walk`."""
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
        with _reached(path) as (near, base):
            descriptor = _open(near, flags, base)
    except ValueError as error:  # a NUL in the name
        raise MediaError("not-found", Message.of("does-not-exist")) from error
    except OSError as error:
        if error.errno in (
            errno.ELOOP,
            errno.ENXIO,
            errno.EOPNOTSUPP,
            errno.ENODEV,
        ):  # a socket, or a device without a driver
            raise MediaError("not-regular-file", Message.of("not-a-regular-file")) from error
        raise os_error(error) from error
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        raise MediaError("not-regular-file", Message.of("not-a-regular-file"))
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
        return MediaError("not-found", Message.of("does-not-exist"))
    if isinstance(error, PermissionError):
        return MediaError("permission", Message.of("no-permission"))
    return io_error(error)


def io_error(error: OSError) -> MediaError:
    """What the operating system says of a file that is there and could be opened."""
    return MediaError("io-error", Message.literal(error.strerror or str(error)))

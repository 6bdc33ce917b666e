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

# O_NOATIME exists on Linux, for the file's owner only. O_NONBLOCK keeps a FIFO from blocking the open.
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_NOATIME = getattr(os, "O_NOATIME", 0)
#: Whether folders can be read, and paths resolved, from a descriptor: everywhere but on Windows.
_BY_DESCRIPTOR = os.scandir in os.supports_fd and os.open in os.supports_dir_fd
#: Longer paths are opened in steps: the system takes at most 4,096 bytes (Linux) or 1,024 (macOS) at once.
LONGEST_PATH = 1000


@dataclass(frozen=True, slots=True)
class FoundPath:
    """A path that the walk found.

    error: set if there is nothing to open, such as a folder that cannot be read. called: the file's own name, where the path
    is only where its content lies for now.
    """

    path: bytes
    error: MediaError | None = None
    #: Whether it may be a symbolic link: a person named it, or links are followed.
    named: bool = True
    called: bytes | None = None


def walk(
    paths: Iterable[bytes], exclude: Sequence[str] = (), *, follow: bool = False, one_file_system: bool = False
) -> Iterator[FoundPath]:
    """Every file below the paths, in a stable order; each path begins as it was named.

    A named path is yielded whatever it is. Below it, everything that is not entered or opened is yielded as a FoundPath with
    an error, so that the caller can account for all of it.

    exclude: shell patterns for names and for paths below a named one; what matches is skipped silently, folders as a whole.
    follow: whether to follow symbolic links below, which may lead out of the evidence; each folder is then entered once.
    one_file_system: whether to stay out of folders where another file system is mounted.
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
    folders = [b""]  # a stack, not recursion: a hostile tree may be deeper than Python's
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
            else:  # a pipe, socket or device: merely opening it may do something
                yield _left_out(path, Message.of("not-a-regular-file"))
        folders.extend(reversed(below))


def _left_out(path: bytes, why: Message) -> FoundPath:
    """Something below that is not a file to examine: it counts as skipped, not as failed."""
    return FoundPath(path, MediaError("unsupported-format", why), named=False)


def _list(folder: bytes) -> tuple[os.stat_result, list[tuple[bytes, int | None, bool]]]:
    """A folder's status and its entries sorted by name: (name, type bits of the mode, whether it is a link).

    Type bits of a link are its target's, None if there is none. Leaves the folder's access time alone if the system allows
    it. Raises OSError.
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
        # The type that the folder states is enough, and saves a million calls of stat.
        if entry.is_file(follow_symlinks=link):
            return name, stat.S_IFREG, link
        if entry.is_dir(follow_symlinks=link):
            return name, stat.S_IFDIR, link
        return name, stat.S_IFMT(entry.stat(follow_symlinks=link).st_mode), link
    except OSError:
        return name, None, link


@contextlib.contextmanager
def _reached(path: bytes) -> Iterator[tuple[bytes, int | None]]:
    """Bring a path within the length that the system takes. Yields the rest of the path, and the descriptor of the folder
    where it begins; None for the working directory. Raises OSError."""
    base: int | None = None
    try:
        while _BY_DESCRIPTOR and len(path) >= LONGEST_PATH:
            cut = path.rfind(b"/", 1, LONGEST_PATH)
            if cut < 0:
                break  # the system refuses a name that long, and says how
            below = os.open(path[:cut], getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=base)
            if base is not None:
                os.close(base)
            base, path = below, path[cut:].lstrip(b"/") or b"."
        yield path, base
    finally:
        if base is not None:
            os.close(base)


def _open(path: bytes, flags: int, base: int | None) -> int:
    """Open without touching the access time, which only the owner may do; else touching it."""
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
    """Open a regular file to read, without touching its access time if the system allows that.

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
        # A link, a socket, or a device without a driver.
        if error.errno in (errno.ELOOP, errno.ENXIO, errno.EOPNOTSUPP, errno.ENODEV):
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
    """An error of the operating system as one of our codes."""
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return MediaError("not-found", Message.of("does-not-exist"))
    if isinstance(error, PermissionError):
        return MediaError("permission", Message.of("no-permission"))
    return io_error(error)


def io_error(error: OSError) -> MediaError:
    """An error of the operating system about a file that could be opened."""
    return MediaError("io-error", Message.literal(error.strerror or str(error)))

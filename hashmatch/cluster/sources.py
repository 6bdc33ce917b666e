"""Objects in stores that fsspec can reach: found as files are, and copied to a worker's disk to be examined there."""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

from hashmatch.errors import CommandError, MediaError
from hashmatch.fingerprints.file_case import way_to_open
from hashmatch.i18n import _
from hashmatch.media.files import CHUNK, FoundPath, is_excluded, os_error, walk
from hashmatch.media.sniff import HEAD_BYTES, sniff
from hashmatch.media.unexamined import unexamined_kind
from hashmatch.media.urls import is_url
from hashmatch.messages import Message

_SECOND = 1_000_000_000
#: What stores call the tag that changes whenever the object does.
_TAGS = ("ETag", "etag", "md5Hash", "content_md5", "checksum")


@dataclass(frozen=True, slots=True)
class FoundObject(FoundPath):
    """An object, as its store lists it. size: bytes, None if the store does not tell. mtime_ns: see `version`."""

    size: int | None = None
    mtime_ns: int | None = None


def walk_all(
    paths: Iterable[bytes], exclude: Sequence[str] = (), *, follow: bool = False, one_file_system: bool = False
) -> Iterator[FoundPath]:
    """As `files.walk`, but also for URLs."""
    for path in paths:
        if is_url(path):
            yield from _walk_url(path, exclude)
        else:
            yield from walk([path], exclude, follow=follow, one_file_system=one_file_system)


def version(info: dict[str, Any]) -> int | None:
    """A number that changes when an object does: the time of its last change in nanoseconds.

    Stores round to seconds. In place of the rest stand nine digits made from the object's tag, so that two changes within a
    second are noticed. None if the store tells neither time nor tag.
    """
    tag = next((str(info[name]) for name in _TAGS if info.get(name)), None)
    time = next((info[name] for name in ("LastModified", "last_modified", "mtime", "updated") if info.get(name)), None)
    if isinstance(time, str):
        with contextlib.suppress(ValueError):
            time = datetime.datetime.fromisoformat(time)
    if isinstance(time, datetime.datetime):
        time = time.timestamp()
    nanoseconds = round(time * _SECOND) if isinstance(time, int | float) and abs(time) < 1 << 33 else None
    if tag is None:
        return nanoseconds
    digits = int.from_bytes(hashlib.sha256(tag.encode()).digest()[:8], "big") % _SECOND
    return (nanoseconds or 0) // _SECOND * _SECOND + digits


def _walk_url(url: bytes, exclude: Sequence[str]) -> Iterator[FoundPath]:
    """Every object at or below a URL, in the order of names within each folder."""
    try:
        system, root = _system(url)
        scheme = url[: url.index(b"://") + 3]
        info = system.info(root)
        if info["type"] == "file":
            yield _object(url, info)
            return
        folders = [root]
        while folders:
            folder = folders.pop()
            below = []
            for entry in sorted(system.ls(folder, detail=True), key=lambda each: str(each["name"])):
                name = str(entry["name"])
                relative = os.fsencode(name)[len(os.fsencode(root)) :].strip(b"/")
                if not relative or name.rstrip("/") == folder.rstrip("/") or is_excluded(relative, exclude):
                    continue  # a store may list a folder in itself, as an object without a name
                if entry["type"] == "directory":
                    below.append(name)
                else:
                    own = name.removeprefix(scheme.decode())
                    yield _object(scheme + os.fsencode(own), entry)
            folders.extend(reversed(below))
    except CommandError:
        raise
    except Exception as error:  # each store has a library of its own, with its own exceptions
        yield FoundPath(url, problem(error))


def _object(url: bytes, info: dict[str, Any]) -> FoundObject:
    size = info.get("size")
    return FoundObject(url, size=size if isinstance(size, int) else None, mtime_ns=version(info))


def _system(url: bytes) -> tuple[Any, str]:
    """The file system of a URL, and the path in it. Raises CommandError if fsspec or its part for the store is missing."""
    try:
        import fsspec.core

        system, path = fsspec.core.url_to_fs(os.fsdecode(url))
    except ImportError as error:
        message = _("{url}: needs {package}; install hashmatch[cluster]")
        raise CommandError(message.format(url=os.fsdecode(url), package=error.name or error)) from error
    except ValueError as error:
        raise CommandError(f"{os.fsdecode(url)}: {error}") from error
    return system, str(path)


def problem(error: Exception) -> MediaError:
    """What went wrong with an object, as an error of a file."""
    if isinstance(error, MediaError):
        return error
    if isinstance(error, OSError):
        return os_error(error)
    return MediaError("io-error", Message.literal(f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"))


@dataclass(frozen=True, slots=True)
class Fetched:
    """An object's content in a temporary file, which is deleted when it is closed. path: to open it by until then. size:
    bytes; mtime_ns: see `version`."""

    file: BinaryIO
    path: bytes
    size: int
    mtime_ns: int | None


def fetch(url: bytes, largest: int) -> Fetched:
    """Copy an object to the local disk.

    If it is not media, or has more than `largest` bytes, only its beginning is copied, into a sparse file as long as the
    object; no more of it will be read. Raises MediaError, CommandError.
    """
    system, path = _system(url)
    file: Any = tempfile.NamedTemporaryFile(prefix="hashmatch-")  # noqa: SIM115
    try:
        system.invalidate_cache()
        info = system.info(path)
        with system.open(path, "rb") as source:
            head = source.read(HEAD_BYTES)
            file.write(head)
            size = info.get("size")
            is_media = sniff(head) or way_to_open(unexamined_kind(head), head, url)
            if isinstance(size, int) and (size > largest or not is_media):
                file.truncate(max(size, len(head)))
            else:
                while part := source.read(CHUNK):
                    file.write(part)
        file.flush()
        length = os.fstat(file.fileno()).st_size
        if isinstance(size, int) and length != size:
            raise MediaError("changed-while-read", Message.of("changed-while-read"))
    except Exception as error:
        file.close()
        if isinstance(error, CommandError):
            raise
        raise problem(error) from error
    if sys.platform == "linux":  # without a name, nothing is left behind if this process is killed
        named, file = file, os.fdopen(os.dup(file.fileno()), "r+b")
        named.close()
        return Fetched(file, b"/proc/self/fd/%d" % file.fileno(), length, version(info))
    return Fetched(file, os.fsencode(file.name), length, version(info))

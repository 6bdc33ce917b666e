"""One file to its fingerprint: digests, kind and perceptual hashes. This is the work that worker processes do.

`fingerprint` works on an open file in this process; `fingerprints` on many paths in worker processes, so that a file
that crashes or hangs a decoder costs nothing but itself.
"""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import BinaryIO

from hashmatch import hashers
from hashmatch.errors import MediaError
from hashmatch.i18n import _
from hashmatch.isolation import Isolation, Pool, Task
from hashmatch.media import Limits, MediaType, open_media, recipe
from hashmatch.media.files import Found, chunks, digest, open_file
from hashmatch.media.sniff import HEAD_BYTES, named_like_media, sniff
from hashmatch.records import Digests, Failure, Fingerprint, Hash, Kind

#: Asked once the digests are known; the file is not decoded if the answer is yes.
Known = Callable[[Digests], bool]


@dataclass(frozen=True, slots=True)
class Settings:
    """What is to be computed of each file. hashers: names; exact: PDQ bit by bit as Meta's, and slower."""

    hashers: tuple[str, ...] = ("pdq",)
    exact: bool = False
    limits: Limits = Limits()


@dataclass(frozen=True, slots=True)
class FileState:
    """A file as it was when opened; size in bytes, mtime in nanoseconds. None where it could not be opened."""

    path: bytes
    size: int = 0
    mtime_ns: int = 0


def fingerprint(
    file: BinaryIO, settings: Settings, known: Known = lambda digests: False, beat: Callable[[], None] = lambda: None
) -> Fingerprint:
    """Read, recognise, decode and hash an open, seekable file. What is wrong with it comes back as `error`.

    beat is called now and then, as a sign of life, while a long film is decoded.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    head = file.read(HEAD_BYTES)
    media_type = sniff(head)
    if media_type is None:
        return Fingerprint(None, size)
    kind: Kind = "video" if media_type.decoder == "pyav" else "image"
    film = media_type.decoder == "pyav"
    limit = settings.limits.max_bytes if film else min(settings.limits.max_picture_bytes, settings.limits.max_bytes)
    if size > limit:
        message = _("{size:,} bytes are more than the limit of {limit:,}").format(size=size, limit=limit)
        return Fingerprint(kind, size, error=Failure("too-large", message))
    data = None if film else head + file.read()
    digests = digest([data] if data is not None else _with_head(head, file), beat)
    result = Fingerprint(kind, size, digests)
    if known(digests):
        return replace(result, known=True)
    try:
        return _decode(file, data, media_type, settings, result, beat)
    except MediaError as error:
        return replace(result, error=Failure(error.code, error.message))
    except MemoryError:
        return replace(result, error=Failure("out-of-memory", _("decoding needs more memory than the limit")))


def _with_head(head: bytes, file: BinaryIO) -> Iterator[bytes]:
    yield head
    yield from chunks(file)


def _decode(
    file: BinaryIO,
    data: bytes | None,
    media_type: MediaType,
    settings: Settings,
    result: Fingerprint,
    beat: Callable[[], None],
) -> Fingerprint:
    if media_type.decoder is None:
        raise MediaError("unsupported-format", _("{format} is not examined").format(format=media_type.format))
    file.seek(0)
    opened = open_media(file, data, media_type, settings.limits, settings.exact)
    chosen = [hashers.by_name(name) for name in settings.hashers]
    hashes: list[Hash] = []
    size: tuple[int, int] | None = None
    error: Failure | None = None
    last_time: float | None = None
    try:
        for picture in opened.pictures:
            size, last_time = size or picture.full_size, picture.time
            for hasher in chosen:
                bits, quality = hasher.hash(picture)
                hashes.append(Hash(hasher.name, bits, quality, picture.time, picture.view, hasher.version))
            beat()
    except MediaError as problem:
        if not hashes:
            raise
        error = Failure("partial", problem.message)  # whatever it was, what came before is good
    if size is None:
        raise MediaError("no-usable-frames", _("holds no pictures"))
    length = opened.duration if opened.duration is not None else last_time
    return replace(
        result,
        kind=opened.kind,
        width=size[0],
        height=size[1],
        duration=None if length is None else round(length, 3),
        partial=error is not None,
        hashes=tuple(hashes),
        decoder=opened.decoder,
        recipe=recipe(opened.kind, settings.exact),
        error=error,
    )


def fingerprints(
    found: Iterable[Found | None],
    settings: Settings,
    isolation: Isolation,
    *,
    unchanged: Callable[[FileState], bool] = lambda state: False,
    known: Callable[[FileState, Digests], bool] = lambda state, digests: False,
    source: int | None = None,
    meanwhile: Callable[[], object] = lambda: None,
) -> Iterator[tuple[FileState, Fingerprint | None]]:
    """Fingerprint many files in worker processes, in the order in which they are done.

    found: what to examine; None where nothing more is known yet and `source`, a descriptor, must become readable first.
    unchanged: asked with size and mtime before a file is read; if true it is not, and its fingerprint is None.
    known: asked with the digests before a file is decoded; if true it is not.
    meanwhile: called once, while the first files are being decoded.
    """
    digests_of: dict[bytes, Digests] = {}
    done_early: list[tuple[FileState, Fingerprint | None]] = []

    def tasks() -> Iterator[Task[FileState] | None]:
        for each in found:
            if each is None:
                yield None
                continue
            try:
                if each.error is not None:
                    raise each.error
                descriptor, status = open_file(each.path, follow=each.named)
            except MediaError as error:
                failed = Fingerprint(None, 0, error=Failure(error.code, error.message))
                done_early.append((FileState(each.path), failed))
                yield None
                continue
            state = FileState(each.path, status.st_size, status.st_mtime_ns)
            if unchanged(state):
                os.close(descriptor)
                done_early.append((state, None))
                yield None
            else:
                yield Task(state, settings, descriptor)

    def answer(state: FileState, digests: Digests) -> bool:
        digests_of[state.path] = digests  # kept, in case the decoder takes the worker down with it
        return known(state, digests)

    with Pool(_work, isolation) as pool:
        for outcome in pool.run(tasks(), answer, source, lambda: bool(done_early), meanwhile):
            while done_early:
                yield done_early.pop(0)
            if outcome is None:
                continue
            state = outcome.key
            digests = digests_of.pop(state.path, None)
            if outcome.failure is None:
                assert isinstance(outcome.result, Fingerprint)
                yield state, _judge_name(state, outcome.result)
            else:
                yield state, Fingerprint(None, state.size, digests, error=outcome.failure)
        yield from done_early


def _judge_name(state: FileState, result: Fingerprint) -> Fingerprint:
    """Say so where a name claims media and the content is none; an empty one of these is damaged media."""
    if result.kind is not None or not named_like_media(state.path):
        return result
    if result.size == 0:
        return replace(result, kind="image", error=Failure("corrupt", _("is empty")))
    message = _("is named like an image or film, but its content is neither")
    return replace(result, error=Failure("unsupported-format", message))


def _work(settings: Settings, descriptor: int, ask: Callable[[Digests], bool], beat: Callable[[], None]) -> Fingerprint:
    """Runs in a worker process: fingerprint the file behind a descriptor, and say if it changed meanwhile."""
    with open(descriptor, "rb") as file:
        before = os.fstat(descriptor)
        try:
            result = fingerprint(file, settings, ask, _at_most_each_second(beat))
        except OSError as error:
            return Fingerprint("image", before.st_size, error=Failure("io-error", error.strerror or str(error)))
        after = os.fstat(descriptor)
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        return Fingerprint(
            result.kind, after.st_size, error=Failure("changed-while-read", _("changed while it was read"))
        )
    return result


def _at_most_each_second(beat: Callable[[], None]) -> Callable[[], None]:
    last = time.monotonic()

    @functools.wraps(beat)
    def limited() -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= 1:
            last = now
            beat()

    return limited


def is_skipped(result: Fingerprint) -> bool:
    """Whether the file is no media, rather than media that could not be examined."""
    return result.kind is None and (result.error is None or result.error.code == "unsupported-format")

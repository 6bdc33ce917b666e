"""Many files to their fingerprints, in worker processes, so that a file that crashes or hangs a decoder costs nothing but
itself.
"""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hashmatch import hashers
from hashmatch.errors import CODES, MediaError
from hashmatch.fingerprints.film import Parts
from hashmatch.fingerprints.one_file import Beat, fingerprint, fingerprint_share, joined, kind_of
from hashmatch.fingerprints.picture import prepare
from hashmatch.fingerprints.settings import Settings
from hashmatch.hashers.borders import MOST_VIEWS
from hashmatch.hashers.local_features import are_features
from hashmatch.i18n import _
from hashmatch.isolation import Isolation, Pool, Task
from hashmatch.isolation.pool import LONGEST_COMPLAINT, TaskResult
from hashmatch.isolation.wire import NonsenseError
from hashmatch.media import MediaType, load_decoder, need
from hashmatch.media.files import FoundPath, chunks, digest, open_file
from hashmatch.media.sampling import FilmShare
from hashmatch.media.sniff import HEAD_BYTES, named_like_media, sniff
from hashmatch.records import LONGEST_FILM, Digests, Failure, Fingerprint, Glance, Hash, Kind, Length, Pixels

#: What a worker asks: is this known, what is worth decoding, who shares it.
Question = Digests | Glance | Length


@dataclass(frozen=True, slots=True)
class FileState:
    """A file as it was when opened; size in bytes, mtime in nanoseconds. None where it could not be opened."""

    path: bytes
    size: int = 0
    mtime_ns: int = 0


def fingerprints(
    found: Iterable[FoundPath | None],
    settings: Settings,
    isolation: Isolation,
    *,
    unchanged: Callable[[FileState], bool] = lambda state: False,
    known: Callable[[FileState, Digests], bool] = lambda state, digests: False,
    look: Callable[[FileState, Glance], Parts] = lambda state, glance: (),
    moved: Callable[[FileState, float], object] = lambda state, share: None,
    source: int | None = None,
    meanwhile: Callable[[], object] = lambda: None,
    locked: Callable[[tuple[str, ...]], object] = lambda steps: None,
    shares: Callable[[FileState, Length | None], FilmShare] | None = None,
) -> Generator[tuple[FileState, Fingerprint | None]]:
    """Fingerprint many files in worker processes, in the order in which they are done.

    found: what to examine; None where nothing more is known yet and `source`, a descriptor, must become readable first.
    unchanged: asked with size and mtime before a file is read; if true it is not, and its fingerprint is None.
    known: asked with the digests before a file is decoded; if true it is not.
    look: asked with the key frames of a film which parts of it to decode. moved: told how much of a long film is done.
    meanwhile: called once, while the first files are being decoded. locked: with the steps that each worker has taken.
    shares: where films are shared with workers elsewhere: asked which share of one to do here, as it is opened, and of the
    first share again once its length is known; then the fingerprint is that of this share, for `joined`.
    """
    done_early: list[tuple[FileState, Fingerprint | None]] = []

    def tasks() -> Iterator[Task[_Case] | None]:
        for each in found:
            if each is None:
                yield None
                continue
            try:
                opened = _open(each, unchanged)
            except MediaError as error:
                failed = Fingerprint(None, 0, error=Failure(error.code, error.message))
                opened = FileState(each.path), failed
            if isinstance(opened, tuple):
                done_early.append(opened)
                yield None
            else:
                if shares is not None:
                    opened.share, opened.others_elsewhere = shares(opened.state, None), True
                yield _task(opened, settings)

    # The settings go to each worker once, and not with every file.
    work, prepare = functools.partial(_work, settings), functools.partial(_prepare, settings)
    with Pool(work, isolation, question=Question, result=Fingerprint, prepare=prepare, locked=locked) as pool:

        def answer(case: _Case, question: Question) -> bool | Parts | int:
            if isinstance(question, Glance):
                if not are_credible_hashes(question.hashes, settings):
                    raise NonsenseError("a glance that cannot be")
                return look(case.state, question)
            if isinstance(question, Length):
                case.seconds = question.seconds
                if shares is not None and question.can_be_shared:
                    case.share = shares(case.state, question)
                    return case.share.of
                return _share(case, pool, settings) if question.can_be_shared else 1
            case.digests = question  # kept, in case the decoder takes the worker down with it
            case.is_known = known(case.state, question)
            return case.is_known

        def accept(case: _Case, result: Fingerprint) -> bool:
            return _is_credible(case, result, settings)

        def moved_on(case: _Case, position: float) -> None:
            if case.whole.seconds:
                moved(case.state, min(1.0, position / case.whole.seconds))

        for outcome in pool.run(tasks(), answer, source, lambda: bool(done_early), meanwhile, accept, moved_on):
            while done_early:
                yield done_early.pop(0)
            if outcome is None or not outcome.key.is_last(outcome):
                continue
            case = outcome.key.whole
            failure = next((each.failure for each in case.outcomes if each.failure is not None), None)
            if failure is None:
                results = [each.result for each in sorted(case.outcomes, key=lambda each: each.key.share.number)]
                result = results[0] if len(results) == 1 else joined(results, settings)
                yield case.state, judge_name(case.state, result)
            else:
                digests = case.digests or (_own_digests(case.state, failure) if settings.digests else None)
                yield case.state, Fingerprint(None, case.state.size, digests, error=failure)
        yield from done_early


class _Case:
    """A file that is being worked on, or one worker's share of it, and what its worker has asked of it."""

    def __init__(
        self, state: FileState, media_type: MediaType, descriptor: int, share: FilmShare = FilmShare()
    ) -> None:
        self.state, self.media_type, self.descriptor, self.share = state, media_type, descriptor, share
        self.whole = self  # or the case that has the first share
        self.others_elsewhere = False
        self.digests: Digests | None = None
        self.is_known = False
        self.seconds = 0.0
        self.outcomes: list[TaskResult[_Case]] = []

    def is_last(self, outcome: TaskResult[_Case]) -> bool:
        """Note what became of it. Returns whether that was the last share."""
        self.whole.outcomes.append(outcome)
        return self.others_elsewhere or len(self.whole.outcomes) == self.whole.share.of


def _share(case: _Case, pool: Pool, settings: Settings) -> int:
    """Have workers that have nothing to do take their share of a film. Returns how many share it."""
    if case.share.of > 1:
        return case.share.of  # asked again, by a worker that took over from one that died
    descriptors = []
    for _worker in range(pool.free):
        try:
            descriptor, status = open_file(case.state.path)
        except MediaError:
            break
        descriptors.append(descriptor)
        if (status.st_size, status.st_mtime_ns) != (case.state.size, case.state.mtime_ns):
            os.close(descriptors.pop())
            break
    case.share = FilmShare(0, len(descriptors) + 1)
    for number, descriptor in enumerate(descriptors, 1):
        other = _Case(case.state, case.media_type, descriptor, FilmShare(number, case.share.of))
        other.whole = case
        pool.add(_task(other, settings))
    return case.share.of


def _task(case: _Case, settings: Settings) -> Task[_Case]:
    grant = functools.partial(settings.limits.cpu_seconds, case.state.size)
    payload = case.state, case.media_type, case.share
    return Task(case, payload, case.descriptor, need(case.media_type), grant)


def _open(found: FoundPath, unchanged: Callable[[FileState], bool]) -> _Case | tuple[FileState, Fingerprint | None]:
    """Open a file and see what it is; or its result, where that is known already. Raises MediaError."""
    if found.error is not None:
        raise found.error
    descriptor, status = open_file(found.path, follow=found.named)
    state = FileState(found.path, status.st_size, status.st_mtime_ns)
    result: Fingerprint | None = None
    if not unchanged(state):
        try:
            media_type = sniff(_head(descriptor))
        except OSError as error:
            result = Fingerprint("image", state.size, error=Failure("io-error", error.strerror or str(error)))
        else:
            if media_type is not None:
                return _Case(state, media_type, descriptor)
            result = judge_name(state, Fingerprint(None, state.size))
    os.close(descriptor)
    return state, result


def _head(descriptor: int) -> bytes:
    """The beginning of a file, which is then read from its beginning again."""
    if hasattr(os, "pread"):
        return os.pread(descriptor, HEAD_BYTES, 0)
    head = os.read(descriptor, HEAD_BYTES)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return head


def _own_digests(state: FileState, failure: Failure) -> Digests | None:
    """Digests of a file whose worker died before it told them. Not of what hangs, which would hang us too."""
    if failure.code == "timeout":
        return None
    try:
        descriptor, status = open_file(state.path)
        with open(descriptor, "rb") as file:
            return (
                digest(chunks(file)) if (status.st_size, status.st_mtime_ns) == (state.size, state.mtime_ns) else None
            )
    except (MediaError, OSError):
        return None


def _is_credible(case: _Case, result: Fingerprint, settings: Settings) -> bool:
    """Whether a worker that says this of a file can be of sound mind."""
    is_told = result.digests is None or result.digests == case.digests
    return is_told and is_credible(case.state, case.share, case.is_known, result, settings)


def is_credible(state: FileState, share: FilmShare, is_known: bool, result: Fingerprint, settings: Settings) -> bool:
    """Whether this can be true of a file. is_known: whether it was said that its content is known."""
    texts = (result.decoder, result.recipe, result.error.message if result.error else "")
    return (
        (result.error is None or result.error.code in CODES)
        and result.size >= 0
        and (result.size == state.size or (result.error is not None and result.error.code == "changed-while-read"))
        and all(each is None or each >= 0 for each in (result.width, result.height))
        and all(len(text) <= LONGEST_COMPLAINT for text in texts)
        and (is_known if result.known else bool(result.hashes or result.error or result.moments or share.of > 1))
        and (not result.hashes or result.digests is not None or share.number > 0 or not settings.digests)
        and are_credible_hashes(result.hashes, settings)
        and len(result.views) <= MOST_VIEWS
        and len(result.features) <= 2 * settings.features
        and all(map(are_features, result.features))
        and len(result.moments) in (0, len(settings.moments))
        and all(each is None or _are_credible(each, settings.picture_side) for each in (result.pixels, *result.moments))
    )


def are_credible_hashes(hashes: Sequence[Hash], settings: Settings) -> bool:
    most = settings.limits.max_frames + settings.limits.max_pages * len(settings.hashers) + 2 * (MOST_VIEWS + 1)
    widths = {name: hashers.by_name(name).width for name in (*settings.hashers, hashers.GUARD)}
    return len(hashes) <= most and all(
        len(each.bits) == widths.get(each.algorithm)
        and (each.quality is None or 0 <= each.quality <= 100)
        and (each.time is None or 0 <= each.time <= LONGEST_FILM)
        and len(each.view) <= LONGEST_COMPLAINT
        and len(each.turned) in (0, len(each.bits), 7 * len(each.bits))
        for each in hashes
    )


def _are_credible(pixels: Pixels, side: int) -> bool:
    width, height = pixels.width, pixels.height
    return 0 < width <= side and 0 < height <= side and len(pixels.rgb) == 3 * width * height


def judge_name(state: FileState, result: Fingerprint) -> Fingerprint:
    """Say so where a name claims media and the content is none; an empty one of these is damaged media."""
    if result.kind is not None or not named_like_media(state.path):
        return result
    if result.size == 0:
        return replace(result, kind="image", error=Failure("corrupt", _("is empty")))
    message = _("is named like an image or film, but its content is neither")
    return replace(result, error=Failure("unsupported-format", message))


def _prepare(settings: Settings, needs: frozenset[str]) -> None:
    """Runs in a worker, before it locks itself: import the decoders and hashers, and have the latter do a first picture."""
    for needed in needs:
        load_decoder(needed)
    prepare(settings)


def _work(
    settings: Settings,
    payload: tuple[FileState, MediaType, FilmShare],
    descriptor: int,
    ask: Callable[[Any], Any],
    beat: Beat,
) -> Fingerprint:
    """Runs in a worker process: fingerprint the file behind a descriptor, and say if it changed since it was opened."""
    before, expected, share = payload
    with open(descriptor, "rb") as file:
        if sniff(_head(descriptor)) != expected:  # and is of a kind that this worker may have no decoder for
            return _changed(kind_of(expected), os.fstat(descriptor).st_size)
        try:
            if share.number:
                result = fingerprint_share(file, expected, settings, share, _at_most_each_second(beat))
            else:
                result = fingerprint(file, settings, ask, _at_most_each_second(beat), ask, ask)
        except OSError as error:
            return Fingerprint("image", before.size, error=Failure("io-error", error.strerror or str(error)))
        after = os.fstat(descriptor)
    if (before.size, before.mtime_ns) != (after.st_size, after.st_mtime_ns):
        return _changed(result.kind, after.st_size)
    return result


def _changed(kind: Kind | None, size: int) -> Fingerprint:
    return Fingerprint(kind, size, error=Failure("changed-while-read", _("changed while it was read")))


def _at_most_each_second(beat: Beat) -> Beat:
    last = time.monotonic()

    def limited(position: float) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= 1:
            last = now
            beat(position)

    return limited

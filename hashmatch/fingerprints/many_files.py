"""Many files to their fingerprints, in worker processes: a file that crashes or hangs a decoder costs only itself."""

from __future__ import annotations

import collections
import contextlib
import functools
import os
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from hashmatch.errors import MediaError
from hashmatch.fingerprints.credibility import are_credible_hashes, is_credible
from hashmatch.fingerprints.examiner import ExaminedFile, ExaminerHooks, FileState
from hashmatch.fingerprints.file_case import FileCase, judge_name, way_to_open
from hashmatch.fingerprints.film import Parts
from hashmatch.fingerprints.one_file import ReadingHooks, fingerprint, fingerprint_share, joined, kind_of
from hashmatch.fingerprints.picture import prepare
from hashmatch.fingerprints.settings import Settings, SmallPictures
from hashmatch.isolation import Isolation, Pool, Task
from hashmatch.isolation.wire import NonsenseError
from hashmatch.media import MediaType, first_choice, load_decoder, second_choice
from hashmatch.media.files import FoundPath, chunks, digest, io_error, open_file
from hashmatch.media.opened import Beat
from hashmatch.media.parts import MOST_PARTS
from hashmatch.media.sampling import FilmShare
from hashmatch.media.sniff import HEAD_BYTES, sniff
from hashmatch.media.unexamined import unexamined_kind
from hashmatch.messages import Message
from hashmatch.records import DecoderNeeds, Digests, Failure, Fingerprint, Glance, Kind, Length, Sighting

#: What a worker asks: whether content is known, which parts of a film to decode, whether nothing explains a picture yet, how
#: many workers share a film, and whether another worker, which has these decoders, should do the file.
Question = Digests | Glance | Sighting | Length | DecoderNeeds


#: Seconds of CPU time after its limit at which the system ends a worker that did not end the file itself.
GRACE = 1.0

#: Asked which share of a film to decode here, where workers elsewhere decode the others: when the file is opened (the
#: length is None then), and for the first share again once the film's length is known.
ShareFilm = Callable[[FileState, Length | None], FilmShare]


@dataclass(frozen=True, slots=True)
class LocalExaminer:
    """Examines files in worker processes of this machine; each file is yielded by itself, as soon as it is done.

    share_film: for films whose other shares are decoded elsewhere. The fingerprint is then that of one share, for
    `joined`. By default all workers that are free take a share of a long film.
    """

    isolation: Isolation
    share_film: ShareFilm | None = None

    def examine(
        self,
        found: Iterable[FoundPath | None],
        settings: Settings,
        hooks: ExaminerHooks = ExaminerHooks(),
        input_descriptor: int | None = None,
    ) -> Generator[tuple[ExaminedFile]]:
        """As Examiner.examine. Raises CommandError if a sandbox is required and this system has none."""
        examination = _Examination(settings, hooks, self.share_film)
        # The settings go to each worker once, and not with every file.
        work, prepare = functools.partial(_work, settings), functools.partial(_prepare, settings)
        with Pool(
            work, self.isolation, question=Question, result=Fingerprint, prepare=prepare, on_locked=hooks.on_locked
        ) as pool:
            outcomes = pool.run(
                examination.tasks(found),
                functools.partial(examination.answer, pool),
                input_descriptor,
                examination.has_done_early,
                hooks.prepare,
                examination.accepts,
                examination.note_progress,
            )
            for outcome in outcomes:
                while examination.done_early:
                    yield (examination.done_early.popleft(),)
                if outcome is None or not outcome.key.is_last(outcome):
                    continue
                result = examination.result_of(outcome.key.whole)
                again = examination.once_more(outcome.key.whole, result)
                if again is None:
                    yield (result,)
                else:
                    pool.add(again)
            for each in examination.done_early:
                yield (each,)


def fingerprints(
    found: Iterable[FoundPath | None], settings: Settings, isolation: Isolation, hooks: ExaminerHooks = ExaminerHooks()
) -> Generator[ExaminedFile]:
    """Examine many files on this machine, in the order in which they are done. Arguments: as for LocalExaminer."""
    with contextlib.closing(LocalExaminer(isolation).examine(found, settings, hooks)) as batches:
        for batch in batches:
            yield from batch


class _Examination:
    """One examination, as the parent of the workers sees it. done_early: files that no worker was needed for."""

    def __init__(self, settings: Settings, hooks: ExaminerHooks, share_film: ShareFilm | None) -> None:
        self._settings, self._hooks, self._share_film = settings, hooks, share_film
        self.done_early = collections.deque[ExaminedFile]()

    def tasks(self, found: Iterable[FoundPath | None]) -> Iterator[Task[FileCase] | None]:
        """What workers are to do; None whenever there is nothing to do for now, or something was done early."""
        for each in found:
            if each is None:
                yield None
                continue
            try:
                opened = _open(each, self._hooks.is_unchanged)
            except MediaError as error:
                failed = Fingerprint(None, 0, error=error.failure)
                opened = ExaminedFile(FileState(each.path), failed)
            if isinstance(opened, ExaminedFile):
                self.done_early.append(opened)
                yield None
                continue
            if self._share_film is not None:
                opened.share, opened.others_elsewhere = self._share_film(opened.state, None), True
            yield _task(opened, self._settings)

    def has_done_early(self) -> bool:
        return bool(self.done_early)

    def answer(self, pool: Pool, case: FileCase, question: Question) -> bool | Parts | int:
        """Answer a worker's question. Raises NonsenseError if no worker of sound mind would ask it."""
        if isinstance(question, Glance):
            if not are_credible_hashes(question.hashes, self._settings):
                raise NonsenseError("a glance that cannot be")
            return self._hooks.parts_to_decode(case.state, question)
        if isinstance(question, Sighting):
            if not are_credible_hashes(question.hashes, self._settings):
                raise NonsenseError("a sighting that cannot be")
            return self._hooks.is_unexplained(case.state, question)
        if isinstance(question, Length):
            return self._sharers(pool, case, question)
        if isinstance(question, DecoderNeeds):
            if case.needs >= set(question.names) or len(question.names) > MOST_PARTS:
                raise NonsenseError("needs that cannot be")
            case.lacked = frozenset(question.names)
            return False
        case.digests = question  # kept, in case the decoder takes the worker down with it
        case.is_known = self._hooks.is_known(case.state, question)
        return case.is_known

    def _sharers(self, pool: Pool, case: FileCase, length: Length) -> int:
        """How many workers share a film."""
        case.seconds = length.seconds
        if not length.can_be_shared:
            return 1
        if self._share_film is None:
            return _share(case, pool, self._settings)
        case.share = self._share_film(case.state, length)
        return case.share.of

    def accepts(self, case: FileCase, result: Fingerprint) -> bool:
        return bool(case.lacked) or _is_credible(case, result, self._settings)

    def note_progress(self, case: FileCase, position: float) -> None:
        """position: seconds of film that have been decoded."""
        if case.whole.seconds:
            self._hooks.on_progress(case.state, min(1.0, position / case.whole.seconds))

    def result_of(self, case: FileCase) -> ExaminedFile:
        """A file all shares of which are done, or have failed."""
        if case.lacked:  # given up by its worker; what it said of the file does not count
            return ExaminedFile(case.state, _changed(kind_of(case.media_type), case.state.size))
        result = self._result_of(case)
        fingerprint = result.fingerprint
        first = case.first and case.first.fingerprint
        if first and fingerprint and fingerprint.error and len(fingerprint.hashes) <= len(first.hashes):
            return case.first or result  # the second choice has not read more of it
        return result

    def _result_of(self, case: FileCase) -> ExaminedFile:
        failure = next((each.failure for each in case.outcomes if each.failure is not None), None)
        if failure is None:
            results = [each.result for each in sorted(case.outcomes, key=lambda each: each.key.share.number)]
            result = results[0] if len(results) == 1 else joined(results, self._settings)
            return ExaminedFile(case.state, judge_name(case.name, result, case.head))
        digests = case.digests or (_own_digests(case.state, failure) if self._settings.digests else None)
        return ExaminedFile(case.state, Fingerprint(None, case.state.size, digests, error=failure))

    def once_more(self, case: FileCase, examined: ExaminedFile) -> Task[FileCase] | None:
        """What is left to do of a file that a worker is done with: to open it with more decoders, or with another one that
        may read what the first one could not. None if nothing is, or if the file has changed."""
        fingerprint = examined.fingerprint
        assert fingerprint is not None
        other: MediaType | None = None
        is_short = not fingerprint.hashes or (fingerprint.error and fingerprint.error.code == "unsupported-format")
        if not case.lacked and fingerprint.error is not None and is_short and not case.is_second:
            other = second_choice(case.media_type, b"", case.name, fingerprint.error)
        if not case.lacked and other is None:
            return None
        try:
            descriptor, status = open_file(case.state.path)
        except MediaError:
            return None
        if (status.st_size, status.st_mtime_ns) != (case.state.size, case.state.mtime_ns):
            os.close(descriptor)
            return None
        again = FileCase(case.state, case.sniffed, other or case.media_type, descriptor)
        again.needs |= case.lacked
        again.name, again.head = case.name, case.head
        again.others_elsewhere = case.others_elsewhere
        again.first, again.is_second = (examined if other else case.first), other is not None or case.is_second
        return _task(again, self._settings)


def _share(case: FileCase, pool: Pool, settings: Settings) -> int:
    """Have idle workers take their share of a film. Returns how many workers share it."""
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
        other = FileCase(case.state, case.sniffed, case.media_type, descriptor, FilmShare(number, case.share.of))
        other.whole, other.needs = case, case.needs
        pool.add(_task(other, settings))
    return case.share.of


def _task(case: FileCase, settings: Settings) -> Task[FileCase]:
    def grant(pixels: int) -> float:
        return settings.limits.cpu_seconds(case.state.size, pixels) + GRACE

    payload = case.state, case.sniffed, case.media_type, case.share
    return Task(case, payload, case.descriptor, case.needs, grant)


def _open(found: FoundPath, is_unchanged: Callable[[FileState], bool]) -> FileCase | ExaminedFile:
    """Open a file and recognise its type. Returns its result if no worker is needed for that. Raises MediaError."""
    if found.error is not None:
        raise found.error
    descriptor, status = open_file(found.path, follow=found.named)
    state, name = FileState(found.path, status.st_size, status.st_mtime_ns), found.called or found.path
    result: Fingerprint | None = None
    if not is_unchanged(state):
        try:
            head = _head(descriptor)
            media_type = sniff(head)
            kind = None if media_type else unexamined_kind(head, functools.partial(_read_at, descriptor))
        except OSError as error:
            result = Fingerprint("image", state.size, error=io_error(error).failure)
        else:
            named = first_choice(media_type, name) if media_type is not None else None
            chosen = named or way_to_open(kind, head, name)
            if chosen is not None:
                case = FileCase(state, media_type, chosen, descriptor)
                case.head, case.name = head, name
                return case
            result = judge_name(name, Fingerprint(None, state.size, unexamined=kind), head)
    os.close(descriptor)
    return ExaminedFile(state, result)


def _head(descriptor: int) -> bytes:
    """The beginning of a file, which is then read from its beginning again."""
    if hasattr(os, "pread"):
        return os.pread(descriptor, HEAD_BYTES, 0)
    head = os.read(descriptor, HEAD_BYTES)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return head


def _read_at(descriptor: int, place: int, length: int) -> bytes:
    """A few bytes of a file, which is then read from its beginning again."""
    os.lseek(descriptor, place, os.SEEK_SET)
    found = os.read(descriptor, length)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return found


def _own_digests(state: FileState, failure: Failure) -> Digests | None:
    """Digests of a file whose worker died before it reported them; None after a hang, which might hang this process too."""
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


def _is_credible(case: FileCase, result: Fingerprint, settings: Settings) -> bool:
    """Whether a worker of sound mind could say this of its file."""
    is_told = (result.digests is None or result.digests == case.digests) and (case.is_known or not result.known)
    if case.media_type.decoder in ("probe", "sound") and replace(result, digests=None, known=False) == _nothing(result):
        return is_told and result.size == case.state.size  # asked whether there is a film in it, and there is none
    return is_told and is_credible(case.state, case.share, case.is_known, result, settings)


def _nothing(result: Fingerprint) -> Fingerprint:
    return Fingerprint(None, result.size, unexamined=result.unexamined)


#: What this process has loaded, by the names that `load_decoder` takes. Once it is locked, it can load no more.
_loaded: set[str] = set()


def _prepare(settings: Settings, needs: frozenset[str]) -> None:
    """Runs in a worker before it locks itself: import the decoders and hashers, and hash a first picture."""
    for needed in needs:
        load_decoder(needed)
    _loaded.update(needs)
    prepare(settings)


def _work(
    settings: Settings,
    payload: tuple[FileState, MediaType | None, MediaType, FilmShare],
    descriptor: int,
    ask: Callable[[Any], Any],
    beat: Beat,
) -> Fingerprint:
    """Runs in a worker: fingerprint the file behind a descriptor. Its error says if the file has changed since it was
    opened."""
    before, sniffed, media_type, share = payload
    with open(descriptor, "rb") as file:
        if sniff(_head(descriptor)) != sniffed:  # this worker may have no decoder for its new type
            return _changed(kind_of(media_type), os.fstat(descriptor).st_size)
        try:
            if share.number:
                assert not isinstance(settings, SmallPictures)  # nobody shares these
                result = fingerprint_share(file, media_type, settings, share, _at_most_each_second(beat))
            else:
                hooks = ReadingHooks(ask, _at_most_each_second(beat), ask, ask, functools.partial(_has, ask), ask)
                result = fingerprint(file, settings, hooks, media_type)
        except OSError as error:
            return Fingerprint("image", before.size, error=io_error(error).failure)
        after = os.fstat(descriptor)
    if (before.size, before.mtime_ns) != (after.st_size, after.st_mtime_ns):
        return _changed(result.kind, after.st_size)
    return result


def _has(ask: Callable[[Any], Any], needs: frozenset[str]) -> bool:
    """Whether this worker has these decoders; if not, the parent is told."""
    return needs <= _loaded or bool(ask(DecoderNeeds(tuple(sorted(needs)))))


def _changed(kind: Kind | None, size: int) -> Fingerprint:
    return Fingerprint(kind, size, error=Failure("changed-while-read", Message.of("changed-while-read")))


def _at_most_each_second(beat: Beat) -> Beat:
    last = time.monotonic()

    def limited(position: float, pixels: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= 1:
            last = now
            beat(position, pixels)

    return limited

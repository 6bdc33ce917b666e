"""The process beside a Dask worker that examines files as on one machine: the parent of one locked worker process.

It is a process of its own because it forks: a Dask worker has threads, and may itself be a process that is not allowed
children. It reads a Run and then Jobs from standard input, a line of JSON each, and writes their outcomes to standard output
in the same way. It ends when its input ends, and is killed with the Dask worker.
"""

from __future__ import annotations

import collections
import os
import select
import sys
import warnings
from collections.abc import Iterator
from typing import BinaryIO

from hashmatch import i18n
from hashmatch.cluster import sources
from hashmatch.cluster.jobs import Job, JobOutcome, News, Run
from hashmatch.errors import CommandError, MediaError
from hashmatch.fingerprints.examiner import ExaminerHooks, FileState
from hashmatch.fingerprints.film import Parts
from hashmatch.fingerprints.many_files import LocalExaminer
from hashmatch.isolation import wire
from hashmatch.isolation.parent import end_with_parent
from hashmatch.media.files import FoundPath
from hashmatch.media.sampling import FilmShare
from hashmatch.media.urls import is_url
from hashmatch.records import Digests, Fingerprint, Glance, Length

#: A film is shared by at most one worker per this many seconds.
WORTH_SHARING = 120.0
_READ_AT_ONCE = 1 << 16


def main() -> None:
    end_with_parent()  # the Dask worker may be killed while a film is being decoded
    warnings.simplefilter("ignore")  # of libraries, about threads of theirs or hostile files
    replies = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # so that nothing a library prints is taken for a reply
    try:
        _Host(sys.stdin.fileno(), replies).serve()
    except CommandError as error:
        _tell(replies, "refused", str(error))
    except BrokenPipeError:
        pass


class _Host:
    """The jobs under way, by the path that the locked worker's parent opens."""

    def __init__(self, input_descriptor: int, replies: BinaryIO) -> None:
        self._input, self._replies = input_descriptor, replies
        self._lines = _lines(input_descriptor)
        self._jobs: dict[bytes, collections.deque[Job]] = {}
        self._fetched: dict[bytes, sources.Fetched] = {}
        self._shares: dict[bytes, FilmShare] = {}
        self._glances: dict[bytes, Glance] = {}

    def serve(self) -> None:
        first = next(self._lines, None)
        if first is None:
            return
        run = wire.read(Run, wire.unpack(first)[1])
        i18n.activate(run.language)
        hooks = ExaminerHooks(
            is_known=self._is_known,
            parts_to_decode=self._parts_to_decode,
            on_progress=self._tell_progress,
            on_locked=lambda steps: _tell(self._replies, "locked", steps),
        )
        examiner = LocalExaminer(run.isolation, self._share)
        for batch in examiner.examine(self._found(run), run.settings, hooks, self._input):
            for state, fingerprint in batch:
                assert fingerprint is not None
                self._done(state, fingerprint)

    def _found(self, run: Run) -> Iterator[FoundPath | None]:
        """The files of the jobs that have come in; None when there are no more for now."""
        for line in self._lines:
            if line is None:
                yield None
                continue
            job = wire.read(Job, wire.unpack(line)[1])
            path, named = job.path, job.named
            if is_url(path):
                try:
                    fetched = sources.fetch(path, run.settings.limits.max_bytes)
                except MediaError as error:
                    failed = Fingerprint(None, 0, error=error.failure)
                    _tell(self._replies, "outcome", JobOutcome(job.number, 0, 0, failed))
                    continue
                path, named = fetched.path, True
                self._fetched[path] = fetched
            self._jobs.setdefault(path, collections.deque()).append(job)
            yield FoundPath(path, named=named, called=job.path)

    def _job(self, state: FileState) -> Job:
        return self._jobs[state.path][0]

    def _is_known(self, state: FileState, digests: Digests) -> bool:
        return digests.sha256 in self._job(state).known

    def _parts_to_decode(self, state: FileState, glance: Glance) -> Parts:
        parts = self._job(state).parts
        if parts is None:
            self._glances[state.path] = glance
        return parts or ()

    def _share(self, state: FileState, length: Length | None) -> FilmShare:
        job = self._job(state)
        if length is None:
            return job.share
        of = max(1, min(job.most, int(length.seconds / WORTH_SHARING)))
        if of > 1:
            self._shares[state.path] = FilmShare(0, of)
            self._tell_progress(state, 0.0)
        return FilmShare(0, of)

    def _tell_progress(self, state: FileState, done: float) -> None:
        share = self._shares.get(state.path, FilmShare())
        _tell(self._replies, "news", News(self._job(state).number, share.of, done))

    def _done(self, state: FileState, result: Fingerprint) -> None:
        job = self._jobs[state.path].popleft()
        if not self._jobs[state.path]:
            del self._jobs[state.path]
        size: int = state.size
        mtime_ns: int | None = state.mtime_ns
        fetched = self._fetched.pop(state.path, None)
        if fetched is not None:
            fetched.file.close()
            size, mtime_ns = fetched.size, fetched.mtime_ns
        share = self._shares.pop(state.path, job.share)
        glance = self._glances.pop(state.path, None)
        _tell(self._replies, "outcome", JobOutcome(job.number, size, mtime_ns, result, share, glance))


def _tell(replies: BinaryIO, kind: str, content: object) -> None:
    line = memoryview(wire.pack(kind, content) + b"\n")
    while line:
        line = line[replies.write(line) :]


def _lines(descriptor: int) -> Iterator[bytes | None]:
    """Whole lines as they come in; None when the next one has not come yet."""
    rest = b""
    while chunk := os.read(descriptor, _READ_AT_ONCE):
        *lines, rest = (rest + chunk).split(b"\n")
        yield from lines
        if not select.select([descriptor], [], [], 0)[0]:
            yield None


if __name__ == "__main__":
    main()

"""Many files to their fingerprints on a cluster, as fingerprints/many_files.py does it on one machine.

The client walks the folders and asks the database; workers read and decode. Small files travel in batches, and several
workers share a long film, split at key frames. Just enough batches are in flight that no worker has to wait.
"""

from __future__ import annotations

import itertools
import os
import uuid
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from hashmatch.cluster import dask_worker
from hashmatch.cluster.connection import Cluster, TaskOutcome, release
from hashmatch.cluster.jobs import Batch, Job, JobOutcome, News, Run
from hashmatch.cluster.sizes import Sizes
from hashmatch.cluster.sources import FoundObject
from hashmatch.cluster.versions import facts
from hashmatch.errors import CommandError, MediaError
from hashmatch.fingerprints.credibility import are_credible_hashes, is_credible
from hashmatch.fingerprints.examiner import ExaminedFile, ExaminerHooks, FileState
from hashmatch.fingerprints.one_file import joined
from hashmatch.fingerprints.settings import ReferenceOrQuery
from hashmatch.i18n import _, language
from hashmatch.isolation import Isolation, wire
from hashmatch.media.files import FoundPath, open_file
from hashmatch.media.sampling import FilmShare
from hashmatch.media.urls import absolute, is_url
from hashmatch.messages import Message
from hashmatch.records import Failure, Fingerprint

if TYPE_CHECKING:
    from distributed import Future

#: At most this many files or bytes per batch; a larger file is a batch of its own. A film of that many bytes takes seconds,
#: and in the end all workers wait for the last batch.
BATCH_FILES, BATCH_BYTES = 32, 4 << 20
#: At most this many workers share a film from an object store, since each of them reads all of it.
MOST_READERS = 4
#: Batches in flight per thread of a worker: one being examined, one waiting there, one on its way.
IN_FLIGHT = 3
#: Seconds to wait for news before checking that the scheduler is still there.
LOOK = 0.5


@dataclass(slots=True)
class _Case:
    """A file under way. of: how many shares it is examined in. again: the numbers of shares that are tried a second time,
    because workers died of their batch. outcomes: by the number of the share."""

    state: FileState
    job: Job
    of: int = 1
    again: set[int] = field(default_factory=set)
    outcomes: dict[int, JobOutcome] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ClusterExaminer:
    """Examines files on a cluster; yields files in batches, as workers report them.

    isolation: of the locked worker processes; each thread of a Dask worker has one. sizes: of the content that the reference
    set has.
    """

    cluster: Cluster
    isolation: Isolation
    sizes: Sizes

    def examine(
        self,
        found: Iterable[FoundPath | None],
        settings: ReferenceOrQuery,
        hooks: ExaminerHooks = ExaminerHooks(),
        input_descriptor: int | None = None,
    ) -> Generator[list[ExaminedFile]]:
        """As Examiner.examine. Raises CommandError if a worker would come to other results, or the scheduler is gone."""
        examination = _Examination(self.cluster, self.sizes, settings, hooks)
        return examination.run(iter(found), self.isolation, input_descriptor)


class _Examination:
    """One examination, as its client sees it."""

    def __init__(self, cluster: Cluster, sizes: Sizes, settings: ReferenceOrQuery, hooks: ExaminerHooks) -> None:
        self._cluster, self._sizes, self._settings, self._hooks = cluster, sizes, settings, hooks
        self._run = b""  # the Run, packed
        self._steps = tuple[str, ...]()
        self._numbers = itertools.count()
        self._cases: dict[int, _Case] = {}
        self._pending: list[Job] = []
        self._pending_bytes = 0
        self._flying: dict[str, tuple[Future[Any], tuple[Job, ...]]] = {}
        self._done: list[ExaminedFile] = []

    def run(
        self, found: Iterator[FoundPath | None], isolation: Isolation, input_descriptor: int | None
    ) -> Generator[list[ExaminedFile]]:
        """Examine files. Arguments: as for ClusterExaminer."""
        name = f"hashmatch-{uuid.uuid4().hex}"
        run = Run(name, self._settings, replace(isolation, workers=1), facts(self._settings), language())
        self._run = wire.pack("run", run)
        self._check_workers()
        self._cluster.client.subscribe_topic(name, lambda event: self._cluster.heard.put(event[1]))
        try:
            yield from self._examine(found, input_descriptor)
        finally:
            self._flying.clear()  # Dask drops a task with the last mention of its future
            release(self._cluster, name)

    def _examine(self, found: Iterator[FoundPath | None], input_descriptor: int | None) -> Iterator[list[ExaminedFile]]:
        exhausted = dry = prepared = False
        while not exhausted or self._cases or self._done:
            while not (exhausted or dry or self._done) and self._has_room():
                each = next(found, ...)
                if each is ...:
                    exhausted = True
                elif each is None:
                    dry = input_descriptor is not None
                else:
                    self._take(each)
            if self._done:
                done, self._done = self._done, []
                yield done
            if exhausted or dry or not self._has_room():
                self._submit_pending()
            if self._flying and not prepared:
                self._hooks.prepare()
                prepared = True
            if self._flying or dry:
                dry = not self._wait(input_descriptor if dry else None) and dry

    def _has_room(self) -> bool:
        return len(self._flying) < IN_FLIGHT * max(1, sum(self._cluster.workers().values()))

    def _check_workers(self) -> None:
        """Raises CommandError if a worker would come to other results. Workers that come later check their first batch."""
        places = list(self._cluster.look_again())
        for place, answer in self._cluster.ask_soon(places, dask_worker.check_facts, self._run).items():
            if isinstance(answer, Exception):
                message = _("worker {place} cannot run this version of hashmatch: {reason}")
                raise CommandError(message.format(place=place, reason=f"{type(answer).__name__}: {answer}"))
            if answer:
                raise CommandError(str(answer))

    def _take(self, found: FoundPath) -> None:
        """Make a job of a file, unless its result is clear without reading it."""
        try:
            state, may_be_unchanged = _state_of(found)
        except MediaError as error:
            failed = Fingerprint(None, 0, error=error.failure)
            self._done.append(ExaminedFile(FileState(found.path), failed))
            return
        if may_be_unchanged and self._hooks.is_unchanged(state):
            self._done.append(ExaminedFile(state, None))
            return
        most = max(1, sum(self._cluster.workers().values()))
        if is_url(found.path):
            most = min(most, MOST_READERS)
        known = self._sizes.digests(state.size)
        job = Job(next(self._numbers), absolute(found.path), found.named, known, most=most)
        self._cases[job.number] = _Case(state, job)
        self._queue(job)

    def _queue(self, job: Job, alone: bool = False) -> None:
        """Put a job into the next batch, or send it by itself."""
        size = self._cases[job.number].state.size
        if alone or size >= BATCH_BYTES:
            self._submit((job,))
            return
        self._pending.append(job)
        self._pending_bytes += size
        if len(self._pending) >= BATCH_FILES or self._pending_bytes >= BATCH_BYTES:
            self._submit_pending()

    def _submit_pending(self) -> None:
        if self._pending:
            jobs, self._pending, self._pending_bytes = tuple(self._pending), [], 0
            self._submit(jobs)

    def _submit(self, jobs: tuple[Job, ...]) -> None:
        name = f"examine-{uuid.uuid4().hex}"
        future = self._cluster.submit(dask_worker.examine, self._run, wire.pack("jobs", jobs), name=name)
        self._flying[name] = future, jobs

    def _wait(self, input_descriptor: int | None) -> bool:
        """Wait for news of batches, or until the input can be read. Returns whether it can."""
        heard, is_readable = self._cluster.heard.wait(LOOK, input_descriptor)
        self._cluster.workers()  # raises if there are none, so that nobody waits in vain
        for each in heard:
            if isinstance(each, bytes):
                self._hear_news(each)
            elif each.name in self._flying:
                self._hear(each)
        return is_readable

    def _hear_news(self, line: bytes) -> None:
        """Take in how far a film is, and send its other shares to workers."""
        try:
            news = wire.read(News, wire.unpack(line)[1])
        except wire.NonsenseError:
            return  # what counts comes with the outcome
        case = self._cases.get(news.number)
        if case is None:
            return
        self._share(case, news.of)
        if 0 <= news.done <= 1:
            self._hooks.on_progress(case.state, news.done)

    def _share(self, case: _Case, of: int) -> None:
        """Send the other shares of a film to workers."""
        if case.of > 1 or not 1 < of <= case.job.most:
            return
        case.of = of
        for number in range(1, of):
            self._submit((replace(case.job, known=(), share=FilmShare(number, of)),))

    def _hear(self, answer: TaskOutcome) -> None:
        """Take in the outcomes of a batch."""
        from distributed import KilledWorker

        _future, jobs = self._flying.pop(answer.name)
        try:
            first, *lines = self._result(answer).split(b"\n")
            kind, content = wire.unpack(first)
            if kind == "refused":
                raise CommandError(wire.read(str, content))
            batch = wire.read(Batch, content)
            outcomes = [wire.read(JobOutcome, wire.unpack(line)[1]) for line in lines]
            by_number = {outcome.number: outcome for outcome in outcomes}
            if by_number.keys() != {job.number for job in jobs} or len(by_number) != len(outcomes):
                raise wire.NonsenseError("outcomes of other jobs")
            for job in jobs:
                self._take_outcome(job, by_number[job.number])
        except KilledWorker:
            self._killed(jobs)
            return
        except wire.NonsenseError as error:
            message = _("a worker of the cluster sent something that no worker of ours sends: {reason}")
            raise CommandError(message.format(reason=error)) from error
        if batch.locked and batch.locked != self._steps:
            self._steps = batch.locked
            self._hooks.on_locked(batch.locked)
        whole = [each.size for each in outcomes if not each.share.number]
        self._cluster.count(batch.place, len(whole), sum(whole), batch.seconds)

    def _result(self, answer: TaskOutcome) -> bytes:
        """What a worker returned. Raises KilledWorker if several workers died of the batch, CommandError if one failed."""
        from distributed import KilledWorker

        try:
            with self._cluster.speaking():
                if answer.error is not None:
                    raise answer.error
        except (KilledWorker, CommandError):
            raise
        except Exception as error:  # for instance, hashmatch is not installed there
            message = _("a worker of the cluster failed: {reason}")
            raise CommandError(message.format(reason=f"{type(error).__name__}: {error}")) from error
        assert isinstance(answer.value, bytes)
        return answer.value

    def _killed(self, jobs: tuple[Job, ...]) -> None:
        """Several Dask workers died of a batch: try each of its files once more, by itself, then give it up.

        A file that was sent by itself is tried again, too: if Dask gives up at once, its worker may have died of anything.
        """
        for job in jobs:
            case = self._cases[job.number]
            if job.share.number not in case.again:
                case.again.add(job.share.number)
                self._queue(job, alone=True)
                continue
            failure = Failure("decoder-crash", Message.of("machines-died"))
            outcome = JobOutcome(job.number, 0, 0, Fingerprint(None, 0, error=failure), job.share)
            self._take_outcome(job, outcome)

    def _take_outcome(self, job: Job, outcome: JobOutcome) -> None:
        """Take in the outcome of a job: examine the file in another way, wait for its other shares, or be done with it."""
        case = self._cases[job.number]
        state = FileState(case.state.path, outcome.size, outcome.mtime_ns or 0)
        result = outcome.result
        if not self._is_credible(job, outcome, state):
            raise wire.NonsenseError("an outcome that cannot be")
        if result.known and result.digests is not None and not self._hooks.is_known(state, result.digests):
            # The reference set has this content, but retracted, or hashed by an older recipe.
            case.job = replace(job, known=())
            self._queue(case.job)
            return
        if outcome.glance is not None and (parts := self._hooks.parts_to_decode(state, outcome.glance)):
            case.job = replace(job, parts=parts)
            self._queue(case.job)
            return
        if not job.share.number:
            self._share(case, outcome.share.of)
            case.state = state
        case.outcomes[job.share.number] = outcome
        if len(case.outcomes) < case.of:
            return
        del self._cases[job.number]
        self._finish(case)

    def _finish(self, case: _Case) -> None:
        """All shares of a file are in."""
        shares = [case.outcomes[number].result for number in range(case.of)]
        crash = next((each for each in shares if each.kind is None and each.error is not None), None)
        if crash is not None:
            result = replace(crash, size=shares[0].size, digests=shares[0].digests or crash.digests)
        elif len({(each.size, each.mtime_ns) for each in case.outcomes.values()}) > 1:  # two files under one name
            failure = Failure("changed-while-read", Message.of("changed-while-read"))
            result = Fingerprint(shares[0].kind, shares[0].size, error=failure)
        else:
            result = shares[0] if len(shares) == 1 else joined(shares, self._settings)
        self._sizes.add(result)
        self._done.append(ExaminedFile(case.state, result))

    def _is_credible(self, job: Job, outcome: JobOutcome, state: FileState) -> bool:
        """Whether a worker of ours could say this of a job."""
        result, glance = outcome.result, outcome.glance
        share = job.share if job.share.number else outcome.share
        is_no_media = result.kind is None and result.error is None and not result.hashes
        return (
            (outcome.share == job.share if job.share.number else outcome.share.number == 0)
            and 1 <= share.of <= job.most
            and (is_no_media or is_credible(state, share, result.known, result, self._settings))
            and not (result.known and (result.digests is None or result.digests.sha256 not in job.known))
            and (glance is None or (job.parts is None and are_credible_hashes(glance.hashes, self._settings)))
        )


def _state_of(found: FoundPath) -> tuple[FileState, bool]:
    """A file as seen from here, and whether that is enough to find it unchanged. Raises MediaError."""
    if found.error is not None:
        raise found.error
    if isinstance(found, FoundObject):
        return FileState(found.path, found.size or 0, found.mtime_ns or 0), None not in (found.size, found.mtime_ns)
    if is_url(found.path):
        return FileState(found.path), False
    descriptor, status = open_file(found.path, follow=found.named)
    os.close(descriptor)
    return FileState(found.path, status.st_size, status.st_mtime_ns), True

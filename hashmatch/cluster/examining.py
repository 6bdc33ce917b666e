"""Many files to their fingerprints on a cluster: what `fingerprinting.fingerprints` does on one machine.

The client walks and asks the database; workers read and decode. Small files travel in batches, long films are shared by
several workers at key frames. So many batches are in flight that no worker waits, and no more.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import uuid
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from hashmatch.cluster import dask_worker
from hashmatch.cluster.connection import Cluster, TaskOutcome, release
from hashmatch.cluster.jobs import Batch, Job, JobOutcome, News, Run
from hashmatch.cluster.sizes import Sizes
from hashmatch.cluster.sources import FoundObject
from hashmatch.cluster.versions import facts
from hashmatch.errors import CommandError, MediaError
from hashmatch.fingerprints.film import Parts
from hashmatch.fingerprints.many_files import FileState, are_credible_hashes, is_credible, judge_name
from hashmatch.fingerprints.one_file import joined
from hashmatch.fingerprints.settings import Settings
from hashmatch.i18n import _, language
from hashmatch.isolation import Isolation, wire
from hashmatch.media.files import FoundPath, open_file
from hashmatch.media.sampling import FilmShare
from hashmatch.media.urls import absolute, is_url
from hashmatch.records import Digests, Failure, Fingerprint, Glance

#: A batch is so many files or bytes, whichever comes first; a larger file is a batch of its own. A film of these bytes takes
#: seconds, and in the end all workers wait for the last batch.
BATCH_FILES, BATCH_BYTES = 32, 4 << 20
#: Workers that share one film of an object store at most, since each of them reads all of it.
MOST_READERS = 4
#: Batches in flight for each thread of a worker: one at work, one that waits there, one on its way.
IN_FLIGHT = 3
#: Seconds to wait for news before a look whether the scheduler is still there.
LOOK = 0.5

Examined = tuple[FileState, Fingerprint | None]


@dataclass(slots=True)
class _Case:
    """A file under way. of: how many shares it is done in; outcomes: of these, by their number. again: those that are tried
    again, since workers died of the batch that they were in."""

    state: FileState
    job: Job
    of: int = 1
    again: set[int] = field(default_factory=set)
    outcomes: dict[int, JobOutcome] = field(default_factory=dict)


class Examiner:
    """Has a cluster examine files."""

    def __init__(
        self,
        cluster: Cluster,
        sizes: Sizes,
        examined: Callable[[Sequence[tuple[FileState, Fingerprint]]], object] = lambda results: None,
    ) -> None:
        """sizes: of what the database has. examined: told of results that will be yielded next, many at once."""
        self._cluster, self._sizes, self._examined = cluster, sizes, examined
        self._numbers = itertools.count()
        self._cases: dict[int, _Case] = {}
        self._pending: list[Job] = []
        self._pending_bytes = 0
        self._flying: dict[str, tuple[Any, tuple[Job, ...]]] = {}
        self._done: list[Examined] = []

    def fingerprints(self, *arguments: Any, **options: Any) -> Generator[Examined]:
        """As `fingerprinting.fingerprints`; arguments: see `batches`."""
        with contextlib.closing(self.batches(*arguments, **options)) as batches:
            for batch in batches:
                yield from batch

    def batches(
        self,
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
    ) -> Generator[list[Examined]]:
        """The same, of as many files at once as were heard of; isolation: of the locked workers, of which each thread of a
        Dask worker has one. Raises CommandError where workers would come to other results, or the scheduler is gone."""
        self._settings, self._known, self._look, self._moved = settings, known, look, moved
        self._locked, self._steps = locked, tuple[str, ...]()
        name = f"hashmatch-{uuid.uuid4().hex}"
        run = Run(name, settings, replace(isolation, workers=1), facts(settings), language())
        self._run = wire.pack("run", run)
        self._check_workers()
        self._cluster.client.subscribe_topic(name, lambda event: self._cluster.heard.put(event[1]))
        try:
            yield from self._examine(iter(found), unchanged, source, meanwhile)
        finally:
            self._flying.clear()  # with the last mention of a future, Dask drops its task
            release(self._cluster, name)

    def _examine(
        self,
        found: Iterator[FoundPath | None],
        unchanged: Callable[[FileState], bool],
        source: int | None,
        meanwhile: Callable[[], object],
    ) -> Iterator[list[Examined]]:
        exhausted = dry = prepared = False
        while not exhausted or self._cases or self._done:
            while not (exhausted or dry or self._done) and self._has_room():
                each = next(found, ...)
                if each is ...:
                    exhausted = True
                elif each is None:
                    dry = source is not None
                else:
                    self._take(each, unchanged)
            if self._done:
                done, self._done = self._done, []
                yield done
            if exhausted or dry or not self._has_room():
                self._submit_pending()
            if self._flying and not prepared:
                meanwhile()
                prepared = True
            if self._flying or dry:
                dry = not self._wait(source if dry else None) and dry

    def _has_room(self) -> bool:
        return len(self._flying) < IN_FLIGHT * max(1, sum(self._cluster.workers().values()))

    def _check_workers(self) -> None:
        """Raises CommandError if a worker would come to other results. Later ones are asked with their first batch."""
        places = list(self._cluster.look_again())
        for place, answer in self._cluster.ask_soon(places, dask_worker.check_facts, self._run).items():
            if isinstance(answer, Exception):
                message = _("worker {place} cannot run this version of hashmatch: {reason}")
                raise CommandError(message.format(place=place, reason=f"{type(answer).__name__}: {answer}"))
            if answer:
                raise CommandError(str(answer))

    def _take(self, found: FoundPath, unchanged: Callable[[FileState], bool]) -> None:
        """Look at a file from here, as far as that goes without reading it, and make a job of it."""
        try:
            state, may_be_unchanged = _state_of(found)
        except MediaError as error:
            failed = Fingerprint(None, 0, error=Failure(error.code, error.message))
            self._done.append((FileState(found.path), failed))
            return
        if may_be_unchanged and unchanged(state):
            self._done.append((state, None))
            return
        most = max(1, sum(self._cluster.workers().values()))
        if is_url(found.path):
            most = min(most, MOST_READERS)
        known = self._sizes.digests(state.size)
        job = Job(next(self._numbers), absolute(found.path), found.named, known, most=most)
        self._cases[job.number] = _Case(state, job)
        self._queue(job)

    def _queue(self, job: Job, alone: bool = False) -> None:
        """Put a job into the batch that is being gathered, or send it on its own."""
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

    def _wait(self, source: int | None) -> bool:
        """Until something is heard of, or the source can be read. Returns whether it can."""
        heard, is_readable = self._cluster.heard.wait(LOOK, source)
        self._cluster.workers()  # or it would be waited for in vain
        results: list[tuple[FileState, Fingerprint]] = []
        for each in heard:
            if isinstance(each, bytes):
                self._hear_news(each)
            elif each.name in self._flying:
                self._hear(each, results)
        if results:
            self._examined(results)
            self._done.extend(results)
        return is_readable

    def _hear_news(self, line: bytes) -> None:
        """Of a film under way: that other shares of it are to be done, and how much of it is."""
        try:
            news = wire.read(News, wire.unpack(line)[1])
        except wire.NonsenseError:
            return  # what counts comes with the outcome
        case = self._cases.get(news.number)
        if case is None:
            return
        self._share(case, news.of)
        if 0 <= news.done <= 1:
            self._moved(case.state, news.done)

    def _share(self, case: _Case, of: int) -> None:
        """Have the other shares of a film done."""
        if case.of > 1 or not 1 < of <= case.job.most:
            return
        case.of = of
        for number in range(1, of):
            self._submit((replace(case.job, known=(), share=FilmShare(number, of)),))

    def _hear(self, answer: TaskOutcome, results: list[tuple[FileState, Fingerprint]]) -> None:
        """Take what became of a batch."""
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
                self._take_outcome(job, by_number[job.number], results)
        except KilledWorker:
            self._killed(jobs, results)
            return
        except wire.NonsenseError as error:
            message = _("a worker of the cluster sent what none of ours does: {reason}")
            raise CommandError(message.format(reason=error)) from error
        if batch.locked and batch.locked != self._steps:
            self._steps = batch.locked
            self._locked(batch.locked)
        whole = [each.size for each in outcomes if not each.share.number]
        self._cluster.count(batch.place, len(whole), sum(whole), batch.seconds)

    def _result(self, answer: TaskOutcome) -> bytes:
        """What a worker said. Raises KilledWorker where several died of the batch, else CommandError."""
        from distributed import KilledWorker

        try:
            with self._cluster.speaking():
                if answer.error is not None:
                    raise answer.error
        except (KilledWorker, CommandError):
            raise
        except Exception as error:  # such as that it has no hashmatch
            message = _("a worker of the cluster failed: {reason}")
            raise CommandError(message.format(reason=f"{type(error).__name__}: {error}")) from error
        assert isinstance(answer.value, bytes)
        return answer.value

    def _killed(self, jobs: tuple[Job, ...], results: list[tuple[FileState, Fingerprint]]) -> None:
        """Several Dask workers died of a batch: each of its files is tried once more, on its own, and then given up.
        One that travelled alone, too: where Dask is told to give up at once, its worker may have died of anything."""
        for job in jobs:
            case = self._cases[job.number]
            if job.share.number not in case.again:
                case.again.add(job.share.number)
                self._queue(job, alone=True)
                continue
            failure = Failure("decoder-crash", _("the machines that examined it died of it"))
            outcome = JobOutcome(job.number, 0, 0, Fingerprint(None, 0, error=failure), job.share)
            self._take_outcome(job, outcome, results)

    def _take_outcome(self, job: Job, outcome: JobOutcome, results: list[tuple[FileState, Fingerprint]]) -> None:
        case = self._cases[job.number]
        state = FileState(case.state.path, outcome.size, outcome.mtime_ns or 0)
        result = outcome.result
        if not self._is_credible(job, outcome, state):
            raise wire.NonsenseError("an outcome that cannot be")
        if result.known and result.digests is not None and not self._known(state, result.digests):
            # It is there, but not as it is wanted: retracted, or hashed by an older recipe.
            case.job = replace(job, known=())
            self._queue(case.job)
            return
        if outcome.glance is not None and (parts := self._look(state, outcome.glance)):
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
        shares = [case.outcomes[number].result for number in range(case.of)]
        crash = next((each for each in shares if each.kind is None and each.error is not None), None)
        if crash is not None:
            result = replace(crash, size=shares[0].size, digests=shares[0].digests or crash.digests)
        elif len({(each.size, each.mtime_ns) for each in case.outcomes.values()}) > 1:  # one name, but not one file
            failure = Failure("changed-while-read", _("changed while it was read"))
            result = Fingerprint(shares[0].kind, shares[0].size, error=failure)
        else:
            result = shares[0] if len(shares) == 1 else joined(shares, self._settings)
        self._sizes.add(result)
        if result.error is None:  # of an object, a worker does not know the name
            result = judge_name(case.state, result)
        results.append((case.state, result))

    def _is_credible(self, job: Job, outcome: JobOutcome, state: FileState) -> bool:
        """Whether a worker of ours can say this of a job."""
        result, glance = outcome.result, outcome.glance
        share = job.share if job.share.number else outcome.share
        is_no_media = result.kind is None and result.error is None and not result.hashes and result.digests is None
        return (
            (outcome.share == job.share if job.share.number else outcome.share.number == 0)
            and 1 <= share.of <= job.most
            and (is_no_media or is_credible(state, share, result.known, result, self._settings))
            and not (result.known and (result.digests is None or result.digests.sha256 not in job.known))
            and (glance is None or (job.parts is None and are_credible_hashes(glance.hashes, self._settings)))
        )


def _state_of(found: FoundPath) -> tuple[FileState, bool]:
    """A file as it is seen from here, and whether that is enough to tell that it is unchanged. Raises MediaError."""
    if found.error is not None:
        raise found.error
    if isinstance(found, FoundObject):
        return FileState(found.path, found.size or 0, found.mtime_ns or 0), None not in (found.size, found.mtime_ns)
    if is_url(found.path):
        return FileState(found.path), False
    descriptor, status = open_file(found.path, follow=found.named)
    os.close(descriptor)
    return FileState(found.path, status.st_size, status.st_mtime_ns), True

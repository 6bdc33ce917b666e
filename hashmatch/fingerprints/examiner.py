"""What it is to examine files: what goes in, what is asked on the way, and what comes out.

Two classes do it: LocalExaminer in worker processes of this machine (many_files.py), ClusterExaminer on a cluster
(cluster/examining.py). Whoever has files examined needs to know neither.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from hashmatch.fingerprints.film import Parts
from hashmatch.fingerprints.settings import ReferenceOrQuery
from hashmatch.media.files import FoundPath
from hashmatch.records import Digests, Fingerprint, Glance, Sighting


@dataclass(frozen=True, slots=True)
class FileState:
    """A file as it was when it was opened. size: bytes; mtime_ns: nanoseconds; both 0 if it could not be opened."""

    path: bytes
    size: int = 0
    mtime_ns: int = 0


class ExaminedFile(NamedTuple):
    """A file that an examiner is done with. fingerprint: None if the file is unchanged and so was not read."""

    state: FileState
    fingerprint: Fingerprint | None


@dataclass(frozen=True, slots=True)
class ExaminerHooks:
    """What an examiner asks and tells its client while it works. All are called in the client's own process.

    is_unchanged: asked before a file is read; if true, it is not read, and has no fingerprint.
    is_known: asked with a file's digests before it is decoded; if true, it is not decoded.
    parts_to_decode: asked with the key frames of a film which parts of it are worth decoding.
    is_unexplained: asked with the hashes of still pictures whether no reference explains them; if true, local features and
        descriptors are computed, too. A cluster does not ask, and computes them.
    on_progress: told what share of a long film has been decoded, 0 to 1.
    on_locked: told the steps by which a worker has locked itself (see isolation/lock.py).
    prepare: called once, while the first files are with the workers: time to load what their results need.
    """

    is_unchanged: Callable[[FileState], bool] = lambda state: False
    is_known: Callable[[FileState, Digests], bool] = lambda state, digests: False
    parts_to_decode: Callable[[FileState, Glance], Parts] = lambda state, glance: ()
    is_unexplained: Callable[[FileState, Sighting], bool] = lambda state, sighting: True
    on_progress: Callable[[FileState, float], object] = lambda state, share: None
    on_locked: Callable[[tuple[str, ...]], object] = lambda steps: None
    prepare: Callable[[], object] = lambda: None


class Examiner(Protocol):
    """Turns files into fingerprints."""

    def examine(
        self,
        found: Iterable[FoundPath | None],
        settings: ReferenceOrQuery,
        hooks: ExaminerHooks = ExaminerHooks(),
        input_descriptor: int | None = None,
    ) -> Generator[Sequence[ExaminedFile]]:
        """Examine many files; yields them in the order in which they are done, one or several at a time.

        found: the files. A None among them means: no more for now.
        input_descriptor: where `found` reads its names from; after a None it is asked again once this can be read.
        Close the generator when you stop early: workers end with it.
        """
        ...

"""What client and workers send each other: jobs and their outcomes, as JSON that is checked when it is read."""

from __future__ import annotations

from dataclasses import dataclass

from hashmatch.fingerprints.film import Parts
from hashmatch.fingerprints.settings import ReferenceOrQuery
from hashmatch.i18n import SOURCE
from hashmatch.isolation import Isolation, wire
from hashmatch.media.sampling import FilmShare
from hashmatch.records import Fingerprint, Glance

#: Bytes of all outcomes of one batch. On one machine a worker may say half of that at once, which a film of 12 hours takes.
LONGEST = 2 * wire.LONGEST

#: The share of a film that is not shared.
WHOLE = FilmShare()


@dataclass(frozen=True, slots=True)
class Run:
    """What all jobs of a command have in common.

    facts: what a worker must agree with, see versions.py. language: of a worker's message that ends the command; what is
    wrong with a single file comes back as a code.
    """

    name: str
    settings: ReferenceOrQuery
    isolation: Isolation
    facts: tuple[tuple[str, str], ...]
    language: str = SOURCE


@dataclass(frozen=True, slots=True)
class Job:
    """A file to examine, or one share of a film.

    number: names the file within the run. path: absolute, or a URL. named: whether it may be a symbolic link.
    known: SHA-256 of content that need not be decoded. parts: of a film, those to decode; None before the client was asked.
    share: which share of a film to do. most: how many workers may share a film.
    """

    number: int
    path: bytes
    named: bool = True
    known: tuple[str, ...] = ()
    parts: Parts | None = None
    share: FilmShare = WHOLE
    most: int = 1


@dataclass(frozen=True, slots=True)
class JobOutcome:
    """The outcome of a job.

    size: bytes; mtime_ns: of the file as it was when opened, None for an object whose store does not tell.
    glance: the key frames of a film, for the client to choose the parts to decode; None if the job had these.
    """

    number: int
    size: int
    mtime_ns: int | None
    result: Fingerprint
    share: FilmShare = WHOLE
    glance: Glance | None = None


#: The beginning of a line with an outcome, up to the number of its job.
_OUTCOME = b'["outcome",["JobOutcome",'


def number_of(line: bytes) -> int | None:
    """The number of the job in a line with a JobOutcome, without reading the rest; None for other lines."""
    return int(line[len(_OUTCOME) : line.index(b",", len(_OUTCOME))]) if line.startswith(_OUTCOME) else None


@dataclass(frozen=True, slots=True)
class Batch:
    """What a worker says of a batch of jobs, beside their outcomes. place: the worker's address. locked: the steps by which
    its locked worker locked itself. seconds: that the batch took."""

    place: str
    locked: tuple[str, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class News:
    """What a worker says of a film that is not done yet. of: the worker does the first of this many shares. done: 0 to 1, of
    that share."""

    number: int
    of: int
    done: float

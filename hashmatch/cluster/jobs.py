"""What travels between client and worker: jobs one way, outcomes the other, as JSON that is checked when it is read."""

from __future__ import annotations

from dataclasses import dataclass

from hashmatch.fingerprints.film import Parts
from hashmatch.fingerprints.settings import ReferenceOrQuery
from hashmatch.i18n import SOURCE
from hashmatch.isolation import Isolation, wire
from hashmatch.media.sampling import FilmShare
from hashmatch.records import Fingerprint, Glance

#: Bytes of all outcomes of one batch; as much as one worker may say at once on one machine, which a film of 12 hours takes.
LONGEST = 2 * wire.LONGEST

#: Of a film that is not shared.
WHOLE = FilmShare()


@dataclass(frozen=True, slots=True)
class Run:
    """What all jobs of a command have in common. facts: what a worker must agree with, see scan_facts.py. language:
    of a message with which a worker ends the command; what is wrong with a file it says as a code."""

    name: str
    settings: ReferenceOrQuery
    isolation: Isolation
    facts: tuple[tuple[str, str], ...]
    language: str = SOURCE


@dataclass(frozen=True, slots=True)
class Job:
    """A file to examine, or one share of a film. number: by which it is known in this run.

    path: absolute, or a URL. named: whether it may be a symbolic link. known: SHA-256 of what need not be decoded. parts: of
    a film those to look at closely; None where the client has not been asked yet. share: which is to be done. most: among
    how many a film may be shared.
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
    """What became of a job. size in bytes, mtime_ns: of the file as it was opened; of an object that does not say when it
    was changed, None. glance: what the client is to be asked about, where `parts` were not known."""

    number: int
    size: int
    mtime_ns: int | None
    result: Fingerprint
    share: FilmShare = WHOLE
    glance: Glance | None = None


#: How a line with an outcome begins, before the number of its job.
_OUTCOME = b'["outcome",["JobOutcome",'


def number_of(line: bytes) -> int | None:
    """Of a line with an Outcome the number of its job, without reading what comes after it; None of other lines."""
    return int(line[len(_OUTCOME) : line.index(b",", len(_OUTCOME))]) if line.startswith(_OUTCOME) else None


@dataclass(frozen=True, slots=True)
class Batch:
    """What a worker says of a batch of jobs, beside their outcomes. place: its address. locked: the steps that its locked
    workers have taken. seconds: that it took."""

    place: str
    locked: tuple[str, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class News:
    """What a worker says of a film before it is done with it: of how many shares it does the first, and how much of it is
    done, 0 to 1."""

    number: int
    of: int
    done: float

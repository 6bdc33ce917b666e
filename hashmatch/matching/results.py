"""What a scan says of a file. Field names are the JSON's, which others rely on; see the interface."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hashmatch.records import Failure, Kind, Tlp
from hashmatch.views import FULL

Tier = Literal["exact", "near", "possible"]
Status = Literal["match", "allowed", "clean", "failed", "skipped"]

#: From the strongest to the weakest.
TIERS: tuple[Tier, ...] = ("exact", "near", "possible")


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of film that both sides share: [start, end] in seconds of each.

    frames: so many sampled frames of the file agree; mean_distance, worst_distance: of these, in bits. distinct: how many
    different pictures tell the stretch. speed: at 1.25, the file plays it so much faster. transform, view, reference_view:
    of most of its frames, as of a match.
    """

    query: tuple[float, float]
    reference: tuple[float, float]
    frames: int
    mean_distance: float
    worst_distance: int = 0
    distinct: int = 1
    speed: float = 1.0
    transform: str = "none"
    view: str = FULL
    reference_view: str = FULL


@dataclass(frozen=True, slots=True)
class VideoEvidence:
    """Which share (0 to 1) of the featured time of each side the other one shows, and where."""

    query_coverage: float
    reference_coverage: float
    segments: tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class MatchedSource:
    """Who says so, and under which sharing rule."""

    collection: str
    source: str | None
    tlp: Tlp | None
    opinion: str


@dataclass(frozen=True, slots=True)
class MatchedOpinion:
    """What somebody who looked at a reference says of it; see records.Opinion."""

    source: str
    opinion: str
    at: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class MatchedReference:
    """The reference that a file matches."""

    id: int
    sha256: str | None
    kind: Kind | None
    labels: tuple[str, ...]
    allow: bool
    sources: tuple[MatchedSource, ...]
    opinions: tuple[MatchedOpinion, ...] = ()

    @property
    def judgements(self) -> tuple[tuple[str, str], ...]:
        """Who says what of it, by name and opinion: those who looked at it, and sources that took it back."""
        said = {each.source: each.opinion for each in self.opinions}
        took_back = {
            each.collection: each.opinion for each in self.sources if each.opinion in ("disputed", "retracted")
        }
        return tuple((took_back | said).items())


@dataclass(frozen=True, slots=True)
class LocalEvidence:
    """Where in the file the reference's picture is, by its local features. points: how many of them are where they would
    be if it is there. quadrilateral: its corners, from the upper left clockwise as the reference is held, in parts of the
    file's width and height; those of a crop lie outside of 0 to 1."""

    points: int
    quadrilateral: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class MatchedDecision:
    """What people decided of this file and this reference. decision: see store/review_decisions.py. by: who agrees, the
    newest first. at: when the newest said so: UTC, ISO 8601. in_force: whether as many agree as must."""

    decision: str
    by: tuple[str, ...]
    at: str | None
    in_force: bool


#: Why a match has its tier. same-bytes; same-picture: also by its blocks; same-hash: by the hash alone, since a list brought
#: no more; same-layout: the hash or the local features agree, the blocks do not, as of two posters with different texts,
#: or of one with a logo pasted over; resembles: the distance is too large for more; low-quality: too little detail;
#: common-hash: too many others have it; local-features: parts of it were found; same-footage, shared-footage: of films.
Reason = Literal[
    "same-bytes",
    "same-picture",
    "same-hash",
    "same-layout",
    "resembles",
    "low-quality",
    "common-hash",
    "local-features",
    "same-footage",
    "shared-footage",
]


@dataclass(frozen=True, slots=True)
class Match:
    """The verdict on one file and one reference.

    distance: bits, 0 for equal bytes; algorithm: that it was found by. transform: how the file's picture was made of the
    reference's, as far as can be told. view, reference_view: what of either was compared; "trim1", "part1": a view.
    contradiction: how much the blocks of the two views contradict each other, see matching/layouts.py. decision: None where
    nobody has said anything.
    """

    reference: MatchedReference
    tier: Tier
    distance: int | None
    algorithm: str
    transform: str
    quality: int | None
    video: VideoEvidence | None
    reason: Reason = "resembles"
    view: str = FULL
    reference_view: str = FULL
    contradiction: int | None = None
    local: LocalEvidence | None = None
    decision: MatchedDecision | None = None

    @property
    def is_judged_false(self) -> bool:
        """Whether people decided that this is no match."""
        return self.decision is not None and self.decision.in_force and self.decision.decision == "false-positive"


@dataclass(frozen=True, slots=True)
class ExaminedFilm:
    """What of a film was looked at: how many frames, and the most seconds between two of them. A copy that lies between
    two is not found; docs/matching.md tells how much the profiles find. duration: of the film, in seconds, if known."""

    frames: int
    longest_gap: float
    duration: float | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """The verdict on one file. matches: best first. examined: of a film."""

    path: bytes
    status: Status
    partial: bool = False
    tier: Tier | None = None
    kind: Kind | None = None
    size: int | None = None
    sha256: str | None = None
    md5: str | None = None
    matches: tuple[Match, ...] = ()
    error: Failure | None = None
    examined: ExaminedFilm | None = None

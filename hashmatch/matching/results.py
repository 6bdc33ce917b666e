"""What a scan says about a file. Field names are those of the JSON, which others rely on; see the interface."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from hashmatch.records import Failure, Kind, Tlp, Unexamined
from hashmatch.views import FULL

Tier = Literal["exact", "near", "possible"]
Status = Literal["match", "allowed", "clean", "failed", "skipped"]

#: From the strongest to the weakest.
TIERS: tuple[Tier, ...] = ("exact", "near", "possible")


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of film that both sides share: start and end, in seconds of each.

    frames: how many sampled frames of the file agree. mean_distance, worst_distance: their distances, in bits.
    distinct: how many different pictures prove the stretch.
    speed: how much faster the file plays it; 1.25 is a quarter faster.
    transform, view, reference_view: those of most of its frames, as in a match.
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
    """Which share of each side's featured time, 0 to 1, the other side shows, and where."""

    query_coverage: float
    reference_coverage: float
    segments: tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class MatchedSource:
    """Who says that the reference is known, and under which sharing rule. owner, author: see store/voices.py; "" for people
    here."""

    collection: str
    source: str | None
    tlp: Tlp | None
    opinion: str
    owner: str = ""
    author: str = ""


@dataclass(frozen=True, slots=True)
class MatchedOpinion:
    """The opinion of somebody who looked at a reference; see records.Opinion. author: "" for people here. owner: who told
    it here."""

    source: str
    opinion: str
    at: str | None
    reason: str | None
    author: str = ""
    owner: str = ""


@dataclass(frozen=True, slots=True)
class MatchedReference:
    """The reference that a file matches. pending: only a list's word has it on the allow list."""

    id: int
    sha256: str | None
    kind: Kind | None
    labels: tuple[str, ...]
    allow: bool
    sources: tuple[MatchedSource, ...]
    opinions: tuple[MatchedOpinion, ...] = ()
    pending: bool = False

    @property
    def judgements(self) -> tuple[tuple[str, str], ...]:
        """Names and opinions: of those who looked at the reference, and of sources that withdrew it."""
        took_back = (
            (each.collection, each.opinion) for each in self.sources if each.opinion in ("disputed", "retracted")
        )
        # Two may have one name and say different things.
        return tuple(dict.fromkeys([*took_back, *((each.source, each.opinion) for each in self.opinions)]))


@dataclass(frozen=True, slots=True)
class DetailsEvidence:
    """How much the details of the two views differ, see matching/layouts.py. colours: None if either side's are unknown."""

    contradiction: int
    colours: float | None


@dataclass(frozen=True, slots=True)
class LocalEvidence:
    """Where in the file the reference's picture is, by its local features.

    points: how many features agree.
    quadrilateral: the reference's corners, clockwise from its own upper left, in parts of the file's width and height.
    Corners that were cropped off lie outside of 0 to 1.
    """

    points: int
    quadrilateral: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class StraightenedEvidence:
    """How the part of the file within a quadrilateral, made straight, compares with the reference's hash and guards.

    distance: bits of PDQ; None where only a part of the reference is visible. contradiction: of the blocks. details: of the
    finer blocks. colours: how far the colours are apart; None if unknown. agreement: the share of the reference's strong
    coefficients that agree. visible: the share of the reference's blocks that the file shows. quadrilateral: the reference's
    corners, as in LocalEvidence, moved to where they agree best.
    """

    distance: int | None
    contradiction: int
    details: int
    colours: float | None
    agreement: float
    visible: float
    quadrilateral: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class MatchedDecision:
    """What people decided about this file and this reference.

    decision: see store/review_decisions.py. by: who agrees, the newest first. at: when the newest said so, UTC, ISO 8601.
    in_force: whether enough people agree.
    """

    decision: str
    by: tuple[str, ...]
    at: str | None
    in_force: bool


#: Why a match has its tier. same-bytes; same-picture: the blocks agree, too; same-hash: the hash alone agrees, since a list
#: brought no more; same-layout: the hash or the local features agree, but the blocks do not, as with two posters that have
#: different texts, or one with a logo pasted over it; resembles: the distance is too large for more; low-quality: too little
#: detail; common-hash: too many others have it; local-features: parts of it were found; straightened: what they found
#: agrees with the reference once it is straight (straightening.py); looks-alike: to a learned descriptor, and to nothing
#: else; same-footage, shared-footage: films.
Reason = Literal[
    "same-bytes",
    "same-picture",
    "same-hash",
    "same-layout",
    "resembles",
    "low-quality",
    "common-hash",
    "local-features",
    "straightened",
    "looks-alike",
    "same-footage",
    "shared-footage",
]


@dataclass(frozen=True, slots=True)
class Match:
    """The verdict on one file and one reference.

    distance: bits; 0 for equal bytes. algorithm: the one that found it.
    transform: what was done to the reference's picture to make the file's, as far as is known.
    view, reference_view: the names of the views that were compared; see views.py.
    contradiction: how much the blocks of the two views contradict each other; see matching/layouts.py.
    details: the same of their finer guard, if the blocks agree and both sides have it.
    straightened: how what local features found compares with the reference once it is straight, where that could be done.
    decision: None if nobody has said anything.
    part: which part of the file matched, by its name; see media/parts.py. None: the main part.
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
    part: str | None = None
    details: DetailsEvidence | None = None
    straightened: StraightenedEvidence | None = None

    @property
    def is_judged_false(self) -> bool:
        """Whether people decided that this is not a match."""
        return self.decision is not None and self.decision.in_force and self.decision.decision == "false-positive"


@dataclass(frozen=True, slots=True)
class ExaminedFilm:
    """How closely a film was looked at.

    frames: how many were examined. longest_gap: the most seconds between two of them. A copy that lies between two frames
    is not found; docs/matching.md says how much each profile finds.
    duration: of the film, in seconds, if known.
    """

    frames: int
    longest_gap: float
    duration: float | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """The verdict on one file. matches: best first. examined: for films only.

    parts: the names of its further parts that were compared, too. unexamined: as of Fingerprint.
    """

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
    parts: tuple[str, ...] = ()
    unexamined: Unexamined | None = None


@dataclass(frozen=True, slots=True)
class ScanSummary:
    """How a scan went: its files by status, and how long it took.

    interrupted: whether it ended before its last file. failures: failed files by the code of their error. unexamined: files
    that are of a kind that is not looked into, by that kind.
    """

    files: int
    matched: int
    allowed: int
    clean: int
    failed: int
    skipped: int
    seconds: float
    interrupted: bool = False
    failures: dict[str, int] = field(default_factory=dict)
    unexamined: dict[str, int] = field(default_factory=dict)

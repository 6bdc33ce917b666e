"""One match in words, as its card on the page says it. Foreign text (names, labels) is made visible here, and escaped
for HTML by the templates."""

from __future__ import annotations

from dataclasses import dataclass

from hashmatch import hashers
from hashmatch.escape import for_terminal
from hashmatch.i18n import _, ngettext
from hashmatch.matching.results import Match, MatchedReference, Result, Segment, Tier, VideoEvidence
from hashmatch.records import Kind
from hashmatch.report.html import drawings
from hashmatch.report.html.contents import ReportEntry, SectionName
from hashmatch.report.html.scan_facts import moment
from hashmatch.report.part_names import in_part
from hashmatch.report.reasons import allow_text, decided, explain
from hashmatch.report.scan_text import (
    WORTH_SAYING_SPEED,
    clock,
    details_line,
    examined_text,
    span_text,
    straightened_lines,
)
from hashmatch.report.transforms import transform_name
from hashmatch.views import FULL

DIGESTS = {"sha256": "SHA-256", "sha1": "SHA-1", "md5": "MD5"}
#: Stretches that are listed at first; more appear when unfolded.
UNFOLDED = 6


@dataclass(frozen=True, slots=True)
class StretchRow:
    """A row of the table of stretches."""

    query: str
    reference: str
    frames: int
    distinct: int
    mean: str
    worst: int
    note: str


@dataclass(frozen=True, slots=True)
class FilmCard:
    """What a card says about a match of films. coverage: a sentence. more: how many stretches are not listed."""

    coverage: str
    timeline: drawings.Timeline
    stretches: tuple[StretchRow, ...]
    more: int

    @property
    def has_notes(self) -> bool:
        return any(each.note for each in self.stretches)

    @property
    def unfolded(self) -> bool:
        return len(self.stretches) <= UNFOLDED


@dataclass(frozen=True, slots=True)
class MatchCard:
    """One match. path: the whole name, made visible. facts: the evidence; about: what the file is. problem: why it was
    examined in part only. distance (bits), size (bytes), share (of the film that matches, in thousandths): to sort by."""

    tier: Tier
    kind: str
    path: str
    facts: tuple[str, ...]
    about: tuple[str, ...]
    sha256: str | None
    md5: str | None
    problem: str | None
    film: FilmCard | None
    area: drawings.AreaDrawing | None
    distance: int | None
    size: int
    share: int


def card(entry: ReportEntry, duration: float | None) -> MatchCard:
    """duration: of the reference, in seconds, where it is known."""
    result, match = entry.result, entry.match
    about = [kind_name(result.kind)] if result.kind else []
    if result.size is not None:
        about.append(_("{size:,} bytes").format(size=result.size))
    if result.examined is not None:
        about.append(examined_text(result.examined))
    problem = f"{result.error.code}: {result.error.message}" if result.error else None
    share = match.video.query_coverage if match.video else 0.0
    return MatchCard(
        match.tier,
        result.kind or "",
        for_terminal(result.path),
        tuple(_facts(match)),
        tuple(about),
        _shown(result.sha256),
        _shown(result.md5),
        _shown(problem),
        _film(match.video, result, duration) if match.video and match.video.segments else None,
        drawings.area(match.local) if match.local else None,
        match.distance,
        result.size or 0,
        round(1000 * share),
    )


def _facts(match: Match) -> list[str]:
    """The evidence of a match; what decides comes first."""
    facts = []
    if match.tier == "exact":
        facts.append(_("equal {algorithm}").format(algorithm=_algorithm(match.algorithm)))
    elif match.distance is not None:
        text = _("{algorithm} distance {distance} of {bits} bits")
        hasher = hashers.find(match.algorithm)
        bits = hasher.bits if hasher else "?"
        facts.append(text.format(algorithm=_algorithm(match.algorithm), distance=match.distance, bits=bits))
    else:
        facts.append(_("found by {algorithm}").format(algorithm=_algorithm(match.algorithm)))
    facts.append(explain(match.reason, match.algorithm))
    if match.part is not None:
        facts.append(in_part(match.part))
    if match.transform != "none":
        facts.append(_("transform {transform}").format(transform=transform_name(match.transform)))
    if match.quality is not None:
        facts.append(_("quality {quality}").format(quality=match.quality))
    if (match.view, match.reference_view) != (FULL, FULL):
        text = _("compared: {view} of the file with {other} of the reference")
        facts.append(text.format(view=for_terminal(match.view), other=for_terminal(match.reference_view)))
    if match.contradiction is not None:
        facts.append(_("blocks contradict by {found}").format(found=match.contradiction))
    if match.details is not None:
        facts.append(details_line(match.details))
    if match.local is not None:
        facts.append(ngettext("{n} point agrees", "{n} points agree", match.local.points).format(n=match.local.points))
    if match.straightened is not None:
        facts += straightened_lines(match.straightened)
    if match.reference.allow:
        facts.append(allow_text(match.reference))
    if match.decision is not None:
        facts.append(for_terminal(decided(match.decision)))
    return facts


def _algorithm(name: str) -> str:
    return DIGESTS.get(name) or for_terminal(hashers.title_of(name))


def _film(video: VideoEvidence, result: Result, duration: float | None) -> FilmCard:
    if len(video.segments) == 1 and video.segments[0].frames == 1:
        coverage = _("a single frame, at {time} of the reference").format(time=clock(video.segments[0].reference[0]))
    else:
        text = _("{query:.0%} of this file, {reference:.0%} of the reference")
        coverage = text.format(query=video.query_coverage, reference=video.reference_coverage)
    shown = video.segments[: drawings.MOST_SEGMENTS]
    length = result.examined.duration if result.examined else None
    drawn = drawings.timeline(video.segments, length, duration, result.kind == "video")
    return FilmCard(coverage, drawn, tuple(map(_stretch, shown)), len(video.segments) - len(shown))


def _stretch(segment: Segment) -> StretchRow:
    notes = []
    if abs(segment.speed - 1) >= WORTH_SAYING_SPEED:
        notes.append(_("at {speed:.2f} × speed").format(speed=segment.speed))
    if segment.transform != "none":
        notes.append(_("mirrored") if segment.transform == "mirror" else transform_name(segment.transform))
    views = {segment.view, segment.reference_view} - {FULL}
    notes += map(for_terminal, sorted(views))
    query, reference = (span_text(span) if span != (0.0, 0.0) else "–" for span in (segment.query, segment.reference))
    mean = f"{segment.mean_distance:.1f}"
    return StretchRow(
        query, reference, segment.frames, segment.distinct, mean, segment.worst_distance, ", ".join(notes)
    )


@dataclass(frozen=True, slots=True)
class SourceOpinion:
    """What the source of a collection says about a reference."""

    collection: str
    source: str
    tlp: str
    opinion: str


@dataclass(frozen=True, slots=True)
class OpinionLine:
    """What somebody else thinks of a reference."""

    source: str
    opinion: str
    at: str
    reason: str


@dataclass(frozen=True, slots=True)
class GroupHead:
    """The reference of a group of matches. brief: the same on one line."""

    id: int
    kind: str
    sha256: str | None
    labels: tuple[str, ...]
    is_allowed: bool
    sources: tuple[SourceOpinion, ...]
    opinions: tuple[OpinionLine, ...]
    brief: str


def head(reference: MatchedReference) -> GroupHead:
    sources = tuple(
        SourceOpinion(
            for_terminal(each.collection),
            for_terminal(each.source or ""),
            tlp_name(each.tlp),
            opinion_name(each.opinion),
        )
        for each in reference.sources
    )
    opinions = tuple(
        OpinionLine(
            for_terminal(each.source),
            opinion_name(each.opinion),
            moment(each.at) if each.at else "",
            for_terminal(each.reason or ""),
        )
        for each in reference.opinions
    )
    brief = [f"#{reference.id}", *dict.fromkeys(each.collection for each in sources)]
    labels = tuple(map(for_terminal, reference.labels))
    kind = kind_name(reference.kind) if reference.kind else ""
    allow = reference.allow
    return GroupHead(
        reference.id, kind, _shown(reference.sha256), labels, allow, sources, opinions, " · ".join((*brief, *labels))
    )


def tlp_name(mark: str | None) -> str:
    return f"TLP:{mark.upper()}" if mark else _("no TLP mark")


def kind_name(kind: Kind | None) -> str:
    return {"image": _("image"), "video": _("film")}.get(kind or "", "")


def tier_name(name: SectionName) -> str:
    names = {"exact": _("exact"), "near": _("near"), "possible": _("possible"), "allowed": _("allowed")}
    return names[name]


def section_explained(name: SectionName) -> str:
    texts: dict[SectionName, str] = {
        "exact": _("The same bytes as something known."),
        "near": _("The same picture or footage as something known."),
        "possible": _("Perhaps the same: a person must look."),
        "allowed": _(
            "The allow list protects these files: news, documentation, counter-speech. They do not count as matches."
        ),
    }
    return texts[name]


def opinion_name(opinion: str) -> str:
    """A source's opinion of a reference in words; an unknown one stays as it is."""
    names = {
        "malicious": _("malicious"),
        "benign": _("benign"),
        "retracted": _("retracted"),
        "confirmed": _("confirmed"),
        "disputed": _("disputed"),
        "false-positive": _("false positive"),
    }
    return names.get(opinion) or for_terminal(opinion)


def _shown(text: str | None) -> str | None:
    return None if text is None else for_terminal(text)

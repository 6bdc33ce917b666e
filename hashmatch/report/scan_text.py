"""Scan results as lines for the eye of an analyst."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from hashmatch.escape import for_terminal
from hashmatch.hashers import title_of
from hashmatch.i18n import _, ngettext
from hashmatch.matching.results import (
    DetailsEvidence,
    ExaminedFilm,
    LocalEvidence,
    Match,
    Result,
    Segment,
    StraightenedEvidence,
    VideoEvidence,
)
from hashmatch.matching.tiers import MOST_COLOUR_DIFFERENCE, MOST_IN_A_ROW
from hashmatch.report.part_names import in_part
from hashmatch.report.reasons import allow_text, decided, explain
from hashmatch.report.transforms import transform_name
from hashmatch.store import Store, lookup

if TYPE_CHECKING:
    from hashmatch.store.scans import Recalled

#: Weaker matches of one file are counted, not listed, beyond this.
LISTED = 5
#: Reasons that the tier and the distance do not show by themselves.
WORTH_SAYING = ("same-layout", "low-quality", "common-hash")
#: The speed is mentioned if it differs from normal by at least this.
WORTH_SAYING_SPEED = 0.02

_COLOURS = {"exact": "\x1b[1;31m", "near": "\x1b[31m", "possible": "\x1b[33m", "allowed": "\x1b[32m"}


def lines_of(result: Result, store: Store, colour: bool) -> Iterator[str]:
    """The lines about one file; none for a file that is clean, skipped or failed, which messages report."""
    if result.status not in ("match", "allowed"):
        return
    # Words are aligned. Text that may be Arabic comes last on its line, so that its direction moves nothing else.
    word = "allowed" if result.status == "allowed" else str(result.tier)
    shown = f"{word.upper():<9}"
    if colour:
        shown = _COLOURS[word] + shown + "\x1b[0m"
    yield f"{shown} {for_terminal(result.path)}"
    for match in result.matches[:LISTED]:
        yield from _lines_of_match(match, store)
    more = len(result.matches) - LISTED
    if more > 0:
        yield " " * 10 + ngettext("… and {n} more reference", "… and {n} more references", more).format(n=more)


def _lines_of_match(match: Match, store: Store) -> Iterator[str]:
    reference = match.reference
    facts = [f"#{reference.id}", match.tier]
    if match.distance is not None and match.tier != "exact":
        facts.append(_("{algorithm} distance {distance}").format(algorithm=match.algorithm, distance=match.distance))
    if match.local is not None:
        facts.append(ngettext("{n} point agrees", "{n} points agree", match.local.points).format(n=match.local.points))
    if match.reason == "looks-alike":
        facts.append(_("looks alike to {model}").format(model=title_of(match.algorithm)))
    if match.transform != "none":
        facts.append(transform_name(match.transform))
    if match.part is not None:
        facts.append(in_part(match.part))
    if match.reason in WORTH_SAYING:
        facts.append(explain(match.reason, match.algorithm))
    if reference.allow:
        facts.append(allow_text(reference))
    facts += [f"{s.collection}" + (f" (TLP:{s.tlp.upper()})" if s.tlp else "") for s in reference.sources]
    facts += [f"[{label}]" for label in reference.labels]
    facts += [
        _("{opinion} by {source}").format(opinion=opinion, source=source) for source, opinion in reference.judgements
    ]
    if match.decision is not None:
        facts.append(decided(match.decision))
    where = lookup.locations(store.connection, reference.id)
    facts.append(for_terminal(where[0]) if where else reference.sha256 or "")
    yield " " * 10 + "  ".join(for_terminal(fact) if fact is not facts[-1] else fact for fact in facts if fact)
    if match.video is not None:
        yield " " * 12 + coverage_line(match.video)


def recall_lines(value: Recalled) -> Iterator[str]:
    """The lines about a recorded result that relied on references which were taken back since."""
    word = "allowed" if value.status == "allowed" else str(value.tier)
    scan = _("scan {id} of {at}").format(id=value.scan.id, at=value.scan.at)
    yield f"{word.upper():<9} {scan}  {for_terminal(value.path)}"
    for each in value.rested_on:
        if each.live:
            state = _("live")
        else:
            state = _("retracted: {date}").format(date=each.retracted or "?")
            state += f" ({for_terminal(each.reason)})" if each.reason else ""
        yield " " * 10 + f"#{each.reference}  {each.tier}  {state}"
    if value.supported_by:
        live = ", ".join(f"#{each.reference} {each.tier}" for each in value.supported_by[:LISTED])
        more = len(value.supported_by) - LISTED
        if more > 0:
            live += ", " + ngettext("… and {n} more", "… and {n} more", more).format(n=more)
        yield " " * 10 + _("still supported by {references}").format(references=live)


def coverage_line(video: VideoEvidence) -> str:
    """How much of each side the other shows, and where: times of this file = times of the reference."""
    if len(video.segments) == 1 and video.segments[0].frames == 1:
        return _("one frame, at {time} of the reference").format(time=clock(video.segments[0].reference[0]))
    text = _("{query:.0%} of this file, {reference:.0%} of the reference")
    shares = text.format(query=video.query_coverage, reference=video.reference_coverage)
    spans = "; ".join(map(segment_text, video.segments[:LISTED]))
    more = len(video.segments) - LISTED
    if more > 0:
        spans += "; " + ngettext("… and {n} more", "… and {n} more", more).format(n=more)
    return f"{shares}: {spans}"


def segment_text(segment: Segment) -> str:
    """Times of the file = times of the reference (a picture has none), and what was done to the stretch."""
    # A picture has no times, and every frame lasts.
    spans = [span_text(span) for span in (segment.query, segment.reference) if span != (0.0, 0.0)]
    text = " = ".join(spans)
    if abs(segment.speed - 1) >= WORTH_SAYING_SPEED:
        text += " " + _("at {speed:.2f} × speed").format(speed=segment.speed)
    return text + (", " + _("mirrored") if segment.transform == "mirror" else "")


def segment_line(segment: Segment) -> str:
    """A stretch with all of its evidence."""
    frames = ngettext("{n} frame agrees", "{n} frames agree", segment.frames).format(n=segment.frames)
    pictures = ngettext("{n} picture", "{n} different pictures", segment.distinct).format(n=segment.distinct)
    text = _("{times}: {frames}, {pictures}, PDQ distance {mean:.1f} on average, {worst} at most")
    return text.format(
        times=segment_text(segment),
        frames=frames,
        pictures=pictures,
        mean=segment.mean_distance,
        worst=segment.worst_distance,
    )


def examined_text(examined: ExaminedFilm) -> str:
    """How much of a film was looked at."""
    frames = ngettext("{n} frame looked at", "{n} frames looked at", examined.frames).format(n=examined.frames)
    return _("{frames}, up to {gap:.1f} s apart").format(frames=frames, gap=examined.longest_gap)


def span_text(span: tuple[float, float]) -> str:
    """A start and an end in seconds, as h:mm:ss."""
    return f"{clock(span[0])}–{clock(span[1])}"


def clock(seconds: float, tenths: bool = False) -> str:
    """Seconds as h:mm:ss or h:mm:ss.s, rounded."""
    whole, part = divmod(round(10 * seconds), 10) if tenths else (math.floor(seconds + 0.5), 0)
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" + (f".{part}" if tenths else "")


def details_line(details: DetailsEvidence) -> str:
    """How much the details of two pictures differ, and how much they may."""
    line = _("details: contradiction {found} in a line, at most {most} in true copies").format(
        found=details.contradiction, most=MOST_IN_A_ROW
    )
    if details.colours is None:
        return line
    text = _("{line}; colours {found:g} levels apart, at most {most:g}")
    return text.format(line=line, found=details.colours, most=MOST_COLOUR_DIFFERENCE)


def straightened_lines(found: StraightenedEvidence) -> Iterator[str]:
    """How a straightened picture compares with the reference."""
    text = _("straightened: {visible:.0%} of it is visible, {agreement:.0%} of the strong frequencies there agree")
    yield text.format(visible=found.visible, agreement=found.agreement)
    if found.distance is not None:
        yield _("straightened: PDQ distance {distance}").format(distance=found.distance)
    yield _("straightened: blocks contradict by {found}").format(found=found.contradiction)
    yield details_line(DetailsEvidence(found.details, found.colours))


def area_line(local: LocalEvidence) -> str:
    """Where in the file the reference is, by its local features."""
    corners = " ".join(f"({x:.0%}, {y:.0%})" for x, y in local.quadrilateral)
    points = ngettext("{n} point agrees", "{n} points agree", local.points).format(n=local.points)
    return _("{points}; corners at {corners} of width and height").format(points=points, corners=corners)

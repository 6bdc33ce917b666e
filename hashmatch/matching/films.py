"""A film and a film, or a film and a picture: is it the same footage, or does one only quote the other?"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from hashmatch.hamming.words import Words, to_words
from hashmatch.matching.alignment import LONGEST_GAP, Sides, align
from hashmatch.matching.coverage import pieces, share, without_overlap
from hashmatch.matching.evidence import StretchEvidence, evidence_of
from hashmatch.matching.finding import Finding, Search, finding_of, transform_of
from hashmatch.matching.openings import is_opening
from hashmatch.matching.queries import Queries
from hashmatch.matching.rarity import find_inserts
from hashmatch.matching.results import Reason, Segment, Tier, VideoEvidence
from hashmatch.matching.table import HashTable, Hits, seconds_of
from hashmatch.matching.tiers import (
    FEWEST_NEAR_PICTURES,
    NEAR_COVERAGE,
    NEAR_PICTURES,
    OPENING_COVERAGE,
    POSSIBLE_PICTURES,
)
from hashmatch.matching.time_lines import FASTEST
from hashmatch.matching.tracks import LONGEST_STAND, Frames, ReferenceFilm, Seconds, footage_of, frames_of
from hashmatch.views import ViewName

#: For each hit, how many later ones are tried for one that may be in line with it.
NEIGHBOURS = 16


@dataclass(frozen=True, slots=True)
class SharedFootage:
    """What a file and a reference film share. footage: the reference. stretches: what they share, with its evidence."""

    owner: int
    footage: ReferenceFilm
    stretches: tuple[StretchEvidence, ...]


def judge(found: Sequence[tuple[int, Hits]], search: Search) -> Iterator[Finding]:
    """What a film has in common with each reference, or a still picture with films.

    found: references, each with the hits on it.
    """
    table = search.table
    shared: list[SharedFootage] = []
    file = file_of(search.queries)
    for owner, hits in found:
        if search.kind == "image":
            yield _still_in_film(owner, hits, search)
        elif np.isnan(table.rows.time[hits.reference]).all():
            yield _film_of_still(owner, hits, search, file.whole)
        elif (films := share_of(owner, hits, search, file)) is not None:
            shared.append(films)
    inserts = find_inserts([(each.footage, each.stretches) for each in shared])
    for each, own in zip(shared, inserts, strict=True):
        yield _judge_film(each, own, search, file)


@dataclass(frozen=True, slots=True)
class File:
    """The file that is searched for, prepared once for all references.

    words: its hashes, uint64 (width / 64, n). frames: by orientation (a number in TURNS). whole: frames of all orientations.
    """

    words: Words
    frames: dict[int, Frames]
    whole: Frames


def file_of(queries: Queries) -> File:
    """Prepare a file's hashes for comparison with films."""
    turns = sorted(set(queries.turn.tolist()))
    frames = {turn: frames_of(queries, turn) for turn in turns}
    return File(to_words(queries.rows.bits), frames, frames_of(queries, None))


def share_of(owner: int, hits: Hits, search: Search, file: File) -> SharedFootage | None:
    """The stretches that two films share; None if none of them is worth a look."""
    table, queries = search.table, search.queries
    if not _may_be_in_line(hits, search):
        return None
    footage, words = footage_of(table, owner), file.words
    found: list[StretchEvidence] = []
    for turn in sorted(set(queries.turn[hits.query].tolist())):
        own = hits.select(queries.turn[hits.query] == turn)
        sides = Sides(file.frames[turn], turn, words, footage, table.threshold)
        for stretch in align(own, sides):
            if (each := evidence_of(stretch, words, footage, table)) is not None:
                found.append(replace(each, opening=is_opening(stretch, sides)))
    found = without_overlap(found)
    if any(each.is_sure(NEAR_PICTURES) for each in found):
        # Beside a sure stretch, one that is only alike says nothing: it is another part of a scene that hardly moves.
        found = [each for each in found if each.is_sure(NEAR_PICTURES) or each.strong >= POSSIBLE_PICTURES]
    return SharedFootage(owner, footage, tuple(found)) if found else None


def _may_be_in_line(hits: Hits, search: Search) -> bool:
    """Whether any hit is close, or two hits of different frames lie where a copy would have them.

    This is asked first. Among a thousand hours of references many have some hit, and preparing a reference's frames costs as
    much as ten searches.
    """
    if (hits.distance <= search.table.threshold.near).any():
        return True
    turn, query = search.queries.turn[hits.query], search.queries.rows.time[hits.query].astype(np.float64)
    reference = search.table.rows.time[hits.reference].astype(np.float64)
    order = np.lexsort((query, turn))
    turn, query, reference = turn[order], query[order], reference[order]
    for step in range(1, min(NEIGHBOURS, len(order))):
        apart = query[step:] - query[:-step]
        drift = np.abs(reference[step:] - reference[:-step] - apart)
        near = (turn[step:] == turn[:-step]) & (apart > 0) & (apart <= LONGEST_GAP)
        if (near & (drift <= (FASTEST - 1) * apart + LONGEST_STAND)).any():
            return True
    return False


def _judge_film(shared: SharedFootage, inserts: Collection[int], search: Search, file: File) -> Finding:
    """The verdict on two films: `near` if one of them shows enough of the other.

    inserts: numbers of stretches that unrelated films have, too.
    """
    footage, found, whole = shared.footage, shared.stretches, file.whole
    needed = max(FEWEST_NEAR_PICTURES, min(NEAR_PICTURES, len(whole.time), len(footage.tracks[0].rows)))
    sure = [each for number, each in enumerate(found) if each.is_sure(needed) and number not in inserts]
    if search.table.threshold.near < 0:
        sure = []  # this algorithm alone proves nothing
    near = max(_shares([each for each in sure if not each.opening], whole, footage)) >= NEAR_COVERAGE
    near = near or max(_shares(sure, whole, footage)) >= OPENING_COVERAGE
    best = max(found, key=lambda each: each.rank)
    shown: Reason = "common-hash" if len(inserts) == len(found) else "shared-footage"
    weak: Reason = "resembles" if best.pictures else "low-quality"
    reason: Reason = "same-footage" if near else shown if best.strong else weak
    segments = tuple(segment_of(each, search) for each in sorted(found, key=lambda each: each.stretch.query))
    of_query, of_reference = _shares(found, whole, footage)
    video = VideoEvidence(round(of_query, 3), round(of_reference, 3), segments)
    evidence = Hits(best.stretch.rows[:, 0], best.stretch.rows[:, 1], best.stretch.distance, best.stretch.good)
    row = _most_typical(best, search)
    return finding_of(shared.owner, "near" if near else "possible", evidence, row, search, reason, video=video)


def _shares(found: Sequence[StretchEvidence], whole: Frames, footage: ReferenceFilm) -> tuple[float, float]:
    """The part of each film's time that the stretches cover: the file's, then the reference's."""
    track = footage.tracks[0]
    return (
        share([each.stretch.query for each in found], whole.time, whole.stop),
        share([each.stretch.reference for each in found], track.start, track.stop),
    )


def _most_typical(of: StretchEvidence, search: Search) -> int:
    """The number of the closest frame among those with the most frequent pair of views."""
    views = search.queries.rows.view, search.table.rows.view
    rows = of.stretch.rows
    pair = views[0][rows[:, 0]].astype(np.int64) << 16 | views[1][rows[:, 1]]
    names, counts = np.unique(pair, return_counts=True)
    usual = np.flatnonzero(pair == names[counts.argmax()])
    return int(usual[of.stretch.distance[usual].argmin()])


def segment_of(of: StretchEvidence, search: Search) -> Segment:
    """A stretch as results show it."""
    stretch = of.stretch
    query, reference = stretch.rows[_most_typical(of, search)].tolist()
    packed = search.queries.rows.view[query], search.table.rows.view[reference]
    view, reference_view = (ViewName.unpack(int(each)) for each in packed)
    return Segment(
        (round(stretch.query[0], 2), round(stretch.query[1], 2)),
        (round(stretch.reference[0], 2), round(stretch.reference[1], 2)),
        len(stretch.frames),
        round(float(stretch.distance.mean()), 1),
        int(stretch.distance.max()),
        max(1, of.pictures),
        round(stretch.line.speed, 3),
        transform_of(stretch.turn, view, reference_view),
        str(view),
        str(reference_view),
    )


def _still_in_film(owner: int, hits: Hits, search: Search) -> Finding:
    """The verdict on a still picture and a reference film. Of the picture's views and orientations the closest counts."""
    table = search.table
    hits = hits.select(hits.query == hits.query[np.argmin(hits.distance)])
    hits, strong = _strongest(hits, table)
    track = footage_of(table, owner)
    rows = hits.reference - track.first
    shown = _shown(hits, track.start[rows], track.stop[rows])
    segments = tuple(Segment((0.0, 0.0), span, *facts) for span, facts in shown)
    covered = share([span for span, _facts in shown], track.tracks[0].start, track.tracks[0].stop)
    best = int(np.argmin(hits.distance))
    tier: Tier = "near" if strong else "possible"
    reason: Reason = "same-footage" if strong else "resembles"
    return finding_of(owner, tier, hits, best, search, reason, video=VideoEvidence(1.0, round(covered, 3), segments))


def _film_of_still(owner: int, hits: Hits, search: Search, whole: Frames) -> Finding:
    """The verdict on a film and a reference picture: `near` if the film shows it for at least half of its time.

    whole: the film's frames.
    """
    queries = search.queries
    hits, strong = _strongest(hits, search.table)
    # The closest hit of each frame.
    time = seconds_of(queries.rows.time[hits.query])
    order = np.lexsort((hits.distance, time))
    hits = hits.select(order[np.append(True, np.diff(time[order]) > 0)])
    shown = _shown(hits, seconds_of(queries.rows.time[hits.query]), queries.stop[hits.query])
    segments = tuple(Segment(span, (0.0, 0.0), *facts) for span, facts in shown)
    covered = share([span for span, _facts in shown], whole.time, whole.stop)
    near = strong and covered >= NEAR_COVERAGE
    reason: Reason = "same-footage" if near else "shared-footage" if strong else "resembles"
    best = int(np.argmin(hits.distance))
    video = VideoEvidence(round(covered, 3), 1.0, segments)
    return finding_of(owner, "near" if near else "possible", hits, best, search, reason, video=video)


def _shown(hits: Hits, start: Seconds, stop: Seconds) -> list[tuple[tuple[float, float], tuple[int, float, int]]]:
    """When a film shows a picture: start and end, how many frames, their mean and their largest distance.

    start, stop: float64 (n,), from when to when each hit's frame stands.
    """
    return [
        (
            (round(float(start[part[0]]), 2), round(float(stop[part[-1]]), 2)),
            (len(part), round(float(hits.distance[part].mean()), 1), int(hits.distance[part].max())),
        )
        for part in pieces(start, stop)
    ]


def _strongest(hits: Hits, table: HashTable) -> tuple[Hits, bool]:
    """The hits that are evidence for `near`, and True; if there are none, all hits, and False."""
    strong = hits.good & (hits.distance <= table.threshold.near)
    return (hits.select(strong), True) if strong.any() else (hits, False)

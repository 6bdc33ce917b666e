"""An evaluation as a table for people and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from hashmatch.escape import for_terminal
from hashmatch.evaluate.goals import (
    GOALS,
    LEAST_NEAR_OF_FOUND,
    MOST_LOOK_ALIKES_NEAR,
    MOST_SCREENS_POSSIBLE,
    MOST_WRONG_NEAR,
    MOST_WRONG_POSSIBLE,
)
from hashmatch.evaluate.scores import (
    EditResult,
    Evaluation,
    GroupResult,
    LookAlikeResult,
    WrongPairs,
    counted_by,
    groups,
    near_of_found,
    share,
)
from hashmatch.hashers import MAIN, title_of
from hashmatch.i18n import _
from hashmatch.matching.tiers import quality_of
from hashmatch.report.as_json import path_of
from hashmatch.version import __version__


def as_json(evaluation: Evaluation) -> dict[str, Any]:
    """Everything that was measured, for programs."""
    return {
        "hashmatch": __version__,
        **asdict(evaluation),
        "near_of_found": near_of_found(evaluation.edits),
        "groups": [asdict(each) for each in groups(evaluation.edits, evaluation.profile)],
        "wrong_matches": [
            {**asdict(each), "original": path_of(each.original), "matched": path_of(each.matched)}
            for each in evaluation.wrong_matches
        ],
        "alike": [{**asdict(each), "a": path_of(each.a), "b": path_of(each.b)} for each in evaluation.alike],
    }


def as_table(evaluation: Evaluation, peer: bool) -> Iterator[str]:
    """Lines for people. peer: add a column with what plain PDQ finds."""
    copies = sum(each.recall.copies for each in evaluation.edits)
    heading = _("{pictures:,} pictures, {copies:,} copies; profile {profile}, seed {seed}")
    yield heading.format(pictures=evaluation.pictures, copies=copies, profile=evaluation.profile, seed=evaluation.seed)
    if evaluation.hashes != (MAIN,):
        yield _("found by: {names}").format(names=", ".join(map(title_of, evaluation.hashes)))
    yield ""
    yield from _recall_table(evaluation, peer)
    yield ""
    yield from _wrong_pairs(evaluation, peer)
    yield ""
    yield from _distance_table(evaluation)


def _recall_table(evaluation: Evaluation, peer: bool) -> Iterator[str]:
    heads = [_("near"), _("found"), *([_("PDQ ≤ 31")] if peer else [])]
    yield f"{'':<30}" + "".join(f"{head:>10}" for head in heads) + "   " + _("goal")
    for group in groups(evaluation.edits, evaluation.profile):
        shares = [group.near, group.found, *([group.plain] if peer else [])]
        yield f"{group.group:<30}{_percents(shares, group.counted)}   {_goal(group)}".rstrip()
        for each in evaluation.edits:
            if each.group == group.group:
                yield _edit_line(each, peer)
    together = near_of_found(evaluation.edits)
    if together is not None:
        text = _("families: {share} of what is found is near; goal {goal:g} %: {reached}")
        reached = _reached(together >= LEAST_NEAR_OF_FOUND)
        yield text.format(share=_percent(together), goal=100 * LEAST_NEAR_OF_FOUND, reached=reached)


def _edit_line(result: EditResult, peer: bool) -> str:
    counted, near, found = counted_by(GOALS[result.group], result.recall)
    shares = [near, found, *([share(result.recall.plain, counted)] if peer else [])]
    failed = "   " + _("{count:,} not examined").format(count=result.recall.failed) if result.recall.failed else ""
    return f"  {result.edit:<28}{_percents(shares, counted)}{failed}"


def _percents(shares: Sequence[float], counted: int) -> str:
    return "".join(f"{_percent(each) if counted else '–':>10}" for each in shares)


def _percent(value: float) -> str:
    """A percentage with one decimal that never rounds up to 100 %."""
    tenths = round(value * 1000) if value == 1 else min(round(value * 1000), 999)
    return f"{tenths / 10:.1f} %"


def _goal(group: GroupResult) -> str:
    wanted = []
    if group.goal_near is not None:
        wanted.append(_("near {share:g} %").format(share=100 * group.goal_near))
    if group.goal_found is not None:
        wanted.append(_("found {share:g} %").format(share=100 * group.goal_found))
    return ", ".join(wanted) + f": {_reached(group.met)}" if wanted and group.met is not None else ""


def _reached(met: bool) -> str:
    return _("reached") if met else _("MISSED")


def _wrong_pairs(evaluation: Evaluation, peer: bool) -> Iterator[str]:
    wrong = evaluation.wrong
    met = wrong.near <= MOST_WRONG_NEAR * wrong.pairs and wrong.possible <= MOST_WRONG_POSSIBLE * wrong.pairs
    yield _("Wrong pairs")
    yield _pairs(_("a copy and another picture"), wrong, peer, _("goal 0 near, 20 possible per million"), met)
    tiers = [each.tier for each in evaluation.alike]
    left_out = _("left out: {count:,} pairs of pictures alike before any edit ({near:,} near, {possible:,} possible)")
    possible = tiers.count("possible")
    yield "  " + left_out.format(count=len(tiers), near=len(tiers) - possible, possible=possible)
    for pair in evaluation.alike[:10]:
        yield f"    {for_terminal(pair.a)}  {for_terminal(pair.b)}  {pair.tier}, {pair.distance}"
    if evaluation.duplicates:
        yield "  " + _("left out: {count:,} files with the same bytes as another").format(count=evaluation.duplicates)
    for kind in evaluation.look_alikes:
        yield from _look_alikes(kind, peer)


def _look_alikes(result: LookAlikeResult, peer: bool) -> Iterator[str]:
    """Two lines on a kind: pairs of one layout; other pairs, and its own copies."""
    met = result.same.near <= MOST_LOOK_ALIKES_NEAR * result.same.pairs
    goal = _("goal {share:g} % near").format(share=100 * MOST_LOOK_ALIKES_NEAR)
    if result.is_screen:
        met = met and result.same.possible <= MOST_SCREENS_POSSIBLE * result.same.pairs
        goal += ", " + _("{share:g} % possible").format(share=100 * MOST_SCREENS_POSSIBLE)
    name = _("look-alikes, {kind}: one layout, two texts").format(kind=result.kind)
    yield _pairs(name, result.same, peer, goal, met)
    recall = result.recall
    near, found = (_percent(share(part, recall.copies)) for part in (recall.near, recall.found))
    text = _("their own copies: near {near}, found {found}").format(near=near, found=found)
    yield "  " + _pairs(_("other pairs"), result.others, peer) + "; " + text


def _pairs(name: str, wrong: WrongPairs, peer: bool, goal: str = "", met: bool = True) -> str:
    text = _(
        "{name}: {pairs:,} pairs, {near:,} near ({near_share:.3g} %), {possible:,} possible ({possible_share:.3g} %)"
    )
    line = text.format(
        name=name,
        pairs=wrong.pairs,
        near=wrong.near,
        near_share=100 * share(wrong.near, wrong.pairs),
        possible=wrong.possible,
        possible_share=100 * share(wrong.possible, wrong.pairs),
    )
    if peer:
        line += _("; PDQ ≤ 31: {count:,}").format(count=wrong.plain)
    return "  " + line + (f"; {goal}: {_reached(met)}" if goal else "")


def _distance_table(evaluation: Evaluation) -> Iterator[str]:
    text = _("Plain PDQ by threshold (both qualities {good} or more): copies within it, and wrong pairs")
    yield text.format(good=quality_of("pdq").good)
    for each in evaluation.distances:
        yield f"  ≤ {each.distance:<4}{_percent(each.recall):>10}{each.wrong:>12,}"

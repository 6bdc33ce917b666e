"""An evaluation as a picture: one bar for each edit."""

from __future__ import annotations

import io

from hashmatch.errors import CommandError
from hashmatch.evaluate.goals import GOALS
from hashmatch.evaluate.results import EditResult, Evaluation, counted_by, groups, share
from hashmatch.i18n import _

NEAR, POSSIBLE, PEER = "#1b6ca8", "#9cc9e8", "#d1495b"


def check() -> None:
    """Raises CommandError where what draws plots is not installed; to be asked before minutes of work."""
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError as error:
        message = _("a plot needs matplotlib, which is not installed: pip install 'hashmatch[evaluate]'")
        raise CommandError(message) from error


def png(evaluation: Evaluation, peer: bool) -> bytes:
    """Recall of each edit, near and possible; peer: with a mark at what plain PDQ finds. Raises CommandError as check."""
    check()
    from matplotlib.figure import Figure

    rows = [
        (result, group)
        for group in groups(evaluation.edits, evaluation.profile)
        for result in evaluation.edits
        if result.group == group.group
    ]
    places = [-number for number in range(len(rows))]
    shares = [_shares(result) for result, _group in rows]
    figure = Figure(figsize=(9, 1.6 + 0.19 * len(rows)), layout="constrained")
    axes = figure.add_subplot()
    near = [100 * each[0] for each in shares]
    axes.barh(places, near, color=NEAR, label=_("near"))
    possible = [100 * (each[1] - each[0]) for each in shares]
    axes.barh(places, possible, left=near, color=POSSIBLE, label=_("possible"))
    if peer:
        axes.plot([100 * each[2] for each in shares], places, "|", color=PEER, markersize=9, label=_("PDQ ≤ 31"))
    axes.set_yticks(places, [f"{result.group}: {result.edit}" for result, _group in rows], fontsize=7)
    axes.set_ylim(-len(rows) + 0.3, 0.7)
    axes.set_xlim(0, 101)
    axes.set_xlabel(_("copies found, %"))
    title = _("{pictures:,} pictures, profile {profile}")
    axes.set_title(title.format(pictures=evaluation.pictures, profile=evaluation.profile))
    axes.grid(axis="x", linewidth=0.4)
    figure.legend(loc="outside lower center", ncols=3, frameon=False)
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=130)
    return out.getvalue()


def _shares(result: EditResult) -> tuple[float, float, float]:
    """Near, found, and what plain PDQ finds."""
    counted, near, found = counted_by(GOALS[result.group], result.recall)
    return near, found, share(result.recall.plain, counted)

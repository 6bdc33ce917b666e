"""An evaluation as a picture: one bar for each edit."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass

from hashmatch.errors import CommandError
from hashmatch.evaluate.goals import GOALS
from hashmatch.evaluate.scores import Evaluation, counted_by, groups, share
from hashmatch.i18n import _

NEAR, POSSIBLE, PEER = "#1b6ca8", "#9cc9e8", "#d1495b"


def check() -> None:
    """Raises CommandError if the plotting library is not installed. Call it before minutes of work."""
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError as error:
        message = _("a plot needs matplotlib, which is not installed: pip install 'hashmatch[evaluate]'")
        raise CommandError(message) from error


def png(evaluation: Evaluation, peer: bool) -> bytes:
    """Recall of each edit, near and possible, by group. peer: add a mark at what plain PDQ finds.

    Raises CommandError as `check` does.
    """
    check()
    from matplotlib.figure import Figure

    rows = list(_rows(evaluation))
    figure = Figure(figsize=(9, 1.6 + 0.18 * len(rows)), layout="constrained")
    axes = figure.add_subplot()
    drawn = [(-place, row) for place, row in enumerate(rows) if row.shares is not None]
    places = [place for place, _row in drawn]
    near, found, plain = (
        [100 * each for each in column] for column in zip(*(row.shares for _, row in drawn), strict=True)
    )
    axes.barh(places, near, color=NEAR, label=_("near"))
    possible = [whole - part for whole, part in zip(found, near, strict=True)]
    axes.barh(places, possible, left=near, color=POSSIBLE, label=_("possible"))
    if peer:
        axes.plot(
            plain, places, "D", color=PEER, markersize=3.5, markeredgecolor="white", clip_on=False, label=_("PDQ ≤ 31")
        )
    axes.set_yticks([-place for place in range(len(rows))], [row.label for row in rows], fontsize=7)
    for label, row in zip(axes.get_yticklabels(), rows, strict=True):
        label.set_fontweight("normal" if row.shares is not None else "bold")
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(-len(rows) + 0.3, 0.7)
    axes.set_xlim(0, 100)
    axes.set_xlabel(_("copies found, %"))
    title = _("{pictures:,} pictures, profile {profile}")
    axes.set_title(title.format(pictures=evaluation.pictures, profile=evaluation.profile))
    axes.grid(axis="x", linewidth=0.4)
    axes.set_axisbelow(True)
    figure.legend(loc="outside lower center", ncols=3, frameon=False)
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=130)
    return out.getvalue()


@dataclass(frozen=True, slots=True)
class _Row:
    """A line of the plot. shares: near, found, and what plain PDQ finds; None for the heading of a group."""

    label: str
    shares: tuple[float, float, float] | None


def _rows(evaluation: Evaluation) -> Iterator[_Row]:
    for group in groups(evaluation.edits, evaluation.profile):
        yield _Row(group.group, None)
        for result in evaluation.edits:
            if result.group == group.group:
                counted, near, found = counted_by(GOALS[result.group], result.recall)
                yield _Row(result.edit, (near, found, share(result.recall.plain, counted)))

"""`hashmatch evaluate`: how well copies of your own pictures are found."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hashmatch.cli.shared import sections
from hashmatch.cli.shared.app import PATHS, App, format_option, output, pass_app
from hashmatch.cli.shared.walking import Walking, walking_options
from hashmatch.cli.shared.workers import Examining, examining_options, hash_option, model_option
from hashmatch.errors import CommandError
from hashmatch.i18n import _

if TYPE_CHECKING:
    from hashmatch.errors import MediaError
    from hashmatch.evaluate.making import Edit
    from hashmatch.matching.tiers import Profile

_FILE = click.Path(path_type=Path, dir_okay=False)


_MEASURED = _("What to measure")


@sections.command(
    help=_(
        "Measure how well copies of your own pictures are found. It makes copies with the edits of re-uploaders and scans"
        " them against the originals, in temporary files. Prints the share found for each edit, and how often unrelated"
        " pictures match. Exit code: 0 done, 1 done but some files could not be used."
    )
)
@click.argument("folder", type=PATHS)
@sections.option(
    "--limit",
    type=click.IntRange(1),
    default=200,
    show_default=True,
    section=_MEASURED,
    help=_("Use this many pictures, chosen at random."),
)
@sections.option(
    "--profile",
    type=click.Choice(["fast", "balanced", "thorough"]),
    default="thorough",
    show_default=True,
    section=_MEASURED,
    help=_("The profile to scan with."),
)
@sections.option(
    "--edits",
    "patterns",
    metavar="GLOB",
    multiple=True,
    section=_MEASURED,
    help=_("Only edits whose name or group matches, such as 'jpeg-*' or combination. Repeatable."),
)
@sections.option(
    "--templates",
    type=click.IntRange(0, 1000),
    default=14,
    show_default=True,
    section=_MEASURED,
    help=_(
        "Layouts of each kind of made-up look-alikes (cards, letters, flags), to see whether two texts are told apart."
    ),
)
@sections.option(
    "--peer",
    type=click.Choice(["pdq"]),
    section=_MEASURED,
    help=_("Also show what plain PDQ finds within 31 bits."),
)
@sections.option(
    "--seed",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    section=_MEASURED,
    help=_("Seed of all random choices."),
)
@hash_option
@model_option
@walking_options
@format_option("table", "json")
@sections.option("--plot", type=_FILE, section=sections.OUTPUT, help=_("Draw the recall of each edit into a PNG file."))
@sections.option("--json", "document", type=_FILE, section=sections.OUTPUT, help=_("Write all measurements to a file."))
@examining_options
@pass_app
def command(
    app: App,
    folder: bytes,
    limit: int,
    profile: Profile,
    names: str,
    model: str | None,
    patterns: tuple[str, ...],
    templates: int,
    peer: str | None,
    seed: int,
    plot: Path | None,
    document: Path | None,
    form: str,
    walking: Walking,
    examining: Examining,
) -> int:
    from hashmatch.cli.shared.progress import ProgressBar
    from hashmatch.escape import for_terminal
    from hashmatch.evaluate import plot as plotting
    from hashmatch.evaluate import score_table
    from hashmatch.evaluate.evaluation import MOST_BESIDE, evaluate, steps
    from hashmatch.evaluate.goals import CARD
    from hashmatch.evaluate.originals import choose_more
    from hashmatch.fingerprints.model_files import find_models
    from hashmatch.hashers import parse_names
    from hashmatch.report import as_json

    edits, hashes = _chosen(patterns), parse_names(names)
    models = find_models(model, examining.isolation)[:1] if profile == "thorough" else ()
    if not templates and all(edit.group == CARD for edit in edits):
        raise CommandError(_("there are no cards to copy with --templates 0"))
    for path in filter(None, (plot, document)):
        if not path.absolute().parent.is_dir():
            raise CommandError(_("cannot write {path}: its folder does not exist").format(path=path))
    if plot is not None:
        plotting.check()
    failures: list[dict[str, Any]] = []

    def refuse(path: bytes, why: MediaError) -> None:
        failures.append(as_json.problem(path, why.failure))
        say(f"{for_terminal(path)}: {why.code}: {for_terminal(why.message)}")

    say = app.warn
    paths, beside = choose_more(walking.walk([folder]), limit, MOST_BESIDE, seed, refuse)
    with ProgressBar(app, lambda: range(steps(len(paths), edits, templates))) as progress:
        say = progress.line
        evaluation = evaluate(
            paths,
            edits=edits,
            beside=beside,
            templates=templates,
            profile=profile,
            hashes=hashes,
            seed=seed,
            isolation=examining.isolation,
            limits=examining.limits,
            models=models,
            refuse=refuse,
            advance=progress.advance,
        )
    content: dict[str, Any] = {**score_table.as_json(evaluation), "failures": failures}
    if document is not None:
        with output(document) as file:
            as_json.dump(content, file, indent=2)
    if plot is not None:
        with output(plot) as file:
            file.write(plotting.png(evaluation, peer is not None))
    if form == "json":
        as_json.dump(content, sys.stdout.buffer, indent=2)
    else:
        for line in score_table.as_table(evaluation, peer is not None):
            click.echo(line)
    return 1 if failures else 0


def _chosen(patterns: tuple[str, ...]) -> tuple[Edit, ...]:
    """The edits that match any of the patterns, each once, in their order. Raises CommandError."""
    from hashmatch.evaluate.edits import EDITS, matching

    if not patterns:
        return EDITS
    for pattern in patterns:
        if not matching(pattern):
            raise CommandError(_("no edit is called {pattern}").format(pattern=pattern))
    wanted = {edit.name for pattern in patterns for edit in matching(pattern)}
    return tuple(edit for edit in EDITS if edit.name in wanted)

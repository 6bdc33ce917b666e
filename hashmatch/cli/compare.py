"""`hashmatch compare`: how alike two files are, and why."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hashmatch.cli.app import PATHS, App, format_option, pass_app
from hashmatch.cli.examining import Examining, examining_options
from hashmatch.errors import CommandError
from hashmatch.i18n import _

if TYPE_CHECKING:
    from hashmatch.comparison import Comparison
    from hashmatch.hashing import Settings
    from hashmatch.records import Fingerprint

#: Pixels of the longer side of each picture of --save.
PICTURE_SIDE = 640


@click.command(
    help=_(
        "Explain how alike two images or films are: digests, distances, tier, shared stretches. No database is needed."
    )
)
@click.argument("a", type=PATHS)
@click.argument("b", type=PATHS)
@click.option(
    "--save",
    "target",
    metavar="FILE.png",
    type=click.Path(path_type=Path),
    help=_("Write a picture of both side by side, with the part of A drawn in that shows B."),
)
@examining_options
@format_option("table", "json")
@pass_app
def command(app: App, a: bytes, b: bytes, target: Path | None, form: str, examining: Examining) -> int:
    from hashmatch.comparison import compare
    from hashmatch.hashers import HASHERS
    from hashmatch.hashing import Settings
    from hashmatch.report import as_json

    side = PICTURE_SIDE if target else 0
    settings = Settings(tuple(HASHERS), limits=examining.limits, side="query", features=True, picture_side=side)
    query = _fingerprint(app, a, settings, examining)
    reference = _fingerprint(app, b, replace(settings, side="reference"), examining)
    compared = compare(query, reference)
    if target is not None:
        from hashmatch.report.side_by_side import save

        save(query, reference, compared, target)
    if form == "json":
        document = {"a": as_json.path_of(a), "b": as_json.path_of(b), **asdict(compared)}
        as_json.dump(document, sys.stdout.buffer, indent=2)
        return 0
    for line in _lines(a, b, compared):
        click.echo(line)
    return 0


def _fingerprint(app: App, path: bytes, settings: Settings, examining: Examining) -> Fingerprint:
    from hashmatch.fingerprint import fingerprints
    from hashmatch.media.files import Found
    from hashmatch.report.escape import for_terminal

    ((_state, result),) = fingerprints([Found(path)], settings, examining.isolation)
    if result is None or not result.hashes:
        why = result.error.message if result and result.error else _("is neither image nor film")
        raise CommandError(os.fsdecode(path) + f": {why}")
    if result.partial and result.error:
        app.warn(f"{for_terminal(path)}: {result.error.code}: {for_terminal(result.error.message)}")
    return result


def _lines(a: bytes, b: bytes, compared: Comparison) -> Iterator[str]:
    from hashmatch.matching.tiers import MOST_CONTRADICTION
    from hashmatch.report.as_lines import area_line, coverage_line
    from hashmatch.report.escape import for_terminal
    from hashmatch.report.reasons import explain

    yield f"A  {for_terminal(a)}"
    yield f"B  {for_terminal(b)}"
    yield _("same bytes") if compared.same_bytes else _("different bytes")
    for each in compared.distances:
        text = _("{algorithm}: distance {distance} of {bits} bits").format(**asdict(each))
        quality = each.quality and _(", quality {a} and {b}").format(a=each.quality[0], b=each.quality[1])
        yield f"{text}{quality or ''}"
    if compared.distance is not None:
        text = _("compared: {view} of A with {other} of B, transform {transform}: PDQ distance {distance}")
        yield text.format(
            view=compared.view,
            other=compared.reference_view,
            transform=compared.transform,
            distance=compared.distance,
        )
    if compared.contradiction is not None:
        yield _("blocks: contradiction {found}, of sound copies of one picture at most {most}").format(
            found=compared.contradiction, most=MOST_CONTRADICTION
        )
    if compared.local is not None:
        yield area_line(compared.local)
    if compared.video is not None:
        yield coverage_line(compared.video)
    if compared.tier is None:
        yield _("tier: none (nothing agrees)")
        return
    assert compared.reason is not None
    yield _("tier: {tier} ({reason})").format(tier=compared.tier, reason=explain(compared.reason))

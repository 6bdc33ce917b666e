"""`hashmatch compare`: how alike two files are, and why."""

from __future__ import annotations

import os
import sys
from dataclasses import asdict

import click

from hashmatch.cli.app import PATHS, App, format_option, pass_app
from hashmatch.cli.examining import Examining, examining_options
from hashmatch.errors import CommandError
from hashmatch.i18n import _


@click.command(
    help=_(
        "Explain how alike two images or films are: digests, distances, tier, shared stretches. No database is needed."
    )
)
@click.argument("a", type=PATHS)
@click.argument("b", type=PATHS)
@examining_options
@format_option("table", "json")
@pass_app
def command(app: App, a: bytes, b: bytes, form: str, examining: Examining) -> int:
    from hashmatch.comparison import compare
    from hashmatch.fingerprint import Settings, fingerprints
    from hashmatch.hashers import HASHERS
    from hashmatch.media.files import Found
    from hashmatch.report import as_json
    from hashmatch.report.as_lines import coverage_line
    from hashmatch.report.escape import for_terminal

    found = (Found(path) for path in dict.fromkeys((a, b)))
    settings = Settings(tuple(HASHERS), limits=examining.limits)
    results = {s.path: r for s, r in fingerprints(found, settings, examining.isolation) if r}
    for path in (a, b):
        result = results[path]
        if not result.hashes:
            why = result.error.message if result.error else _("is neither image nor film")
            raise CommandError(os.fsdecode(path) + f": {why}")
        if result.partial and result.error:
            app.warn(f"{for_terminal(path)}: {result.error.code}: {for_terminal(result.error.message)}")
    compared = compare(results[a], results[b])
    if form == "json":
        document = {"a": as_json.path_of(a), "b": as_json.path_of(b), **asdict(compared)}
        as_json.dump(document, sys.stdout.buffer, indent=2)
        return 0
    click.echo(f"A  {for_terminal(a)}")
    click.echo(f"B  {for_terminal(b)}")
    click.echo(_("same bytes") if compared.same_bytes else _("different bytes"))
    for each in compared.distances:
        text = _("{algorithm}: distance {distance} of {bits} bits").format(**asdict(each))
        quality = (
            "" if each.quality is None else _(", quality {a} and {b}").format(a=each.quality[0], b=each.quality[1])
        )
        click.echo(f"{text}{quality}")
    if compared.video is not None:
        click.echo(coverage_line(compared.video))
    click.echo(_("tier: {tier}").format(tier=compared.tier or _("none")) + f" ({compared.reason})")
    return 0

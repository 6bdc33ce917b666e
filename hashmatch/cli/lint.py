"""`hashmatch lint`: hashes that cannot be relied on."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from hashmatch.cli.shared.app import App, format_option, pass_app
from hashmatch.i18n import _, ngettext
from hashmatch.matching.tiers import TOO_COMMON, quality_of

if TYPE_CHECKING:
    from hashmatch.workflows.lint import LintReport

#: How many common hashes are listed for a person; JSON has all.
LISTED = 20


@click.command(
    help=_(
        "Find hashes that cannot be relied on. Some say nothing (black, blank, implausible bits); others are common to"
        " hundreds of unrelated references (a title card, a form). Exit code: 0 none, 1 some, 2 failed."
    )
)
@click.option(
    "--common",
    "too_common",
    type=click.IntRange(2),
    default=TOO_COMMON,
    show_default=True,
    help=_("A hash is too common if this many unrelated references have it."),
)
@click.option(
    "--demote",
    is_flag=True,
    help=_("From now on, the hashes found to be too common, and only those, never make a match near."),
)
@format_option("table", "json")
@pass_app
def command(app: App, too_common: int, demote: bool, form: str) -> int:
    from hashmatch.report import as_json
    from hashmatch.store import open_store
    from hashmatch.store.audit import Actor
    from hashmatch.store.curate import set_common_hashes
    from hashmatch.workflows.lint import ALGORITHM, lint

    with open_store(app.database, write=demote) as store:
        report = lint(store, too_common)
        if demote:
            found = {each.bits: each.found for each in report.common}
            with store.transaction() as connection:
                set_common_hashes(connection, Actor.current("lint"), ALGORITHM, found)
    if form == "json":
        as_json.dump(as_json.lint(report, demote), sys.stdout.buffer, indent=2)
    else:
        for line in _lines(report, demote):
            click.echo(line)
    return 1 if report.findings else 0


def _lines(report: LintReport, demoted: bool) -> Iterator[str]:
    from hashmatch.workflows.lint import ALGORITHM

    yield ngettext("{n:,} PDQ hash", "{n:,} PDQ hashes", report.hashes).format(n=report.hashes)
    quality = quality_of(ALGORITHM)
    texts = {
        _("{n:,} with little detail (quality below {good}): never near"): report.low_quality,
        _("{n:,} without detail (quality below {least}): not compared"): report.featureless,
        _("{n:,} without a stated quality and with implausible bits: not compared"): report.implausible,
    }
    for text, count in texts.items():
        if count:
            yield "  " + text.format(n=count, good=quality.good, least=quality.least)
    if report.examples:
        yield "  " + _("for example of references {ids}").format(ids=", ".join(f"#{each}" for each in report.examples))
    if report.common:
        count = len(report.common)
        text = ngettext("{n:,} that is too common", "{n:,} that are too common", count).format(n=count)
        yield "  " + text + (_(": demoted") if demoted else _("; `hashmatch lint --demote` demotes them"))
    for each in report.common[:LISTED]:
        text = _("{bits}…  like {found:,} unrelated references, such as #{example}")
        yield "    " + text.format(bits=each.bits.hex()[:16], found=each.found, example=each.example)

"""`hashmatch report`: a saved scan as one HTML file."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hashmatch.cli.shared import sections
from hashmatch.cli.shared.app import PATHS, App, output, pass_app
from hashmatch.cli.shared.html import pictures_option, write_page
from hashmatch.cli.shared.workers import Examining, examining_options
from hashmatch.errors import CommandError
from hashmatch.i18n import _

if TYPE_CHECKING:
    from hashmatch.report.pictures import PictureRule
    from hashmatch.report.scan_file import ScanFile


@sections.command(
    help=_(
        "Make an HTML report of a saved scan. The report is one file, which needs no network. SCAN is the output of"
        " scan --format json or jsonl, or - for standard input; only json has the facts of custody. No database is needed;"
        " if there is one, the report also shows the end of its audit trail and how long references are."
    )
)
@click.argument("scan", type=PATHS)
@sections.option(
    "-o",
    "--output",
    "target",
    type=click.Path(path_type=Path),
    section=sections.OUTPUT,
    help=_("Write to this file."),
)
@pictures_option
@examining_options
@pass_app
def command(app: App, scan: bytes, target: Path | None, pictures: PictureRule | None, examining: Examining) -> int:
    from hashmatch.clock import now
    from hashmatch.report.custody import audit_head
    from hashmatch.report.html.contents import ReportContents
    from hashmatch.report.html.scan_facts import KeptScan, ReportOrigin
    from hashmatch.report.scan_file import ScanFile
    from hashmatch.store import open_store
    from hashmatch.store.audit import Actor
    from hashmatch.version import __version__

    gathered = ReportContents()
    with contextlib.ExitStack() as stack:
        file = ScanFile(stack.enter_context(_opened(scan)), os.fsdecode(scan))
        for result in file.results():
            gathered.add(result, file.line_size)
        # A database that nobody named may be missing, as on a colleague's machine.
        store = stack.enter_context(open_store(app.database)) if app.db or app.database.exists() else None
        about = ReportOrigin(
            __version__,
            Actor.current("report").operator,
            now(),
            file.head,
            file.seconds,
            file.interrupted,
            KeptScan(
                b"-" if scan == b"-" else os.path.abspath(scan), file.size, file.sha256, file.is_document, file.cut_off
            ),
            str(store.path) if store else None,
            audit_head(store) if store else None,
            pictures,
        )
        _warn(app, file, scan)
        out = stack.enter_context(output(target))
        write_page(gathered, about, out, store=store, rule=pictures, examining=examining, on_problem=app.warn)
    return 0


def _opened(scan: bytes) -> Any:
    if scan == b"-":
        return contextlib.nullcontext(sys.stdin.buffer)
    try:
        return open(scan, "rb")
    except OSError as error:
        message = _("cannot read {path}: {reason}")
        raise CommandError(message.format(path=os.fsdecode(scan), reason=error.strerror or error)) from error


def _warn(app: App, file: ScanFile, scan: bytes) -> None:
    from hashmatch.escape import for_terminal

    if file.cut_off:
        app.warn(
            _("{file} is cut off; the report says so and covers the part that is there").format(file=for_terminal(scan))
        )

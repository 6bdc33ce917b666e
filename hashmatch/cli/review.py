"""`hashmatch review`: decide on the matches of a kept scan, in a browser on this machine."""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING

import click

from hashmatch.cli.shared.app import PATHS, App, pass_app
from hashmatch.cli.shared.workers import Examining, examining_options
from hashmatch.errors import CommandError
from hashmatch.i18n import _

if TYPE_CHECKING:
    from hashmatch.report.html.contents import ReportContents


@click.command(
    help=_(
        "Decide on the matches of a kept scan, in a browser, on this machine only. SCAN is what scan --format json or jsonl"
        " wrote. The page's address is printed; it is good once. Ctrl-C ends it; every decision was kept when it was taken,"
        " and the next start goes on from there."
    )
)
@click.argument("scan", type=PATHS)
@click.option("--port", type=click.IntRange(0, 65535), default=0, help=_("Default: one that the system chooses."))
@click.option("--open", "opens", is_flag=True, help=_("Open the page in your browser."))
@click.option("--reviewer", help=_("Who decides. Default: your name on this system."))
@click.option(
    "--needed",
    type=click.IntRange(1, 2),
    help=_("From now on in this database, so many different people must agree before a decision counts."),
)
@click.option(
    "--source",
    help=_("From now on in this database, opinions of references are given in this name, which partners read."),
)
@click.option(
    "--unseen",
    is_flag=True,
    help=_("Let files be called false positives or legitimate that are not at hand to be looked at."),
)
@click.option(
    "--pause",
    type=click.FloatRange(min=0),
    default=30.0,
    show_default=True,
    help=_("Minutes after which a pause is suggested; 0: never."),
)
@examining_options
@pass_app
def command(
    app: App,
    scan: bytes,
    port: int,
    opens: bool,
    reviewer: str | None,
    needed: int | None,
    source: str | None,
    unseen: bool,
    pause: float,
    examining: Examining,
) -> int:
    try:
        importlib.import_module("starlette.applications")
        importlib.import_module("uvicorn")
    except ImportError as error:
        raise CommandError(_("the review page needs more packages: pip install 'hashmatch[review]'")) from error
    from hashmatch.review import server
    from hashmatch.review.access import RunSecrets
    from hashmatch.review.pages import ReviewPages
    from hashmatch.review.picture_maker import PictureMaker
    from hashmatch.review.queue import ReviewQueue
    from hashmatch.store import open_store, review_decisions
    from hashmatch.store.audit import Actor

    actor = Actor.current("review")
    name = _name(reviewer if reviewer is not None else actor.operator)
    gathered, notices = _read(app, scan)
    if not app.database.exists():
        raise CommandError(
            _("there is no database {path}; decisions are kept in the one that was scanned against").format(
                path=app.database
            )
        )
    with open_store(app.database, write=True) as store:
        before = review_decisions.rules(store.connection)
        wanted = review_decisions.Rules(needed or before.needed, _name(source) if source is not None else before.source)
        with store.transaction() as connection:
            review_decisions.set_rules(connection, actor, wanted)
        with server.listen(port) as listening:
            keys = RunSecrets()
            queue = ReviewQueue(store, gathered, name)
            pages = ReviewPages(store, queue, keys.base, keys.form, notices)
            darkroom = PictureMaker(examining.isolation, examining.limits)
            desk = server.ReviewApp(store, actor, queue, pages, keys, darkroom, 60 * pause, unseen)
            address = f"http://127.0.0.1:{listening.getsockname()[1]}{keys.base}/enter?token={keys.token}"
            click.echo(address)
            app.say(_("Open this address in a browser on this machine; it is good once. Ctrl-C ends the review."))
            if opens:
                import webbrowser

                webbrowser.open(address)
            server.serve(desk, listening)
    return 0


def _name(text: str) -> str:
    """A person's or organisation's name. Raises CommandError for what is none, or would deceive."""
    from hashmatch.escape import for_terminal

    name = " ".join(text.split())
    if not name or len(name) > 100 or for_terminal(name) != name:
        raise CommandError(_("{name!r} is no name that can be shown").format(name=text))
    return name


def _read(app: App, scan: bytes) -> tuple[ReportContents, tuple[str, ...]]:
    """The scan's results, and what a person must know of its file. Raises CommandError."""
    from hashmatch.escape import for_terminal
    from hashmatch.report.html.contents import ReportContents
    from hashmatch.report.scan_file import ScanFile

    gathered, notices = ReportContents(), []
    try:
        with open(scan, "rb") as opened:
            file = ScanFile(opened, os.fsdecode(scan))
            for result in file.results():
                gathered.add(result, file.line_size)
    except OSError as error:
        message = _("cannot read {path}: {reason}")
        raise CommandError(message.format(path=os.fsdecode(scan), reason=error.strerror or error)) from error
    shown = for_terminal(scan)
    if file.cut_off:
        notices.append(_("{file} is cut off; what comes before can be decided").format(file=shown))
    if file.interrupted:
        notices.append(_("the scan was interrupted, so {file} does not have all").format(file=shown))
    if gathered.left_out:
        text = _("{n:,} matches more than can be shown are in {file}; divide it")
        notices.append(text.format(n=gathered.left_out, file=shown))
    for notice in notices:
        app.warn(notice)
    return gathered, tuple(notices)

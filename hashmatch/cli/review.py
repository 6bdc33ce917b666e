"""`hashmatch review`: decide on the matches of a saved scan, in a browser on this machine."""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING

import click

from hashmatch.cli.shared import sections
from hashmatch.cli.shared.app import PATHS, App, pass_app
from hashmatch.cli.shared.workers import Examining, examining_options
from hashmatch.errors import CommandError
from hashmatch.i18n import _

if TYPE_CHECKING:
    from hashmatch.report.html.contents import ReportContents


_PAGE = _("The page")
_DECISIONS = _("Decisions")


@sections.command(
    help=_(
        "Decide on the matches of a saved scan, in a browser. SCAN is the output of scan --format json or jsonl. The page is"
        " served on this machine only; its address is printed and works once. Ctrl-C ends the review. Each decision is"
        " saved at once, and the next start continues from there."
    )
)
@click.argument("scan", type=PATHS)
@sections.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    section=_PAGE,
    help=_("Port of the page. Default: the system chooses one."),
)
@sections.option("--open", "opens", is_flag=True, section=_PAGE, help=_("Open the page in your browser."))
@sections.option(
    "--pause",
    type=click.FloatRange(min=0),
    default=30.0,
    show_default=True,
    section=_PAGE,
    help=_("Suggest a break after this many minutes; 0: never."),
)
@sections.option("--reviewer", section=_DECISIONS, help=_("Who decides. Default: your name on this system."))
@sections.option(
    "--needed",
    type=click.IntRange(1, 2),
    section=_DECISIONS,
    help=_("From now on, decisions in this database count once this many people agree."),
)
@sections.option(
    "--source",
    section=_DECISIONS,
    help=_("From now on, opinions in this database carry this name, which partners see."),
)
@sections.option(
    "--unseen",
    is_flag=True,
    section=_DECISIONS,
    help=_("Allow calling a file a false positive or legitimate even if it is not here to be seen."),
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
            _("there is no database {path}; decisions are saved in the one that the scan used").format(
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
            picture_maker = PictureMaker(examining.isolation, examining.limits)
            review_app = server.ReviewApp(store, actor, queue, pages, keys, picture_maker, 60 * pause, unseen)
            address = f"http://127.0.0.1:{listening.getsockname()[1]}{keys.base}/enter?token={keys.token}"
            click.echo(address)
            app.say(_("Open this address in a browser on this machine; it works once. Ctrl-C ends the review."))
            if opens:
                import webbrowser

                webbrowser.open(address)
            server.serve(review_app, listening)
    return 0


def _name(text: str) -> str:
    """A person's or organisation's name. Raises CommandError if it is empty, too long or hides characters."""
    from hashmatch.escape import for_terminal

    name = " ".join(text.split())
    if not name or len(name) > 100 or for_terminal(name) != name:
        raise CommandError(_("{name!r} cannot be shown as a name").format(name=text))
    return name


def _read(app: App, scan: bytes) -> tuple[ReportContents, tuple[str, ...]]:
    """The scan's results, and what a person must know about its file. Raises CommandError."""
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
        notices.append(_("{file} is cut off; you can decide on the part that is there").format(file=shown))
    if file.interrupted:
        notices.append(_("the scan was interrupted, so {file} does not have all results").format(file=shown))
    if gathered.left_out:
        text = _("{file} has {n:,} more matches than can be shown; split it")
        notices.append(text.format(n=gathered.left_out, file=shown))
    for notice in notices:
        app.warn(notice)
    return gathered, tuple(notices)

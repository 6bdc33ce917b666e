"""`hashmatch scan`: match files against the reference set."""

from __future__ import annotations

import contextlib
import functools
import io
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from hashmatch.cli.shared import sections
from hashmatch.cli.shared.app import PATHS, App, format_option, output, pass_app, stream_is_terminal
from hashmatch.cli.shared.cluster import cluster_option, clustered
from hashmatch.cli.shared.html import pictures_option
from hashmatch.cli.shared.scan_account import ScanAccount, print_account
from hashmatch.cli.shared.walking import Seen, Walking, walking_options
from hashmatch.cli.shared.workers import Examining, examining_options, model_option
from hashmatch.errors import CommandError
from hashmatch.i18n import _

if TYPE_CHECKING:
    from hashmatch.matching.results import Result, ScanSummary, Tier
    from hashmatch.matching.tiers import Profile
    from hashmatch.media.files import FoundPath
    from hashmatch.report.custody import Custody
    from hashmatch.report.pictures import PictureRule
    from hashmatch.store import Store
    from hashmatch.workflows.record_scan import ScanRecorder

#: Bytes of a file name; no system has longer ones.
LONGEST_NAME = 1 << 16

#: Writes one result as soon as it is known.
Write = Callable[["Result"], None]
#: Writes the end, given the summary.
Finish = Callable[["ScanSummary"], None]

_MATCHING = _("What counts as a match")


@sections.command(
    help=_(
        "Match files against the reference set. Writes nothing to it without --record. Exit code: 0 nothing matched,"
        " 1 something did, 2 nothing matched but some media could not be examined or compared, or there was nothing to scan"
        " or to compare with."
    )
)
@click.argument("paths", metavar="PATH…", nargs=-1, type=PATHS)
@sections.option(
    "--collection",
    "collections",
    multiple=True,
    section=_MATCHING,
    help=_("Search only this collection. Repeatable."),
)
@sections.option(
    "--min-tier",
    type=click.Choice(["exact", "near", "possible"]),
    default="possible",
    show_default=True,
    section=_MATCHING,
    help=_("The weakest match that counts."),
)
@sections.option(
    "--profile",
    type=click.Choice(["fast", "balanced", "thorough"]),
    default="balanced",
    show_default=True,
    section=_MATCHING,
    help=_(
        "How hard to look: fast finds no crops, insets and rotations; thorough finds more of them, at twice the cost."
    ),
)
@sections.option(
    "--radius",
    type=click.IntRange(0, 256),
    section=_MATCHING,
    help=_("Largest PDQ distance that still matches, in bits. Default: the profile's."),
)
@model_option
@sections.option(
    "--files-from",
    metavar="FILE|-",
    section=sections.FILES,
    help=_("Read file names from a file or standard input, one per line. Each is answered as it comes."),
)
@sections.option(
    "-0",
    "--null",
    "null",
    is_flag=True,
    section=sections.FILES,
    help=_("Names in --files-from end with NUL instead of a newline."),
)
@walking_options
@format_option("table", "json", "jsonl", "csv", "html")
@sections.option(
    "-o",
    "--output",
    "target",
    type=click.Path(path_type=Path),
    section=sections.OUTPUT,
    help=_("Write to this file."),
)
@pictures_option
@sections.option(
    "--record",
    is_flag=True,
    section=sections.OUTPUT,
    help=_(
        "Record in the database which files matched what, so that `retract --recall` can list results that no longer hold."
    ),
)
@examining_options
@cluster_option
@pass_app
def command(
    app: App,
    paths: tuple[bytes, ...],
    target: Path | None,
    collections: tuple[str, ...],
    min_tier: Tier,
    profile: Profile,
    radius: int | None,
    model: str | None,
    files_from: str | None,
    null: bool,
    pictures: PictureRule | None,
    record: bool,
    address: str | None,
    form: str,
    walking: Walking,
    examining: Examining,
) -> int:
    from hashmatch.cli.shared.progress import ProgressBar
    from hashmatch.fingerprints.model_files import find_models
    from hashmatch.matching.status import StatusCounts
    from hashmatch.store import hash_rows, open_store
    from hashmatch.workflows.scan import scan

    if bool(paths) == (files_from is not None):
        raise click.UsageError(_("name paths, or give --files-from"))
    if pictures is not None and form != "html":
        raise click.UsageError(_("--pictures needs --format html"))
    settings = {"min_tier": min_tier, "profile": profile, "radius": radius, "collections": list(collections)}
    counts = StatusCounts()
    interrupted, widest_gap = False, 0.0
    with contextlib.ExitStack() as stack:
        # First, because it upgrades an older database. Otherwise the scan would read a copy of that.
        kept_in = _open_to_record(stack, app.database) if record else None
        store = stack.enter_context(open_store(app.database))
        cluster = stack.enter_context(clustered(app, address, examining))
        models = find_models(model, examining.isolation) if profile == "thorough" else ()
        searcher = cluster.searcher(store, collections, profile, radius, models)
        searcher.require_known()
        hashing = searcher.query_hashing(examining.limits)
        unused = () if hashing.models or profile != "thorough" else hash_rows.learned(store.connection)
        source: int | None = None
        if files_from is None:
            found = Seen(cluster.walk(walking, paths))
        else:
            source = stack.enter_context(_names_file(files_from)).fileno()
            found = Seen(_names(source, b"\0" if null else b"\n"))
        # The bar and the results share the terminal only if both go there and results are lines for a person.
        shown = files_from is None and (target is not None or form == "table" or not stream_is_terminal(sys.stdout))
        progress = stack.enter_context(ProgressBar(app, lambda: cluster.walk(walking, paths), shown))
        # Outside the output, which is complete even if recording fails.
        recorder = _recorder(stack, kept_in, settings, progress, source) if kept_in else None
        out = stack.enter_context(output(target, whole=form in ("json", "html")))
        begun = functools.partial(_custody, store, paths, files_from, examining)
        if form == "html":
            write, finish = _html(out, store, settings, begun(), progress, pictures, examining)
        else:
            write, finish = _writer(form, out, store, settings, begun, progress, target)
        try:
            results = scan(
                store,
                found,
                cluster.examiner(store, adds=False),
                searcher,
                min_tier=min_tier,
                limits=examining.limits,
                input_descriptor=source,
                on_progress=progress.moved,
            )
            stack.callback(results.close)  # before the cluster is left
            for result in results:
                counts.add(result)
                if result.examined is not None and result.tier != "exact":
                    widest_gap = max(widest_gap, result.examined.longest_gap)
                progress.advance(result.path)
                _print_problem(app, progress, result)
                if recorder:
                    recorder.add(result)
                write(result)
        except KeyboardInterrupt:
            interrupted = True
        summary = counts.summary(interrupted)
        finish(summary)
        if recorder and not interrupted:
            recorder.complete(summary)
    account = ScanAccount(summary, profile, counts.judged_false, widest_gap, hashing.features, unused)
    print_account(app, account, as_table=form == "table")
    if interrupted:
        raise KeyboardInterrupt
    found.check(summary.files)
    if summary.matched:
        return 1
    return 2 if summary.failed or not summary.files else 0


def _open_to_record(stack: contextlib.ExitStack, database: Path) -> Store:
    from hashmatch.workflows.record_scan import open_to_record

    return stack.enter_context(open_to_record(database))


def _recorder(
    stack: contextlib.ExitStack, store: Store, settings: dict[str, Any], progress: Any, source: int | None
) -> ScanRecorder:
    """What records the results. If names come through a pipe, each is recorded before it is answered."""
    from hashmatch.store.audit import Actor
    from hashmatch.workflows.record_scan import SECONDS, ScanRecorder

    seconds = SECONDS if source is None else 0.0
    return stack.enter_context(ScanRecorder(store, Actor.current("scan"), settings, progress.line, seconds))


def _print_problem(app: App, progress: Any, result: Result) -> None:
    """Print a line on standard error for each file that could not be examined, or only in part."""
    from hashmatch.escape import for_terminal
    from hashmatch.report.scan_text import examined_text

    if result.error is not None:
        progress.line(f"{for_terminal(result.path)}: {result.error.code}: {for_terminal(result.error.message)}")
    elif app.verbose:
        examined = f", {examined_text(result.examined)}" if result.examined else ""
        progress.line(f"{for_terminal(result.path)}: {result.status}{examined}")


def _custody(store: Store, paths: Sequence[bytes], names_from: str | None, examining: Examining) -> Custody:
    from hashmatch.report import custody

    where = [os.path.abspath(path) for path in paths]
    return custody.begin(store, where, names_from, examining.isolation, examining.limits)


def _html(
    out: BinaryIO,
    store: Store,
    settings: dict[str, Any],
    custody: Custody,
    progress: Any,
    pictures: PictureRule | None,
    examining: Examining,
) -> tuple[Write, Finish]:
    """As _writer. Keeps all results until the end, when it writes the page."""
    from hashmatch.cli.shared.html import write_page
    from hashmatch.clock import now
    from hashmatch.report.html.contents import ReportContents
    from hashmatch.report.html.scan_facts import ReportOrigin
    from hashmatch.report.scan_file import ScanHead, ScanSettings, SearchedSet
    from hashmatch.store import lookup
    from hashmatch.version import __version__

    gathered = ReportContents()
    asked = ScanSettings(**{**settings, "collections": tuple(settings["collections"])})
    searched = SearchedSet(str(store.path), lookup.size(store.connection))
    head = ScanHead(__version__, searched, asked, custody)

    def finish(summary: ScanSummary) -> None:
        seconds, interrupted = summary.seconds, summary.interrupted
        about = ReportOrigin(__version__, custody.operator, now(), head, seconds, interrupted, pictures=pictures)
        write_page(gathered, about, out, store=store, rule=pictures, examining=examining, on_problem=progress.line)

    return gathered.add, finish


def _writer(
    form: str,
    out: BinaryIO,
    store: Store,
    settings: dict[str, Any],
    custody: Callable[[], Custody],
    progress: Any,
    target: Path | None,
) -> tuple[Write, Finish]:
    """Functions that write one result, and the end, in a format."""
    if form in ("json", "jsonl"):
        from hashmatch.report import as_json

    if form == "jsonl":
        return lambda result: as_json.dump(as_json.result(result), out), lambda summary: None
    if form == "json":
        document = as_json.ScanDocument(out, store, settings, custody())
        return document.write, document.finish
    if form == "csv":
        from hashmatch.report.as_csv import CsvResults

        text = io.TextIOWrapper(out, encoding="utf-8", newline="", write_through=True)
        rows = CsvResults(text)

        def finish(summary: ScanSummary) -> None:
            text.detach()

        return rows.write, finish
    from hashmatch.report.scan_text import lines_of

    colour = target is None and stream_is_terminal(sys.stdout) and "NO_COLOR" not in os.environ

    def write(result: Result) -> None:
        for line in lines_of(result, store, colour):
            if target is None:
                progress.line(line, data=True)
            else:
                out.write(line.encode("utf-8", "backslashreplace") + b"\n")

    return write, lambda summary: None


def _names_file(name: str) -> Any:
    if name == "-":
        return contextlib.nullcontext(sys.stdin.buffer)
    try:
        return open(name, "rb", buffering=0)
    except OSError as error:
        message = _("cannot read {path}: {reason}")
        raise CommandError(message.format(path=name, reason=error.strerror or error)) from error


def _names(descriptor: int, end: bytes) -> Iterator[FoundPath | None]:
    """Names as they come. None means that no whole name is there yet, so that nobody waits for the end of the input.

    A name is one file. Folders are refused, so that every name has exactly one answer.
    """
    from hashmatch.media.files import FoundPath

    rest = b""
    while chunk := os.read(descriptor, 65536):
        *names, rest = (rest + chunk).split(end)
        for name in filter(None, names):
            yield FoundPath(name)
        if len(rest) > LONGEST_NAME:
            raise CommandError(_("a file name is longer than {limit:,} bytes").format(limit=LONGEST_NAME))
        yield None
    if rest:
        yield FoundPath(rest)

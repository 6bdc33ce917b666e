"""`hashmatch index`: add files to the reference set."""

from __future__ import annotations

import contextlib
import sys
import time
from collections import Counter
from typing import Any

import click

from hashmatch.cli.shared import sections
from hashmatch.cli.shared.app import NAME, PATHS, TLP_CHOICE, App, format_option, pass_app
from hashmatch.cli.shared.cluster import cluster_option, clustered
from hashmatch.cli.shared.walking import Seen, Walking, walking_options
from hashmatch.cli.shared.workers import Examining, examining_options, hash_option, model_option
from hashmatch.i18n import _
from hashmatch.records import Tlp

_REFERENCES = _("About these references")


@sections.command(
    help=_(
        "Add images and films to the reference set. It keeps their hashes, never the files. Folders are searched. Files"
        " that are there already and unchanged are not read again, so repeat an interrupted run to complete it."
    )
)
@click.argument("paths", metavar="PATH…", nargs=-1, required=True, type=PATHS)
@sections.option(
    "--collection",
    type=NAME,
    metavar="TEXT",
    default="default",
    show_default=True,
    section=_REFERENCES,
    help=_("The collection to add to."),
)
@sections.option(
    "--label", "labels", multiple=True, section=_REFERENCES, help=_("A label for each reference. Repeatable.")
)
@sections.option("--source", section=_REFERENCES, help=_("Who says that these are known propaganda."))
@sections.option("--case", metavar="ID", section=_REFERENCES, help=_("The case they belong to."))
@sections.option(
    "--tlp", type=TLP_CHOICE, section=_REFERENCES, help=_("How far they may be shared (Traffic Light Protocol).")
)
@sections.option("--note", section=_REFERENCES, help=_("A note for each reference."))
@sections.option("--allow", is_flag=True, section=_REFERENCES, help=_("Add to the allow list: known to be legitimate."))
@hash_option
@sections.option(
    "--no-local-features",
    is_flag=True,
    section=sections.HASHES,
    help=_("Do not keep local features (15 KB per picture). Thorough scans need them to find crops and insets."),
)
@model_option
@walking_options
@sections.option("--retry-failed", is_flag=True, section=sections.FILES, help=_("Retry files that failed before."))
@format_option("table", "json")
@sections.option(
    "--dry-run", is_flag=True, section=sections.OUTPUT, help=_("Do everything except write to the database.")
)
@examining_options
@cluster_option
@pass_app
def command(
    app: App,
    paths: tuple[bytes, ...],
    collection: str,
    labels: tuple[str, ...],
    source: str | None,
    case: str | None,
    names: str,
    no_local_features: bool,
    model: str | None,
    tlp: Tlp | None,
    note: str | None,
    allow: bool,
    address: str | None,
    retry_failed: bool,
    dry_run: bool,
    form: str,
    walking: Walking,
    examining: Examining,
) -> int:
    from hashmatch.cli.shared.labels import remark_on
    from hashmatch.cli.shared.progress import ProgressBar, print_counts
    from hashmatch.escape import for_terminal
    from hashmatch.fingerprints.settings import ReferenceHashing
    from hashmatch.hashers import parse_names
    from hashmatch.report import as_json
    from hashmatch.report.account_text import failure_rows, unexamined_line
    from hashmatch.store import open_store, scratch_store
    from hashmatch.store.audit import Actor
    from hashmatch.store.membership import Membership
    from hashmatch.workflows.index import index
    from hashmatch.workflows.model_choice import models_for

    if labels:
        remark_on(app, labels)
    actor = Actor.current("index")
    membership = Membership(collection, source, tlp, case, note, labels, allow, operator=actor.operator)
    counts: Counter[str] = Counter()
    failures: list[dict[str, Any]] = []
    warnings: list[dict[str, Any]] = []
    start = time.monotonic()
    interrupted = False
    failed_by, unexamined = Counter[str](), Counter[str]()
    with (
        scratch_store(app.database) if dry_run else open_store(app.database, write=True) as store,
        clustered(app, address, examining) as cluster,
        ProgressBar(app, lambda: cluster.walk(walking, paths)) as progress,
    ):
        models = models_for(store, model, examining.isolation)
        settings = ReferenceHashing(parse_names(names), examining.limits, not no_local_features, models)
        found = Seen(cluster.walk(walking, paths))
        added = index(
            store,
            actor,
            found,
            membership,
            settings,
            cluster.examiner(store, adds=True),
            retry_failed=retry_failed,
            on_progress=progress.moved,
        )
        try:
            with contextlib.closing(added) as indexed:
                for each in indexed:
                    counts[each.status] += 1
                    if each.unexamined is not None:
                        unexamined[each.unexamined] += 1
                    progress.advance(each.path)
                    name = for_terminal(each.path)
                    if each.status == "failed" and each.error:
                        failed_by[each.error.code] += 1
                        if form == "json":
                            failures.append(as_json.problem(each.path, each.error))
                        progress.line(f"{name}: {each.error.code}: {for_terminal(each.error.message)}")
                    elif each.error:
                        counts["partial"] += each.status != "skipped"
                        if form == "json":
                            warnings.append(as_json.problem(each.path, each.error))
                        progress.line(f"{name}: {each.error.code}: {for_terminal(each.error.message)}")
                    elif app.verbose:
                        progress.line(f"{name}: {each.status}")
                    for warning in each.warnings:
                        if form == "json":
                            warnings.append(as_json.warning(each.path, warning))
                        progress.line(f"{name}: {warning}")
        except KeyboardInterrupt:
            interrupted = True
    seconds = round(time.monotonic() - start, 2)
    done = {
        "files": sum(counts[status] for status in ("indexed", "unchanged", "duplicate", "failed", "skipped")),
        "indexed": counts["indexed"],
        "unchanged": counts["unchanged"],
        "duplicates": counts["duplicate"],
        "failed": counts["failed"],
        "skipped": counts["skipped"],
    }
    if form == "json":
        reasons = {"failures": dict(failed_by.most_common()), "unexamined": dict(sorted(unexamined.items()))}
        summary = {**done, "partial": counts["partial"], "seconds": seconds, **reasons}
        document = {"summary": summary, "failures": failures, "warnings": warnings}
        as_json.dump(document, sys.stdout.buffer, indent=2)
    else:
        title = _("dry run, nothing written") if dry_run else _("indexed into {db}").format(db=app.database)
        rows = {
            _("files"): done["files"],
            _("indexed"): done["indexed"],
            _("of these, partly damaged"): counts["partial"],
            _("unchanged since the last run"): done["unchanged"],
            _("duplicates (known content)"): done["duplicates"],
            _("failed"): done["failed"],
            **failure_rows(failed_by),
            _("skipped (no media)"): done["skipped"],
            _("seconds"): seconds,
        }
        print_counts(app, title, rows)
        if line := unexamined_line(unexamined):
            app.say(line)
    if interrupted:
        raise KeyboardInterrupt
    found.check(done["files"])
    if not done["files"]:
        app.warn(_("no files were found: nothing was indexed"))
        return 2
    if done["skipped"] == done["files"]:
        app.say(_("none of the files is an image or a film"))
    if failed_by["not-found"] == done["files"]:  # no path that was named exists
        return 2
    return 1 if done["failed"] else 0

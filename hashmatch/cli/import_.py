"""`hashmatch import`: read hash lists into the reference set."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hashmatch.cli.shared import sections, workers
from hashmatch.cli.shared.app import NAME, TLP_CHOICE, App, pass_app
from hashmatch.exchange import names
from hashmatch.i18n import _, ngettext
from hashmatch.records import BadLine, Tlp

if TYPE_CHECKING:
    from hashmatch.isolation import Isolation
    from hashmatch.records import LineRemark
    from hashmatch.search.duplicates import NearDuplicate
    from hashmatch.signing.acceptance import ListFlaw
    from hashmatch.store import Store
    from hashmatch.store.audit import Actor
    from hashmatch.workflows.import_list import ImportReport
    from hashmatch.workflows.list_files import ListFile
    from hashmatch.workflows.list_origin import ImportPlan
    from hashmatch.workflows.list_reading import HowToRead


_ENTRIES = _("What becomes of the entries")
_TRUST = _("Which lists to accept")
_SERVER = _("Instead of lists: an HMA server")


@sections.command(
    help=_(
        "Read hash lists into a collection. Lines that cannot be used are reported and skipped (exit code 1). An entry"
        " marked as retracted withdraws what the collection has of it. A signed list (LIST.minisig) is verified first."
    )
)
@click.argument("files", metavar="FILE…", nargs=-1, type=click.Path(path_type=Path))
@sections.option(
    "--collection",
    type=NAME,
    metavar="TEXT",
    section=_ENTRIES,
    help=_("The collection to add to. Default: the entry's own, else that of its signer or source, else imported."),
)
@sections.option(
    "--tlp",
    type=TLP_CHOICE,
    section=_ENTRIES,
    help=_("How far the entries may be shared; the stricter mark counts."),
)
@sections.option(
    "--default-tlp",
    type=TLP_CHOICE,
    section=_ENTRIES,
    help=_("The mark of entries that have none. Default: amber+strict for partners' interfaces, else none."),
)
@sections.option("--allow", is_flag=True, section=_ENTRIES, help=_("Add to the allow list: known to be legitimate."))
@sections.option("--dry-run", is_flag=True, section=_ENTRIES, help=_("Do everything except write to the database."))
@sections.option(
    "--format",
    "form",
    type=click.Choice(["auto", *names()]),
    default="auto",
    show_default=True,
    section=_TRUST,
    help=_("Format of the lists."),
)
@sections.option(
    "--column",
    "columns",
    multiple=True,
    metavar="OUR_FIELD=THEIR_COLUMN",
    section=_TRUST,
    help=_(
        "In a table: which column has md5, sha1, sha256, pdq, hash, path, size, labels …: by its name, or its number from"
        " 1. Repeatable."
    ),
)
@sections.option("--strict", is_flag=True, section=_TRUST, help=_("Import nothing from a list that has any bad line."))
@sections.option(
    "--verify-key",
    metavar="KEY",
    section=_TRUST,
    help=_(
        "Require that this key signed the lists: a name that `hashmatch keys` knows, a file, or the public key itself."
    ),
)
@sections.option(
    "--accept",
    multiple=True,
    type=click.Choice(["unsigned", "expired", "older"]),
    section=_TRUST,
    help=_("Accept lists with this flaw. Repeatable."),
)
@sections.option(
    "--from-hma",
    "server",
    metavar="URL",
    section=_SERVER,
    help=_(
        "Read back what happened to the contents that this reference set put into a bank on this HMA server. A token is"
        " read from $HASHMATCH_HMA_TOKEN."
    ),
)
@sections.option("--bank", metavar="NAME", section=_SERVER, help=_("The server's bank."))
@workers.require_sandbox
@pass_app
def command(
    app: App,
    files: tuple[Path, ...],
    form: str,
    columns: tuple[str, ...],
    collection: str | None,
    tlp: Tlp | None,
    default_tlp: Tlp | None,
    verify_key: str | None,
    accept: tuple[ListFlaw, ...],
    server: str | None,
    bank: str | None,
    allow: bool,
    dry_run: bool,
    strict: bool,
    require_sandbox: bool,
) -> int:
    from hashmatch.errors import CommandError
    from hashmatch.escape import for_terminal
    from hashmatch.isolation import Isolation
    from hashmatch.store import open_store, scans, scratch_store
    from hashmatch.store.audit import Actor
    from hashmatch.workflows.list_files import lists_in
    from hashmatch.workflows.list_origin import ImportPlan
    from hashmatch.workflows.list_reading import HowToRead

    if bool(files) == (server is not None) or (server is None) != (bank is None):
        raise click.UsageError(_("name lists, or give --from-hma and --bank"))
    actor = Actor.current("import")
    if server is not None and bank is not None:
        from hashmatch.workflows.banks import read_bank

        with scratch_store(app.database) if dry_run else open_store(app.database, write=True) as store:
            report_of_bank = read_bank(store, actor, server, bank)
        text = _(
            "bank {bank}: {read:,} contents read; {disputed:,} references newly disputed (disabled or removed there),"
            " {confirmed:,} confirmed (enabled again)"
        )
        app.say(text.format(bank=bank, **asdict(report_of_bank)))
        return 0
    plan = ImportPlan(collection, tlp, allow, strict, verify_key, frozenset(accept), default_tlp)
    isolation = Isolation(require_sandbox=require_sandbox)
    how = HowToRead(form, _columns(columns), allow)
    code = 0
    with scratch_store(app.database) if dry_run else open_store(app.database, write=True) as store:
        withdrawn_before = scans.withdrawn(store.connection)
        for path in files:
            try:
                for given in lists_in(path, isolation):
                    code = max(code, _import_one(app, store, actor, given, plan, how, isolation))
            except CommandError as error:
                code = 2
                app.warn("hashmatch: " + for_terminal(str(error)))
        _warn_of_recall(app, store, withdrawn_before)
    if dry_run:
        app.say(_("dry run, nothing written"))
    return code


def _columns(given: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """The columns that a person named: our field -> the table's column."""
    from hashmatch.exchange import with_columns

    columns = dict[str, str]()
    for each in given:
        ours, equals, theirs = each.partition("=")
        if not equals or not theirs or ours in columns:
            raise click.BadParameter(_("write it like md5=HashValue, each field once"), param_hint="--column")
        columns[ours] = theirs
    if columns:
        with_columns(None, columns)  # refuses a field that is none of ours
    return tuple(columns.items())


def _import_one(
    app: App, store: Store, actor: Actor, given: ListFile, plan: ImportPlan, how: HowToRead, isolation: Isolation
) -> int:
    """Import one list and say what came of it. Returns the exit code."""
    from hashmatch.cli.shared.labels import remarks
    from hashmatch.errors import CommandError
    from hashmatch.escape import for_terminal
    from hashmatch.workflows.import_list import import_file

    name = for_terminal(given.name)

    def on_line(line: BadLine | LineRemark) -> None:
        (app.warn if isinstance(line, BadLine) else app.say)(f"{name}:{line.line}: {for_terminal(line.message)}")

    def on_duplicate(found: NearDuplicate) -> None:
        if app.verbose:
            text = _("reference {id} shows the same as reference {older} (PDQ distance {distance})")
            app.say(text.format(id=found.reference_id, older=found.older_id, distance=found.distance))

    try:
        report = import_file(
            store, actor, given, plan, how, on_line, on_duplicate, remarks(app), isolation, all_remarks=app.verbose
        )
    except CommandError as error:
        app.warn("hashmatch: " + for_terminal(str(error)))
        return 2
    app.say(f"{name} ({report.format}{_about(report)}): {', '.join(_counted(report)) or _('nothing in it')}")
    if report.is_unusable:
        app.warn(_("{name}: nothing in it could be used").format(name=name))
    if report.missing:
        numbers = ", ".join(str(first) if first == last else f"{first}–{last}" for first, last in report.missing)
        message = _("{name}: these numbers of the list {list} are missing: {numbers}")
        app.warn(message.format(name=name, list=for_terminal(report.head.name or ""), numbers=numbers))
    return int(bool(report.refused or report.is_unusable))


def _counted(report: ImportReport) -> list[str]:
    counts = {
        _("new"): report.added,
        _("of them the same picture or film as an older reference"): report.duplicates,
        _("known with something new"): report.joined,
        _("known"): report.known,
        _("our own, come back"): report.ours,
        _("retracted"): report.retracted,
        _("restored"): report.restored,
        _("disputed (withdrawn by this list, but others stand by it)"): report.disputed,
        _("withdrawn that never came"): report.tombstone,
        _("withdrawn with an older version of their record"): report.replaced,
        _("about several references"): report.several,
        _("on the allow list"): report.allow,
        _("waiting for a person to allow (`hashmatch allow --pending`)"): report.pending,
    }
    parts = [f"{count:,} {what}" for what, count in counts.items() if count]
    if report.refused:
        parts.append(ngettext("{n:,} line refused", "{n:,} lines refused", report.refused).format(n=report.refused))
    if report.remarks:
        used = ngettext("{n:,} line used with a remark", "{n:,} lines used with a remark", report.remarks)
        parts.append(used.format(n=report.remarks))
    return parts


def _about(report: ImportReport) -> str:
    """Facts about the list as a whole."""
    from hashmatch.escape import for_terminal

    facts = []
    if report.head.name is not None:
        number = "" if report.head.sequence is None else f" {report.head.sequence}"
        facts.append(for_terminal(report.head.name) + number)
    if report.signer is not None:
        facts.append(_("signed by {key}").format(key=report.signer))
    return "".join(f", {fact}" for fact in facts)


def _warn_of_recall(app: App, store: Store, before: set[int]) -> None:
    """Say if recorded results rest on references that this import withdrew. before: those already withdrawn."""
    from hashmatch.store import scans

    count = scans.count_resting_on(store.connection, scans.withdrawn(store.connection) - before)
    if count:
        text = ngettext(
            "{n:,} recorded result rests on references that are now retracted; `hashmatch retract --recall` lists it",
            "{n:,} recorded results rest on references that are now retracted; `hashmatch retract --recall` lists them",
            count,
        )
        app.warn(text.format(n=count))

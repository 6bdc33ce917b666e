"""`hashmatch export`: write the reference set as a hash list to share."""

from __future__ import annotations

import functools
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hashmatch import exchange
from hashmatch.cli.shared import sections
from hashmatch.cli.shared.app import TLP_CHOICE, App, output, pass_app
from hashmatch.errors import CommandError
from hashmatch.exchange import EXTRAS, get, names, written
from hashmatch.hashers import GUARD
from hashmatch.hashers.learned import model_of
from hashmatch.i18n import _
from hashmatch.records import Tlp

if TYPE_CHECKING:
    from hashmatch.exchange.hma import PushReport
    from hashmatch.signing.minisign import SecretKey
    from hashmatch.store import Store
    from hashmatch.store.audit import Actor
    from hashmatch.workflows.export_entries import ExportSelection
    from hashmatch.workflows.export_list import ExportReport


class WrittenFormat(click.Choice[str]):
    """The name of a format that can be written. Loads that format; all of them only for the help and for a wrong name."""

    def __init__(self) -> None:
        self.case_sensitive = True

    @functools.cached_property
    def choices(self) -> tuple[str, ...]:  # type: ignore[override]
        return written()

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if value in names() and get(value).write:
            return str(value)
        return super().convert(value, param, ctx)


_CHOSEN = _("What to export")
_LIST = _("The list")
_SERVER = _("Instead of a list: an HMA server")


@sections.command(
    help=_(
        "Write a hash list to share. It holds hashes, never the media. File names, cases, operators and notes are left out"
        " unless you ask for them. Anything marked stricter than --max-tlp, or not at all, is left out. A list with a name"
        " withdraws what it gave before and would not give now. At the end it says what the format could not express. Exit"
        " code 1: some references were left out."
    )
)
@sections.option(
    "--collection", "collections", multiple=True, section=_CHOSEN, help=_("Only this collection. Repeatable.")
)
@sections.option(
    "--label",
    "labels",
    multiple=True,
    section=_CHOSEN,
    help=_("Only references with this label. Repeatable; they must have all of them."),
)
@sections.option(
    "--since",
    metavar="NUMBER|DATE",
    section=_CHOSEN,
    help=_(
        "Only what was added, changed or retracted since then: a date (2026-11-21 or 2026-11-21T19:00), or the number of"
        " an earlier list of this name."
    ),
)
@sections.option(
    "--max-tlp",
    type=TLP_CHOICE,
    default="green",
    show_default=True,
    section=_CHOSEN,
    help=_("The strictest mark to export."),
)
@sections.option(
    "--include",
    metavar="WHAT",
    section=_CHOSEN,
    help=_(
        "Also write these, separated by commas: paths, case, operator, note; and blocks, from which a picture's text can be"
        " read, or a learned descriptor by its full name."
    ),
)
@sections.option(
    "--unmarked", is_flag=True, section=_CHOSEN, help=_("Also what has no TLP mark. Without this, it stays here.")
)
@sections.option(
    "--format",
    "form",
    type=WrittenFormat(),
    default="jsonl",
    show_default=True,
    section=_LIST,
    help=_("Format of the list."),
)
@sections.option(
    "-o", "--output", "target", type=click.Path(path_type=Path), section=_LIST, help=_("Write to this file.")
)
@sections.option(
    "--list",
    "name",
    metavar="NAME",
    section=_LIST,
    help=_("Name and number the list, so that later lists can continue it."),
)
@sections.option(
    "--sign",
    metavar="KEY",
    section=_LIST,
    help=_(
        "Sign the list with a secret key of `hashmatch keys` or minisign, by its name or file. The signature goes beside"
        " the list, as LIST.minisig."
    ),
)
@sections.option(
    "--expires", metavar="DATE", section=_LIST, help=_("Readers should refuse the list from this date on.")
)
@sections.option(
    "--to-hma",
    "server",
    metavar="URL",
    section=_SERVER,
    help=_("Fill a bank on this HMA server. A token is read from $HASHMATCH_HMA_TOKEN."),
)
@sections.option(
    "--bank",
    metavar="NAME",
    section=_SERVER,
    help=_("The server's bank: capital letters, digits and _. It is created if missing."),
)
@pass_app
def command(
    app: App,
    form: str,
    target: Path | None,
    collections: tuple[str, ...],
    labels: tuple[str, ...],
    since: str | None,
    name: str | None,
    sign: str | None,
    server: str | None,
    bank: str | None,
    expires: str | None,
    max_tlp: Tlp,
    include: str | None,
    unmarked: bool,
) -> int:
    from hashmatch.clock import now
    from hashmatch.store import open_store
    from hashmatch.store.audit import Actor
    from hashmatch.workflows.export_entries import ExportSelection
    from hashmatch.workflows.export_list import export, sign_list

    if (server is None) != (bank is None):
        raise click.UsageError(_("--to-hma and --bank go together"))
    if server is not None and (target is not None or name is not None or sign is not None or expires is not None):
        raise click.UsageError(_("--to-hma writes no list, so it excludes --output, --list, --sign and --expires"))
    if sign is not None and target is None:
        raise click.UsageError(_("--sign needs a file to sign: give --output"))
    key = _secret_key(sign) if sign is not None else None
    if key is not None and name is None:
        name = collections[0] if len(collections) == 1 else "hashmatch"

    extras = frozenset(part.strip() for part in (include or "").split(",") if part.strip())
    if not all(each in EXTRAS or each == GUARD or model_of(each) for each in extras):
        known = ", ".join((*EXTRAS, GUARD))
        raise click.BadParameter(_("choose from: {known}").format(known=known), param_hint="--include")
    wanted = int(since) if since is not None and since.isdigit() and len(since) < 16 else _utc(since, "--since")
    selection = ExportSelection(collections, labels, wanted, max_tlp, extras, unmarked)
    try:
        store = open_store(app.database, write=app.database.exists())
    except CommandError:
        # Sharing from a read-only medium is fine, except that the audit trail cannot record it.
        store = open_store(app.database)
        app.warn(_("the database cannot be written, so this export is not in its audit trail"))
    actor = Actor.current("export")
    if server is not None and bank is not None:
        with store:
            return _fill(app, store, actor, server, bank, selection)
    with store:
        with output(target) as out:
            report = export(store, actor, out, form, selection, name, _utc(expires, "--expires"))
        if key is not None and target is not None:
            sign_list(store, actor, target, key, report)
    _print_summary(app, report)
    if name is not None and key is None and not exchange.get(form).carries_number:
        message = _(
            "{form} cannot carry the list's name and number: unless you --sign it, nobody notices a missing list"
        )
        app.warn(message.format(form=form))
    if report.head.expires is not None and report.head.expires <= now():
        app.warn(_("the list has already expired (--expires), so readers refuse it"))
    if report.withdrawn:
        app.say(_("{count:,} of these withdraw what this list gave before").format(count=report.withdrawn))
    if report.not_withdrawn:
        message = _(
            "{count:,} that this list gave before are to be withdrawn, which {form} cannot express: tell those who have it"
        )
        app.warn(message.format(count=report.not_withdrawn, form=form))
    if report.unmarked:
        app.say(_("{count:,} of the entries written carry no TLP mark").format(count=report.unmarked))
    left_out = {
        _("without a TLP mark (--unmarked lets them out)"): report.left_out_unmarked,
        _("marked stricter than TLP:{tlp} (--max-tlp lets them out)").format(tlp=max_tlp.upper()): report.left_out_tlp,
        _("retracted, which this format cannot express"): report.left_out_retracted,
        _("without a hash that this format can carry"): report.left_out_without_hash,
        _("on the allow list, which this format cannot express"): report.left_out_allow,
        _(
            "called a false positive by its own source, which this format cannot express"
        ): report.left_out_false_positive,
    }
    for reason, count in left_out.items():
        if count:
            app.say(_("{count:,} left out: {reason}").format(count=count, reason=reason))
    return 1 if report.left_out else 0


def _fill(app: App, store: Store, actor: Actor, server: str, bank: str, selection: ExportSelection) -> int:
    """Put the selection into a bank, and say what happened."""
    from hashmatch.escape import for_terminal
    from hashmatch.workflows.banks import fill_bank

    if not store.writable:
        raise CommandError(_("the database cannot be written, but must record what was put into the bank"))

    def on_refused(reference: int, reason: str) -> None:
        app.warn(_("reference {id}: refused: {reason}").format(id=reference, reason=for_terminal(reason)))

    filled = fill_bank(store, actor, server, bank, selection, on_refused)
    report = filled.pushed
    _say_what_was_found(app, bank, report)
    done = {
        _("added"): report.added,
        _("already there"): report.unchanged,
        _("enabled again"): report.enabled,
        _("disabled"): report.disabled,
        _("removed there by others"): report.removed,
    }
    parts = ", ".join(f"{count:,} {what}" for what, count in done.items() if count)
    app.say(_("bank {bank}: {told}").format(bank=report.bank or bank, told=parts or _("nothing to do")))
    if report.withdrawn:
        message = _(
            "{count:,} of those disabled are not to go out any more: other marks, labels, collections or options"
        )
        app.say(message.format(count=report.withdrawn))
    left_out = {
        _("without a TLP mark (--unmarked lets them out)"): filled.unmarked,
        _("marked stricter than TLP:{tlp} (--max-tlp lets them out)").format(
            tlp=selection.max_tlp.upper()
        ): filled.above,
        _("disputed here, which a bank cannot express"): filled.disputed,
        _("retracted"): report.left_out_retracted,
        _("on the allow list, which a bank cannot express"): report.left_out_allow,
        _("without a hash of a kind that this server knows"): report.left_out_without_hash,
        _("films without their frames, which this server has no signal type for"): report.films_without_frames,
        _("to be disabled, but already gone"): report.gone,
    }
    for reason, count in left_out.items():
        if count:
            app.warn(_("{count:,} left out: {reason}").format(count=count, reason=reason))
    return 1 if report.refused or any(left_out.values()) else 0


def _say_what_was_found(app: App, bank: str, report: PushReport) -> None:
    """Say what has become of a bank since it was last filled from here."""
    if report.bank is not None:
        app.warn(_("bank {bank} is called {name} there now").format(bank=bank, name=report.bank))
    if report.former is not None:
        message = _("what was put into bank {bank} is in bank {name} now: fill that one, too, so that it follows")
        app.warn(message.format(bank=bank, name=report.former))
    elif report.lost:
        message = _(
            "none of the {count:,} contents that were put into bank {bank} is there any more: it is filled again"
        )
        app.warn(message.format(count=report.lost, bank=bank))
    if report.found:
        message = _("{count:,} contents of an interrupted export were found there")
        app.say(message.format(count=report.found))


def _print_summary(app: App, report: ExportReport) -> None:
    """Say what was written, and what the format could not express."""
    from hashmatch.escape import for_terminal

    app.say(_("{count:,} entries written").format(count=report.written))
    if report.head.name is not None:
        head, name = report.head, for_terminal(report.head.name)
        if head.since is None:
            app.say(_("list {name}, number {number}").format(name=name, number=head.sequence))
        else:
            message = _("list {name}, number {number}: changes since number {since}")
            app.say(message.format(name=name, number=head.sequence, since=head.since))
    for text, counts in ((_("carried: {parts}"), report.kept), (_("not carried: {parts}"), report.lost)):
        if counts:
            parts = ", ".join(f"{part} {count:,}" for part, count in counts.items())
            app.say(text.format(parts=parts))
        elif counts is report.lost and report.written:
            app.say(_("nothing was lost in this format"))


def _secret_key(name: str) -> SecretKey:
    """The key to sign with. Asked for before anything is written, since the password may be wrong."""
    from hashmatch.cli.shared import password
    from hashmatch.signing import keys

    return keys.secret_key(keys.default_folder(), name, lambda: password.ask(name))


def _utc(text: str | None, option: str) -> str | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise click.BadParameter(_("not a date: {text}").format(text=text), param_hint=option) from error
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")

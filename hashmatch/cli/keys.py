"""`hashmatch keys`: the keys that sign and verify lists."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hashmatch.cli.shared.app import App, format_option, pass_app
from hashmatch.i18n import _

if TYPE_CHECKING:
    from hashmatch.signing.keys import KnownKey


@click.group(
    invoke_without_command=True,
    help=_(
        "List, make and add keys that sign and verify lists. They are minisign keys, kept in $HASHMATCH_KEYS, else in"
        " `keys` in your user-data folder. Exit code 1: some cannot be used."
    ),
)
@format_option("table", "json")
@pass_app
@click.pass_context
def command(context: click.Context, app: App, form: str) -> int:
    if context.invoked_subcommand is not None:
        return 0
    from hashmatch.escape import for_terminal
    from hashmatch.report import as_json
    from hashmatch.signing import keys

    known, bad = keys.known(keys.default_folder())
    if form == "json":
        as_json.dump([_record(key) for key in known], sys.stdout.buffer, indent=2)
    else:
        _print_table(known)
    for each in bad:
        app.warn(for_terminal(each.message))
    return 1 if bad else 0


@command.command("make", help=_("Make a key with this name and print its public half."))
@click.argument("name")
@click.option(
    "--password",
    "protected",
    is_flag=True,
    help=_("Protect it with a password: $HASHMATCH_KEY_PASSWORD, or one that you type."),
)
@pass_app
def make(app: App, name: str, protected: bool) -> int:
    from hashmatch.cli.shared import password
    from hashmatch.signing import keys

    chosen = password.choose(name) if protected else None
    _print_key(keys.make(keys.default_folder(), name, chosen, _now()))
    app.say(_("Give partners the public key, and have them compare the fingerprint with you by phone."))
    return 0


@command.command("add", help=_("Add a partner's public key under a name. KEY: its text, or the path of its file."))
@click.argument("name")
@click.argument("key", metavar="KEY")
@pass_app
def add(app: App, name: str, key: str) -> int:
    from hashmatch.signing import keys

    _print_key(keys.add(keys.default_folder(), name, key, _now()))
    app.say(_("Compare the fingerprint with the partner by phone: whoever has the key can sign what you import."))
    return 0


@command.command("show", help=_("Show a key, given its name, text or file, to copy or read aloud."))
@click.argument("key", metavar="KEY")
@format_option("text", "json")
def show(key: str, form: str) -> int:
    from hashmatch.report import as_json
    from hashmatch.signing import keys

    found = keys.find(keys.default_folder(), key)
    if form == "json":
        as_json.dump(_record(found), sys.stdout.buffer, indent=2)
    else:
        _print_key(found)
    return 0


@command.command("remove", help=_("Remove a key, so that its signatures are no longer trusted."))
@click.argument("name")
@click.option(
    "--with-secret", is_flag=True, help=_("Remove it even if its secret half is here, which nobody can make again.")
)
@pass_app
def remove(app: App, name: str, with_secret: bool) -> int:
    from hashmatch.escape import for_terminal
    from hashmatch.signing import keys

    keys.remove(keys.default_folder(), name, with_secret=with_secret)
    app.say(_("{name}: removed").format(name=for_terminal(name)))
    return 0


@command.command(
    "trust",
    help=_(
        "Let what a key's lists call legitimate be on the allow list without a person's word on each. KEY: name or text."
    ),
)
@click.argument("key", metavar="KEY")
@click.option("--allow", "allow", is_flag=True, required=True, help=_("For the allow list."))
@click.option("--off", is_flag=True, help=_("No longer."))
@pass_app
def trust(app: App, key: str, allow: bool, off: bool) -> int:
    from hashmatch.escape import for_terminal
    from hashmatch.signing import keys
    from hashmatch.store import allow_list, open_store
    from hashmatch.store.audit import Actor, record

    found = keys.find(keys.default_folder(), key)
    with open_store(app.database, write=True) as store, store.transaction() as connection:
        if allow_list.trust(connection, found.public.text, None if off else _now()):
            detail = {"key": found.public.text, "allow": not off}
            record(connection, Actor.current("keys"), "trust", detail)
    name = for_terminal(found.name or found.public.text)
    text = _("{name}: its allow list waits for a person") if off else _("{name}: its allow list counts")
    app.say(text.format(name=name))
    return 0


@command.command(
    "hand-over",
    help=_(
        "Let the key NEW take the place of OLD: what OLD signed is NEW's word from now on, and OLD's lists are refused. With"
        " --write, OLD signs a statement of that for partners; with --statement, check such a statement first; without"
        " either, it is your own decision. The audit trail says which."
    ),
)
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="NEW")
@click.option(
    "--write", "target", type=click.Path(path_type=Path), help=_("Write the statement to this file and FILE.minisig.")
)
@click.option("--statement", type=click.Path(path_type=Path), help=_("The statement that OLD signed."))
@pass_app
def hand_over(app: App, old: str, new: str, target: Path | None, statement: Path | None) -> int:
    from hashmatch.cli.shared import password
    from hashmatch.escape import for_terminal
    from hashmatch.signing import hand_over as statements
    from hashmatch.signing import keys
    from hashmatch.store import hand_overs, open_store
    from hashmatch.store.audit import Actor

    folder = keys.default_folder()
    before, after = keys.find(folder, old), keys.find(folder, new)
    if before.public == after.public:
        raise click.UsageError(_("OLD and NEW are the same key"))
    if target is not None and statement is not None:
        raise click.UsageError(_("--write and --statement exclude each other"))
    told = None
    if target is not None:
        statements.write(target, keys.secret_key(folder, old, lambda: password.ask(old)), after.public, _now())
        told = statements.verify(target, before.public, after.public)
        app.say(_("Give partners {path} and {path}.minisig.").format(path=for_terminal(str(target))))
    elif statement is not None:
        told = statements.verify(statement, before.public, after.public)
    with open_store(app.database, write=True) as store, store.transaction() as connection:
        actor = Actor.current("keys")
        moved = hand_overs.hand_over(connection, actor, before.public.text, after.public.text, told)
    names = {
        "old": for_terminal(before.name or before.public.text),
        "new": for_terminal(after.name or after.public.text),
    }
    app.say(_("{old} was handed over to {new}; collections: {count}").format(count=moved, **names))
    if told is None:
        app.say(_("This is your own decision: no statement of the old key was given."))
    return 0


def _now() -> str:
    from hashmatch.clock import now

    return now()


def _record(key: KnownKey) -> dict[str, Any]:
    return {
        "name": key.name,
        "key_id": key.public.id,
        "public_key": key.public.text,
        "fingerprint": key.public.fingerprint,
        "secret": key.secret,
        "created": key.created,
    }


def _print_table(known: list[KnownKey]) -> None:
    from rich.table import Table

    from hashmatch.cli.shared.progress import data_console
    from hashmatch.escape import for_terminal

    table = Table(_("name"), _("key id"), _("public key"), _("secret key"), _("since"))
    for key in known:
        secret = _("here") if key.secret else ""
        table.add_row(for_terminal(key.name or ""), key.public.id, key.public.text, secret, key.created or "")
    data_console().print(table, markup=False)


def _print_key(key: KnownKey) -> None:
    from hashmatch.escape import for_terminal

    rows = {
        _("name"): for_terminal(key.name) if key.name else _("not a known key"),
        _("key id"): key.public.id,
        _("public key"): key.public.text,
        _("fingerprint"): key.public.fingerprint,
        _("secret key"): _("here") if key.secret else _("not here"),
        _("since"): key.created or "",
    }
    width = max(map(len, rows)) + 1
    for what, value in rows.items():
        if value:
            click.echo(f"{what:<{width}}{value}")

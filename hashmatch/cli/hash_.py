"""`hashmatch hash`: print digests and perceptual hashes of files, without a database."""

from __future__ import annotations

import sys

import click

from hashmatch.cli.shared import sections
from hashmatch.cli.shared.app import PATHS, App, format_option, pass_app
from hashmatch.cli.shared.workers import Examining, examining_options, hash_option
from hashmatch.i18n import _


@sections.command(
    help=_(
        "Print the digests and perceptual hashes of files. No database is needed. Exit code: 0 all done, 1 some files were"
        " not media or could not be hashed (each is named), 2 none could."
    )
)
@click.argument("files", metavar="FILE…", nargs=-1, required=True, type=PATHS)
@hash_option
@sections.option(
    "--exact",
    is_flag=True,
    section=sections.HASHES,
    help=_(
        "Decode at full size, so that PDQ equals that of Meta's implementation bit by bit. Slower. Colour profiles and what"
        " else changes how stored colours look are ignored, as a plain decoder ignores them."
    ),
)
@format_option("table", "json", "pdq")
@examining_options
@pass_app
def command(app: App, files: tuple[bytes, ...], names: str, exact: bool, form: str, examining: Examining) -> int:
    from hashmatch.escape import for_terminal
    from hashmatch.fingerprints.many_files import fingerprints
    from hashmatch.fingerprints.settings import PlainHashing
    from hashmatch.hashers import parse_names
    from hashmatch.media.files import FoundPath
    from hashmatch.report import as_json
    from hashmatch.report.reference_text import fingerprint_lines, pdq_lines

    settings = PlainHashing(parse_names(names), examining.limits, exact, views=form != "pdq")
    found = (FoundPath(path) for path in dict.fromkeys(files))
    results = {s.path: r for s, r in fingerprints(found, settings, examining.isolation) if r}
    printed: list[object] = []
    failed = 0
    for path in files:  # in the order of the command line
        result = results[path]
        if result.error is not None or result.kind is None:
            code = result.error.code if result.error else "unsupported-format"
            message = result.error.message if result.error else _("is neither an image nor a film")
            app.warn(f"{for_terminal(path)}: {code}: {for_terminal(message)}")
            failed += not result.partial
        if form == "json":
            printed.append(as_json.fingerprint(path, result))
        else:
            for line in (fingerprint_lines if form == "table" else pdq_lines)(path, result):
                click.echo(line)
    if form == "json":
        as_json.dump(printed, sys.stdout.buffer, indent=2)
    return 0 if not failed else 2 if failed == len(files) else 1

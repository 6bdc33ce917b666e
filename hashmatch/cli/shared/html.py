"""What commands that write an HTML report share: its pictures, and the page itself."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

import click

from hashmatch.cli.shared import sections
from hashmatch.errors import CommandError
from hashmatch.i18n import _, ngettext

if TYPE_CHECKING:
    from hashmatch.cli.shared.workers import Examining
    from hashmatch.matching.results import MatchedReference
    from hashmatch.report.html.contents import ReportContents
    from hashmatch.report.html.scan_facts import ReportOrigin
    from hashmatch.report.pictures import PictureRule, ShownPicture
    from hashmatch.store import Store

F = TypeVar("F", bound=Callable[..., Any])


def pictures_option(command: F) -> F:
    """--pictures. None: no pictures."""
    return sections.option(
        "--pictures",
        type=click.Choice(["blurred", "grey", "plain"]),
        section=sections.OUTPUT,
        help=_(
            "Put small pictures of the matched files into the HTML report, hidden until a key or button is held down:"
            " blurred beyond recognition, without colour, or unchanged. Default: none."
        ),
    )(command)


def write_page(
    gathered: ReportContents,
    about: ReportOrigin,
    out: BinaryIO,
    *,
    store: Store | None,
    rule: PictureRule | None,
    examining: Examining,
    on_problem: Callable[[str], object],
) -> None:
    """Decode the pictures and write the report.

    store: the reference set that was searched, if it is here. on_problem: called with a message if pictures are missing.
    """
    from hashmatch.report.html import page

    pictures: dict[bytes, ShownPicture] = {}
    if rule is not None:
        from hashmatch.report import pictures as making

        made = making.pictures(gathered.listed_results(), rule, examining.isolation, examining.limits)
        pictures = dict(made)
        missing = sum(each.data is None for each in pictures.values())
        if missing:
            text = ngettext(
                "{n} file has no picture; the report says why",
                "{n} files have no picture; the report says why",
                missing,
            )
            on_problem(text.format(n=missing))

    @functools.cache
    def duration(reference: MatchedReference) -> float | None:
        return None if store is None else _duration(store, reference)

    page.write(gathered, about, out, pictures=pictures, duration=duration)


def _duration(store: Store, reference: MatchedReference) -> float | None:
    """The length of a reference in seconds, if the database still has the same one under this number."""
    from hashmatch.store import lookup

    try:
        found = lookup.reference(store.connection, reference.id)
    except CommandError:
        return None
    return found.duration if found.sha256 == reference.sha256 else None

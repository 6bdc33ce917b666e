"""Writes the report: one HTML file, made from templates, a style sheet and a script in the package."""

from __future__ import annotations

import base64
import functools
import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from hashmatch import i18n
from hashmatch.escape import for_terminal
from hashmatch.i18n import _, ngettext
from hashmatch.matching.results import MatchedReference
from hashmatch.report.account_text import unexamined_line
from hashmatch.report.html import drawings, match_cards
from hashmatch.report.html.contents import ReportContents, ReportEntry, ReportSection
from hashmatch.report.html.scan_facts import ReportOrigin, facts, moment
from hashmatch.report.pictures import ShownPicture
from hashmatch.report.scan_text import clock

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "templates"
#: Characters that are written from right to left, or otherwise change the order in which parts of a name are shown.
_NOT_LEFT_TO_RIGHT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff\U00010800-\U00010fff\U0001e800-\U0001efff]")
#: How many bytes are written at once.
_AT_ONCE = 1 << 16


@dataclass(frozen=True, slots=True)
class SummaryTile:
    """A number in the summary. name: its name in the style sheet. to: what it links to."""

    name: str
    text: str
    number: int
    to: str = ""


@functools.cache
def environment() -> Environment:
    """Templates that escape everything that is not marked as safe, and fail on an undefined value."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        auto_reload=False,
    )
    made.globals |= {"_": _, "ngettext": ngettext}
    made.filters |= {"pieces": pieces, "shown": for_terminal, "clock": clock}
    return made


def write(
    gathered: ReportContents,
    about: ReportOrigin,
    out: BinaryIO,
    *,
    pictures: Mapping[bytes, ShownPicture] = {},
    duration: Callable[[MatchedReference], float | None] = lambda reference: None,
) -> None:
    """Write the page as UTF-8. pictures: of files, by path. duration: gives a reference's length in seconds, if known."""
    from markupsafe import Markup

    style, script = (TEMPLATES / "report.css").read_text("utf-8"), (TEMPLATES / "report.js").read_text("utf-8")
    sections = list(gathered.sections())

    def card_of(entry: ReportEntry) -> match_cards.MatchCard:
        has_film = entry.match.video is not None and entry.match.reference.kind == "video"
        return match_cards.card(entry, duration(entry.match.reference) if has_film else None)

    def picture_of(entry: ReportEntry) -> ShownPicture | None:
        return pictures.get(entry.result.path) if entry.is_best else None

    text = (
        environment()
        .get_template("report.html.j2")
        .generate(
            language=i18n.language(),
            direction=i18n.direction(),
            policy=policy(style, script),
            style=Markup(style),
            script=Markup(script),
            made=moment(about.made),
            facts=facts(about),
            gathered=gathered,
            sections=sections,
            tiles=tiles(gathered),
            other_kinds=unexamined_line(gathered.other_kinds),
            is_fast=about.scan is not None and about.scan.settings.profile == "fast",
            tlp=match_cards.tlp_name(gathered.tlp) if gathered.tlp else None,
            tlp_mark=(gathered.tlp or "").partition("+")[0],
            histogram=drawings.histogram(gathered.distances),
            collections=_names(sections, lambda reference: [source.collection for source in reference.sources]),
            labels=_names(sections, lambda reference: list(reference.labels)),
            head_of=match_cards.head,
            card_of=card_of,
            picture_of=picture_of,
            tier_name=match_cards.tier_name,
            explained=match_cards.section_explained,
        )
    )
    for part in _in_large_parts(text):
        # Half a surrogate pair is in a name only if its bytes were not text; for_terminal writes those out.
        out.write(part.encode("utf-8", "backslashreplace"))


def policy(style: str, script: str) -> str:
    """The content-security policy: only this style sheet, this script, and pictures within the page. The script may not
    turn text into elements."""
    parts = {
        "default-src": "'none'",
        "style-src": _source(style),
        "script-src": _source(script),
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in parts.items())


def _source(content: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"


def tiles(gathered: ReportContents) -> list[SummaryTile]:
    """The numbers at the top."""
    files, matches = gathered.files, gathered.matches
    found = [
        SummaryTile("exact", _("exact matches"), matches["exact"], "exact"),
        SummaryTile("near", _("near matches"), matches["near"], "near"),
        SummaryTile("possible", _("possible matches"), matches["possible"], "possible"),
    ]
    rest = [
        SummaryTile("all", _("files"), files.total()),
        SummaryTile("matched", _("files matched"), files["match"]),
        SummaryTile("allowed", _("files allowed"), files["allowed"], "allowed"),
        SummaryTile("clean", _("files clean"), files["clean"]),
        SummaryTile("failed", _("files not examined"), files["failed"], "unexamined"),
        SummaryTile("partial", _("files examined in part"), gathered.partial_files, "partial"),
        SummaryTile("skipped", _("files skipped: not media"), files["skipped"]),
    ]
    return [*found, *rest]


def pieces(path: str) -> list[str]:
    """A path in pieces that are shown separately, the file's name last, so that right-to-left names do not change the order
    of folders. path: already made visible."""
    folders, separator, name = path.rpartition("/")
    if _NOT_LEFT_TO_RIGHT.search(folders):
        return [*(f"{folder}/" for folder in folders.split("/")), name]
    return [folders + separator, name] if separator else [name]


def _names(sections: list[ReportSection], of: Callable[[MatchedReference], list[str]]) -> dict[str, int]:
    """Each name that a reference has, shown and sorted, with its number."""
    found = {for_terminal(name) for section in sections for group in section.groups for name in of(group.reference)}
    return {name: number for number, name in enumerate(sorted(found))}


def _in_large_parts(text: Iterator[str]) -> Iterator[str]:
    parts, length = [], 0
    for part in text:
        parts.append(part)
        length += len(part)
        if length >= _AT_ONCE:
            yield "".join(parts)
            parts, length = [], 0
    yield "".join(parts)

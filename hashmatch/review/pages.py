"""The pages in words and addresses, as the templates show them. Foreign text is made visible here or by the templates'
filter `shown`, and the templates escape it."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hashmatch import i18n
from hashmatch.errors import CommandError
from hashmatch.escape import for_terminal
from hashmatch.i18n import _, ngettext
from hashmatch.records import Kind
from hashmatch.report.alignment_sheet import AlignedMoment, moments_of
from hashmatch.report.html import match_cards, page
from hashmatch.report.html.contents import ReportEntry
from hashmatch.report.html.scan_facts import moment
from hashmatch.report.reasons import decision_name
from hashmatch.report.scan_text import clock
from hashmatch.review.picture_maker import PictureOrder
from hashmatch.review.queue import QueueGroup, QueueItem, ReviewQueue
from hashmatch.store import Store, lookup, review_decisions
from hashmatch.store.lookup import Reference
from hashmatch.store.review_decisions import DECISIONS, Decision, Standing

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "templates"
#: Static files that may be requested, and their types.
STATIC: Mapping[str, tuple[Path, str]] = {
    "report.css": (page.TEMPLATES / "report.css", "text/css"),
    "review.css": (TEMPLATES / "review.css", "text/css"),
    "review.js": (TEMPLATES / "review.js", "text/javascript"),
    "icon.svg": (TEMPLATES / "icon.svg", "image/svg+xml"),
}
#: Pictures on one page of a grid, and references on one page of the list.
ON_GRID, ON_LIST = 48, 60
#: Frames that are shown of a film without stretches, for example one with the same bytes.
_SPREAD = 4


@dataclass(frozen=True, slots=True)
class DecisionButton:
    """A decision that can be taken. key: the key for it. why_not: why it cannot be taken now; else empty."""

    decision: Decision
    key: str
    text: str
    hint: str
    why_not: str


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One line of what was said about a match."""

    text: str
    who: str
    at: str
    note: str


@dataclass(frozen=True, slots=True)
class SideBySideRow:
    """Two pictures side by side, each an address and a time; None if a side has none."""

    file: tuple[str, str] | None
    reference: tuple[str, str] | None


@functools.cache
def environment() -> Environment:
    """The report's environment, with the templates of these pages taking precedence."""
    from jinja2 import FileSystemLoader

    made = page.environment().overlay(loader=FileSystemLoader([TEMPLATES, page.TEMPLATES]))
    made.filters["moment"] = moment
    return made


def moments(item: QueueItem) -> tuple[AlignedMoment, ...]:
    """The moments at which frames are shown; two pictures have none."""
    films = _shows_film(item), item.match.reference.kind == "video"
    if not any(films):
        return ()
    segments = item.match.video.segments if item.match.video else ()
    length = item.result.examined.duration if item.result.examined else None
    if not segments and all(films) and length and item.match.tier == "exact":
        places = [round((number + 0.5) / _SPREAD * length, 3) for number in range(_SPREAD)]
        return tuple(AlignedMoment(number, at, at) for number, at in enumerate(places, 1))
    return moments_of(segments, *films)


def _shows_film(item: QueueItem) -> bool:
    """Whether the part of the file that matches is a film."""
    part = item.match.part
    if part is None:
        return item.result.kind == "video"
    return part.startswith(("stream", "film")) or (part.startswith("appended") and item.match.video is not None)


def order_of_file(item: QueueItem) -> PictureOrder | None:
    """The pictures of the file that was found."""
    result = item.result
    if item.pair is None or (result.kind is None and item.match.part is None):
        return None
    times = tuple(each.a for each in moments(item) if each.a is not None)
    # A scan follows links that were named. Whatever lies there must have the bytes that were scanned.
    kind: Kind = "video" if _shows_film(item) else "image"
    return PictureOrder(tuple(item.paths), item.pair.sha256, kind, times, follow=True, part=item.match.part)


def order_of_reference(item: QueueItem, store: Store) -> PictureOrder | None:
    """The pictures of the reference, if it was seen on this machine."""
    if item.pair is None:
        return None
    reference = lookup.reference(store.connection, item.pair.reference_id)
    places = lookup.locations(store.connection, reference.id)
    if reference.sha256 is None or reference.kind is None or not places:
        return None
    times = tuple(each.b for each in moments(item) if each.b is not None)
    return PictureOrder(tuple(places), reference.sha256, reference.kind, times)


class ReviewPages:
    """Makes the pages. base: the start of every address. form: the secret in every form."""

    def __init__(self, store: Store, queue: ReviewQueue, base: str, form: str, notices: tuple[str, ...]) -> None:
        self._store, self._queue, self._notices = store, queue, notices
        self._fixed: dict[str, Any] = {"base": base, "form_secret": form}

    def match(self, item: QueueItem, told: list[str], can_undo: bool, due: float | None) -> str:
        """One match, side by side."""
        group = self._queue.groups[item.group - 1]
        known = self._known(item)
        duration = known.duration if known and known.kind == "video" else None
        entry = ReportEntry(item.result, item.match, True)
        return self._made(
            "match.html.j2",
            here=f"match/{item.number}",
            told=told,
            can_undo=can_undo,
            due=due,
            item=item,
            card=match_cards.card(entry, duration),
            head=match_cards.head(item.match.reference),
            known=known,
            rows=self._rows(item),
            other_paths=[for_terminal(path) for path in item.paths[1:20]],
            more_paths=max(0, len(item.paths) - 20),
            buttons=self._buttons(item),
            said=self._said(item),
            state=self._state(item),
            can_withdraw=self._queue.has_said(item),
            place=group.items.index(item) + 1,
            group=group,
            tier_name=match_cards.tier_name,
        )

    def grid(self, group: QueueGroup, number: int, told: list[str], can_undo: bool, due: float | None) -> str:
        """All files that match one reference."""
        pages = max(1, -(-len(group.items) // ON_GRID))
        number = min(max(1, number), pages)
        items = group.items[(number - 1) * ON_GRID : number * ON_GRID]
        first = items[0]
        reference = next((row.reference for row in self._rows(first) if row.reference), None)
        return self._made(
            "grid.html.j2",
            here=f"grid/{group.number}/{number}",
            told=told,
            can_undo=can_undo,
            due=due,
            group=group,
            head=match_cards.head(group.reference),
            tier=first.match.tier,
            tier_name=match_cards.tier_name,
            cells=[
                (item, for_terminal(item.paths[0]), self._facts(item), self._mark(item), self._is_silent(item))
                for item in items
            ],
            first=first,
            reference=reference,
            buttons=self._buttons(None),
            number=number,
            pages=pages,
            open_here=self._queue.open_in(group),
        )

    def overview(self, number: int, told: list[str], can_undo: bool, due: float | None) -> str:
        """The progress of the work, and all references."""
        groups = self._queue.groups
        pages = max(1, -(-len(groups) // ON_LIST))
        number = min(max(1, number), pages)
        listed = groups[(number - 1) * ON_LIST : number * ON_LIST]
        return self._made(
            "overview.html.j2",
            here="list",
            told=told,
            can_undo=can_undo,
            due=due,
            notices=self._notices,
            groups=[(each, match_cards.head(each.reference), self._queue.open_in(each)) for each in listed],
            number=number,
            pages=pages,
            tier_name=match_cards.tier_name,
            next_open=self._queue.next_open(),
        )

    def message(self, text: str, is_end: bool = False) -> str:
        """One sentence."""
        return self._made("message.html.j2", here="list", told=[], can_undo=False, due=None, text=text, is_end=is_end)

    def entry(self) -> str:
        """The page behind the link. It goes on by itself, because a browser sends no new cookie with a redirection that
        began elsewhere."""
        return environment().get_template("entry.html.j2").render(**self._common())

    def _common(self) -> dict[str, Any]:
        return {**self._fixed, "language": i18n.language(), "direction": i18n.direction()}

    def _made(self, name: str, **values: Any) -> str:
        progress = self._queue.progress()
        rules = review_decisions.rules(self._store.connection)
        return (
            environment()
            .get_template(name)
            .render(
                **self._common(),
                progress=progress,
                decided=[(decision_name(each), count) for each, count in progress.decided.items()],
                reviewer=for_terminal(self._queue.reviewer),
                needed=rules.needed,
                keys=keys(),
                **values,
            )
        )

    def _known(self, item: QueueItem) -> Reference | None:
        try:
            return lookup.reference(self._store.connection, item.pair.reference_id) if item.pair else None
        except CommandError:
            return None

    def _rows(self, item: QueueItem) -> list[SideBySideRow]:
        base = self._fixed["base"]
        found = moments(item)
        has = order_of_file(item) is not None, order_of_reference(item, self._store) is not None

        def pictures(side: str, times: list[float | None]) -> list[tuple[str, str] | None]:
            known = [time for time in times if time is not None]
            address = f"{base}/picture/{item.number}/{side}"
            # A picture beside a film appears once.
            return [(f"{address}/{n}", clock(time, tenths=True)) for n, time in enumerate(known)] or [
                (f"{address}/0", "")
            ]

        ours = pictures("file", [each.a for each in found]) if has[0] else []
        theirs = pictures("reference", [each.b for each in found]) if has[1] else []
        return [
            SideBySideRow(ours[n] if n < len(ours) else None, theirs[n] if n < len(theirs) else None)
            for n in range(max(len(ours), len(theirs), 1))
        ]

    def _buttons(self, item: QueueItem | None) -> list[DecisionButton]:
        names = {
            "confirmed": (_("Confirmed"), _("It shows the reference.")),
            "false-positive": (
                _("False positive"),
                _("It does not show the reference: this pair no longer counts as a match."),
            ),
            "allow": (_("Allow"), _("The file is legitimate: its digest goes on the allow list.")),
            "dispute": (
                _("Dispute"),
                _("The reference is not what it is said to be. Needs a note, which partners get."),
            ),
            "second-look": (_("Second look"), _("Somebody else should decide.")),
        }
        is_same = item is not None and item.is_same_bytes
        same = _(
            "The bytes are those of the reference, so this cannot be a false match:"
            " dispute the reference, or allow the file."
        )
        return [
            DecisionButton(name, str(number), *names[name], same if is_same and name == "false-positive" else "")
            for number, name in enumerate(DECISIONS, 1)
        ]

    def _said(self, item: QueueItem) -> list[StatementLine]:
        needed = review_decisions.rules(self._store.connection).needed
        lines = []
        for word in self._queue.words(item):
            is_hidden = self._queue.is_hidden(item, word, needed)
            text = _("has decided; shown once you have, too") if is_hidden else decision_name(word.said)
            note = "" if is_hidden else for_terminal(word.note or "")
            lines.append(StatementLine(text, for_terminal(word.reviewer), moment(word.at), note))
        return lines

    def _is_silent(self, item: QueueItem) -> bool:
        """Whether what others said about it must stay hidden for now."""
        needed = review_decisions.rules(self._store.connection).needed
        return any(self._queue.is_hidden(item, word, needed) for word in self._queue.words(item))

    def _state(self, item: QueueItem) -> str:
        return "" if self._is_silent(item) else state_text(self._queue.standing(item), self._needed())

    def _mark(self, item: QueueItem) -> str:
        """The decision, short enough for a cell."""
        found = self._queue.standing(item)
        return "" if found.decision is None or self._is_silent(item) else decision_name(found.decision)

    def _needed(self) -> int:
        return review_decisions.rules(self._store.connection).needed

    def _facts(self, item: QueueItem) -> tuple[str, ...]:
        return match_cards.card(ReportEntry(item.result, item.match, True), None).facts[:2]


def state_text(found: Standing, needed: int) -> str:
    """The decision as a sentence."""
    if found.decision is None:
        return ""
    people = ", ".join(map(for_terminal, found.by))
    if found.in_force:
        return _("Decided: {decision}, by {people}").format(decision=decision_name(found.decision), people=people)
    if found.decision == "second-look":
        return _("{people} asks for a second pair of eyes").format(people=people)
    text = ngettext(
        "{decision}, by {people}: {n} of {needed} who must agree",
        "{decision}, by {people}: {n} of {needed} who must agree",
        len(found.by),
    )
    return text.format(decision=decision_name(found.decision), people=people, n=len(found.by), needed=needed)


def keys() -> list[tuple[str, str]]:
    """The keys and what they do, for the help. A key is named by its letter on a Latin keyboard, but recognised by its
    position, so that it works on every layout."""
    return [
        ("Space V", _("hold down to see the pictures")),
        ("1 2 3 4 5", _("confirmed, false positive, allow, dispute, second look")),
        ("U", _("take back the last decision")),
        ("M", _("write a note; Esc leaves it")),
        ("O", _("the next match that waits for you")),
        ("J K", _("the next match, the one before; so do the arrows")),
        ("G", _("one match, or all of the same reference")),
        ("L", _("the list of references")),
        ("C", _("colour on and off")),
        ("+ −", _("blur more, blur less")),
        ("X A", _("on a grid: choose one, choose all; the arrows move, Enter opens")),
        ("H ?", _("this help")),
    ]

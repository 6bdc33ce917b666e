"""Counts what a list format cannot express while the items pass, so that every export can report it at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from hashmatch.exchange.list_format import EXTRAS, Format, left_out
from hashmatch.records import Hash, ListItem
from hashmatch.views import FULL

#: The parts of an item that a format's `carries` can name, besides hash algorithms ("pdq", "phash"; "*" for all).
#: "frames": the format keeps the hashes of a film together as one film, not as separate pictures.
DIGESTS = frozenset({"md5", "sha1", "sha256"})
OF_HASHES = frozenset({"quality", "time", "view", "hash_version"})
OF_ITEMS = frozenset(
    {
        *(
            "kind",
            "size",
            "duration",
            "width",
            "height",
            "labels",
            "allow",
            "collection",
            "source",
            "tlp",
            "added",
            "changed",
            "expires",
            "author",
        ),
        *("retracted", "retraction_reason", "opinions", "paths", "case", "operator", "note"),
    }
)
EVERYTHING = DIGESTS | OF_HASHES | OF_ITEMS | {"frames", "*"}

_OTHER_PARTS = OF_ITEMS | OF_HASHES | DIGESTS | {"frames"}

#: Prefix of a part that is carried for films only.
FILM = "video:"


class Losses:
    """Counts, for each part, how often the format can carry it (`kept`) and how often it cannot (`lost`).

    Hashes, quality, time, view and version are counted per hash; everything else is counted per entry. Not counted:
    entries that the format leaves out entirely (their writer counts them, see list_format.WriteReport), and fields that
    were not to be exported because `include` does not name them.
    """

    def __init__(self, form: Format, include: frozenset[str] = frozenset()) -> None:
        self._form = form
        self._withheld = set(EXTRAS) - include
        self.kept: Counter[str] = Counter()
        self.lost: Counter[str] = Counter()

    def watch(self, items: Iterable[ListItem]) -> Iterator[ListItem]:
        """Yields the same items and counts them as they pass."""
        for item in items:
            parts = _parts(item)
            for part, count in parts.items() if _takes(self._form, item, parts) else ():
                if part in self._withheld:
                    continue
                (self.kept if _has(self._form, part, item) else self.lost)[part] += count
            yield item


def carried(form: Format, item: ListItem) -> list[str]:
    """Which digests and perceptual hashes of an item a format writes, by name; none if it leaves the item out."""
    parts = [
        *sorted(name for name in DIGESTS if getattr(item, name)),
        *sorted({each.algorithm for each in item.hashes}),
    ]
    return [part for part in parts if _has(form, part, item)] if _takes(form, item, parts) else []


def says_as_much(form: Format, as_form: Format) -> bool:
    """Whether a list of a format has all that a list of another one can have."""
    parts = {part.removeprefix(FILM) for part in as_form.carries} - form.carries
    return "*" in form.carries and all(map(_is_algorithm, parts)) if parts else True


def _takes(form: Format, item: ListItem, parts: Iterable[str]) -> bool:
    """Whether a format writes an item rather than leaving it out."""
    if not form.carries_retraction and left_out(item, form.says_opinions):
        return False
    if form.needs:
        return not form.needs.isdisjoint(parts)
    return any(_has(form, part, item) for part in parts if part in DIGESTS or _is_algorithm(part))


def _has(form: Format, part: str, item: ListItem) -> bool:
    if part in form.carries or (item.kind == "video" and FILM + part in form.carries):
        return True
    return "*" in form.carries and _is_algorithm(part)


def _is_algorithm(part: str) -> bool:
    return part not in _OTHER_PARTS


def _parts(item: ListItem) -> Counter[str]:
    """Counts the parts that an item has, by their names."""
    parts = Counter({name: 1 for name in DIGESTS | OF_ITEMS if getattr(item, name)})
    for each in item.hashes:
        parts[each.algorithm] += 1
        parts.update(_of_hash(each))
    if any(each.time is not None for each in item.hashes):
        parts["frames"] += 1
    return parts


def _of_hash(each: Hash) -> Iterator[str]:
    if each.quality is not None:
        yield "quality"
    if each.time is not None:
        yield "time"
    if each.view != FULL:
        yield "view"
    if each.version is not None:
        yield "hash_version"

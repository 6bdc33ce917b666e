"""What a list format cannot say: counted while the items pass by, and told at the end of every export."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from hashmatch.exchange.interface import EXTRAS, Format
from hashmatch.records import Hash, ListItem

#: Parts of an item as a format's `carries` names them, beside the names of hash algorithms ("pdq", "phash"; "*": of
#: every algorithm). "frames": the hashes of a film as those of one film, and not of so many pictures.
DIGESTS = frozenset({"md5", "sha1", "sha256"})
OF_HASHES = frozenset({"quality", "time", "view", "hash_version"})
OF_ITEMS = frozenset(
    {
        *("kind", "size", "duration", "labels", "allow", "collection", "source", "tlp", "added", "changed"),
        *("retracted", "retraction_reason", "opinions", "paths", "case", "operator", "note"),
    }
)
EVERYTHING = DIGESTS | OF_HASHES | OF_ITEMS | {"frames", "*"}

#: Before the name of a part: carried of films only.
FILM = "video:"


class Losses:
    """How many records have what a format carries and what it does not, by part: `kept` and `lost`.

    Of hashes, quality, time, view and version the hashes are counted; of everything else the entries. What was not to go
    out, since `include` does not name it, is neither.
    """

    def __init__(self, form: Format, include: frozenset[str] = frozenset()) -> None:
        self._carries = form.carries
        self._withheld = set(EXTRAS) - include
        self.kept: Counter[str] = Counter()
        self.lost: Counter[str] = Counter()

    def watch(self, items: Iterable[ListItem]) -> Iterator[ListItem]:
        """The same items, counted as they pass."""
        for item in items:
            for part, count in _parts(item).items():
                if part in self._withheld:
                    continue
                (self.kept if self._has(part, item) else self.lost)[part] += count
            yield item

    def _has(self, part: str, item: ListItem) -> bool:
        if part in self._carries or (item.kind == "video" and FILM + part in self._carries):
            return True
        known = part in OF_ITEMS or part in OF_HASHES or part in DIGESTS or part == "frames"
        return not known and "*" in self._carries


def _parts(item: ListItem) -> Counter[str]:
    """What an item has, by the names of parts."""
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
    if each.view != "full":
        yield "view"
    if each.version is not None:
        yield "hash_version"

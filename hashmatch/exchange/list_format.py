"""Defines what a list format is: each format's module fills in these facts and functions as its constant `FORMAT`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from hashmatch.records import BadLine, LineRemark, ListHead, ListItem, Tlp

#: Fields of a ListItem that are exported only if the user names them.
EXTRAS = ("paths", "case", "operator", "note")

#: What reading yields: an item with the line (from 1) where it begins, a line that was refused, or a remark on a line
#: whose item comes as well. If a list is one document without lines, its records are counted instead. A retracted item
#: may have nothing but its `record`: it then withdraws what the same voice said under that record.
ListRow = tuple[int, ListItem] | BadLine | LineRemark


@dataclass(frozen=True, slots=True)
class WriteReport:
    """How many references were written to a list, and how many were left out because its format cannot express them.

    left_out_allow: allow-listed references, if the format cannot say "allow" and a reader would take them for
    propaganda. To write an allow list on purpose in such a format, pass the items with allow=False.
    left_out_false_positive: references that their own source calls a false positive, for the same reason.
    """

    written: int = 0
    left_out_retracted: int = 0
    left_out_without_hash: int = 0
    left_out_allow: int = 0
    unmarked: int = 0
    left_out_false_positive: int = 0


class Writer(Protocol):
    """Writes items as they come and holds at most one in memory. Of EXTRAS it writes only the fields named in `include`.

    Raises whatever `out.write` raises (OSError).
    """

    def __call__(
        self, items: Iterable[ListItem], out: BinaryIO, include: frozenset[str] = frozenset()
    ) -> WriteReport: ...


@dataclass(frozen=True, slots=True)
class Format:
    """A list format.

    carries: the parts of an item that the format can express, by their names in losses.py.
    write: None if the format can only be read.
    read: yields a ListRow for each item and for each line it refuses. Whatever the list contains, it raises only
    CommandError: before any item for a list of a newer version, or if a library that the format needs is missing. It
    also raises whatever `stream.readline` raises.
    looks_like: whether the first bytes of a list look like this format. It never raises.
    needs: parts by the same names; an entry with none of them is left out. If `needs` is empty, an entry is left out if
    it has no digest or hash that the format carries.
    says_opinions: the format cannot say that an entry is retracted, but can say that it is disputed or a false positive.
    speaker: the one source that speaks in every list of this format, if there is one: a partner's interface.
    default_tlp: the mark of an entry without one, where the interface's own rules do not let it travel freely.
    write_list: like `write`, but also writes what the list says about itself, as far as the format can express that.
    carries_number: it can express the list's name and number, too.
    read_head: what the first bytes of a list, whatever they are, say about it.
    doubt: what a person should know about a list that was recognised by its first bytes; "" if there is no doubt.
    prepare: loads what reading needs and does not import with its module. Lists are read in a locked process, which can load
    nothing later. Raises CommandError if a library is missing.
    """

    name: str
    carries: frozenset[str]
    write: Writer | None
    read: Callable[[BinaryIO], Iterator[ListRow]]
    looks_like: Callable[[bytes], bool]
    write_list: Callable[[Iterable[ListItem], BinaryIO, frozenset[str], ListHead], WriteReport] | None = None
    read_head: Callable[[bytes], ListHead] | None = None
    needs: frozenset[str] = frozenset()
    says_opinions: bool = False
    speaker: str = ""
    default_tlp: Tlp | None = None
    doubt: Callable[[bytes], str] | None = None
    carries_number: bool = False
    prepare: Callable[[], object] = lambda: None

    @property
    def carries_retraction(self) -> bool:
        return "retracted" in self.carries

    @property
    def is_bare(self) -> bool:
        """Whether it can say neither whose word an entry is nor that it is withdrawn."""
        return not {"collection", "retracted"} & self.carries


def left_out(item: ListItem, says_opinions: bool) -> str:
    """Why a format without retractions leaves an item out: "retracted", "allow" or "false-positive"; "" if it does not.

    says_opinions: see Format. Such a format has a withdrawn item that is disputed, or that its own source calls a false
    positive: this is how it says that the item no longer stands.
    """
    disowned = item.verdict == "false-positive"
    if item.retracted:
        is_said = disowned or any(opinion.verdict == "disputed" for opinion in item.opinions)
        return "" if says_opinions and is_said and not item.allow else "retracted"
    if item.allow:
        return "allow"
    return "false-positive" if disowned and not says_opinions else ""

"""What a list format is: facts and functions that each format's module fills in as its constant `FORMAT`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from hashmatch.records import BadLine, LineRemark, ListHead, ListItem

#: Fields of a ListItem that leave the house only when the person who exports names them.
EXTRAS = ("paths", "case", "operator", "note")

#: What reading gives: the line (from 1) where an item begins and the item; a line that was refused; or a remark on a line
#: whose item comes, too. Where a list is one document and has no lines, its records are counted. An item that is retracted
#: may have nothing but its case: what earlier lists brought to the same collection under that case is meant.
ListRow = tuple[int, ListItem] | BadLine | LineRemark


@dataclass(frozen=True, slots=True)
class WriteReport:
    """How many references went into a list, and how many did not because its format cannot carry them.

    left_out_allow: allow-listed references, where the format cannot say "allow" and a reader would take them for
    propaganda. To write an allow list on purpose in such a format, give the items with allow=False.
    left_out_false_positive: those that their own source calls a false positive, for the same reason.
    """

    written: int = 0
    left_out_retracted: int = 0
    left_out_without_hash: int = 0
    left_out_allow: int = 0
    unmarked: int = 0
    left_out_false_positive: int = 0


class Writer(Protocol):
    """Writes items as they come, holding no more than one. Fields in EXTRAS are written only if named in `include`.

    Raises what `out.write` raises (OSError).
    """

    def __call__(
        self, items: Iterable[ListItem], out: BinaryIO, include: frozenset[str] = frozenset()
    ) -> WriteReport: ...


@dataclass(frozen=True, slots=True)
class Format:
    """A list format.

    carries: what it can say, by the names that losses.py has for the parts of an item. write: None of a format that is
    only read.
    read(stream) yields a Row for each item and for each line it refuses, and never raises for what the list holds,
    except CommandError for a list of a newer version, before any item, or where a library is missing that the format
    needs. It raises what `stream.readline` raises.
    looks_like(head) tells whether the first bytes of a list look like this format; it never raises.
    needs: parts by the same names: an entry without any of them is left out; where it is empty, one without any digest or
    hash that the format carries. says_false_positive: of a format that cannot say that an entry is retracted.
    speaker: who speaks in every list of this format, where that is one.
    write_list, read_head: of a format in which a list can say what it is: as `write`, with that; and what the first bytes of
    a list say, whatever they are.
    """

    name: str
    carries: frozenset[str]
    write: Writer | None
    read: Callable[[BinaryIO], Iterator[ListRow]]
    looks_like: Callable[[bytes], bool]
    write_list: Callable[[Iterable[ListItem], BinaryIO, frozenset[str], ListHead], WriteReport] | None = None
    read_head: Callable[[bytes], ListHead] | None = None
    needs: frozenset[str] = frozenset()
    says_false_positive: bool = False
    speaker: str = ""

    @property
    def carries_retraction(self) -> bool:
        return "retracted" in self.carries

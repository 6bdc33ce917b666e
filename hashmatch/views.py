"""What the names of views mean: which part of a picture a hash is of.

The database, lists and JSON have views by name: "full", "trim1", "page2". Lists of other programs may have any other name;
such a view is kept and compared, and nothing is concluded from its name.
"""

from __future__ import annotations

import enum
import functools
import re
from dataclasses import dataclass

#: The name of the view that is the whole picture.
FULL = "full"

#: Bits of a packed view that hold its number. A kind takes the other three of 16.
NUMBER_BITS = 13
#: The largest number of a view. Names with larger ones are none of ours.
MOST_NUMBER = (1 << NUMBER_BITS) - 1

_NAME = re.compile(r"([a-z]{3,5})([1-9][0-9]{0,3})", re.ASCII)
#: Names to remember. A list may have a million different ones.
_REMEMBERED = 4096


class ViewKind(enum.IntEnum):
    """What a view shows. Caches hold the values (search/cache.py): they never change."""

    #: The whole picture.
    FULL = 0
    #: What is left without plain borders.
    TRIM = 1
    #: A further page of a document; in the reference set also any further picture or film of a file.
    PAGE = 2
    #: What is left without borders that are not plain: these may be text, which makes a poster another one.
    PART = 3
    #: Of a query only: a film's frame, made wider by what may have been cropped off.
    WIDE = 4
    #: Of a query only: what is cut out of the middle of a film's frame.
    CUT = 5
    #: A view that another program named.
    OTHER = 6
    #: The whole picture in another look: as it is stored, before its colours are put right, or on a dark ground.
    LOOK = 7

    @property
    def stem(self) -> str:
        """How the names of such views begin."""
        return self.name.lower()

    @property
    def shows_all(self) -> bool:
        """Whether such a view is a picture as it is, and not a part of it or a guess."""
        return self in (ViewKind.FULL, ViewKind.PAGE, ViewKind.OTHER, ViewKind.LOOK)


#: Kinds of views that leave out borders.
TRIMMED = frozenset({ViewKind.TRIM, ViewKind.PART})

_NUMBERED = {kind.stem: kind for kind in ViewKind if kind not in (ViewKind.FULL, ViewKind.OTHER)}


@dataclass(frozen=True, slots=True)
class ViewName:
    """The name of a view, taken apart. number: from 1; 0 of the whole picture and of other programs' views."""

    kind: ViewKind
    number: int = 0

    def __str__(self) -> str:
        """The name as the database and lists have it; "other" for any name of another program."""
        return f"{self.kind.stem}{self.number}" if self.number else self.kind.stem

    @classmethod
    def parse(cls, name: str) -> ViewName:
        """The meaning of a name. One that is not ours, whatever it is, is of kind OTHER."""
        if name == FULL:
            return cls(ViewKind.FULL)
        found = _NAME.fullmatch(name)
        kind = _NUMBERED.get(found[1]) if found else None
        if found is None or kind is None or int(found[2]) > MOST_NUMBER:
            return cls(ViewKind.OTHER)
        return cls(kind, int(found[2]))

    @property
    def packed(self) -> int:
        """Kind and number in 16 bits, as arrays hold millions of them."""
        return self.kind << NUMBER_BITS | self.number

    @classmethod
    def unpack(cls, packed: int) -> ViewName:
        """What `packed` was made of. Raises ValueError for bits that are not a view."""
        return cls(ViewKind(packed >> NUMBER_BITS), packed & MOST_NUMBER)


@functools.lru_cache(_REMEMBERED)
def pack_view(name: str) -> int:
    """The 16 bits that stand for a view's name in arrays."""
    return ViewName.parse(name).packed

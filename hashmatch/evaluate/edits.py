"""The edits with which copies are made, all of them, and how some are chosen."""

from __future__ import annotations

import fnmatch

from PIL import Image

from hashmatch.evaluate.families.family_edits import CARD_EDITS, FAMILY_EDITS
from hashmatch.evaluate.making import Edit
from hashmatch.evaluate.scenes import Chance
from hashmatch.evaluate.usual_edits import USUAL_EDITS

EDITS: tuple[Edit, ...] = (*USUAL_EDITS, *FAMILY_EDITS, *CARD_EDITS)


def matching(pattern: str) -> tuple[Edit, ...]:
    """The edits whose name or group fits a pattern such as "jpeg-*", "combination" or "crop*"."""
    return tuple(
        edit for edit in EDITS if fnmatch.fnmatchcase(edit.name, pattern) or fnmatch.fnmatchcase(edit.group, pattern)
    )


def randomness(seed: int, edit: Edit, name: str, beside: tuple[Image.Image, ...] = ()) -> Chance:
    """The source of randomness for one edit of one picture: the same whatever else is made, and in which order.

    beside: pictures that the edit may put beside it.
    """
    chance = Chance(f"{seed}/{edit.name}/{name}")
    chance.pictures = beside
    return chance

"""Guards of at most 64 bytes that were tried: which tell two texts on one layout apart, and how many right copies they lose.

A list has a guard's bits; the picture that is scanned gives exact numbers. Pairs are those that PDQ alone calls the same:
within 31 bits, both qualities at least 50. For each guard, the limit that loses 0.3, 1 or 3 % of the right copies is found
on one half of the layouts and photographs, and applied to the other half.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

import numpy as np
from leaks import BLOCKS, GUARDS, Floats, Leak
from measure import table
from PIL import Image

from hashmatch.evaluate.card_templates import card
from hashmatch.evaluate.edits import EDITS
from hashmatch.hashers import blocks, pdq
from hashmatch.hashers.base import Picture
from hashmatch.matching.layouts import opinion

# fmt: off
COPIES = (
    "jpeg-50", "jpeg-30", "jpeg-passed-on", "webp-40", "gif-256", "resize-50", "resize-37", "resize-25", "resize-160",
    "brightness-70", "brightness-130", "contrast-140", "gamma-160", "greyscale", "sharpen-2", "blur-light", "blur-middle",
    "noise-8", "squeeze-wide-10",
)
# fmt: on
#: How a card with another text was passed on.
SENT = ("jpeg-75", "jpeg-50", "jpeg-passed-on", "webp-75", "resize-75", "resize-50")
TEXTS = 4
LOSSES = (0.003, 0.01, 0.03)


@dataclass(frozen=True, slots=True)
class Looks:
    """A picture's PDQ, its quality, and its exact numbers for each guard."""

    bits: int
    quality: int
    numbers: dict[str, Floats]


@dataclass(frozen=True, slots=True)
class Pair:
    """A picture that is scanned and one that is known. number: of the layout or photograph."""

    scanned: Looks
    known: Looks
    number: int

    @property
    def is_same_by_pdq(self) -> bool:
        apart = (self.scanned.bits ^ self.known.bits).bit_count()
        return apart <= pdq.META_DISTANCE and min(self.scanned.quality, self.known.quality) >= pdq.META_QUALITY

    def differ(self, guard: Leak) -> float:
        return guard.differ(self.scanned.numbers[guard.name], guard.keep(self.known.numbers[guard.name]))

    @property
    def is_same_by_blocks(self) -> bool:
        shape = blocks.GRID, blocks.GRID, -1
        one, other = (each.numbers[BLOCKS.name].astype(np.int8).reshape(shape) for each in (self.scanned, self.known))
        return opinion(one, other, is_far=False).says == "same"


def compare_guards(photos: Sequence[Image.Image], layouts: int) -> None:
    """Print what each guard catches and loses."""
    right, other = list[Pair](), list[Pair]()
    for number, photo in enumerate(photos):
        right += _copies(photo, number)
    for number in range(layouts):
        cards = [card(number, text, seed=77) for text in range(TEXTS)]
        right += _copies(cards[0], number)
        known = [_looks(image) for image in cards]
        for text, image in enumerate(cards):
            random = Random(f"sent {number} {text}")
            scanned = _looks(_edited(image, random.choice(SENT), random))
            other += [Pair(scanned, each, number) for index, each in enumerate(known) if index != text]
    near = [[pair for pair in pairs if pair.is_same_by_pdq] for pairs in (right, other)]
    print(f"By PDQ alone the same: {len(near[0]):,} of {len(right):,} copies, ", end="")
    print(f"{len(near[1]):,} of {len(other):,} pairs of cards with different texts.")
    lost, caught = (np.mean([not pair.is_same_by_blocks for pair in pairs]) for pairs in near)
    print(f"Of these, the rule for blocks loses {lost:.1%} of the copies and catches {caught:.1%} of the cards.\n")
    heads = [f"at {loss:.1%}: caught (lost)" for loss in LOSSES]
    table(["guard", "bytes", *heads], [[g.name, str(g.size), *_row(g, near)] for g in (BLOCKS, *GUARDS)])


def _row(guard: Leak, near: list[list[Pair]]) -> list[str]:
    """What is caught, and lost, with limits from the other half. Layouts of all seven kinds are in either half."""
    is_first = [np.array([pair.number // 7 % 2 == 0 for pair in pairs]) for pairs in near]
    right, other = (np.array([pair.differ(guard) for pair in pairs]) for pairs in near)
    row = []
    for loss in LOSSES:
        caught, lost = [], []
        for half in (True, False):
            limit = np.quantile(right[is_first[0] == half], 1 - loss)
            lost += list(right[is_first[0] != half] > limit)
            caught += list(other[is_first[1] != half] > limit)
        row.append(f"{np.mean(caught):.1%} ({np.mean(lost):.1%})")
    return row


def _copies(image: Image.Image, number: int) -> list[Pair]:
    random, known = Random(f"copies {number}"), _looks(image)
    return [Pair(_looks(_edited(image, name, random)), known, number) for name in COPIES]


def _edited(image: Image.Image, name: str, random: Random) -> Image.Image:
    edit = next(edit for edit in EDITS if edit.name == name)
    return Image.open(io.BytesIO(edit.make(image, random))).convert("RGB")


def _looks(image: Image.Image) -> Looks:
    bits, quality = pdq.hash_picture(Picture(image, image.size))
    return Looks(int.from_bytes(bits), quality, {guard.name: guard.look(image) for guard in (BLOCKS, *GUARDS)})

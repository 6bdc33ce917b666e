"""Guards of at most 64 bytes that were tried: which tell two texts on one layout apart, and how many right copies they lose.

A list has a guard's bits; the picture that is scanned gives exact numbers. Pairs are those that PDQ alone calls the same:
within 31 bits, both qualities at least 50. For each guard, the limit that loses 0.1, 1 or 3 % of the right copies is found
on every second layout and photograph, and applied to the others.
"""

from __future__ import annotations

import argparse
import io
import time
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

import numpy as np
from leaks import GUARDS, Floats, Leak
from measure import jpegs, machine, one_thread, photos_argument, table
from PIL import Image
from worded_cards import headline, layout

from hashmatch.evaluate.card_templates import card
from hashmatch.evaluate.edits import EDITS
from hashmatch.hashers import pdq
from hashmatch.hashers.base import Picture
from hashmatch.matching.tiers import quality_of

COPIES = (
    "jpeg-50",
    "jpeg-30",
    "jpeg-passed-on",
    "webp-40",
    "gif-256",
    "resize-50",
    "resize-37",
    "resize-25",
    "resize-160",
    "brightness-70",
    "brightness-130",
    "contrast-140",
    "gamma-160",
    "greyscale",
    "sharpen-2",
    "blur-light",
    "blur-middle",
    "noise-8",
    "squeeze-wide-10",
)
#: How a card with another text was passed on.
SENT = ("jpeg-75", "jpeg-50", "jpeg-passed-on", "webp-75", "resize-75", "resize-50")
TEXTS = 4
LOSSES = (0.001, 0.01, 0.03)


@dataclass(frozen=True, slots=True)
class Pair:
    """A picture that is scanned and one that is known. number: of the layout or photograph."""

    scanned: Looks
    known: Looks
    number: int


@dataclass(frozen=True, slots=True)
class Looks:
    """A picture's PDQ, its quality, and its exact numbers for each guard."""

    bits: int
    quality: int
    numbers: dict[str, Floats]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    photos_argument(parser)
    parser.add_argument("--layouts", type=int, default=84, help="layouts of cards; default 84")
    parser.add_argument("--every", type=int, default=3, help="take every so many photographs; default 3")
    arguments = parser.parse_args()
    one_thread()
    print(machine(), "\n")
    right, other = list[Pair](), list[Pair]()
    for number in range(arguments.layouts):
        _cards(number, right, other)
    for number, path in enumerate(jpegs(arguments.photos)[:: arguments.every]):
        photo = Image.open(path).convert("RGB")
        right += _copies(photo, _looks(photo), number)
    all_right, all_other = len(right), len(other)
    right, other = ([pair for pair in pairs if _is_near(pair)] for pairs in (right, other))
    print("PDQ alone calls the same:")
    print(f"{len(right):,} of {all_right:,} copies, {len(other):,} of {all_other:,} cards with another text\n")
    rows = [_row(guard, right, other) for guard in GUARDS]
    head = ["guard", "bytes", "ms"]
    for loss in LOSSES:
        head += [f"at {loss:.1%} lost: caught", "lost"]
    table(head, rows)
    return 0


def _cards(number: int, right: list[Pair], other: list[Pair]) -> None:
    """Add the pairs of one layout."""
    draw = _drawn(number)
    originals = [draw(text) for text in range(TEXTS)]
    known = [_looks(image) for image in originals]
    right += _copies(originals[0], known[0], number)
    for text, image in enumerate(originals):
        random = Random(f"sent {number} {text}")
        scanned = _looks(_edited(image, random.choice(SENT), random))
        other += [Pair(scanned, each, number) for index, each in enumerate(known) if index != text]


def _drawn(number: int) -> Callable[[int], Image.Image]:
    if number % 2:
        return lambda text: card(number // 2, text, seed=77)
    made = layout(f"guard {number}")
    return lambda text: made.with_headline(headline(made, f"{number} {text}"))


def _copies(image: Image.Image, known: Looks, number: int) -> list[Pair]:
    random = Random(f"copies {number}")
    return [Pair(_looks(_edited(image, name, random)), known, number) for name in COPIES]


def _edited(image: Image.Image, name: str, random: Random) -> Image.Image:
    edit = next(edit for edit in EDITS if edit.name == name)
    return Image.open(io.BytesIO(edit.make(image, random))).convert("RGB")


def _looks(image: Image.Image) -> Looks:
    bits, quality = pdq.hash_picture(Picture(image, image.size))
    return Looks(int.from_bytes(bits), quality, {guard.name: guard.look(image) for guard in GUARDS})


def _is_near(pair: Pair) -> bool:
    apart = (pair.scanned.bits ^ pair.known.bits).bit_count()
    return apart <= pdq.META_DISTANCE and min(pair.scanned.quality, pair.known.quality) >= quality_of("pdq").good


def _row(guard: Leak, right: list[Pair], other: list[Pair]) -> list[str]:
    scores = [np.array([_differ(guard, pair) for pair in pairs]) for pairs in (right, other)]
    tuned = [np.array([pair.number // 2 % 2 == 0 for pair in pairs]) for pairs in (right, other)]
    row = [guard.name, str(guard.size), f"{_milliseconds(guard):.1f}"]
    for loss in LOSSES:
        limit = np.quantile(scores[0][tuned[0]], 1 - loss)
        caught, lost = ((score[~seen] > limit).mean() for score, seen in zip(scores[::-1], tuned[::-1], strict=True))
        row += [f"{caught:.1%}", f"{lost:.2%}"]
    return row


def _milliseconds(guard: Leak) -> float:
    """Processor time for a picture, after the first, which makes the patterns."""
    images = [card(number, 0) for number in range(7)]
    guard.look(images[0])
    before = time.process_time()
    for image in images:
        guard.look(image)
    return 1000 * (time.process_time() - before) / len(images)


def _differ(guard: Leak, pair: Pair) -> float:
    return guard.differ(pair.scanned.numbers[guard.name], guard.keep(pair.known.numbers[guard.name]))


if __name__ == "__main__":
    raise SystemExit(main())

"""Look-alikes beside the pictures: are two texts on one layout told apart, and is each found again?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from random import Random

from PIL import Image

from hashmatch.evaluate import adjustments
from hashmatch.evaluate.look_alikes.kinds import LookAlikeKind
from hashmatch.evaluate.making import Edit, jpeg
from hashmatch.evaluate.temporary_set import Original

#: How many texts each layout is made with.
TEXTS = 6


def _resent(image: Image.Image, random: Random) -> bytes:
    return jpeg(adjustments.resize(image, random, 0.75), random, 50)


#: How a look-alike is copied: smaller, and compressed again.
RESENT = Edit("resent", "codec", _resent)


def write(folder: Path, kind: LookAlikeKind, layouts: int, seed: int) -> list[bytes]:
    """Make pictures with this many layouts. Returns the files, text by text and layout by layout."""
    folder.mkdir(exist_ok=True)
    paths = []
    for layout in range(layouts):
        for text in range(TEXTS):
            path = folder / f"{kind.name}-{layout:06}-{text}.jpg"
            path.write_bytes(jpeg(kind.paint(layout, text, seed), Random(seed), 88))
            paths.append(bytes(path))
    return paths


def siblings(originals: Sequence[Original]) -> list[set[int]]:
    """For each look-alike, the places of those with the same layout and another text."""
    layout = [each.path.rpartition(b"-")[0] for each in originals]
    return [
        {place for place, other in enumerate(layout) if other == own and place != number}
        for number, own in enumerate(layout)
    ]


def first_texts(originals: Sequence[Original]) -> list[Original]:
    """One of each layout."""
    return [each for each in originals if each.path.endswith(b"-0.jpg")]

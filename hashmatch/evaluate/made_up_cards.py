"""Made-up cards beside the pictures: are two texts on one template told apart, and is each card found again?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from random import Random

from PIL import Image

from hashmatch.evaluate import adjustments
from hashmatch.evaluate.card_templates import card
from hashmatch.evaluate.making import Edit, jpeg
from hashmatch.evaluate.temporary_set import Original

#: How many texts each template is made with.
TEXTS = 6


def _resent(image: Image.Image, random: Random) -> bytes:
    return jpeg(adjustments.resize(image, random, 0.75), random, 50)


#: How a card is copied: smaller, and compressed again.
RESENT = Edit("resent", "codec", _resent)


def write(folder: Path, templates: int, seed: int) -> list[bytes]:
    """Make cards from this many templates. Returns the files, text by text and template by template."""
    folder.mkdir()
    paths = []
    for template in range(templates):
        for text in range(TEXTS):
            path = folder / f"{template:06}-{text}.jpg"
            path.write_bytes(jpeg(card(template, text, seed), Random(seed), 88))
            paths.append(bytes(path))
    return paths


def siblings(cards: Sequence[Original]) -> list[set[int]]:
    """For each card, the places of the cards with the same template and another text."""
    template = [each.path.rpartition(b"-")[0] for each in cards]
    return [
        {place for place, other in enumerate(template) if other == own and place != number}
        for number, own in enumerate(template)
    ]

"""Makes the background set of a learned model: signs of cards, documents and screens that our own code draws.

    python benchmarks/background.py --model sscd -o hashmatch/hashers/models/sscd.background

A reference counts as alike by the descriptor alone only if it is nearer than these (hashmatch/matching/learned_search.py).
The network cannot read, so cards or screens of one style are as near to these as to each other. None of what is drawn is
used by `hashmatch evaluate`, whose cards have other seeds. The same model and version of Pillow make the same file.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Iterator
from pathlib import Path
from random import Random

import numpy as np
from measure import stop
from PIL import Image

from hashmatch.evaluate.card_templates import card
from hashmatch.evaluate.edits import EDITS
from hashmatch.evaluate.look_alikes.kinds import CARDS, KINDS
from hashmatch.evaluate.scenes import scene
from hashmatch.hashers import learned
from hashmatch.hashers.base import Picture

SEED = 1000
#: Layouts of cards, posters, slides and statements, and texts on each.
TEMPLATES, TEXTS = 56, 2
#: Layouts of each kind of look-alikes (letters, emblems with names, app screens, flags …), and texts on each.
LAYOUTS, OTHERS = 8, 2
#: Posts, stories, screens and collages are drawn around made-up scenes, of which each has so many.
GROUPS, SCENES = ("social", "story", "television", "phone", "meme", "mosaic"), 3
#: As decoding makes pictures smaller (hashmatch/media/looks.py).
SHORTER_SIDE = 512


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, choices=tuple(learned.MODELS))
    parser.add_argument("--file", type=Path, help="the model's file; default: what an installed package brings")
    parser.add_argument("-o", "--output", type=Path, required=True)
    arguments = parser.parse_args()
    path = arguments.file or learned.packaged(arguments.model)
    if path is None:
        stop(f"the model {arguments.model} is not installed: name its --file")
    declared, session = learned.model(arguments.model), learned.start(path.read_bytes())
    signs = []
    for image in drawn():
        grey = image.convert("L").reduce(max(1, min(image.size) // SHORTER_SIDE))
        signs.append(np.packbits(learned.run(session, declared, Picture(grey, image.size)) > 0).tobytes())
    arguments.output.write_bytes(b"".join(signs))
    print(f"{len(signs)} pictures")
    return 0


def drawn() -> Iterator[Image.Image]:
    """The pictures, RGB."""
    for template in range(TEMPLATES):
        for text in range(TEXTS):
            yield card(template, text, SEED)
    for kind in KINDS:
        for layout in range(LAYOUTS if kind != CARDS else 0):
            for text in range(OTHERS):
                yield kind.paint(layout, text, SEED)
    for edit in EDITS:
        if edit.group in GROUPS:
            for number in range(SCENES):
                random = Random(f"{SEED}/{edit.name}/{number}")
                yield Image.open(io.BytesIO(edit.make(scene((640, 480), random), random))).convert("RGB")


if __name__ == "__main__":
    raise SystemExit(main())

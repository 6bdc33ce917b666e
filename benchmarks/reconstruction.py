"""What can be seen in a hash: pictures and headlines are rebuilt from what lists may say of them, and read.

Attacks on photographs and made-up cards that none of them has seen before, and the guards that were tried:

- pictures: rebuilt from the bits, by inverting the transform or by what was learned from other pictures and their bits;
- read: a headline, rebuilt by one who has the very same card with 300 other headlines to learn from;
- film: a headline that stands still over moving pictures, from the PDQ of many frames;
- pick: which of 200 given headlines is it?
- try: put words on the card, one place after the other, and keep what agrees best with the bits;
- guards: see guards.py.
"""

from __future__ import annotations

import argparse
import io
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from random import Random

import numpy as np
from guards import compare_guards
from leaks import BANDS, BLOCKS, PDQ, PRODUCTS, SIDE, SMALL, VIEWS, Floats, Leak, points
from measure import PHOTOS, jpegs, machine, one_thread, photos_argument, stop, table
from PIL import Image, ImageOps
from rebuilding import Rebuild, correlation, invert_blocks, invert_pdq, learn, ssim
from worded_cards import OTHER_FACE, SIZE, Card, film_frame, has_other_face, made, passed_on

from hashmatch.evaluate import card_templates
from hashmatch.evaluate.scenes import scene, words

PARTS = ("pictures", "read", "film", "pick", "try", "guards")
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    photos_argument(parser)
    parser.add_argument("--parts", default=",".join(PARTS), help="what to measure; default all: %(default)s")
    parser.add_argument("--cards", type=int, default=18, help="cards to read; default 18")
    parser.add_argument("--tesseract", default=shutil.which("tesseract"), help="the OCR program; default: on PATH")
    parser.add_argument("--picture", type=Path, help="draw some cards and what was rebuilt of them into this PNG")
    arguments = parser.parse_args()
    one_thread()
    if arguments.photos is None and not PHOTOS.is_dir():
        stop(f"needs photographs, and there are none at {PHOTOS}: give --photos")
    print(machine(), "\n")
    photos = [Image.open(path).convert("RGB") for path in jpegs(arguments.photos)]
    cards = [made(number) for number in range(arguments.cards)]
    if arguments.picture:
        draw(cards, arguments.picture)
    run: dict[str, Callable[[], None]] = {
        "pictures": lambda: rebuild_pictures(photos),
        "read": lambda: read(cards, arguments.tesseract),
        "film": lambda: read_film(cards, arguments.tesseract),
        "pick": lambda: pick(cards),
        "try": lambda: try_words(cards),
        "guards": lambda: compare_guards(photos[::3], 84),
    }
    for part in arguments.parts.split(","):
        before = time.process_time()
        run[part]()
        print(f"{part}: {time.process_time() - before:.0f} s of the processor\n")
    return 0


# Pictures.


def rebuild_pictures(photos: Sequence[Image.Image]) -> None:
    """How like the original a rebuilt picture is, and how like any other. Every second photograph is for learning."""
    side = 72
    known, unknown = _pictures(photos)
    seen = np.array([points(image, side).ravel() for image in known])
    attempts: list[tuple[str, Leak, Rebuild]] = [
        ("PDQ, inverted", PDQ, invert_pdq),
        ("blocks, inverted", BLOCKS, invert_blocks),
    ]
    for leak in (PDQ, SMALL, VIEWS, BANDS, BLOCKS):
        learned = learn(np.array([leak.of(image) for image in known]), seen)
        attempts.append((f"{leak.name}, learned", leak, lambda x, f=learned: f(x).reshape(side, side)))
    rows = []
    for kind, images in unknown.items():
        for name, leak, rebuild in attempts:
            rebuilt = [rebuild(leak.of(image)) for image in images]
            truth = [points(image, len(rebuilt[0])) for image in images]
            row = [kind, name]
            for likeness in (correlation, ssim):
                for others in (truth, truth[7:] + truth[:7]):
                    row.append(f"{np.median([likeness(a, b) for a, b in zip(rebuilt, others, strict=True)]):.2f}")
            rows.append(row)
    print(
        f"Learned from {len(known)} pictures; medians of", ", ".join(f"{len(x)} {kind}" for kind, x in unknown.items())
    )
    table(["what", "from", "correlation", "with another", "SSIM", "with another"], rows)


def _pictures(photos: Sequence[Image.Image]) -> tuple[list[Image.Image], dict[str, list[Image.Image]]]:
    """Pictures to learn from, and others to rebuild."""
    small = [ImageOps.contain(photo, (320, 320)) for photo in photos]
    known = [each for photo in small[1::2] for each in (photo, ImageOps.mirror(photo))]
    known += [ImageOps.contain(card_templates.card(number, 0, seed=1), (480, 480)) for number in range(420)]
    known += [scene((320, 240), Random(f"known {number}")) for number in range(140)]
    cards = [ImageOps.contain(card_templates.card(number, 0, seed=2), (480, 480)) for number in range(60)]
    return known, {"photographs": small[::2][:60], "cards": cards}


# Headlines.


class Reading:
    """What was read in rebuilt headlines."""

    HEAD = ("words read by OCR", "letters told among 26")

    def __init__(self) -> None:
        self.words: list[bool | None] = []
        self.letters: list[bool] = []

    def add(self, card: Card, rebuilt: Floats, tesseract: str | None) -> None:
        """Read a headline in a square picture of its card.

        A word counts if the OCR says it. A letter counts if, of the 26 that may stand in its place while all others are
        known, the right one is most like what was rebuilt.
        """
        line = rebuilt[_place(card, len(rebuilt))]
        said = _ocr(line, sum(card.ink) > 380, tesseract) if tesseract else None
        self.words += [None if said is None else word in said for word in card.headline.split()]
        seen = np.asarray(Image.fromarray(rebuilt).resize((SIDE, SIDE), Image.Resampling.BICUBIC))[_place(card)]
        text = card.headline
        for at, letter in enumerate(text):
            if letter != " ":
                given = [letter, *LETTERS.replace(letter, "")]
                shown = [correlation(seen, _seen(card, text[:at] + each + text[at + 1 :])) for each in given]
                self.letters.append(int(np.argmax(shown)) == 0)

    def row(self) -> list[str]:
        return ["no OCR" if None in self.words else _share(self.words), _share(self.letters)]


def _share(hits: Sequence[bool | None]) -> str:
    return f"{sum(map(bool, hits))} of {len(hits)}"


def _place(card: Card, side: int = SIDE) -> tuple[slice, slice]:
    """Where the headline is in a square picture of a card."""
    x, y = SIZE
    left, top, right, bottom = card.box
    return slice(side * top // y, side * bottom // y + 1), slice(side * left // x, side * right // x + 1)


@lru_cache(maxsize=8192)
def _seen(card: Card, text: str) -> Floats:
    """The place of the headline as it would look with this text."""
    return points(card.saying(text))[_place(card)]


def _ocr(seen: Floats, is_light: bool, program: str) -> list[str]:
    """The words that Tesseract reads in a line of text, made dark on light and large."""
    low, high = np.percentile(seen, (2, 98))
    gray = np.clip((seen - low) / max(float(high - low), 1e-6), 0, 1)
    image = Image.fromarray((255 * (1 - gray if is_light else gray)).astype(np.uint8))
    shape = round(120 * SIZE[0] / SIZE[1] * image.width / image.height), 120
    out = io.BytesIO()
    ImageOps.expand(image.resize(shape, Image.Resampling.BICUBIC), 30, 255).save(out, "PNG")
    run = subprocess.run([program, "-", "-", "--psm", "7"], input=out.getvalue(), capture_output=True, check=True)
    return run.stdout.decode().upper().split()


def _headlines(card: Card, count: int) -> list[str]:
    """Other headlines of as many words."""
    random = Random(f"other headlines {card.headline}")
    texts = dict.fromkeys(words(random, card.count).upper() for _text in range(20 * count))
    texts.pop(card.headline, None)
    return list(texts)[:count]


def read(cards: list[Card], tesseract: str | None) -> None:
    """Whether headlines can be read in what was rebuilt, by one who knows where they are."""
    readings: dict[str, Reading] = {}
    for card in cards:
        picture, place = card.saying(card.headline), _place(card)
        others = [card.saying(text) for text in _headlines(card, 300)]
        places = np.array([points(image)[place] for image in others])
        rebuilt = {"the card itself": points(picture, SIZE[0]), "the card at 144 × 144 points": points(picture)}
        for leak in (PDQ, VIEWS, BANDS, PRODUCTS, BLOCKS):
            kept = leak.of(picture)
            if leak in (PDQ, BLOCKS):
                rebuilt[f"{leak.name}, inverted"] = (invert_pdq if leak is PDQ else invert_blocks)(kept)
            learned = learn(np.array([leak.of(image) for image in others]), places.reshape(len(others), -1))
            square = np.zeros((SIDE, SIDE), np.float32)
            square[place] = learned(kept).reshape(places.shape[1:])
            rebuilt[f"{leak.name}, learned from this layout"] = square
        for name, square in rebuilt.items():
            readings.setdefault(name, Reading()).add(card, square, tesseract)
    table(["headline rebuilt from", *Reading.HEAD], [[name, *reading.row()] for name, reading in readings.items()])


def read_film(cards: list[Card], tesseract: str | None) -> None:
    """A headline that stands still while the picture behind it changes: the mean of what 60 frames show."""
    one, many = Reading(), Reading()
    for card in cards:
        frames = [invert_pdq(PDQ.of(film_frame(card, number))) for number in range(60)]
        one.add(card, frames[0], tesseract)
        many.add(card, np.mean(frames, axis=0), tesseract)
    rows = [["PDQ of one frame", *one.row()], ["PDQ of 60 frames", *many.row()]]
    table(["headline over a film, rebuilt from", *Reading.HEAD], rows)


def draw(cards: list[Card], file: Path) -> None:
    """Six cards, and below each what is rebuilt of it from PDQ and from blocks."""
    sheet = Image.new("L", (6 * 192, 3 * 144))
    for column, card in enumerate(cards[3:9]):
        picture = card.saying(card.headline)
        rebuilt = points(picture, SIZE[0]), invert_pdq(PDQ.of(picture)), invert_blocks(BLOCKS.of(picture))
        for row, square in enumerate(rebuilt):
            low, high = np.percentile(square, (1, 99))
            levels = (255 * np.clip((square - low) / (high - low), 0, 1)).astype(np.uint8)
            sheet.paste(Image.fromarray(levels).resize((192, 144), Image.Resampling.BICUBIC), (192 * column, 144 * row))
    sheet.quantize(16).save(file, optimize=True)


@dataclass(frozen=True, slots=True)
class Attacker:
    """name: what the attacker has. hashed: the picture that was hashed. card: the layout that the attacker has."""

    name: str
    hashed: Image.Image
    card: Card


def _attackers(card: Card) -> list[Attacker]:
    picture = card.saying(card.headline)
    copy = replace(card, sheet=passed_on(card.sheet, 500, 50).resize(SIZE))
    found = [
        Attacker("the layout, to the pixel", picture, card),
        Attacker("a copy of the layout, its font", passed_on(picture, 432, 60), copy),
    ]
    if has_other_face():
        other = replace(copy, face=OTHER_FACE)
        found.append(Attacker("a copy of the layout, another font", passed_on(picture, 432, 60), other))
    return found


def pick(cards: list[Card]) -> None:
    """Given 200 headlines, which one is it?"""
    found: dict[tuple[str, str], list[bool]] = {}
    for card in cards:
        given = [card.headline, *_headlines(card, 199)]
        for attacker in _attackers(card):
            shown = [attacker.card.saying(text) for text in given]
            for leak in (PDQ, SMALL, BANDS, PRODUCTS, BLOCKS):
                kept = leak.of(attacker.hashed)
                wrong = [leak.wrong(leak.look(image), kept) for image in shown]
                found.setdefault((attacker.name, leak.name), []).append(int(np.argmin(wrong)) == 0)
    table(["who has", "and", "picks the right one of 200"], [[*key, _share(hits)] for key, hits in found.items()])


def try_words(cards: list[Card]) -> None:
    """Find a headline that was never seen by trying words, or letters, at each place, over and over.

    The headlines are as many words of a known vocabulary as fit, or six letters of no meaning. How many is known.
    """
    vocabulary = Random(0).sample(sorted(set(words(Random(0), 2000).upper().split())), 40)
    found: dict[tuple[str, str], dict[str, list[bool]]] = {}
    for number, card in enumerate(cards[::2]):
        random = Random(f"try {number}")
        for units, joint, count in ((vocabulary, " ", card.count), (list(LETTERS), "", 6)):
            said = random.choices(units, k=count)
            for attacker in _attackers(replace(card, headline=joint.join(said)))[:2]:
                for leak in (PDQ, BANDS, PRODUCTS, BLOCKS):
                    starts = [random.choices(units, k=count) for _start in range(4)]
                    tried = [_improved(start, leak, attacker, units, joint, random) for start in starts]
                    hits = found.setdefault((attacker.name, leak.name), {}).setdefault(joint, [])
                    hits += [a == b for a, b in zip(min(tried)[1], said, strict=True)]
    rows = [[*key, *(_share(hits) for hits in each.values())] for key, each in found.items()]
    table(["who has", "and", f"finds words, of {len(vocabulary)}", "finds letters"], rows)


def _improved(
    said: list[str], leak: Leak, by: Attacker, units: list[str], joint: str, random: Random
) -> tuple[float, list[str]]:
    """Words (or letters), changed one at a time until nothing agrees better, and how much they still contradict."""
    kept, score = leak.of(by.hashed), np.inf
    while True:
        before = score
        for at in random.sample(range(len(said)), len(said)):
            texts = [[*said[:at], unit, *said[at + 1 :]] for unit in units]
            scores = [leak.wrong(leak.look(by.card.saying(joint.join(text))), kept) for text in texts]
            score, said = min(scores), texts[int(np.argmin(scores))]
        if score >= before:
            return score, said


if __name__ == "__main__":
    raise SystemExit(main())

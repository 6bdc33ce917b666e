"""What can be seen in a hash: pictures and headlines are rebuilt from what lists may say of them, and read.

Four attacks, each stronger than the last, on made-up cards and on photographs that no attack has seen before:

- rebuild: from the bits alone, by inverting the transform, or by what was learned from other pictures and their bits;
- rebuild with the layout: learned from the very same card with hundreds of other headlines;
- pick: which of many given headlines is it?
- try: put words on the card, one place after the other, and keep what agrees best with the bits.
"""

from __future__ import annotations

import argparse
import functools
import io
import re
import shutil
import subprocess
from dataclasses import dataclass, replace
from random import Random

import numpy as np
from leaks import BLOCKS, CELLS, PDQ, SMALL, VIEWS, Floats, Leak, points
from measure import REPOSITORY, jpegs, machine, one_thread, photos_argument, table
from PIL import Image, ImageOps
from rebuilding import Rebuild, correlation, invert_blocks, invert_pdq, learn, ssim
from worded_cards import FACES, Layout, another_face, headline, layout

from hashmatch.evaluate.card_templates import card
from hashmatch.evaluate.scenes import scene, words

SIZE = 576, 432
#: Height of the letters, in parts of the card's height, and how many words then fit.
HEADLINES = ((0.07, 3), (0.12, 2), (0.22, 1))
LEAKS = (PDQ, SMALL, VIEWS, CELLS, BLOCKS)
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#: Points across and down of what is rebuilt of a picture, and of a card whose layout is known.
COARSE, FINE = 72, 144


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    photos_argument(parser, limit=True)
    parser.add_argument("--parts", default="pictures,texts,film,pick,try", help="what to measure; default all")
    parser.add_argument("--layouts", type=int, default=9, help="cards to read; default 9")
    parser.add_argument("--tesseract", default=shutil.which("tesseract"), help="the OCR program; default: on PATH")
    arguments = parser.parse_args()
    one_thread()
    print(machine(), "\n")
    parts = arguments.parts.split(",")
    cards = [Card.made(number) for number in range(arguments.layouts)]
    if "pictures" in parts:
        photos = [Image.open(path).convert("RGB") for path in jpegs(arguments.photos, arguments.limit)]
        known, unknown = _pictures(photos)
        pictures({leak.name: learn(leak, known, COARSE) for leak in LEAKS}, unknown)
    if "texts" in parts:
        texts(cards, arguments.tesseract)
    if "film" in parts:
        film(cards, arguments.tesseract)
    if "pick" in parts:
        pick(cards)
    if "try" in parts:
        trying(cards)
    return 0


@dataclass(frozen=True, slots=True)
class Card:
    """A card to be read: its layout, its headline, and other headlines of as many words, for comparison."""

    layout: Layout
    headline: str
    others: tuple[str, ...]

    @classmethod
    def made(cls, number: int) -> Card:
        height, count = HEADLINES[number % len(HEADLINES)]
        made = layout(f"read {number}", SIZE, height)
        face = made.face if not made.is_arabic else FACES[number % len(FACES)]
        random = Random(f"headlines {number}")
        texts = dict.fromkeys(words(random, count).upper() for _text in range(900))
        made = replace(made, rows=1, is_arabic=False, face=face)
        first, *others = texts
        return cls(made, first, tuple(others))

    @property
    def picture(self) -> Image.Image:
        return self.layout.with_headline(self.headline)

    def box(self, rebuilt: Floats) -> Floats:
        """The part of a rebuilt card in which the headline is."""
        left, top, right, bottom = self.layout.box
        side = rebuilt.shape[0]
        return rebuilt[
            side * top // SIZE[1] : side * bottom // SIZE[1] + 1, side * left // SIZE[0] : side * right // SIZE[0] + 1
        ]


def _pictures(photos: list[Image.Image]) -> tuple[list[Image.Image], list[tuple[str, Image.Image]]]:
    """Pictures to learn from, and others to rebuild."""
    small = [ImageOps.contain(photo, (320, 320)) for photo in photos]
    known = [each for photo in small[1::2] for each in (photo, ImageOps.mirror(photo))]
    known += [ImageOps.contain(card(number, 0, seed=1), (480, 480)) for number in range(210)]
    for number in range(350):
        made = layout(f"known {number}", SIZE)
        known.append(made.with_headline(headline(made, number)))
    known += [scene((320, 240), Random(f"known {number}")) for number in range(100)]
    unknown = [("photographs", photo) for photo in small[::2][:60]]
    unknown += [("cards", ImageOps.contain(card(number, 0, seed=2), (480, 480))) for number in range(60)]
    return known, unknown


def pictures(learned: dict[str, Rebuild], unknown: list[tuple[str, Image.Image]]) -> None:
    """How like the original a rebuilt picture is, and how like any other."""
    attempts: list[tuple[str, Leak, Rebuild]] = [
        ("PDQ, inverted", PDQ, invert_pdq),
        ("blocks, inverted", BLOCKS, invert_blocks),
    ]
    attempts += [(f"{leak.name}, learned", leak, learned[leak.name]) for leak in LEAKS]
    rows = []
    for kind in ("photographs", "cards"):
        images = [image for each, image in unknown if each == kind]
        for name, leak, rebuild in attempts:
            rebuilt = [rebuild(leak.of(image)) for image in images]
            side = rebuilt[0].shape[0]
            truth = [points(image, side) for image in images]
            row = [kind, name]
            for measure in (correlation, ssim):
                right = [measure(a, b) for a, b in zip(rebuilt, truth, strict=True)]
                wrong = [measure(a, b) for a, b in zip(rebuilt, truth[7:] + truth[:7], strict=True)]
                row += [f"{np.median(right):.2f}", f"{np.median(wrong):.2f}"]
            rows.append(row)
    table(["what", "from", "correlation", "with another", "SSIM", "with another"], rows)


def texts(cards: list[Card], tesseract: str | None) -> None:
    """Whether headlines can be read in what was rebuilt, by one who knows where they are."""
    readings = {"the card itself": Reading(), "the card at 144 × 144 points": Reading()}
    for made in cards:
        readings["the card itself"].add(made, points(made.picture, SIZE[0]), tesseract)
        readings["the card at 144 × 144 points"].add(made, points(made.picture), tesseract)
        others = [made.layout.with_headline(text) for text in made.others[-300:]]
        for leak in (PDQ, VIEWS, CELLS, BLOCKS):
            attempts = {"learned from this layout": learn(leak, others, FINE)}
            if leak is PDQ or leak is BLOCKS:
                attempts["inverted"] = invert_pdq if leak is PDQ else invert_blocks
            for how, rebuild in attempts.items():
                readings.setdefault(f"{leak.name}, {how}", Reading()).add(
                    made, rebuild(leak.of(made.picture)), tesseract
                )
    table(["headline rebuilt from", *Reading.HEAD], [[name, *reading.row()] for name, reading in readings.items()])


class Reading:
    """Headlines read in rebuilt cards, and how many there were."""

    HEAD = ("words read by OCR", "one letter told among 26", "right text among 101")

    def __init__(self) -> None:
        self.words: list[bool | None] = []
        self.letters: list[bool] = []
        self.first: list[bool] = []

    def add(self, made: Card, rebuilt: Floats, tesseract: str | None) -> None:
        """Read one card.

        A word counts if the OCR says it. A letter counts if, of the 26 that may stand in its place while all others are
        known, the right one correlates best; a text likewise.
        """
        said = _ocr(made.box(rebuilt), made.layout.ink, tesseract) if tesseract else None
        seen = made.box(np.asarray(Image.fromarray(rebuilt.astype(np.float32)).resize((FINE, FINE), Image.Resampling.BICUBIC)))
        self.words += [None if said is None else word in said for word in made.headline.split()]
        text = made.headline
        for place, letter in enumerate(text):
            if letter != " ":
                changed = [letter, *(each for each in LETTERS if each != letter)]
                self.letters.append(
                    _is_first(made, seen, [text[:place] + each + text[place + 1 :] for each in changed])
                )
        self.first.append(_is_first(made, seen, [text, *made.others[:100]]))

    def row(self) -> list[str]:
        read = "no OCR" if None in self.words else f"{sum(map(bool, self.words))} of {len(self.words)}"
        return [read, *(f"{sum(hits)} of {len(hits)}" for hits in (self.letters, self.first))]


def _is_first(made: Card, seen: Floats, texts: list[str]) -> bool:
    """Whether, of several texts in the card, the first one is most like what is seen."""
    scores = [correlation(seen, made.box(_card_points(made.layout, text))) for text in texts]
    return int(np.argmax(scores)) == 0


@functools.lru_cache(maxsize=4096)
def _card_points(known: Layout, text: str) -> Floats:
    return points(known.with_headline(text))


def _ocr(seen: Floats, ink: tuple[int, int, int], program: str) -> list[str]:
    """The words that Tesseract reads in a line of text, made dark on light and large."""
    low, high = np.percentile(seen, (2, 98))
    gray = np.clip((seen - low) / max(float(high - low), 1e-6), 0, 1)
    image = Image.fromarray((255 * (1 - gray if sum(ink) > 380 else gray)).astype(np.uint8))
    shape = (round(120 * SIZE[0] / SIZE[1] * image.width / image.height), 120)
    out = io.BytesIO()
    ImageOps.expand(image.resize(shape, Image.Resampling.BICUBIC), 30, 255).save(out, "PNG")
    command = [program, "-", "-", "--psm", "7"]
    return (
        subprocess.run(command, input=out.getvalue(), capture_output=True, check=True).stdout.decode().upper().split()
    )


def film(cards: list[Card], tesseract: str | None) -> None:
    """A headline that stands still while the picture behind it changes: the mean of what 60 frames show."""
    one, many = Reading(), Reading()
    for number, made in enumerate(cards):
        frames = []
        for frame in range(60):
            behind = scene(SIZE, Random(f"film {number} {frame}"))
            frames.append(invert_pdq(PDQ.of(replace(made.layout, sheet=behind).with_headline(made.headline))))
        one.add(made, frames[0], tesseract)
        many.add(made, np.mean(frames, axis=0), tesseract)
    rows = [["one frame's PDQ", *one.row()], ["PDQ of 60 frames", *many.row()]]
    table(["headline over a film", *Reading.HEAD], rows)


def sent(image: Image.Image, width: int, quality: int) -> Image.Image:
    """A picture as somebody else has it: smaller, and compressed again."""
    out = io.BytesIO()
    ImageOps.contain(image, (width, width)).save(out, "JPEG", quality=quality)
    return Image.open(out).convert("RGB")


def _conditions(made: Card) -> dict[str, tuple[Image.Image, Layout]]:
    """What was hashed, and the layout that the attacker has of it."""
    copied = replace(made.layout, sheet=sent(made.layout.sheet, 500, 50).resize(SIZE))
    hashed = sent(made.picture, 432, 60)
    return {
        "the layout, to the pixel": (made.picture, made.layout),
        "a copy of the layout, its font": (hashed, copied),
        "a copy of the layout, another font": (hashed, replace(copied, face=another_face(copied.face))),
    }


def _wrong(ours: Floats, theirs: Floats) -> float:
    """How far numbers are from a list's: for signs, on the wrong side of zero; for levels, apart."""
    is_signs = bool((np.abs(theirs) == 1).all())
    return float(np.clip(-ours * theirs, 0, 4).sum() if is_signs else np.abs(ours - theirs).sum())


def pick(cards: list[Card]) -> None:
    """Given 200 headlines, which one is it?"""
    found: dict[tuple[str, str], list[bool]] = {}
    for made in cards:
        given = (made.headline, *made.others[:199])
        for condition, (hashed, known) in _conditions(made).items():
            shown = [known.with_headline(text) for text in given]
            for leak in (PDQ, CELLS, BLOCKS):
                kept = leak.of(hashed)
                scores = [_wrong(leak.look(image), kept) for image in shown]
                found.setdefault((condition, leak.name), []).append(int(np.argmin(scores)) == 0)
    rows = [[*key, f"{sum(hits)} of {len(hits)}"] for key, hits in found.items()]
    table(["who has", "and", "picks the right one of 200 headlines"], rows)


def trying(cards: list[Card]) -> None:
    """Find a headline that was never seen by trying words, or letters, at each place, over and over.

    The headlines are three words of a vocabulary of this project's own documentation, or six letters of no meaning. The
    number of words or letters is known.
    """
    text = (REPOSITORY / "docs" / "matching.md").read_text()
    vocabulary = Random(0).sample(sorted(set(re.findall(r"\b[a-z]{2,9}\b", text))), 150)
    found: dict[tuple[str, str], dict[str, list[bool]]] = {}
    for number, made in enumerate(cards):
        random = Random(f"try {number}")
        for what, units, joint in (
            ("words", [word.upper() for word in vocabulary], " "),
            ("letters", list(LETTERS), ""),
        ):
            said = random.choices(units, k=3 if joint else 6)
            hidden = replace(made, headline=joint.join(said))
            for condition, (hashed, known) in _conditions(hidden).items():
                for leak in (PDQ, CELLS, BLOCKS):
                    guess = _tried(leak, known, leak.of(hashed), units, joint, random)
                    hits = found.setdefault((condition, leak.name), {}).setdefault(what, [])
                    hits += [a == b for a, b in zip(guess, said, strict=True)]
    rows = [[*key, *(f"{sum(hits)} of {len(hits)}" for hits in each.values())] for key, each in found.items()]
    table(["who has", "and", f"finds words, of {len(vocabulary)}", "finds letters"], rows)


def _tried(leak: Leak, known: Layout, kept: Floats, units: list[str], joint: str, random: Random) -> list[str]:
    """The words (or letters) that agree best, changed one at a time until nothing agrees better."""
    count = 3 if joint else 6
    said, score = random.choices(units, k=count), np.inf
    for _round in range(4):
        before = score
        for place in random.sample(range(count), count):
            texts = [[*said[:place], unit, *said[place + 1 :]] for unit in units]
            scores = [_wrong(leak.look(known.with_headline(joint.join(text))), kept) for text in texts]
            score, said = min(scores), texts[int(np.argmin(scores))]
        if score >= before:
            break
    return said


if __name__ == "__main__":
    raise SystemExit(main())

"""The kinds of look-alikes: what of a picture is its layout, and what changes from one to the next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from PIL import Image

from hashmatch.evaluate import card_templates
from hashmatch.evaluate.families import apps, television
from hashmatch.evaluate.families.flags import COLOURS, flag
from hashmatch.evaluate.look_alikes import app_screens, papers
from hashmatch.evaluate.scenes import scene, words

#: Draws a picture by numbers: layout, text, seed.
PaintFunction = Callable[[int, int, int], Image.Image]
#: Draws a picture from what chooses its layout and what chooses its text.
_Paint = Callable[[Random, Random], Image.Image]


@dataclass(frozen=True, slots=True)
class LookAlikeKind:
    """Pictures of one layout that say different things; any two texts of a layout differ.

    is_screen: whether they are screens of an app, of which there are many on the net.
    """

    name: str
    paint: PaintFunction
    is_screen: bool = False


def _kind(name: str, paint: _Paint, is_screen: bool = False) -> LookAlikeKind:
    def numbered(layout: int, text: int, seed: int) -> Image.Image:
        choices = Random(f"{seed}/layout/{name}/{layout}"), Random(f"{seed}/text/{name}/{layout}/{text}")
        return paint(*choices)

    return LookAlikeKind(name, numbered, is_screen)


def _studio(layout: Random, text: Random) -> Image.Image:
    frame = television.studio(layout)
    width, height = round(television.WIDTH * layout.uniform(0.35, 0.5)), round(television.HEIGHT * 0.48)
    frame.paste(scene((width, height), layout), (television.WIDTH - width - 40, 90))
    television.with_lower_third(frame, layout, text, ticker=False)
    television.with_sign(frame, layout)
    return frame


def _lower_third(layout: Random, text: Random) -> Image.Image:
    frame = scene(television.SIZE, layout)
    television.with_lower_third(frame, layout, text, ticker=False)
    television.with_sign(frame, layout)
    return frame


def _ticker(layout: Random, text: Random) -> Image.Image:
    frame = scene(television.SIZE, layout)
    television.with_lower_third(frame, layout, layout, ticker=False)
    television.with_ticker(frame, layout, text)
    television.with_sign(frame, layout)
    return frame


def _feed(layout: int, text: int, seed: int) -> Image.Image:
    """Other posts in the same app; any two of the first 18 layouts are different apps, or one light and one dark."""
    screens = [(app, dark) for app in sorted(apps.LAYOUTS) for dark in (False, True)]
    app, dark = Random(seed).sample(screens, len(screens))[layout % len(screens)]
    other = Random(f"{seed}/text/app-feed/{layout}/{text}")
    shape = Random(f"{seed}/layout/app-feed/{layout}").choice(((640, 480), (600, 600), (800, 450)))
    return apps.post(scene(shape, other), other, app, dark)


def _one_word(layout: int, text: int, seed: int) -> Image.Image:
    chosen = Random(f"{seed}/layout/one-word/{layout}")
    said = words(chosen, chosen.choice((6, 9, 14, 20))).split()
    if text:
        place = Random(f"{seed}/place/one-word/{layout}/{text}").randrange(len(said))
        said[place] = papers.other_word(said[place], text)
    return papers.statement(chosen, " ".join(said))


def _flag(layout: int, text: int, seed: int) -> Image.Image:
    chosen = Random(f"{seed}/layout/flag/{layout}")
    palette = chosen.sample(COLOURS, len(COLOURS))
    colours = [palette[(place + text) % len(palette)] for place in range(len(palette))]
    return flag((900, 600), chosen, colours)


#: Posters, title cards, statements, slides: all words are others.
CARDS = LookAlikeKind("card", card_templates.card)

#: With what is another one: a word of a sentence; headline and name; the running line; the letter; the lines on a cover; the
#: name below; the language of labels; who writes what; picture and words; the colours.
KINDS: tuple[LookAlikeKind, ...] = (
    CARDS,
    LookAlikeKind("one-word", _one_word),
    _kind("studio", _studio),
    _kind("lower-third", _lower_third),
    _kind("ticker", _ticker),
    _kind("letter", papers.letter),
    _kind("magazine", papers.magazine),
    _kind("emblem", papers.emblem_and_name),
    _kind("app-menu", app_screens.menu, is_screen=True),
    _kind("app-chats", app_screens.chats, is_screen=True),
    LookAlikeKind("app-feed", _feed, is_screen=True),
    LookAlikeKind("flag", _flag),
)

"""Look-alikes: one layout is mostly equal, and any two of its texts differ where they say."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from hashmatch.evaluate.look_alikes import made_up
from hashmatch.evaluate.look_alikes.kinds import CARDS, KINDS, LookAlikeKind
from hashmatch.evaluate.look_alikes.papers import other_word
from hashmatch.evaluate.temporary_set import Original
from tests.support.photo_like_pictures import opened

#: Of two texts on one layout, the largest share of points that differ.
MOST_DIFFERING = {"flag": 1.0}
each_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)


def differing(first: Image.Image, other: Image.Image) -> npt.NDArray[np.bool_]:
    pixels = [np.asarray(image.convert("RGB"), np.int16) for image in (first, other)]
    return np.asarray(np.abs(pixels[0] - pixels[1]).max(axis=2) > 30)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.name != "app-feed"], ids=lambda kind: kind.name)
def test_texts_share_their_layout_and_differ(kind: LookAlikeKind) -> None:
    for layout in (0, 1, 5):
        pictures = [kind.paint(layout, text, 3) for text in range(made_up.TEXTS)]
        assert len({picture.size for picture in pictures}) == 1
        for first, other in combinations(pictures, 2):
            assert 0.0005 < differing(first, other).mean() <= MOST_DIFFERING.get(kind.name, 0.35)


@each_kind
def test_they_come_from_their_numbers(kind: LookAlikeKind) -> None:
    first = kind.paint(1, 2, 3).tobytes()
    assert kind.paint(1, 2, 3).tobytes() == first
    others = (kind.paint(1, 3, 3), kind.paint(2, 2, 3), kind.paint(1, 2, 4))
    assert first not in [other.tobytes() for other in others]


@pytest.mark.parametrize(("name", "top"), [("studio", 0.65), ("lower-third", 0.65), ("ticker", 0.9), ("emblem", 0.75)])
def test_what_differs_is_at_the_bottom(name: str, top: float) -> None:
    (kind,) = (kind for kind in KINDS if kind.name == name)
    for layout in range(3):
        changed = differing(kind.paint(layout, 0, 0), kind.paint(layout, 1, 0))
        assert not changed[: round(top * len(changed))].any()
        assert changed[round(top * len(changed)) :].any()


def test_one_word_is_another_one() -> None:
    for word in ("a", "streets", "incomprehensible"):
        assert len({other_word(word, number) for number in range(made_up.TEXTS)} | {word}) == made_up.TEXTS + 1


def test_flags_differ_all_over() -> None:
    (kind,) = (kind for kind in KINDS if kind.name == "flag")
    for layout in range(10):
        assert differing(kind.paint(layout, 0, 0), kind.paint(layout, 4, 0)).mean() > 0.5


def test_posts_of_a_feed_are_of_one_app() -> None:
    (kind,) = (kind for kind in KINDS if kind.name == "app-feed")
    papers = {tuple(np.asarray(kind.paint(layout, 0, 0))[1100:1300, 2].mean(axis=0).round()) for layout in range(18)}
    assert len(papers) > 6, "layouts are different apps"


def test_siblings_are_the_other_texts_of_a_layout(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("evaluate") / "cards"
    paths = made_up.write(folder, CARDS, 2, seed=0)
    assert len(paths) == len(set(paths)) == 2 * made_up.TEXTS
    originals = [Original(path, number, bytes(32), 100) for number, path in enumerate(paths)]
    neighbours = made_up.siblings(originals)
    assert neighbours[0] == {1, 2, 3, 4, 5}
    assert neighbours[7] == {6, 8, 9, 10, 11}
    assert [each.reference_id for each in made_up.first_texts(originals)] == [0, 6]
    with open(paths[0], "rb") as file:
        assert opened(file.read()).size == CARDS.paint(0, 0, 0).size

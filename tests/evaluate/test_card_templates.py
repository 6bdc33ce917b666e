"""Cards: one template is one layout, and another text is another text."""

from __future__ import annotations

import numpy as np
import pytest

from hashmatch.evaluate import made_up_cards
from hashmatch.evaluate.card_templates import card
from hashmatch.evaluate.temporary_set import Original
from tests.support.photo_like_pictures import opened


@pytest.mark.parametrize("template", range(7))
def test_texts_of_one_template_share_their_layout(template: int) -> None:
    first, again, other = card(template, 0), card(template, 0), card(template, 1)
    assert first.tobytes() == again.tobytes()
    assert first.size == other.size
    differing = (np.abs(np.asarray(first, np.int16) - np.asarray(other, np.int16)).max(axis=2) > 30).mean()
    assert 0.002 < differing < 0.35


def test_templates_differ_from_each_other_and_by_seed() -> None:
    assert len({card(template, 0).tobytes() for template in (0, 7, 14)}) == 3
    assert card(1, 0, seed=1).tobytes() != card(1, 0, seed=2).tobytes()


def test_siblings_are_the_other_texts_of_a_template(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("evaluate") / "cards"
    paths = made_up_cards.write(folder, 2, seed=0)
    assert len(paths) == len(set(paths)) == 2 * made_up_cards.TEXTS
    neighbours = made_up_cards.siblings([Original(path, number, bytes(32), 100) for number, path in enumerate(paths)])
    assert neighbours[0] == {1, 2, 3, 4, 5}
    assert neighbours[7] == {6, 8, 9, 10, 11}
    with open(paths[0], "rb") as file:
        assert opened(file.read()).size == card(0, 0).size

"""Cards: one template is one layout, and another text is another text."""

from __future__ import annotations

import numpy as np
import pytest

from hashmatch.evaluate.card_templates import card


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

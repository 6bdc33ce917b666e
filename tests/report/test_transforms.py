"""Transforms are codes in English, and have their meaning before the code in another language."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hashmatch import i18n
from hashmatch.hashers.orientations import ORIENTATIONS
from hashmatch.matching.queries import TURNS
from hashmatch.report.transforms import transform_name

#: Those of orientations and negatives, of views, and of local features.
TRANSFORMS = sorted({*ORIENTATIONS, *TURNS, "trimmed", "crop", "picture-in-picture", "inset", "rotate"} - {"none"})


@pytest.fixture
def in_arabic() -> Iterator[None]:
    i18n.activate("ar")
    yield
    i18n.activate(None)


@pytest.mark.parametrize("transform", TRANSFORMS)
class TestKnown:
    def test_in_english_it_is_the_code(self, transform: str) -> None:
        assert transform_name(transform) == transform

    @pytest.mark.usefixtures("in_arabic")
    def test_in_arabic_the_code_is_in_brackets(self, transform: str) -> None:
        assert transform_name(transform).endswith(f" ({transform})")


def test_what_a_scan_s_file_makes_up_is_only_made_visible() -> None:
    assert transform_name("up\u202eside") == "up\\u202eside"

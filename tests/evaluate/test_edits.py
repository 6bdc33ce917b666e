"""Every edit makes what its name says, of any picture, and the same again from the same seed."""

from __future__ import annotations

import pickle
from collections import Counter
from random import Random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hashmatch.evaluate.copies import plain_pdq
from hashmatch.evaluate.edits import EDITS, Edit, matching, randomness
from hashmatch.evaluate.goals import GOALS
from tests.support.photo_like_pictures import opened, picture

BY_NAME = {edit.name: edit for edit in EDITS}
each_edit = pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.name)


def test_there_are_as_many_kinds_as_promised() -> None:
    assert len(BY_NAME) == len(EDITS) >= 75
    assert {edit.group for edit in EDITS} == set(GOALS)


@each_edit
def test_same_seed_same_bytes_and_the_original_stays(edit: Edit) -> None:
    original = picture()
    before = original.tobytes()
    first = edit.make(original, randomness(1, edit, "a"))
    assert original.tobytes() == before
    assert pickle.loads(pickle.dumps(edit)).make(original, randomness(1, edit, "a")) == first, "in another process, too"
    assert opened(first).tobytes() != before or edit.name == "png", "something was done"


@settings(max_examples=40)
@given(st.sampled_from(EDITS), st.integers(1, 200), st.integers(1, 200), st.integers(0, 9), st.booleans())
@example(BY_NAME["phone-post-light"], 1, 200, 0, False)
def test_any_picture_can_be_edited(edit: Edit, width: int, height: int, seed: int, plain: bool) -> None:
    original = picture(seed, (width, height))
    if plain:
        original.paste((0, 0, 0), (0, 0, *original.size))
    assert min(opened(edit.make(original, Random(seed))).size) > 0


def test_other_names_and_seeds_give_other_chance() -> None:
    edit = BY_NAME["crop-random-30"]
    sizes = {
        opened(edit.make(picture(), randomness(seed, edit, name))).size for seed in range(4) for name in ("a", "b")
    }
    assert len(sizes) > 4


FORMATS = {"jpeg-50": "JPEG", "webp-40": "WEBP", "png": "PNG", "avif-50": "AVIF", "gif-32": "GIF"}


@pytest.mark.parametrize(("name", "format"), FORMATS.items())
def test_codecs_write_their_own_format(name: str, format: str) -> None:
    import io

    from PIL import Image

    data = BY_NAME[name].make(picture(), Random(0))
    assert Image.open(io.BytesIO(data)).format == format


@pytest.mark.parametrize("group", ["codec", "resize", "noise", "squeeze"])
def test_slight_edits_stay_near_by_plain_pdq(group: str) -> None:
    original = picture(size=(320, 240))
    bits, quality = plain_pdq(BY_NAME["png"].make(original, Random(0)))
    assert quality >= 50
    for edit in matching(group):
        changed, _quality = plain_pdq(edit.make(original, Random(0)))
        assert (int.from_bytes(bits) ^ int.from_bytes(changed)).bit_count() <= 31, edit.name


def test_edits_are_asked_for_by_name_and_by_group() -> None:
    assert [edit.name for edit in matching("jpeg-5*")] == ["jpeg-50"]
    counted = Counter(edit.group for edit in EDITS)
    assert len(matching("phone")) == counted["phone"]
    assert len(matching("crop-?0")) == counted["crop-20"] + counted["crop-30"]
    assert matching("*") == EDITS
    assert matching("no-such") == ()

"""Which files become originals, and how they are decoded."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from PIL import Image

from hashmatch.errors import MediaError
from hashmatch.evaluate.originals import LONGEST_SIDE, choose, choose_more, decode
from hashmatch.isolation import Isolation
from hashmatch.media import Limits
from hashmatch.media.files import walk
from tests.support.photo_like_pictures import folder_of, picture


def chosen(folder: Path, limit: int = 100, seed: int = 0) -> tuple[list[str], list[str]]:
    """Names of what is chosen, and codes of what is refused."""
    refused: list[str] = []
    paths = choose(walk([bytes(folder)]), limit, seed, lambda path, why: refused.append(why.code))
    return [Path(path.decode()).name for path in paths], refused


def test_pictures_are_told_by_their_content(tmp_path: Path, fixtures: Path) -> None:
    folder = folder_of(tmp_path, 2)
    (folder / "1.png").rename(folder / "named.mp4")
    (folder / "text.jpg").write_text("no picture")
    shutil.copy(fixtures / "uploads" / "films" / "clip.webm", folder)
    (folder / "link.png").symlink_to(folder / "0.png")
    assert chosen(folder) == (["0.png", "named.mp4"], [])


def test_a_draw_is_of_the_right_size_and_by_the_seed(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, 12, (16, 16))
    draws = {tuple(chosen(folder, 4, seed)[0]) for seed in range(5)}
    assert len(draws) > 2
    assert all(len(set(draw)) == 4 and list(draw) == sorted(draw) for draw in draws)
    assert chosen(folder, 4, 1) == chosen(folder, 4, 1)


def test_more_are_others_and_only_those_that_are_left(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, 6, (16, 16))
    (folder / "broken.png").symlink_to("nowhere")
    refused: list[str] = []
    draws = [
        choose_more(walk([bytes(folder)]), 4, most, 1, lambda path, why: refused.append(why.code)) for most in (0, 1, 9)
    ]
    assert [(len(chosen), len(more)) for chosen, more in draws] == [(4, 0), (4, 1), (4, 2)]
    assert len({tuple(chosen) for chosen, _more in draws}) == 1
    assert not set(draws[2][0]) & set(draws[2][1])
    assert refused == []


def test_a_folder_that_is_not_there_is_told_of(tmp_path: Path) -> None:
    assert chosen(tmp_path / "none") == ([], ["not-found"])


def decoded(path: Path, limits: Limits = Limits()) -> Image.Image:
    ((its_path, found),) = decode([bytes(path)], Isolation(1), limits)
    assert its_path == bytes(path)
    if isinstance(found, MediaError):
        raise found
    return found


def test_decoded_upright_and_in_colour(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # lying on its side
    picture().save(tmp_path / "a.jpg", exif=exif)
    image = decoded(tmp_path / "a.jpg")
    assert (image.mode, image.size) == ("RGB", (120, 160))


def test_large_pictures_are_made_smaller(tmp_path: Path) -> None:
    picture().resize((2400, 1800)).save(tmp_path / "a.jpg")
    assert decoded(tmp_path / "a.jpg").size == (LONGEST_SIDE, LONGEST_SIDE * 3 // 4)


def test_what_cannot_be_decoded(tmp_path: Path) -> None:
    frames = [picture(seed) for seed in range(3)]
    frames[0].save(tmp_path / "moving.gif", save_all=True, append_images=frames[1:])
    picture().save(tmp_path / "whole.jpg")
    data = (tmp_path / "whole.jpg").read_bytes()
    (tmp_path / "cut.jpg").write_bytes(data[: len(data) // 2])
    (tmp_path / "text.jpg").write_text("no picture")
    codes = {
        "moving.gif": "unsupported-format",
        "cut.jpg": "partial",
        "text.jpg": "unsupported-format",
        "none": "not-found",
    }
    for name, code in codes.items():
        with pytest.raises(MediaError) as raised:
            decoded(tmp_path / name)
        assert raised.value.code == code
    with pytest.raises(MediaError, match="limit"):
        decoded(tmp_path / "whole.jpg", Limits(max_pixels=100))

"""What people see of a file in a report: the picture as a viewer shows it, on a ground on which it can be seen."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from hashmatch.fingerprints.one_file import fingerprint
from hashmatch.fingerprints.settings import SmallPictures
from tests.support.colour_profiles import matrix_profile
from tests.support.still_files import saved, scene


def shown(data: bytes) -> np.typing.NDArray[np.int16]:
    found = fingerprint(io.BytesIO(data), SmallPictures(240, (0.0,)))
    pixels = found.pixels or found.moments[0]
    assert pixels is not None, found.error
    return np.frombuffer(pixels.rgb, np.uint8).reshape(pixels.height, pixels.width, 3).astype(np.int16)


def unlike(one: np.typing.NDArray[np.int16], other: Image.Image) -> float:
    return float(np.abs(one - np.asarray(other.convert("RGB"))).mean())


@pytest.mark.parametrize("ground", ["white", "black"])
@pytest.mark.parametrize("format", ["PNG", "animation"])
def test_a_figure_on_nothing_can_be_seen(ground: str, format: str) -> None:
    """It has the colour of one of the two grounds, so it is shown on the other one."""
    image = Image.new("RGBA", (200, 150), ground)
    image.putalpha(scene(3, 200, 150).convert("L").point(lambda value: 255 * (value > 128)))
    if format == "PNG":
        data = saved(image, "PNG")
    else:
        frames = [image, image.transpose(Image.Transpose.ROTATE_180)]
        data = saved(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True, exact=True)
    assert shown(data).std() > 60


def test_colours_are_those_of_the_profile() -> None:
    red, green, blue = (
        (0.4360747, 0.2225045, 0.0139322),
        (0.3850649, 0.7168786, 0.0971045),
        (0.1430804, 0.0606169, 0.7141733),
    )
    picture = scene(4, 200, 150)
    stored = Image.merge("RGB", picture.split()[::-1])
    data = saved(stored, "PNG", icc_profile=matrix_profile((blue, green, red)))
    assert unlike(shown(data), picture) < 6 < unlike(shown(data), stored)

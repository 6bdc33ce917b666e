"""Two pictures side by side, with an outline around the part of the first that shows the second: for `compare --save`.

Where that part was made straight to be compared, it stands below, beside the second picture at the same size.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from hashmatch.records import Fingerprint, Pixels
from hashmatch.workflows.compare import Comparison

#: Pixels between and around the pictures.
MARGIN = 12
_GROUND, _LINE = "#f4f4f4", "#d02020"


def draw(a: Fingerprint, b: Fingerprint, compared: Comparison) -> Image.Image:
    """Draw them. a, b: fingerprints with `pixels`."""
    left, right = _picture(a.pixels), _picture(b.pixels)
    below = right.height + MARGIN if compared.straightened is not None else 0
    height = max(left.height, right.height) + 2 * MARGIN
    sheet = Image.new(
        "RGB", (max(left.width, below and right.width) + right.width + 3 * MARGIN, height + below), _GROUND
    )
    sheet.paste(left, (MARGIN, MARGIN))
    sheet.paste(right, (left.width + 2 * MARGIN, MARGIN))
    if compared.straightened is not None:
        straight = _straight(left, compared.straightened.quadrilateral, right.size)
        sheet.paste(straight, (MARGIN, height))
        sheet.paste(right, (right.width + 2 * MARGIN, height))
    if compared.local is not None:
        # If only a part of the reference is shown, its corners lie beyond the picture, perhaps beyond the sheet.
        corners = [(MARGIN + x * left.width, MARGIN + y * left.height) for x, y in compared.local.quadrilateral]
        ImageDraw.Draw(sheet).polygon(corners, outline=_LINE, width=3)
    elif compared.area is not None:
        area = compared.area
        parts = zip((area.left, area.top, area.right, area.bottom), left.size * 2, strict=True)
        box = [MARGIN + part * size for part, size in parts]
        ImageDraw.Draw(sheet).rectangle(box, outline=_LINE, width=3)
    return sheet


def _straight(picture: Image.Image, quadrilateral: Sequence[tuple[float, float]], size: tuple[int, int]) -> Image.Image:
    """The part of a picture within a quadrilateral, as a rectangle of this size; black where there is no picture."""
    width, height = size
    rows, wanted = [], []
    corners = ((0, 0), (width, 0), (width, height), (0, height))
    for (u, v), (x, y) in zip(corners, quadrilateral, strict=True):
        x, y = x * picture.width, y * picture.height
        rows += [(u, v, 1, 0, 0, 0, -u * x, -v * x), (0, 0, 0, u, v, 1, -u * y, -v * y)]
        wanted += [x, y]
    numbers = np.linalg.lstsq(np.array(rows, np.float64), np.array(wanted), rcond=None)[0]
    return picture.transform(size, Image.Transform.PERSPECTIVE, numbers.tolist(), Image.Resampling.BICUBIC)


def _picture(pixels: Pixels | None) -> Image.Image:
    assert pixels is not None
    return Image.frombytes("RGB", (pixels.width, pixels.height), pixels.rgb)

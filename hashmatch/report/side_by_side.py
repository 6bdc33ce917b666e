"""Two pictures side by side, with the part of the first drawn in that shows the second: what `compare --save` writes."""

from __future__ import annotations

from PIL import Image, ImageDraw

from hashmatch.records import Fingerprint, Pixels
from hashmatch.workflows.compare import Comparison

#: Pixels between and around the pictures.
MARGIN = 12
_GROUND, _LINE = "#f4f4f4", "#d02020"


def draw(a: Fingerprint, b: Fingerprint, compared: Comparison) -> Image.Image:
    """The drawing. a, b: with `pixels`."""
    left, right = _picture(a.pixels), _picture(b.pixels)
    height = max(left.height, right.height) + 2 * MARGIN
    sheet = Image.new("RGB", (left.width + right.width + 3 * MARGIN, height), _GROUND)
    sheet.paste(left, (MARGIN, MARGIN))
    sheet.paste(right, (left.width + 2 * MARGIN, MARGIN))
    if compared.local is not None:
        # A reference of which only a part is shown has corners beyond the picture, and perhaps beyond the sheet.
        corners = [(MARGIN + x * left.width, MARGIN + y * left.height) for x, y in compared.local.quadrilateral]
        ImageDraw.Draw(sheet).polygon(corners, outline=_LINE, width=3)
    elif compared.area is not None:
        area = compared.area
        parts = zip((area.left, area.top, area.right, area.bottom), left.size * 2, strict=True)
        box = [MARGIN + part * size for part, size in parts]
        ImageDraw.Draw(sheet).rectangle(box, outline=_LINE, width=3)
    return sheet


def _picture(pixels: Pixels | None) -> Image.Image:
    assert pixels is not None
    return Image.frombytes("RGB", (pixels.width, pixels.height), pixels.rgb)

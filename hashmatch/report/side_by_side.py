"""Two pictures side by side, with an outline around the part of the first that shows the second: for `compare --save`."""

from __future__ import annotations

from PIL import Image, ImageDraw

from hashmatch.records import Fingerprint, Pixels
from hashmatch.workflows.compare import Comparison

#: Pixels between and around the pictures.
MARGIN = 12
_GROUND, _LINE = "#f4f4f4", "#d02020"


def draw(a: Fingerprint, b: Fingerprint, compared: Comparison) -> Image.Image:
    """Draw them. a, b: fingerprints with `pixels`."""
    left, right = _picture(a.pixels), _picture(b.pixels)
    height = max(left.height, right.height) + 2 * MARGIN
    sheet = Image.new("RGB", (left.width + right.width + 3 * MARGIN, height), _GROUND)
    sheet.paste(left, (MARGIN, MARGIN))
    sheet.paste(right, (left.width + 2 * MARGIN, MARGIN))
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


def _picture(pixels: Pixels | None) -> Image.Image:
    assert pixels is not None
    return Image.frombytes("RGB", (pixels.width, pixels.height), pixels.rgb)

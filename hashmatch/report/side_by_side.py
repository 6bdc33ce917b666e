"""Two pictures side by side, with the part of the first drawn in that shows the second: what `compare --save` writes."""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageDraw

from hashmatch.comparison import Comparison
from hashmatch.errors import CommandError
from hashmatch.i18n import _
from hashmatch.records import Fingerprint, Pixels

#: Pixels between and around the pictures.
MARGIN = 12
_GROUND, _LINE = "#f4f4f4", "#d02020"


def save(a: Fingerprint, b: Fingerprint, compared: Comparison, target: Path) -> None:
    """Write a PNG. a, b: with `pixels`; of a film, its first frame. Raises CommandError where it cannot be written."""
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
    try:
        sheet.save(target, "PNG")
    except OSError as error:
        message = _("cannot write {path}: {reason}").format(path=target, reason=error.strerror or error)
        raise CommandError(message) from error


def _picture(pixels: Pixels | None) -> Image.Image:
    assert pixels is not None
    return Image.frombytes("RGB", (pixels.width, pixels.height), pixels.rgb)

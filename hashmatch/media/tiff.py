"""TIFF of layouts that Pillow does not read, or reads wrongly, through tifffile: deep, signed, in planes, and so on."""

from __future__ import annotations

import contextlib
import importlib
import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from hashmatch.errors import MediaError
from hashmatch.hashers.base import Picture
from hashmatch.media import tiff_layout
from hashmatch.media.classified import classified
from hashmatch.media.colour import SaidColours
from hashmatch.media.limits import Limits
from hashmatch.media.looks import looks_of
from hashmatch.media.opened import Stills
from hashmatch.media.pillow_file import check_size
from hashmatch.media.shown import usual_range
from hashmatch.media.tiff_layout import TiffLayout, count_pages
from hashmatch.messages import Message

_BITS, _SAMPLES, _ORIENTATION, _COLOURS, _EXTRA, _PROFILE = 258, 277, 274, 320, 338, 34675
#: Compressions whose decoders are looked up before a worker is locked. From tifffile.COMPRESSION.
_COMPRESSIONS = (1, 2, 3, 4, 5, 7, 8, 32773, 32946, 34712, 34887, 34925, 34933, 34934, 50000, 50001, 50002, 52546)
#: Rows at a time that are turned to 8 bits.
_ROWS = 256


def load() -> None:
    """Import what reading may need, for a process that can import nothing later."""
    tifffile = importlib.import_module("tifffile")
    with contextlib.suppress(ImportError):
        imagecodecs = importlib.import_module("imagecodecs")
        imagecodecs.packints_decode(b"\0\0\0", "uint16", 12)
    for table, keys in ((tifffile.TIFF.DECOMPRESSORS, _COMPRESSIONS), (tifffile.TIFF.UNPREDICTORS, (2, 3))):
        for key in keys:
            with contextlib.suppress(Exception):  # one that is not there
                table[key]
    # Once through all, compressed with what always is there.
    out = io.BytesIO()
    tifffile.imwrite(
        out, np.zeros((3, 16, 16), np.uint16), photometric="rgb", planarconfig="separate", compression="zlib"
    )
    _asarray(tifffile.TiffFile(io.BytesIO(out.getvalue())).pages[0])


def open_with_tifffile(data: bytes, limits: Limits, exact: bool) -> Stills:
    """Open a TIFF that is held in memory.

    Raises MediaError: corrupt, too-large, out-of-memory, unsupported-format. The same of its pictures.
    """
    with classified():
        import tifffile

        pages = tifffile.TiffFile(io.BytesIO(data)).pages
        _check(pages[0], limits)
        count = count_pages(data)
    return Stills(f"tifffile tiff {'exact' if exact else 'full'}", _pages(pages, count, exact, limits))


def _pages(pages: Any, count: int, exact: bool, limits: Limits) -> Iterator[Picture]:
    for number in range(1, max(1, min(count, limits.max_pages)) + 1):
        with classified(after_first=number > 1):
            page = pages[number - 1]
            _check(page, limits)
            image = _image(page)
            profile = _tag(page, _PROFILE, b"")
            said = SaidColours(profile=profile if isinstance(profile, bytes) else b"")
            orientation = int(_tag(page, _ORIENTATION, 1))
            pictures = looks_of(image, image.size, exact, said, number, orientation)
        yield from pictures
    if count > limits.max_pages:
        raise MediaError("too-large", Message.of("page-limit", pages=count, limit=limits.max_pages))


def _check(page: Any, limits: Limits) -> None:
    """Raises MediaError before anything is decoded, where a page is too large, or of a layout that we know nothing of."""
    layout = _layout(page)
    check_size((page.imagewidth, page.imagelength), limits)
    # What tifffile makes of it in memory; a pixel of ours takes four bytes.
    size = int(np.prod(page.shape, dtype=np.float64)) * (page.dtype.itemsize if page.dtype is not None else 8)
    if size > 4 * limits.max_pixels:
        limit = 4 * limits.max_pixels * page.imagewidth * page.imagelength // size
        detail = Message.of("pixel-limit", width=page.imagewidth, height=page.imagelength, limit=limit)
        raise MediaError("too-large", detail)
    known = {tiff_layout.WHITE_IS_ZERO: 1, tiff_layout.BLACK_IS_ZERO: 1, tiff_layout.RGB: 3, tiff_layout.PALETTE: 1}
    least = {**known, tiff_layout.INKS: 4}.get(layout.photometric)
    is_known = least is not None and len(layout.bits) >= least and len(set(layout.bits)) == 1
    if not is_known or page.dtype is None or page.dtype.kind not in "biuf" or page.imagedepth != 1:
        raise MediaError("unsupported-format", Message.of("layout-not-read", layout=str(layout)))


def _layout(page: Any) -> TiffLayout:
    return TiffLayout.of({tag.code: tag.value for tag in page.tags})


def _tag(page: Any, code: int, default: Any) -> Any:
    tag = page.tags.get(code)
    return default if tag is None else tag.value


def _asarray(page: Any) -> npt.NDArray[Any]:
    """Samples: (height, width, samples)."""
    values = np.asarray(page.asarray(maxworkers=1))
    axes = page.axes
    values = values.reshape((*values.shape, 1)) if "S" not in axes else np.moveaxis(values, axes.index("S"), -1)
    if values.ndim != 3:
        raise MediaError("unsupported-format", Message.of("layout-not-read", layout=f"axes {axes}"))
    return values


def _image(page: Any) -> Image.Image:
    """A page as Pillow's picture: "L", "RGB", "CMYK", or "RGBA" where it has alpha."""
    layout, values = _layout(page), _asarray(page)
    if layout.photometric == tiff_layout.PALETTE:
        return _from_palette(values[:, :, 0], _tag(page, _COLOURS, ()))
    least = {tiff_layout.RGB: 3, tiff_layout.INKS: 4}.get(layout.photometric, 1)
    extra = _tag(page, _EXTRA, ())
    kinds = tuple(extra) if isinstance(extra, tuple | list) else (extra,)
    alpha = next((least + at for at, kind in enumerate(kinds) if int(kind) in (1, 2)), None)
    is_multiplied = alpha is not None and int(kinds[alpha - least]) == 1
    wanted = [*range(least), *([alpha] if alpha is not None and alpha < values.shape[2] and least < 4 else [])]
    samples = _to_8bit(values[:, :, wanted], layout)
    if layout.photometric == tiff_layout.WHITE_IS_ZERO:
        samples[:, :, 0] = 255 - samples[:, :, 0]
    if len(wanted) == least:
        return Image.fromarray(samples[:, :, 0] if least == 1 else samples, "CMYK" if least == 4 else None)
    if least == 1:
        samples = samples[:, :, (0, 0, 0, 1)]
    return (
        Image.fromarray(np.ascontiguousarray(samples), "RGBa").convert("RGBA")
        if is_multiplied
        else Image.fromarray(samples)
    )


def _to_8bit(values: npt.NDArray[Any], layout: TiffLayout) -> npt.NDArray[np.uint8]:
    """By the whole range of unsigned samples; of others by the range that they use, as shown.usual_range has it."""
    low, high = 0.0, float(2 ** layout.bits[0] - 1)
    if layout.kind != tiff_layout.UNSIGNED:
        finite = values if values.dtype.kind != "f" else values[np.isfinite(values)]
        low, high = usual_range(float(finite.min(initial=0)), float(finite.max(initial=0)))
    made = np.empty(values.shape, np.uint8)
    for top in range(0, len(values), _ROWS):
        rows = np.nan_to_num(values[top : top + _ROWS].astype(np.float64), nan=0, posinf=0, neginf=0)
        made[top : top + _ROWS] = np.clip((rows - low) * (255 / max(high - low, 1e-300)), 0, 255).round()
    return made


def _from_palette(indices: npt.NDArray[Any], colours: Any) -> Image.Image:
    """colours: all reds, then all greens, then all blues, 16 bits each."""
    table = np.array(colours, np.uint32).reshape(3, -1).T
    shown = (table >> 8 if table.max(initial=0) > 255 else table).astype(np.uint8)
    return Image.fromarray(shown[np.minimum(indices, len(shown) - 1)])

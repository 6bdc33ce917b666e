"""Cameras' raw files, by the largest preview in them: a JPEG that the camera made, and that every viewer shows first.

Where there is no preview, rawpy (LibRaw) develops the sensor's data, if it is installed.
"""

from __future__ import annotations

import importlib
import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType

from PIL import Image

from hashmatch.errors import MediaError
from hashmatch.hashers.base import Picture
from hashmatch.media.image import open_image
from hashmatch.media.limits import Limits
from hashmatch.media.media_type import MediaType
from hashmatch.media.opened import Stills
from hashmatch.media.picture_headers import JpegFrame, jpeg_frame_header, jpeg_markers
from hashmatch.media.pillow_file import check_size
from hashmatch.media.plain_still import PlainImage, plain_still
from hashmatch.media.raw_headers import byte_order, directory
from hashmatch.messages import Message

_ORIENTATION = 0x0112
#: Beginnings of JPEGs that are looked at in one file.
_MOST_FOUND = 5000
#: Previews that are tried, the largest first. Fewest pixels of a side: smaller ones are icons.
_MOST_TRIED, _SHORTEST = 4, 64
#: Frames that Pillow decodes: baseline, extended and progressive.
_DECODABLE = (0xC0, 0xC1, 0xC2)
_WITHOUT_PREVIEW = "a raw file without a preview"


@dataclass(frozen=True, slots=True)
class Preview:
    """A JPEG inside a raw file. start: where it begins."""

    start: int
    frame: JpegFrame

    @property
    def pixels(self) -> int:
        return self.frame.width * self.frame.height


def open_raw(data: bytes, limits: Limits, exact: bool) -> Stills:
    """Open a raw file that is held in memory: its largest preview, or its TIFF picture, or its sensor's data.

    Raises MediaError, as its pictures do: corrupt, partial, too-large, out-of-memory, unsupported-format.
    """
    found = sorted(previews(data), key=lambda each: -each.pixels)[:_MOST_TRIED]
    for preview in found[:1]:
        check_size((preview.frame.width, preview.frame.height), limits)
    return Stills("preview" if found else "rawpy", _pictures(data, found, limits, exact))


def _pictures(data: bytes, found: list[Preview], limits: Limits, exact: bool) -> Iterator[Picture]:
    for preview in found:
        jpeg = _upright(data[preview.start :], preview, orientation_of(data))
        count = 0
        try:
            for picture in _stills(jpeg, "JPEG", limits, exact):
                count += 1
                yield picture
            return
        except MediaError as error:
            if count or error.code != "corrupt":
                raise
    yield from _without_preview(data, limits, exact)


def _stills(data: bytes, format: str, limits: Limits, exact: bool) -> Iterator[Picture]:
    opened = open_image(data, MediaType("pillow", format), limits, exact)
    assert isinstance(opened, Stills)  # neither JPEG nor TIFF is animated
    return opened.pictures


def _without_preview(data: bytes, limits: Limits, exact: bool) -> Iterator[Picture]:
    problem = MediaError("unsupported-format", Message.of("needs-extra", format=_WITHOUT_PREVIEW, extra="formats"))
    library = load()
    try:
        if library is not None:
            yield from _developed(library, data, limits, exact).pictures
            return
    except MediaError as error:
        if error.code != "corrupt":
            raise
        problem = error
    if data[:4] not in (b"II*\0", b"MM\0*"):
        raise problem
    yield from _stills(data, "TIFF", limits, exact)  # perhaps just a TIFF with a camera's tags


def previews(data: bytes) -> Iterator[Preview]:
    """The JPEGs in a raw file that can be decoded, in their order; those inside of others (their thumbnails) too.

    Looks for their beginnings instead of reading each maker's tables, which are many, undocumented and easily damaged.
    """
    start = data.find(b"\xff\xd8\xff")
    for _number in range(_MOST_FOUND):
        if start < 0:
            return
        frame = jpeg_frame_header(data, start)
        if frame is not None and _is_preview(frame):
            yield Preview(start, frame)
        start = data.find(b"\xff\xd8\xff", start + 3)


def _is_preview(frame: JpegFrame) -> bool:
    return frame.marker in _DECODABLE and frame.bits == 8 and min(frame.width, frame.height) >= _SHORTEST


def orientation_of(data: bytes) -> int:
    """How a raw file's pictures must be turned, as EXIF has it; 1 if it does not say."""
    start = 0
    if data[4:8] == b"ftyp":  # Canon's CR3 has TIFF directories in boxes
        start = data.find(b"CMT1", 0, 1 << 16) + 4
        if start < 4:
            return 1
    tiff = data[start : start + (1 << 20)] if start else data
    if tiff[:2] not in (b"II", b"MM") or len(tiff) < 8:
        return 1
    (first,) = struct.unpack_from(byte_order(tiff) + "I", tiff, 4)
    tags, _following = directory(tiff, first)
    entry = tags.get(_ORIENTATION)
    return entry.value if entry is not None and entry.value in range(1, 9) else 1


def _upright(jpeg: bytes, preview: Preview, orientation: int) -> bytes:
    """The preview, told how to turn it if it does not say so itself and lies as the sensor does."""
    is_turned_already = orientation >= 5 and preview.frame.height > preview.frame.width
    if orientation == 1 or is_turned_already or _says_orientation(jpeg):
        return jpeg
    exif = Image.Exif()
    exif[_ORIENTATION] = orientation
    content = exif.tobytes()
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(content) + 2) + content + jpeg[2:]


def _says_orientation(jpeg: bytes) -> bool:
    for marker, at in jpeg_markers(jpeg):
        if marker == 0xE1 and jpeg[at + 2 : at + 8] == b"Exif\0\0":
            exif = Image.Exif()
            try:
                exif.load(jpeg[at + 2 : at + int.from_bytes(jpeg[at : at + 2], "big")])
                return _ORIENTATION in exif
            except Exception:  # damaged data raise anything
                return False
    return False


def load() -> ModuleType | None:
    """Import rawpy; None where the extra is not installed."""
    try:
        return importlib.import_module("rawpy")
    except (ImportError, OSError):  # the latter in a worker that was handed something else and is locked
        return None


def _developed(library: ModuleType, data: bytes, limits: Limits, exact: bool) -> Stills:
    try:
        raw = library.imread(io.BytesIO(data))
    except Exception as error:  # LibRaw's errors have no common base
        raise MediaError("corrupt", Message.of("bad-header")) from error
    check_size((raw.sizes.raw_width, raw.sizes.raw_height), limits)

    def decode() -> PlainImage:
        with raw:
            return PlainImage(Image.fromarray(raw.postprocess(use_camera_wb=True, half_size=not exact, output_bps=8)))

    return plain_still("rawpy", decode, exact)

"""Whatever is wrong with the chunks beside the picture, the picture is hashed, and nothing is said to be missing."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from hashmatch.errors import MediaError
from hashmatch.media import Film, Stills, png
from tests.support.opened_media import away, frames, opened, pictures, pixels
from tests.support.still_files import animated, saved, scene

Chunk = tuple[bytes, bytes]


def square(picture: Image.Image) -> npt.NDArray[np.int_]:
    """As a frame of an animation is hashed."""
    return np.asarray(picture.convert("L").resize((256, 256), Image.Resampling.BOX)).astype(int)


def written(name: bytes, content: bytes, checksum: int | None = None, length: int | None = None) -> bytes:
    checksum = zlib.crc32(name + content) if checksum is None else checksum
    return struct.pack(">I", len(content) if length is None else length) + name + content + struct.pack(">I", checksum)


def chunks_of(data: bytes) -> list[Chunk]:
    found, at = [], 8
    while at < len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        found.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + length]))
        at += 12 + length
    return found


def with_chunks(*before: bytes, after: bytes = b"", base: bytes | None = None) -> bytes:
    """The scene with these chunks before its pixels, and after them."""
    (first, *others) = chunks_of(base if base is not None else saved(scene(), "PNG"))
    *rest, end = (written(*each) for each in others)
    return png.SIGNATURE + written(*first) + b"".join(before) + b"".join(rest) + after + end


_TEXT = b"Comment\0\0" + zlib.compress(bytes(3 << 20))
SIDE_CHUNKS = {
    "checksum-of-text": written(b"tEXt", b"Comment\0hello", checksum=1),
    "checksum-of-phys": written(b"pHYs", bytes(9), checksum=1),
    "checksum-of-profile": written(b"iCCP", b"name\0\0" + zlib.compress(bytes(500)), checksum=1),
    "checksum-of-transparency": written(b"tRNS", bytes(6), checksum=1),
    "short-phys": written(b"pHYs", b"\0\0"),
    "short-gamma": written(b"gAMA", b"\0"),
    "short-chromaticities": written(b"cHRM", b"\0\0\0\1"),
    "short-cicp": written(b"cICP", b"\1"),
    "short-time": written(b"tIME", b"\0"),
    "short-animation": written(b"acTL", b"\0"),
    "empty-profile": written(b"iCCP", b""),
    "text-bomb": written(b"zTXt", _TEXT),
    "international-text-bomb": written(b"iTXt", b"Comment\0\1\0en\0\0" + zlib.compress(bytes(3 << 20))),
    "many-texts": written(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(1 << 20))) * 100,
    "profile-bomb": written(b"iCCP", b"name\0\0" + zlib.compress(bytes(60 << 20))),
    "profile-of-nonsense": written(b"iCCP", b"name\0\0" + zlib.compress(b"nonsense" * 100)),
    "profile-not-packed": written(b"iCCP", b"name\0\7nonsense"),
    "short-transparency": written(b"tRNS", b"\0"),
    "animation-without-frames": written(b"acTL", struct.pack(">II", 5, 0)),
    "frame-without-animation": written(b"fcTL", bytes(26)),
    "broken-exif": written(b"eXIf", b"II*\0\xff\xff\xff\xff"),
    "exif-of-nothing": written(b"eXIf", b""),
    "unknown": written(b"abCd", bytes(100), checksum=5),
    "text-without-a-zero": written(b"tEXt", b"\xff" * 200),
    "length-beyond-the-end": written(b"tEXt", b"Comment\0hello", length=0x7FFFFFFF),
}


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("kind", SIDE_CHUNKS)
def test_side_chunks_before_the_pixels(kind: str, exact: bool) -> None:
    (only,) = pictures(with_chunks(SIDE_CHUNKS[kind]), exact)  # and no error comes after it
    assert away(only, scene()) <= 6


@pytest.mark.parametrize("kind", SIDE_CHUNKS)
def test_side_chunks_after_the_pixels(kind: str) -> None:
    (only,) = pictures(with_chunks(after=SIDE_CHUNKS[kind]))
    assert away(only, scene()) <= 6


def test_checksums_of_the_picture_itself() -> None:
    data = bytearray(saved(scene(), "PNG"))
    data[29] ^= 1  # of the header
    at = data.index(b"IDAT")
    data[at + 4 + int.from_bytes(data[at - 4 : at], "big")] ^= 1
    assert away(pictures(bytes(data))[0], scene()) <= 6


def test_palette_that_is_cut() -> None:
    image = scene().quantize(16)
    parts = [(name, content[:-1] if name == b"PLTE" else content) for name, content in chunks_of(saved(image, "PNG"))]
    assert away(pictures(png.SIGNATURE + b"".join(written(*each) for each in parts))[0], image.convert("RGB")) <= 31


def test_more_alphas_than_colours() -> None:
    image = scene().quantize(16)
    palette = written(b"tRNS", b"\xff" * 300)
    parts = [written(*each) + (palette if each[0] == b"PLTE" else b"") for each in chunks_of(saved(image, "PNG"))]
    assert (pixels(png.SIGNATURE + b"".join(parts)) == np.asarray(image.convert("RGB"))).all()


def test_sound_files_stay_as_they_are() -> None:
    plain = saved(scene(), "PNG")
    assert png.clean(plain).data == plain
    whole = animated("apng")
    assert png.clean(whole).data == whole
    assert png.clean(plain[: len(plain) // 2]).data == plain[: len(plain) // 2]
    assert png.clean(plain + b"something else").data == plain


def test_broken_frames_leave_the_picture() -> None:
    """As in viewers that know no animations, where the first frame makes no sense."""
    parts = chunks_of(animated("apng"))
    numbers = [number for number, (name, _content) in enumerate(parts) if name == b"fcTL"]
    parts[numbers[0]] = (b"fcTL", bytes(4) + b"\1" * 22)
    medium = opened(png.SIGNATURE + b"".join(written(*each) for each in parts))
    assert isinstance(medium, Stills)
    assert away(next(medium.pictures), scene(0, 96, 72)) <= 10


def test_one_frame_beside_a_picture_for_other_viewers() -> None:
    """Browsers show the frame, and never the picture."""
    first, frame = scene(0, 96, 72), scene(1, 96, 72)
    data = saved(first, "PNG", save_all=True, append_images=[frame], default_image=True)
    assert [name for name, _content in chunks_of(data)].count(b"fcTL") == 1
    assert isinstance(opened(data), Film)
    beside, shown = (each.pixels for each in frames(data))
    assert np.abs(beside.astype(int) - square(first)).mean() < 4 > np.abs(shown.astype(int) - square(frame)).mean()


def test_metadata_in_animations() -> None:
    data = with_chunks(SIDE_CHUNKS["checksum-of-text"], SIDE_CHUNKS["text-bomb"], base=animated("apng"))
    assert isinstance(opened(data), Film)
    assert len(frames(data)) == 6


def test_a_million_chunks_are_a_limit() -> None:
    with pytest.raises(MediaError) as caught:
        opened(with_chunks(written(b"tEXt", b"") * (png.MOST_CHUNKS + 1)))
    assert caught.value.code == "too-large"


def packed_pixels(data: bytes) -> bytes:
    return b"".join(content for name, content in chunks_of(data) if name == b"IDAT")


def of(*parts: Chunk) -> bytes:
    return png.SIGNATURE + b"".join(written(*each) for each in parts)


def test_the_checksum_over_the_pixels_does_not_matter() -> None:
    base = saved(scene(), "PNG")
    packed, header, end = packed_pixels(base), chunks_of(base)[0], (b"IEND", b"")
    for content in (packed[:-4] + b"\0\0\0\0", packed[:-4], packed + b"more", b"\0\0" + packed[2:]):
        (only,) = pictures(of(header, (b"IDAT", content), end))
        assert (np.asarray(only.image) == np.asarray(scene().convert("L"))).all()


def test_pixels_before_damage_are_kept_to_the_last_row() -> None:
    base = saved(scene(1, 240, 400), "PNG")
    packed = bytearray(packed_pixels(base))
    packed[len(packed) * 3 // 4] ^= 0xFF
    medium = opened(of(chunks_of(base)[0], (b"IDAT", bytes(packed)), (b"IEND", b"")))
    assert isinstance(medium, Stills)
    shown = np.asarray(next(medium.pictures).image)
    assert (shown[:250] == np.asarray(scene(1, 240, 400).convert("L"))[:250]).all()


def test_a_bomb_in_the_pixels_is_unpacked_no_further_than_they_go() -> None:
    base = saved(scene(), "PNG")
    raw = zlib.decompress(packed_pixels(base))
    bomb = zlib.compress(raw + bytes(100 << 20))
    (only,) = pictures(of(chunks_of(base)[0], (b"IDAT", bomb[:-4] + b"\0\0\0\0"), (b"IEND", b"")))
    assert away(only, scene()) <= 6
    assert len(png.repacked(of(chunks_of(base)[0], (b"IDAT", bomb), (b"IEND", b"")))) < 4 * len(base)


def interlaced(values: npt.NDArray[np.uint8]) -> bytes:
    """By Adam7 (section 8.1 of the specification)."""
    passes = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
    rows = [row for x, y, across, down in passes for row in values[y::down, x::across]]
    header = struct.pack(">IIBBBBB", values.shape[1], values.shape[0], 8, 2, 0, 0, 1)
    return of(
        (b"IHDR", header), (b"IDAT", zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))), (b"IEND", b"")
    )


@pytest.mark.parametrize("percent", [40, 60, 90])
def test_an_interlaced_picture_that_is_cut_has_no_gaps(percent: int) -> None:
    image = scene(1, 600, 450)
    data = interlaced(np.asarray(image))
    assert away(pictures(data)[0], image) <= 6
    medium = opened(data[: len(data) * percent // 100])
    assert isinstance(medium, Stills)
    assert away(next(medium.pictures), image) <= 31
    with pytest.raises(MediaError) as caught:
        next(medium.pictures)
    assert caught.value.code == "partial"

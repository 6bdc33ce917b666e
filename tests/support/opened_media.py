"""Short ways to open media and to compare their pictures."""

from __future__ import annotations

import functools
import io
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from PIL import Image

from hashmatch.errors import MediaError
from hashmatch.hamming.brute import distance
from hashmatch.hashers import by_name
from hashmatch.hashers.base import Picture
from hashmatch.hashers.frames import hash_frames
from hashmatch.hashers.pdq import hash_exact
from hashmatch.media import Film as OpenedFilm
from hashmatch.media import Limits, Stills, open_media
from hashmatch.media.opened import Frame
from hashmatch.media.sampling import EVERY_FRAME, STEADY, Sampling
from hashmatch.media.sniff import HEAD_BYTES, sniff


def opened(data: bytes, exact: bool = False, limits: Limits = Limits()) -> Stills | OpenedFilm:
    media_type = sniff(data[:HEAD_BYTES])
    assert media_type is not None
    return open_media(io.BytesIO(data), data, media_type, limits, exact)


def opened_stills(data: bytes, exact: bool = False, limits: Limits = Limits()) -> Stills:
    medium = opened(data, exact, limits)
    assert isinstance(medium, Stills)
    return medium


def opened_film(data: bytes, exact: bool = False, limits: Limits = Limits()) -> OpenedFilm:
    medium = opened(data, exact, limits)
    assert isinstance(medium, OpenedFilm)
    return medium


def pictures(data: bytes, exact: bool = False, limits: Limits = Limits()) -> list[Picture]:
    return list(opened_stills(data, exact, limits).pictures)


def shown_by(medium: Stills | OpenedFilm, sampling: Sampling = EVERY_FRAME) -> Iterator[Picture | Frame]:
    """What an opened file shows, whatever it is."""
    yield from medium.pictures if isinstance(medium, Stills) else medium.frames(sampling)


def frames(data: bytes, sampling: Sampling = STEADY, exact: bool = False, limits: Limits = Limits()) -> list[Frame]:
    return list(opened_film(data, exact, limits).frames(sampling))


def decoded(data: bytes, exact: bool = False, limits: Limits = Limits()) -> list[Picture]:
    """The pictures of a still, or the frames of a film."""
    medium = opened(data, exact, limits)
    if isinstance(medium, Stills):
        return list(medium.pictures)
    return [as_picture(frame) for frame in medium.frames(STEADY)]


def as_picture(frame: Frame) -> Picture:
    image = Image.fromarray(frame.pixels)
    return Picture(image, image.size, frame.pixels.ndim == 3, frame.time)


def pixels(data: bytes) -> npt.NDArray[np.int16]:
    """The first picture as RGB: int16 (height, width, 3), so that it can be subtracted."""
    picture = next(opened_stills(data, exact=True).pictures)
    assert picture.image.mode == "RGB" and picture.full_size == picture.image.size
    return np.asarray(picture.image).astype(np.int16)


def away(shown: Picture | Frame, image: Image.Image) -> int:
    """The PDQ distance, in bits, of a decoded picture or frame to the expected image.

    A grey square is a frame scaled to 512 × 512, as in Meta's vPDQ.
    """
    if isinstance(shown, Picture):
        bits = by_name("pdq").hash(shown)[0]
    elif shown.pixels.ndim == 3:
        bits = hash_exact(shown.pixels)[0]
    else:
        bits = hash_frames(shown.pixels[None])[0].tobytes()
        return distance(bits, _bits(image.mode, image.size, image.tobytes(), (512, 512)))
    return distance(bits, _bits(image.mode, image.size, image.tobytes()))


@functools.lru_cache(64)  # since the frames of a scene are all compared with one image
def _bits(mode: str, size: tuple[int, int], data: bytes, scaled: tuple[int, int] | None = None) -> bytes:
    """The PDQ hash of an image, which may be scaled before."""
    image = Image.frombytes(mode, size, data)
    if scaled:
        image = image.resize(scaled, Image.Resampling.BILINEAR)
    return hash_exact(np.asarray(image.convert("RGB")))[0]


def what_decodes(data: bytes, sampling: Sampling = EVERY_FRAME) -> list[Frame]:
    """The frames that decode, even if others do not."""
    seen: list[Frame] = []
    try:
        for frame in opened_film(data).frames(sampling):
            seen.append(frame)
    except MediaError as error:
        assert error.code == "partial"
    return seen

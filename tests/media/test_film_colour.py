"""Films are hashed in the colours that a player shows: whatever their matrix, range and transfer curve."""

from __future__ import annotations

import io
from dataclasses import replace
from fractions import Fraction
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import pytest
from av.video.reformatter import VideoReformatter

from hashmatch.fingerprints.one_file import fingerprint
from hashmatch.fingerprints.settings import QueryHashing, ReferenceHashing
from hashmatch.hashers.frames import hash_frames
from hashmatch.media.film_colour import colour, displayed, grey, to_sdr
from hashmatch.media.film_screen import Screen
from hashmatch.media.grounds import AS_STORED
from hashmatch.media.limits import Limits
from hashmatch.media.sampling import EVERY_FRAME
from hashmatch.views import FULL
from tests.support.film_files import FILMS, encoder_or_skip, filmed
from tests.support.opened_media import frames
from tests.support.still_files import scene

SIZE = (256, 192)
GBR, BT709, BT601, YCGCO, BT2020, ICTCP = 0, 1, 5, 8, 9, 14
PQ, HLG = 16, 18
#: Linear BT.709 to BT.2020 (ITU-R BT.2087).
TO_BT2020 = np.array([[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]])


def pictures(count: int = 4) -> list[npt.NDArray[np.uint8]]:
    """Bright and dark scenes in colour, uint8 (height, width, 3)."""
    return [np.asarray(scene(number, *SIZE)) for number in range(count)]


def away(one: npt.NDArray[np.uint8], other: npt.NDArray[np.uint8]) -> int:
    """Bits of PDQ between two squares."""
    both = hash_frames(np.stack([one, other]))
    return int(np.bitwise_count(both[0] ^ both[1]).sum())


def luma(rgb: npt.NDArray[np.uint8], side: int = 128) -> npt.NDArray[np.uint8]:
    whole = av.VideoFrame.from_ndarray(rgb, format="rgb24")
    plane: Any = VideoReformatter().reformat(whole, side, side, "gray", interpolation="AREA", threads=1).to_ndarray()
    return np.asarray(plane)


def pq(light: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """SMPTE ST 2084: the signal of light in candela per square metre."""
    power = (light / 10000) ** 0.1593017578125
    return np.asarray(((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power)) ** 78.84375)


def hlg(light: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """ITU-R BT.2100: the signal of light in candela per square metre on a display of 1,000."""
    scene_light = (light / 1000) ** (1 / 1.2)
    upper = 0.17883277 * np.log(np.maximum(12 * scene_light - 0.28466892, 1e-9)) + 0.55991073
    return np.where(scene_light <= 1 / 12, np.sqrt(3 * scene_light), upper)


def hdr(rgb: npt.NDArray[np.uint8], transfer: int) -> av.VideoFrame:
    """An SDR picture as HDR has it: white at 203 candela per square metre (ITU-R BT.2408), BT.2020, 10 bits."""
    light = 203 * (rgb / 255) ** 2.4 @ TO_BT2020.T
    signal = (pq if transfer == PQ else hlg)(light)
    deep = av.VideoFrame.from_ndarray(np.rint(signal * 65535).astype(np.uint16), format="rgb48le")
    return deep.reformat(format="yuv420p10le", dst_colorspace="bt2020")


def hdr_film(transfer: int) -> bytes:
    """The pictures as an HDR film in HEVC, a second each."""
    encoder_or_skip("mp4-hevc")
    out, name = io.BytesIO(), {PQ: "smpte2084", HLG: "arib-std-b67"}[transfer]
    says = f"log-level=none:colorprim=bt2020:transfer={name}:colormatrix=bt2020nc"
    with av.open(out, "w", format="mp4") as container:
        stream: Any = container.add_stream("libx265", rate=4, options={"x265-params": says, "crf": "10"})
        stream.width, stream.height = SIZE
        stream.pix_fmt = "yuv420p10le"
        for number in range(16):
            frame = hdr(pictures()[number // 4], transfer)
            frame.pts, frame.time_base = number, Fraction(1, 4)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return out.getvalue()


def sdr_film() -> bytes:
    return filmed((pictures()[number // 4] for number in range(16)), replace(FILMS["mp4"], rate=4, size=SIZE))


class TestHdr:
    @pytest.mark.parametrize("transfer", [PQ, HLG], ids=["pq", "hlg"])
    def test_a_copy_is_near_its_original(self, transfer: int) -> None:
        """Both ways: the original known and the copy asked for, and the copy known."""
        films = sdr_film(), hdr_film(transfer)
        for known, asked in (films, films[::-1]):
            reference = fingerprint(io.BytesIO(known), ReferenceHashing())
            query = fingerprint(io.BytesIO(asked), QueryHashing(profile="thorough"))
            assert reference.error is None and query.error is None
            stored = [int.from_bytes(each.bits) for each in reference.hashes if each.view == FULL]
            for each in query.hashes:
                if each.view == FULL:
                    assert min((int.from_bytes(each.bits) ^ other).bit_count() for other in stored) <= 31

    def test_it_is_hashed_as_stored_too_where_that_differs(self) -> None:
        shown = frames(hdr_film(PQ), EVERY_FRAME)
        assert all([name for name, _square in frame.looks] == [AS_STORED] for frame in shown)
        for frame in shown:
            stored = frame.looks[0][1]
            assert np.abs(stored.astype(int) - frame.pixels).mean() > 5

    def test_what_was_sdr_comes_back(self) -> None:
        levels = np.arange(256)
        assert np.abs(to_sdr((levels / 255) ** 2.4, 1.0).astype(int) - levels).max() <= 1
        darker = to_sdr((levels / 255) ** 2.4, 2.5)
        assert np.abs(darker - levels * 2.5 ** (-1 / 2.4)).max() <= 1
        assert to_sdr(np.array([1.0, 2.5, 49.0]), 2.5).tolist()[1:] == [255, 255]


def yuv_frame(planes: npt.NDArray[np.uint8], matrix: int) -> av.VideoFrame:
    """A frame of three planes, uint8 (3, height, width), in full range."""
    frame = av.VideoFrame.from_ndarray(planes, format="yuv444p")
    frame.colorspace, frame.color_range = matrix, 2
    return frame


class TestMatrix:
    def test_planes_that_are_green_blue_and_red(self) -> None:
        for rgb in pictures():
            frame = yuv_frame(np.stack([rgb[:, :, 1], rgb[:, :, 2], rgb[:, :, 0]]), GBR)
            shown = Screen(Limits()).square(frame, 0.0, 0, 128)
            assert away(shown.pixels, luma(rgb)) <= 12
            assert [name for name, _square in shown.looks] == [AS_STORED]
            assert np.abs(colour(frame, *SIZE, VideoReformatter()).astype(int) - rgb).max() <= 1

    def test_ycgco(self) -> None:
        for rgb in pictures():
            red, green, blue = (rgb[:, :, place].astype(int) for place in range(3))
            planes = [
                (red + 2 * green + blue) // 4,
                (-red + 2 * green - blue) // 4 + 128,
                (red - blue) // 2 + 128,
            ]
            frame = yuv_frame(np.clip(np.stack(planes), 0, 255).astype(np.uint8), YCGCO)
            assert away(Screen(Limits()).square(frame, 0.0, 0, 128).pixels, luma(rgb)) <= 12
            assert np.abs(colour(frame, *SIZE, VideoReformatter()).astype(int) - rgb).mean() < 2

    @pytest.mark.parametrize("matrix", [3, YCGCO, 10, 11, 12, 13, ICTCP, 15, 16, 17])
    def test_a_rare_matrix_is_no_reason_to_give_up(self, matrix: int) -> None:
        """FFmpeg's scaler refuses them. Their first plane is brightness."""
        rgb = pictures()[0]
        bright = rgb[:, :, 1]
        no_colour = np.full_like(bright, 128)
        frame = yuv_frame(np.stack([bright, no_colour, no_colour]), matrix)
        shown = Screen(Limits()).square(frame, 0.0, 0, 128).pixels
        assert away(shown, luma(np.repeat(bright[:, :, None], 3, axis=2))) <= 6
        assert Screen(Limits()).small(frame, 64, 1.0).width == 64

    @pytest.mark.parametrize("matrix", [BT709, BT601, BT2020])
    @pytest.mark.parametrize("span", [1, 2], ids=["limited", "full"])
    def test_usual_matrices_and_ranges(self, matrix: int, span: int) -> None:
        for rgb in pictures():
            stored = av.VideoFrame.from_ndarray(rgb, format="rgb24").reformat(
                format="yuv444p", dst_colorspace=matrix, dst_color_range=span
            )
            reformatter = VideoReformatter()
            small: Any = grey(stored, 128, 128, reformatter).to_ndarray()
            assert displayed(stored, 128, 128, reformatter) is None
            assert away(small, luma(rgb)) <= 8
            assert np.abs(colour(stored, *SIZE, reformatter).astype(int) - rgb).mean() < 3


def test_films_of_red_green_and_blue() -> None:
    """As screens are recorded."""
    out = io.BytesIO()
    with av.open(out, "w", format="matroska") as container:
        stream: Any = container.add_stream("libx264rgb", rate=4)
        stream.width, stream.height = SIZE
        stream.pix_fmt = "rgb24"
        for number, rgb in enumerate(pictures()):
            frame = av.VideoFrame.from_ndarray(rgb, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 4)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    for shown, rgb in zip(frames(out.getvalue(), EVERY_FRAME), pictures(), strict=True):
        assert away(shown.pixels, luma(rgb)) <= 20
        assert shown.looks == ()

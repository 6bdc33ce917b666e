"""What containers do to a film: where its clock begins and how it runs, which way is up, what is no film, and damage.

All films are made here; see samples.py. The squares that frames come as are told from each other by the scene they show.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from hashmatch.errors import MediaError
from hashmatch.media import Film as OpenedFilm
from hashmatch.media import Limits, MediaType, open_media
from hashmatch.media.opened import Frame
from hashmatch.media.sampling import EVERY_FRAME, KEY_FRAMES, STEADY, Sampling
from hashmatch.media.sniff import HEAD_BYTES, sniff
from hashmatch.messages import Message
from hashmatch.records import Failure
from tests.support.film_files import FILMS, Film, film, sound, with_cover, with_display_matrix
from tests.support.still_files import animation, saved, scene

SIZE = (176, 144)
SAMPLINGS = {"every": EVERY_FRAME, "steady": STEADY, "keys": KEY_FRAMES}
#: Mean difference in brightness up to which a frame shows a scene: bad encoders take up to 12, other scenes are 40 away.
ALIKE = 20


def decoded(
    data: bytes, sampling: Sampling = EVERY_FRAME, media_type: MediaType | None = None
) -> tuple[list[Frame], MediaError | None]:
    """The frames, and what stopped the decoding or is told at its end."""
    media_type = media_type or sniff(data[:HEAD_BYTES])
    assert media_type is not None, "is taken for no media"
    frames: list[Frame] = []
    try:
        opened = open_media(io.BytesIO(data), data, media_type, Limits(), exact=False)
        assert isinstance(opened, OpenedFilm)
        for frame in opened.frames(sampling):
            frames.append(frame)
    except MediaError as error:
        return frames, error
    return frames, None


def whole(data: bytes, sampling: Sampling = EVERY_FRAME, media_type: MediaType | None = None) -> list[Frame]:
    """The frames of a film with nothing wrong."""
    frames, error = decoded(data, sampling, media_type)
    assert error is None, error.message
    return frames


def times(frames: Sequence[Frame]) -> list[float]:
    return [frame.time for frame in frames]


def difference(frame: Frame, image: Image.Image) -> float:
    side = frame.pixels.shape[0]
    there = np.asarray(image.convert("L").resize((side, side), Image.Resampling.BOX)).astype(int)
    return float(np.abs(frame.pixels.astype(int) - there).mean())


def scenes(frames: Sequence[Frame], size: tuple[int, int] = SIZE, most: int = 12) -> list[int | None]:
    """Which scene each frame shows; None for one that shows none."""
    known = [scene(seed, *size) for seed in range(most)]
    found: list[int | None] = []
    for frame in frames:
        away = [difference(frame, image) for image in known]
        found.append(int(np.argmin(away)) if min(away) <= ALIKE else None)
    return found


def film_at(seconds: Sequence[float], container: str, codec: str = "libx264", late: float = 0, **options: str) -> bytes:
    """A film of so many frames, a new scene each, at these times. late: what time it says that it begins at."""
    out = io.BytesIO()
    with av.open(out, "w", format=container) as writer:
        stream: Any = writer.add_stream(codec, rate=1000, options=options)
        stream.width, stream.height = SIZE
        stream.pix_fmt = "yuv420p"
        stream.bit_rate = 2_000_000
        stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        for seed, at in enumerate(seconds):
            frame = av.VideoFrame.from_ndarray(np.asarray(scene(seed, *SIZE)), format="rgb24")
            frame.pts, frame.time_base = round(1000 * (at + late)), Fraction(1, 1000)
            writer.mux(stream.encode(frame))
        writer.mux(stream.encode())
    return out.getvalue()


# Where the clock begins.


@pytest.mark.parametrize("sampling", SAMPLINGS)
@pytest.mark.parametrize(
    ("name", "late"), [("ts", 0), ("m2ts", 0), ("ts", 100), ("mkv", 100), ("mpg", 0), ("wmv", 100)]
)
def test_the_first_frame_is_at_zero(name: str, late: float, sampling: str) -> None:
    """FFmpeg's transport streams start at 1.4 s, and a broadcast's anywhere."""
    data = film(name, seconds=3, late=late)
    with av.open(io.BytesIO(data), format=FILMS[name].demuxer) as container:
        start = container.streams.video[0].start_time
        assert start is not None and start > 0, "or the test proves nothing"
    frames = whole(data, SAMPLINGS[sampling])
    assert frames[0].time == 0
    if sampling == "every":
        rate = FILMS[name].rate
        assert times(frames) == pytest.approx([number / rate for number in range(3 * rate)], abs=2e-3)
    assert scenes(frames) == [int(frame.time + 1e-2) for frame in frames]


@pytest.mark.parametrize("name", ["ts", "mkv"])
def test_sampling_does_not_move_the_clock(name: str) -> None:
    """A frame has one time, however it was come by: parts are asked for by the times that key frames told."""
    data = film(replace(FILMS[name], options={"g": "20", "bf": "3"}), seconds=6, late=50)
    every = {round(frame.time, 3): seed for frame, seed in zip(whole(data), scenes(whole(data)), strict=True)}
    for sampling in (STEADY, KEY_FRAMES, Sampling(parts=((2.5, 4.5),))):
        frames = whole(data, sampling)
        assert len(frames) > 2
        assert [every[round(frame.time, 3)] for frame in frames] == scenes(frames)


# How it runs.

UNEVEN = [0, 0.1, 0.5, 0.54, 2, 2.04, 4.5, 7.25]


@pytest.mark.parametrize(("container", "codec"), [("mp4", "libx264"), ("matroska", "libx264"), ("webm", "libvpx-vp9")])
@pytest.mark.parametrize("late", [0, 30])
def test_a_variable_frame_rate(container: str, codec: str, late: float) -> None:
    """Screen recordings, chats and what telephones film in the dark."""
    frames = whole(film_at(UNEVEN, container, codec, late))
    assert times(frames) == pytest.approx(UNEVEN, abs=2e-3)
    assert scenes(frames) == list(range(len(UNEVEN)))


#: Bare streams: what FFmpeg calls their demuxers, and how they are made.
RAW = {
    "h264": Film("h264", "libx264", "h264", options={"bf": "0"}),
    "h264-reordered": Film("h264", "libx264", "h264", options={"bf": "3"}),
    "hevc": Film("hevc", "libx265", "hevc", options={"x265-params": "log-level=none"}),
    "m4v": Film("m4v", "mpeg4", "m4v"),
    "m2v": Film("mpeg2video", "mpeg2video", "mpegvideo"),
}


@pytest.mark.parametrize("name", RAW)
def test_bare_streams_are_known_for_what_they_are(name: str) -> None:
    assert sniff(film(RAW[name], seconds=1)[:HEAD_BYTES]) == MediaType("pyav", RAW[name].demuxer)


def test_a_start_code_alone_is_no_film() -> None:
    """The signatures of bare streams are short; what else begins with zeros must not be taken for one."""
    for data in (bytes(4096), b"\0\0\1" + bytes(4096), b"\0\0\0\1" + b"\xff" * 4096, bytes(3) + b"\1text" * 99):
        assert sniff(data[:HEAD_BYTES]) is None


@pytest.mark.parametrize("rate", [10, 25, 30])
@pytest.mark.parametrize("name", RAW)
def test_bare_streams_are_timed_by_their_frame_rate(name: str, rate: int) -> None:
    """They have no time stamps; the rate stands in the codec's own header."""
    if (name, rate) == ("m2v", 10):
        pytest.skip("MPEG-2 knows no 10 frames a second")
    of = replace(RAW[name], rate=rate)
    frames = whole(film(of, seconds=3), media_type=MediaType("pyav", of.demuxer))
    assert times(frames) == pytest.approx([number / rate for number in range(3 * rate)], abs=1e-3)
    assert scenes(frames) == [number // rate for number in range(3 * rate)]


@pytest.mark.parametrize("sampling", ["steady", "keys"])
@pytest.mark.parametrize("name", RAW)
def test_bare_streams_are_sampled_at_the_same_times(name: str, sampling: str) -> None:
    of = replace(RAW[name], rate=25, options={**RAW[name].options, "g": "25"})
    frames = whole(film(of, seconds=5), SAMPLINGS[sampling], MediaType("pyav", of.demuxer))
    assert len(frames) >= 5
    assert scenes(frames) == [int(frame.time + 1e-2) for frame in frames]


# Which way is up: see TURNS in test_video.py for what pixels of full size become.


@pytest.mark.parametrize("sampling", SAMPLINGS)
@pytest.mark.parametrize(
    ("matrix", "turn"),
    [
        ((0, 1, -1, 0), Image.Transpose.ROTATE_270),
        ((-1, 0, 0, -1), Image.Transpose.ROTATE_180),
        ((0, -1, 1, 0), Image.Transpose.ROTATE_90),
        ((-1, 0, 0, 1), Image.Transpose.FLIP_LEFT_RIGHT),
        ((0, 1, 1, 0), Image.Transpose.TRANSPOSE),
    ],
)
@pytest.mark.parametrize("name", ["mp4", "mp4-hevc", "mov"])
def test_squares_are_upright(
    name: str, matrix: tuple[int, int, int, int], turn: Image.Transpose, sampling: str
) -> None:
    shown = scene(0, *SIZE).transpose(turn)
    frame = whole(with_display_matrix(film(name, seconds=1), *matrix), SAMPLINGS[sampling])[0]
    assert frame.size == shown.size
    assert difference(frame, shown) <= ALIKE


# What is no film.


def test_a_song_is_no_media() -> None:
    assert sniff(sound("ipod")[:HEAD_BYTES]) is None


@pytest.mark.parametrize("container", ["mp4", "matroska", "mov", "mpegts", "flv"])
def test_sound_alone_is_told_as_such(container: str) -> None:
    """But in streams and FLV a film may begin later than FFmpeg looks."""
    frames, error = decoded(sound(container))
    assert error is not None
    expected = Message.of("no-video-stream") if container in ("mpegts", "flv") else Message.of("sound-only")
    assert (frames, error.failure) == ([], Failure("no-usable-frames", expected))


def _with_attached_cover(container: str = "matroska", codec: str = "aac") -> bytes:
    out = io.BytesIO()
    with av.open(io.BytesIO(sound("matroska", codec))) as reader, av.open(out, "w", format=container) as writer:
        stream = writer.add_stream_from_template(reader.streams.audio[0])
        writer.add_attachment("cover.jpg", "image/jpeg", saved(scene(7), "JPEG"))
        for packet in reader.demux(audio=0):
            if packet.size:
                packet.stream = stream
                writer.mux(packet)
    return out.getvalue()


@pytest.mark.parametrize("container", ["mp4", "matroska"])
def test_sound_with_a_cover_is_told_as_such(container: str) -> None:
    song = with_cover(sound("mp4")) if container == "mp4" else _with_attached_cover()
    with av.open(io.BytesIO(song)) as reader:
        assert len(reader.streams.video) == 1, "or the test proves nothing"
    frames, error = decoded(song)
    assert error is not None
    assert (frames, error.code) == ([], "no-usable-frames")
    assert error.detail == Message.of("cover-only")


# Damage.


def _with_index_in_front(mp4: bytes) -> bytes:
    """As files are made for the web: moov before mdat, and all places of chunks (stco) moved by its length."""
    start, first = mp4.rindex(b"moov") - 4, int.from_bytes(mp4[:4], "big")
    assert start + int.from_bytes(mp4[start : start + 4], "big") == len(mp4)
    index = bytearray(mp4[start:])
    assert index.count(b"stco") == 1
    at = index.index(b"stco") + 12
    count = int.from_bytes(index[at - 4 : at], "big")
    places = np.frombuffer(mp4, ">u4", count, start + at) + np.uint32(len(index))
    index[at : at + 4 * count] = places.astype(">u4").tobytes()
    return mp4[:first] + bytes(index) + mp4[first:start]


CUT = {
    "mp4 with its index in front": lambda: _with_index_in_front(film("mp4")),
    "mp4 in fragments": lambda: film("mp4-fragmented"),
    "avi": lambda: film("avi"),
    "flv": lambda: film("flv"),
    "wmv": lambda: film("wmv"),
    "mpg": lambda: film("mpg"),
    "mkv": lambda: film("mkv"),
    "webm": lambda: film("webm-vp8"),
}


@pytest.mark.parametrize("share", [0.5, 0.8])
@pytest.mark.parametrize("sampling", ["every", "steady"])
@pytest.mark.parametrize("name", CUT)
def test_a_cut_film_is_partial(name: str, sampling: str, share: float) -> None:
    """Cut in the middle of a packet: everything before that is there. Half the bytes are half the film: scenes are alike
    in what they take, and the first frame of each takes nearly all."""
    data = CUT[name]()
    frames, error = decoded(data[: round(len(data) * share) + 7], SAMPLINGS[sampling])
    assert error is not None, "is taken for a whole film"
    assert error.code == "partial"
    assert frames[-1].time >= 5.5 * share - 2
    good = [frame for frame in frames if frame.time < 5.5 * share - 1.5]
    assert scenes(good) == [int(frame.time + 1e-2) for frame in good]


def test_a_film_that_is_all_there_is_not_partial() -> None:
    """Also where the container's duration is that of its sound, or counts the last frame's own time."""
    for name in CUT:
        whole(CUT[name]())
    whole(_with_longer_sound())


def _with_longer_sound() -> bytes:
    """A film of two seconds in a file of nine."""
    out = io.BytesIO()
    with (
        av.open(io.BytesIO(film("mkv", seconds=2))) as shown,
        av.open(io.BytesIO(sound("matroska", seconds=9))) as heard,
        av.open(out, "w", format="matroska") as writer,
    ):
        streams = [writer.add_stream_from_template(reader.streams[0]) for reader in (shown, heard)]
        for reader, stream in zip((shown, heard), streams, strict=True):
            for packet in reader.demux():
                if packet.size:
                    packet.stream = stream
                    writer.mux(packet)
    return out.getvalue()


#: Films in which no frame is made of another.
ALONE = {
    "mjpeg": FILMS["avi-mjpeg"],
    "png": Film("mov", "png", "mov", pixels="rgb24"),
    "prores": FILMS["mov-prores"],
    "h264": replace(FILMS["mp4"], options={"g": "1"}),
}


def _spoiled(data: bytes, demuxer: str, number: int) -> bytes:
    """The film with one packet's bytes set to zero, but for a few at its beginning, by which formats tell packets."""
    with av.open(io.BytesIO(data), format=demuxer) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
        start, size = packets[number].pos, packets[number].size
        assert start is not None and data[start:].find(bytes(packets[number])) in range(40)
        start += data[start:].find(bytes(packets[number]))
    return data[:start] + bytes(size) + data[start + size :]


@pytest.mark.parametrize("name", ALONE)
def test_one_bad_packet_costs_one_packet(name: str) -> None:
    of = ALONE[name]
    data = film(of, seconds=4)
    frames, error = decoded(_spoiled(data, of.demuxer, 17))
    assert error is not None and error.code == "partial"
    expected = times(whole(data))
    del expected[17]
    assert [at for at, seed in zip(times(frames), scenes(frames), strict=True) if seed == int(at + 1e-2)] == expected


@pytest.mark.parametrize("name", ["mp4", "mkv", "mp4-hevc", "webm-vp8", "webm-vp9", "avi", "flv"])
def test_one_bad_packet_costs_no_more_than_its_group(name: str) -> None:
    """What follows may be made of the damaged frame, until the next key frame; which here comes every second."""
    of = replace(FILMS[name], options={**FILMS[name].options, "g": "8"})
    data = film(of, seconds=4)
    frames, error = decoded(_spoiled(data, of.demuxer, 17))
    assert error is not None and error.code == "partial"
    right = [at for at, seed in zip(times(frames), scenes(frames), strict=True) if seed == int(at + 1e-2)]
    expected = [at for at in times(whole(data)) if not 2 <= at < 3]
    assert set(expected) <= set(right)


# Animations.

PAUSES = [500, 100, 1500, 200]


@pytest.mark.parametrize(("format", "more"), [("GIF", {}), ("WEBP", {"lossless": True}), ("PNG", {}), ("AVIF", {})])
def test_animations_are_films_with_their_own_times(format: str, more: dict[str, Any]) -> None:
    frames = whole(animation(format, PAUSES, len(PAUSES), **more))
    assert times(frames) == pytest.approx([0, 0.5, 0.6, 2.1], abs=2e-3)
    assert scenes(frames, (96, 72)) == [0, 1, 2, 3]
    assert {frame.size for frame in frames} == {(96, 72)}

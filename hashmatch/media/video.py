"""Films to sampled upright frames, through PyAV (FFmpeg).

FFmpeg gets one demuxer, that of the recognised format, on a descriptor that is already open, and no protocol: so a script
or playlist inside a film cannot make it open another file. Frames are made small and grey inside FFmpeg; only exact
hashes take frames of full size as Python arrays.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import Any, BinaryIO

import av
import av.container
import av.error
import av.video
import numpy as np
import numpy.typing as npt
from av.video.reformatter import VideoReformatter

from hashmatch.errors import MediaError
from hashmatch.media import matroska
from hashmatch.media.classified import one_line
from hashmatch.media.encryption import is_encrypted
from hashmatch.media.limits import Limits
from hashmatch.media.moments import pictures_at
from hashmatch.media.opened import Film, Frame
from hashmatch.media.packets import packets_of, wanted
from hashmatch.media.sampling import REACH, SampleClock, Sampling
from hashmatch.media.sniff import MediaType
from hashmatch.messages import Message
from hashmatch.records import Pixels

#: PyAV 18 and older raise an error over names in a film that are not UTF-8, unless given this option. Newer ones lack it.
_LENIENT: dict[str, Any] = {"metadata_errors": "replace"} if int(av.__version__.split(".")[0]) < 19 else {}

#: After this many damaged packets in a row the rest of the film is given up.
_MAX_BAD_PACKETS = 1000
#: Largest ratio of a pixel's width to its height that we believe.
MOST_OBLONG = 8

Stream = av.video.stream.VideoStream


def open_video(file: BinaryIO, media_type: MediaType, limits: Limits, exact: bool) -> Film:
    """Open a film. The file must be seekable and stay open while frames are iterated.

    Raises MediaError: corrupt, encrypted, too-large, no-usable-frames, out-of-memory, unsupported-format.
    """
    av.logging.set_level(None)
    if is_encrypted(file, media_type):
        raise MediaError("encrypted", Message.of("encrypted"))
    container, stream = _open(file, media_type)
    with container:
        width, height = stream.codec_context.width, stream.codec_context.height
        if width * height > limits.max_pixels:
            detail = Message.of("pixel-limit", width=width, height=height, limit=limits.max_pixels)
            raise MediaError("too-large", detail)
        duration = container.duration / av.time_base if container.duration else None
        decoder = f"pyav {container.format.name.split(',')[0]} {stream.codec_context.name}"
        rate, shape = _rate(stream), _pixel_shape(stream)

    is_cut = media_type.format.startswith("matroska") and matroska.is_cut(file)

    def frames(sampling: Sampling) -> Iterator[Frame]:
        file.seek(0)
        again, film = _open(file, media_type)
        with again:
            yield from _frames(again, film, sampling, exact, limits)
        if is_cut:
            raise MediaError("partial", Message.of("end-missing"))

    def pictures(moments: Sequence[float], side: int, beat: Callable[[float], None]) -> tuple[Pixels | None, ...]:
        reformatter = VideoReformatter()
        return pictures_at(moments, decode, lambda frame: _small(frame, side, shape, limits, reformatter), beat)

    def decode(sampling: Sampling) -> Iterator[tuple[float, av.VideoFrame]]:
        file.seek(0)
        again, film = _open(file, media_type)
        with again:
            for time, _reach, frame in _timed_frames(again, film, sampling):
                yield time, frame

    return Film(duration, decoder + (" exact" if exact else ""), frames, pictures, rate)


def _open(file: BinaryIO, media_type: MediaType) -> tuple[av.container.InputContainer, Stream]:
    try:
        container = av.open(
            file,
            mode="r",
            format=media_type.format,
            container_options={"format_whitelist": media_type.format, "protocol_whitelist": ""},
            **_LENIENT,
        )
        stream = _film_stream(container)
    except MediaError:
        raise
    except MemoryError as error:
        raise MediaError("out-of-memory", Message.of("memory-limit")) from error
    except Exception as error:  # PyAV raises kinds of OSError, ValueError and others; here all mean a bad header
        raise MediaError("corrupt", Message.of("cannot-be-opened", why=one_line(error))) from error
    if stream.codec_context is None:
        raise MediaError("unsupported-format", Message.of("no-video-decoder"))
    stream.codec_context.thread_count = 1  # the worker processes use the cores
    return container, stream


def _film_stream(container: av.container.InputContainer) -> Stream:
    """The stream that a player would show: the default one, or the first that is not cover art."""
    streams = [s for s in container.streams.video if not s.disposition & av.stream.Disposition.attached_pic]
    if not streams:
        covers = len(container.streams.video)
        alone = Message.of("sound-only") if has_only_sound(container) else Message.of("no-video-stream")
        raise MediaError("no-usable-frames", Message.of("cover-only") if covers else alone)
    return next((s for s in streams if s.disposition & av.stream.Disposition.default), streams[0])


#: Demuxers whose files list all streams at the beginning. In others, a film may begin later.
_WITH_A_LIST = ("mov", "matroska", "ogg", "asf", "avi", "nut", "rm")


def has_only_sound(container: av.container.InputContainer) -> bool:
    """Whether a file without a film certainly is a sound file."""
    return bool(container.streams.audio) and container.format.name.split(",")[0] in _WITH_A_LIST


def _frames(
    container: av.container.InputContainer, stream: Stream, sampling: Sampling, exact: bool, limits: Limits
) -> Iterator[Frame]:
    clock, reach = SampleClock(sampling.rate), 0
    if sampling.rate:
        # Skip frames that no other frame builds on; few of them would be sampled. Not "NONKEY", even for key frames: where
        # those are far apart, `wanted` yields what is between them.
        stream.codec_context.skip_frame = "NONREF"
    # One for all frames, and in this thread: a new one for each frame would start threads, and take 100 times as long.
    reformatter = VideoReformatter()
    for time, its_reach, frame in _timed_frames(container, stream, sampling):
        if its_reach != reach:
            clock, reach = SampleClock(sampling.rate, its_reach * REACH), its_reach
        if not sampling.wants(time) or not clock.due(time):
            continue
        with _showing(frame, limits):
            pixels, size = _upright(frame, sampling.side, exact, reformatter)
        yield Frame(pixels, round(time, 3), size, reach)


@contextlib.contextmanager
def _showing(frame: av.VideoFrame, limits: Limits) -> Iterator[None]:
    if frame.width * frame.height > limits.max_pixels:
        raise MediaError("too-large", Message.of("frame-too-large"))
    try:
        yield
    except (ValueError, OSError) as error:
        raise MediaError("partial", Message.of("frame-not-shown", why=one_line(error))) from error


def _rate(stream: Stream) -> float:
    # The guess comes from the codec's own header. The average of a bare stream is just FFmpeg's default, 25.
    return float(stream.guessed_rate or stream.average_rate or 25)


def _timed_frames(
    container: av.container.InputContainer, stream: Stream, sampling: Sampling
) -> Iterator[tuple[float, int, av.VideoFrame]]:
    """The wanted frames, as (seconds since the film's first frame, reach, frame). Raises MediaError "partial" at the end if
    some could not be decoded.

    Decodes packet by packet: FFmpeg's own loop stops at the first damaged packet, and a sound film may have many.
    """
    rate = _rate(stream)
    base = stream.time_base or Fraction(1, round(rate))
    ticks, a_second = base.numerator, base.denominator
    every = not sampling.rate and sampling.parts is None
    is_whole = sampling.parts is None and sampling.share.of == 1
    number, in_a_row, reach, is_numbered = 0, 0, 0, False
    damage: list[str] = []
    is_cut_off = False

    def timed(frames: list[av.VideoFrame]) -> Iterator[tuple[float, int, av.VideoFrame]]:
        nonlocal number
        for frame in frames:
            # Not frame.time: frames that were still held when a reach ended have no time base. Nor pts * base, which gives
            # the same number but takes ten times as long.
            time = number / rate if frame.pts is None or is_numbered else frame.pts * ticks / a_second
            number += 1
            yield max(0.0, time), reach, frame

    try:
        for packet, packet_time, is_untimed, its_reach in wanted(packets_of(container, stream, rate, damage), sampling):
            is_numbered = is_untimed and every
            try:
                if its_reach != reach and not sampling.keys:
                    yield from timed(stream.codec_context.decode(None))
                    stream.codec_context.flush_buffers()
                reach = its_reach
                if is_untimed and not every and packet.size:
                    packet.pts = round(packet_time / float(packet.time_base))
                frames = packet.decode()
            except MemoryError:
                raise
            except Exception as error:  # decoders raise anything, even PermissionError; here it means bad data
                in_a_row, reach = in_a_row + 1, its_reach
                damage[:] = [one_line(error)]
                if in_a_row >= _MAX_BAD_PACKETS:
                    break
                continue
            in_a_row = 0
            is_cut_off = is_cut_off or packet.is_corrupt or any(frame.is_corrupt for frame in frames)
            yield from timed(frames)
    except MemoryError as error:
        raise MediaError("out-of-memory", Message.of("memory-limit")) from error
    if number == 0 and is_whole:
        raise MediaError("no-usable-frames", _why_no_frame(damage, is_cut_off))
    if damage:
        raise MediaError("partial", Message.of("parts-damaged", why=damage[-1]))
    if is_cut_off:
        raise MediaError("partial", Message.of("parts-cut-off"))


def _why_no_frame(damage: list[str], is_cut_off: bool) -> Message:
    if damage:
        return Message.of("no-frame-decoded", why=damage[-1])
    return Message.of("no-frame-decoded-cut-off") if is_cut_off else Message.of("no-frames")


def _upright(
    frame: av.VideoFrame, side: int, exact: bool, reformatter: VideoReformatter
) -> tuple[npt.NDArray[np.uint8], tuple[int, int]]:
    """The frame as a player shows it, turned and mirrored as the container says; and its width and height.

    Returns full-range brightness, (side, side), or full-size RGB for exact hashes. It is scaled down by the mean of the
    pixels ("AREA"), which is 7 bits from the hash of the full frame; FFmpeg's fast bilinear filter is 36 away.
    """
    pixels: Any
    if exact:
        pixels = reformatter.reformat(frame, format="rgb24", threads=1).to_ndarray()
    else:
        small = reformatter.reformat(frame, side, side, "gray", interpolation="AREA", threads=1)
        pixels = small.to_ndarray()
    pixels, on_its_side = _turned(pixels, frame)
    return pixels, (frame.height, frame.width) if on_its_side else (frame.width, frame.height)


def _pixel_shape(stream: Stream) -> float:
    """A pixel's width divided by its height. If the file says that it is far from square, we do not believe it."""
    shape = float(stream.sample_aspect_ratio or 1)
    return shape if MOST_OBLONG > shape > 1 / MOST_OBLONG else 1.0


def _small(frame: av.VideoFrame, side: int, shape: float, limits: Limits, reformatter: VideoReformatter) -> Pixels:
    """The frame in colour, as a player shows it. side: pixels of the longer side, at most. shape: see _pixel_shape."""
    with _showing(frame, limits):
        wide = frame.width * shape
        scale = min(1.0, side / max(wide, frame.height))
        width, height = (max(1, round(length * scale)) for length in (wide, frame.height))
        small = reformatter.reformat(frame, width, height, "rgb24", interpolation="AREA", threads=1)
        rgb: Any = small.to_ndarray()
        pixels, _on_its_side = _turned(rgb, frame)
    return Pixels(pixels.shape[1], pixels.shape[0], pixels.tobytes())


def _turned(pixels: npt.NDArray[np.uint8], frame: av.VideoFrame) -> tuple[npt.NDArray[np.uint8], bool]:
    """A picture of the frame turned as the container says, and whether that puts it on its side."""
    matrix: Any = frame.side_data.get("DISPLAYMATRIX")
    if matrix is None:
        return pixels, False
    # ISO/IEC 14496-12, tkhd: x' = a x + c y, y' = b x + d y
    a, b, _u, c, d = np.sign(np.frombuffer(matrix, np.int32)[:5])
    on_its_side = bool(a == 0 and d == 0)
    if on_its_side:
        pixels, a, d = pixels.swapaxes(0, 1), c, b
    return np.ascontiguousarray(pixels[:: d or 1, :: a or 1]), on_its_side

"""Films to sampled upright pictures, through PyAV (FFmpeg).

Only the demuxer that the content was recognised as is opened, on a descriptor that is already open, with no protocol
allowed: a script or playlist inside a film cannot make FFmpeg open another file.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

import av
import av.container
import av.error
import av.video
import numpy as np
from av.video.reformatter import VideoReformatter
from PIL import Image

from hashmatch.errors import MediaError
from hashmatch.hashers.base import Picture
from hashmatch.i18n import _
from hashmatch.media.image import one_line
from hashmatch.media.limits import Limits
from hashmatch.media.opened import Opened
from hashmatch.media.sampling import SampleClock
from hashmatch.media.sniff import MediaType

#: PyAV 18 and older raise over names in a film that are no UTF-8, unless told otherwise; newer ones have no such option.
_LENIENT: dict[str, Any] = {"metadata_errors": "replace"} if int(av.__version__.split(".")[0]) < 19 else {}

#: So many damaged packets in a row, and the rest of the film is given up.
_MAX_BAD_PACKETS = 1000
#: Seconds by which frames of one recording may come out of order.
_MAX_STEP_BACK = 1.0


def open_video(file: BinaryIO, media_type: MediaType, limits: Limits, exact: bool) -> Opened:
    """Open a film. The file must be seekable and stay open while the pictures are iterated.

    Raises MediaError: corrupt, too-large, no-usable-frames, out-of-memory.
    """
    av.logging.set_level(None)
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
        raise MediaError("out-of-memory", _("decoding needs more memory than the limit")) from error
    except Exception as error:  # PyAV raises OSError kinds, ValueError and others; here all mean a bad header
        raise MediaError("corrupt", _("cannot be opened as film: {why}").format(why=one_line(error))) from error
    if stream.codec_context is None:
        raise MediaError("unsupported-format", _("there is no decoder for its video stream"))
    width, height = stream.codec_context.width, stream.codec_context.height
    if width * height > limits.max_pixels:
        message = _("{width:,} × {height:,} pixels are more than the limit of {limit:,}")
        raise MediaError("too-large", message.format(width=width, height=height, limit=limits.max_pixels))
    duration = container.duration / av.time_base if container.duration else None
    stream.codec_context.thread_count = 1  # the worker processes are what uses the cores
    decoder = f"pyav {container.format.name.split(',')[0]} {stream.codec_context.name}" + (" exact" if exact else "")
    pictures = _pictures(container, stream, exact, limits)
    return Opened("video", duration, decoder, pictures)


def _film_stream(container: av.container.InputContainer) -> av.video.stream.VideoStream:
    """The stream that a player would show: the default or first one that is no cover art."""
    streams = [s for s in container.streams.video if not s.disposition & av.stream.Disposition.attached_pic]
    if not streams:
        raise MediaError("no-usable-frames", _("holds no video stream"))
    return next((s for s in streams if s.disposition & av.stream.Disposition.default), streams[0])


def _pictures(
    container: av.container.InputContainer, stream: av.video.stream.VideoStream, exact: bool, limits: Limits
) -> Iterator[Picture]:
    clock = SampleClock()
    sampled = 0
    # One for all frames, and in this thread: each frame of its own would start threads, which takes 100 times as long.
    reformatter = VideoReformatter()
    with container:
        for time, frame in _timed_frames(container, stream):
            if not clock.due(time):
                continue
            if sampled >= limits.max_frames:
                raise MediaError("too-large", _("more than {limit:,} sampled frames").format(limit=limits.max_frames))
            sampled += 1
            if frame.width * frame.height > limits.max_pixels:
                raise MediaError("too-large", _("a frame is larger than the limit"))
            try:
                picture = _upright(frame, exact, time, reformatter)
            except (ValueError, OSError) as error:
                raise MediaError("partial", _("a frame cannot be shown ({why})").format(why=one_line(error))) from error
            yield picture


def _timed_frames(
    container: av.container.InputContainer, stream: av.video.stream.VideoStream
) -> Iterator[tuple[float, av.VideoFrame]]:
    """All frames that can be decoded, with seconds since the first; then MediaError "partial" if some could not.

    Decoded packet by packet: FFmpeg's own loop stops at the first damaged packet, of which a sound film may have many.
    """
    rate = float(stream.average_rate or stream.guessed_rate or 25)
    start: float | None = None
    last = 0.0
    number, in_a_row, damage = 0, 0, ""
    packets = iter(container.demux(stream))
    while in_a_row < _MAX_BAD_PACKETS:
        try:
            packet = next(packets, None)
            if packet is not None and packet.size == 0 and packet.pts is not None:
                continue  # "show the last frame again", in Theora and others; the decoder would refuse it
            frames = [] if packet is None else packet.decode()
        except MemoryError as error:
            raise MediaError("out-of-memory", _("decoding needs more memory than the limit")) from error
        except Exception as error:  # decoders raise all kinds, even PermissionError: at this stage it is bad data
            in_a_row, damage = in_a_row + 1, one_line(error)
            continue
        if packet is None:
            break
        in_a_row = 0
        if packet.is_corrupt or any(frame.is_corrupt for frame in frames):
            damage = damage or _("a part is cut off")
        for frame in frames:
            time = frame.time if frame.time is not None else (start or 0.0) + number / rate
            start = time if start is None else start
            if time - start < last - _MAX_STEP_BACK:
                start = time - last - 1 / rate  # another recording was joined on, and its clock begins anew
            last = max(last, time - start)
            number += 1
            yield max(0.0, time - start), frame
    if number == 0:
        message = _("no frame could be decoded ({why})").format(why=damage) if damage else _("holds no frames")
        raise MediaError("no-usable-frames", message)
    if damage:
        raise MediaError("partial", _("parts are damaged and were left out ({why})").format(why=damage))


def _upright(frame: av.VideoFrame, exact: bool, time: float, reformatter: VideoReformatter) -> Picture:
    """The frame as a player shows it: full-range brightness or RGB, turned and mirrored as the container tells."""
    pixels: Any = reformatter.reformat(frame, format="rgb24" if exact else "gray", threads=1).to_ndarray()
    matrix: Any = frame.side_data.get("DISPLAYMATRIX")
    if matrix is not None:
        # ISO/IEC 14496-12, tkhd: x' = a x + c y, y' = b x + d y
        a, b, _u, c, d = np.sign(np.frombuffer(matrix, np.int32)[:5])
        if a == 0 and d == 0:
            pixels, a, d = pixels.swapaxes(0, 1), c, b
        pixels = np.ascontiguousarray(pixels[:: d or 1, :: a or 1])
    image = Image.fromarray(pixels)
    return Picture(image, image.size, exact, time)

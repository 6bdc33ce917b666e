"""Films to sampled upright frames, through PyAV (FFmpeg).

FFmpeg gets one demuxer, that of the recognised format, on a descriptor that is already open, and no protocol: so a script
or playlist inside a film cannot make it open another file. Frames are made small and grey inside FFmpeg (film_screen.py);
only exact hashes, and films with transparency, take frames of full size as Python arrays.
"""

from __future__ import annotations

import functools
import gc
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import BinaryIO, NamedTuple

import av
import av.container
import av.error
import av.video
from PIL import Image

from hashmatch.errors import MediaError
from hashmatch.hashers.base import Picture
from hashmatch.media import matroska
from hashmatch.media.classified import one_line
from hashmatch.media.edit_lists import has_endless_edits
from hashmatch.media.encryption import is_encrypted
from hashmatch.media.film_alpha import decoder_of
from hashmatch.media.film_container import Stream, covers_in, open_container, order_of
from hashmatch.media.film_screen import Screen
from hashmatch.media.limits import Limits
from hashmatch.media.moments import pictures_at
from hashmatch.media.opened import Beat, Film, Frame, Stills, unheard
from hashmatch.media.packets import packets_of, wanted
from hashmatch.media.sampling import DENSE_RATE, KEY_FRAMES, REACH, SampleClock, Sampling
from hashmatch.media.sniff import MediaType
from hashmatch.messages import Message
from hashmatch.records import Pixels
from hashmatch.system import give_back
from hashmatch.views import FULL

#: After this many damaged packets in a row the rest of the film is given up.
_MAX_BAD_PACKETS = 1000
#: Pixels by which decoders may round a frame's size up.
_PADDING = 1 << 20
#: Largest ratio of a pixel's width to its height that we believe.
MOST_OBLONG = 8


def open_video(
    file: BinaryIO, media_type: MediaType, limits: Limits, exact: bool, number: int | None = None
) -> Film | Stills:
    """Open a film. The file must be seekable and stay open while frames are iterated.

    number: which of the streams besides the main one; None: the main one. A film of one frame is a still picture.
    Raises MediaError: corrupt, encrypted, too-large, no-usable-frames, out-of-memory, unsupported-format.
    """
    av.logging.set_level(None)
    if is_encrypted(file, media_type):
        raise MediaError("encrypted", Message.of("encrypted"))
    options = {"max_pixels": str(limits.max_pixels + limits.max_pixels // 10 + _PADDING)}
    edits = {"ignore_editlist": "1"} if media_type.format.startswith("mov") and has_endless_edits(file) else {}
    with open_container(file, media_type, options, edits) as container:
        order, covers = order_of(container), len(covers_in(container))
        index = order.indexes[0 if number is None else number + 1]
        opened = _prepared(container, index, options)
        width, height = opened.stream.codec_context.width, opened.stream.codec_context.height
        if width * height > limits.max_pixels:
            detail = Message.of("pixel-limit", width=width, height=height, limit=limits.max_pixels)
            raise MediaError("too-large", detail)
        duration = container.duration / av.time_base if container.duration else None
        decoder = f"pyav {container.format.name.split(',')[0]} {opened.decoder.name}" + (" exact" if exact else "")
        rate, shape = _rate(opened.stream), _pixel_shape(opened.stream)

    open_again = functools.partial(_open, file, media_type, index, options, edits)
    others = len(order.indexes) - 1 if number is None else 0
    if index in order.single:
        return Stills(decoder, _one_frame(open_again, limits, exact), others)
    is_cut = media_type.format.startswith("matroska") and matroska.is_cut(file)

    def frames(sampling: Sampling, beat: Beat = unheard) -> Iterator[Frame]:
        yield from _frames(open_again, sampling, exact, limits, beat)
        if is_cut:
            raise MediaError("partial", Message.of("end-missing"))

    def pictures(moments: Sequence[float], side: int, beat: Beat) -> tuple[Pixels | None, ...]:
        screen = Screen(limits)

        def decode(sampling: Sampling) -> Iterator[tuple[float, av.VideoFrame]]:
            again = open_again()
            with again.container:
                for time, _reach, frame in _timed_frames(again, sampling, limits, beat):
                    yield time, frame

        return pictures_at(moments, decode, lambda frame: screen.small(frame, side, shape))

    return Film(duration, decoder, frames, pictures, rate, others, covers if number is None else 0)


class _Opened(NamedTuple):
    container: av.container.InputContainer
    stream: Stream
    decoder: av.video.codeccontext.VideoCodecContext


def _open(file: BinaryIO, media_type: MediaType, index: int, options: dict[str, str], edits: dict[str, str]) -> _Opened:
    """Open one stream. index: FFmpeg's, of all streams. options: of decoders. edits: further ones of the demuxer."""
    return _prepared(open_container(file, media_type, options, edits), index, options)


def _prepared(container: av.container.InputContainer, index: int, options: dict[str, str]) -> _Opened:
    """A stream of an open container, ready to be decoded. Closes the container if there is no decoder."""
    stream = next((each for each in container.streams.video if each.index == index), None)
    if stream is None or stream.codec_context is None:
        container.close()
        raise MediaError("unsupported-format", Message.of("no-video-decoder"))
    decoder = decoder_of(stream)
    decoder.thread_count = 1  # the worker processes use the cores
    decoder.options = options
    return _Opened(container, stream, decoder)


def _one_frame(open_again: Callable[[], _Opened], limits: Limits, exact: bool) -> Iterator[Picture]:
    """The picture of a film that has only one frame, in all its looks."""
    screen, opened = Screen(limits), open_again()
    is_first = True
    with opened.container:
        for time, reach, frame in _timed_frames(
            opened, Sampling(), limits, unheard
        ):  # to the end, where damage is told
            if not is_first:
                continue
            is_first = False
            shown = (screen.whole if exact else screen.still)(frame, time, reach)
            for view, pixels in ((FULL, shown.pixels), *shown.looks):
                image = Image.fromarray(pixels)
                yield Picture(image if exact else image.convert("L"), shown.size, exact, view=view)


def _frames(
    open_again: Callable[[], _Opened], sampling: Sampling, exact: bool, limits: Limits, beat: Beat
) -> Iterator[Frame]:
    """The wanted frames. If they take too much memory, because each builds on many others, only key frames from there on."""
    last, has_failed = float("-inf"), False
    try:
        for frame in _shown(open_again(), sampling, exact, limits, beat):
            yield frame
            last = frame.time
    except MediaError as error:
        if error.code != "out-of-memory" or sampling.keys:
            raise
        has_failed = True
    if has_failed:
        gc.collect()  # the decoder and its frames, on which nothing holds here any more
        give_back()
        keys = replace(sampling, keys=True, rate=sampling.rate or KEY_FRAMES.rate)
        frames = _shown(open_again(), keys, exact, limits, beat)
        yield from (frame for frame in frames if frame.time > last)
        raise MediaError("out-of-memory", Message.of("key-frames-only"))


def _shown(opened: _Opened, sampling: Sampling, exact: bool, limits: Limits, beat: Beat) -> Iterator[Frame]:
    clock, reach = SampleClock(sampling.rate), 0
    least = 0.0
    if sampling.rate and (opened.stream.average_rate or DENSE_RATE) >= DENSE_RATE:
        # Skip frames that no other frame builds on; few of them would be sampled, unless each is shown for long. Not
        # "NONKEY", even for key frames: where those are far apart, `wanted` yields what is between them.
        opened.decoder.skip_frame = "NONREF"
        least = _LONG_SHOWN
    screen = Screen(limits)
    show = screen.whole if exact else functools.partial(screen.square, side=sampling.side)
    with opened.container:
        for time, its_reach, frame, lasts in _with_lengths(_timed_frames(opened, sampling, limits, beat)):
            if its_reach != reach:
                clock, reach = SampleClock(sampling.rate, its_reach * REACH), its_reach
            if sampling.wants(time) and clock.due(time, lasts if lasts >= least else 0.0):
                yield show(frame, time, reach)


#: Seconds until the next frame that are no gap between frames that were skipped.
_LONG_SHOWN = 1.0


def _with_lengths(
    frames: Iterator[tuple[float, int, av.VideoFrame]],
) -> Iterator[tuple[float, int, av.VideoFrame, float]]:
    """The frames with the seconds until the next one; containers say this seldom, and can lie. For the last one it is 0, but
    of a film of half a second, which players repeat, or leave standing at its last frame."""
    last: tuple[float, int, av.VideoFrame] | None = None
    try:
        for each in frames:
            if last is not None:
                # Where another reach begins, another worker may have what is between.
                yield *last, each[0] - last[0] if each[1] == last[1] else 0.0
            last = each
    except MediaError:
        if last is not None:
            yield *last, 0.0
        raise
    if last is not None:
        yield *last, 0.0 if last[0] >= 0.5 else float("inf")


def _rate(stream: Stream) -> float:
    # The guess comes from the codec's own header. The average of a bare stream is just FFmpeg's default, 25.
    return float(stream.guessed_rate or stream.average_rate or 25)


def _timed_frames(
    opened: _Opened, sampling: Sampling, limits: Limits, beat: Beat
) -> Iterator[tuple[float, int, av.VideoFrame]]:
    """The wanted frames, as (seconds since the film's first frame, reach, frame). Raises MediaError "partial" at the end if
    some could not be decoded.

    Decodes packet by packet: FFmpeg's own loop stops at the first damaged packet, and a sound film may have many.
    """
    container, stream, decoder = opened
    rate = _rate(stream)
    base = stream.time_base or Fraction(1, round(rate))
    ticks, a_second = base.numerator, base.denominator
    every = not sampling.rate and sampling.parts is None
    is_whole = sampling.parts is None and sampling.share.of == 1
    number, position, in_a_row, reach, is_numbered = 0, 0.0, 0, 0, False
    damage: list[str] = []
    is_cut_off = False

    def timed(frames: list[av.VideoFrame]) -> Iterator[tuple[float, int, av.VideoFrame]]:
        nonlocal number, position
        for frame in frames:
            # Not frame.time: frames that were still held when a reach ended have no time base. Nor pts * base, which gives
            # the same number but takes ten times as long.
            time = number / rate if frame.pts is None or is_numbered else frame.pts * ticks / a_second
            number, position = number + 1, max(0.0, time)
            beat(position, frame.width * frame.height)
            yield position, reach, frame

    try:
        for packet, packet_time, is_untimed, its_reach in wanted(packets_of(container, stream, rate, damage), sampling):
            is_numbered = is_untimed and every
            held: list[av.VideoFrame] = []
            try:
                if its_reach != reach and not sampling.keys:
                    held = decoder.decode(None)
                    decoder.flush_buffers()
                if is_untimed and not every and packet.size:
                    packet.pts = round(packet_time / float(packet.time_base))
                frames = decoder.decode(packet)
            except MemoryError:
                raise
            except Exception as error:  # decoders raise anything, even PermissionError; here it means bad data
                if decoder.width * decoder.height > limits.max_pixels:
                    raise MediaError("too-large", Message.of("frame-too-large")) from error
                in_a_row, frames = in_a_row + 1, []
                damage[:] = [one_line(error)]
                if in_a_row >= _MAX_BAD_PACKETS:
                    break
            else:
                in_a_row = 0
                is_cut_off = is_cut_off or packet.is_corrupt or any(frame.is_corrupt for frame in frames)
            yield from timed(held)
            reach = its_reach
            yield from timed(frames)
            if not frames:
                beat(position, 0)
            # So that the decoder has their memory for the next ones.
            del frames, held
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


def _pixel_shape(stream: Stream) -> float:
    """A pixel's width divided by its height. If the file says that it is far from square, we do not believe it."""
    shape = float(stream.sample_aspect_ratio or 1)
    return shape if MOST_OBLONG > shape > 1 / MOST_OBLONG else 1.0

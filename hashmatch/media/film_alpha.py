"""Films with transparency: which decoder reads it, and how a frame looks on a light and on a dark ground."""

from __future__ import annotations

import functools
from typing import Any

import av
import av.container
import numpy as np
from av.video.reformatter import VideoReformatter

from hashmatch.media.film_colour import Pixels8, grey
from hashmatch.media.grounds import DARK, WHITE, is_seen_through, on_ground

#: FFmpeg's own decoders of VP8 and VP9 drop the alpha channel; these read it.
_WITH_ALPHA = {"vp8": "libvpx", "vp9": "libvpx-vp9"}
#: Rows to put on a ground at a time, so that the sums need little memory.
_ROWS = 128


def decoder_of(stream: av.video.stream.VideoStream) -> av.video.codeccontext.VideoCodecContext:
    """The decoder for a stream: its own, unless its container says that it has an alpha channel which that one drops."""
    own = stream.codec_context
    name = _WITH_ALPHA.get(own.name)
    if name is None or {key.lower(): value for key, value in stream.metadata.items()}.get("alpha_mode") != "1":
        return own
    try:
        decoder: Any = av.CodecContext.create(name, "r")
    except ValueError:  # this build of FFmpeg lacks it
        return own
    decoder.extradata = own.extradata
    return decoder  # type: ignore[no-any-return]


def grounded(
    frame: av.VideoFrame, width: int, height: int, reformatter: VideoReformatter
) -> tuple[av.VideoFrame, av.VideoFrame] | None:
    """The brightness of a frame on white and on the dark ground, in this size; None if nothing shines through."""
    if not _may_be_transparent(frame):
        return None
    both = grey_and_alpha(frame, reformatter)
    if both is None:
        return None
    pixels, alpha = both
    shown = []
    for ground in (WHITE, DARK):
        whole = np.empty_like(pixels)
        for row in range(0, len(pixels), _ROWS):
            part = slice(row, row + _ROWS)
            whole[part] = on_ground(pixels[part], alpha[part], ground)
        shown.append(grey(_as_frame(whole, "gray"), width, height, reformatter))
    return shown[0], shown[1]


def on_white(frame: av.VideoFrame, reformatter: VideoReformatter) -> av.VideoFrame:
    """A frame in colour on white; the same frame if nothing shines through."""
    if not _may_be_transparent(frame):
        return frame
    rgba: Any = reformatter.reformat(frame, format="rgba", threads=1).to_ndarray()
    if not is_seen_through(rgba[:, :, 3]):
        return frame
    whole = np.empty((*rgba.shape[:2], 3), np.uint8)
    for row in range(0, len(rgba), _ROWS):
        part = slice(row, row + _ROWS)
        whole[part] = on_ground(rgba[part, :, :3], rgba[part, :, 3], WHITE)
    return _as_frame(whole, "rgb24")


def grey_and_alpha(frame: av.VideoFrame, reformatter: VideoReformatter) -> tuple[Pixels8, Pixels8] | None:
    """A frame's brightness and alpha, full size, uint8 (height, width) each; None if nothing shines through."""
    both = reformatter.reformat(frame, format="ya8", threads=1)
    plane: Any = both.planes[0]
    pairs = np.frombuffer(plane, np.uint8).reshape(frame.height, -1)[:, : 2 * frame.width]
    alpha = pairs[:, 1::2]
    return (np.ascontiguousarray(pairs[:, ::2]), np.ascontiguousarray(alpha)) if is_seen_through(alpha) else None


def _as_frame(pixels: Pixels8, format: str) -> av.VideoFrame:
    return av.VideoFrame.from_ndarray(pixels, format=format)


def _may_be_transparent(frame: av.VideoFrame) -> bool:
    name = frame.format.name
    if name == "pal8":
        palette: Any = frame.planes[1]
        return bool(np.frombuffer(palette, np.uint8)[3::4].min(initial=255) < 255)
    return has_alpha(name)


@functools.cache
def has_alpha(format: str) -> bool:
    """Whether frames of this pixel format have an alpha channel. format: FFmpeg's name."""
    return any(component.is_alpha for component in av.VideoFormat(format).components)

"""What a file is, and so which decoder may touch it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Decoder = Literal[
    "pillow", "heif", "pyav", "ffmpeg-still", "raw", "jxl", "imagecodecs", "opencv", "tifffile", "probe", "sound"
]


@dataclass(frozen=True, slots=True)
class MediaType:
    """What a file is.

    decoder: what opens it; None for media that we recognise and refuse.
        pillow, heif: those libraries. pyav: a film. ffmpeg-still: a picture that FFmpeg decodes. raw: a camera's raw file,
        of which the largest preview is shown. jxl: JPEG XL. imagecodecs: what only that library of the extra `formats`
        decodes. opencv: a second opinion on what Pillow refuses. tifffile: the same for TIFF. probe: perhaps a film;
        FFmpeg is asked, among the demuxers that it may use. sound: no film, but it may have a cover picture.
    format: Pillow's name of the format, FFmpeg's name of the demuxer or of a still's codec, or a name to show.
    """

    decoder: Decoder | None
    format: str

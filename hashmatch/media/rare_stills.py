"""Stills that are not Pillow's: each goes to the one decoder for its type."""

from __future__ import annotations

from hashmatch.media import extra_codecs
from hashmatch.media.limits import Limits
from hashmatch.media.media_type import MediaType
from hashmatch.media.opened import Film, Stills
from hashmatch.media.picture_headers import LOSSLESS, jpeg_frame_header


def open_rare_still(data: bytes, media_type: MediaType, limits: Limits, exact: bool) -> Stills | Film:
    """Open a still that is held in memory. Raises MediaError as its decoder does."""
    if media_type.decoder == "jxl":
        from hashmatch.media.jxl import open_jxl

        return open_jxl(data, limits, exact)
    if media_type.decoder == "raw":
        from hashmatch.media.raw import open_raw

        return open_raw(data, limits, exact)
    if media_type.decoder == "imagecodecs" and not _ffmpeg_can(data, media_type.format):
        return extra_codecs.open_extra(data, media_type.format, limits, exact)
    codec = _FFMPEG.get(media_type.format, media_type.format)
    if media_type == MediaType("opencv", "JPEG") and (frame := jpeg_frame_header(data)) is not None:
        if frame.bits > 8:
            return extra_codecs.open_extra(data, "JPEG", limits, exact)
        codec = "ljpeg" if frame.marker == LOSSLESS else codec
    if media_type.decoder in ("ffmpeg-still", "imagecodecs") or codec == "ljpeg":
        from hashmatch.media.ffmpeg_still import open_ffmpeg_still

        return open_ffmpeg_still(data, codec, limits, exact)
    from hashmatch.media.second_opinion import open_with_opencv

    return open_with_opencv(data, media_type, limits, exact)


#: FFmpeg's names of formats that imagecodecs is asked for first.
_FFMPEG = {"JPEG-LS": "jpegls"}


def _ffmpeg_can(data: bytes, format: str) -> bool:
    return format == "JPEG-LS" and extra_codecs.load() is None and not extra_codecs.needs_extra(data)

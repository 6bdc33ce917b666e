"""Recognise a file by its first bytes, never by its name.

We have our own table rather than a library's, because it decides which decoder may touch hostile bytes: Pillow is opened
with exactly this format, and FFmpeg with exactly this demuxer. Signatures come from the specifications of the formats and
from https://www.garykessler.net/library/file_sigs.html.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

#: Bytes of a file's beginning that `sniff` needs.
HEAD_BYTES = 4096


Decoder = Literal["pillow", "heif", "pyav", "ffmpeg-still", "raw", "jxl", "opencv", "tifffile", "probe", "sound"]


@dataclass(frozen=True, slots=True)
class MediaType:
    """What a file is.

    decoder: what opens it; None for media that we recognise and refuse.
        pillow, heif: those libraries. pyav: a film. ffmpeg-still: a picture that FFmpeg decodes. raw: a camera's raw file,
        of which the largest preview is shown. jxl: JPEG XL. opencv: a second opinion on what Pillow refuses. tifffile: the
        same for TIFF. probe: perhaps a film; FFmpeg is asked, among the demuxers that it may use. sound: no film, but it
        may have a cover picture.
    format: Pillow's name of the format, FFmpeg's name of the demuxer, or a name to show for what is refused.
    """

    decoder: Decoder | None
    format: str


_START_CODES = (b"\0\0\x01", b"\0\0\0\x01")
_AT_START: tuple[tuple[bytes, MediaType], ...] = (
    (b"\xff\xd8\xff", MediaType("pillow", "JPEG")),
    (b"\x89PNG\r\n\x1a\n", MediaType("pillow", "PNG")),
    (b"GIF87a", MediaType("pillow", "GIF")),
    (b"GIF89a", MediaType("pillow", "GIF")),
    (b"II*\0", MediaType("pillow", "TIFF")),
    (b"MM\0*", MediaType("pillow", "TIFF")),
    (b"II+\0", MediaType("pillow", "TIFF")),
    (b"MM\0+", MediaType("pillow", "TIFF")),
    (b"\0\0\0\x0cjP  \r\n\x87\n", MediaType("pillow", "JPEG2000")),
    (b"\xff\x4f\xff\x51\0", MediaType("pillow", "JPEG2000")),
    (b"\x1a\x45\xdf\xa3", MediaType("pyav", "matroska,webm")),
    (b"FLV\x01", MediaType("pyav", "flv")),
    (b"OggS\0", MediaType("pyav", "ogg")),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c", MediaType("pyav", "asf")),
    (b"\0\0\x01\xba", MediaType("pyav", "mpeg")),
    (b"\0\0\x01\xb3", MediaType("pyav", "mpegvideo")),
    # Bare streams of MPEG-4, and of H.264 and HEVC, which begin with a parameter set or a delimiter.
    (b"\0\0\x01\xb0", MediaType("pyav", "m4v")),
    *((start + unit, MediaType("pyav", "h264")) for start in _START_CODES for unit in (b"\x67", b"\x27", b"\x09")),
    *((start + unit, MediaType("pyav", "hevc")) for start in _START_CODES for unit in (b"\x40\x01", b"\x46\x01")),
    # Recognised and refused: we have no decoder for it, or it points to other files (as FFmpeg's concat scripts do).
    (b"ffconcat", MediaType(None, "ffconcat script")),
    (b"#EXTM3U", MediaType(None, "M3U playlist")),
    (b"[playlist]", MediaType(None, "PLS playlist")),
    (b"%!PS", MediaType(None, "PostScript")),
    (b"\xc5\xd0\xd3\xc6", MediaType(None, "PostScript")),
    (b"8BPS", MediaType(None, "Photoshop")),
    (b"\xff\x0a", MediaType(None, "JPEG XL")),
    (b"\0\0\0\x0cJXL \r\n\x87\n", MediaType(None, "JPEG XL")),
    (b".RMF", MediaType(None, "RealMedia")),
)

# Brands of ISO base media files (ISO/IEC 14496-12, ftyp box) that are pictures. All other brands are films or sound.
_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"mif2"}
_AVIF_BRANDS = {b"avif", b"avis"}
_SOUND_BRANDS = {b"M4A ", b"M4B ", b"F4A ", b"F4B "}
_QUICKTIME_ATOMS = {b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"}


def sniff(head: bytes) -> MediaType | None:
    """The type of a file, from its first HEAD_BYTES (or all of a shorter file); None if it is not media."""
    for signature, media_type in _AT_START:
        if head.startswith(signature):
            return media_type
    if head[4:8] == b"ftyp":
        return _iso_base_media(head)
    if head[:4] == b"RIFF":
        kinds = {b"WEBP": MediaType("pillow", "WEBP"), b"AVI ": MediaType("pyav", "avi")}
        return kinds.get(head[8:12])
    if head[:2] == b"BM" and head[6:10] == b"\0\0\0\0" and head[14:18] in _BITMAP_HEADER_SIZES:
        return MediaType("pillow", "BMP")
    if head[4:8] in _QUICKTIME_ATOMS and int.from_bytes(head[:4], "big") not in range(2, 8):
        return MediaType("pyav", "mov")
    if _is_transport_stream(head):
        return MediaType("pyav", "mpegts")
    if bare := _bare_stream(head):
        return MediaType("pyav", bare)
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith(b"<svg") or (text.startswith((b"<?xml", b"<!doctype svg", b"<!--")) and b"<svg" in text):
        return MediaType(None, "SVG")
    if text.startswith((b"ffconcat", b"#extm3u", b"[playlist]")):
        return MediaType(None, "playlist")
    return None


_BITMAP_HEADER_SIZES = {n.to_bytes(4, "little") for n in (12, 16, 40, 52, 56, 64, 108, 124)}


def _iso_base_media(head: bytes) -> MediaType | None:
    end = min(int.from_bytes(head[:4], "big"), len(head))
    major = head[8:12]
    brands = {major} | {head[i : i + 4] for i in range(16, end - 3, 4)}
    if major in _AVIF_BRANDS or (major in _HEIF_BRANDS and brands & _AVIF_BRANDS):
        return MediaType("pillow", "AVIF")
    if major in _HEIF_BRANDS:
        return MediaType("heif", "HEIF")
    if major in _SOUND_BRANDS:
        return None
    return MediaType("pyav", "mov")


def _is_transport_stream(head: bytes) -> bool:
    """MPEG-TS has no magic number, but a sync byte every 188 bytes (or 192, with a time stamp before each packet)."""
    for packet, offset in ((188, 0), (192, 4)):
        syncs = head[offset::packet]
        if len(syncs) >= 4 and set(syncs) == {0x47}:
            return True
    return False


#: Profiles of H.264 (ITU-T H.264, annex A and later ones): what the byte after the head of a parameter set can be.
_H264_PROFILES = frozenset((44, 66, 77, 83, 86, 88, 100, 110, 118, 122, 128, 134, 135, 138, 139, 144, 244))


def _bare_stream(head: bytes) -> str | None:
    """FFmpeg's demuxer for a stream without a container. It begins with a start code and the codec's first unit."""
    zeros = len(head) - len(head.lstrip(b"\0"))
    if zeros not in (2, 3) or head[zeros : zeros + 1] != b"\1":
        return None
    unit = head[zeros + 1 :]
    if len(unit) < 8:
        return None
    if unit[:1] == b"\xb0" or (unit[0] < 0x20 and unit[1:4] == b"\0\0\1" and 0x20 <= unit[4] < 0x30):
        return "m4v"
    if unit[:2] in (b"\x40\1", b"\x42\1", b"\x46\1"):  # parameter sets of the video and of the sequence, or a delimiter
        return "hevc"
    if unit[:1] == b"\t":  # a delimiter, which is two bytes long
        unit = unit[2:].lstrip(b"\0")[1:]
    if len(unit) > 1 and unit[0] in (0x27, 0x47, 0x67) and unit[1] in _H264_PROFILES:
        return "h264"
    return None

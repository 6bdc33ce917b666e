"""What else may open a file: a probe by FFmpeg where we know nothing, another decoder where the first refused."""

from __future__ import annotations

from hashmatch.media.media_type import MediaType
from hashmatch.media.names import is_plainly_other, is_text, named_like_media
from hashmatch.media.unexamined import unexamined_kind
from hashmatch.records import Failure

#: Failures after which another decoder may do better. Not limits, which hold for every decoder.
_WORTH_ANOTHER = frozenset({"corrupt", "unsupported-format", "no-usable-frames", "decoder-crash"})
#: Pillow's formats that OpenCV has a decoder of its own for, and those for which FFmpeg has one.
_OPENCV = frozenset({"JPEG", "PNG", "GIF", "BMP", "JPEG2000", "AVIF", "PPM", "SUN"})
_FFMPEG = {
    "PCX": "pcx",
    "SGI": "sgi",
    "DDS": "dds",
    "TGA": "targa",
    "QOI": "qoi",
    "PSD": "psd",
    "XBM": "xbm",
    "WEBP": "webp",
}

# What begins like this lies in great numbers on disks and is no film. names.py and unexamined.py know other such files.
_NO_FILM = (
    *(b"!<arch>\n", b"\x5d\0\0", b"true\0", b"ttcf", b"\xde\x12\x04\x95", b"\x95\x04\x12\xde", b"\xfftOc", b"TZif"),
    *(b"\x80\x02}", b"\x80\x03}", b"\x80\x04\x95", b"\x80\x05\x95", b"JM\1\0", b"Xcur", b"ElfFile\0"),
)


def first_choice(media_type: MediaType, path: bytes) -> MediaType:
    """How to open a file that `sniff` knows: as what it is, but a JPEG that is named like a stream of them as a film.

    path: only its ending is looked at.
    """
    is_stream = media_type == MediaType("pillow", "JPEG") and path.lower().endswith((b".mjpg", b".mjpeg"))
    return MediaType("pyav", "mjpeg") if is_stream else media_type


def second_choice(media_type: MediaType | None, head: bytes, path: bytes, failure: Failure | None) -> MediaType | None:
    """What else may open a file; None if nothing may.

    media_type: the first choice; None where `sniff` saw no media.
    head: the file's beginning, as for `sniff`. Only looked at where media_type is None, and may be empty otherwise.
    path: only its name is looked at.
    failure: what became of the first choice; None where nothing was tried.
    Returns MediaType("probe", …), which `probed` takes, or a decoder that was not tried yet. Never the second choice of a
    second choice.
    """
    if media_type is None:
        return None if failure is not None or _is_plainly_no_film(head, path) else _probe(path)
    if failure is None or failure.code not in _WORTH_ANOTHER:
        return None
    if media_type.decoder == "pyav":
        return None if failure.code == "no-usable-frames" else _probe(path)
    if media_type.decoder == "heif":  # a sequence of pictures without a still one
        return MediaType("pyav", "mov")
    if media_type.decoder == "pillow" and media_type.format in _FFMPEG:
        return MediaType("ffmpeg-still", _FFMPEG[media_type.format])
    if media_type.decoder == "pillow" and media_type.format == "TIFF":
        return MediaType("tifffile", "TIFF")
    if media_type.decoder == "pillow" and media_type.format in _OPENCV:
        return MediaType("opencv", media_type.format)
    return None


def _probe(path: bytes) -> MediaType:
    """Streams without a container are only looked for where the name speaks for media: FFmpeg sees them in anything."""
    return MediaType("probe", "named" if named_like_media(path) else "")


def _is_plainly_no_film(head: bytes, path: bytes) -> bool:
    """Whether FFmpeg need not be asked. It is asked about anything but texts that is named like media."""
    if not head or is_text(head):
        return True
    if named_like_media(path):
        return False
    is_compiled_python = head[2:4] == b"\r\n" and head[5:8] == bytes(3)
    is_other = head.startswith(_NO_FILM) or is_plainly_other(head) or unexamined_kind(head) is not None
    return is_compiled_python or is_other or not head.strip(b"\0")

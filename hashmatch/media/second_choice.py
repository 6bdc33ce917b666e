"""What else may open a file: a probe by FFmpeg where we know nothing, another decoder where the first refused."""

from __future__ import annotations

from hashmatch.media.names import named_like_media
from hashmatch.media.sniff import MediaType
from hashmatch.records import Failure

#: Failures after which another decoder may do better. Not limits, which hold for every decoder.
_WORTH_ANOTHER = frozenset({"corrupt", "unsupported-format", "no-usable-frames", "decoder-crash"})
#: Pillow's formats that OpenCV has a decoder of its own for, and those for which FFmpeg has one.
_OPENCV = frozenset({"JPEG", "PNG", "GIF", "WEBP", "BMP", "JPEG2000", "AVIF", "PPM", "SUN"})
_FFMPEG = {"PCX": "pcx", "SGI": "sgi", "DDS": "dds", "TGA": "targa", "QOI": "qoi", "PSD": "psd", "XBM": "xbm"}

# What begins like this is no film: programs, archives, documents, fonts, and what else lies in great numbers on a disk.
# From https://www.garykessler.net/library/file_sigs.html and file(1)'s magic.
_NO_FILM = (
    *(b"\x7fELF", b"MZ", b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe", b"\xca\xfe\xba\xbe", b"!<arch>\n", b"\0asm"),
    *(b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0", b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07"),
    *(b"\x28\xb5\x2f\xfd", b"\x04\x22\x4d\x18", b"MSCF", b"xar!", b"070701", b"hsqs", b"LZIP", b"\xed\xab\xee\xdb"),
    *(b"%PDF-", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"{\\rtf", b"SQLite format 3\0", b"bplist00", b"ElfFile\0"),
    *(b"\0\1\0\0\0", b"OTTO", b"true\0", b"ttcf", b"wOFF", b"wOF2", b"\x93NUMPY", b"\x89HDF\r\n", b"\x5d\0\0"),
    *(b"\xde\x12\x04\x95", b"\x95\x04\x12\xde", b"DIRC", b"PACK\0\0\0\x02", b"\xfftOc", b"TZif", b"BC\xc0\xde"),
    *(b"ID3", b"fLaC", b"MThd", b"conectix", b"QFI\xfb", b"KDMV", b"regf", b"L\0\0\0\1\x14\x02\0", b"dex\n"),
)


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
    if not head or _is_text(head):
        return True
    return not named_like_media(path) and (head.startswith(_NO_FILM) or not head.strip(b"\0"))


def _is_text(head: bytes) -> bool:
    """UTF-8 (perhaps cut within a letter) or UTF-16, without control characters that texts do not have."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return True
    if any(map(head.__contains__, _NOT_IN_TEXT)):
        return False
    for cut in range(4):
        try:
            head[: len(head) - cut].decode()
        except UnicodeDecodeError:
            continue
        return True
    # Latin-1 and its kin: mostly letters.
    return sum(map(head.count, _LETTERS)) > len(head) * 0.6


_NOT_IN_TEXT = tuple(bytes([code]) for code in range(32) if code not in b"\t\n\v\f\r\x1b")
_LETTERS = tuple(bytes([code]) for code in b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 \n")

"""What a file's name promises: used only to say so where the content does not keep the promise."""

from __future__ import annotations

import os
import re

from hashmatch.records import Kind, Unexamined

_PICTURES = frozenset(
    b".jpg .jpeg .jpe .jfif .jif .mpo .png .apng .mng .jng .gif .webp .tif .tiff .bmp .dib .heic .heif .heics .heifs .hif "
    b".avif .avifs .jp2 .j2k .jpf .jpx .jpm .j2c .jxl .jls .jxr .wdp .hdp .ico .cur .icns .pbm .pgm .ppm .pnm .pam .pfm "
    b".pcx .tga .dds .sgi .rgb .qoi .exr .hdr .psd .psb .djvu .djv .dcm .svg .svgz .tgs .xcf .ora .kra .wmf .emf "
    b".cr2 .cr3 .crw .nef .nrw .arw .srf .sr2 .dng .raf .raw .rw2 .rwl .orf .pef .srw .x3f .3fr .fff .iiq .mrw .kdc .dcr "
    b".erf .mef .mos .gpr".split()
)
_FILMS = frozenset(
    b".mp4 .m4v .mov .qt .mkv .mk3d .webm .avi .divx .flv .f4v .ts .mts .m2ts .m2t .mpg .mpeg .mpe .m1v .m2v .mpv .m2p "
    b".mod .tod .vob .evo .dat .3gp .3gpp .3g2 .3gp2 .wmv .asf .dvr-ms .wtv .ogv .ogm .h263 .h264 .264 .avc .hevc .h265 "
    b".265 .av1 .obu .ivf .vc1 .y4m .mjpg .mjpeg .rm .rmvb .mxf .gxf .dv .dif .nut .swf .amv .nsv .fli .flc .bik .smk "
    b".gifv".split()
)
#: Of these, the names that other files have as well: programs in TypeScript, data of all sorts, pieces of music …
_AMBIGUOUS = frozenset(
    b".ts .mts .dat .mod .tod .raw .rgb .rm .dv .dif .hdr .dds .tga .sgi .cur .fff .mos .mef .mpv .mpe .h263 .obu .nut .avc "
    b".swf .pam .fli .flc .smk .bik .evo .kdc .erf .dcr .hif .ora .mng .dcm".split()
)
#: And those under which programs keep any data: nothing is promised by them, but by the names of a Video CD's tracks.
_ANY_DATA = frozenset(b".dat .raw .rgb .mod .dif".split())
_TRACK = re.compile(rb"(?:avseq|music|item)\d+\.dat\Z", re.I)

#: Beginnings of programs, databases, fonts and other files that certainly are no media.
_OTHERS = (
    b"\x7fELF", b"MZ", b"\xfe\xed\xfa", b"\xce\xfa\xed\xfe", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe", b"\0asm", b"dex\n",
    b"SQLite format 3\0", b"regf", b"Client UrlCache", b"\xef\xcd\xab\x89", b"\0\1\0\0Standard ", b"OTTO", b"wOF", b"bplist",
    b"\0\1\0\0\0", b"BC\xc0\xde", b"L\0\0\0\1\x14\2\0", b"PACK\0\0\0", b"DIRC", b"\x93NUMPY", b"\x89HDF", b"glTF",
)  # fmt: skip
#: Bytes that a text in any encoding may have: everything but control characters.
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\v\f\r\x1b")) + b"\x7f"


def named_like_media(path: bytes) -> bool:
    """Whether a file has the name of an image or film."""
    return _ending(path) in _PICTURES | _FILMS


def promised_kind(path: bytes) -> Kind:
    """What a file with the name of an image or film should be."""
    return "video" if _ending(path) in _FILMS else "image"


def breaks_promise(path: bytes, head: bytes | None = None, kind: Unexamined | None = None) -> bool:
    """Whether a file that is neither image nor film should be one by its name.

    Not if the name also stands for something else, and the content plainly is something else. Nor if a film by name is all
    sound, as voice messages are.
    head: its first bytes, if they are at hand. kind: as of Fingerprint.unexamined.
    """
    ending = _ending(path)
    if ending not in _PICTURES | _FILMS or (kind == "sound" and ending in _FILMS):
        return False
    is_any_data = ending in _ANY_DATA and not _TRACK.match(os.path.basename(path))
    is_something_else = kind is not None or is_any_data or (head is not None and is_plainly_other(head))
    return ending not in _AMBIGUOUS or not is_something_else


def is_plainly_other(head: bytes) -> bool:
    """Whether content is text, a program or a database, or is empty; told by its first bytes."""
    return not head or head.startswith(_OTHERS) or is_text(head)


def is_text(head: bytes) -> bool:
    """Whether these are the first bytes of a text: no control characters, in whatever encoding."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = head[: len(head) // 2 * 2].decode("utf-16", "replace")
        return not re.search("[\0-\x08\x0e-\x1a\x1c-\x1f\ufffd]", text[:-1])
    return head == head.translate(None, _CONTROLS)


def _ending(path: bytes) -> bytes:
    return os.path.splitext(path)[1].lower()

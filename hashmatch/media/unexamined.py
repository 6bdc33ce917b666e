"""Sound, documents and archives, which are not looked into yet, told by their first bytes: never by their names.

A scan counts them, so that nobody takes them for examined. Signatures come from the specifications of the formats and from
https://www.garykessler.net/library/file_sigs.html and https://www.iana.org/assignments/media-types.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from hashmatch.records import Fingerprint, Unexamined

#: Where the volume descriptors of a CD or DVD image begin (ECMA-119, 6.2.1), and what the first one starts with.
DISC_DESCRIPTOR = 32768
_DISC_SIGNS = (b"\1CD001", b"\0BEA01", b"\0NSR0")

_AT_START: dict[Unexamined, tuple[bytes, ...]] = {
    "sound": (
        b"ID3\2", b"ID3\3", b"ID3\4", b"APETAGEX", b"fLaC", b"ADIF", b"caff\0\1", b".snd\0", b"#!AMR", b"#!SILK",
        b"\2#!SILK", b"MThd\0\0\0\6", b"wvpk", b"TTA1", b"TTA2",
        b"MPCK", b"MP+\7", b"MP+\x17", b"OFR ", b"tBaK", b"DSD \x1c\0\0\0\0\0\0\0", b".ra\xfd", b"IMPM",
        b"Extended Module: ", b"Creative Voice File\x1a", b"\x7f\xfe\x80\1", b"\xfe\x7f\1\x80",
        b"\x1f\xff\xe8\0", b"\xff\x1f\0\xe8", b"DTSHDHDR", b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\4\xc1\0\0",
    ),
    "document": (
        b"%PDF-", b"{\\rtf", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"ITSF\3\0\0\0", b"\xffWPC", b"ITOLITLS",
        b"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d\xae\xb1\x53\x78\xd0\x29\x96\xd3",
    ),
    "archive": (
        b"PK\3\4", b"PK\5\6", b"PK\7\x08PK", b"PK00PK", b"Rar!\x1a\7", b"RE~^", b"7z\xbc\xaf\x27\x1c", b"\x1f\x8b\x08",
        b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd", b"\4\x22\x4d\x18", b"LZIP\1", b"\x1f\x9d", b"\x1f\xa0", b"MSCF\0\0\0\0", b"ISc(",
        b"\x60\xea", b"070701", b"070702", b"070707", b"\xc7\x71", b"!<arch>\ndebian", b"\xed\xab\xee\xdb", b"xar!\0\x1c",
        b"SIT!", b"StuffIt", b"Cr24", b"MSWIM\0\0\0", b"hsqs", b"sqsh", b"ANDROID BACKUP\n", b"WARC/", b"TAPE\0\0",
        # Mailboxes.
        b"!BDN", b"\xcf\xad\x12\xfe", b"\x78\x9f\x3e\x22",
        # Images of disks and of evidence.
        b"QFI\xfb", b"KDMV", b"# Disk DescriptorFile", b"conectix", b"vhdxfile", b"EVF\t\r\n\xff\0", b"EVF2\r\n\x81\0",
        b"LVF\t\r\n\xff\0", b"LEF2\r\n\x81\0", b"AFF10\r\n", b"\0" + b"\xff" * 10 + b"\0",
    ),
}  # fmt: skip
#: Signatures that do not stand at the beginning: where they do, what they are, and of what.
_INSIDE: tuple[tuple[int, bytes, Unexamined], ...] = (
    (44, b"SCRM", "sound"),
    (4, b"\x57\x90\x75\x36", "sound"),
    (4, b"\xf8\x72\x6f\xba", "sound"),
    (60, b"BOOKMOBI", "document"),
    (257, b"ustar", "archive"),
    (7, b"**ACE**", "archive"),
    (20, b"\xdc\xa7\xc4\xfd", "archive"),
    (3, b"NTFS    ", "archive"),
    (3, b"EXFAT   ", "archive"),
    (54, b"FAT1", "archive"),
    (82, b"FAT32   ", "archive"),
    (512, b"EFI PART", "archive"),
    (32, b"NXSB", "archive"),
    (1024, b"H+\0\4", "archive"),
    (1024, b"HX\0\5", "archive"),
    (1080, b"\x53\xef", "archive"),
    (64, b"\x7f\x10\xda\xbe", "archive"),
)
#: Kinds of RIFF, IFF and ISO base media files that have no picture but a cover.
_RIFF_SOUND = (b"WAVE", b"RMID", b"QLCM")
_IFF_SOUND = (b"AIFF", b"AIFC", b"8SVX")
_SOUND_BRANDS = (b"M4A ", b"M4B ", b"M4P ", b"F4A ", b"F4B ", b"aax ", b"aaxc")

#: Names of members by which a ZIP file is a document: of Office Open XML, OpenDocument and EPUB, XPS and iWork.
_MEMBERS_OF_DOCUMENTS = re.compile(
    rb"\[Content_Types\]\.xml|(?:^|\0)(?:word|xl|ppt|visio)/|mimetypeapplication/(?:vnd\.oasis\.|vnd\.sun\.xml\.|epub\+zip)"
    rb"|FixedDocSeq\.fdseq|Index/Document\.iwa|Index/Presentation\.iwa|Index\.zip"
)
_COMMENT = re.compile(rb"<!--.*?(?:-->|\Z)|<\?.*?(?:\?>|\Z)", re.S)
_WEB_PAGE = re.compile(rb"<(?:!doctype\s+html|html|head|body)\b", re.I)
_MAIL_HEADER = re.compile(
    rb"^(return-path|received|message-id|mime-version|from|to|date|subject|delivered-to):", re.I | re.M
)
#: Different lines of a mail's head that must be there; other texts have one or two of them.
_FEWEST_MAIL_HEADERS = 3


def unexamined_kind(head: bytes, read_at: Callable[[int, int], bytes] | None = None) -> Unexamined | None:
    """What a file is that is no picture and no film, if it is of a kind that will be looked into one day.

    head: its first 4 KiB, or all of a shorter file. read_at: reads so many bytes at a place of the file, given place and
    length; images of discs are only known with it.
    """
    found = _by_structure(head) or _by_signature(head) or _text_with_parts(head)
    if found is None and read_at is not None and read_at(DISC_DESCRIPTOR, 6).startswith(_DISC_SIGNS):
        return "archive"
    return found


#: What the opening of a film says of one that has sound, and nothing to see but perhaps a cover.
_SOUND_ONLY = ("sound-only", "cover-only")


def if_only_sound(result: Fingerprint) -> Fingerprint:
    """A file's fingerprint; of a film that turned out to be sound alone, as of other sound."""
    if result.error is None or result.error.detail.code not in _SOUND_ONLY:
        return result
    return replace(result, kind=None, error=None, unexamined="sound")


def behind_tag(head: bytes) -> bytes:
    """What follows the tag of a song (ID3v2, section 3.1) in a file's beginning; players look there for films, too."""
    if head[:3] != b"ID3" or len(head) < 10:
        return b""
    size = sum((byte & 0x7F) << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True))
    return head[10 + size :]


def _by_signature(head: bytes) -> Unexamined | None:
    for kind, signatures in _AT_START.items():
        if head.startswith(signatures):
            return "document" if kind == "archive" and _is_zipped_document(head) else kind
    for offset, signature, its_kind in _INSIDE:
        if head.startswith(signature, offset):
            return its_kind
    return "archive" if _is_old_tar(head) or _has_partitions(head) else None


def _by_structure(head: bytes) -> Unexamined | None:
    """Containers whose kind stands behind their signature, and bare streams of sound."""
    if head[:4] in (b"RIFF", b"RIFX", b"RF64", b"BW64"):
        return "sound" if head[8:12] in _RIFF_SOUND else None
    if head[:4] == b"FORM":
        return "sound" if head[8:12] in _IFF_SOUND else None
    if head[:4] == b"FRM8":
        return "sound" if head[12:16] == b"DSD " else None
    if head[4:8] == b"ftyp":
        return "sound" if head[8:12] in _SOUND_BRANDS else None
    if head[:3] == b"BZh" and head[4:10] in (b"1AY&SY", b"\x17\x72\x45\x38\x50\x90"):
        return "archive"
    if head[:4] == b"MAC " and head[5:6] == b"\x0f":  # Monkey's Audio, since version 3.84
        return "sound"
    if head[2:4] == b"-l" and head[6:7] == b"-":  # LHA: "-lh5-", "-lzs-" …
        return "archive"
    if head[1:4] == b"\x2a\x4d\x18" and head[:1] in b"PQRSTUVWXYZ[\\]^_":  # a skippable frame of zstd or LZ4
        return "archive"
    if b"%PDF-" in head[:1024]:  # readers look for it so far (ISO 32000-1, annex H)
        return "document"
    streams = (_audio_frame, _adts_frame, _ac3_frame)
    return "sound" if any(_has_frames(head, length_of) for length_of in streams) else None


def _has_frames(head: bytes, length_of: Callable[[bytes], int]) -> bool:
    """Whether a bare stream of sound begins here, after empty bytes at most: three frames, each behind the one before."""
    start = len(head) - len(head.lstrip(b"\0"))
    for _number in range(3):
        length = length_of(head[start : start + 8])
        if not length:
            return False
        start += length
        if start >= len(head):  # a short file, or long frames
            return start == len(head) or _number > 0
    return True


#: Kilobits a second by index, for each layer of MPEG 1, and for layer 1 and the others of MPEG 2 (ISO/IEC 11172-3, 13818-3).
_BIT_RATES = {
    (1, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (1, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (1, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (2, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (2, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_SAMPLE_RATES = (44100, 48000, 32000)


def _audio_frame(header: bytes) -> int:
    """The length in bytes of a frame of MPEG audio (layers 1 to 3), or 0 if none begins here."""
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE0 != 0xE0:
        return 0
    version, layer = header[1] >> 3 & 3, 4 - (header[1] >> 1 & 3)
    rate, sampling, padding = header[2] >> 4, header[2] >> 2 & 3, header[2] >> 1 & 1
    if version == 1 or layer == 4 or rate in (0, 15) or sampling == 3:
        return 0
    is_first = version == 3
    bits = 1000 * _BIT_RATES[(1, layer) if is_first else (2, min(layer, 2))][rate - 1]
    samples = _SAMPLE_RATES[sampling] // (1 if is_first else 2 if version == 2 else 4)
    if layer == 1:
        return (12 * bits // samples + padding) * 4
    return (144 if is_first or layer == 2 else 72) * bits // samples + padding


def _adts_frame(header: bytes) -> int:
    """The same for AAC in ADTS (ISO/IEC 13818-7, 6.2)."""
    if len(header) < 7 or header[0] != 0xFF or header[1] & 0xF6 != 0xF0 or header[2] >> 2 & 15 > 12:
        return 0
    length = (header[3] & 3) << 11 | header[4] << 3 | header[5] >> 5
    return length if length > 7 else 0


#: Words of 16 bits in a frame of AC-3 at 48 kHz, by half its code (ATSC A/52, table 5.18).
_AC3_WORDS = (64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 640, 768, 896, 1024, 1152, 1280)


def _ac3_frame(header: bytes) -> int:
    """The same for AC-3 and Enhanced AC-3."""
    if len(header) < 6 or header[:2] != b"\x0b\x77":
        return 0
    if header[5] >> 3 > 10:
        return 2 * (((header[2] & 7) << 8 | header[3]) + 1)
    sampling, code = header[4] >> 6, header[4] & 63
    if sampling == 3 or code > 37:
        return 0
    words = _AC3_WORDS[code >> 1]
    if sampling == 1:
        words = words * 480 // 441 + (code & 1)
    return 2 * (words * 3 // 2 if sampling == 2 else words)


def _is_zipped_document(head: bytes) -> bool:
    return head.startswith(b"PK\3\4") and any(_MEMBERS_OF_DOCUMENTS.search(name) for name in _members(head))


def _members(head: bytes) -> list[bytes]:
    """The names of members whose headers lie in the head, with the beginning of the first one's content."""
    found: list[bytes] = []
    for begin in re.finditer(re.escape(b"PK\3\4"), head):
        start = begin.start()
        length = int.from_bytes(head[start + 26 : start + 28], "little")
        extra = int.from_bytes(head[start + 28 : start + 30], "little") if not found else 0
        name = head[start + 30 : start + 30 + length]
        content = head[start + 30 + length + extra :][:80] if not found else b""
        found.append(name + content if name == b"mimetype" else name)
    return found


def _is_old_tar(head: bytes) -> bool:
    """A tar archive older than POSIX has no signature, but a sum of its first header's bytes."""
    field = head[148:156].strip(b"\0 ")
    if len(head) < 512 or not head[0] or not re.fullmatch(rb"[0-7]{1,7}", field):
        return False
    return int(field, 8) == sum(head[:148]) + 8 * ord(" ") + sum(head[156:512])


def _has_partitions(head: bytes) -> bool:
    """Whether this is a boot record with at least one partition, and nothing in its table that cannot be one."""
    entries = [head[at : at + 16] for at in range(446, 510, 16)]
    if head[510:512] != b"\x55\xaa" or not any(map(any, entries)):
        return False
    return all(not any(each) or (each[0] in (0, 0x80) and each[4] and any(each[12:16])) for each in entries)


def _text_with_parts(head: bytes) -> Unexamined | None:
    """Web pages and mail, which are text but hold pictures, or point to them."""
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if _WEB_PAGE.match(_COMMENT.sub(b"", text).lstrip()):
        return "document"
    if text.startswith(b"From ") or re.match(rb"[A-Za-z][A-Za-z0-9-]{1,50}:[ \t\r]", text):
        top = re.split(rb"\r?\n\r?\n", text, maxsplit=1)[0]
        if len({name.lower() for name in _MAIL_HEADER.findall(top)}) >= _FEWEST_MAIL_HEADERS:
            return "document" if b"multipart/related" in top.lower() else "archive"
    return None

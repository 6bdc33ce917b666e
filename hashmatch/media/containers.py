"""Recognise films whose beginning has no fixed signature: by their structure, as generously as players do."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from hashmatch.media.media_type import MediaType

# Brands of ISO base media files (ISO/IEC 14496-12, ftyp box) that are pictures. All other brands are films or sound.
_HEIF_BRANDS = frozenset(
    b"heic heix heim heis hevc hevx hevm hevs mif1 msf1 mif2 miaf MiHE avci avcs jpeg jpgs j2ki j2is vvic vvis unif".split()
)
_AVIF_BRANDS = frozenset((b"avif", b"avis", b"avio"))
_SOUND_BRANDS = frozenset((b"M4A ", b"M4B ", b"M4P ", b"F4A ", b"F4B ", b"aax ", b"aaxc"))
#: Boxes that can be the first of a film, and those before which there may be others that nobody knows.
_FILM_BOXES = frozenset(
    b"moov mdat wide free skip pnot styp sidx moof prfl uuid meta udta emsg prft pdin mfra ssix jumb".split()
)
_SURE_BOXES = frozenset((b"ftyp", b"moov", b"moof", b"styp"))

_RIFF_FORMS = {
    b"WEBP": MediaType("pillow", "WEBP"),
    b"AVI ": MediaType("pyav", "avi"),
    b"AVIX": MediaType("pyav", "avi"),
    b"AVI\x19": MediaType("pyav", "avi"),
    b"AMV ": MediaType("pyav", "avi"),
    b"CDXA": MediaType("pyav", "mpeg"),
    b"4XMV": MediaType("pyav", "4xm"),
    b"ACON": MediaType(None, "animated cursor (ANI)"),
}
#: Forms of Amiga's IFF that are pictures or films; others are sound or text.
_IFF_FORMS = frozenset((b"ILBM", b"PBM ", b"ACBM", b"ANIM", b"RGB8", b"RGBN", b"DEEP"))

#: Bytes that no box of a file on this earth has, and beyond which one cannot seek.
LARGEST_BOX = 1 << 60
#: Autodesk's animations: FLI, FLC and one of other depths; width, height and 8 bits follow.
_FLIC = (b"\x11\xaf", b"\x12\xaf", b"\x44\xaf")
#: Length of a packet of MPEG-TS: plain, after a time stamp (Blu-ray), and with a checksum (ISDB and ATSC).
_TS_PACKETS = (188, 192, 204)
_TS_RUN = 5
#: Profiles of H.264 (ITU-T H.264, annex A and later ones): what the byte after the head of a parameter set can be.
_H264_PROFILES = frozenset((44, 66, 77, 83, 86, 88, 100, 110, 118, 122, 128, 134, 135, 138, 139, 144, 244))


def film_by_structure(head: bytes) -> MediaType | None:
    """The type of a film, or of a picture in a container that films use too; None if the structure is of none of them."""
    if head[:4] == b"RIFF":
        form = head[8:12]
        is_drawing = form[:3] == b"CDR"
        return MediaType(None, "CorelDRAW") if is_drawing else _RIFF_FORMS.get(form)
    if head[:4] == b"ON2 " and head[8:12] == b"ON2f":
        return MediaType("pyav", "avi")
    if head[:4] == b"FORM" and head[8:12] in _IFF_FORMS:
        return MediaType("pyav", "iff")
    if iso := _iso_base_media(head):
        return iso
    if head[4:6] in _FLIC and head[12:14] in (b"\x08\0", b"\0\0") and head[8:10] != b"\0\0" != head[10:12]:
        return MediaType("pyav", "flic")
    if _is_transport_stream(head):
        return MediaType("pyav", "mpegts")
    if bare := _after_zeros(head):
        return MediaType("pyav", bare)
    return MediaType("pyav", "matroska,webm") if ebml_start(head) else None


def _iso_base_media(head: bytes) -> MediaType | None:
    """By the first box, if films begin with it, or by one that follows boxes whose kind does not matter to players."""
    start = 0
    for size, kind in boxes(lambda at: head[at : at + 16]):
        if kind == b"ftyp":
            return by_brands(head[start : start + size] if size else head[start:])
        if kind in (_SURE_BOXES if start else _FILM_BOXES):
            # A later one may say by its brands that it is a picture.
            return _brands_after(head, start + size) or MediaType("pyav", "mov")
        start += size
    return None


def boxes(read: Callable[[int], bytes], most: int = 64) -> Iterator[tuple[int, bytes]]:
    """The boxes at the top of a file, as (size, kind), as long as they make sense. Size 0: up to the end.

    read: gives 16 bytes at a place, or fewer at the end. most: boxes that are read.
    """
    start = 0
    for _number in range(most):
        header = read(start)
        if len(header) < 8:
            return
        size, kind = int.from_bytes(header[:4], "big"), header[4:8]
        if size == 1 and any(header[8:16]):
            size = int.from_bytes(header[8:16], "big")
        if size >= LARGEST_BOX or (size in range(1, 8) and not (size == 1 and kind in _FILM_BOXES)):
            return
        yield size, kind
        if size < 8:
            return
        start += size


def _brands_after(head: bytes, start: int) -> MediaType | None:
    size, is_brands = int.from_bytes(head[start : start + 4], "big"), head[start + 4 : start + 8] == b"ftyp"
    return by_brands(head[start : start + size]) if is_brands else None


def by_brands(box: bytes) -> MediaType | None:
    """What an ISO base media file is, by its ftyp box; None for sound."""
    major = box[8:12]
    brands = {major} | {box[i : i + 4] for i in range(16, len(box) - 3, 4)}
    if major in _AVIF_BRANDS or (major in _HEIF_BRANDS and brands & _AVIF_BRANDS):
        return MediaType("pillow", "AVIF")
    if major in _HEIF_BRANDS:
        return MediaType("heif", "HEIF")
    if major == b"crx ":
        return MediaType("raw", "Canon")
    if major in _SOUND_BRANDS:
        return None
    return MediaType("pyav", "mov")


def _is_transport_stream(head: bytes) -> bool:
    """MPEG-TS has no signature, but a sync byte in every packet. There may be junk before it, and broken packets."""
    if b"\0" not in head:
        return False  # a text with many a G
    start = head.find(b"\x47")
    while start >= 0:
        for packet in _TS_PACKETS:
            whole = head[start::packet][:_TS_RUN]
            enough = len(whole) == _TS_RUN or (len(whole) == _TS_RUN - 1 and start < packet)
            # The bits of the fourth byte say what a packet holds, which is not nothing, and how it is scrambled, where 1
            # has no meaning (ISO/IEC 13818-1, 2.4.3.3).
            has_flags = all(flags & 0x30 and flags >> 6 != 1 for flags in head[start + 3 :: packet][:_TS_RUN])
            if enough and set(whole) == {0x47} and has_flags and _counts_on(head, start, packet):
                return True
        start = head.find(b"\x47", start + 1)
    return False


def _counts_on(head: bytes, start: int, packet: int) -> bool:
    """Whether most packets of a programme have the number after that of the one before (ISO/IEC 13818-1, 2.4.3.3), or the
    same one; tables of a program's code may have the sync byte everywhere, too."""
    last: dict[int, int] = {}
    good = bad = 0
    for at in range(start, len(head) - 3, packet)[:_TS_RUN]:
        programme, flags = int.from_bytes(head[at + 1 : at + 3], "big") & 0x1FFF, head[at + 3]
        if programme in last and flags & 0x10:
            steps = (flags - last[programme]) % 16
            good, bad = good + (steps <= 1), bad + (steps > 1)
        last[programme] = flags & 0x0F
    return good >= bad


def _after_zeros(head: bytes) -> str | None:
    """FFmpeg's demuxer for a stream that begins with a start code, before which there may be any number of zeros."""
    zeros = len(head) - len(head.lstrip(b"\0"))
    if zeros < 2 or head[zeros : zeros + 1] != b"\1":
        return None
    unit = head[zeros + 1 :]
    if len(unit) < 8:
        return None
    if unit[:1] == b"\xba" and (unit[1] & 0xF0 == 0x20 or unit[1] & 0xC0 == 0x40):  # a pack of MPEG-1, or of MPEG-2
        return "mpeg"
    if unit[:1] == b"\xb3" and unit[4] & 0x0F:  # a sequence with a frame rate
        return "mpegvideo"
    if unit[:1] == b"\xb0" or (unit[0] < 0x20 and unit[1:4] == b"\0\0\1" and 0x20 <= unit[4] < 0x30):
        return "m4v"
    if unit[:2] in (b"\x40\1", b"\x42\1", b"\x46\1"):  # parameter sets of the video and of the sequence, or a delimiter
        return "hevc"
    return "h264" if _is_h264(unit) else None


def _is_h264(unit: bytes) -> bool:
    """Whether it begins with a parameter set, before which there may be a delimiter and notes (ITU-T H.264, 7.4.1)."""
    if unit[0] in (0x09, 0x06):
        after = [unit.find(b"\0\0\1" + bytes([kind])) for kind in (0x27, 0x47, 0x67)]
        start = min((at for at in after if at > 0), default=-1)
        unit = unit[start + 3 :] if start > 0 else b""
    return len(unit) > 1 and unit[0] in (0x27, 0x47, 0x67) and unit[1] in _H264_PROFILES


def ebml_start(head: bytes) -> int:
    """Where a Matroska film begins that has something before its header, as a Void element; 0 if it is none."""
    start = head.find(b"\x1a\x45\xdf\xa3")
    is_film = start > 0 and any(kind in head[start : start + 80] for kind in (b"matroska", b"webm"))
    return start if is_film else 0

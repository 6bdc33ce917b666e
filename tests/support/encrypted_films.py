"""Films that say that they are encrypted. Their pictures are not: nobody should find out."""

from __future__ import annotations

import struct

from tests.support.film_files import box, film


def ebml(name: int, *content: bytes) -> bytes:
    """An element of Matroska, with its size in eight bytes."""
    inside = b"".join(content)
    return name.to_bytes((name.bit_length() + 7) // 8, "big") + (1 << 56 | len(inside)).to_bytes(8, "big") + inside


def protection(scheme: bytes = b"cenc", is_protected: int = 1) -> bytes:
    """What a sample entry has if its samples are encrypted (ISO/IEC 23001-7)."""
    original = box(b"frma", b"avc1")
    kind = box(b"schm", bytes(4), scheme, struct.pack(">I", 0x10000))
    track = box(b"tenc", bytes(6), bytes((is_protected, 8)), bytes(16))
    return box(b"sinf", original, kind, box(b"schi", track))


def mp4_of(*tracks: tuple[bytes, bytes, bytes]) -> bytes:
    """The structure of a film. Each track: its handler, the name of its sample entry, and what the entry has inside."""
    made = []
    for handler, name, inside in tracks:
        entry = box(name, bytes(78), inside)
        table = box(b"stbl", box(b"stsd", bytes(7), b"\1", entry))
        media = box(b"mdia", box(b"hdlr", bytes(8), handler, bytes(13)), box(b"minf", table))
        made.append(box(b"trak", box(b"tkhd", bytes(84)), media))
    return box(b"ftyp", b"isom\0\0\2\0") + box(b"mdat", bytes(99)) + box(b"moov", box(b"mvhd", bytes(100)), *made)


def encrypted_mp4() -> bytes:
    """A whole film whose sample entry says so."""
    data = film("mp4", seconds=1)
    table = data.index(b"stsd")
    entry = data.index(b"avc1", table)
    return data[:entry] + b"encv" + data[entry + 4 :]


def mkv_of(*tracks: tuple[int, bytes]) -> bytes:
    """The structure of a film. Each track: its type, and what it has inside."""
    made = [ebml(0xAE, ebml(0xD7, b"\1"), ebml(0x83, bytes((kind,))), inside) for kind, inside in tracks]
    head = ebml(0x1A45DFA3, ebml(0x4282, b"webm"))
    return head + ebml(0x18538067, ebml(0xEC, bytes(20)), ebml(0x1654AE6B, *made))


#: In a track: it is encrypted; and it is compressed, which FFmpeg undoes.
MKV_ENCRYPTION = ebml(0x6D80, ebml(0x6240, ebml(0x5033, b"\1"), ebml(0x5035, ebml(0x47E1, b"\5"))))
MKV_COMPRESSION = ebml(0x6D80, ebml(0x6240, ebml(0x5034, ebml(0x4254, b"\3"))))


def encrypted_wmv() -> bytes:
    data = film("wmv", seconds=1)
    added = bytes.fromhex("fbb3112223bdd211b4b700a0c955fc6e") + struct.pack("<Q", 24 + 16) + bytes(16)
    size, count = struct.unpack("<QI", data[16:28])
    return data[:16] + struct.pack("<QI", size + len(added), count + 1) + data[28:30] + added + data[30:]


def scrambled_ts() -> bytes:
    """Every packet of its picture and sound."""
    data = bytearray(film("ts", seconds=1))
    for start in range(0, len(data), 188):
        if 0x20 <= (data[start + 1] & 0x1F) << 8 | data[start + 2] < 0x1000:
            data[start + 3] |= 0x80
    return bytes(data)


def scrambled_vob() -> bytes:
    """Every packet of its picture, as on a DVD."""
    data = bytearray(film("vob", seconds=1))
    place = data.find(b"\0\0\1\xe0")
    while place >= 0:
        data[place + 6] |= 0x10
        place = data.find(b"\0\0\1\xe0", place + 6)
    return bytes(data)

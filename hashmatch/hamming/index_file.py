"""An index as one file, to be mapped into memory.

    magic, with the version        16 bytes
    length of the header           8 bytes, little-endian
    header                         JSON: width, count, radius, tag, layout, byte order, SHA-256 of sums and sections, and
                                   whether the hashes themselves are there
    SHA-256 of all the above       32 bytes
    sums                           one 64-bit checksum for each 128 KiB of the body
    body, from a page boundary on  the sections words, occupied, starts, rows, beside, each from a page boundary on

It is written under another name and then renamed: whoever opens it finds the old one, the new one or none. Sizes and
places follow from the header's few numbers, so there is nothing else in it to believe. A wrong byte anywhere is found
at opening: in the head by its SHA-256, in the body by the sums, which cost no more than reading memory does.
"""

from __future__ import annotations

import contextlib
import json
import mmap
import os
import stat
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hashmatch.hamming.chunks import LONGEST_CHUNK, LOW_BITS, ChunkLayout
from hashmatch.hamming.postings import Postings
from hashmatch.hamming.probe import DamagedIndexError
from hashmatch.hamming.words import MOST_ROWS, WIDEST, Words

FolderPath = str | bytes | os.PathLike[str]

MAGIC = b"hashmatch bits 3"
NAME = "index.hamming"
PAGE = 4096
#: 64-bit words for each checksum: 128 KiB.
SUMMED = 1 << 14
#: More than any header that write() makes.
LONGEST_HEADER = 1 << 16
#: Seconds after which an unfinished file counts as left over from a process that died.
ABANDONED = 86_400.0


@dataclass(frozen=True, slots=True)
class StoredIndex:
    """What a file holds. width: bits of a hash. words: uint64 (width / 64, N), or None if only the postings are
    kept. radius: the one that the postings are laid out for."""

    width: int
    words: Words | None
    postings: Postings | None
    radius: int
    tag: str

    @property
    def count(self) -> int:
        """The number of hashes. Raises ValueError if there is nothing to keep."""
        if self.words is not None:
            return int(self.words.shape[1])
        if self.postings is None:
            raise ValueError("neither hashes nor postings")
        return self.postings.count


def path_of(folder: FolderPath) -> str:
    return os.path.join(os.fsdecode(folder), NAME)


def write(folder: FolderPath, stored: StoredIndex) -> None:
    """Write the file in one step, replacing an older one. Makes the folder if needed. Raises OSError."""
    import hashlib

    sections = _sections(stored)
    body = [_padded(array) for array in sections.values()]
    sums = _sums(iter(body))
    header = {
        "width": stored.width,
        "count": stored.count,
        "words": stored.words is not None,
        "radius": stored.radius,
        "tag": stored.tag,
        "byteorder": sys.byteorder,
        "layout": [stored.postings.layout.offsets, stored.postings.layout.lengths] if stored.postings else None,
        "crowding": stored.postings.crowding if stored.postings else None,
        "sums": hashlib.sha256(sums.data).hexdigest(),
        "sections": {name: hashlib.sha256(array.data).hexdigest() for name, array in sections.items()},
    }
    text = json.dumps(header).encode()
    if len(text) > LONGEST_HEADER:
        raise ValueError("the tag is too long")
    head = MAGIC + len(text).to_bytes(8, "little") + text
    head += hashlib.sha256(head).digest() + sums.tobytes()
    os.makedirs(folder, exist_ok=True)
    target = path_of(folder)
    _remove_abandoned(target)
    # Random, so that two processes that write at once do not share one.
    unfinished = f"{target}.{os.urandom(8).hex()}.part"
    file = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with open(file, "wb") as stream:
            stream.write(head.ljust(_pages(len(head)), b"\0"))
            for padded in body:
                for part in padded:
                    stream.write(part.data)
        # Without fsync: if power fails, whatever the disk then has is checked like any other file.
        os.replace(unfinished, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(unfinished)
        raise


def read(folder: FolderPath, check: bool) -> StoredIndex:
    """Map the file. check: compare the whole body with the sums. Raises DamagedIndexError, or OSError if the
    file cannot be read."""
    stored, _, body, sums = _open(folder)
    if check and not np.array_equal(_sums(iter([(body,)])), sums):
        raise DamagedIndexError("the index file is damaged")
    return stored


def verify(folder: FolderPath) -> None:
    """Check every byte of the file against its SHA-256. Raises DamagedIndexError, OSError."""
    import hashlib

    stored, header, body, sums = _open(folder)
    for name, array in _sections(stored).items():
        if hashlib.sha256(np.ascontiguousarray(array).data).hexdigest() != header["sections"][name]:
            raise DamagedIndexError(f"section {name} of the index file is damaged")
    if not np.array_equal(_sums(iter([(body,)])), sums):
        raise DamagedIndexError("the index file is damaged")


def _open(folder: FolderPath) -> tuple[StoredIndex, dict[str, Any], npt.NDArray[np.uint8], npt.NDArray[np.uint64]]:
    mapped = _map(path_of(folder))
    header, start = _header(mapped)
    width, count = header["width"], header["count"]
    layout = None if header["layout"] is None else ChunkLayout(*map(tuple, header["layout"]))
    shapes: dict[str, tuple[type[np.unsignedinteger[Any]], tuple[int, ...]]] = {}
    if header["words"]:
        shapes["words"] = np.uint64, (width // 64, count)
    if layout is not None:
        chunks, buckets = len(layout.lengths), sum(layout.buckets)
        shapes["occupied"] = np.uint8, (buckets,)
        shapes["starts"] = np.uint32, (buckets + chunks,)
        shapes["rows"] = shapes["beside"] = np.uint32, (chunks * count,)
    sizes = [_pages(int(np.prod(shape)) * np.dtype(kind).itemsize) for kind, shape in shapes.values()]
    blocks = -(-sum(sizes) // (8 * SUMMED))
    first = _pages(start + 8 * blocks)
    if len(mapped) != first + sum(sizes) or set(header["sections"]) != set(shapes):
        raise DamagedIndexError("the index file is incomplete")
    sums = np.frombuffer(bytes(mapped[start : start + 8 * blocks]), np.uint64)
    import hashlib

    if hashlib.sha256(sums.data).hexdigest() != header["sums"] or any(mapped[start + 8 * blocks : first]):
        raise DamagedIndexError("the checksums of the index file are damaged")
    arrays: dict[str, npt.NDArray[Any]] = {}
    place = first
    for (name, (kind, shape)), size in zip(shapes.items(), sizes, strict=True):
        arrays[name] = np.frombuffer(mapped, kind, int(np.prod(shape)), place).reshape(shape)
        place += size
    postings = None
    if layout is not None:
        postings = Postings(
            layout,
            count,
            arrays["occupied"],
            arrays["starts"],
            arrays["rows"],
            arrays["beside"],
            tuple(header["crowding"]),
        )
    stored = StoredIndex(width, arrays.get("words"), postings, header["radius"], header["tag"])
    return stored, header, np.frombuffer(mapped, np.uint8, offset=first), sums


def _map(path: str) -> mmap.mmap:
    try:
        # Non-blocking, because a pipe of that name would make us wait forever.
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        raise DamagedIndexError("there is no index file") from None
    try:
        status = os.fstat(file)
        if not stat.S_ISREG(status.st_mode) or status.st_size < PAGE:
            raise DamagedIndexError("this is not an index file")
        return mmap.mmap(file, 0, access=mmap.ACCESS_READ)
    finally:
        os.close(file)


def _header(mapped: mmap.mmap) -> tuple[dict[str, Any], int]:
    """The header, checked, and where the sums start."""
    import hashlib

    start = len(MAGIC) + 8
    length = int.from_bytes(mapped[len(MAGIC) : start], "little")
    if mapped[: len(MAGIC)] != MAGIC or length > LONGEST_HEADER:
        raise DamagedIndexError("this index file has another version")
    end = start + length
    if hashlib.sha256(mapped[:end]).digest() != mapped[end : end + 32]:
        raise DamagedIndexError("the header of the index file is damaged")
    try:
        header = json.loads(mapped[start:end])
        sensible = _sensible(header)
    except (ValueError, KeyError, TypeError, RecursionError):
        sensible = False
    if not sensible:
        raise DamagedIndexError("the header of the index file makes no sense")
    return header, end + 32


def _sensible(header: dict[str, Any]) -> bool:
    width, count, radius = header["width"], header["count"], header["radius"]
    if not all(type(each) is int for each in (width, count, radius)):
        return False
    if not (0 < width <= WIDEST and width % 64 == 0 and 0 <= count <= MOST_ROWS and 0 <= radius <= width):
        return False
    if type(header["tag"]) is not str or header["byteorder"] != sys.byteorder or type(header["sums"]) is not str:
        return False
    if type(header["sections"]) is not dict or type(header["words"]) is not bool:
        return False
    if header["layout"] is None:
        return header["words"]
    offsets, lengths = header["layout"]
    end = 0
    for offset, length in zip(offsets, lengths, strict=True):
        # Chunks that overlap would break the pigeonhole principle.
        if type(offset) is not int or type(length) is not int or offset < end:
            return False
        if not LOW_BITS < length <= LONGEST_CHUNK:
            return False
        end = offset + length
    crowding = header["crowding"]
    if len(crowding) != len(lengths) or not all(type(each) is float and 1 <= each <= MOST_ROWS for each in crowding):
        return False
    return len(lengths) >= 2 and end <= width


def _sections(stored: StoredIndex) -> dict[str, npt.NDArray[Any]]:
    sections: dict[str, npt.NDArray[Any]] = {}
    if stored.words is not None:
        sections["words"] = np.ascontiguousarray(stored.words)
    if stored.postings is not None:
        for name in ("occupied", "starts", "rows", "beside"):
            sections[name] = getattr(stored.postings, name)
    return sections


def _pages(size: int) -> int:
    return -(-size // PAGE) * PAGE


def _padded(array: npt.NDArray[Any]) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """The bytes of an array, and zeros up to the next page."""
    flat = array.reshape(-1).view(np.uint8)
    return flat, np.zeros(_pages(len(flat)) - len(flat), np.uint8)


def _sums(parts: Iterator[tuple[npt.NDArray[np.uint8], ...]]) -> npt.NDArray[np.uint64]:
    """One number for each SUMMED words: each word times an odd number of its own, added up modulo 2 ** 64.

    A change of a single word always shows. Two words that change places show but for one chance in 2 ** 60.
    """
    weights = _weights()
    sums: list[npt.NDArray[np.uint64]] = []
    rest = np.empty(0, np.uint8)
    for part in (piece for pieces in parts for piece in pieces):
        joined = part
        if len(rest):
            # Complete the block that the last part began.
            missing = 8 * SUMMED - len(rest)
            rest = np.concatenate((rest, part[:missing]))
            joined = part[missing:]
            if len(rest) < 8 * SUMMED:
                continue
            sums.append(rest.view(np.uint64).reshape(1, -1) @ weights)
        whole = len(joined) - len(joined) % (8 * SUMMED)
        if whole:
            sums.append(joined[:whole].view(np.uint64).reshape(-1, SUMMED) @ weights)
        rest = joined[whole:]
    if len(rest):
        last = np.zeros(8 * SUMMED, np.uint8)
        last[: len(rest)] = rest
        sums.append(last.view(np.uint64).reshape(1, -1) @ weights)
    return np.concatenate(sums) if sums else np.empty(0, np.uint64)


def _weights() -> npt.NDArray[np.uint64]:
    """Odd numbers without a pattern: the finaliser of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014) over 0, 1, 2…

    numpy's own generators would be one line, but cost 12 ms of imports at every start.
    """
    mixed = np.arange(SUMMED, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed ^= mixed >> np.uint64(shift)
        mixed *= np.uint64(factor)
    mixed ^= mixed >> np.uint64(31)
    weights: npt.NDArray[np.uint64] = mixed | np.uint64(1)
    return weights


def _remove_abandoned(target: str) -> None:
    with contextlib.suppress(OSError):
        for entry in list(os.scandir(os.path.dirname(target))):
            name = entry.name
            if not (name.startswith(NAME + ".") and name.endswith(".part")):
                continue
            with contextlib.suppress(OSError):
                if time.time() - entry.stat(follow_symlinks=False).st_mtime > ABANDONED:
                    os.unlink(entry.path)

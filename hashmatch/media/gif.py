"""GIF: a walk over the blocks, so that a broken one does not hide the frames before it.

https://www.w3.org/Graphics/GIF/spec-gif89a.txt
"""

from __future__ import annotations

from dataclasses import dataclass

_EXTENSION, _IMAGE, _END = 0x21, 0x2C, 0x3B
_CONTROL = 0xF9
#: Sub-blocks of one file, of at most 255 bytes each.
_MOST_BLOCKS = 4_000_000


@dataclass(frozen=True, slots=True)
class CleanGif:
    """A GIF of frames only. is_damaged: whether something is missing at its end. size: of its screen, width and height."""

    data: bytes
    is_damaged: bool
    size: tuple[int, int]


@dataclass(slots=True)
class _Reader:
    data: bytes
    at: int

    def skip_blocks(self) -> bool:
        """Go past sub-blocks. Returns whether they are whole."""
        for _number in range(_MOST_BLOCKS):
            if self.at >= len(self.data):
                return False
            size = self.data[self.at]
            self.at += 1 + size
            if not size:
                return True
        return False


def clean(data: bytes) -> CleanGif:
    """Keep the frames that can be shown, each with its control block. data: a whole file, or what is left of it."""
    width, height = (int.from_bytes(data[at : at + 2], "little") for at in (6, 8))
    flags = data[10] if len(data) > 10 else 0
    reader = _Reader(data, 13 + (3 << (flags & 7) + 1 if flags & 0x80 else 0))
    kept = [data[: reader.at]]
    control = b""
    frames, is_damaged, end = 0, False, b";"
    while reader.at < len(data):
        start, kind = reader.at, data[reader.at]
        if kind == _END:
            break
        if kind == 0:  # one zero too many; viewers pass over it
            reader.at += 1
        elif kind == _EXTENSION:
            reader.at += 2
            is_damaged |= not (is_whole := reader.skip_blocks())
            if data[start + 1 : start + 3] == bytes((_CONTROL, 4)) and is_whole:
                control = data[start : reader.at]
        elif kind == _IMAGE:
            fields = data[start + 1 : start + 10]
            reader.at += 10 + (3 << (fields[8] & 7) + 1 if len(fields) == 9 and fields[8] & 0x80 else 0)
            bits = data[reader.at : reader.at + 1]
            reader.at += 1
            is_damaged |= not (is_whole := reader.skip_blocks())
            left, top, wide, high = (int.from_bytes(fields[at : at + 2], "little") for at in (0, 2, 4, 6))
            if not bits or not 1 <= bits[0] <= 11 or (frames and not is_whole):
                is_damaged = True
                break
            if frames and (left >= width or top >= height or not wide or not high):
                continue  # outside the screen: it shows nothing
            if not frames:
                width, height = max(width, left + wide), max(height, top + high)
            kept += [control, data[start : reader.at]]
            control, frames = b"", frames + 1
            if not is_whole:
                end = b""  # Pillow says what is missing
                break
        else:
            is_damaged = True
            break
    return CleanGif(b"".join((*kept, end)), is_damaged, (width, height))

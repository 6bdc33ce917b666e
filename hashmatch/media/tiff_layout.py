"""Which layouts of TIFF Pillow reads rightly. It reads some others wrongly, without a word.

A test holds this against tifffile over all layouts (tests/media/test_tiff_layouts.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from hashmatch.errors import MediaError
from hashmatch.messages import Message

#: Values of the tag PhotometricInterpretation (TIFF 6.0, section 8 and sections 16 to 23).
WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, INKS, YCBCR, LAB = 0, 1, 2, 3, 5, 6, 8
#: Values of SampleFormat (section 19).
UNSIGNED, SIGNED, FLOAT = 1, 2, 3
#: Pages that are counted.
MOST_PAGES = 1_000_000
#: Samples of a pixel, of which we look at no more.
_MOST_SAMPLES = 64
_NAMES = {
    0: "white is zero",
    1: "grey",
    2: "RGB",
    3: "palette",
    5: "CMYK",
    6: "YCbCr",
    8: "CIELab",
    9: "ICCLab",
    10: "ITULab",
}
_KINDS = {UNSIGNED: "unsigned", SIGNED: "signed", FLOAT: "float", 5: "complex", 6: "complex float"}


@dataclass(frozen=True, slots=True)
class TiffLayout:
    """How the samples of one page lie.

    bits: of each sample of a pixel. kind: the largest SampleFormat. in_planes: whether each sample has a plane of its own.
    is_packed: whether the page is compressed. subsampled: of YCbCr, whether colours are stored more coarsely.
    """

    photometric: int
    bits: tuple[int, ...]
    kind: int
    in_planes: bool
    is_packed: bool
    subsampled: bool

    @classmethod
    def of(cls, tags: Mapping[int, Any]) -> TiffLayout:
        """The layout that these tags say, by number. Raises ValueError or TypeError where they make no sense."""
        bits = _numbers(tags.get(258, (1,)))[:_MOST_SAMPLES]
        samples = int(_numbers(tags.get(277, (len(bits),)))[0])
        if len(bits) == 1:
            bits *= max(1, min(samples, _MOST_SAMPLES))
        return cls(
            int(tags.get(262, WHITE_IS_ZERO)),
            bits,
            max(_numbers(tags.get(339, (UNSIGNED,)))),
            tags.get(284, 1) == 2 and samples > 1,
            tags.get(259, 1) not in (1, 32771),
            _numbers(tags.get(530, (2, 2))) != (1, 1),
        )

    def __str__(self) -> str:
        """In words, for a person."""
        bits = "/".join(map(str, sorted(set(self.bits))[:4]))
        name = _NAMES.get(self.photometric, f"photometric {self.photometric}")
        planes = ", in planes" if self.in_planes else ""
        return f"{name}, {len(self.bits)} × {bits} bits, {_KINDS.get(self.kind, 'unknown')}{planes}"

    @property
    def is_right_in_pillow(self) -> bool:
        """Whether Pillow reads it rightly, if it reads it at all."""
        deepest = max(self.bits, default=0)
        if self.photometric == YCBCR:
            return self.is_packed or not self.subsampled
        if self.kind == UNSIGNED and deepest <= 8:
            return True
        if len(self.bits) == 1:
            # Of compressed samples that are not unsigned it mixes up the order of the bytes.
            plain = ((UNSIGNED, 16),) if self.is_packed else ((UNSIGNED, 16), (SIGNED, 16), (SIGNED, 32), (FLOAT, 32))
            return self.photometric == BLACK_IS_ZERO and (self.kind, deepest) in plain
        # Of uncompressed planes of 16 bits it takes each byte for a sample.
        return self.kind == UNSIGNED and deepest == 16 and (self.is_packed or not self.in_planes)


def refuse_what_pillow_misreads(tags: Mapping[int, Any]) -> None:
    """Raises MediaError: unsupported-format, so that another decoder is asked."""
    layout = TiffLayout.of(tags)
    if not layout.is_right_in_pillow:
        raise MediaError("unsupported-format", Message.of("layout-not-read", layout=str(layout)))


def count_pages(data: bytes) -> int:
    """The pages of a TIFF, at most MOST_PAGES, without reading their tags: Pillow takes minutes over many thousands.

    data: the whole file. A page that lies outside it counts, as what is missing.
    """
    order: Literal["little", "big"] = "little" if data[:2] == b"II" else "big"
    is_big = int.from_bytes(data[2:4], order) == 43
    number, entry, pointer = (8, 20, 8) if is_big else (2, 12, 4)
    at = int.from_bytes(data[8:16] if is_big else data[4:8], order)
    seen: set[int] = set()
    while at and at not in seen and len(seen) < MOST_PAGES:
        seen.add(at)
        end = at + number + int.from_bytes(data[at : at + number], order) * entry
        at = int.from_bytes(data[end : end + pointer], order)
    return len(seen)


def _numbers(value: Any) -> tuple[int, ...]:
    return tuple(int(each) for each in value) if isinstance(value, tuple | list) else (int(value),)

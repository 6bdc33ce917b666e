"""Makes copies of pictures by edits, in several processes, with the plain PDQ hash of each."""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from hashmatch.evaluate.edits import randomness
from hashmatch.evaluate.making import Edit
from hashmatch.hashers.pdq import HASHER
from hashmatch.media import Limits
from hashmatch.media.image import open_image
from hashmatch.media.opened import Stills
from hashmatch.media.sniff import HEAD_BYTES, sniff


@dataclass(frozen=True, slots=True)
class CopySource:
    """A picture to make copies of. number: its place among the originals; name: for the source of randomness."""

    number: int
    name: str
    image: Image.Image


@dataclass(frozen=True, slots=True)
class EditedCopy:
    """A file that an edit has made. original, edit: their places; bits, quality: its PDQ hash, without any views."""

    path: bytes
    original: int
    edit: int
    bits: bytes
    quality: int


@dataclass(frozen=True, slots=True)
class _Order:
    """The work of one process: every edit of one picture."""

    source: CopySource
    edits: tuple[Edit, ...]
    seed: int
    folder: Path
    beside: tuple[Image.Image, ...]


def make(
    sources: Sequence[CopySource],
    edits: tuple[Edit, ...],
    seed: int,
    folder: Path,
    workers: int,
    beside: tuple[Image.Image, ...] = (),
) -> Iterator[EditedCopy]:
    """Write a copy of each picture by each edit into a folder; yields the copies of a picture once all are written.

    The copies do not depend on the number of workers or on what else is made.
    beside: pictures that edits may put beside them.
    """
    orders = [_Order(source, edits, seed, folder, beside) for source in sources]
    count = min(workers, len(orders))
    if count <= 1:
        for order in orders:
            yield from _made(order)
        return
    # Shut down after each batch: its threads must not run while a scan forks its own workers.
    context = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
    with ProcessPoolExecutor(count, context) as pool:
        for made in pool.map(_made, orders):
            yield from made


def _made(order: _Order) -> list[EditedCopy]:
    source = order.source
    made = []
    for number, edit in enumerate(order.edits):
        data = edit.make(source.image, randomness(order.seed, edit, source.name, order.beside))
        path = order.folder / f"{source.number}-{number}"
        path.write_bytes(data)
        made.append(EditedCopy(bytes(path), source.number, number, *plain_pdq(data)))
    return made


def plain_pdq(data: bytes) -> tuple[bytes, int]:
    """PDQ of a whole picture by its file's bytes, as any program of the field computes it: 32 bytes, quality 0 to 100."""
    media_type = sniff(data[:HEAD_BYTES])
    assert media_type is not None
    opened = open_image(data, media_type, Limits(), exact=False)
    assert isinstance(opened, Stills)
    bits, quality = HASHER.hash(next(opened.pictures))
    return bits, quality or 0

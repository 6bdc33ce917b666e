"""Damaged and cut files of every format: pictures, or a MediaError; nothing else is ever raised.

Worker processes decode them, as they do in the program: what damage does to a decoder's memory stays out of other tests.
"""

from __future__ import annotations

import gc
import os
import random
import tempfile
import traceback
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from hashmatch.errors import CODES, MediaError
from hashmatch.isolation import Isolation, Pool, Task
from hashmatch.media import Limits, load_decoder, need
from hashmatch.media.sniff import HEAD_BYTES, sniff
from tests.support.film_files import film
from tests.support.opened_media import decoded
from tests.support.rare_stills import RARE_STILLS
from tests.support.still_files import ANIMATIONS, STILLS, animated, still

FILMS = ["mp4", "mp4-fragmented", "mov-prores", "mkv", "webm-vp9", "avi-mjpeg", "flv", "ts", "mpg", "wmv", "ogv-vp8"]


def load_all(needs: frozenset[str]) -> None:
    """Runs in a worker, before it locks itself."""
    types = [
        media_type for _make, media_type, *_bits in (*STILLS.values(), *ANIMATIONS.values(), *RARE_STILLS.values())
    ]
    for needed in {*map(need, types), "film", "raw", "opencv"}:
        load_decoder(needed)


def examine(exact: bool, descriptor: int, ask: Callable[[Any], Any], beat: Callable[[float], None]) -> tuple[str, Any]:
    """Runs in a worker: the outcome of decoding a file."""
    with open(descriptor, "rb") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data = file.read()
        if sniff(data[:HEAD_BYTES]) is None:
            return "no media", None
        try:
            return "pictures", len(decoded(data, exact, Limits(max_pixels=1_000_000)))
        except MediaError as error:
            return error.code, error.message
        except Exception:
            return "raised", traceback.format_exc()


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    """Two workers for all tests, as a scan of many files has them."""
    gc.collect()  # so that the workers inherit nothing of FFmpeg that they would clear away
    isolation = Isolation(workers=2, timeout=20)
    with Pool(examine, isolation, result=tuple[str, str | int | None], prepare=load_all) as workers:
        yield workers


def outcomes(pool: Pool, damaged: list[bytes], exact: bool = False) -> list[tuple[str, Any]]:
    """The outcome of each, in order. A worker's death is the decoder's doing, and has a code of its own."""

    def tasks() -> Iterator[Task[int] | None]:
        for number, data in enumerate(damaged):
            with tempfile.TemporaryFile() as file:
                file.write(data)
                file.flush()
                descriptor = os.dup(file.fileno())
            os.lseek(descriptor, 0, os.SEEK_SET)
            yield Task(number, exact, descriptor)

    done: dict[int, tuple[str, Any]] = {}
    for each in pool.run(tasks(), lambda key, question: None):
        assert each is not None
        done[each.key] = each.result if each.failure is None else (each.failure.code, each.failure.message)
    return [done[number] for number in range(len(damaged))]


def check(pool: Pool, damaged: list[bytes], exact: bool = False) -> None:
    for data, (what, more) in zip(damaged, outcomes(pool, damaged, exact), strict=True):
        assert what != "raised", f"{more}\nover {len(data)} bytes: {data[:200]!r}"
        if what == "pictures":
            assert more > 0
        elif what != "no media":
            assert what in CODES
            assert more.isprintable() and 0 < len(more) < 300


def whole(name: str) -> bytes:
    kind, _space, of = name.partition(" ")
    if kind == "film":
        return film(of, seconds=1)
    return animated(of) if kind == "animation" else still(of)


ALL = [
    *(f"still {name}" for name in STILLS),
    *(f"animation {name}" for name in ANIMATIONS),
    *(f"film {name}" for name in FILMS),
]


@pytest.mark.parametrize("name", ALL)
def test_cut_anywhere(pool: Pool, name: str) -> None:
    data = whole(name)
    lengths = {*range(0, 100, 7), *range(100, len(data), len(data) // 30 + 1), len(data) - 9, len(data) - 1}
    check(pool, [data[:length] for length in sorted(lengths)])


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("name", ALL)
def test_changed_anywhere(pool: Pool, name: str, exact: bool) -> None:
    """Mostly near the beginning, where a change does most."""
    chance = random.Random(f"{name} {exact}")
    damaged = []
    original = whole(name)
    for _number in range(24):
        data = bytearray(original)
        for _change in range(chance.choice((1, 1, 2, 5, 20))):
            reach = chance.choice((200, 600, len(data)))
            place = chance.randrange(8, min(reach, len(data)))
            data[place] = chance.choice((0, 1, 127, 255, chance.randrange(256)))
        damaged.append(bytes(data))
    check(pool, damaged, exact)


@pytest.mark.parametrize("name", ALL)
def test_parts_left_out_or_doubled(pool: Pool, name: str) -> None:
    chance = random.Random(name)
    data = whole(name)
    damaged = []
    for _number in range(10):
        start = chance.randrange(8, len(data))
        end = min(len(data), start + chance.choice((1, 2, 100, 5000)))
        damaged += [data[:start] + data[end:], data[:end] + data[start:]]
    check(pool, damaged)


def test_what_is_found_out(pool: Pool) -> None:
    """Otherwise the tests above would prove nothing."""
    results = outcomes(pool, [whole("still png"), b"hello", whole("still png")[:50], whole("still png")[:30_000]])
    assert [what for what, _more in results] == ["pictures", "no media", "corrupt", "partial"]


def test_malformed_files_of_the_corpus(pool: Pool, corpus: Any) -> None:
    """157 files of public fuzzing corpora."""
    paths = sorted(path for path in (corpus / "hostile" / "public").rglob("*") if path.is_file())
    assert len(paths) == 157
    check(pool, [path.read_bytes() for path in paths])

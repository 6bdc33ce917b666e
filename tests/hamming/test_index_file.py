"""The index as a file: whatever happens to it, results are exact or there is one clear error."""

from __future__ import annotations

import multiprocessing
import os
import time
from pathlib import Path

import numpy as np
import pytest

from hashmatch.hamming import DamagedIndexError, HammingIndex, index_file, verify
from tests.support.bit_arrays import Bits, flipped, obvious, random_hashes, same, skewed

COUNT = 3000


def made(folder: Path, hashes: Bits) -> Path:
    """Save an index and return the path of its file."""
    HammingIndex.from_hashes(hashes).save(folder, tag="generation 7")
    return folder / index_file.NAME


@pytest.mark.parametrize("width", [64, 256, 1024])
@pytest.mark.parametrize("count", [0, 1, 77, COUNT])
def test_an_opened_index_is_the_saved_one(accelerator: str, tmp_path: Path, width: int, count: int) -> None:
    hashes = random_hashes(count, width)
    queries = flipped(hashes[:5], 3) if count else random_hashes(2, width)
    index = HammingIndex.from_hashes(hashes)
    index.save(tmp_path, tag="gen 1 – ünïcode")
    verify(tmp_path)
    for check in (True, False):
        opened = HammingIndex.open(tmp_path, check=check)
        assert (len(opened), opened.width, opened.tag) == (count, width, "gen 1 – ünïcode")
        assert opened.has_postings == index.has_postings
        for radius in (0, 3, width // 8 - 1, width):
            same(opened.range_search(queries, radius, engine="multi-index"), obvious(hashes, queries, radius))


def test_large_enough_for_several_checksums(tmp_path: Path) -> None:
    hashes = skewed("clustered", 30_000)
    made(tmp_path, hashes)
    verify(tmp_path)
    same(HammingIndex.open(tmp_path).range_search(hashes[:20], 31), obvious(hashes, hashes[:20], 31))


def test_rows_can_be_added_to_an_opened_index_and_saved_over_it(tmp_path: Path) -> None:
    hashes = random_hashes(COUNT)
    path = made(tmp_path, hashes[:2500])
    index = HammingIndex.open(tmp_path)
    index.append(hashes[2500:])
    same(index.range_search(hashes[::500], 31), obvious(hashes, hashes[::500], 31))
    before = path.stat().st_ino
    index.save(tmp_path, tag="8")
    assert path.stat().st_ino != before
    same(index.range_search(hashes[::500], 31), obvious(hashes, hashes[::500], 31))
    again = HammingIndex.open(tmp_path)
    assert (again.tag, again.added) == ("8", 0)
    same(again.range_search(hashes[::500], 31), obvious(hashes, hashes[::500], 31))


def test_an_index_stays_usable_when_its_file_is_replaced_or_deleted(tmp_path: Path) -> None:
    hashes = random_hashes(COUNT)
    path = made(tmp_path, hashes)
    index = HammingIndex.open(tmp_path)
    made(tmp_path, random_hashes(COUNT, seed=1))
    path.unlink()
    same(index.range_search(hashes[:9], 31), obvious(hashes, hashes[:9], 31))


def test_every_flipped_bit_is_noticed(tmp_path: Path) -> None:
    path = made(tmp_path, random_hashes(COUNT))
    whole = path.read_bytes()
    generator = np.random.default_rng(0)
    places = {*range(0, 1500, 7), len(whole) - 1, *generator.integers(0, len(whole), 400).tolist()}
    for place in places:
        damaged = bytearray(whole)
        damaged[place] ^= 1 << int(generator.integers(8))
        path.write_bytes(damaged)
        try:
            HammingIndex.open(tmp_path)
        except DamagedIndexError:
            continue
        # Between the head and the first page nothing is stored and nothing is read.
        raise AssertionError(f"a flipped bit at {place} of {len(whole)} went unnoticed")
    path.write_bytes(whole)
    HammingIndex.open(tmp_path)


@pytest.mark.parametrize("seed", range(40))
def test_unchecked_damage_never_crashes(accelerator: str, tmp_path: Path, seed: int) -> None:
    """As if someone had made the checksums fit: searching gives a result or the clear error, verify() only the latter."""
    hashes = random_hashes(COUNT)
    path = made(tmp_path, hashes)
    head = index_file.PAGE
    damaged = bytearray(path.read_bytes())
    generator = np.random.default_rng(seed)
    size = int(generator.choice([1, 8, 4096, 100_000]))
    place = int(generator.integers(head + hashes.nbytes, len(damaged) - size))
    damaged[place : place + size] = (
        bytes([0, 255, 127][seed % 3] for _ in range(size)) if seed % 4 else generator.bytes(size)
    )
    path.write_bytes(damaged)
    index = HammingIndex.open(tmp_path, check=False)
    for queries in (hashes[:1], hashes):
        try:
            q, r, d = index.range_search(queries, 31, engine="multi-index")
        except DamagedIndexError:
            continue
        # The hashes themselves are whole, so what is found is right.
        np.testing.assert_array_equal(np.bitwise_count(hashes[r] ^ queries[q]).sum(axis=1, dtype=np.int64), d)
    if bytes(damaged) != made(tmp_path / "whole", hashes).read_bytes():
        with pytest.raises(DamagedIndexError):
            verify(tmp_path)


def test_files_that_end_too_early_or_too_late(tmp_path: Path) -> None:
    path = made(tmp_path, random_hashes(COUNT))
    whole = path.read_bytes()
    lengths = {
        0,
        1,
        15,
        16,
        23,
        24,
        25,
        100,
        500,
        700,
        4095,
        4096,
        4097,
        8192,
        len(whole) // 2,
        len(whole) - 4096,
        len(whole) - 1,
    }
    for content in [*(whole[:length] for length in lengths), whole + b"\0", whole + whole]:
        path.write_bytes(content)
        for check in (True, False):
            with pytest.raises(DamagedIndexError):
                HammingIndex.open(tmp_path, check=check)
        with pytest.raises(DamagedIndexError):
            verify(tmp_path)


def test_files_with_holes_as_after_a_power_cut(tmp_path: Path) -> None:
    path = made(tmp_path, random_hashes(COUNT))
    whole = path.read_bytes()
    for place in range(0, len(whole) - 4096, 4096 * 17):
        path.write_bytes(whole[:place] + bytes(4096) + whole[place + 4096 :])
        if whole[place : place + 4096].strip(b"\0"):
            with pytest.raises(DamagedIndexError):
                HammingIndex.open(tmp_path)


def test_pages_that_changed_places(tmp_path: Path) -> None:
    path = made(tmp_path, random_hashes(COUNT))
    whole = path.read_bytes()
    for one, other in ((1, 2), (3, 20), (5, 6)):
        pages = [whole[start : start + 4096] for start in range(0, len(whole), 4096)]
        pages[one], pages[other] = pages[other], pages[one]
        path.write_bytes(b"".join(pages))
        with pytest.raises(DamagedIndexError):
            HammingIndex.open(tmp_path)


@pytest.mark.parametrize("content", [b"", b"\0" * 9000, b"SQLite format 3\0" * 1000, b"\x93NUMPY" + b"\1" * 9000])
def test_foreign_files(tmp_path: Path, content: bytes) -> None:
    (tmp_path / index_file.NAME).write_bytes(content)
    with pytest.raises(DamagedIndexError):
        HammingIndex.open(tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        {"width": 63},
        {"width": 0},
        {"width": 2**40},
        {"width": "256"},
        {"count": -1},
        {"count": 2**33},
        {"count": COUNT + 1000},
        {"count": 1.5},
        {"radius": -1},
        {"radius": None},
        {"tag": 3},
        {"byteorder": "middle"},
        {"layout": 3},
        {"layout": [[0], [16]]},
        {"layout": [[0, 8], [16, 16]]},
        {"layout": [[0, 250], [16, 16]]},
        {"layout": [[0, 16], [16, 60]]},
        {"layout": [[0, 16], [16, 2]]},
        {"layout": [[0, 16], [16]]},
        {"layout": [["a", 16], [16, 16]]},
        {"layout": None},
        {"crowding": [0.5]},
        {"crowding": None},
        {"sections": {}},
        {"sections": []},
        {"sums": "00"},
        [],
        None,
        "",
    ],
)
def test_a_head_that_makes_no_sense_although_its_digest_fits(tmp_path: Path, change: object) -> None:
    import hashlib
    import json

    path = made(tmp_path, random_hashes(COUNT))
    whole = path.read_bytes()
    length = int.from_bytes(whole[16:24], "little")
    header = json.loads(whole[24 : 24 + length])
    text = json.dumps(header | change if isinstance(change, dict) else change).encode()
    head = whole[:16] + len(text).to_bytes(8, "little") + text
    sums = whole[24 + length + 32 :][: 8 * -(-(len(whole) - 4096) // (8 * index_file.SUMMED))]
    path.write_bytes((head + hashlib.sha256(head).digest() + sums).ljust(4096, b"\0") + whole[4096:])
    with pytest.raises(DamagedIndexError):
        HammingIndex.open(tmp_path)


def test_what_is_there_but_no_file(tmp_path: Path) -> None:
    with pytest.raises(DamagedIndexError, match="no index file"):
        HammingIndex.open(tmp_path / "absent")
    os.mkfifo(tmp_path / index_file.NAME)
    with pytest.raises(DamagedIndexError, match="not an index file"):
        HammingIndex.open(tmp_path)
    (tmp_path / index_file.NAME).unlink()
    (tmp_path / index_file.NAME).mkdir()
    with pytest.raises((DamagedIndexError, OSError)):
        HammingIndex.open(tmp_path)


def test_leaves_nothing_behind_when_writing_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space"):
        made(tmp_path, random_hashes(9))
    assert list(tmp_path.iterdir()) == []


def test_removes_what_a_process_that_died_left_but_not_what_one_is_writing(tmp_path: Path) -> None:
    old, new, other = (tmp_path / name for name in ("index.hamming.1.part", "index.hamming.2.part", "notes.part"))
    for each in (old, new, other):
        each.touch()
    os.utime(old, (0, time.time() - 2 * index_file.ABANDONED))
    os.utime(other, (0, 0))
    made(tmp_path, random_hashes(9))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["index.hamming", "index.hamming.2.part", "notes.part"]


@pytest.mark.slow
def test_many_processes_may_save_and_open_at_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    made(tmp_path, random_hashes(COUNT, seed=0))
    processes = [context.Process(target=_save_and_open, args=(tmp_path, seed)) for seed in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert [p.name for p in tmp_path.iterdir()] == [index_file.NAME]


def _save_and_open(folder: Path, seed: int) -> None:
    sets = [random_hashes(COUNT + number, seed=number) for number in range(3)]
    for _ in range(15):
        HammingIndex.from_hashes(sets[seed]).save(folder, tag=str(seed))
        opened = HammingIndex.open(folder)
        hashes = sets[int(opened.tag)] if opened.tag else sets[0]
        same(opened.range_search(hashes[:3], 5), obvious(hashes, hashes[:3], 5))

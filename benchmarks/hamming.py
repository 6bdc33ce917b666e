"""Exact Hamming search: hashmatch in numpy and with numba, against faiss, threatexchange and usearch, in one process on
one thread; results are checked to be equal.

All times are of the processor, not of the clock: everything has one thread, and what else the machine does matters less.
"""

from __future__ import annotations

import argparse
import importlib
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from measure import Goal, jpegs, machine, one_thread, photos_argument, stop, table, verdict

from hashmatch.hamming import HammingIndex

Bits = npt.NDArray[np.uint8]
#: Hashes as (query, row) pairs, sorted, to compare results by.
Pairs = npt.NDArray[np.int64]

SETS = ("random", "low rank", "shared", "photos")
SIZES = {"10k": 10_000, "100k": 100_000, "1M": 1_000_000, "3M": 3_000_000, "10M": 10_000_000}
#: threatexchange takes hex strings, one by one, and faiss's MultiHash minutes: beyond this they are left out.
MOST_FOR_SLOW_PEERS = 1_000_000
#: Rank of the Gaussian whose signs are the "low rank" hashes.
RANK = 16


@dataclass(slots=True)
class Measured:
    """One engine on one set: µs a query in a batch, µs of one cold query, seconds to build, bytes a hash; NaN unknown."""

    name: str
    batch: float
    single: float = float("nan")
    build: float = float("nan")
    bytes: float = float("nan")
    pairs: Pairs | None = field(default=None, repr=False)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="100k,1M", help=f"of {', '.join(SIZES)}; default 100k,1M")
    parser.add_argument("--sets", default=",".join(SETS), help=f"of {', '.join(SETS)}; default all")
    parser.add_argument("--queries", type=int, default=1000, help="default 1000; slow peers take fewer of them")
    parser.add_argument("--radius", type=int, default=31, help="default 31")
    parser.add_argument("--rounds", type=int, default=5, help="best of so many; default 5")
    photos_argument(parser)
    parser.add_argument("--memory", action="store_true", help="only measure the memory of a million queries")
    arguments = parser.parse_args()
    one_thread()
    try:
        sizes = [SIZES[name] for name in arguments.sizes.split(",")]
    except KeyError as error:
        stop(f"no such size: {error}")
    print(machine(), "\n")
    if arguments.memory:
        return verdict([memory(max(sizes))])
    numba = with_numba()
    if not numba:
        print("Note: numba is not installed; its rows are left out.\n")
    limits()
    goals: list[Goal] = []
    for size in sizes:
        for name in arguments.sets.split(","):
            hashes = make(name, size, arguments.photos)
            queries = near(hashes, arguments.queries, arguments.radius)
            found = compare(hashes, queries, arguments.radius, arguments.rounds, numba)
            report(f"{name}, {size:,} × 256 bits, radius {arguments.radius}, {len(queries)} queries", found)
            if name == "random" and size <= MOST_FOR_SLOW_PEERS:
                nearest(hashes, queries[:20])
            if arguments.radius == 31:
                goals += goals_of(name, size, {each.name: each for each in found})
    return verdict(goals)


def make(name: str, size: int, photos: Path | None) -> Bits:
    """size hashes of 256 bits: uint8 (size, 32)."""
    generator = np.random.default_rng(size)
    if name == "low rank":
        basis = generator.standard_normal((RANK, 256), np.float32)
        parts = [
            generator.standard_normal((min(100_000, size - start), RANK), np.float32) @ basis
            for start in range(0, size, 100_000)
        ]
        return np.concatenate([np.packbits(part > 0, axis=1) for part in parts])
    if name == "photos":
        return grow(pdq_of(photos), size, generator)
    hashes = generator.integers(0, 256, (size, 32), np.uint8)
    if name == "shared":
        rows = generator.choice(size, size // 20, replace=False)
        hashes[rows, :24] = hashes[rows[0], :24]
    elif name != "random":
        stop(f"no such set: {name}")
    return hashes


def pdq_of(photos: Path | None) -> Bits:
    """PDQ of pictures, of the whole and of ever smaller crops of each."""
    import io

    from PIL import Image

    from hashmatch import hash_bytes

    found: list[bytes] = []
    for path in jpegs(photos, 200):
        with Image.open(path) as image:
            picture = image.convert("RGB")
        picture.thumbnail((512, 512))
        width, height = picture.size
        for edge in (0.0, 0.05, 0.1, 0.2):
            for left in (0.0, edge, 2 * edge) if edge else (0.0,):
                box = (
                    int(left * width),
                    int(edge * height),
                    int((left + 1 - 2 * edge) * width),
                    int((1 - edge) * height),
                )
                file = io.BytesIO()
                picture.crop(box).save(file, "JPEG", quality=85)
                hashes = hash_bytes(file.getvalue()).hashes
                found += [each.bits for each in hashes if each.algorithm == "pdq"]
    return np.frombuffer(b"".join(found), np.uint8).reshape(-1, 32)


def grow(hashes: Bits, size: int, generator: np.random.Generator) -> Bits:
    """Copies of hashes with 8 to 120 bits flipped, as neighbours in a real set are not all far apart."""
    grown = hashes[generator.integers(0, len(hashes), size)]
    for start in range(0, size, 100_000):
        part = grown[start : start + 100_000]
        share = generator.uniform(8 / 256, 120 / 256, (len(part), 1)).astype(np.float32)
        part ^= np.packbits(generator.random((len(part), 256), np.float32) < share, axis=1)
    grown[: len(hashes)] = hashes[:size]
    return grown


def near(hashes: Bits, count: int, radius: int) -> Bits:
    """Queries: half of them references with up to `radius` bits flipped, half with 128 or so, which is as good as none."""
    generator = np.random.default_rng(count)
    queries = hashes[generator.choice(len(hashes), count, replace=count > len(hashes))]
    flips = generator.integers(0, radius + 1, count)
    order = generator.random((count, 256)).argsort(axis=1).argsort(axis=1)
    noise = generator.random((count, 256)) < 0.5
    flipped = np.where(np.arange(count)[:, None] % 2 == 0, order < flips[:, None], noise)
    return np.bitwise_xor(queries, np.packbits(flipped, axis=1))


def compare(hashes: Bits, queries: Bits, radius: int, rounds: int, numba: bool) -> list[Measured]:
    """All engines on one set; ends the script if their results differ."""
    index = HammingIndex.from_hashes(hashes)
    start = time.process_time()
    index = HammingIndex.from_hashes(hashes)
    index.build()
    built = time.process_time() - start
    some = queries[: max(10, min(len(queries), 200_000_000 // len(hashes)))]
    found = []
    for name, engine, mode, asked in (
        ("hashmatch, numpy", "auto", "0", queries),
        ("  its brute force", "brute", "0", some),
        ("  its multi-index", "multi-index", "0", queries),
        ("hashmatch, numba", "auto", "1", queries),
        ("  its brute force, numba", "brute", "1", some),
    ):
        if mode == "1" and not numba:
            continue
        with mode_of_numba(mode):

            def search(asked: Bits = asked, engine: Any = engine) -> Pairs:
                q, r, _ = index.range_search(asked, radius, engine=engine)
                return as_pairs(q, r, len(hashes))

            each = measure(name, search, len(asked), rounds)
            if engine == "auto":
                each.single = cold(lambda query: index.range_search(query, radius), queries)
                each.build, each.bytes = built, index.nbytes / len(hashes)
        found.append(each)
    found += peers(hashes, some, radius, rounds)
    for each in found:
        assert each.pairs is not None and found[0].pairs is not None
        asked = len(queries) if each.name.startswith(("hashmatch", "  its multi")) else len(some)
        if not np.array_equal(each.pairs, found[0].pairs[found[0].pairs < asked * len(hashes)]):
            stop(f"{each.name} and {found[0].name} found different pairs")
    return found


def peers(hashes: Bits, queries: Bits, radius: int, rounds: int) -> Iterator[Measured]:
    """faiss IndexBinaryFlat and IndexBinaryMultiHash, and threatexchange's PDQIndex, as far as they are installed."""
    try:
        faiss: Any = importlib.import_module("faiss")
    except ImportError:
        stop("the peers are missing: pip install -r benchmarks/requirements-hamming.txt")
    faiss.omp_set_num_threads(1)
    flat = faiss.IndexBinaryFlat(256)
    flat.add(hashes)

    def ask(index: Any, some: Bits) -> Pairs:
        limits, _, rows = index.range_search(some, radius + 1)  # its radius is strict
        return as_pairs(np.repeat(np.arange(len(some)), np.diff(limits.astype(np.int64))), rows, len(hashes))

    each = measure("faiss IndexBinaryFlat", lambda: ask(flat, queries), len(queries), max(2, rounds // 2))
    each.single = cold(lambda query: ask(flat, query), queries)
    each.bytes = 32.0
    yield each
    if len(hashes) > MOST_FOR_SLOW_PEERS or radius > 31:
        return
    start = time.process_time()
    multi = faiss.IndexBinaryMultiHash(256, 16, 16)
    multi.add(hashes)
    built = time.process_time() - start
    multi.nflip = 1
    each = measure("faiss IndexBinaryMultiHash", lambda: ask(multi, queries), len(queries), 2)
    each.single, each.build = cold(lambda query: ask(multi, query), queries), built
    yield each
    if radius != 31:
        return
    with _quiet_warnings():
        pdq: Any = importlib.import_module("threatexchange.signal_type.pdq.pdq_index")
    start = time.process_time()
    theirs = pdq.PDQIndex([(each.tobytes().hex(), row) for row, each in enumerate(hashes)])
    built = time.process_time() - start
    texts = [query.tobytes().hex() for query in queries]

    def ask_theirs() -> Pairs:
        return np.sort(
            np.array(
                [n * len(hashes) + hit.metadata for n, text in enumerate(texts) for hit in theirs.query(text)], np.int64
            )
        )

    each = measure("threatexchange PDQIndex", ask_theirs, len(queries), 2)
    each.single, each.build = cold(lambda query: theirs.query(query[0].tobytes().hex()), queries), built
    yield each


def nearest(hashes: Bits, queries: Bits) -> None:
    """The ten nearest, hashmatch and usearch's exact search, which has no search by radius."""
    try:
        usearch: Any = importlib.import_module("usearch.index")
    except ImportError:
        stop("the peers are missing: pip install -r benchmarks/requirements-hamming.txt")
    index = HammingIndex.from_hashes(hashes)
    index.build()
    metric = usearch.MetricKind.Hamming

    def theirs() -> Any:
        return usearch.search(hashes, queries, 10, metric, exact=True, threads=1, dtype="b1")

    rows = []
    with mode_of_numba("0"):
        ours = index.knn(queries, 10)
        if not np.array_equal(np.sort(theirs().distances.astype(np.int64), axis=1), ours[1]):
            stop("usearch and hashmatch found different neighbours")
        for name, work in (("hashmatch, numpy", lambda: index.knn(queries, 10)), ("usearch, exact", theirs)):
            rows.append((name, f"{best(work, 3) / len(queries) * 1e6:,.0f}"))
    print(f"ten nearest of {len(hashes):,}, {len(queries)} queries")
    table(("", "µs/query"), rows)


def report(title: str, found: Sequence[Measured]) -> None:
    flat = next(each for each in found if each.name == "faiss IndexBinaryFlat")
    print(title)
    rows = [
        (
            each.name,
            f"{each.batch:,.1f}",
            f"{flat.batch / each.batch:.1f} ×",
            number(each.single, ",.0f"),
            number(flat.single / each.single, ".1f", " ×"),
            number(each.build, ".2f"),
            number(each.bytes, ".0f"),
        )
        for each in found
    ]
    table(("", "µs/query", "faiss Flat", "one cold, µs", "faiss Flat", "build s", "bytes/hash"), rows)


def goals_of(name: str, size: int, found: dict[str, Measured]) -> list[Goal]:
    """What issue 3 promises of this set and size."""
    ours, numba, flat = found["hashmatch, numpy"], found.get("hashmatch, numba"), found["faiss IndexBinaryFlat"]
    where, goals = f"{name} {size:,}: ", []
    if name in ("low rank", "shared"):
        goals.append(Goal(where + "numpy against faiss Flat", flat.batch / ours.batch, 1))
        if numba:
            goals.append(Goal(where + "numba against faiss Flat", flat.batch / numba.batch, 2))
        better = min(found["  its brute force"].batch, found["  its multi-index"].batch)
        return [*goals, Goal(where + "against the better engine", ours.batch / better, 1.3, at_least=False)]
    if size == 1_000_000:
        goals.append(Goal(where + "numpy against faiss Flat", flat.batch / ours.batch, 10))
        if name == "random":
            tx, multi = found["threatexchange PDQIndex"], found["faiss IndexBinaryMultiHash"]
            goals += [
                Goal(where + "numpy against PDQIndex", tx.batch / ours.batch, 10),
                Goal(where + "building against MultiHash", ours.build / multi.build, 0.5, at_least=False),
                Goal(where + "one cold query, numpy", flat.single / ours.single, 2),
                Goal(where + "bytes a hash", ours.bytes, 220, at_least=False, unit=" B"),
            ]
            if numba:
                brute = found["  its brute force, numba"]
                goals += [
                    Goal(where + "numba against numpy", ours.batch / numba.batch, 1.5),
                    Goal(where + "numba brute force against faiss Flat", flat.batch / brute.batch, 4),
                    Goal(where + "one cold query, numba", flat.single / numba.single, 10),
                ]
    elif size == 10_000_000 and name == "random":
        goals.append(Goal(where + "numpy against faiss Flat", flat.batch / ours.batch, 50))
        goals.append(Goal(where + "one cold query, numpy", flat.single / ours.single, 20))
        if numba:
            goals.append(Goal(where + "one cold query, numba", flat.single / numba.single, 80))
    return goals


def limits() -> None:
    """What brute force cannot beat on this machine: reading memory for one query, counting ones for many."""
    large = np.ones(1 << 26, np.uint64)
    small, ones = np.ones(1 << 11, np.uint64), np.empty(1 << 11, np.uint8)
    read = large.nbytes / best(large.max, 3)
    count = 1000 * len(small) / best(lambda: [np.bitwise_count(small, out=ones) for _ in range(1000)], 5)
    rows = [
        ("memory read", f"{read / 1e9:.1f} GB/s", f"{32e6 / read * 1e6:,.0f} µs", f"{320e6 / read * 1e6:,.0f} µs"),
        (
            "ones counted in the L1 cache, numpy",
            f"{count / 1e9:.2f} G words/s",
            f"{4e6 / count * 1e6:,.0f} µs",
            f"{4e7 / count * 1e6:,.0f} µs",
        ),
    ]
    table(("limits of brute force", "rate", "1M × 256 bits", "10M × 256 bits"), rows)


def memory(size: int) -> Goal:
    """The growth of this process while a million queries, all of them in the set, are searched in an opened index."""
    generator = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        if os.fork() == 0:  # so that building is not measured
            HammingIndex.from_hashes(generator.integers(0, 256, (size, 32), np.uint8)).save(folder)
            os._exit(0)
        os.wait()
        index = HammingIndex.open(folder)
        queries = generator.integers(0, 256, (1_000_000, 32), np.uint8)
        before, start, pairs = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time(), 0
        for q, _, _ in index.iter_range_search(queries, 31):
            pairs += len(q)
        seconds = time.process_time() - start
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(
        f"{pairs:,} pairs in {seconds:.0f} s; the index is mapped, {index.nbytes / 1e6:,.0f} MB, and may count in full\n"
    )
    unit = 1e3 if sys.platform == "linux" else 1e6
    return Goal(
        "MB beyond the index", max(0.0, (after - before) / unit - index.nbytes / 1e6), 300, at_least=False, unit=" MB"
    )


def measure(name: str, search: Callable[[], Pairs], queries: int, rounds: int) -> Measured:
    pairs = search()  # also compiles, and fills caches
    return Measured(name, best(search, rounds) / queries * 1e6, pairs=pairs)


def best(work: Callable[[], object], rounds: int) -> float:
    """The shortest of so many runs, in seconds."""
    seconds = []
    for _ in range(rounds):
        start = time.process_time()
        work()
        seconds.append(time.process_time() - start)
    return min(seconds)


def cold(search: Callable[[Bits], object], queries: Bits, times: int = 9) -> float:
    """Median µs of one query whose data are in no cache: each time another, after reading half a gigabyte of others."""
    others = np.ones(1 << 26, np.uint64)
    seconds = []
    for number in range(min(times, len(queries))):
        others.max()
        start = time.process_time()
        search(queries[number : number + 1])
        seconds.append(time.process_time() - start)
    return float(np.median(seconds)) * 1e6


def as_pairs(q: npt.NDArray[np.int64], r: npt.NDArray[np.int64], count: int) -> Pairs:
    return np.sort(q * count + r)


def number(value: float, form: str, unit: str = "") -> str:
    return "" if np.isnan(value) else f"{value:{form}}{unit}"


def with_numba() -> bool:
    from hashmatch.hamming import numba_calls

    with mode_of_numba("1"):
        return numba_calls.kernels(0) is not None


@contextmanager
def mode_of_numba(mode: str) -> Iterator[None]:
    before = os.environ.get("HASHMATCH_NUMBA")
    os.environ["HASHMATCH_NUMBA"] = mode
    try:
        yield
    finally:
        os.environ.pop("HASHMATCH_NUMBA")
        if before is not None:
            os.environ["HASHMATCH_NUMBA"] = before


@contextmanager
def _quiet_warnings() -> Iterator[None]:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


if __name__ == "__main__":
    raise SystemExit(main())

"""Images per second of hashmatch and of threatexchange's PDQ path: same files, one process, one core, in turns.

Also how far the fast path is from the exact one, and the exact one from Meta's own code.
"""

from __future__ import annotations

import argparse
import collections
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from measure import Goal, enlarge, jpegs, machine, median_ratio, one_thread, photos_argument, stop, table, verdict

if TYPE_CHECKING:
    from hashmatch.fingerprints.settings import PlainHashing

PEER = "threatexchange PDQ"
#: What ours is asked for, in `PlainHashing`'s words.
OURS: dict[str, tuple[tuple[str, ...], bool]] = {
    "digests + PDQ": (("pdq",), False),
    "digests + PDQ, pHash, dHash": (("pdq", "phash", "dhash"), False),
    "digests + exact PDQ": (("pdq",), True),
}
#: Images per second in multiples of the peer's.
GOALS_SMALL = {"digests + PDQ": 1.9, "digests + PDQ, pHash, dHash": 1.25}
GOALS_LARGE = {"digests + PDQ": 20.0}
#: How many of 256 bits the fast path may be from the exact one.
FAST_DISTANCE = 4

Work = Callable[[Path], object]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    photos_argument(parser, limit=True)
    parser.add_argument("--rounds", type=int, default=9, help="for the photos; default 9")
    parser.add_argument("--large", type=int, default=8, help="how many 12-megapixel pictures to make; default 8")
    parser.add_argument("--large-rounds", type=int, default=3, help="for these; default 3")
    parser.add_argument("--grain", type=float, default=0.0, help="noise in these, in brightness levels; default none")
    arguments = parser.parse_args()
    one_thread()
    print(machine(), "\n")

    photos = jpegs(arguments.photos, arguments.limit)
    goals = compare("photographs as they are", photos, arguments.rounds, GOALS_SMALL)
    goals += fidelity("photographs as they are", photos)
    if arguments.large:
        step = max(1, len(photos) // arguments.large)
        with tempfile.TemporaryDirectory() as folder:
            large = enlarge(photos[::step][: arguments.large], Path(folder), arguments.grain)
            goals += compare("12-megapixel JPEGs", large, arguments.large_rounds, GOALS_LARGE)
            goals += fidelity("12-megapixel JPEGs", large)
    return verdict(goals)


def methods() -> dict[str, Work]:
    """Who does the work: the peer first, then each way of ours."""
    try:
        from threatexchange.signal_type.pdq.signal import PdqSignal
    except ImportError as error:
        stop(f"the peer is not installed ({error}): pip install -r benchmarks/requirements.txt")

    from hashmatch.fingerprints.one_file import fingerprint
    from hashmatch.fingerprints.settings import PlainHashing

    def ours(settings: PlainHashing) -> Work:
        def work(path: Path) -> object:
            with open(path, "rb") as file:
                result = fingerprint(file, settings)
            assert result.error is None, (path, result.error)
            return result

        return work

    return {PEER: PdqSignal.hash_from_file} | {
        name: ours(PlainHashing(hashers, exact=exact, views=False)) for name, (hashers, exact) in OURS.items()
    }


def compare(title: str, files: Sequence[Path], rounds: int, goals: dict[str, float]) -> list[Goal]:
    """Measure all methods in turns and print the table. A goal is judged by the median over rounds of wall time."""
    wall: dict[str, list[float]] = collections.defaultdict(list)
    cpu: dict[str, list[float]] = collections.defaultdict(list)
    everyone = list(methods().items())
    for number in range(-1, rounds):  # the first round warms the caches and is not counted
        turn = number % len(everyone)
        for name, work in everyone[turn:] + everyone[:turn]:
            wall_start, cpu_start = time.perf_counter(), time.process_time()
            for path in files if number >= 0 else files[:20]:
                work(path)
            if number >= 0:
                wall[name].append(time.perf_counter() - wall_start)
                cpu[name].append(time.process_time() - cpu_start)

    megabytes = sum(path.stat().st_size for path in files) / len(files) / 1e6
    print(f"{title}: {len(files)} files of {megabytes:.2f} MB on average, {rounds} rounds, images per second")
    rows = []
    for name in wall:
        rates = [len(files) / seconds for seconds in wall[name]]
        rows.append(
            (
                name,
                f"{statistics.median(rates):.1f}",
                f"{max(rates):.1f}",
                f"{statistics.median(len(files) / seconds for seconds in cpu[name]):.1f}",
                f"{median_ratio(wall[name], wall[PEER]):.2f}",
                f"{median_ratio(cpu[name], cpu[PEER]):.2f}",
            )
        )
    table(("", "median", "best", "by CPU time", "× peer", "× peer by CPU"), rows)
    return [Goal(f"{title}: {name}", median_ratio(wall[name], wall[PEER]), bound) for name, bound in goals.items()]


def fidelity(title: str, files: Sequence[Path]) -> list[Goal]:
    """Print and judge how far PDQ is from what it should be, in bits of 256."""
    import numpy as np
    from PIL import Image, ImageOps

    from hashmatch.fingerprints.one_file import fingerprint
    from hashmatch.fingerprints.settings import PlainHashing
    from hashmatch.records import Hash

    try:
        import pdqhash
    except ImportError:
        pdqhash = None
        print("pdqhash is not installed: the exact path is not held against Meta's\n")

    def ours(path: Path, exact: bool) -> Hash:
        with open(path, "rb") as file:
            return fingerprint(file, PlainHashing(exact=exact)).hashes[0]

    fast, meta, quality = [], [], []
    for path in files:
        exact_hash, fast_hash = ours(path, exact=True), ours(path, exact=False)
        fast.append(distance(exact_hash.bits, fast_hash.bits))
        quality.append(abs((exact_hash.quality or 0) - (fast_hash.quality or 0)))
        if pdqhash is not None:
            with Image.open(path) as image:
                pixels = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
            bits, their_quality = pdqhash.compute(pixels)
            meta.append(
                distance(exact_hash.bits, np.packbits(bits).tobytes()) + abs(their_quality - exact_hash.quality)
            )
    counts = collections.Counter(fast)
    print(f"{title}: fast PDQ from exact PDQ, mean {statistics.mean(fast):.2f} bits, most {max(fast)}")
    print("  bits: files    " + "  ".join(f"{bits}: {counts[bits]}" for bits in sorted(counts)))
    print(f"  quality differs by {max(quality)} of 100 at most")
    goals = [Goal(f"{title}: fast PDQ from exact", max(fast), FAST_DISTANCE, at_least=False, unit=" bits")]
    if meta:
        print(f"  exact PDQ from Meta's: {sum(each > 0 for each in meta)} of {len(meta)} differ in bits or quality")
        goals.append(Goal(f"{title}: exact PDQ from Meta's", max(meta), 0, at_least=False, unit=" bits"))
    print()
    return goals


def distance(one: bytes, other: bytes) -> int:
    """How many bits differ."""
    return (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).bit_count()


if __name__ == "__main__":
    raise SystemExit(main())

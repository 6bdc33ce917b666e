"""The real `hashmatch index` over a few thousand JPEGs: files per second, gain of a second worker, peak memory."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from measure import REPOSITORY, Goal, enlarge, jpegs, machine, median_ratio, photos_argument, stop, table, verdict

SECOND_WORKER = 1.7
PEAK_MB = 400.0
#: Seconds between two looks at the processes. The kernel keeps the peaks, so a look misses only what grew after it.
LOOK = 0.25


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the command. wall, cpu: seconds, of it and its workers. peaks in MB: the parent's, then each worker's.

    largest: the peak of the largest process in MB, as the kernel tells it at the end.
    """

    wall: float
    cpu: float
    parent: float
    workers: tuple[float, ...]
    largest: float


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    photos_argument(parser)
    parser.add_argument("--files", type=int, default=2000, help="how many files to make of them; default 2000")
    parser.add_argument("--rounds", type=int, default=5, help="of one worker and two; default 5")
    parser.add_argument("--large", type=int, default=12, help="12-megapixel JPEGs, and as many PNGs; default 12")
    arguments = parser.parse_args()
    print(machine(), "\n")

    photos = jpegs(arguments.photos)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch, "files")
        multiply(photos, folder, arguments.files)
        goals = scaling(folder, Path(scratch), arguments.files, arguments.rounds)
        if arguments.large:
            shutil.rmtree(folder)
            folder.mkdir()
            chosen = photos[:: max(1, len(photos) // arguments.large)][: arguments.large]
            enlarge(chosen, folder)
            enlarge(chosen, folder, suffix=".png")
            goals.append(memory(folder, Path(scratch), 2 * len(chosen)))
    return verdict(goals)


def multiply(photos: Sequence[Path], folder: Path, count: int) -> None:
    """Write `count` JPEGs: the photographs over and over, each with a comment of its own, so that no two are the same."""
    folder.mkdir()
    for number in range(count):
        data = photos[number % len(photos)].read_bytes()
        comment = f"copy {number}".encode()
        segment = b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment
        target = folder / f"{number // 100:03}" / f"{number:06}.jpg"
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(data[:2] + segment + data[2:])


def scaling(folder: Path, scratch: Path, count: int, rounds: int) -> list[Goal]:
    """One worker and two in turns, each into a new database; and a second run, for which there is nothing to do."""
    runs: dict[str, list[Run]] = {"1 worker": [], "2 workers": [], "again, nothing new": []}
    for number in range(rounds):
        for workers in (1, 2) if number % 2 == 0 else (2, 1):
            database = scratch / f"{number}-{workers}.db"
            runs["1 worker" if workers == 1 else "2 workers"].append(index(folder, database, workers, "indexed", count))
            if workers == 2:
                runs["again, nothing new"].append(index(folder, database, workers, "unchanged", count))
    print(f"hashmatch index, {count} photographs, {rounds} rounds")
    rows = [
        (
            name,
            f"{statistics.median(run.wall for run in each):.2f}",
            f"{statistics.median(run.cpu for run in each):.2f}",
            f"{statistics.median(count / run.wall for run in each):.0f}",
            *memory_cells(each),
        )
        for name, each in runs.items()
    ]
    table(("", "seconds", "CPU seconds", "files/s", *MEMORY_HEADS), rows)
    one, two = ([run.wall for run in runs[name]] for name in ("1 worker", "2 workers"))
    peak = max(run.largest for each in runs.values() for run in each)
    return [
        Goal("two workers against one", median_ratio(two, one), SECOND_WORKER),
        Goal("largest process, photographs", peak, PEAK_MB, at_least=False, unit=" MB"),
    ]


def memory(folder: Path, scratch: Path, count: int) -> Goal:
    """Peak memory over pictures as large as a telephone makes them."""
    run = index(folder, scratch / "large.db", 2, "indexed", count)
    print(f"hashmatch index, {count} 12-megapixel pictures, half JPEG and half PNG")
    table(
        ("", "seconds", "CPU seconds", "files/s", *MEMORY_HEADS),
        [("2 workers", f"{run.wall:.2f}", f"{run.cpu:.2f}", f"{count / run.wall:.1f}", *memory_cells([run]))],
    )
    return Goal("largest process, 12 megapixels", run.largest, PEAK_MB, at_least=False, unit=" MB")


MEMORY_HEADS = ("parent MB", "each worker MB", "largest MB")


def memory_cells(runs: Sequence[Run]) -> tuple[str, str, str]:
    """The highest peaks over some runs."""
    workers = [f"{max(peaks):.0f}" for peaks in zip(*(sorted(run.workers) for run in runs), strict=False)]
    return (
        f"{max(run.parent for run in runs):.0f}",
        ", ".join(workers) or "–",
        f"{max(run.largest for run in runs):.0f}",
    )


def index(folder: Path, database: Path, workers: int, expected: str, count: int) -> Run:
    """Run `hashmatch index` once. Ends the script unless all `count` files came out as `expected` (a summary's key)."""
    command = [sys.executable, "-m", "hashmatch", "index", os.fspath(folder), "--format", "json"]
    environment = os.environ | {"HASHMATCH_DB": os.fspath(database)}
    start = time.perf_counter()
    process = subprocess.Popen(
        [*command, "--workers", str(workers)],
        cwd=REPOSITORY,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None and process.stderr is not None
    peaks: dict[int, float] = {}
    complaints: list[str] = []
    ended = threading.Event()
    threads = [
        threading.Thread(target=watch, args=(process.pid, peaks, ended)),
        threading.Thread(target=lambda errors: complaints.append(errors.read()), args=(process.stderr,)),
    ]
    for thread in threads:
        thread.start()
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    ended.set()
    for thread in threads:
        thread.join()
    summary = json.loads(output)["summary"] if output else {}
    if process.returncode or summary.get(expected) != count:
        stop(f"{' '.join(command)}: exit code {process.returncode}, {summary}\n{complaints[0]}")
    parent = peaks.pop(process.pid, 0.0)
    # Of the process and of all that it waited for; in bytes on macOS and in KiB elsewhere.
    largest = usage.ru_maxrss * (1e-6 if sys.platform == "darwin" else 1024e-6)
    return Run(wall, usage.ru_utime + usage.ru_stime, parent, tuple(peaks.values()), largest)


def watch(parent: int, peaks: dict[int, float], ended: threading.Event) -> None:
    """Note the peak memory in MB of a process and its children until `ended`. Without a /proc, notes nothing."""
    while not ended.wait(LOOK):
        for status in Path("/proc").glob("[0-9]*/status"):
            try:
                fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
            except (OSError, ValueError):
                continue  # it ended meanwhile
            pid = int(fields["Pid"])
            if parent in (pid, int(fields["PPid"])) and "VmHWM" in fields:
                peaks[pid] = int(fields["VmHWM"].split()[0]) * 1024e-6


if __name__ == "__main__":
    raise SystemExit(main())

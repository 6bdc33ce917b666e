"""A Dask cluster against one machine: hashing by two workers and by one, its overhead, and search in shards."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import resource
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from indexing import multiply
from measure import (
    REPOSITORY,
    Goal,
    jpegs,
    machine,
    median_ratio,
    one_thread,
    photos_argument,
    stop,
    table,
    verdict,
)

EFFICIENCY, OVERHEAD = 0.85, 1.15
#: What docs/scale.md says of workers that share their cores with others.
QUIET = {
    "DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "False",
    "DASK_DISTRIBUTED__ADMIN__TICK__INTERVAL": "1s",
    "DASK_DISTRIBUTED__ADMIN__SYSTEM_MONITOR__INTERVAL": "10s",
}
#: Hashes of one made-up film of the reference set that is searched.
FRAMES = 500
#: Files that are searched for at once, and one after the other.
QUERIES, SINGLE = 1000, 20


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    photos_argument(parser)
    parser.add_argument("--files", type=int, default=2000, help="photographs to index; default 2000")
    parser.add_argument("--films", type=int, default=4, help="films to index, besides; default 4")
    parser.add_argument("--film-seconds", type=int, default=120, help="length of each; default 120")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--hashes", type=_number, default=20_000_000, help="to search; default 20M, which take 8 GB of disk"
    )
    parser.add_argument("--only", choices=["index", "search"])
    arguments = parser.parse_args()
    print(machine(), "\n")
    goals: list[Goal] = []
    with tempfile.TemporaryDirectory() as scratch:
        if arguments.only != "search":
            folder = Path(scratch, "photographs")
            multiply(jpegs(arguments.photos), folder, arguments.files)
            goals += hashing("photographs", folder, arguments.files, arguments.rounds, Path(scratch))
            if arguments.films:
                folder = Path(scratch, "films")
                make_films(folder, arguments.films, arguments.film_seconds)
                goals += hashing("films", folder, arguments.films, arguments.rounds, Path(scratch))
        if arguments.only != "index":
            goals += searching(arguments.hashes, Path(scratch))
    return verdict(goals)


def _number(text: str) -> int:
    return int(float(text.lower().rstrip("kmg")) * {"k": 10**3, "m": 10**6, "g": 10**9}.get(text[-1].lower(), 1))


# Hashing.


@dataclass(frozen=True, slots=True)
class Dask:
    """A scheduler with some workers. pids: of their process groups."""

    address: str
    pids: tuple[int, ...]


@contextlib.contextmanager
def dask(scratch: Path, workers: int) -> Iterator[Dask]:
    """Start a scheduler and workers of one thread each, and wait until all are there. Each worker keeps to a core of its
    own, as those of one machine do, and as docs/scale.md says; the client and the scheduler go where they like."""
    from distributed import Client

    file = scratch / f"scheduler-{workers}-{time.monotonic_ns()}.json"
    environment = os.environ | {"HASHMATCH_SHARDS": str(scratch / "shards"), "PYTHONPATH": str(REPOSITORY)}
    environment |= QUIET
    started: list[subprocess.Popen[bytes]] = []

    def start(*words: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "dask", *words, "--scheduler-file", str(file), "--no-dashboard"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        started.append(subprocess.Popen(command, env=environment, cwd=scratch, start_new_session=True, **quiet))
        return started[-1]

    try:
        start("scheduler", "--host", "127.0.0.1", "--port", "0")
        cores = sorted(os.sched_getaffinity(0))
        for number in range(workers):
            worker = start("worker", "--host", "127.0.0.1", "--nthreads", "1", "--memory-limit", "0")
            os.sched_setaffinity(worker.pid, {cores[number % len(cores)]})  # before it has started anything itself
        while not file.exists():
            time.sleep(0.05)
        with Client(scheduler_file=str(file), set_as_default=False) as client:
            client.wait_for_workers(workers, timeout=120)
            address = client.scheduler.address
        yield Dask(str(address), tuple(process.pid for process in started))
    finally:
        for process in started:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def hashing(what: str, folder: Path, count: int, rounds: int, scratch: Path) -> list[Goal]:
    """One machine's two workers, and a cluster of one and of two, in turns, each into a new database."""
    names = ("--workers 1", "--workers 2", "cluster of 1", "cluster of 2", "--cluster local:2")
    walls: dict[str, list[float]] = {name: [] for name in names}
    with dask(scratch, 1) as one, dask(scratch, 2) as two:
        options = dict(
            zip(
                names,
                (
                    ("--workers", "1"),
                    ("--workers", "2"),
                    ("--cluster", one.address),
                    ("--cluster", two.address),
                    ("--cluster", "local:2"),
                ),
                strict=True,
            )
        )
        for number in range(rounds):
            for name in names if number % 2 == 0 else reversed(names):
                walls[name].append(index(folder, scratch / "new.db", options[name], count))
    print(f"hashmatch index of {count} {what}, {rounds} rounds")
    rows = [
        (name, f"{statistics.median(each):.2f}", f"{count / statistics.median(each):.1f}")
        for name, each in walls.items()
    ]
    table(("", "seconds", "files/s"), rows)
    efficiency = median_ratio(walls["cluster of 2"], walls["cluster of 1"]) / 2
    overhead = median_ratio(walls["--workers 2"], walls["cluster of 2"])
    plain = median_ratio(walls["--workers 2"], walls["--workers 1"]) / 2
    print(f"efficiency of two workers without a cluster: {plain:.2f}\n")
    return [
        Goal(f"{what}: efficiency of two workers of a cluster", efficiency, EFFICIENCY, unit=""),
        Goal(f"{what}: a cluster's time against --workers 2", overhead, OVERHEAD, at_least=False),
    ]


def index(folder: Path, database: Path, options: tuple[str, ...], count: int) -> float:
    """Run `hashmatch index` once, into a database that is new. Returns its seconds."""
    for each in database.parent.glob(f"{database.name}*"):
        if each.is_file():
            each.unlink()
    command = [sys.executable, "-m", "hashmatch", "--db", str(database), "index", str(folder), "--format", "json"]
    start = time.perf_counter()
    done = subprocess.run([*command, *options], cwd=REPOSITORY, capture_output=True, text=True)
    seconds = time.perf_counter() - start
    if done.returncode or json.loads(done.stdout)["summary"]["indexed"] != count:
        stop(f"{' '.join(command)}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return seconds


def make_films(folder: Path, count: int, seconds: int) -> None:
    """Films of 640 × 360 with a new scene every two seconds and some movement, H.264."""
    import av

    folder.mkdir()
    for number in range(count):
        chance = np.random.default_rng(number)
        with av.open(str(folder / f"{number}.mp4"), "w") as container:
            stream: Any = container.add_stream("libx264", rate=25, options={"preset": "ultrafast", "g": "50"})
            stream.width, stream.height, stream.pix_fmt = 640, 360, "yuv420p"
            for moment in range(25 * seconds):
                if moment % 50 == 0:
                    scene = np.kron(chance.integers(0, 256, (18, 36, 3), np.uint8), np.ones((20, 20, 1), np.uint8))
                shown = np.ascontiguousarray(np.roll(scene, 2 * (moment % 50), 1)[:, :640])
                for packet in stream.encode(av.VideoFrame.from_ndarray(shown, format="rgb24")):
                    container.mux(packet)
            for packet in stream.encode():
                container.mux(packet)


# Searching.


def searching(count: int, scratch: Path) -> list[Goal]:
    """The same reference set searched on one machine, in one shard, and in four; by files at once, and one by one."""
    from hashmatch.cluster.connection import joined
    from hashmatch.cluster.searching import ClusterSearcher
    from hashmatch.records import Fingerprint
    from hashmatch.search.searcher import LocalSearcher
    from hashmatch.store import open_store

    os.environ["HASHMATCH_SHARDS"] = str(scratch / "shards")
    database = scratch / "searched.db"
    queries = make_set(database, count)
    rows, found = [], {}
    with open_store(database) as store:
        searcher = LocalSearcher(store)
        ready = clock(searcher.prepare)
        again = clock(LocalSearcher(store).prepare)
        everything = [Fingerprint("image", 1, hashes=hashes) for hashes in queries]
        start = time.perf_counter()
        found["one machine"] = [sorted(map(repr, each)) for each in searcher._findings_of_each(everything)]
        at_once = time.perf_counter() - start
        single = one_by_one(searcher, everything)
        rows.append(row("one machine", ready, again, at_once, single, database.with_name(database.name + ".cache")))
        del searcher
        for shards in (1, 4):
            with joined(f"local:{shards}") as cluster:
                while len(cluster.look_again()) < shards:
                    time.sleep(0.05)
                sharded = ClusterSearcher(cluster, store)
                ready = clock(sharded.prepare)
                again = clock(ClusterSearcher(cluster, store).prepare)
                if len(sharded._shards) != shards:
                    stop(f"{len(sharded._shards)} shards, not {shards}")
                start = time.perf_counter()
                name = f"{shards} shard{'s' * (shards > 1)} of {count // shards:,}"
                found[name] = [sorted(map(repr, each)) for each in sharded._findings_of_each(everything)]
                at_once = time.perf_counter() - start
                single = one_by_one(sharded, everything)
                rows.append(row(name, ready, again, at_once, single, scratch / "shards"))
            remove(scratch / "shards")
    print(f"search in {count:,} hashes, of which {QUERIES // 2} of {QUERIES} files have a near one")
    heads = ("", "built s", "opened s", f"{QUERIES} at once s", "µs each", "one alone ms", "disk GB")
    table(heads, rows)
    print(f"largest process here: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.1f} GB\n")
    same = len(set(map(str, found.values()))) == 1
    hits = sum(map(bool, found["one machine"]))
    return [
        Goal("all find the same, 1 for yes", float(same), 1, unit=""),
        Goal("files found", hits, QUERIES // 2, unit=""),
    ]


def row(
    name: str, ready: float, again: float, at_once: float, single: list[float], folder: Path
) -> tuple[str, str, str, str, str, str, str]:
    size = sum(each.stat().st_size for each in folder.rglob("*") if each.is_file()) if folder.exists() else 0
    return (
        name,
        f"{ready:.1f}",
        f"{again:.2f}",
        f"{at_once:.2f}",
        f"{at_once / QUERIES * 1e6:.0f}",
        f"{statistics.median(single) * 1e3:.1f}",
        f"{size / 1e9:.2f}",
    )


def one_by_one(searcher: Any, files: list[Any]) -> list[float]:
    """Seconds for each of a few files, each searched for when the one before is done."""
    return [clock(lambda file=file: next(searcher._findings_of_each([file]))) for file in files[:SINGLE]]


def clock(function: Any) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def remove(folder: Path) -> None:
    import shutil

    shutil.rmtree(folder, ignore_errors=True)


def make_set(database: Path, count: int) -> list[tuple[Any, ...]]:
    """Films of random hashes, a second apart; and files to search for, half of which have one of them near.

    Written as rows of the database, since twenty million records of Python would take longer than all else.
    """
    from hashmatch.records import Hash
    from hashmatch.store import open_store

    open_store(database, write=True).close()
    chance = np.random.default_rng(0)
    near: list[bytes] = []
    with contextlib.closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("INSERT INTO recipe (id, decoding, version) VALUES (1, 'made', 1)")
        connection.execute("INSERT INTO collection (id, name, created) VALUES (1, 'made', '2026-01-01T00:00:00Z')")
        films = max(4, count // FRAMES)
        for film in range(1, films + 1):
            frames = count // films
            bits = chance.integers(0, 256, (frames, 32), np.uint8)
            near += [each.tobytes() for each in bits[: -(-QUERIES // 2 // films)]]
            digest = film.to_bytes(32, "big")
            connection.execute(
                "INSERT INTO reference (id, identity, sha256, kind, duration, added) VALUES (?, ?, ?, 'video', ?, ?)",
                (film, digest, digest, float(frames), "2026-01-01T00:00:00Z"),
            )
            connection.execute(
                "INSERT INTO membership (reference_id, collection_id, operator, added) VALUES (?, 1, 'x', ?)",
                (film, "2026-01-01T00:00:00Z"),
            )
            connection.execute(
                "INSERT INTO hash (reference_id, algorithm, recipe_id, count, bits, quality, time)"
                " VALUES (?, 'pdq', 1, ?, ?, ?, ?)",
                (film, frames, bits.tobytes(), b"\x64" * frames, np.arange(frames, dtype="<f4").tobytes()),
            )
    queries = []
    for number in range(QUERIES):
        bits = chance.integers(0, 256, 32, np.uint8).tobytes()
        if number % 2 == 0:
            flips = sum(1 << int(bit) for bit in chance.choice(256, 20, replace=False))
            bits = (int.from_bytes(near[number // 2 % len(near)], "big") ^ flips).to_bytes(32, "big")
        queries.append((Hash("pdq", bits, 100),))
    return queries


if __name__ == "__main__":
    one_thread()
    raise SystemExit(main())

"""What isolation costs: files hashed in this process against files hashed in a locked worker, and the start of a scan."""

from __future__ import annotations

import argparse
import functools
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from measure import REPOSITORY, Goal, jpegs, machine, median_ratio, one_thread, photos_argument, table, verdict

from hashmatch.fingerprints.many_files import LocalExaminer, fingerprints
from hashmatch.fingerprints.one_file import fingerprint
from hashmatch.fingerprints.settings import ReferenceHashing
from hashmatch.isolation import Isolation, lock
from hashmatch.media.files import FoundPath, open_file
from hashmatch.records import Fingerprint
from hashmatch.store import open_store
from hashmatch.store.audit import Actor
from hashmatch.store.references import Membership, add_file
from hashmatch.workflows.index import index

MOST = 1.15


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    photos_argument(parser)
    parser.add_argument("--rounds", type=int, default=7, help="of each way; default 7")
    arguments = parser.parse_args()
    one_thread()
    print(machine(), "\n")
    print("isolation in force:", lock.name_of(lock.available()), "\n")

    photos = jpegs(arguments.photos)
    hashing_in_process(photos)  # imports, and the files into the system's cache
    ways = {"without": None, "one worker": Isolation(workers=1)}
    times: dict[str, list[float]] = {name: [] for name in ways}
    busy: dict[str, list[float]] = {name: [] for name in ways}
    for _round in range(arguments.rounds):
        for name, isolation in ways.items():
            before = sum(os.times()[:4])  # of this process and of those that have ended
            times[name].append(timed(functools.partial(indexing, photos, isolation)))
            busy[name].append(sum(os.times()[:4]) - before)
    rows = [
        [name, f"{min(times[name]):.2f}", f"{min(busy[name]):.2f}", f"{len(photos) / min(times[name]):.0f}"]
        for name in ways
    ]
    table(
        ["indexing " + str(len(photos)) + " photographs", "seconds, best", "CPU seconds, best", "files a second"], rows
    )
    start_of_a_scan(photos[0], arguments.rounds)
    ratio = median_ratio(times["without"], times["one worker"])
    # By the clock a worker decodes while this process writes; the CPU time that it takes in all is told as well.
    print(f"CPU time with isolation over without: {median_ratio(busy['without'], busy['one worker']):.2f}×\n")
    return verdict([Goal("indexing with isolation over without", ratio, MOST, at_least=False)])


def timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def hashing_in_process(photos: Sequence[Path]) -> list[Fingerprint]:
    results = []
    for path in photos:
        descriptor, _status = open_file(os.fsencode(path))
        with open(descriptor, "rb") as file:
            results.append(fingerprint(file, ReferenceHashing()))
    return results


def indexing(photos: Sequence[Path], isolation: Isolation | None) -> None:
    """Into a new reference set: with workers as `hashmatch index` does it, or the same work in this process."""
    actor, membership = Actor("benchmark", "index"), Membership("default")
    with tempfile.TemporaryDirectory() as folder, open_store(Path(folder, "set.db"), write=True) as store:
        if isolation is not None:
            found = (FoundPath(os.fsencode(path)) for path in photos)
            done = sum(
                each.status in ("indexed", "duplicate")
                for each in index(store, actor, found, membership, ReferenceHashing(), LocalExaminer(isolation))
            )
        else:
            done = 0
            for path in photos:
                descriptor, status = open_file(os.fsencode(path))
                with open(descriptor, "rb") as file:
                    result = fingerprint(file, ReferenceHashing())
                location = (os.fsencode(path.absolute()), status.st_size, status.st_mtime_ns)
                with store.transaction():
                    add_file(store.connection, actor, result, location, membership)
                done += 1
    assert done == len(photos), f"{done} of {len(photos)}"


def start_of_a_scan(photo: Path, rounds: int) -> None:
    """The whole command, for one photograph: fresh, and with workers that do not lock themselves."""
    hashing = [sys.executable, "-m", "hashmatch", "hash", str(photo)]
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}

    def command() -> None:
        subprocess.run(hashing, check=True, capture_output=True, env=environment)

    def first(steps: tuple[str, ...]) -> float:
        """Seconds from the first fork to the first result, in this process, which has all imports done."""
        found = [FoundPath(os.fsencode(photo))]
        return timed(lambda: list(fingerprints(found, ReferenceHashing(), Isolation(workers=1, steps=steps))))

    rows = [
        ["`hashmatch hash` of one photograph", f"{1000 * min(timed(command) for _round in range(rounds)):.0f}"],
        ["a worker, locked, and one photograph", f"{1000 * min(first(lock.STEPS) for _round in range(rounds)):.1f}"],
        ["a worker, not locked, and one photograph", f"{1000 * min(first(()) for _round in range(rounds)):.1f}"],
    ]
    table(["start", "ms, best"], rows)


if __name__ == "__main__":
    sys.exit(main())

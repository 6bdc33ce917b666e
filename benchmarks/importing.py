"""How long `hashmatch import` and `export` take with a list of a million lines, and how much memory: bare PDQ hashes, and
jsonl with digests, hashes and labels; and threatexchange's own loading of the same PDQ list, where it is installed. With
--before, how much longer it takes than in another version of this program, by turns."""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path

import numpy as np
from measure import REPOSITORY, Goal, machine, stop, table, verdict

SECONDS, MEGABYTES = 60.0, 500.0
#: With --before: how many times as long an import may take.
TIMES = 1.1

#: What `tx` does with a list before it can match anything: read it and build an index of it.
THEIRS = """
import sys
from threatexchange.signal_type.pdq.signal import PdqSignal
lines = [line.strip() for line in open(sys.argv[1])]
PdqSignal.get_index_cls().build([(PdqSignal.validate_signal_str(line), number) for number, line in enumerate(lines)])
"""


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one process: seconds by the clock and of the processor, and its largest memory in MB."""

    wall: float
    cpu: float
    megabytes: float


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=1_000_000, help="of each list; default 1,000,000")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--before",
        type=Path,
        help="only the import of bare PDQ hashes, against the version whose files are in this folder (git worktree add)",
    )
    parser.add_argument("--repeats", type=int, default=3, help="of each version, with --before")
    arguments = parser.parse_args()
    print(machine(), "\n")
    costs: dict[str, Cost] = {}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        write_lists(folder, arguments.lines, np.random.default_rng(arguments.seed))
        if arguments.before is not None:
            return against(arguments.before.resolve(), folder / "pdq", arguments.repeats)
        for form in ("pdq", "jsonl"):
            database = folder / f"{form}.db"
            ours = [sys.executable, "-m", "hashmatch", "--quiet", "--db", str(database)]
            costs[f"import of {form}"] = run([*ours, "import", "--format", form, str(folder / form)])
            costs[f"the same again ({form})"] = run([*ours, "import", "--format", form, str(folder / form)])
        costs["export of jsonl"] = run([*ours, "export", "--format", "jsonl", "-o", str(folder / "out")])
        if subprocess.run([sys.executable, "-c", "import threatexchange"], capture_output=True).returncode == 0:
            costs["threatexchange: read and index the PDQ list"] = run(
                [sys.executable, "-c", THEIRS, str(folder / "pdq")]
            )
    print(f"lists of {arguments.lines:,} lines")
    rows = [(name, f"{c.wall:.1f} s", f"{c.cpu:.1f} s", f"{c.megabytes:.0f} MB") for name, c in costs.items()]
    table(("", "by the clock", "of the processor", "memory"), rows)
    goals = []
    for form in ("pdq", "jsonl"):
        cost = costs[f"import of {form}"]
        goals += [
            Goal(f"import of {form}, seconds by the clock", cost.wall, SECONDS, at_least=False, unit=" s"),
            Goal(f"import of {form}, memory", cost.megabytes, MEGABYTES, at_least=False, unit=" MB"),
        ]
    return verdict(goals)


def against(before: Path, given: Path, repeats: int) -> int:
    """Import one list by turns with two versions, each time into a new database. The fewest seconds of each count: what
    other programs do meanwhile only adds to them."""
    costs: dict[Path, list[Cost]] = {before: [], REPOSITORY: []}
    for repeat in range(repeats):
        for number, (version, found) in enumerate(costs.items()):
            database = given.parent / f"{repeat}-{number}.db"
            command = [sys.executable, "-m", "hashmatch", "--quiet", "--db", str(database)]
            found.append(run([*command, "import", "--format", "pdq", str(given)], version))
    goals = []
    for name, measure in (("by the clock", attrgetter("wall")), ("of the processor", attrgetter("cpu"))):
        then, now = (min(map(measure, found)) for found in costs.values())
        print(f"seconds {name}: {then:.1f} before, {now:.1f} now")
        goals.append(Goal(f"import of pdq, seconds {name}, now to before", now / then, TIMES, at_least=False))
    return verdict(goals)


def write_lists(folder: Path, count: int, random: np.random.Generator) -> None:
    """Lists of random hashes with as many ones as zeros, as PDQ gives them."""
    with (folder / "pdq").open("w") as plain, (folder / "jsonl").open("w") as rich:
        rich.write('{"format":"hashmatch-list","version":2}\n')
        for bits in _hashes(count, random):
            plain.write(f"{bits}\n")
            record = {
                "kind": "image",
                "sha256": random.bytes(32).hex(),
                "hashes": [{"algorithm": "pdq", "hash": bits, "quality": 100, "version": 1}],
                "labels": ["flag", "poster"],
                "collection": "partner",
                "added": "2026-11-20T10:00:00Z",
            }
            rich.write(json.dumps(record, separators=(",", ":")) + "\n")


def _hashes(count: int, random: np.random.Generator) -> Iterator[str]:
    half = np.repeat(np.array([0, 1], np.uint8), 128)
    for start in range(0, count, 10_000):
        rows = random.permuted(np.tile(half, (min(10_000, count - start), 1)), axis=1)
        yield from (bits.tobytes().hex() for bits in np.packbits(rows, axis=1))


def run(command: list[str], version: Path = REPOSITORY) -> Cost:
    """version: the folder with the program's files. Ends the script where the command fails."""
    start = time.perf_counter()
    environment = os.environ | {"PYTHONPATH": str(version)}
    process = subprocess.Popen(command, cwd=version, stdout=subprocess.DEVNULL, env=environment)
    _pid, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 1):
        stop(f"{' '.join(command)}: exit code {process.returncode}")
    return Cost(wall, usage.ru_utime + usage.ru_stime, _megabytes(usage))


def _megabytes(usage: resource.struct_rusage) -> float:
    return usage.ru_maxrss / 1024  # kilobytes on Linux


if __name__ == "__main__":
    raise SystemExit(main())

"""What single hostile files cost a scan: CPU time of all its processes together, and its largest process."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from measure import REPOSITORY, Goal, machine, stop, table, verdict

CORPUS = REPOSITORY.parent / "shared" / "corpus"
#: CPU seconds that no file may cost, and megabytes that no worker may take for a film.
MOST_SECONDS, MOST_MEGABYTES = 25.0, 500.0
_FILMS = (".mkv", ".mp4", ".webm", ".mov", ".avi", ".ts", ".gif")


@dataclass(frozen=True, slots=True)
class Cost:
    """What one scan of one file took."""

    path: Path
    seconds: float
    megabytes: float
    exit_code: int


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "paths", type=Path, nargs="*", help="files and folders (default: odd and hostile of the corpus)"
    )
    parser.add_argument("--known", type=Path, default=CORPUS / "odd" / "known", help="what to index")
    parser.add_argument("--show", type=int, default=10, help="how many of the dearest files to show")
    arguments = parser.parse_args()
    paths = arguments.paths or [CORPUS / "odd", CORPUS / "hostile"]
    files = [
        file for path in paths for file in ([path] if path.is_file() else sorted(path.rglob("*"))) if file.is_file()
    ]
    if not files or not arguments.known.exists():
        stop(f"nothing to scan in {', '.join(map(str, paths))}, or nothing to index in {arguments.known}")
    print(machine(), "\n")

    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "known.db"
        _run("--db", str(database), "index", str(arguments.known))
        costs = sorted((_scan(database, file) for file in files), key=lambda cost: -cost.seconds)
    rows = [[cost.path.name, f"{cost.seconds:.1f}", f"{cost.megabytes:.0f}", str(cost.exit_code)] for cost in costs]
    table(["file", "CPU seconds", "MB", "exit code"], rows[: arguments.show])
    films = [cost for cost in costs if cost.path.suffix.lower() in _FILMS]
    largest = max((cost.megabytes for cost in films), default=0.0)
    goals = [
        Goal("CPU seconds of the dearest file", costs[0].seconds, MOST_SECONDS, at_least=False, unit=" s"),
        Goal("largest process of a film", largest, MOST_MEGABYTES, at_least=False, unit=" MB"),
    ]
    return verdict(goals)


def _scan(database: Path, file: Path) -> Cost:
    process = subprocess.Popen(
        _command("--db", str(database), "scan", str(file)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _pid, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return Cost(file, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, process.returncode)


def _run(*arguments: str) -> None:
    subprocess.run(_command(*arguments), check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "hashmatch", *arguments]


if __name__ == "__main__":
    raise SystemExit(main())

"""What it costs to start `hashmatch --help`, `hash`, and `scan` against a large reference set, beside bare imports; and
which modules they import."""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence

from measure import REPOSITORY, Goal, jpegs, machine, photos_argument, stop, table, verdict

HELP = 2.5
SCAN = 3.0
#: Of these, a JPEG needs none; and what else is worth a look.
NEEDLESS = ("cv2", "av", "scipy")
WATCHED = (
    *NEEDLESS,
    "sqlite_utils",
    "rich",
    "imagehash",
    "pillow_heif",
    "platformdirs",
    "multiprocessing",
    "numpy",
    "PIL",
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    photos_argument(parser)
    parser.add_argument("--rounds", type=int, default=41, help="how often each is started; default 41")
    parser.add_argument(
        "--references", type=int, default=1_000_000, help="hashes in the reference set; default 1,000,000"
    )
    arguments = parser.parse_args()
    print(machine(), "\n")

    # An installed package is compiled; where this is set, as in containers, each start would compile ours anew.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    photo = os.fspath(jpegs(arguments.photos, 1)[0].resolve())
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["HASHMATCH_DB"] = os.path.join(scratch, "reference.db")
        print(f"importing {arguments.references:,} hashes; a million take some minutes", file=sys.stderr)
        hashes = os.path.join(scratch, "list")
        with open(hashes, "w", encoding="ascii") as file:
            file.writelines(os.urandom(32).hex() + "\n" for _number in range(arguments.references))
        subprocess.run(hashmatch("import", "--format", "pdq", hashes), cwd=REPOSITORY, check=True, capture_output=True)
        click, numpy = bare("import click"), bare("import numpy, PIL.Image")
        ours = {
            "hashmatch --help": (hashmatch("--help"), click),
            "hashmatch --version": (hashmatch("--version"), click),
            "hashmatch hash JPEG": (hashmatch("hash", photo), numpy),
            "hashmatch scan JPEG": (hashmatch("scan", photo), numpy),
        }
        peers = {"python -c 'import click'": click, "python -c 'import numpy, PIL.Image'": numpy}
        seconds = measure([*peers.values(), *(command for command, _ in ours.values())], arguments.rounds)
        loaded = {name: imports(command) for name, (command, _) in ours.items()}

    ratios = {
        name: statistics.median(a / b for a, b in zip(seconds[tuple(command)], seconds[tuple(peer)], strict=True))
        for name, (command, peer) in ours.items()
    }
    print(f"whole processes, {arguments.rounds} rounds, milliseconds")
    rows = [(name, *milliseconds(seconds[tuple(command)]), "") for name, command in peers.items()]
    rows += [
        (
            name,
            *milliseconds(seconds[tuple(command)]),
            f"{ratios[name]:.2f} × {'click' if peer is click else 'numpy, PIL'}",
        )
        for name, (command, peer) in ours.items()
    ]
    table(("", "median", "best", "against"), rows)
    table(
        ("imported, workers included", *(name.removeprefix("hashmatch ") for name in loaded)),
        [(module, *("yes" if module in each else "–" for each in loaded.values())) for module in WATCHED]
        + [("modules in all", *(str(len(each)) for each in loaded.values()))],
    )
    scanned = f"hashmatch scan JPEG, {arguments.references:,} references, against import numpy, PIL.Image"
    goals = [
        Goal("hashmatch --help against import click", ratios["hashmatch --help"], HELP, at_least=False),
        Goal(scanned, ratios["hashmatch scan JPEG"], SCAN, at_least=False),
    ]
    for name in ("hashmatch hash JPEG", "hashmatch scan JPEG"):
        needless = sum(each in loaded[name] for each in NEEDLESS)
        goals.append(Goal(f"{name}: imports of {', '.join(NEEDLESS)}", needless, 0, at_least=False, unit=""))
    return verdict(goals)


def hashmatch(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "hashmatch", *arguments]


def bare(statement: str) -> list[str]:
    return [sys.executable, "-c", statement]


def measure(commands: Sequence[list[str]], rounds: int) -> dict[tuple[str, ...], list[float]]:
    """Start each command in turns. Returns the seconds of each, by round; the first round is not counted."""
    seconds: dict[tuple[str, ...], list[float]] = {tuple(command): [] for command in commands}
    for number in range(rounds + 1):
        for command in commands:
            start = time.perf_counter()
            process = subprocess.run(command, cwd=REPOSITORY, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            taken = time.perf_counter() - start
            if process.returncode not in (0, 1):  # 1: scan found something
                stop(f"{' '.join(command)}: exit code {process.returncode}\n{process.stderr.decode()}")
            if number > 0:
                seconds[tuple(command)].append(taken)
    return seconds


def milliseconds(seconds: Sequence[float]) -> tuple[str, str]:
    return f"{statistics.median(seconds) * 1000:.0f}", f"{min(seconds) * 1000:.0f}"


def imports(command: list[str]) -> set[str]:
    """All modules that a command and the workers it forks import, as Python itself reports them."""
    traced = [command[0], "-X", "importtime", *command[1:]]
    process = subprocess.run(traced, cwd=REPOSITORY, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    return {line.rsplit("|", 1)[1].strip() for line in process.stderr.splitlines() if line.startswith("import time:")}


if __name__ == "__main__":
    raise SystemExit(main())

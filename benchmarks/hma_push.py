"""How long `hashmatch export --to-hma` takes to fill a bank, to find it filled, and to take everything back.

Without --url it starts a server of its own that answers like HMA, each time after --delay seconds of which --workers answers
run at once, as in a server with so many processes. With --url it fills a bank of a real one, which stays there, disabled.
"""

from __future__ import annotations

import argparse
import secrets
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from importing import write_lists
from measure import REPOSITORY, Goal, machine, stop, table, verdict

sys.path.insert(0, str(REPOSITORY))

from tests.support.hma_server import Hma, running

SECONDS = 20.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hashes", type=int, default=2000, help="default 2,000")
    parser.add_argument("--url", help="of a real HMA server")
    parser.add_argument("--delay", type=float, default=0.02, help="seconds for each answer; default 0.02")
    parser.add_argument("--workers", type=int, default=4, help="answers at once; default 4")
    arguments = parser.parse_args()
    print(machine(), "\n")
    bank = f"BENCHMARK_{secrets.token_hex(4).upper()}"
    with tempfile.TemporaryDirectory() as scratch, server(arguments) as url:
        folder, database = Path(scratch), Path(scratch) / "known.db"
        write_lists(folder, arguments.hashes, np.random.default_rng())
        run(database, "import", "--format", "pdq", str(folder / "pdq"), "--tlp", "green")
        push = ("export", "--to-hma", url, "--bank", bank)
        rows = [
            ("fill the bank", run(database, *push)),
            ("the same again", run(database, *push)),
            ("take everything back", run(database, *push, "--max-tlp", "clear")),
        ]
    where = arguments.url or f"a server that takes {arguments.delay * 1000:g} ms, {arguments.workers} answers at once"
    print(f"{arguments.hashes:,} hashes; {where}")
    table(("", "by the clock"), [(name, f"{seconds:.1f} s") for name, seconds in rows])
    return verdict([Goal(f"filling with {arguments.hashes:,}", rows[0][1], SECONDS, at_least=False, unit=" s")])


@contextmanager
def server(arguments: argparse.Namespace) -> Iterator[str]:
    """The URL of the server to fill."""
    if arguments.url is not None:
        yield str(arguments.url)
        return
    with running(Hma(delay=arguments.delay, slots=threading.Semaphore(arguments.workers))) as hma:
        yield hma.url


def run(database: Path, *arguments: str) -> float:
    """Seconds that a command takes. Ends the script where it fails."""
    start = time.perf_counter()
    command = [sys.executable, "-m", "hashmatch", "--quiet", "--db", str(database), *arguments]
    done = subprocess.run(command, cwd=REPOSITORY, check=False)
    if done.returncode not in (0, 1):
        stop(f"{' '.join(command)}: exit code {done.returncode}")
    return time.perf_counter() - start


if __name__ == "__main__":
    raise SystemExit(main())

"""The entry point: `hashmatch` and `python -m hashmatch`."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run the command line and exit with its code."""
    # One file is one worker's work: linear algebra on several threads would only fight over the same cores. These are
    # read when numpy is imported, so they are set before anything else is.
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    from hashmatch.cli import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()

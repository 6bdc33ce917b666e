"""What a client hears of its workers."""

from __future__ import annotations

import subprocess
import sys

from tests.support.dask_cluster import LONG

#: Dask's client has threads, and what forks, as other tests here do, must have none: so this runs in a process of its own.
STUCK = '''
import pathlib, sys, tempfile, time
from hashmatch.cluster.connection import joined

def main(folder):
    go_on = pathlib.Path(folder, "go on")

    class Stuck:
        """What cannot leave its worker before there is a file."""

        def __reduce__(self):
            while not go_on.exists():
                time.sleep(0.01)
            return str, ("late",)

    with joined("local:2") as cluster:
        while len(cluster.look_again()) < 2:
            time.sleep(0.05)
        futures = [cluster.submit(Stuck, name="stuck")]
        while not futures[0].done():
            time.sleep(0.05)
        futures += [cluster.submit(int, name=f"quick {number}") for number in range(4)]
        heard = {}
        while not heard:
            heard |= {each.name: each for each in cluster.heard.wait(1)[0]}
        assert "stuck" not in heard, heard
        go_on.touch()
        while "stuck" not in heard:
            heard |= {each.name: each for each in cluster.heard.wait(1)[0]}
        assert (heard["stuck"].value, heard["stuck"].error) == ("late", None)

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        main(folder)
'''


def test_an_answer_that_does_not_come_keeps_no_other_waiting() -> None:
    done = subprocess.run([sys.executable, "-c", STUCK], capture_output=True, text=True, timeout=LONG, check=False)
    assert done.returncode == 0, done.stderr

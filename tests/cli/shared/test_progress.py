"""What the progress bar and tables draw of names that an enemy chose."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pty = pytest.importorskip("pty", reason="needs a terminal")

NAME = "[link=example.org][bold]:bomb: film.mp4"
_BAR = """
from hashmatch.cli.shared.app import App
from hashmatch.cli.shared.progress import ProgressBar
with ProgressBar(App(None, False, False), lambda: range(3)) as bar:
    bar.moved({name!r}.encode(), 0.5)
"""
_TABLE = """
from rich.table import Table
from hashmatch.cli.shared.progress import data_console
table = Table({name!r}, title={name!r})
table.add_row({name!r})
data_console().print(table)
"""


def drawn(script: str) -> str:
    """What a script writes to a terminal."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "COLUMNS": "200", "TERM": "xterm-256color"}
    command = [sys.executable, "-c", script.format(name=NAME)]
    with subprocess.Popen(command, stdout=theirs, stderr=theirs, env=environment) as process:
        os.close(theirs)
        written = b""
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:  # Linux says so when the other side has closed
                part = b""
            if not part:
                break
            written += part
    os.close(ours)
    assert process.returncode == 0, written
    return written.decode()


@pytest.mark.parametrize("script", [_BAR, _TABLE], ids=["bar", "table"])
def test_markup_in_names_is_text(script: str) -> None:
    seen = drawn(script)
    assert "]8;" not in seen, "a hyperlink of a terminal"
    assert "[link=example.org][bold]" in seen
    assert ":bomb:" in seen

"""Meta's tx tool and its `threatexchange` package read what we export, and find the same media with it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from hashmatch.exchange import detect
from tests.support.command_line import Run, run_command
from tests.support.list_items import rows_of
from tests.support.repository import FIXTURES, ROOT

pytestmark = pytest.mark.skipif(
    find_spec("threatexchange") is None, reason="needs Meta's threatexchange: pip install -e .[judge]"
)

ARCHIVE, UPLOADS = FIXTURES / "archive", FIXTURES / "uploads"
KNOWN_PICTURES = [ARCHIVE / "towns" / name for name in ("bridge.jpg", "harbour.png", "market.jpg", "village.webp")]
CHANGED_PICTURES = [UPLOADS / name for name in ("small.jpg", "mountain-q30.jpg", "forest.webp")]
KNOWN_FILMS = [ARCHIVE / "films" / name for name in ("a-year-in-the-valley.webm", "journey.mp4")]
CHANGED_FILMS = [UPLOADS / "films" / name for name in ("clip.webm", "voyage.mkv", "balloon.mp4")]
ALLOWED_FILM = UPLOADS / "films" / "news-copy.mp4"


def python(*arguments: str | Path, **env: str) -> str:
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", **env}
    words = [sys.executable, *map(str, arguments)]
    done = subprocess.run(words, capture_output=True, text=True, env=environment, timeout=240)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def exported(indexed: Path, tmp_path: Path) -> Callable[..., Path]:
    def export(form: str, *more: str) -> Path:
        target = tmp_path / form
        assert run_command("export", "--format", form, "--max-tlp", "red", "-o", target, *more, db=indexed).code in (
            0,
            1,
        )
        return target

    return export


def test_the_package_finds_the_same_media_with_our_lists(exported: Callable[..., Path]) -> None:
    lines = exported("tx-lines")
    films = exported("vpdq")
    media = [*KNOWN_PICTURES, *CHANGED_PICTURES, *KNOWN_FILMS, *CHANGED_FILMS, ALLOWED_FILM]
    told: dict[str, Any] = json.loads(python(ROOT / "tests" / "support" / "tx_judge.py", lines, films, *media))
    listed = [line.split(" ", 1)[0] for line in set(lines.read_text().splitlines())]
    assert told["signals"] == {name: listed.count(name) for name in listed}
    assert told["signals"]["vpdq"] == len(told["own"]) >= 3 and all(100.0 in each for each in told["own"])
    vpdq = ["vpdq"] if told["has_vpdq"] else []
    for path in (*KNOWN_PICTURES, *CHANGED_PICTURES):
        assert told["media"][str(path)] == ["pdq"], path
    for path in KNOWN_FILMS:
        assert told["media"][str(path)] == [*vpdq, "video_md5", "video_sha256"], path
    for path in CHANGED_FILMS:
        assert told["media"][str(path)] == vpdq, path
    assert told["media"][str(ALLOWED_FILM)] == []


def test_the_tool_reads_and_matches_our_lists(exported: Callable[..., Path], tmp_path: Path) -> None:
    state = {"TX_STATEDIR": str(tmp_path / "tx")}

    def tx(*arguments: str | Path) -> str:
        return python("-m", "threatexchange", *arguments, **state)

    lines, hashes = exported("tx-lines"), exported("pdq", "--label", "known")
    tx("config", "collab", "edit", "local_file", "--create", "ours", "--filename", lines)
    tx("fetch")
    assert "pdq 0 (ours) INVESTIGATION_SEED" in tx("match", "photo", KNOWN_PICTURES[1])
    # Each of a plain list's hashes of pictures is matched by itself.
    found = tx("match", "--all", "-H", "-S", "pdq", "photo", hashes).splitlines()
    pictures = {line.removeprefix("pdq ") for line in lines.read_text().splitlines() if line.startswith("pdq ")}
    assert pictures <= set(hashes.read_text().splitlines())
    assert sum(line.startswith("pdq 0 (ours)") for line in found) >= len(pictures) > 20


def test_what_the_tool_prints_is_read(run: Run, exported: Callable[..., Path], tmp_path: Path) -> None:
    state = {"TX_STATEDIR": str(tmp_path / "tx")}
    tx = "-m", "threatexchange"
    known, printed = tmp_path / "known", tmp_path / "printed.csv"
    lines = exported("tx-lines").read_text().splitlines(True)
    known.write_text("".join(line for line in lines if not line.startswith("vpdq")))  # an extension of the tool
    python(*tx, "config", "collab", "edit", "local_file", "--create", "ours", "--filename", known, **state)
    python(*tx, "fetch", "--skip-index-rebuild", **state)
    # With types and collaborations, without types, and without collaborations.
    forms = [("-P",), ("-P", "-s", "pdq"), ("-P", "-c", "ours"), ("-P", "-s", "pdq", "-c", "ours"), ("-P", "-S")]
    read = []
    for form in forms:
        text = python(*tx, "dataset", *form, **state)
        found = detect(text.encode())
        assert found and found.name == "tx-lines", text
        items, bad, told = rows_of(found, text.encode())
        assert bad == told == [] and len(items) == len(text.splitlines())
        read.append({hash.hex for item in items for hash in item.hashes})
        assert {item.collection for item in items} == ({"ours"} if form in forms[:2] else {None})
    assert all(each == read[0] for each in read) and len(read[0]) > 10
    bare = python(*tx, "dataset", "-P", "-S", "-s", "pdq", **state).encode()
    found = detect(bare)
    assert found and found.name == "pdq" and rows_of(found, bare)[1:] == ([], [])
    printed.write_text(python(*tx, "dataset", "-P", "--csv", **state))
    ran = run("import", printed)
    assert ran.code == 0, ran.err
    match = run("scan", KNOWN_PICTURES[0], "--format", "jsonl").lines[0]["matches"][0]
    assert match["reference"]["sources"][0]["collection"] == "ours"

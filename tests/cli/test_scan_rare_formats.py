"""Formats that are met seldom, found by a scan: in locked workers of a fresh process, which can load nothing later."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.support.command_line import run_command
from tests.support.film_files import RARE_FILMS, encoder_or_skip, film
from tests.support.rare_stills import RARE_STILLS, RAW_KINDS, rare_still, raw
from tests.support.still_files import saved, scene


def scanned(folder: Path, known: bytes, ending: str) -> dict[str, tuple[str, str]]:
    """The status and error code of each file of a folder, where this is known."""
    original, db = folder.parent / f"known.{ending}", folder.parent / "r.db"
    original.write_bytes(known)
    assert run_command("index", original, db=db, fresh=True).code == 0
    sandbox = ["--require-sandbox"] if sys.platform == "linux" else []
    ran = run_command("scan", folder, "--format", "json", *sandbox, db=db, fresh=True)
    assert "ERROR" not in ran.err, "no decoder speaks for itself"
    return {
        Path(each["path"]).name: (each["status"], (each.get("error") or {}).get("code", ""))
        for each in ran.json["results"]
    }


def test_stills(tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    for name in RARE_STILLS:
        try:
            (folder / name).write_bytes(rare_still(name))
        except pytest.skip.Exception:
            continue
    for kind in RAW_KINDS:
        (folder / f"raw-{kind}").write_bytes(raw(kind, saved(scene(), "JPEG", quality=95)))
    found = scanned(folder, saved(scene(), "PNG"), "png")
    assert len(found) > 40
    assert {name: what for name, what in found.items() if what != ("match", "")} == {}


def test_films(tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    for name in RARE_FILMS:
        try:
            encoder_or_skip(name)
        except pytest.skip.Exception:
            continue
        (folder / name).write_bytes(film(name, seconds=4))
    jpegs = b"".join(saved(scene(seed, 176, 144), "JPEG") for seed in range(4) for _frame in range(25))
    (folder / "jpegs.mjpeg").write_bytes(jpegs)
    found = scanned(folder, film("mp4", seconds=4), "mp4")
    assert len(found) > 15
    assert {name: what for name, what in found.items() if what != ("match", "")} == {}

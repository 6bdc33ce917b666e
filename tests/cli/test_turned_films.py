"""Films that were turned, upside down, or made a negative, by the command itself."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hashmatch.hashers.orientations import ORIENTATIONS, turn
from tests.support.command_line import Run
from tests.support.film_files import FILMS, filmed
from tests.support.still_files import Pixels, scene

#: Scenes of a second each, and a key frame at the beginning of each.
SCENES, OF = 14, replace(FILMS["mp4"], options={"g": "8"})


def shown(first_seed: int, change: str) -> list[Pixels]:
    """The frames of a film, in an orientation or as a negative."""
    scenes = [np.asarray(scene(first_seed + number, *OF.size)) for number in range(SCENES)]
    changed = [255 - each if change == "inverted" else turn(each, change) for each in scenes]
    return [np.ascontiguousarray(each) for each in changed for _frame in range(OF.rate)]


def written(folder: Path, change: str, first_seed: int = 0) -> Path:
    pictures = shown(first_seed, change)
    path = folder / f"{change}-{first_seed}.mp4"
    path.write_bytes(filmed(pictures, replace(OF, size=(pictures[0].shape[1], pictures[0].shape[0]))))
    return path


@pytest.mark.parametrize("profile", ["fast", "thorough"])
def test_found_in_every_orientation_and_as_a_negative(run: Run, tmp_path: Path, profile: str) -> None:
    """And another film in none of them."""
    copies = {change: written(tmp_path, change) for change in (*ORIENTATIONS[1:], "inverted")}
    others = [written(tmp_path, change, first_seed=500) for change in ("none", "rotate90", "inverted")]
    assert run("index", written(tmp_path, "none")).code == 0
    ran = run("scan", *copies.values(), *others, "--profile", profile, "--format", "jsonl")
    results = {Path(each["path"]): each for each in map(json.loads, ran.out.splitlines())}
    for change, path in copies.items():
        (match,) = results[path]["matches"]
        assert (match["tier"], match["transform"]) == ("near", change)
        assert match["video"]["query_coverage"] > 0.9
    assert [results[path]["status"] for path in others] == ["clean"] * 3

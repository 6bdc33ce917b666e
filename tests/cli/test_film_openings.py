"""A film that begins as one reference does, by the command itself."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.support.command_line import Run
from tests.support.film_files import FILMS, filmed
from tests.support.still_files import scene


def written(path: Path, *seeds: int) -> Path:
    """A film of scenes of a second each."""
    of = FILMS["mp4"]
    path.write_bytes(filmed((np.asarray(scene(seed, *of.size)) for seed in seeds for _frame in range(of.rate)), of))
    return path


@pytest.mark.parametrize("profile", ["fast", "thorough"])
def test_an_intro_of_one_reference_is_possible_and_a_clip_near(run: Run, tmp_path: Path, profile: str) -> None:
    assert run("index", written(tmp_path / "known.mp4", *range(30))).code == 0
    other = written(tmp_path / "other.mp4", *range(6), 101, 102, 103)
    clip = written(tmp_path / "clip.mp4", *range(9))
    ran = run("scan", other, clip, "--profile", profile, "--format", "jsonl")
    tiers = {Path(each["path"]): each["tier"] for each in map(json.loads, ran.out.splitlines())}
    assert tiers == {other: "possible", clip: "near"}

"""The main job on real photographs and films; skipped where the measuring corpus is absent."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from hashmatch.hamming.brute import distance
from tests.support.command_line import Run, run_command


@pytest.fixture(scope="session")
def photos(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A reference set of the 200 photographs."""
    db = tmp_path_factory.mktemp("photos") / "photos.db"
    ran = run_command("index", corpus / "photos", "--format", "json", db=db, fresh=True)
    assert ran.code == 0
    assert ran.json["summary"]["indexed"] == ran.json["summary"]["files"] == 200
    return db


def test_films_of_others_index_without_failure(corpus: Path, run: Run) -> None:
    ran = run("index", corpus / "videos", "--format", "json")
    assert (ran.code, ran.json["failures"], ran.json["warnings"]) == (0, [], [])
    assert ran.json["summary"]["indexed"] == 21


def test_films_of_meta_index_without_failure_and_hash_as_theirs(corpus: Path, run: Run) -> None:
    """vPDQ's own per-frame hashes of the same frames, made by Meta's C++ at its own scaling."""
    ran = run("index", corpus / "vpdq", "--exclude", "hashes", "--format", "json", fresh=True)
    assert (ran.code, ran.json["failures"], ran.json["warnings"]) == (0, [], [])
    assert ran.json["summary"]["indexed"] == 14
    away: list[int] = []
    for film in run("show", *map(str, range(1, 15)), "--format", "json").json:
        name = Path(film["locations"][0]["path"]).stem
        lines = (corpus / "vpdq" / "hashes" / f"{name}.txt").read_text().splitlines()
        meta = [
            (float(time), bytes.fromhex(bits)) for _frame, _quality, bits, time in (line.split(",") for line in lines)
        ]
        closest = []
        for each in [h for h in film["hashes"] if h["algorithm"] == "pdq" and h["view"] == "full"]:
            near = [bits for time, bits in meta if abs(time - each["time"]) < 0.05]
            if near:
                closest.append(min(distance(bytes.fromhex(each["hash"]), bits) for bits in near))
        assert closest
        # Theirs are of frames at full size; a pattern of many fine lines, here 26 bits away, is where that matters.
        limit = 30 if name == "test-padded-dimensions" else 16
        assert sorted(closest)[len(closest) // 2] <= limit, name
        away += closest
    assert sorted(away)[len(away) // 2] <= 10


def test_finds_all_twelve_versions_of_the_bridge(corpus: Path, run: Run) -> None:
    bridge = corpus / "pdq" / "bridge-mods"
    assert run("index", bridge / "aaa-orig.jpg").code == 0
    results = run("scan", bridge, "--format", "jsonl").lines
    assert len(results) == 12
    assert {result["status"] for result in results} == {"match"}
    assert sum(result["tier"] == "exact" for result in results) == 1
    assert sum(result["tier"] == "near" for result in results) == 11


def test_finds_every_edited_photograph_and_no_other(corpus: Path, photos: Path, tmp_path: Path) -> None:
    """Each photograph is edited in one of three ways."""
    for number, path in enumerate(sorted((corpus / "photos").iterdir())):
        image = Image.open(path).convert("RGB")
        if number % 3 == 0:
            image.save(tmp_path / f"{path.stem}.jpg", quality=30)
        elif number % 3 == 1:
            half = image.resize((image.width // 2, image.height // 2), Image.Resampling.LANCZOS)
            half.save(tmp_path / f"{path.stem}.png", compress_level=1)
        else:
            image.save(tmp_path / f"{path.stem}.webp", quality=80)
    document = run_command("scan", tmp_path, "--format", "json", db=photos)
    assert document.json["summary"]["matched"] == 200
    origin = {
        each["locations"][0]["path"]: each["id"]
        for number in range(0, 200, 50)
        for each in run_command("show", *map(str, range(number + 1, number + 51)), "--format", "json", db=photos).json
    }
    stems = {Path(path).stem: reference for path, reference in origin.items()}
    for result in document.json["results"]:
        # Halving a picture of 160 × 170 pixels changes 32 bits of PDQ itself, so `near` is not asked for.
        assert result["status"] == "match", result["path"]
        assert [match["reference"]["id"] for match in result["matches"]] == [stems[Path(result["path"]).stem]]

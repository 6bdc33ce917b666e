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


def test_all_films_index_without_failure(corpus: Path, run: Run) -> None:
    ran = run("index", corpus / "vpdq", "--exclude", "hashes", "--format", "json", fresh=True)
    assert (ran.code, ran.json["failures"], ran.json["warnings"]) == (0, [], [])
    assert ran.json["summary"]["indexed"] == 14
    others = run("index", corpus / "videos", "--format", "json")
    assert (others.code, others.json["failures"], others.json["warnings"]) == (0, [], [])
    assert others.json["summary"]["indexed"] == 21


def test_finds_all_twelve_versions_of_the_bridge(corpus: Path, run: Run) -> None:
    bridge = corpus / "pdq" / "bridge-mods"
    assert run("index", bridge / "aaa-orig.jpg").code == 0
    results = run("scan", bridge, "--format", "jsonl").lines
    assert len(results) == 12
    assert {result["status"] for result in results} == {"match"}
    assert sum(result["tier"] == "exact" for result in results) == 1
    assert sum(result["tier"] == "near" for result in results) == 11


@pytest.mark.parametrize("edit", ["jpeg30", "half", "webp"])
def test_finds_every_edited_photograph_and_no_other(corpus: Path, photos: Path, tmp_path: Path, edit: str) -> None:
    for path in sorted((corpus / "photos").iterdir()):
        image = Image.open(path).convert("RGB")
        if edit == "jpeg30":
            image.save(tmp_path / f"{path.stem}.jpg", quality=30)
        elif edit == "half":
            image.resize((image.width // 2, image.height // 2), Image.Resampling.LANCZOS).save(
                tmp_path / f"{path.stem}.png"
            )
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


def test_film_hashes_agree_with_meta_s(corpus: Path, run: Run) -> None:
    """vPDQ's own per-frame hashes of the same frames, made by Meta's C++ at its own scaling."""
    films = sorted((corpus / "vpdq").glob("*.mp4"))
    away: list[int] = []
    for result in run("hash", *films, "--format", "json").json:
        lines = (corpus / "vpdq" / "hashes" / f"{Path(result['path']).stem}.txt").read_text().splitlines()
        meta = [
            (float(time), bytes.fromhex(bits)) for _frame, _quality, bits, time in (line.split(",") for line in lines)
        ]
        closest = []
        for each in [h for h in result["hashes"] if h["view"] == "full"]:
            near = [bits for time, bits in meta if abs(time - each["time"]) < 0.05]
            if near:
                closest.append(min(distance(bytes.fromhex(each["hash"]), bits) for bits in near))
        assert closest
        # Theirs are of frames at full size; a pattern of many fine lines, here 26 bits away, is where that matters.
        limit = 30 if "test-padded" in result["path"] else 16
        assert sorted(closest)[len(closest) // 2] <= limit, result["path"]
        away += closest
    assert sorted(away)[len(away) // 2] <= 10


def test_hostile_files_are_all_accounted_for(corpus: Path, run: Run) -> None:
    folder = corpus / "hostile"
    before = {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in folder.rglob("*")}
    files = sum(path.is_file() for path in before)
    ran = run("--quiet", "index", folder, "--timeout", "10", "--format", "json", fresh=True)
    assert ran.code == 1
    summary = ran.json["summary"]
    assert summary["files"] == files
    parts = ("indexed", "unchanged", "duplicates", "failed", "skipped")
    assert sum(summary[name] for name in parts) == files
    assert {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in folder.rglob("*")} == before
    told = {Path(each["path"]).name: each["code"] for each in ran.json["failures"]}
    for name in ("ffconcat.mp4", "ffconcat_loop.mp4", "hls.m3u8", "hls_as.mp4", "hls_http.mp4", "eps_gs.jpg"):
        assert told[name] == "unsupported-format"
    assert told["jpeg_2000_scans_16Mpx.jpg"] == "timeout"
    assert told["png_60000x60000_header.png"] == "too-large"

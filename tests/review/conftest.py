from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("starlette", reason="needs the review page's packages: pip install -e .[review]")
pytest.importorskip("uvicorn", reason="needs the review page's packages: pip install -e .[review]")

from tests.support.review_server import Case, Served, make, served


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> Case:
    return make(tmp_path_factory.mktemp("review"))


@pytest.fixture
def case(original: Case, tmp_path: Path) -> Case:
    """A kept scan, with a database of the test's own."""
    return original.copy(tmp_path)


@pytest.fixture(scope="module")
def page(original: Case, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A review page with its link opened, shared by the tests of a module."""
    with served(original.copy(tmp_path_factory.mktemp("page")), "--reviewer", "Anna") as running:
        running.enter()
        yield running

"""A cluster that tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.dask_cluster import LONG, Dask, dask


@pytest.fixture(scope="session")
def two_workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dask]:
    """A scheduler with two workers, for tests that do not kill them."""
    from distributed import Client

    with dask(tmp_path_factory.mktemp("dask"), 2) as started:
        with Client(started.address, set_as_default=False) as client:
            client.wait_for_workers(2, timeout=LONG)
        yield started

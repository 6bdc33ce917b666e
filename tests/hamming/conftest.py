"""Each test that uses `accelerator` runs twice: with numpy alone, and with numba where it is installed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hashmatch.hamming import numba_calls


@pytest.fixture(params=["numpy", pytest.param("numba", marks=pytest.mark.slow)])
def accelerator(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("HASHMATCH_NUMBA", "1" if request.param == "numba" else "0")
    if request.param == "numba" and numba_calls.kernels(0) is None:
        pytest.skip("needs numba: pip install -e .[fast]")
    yield request.param

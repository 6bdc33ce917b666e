"""Lists of other programs, which are not part of the project: tests that read them are skipped where they are absent."""

from __future__ import annotations

import pytest

from tests.support.repository import CORPUS

_LISTS = CORPUS / "lists"


def corpus_list(name: str) -> bytes:
    """The bytes of a list; skips the test if it is not there."""
    path = _LISTS / name
    if not path.is_file():
        pytest.skip(f"the corpus of lists is not there: {name}")
    return path.read_bytes()

"""What tells that the database has changed."""

from __future__ import annotations

from pathlib import Path

from hashmatch.store import Store, generation, open_store
from tests.support.made_references import add


def test_data_version_changes_when_another_connection_writes(store: Store, path: Path) -> None:
    with open_store(path) as reader:
        before = generation.data_version(reader.connection)
        assert generation.data_version(reader.connection) == before
        add(store, "a")
        after = generation.data_version(reader.connection)
        assert after != before
        assert generation.data_version(reader.connection) == after

"""Insert many rows with few statements, which takes half the time. Lists have millions of entries."""

from __future__ import annotations

import functools
import itertools
import sqlite3
from collections.abc import Iterable, Sequence

#: Rows per statement. With 20 columns these are 10,000 values; SQLite takes 32,766.
_ROWS = 500


def insert(
    connection: sqlite3.Connection, table: str, columns: Sequence[str], rows: Iterable[Sequence[object]]
) -> None:
    """Insert rows into a table.

    columns: names, in the order of each row's values. A column whose value may be None must not have another default.
    """
    rows = iter(rows)
    while some := list(itertools.islice(rows, _ROWS)):
        # In most lists most columns are empty or say the same of all entries, and each value that is bound costs time.
        shared: dict[str, object] = {}
        own: dict[str, tuple[object, ...]] = {}
        for name, values in zip(columns, zip(*some, strict=True), strict=True):
            if not _are_same(values):
                own[name] = values
            elif values[0] is not None:
                shared[name] = values[0]
        bound = [*shared.values(), *itertools.chain.from_iterable(zip(*own.values(), strict=True))]
        connection.execute(_statement(table, tuple(shared), tuple(own), len(some)), bound)


def _are_same(values: tuple[object, ...]) -> bool:
    """Whether a column has one value only. 1 is not 1.0."""
    return values.count(values[0]) == len(values) and len(set(map(type, values))) == 1


@functools.lru_cache(maxsize=32)
def _statement(table: str, shared: tuple[str, ...], own: tuple[str, ...], rows: int) -> str:
    """shared: columns whose value is bound once for all rows. own: those with a value for each."""
    once = [f"?{number}" for number in range(1, len(shared) + 1)]
    marks = (f"?{number}" for number in itertools.count(len(shared) + 1))
    listed = ", ".join(f"({', '.join([*once, *itertools.islice(marks, len(own))])})" for _row in range(rows))
    return f"INSERT INTO {table} ({', '.join([*shared, *own])}) VALUES {listed}"

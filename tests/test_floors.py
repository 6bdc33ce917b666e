"""What the import contract cannot see: SQL on our tables stands in `store/` only, and limits of quality with the hashers."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import hashmatch

PACKAGE = Path(hashmatch.__file__).parent

#: Modules that read or write other programs' SQLite files.
FOREIGN_FILES = {"exchange/sqlite_files.py", "exchange/formats/kdb.py", "exchange/formats/rds.py"}

#: Statements and conditions, in capitals as we write them.
SQL = re.compile(
    r"\bSELECT\s|\bINSERT\s+(OR\s+\w+\s+)?INTO\b|\bUPDATE\s.+\sSET\b|\bDELETE\s+FROM\b|\bPRAGMA\s"
    r"|\b(CREATE|DROP|ALTER)\s+(TEMP\s+)?(TABLE|INDEX|VIEW|TRIGGER)\b"
    r"|\bIS\s+(NOT\s+)?NULL\b|\bNOT\s+IN\s*\(|\bORDER\s+BY\b|\bLEFT\s+JOIN\b",
    re.DOTALL,
)
#: What runs SQL on a connection.
RUNS = {"execute", "executemany", "executescript", "create_function", "backup", "iterdump", "blobopen"}


def told(tree: ast.AST) -> Iterator[str]:
    """Each place of a module that has SQL or runs it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes):
            text = node.value if isinstance(node.value, str) else node.value.decode("latin-1")
            if SQL.search(text):
                yield f"line {node.lineno}: {text.strip()[:60]}"
        elif isinstance(node, ast.JoinedStr):
            parts = [str(part.value) if isinstance(part, ast.Constant) else "x" for part in node.values]
            if SQL.search("".join(parts)):
                yield f"line {node.lineno}: {''.join(parts)[:60]}"
        elif isinstance(node, ast.Attribute) and node.attr in RUNS:
            yield f"line {node.lineno}: .{node.attr}"


@pytest.mark.parametrize(
    "planted",
    [
        'store.connection.execute("VACUUM")',
        "run = connection.executemany",
        'query = "SELECT id FROM reference"',
        'query = f"SELECT {columns} FROM {table}"',
        'query = ("INSERT OR IGNORE INTO"\n    " label VALUES (?)")',
        'query = f"UPDATE {table} SET x = 1"',
        'query = "DELETE FROM label"',
        'query = "PRAGMA data_version"',
        'condition = "error_code IS NOT NULL AND NOT partial"',
        'condition = f"id NOT IN ({marks})"',
        'query = b"CREATE TABLE x (y)"',
    ],
)
def test_planted_sql_is_found(planted: str) -> None:
    assert list(told(ast.parse(planted)))


@pytest.mark.parametrize(
    "prose",
    [
        '"""Select from a list, update what is set there, and delete from disk."""',
        '_("select what to insert into the list")',
        'text = "in (brackets), and order by size"',
    ],
)
def test_prose_is_not_sql(prose: str) -> None:
    assert not list(told(ast.parse(prose)))


def test_sql_stands_in_the_store_only() -> None:
    found = {}
    modules = [path.relative_to(PACKAGE).as_posix() for path in sorted(PACKAGE.rglob("*.py"))]
    assert set(modules) >= FOREIGN_FILES
    for name in modules:
        if not name.startswith("store/") and name not in FOREIGN_FILES:
            places = list(told(ast.parse((PACKAGE / name).read_text(encoding="utf-8"))))
            if places:
                found[name] = places
    assert not found


def limits_of_quality(tree: ast.AST) -> Iterator[str]:
    """Each comparison of a quality with a number that is not the end of the scale, 0 or 100."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            names = [ast.unparse(side) for side in sides if not isinstance(side, ast.Constant)]
            numbers = [side.value for side in sides if isinstance(side, ast.Constant)]
            if any("quality" in name.lower() for name in names) and set(numbers) - {0, 100, None}:
                yield f"line {node.lineno}: {ast.unparse(node)}"


@pytest.mark.parametrize("planted", ["each.quality >= 50", "50 <= (found.quality or 0)", "quality == 255"])
def test_planted_limits_are_found(planted: str) -> None:
    assert list(limits_of_quality(ast.parse(planted)))


def test_limits_of_quality_stand_with_the_hashers() -> None:
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        places = list(limits_of_quality(ast.parse(path.read_text(encoding="utf-8"))))
        if places:
            found[path.relative_to(PACKAGE).as_posix()] = places
    assert not found

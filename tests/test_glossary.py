"""docs/glossary.md defines each word once, and what it says of the code exists."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.support.repository import ROOT

PAGE = ROOT / "docs" / "glossary.md"
ROW = re.compile(r"\| (?P<word>[^|]+) \| (?P<meaning>[^|]+) \| (?P<code>[^|]+) \|")

#: Types that travel between rooms, or that a room is built around. Whoever reads the code meets them on the first day.
CORE = {
    *("Actor", "AuditEntry", "Collection", "Custody", "Digests", "Examiner", "Film", "Finding", "Fingerprint"),
    *("Format", "Frame", "Generation", "Glance", "HammingIndex", "Hash", "HashTable", "Hasher", "Hits", "Isolation"),
    *("Job", "Limits", "ListItem", "LocalFeatures", "Match", "MediaType", "Membership", "Message", "Opinion", "Pool"),
    *("Postings", "Quality", "Reason", "ReferenceSet", "Result", "Searcher", "Segment", "Shard", "SignedStatement"),
    *("Status", "Store", "Stretch", "Taxonomy", "Threshold", "Tier", "Track", "View", "ViewKind", "ViewName"),
}

#: Words of the interface that others rely on; see docs/cli.md and docs/formats.md.
INTERFACE = {
    *("reference set", "reference", "collection", "hash", "digest", "query", "hit", "match", "tier", "allow list"),
    *("retraction", "page", "group"),
}


def rows() -> list[re.Match[str]]:
    """The rows of the table, without its head."""
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    found = [row for line in lines[2:] if (row := ROW.fullmatch(line))]
    assert len(found) == len(lines) - 2 > 90
    return found


def named(code: str) -> list[tuple[Path, list[str]]]:
    """What a cell says of the code: modules, each with names."""
    found = re.findall(r"`([\w./]+\.py)`: ((?:`\w+`(?:, )?)+)", code)
    assert len(found) == code.count(".py`"), code
    return [(ROOT / "hashmatch" / path, re.findall(r"`(\w+)`", names)) for path, names in found]


def defined(path: Path) -> set[str]:
    """The names that a module defines at its top level."""
    names = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            names |= {
                each.id for each in ast.walk(node) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)
            }
    return names


def test_words_stand_once_and_in_order() -> None:
    words = [row["word"] for row in rows()]
    assert words == sorted(set(words), key=str.lower)
    assert set(words) >= INTERFACE


@pytest.mark.parametrize("row", rows(), ids=lambda row: row["word"])
def test_what_a_word_names_in_the_code_exists(row: re.Match[str]) -> None:
    places = named(row["code"])
    assert places
    for path, names in places:
        assert path.is_file(), path
        assert set(names) <= defined(path)


def test_core_types_are_defined() -> None:
    told = {name for row in rows() for _path, names in named(row["code"]) for name in names}
    assert told >= CORE


def test_definitions_are_short() -> None:
    for row in rows():
        assert row["meaning"].endswith((".", "…")), row["word"]
        assert len(row["meaning"]) <= 240, row["word"]

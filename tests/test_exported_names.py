"""What `import hashmatch` offers: a promise to whoever writes programs with it, so a change here is a change for them."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import json
import subprocess
import sys
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import hashmatch
from hashmatch.matching.results import MatchedDecision
from hashmatch.signing.acceptance import IssueNumbers

FUNCTIONS = {"hash_bytes", "hash_file"}
RESULTS = {
    "BadLine",
    "DetailsEvidence",
    "Digests",
    "ExaminedFilm",
    "ExportReport",
    "Failure",
    "FilePart",
    "Fingerprint",
    "Hash",
    "ImportReport",
    "Indexed",
    "ListHead",
    "LocalEvidence",
    "Match",
    "MatchedDecision",
    "MatchedOpinion",
    "MatchedReference",
    "MatchedSource",
    "Message",
    "Pixels",
    "Result",
    "Segment",
    "SmallCopy",
    "StraightenedEvidence",
    "VideoEvidence",
    "View",
}
#: Types whose values are a few words.
WORDS = {"IndexStatus", "Kind", "Profile", "Reason", "Status", "Tier", "Tlp", "Unexamined"}
ERRORS = {"CommandError", "HashmatchError", "MediaError"}


def test_the_names() -> None:
    assert set(hashmatch.__all__) == {"ReferenceSet", "__version__", *FUNCTIONS, *RESULTS, *WORDS, *ERRORS}
    assert len(hashmatch.__all__) == len(set(hashmatch.__all__))
    assert set(hashmatch.__all__) <= set(dir(hashmatch))


def test_each_is_what_it_is_listed_as() -> None:
    assert all(inspect.isfunction(getattr(hashmatch, name)) for name in FUNCTIONS)
    assert all(dataclasses.is_dataclass(getattr(hashmatch, name)) for name in RESULTS)
    assert all(typing.get_origin(getattr(hashmatch, name)) is typing.Literal for name in WORDS)
    assert all(issubclass(getattr(hashmatch, name), hashmatch.HashmatchError) for name in ERRORS)
    with pytest.raises(AttributeError, match="nothing"):
        hashmatch.nothing  # type: ignore[attr-defined]  # noqa: B018


def classes_in(hint: Any) -> Iterator[type]:
    """The classes of this package in a type, and in the fields of these."""
    if isinstance(hint, type) and hint.__module__.startswith("hashmatch."):
        yield hint
        if dataclasses.is_dataclass(hint):
            for each in typing.get_type_hints(hint, localns={"IssueNumbers": IssueNumbers}).values():
                yield from classes_in(each)
    for each in typing.get_args(hint):
        yield from classes_in(each)


def test_whatever_a_caller_receives_has_a_name_here() -> None:
    """Results, and what their fields hold."""
    methods = [value for name, value in vars(hashmatch.ReferenceSet).items() if not name.startswith("_")]
    functions = [hashmatch.hash_file, hashmatch.hash_bytes, *methods]
    found = {each for function in functions for each in classes_in(typing.get_type_hints(function).get("return"))}
    assert {hashmatch.Fingerprint, hashmatch.Hash, MatchedDecision} <= found, "the search for classes finds them"
    assert {each.__name__ for each in found} == RESULTS
    assert all(getattr(hashmatch, each.__name__) is each for each in found)


def test_type_checkers_see_the_same_names() -> None:
    source = Path(hashmatch.__file__).read_text(encoding="utf-8")
    (block,) = (node for node in ast.parse(source).body if isinstance(node, ast.If))
    imported = {
        (node.module, alias.name) for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    assert imported == {(module, name) for module, names in hashmatch._MODULES.items() for name in names}


def test_importing_costs_nothing() -> None:
    code = (
        "import json, sys; before = set(sys.modules); import hashmatch; dir(hashmatch);"
        " print(json.dumps(sorted(set(sys.modules) - before)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(json.loads(done.stdout))
    assert {each for each in loaded if each.startswith("hashmatch")} == {"hashmatch", "hashmatch.version"}
    assert not loaded & {"numpy", "PIL", "av", "sqlite3", "click", "sqlite_utils", "scipy", "imagehash"}

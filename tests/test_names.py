"""One word, one thing: each public type has a name of its own, and so has each file, but for those listed here."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

import hashmatch

PACKAGE = Path(hashmatch.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))
FOLDERS = sorted(PACKAGE.rglob("__init__.py"))

#: File names that several folders may have, each with the folders that have it.
#: A command of the command line, and the workflow or store module that does its work.
COMMANDS = {
    "backup.py": {"cli", "store"},
    "compare.py": {"cli", "workflows"},
    "index.py": {"cli", "workflows"},
    "keys.py": {"cli", "signing"},
    "lint.py": {"cli", "workflows"},
    "scan.py": {"cli", "workflows"},
    "stats.py": {"cli", "store"},
    "verify.py": {"cli", "store"},
}
#: A list format, and the hasher or the matching rule that it is named after.
FORMATS = {
    "pdq.py": {"exchange/formats", "hashers"},
    "vpdq.py": {"exchange/formats", "matching"},
}
#: The same role in every folder.
ROLES = {"__init__.py"}

SHARED = COMMANDS | FORMATS


def folder_of(path: Path) -> str:
    return path.parent.relative_to(PACKAGE).as_posix()


def public_types(tree: ast.Module) -> Iterator[str]:
    """The names of a module's public classes and type aliases, which are in CamelCase."""
    for node in tree.body:
        names: list[ast.expr] = []
        if isinstance(node, ast.ClassDef):
            yield from () if node.name.startswith("_") else (node.name,)
        elif isinstance(node, ast.Assign):
            names = node.targets
        elif isinstance(node, ast.AnnAssign):
            names = [node.target]
        for name in names:
            if isinstance(name, ast.Name) and re.match(r"[A-Z]\w*[a-z]", name.id):
                yield name.id


def defined_types() -> dict[str, list[str]]:
    """Every public type of the package with the modules that define it."""
    found = defaultdict(list)
    for path in MODULES:
        for name in public_types(ast.parse(path.read_text(encoding="utf-8"))):
            found[name].append(path.relative_to(PACKAGE).as_posix())
    return found


def test_public_types_are_found() -> None:
    source = (
        "class Open: ...\nclass _Closed: ...\nAlias = dict[str, int]\nAnnotated: object = int\nCONSTANT = _Hidden = 1\n"
    )
    assert list(public_types(ast.parse(source))) == ["Open", "Alias", "Annotated"]


def test_each_public_type_has_a_name_of_its_own() -> None:
    types = defined_types()
    assert len(types) > 200
    assert {name: modules for name, modules in types.items() if len(modules) > 1} == {}


@pytest.fixture(scope="module")
def folders_by_name() -> dict[str, set[str]]:
    found = defaultdict(set)
    for path in MODULES:
        found[path.name].add(folder_of(path))
    return found


def test_file_names_are_unique_but_for_the_listed_ones(folders_by_name: dict[str, set[str]]) -> None:
    several = {name: folders for name, folders in folders_by_name.items() if len(folders) > 1 and name not in ROLES}
    assert {name: folders for name, folders in several.items() if SHARED.get(name) != folders} == {}


@pytest.mark.parametrize("name", SHARED)
def test_the_list_is_not_stale(name: str, folders_by_name: dict[str, set[str]]) -> None:
    assert folders_by_name[name] == SHARED[name]


@pytest.mark.parametrize("name", COMMANDS)
def test_a_shared_command_is_a_command(name: str) -> None:
    from hashmatch.cli.main import COMMANDS as BY_NAME

    assert name.removesuffix(".py") in BY_NAME


@pytest.mark.parametrize("folder", FOLDERS, ids=folder_of)
def test_a_folder_says_what_is_in_it(folder: Path) -> None:
    text = ast.get_docstring(ast.parse(folder.read_text(encoding="utf-8"))) or ""
    assert len(text.splitlines()) >= 2, "say in two to six lines what is in this folder"
    for name in re.findall(r"\b[a-z]\w*(?:/\w+)*\.py\b", text):
        assert (folder.parent / name).exists() or (PACKAGE / name).exists() or (PACKAGE.parent / name).exists(), name

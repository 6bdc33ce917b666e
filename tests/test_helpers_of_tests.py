"""What tests share is in tests/support/ and conftest.py, and each module of it has one name."""

from __future__ import annotations

import ast
import os
import signal
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.film_files import encoder_or_skip, film
from tests.support.interruptible import start_interruptible
from tests.support.repository import ROOT

TESTS = ROOT / "tests"
MODULES = sorted(path for path in TESTS.rglob("*.py") if path.stem != "__init__")
NAMES = {path.stem for path in MODULES}


def wrong_imports(source: str) -> Iterator[str]:
    """The imports that break the rule: tests import from tests.support.NAME, by names, and from no other test module."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            # A folder of tests on sys.path would let `import conftest` load a second copy of a module.
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] in {"tests", *NAMES})
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            is_helper = module.startswith("tests.support.") and module.count(".") == 2
            if node.level or (module.split(".")[0] in {"tests", *NAMES} and not is_helper):
                yield module


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(TESTS).as_posix())
def test_tests_import_only_helpers(path: Path) -> None:
    assert list(wrong_imports(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    "source",
    [
        "from tests.cli.conftest import run",
        "from tests.store.test_scans import keep",
        "from tests.support import index_runs",
        "from .conftest import run",
        "import tests.support.index_runs",
        "from index_runs import run",
        "import conftest",
        "def test() -> None:\n    from tests.store.conftest import store",
    ],
)
def test_the_rule_finds_other_ways_to_import(source: str) -> None:
    assert len(list(wrong_imports(source))) == 1


def test_helpers_are_in_one_folder() -> None:
    elsewhere = [
        path.relative_to(TESTS).as_posix()
        for path in MODULES
        if path.parent.name != "support" and path.stem != "conftest" and not path.stem.startswith("test_")
    ]
    assert elsewhere == []


def test_no_module_is_loaded_under_two_names() -> None:
    names = defaultdict(set)
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file and file.startswith(f"{TESTS}{os.sep}"):
            names[file].add(name)
    assert names
    assert [sorted(each) for each in names.values() if len(each) > 1] == []


@pytest.fixture
def interrupts_are_ignored() -> Iterator[None]:
    """As `nohup` or `&` leaves them to the tests."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interrupts_are_ignored")
def test_a_process_can_be_interrupted_where_the_tests_cannot() -> None:
    script = "import time; print('ready', flush=True); time.sleep(20)"
    with start_interruptible([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout and process.stdout.readline() == b"ready\n"
        process.send_signal(signal.SIGINT)
        assert b"KeyboardInterrupt" in process.communicate(timeout=60)[1]


def test_making_films_leaves_the_tests_at_their_priority() -> None:
    before = os.sched_getscheduler(0), os.sched_getparam(0).sched_priority
    film(encoder_or_skip("mp4-av1"), seconds=1)
    assert (os.sched_getscheduler(0), os.sched_getparam(0).sched_priority) == before

"""The lanes of tests, and what runs the checks elsewhere: hooks before a commit, and the workflow of a public host."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import pytest

from tests.support.lanes import LANES, LONGEST, TESTS, lanes_of
from tests.support.repository import ROOT


def read(name: str) -> Any:
    yaml = pytest.importorskip("yaml", reason="needs PyYAML, which comes with [cluster]")
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


def test_the_hooks_are_what_make_lint_runs() -> None:
    (repository,) = read(".pre-commit-config.yaml")["repos"]
    assert repository["repo"] == "local", "the versions are those of .venv"
    hooks = {hook["entry"].removeprefix(".venv/bin/").replace(" --force-exclude", "") for hook in repository["hooks"]}
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (recipe,) = re.findall(r"^lint:.*\n((?:\t.*\n)+)", makefile, re.MULTILINE)
    assert hooks == {line.strip().removeprefix("$(BIN)/").removesuffix(" .") for line in recipe.splitlines()}


def test_the_workflow_runs_what_ci_runs_on_every_python() -> None:
    job = read(".github/workflows/ci.yml")["jobs"]["test"]
    assert [step["run"] for step in job["steps"] if "run" in step] == [".ci/run"]
    used = [step["uses"] for step in job["steps"] if "uses" in step]
    assert used and all(re.fullmatch(r"actions/[a-z-]+@v\d+", action) for action in used)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    versions = job["strategy"]["matrix"]["python"]
    assert project["requires-python"] == f">={versions[0]}"
    assert versions == [f"3.{minor}" for minor in range(11, 15)]
    shown = [
        each.rpartition(" ")[2]
        for each in project["classifiers"]
        if each.startswith("Programming Language :: Python :: 3.")
    ]
    assert shown == versions


def test_lanes_are_of_tests_that_are_there(pytestconfig: pytest.Config) -> None:
    assert all((TESTS / name).exists() for name in (*LANES, *LONGEST))
    registered = {line.partition(":")[0] for line in pytestconfig.getini("markers")}
    assert {*LANES.values(), "slow"} <= registered


def test_a_module_is_in_its_own_lane_and_in_its_folder_s(request: pytest.FixtureRequest) -> None:
    assert list(lanes_of(TESTS / "faults" / "test_fuzz_command_line.py")) == ["fuzz", "faults"]
    assert list(lanes_of(TESTS / "cluster" / "test_tls.py")) == ["cluster"]
    assert list(lanes_of(TESTS / "exchange" / "formats" / "test_pdq.py")) == []
    assert request.node.get_closest_marker("slow") is None

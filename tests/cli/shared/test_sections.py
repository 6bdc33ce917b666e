"""Help pages have their options, and the commands, under titles."""

from __future__ import annotations

import re

import click
import pytest
from click.testing import CliRunner

from hashmatch.cli.main import COMMANDS, cli
from hashmatch.cli.shared import sections


@sections.command("Does something.")
@click.argument("path")
@sections.option("--second", section="Two", help="B.")
@sections.option("--first", section="One", help="A.")
@sections.option("--third", section="Two", help="C.")
@sections.option("--hidden", section="Two", hidden=True)
@click.option("--plain", help="D.")
def sample(**values: object) -> None:
    click.echo(sorted(values))


def titles(page: str) -> list[str]:
    return re.findall(r"^(\S.*):$", page, re.MULTILINE)


def test_options_stand_under_their_titles_in_the_order_of_the_first_of_each() -> None:
    page = CliRunner().invoke(sample, ["--help"]).output
    assert titles(page) == ["Two", "One", "Other options"]
    assert re.findall(r"^  (--\w+)", page, re.MULTILINE) == ["--second", "--third", "--first", "--plain", "--help"]


def test_options_work_as_click_s_own() -> None:
    ran = CliRunner().invoke(sample, ["x", "--first", "1"])
    assert ran.output == "['first', 'hidden', 'path', 'plain', 'second', 'third']\n"


def test_every_command_is_listed_once_with_its_first_sentence() -> None:
    page = CliRunner().invoke(cli, ["--help"], terminal_width=80).output
    listed = re.findall(r"^  ([a-z]+)  +(\S.*)$", page, re.MULTILINE)
    assert [name for name, _text in listed] == [*COMMANDS]
    for name, text in listed:
        assert text.endswith(".") and not text.endswith("..."), f"{name}: no room on 80 columns for: {text}"
    assert len({line.index(text) for line in page.splitlines() for _n, text in listed if line.endswith(text)}) == 1


@pytest.mark.parametrize(
    "name", ["index", "scan", "export", "import", "review", "evaluate", "compare", "hash", "report"]
)
def test_long_pages_leave_only_help_without_a_title(name: str) -> None:
    page = CliRunner().invoke(cli, [name, "--help"]).output
    assert titles(page)[-1] == "Other options" and len(titles(page)) > 2
    assert re.findall(r"^  (-\S+)", page.partition("Other options:")[2], re.MULTILINE) == ["-h,"]

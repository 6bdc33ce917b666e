"""Every text that a person reads can be translated: found in the source, and seen in a made-up language."""

from __future__ import annotations

import ast
import re
import string
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import hashmatch
from docs.make_messages import KEYWORDS, PACKAGE
from hashmatch import i18n
from hashmatch.i18n import _, activate, ngettext
from hashmatch.report.html.page import TEMPLATES
from hashmatch.review.pages import TEMPLATES as REVIEW_TEMPLATES
from hashmatch.review.pages import environment
from hashmatch.store import open_store
from tests.support.catalogues import messages_of_package, write_catalogues

MODULES = sorted(PACKAGE.rglob("*.py"))

#: Modules that translate what a variable holds; of messages.py see test_messages.py.
LOOKED_UP = {"i18n.py", "messages.py"}

#: Calls whose arguments a person reads: all of them, or those at some places.
TOLD: dict[str, tuple[int, ...] | None] = {
    "CommandError": None,
    "LineError": None,
    "UsageError": None,
    "BadParameter": (0,),
    "literal": (0,),
    "BadLine": (1,),
    "echo": (0,),
    "say": None,
    "warn": None,
    "line": (0,),
    "Table": None,
    "add_column": (0,),
    "add_task": (0,),
    "print_counts": (1, 2),
}
#: Keyword arguments that a person reads, of whatever call.
TOLD_KEYWORDS = {"help", "short_help", "epilog", "title"}
#: Variables that by custom hold such a text.
TOLD_NAMES = {"message", "text", "reason", "title", "why", "limits"}
#: Modules in which what a function yields are lines for a person.
TOLD_YIELDS = {"audit.py", "verify.py", "scan_text.py", "reference_text.py"}

#: What is the same in every language: the program's name, and marks that are names themselves.
NAMES = re.compile(r"hashmatch: |TLP:|sha256|sha1|md5")
#: Calls whose arguments are not shown: names of encodings and of keys.
NOT_SHOWN = {"encode", "decode", "get", "getattr", "strftime", "open", "removeprefix", "source"}


def name_of(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def bare_texts(node: ast.AST) -> Iterator[ast.Constant]:
    """The words in an expression that do not go through gettext."""
    match node:
        case ast.Call() if name_of(node) in (*KEYWORDS, *NOT_SHOWN):
            return
        case ast.Constant(value=str(text)):
            if re.search(r"[^\W\d_]{2,}", NAMES.sub("", text)):
                yield node
        case ast.Subscript():
            yield from bare_texts(node.value)
        case ast.keyword(arg="field"):  # names a field of a list
            return
        case ast.Compare():
            return
        case ast.IfExp():  # its condition is not shown
            yield from bare_texts(node.body)
            yield from bare_texts(node.orelse)
        case ast.FormattedValue():  # its format is not shown
            yield from bare_texts(node.value)
        case _:
            for child in ast.iter_child_nodes(node):
                yield from bare_texts(child)


def told(tree: ast.AST, module: str) -> Iterator[ast.AST]:
    """The expressions in a module that become texts for a person."""
    for node in ast.walk(tree):
        match node:
            case ast.Call():
                if name_of(node) in TOLD:
                    places = TOLD[name_of(node)]
                    yield from (each for place, each in enumerate(node.args) if places is None or place in places)
                if name_of(node) not in ("Hasher", "LearnedModel"):  # whose title is a name, "pHash"
                    yield from (keyword.value for keyword in node.keywords if keyword.arg in TOLD_KEYWORDS)
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if name in TOLD_NAMES:
                if not isinstance(value, ast.Call) or name_of(value) in ("format", "join"):
                    yield value
            case ast.Yield(value=ast.expr() as value) if module in TOLD_YIELDS:
                yield value


def problems(source: str, module: str = "x.py") -> list[str]:
    found = {
        (constant.lineno, constant.value)
        for expression in told(ast.parse(source), module)
        for constant in bare_texts(expression)
    }
    return [f"{module}:{line}: {text!r} does not go through _()" for line, text in sorted(found)]


class TestSource:
    @pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
    def test_texts_go_through_gettext(self, path: Path) -> None:
        assert problems(path.read_text("utf-8"), path.name) == []

    @pytest.mark.parametrize(
        "source",
        [
            'raise CommandError("went wrong")',
            "raise CommandError(f'went wrong: {_(\"why\")}')",
            'raise MediaError("corrupt", Message.literal("is broken"))',
            'raise MediaError("corrupt", Message.literal("is {x}".format(x=1)))',
            'click.echo("done")',
            'app.say("done" if x else _("not done"))',
            'app.warn(f"{count} lines")',
            '@click.option("--x", help="An option.")\ndef f(): pass',
            'message = "{path} is gone"',
            'Table(_("a"), "collection")',
            'print_counts(app, _("a"), {"files": 1})',
        ],
    )
    def test_the_search_would_find_them(self, source: str) -> None:
        assert problems(source)

    @pytest.mark.parametrize(
        "source",
        [
            'raise CommandError(_("went wrong: {x}").format(x="y"))',
            'raise MediaError("corrupt", Message.of("broken", why="x"))',
            'raise MediaError("corrupt", Message.literal(str(error)))',
            "click.echo(f'{for_terminal(name)}: {_(\"x\")} {size:,}', err=True)",
            'app.warn("hashmatch: " + str(error))',
            'print_counts(app, _("a"), {_("files"): summary["files"]})',
        ],
    )
    def test_the_search_passes_what_is_right(self, source: str) -> None:
        assert problems(source) == []

    @pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
    def test_texts_are_written_out_where_they_are_translated(self, path: Path) -> None:
        # A tool that collects them cannot run the program: no variable, no f-string, and names in their gaps.
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call) or name_of(node) not in KEYWORDS or path.name in LOOKED_UP:
                continue
            texts = node.args[: 2 if name_of(node) == "ngettext" else 1]
            for text in texts:
                where = f"{path.name}:{node.lineno}"
                assert isinstance(text, ast.Constant) and isinstance(text.value, str), where
                fields = [field for _text, field, _format, _conversion in string.Formatter().parse(text.value)]
                assert all(field is None or field.split(".")[0].isidentifier() for field in fields), where

    @pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
    def test_every_gap_in_a_text_is_filled(self, path: Path) -> None:
        # Where it is not, the program would fail in the middle of telling what went wrong.
        for function in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(function, ast.FunctionDef | ast.Module):
                continue
            texts = [
                (node.lineno, target.id, node.value)
                for node in ast.walk(function)
                if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and name_of(node.value) in KEYWORDS
                for target in node.targets
                if isinstance(target, ast.Name)
            ]
            for node in ast.walk(function):
                if (
                    not isinstance(node, ast.Call)
                    or name_of(node) != "format"
                    or not isinstance(node.func, ast.Attribute)
                ):
                    continue
                text: ast.expr | None = node.func.value
                if isinstance(text, ast.Name):
                    before = [(line, value) for line, name, value in texts if name == text.id and line < node.lineno]
                    text = max(before, key=lambda each: each[0])[1] if before else None
                if not isinstance(text, ast.Call) or name_of(text) not in KEYWORDS:
                    continue
                given = {keyword.arg for keyword in node.keywords}
                for each in text.args[: 2 if name_of(text) == "ngettext" else 1]:
                    assert isinstance(each, ast.Constant)
                    wanted = {field for _t, field, _f, _c in string.Formatter().parse(each.value) if field}
                    assert None in given or wanted <= given, f"{path.name}:{node.lineno}"
                    assert not node.args, f"{path.name}:{node.lineno}"


class TestTemplates:
    @pytest.mark.parametrize(
        "path", sorted([*TEMPLATES.glob("*.j2"), *REVIEW_TEMPLATES.glob("*.j2")]), ids=lambda path: path.name
    )
    def test_texts_go_through_gettext(self, path: Path) -> None:
        source = re.sub(r"\{#.*?#\}", "", path.read_text("utf-8"), flags=re.DOTALL)
        tokens = list(environment().lex(source))
        assert len(tokens) > 40
        # Of the HTML around the gaps, only what is between tags or in an attribute for people.
        html = "".join(value if kind == "data" else "" for _line, kind, value in tokens)
        told = re.findall(r">([^<]*)<", html) + re.findall(r"(?:aria-label|title|alt|placeholder)=\"([^\"]*)\"", html)
        rest = [text for text in told if re.search(r"[^\W\d_]{2,}", text)]
        assert set(rest) <= {"hashmatch", " · hashmatch · ", " · hashmatch", "Esc"}, "the same in every language"

    def test_texts_are_found_by_the_tool_for_translators(self) -> None:
        found = messages_of_package()
        assert {"Scan report", "Not examined", "Distance at most"} <= {text for text in found if isinstance(text, str)}
        assert ("{n} stretch", "{n} stretches") in found


@pytest.fixture(scope="module")
def messages() -> dict[str | tuple[str, ...], str]:
    return messages_of_package()


@pytest.fixture(scope="module")
def locale(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with catalogues: "xx", in which everything is in brackets, and "ar", with six plural forms."""
    return write_catalogues(tmp_path_factory.mktemp("locale"))


@pytest.fixture
def english_again() -> Iterator[None]:
    yield
    activate(None)


@pytest.mark.usefixtures("english_again")
class TestCatalogue:
    def test_every_text_is_translated(self, locale: Path, messages: dict[str | tuple[str, ...], str]) -> None:
        assert len(messages) > 150
        activate("xx", locale)
        for text, translation in messages.items():
            if isinstance(text, str):
                assert _(text) == translation

    def test_arabic_has_six_plural_forms(self, locale: Path, messages: dict[str | tuple[str, ...], str]) -> None:
        plurals = [text for text in messages if not isinstance(text, str)]
        assert plurals
        activate("ar", locale)
        for singular, plural in plurals:
            told = [ngettext(singular, plural, number) for number in (0, 1, 2, 3, 11, 100)]
            assert {text.split()[-1] for text in told} == {"0", "1", "2", "3", "4", "5"}

    def test_english_is_what_is_left(self, locale: Path) -> None:
        for language, folder in ((None, locale), ("en", locale), ("yy", locale), ("xx", locale / "nowhere")):
            activate(language, folder)
            assert _("it is read-only") == "it is read-only"
            assert [ngettext("one", "many", number) for number in (0, 1, 2)] == ["many", "one", "many"]

    def test_the_language_in_force_is_told(self, locale: Path) -> None:
        for asked, folder, language, direction in (
            (None, locale, "en", "ltr"),
            ("ar", locale, "ar", "rtl"),
            ("xx", locale, "xx", "ltr"),
            ("ar", locale / "nowhere", "en", "ltr"),
        ):
            activate(asked, folder)
            assert (i18n.language(), i18n.direction()) == (language, direction)

    def test_nothing_stays_nothing(self, locale: Path) -> None:
        activate("xx", locale)
        assert _("") == "", "and not the catalogue's header"

    def test_messages_of_errors(self, locale: Path, tmp_path: Path) -> None:
        activate("xx", locale)
        with pytest.raises(hashmatch.errors.CommandError, match=r"^⟦.*⟧$"):
            open_store(tmp_path / "gone.db")
        (tmp_path / "text.db").write_text("text" * 100)
        with pytest.raises(hashmatch.errors.CommandError, match=r"^⟦.*⟦.*⟧⟧$"):
            open_store(tmp_path / "text.db")
        error = hashmatch.hash_bytes(b"\xff\xd8\xff\xe0 no picture").error
        assert error is not None and error.message.startswith("⟦")

    def test_its_folder_is_in_the_package(self) -> None:
        assert i18n.FOLDER.parent == PACKAGE


class TestCommandLine:
    """The whole command line in the language of brackets. In a process of its own: help is translated when loaded."""

    def run(self, locale: Path, code: str, *arguments: object) -> str:
        start = (
            "import sys; from pathlib import Path; from hashmatch import i18n; i18n.activate('xx', Path(sys.argv[1]));"
        )
        done = subprocess.run(
            [sys.executable, "-c", start + code, locale, *map(str, arguments)], capture_output=True, encoding="utf-8"
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def test_help(self, locale: Path) -> None:
        code = """
import click
from hashmatch.cli.main import cli
context = click.Context(cli)
for name in [None, *cli.list_commands(context)]:
    command = cli if name is None else cli.get_command(context, name)
    print(name, "command", command.help)
    for option in command.params:
        if isinstance(option, click.Option) and option.name != "version":
            print(name, option.name, option.help)
"""
        lines = self.run(locale, code).splitlines()
        assert len(lines) > 70
        for line in lines:
            assert re.fullmatch(r"\S+ \S+ ⟦.*⟧", line), line

    def test_what_commands_tell(self, locale: Path, tmp_path: Path) -> None:
        from tests.support.drawn_pictures import picture

        work = tmp_path / "1"
        work.mkdir()
        one = picture(work / "1.jpg", 1)
        other = picture(work / "2.webp", 1, 50)
        (work / "3.jpg").write_bytes(b"\xff\xd8\xff\xe0 no picture")
        (work / "4.jpg").write_text("text")
        (work / "5").write_text("nonsense\n" + "00" * 16 + "  1\n" + "11" * 16 + "  2\n")
        code = """
import contextlib, io
from hashmatch.cli.main import cli
from hashmatch.errors import CommandError
import click
db, work = sys.argv[2:]
for arguments in (
    ["scan", work], ["index", work], ["index", work + "/gone"], ["scan", work], ["import", work + "/5"],
    ["import", "--strict", work + "/5"], ["import", work + "/1.jpg"], ["export", "-o", work + "/6"],
    ["export", "--format", "pdq", "-o", work + "/6"], ["retract", "1"], ["retract", "1"], ["restore", "1"],
    ["allow", "1"], ["allow", "1", "--off"], ["allow", "1", "--off"], ["label", "1"], ["label", "1", "--add", "0"],
    ["show", "99"], ["verify"], ["hash", work + "/4.jpg"], ["compare", work + "/1.jpg", work + "/4.jpg"],
    ["index", work, "--dry-run"], ["index", work, "--hash", "0"], ["scan", work, "--collection", "0"],
    ["compare", work + "/1.jpg", work + "/2.webp"], ["scan"], ["collections", "--note", "0"],
):
    told, data = io.StringIO(), io.StringIO()
    data.buffer = io.BytesIO()
    with contextlib.redirect_stderr(told), contextlib.redirect_stdout(told if arguments[0] == "compare" else data):
        try:
            cli.main(["--db", db, *arguments], standalone_mode=False)
        except CommandError as error:
            print(error, file=sys.stderr)
        except click.ClickException as error:
            print(error.message, file=sys.stderr)
    text = told.getvalue().replace(work, "").replace(db, "")
    print("\\0" + " ".join(arguments).replace(work, "") + "\\1" + text)
"""
        told = self.run(locale, code, tmp_path / "0", work)
        parts = [part.split("\1") for part in told.split("\0")[1:]]
        assert len(parts) == 27
        for command, text in parts:
            assert "⟦" in text, command
            rest = text
            while rest != (rest := re.sub(r"⟦[^⟦⟧]*⟧", "", rest)):
                pass
            # What is left are names of files, codes, formats and numbers, which are the same in every language.
            rest = re.sub(r"corrupt|unsupported-format|not-found|jpg|webp|md5sum|gone|sha256|pdq|hashmatch", "", rest)
            assert not re.search(r"[^\W\d_]{2,}", rest), f"{command}: {text}"
        assert one.exists() and other.exists()

"""The catalogues that go out: complete, fresh, exact in their gaps, and in force by option, variable or locale."""

from __future__ import annotations

import ast
import io
import os
import re
import string
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo

from docs.make_messages import PACKAGE, path_of, read, template, untranslated
from docs.make_messages import languages as begun
from hashmatch import i18n
from hashmatch.escape import hides
from hashmatch.i18n import CLICK_DOMAIN, DOMAIN

LANGUAGES = begun()
DOMAINS = (DOMAIN, CLICK_DOMAIN)
#: Of click's texts, some that every user of ours gets to see; what a newer click says otherwise stays in English.
SEEN = {
    *("Usage:", "Options", "Commands", "Error: {message}", "Try '{command} {option}' for help.", "default: {default}"),
    *(
        "Missing argument",
        "Missing option",
        "Missing command.",
        "No such command {name!r}.",
        "No such option {name!r}.",
    ),
    *("Show this message and exit.", "Show the version and exit.", "Invalid value for {param_hint}: {message}"),
    ("{value!r} is not {choice}.", "{value!r} is not one of {choices}."),
    "{name} {filename!r} does not exist.",
}
#: Words in Latin letters that may stand in a translation though the English text has them not.
NAMES = {"hashmatch", "review", "TLP", "Linux", "exact", "near", "possible"}


def messages(language: str, domain: str) -> list[Message]:
    return [message for message in read(domain, language) if message.id]


def forms(message: Message) -> Iterator[tuple[str, str, bool]]:
    """Each translation with the English text that it is measured by, and whether it is for one number alone."""
    if isinstance(message.id, str):
        yield message.id, str(message.string), False
        return
    for number, form in enumerate(message.string):
        yield message.id[1], form, number in (1, 2)


def gaps(text: str) -> Counter[tuple[str, str, str]]:
    """The gaps of a text, each with its format, as str.format and the old `%` have them."""
    new = ((field, spec or "", how or "") for _text, field, spec, how in string.Formatter().parse(text) if field)
    return Counter([*new, *((each, "", "%") for each in re.findall(r"%\(\w+\)\w", text))])


def typed(text: str) -> list[str]:
    """What is typed, or read by a program: options, variables, escapes, and what stands in backticks or quotes."""
    return re.findall(r"`[^`]+`|(?<![\w-])--[a-z][a-z-]*|\$[A-Z_]+|\\x?\w+|'[^' ]+'", text)


@pytest.mark.parametrize("language", LANGUAGES)
class TestCatalogue:
    def test_every_text_is_translated_and_vouched_for(self, language: str) -> None:
        catalogue = read(DOMAIN, language)
        source = {message.id for message in template(DOMAIN)}
        assert source == {message.id for message in catalogue}, "run `make messages`, and translate what it names"
        assert [message.id for message in untranslated(catalogue)] == []
        assert not catalogue.fuzzy

    def test_what_click_says_is_translated(self, language: str) -> None:
        catalogue = read(CLICK_DOMAIN, language)
        assert {message.id for message in catalogue} >= SEEN
        assert [message.id for message in untranslated(catalogue)] == []

    @pytest.mark.parametrize("domain", DOMAINS)
    def test_gaps_are_those_of_the_text(self, language: str, domain: str) -> None:
        for message in messages(language, domain):
            assert not message.pluralizable or len(message.string) == read(domain, language).num_plurals
            for text, form, is_of_one_number in forms(message):
                missing, more = gaps(text) - gaps(form), gaps(form) - gaps(text)
                if is_of_one_number and domain == CLICK_DOMAIN:
                    # Of the two English texts one tells of a single thing, by another name than the other tells of many.
                    assert not more - gaps(message.id[0]), (text, form)
                elif domain == DOMAIN:
                    # A form for one number may leave out the number, which the word itself says, as msgfmt has it, too.
                    counted = {gap for gap in missing if is_of_one_number and gap[0] in ("n", "count")}
                    assert not more and not set(missing) - counted, (text, form)

    @pytest.mark.parametrize("domain", DOMAINS)
    def test_options_commands_and_names_stay_as_they_are(self, language: str, domain: str) -> None:
        for message in messages(language, domain):
            for text, form, _is_of_one_number in forms(message):
                english = " ".join(message.id) if message.pluralizable else text
                words = set(re.findall(r"[A-Za-z][A-Za-z0-9]+", re.sub(r"\{[^}]*\}", "", form)))
                assert words <= set(re.findall(r"[A-Za-z][A-Za-z0-9]+", english)) | NAMES, form
                if not message.pluralizable:
                    assert [each for each in typed(text) if each not in form] == [], form

    @pytest.mark.parametrize("domain", DOMAINS)
    def test_nothing_hidden_is_in_it(self, language: str, domain: str) -> None:
        # No marks of direction either: they would be shown as \u200f wherever texts are made visible.
        for message in messages(language, domain):
            for _text, form, _is_of_one_number in forms(message):
                assert not hides(form.replace("\n", "").replace("\t", "")), ascii(form)
                assert form == form.strip() or message.id != str(message.id).strip()

    @pytest.mark.parametrize("domain", DOMAINS)
    def test_what_is_compiled_is_fresh(self, language: str, domain: str) -> None:
        assert path_of(domain, language).with_suffix(".mo").read_bytes() == compiled(read(domain, language)), (
            "run `make messages`"
        )

    def test_what_is_told_side_by_side_can_be_told_apart(self, language: str) -> None:
        # Texts that are keys of one dict: two with one translation would lose a count.
        translated = {message.id: str(message.string) for message in messages(language, DOMAIN)}
        for path in PACKAGE.rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Dict):
                    keys = [
                        translated[key.args[0].value]
                        for key in node.keys
                        if isinstance(key, ast.Call)
                        and getattr(key.func, "id", "") == "_"
                        and isinstance(key.args[0], ast.Constant)
                    ]
                    assert len(keys) == len(set(keys)), f"{path.name}:{node.lineno}"


def compiled(catalogue: Catalog) -> bytes:
    out = io.BytesIO()
    write_mo(out, catalogue)
    return out.getvalue()


class TestLanguageThatIsAskedFor:
    @pytest.mark.parametrize(
        ("environment", "language"),
        [
            ({}, None),
            ({"LANG": "ar_EG.UTF-8"}, "ar"),
            ({"LANG": "ar"}, "ar"),
            ({"LANG": "de_DE.UTF-8"}, "de"),
            ({"LC_MESSAGES": "ar_SY@x", "LANG": "en_GB.UTF-8"}, "ar"),
            ({"LC_ALL": "en_GB.UTF-8", "LC_MESSAGES": "ar_SY", "LANG": "ar_SY"}, "en"),
            ({"LC_ALL": "C.UTF-8", "LANG": "ar_SY", "LANGUAGE": "ar"}, None),
            ({"LC_ALL": "", "LANG": "ar_SY"}, "ar"),
            ({"LANG": "POSIX"}, None),
            ({"LANG": "de_DE", "LANGUAGE": "fr:ar_EG:en"}, "ar"),
            ({"LANG": "ar_EG", "LANGUAGE": "en"}, "en"),
            ({"LANG": "ar_EG", "LANGUAGE": ""}, "ar"),
            ({"HASHMATCH_LANG": "ar"}, "ar"),
            ({"HASHMATCH_LANG": "ar-EG"}, "ar"),
            ({"HASHMATCH_LANG": "", "LANG": "ar_EG"}, "ar"),
            ({"HASHMATCH_LANG": "en", "LC_ALL": "ar_EG.UTF-8"}, "en"),
        ],
    )
    def test_by_the_environment(self, environment: dict[str, str], language: str | None) -> None:
        assert i18n.wanted(environment) == language

    def test_english_and_those_with_a_catalogue_are_there(self) -> None:
        assert i18n.languages() == ["en", "ar"] == ["en", *LANGUAGES]


def run(*arguments: str, **environment: str) -> tuple[int, str]:
    """A command's exit code, and all that it prints."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG"))}
    done = subprocess.run(
        [sys.executable, "-m", "hashmatch", *arguments],
        env={**plain, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=60,
    )
    return done.returncode, done.stdout


class TestCommandLine:
    @pytest.mark.parametrize(
        ("arguments", "environment", "is_arabic"),
        [
            (["--lang", "ar"], {}, True),
            (["--lang=ar"], {"HASHMATCH_LANG": "en", "LC_ALL": "C"}, True),
            ([], {"HASHMATCH_LANG": "ar"}, True),
            ([], {"LANG": "ar_EG.UTF-8"}, True),
            (["--lang", "en"], {"LANG": "ar_EG.UTF-8", "LANGUAGE": "ar"}, False),
            ([], {"LANG": "fr_FR.UTF-8"}, False),
        ],
    )
    def test_ours_and_click_s_texts_are_in_one_language(
        self, arguments: list[str], environment: dict[str, str], is_arabic: bool, tmp_path: Path
    ) -> None:
        code, told = run(*arguments, "show", **environment)
        assert code == 2
        assert ("الاستعمال: hashmatch show" in told, "Usage: hashmatch show" in told) == (is_arabic, not is_arabic)
        code, told = run("--db", str(tmp_path / "gone.db"), *arguments, "list", **environment)
        assert code == 2
        assert ("لا توجد قاعدة بيانات" in told, "there is no database" in told) == (is_arabic, not is_arabic)

    def test_help_has_no_english_sentence(self) -> None:
        for command in ("--help", "scan --help", "keys --help"):
            code, told = run("--lang", "ar", *command.split())
            assert code == 0
            assert not re.search(r"[a-z]{2,} (the|a|of|to|is|and|with|for) [a-z]{2,}", told), told

    def test_what_a_worker_tells_is_in_the_language_in_force(self, tmp_path: Path) -> None:
        (tmp_path / "1.jpg").write_bytes(b"\xff\xd8\xff\xe0 no picture")
        (tmp_path / "2.jpg").write_text("text")
        _code, told = run("--lang", "ar", "hash", str(tmp_path / "1.jpg"), str(tmp_path / "2.jpg"))
        assert "corrupt: تعذر فك ترميزه: " in told, "codes are data, and stay"
        assert "unsupported-format: اسمه اسم صورة أو فيديو، ومحتواه ليس أيًا منهما" in told

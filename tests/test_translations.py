"""The catalogues that go out: what is translated is right, what is not is counted and shown in English; and which
language is in force, by option, variable or locale."""

from __future__ import annotations

import ast
import os
import re
import string
import subprocess
import sys
import unicodedata
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Message as Translation
from babel.messages.pofile import write_po

from docs import make_messages
from docs.make_messages import PACKAGE, compiled, gaps, is_translated, path_of, read, template
from docs.make_messages import languages as begun
from hashmatch import i18n
from hashmatch.escape import hides
from hashmatch.i18n import CLICK_DOMAIN, DOMAIN
from hashmatch.messages import Message

LANGUAGES = begun()
DOMAINS = (DOMAIN, CLICK_DOMAIN)
#: Words in Latin letters that may stand in a translation though the English text has them not.
NAMES = {"hashmatch", "review", "TLP", "Linux", "exact", "near", "possible"}


def messages(language: str, domain: str) -> list[Translation]:
    """What is translated."""
    return [message for message in read(domain, language) if message.id and is_translated(message)]


def forms(message: Translation) -> Iterator[tuple[str, str, bool]]:
    """Each translation with the English text that it is measured by, and whether it is for one number alone."""
    if isinstance(message.id, str):
        yield message.id, str(message.string), False
        return
    for number, form in enumerate(message.string):
        yield message.id[1], form, number in (1, 2)


def placeholders(text: str) -> Counter[tuple[str, str, str]]:
    """The placeholders of a text, each with its format, as str.format and the old `%` have them."""
    new = ((field, spec or "", how or "") for _text, field, spec, how in string.Formatter().parse(text) if field)
    return Counter([*new, *((each, "", "%") for each in re.findall(r"%\(\w+\)\w", text))])


def typed(text: str) -> list[str]:
    """What is typed, or read by a program: options, variables, escapes, and what stands in backticks or quotes."""
    return re.findall(r"`[^`]+`|(?<![\w-])--[a-z][a-z-]*|\$[A-Z_]+|\\x?\w+|'[^' ]+'", text)


def is_in_latin_letters(language: str) -> bool:
    """Whether most letters of a language's translations are Latin. Then its words cannot be told from English ones."""
    texts = (form for message in messages(language, DOMAIN) for _text, form, _one in forms(message))
    letters = [letter for text in texts for letter in text if letter.isalpha()]
    return 2 * sum("LATIN" in unicodedata.name(letter, "") for letter in letters) > len(letters)


@pytest.mark.parametrize("language", LANGUAGES)
class TestCatalogue:
    @pytest.mark.filterwarnings("default")
    @pytest.mark.parametrize("domain", DOMAINS)
    def test_what_is_not_translated_is_counted(self, language: str, domain: str) -> None:
        """It is no failure: these texts are shown in English until a translator comes to them."""
        missing = gaps(domain, language)
        if missing:
            warnings.warn(
                f"{language}: {len(missing)} texts of {domain} are shown in English; `python -m docs.make_messages --gaps`"
                " lists them",
                stacklevel=1,
            )

    @pytest.mark.parametrize("domain", DOMAINS)
    def test_placeholders_are_those_of_the_text(self, language: str, domain: str) -> None:
        plurals = read(domain, language).num_plurals
        for message in messages(language, domain):
            assert not message.pluralizable or len(message.string) == plurals, message.id
            for text, form, is_of_one_number in forms(message):
                missing, more = placeholders(text) - placeholders(form), placeholders(form) - placeholders(text)
                if is_of_one_number and domain == CLICK_DOMAIN:
                    # Of the two English texts one tells of a single thing, by another name than the other tells of many.
                    assert not more - placeholders(message.id[0]), (text, form)
                elif domain == DOMAIN:
                    # A form for one number may leave out the number, which the word itself says, as msgfmt has it, too.
                    counted = {each for each in missing if is_of_one_number and each[0] in ("n", "count")}
                    assert not more and not set(missing) - counted, (text, form)

    @pytest.mark.parametrize("domain", DOMAINS)
    def test_options_commands_and_names_stay_as_they_are(self, language: str, domain: str) -> None:
        is_latin = is_in_latin_letters(language)
        for message in messages(language, domain):
            for text, form, _is_of_one_number in forms(message):
                english = " ".join(message.id) if message.pluralizable else text
                words = set(re.findall(r"[A-Za-z][A-Za-z0-9]+", re.sub(r"\{[^}]*\}", "", form)))
                assert is_latin or words <= set(re.findall(r"[A-Za-z][A-Za-z0-9]+", english)) | NAMES, form
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
                        translated.get(key.args[0].value, key.args[0].value)
                        for key in node.keys
                        if isinstance(key, ast.Call)
                        and getattr(key.func, "id", "") == "_"
                        and isinstance(key.args[0], ast.Constant)
                    ]
                    assert len(keys) == len(set(keys)), f"{path.name}:{node.lineno}"


@pytest.mark.slow
class TestGaps:
    """A language that somebody has begun to translate: one text, and of a plural two forms of six."""

    @pytest.fixture
    def begun(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
        monkeypatch.setattr(make_messages, "FOLDER", tmp_path)
        assert make_messages.main(["ar"]) == 0
        path = path_of(DOMAIN, "ar")
        catalogue = read(DOMAIN, "ar")
        catalogue["is empty"].string = "فارغ"
        catalogue["its end is missing"].string = "نهايته مفقودة"
        catalogue["its end is missing"].flags.add("fuzzy")
        plural = next(message for message in catalogue if message.pluralizable)
        plural.string = ("0", "1", "", "", "", "")
        with path.open("wb") as out:
            write_po(out, catalogue)
        yield path
        i18n.activate(None)

    def test_are_listed_and_nothing_is_changed(self, begun: Path, capsys: pytest.CaptureFixture[str]) -> None:
        before, count = begun.read_bytes(), sum(1 for message in template(DOMAIN) if message.id)
        assert make_messages.main(["--gaps"]) == 0
        told = capsys.readouterr().out.splitlines()
        assert f"ar: hashmatch: {count - 1} of {count} texts have no translation" in told
        assert "ar: hashmatch: no translation of 'its end is missing'" in told
        assert "ar: hashmatch: no translation of 'is empty'" not in told
        assert begun.read_bytes() == before

    def test_are_shown_in_english(self, begun: Path, tmp_path: Path) -> None:
        assert make_messages.main([]) == 0
        assert "فارغ" in begun.read_text("utf-8"), "and what was done is kept"
        i18n.activate("ar", tmp_path)
        assert (i18n.language(), i18n._("is empty")) == ("ar", "فارغ")
        assert i18n._("its end is missing") == "its end is missing"
        singular, plural = next(message.id for message in template(DOMAIN) if message.pluralizable)
        assert [i18n.ngettext(singular, plural, number) for number in (0, 1, 2, 3)] == [
            plural,
            singular,
            plural,
            plural,
        ]


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
            ({"LANG": "de_DE", "LANGUAGE": "xx:ar_EG:en"}, "ar"),
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
        assert "ar" in LANGUAGES
        assert i18n.languages() == ["en", *LANGUAGES]


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
            ([], {"LANG": "xx_XX.UTF-8"}, False),
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

    @pytest.mark.slow
    def test_help_has_no_english_sentence_but_what_is_not_translated(self) -> None:
        missing = " ".join(str(message.id) for domain in DOMAINS for message in gaps(domain, "ar"))
        for command in ("--help", "scan --help", "keys --help"):
            code, told = run("--lang", "ar", *command.split())
            assert code == 0
            for english in re.finditer(r"[a-z]{2,} (the|a|of|to|is|and|with|for) [a-z]{2,}", told):
                assert english[0] in missing, told

    def test_what_a_worker_tells_is_in_the_language_in_force(self, tmp_path: Path) -> None:
        (tmp_path / "1.jpg").write_bytes(b"\xff\xd8\xff\xe0 no picture")
        (tmp_path / "2.jpg").write_text("text")
        _code, told = run("--lang", "ar", "hash", str(tmp_path / "1.jpg"), str(tmp_path / "2.jpg"))
        i18n.activate("ar")
        try:
            expected = str(Message.of("cannot-be-decoded", why="")), str(Message.of("not-what-its-name-says"))
        finally:
            i18n.activate(None)
        assert f"corrupt: {expected[0]}" in told, "codes are data, and stay"
        assert f"unsupported-format: {expected[1]}" in told

"""Keeps the catalogues of translations: `make messages`. It collects the texts of the source, adds new ones to every
`hashmatch/locale/*/LC_MESSAGES/*.po` and takes out those of ours that are gone, compiles them, and names what has no
translation (exit code 1). `python -m docs.make_messages fr` begins another language.
"""

from __future__ import annotations

import ast
import importlib.util
import sys
from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from hashmatch.i18n import CLICK_DOMAIN, DOMAIN, FOLDER

PACKAGE = FOLDER.parent
KEYWORDS = {"_": None, "N_": None, "ngettext": (1, 2)}
#: How wide the lines of a catalogue are.
WIDTH = 110
BUGS = "https://github.com/hashmatch/hashmatch/issues"


def texts_of_module(
    file: BinaryIO, keywords: Collection[str], _tags: object, options: object
) -> Iterator[tuple[int, str, list[str], list[str]]]:
    """A method of extraction for Babel: line, function, texts, comments. Its own one sees what is in the gaps of an f-string
    from Python 3.12 on only."""
    calls = [node for node in ast.walk(ast.parse(file.read())) if isinstance(node, ast.Call)]
    for call in sorted(calls, key=lambda each: (each.lineno, each.col_offset)):
        name = call.func.id if isinstance(call.func, ast.Name) else ""
        texts = [each.value for each in call.args if isinstance(each, ast.Constant) and isinstance(each.value, str)]
        if name in keywords and texts:
            yield call.lineno, name, texts, []


#: How each kind of file is read. A template that cannot be read is a mistake, and not to be left out.
METHODS = [("**.py", texts_of_module), ("**.j2", "jinja2")]
OPTIONS = {"**.j2": {"silent": "false"}}


def template(domain: str) -> Catalog:
    """All texts of a domain, hashmatch's or click's, without translations."""
    folder = PACKAGE
    if domain == CLICK_DOMAIN:
        # Of the version that is installed.
        found = importlib.util.find_spec("click")
        assert found is not None and found.origin is not None
        folder = Path(found.origin).parent
    catalogue = Catalog(project=domain)
    for file, _line, text, _comments, _context in extract_from_dir(folder, METHODS, OPTIONS, keywords=KEYWORDS):
        catalogue.add(text, locations=[(f"{folder.name}/{file}", None)])
    return catalogue


def languages() -> list[str]:
    """Those that have been begun."""
    return sorted(path.name for path in FOLDER.iterdir() if path.is_dir())


def path_of(domain: str, language: str) -> Path:
    """Of the catalogue that a translator edits."""
    return FOLDER / language / "LC_MESSAGES" / f"{domain}.po"


def read(domain: str, language: str) -> Catalog:
    """A catalogue as it is; an empty one where there is none."""
    path = path_of(domain, language)
    if path.exists():
        with path.open("rb") as file:
            return read_po(file, locale=language, domain=domain)
    heading = f"# Texts of {domain} in {language}; see docs/translating.md."
    names = {"project": domain, "msgid_bugs_address": BUGS, "last_translator": DOMAIN, "language_team": language}
    return Catalog(language, domain, heading, version="1", revision_date=datetime.now(UTC), fuzzy=False, **names)


def refresh(domain: str, language: str) -> Catalog:
    """Bring a catalogue to what the source has now, and compile it."""
    catalogue = read(domain, language)
    if domain == CLICK_DOMAIN:  # of which another version, with other texts, may be installed elsewhere
        for message in template(domain):
            if message.id and message.id not in catalogue:  # that without is the heading
                catalogue[message.id] = message
    else:
        catalogue.update(template(domain), no_fuzzy_matching=True, update_creation_date=False)
        catalogue.obsolete.clear()
        for message in catalogue:  # guessed from a per cent sign before a word; texts of ours are for str.format
            message.flags.discard("python-format")
    path = path_of(domain, language)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        write_po(file, catalogue, width=WIDTH, include_lineno=False)
    with path.with_suffix(".mo").open("wb") as file:
        write_mo(file, catalogue)
    return catalogue


def untranslated(catalogue: Catalog) -> Iterator[Message]:
    """The texts without a translation, or with one that nobody has vouched for."""
    for message in catalogue:
        forms = message.string if message.pluralizable else (message.string,)
        if message.id and (message.fuzzy or not all(forms)):
            yield message


def main(more: list[str]) -> int:
    missing = 0
    for language in sorted({*languages(), *more}):
        for domain in (DOMAIN, CLICK_DOMAIN):
            for message in untranslated(refresh(domain, language)):
                print(f"{language}: {domain}: no translation of {message.id!r}")
                missing += 1
    return int(missing > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

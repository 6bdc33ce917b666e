"""Keeps the catalogues of translations: `make messages`. It collects the texts of the source, adds new ones to every
`hashmatch/locale/*/LC_MESSAGES/*.po`, takes out those of ours that are gone, and compiles them.

`python -m docs.make_messages fr` begins another language. `python -m docs.make_messages --gaps` changes nothing and lists
the texts without a translation.
"""

from __future__ import annotations

import ast
import copy
import functools
import importlib.util
import io
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
    catalogue = Catalog(project=domain)
    for text, file in _texts(domain):
        catalogue.add(text, locations=[(file, None)])
    return catalogue


@functools.cache
def _texts(domain: str) -> list[tuple[str | tuple[str, ...], str]]:
    """Each text of a domain, with the file that has it. Reading the whole source takes a second."""
    folder = PACKAGE
    if domain == CLICK_DOMAIN:
        # Of the version that is installed.
        click = importlib.util.find_spec("click")
        assert click is not None and click.origin is not None
        folder = Path(click.origin).parent
    found = extract_from_dir(folder, METHODS, OPTIONS, keywords=KEYWORDS)
    return [(text, f"{folder.name}/{file}") for file, _line, text, _comments, _context in found]


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
    path.with_suffix(".mo").write_bytes(compiled(catalogue))
    return catalogue


def compiled(catalogue: Catalog) -> bytes:
    """A catalogue as gettext reads it.

    Texts without a whole translation are left out, so that they are shown in English: of a plural with some forms only,
    Babel would fill the others with English ones by the rules of the other language, as in "1 files".
    """
    whole, out = copy.deepcopy(catalogue), io.BytesIO()
    for message in catalogue:
        if message.id and not is_translated(message):
            whole.delete(message.id)
    write_mo(out, whole)
    return out.getvalue()


def gaps(domain: str, language: str) -> list[Message]:
    """The texts of the source that are shown in English for want of a translation that somebody has vouched for."""
    catalogue = read(domain, language)
    return [each for each in template(domain) if each.id and not is_translated(catalogue.get(each.id))]


def is_translated(message: Message | None) -> bool:
    """Whether somebody has vouched for a translation, in all of its plural forms."""
    if message is None or message.fuzzy:
        return False
    return all(message.string) if message.pluralizable else bool(message.string)


def main(arguments: list[str]) -> int:
    more = [each for each in arguments if each != "--gaps"]
    for language in sorted({*languages(), *more}):
        for domain in (DOMAIN, CLICK_DOMAIN):
            if "--gaps" not in arguments:
                refresh(domain, language)
            missing = gaps(domain, language)
            for message in missing:
                print(f"{language}: {domain}: no translation of {message.id!r}")
            total = sum(1 for each in template(domain) if each.id)
            print(f"{language}: {domain}: {len(missing)} of {total} texts have no translation")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

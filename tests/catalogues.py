"""Made-up translations of every text of the package, as the tool for translators finds them."""

from __future__ import annotations

import functools
import tomllib
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo

import hashmatch

PACKAGE = Path(hashmatch.__file__).parent
KEYWORDS = {"_": None, "ngettext": (1, 2)}


@functools.cache
def messages_of_package() -> dict[str | tuple[str, ...], str]:
    """All texts, each with its translation: in brackets."""
    project = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text(encoding="utf-8"))
    methods = [(each["pattern"], each["method"]) for each in project["tool"]["babel"]["mappings"]]
    found: dict[str | tuple[str, ...], str] = {}
    options = {"**.j2": {"silent": "false"}}
    for _file, _line, text, _comments, _context in extract_from_dir(PACKAGE, methods, options, keywords=KEYWORDS):
        found[text] = f"⟦{text if isinstance(text, str) else text[1]}⟧"
    return found


def write_catalogues(folder: Path) -> Path:
    """Catalogues in a folder: "xx", in which everything is in brackets, and "ar", with six plural forms."""
    for language in ("xx", "ar"):
        catalogue = Catalog(locale="ar" if language == "ar" else None)
        for text, translation in messages_of_package().items():
            forms = tuple(f"{translation} {form}" for form in range(catalogue.num_plurals))
            catalogue.add(text, translation if isinstance(text, str) else forms)
        target = folder / language / "LC_MESSAGES" / "hashmatch.mo"
        target.parent.mkdir(parents=True)
        with target.open("wb") as out:
            write_mo(out, catalogue)
    return folder

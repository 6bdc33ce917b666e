"""Made-up translations of every message in the package; the extraction tool for translators finds the messages."""

from __future__ import annotations

import functools
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo

from docs.make_messages import template
from hashmatch.i18n import DOMAIN


@functools.cache
def messages_of_package() -> dict[str | tuple[str, ...], str]:
    """All messages, each with its made-up translation: the message in brackets."""
    texts = [message.id for message in template(DOMAIN) if message.id]
    return {text: f"⟦{text if isinstance(text, str) else text[1]}⟧" for text in texts}


def write_catalogues(folder: Path) -> Path:
    """Write catalogues to a folder: "xx" puts each message in brackets, and "ar" has six plural forms as well."""
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

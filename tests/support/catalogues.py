"""Made-up translations of every text of the package, as the tool for translators finds them."""

from __future__ import annotations

import functools
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo

from docs.make_messages import template
from hashmatch.i18n import DOMAIN


@functools.cache
def messages_of_package() -> dict[str | tuple[str, ...], str]:
    """All texts, each with its translation: in brackets."""
    texts = [message.id for message in template(DOMAIN) if message.id]
    return {text: f"⟦{text if isinstance(text, str) else text[1]}⟧" for text in texts}


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

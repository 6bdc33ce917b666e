"""Translation of every text that a person reads, through gettext.

A translation is a folder `locale/<language>/LC_MESSAGES/hashmatch.mo`; adding one needs no change of code.
"""

from __future__ import annotations

import gettext
from pathlib import Path

DOMAIN = "hashmatch"
FOLDER = Path(__file__).parent / "locale"

#: The language that texts are written in.
SOURCE = "en"
#: Languages that are written from right to left.
_RIGHT_TO_LEFT = {"ar", "fa", "he", "ur"}

_translations: gettext.NullTranslations = gettext.NullTranslations()
_language = SOURCE


def activate(language: str | None, folder: Path = FOLDER) -> None:
    """Use a language ("en", "ar"); where it has no catalogue, and for None, texts stay in English."""
    global _translations, _language
    if language is None:
        _translations = gettext.NullTranslations()
    else:
        _translations = gettext.translation(DOMAIN, folder, [language], fallback=True)
    is_found = isinstance(_translations, gettext.GNUTranslations)
    _language = language if is_found and language is not None else SOURCE


def language() -> str:
    """The language in force, as HTML's `lang` has it."""
    return _language


def direction() -> str:
    """The direction in which it is written, as HTML's `dir` has it."""
    return "rtl" if _language.partition("-")[0] in _RIGHT_TO_LEFT else "ltr"


def _(text: str) -> str:
    """The text in the language in force. Written `_("…")` so that gettext's tools find it."""
    return _translations.gettext(text) if text else ""


def ngettext(singular: str, plural: str, number: int) -> str:
    """The form of a text that fits a number; Arabic has six."""
    return _translations.ngettext(singular, plural, number)

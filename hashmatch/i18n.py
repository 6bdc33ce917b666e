"""Translates every text that a person reads, through gettext.

A translation is a folder `locale/<language>/LC_MESSAGES` with `hashmatch.mo`, and with `click.mo` for the texts of the
library that reads the command line. Adding one needs no change of code. Texts without a translation stay English.
"""

from __future__ import annotations

import gettext
import os
import re
from collections.abc import Mapping
from pathlib import Path

DOMAIN = "hashmatch"
#: The texts of click, which takes them from the process-wide gettext.
CLICK_DOMAIN = "click"
FOLDER = Path(__file__).parent / "locale"

#: The language of the texts in the source.
SOURCE = "en"
#: Languages that are written from right to left.
_RIGHT_TO_LEFT = {"ar", "fa", "he", "ur"}

_translations: gettext.NullTranslations = gettext.NullTranslations()
_language = SOURCE


def languages() -> list[str]:
    """All languages: that of the source first, then those with a catalogue."""
    return [SOURCE, *sorted(path.parts[-3] for path in FOLDER.glob(f"*/LC_MESSAGES/{DOMAIN}.mo"))]


def wanted(environment: Mapping[str, str]) -> str | None:
    """The language that the environment asks for, or None.

    $HASHMATCH_LANG, else the locale as gettext reads it: the first of $LC_ALL, $LC_MESSAGES and $LANG that is set. Unless
    that is "C", the first language in $LANGUAGE that we have comes before it.
    """
    own = environment.get("HASHMATCH_LANG")
    if own:
        return _plain(own)
    locale = next(filter(None, map(environment.get, ("LC_ALL", "LC_MESSAGES", "LANG"))), "C")
    if _plain(locale) in ("c", "posix"):
        return None
    known = languages()
    asked = map(_plain, (environment.get("LANGUAGE") or "").split(":"))
    return next((each for each in asked if each in known), _plain(locale))


def _plain(locale: str) -> str:
    """The language of a locale: "ar" of "ar_EG.UTF-8"."""
    return re.split(r"[_.@-]", locale, maxsplit=1)[0].lower()


def activate(language: str | None, folder: Path = FOLDER) -> None:
    """Use a language ("en", "ar"). Texts stay English for None, or if it has no catalogue."""
    global _translations, _language
    if language is None:
        _translations = gettext.NullTranslations()
    else:
        _translations = gettext.translation(DOMAIN, folder, [language], fallback=True)
    is_found = isinstance(_translations, gettext.GNUTranslations)
    _language = language if is_found and language is not None else SOURCE


def activate_click() -> None:
    """Make click speak the language in force, too.

    This works only through gettext's environment variable. So only the command line does it: a library should not change
    the environment of its process.
    """
    os.environ["LANGUAGE"] = _language
    gettext.bindtextdomain(CLICK_DOMAIN, FOLDER)
    gettext.textdomain(CLICK_DOMAIN)


def language() -> str:
    """The language in force, as in HTML's `lang`."""
    return _language


def direction() -> str:
    """The direction in which it is written, as in HTML's `dir`."""
    return "rtl" if _language.partition("-")[0] in _RIGHT_TO_LEFT else "ltr"


def _(text: str) -> str:
    """The text in the language in force. Written `_("…")`, so that gettext's tools find it."""
    return _translations.gettext(text) if text else ""


def N_(text: str) -> str:  # noqa: N802
    """The text itself, marked for translators (by gettext's usual name), to be translated when it is shown."""
    return text


def ngettext(singular: str, plural: str, number: int) -> str:
    """The form of a text for a number, in the language in force; Arabic has six forms."""
    return _translations.ngettext(singular, plural, number)

"""File names and labels are data from an enemy: make them harmless where they are shown."""

from __future__ import annotations

import unicodedata

# Besides control characters (Cc), these would move or hide text on a terminal: bidi marks, zero-width and other format
# characters (Cf), line and paragraph separators (Zl, Zp), lone surrogates (Cs), private and unassigned ones (Co, Cn).
_HIDDEN = {"Cc", "Cf", "Zl", "Zp", "Cs", "Co", "Cn"}
# Needed to write Persian, Urdu and many Arabic names, and harmless alone: zero-width non-joiner and joiner.
_KEPT = {"\u200c", "\u200d"}


def for_terminal(text: str | bytes) -> str:
    r"""The text with everything that a terminal would act on written as \n, \x1b, \u202e …

    Bytes are shown as UTF-8, and those that are none as \xff.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8", "surrogateescape")
    if text.isascii() and text.isprintable() and "\\" not in text:
        return text
    return "".join(map(_escaped, text))


def _escaped(character: str) -> str:
    if 0xDC80 <= ord(character) <= 0xDCFF:  # a byte that is no UTF-8, as surrogateescape decodes it
        return f"\\x{ord(character) - 0xDC00:02x}"
    if unicodedata.category(character) in _HIDDEN and character not in _KEPT:
        if 0x80 <= ord(character) <= 0xFF:  # not \x9b, which is how a byte that is no UTF-8 is shown
            return f"\\u{ord(character):04x}"
        return character.encode("unicode_escape").decode("ascii")
    return "\\\\" if character == "\\" else character


# Full-width forms, too: some programs take them for the plain ones.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def for_spreadsheet(text: str) -> str:
    """The text so that a spreadsheet program shows it and does not run it (https://owasp.org/www-community/attacks/CSV_Injection)."""
    return "'" + text if text.startswith(_FORMULA) else text

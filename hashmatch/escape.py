"""File names and labels are data from an enemy: make them harmless where they are shown."""

from __future__ import annotations

import re
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


def hides(text: str) -> bool:
    """Whether the text holds what a terminal would act on."""
    return not text.isprintable() and any(
        unicodedata.category(character) in _HIDDEN and character not in _KEPT for character in text
    )


def _escaped(character: str) -> str:
    if 0xDC80 <= ord(character) <= 0xDCFF:  # a byte that is no UTF-8, as surrogateescape decodes it
        return f"\\x{ord(character) - 0xDC00:02x}"
    if unicodedata.category(character) in _HIDDEN and character not in _KEPT:
        if 0x80 <= ord(character) <= 0xFF:  # not \x9b, which is how a byte that is no UTF-8 is shown
            return f"\\u{ord(character):04x}"
        return character.encode("unicode_escape").decode("ascii")
    return "\\\\" if character == "\\" else character


def for_json(text: str) -> str:
    """JSON in which whatever a terminal would act on is escaped as JSON has it, so that every string stays what it is.

    text: what json.dumps makes without ensure_ascii, so that Arabic can be read.
    """
    # Of ASCII only the character 127 is left: json.dumps has escaped the other control characters.
    return text if text.isascii() and "\x7f" not in text else _LEFT.sub(_escaped_for_json, text)


_LEFT = re.compile(r"[^\x00-\x7e]")


def _escaped_for_json(found: re.Match[str]) -> str:
    character = found[0]
    if unicodedata.category(character) not in _HIDDEN or character in _KEPT:
        return character
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))


#: What makes a spreadsheet program run a cell, also as full-width characters (OWASP, "CSV Injection"); and the mark that
#: guards against that, so that it can be taken off again.
FORMULA = tuple("=+-@\t\r\n'＝＋－＠")


def for_spreadsheet(text: str) -> str:
    """The text so that a spreadsheet program shows it and does not run it."""
    return "'" + text if text.startswith(FORMULA) else text

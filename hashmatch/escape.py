"""Makes text harmless where it is shown. File names and labels may come from an enemy."""

from __future__ import annotations

import re
import unicodedata

# Like control characters (Cc), these move or hide text on a terminal: bidi marks, zero-width and other format characters
# (Cf), line and paragraph separators (Zl, Zp), lone surrogates (Cs), private and unassigned characters (Co, Cn).
_HIDDEN = {"Cc", "Cf", "Zl", "Zp", "Cs", "Co", "Cn"}
# Zero-width non-joiner and joiner: harmless, and needed to write Persian, Urdu and many Arabic names.
_KEPT = {"\u200c", "\u200d"}


def for_terminal(text: str | bytes) -> str:
    r"""The text, with every character that a terminal would act on written as \n, \x1b, \u202e …

    Bytes are shown as UTF-8, and bytes that are not valid UTF-8 as \xff.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8", "surrogateescape")
    if text.isascii() and text.isprintable() and "\\" not in text:
        return text
    return "".join(map(_escaped, text))


def hides(text: str) -> bool:
    """Whether the text has characters that a terminal would act on."""
    return not text.isprintable() and any(
        unicodedata.category(character) in _HIDDEN and character not in _KEPT for character in text
    )


def _escaped(character: str) -> str:
    if 0xDC80 <= ord(character) <= 0xDCFF:  # a byte that is not UTF-8, as surrogateescape decodes it
        return f"\\x{ord(character) - 0xDC00:02x}"
    if unicodedata.category(character) in _HIDDEN and character not in _KEPT:
        if 0x80 <= ord(character) <= 0xFF:  # not \x9b: so a byte that is not UTF-8 is shown
            return f"\\u{ord(character):04x}"
        return character.encode("unicode_escape").decode("ascii")
    return "\\\\" if character == "\\" else character


def for_json(text: str) -> str:
    """The same JSON, with every character that a terminal would act on as a JSON escape. No string changes its value.

    text: from json.dumps with ensure_ascii=False, so that Arabic stays readable.
    """
    # Of ASCII, only the character 127 is left: json.dumps escaped the other control characters.
    return text if text.isascii() and "\x7f" not in text else _LEFT.sub(_escaped_for_json, text)


_LEFT = re.compile(r"[^\x00-\x7e]")


def _escaped_for_json(found: re.Match[str]) -> str:
    character = found[0]
    if unicodedata.category(character) not in _HIDDEN or character in _KEPT:
        return character
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))


#: First characters that make a spreadsheet program run a cell, full-width forms too (OWASP, "CSV Injection"); and the
#: apostrophe that guards against this, so that it can be removed again.
FORMULA = tuple("=+-@\t\r\n'＝＋－＠")


def for_spreadsheet(text: str) -> str:
    """The text in a form that a spreadsheet program shows and does not run."""
    return "'" + text if text.startswith(FORMULA) else text

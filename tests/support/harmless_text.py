"""Whether a text can do anything to a terminal."""

from __future__ import annotations

import unicodedata

JOINERS = "\u200c\u200d"


def harmless(text: str) -> bool:
    hidden = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    return all(char in JOINERS or unicodedata.category(char) not in hidden for char in text)

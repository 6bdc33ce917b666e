"""Whether a text is safe to print on a terminal."""

from __future__ import annotations

import unicodedata

JOINERS = "\u200c\u200d"


def harmless(text: str) -> bool:
    """Whether all characters of a text are visible, or join others as Persian and emoji need."""
    hidden = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    return all(char in JOINERS or unicodedata.category(char) not in hidden for char in text)

"""Reads Traffic Light Protocol marks out of free text: "tlp:"red"", "Law enforcement only. TLP:RED", "TLP_AMBER_STRICT"."""

from __future__ import annotations

import re

from hashmatch.exchange.fields import LineError, tlp
from hashmatch.records import Tlp, strictest

#: What counts where something limits who may have an entry, and we cannot read how far.
UNREADABLE: Tlp = "amber+strict"

_WORDS = re.compile(
    r"""
    (?<![a-z0-9]) (?: tlp (?:marking)? | traffic\s+light\s+protocol ) (?: \s* v?[12](?:\.0)? (?![0-9]) )? [^a-z0-9]{0,8}
    (?: (?P<strict> amber [\s+_-]* strict ) | (?P<colour> red | amber | green | white | clear ) ) (?![a-z])
    """,
    re.VERBOSE | re.IGNORECASE,
)


def tlp_in(words: object) -> Tlp | None:
    """The strictest TLP mark that a text names; None if it names none, or is no text."""
    if not isinstance(words, str):
        return None
    return strictest(*(tlp(each["colour"] or UNREADABLE) for each in _WORDS.finditer(words)))


def tlp_called(name: object) -> Tlp | None:
    """The TLP mark that a text is, with or without the prefix "TLP:"; None if it is none."""
    try:
        return tlp(name)
    except LineError:
        return None

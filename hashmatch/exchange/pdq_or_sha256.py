"""Tells lists of PDQ hashes from lists of SHA-256 digests: both are lines of 64 hexadecimal digits.

PDQ sets a bit for each coefficient above the median, so of the 256 bits of nearly every picture exactly 128 are ones. Of
random digests, one in twenty has exactly 128. Each value is therefore evidence, and so is what stands beside it: `sha256sum`
writes two blanks and a name, programs that make PDQ hashes write a quality. The evidence is added up as logarithms of
odds; above 0 it speaks for PDQ.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from hashmatch.exchange.numbered_lines import sample
from hashmatch.i18n import _

DIGITS = 64

#: What a value with exactly 128 ones says, and any other value: ln(0.8 / 0.05) and ln(0.2 / 0.95). Of hashes of real
#: pictures, rather more than 80 % have 128.
_HALF, _OTHER = 2.8, -1.6

_TITLES = {"pdq": "PDQ", "sha256": "SHA-256"}
_NONE: Mapping[str, str] = {}

#: What stands beside a value. "gnu": two blanks, or a blank and a star, before the name. "named": one blank or a tab.
_BESIDE = {"bare": 0.0, "gnu": -4.2, "named": -2.0, "comma": 1.6, "quality": 4.0, "keyed": 100.0}
_CAPITALS = -0.8

#: Below the first, nobody can tell. Below the second (odds of 20 to 1), we decide and say so.
_UNTOLD, _DOUBTFUL = 1.3, 3.0

_LINE = re.compile(rb"\s*(\\|hash=)?([0-9A-Fa-f]{64})(?![0-9A-Fa-f])(.*)", re.IGNORECASE | re.DOTALL)
_QUALITY = re.compile(rb"(?:[ \t]|\s*[,;]\s*)(?:100|[0-9]{1,2})\s*(?:[ \t,;]|\Z)")
_KEY = re.compile(rb"\s*,(?:.*,)?\s*+(?:norm|delta|quality|filename)=", re.IGNORECASE | re.DOTALL)


#: How a person says that a plain list is the other one.
BY_FORMAT = {"pdq": "--format pdq", "sha256": "--format sha256sum"}

Meaning64 = Literal["pdq", "sha256"]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What values of 64 digits are; None: nobody can tell. is_sure: whether a person need not be told of the decision."""

    algorithm: Meaning64 | None
    is_sure: bool

    @property
    def taken_for(self) -> Meaning64:
        """What they are taken for where nobody can be asked."""
        return self.algorithm or "pdq"

    def doubt(self, otherwise: Mapping[str, str] = _NONE) -> str:
        """What to tell a person; "" if the decision is sure. otherwise: the option that says what they are, by algorithm."""
        if self.is_sure:
            return ""
        taken, other = self.taken_for, "pdq" if self.taken_for == "sha256" else "sha256"
        if other in otherwise:
            text = _("64 digits can be PDQ or SHA-256; by their ones, these are taken for {name} (if not: {option})")
            return text.format(name=_TITLES[taken], option=otherwise[other])
        text = _("64 digits can be PDQ or SHA-256; by their ones, these are taken for {name}")
        return text.format(name=_TITLES[taken])


def judged(values: Iterable[str], prior: float = 0.0) -> Judgement:
    """Judges values of 64 hexadecimal digits. prior: what else speaks for PDQ (above 0) or SHA-256, see `beside`."""
    weight = prior
    for value in dict.fromkeys(values):
        ones = int(value, 16).bit_count()
        if 1 < ones < 255:  # others are placeholders, which both kinds of programs write
            weight += _HALF if ones == 128 else _OTHER
    if abs(weight) < _UNTOLD:
        return Judgement(None, False)
    return Judgement("pdq" if weight > 0 else "sha256", abs(weight) >= _DOUBTFUL)


def beside(what: str) -> float:
    """The evidence of what stands beside the values: bare, gnu, named, comma, quality, keyed."""
    return _BESIDE[what]


def judged_list(head: bytes) -> Judgement | None:
    """Judges a plain list by its first bytes; None if fewer than half of its lines begin with 64 digits."""
    lines = sample(head)
    found = [match for match in map(_LINE.match, lines) if match]
    if not found or len(found) * 2 <= len(lines):
        return None
    kinds = [_kind(match[1], match[3]) for match in found]
    strongest = max(kinds, key=lambda kind: (kinds.count(kind), abs(_BESIDE[kind])))
    prior = 100.0 if "keyed" in kinds else _BESIDE[strongest]
    values = [match[2].decode("ascii") for match in found]
    if any(value != value.lower() for value in values):
        prior += _CAPITALS
    return judged(values, prior)


def _kind(before: bytes | None, rest: bytes) -> str:
    """What stands beside a value, by the names in _BESIDE."""
    if before == b"\\" or (rest.startswith((b"  ", b" *")) and rest.strip()):
        return "gnu"
    if before or _KEY.match(rest):
        return "keyed"
    if _QUALITY.match(rest):
        return "quality"
    if rest.lstrip().startswith((b",", b";")):
        return "comma"
    return "named" if rest.strip() else "bare"

"""Finds the digests in STIX patterns: [file:hashes.'SHA-256' = '…' AND file:size = 3] OR [file:hashes.MD5 IN ('…', '…')].

We read only equality tests on the hashes of a file or an artifact. Other conditions (names, registry keys, the order of
events) have no place in a hash list; the caller learns that there were some.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

#: STIX's names of digests, in upper case without hyphens -> our names.
DIGESTS = {"MD5": "md5", "SHA1": "sha1", "SHA256": "sha256"}

#: A file as a pattern describes it: names of algorithms (see `normal`) and "size", with their values.
Named = dict[str, str | int]

_PARTS = re.compile(
    r"""
    (?:file|artifact):(?:\w+\.)?hashes\s*\.\s*'?(?P<algorithm>[\w-]{1,32})'?\s*
        (?:=\s*'(?P<value>[^'\\]*)'|IN\s*\((?P<values>[^()]*)\))
    | (?P<size>file:size\s*=\s*(?P<bytes>\d{1,18})(?!\d))
    | (?P<text>'(?:[^'\\]++|\\.)*+'?)
    | (?P<bracket>[\[\]()])
    | (?P<word>AND|OR|NOT|FOLLOWEDBY)\b
    | (?P<other>[^\s'\[\]()]++)
    """,
    re.VERBOSE | re.DOTALL,
)
_QUOTED = re.compile(r"'([^'\\]*)'")


def normal(algorithm: str) -> str:
    """The name of an algorithm in the form that DIGESTS uses: "SHA-256" and "sha256" both become "SHA256"."""
    return algorithm.upper().replace("-", "").replace("_", "")


def entries(pattern: str) -> tuple[list[Named], bool]:
    """The files that a pattern describes, and whether it has other conditions.

    Digests that must all match belong to one file. Of alternatives, each is a file of its own, since nothing says that
    they are the same file.
    """
    found = list[Named]()
    more = False
    pairs, size = list[tuple[str, str]](), None  # of the current observation
    together, depth = True, 0
    for part in _PARTS.finditer(pattern):
        if part["algorithm"]:
            values = [part["value"]] if part["value"] is not None else _QUOTED.findall(part["values"])
            pairs += [(normal(part["algorithm"]), value) for value in values]
            together &= len(values) == 1
        elif part["size"]:
            size = int(part["bytes"])
        elif part["bracket"] in ("[", "("):
            depth += 1
            together &= part["bracket"] == "["
        elif part["bracket"]:
            depth -= 1
            if part["bracket"] == "]":
                found += _of_one(pairs, size, together)
                pairs, size, together = [], None, True
        elif part["word"]:
            more |= part["word"] in ("NOT", "FOLLOWEDBY") or (part["word"] == "AND" and depth <= 0)
            together &= part["word"] == "AND"
        else:
            more = True
    found += _of_one(pairs, size, together)
    return found, more


def _of_one(pairs: list[tuple[str, str]], size: int | None, together: bool) -> Iterator[Named]:
    if together and len(dict(pairs)) == len(pairs) and pairs:
        one: Named = dict(pairs)
        yield one if size is None else {**one, "size": size}
        return
    for algorithm, value in pairs:
        yield {algorithm: value}


def pattern_of(md5: str | None, sha1: str | None, sha256: str | None) -> str:
    """A pattern that matches any of these digests."""
    named = {"file:hashes.MD5": md5, "file:hashes.'SHA-1'": sha1, "file:hashes.'SHA-256'": sha256}
    return "[" + " OR ".join(f"{path} = '{value}'" for path, value in named.items() if value) + "]"

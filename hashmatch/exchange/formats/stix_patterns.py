"""Finds the digests in STIX patterns: [file:hashes.'SHA-256' = '…' AND file:size = 3] OR [file:hashes.MD5 IN ('…', '…')].

The whole pattern is parsed, by the grammar of STIX 2.0 and 2.1 (github.com/oasis-open/cti-stix2-json-schemas,
pattern_grammar/STIXPattern.g4), and refused if it is not valid: what is meant to exclude files must never be taken for a
search for them. We read only equality tests on the hashes of a file or an artifact. Other conditions (names, registry
keys, the order of events) have no place in a hash list; the caller learns that there were some.

We are more generous than the grammar in two ways that leave no doubt: keywords may be in any case, as in STIX 2.0, and the
names of algorithms may lack their quotes or be in double ones, as some programs write them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import NoReturn

from hashmatch.exchange.fields import LineError, snippet
from hashmatch.i18n import _

#: STIX's names of digests, in upper case without hyphens -> our names.
DIGESTS = {"MD5": "md5", "SHA1": "sha1", "SHA256": "sha256"}

#: A file as a pattern describes it: names of algorithms (see `normal`) and "size", with their values.
Named = dict[str, str | int]

_SIZE = "size"
#: How deep parentheses may nest.
_DEPTH_MAX = 50

_TOKEN = re.compile(
    r"""
    (?: \s | /\*.*?\*/ | //[^\r\n]* )*+
    (?: (?P<typed>[tbh]'[^'\\]*+')
      | (?P<text>'(?:[^'\\]++|\\.)*+')
      | (?P<name>[A-Za-z_][A-Za-z0-9_-]*+ | "[^"]*+")
      | (?P<number>[+-]?(?:[0-9]++(?:\.[0-9]++)?|\.[0-9]++))
      | (?P<sign><>|!=|==|<=|>=|[=<>:.,*()\[\]])
      | (?P<end>\Z) )
    """,
    re.VERBOSE | re.DOTALL,
)
_JOINS = frozenset(("AND", "OR", "FOLLOWEDBY"))
_TESTS = frozenset(("NOT", "IN", "LIKE", "MATCHES", "ISSUPERSET", "ISSUBSET", "EXISTS"))
_QUALIFIERS = frozenset(("START", "STOP", "WITHIN", "SECONDS", "REPEATS", "TIMES"))
_WORDS = _JOINS | _TESTS | _QUALIFIERS | {"TRUE", "FALSE"}
_LITERALS = ("text", "typed", "number", "TRUE", "FALSE")
_TEXT_TESTS = ("LIKE", "MATCHES", "ISSUBSET", "ISSUPERSET")


def normal(algorithm: str) -> str:
    """The name of an algorithm in the form that DIGESTS uses: "SHA-256" and "sha256" both become "SHA256"."""
    return algorithm.upper().replace("-", "").replace("_", "")


def entries(pattern: str) -> tuple[list[Named], bool]:
    """The files that a pattern describes, and whether it has other conditions.

    Digests that must all match belong to one file. Of alternatives, each is a file of its own, since nothing says that
    they are the same file. Raises LineError if the pattern is not valid, or names digests but looks for none of them.
    """
    return _Parser(pattern).entries()


class _Parser:
    """Reads a pattern from left to right. `kind` and `value` are the token that comes next."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._position = 0
        self._depth = 0
        self._more = False  # other conditions than equality with a digest
        self._unused = False  # tests of digests that look for none
        self.kind = self.value = ""
        self._advance()

    def entries(self) -> tuple[list[Named], bool]:
        named = self._observations()
        if self.kind != "end":
            self._refuse()
        found = [each for each in named if each.keys() - {_SIZE}]
        self._more |= self._unused or len(found) < len(named)
        if self._unused and not found:
            raise LineError(
                _("its pattern names digests, but looks for none of them: {value}").format(value=self._shown)
            )
        return found, self._more

    @property
    def _shown(self) -> str:
        return snippet(self._pattern)

    def _refuse(self) -> NoReturn:
        message = _("its pattern is not a valid STIX pattern (at character {position}): {value}")
        raise LineError(message.format(position=self._position + 1, value=self._shown))

    def _advance(self) -> None:
        found = _TOKEN.match(self._pattern, self._position)
        if found is None or found.lastgroup is None:
            self._position = min(self._position + len(self.value), len(self._pattern))
            self._refuse()
        self.kind, self.value = found.lastgroup, found[found.lastgroup]
        self._position = found.end()
        if self.kind == "sign" or (self.kind == "name" and self.value.upper() in _WORDS):
            self.kind = self.value.upper()

    def _take(self, *kinds: str) -> str:
        """The value of the next token, which must be one of these."""
        if self.kind not in kinds:
            self._refuse()
        value = self.value
        self._advance()
        return value

    def _is(self, *kinds: str) -> bool:
        """Takes the next token if it is one of these."""
        if self.kind not in kinds:
            return False
        self._advance()
        return True

    def _inside(self, read: Callable[[], list[Named]], closing: str) -> list[Named]:
        self._depth += 1
        if self._depth > _DEPTH_MAX:
            raise LineError(_("nested more than {most} deep").format(most=_DEPTH_MAX))
        found = read()
        self._take(closing)
        self._depth -= 1
        return found

    def _observations(self) -> list[Named]:
        found = self._observation()
        while self.kind in _JOINS:
            self._more |= self.kind != "OR"
            self._advance()
            found += self._observation()
        return found

    def _observation(self) -> list[Named]:
        if self._is("("):
            found = self._inside(self._observations, ")")
        else:
            self._take("[")
            found = self._inside(self._comparisons, "]")
        while self.kind in ("START", "WITHIN", "REPEATS"):
            self._more = True
            if self._is("START"):
                self._take("typed", "text")
                self._take("STOP")
                self._take("typed", "text")
            else:
                unit = "SECONDS" if self._take("WITHIN", "REPEATS").upper() == "WITHIN" else "TIMES"
                self._take("number")
                self._take(unit)
        return found

    def _comparisons(self) -> list[Named]:
        found = self._together()
        while self._is("OR"):
            found += self._together()
        return found

    def _together(self) -> list[Named]:
        """Conditions that are joined by AND, or a single one."""
        found = [self._test()]
        while self._is("AND"):
            found.append(self._test())
        return _joined(found)

    def _test(self) -> list[Named]:
        if self._is("("):
            return self._inside(self._comparisons, ")")
        if self._is("EXISTS"):
            self._unused |= _algorithm(self._path()) is not None
            self._more = True
            return []
        path = self._path()
        negated = self._is("NOT")
        values = self._values()
        algorithm = _algorithm(path)
        if algorithm is not None and values is not None and not negated:
            return [{algorithm: value} for value in values]
        if algorithm is not None:
            self._unused = True
        elif path == ["file", _SIZE] and values is None and not negated and self._size is not None:
            return [{_SIZE: self._size}]
        self._more = True
        return []

    def _path(self) -> list[str]:
        """An object path as its names: file:hashes.MD5 is ["file", "hashes", "MD5"]; "*" stands for any index."""
        path = [self._take("name")]
        self._take(":")
        path.append(self._name())
        while True:
            if self._is("."):
                path.append(self._name())
            elif self._is("["):
                self._take("number", "*")
                self._take("]")
                path.append("*")
            else:
                return path

    def _name(self) -> str:
        if self.kind in _WORDS:  # a name may be the same as a keyword
            self.kind = "name"
        value = self._take("name", "text")
        return value.strip("'\"")

    def _values(self) -> list[str] | None:
        """The texts that a test asks for; None if it is not a test of equality with texts."""
        self._size: int | None = None
        if self._is("=", "=="):
            kind, value = self.kind, self._take(*_LITERALS)
            if kind == "number" and value.isdigit() and len(value) < 19:
                self._size = int(value)
            return [value[1:-1]] if kind == "text" else None
        if self._is("!=", "<>", "<", "<=", ">", ">="):
            self._take(*_LITERALS)
            return None
        if self._is(*_TEXT_TESTS):
            self._take("text")
            return None
        self._take("IN")
        self._take("(")
        values, only_texts = list[str](), True
        while not self._is(")"):
            only_texts &= self.kind == "text"
            values.append(self._take(*_LITERALS)[1:-1])
            if self.kind != ")":
                self._take(",")
        return values if only_texts else None


def _algorithm(path: list[str]) -> str | None:
    """The algorithm of the digest that a path leads to; None if it leads to something else.

    A digest of a part of a file, such as a section of a program, is something else.
    """
    match path:
        case ["file" | "artifact", "hashes", algorithm]:
            return normal(algorithm)
        case ["file" | "artifact", reference, "hashes", algorithm] if reference.endswith("_ref"):
            return normal(algorithm)
    return None


def _joined(conditions: list[list[Named]]) -> list[Named]:
    """What the conditions that are joined by AND describe: one file, if none of them leaves a choice and no two clash."""
    alternatives = [each for each in conditions if each]
    one: Named = {}
    for each in alternatives:
        if len(each) > 1 or not one.keys().isdisjoint(each[0]):
            return _digests(alternatives)
        one |= each[0]
    return [one] if one else []


def _digests(alternatives: Iterable[list[Named]]) -> list[Named]:
    return [named for each in alternatives for named in each if named.keys() != {_SIZE}]


def pattern_of(md5: str | None, sha1: str | None, sha256: str | None) -> str:
    """A pattern that matches any of these digests."""
    named = {"file:hashes.MD5": md5, "file:hashes.'SHA-1'": sha1, "file:hashes.'SHA-256'": sha256}
    return "[" + " OR ".join(f"{path} = '{value}'" for path, value in named.items() if value) + "]"

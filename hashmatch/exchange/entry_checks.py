"""Finds entries of a list that are wrong or odd although each of their fields is valid.

An entry that can never be right, or would do harm, is refused. If only one of its hashes is bad and others remain, only
that hash is. An entry that may be right is used, with a remark. This module sees entries only: no files, no database.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from hashmatch.escape import FORMULA, hides
from hashmatch.exchange.fields import DIGEST_DIGITS
from hashmatch.hashers import find, title_of
from hashmatch.i18n import _, ngettext
from hashmatch.matching.tiers import quality_of, usual_ones
from hashmatch.records import LONGEST_FILM, Hash, LineRemark, ListItem

#: How many entries are remembered to spot repeated ones: about 100 MB.
REMEMBERED = 1_000_000
#: How many remarks of one kind are shown line by line. The rest are counted: a million lines may have a million.
TOLD = 10
#: How many kinds of remarks are counted separately.
_KINDS = 100
#: A list with at least this many PDQ hashes is judged as a whole.
_ENOUGH = 100

#: Digests of zero bytes, which programs write down when they could not read a file.
EMPTY = {
    "md5": "d41d8cd98f00b204e9800998ecf8427e",
    "sha1": "da39a3ee5e6b4b0d3255bfef95601890afd80709",
    "sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
}
#: Placeholders that programs write when they have no digest.
_BLANK = frozenset(digit * length for digit in "0f" for length in DIGEST_DIGITS.values())


class CheckedEntry(NamedTuple):
    """An entry after its checks. A tuple, since a list has millions.

    item: the entry in usable form, perhaps without some of its hashes. problem: why it cannot be used; "" if it can.
    remarks: what a person should know about it.
    """

    item: ListItem
    problem: str = ""
    remarks: tuple[str, ...] = ()


def check(item: ListItem) -> CheckedEntry:
    """Checks one entry by itself."""
    return _checked(item, _ones(item.hashes))


def _checked(item: ListItem, ones: list[int | None]) -> CheckedEntry:
    """What `check` does. ones: of each hash."""
    hashes = item.hashes
    problem = _digest_problem(item) or _hash_problem(item)
    if problem:
        return CheckedEntry(item, problem)
    remarks: list[str] = []
    bad: dict[Hash, str] = {}
    for hash, count in zip(hashes, ones, strict=True):
        if count is not None and (reason := _degenerate(item, hash, count)):
            bad[hash] = reason
    if bad:
        item = replace(item, hashes=tuple(hash for hash in hashes if hash not in bad))
        ones = _ones(item.hashes)
        if not item.hashes and not (item.md5 or item.sha1 or item.sha256):
            return CheckedEntry(item, next(iter(bad.values())))
        remarks += [_("a hash is left out: {reason}").format(reason=reason) for reason in dict.fromkeys(bad.values())]
    if item.capitals:
        remarks.append(_("it has hexadecimal digits in capitals, which other programs refuse"))
    if hashes:
        remarks.extend(_odd_hashes(item.hashes, ones))
    if _has_texts(item):
        remarks += _odd_texts(item)
    return CheckedEntry(item, "", tuple(remarks))


def _digest_problem(item: ListItem) -> str:
    if not (item.md5 or item.sha1 or item.sha256):
        return ""
    for name, digest in zip(DIGEST_DIGITS, (item.md5, item.sha1, item.sha256), strict=True):
        if digest is None:
            continue
        if digest == EMPTY[name]:
            return _("its {name} is that of an empty file").format(name=name)
        if digest in _BLANK:
            return _("its {name} is a placeholder: all zeros or ones").format(name=name)
    return ""


def _hash_problem(item: ListItem) -> str:
    if len(item.hashes) > 1:
        widths = {(h.algorithm, h.view, len(h.bits)) for h in item.hashes}
        if len(widths) != len({width[:2] for width in widths}):
            return _("its hashes differ in length within one algorithm")
    if item.duration is not None and item.duration > LONGEST_FILM:
        return _("its times are longer than any film")
    for hash in item.hashes:
        if hash.time is not None and hash.time > LONGEST_FILM:
            return _("its times are longer than any film")
    return ""


def _ones(hashes: tuple[Hash, ...]) -> list[int | None]:
    """How many bits of each hash are one; None if any number may be right.

    It may if the algorithm does not fix it, or if the hash's own quality says that the picture is plain: such a hash does no
    harm.
    """
    return [None if _may_have_any(hash) else int.from_bytes(hash.bits).bit_count() for hash in hashes]


def _may_have_any(hash: Hash) -> bool:
    if usual_ones(hash.algorithm) is None:
        return True
    return hash.quality is not None and hash.quality < quality_of(hash.algorithm).least


def _degenerate(item: ListItem, hash: Hash, ones: int) -> str:
    """Why a hash with so many ones cannot be genuine; "" if it can."""
    if not 1 < ones < 8 * len(hash.bits) - 1:
        return _("no picture has a {name} hash with {ones} ones").format(name=title_of(hash.algorithm), ones=ones)
    if item.sha256 is not None and hash.hex == item.sha256:
        return _("its {name} hash is really its sha256").format(name=title_of(hash.algorithm))
    return ""


def _odd_hashes(hashes: tuple[Hash, ...], ones: list[int | None]) -> Iterator[str]:
    unusual: dict[str, None] = {}
    unknown = False
    for hash, count in zip(hashes, ones, strict=True):
        if count is None:
            unknown = unknown or find(hash.algorithm) is None
        elif not _is_usual(hash, count):
            unusual[title_of(hash.algorithm)] = None
    for name in unusual:
        text = _("a {name} hash has unusually few or many ones: its picture is plain, or it is not a {name} hash")
        yield text.format(name=name)
    if unknown:
        yield _("a hash is of an algorithm that this program does not know: it is kept, but not compared with anything")
    if len(hashes) > 1 and _lost_precision(hashes):
        yield _("several of the film's frames have the same time: its times were rounded to three digits")


def _is_usual(hash: Hash, ones: int) -> bool:
    usual = usual_ones(hash.algorithm)
    return usual is None or usual[0] <= ones / (8 * len(hash.bits)) <= usual[1]


def _lost_precision(hashes: tuple[Hash, ...]) -> bool:
    """Whether times beyond 100 s were cut to three significant digits, so that successive frames now share one time.

    A third-party program writes times that way (1.23e+03).
    """
    late = {(hash.algorithm, hash.view, hash.time, hash.bits) for hash in hashes if hash.time and hash.time >= 100}
    times = [time for _algorithm, _view, time, _bits in late]
    if any(time != float(f"{time:.3g}") for time in times):
        return False
    return len({(algorithm, view, time) for algorithm, view, time, _bits in late}) < len(times)


def _has_texts(item: ListItem) -> bool:
    """Whether an entry has any text that somebody wrote."""
    names = item.labels or item.collection or item.source or item.case or item.operator
    return bool(names or item.note or item.retraction_reason or item.opinions or item.paths)


def _odd_texts(item: ListItem) -> Iterator[str]:
    names = [*item.labels, *filter(None, (item.collection, item.source, item.case, item.operator))]
    long = [*filter(None, (item.note, item.retraction_reason))]
    for each in item.opinions:
        names += [each.source] if each.source else []
        long += [each.reason] if each.reason else []
    hidden = any(map(hides, names)) or any(hides(text.translate(_LAYOUT)) for text in long)
    if hidden or any(hides(path.decode("utf-8", "replace")) for path in item.paths):
        yield _("a text contains control characters, or characters that hide or reverse the text beside them")
    if any(text.startswith(FORMULA) for text in (*names, *long)):
        yield _("a text begins like a formula, which a spreadsheet program would run")


#: Characters that lay out a longer text in lines; they are harmless there.
_LAYOUT = dict.fromkeys(map(ord, "\t\r\n"), " ")


class ListChecker:
    """Checks a list's entries one after the other in bounded memory."""

    def __init__(self) -> None:
        self._seen: dict[int, int] = {}
        self._pdq = self._halves = self._line = 0
        # One day of leeway, since clocks and time zones differ.
        self._future = f"{datetime.now(UTC) + timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}"

    def check(self, line: int, item: ListItem) -> CheckedEntry:
        """Does what the function `check` does, and also remarks on dates in the future and on repeated entries."""
        ones = _ones(item.hashes)
        checked = _checked(item, ones)
        self._line = line
        if checked.problem:
            return checked
        if checked.item is item:
            self._count_halves(item.hashes, ones)
        else:
            self._count_halves(checked.item.hashes, _ones(checked.item.hashes))
        dated = item.changed or item.retracted or item.added
        if dated and max(item.changed or "", item.retracted or "", item.added or "") > self._future:
            text = _("its date is in the future: until then, its source cannot correct it")
            checked = checked._replace(remarks=(*checked.remarks, text))
        before = self._before(line, checked.item)
        if before:
            text = _("the same entry as in line {line}").format(line=before)
            return checked._replace(remarks=(*checked.remarks, text))
        return checked

    def whole(self) -> Iterator[LineRemark]:
        """Remarks on the list as a whole, to be asked for after the last entry."""
        if self._pdq >= _ENOUGH and self._halves * 2 < self._pdq:
            text = _(
                "only {halves:,} of {count:,} PDQ hashes have as many ones as zeros, as all should: are they digests?"
            )
            yield LineRemark(self._line, text.format(halves=self._halves, count=self._pdq))

    def _count_halves(self, hashes: tuple[Hash, ...], ones: list[int | None]) -> None:
        for hash, count in zip(hashes, ones, strict=True):
            if count is not None and hash.algorithm == "pdq":
                self._pdq += 1
                self._halves += 2 * count == 8 * len(hash.bits)

    def _before(self, line: int, item: ListItem) -> int:
        """The earlier line with the same reference in the same collection; 0 if there was none, or none is remembered."""
        known: object = item.sha256 or item.sha1 or item.md5
        if known is None:
            known = frozenset([(hash.algorithm, hash.view, hash.bits) for hash in item.hashes])
        key = hash((known, item.collection))
        if len(self._seen) < REMEMBERED:
            before = self._seen.setdefault(key, line)
            return before if before != line else 0
        return self._seen.get(key, 0)


class RemarkLimit:
    """Decides which remarks on a list are shown line by line and which are only counted."""

    def __init__(self, most: int | None = TOLD) -> None:
        """most: how many remarks of one kind are shown line by line; None for all."""
        self._most = most
        self._kinds: Counter[str] = Counter()
        self._last: dict[str, LineRemark] = {}

    def tells(self, remark: LineRemark) -> bool:
        """Whether to show a remark now. If not, it is counted for `rest`."""
        kind = _VALUES.sub("…", remark.message)
        if kind not in self._kinds and len(self._kinds) >= _KINDS:
            kind = ""
        self._kinds[kind] += 1
        if self._most is None or self._kinds[kind] <= self._most:
            return True
        self._last[kind] = remark
        return False

    def rest(self) -> Iterator[LineRemark]:
        """After the last remark: says how many of each kind were not shown, with the last line of that kind."""
        for kind, remark in self._last.items():
            assert self._most is not None
            count = self._kinds[kind] - self._most - 1
            if not count:
                yield remark
                continue
            counted = ngettext(
                "{message}; the same goes for {n:,} more line",
                "{message}; the same goes for {n:,} more lines",
                count,
            )
            yield LineRemark(remark.line, counted.format(n=count, message=remark.message))


#: The parts of a message that differ between remarks of one kind.
_VALUES = re.compile(r"'[^']*'|\"[^\"]*\"|[0-9][0-9.,]*")

"""Reads a STIX bundle as list entries: indicators with the files they are about, and files without an indicator.

A bundle has no order. It is read twice: first for what its objects say about others (see stix_context), then for the
entries. A file without an indicator so far, and an indicator whose file has not come yet, wait for each other. How many
may wait is limited.

An entry has the id of its object as its record, so that a later version replaces it, and a revoked one withdraws it. Our
own entries have none: they are known by their digests, and go by other ids when these change.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import BinaryIO

from hashmatch.exchange.fields import LineError, exact_moment, perceptual_hash, snippet, text
from hashmatch.exchange.formats.stix_context import BundleContext, extension, objects
from hashmatch.exchange.formats.stix_patterns import DIGESTS, entries, normal
from hashmatch.exchange.formats.stix_waiting import WaitingObjects
from hashmatch.exchange.json_items import NO_DATE, hashes_of_short, item_of, latest, withdrawal_of
from hashmatch.exchange.json_reading import JsonObject, parse_value
from hashmatch.exchange.list_format import ListRow
from hashmatch.exchange.skipped_kinds import SkippedKinds
from hashmatch.hashers import find
from hashmatch.i18n import _
from hashmatch.records import BadLine, Hash, LineRemark, strictest

_FILES = ("file", "artifact")
#: Objects that tell us about other objects, and that we use.
_UNDERSTOOD = frozenset({"identity", "marking-definition", "extension-definition", "opinion"})
#: What our extension says about a file, and about an indicator.
_OF_FILES = ("kind", "size", "duration", "width", "height")
_OF_INDICATORS = (
    *("author", "collection", "added", "changed", "expires", "retracted", "retraction_reason", "opinions"),
)
_PRIVATE = ("paths", "paths_bytes", "case", "operator")
#: What MISP adds to what it exports, but does not mean for detection.
_NOT_FOR_DETECTION = 'misp:to_ids="false"'

#: What an entry is about: its digests and other facts by their names in ListItem, and its hashes.
Target = tuple[dict[str, object], tuple[Hash, ...]]


def read(stream: BinaryIO) -> Iterator[ListRow]:
    """Yields entries as soon as they are complete. The stream is read twice, so it must be seekable."""
    start = stream.tell()
    context = BundleContext()
    context.gather(stream)
    stream.seek(start)
    yield from _Reader(context).read(stream)


class _Reader:
    def __init__(self, context: BundleContext) -> None:
        self._context = context
        self._files = WaitingObjects()
        self._indicators = WaitingObjects()
        self._passed = SkippedKinds()
        self._unused = SkippedKinds()
        self._partly = 0
        self._alone = 0

    def read(self, stream: BinaryIO) -> Iterator[ListRow]:
        for row in objects(stream):
            if isinstance(row, BadLine):
                yield row
            else:
                yield from self._object(*row)
        for number, file in self._files.rest():
            yield from self._file(number, file)
        for number, indicator in self._indicators.rest():
            yield from self._indicator(number, indicator, None)
        yield from self._summary()

    def _summary(self) -> Iterator[LineRemark]:
        last = max(self._context.last, 1)
        if self._alone:
            message = _("files without an indicator, which count as entries too: {count}")
            yield LineRemark(last, message.format(count=self._alone))
        if self._partly:
            message = _("patterns of which only the digests are used, because they also have other conditions: {count}")
            yield LineRemark(last, message.format(count=self._partly))
        if self._unused:
            message = _("digests of other kinds are skipped: {kinds}")
            yield LineRemark(last, message.format(kinds=self._unused))
        if self._passed:
            message = _("objects without a digest or hash are skipped: {kinds}")
            yield LineRemark(last, message.format(kinds=self._passed))
        yield from self._context.remarks()

    def _object(self, number: int, found: JsonObject) -> Iterator[ListRow]:
        kind, name = found.get("type"), found.get("id")
        if kind in _FILES:
            waiting = list(self._indicators.take(str(name)))
            for indicator in waiting:
                yield from self._indicator(*indicator, found)
            for left in self._files.add(str(name), number, found, used=bool(waiting)):
                yield from self._file(*left)
        elif kind == "indicator":
            wanted = extension(found).get("file_ref")
            if not isinstance(wanted, str):
                yield from self._indicator(number, found, None)
            elif file := self._files.use(wanted):
                yield from self._indicator(number, found, file)
            else:
                for left in self._indicators.add(wanted, number, found):
                    yield from self._indicator(*left, None)
        elif kind == "observed-data" and isinstance(inner := found.get("objects"), dict):  # of STIX 2.0
            for key, each in inner.items():
                if isinstance(each, dict) and each.get("type") in _FILES:
                    yield from self._file(number, {**each, **_of_observed(found, key)})
        elif not isinstance(kind, str) or kind not in _UNDERSTOOD:
            self._passed.add(kind)

    def _file(self, number: int, file: JsonObject) -> Iterator[ListRow]:
        """Yields the entry for a file that has no indicator."""
        try:
            about, hashes = self._of_file(file)
            version = self._version(file)
            if not about.keys().isdisjoint(DIGESTS.values()) or hashes:
                yield from self._marked(number, file)
                item = item_of({**about, "tlp": self._context.mark(file), **version}, hashes)
                self._alone += 1
                yield number, item
            elif version["retracted"] and version["record"]:
                yield number, withdrawal_of(version)
            elif file.get("hashes"):
                raise LineError(_("none of its digests is of a kind that we know"))
            else:
                self._passed.add(file.get("type"))
        except LineError as refused:
            yield BadLine(number, str(refused))

    def _indicator(self, number: int, found: JsonObject, file: JsonObject | None) -> Iterator[ListRow]:
        try:
            targets = [self._of_file(file)] if file is not None else self._of_pattern(found)
            if not targets:
                self._passed.add("indicator")
                return
            said = self._said(found, file)
        except LineError as refused:
            yield self._withdrawal(number, found) or BadLine(number, str(refused))
            return
        yield from self._marked(number, found)
        if file is None and "file_ref" in extension(found):
            yield LineRemark(number, _("its file is not in this list, or too far away in it: only the pattern is used"))
        for about, hashes in targets:
            try:
                yield number, item_of({**said, **about}, hashes)
            except LineError as refused:
                yield self._withdrawal(number, found) or BadLine(number, str(refused))

    def _withdrawal(self, number: int, found: JsonObject) -> ListRow | None:
        """What an indicator that nobody can read still says, if it is revoked: its id is enough."""
        try:
            version = self._version(found)
            said = {**version, "source": self._context.source(found), "tlp": self._context.mark(found)}
            return (number, withdrawal_of(said)) if version["retracted"] and version["record"] else None
        except LineError:
            return None

    def _said(self, found: JsonObject, file: JsonObject | None) -> dict[str, object]:
        """What an indicator says about its target."""
        own = extension(found)
        said: dict[str, object] = {key: own[key] for key in _OF_INDICATORS + _PRIVATE if key in own}
        said["allow"] = _benign(found)
        said["labels"] = found.get("labels")
        said["source"] = self._context.source(found)
        said["note"] = found.get("description")
        said["tlp"] = strictest(*(self._context.mark(each) for each in (found, file or {})))
        if found.get("valid_until"):
            said["expires"] = found["valid_until"]
        version = self._version(found)
        if not own:
            said |= version
        else:
            # A date later than any of our own means that a partner has revised our entry.
            newest = latest(*(exact_moment(key, said.get(key)) for key in ("added", "changed", "retracted")))
            modified = exact_moment("modified", found.get("modified"))
            if modified and modified > newest:
                said["changed"] = modified
            if version["retracted"] and not said.get("retracted"):
                said |= {key: version[key] for key in ("retracted", "retraction_reason")}
        opinions = said.get("opinions") or []
        if isinstance(opinions, list):
            doubts = [] if own else _no_confidence(found, version)
            said["opinions"] = [*opinions, *doubts, *self._context.opinions_on(found)]
        return said

    def _version(self, found: JsonObject) -> dict[str, object]:
        """Which version of which record an object of others is, and whether it is withdrawn."""
        created, modified = (exact_moment(key, found.get(key)) for key in ("created", "modified"))
        name = text("id", found.get("id"), 1000)
        # Reasons travel with lists: they are data, and the same in every language.
        gone = (
            "revoked" if found.get("revoked") is True else "not for detection (to_ids)" if _for_context(found) else None
        )
        return {
            "added": created,
            "changed": modified or created,
            "retracted": (modified or created or NO_DATE) if gone else None,
            "retraction_reason": gone,
            "record": f"stix:{name}" if name and not extension(found) else None,
        }

    def _of_file(self, file: JsonObject) -> Target:
        own = extension(file)
        about: dict[str, object] = {key: own[key] for key in _OF_FILES if key in own}
        if file.get("size") is not None:
            about["size"] = file["size"]
        digests = file.get("hashes")
        more = self._digests(about, digests.items() if isinstance(digests, dict) else ())
        return about, tuple(dict.fromkeys((*hashes_of_short(own), *more)))

    def _of_pattern(self, found: JsonObject) -> list[Target]:
        own = extension(found)
        about: dict[str, object] = {key: own[key] for key in _OF_FILES if key in own}
        if hashes := hashes_of_short(own):
            return [(about, hashes)]
        language = text("pattern_type", found.get("pattern_type")) or "stix"
        pattern = text("pattern", found.get("pattern"), 2**24)
        if not pattern:
            raise LineError(_("it has no pattern"))
        if language == "vpdq":
            return [({"kind": "video"}, hashes_of_short({"vpdq": parse_value(pattern)}))]
        if find(language) is not None:
            return [({}, (perceptual_hash({"algorithm": language, "hash": pattern.strip()}),))]
        if language != "stix":
            return []
        named, more = entries(pattern)
        targets = list[Target]()
        for each in named:
            size = {"size": each["size"]} if "size" in each else {}
            one = {**about, **size}
            hashes = self._digests(one, ((key, value) for key, value in each.items() if key != "size"))
            if not one.keys().isdisjoint(DIGESTS.values()) or hashes:
                targets.append((one, hashes))
        if named and not targets:
            raise LineError(_("none of its digests is of a kind that we know"))
        self._partly += more and bool(targets)
        return targets

    def _digests(self, about: dict[str, object], digests: Iterable[tuple[str, object]]) -> tuple[Hash, ...]:
        """Puts the digests that we know into `about`, and returns the perceptual hashes found among them."""
        hashes = list[Hash]()
        for name, value in digests:
            algorithm = normal(name)
            if algorithm in DIGESTS:
                about[DIGESTS[algorithm]] = value
            elif algorithm in ("PDQ", "XPDQ"):
                hashes.append(perceptual_hash({"algorithm": "pdq", "hash": value}))
            else:
                self._unused.add(algorithm)
        return tuple(hashes)

    def _marked(self, number: int, found: JsonObject) -> Iterator[LineRemark]:
        if unknown := self._context.unknown_mark(found):
            message = _(
                "it is marked with {mark}, which is not a TLP mark: unless it has one, too, it is TLP:AMBER+STRICT"
            )
            yield LineRemark(number, message.format(mark=snippet(unknown[-36:])))


def _of_observed(found: JsonObject, key: str) -> dict[str, object]:
    """What observed data of STIX 2.0 says about an object in it."""
    said = {each: found.get(each) for each in ("object_marking_refs", "labels", "created", "modified", "revoked")}
    return {**said, "id": f"{str(found['id'])[:200]}/{key[:200]}" if "id" in found else None}


def _benign(found: JsonObject) -> bool:
    """Whether an indicator is of something legitimate. One that also calls it malicious is not."""
    kinds = found.get("indicator_types", found.get("labels"))  # STIX 2.0 has them in the labels
    return isinstance(kinds, list) and "benign" in kinds and "malicious-activity" not in kinds


def _for_context(found: JsonObject) -> bool:
    labels = found.get("labels")
    return isinstance(labels, list) and any(str(label).lower() == _NOT_FOR_DETECTION for label in labels)


def _no_confidence(found: JsonObject, version: dict[str, object]) -> list[dict[str, object]]:
    """The opinion of a source that has no confidence at all in its own indicator.

    Confidence 0 is "None" of None, Low, Medium, High, and "Impossible" of the words of estimative probability
    (STIX 2.1, appendix A).
    """
    confidence = found.get("confidence")
    if confidence != 0 or isinstance(confidence, bool):
        return []
    return [{"opinion": "false-positive", "at": version["changed"], "reason": "confidence 0"}]

"""The `ncmec` format, read only: XML responses of NCMEC's hash sharing interface, version 2.

    <queryResult xmlns="https://hashsharing.ncmec.org/hashsharing/v2">
      <images> <image> <member id="42">name</member> <timestamp/> <id/> <classification/>
                 <fingerprints> <md5/> <sha1/> <pdq/> <pdna/> <tmk-pdqf href=""/> … </fingerprints>
                 <feedback> <affirmativeFeedback type="Md5"> <members timestamp=""> <member id="42">name</member> …
                            <negativeFeedback type="Sha1"> <reasons> <reason name=""/> <members/> … </image>
               <deletedImage> <member/> <timestamp/> <id/> </deletedImage> </images>
      <videos> <video/> <deletedVideo/> </videos> </queryResult>

A deleted entry has no fingerprints: it is told by its record, member and id. The fingerprints of the last KEPT entries in
the same file are looked up by these two as well. Several answers may follow each other, and a damaged one costs itself only.
Entities and DTDs are refused. The XML is parsed piece by piece with defusedxml (the extra `exchange`).
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import BinaryIO
from xml.sax import SAXException, SAXParseException
from xml.sax.handler import ContentHandler
from xml.sax.xmlreader import AttributesImpl

from hashmatch.errors import CommandError
from hashmatch.exchange.fields import LineError, digest, exact_moment, identified, perceptual_hash, text
from hashmatch.exchange.formats.partners import MEMBERS_ONLY, nothing_found, withdrawn
from hashmatch.exchange.list_format import Format, ListRow
from hashmatch.i18n import _
from hashmatch.records import BadLine, Hash, Kind, LineRemark, ListItem, Opinion, Verdict

#: The hashes of this many entries are kept for later entries that withdraw them: about 70 MB.
KEPT = 100_000

_KINDS: dict[str, Kind] = {"image": "image", "deletedImage": "image", "video": "video", "deletedVideo": "video"}
#: The elements that entries stand in.
_PLACES = frozenset({"images", "videos", *_KINDS})
_SENTIMENTS: dict[str, Verdict] = {"affirmativeFeedback": "confirmed", "negativeFeedback": "disputed"}
_SEARCHED = frozenset({"md5", "sha1", "pdq"})
_VALUES = frozenset({"id", "timestamp", "classification"})
_ROOT = re.compile(rb"<(?:[\w.-]{1,64}:)?queryResult[\s>]")
#: Where an answer may begin, and the longest such place.
_START = re.compile(rb"<\?xml\s|" + _ROOT.pattern)
_START_MAX = 80

_CHUNK = 2**16
#: How many chunks may pass without the end of a tag or text: until it ends, all of it is in memory.
_SILENCE_MAX = 16
_DEPTH_MAX = 100
_TEXT_MAX = 2**16
#: The most elements in one entry.
_PARTS_MAX = 100_000
#: The most characters of names, attributes and texts in one entry.
_SIZE_MAX = 2**20


@dataclass(slots=True)
class _Entry:
    """An entry as far as it has been read. member: number and name. opinions: verdict, member, time, reason."""

    tag: str
    values: dict[str, str] = field(default_factory=dict)
    fingerprints: dict[str, str] = field(default_factory=dict)
    others: dict[str, None] = field(default_factory=dict)
    member: tuple[str, str] = ("", "")
    opinions: list[tuple[Verdict, tuple[str, str], str, str]] = field(default_factory=list)
    parts: int = 0
    size: int = 0
    too_long: bool = False

    @property
    def number(self) -> str:
        """Identifies the entry. An id is unique only within its member."""
        return f"{self.member[0]}/{self.values.get('id', '')}"


class _BrokenError(Exception):
    """Nothing more can be read. The message is for the user."""


class _Handler(ContentHandler):
    """Collects whole entries in `done`."""

    def __init__(self) -> None:
        super().__init__()
        self.done: list[_Entry] = []
        self.events = 0
        self.is_found = False  # whether there is a list of entries, even an empty one
        self._entry: _Entry | None = None
        self._path: list[str] = []  # within the entry
        self._depth = 0
        self._text: list[str] = []
        self._length = 0
        self._verdict: Verdict = "confirmed"
        self._type = self._at = self._reason = self._member = ""

    def startElement(self, name: str, attrs: AttributesImpl) -> None:  # noqa: N802 (the interface's name)
        self.events += 1
        self._depth += 1
        if self._depth > _DEPTH_MAX:
            raise _BrokenError(_("nested more than {most} deep").format(most=_DEPTH_MAX))
        self._text, self._length = [], 0
        tag = name.rpartition(":")[2]
        entry = self._entry
        if entry is None:
            self.is_found = self.is_found or tag in _PLACES
            if tag in _KINDS:
                self._entry, self._path = _Entry(tag), []
            return
        entry.parts += 1
        entry.size += len(name) + sum(map(len, attrs.values()))
        inside = self._path[-1] if self._path else ""
        self._path.append(tag)
        if entry.parts > _PARTS_MAX or entry.size > _SIZE_MAX:
            entry.too_long = True
        if entry.too_long:
            return
        if tag == "member":
            self._member = attrs.get("id", "")
        elif tag in _SENTIMENTS:
            self._verdict, self._type = _SENTIMENTS[tag], attrs.get("type", "")
            self._reason = self._at = ""
        elif tag == "reason":
            self._reason = attrs.get("name", "")
        elif tag == "members":
            self._at = attrs.get("timestamp", "")
        elif inside == "fingerprints" and (tag not in _SEARCHED or "href" in attrs):
            entry.others[tag] = None

    def characters(self, content: str) -> None:
        self.events += 1
        self._length += len(content)
        if self._entry:
            self._entry.size += len(content)
        if self._length <= _TEXT_MAX:
            self._text.append(content)
        elif self._entry:
            self._entry.too_long = True

    def endElement(self, name: str) -> None:  # noqa: N802
        self.events += 1
        self._depth -= 1
        entry, value = self._entry, "".join(self._text).strip()
        self._text, self._length = [], 0
        if entry is None:
            return
        if not self._path:
            self.done.append(entry)
            self._entry = None
            return
        tag = self._path.pop()
        inside = self._path[-1] if self._path else ""
        if entry.too_long:
            return
        if tag == "member" and inside == "members":
            about = ": ".join(filter(None, (self._type, self._reason)))
            entry.opinions.append((self._verdict, (self._member, value), self._at, about))
        elif tag == "member" and not inside:
            entry.member = (self._member, value)
        elif inside == "fingerprints" and tag in _SEARCHED and value:
            entry.fingerprints[tag] = value
        elif not inside and tag in _VALUES:
            entry.values[tag] = value


def read(stream: BinaryIO) -> Iterator[ListRow]:
    """Reads the items of a list, which may be several answers.

    Raises CommandError before any item if defusedxml is missing.
    """
    prepare()
    items = _Items()
    answer = _Answer(items)
    for piece, is_start in _pieces(stream):
        if is_start and answer.has_begun:
            yield from answer.end()
            answer = _Answer(items)
        yield from answer.feed(piece)
    yield from answer.end()
    if not items.is_found:
        yield nothing_found()


def prepare() -> None:
    """Load what reading needs. Raises CommandError if defusedxml is missing."""
    try:
        from defusedxml.sax import make_parser
    except ImportError:
        raise CommandError(_("this format needs defusedxml: pip install 'hashmatch[exchange]'")) from None
    make_parser()  # imports the parser itself


class _Answer:
    """One answer of the interface: a document of XML, which comes piece by piece. If it is damaged, the rest is passed over.

    has_begun: whether its outermost element has been seen.
    """

    def __init__(self, items: _Items) -> None:
        from defusedxml.sax import make_parser

        self.has_begun = False
        self._items, self._handler, self._silent, self._is_over = items, _Handler(), 0, False
        self._parser = make_parser()
        self._parser.forbid_dtd = True
        self._parser.setContentHandler(self._handler)

    def feed(self, piece: bytes) -> Iterator[ListRow]:
        self.has_begun = self.has_begun or _ROOT.search(piece) is not None
        if self._is_over:
            return
        heard = self._handler.events
        yield from self._parse(lambda: self._parser.feed(piece))
        self._silent = 0 if self._handler.events > heard else self._silent + 1
        if self._silent > _SILENCE_MAX and not self._is_over:
            yield self._break(_("a piece of it is longer than {limit} bytes").format(limit=_SILENCE_MAX * _CHUNK))

    def end(self) -> Iterator[ListRow]:
        if not self._is_over:
            yield from self._parse(self._parser.close)

    def _parse(self, step: Callable[[], object]) -> Iterator[ListRow]:
        from defusedxml.common import DefusedXmlException

        problem = ""
        try:
            step()
        except _BrokenError as broken:
            problem = str(broken)
        except DefusedXmlException:
            problem = _("it declares a document type or an entity, which a genuine list never does: reading stops here")
        except SAXParseException as error:
            where = {"line": error.getLineNumber(), "column": error.getColumnNumber()}
            problem = _("the XML is broken or breaks off at line {line}, column {column}: reading stops here").format(
                **where
            )
        except (SAXException, ValueError, LookupError):  # an unknown encoding
            problem = _("the XML is broken: reading stops here")
        self._items.is_found = self._items.is_found or self._handler.is_found
        yield from self._items.rows(self._handler.done)
        self._handler.done.clear()
        if problem:
            yield self._break(problem)

    def _break(self, problem: str) -> BadLine:
        self._is_over = self._items.is_found = True
        self._items.count += 1
        return BadLine(self._items.count, problem)


def _pieces(stream: BinaryIO) -> Iterator[tuple[bytes, bool]]:
    """Yields the text in pieces, cut where an answer begins or may begin; and whether one may begin with that piece.

    An XML declaration stands nowhere else. Without one, the outermost element tells. In an encoding in which a character of
    ASCII is not one byte nothing does, and the list is one answer.
    """
    rest, is_start = b"", False
    while chunk := stream.read(_CHUNK):
        data = rest + chunk
        edge = data.rfind(b"<", max(0, len(data) - _START_MAX))  # a beginning may be cut in two here
        whole = len(data) if edge < 0 else edge
        position = 0
        for found in _START.finditer(data, 0, len(data)):
            if found.start() >= whole:
                break
            if found.start() > position:
                yield data[position : found.start()], is_start
            position, is_start = found.start(), True
        if whole > position:
            yield data[position:whole], is_start
            is_start = False
        rest = data[whole:]
    if rest:
        yield rest, is_start or _START.match(rest) is not None


class _Items:
    """Turns entries into rows in the order of the file.

    count: how many so far. is_found: whether there is any, or a place for them.
    """

    def __init__(self) -> None:
        self.count = 0
        self.is_found = False
        self._remarked = set[str]()
        self._known = OrderedDict[str, ListItem]()

    def rows(self, entries: list[_Entry]) -> Iterator[ListRow]:
        for entry in entries:
            self.count += 1
            yield from self._not_searched(entry)
            try:
                yield self._row(entry)
            except LineError as refused:
                yield BadLine(self.count, str(refused))

    def _not_searched(self, entry: _Entry) -> Iterator[LineRemark]:
        """Remarks, once per list and type, that a type of hash is not used."""
        for name in entry.others.keys() - self._remarked:
            if len(self._remarked) < 20:  # a hostile list may invent names
                self._remarked.add(name)
                shown = name[:40] if name.isprintable() else "?"
                message = _("fingerprints of type {name} cannot be searched here; this is said only once per list")
                yield LineRemark(self.count, message.format(name=shown))

    def _row(self, entry: _Entry) -> ListRow:
        if entry.too_long:
            raise LineError(_("the entry is too long"))
        facts, item = _facts(entry), _hashed(entry)
        deleted = entry.tag.startswith("deleted")
        if deleted and not identified(item):
            if facts.record is None:
                raise LineError(_("it withdraws an entry without giving its id"))
            item = self._known.get(entry.number, item)
        elif not identified(item):
            raise LineError(_("neither a digest nor a hash"))
        elif facts.record:
            self._remember(entry.number, item)
        found = replace(facts, md5=item.md5, sha1=item.sha1, hashes=item.hashes)
        if deleted:
            found = replace(found, retracted=withdrawn(facts.changed), retraction_reason=entry.tag)
        return self.count, found

    def _remember(self, number: str, item: ListItem) -> None:
        self._known[number] = item
        if len(self._known) > KEPT:
            self._known.popitem(last=False)


def _hashed(entry: _Entry) -> ListItem:
    """An item with the entry's hashes and nothing else."""
    found = entry.fingerprints
    hashes: tuple[Hash, ...] = ()
    if "pdq" in found:
        hashes = (perceptual_hash({"algorithm": "pdq", "hash": found["pdq"]}),)
    md5, sha1 = digest("md5", found.get("md5")), digest("sha1", found.get("sha1"))
    return ListItem(kind=_KINDS[entry.tag], md5=md5, sha1=sha1, hashes=hashes)


def _facts(entry: _Entry) -> ListItem:
    """An item with everything in the entry except its hashes."""
    number = text("id", entry.values.get("id"), 256)
    classification = text("classification", entry.values.get("classification"), 256)
    return ListItem(
        kind=_KINDS[entry.tag],
        labels=(f"classification:{classification}",) if classification else (),
        source=text("member", entry.member[1] or entry.member[0], 256),
        changed=exact_moment("timestamp", entry.values.get("timestamp")),
        record=text("id", f"ncmec:{entry.number}", 512) if number else None,
        opinions=tuple(dict.fromkeys(_opinion(entry, *each) for each in entry.opinions)),
    )


def _opinion(entry: _Entry, verdict: Verdict, member: tuple[str, str], at: str, about: str) -> Opinion:
    own = member[0] == entry.member[0]
    name = None if own else text("member", member[1] or member[0], 256) or "member"
    return Opinion(verdict, name, exact_moment("timestamp", at), text("reason", about, 1024))


def looks_like(head: bytes) -> bool:
    return _ROOT.search(head) is not None


FORMAT = Format(
    "ncmec", frozenset(), None, read, looks_like, speaker="NCMEC", default_tlp=MEMBERS_ONLY, prepare=prepare
)

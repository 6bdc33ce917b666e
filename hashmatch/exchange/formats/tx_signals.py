"""Reads and writes what the tx tool calls signals: a type and a text. Its lists `tx-lines` and `tx-csv` consist of them."""

from __future__ import annotations

from collections.abc import Iterator

from hashmatch.exchange.fields import LineError, snippet
from hashmatch.exchange.formats import vpdq_frames
from hashmatch.exchange.formats.partners import SignalMeaning, hashed
from hashmatch.exchange.formats.pdq import good_enough
from hashmatch.i18n import _
from hashmatch.records import ListItem, Opinion

#: Types that we can search by, apart from vpdq (see python-threatexchange's signal_type folder).
_MEANT: dict[str, SignalMeaning] = {
    "pdq": ("pdq", "image"),
    "video_md5": ("md5", "video"),
    "video_sha256": ("sha256", "video"),
}
_OTHERS = ("pdq_ocr", "raw_text", "text_tlsh", "trend_query", "url", "url_md5")

#: All types that the tool knows, with and without its extensions.
TYPES = (*_MEANT, "vpdq", *_OTHERS)

#: The parts of an item that signals can express (see losses), apart from what the list around them adds.
CARRIES = frozenset({"pdq", "kind", "frames", "video:time", "video:quality", "video:md5", "video:sha256"})

#: What the tool says about a signal in one word, as opinions.
_OPINIONS: dict[str, tuple[Opinion, ...]] = {
    "INVESTIGATION_SEED": (),
    "POSITIVE_CLASS": (Opinion("confirmed"),),
    "NEGATIVE_CLASS": (Opinion("false-positive"),),
    "DISPUTED": (Opinion("disputed"),),
}
CATEGORIES = tuple(_OPINIONS)


def opinions_of(category: str) -> tuple[Opinion, ...]:
    """The opinions that the tool's word stands for; none for an empty one. Raises LineError for an unknown word."""
    if category and category not in _OPINIONS:
        message = _("{field} is not one of {known}: {value}")
        raise LineError(message.format(field="category", known=", ".join(CATEGORIES), value=snippet(category)))
    return _OPINIONS.get(category, ())


def parse(signal_type: str, signal: str) -> tuple[ListItem, str | None]:
    """Parses one signal. Returns the entry, and a remark for the user if there is one. Raises LineError."""
    if signal_type == "vpdq":
        return vpdq_frames.parse_signal(signal)
    return hashed(_MEANT.get(signal_type), signal_type, signal.strip()), None


def signals(item: ListItem) -> Iterator[tuple[str, str]]:
    """Yields the type and text of each signal that identifies an item. There are signals for digests of films only."""
    pictures = (each for each in item.hashes if each.algorithm == "pdq" and each.time is None and good_enough(each))
    for hex in dict.fromkeys(each.hex for each in pictures):
        yield "pdq", hex
    film = vpdq_frames.signal(item)
    if film:
        yield "vpdq", film
    if item.kind == "video":
        if item.md5:
            yield "video_md5", item.md5
        if item.sha256:
            yield "video_sha256", item.sha256

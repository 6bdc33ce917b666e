"""Reads and writes films in vPDQ's form: the PDQ hashes of their frames with quality and time, as the text of one signal.

The text is JSON in one of two dialects (python-threatexchange's extensions/vpdq/vpdq_util.py):
    ["<hex>,<quality>,<seconds>", ...]                                     the tx tool's, which we write
    {"0": {"quality": 100, "hash": "<hex>", "timestamp": 0.0}, ...}        the older one, by frame number
The tx tool writes times with three digits: "1e+02" for 100.5 seconds. It can read the milliseconds that we write.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from hashmatch.exchange.fields import LineError, perceptual_hash, snippet
from hashmatch.exchange.formats.pdq import good_enough, least_quality
from hashmatch.exchange.json_reading import parse_value
from hashmatch.i18n import _
from hashmatch.records import Hash, ListItem

#: A film with more frames than this (a week, at two a second) is treated as an attempt to fill the memory.
FRAMES_MAX = 1_000_000

_QUALITY = re.compile(r"[0-9]{1,3}")
_TIME = re.compile(r"[0-9]{1,25}(?:\.[0-9]{0,25})?(?:[eE][+-]?[0-9]{1,3})?")


def frames_of(item: ListItem) -> list[Hash]:
    """The frames of a film, sorted by time; empty if no matcher would keep any of them.

    The tx tool cannot build its index if a film has no good frame at all. Of equal frames it keeps the first and checks
    its quality only afterwards, so we leave out poor frames that equal a good one.
    """
    frames = sorted((each for each in item.hashes if each.algorithm == "pdq" and each.time is not None), key=_time)
    good = {each.bits for each in frames if good_enough(each)}
    return [each for each in frames if good_enough(each) or each.bits not in good] if good else []


def _time(frame: Hash) -> float:
    return frame.time or 0.0


def quality_of(frame: Hash) -> int:
    """The quality of a frame. The format cannot say "unknown": such a frame gets the lowest that is not discarded."""
    return least_quality() if frame.quality is None else frame.quality


def signal(item: ListItem) -> str | None:
    """The film in an item, in the tx tool's dialect; None if there is none."""
    texts = [f"{each.hex},{quality_of(each)},{each.time:.3f}" for each in frames_of(item)]
    return json.dumps(texts) if texts else None


def frame(hex: str, quality: str, time: str) -> Hash:
    """Makes one frame from the texts in a list. Raises LineError."""
    if not _QUALITY.fullmatch(quality):
        raise LineError(
            _("{field} is not a whole number from 0 to {most}: {value}").format(
                field="quality", value=snippet(quality), most=100
            )
        )
    if not _TIME.fullmatch(time):
        raise LineError(_("{field} is not a number of seconds: {value}").format(field="time", value=snippet(time)))
    return perceptual_hash({"algorithm": "pdq", "hash": hex, "quality": int(quality), "time": float(time)})


def is_rounded(time: str) -> bool:
    """Whether a time is in exponent form, in which the tx tool loses digits."""
    return "e" in time.lower()


def film(frames: Iterable[Hash]) -> ListItem:
    """Makes a film from its frames. Raises LineError if there are none, or too many."""
    different = tuple(dict.fromkeys(frames))
    if not different:
        raise LineError(_("the film has no frames"))
    if len(different) > FRAMES_MAX:
        raise LineError(_("the film has more than {most} frames").format(most=FRAMES_MAX))
    return ListItem(kind="video", hashes=different)


def parse_signal(text: str) -> tuple[ListItem, str | None]:
    """Parses one film. Returns it, and a remark for the user if there is one. Raises LineError."""
    value = parse_value(text)
    if isinstance(value, list):
        parts = [_parts(number, each) for number, each in enumerate(value)]
        rounded = any(is_rounded(time) for _hex, _quality, time in parts)
        found = film(_numbered_frame(number, *each) for number, each in enumerate(parts))
        return found, rounded_times() if rounded else None
    if isinstance(value, dict):
        return film(_old_frame(number, each) for number, each in value.items()), None
    raise LineError(_("not a film in vPDQ's form: {value}").format(value=snippet(text)))


def rounded_times() -> str:
    return _("some times have lost precision: the tx tool rounds times from 100 seconds on to 1, 10 or 100 seconds")


def _parts(number: int, value: object) -> list[str]:
    parts = value.split(",") if isinstance(value, str) else []
    if len(parts) != 3:
        raise LineError(
            _("frame {number} is not hash, quality and time: {value}").format(number=number, value=snippet(value))
        )
    return list(map(str.strip, parts))


def _numbered_frame(number: int, hex: str, quality: str, time: str) -> Hash:
    try:
        return frame(hex, quality, time)
    except LineError as refused:
        raise LineError(_("frame {number}: {reason}").format(number=number, reason=refused)) from None


def _old_frame(number: str, value: object) -> Hash:
    if not isinstance(value, dict) or value.get("timestamp") is None:
        raise LineError(
            _("frame {number} is not hash, quality and time: {value}").format(
                number=snippet(number), value=snippet(value)
            )
        )
    known = {"algorithm": "pdq", "hash": value.get("hash"), "quality": value.get("quality"), "time": value["timestamp"]}
    try:
        return perceptual_hash(known)
    except LineError as refused:
        raise LineError(_("frame {number}: {reason}").format(number=snippet(number), reason=refused)) from None

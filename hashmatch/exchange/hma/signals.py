"""Converts items to HMA's signals and back. A content has signals by type: PDQ for a picture, vPDQ and MD5 for a film."""

from __future__ import annotations

import json
from collections.abc import Mapping

from hashmatch.exchange.fields import LineError, digest, perceptual_hash
from hashmatch.exchange.formats.pdq import good_enough, least_quality
from hashmatch.i18n import _
from hashmatch.records import Hash, ListItem
from hashmatch.views import ViewKind, ViewName


def signals_of(item: ListItem, types: frozenset[str]) -> list[dict[str, str]]:
    """The contents that identify an item, each as a dictionary of signals by type.

    types: the signal types that the server uses. Without vPDQ a film has only its MD5, because a frame does not count
    as a picture. A view of a part stays home, since a signal cannot say that it is one: it would match whatever else has
    that part, such as the photograph on a card.
    """
    pdqs = (each for each in item.hashes if each.algorithm == "pdq" and good_enough(each))
    good = [each for each in pdqs if ViewName.parse(each.view).kind is not ViewKind.PART]
    stills = dict.fromkeys(each.hex for each in good if each.time is None)
    contents = [{"pdq": hex} for hex in stills if "pdq" in types]
    film: dict[str, str] = {}
    frames = sorted((each.time, each.hex, _quality(each)) for each in good if each.time is not None)
    if frames and "vpdq" in types:
        film["vpdq"] = json.dumps([f"{hex},{quality},{time:.3f}" for time, hex, quality in frames])
    if item.kind == "video" and item.md5 and "video_md5" in types:
        film["video_md5"] = item.md5
    return [*contents, film] if film else contents


def _quality(each: Hash) -> int:
    """The quality of a hash; if it is not known, the lowest that counts."""
    return least_quality() if each.quality is None else each.quality


def item_of(signals: Mapping[str, str]) -> tuple[ListItem | None, tuple[str, ...]]:
    """The item that signals describe, or None if there is nothing to search by; and the types that cannot be used."""
    hashes: list[Hash] = []
    md5, others = None, []
    for name, value in signals.items():
        try:
            match name:
                case "pdq":
                    hashes.append(perceptual_hash({"algorithm": "pdq", "hash": value}))
                case "vpdq":
                    hashes.extend(_frames(value))
                case "video_md5":
                    md5 = digest("md5", value)
                case _:
                    others.append(name)
        except LineError:
            others.append(name)
    if not hashes and not md5:
        return None, tuple(others)
    film = md5 is not None or any(each.time is not None for each in hashes)
    return ListItem(kind="video" if film else "image", md5=md5, hashes=tuple(dict.fromkeys(hashes))), tuple(others)


def _frames(value: str) -> list[Hash]:
    """Reads the frames of a film from a list of "hex,quality,seconds". Raises LineError."""
    try:
        parts = [str(each).split(",") for each in json.loads(value)]
        frames = [(hex, int(quality), float(seconds)) for hex, quality, seconds in parts]
    except (ValueError, TypeError, RecursionError):
        raise LineError(_("not the frames of a film")) from None
    return [
        perceptual_hash({"algorithm": "pdq", "hash": hex, "quality": quality, "time": seconds})
        for hex, quality, seconds in frames
    ]

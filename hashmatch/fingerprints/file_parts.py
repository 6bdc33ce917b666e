"""The parts of a fingerprint: apart, to be compared each by itself; together, as the reference set keeps them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields, replace

from hashmatch.records import FilePart, Fingerprint, Hash
from hashmatch.views import FULL, ViewKind, ViewName

_SHARED = [field.name for field in fields(FilePart) if field.name != "name"]


def as_part(name: str, fingerprint: Fingerprint) -> FilePart:
    """What was measured of a part, as the part of a file. Its kind must be known."""
    assert fingerprint.kind is not None
    return FilePart(name, **{each: getattr(fingerprint, each) for each in _SHARED})


def apart(fingerprint: Fingerprint) -> list[Fingerprint]:
    """The main part, and then each further part, as if it were the file."""
    alone = replace(fingerprint, parts=())
    shared = replace(alone, unexamined=None)
    return [alone, *(replace(shared, **{each: getattr(part, each) for each in _SHARED}) for part in fingerprint.parts)]


def together(fingerprint: Fingerprint) -> Fingerprint:
    """The hashes of all parts as those of one file.

    The whole picture of a further part becomes a further page; its other views get numbers that are free.
    """
    if not fingerprint.parts:
        return fingerprint
    hashes = list(fingerprint.hashes)
    taken = _highest(hashes, dict.fromkeys(ViewKind, 0) | {ViewKind.PAGE: 1})
    for part in fingerprint.parts:
        own = [replace(each, view=_renamed(each.view, taken)) for each in part.hashes]
        taken = _highest(own, taken)
        hashes += own
    return replace(fingerprint, hashes=tuple(hashes), parts=())


def _renamed(view: str, taken: dict[ViewKind, int]) -> str:
    if view == FULL:
        return str(ViewName(ViewKind.PAGE, taken[ViewKind.PAGE] + 1))
    name = ViewName.parse(view)
    return view if name.kind is ViewKind.OTHER else str(ViewName(name.kind, taken[name.kind] + name.number))


def _highest(hashes: Iterable[Hash], taken: dict[ViewKind, int]) -> dict[ViewKind, int]:
    """The highest number of each kind of view, of these hashes and of those before."""
    highest = dict(taken)
    for name in map(ViewName.parse, {each.view for each in hashes}):
        highest[name.kind] = max(highest[name.kind], name.number)
    return highest

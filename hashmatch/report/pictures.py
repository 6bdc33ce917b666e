"""Small pictures of scanned files, for a page that a person reads. The locked workers decode them again.

There are none of references, whose media are not kept, and none that move: a film gets one frame, from what matches.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, get_args

from hashmatch.i18n import _
from hashmatch.matching.results import Match, Result
from hashmatch.records import Fingerprint, Pixels

if TYPE_CHECKING:
    from hashmatch.fingerprints.settings import SmallPictures
    from hashmatch.isolation import Isolation
    from hashmatch.media import Limits

#: How pictures are made. blurred: so small that nobody can make out anything, whatever they do. grey: without colour.
PictureRule = Literal["blurred", "grey", "plain"]
RULES: tuple[PictureRule, ...] = get_args(PictureRule)

#: Pixels of the longer side.
SIDE, BLURRED_SIDE = 240, 20
#: Most pictures in a report, and most bytes of all of them; the report says that further files have none.
MOST_PICTURES, MOST_BYTES = 2000, 24 << 20
#: Seconds into a film if no stretch is known.
EARLY = 1.0
_JPEG_QUALITY = 60


@dataclass(frozen=True, slots=True)
class ShownPicture:
    """width, height: as shown, in pixels. data: a JPEG as a data: URI, or None, and then why says the reason. time: of
    a film, in seconds."""

    width: int = 0
    height: int = 0
    data: str | None = None
    time: float | None = None
    why: str = ""


def pictures(
    results: Iterable[Result], rule: PictureRule, isolation: Isolation, limits: Limits
) -> Iterator[tuple[bytes, ShownPicture]]:
    """A picture for each file, by its path. The most important come first, because a report holds a limited number."""
    from hashmatch.fingerprints.settings import SmallPictures

    settings = SmallPictures(SIDE, limits=limits, colour=rule != "grey")
    room, wanted = MOST_BYTES, []
    for number, result in enumerate(results):
        if number >= MOST_PICTURES:
            yield result.path, ShownPicture(why=_("no picture: the report has as many as it may"))
        elif result.sha256 is None or (result.kind is None and shown_part(result) is None):
            yield result.path, ShownPicture(why=_("no picture: nothing could be decoded"))
        else:
            wanted.append(result)
    for result, fingerprint in _decoded(wanted, settings, isolation):
        made = _picture(result, fingerprint, rule)
        if made.data is not None and len(made.data) > room:
            made = ShownPicture(why=_("no picture: the report has as many as it may"))
        room -= len(made.data or "")
        yield result.path, made


def _decoded(
    results: list[Result], settings: SmallPictures, isolation: Isolation
) -> Iterator[tuple[Result, Fingerprint]]:
    """Decode all of them: many pictures at a time, but films one by one, because each needs another frame."""
    from hashmatch.fingerprints.many_files import fingerprints
    from hashmatch.media.files import FoundPath

    images = {result.path: result for result in results if result.kind == "image" and shown_part(result) is None}
    for state, fingerprint in fingerprints(map(FoundPath, images), settings, isolation) if images else ():
        assert fingerprint is not None
        yield images[state.path], fingerprint
    for result in results:
        if result.path not in images:
            asked = replace(settings, moments=(moment_of(result),), part=shown_part(result))
            ((_state, fingerprint),) = fingerprints([FoundPath(result.path)], asked, isolation)
            assert fingerprint is not None
            yield result, fingerprint


def shown_match(result: Result) -> Match | None:
    """The match that a picture is made for: the best one that has a stretch of film, or else the best one."""
    films = (each for each in result.matches if each.video is not None and each.video.segments)
    return next(films, next(iter(result.matches), None))


def shown_part(result: Result) -> str | None:
    """The part of the file that a picture is made of, by its name; None: the main part."""
    match = shown_match(result)
    return match.part if match else None


def moment_of(result: Result) -> float:
    """Seconds into a film: the middle of the longest stretch of what matches."""
    match = shown_match(result)
    if match is None or match.video is None or not match.video.segments:
        return EARLY
    start, end = max((each.query for each in match.video.segments), key=lambda span: span[1] - span[0])
    return round((start + end) / 2, 3)


def _picture(result: Result, fingerprint: Fingerprint, rule: PictureRule) -> ShownPicture:
    if fingerprint.digests is None or fingerprint.digests.sha256 != result.sha256:
        if fingerprint.error is not None and fingerprint.digests is None:
            return ShownPicture(why=_("no picture: {code}").format(code=fingerprint.error.code))
        return ShownPicture(why=_("no picture: the file is not what it was when it was scanned"))
    pixels = fingerprint.pixels or next(iter(fingerprint.moments), None)
    if pixels is None:
        code = fingerprint.error.code if fingerprint.error else "no-usable-frames"
        return ShownPicture(why=_("no picture: {code}").format(code=code))
    time = moment_of(result) if fingerprint.moments else None
    return ShownPicture(pixels.width, pixels.height, _data(pixels, rule), time)


def _data(pixels: Pixels, rule: PictureRule) -> str:
    from PIL import Image

    image = Image.frombytes("RGB", (pixels.width, pixels.height), pixels.rgb)
    if rule == "grey":
        image = image.convert("L")
    if rule == "blurred":
        image.thumbnail((BLURRED_SIDE, BLURRED_SIDE), Image.Resampling.BOX)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=_JPEG_QUALITY, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(out.getvalue()).decode("ascii")

"""Whether what a worker says of a file can be true. A hostile file may have taken the worker over, to say anything at all.

The types are checked before, when the message is read (isolation/wire.py).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from hashmatch import hashers
from hashmatch.fingerprints.examiner import FileState
from hashmatch.fingerprints.picture import COPY_SIDE
from hashmatch.fingerprints.settings import QueryHashing, Settings, SmallPictures
from hashmatch.hashers.borders import MOST_VIEWS
from hashmatch.hashers.local_features import MOST_SUSPECTS, are_features
from hashmatch.isolation.pool import LONGEST_COMPLAINT
from hashmatch.isolation.pool import is_credible as is_credible_failure
from hashmatch.media.parts import MOST_PARTS
from hashmatch.media.sampling import FilmShare
from hashmatch.records import LONGEST_FILM, FilePart, Fingerprint, Hash, Pixels, SmallCopy


def is_credible(state: FileState, share: FilmShare, is_known: bool, result: Fingerprint, settings: Settings) -> bool:
    """Whether a result can be true of a file. is_known: whether the worker was told that the content is known."""
    return (
        (result.error is None or is_credible_failure(result.error))
        and result.size >= 0
        and (result.size == state.size or (result.error is not None and result.error.code == "changed-while-read"))
        and all(each is None or each >= 0 for each in (result.width, result.height))
        and all(len(text) <= LONGEST_COMPLAINT for text in (result.decoder, result.recipe))
        and (is_known if result.known else _holds_something(result, share, settings))
        and (not _was_decoded(result) or result.digests is not None or share.number > 0 or not settings.digests)
        and are_credible_hashes(result.hashes, settings)
        and len(result.views) <= MOST_VIEWS
        and len(result.features) <= MOST_SUSPECTS * settings.features
        and all(map(are_features, result.features))
        and _is_credible_copy(result.copy, settings)
        and _are_credible_pictures(result, settings)
        and len(result.parts) <= MOST_PARTS
        and all(_is_credible_part(part, settings) for part in result.parts)
    )


def _is_credible_part(part: FilePart, settings: Settings) -> bool:
    return (
        re.fullmatch(r"[a-z]{1,12}[1-9][0-9]?", part.name) is not None
        and bool(part.hashes or part.error)
        and (part.error is None or is_credible_failure(part.error))
        and all(each is None or each >= 0 for each in (part.width, part.height))
        and all(len(text) <= LONGEST_COMPLAINT for text in (part.decoder, part.recipe))
        and are_credible_hashes(part.hashes, settings)
        and len(part.views) <= MOST_VIEWS
        and len(part.features) <= MOST_SUSPECTS * settings.features
        and all(map(are_features, part.features))
        and _is_credible_copy(part.copy, settings)
    )


def _is_credible_copy(copy: SmallCopy | None, settings: Settings) -> bool:
    if copy is None:
        return True
    sides = copy.width, copy.height, copy.chroma_width, copy.chroma_height
    return (
        isinstance(settings, QueryHashing)
        and settings.features
        and all(0 <= side <= COPY_SIDE for side in sides)
        and len(copy.luma) == copy.width * copy.height > 0
        and len(copy.chroma) == 2 * copy.chroma_width * copy.chroma_height
    )


def _was_decoded(result: Fingerprint) -> bool:
    return bool(result.hashes or result.pixels or result.moments or result.parts)


def _holds_something(result: Fingerprint, share: FilmShare, settings: Settings) -> bool:
    """Whether a result has content or an error, or may be empty: as a share of a film, or a film no picture is wanted of."""
    may_be_empty = share.of > 1
    if isinstance(settings, SmallPictures) and result.kind == "video":
        may_be_empty = not settings.moments
    return _was_decoded(result) or result.error is not None or may_be_empty


def are_credible_hashes(hashes: Sequence[Hash], settings: Settings) -> bool:
    """Whether these can be the hashes of one file."""
    if isinstance(settings, SmallPictures):
        return not hashes
    most = settings.limits.max_frames + settings.limits.max_pages * len(settings.hashers) + 3 * (MOST_VIEWS + 1)
    described = [model.algorithm for model in settings.models]
    most += 2 * (MOST_VIEWS + 1) * len(described)
    widths = {name: hashers.by_name(name).width for name in (*settings.hashers, *hashers.GUARDS, *described)}
    return len(hashes) <= most and all(
        len(each.bits) == widths.get(each.algorithm)
        and (each.quality is None or 0 <= each.quality <= 100)
        and (each.time is None or 0 <= each.time <= LONGEST_FILM)
        and len(each.view) <= LONGEST_COMPLAINT
        and len(each.turned) in (0, len(each.bits), 7 * len(each.bits))
        for each in hashes
    )


def _are_credible_pictures(result: Fingerprint, settings: Settings) -> bool:
    if not isinstance(settings, SmallPictures):
        return result.pixels is None and not result.moments
    pictures = [each for each in (result.pixels, *result.moments) if each is not None]
    return len(result.moments) in (0, len(settings.moments)) and all(
        _are_credible(pixels, settings.side) for pixels in pictures
    )


def _are_credible(pixels: Pixels, side: int) -> bool:
    width, height = pixels.width, pixels.height
    return 0 < width <= side and 0 < height <= side and len(pixels.rgb) == 3 * width * height

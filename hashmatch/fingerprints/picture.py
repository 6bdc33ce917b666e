"""One decoded picture to its hashes, views and features: the middle of a fingerprint."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from PIL import Image

from hashmatch import hashers
from hashmatch.fingerprints.settings import Hashing, QueryHashing, ReferenceHashing, Settings, SmallPictures
from hashmatch.hashers import learned
from hashmatch.hashers.base import Picture
from hashmatch.matching.tiers import quality_of
from hashmatch.records import Hash, Pixels, SmallCopy, View
from hashmatch.views import ViewKind, ViewName

#: What else of a query is described that has no borders to take off.
_MIDDLE = View(str(ViewName(ViewKind.CUT, 1)), 0.15, 0.15, 0.85, 0.85)


#: Pixels of the longer side of a query's small copy, and of how many of these one of its chroma stands for.
COPY_SIDE, COPY_CHROMA = 512, 4


def prepare(settings: Settings) -> None:
    """Import everything that hashing needs, and run it once: afterwards this process cannot import any more."""
    # Noise with a border, so that every stage has something to do.
    framed = np.zeros((256, 192), np.uint8)
    framed[48:208] = np.random.default_rng(0).integers(0, 256, (160, 192), np.uint8)
    picture = Picture(Image.fromarray(framed), (192, 256))
    if isinstance(settings, SmallPictures):
        pixels_of(picture, settings.side)
        return
    list(hashes_of(picture, settings, views_of(picture, settings)))
    for model in settings.models:
        learned.load(model)
        learned.fed(learned.model(model.model), picture)
    if settings.features:
        features_of(picture, settings)


def hashes_of(picture: Picture, settings: Hashing, views: Sequence[View] = ()) -> Iterator[Hash]:
    """The hashes of one picture: of a still one, also its guards, which tell pictures of one layout apart
    (hashers/blocks.py and details.py), and the hashes and guards of its views."""
    if "pdq" not in settings.hashers or not settings.views:
        yield from (_hash(picture, name) for name in settings.hashers)
        return
    for part in (picture, *(picture.part(view) for view in views)):
        found = _oriented(part) if isinstance(settings, QueryHashing) else _hash(part, "pdq")
        # A view with little detail, such as the plain ground between two lines of text, says nothing.
        if part is picture or _has_detail(found):
            yield found
            yield _hash(part, hashers.GUARD)
            if _wants_details(part, settings):
                yield _hash(part, hashers.DETAILS)
    yield from (_hash(picture, name) for name in settings.hashers if name != "pdq")


def _wants_details(part: Picture, settings: Hashing) -> bool:
    """Whether a picture gets its finer guard: to be searched for, and as a reference, unless it is a part of one that may
    lack its text. Such a part proves nothing anyway, see matching/stills.py."""
    if isinstance(settings, ReferenceHashing):
        return ViewName.parse(part.view).kind is not ViewKind.PART
    return isinstance(settings, QueryHashing)


def leads(picture: Picture, before: Sequence[Hash]) -> bool:
    """Whether borders and features are looked for in this picture: the whole one, or its next look if the ones before have
    too little detail, as a white figure has on white.

    before: the hashes of the pictures of this file that came before.
    """
    return _is_whole(picture) and not any(each.algorithm == "pdq" and _has_detail(each) for each in before)


def views_of(picture: Picture, settings: Hashing) -> tuple[View, ...]:
    """The parts of a still picture without its borders and frames, best first; often there are none.

    A view is called "trim" if what was taken off is plain, "part" if it is not: it may be text, which makes another poster.
    """
    from hashmatch.hashers.borders import find_views, is_plain_outside

    if not _is_whole(picture) or "pdq" not in settings.hashers or not settings.views:
        return ()
    luma = np.asarray(picture.image.convert("L"))
    size = picture.image.size * 2
    views = []
    for number, box in enumerate(find_views(luma), start=1):
        edges = (int(edge) / length for edge, length in zip(box, size, strict=True))
        kind = ViewKind.TRIM if is_plain_outside(luma, box) else ViewKind.PART
        views.append(View(str(ViewName(kind, number)), *edges))
    return tuple(views)


def features_of(picture: Picture, settings: Hashing) -> tuple[bytes, ...]:
    """Local features of a still picture: of a reference; or of a query, and if it is to be thorough, also those of its
    mirror image and its negative."""
    from hashmatch.hashers import orb

    luma = np.asarray(picture.image.convert("L"))
    if not isinstance(settings, QueryHashing):
        return (orb.extract(luma, orb.REFERENCE).to_bytes(),)
    if settings.profile != "thorough":
        return (orb.extract(luma, orb.quick_detail(luma)).to_bytes(),)
    return tuple(each.to_bytes() for each in orb.extract_suspects(luma))


def descriptors_of(picture: Picture, settings: Hashing, views: Sequence[View] = ()) -> Iterator[Hash]:
    """What each model makes of a still picture (hashers/learned.py); of a query, also of its views, or if it has none of
    its middle: a post, a screenshot or a photo of a screen shows a picture among other things."""
    parts = [picture, *(picture.part(view) for view in views or (_MIDDLE,))]
    for file in settings.models:
        looks = learned.model(file.model).looks if isinstance(settings, QueryHashing) else 1
        yield from (_hash(part, file.algorithm) for part in parts[:looks])


def small_copy_of(picture: Picture) -> SmallCopy:
    """The picture in brightness and chroma, its longer side at most COPY_SIDE pixels."""
    luma = picture.image.convert("L")
    factor = max(1.0, max(luma.size) / COPY_SIDE)
    size = max(1, round(luma.width / factor)), max(1, round(luma.height / factor))
    luma = luma.resize(size, Image.Resampling.BOX) if factor > 1 else luma
    if picture.colours is None:
        return SmallCopy(*luma.size, luma.tobytes())
    across, down = (max(1, round(each / COPY_CHROMA)) for each in size)
    small = picture.colours.resize((across, down), Image.Resampling.BOX).convert("YCbCr")
    chroma = b"".join(small.getchannel(number).tobytes() for number in (1, 2))
    return SmallCopy(*luma.size, luma.tobytes(), across, down, chroma)


def pixels_of(picture: Picture, side: int) -> Pixels:
    """The picture as a person sees it, its longer side at most `side` pixels."""
    image = (picture.displayed() if picture.displayed else picture.image).convert("RGB")
    image.thumbnail((side, side))
    return Pixels(image.width, image.height, image.tobytes())


def _is_whole(picture: Picture) -> bool:
    return ViewName.parse(picture.view).kind in (ViewKind.FULL, ViewKind.LOOK)


def _has_detail(found: Hash) -> bool:
    return (found.quality or 0) >= quality_of("pdq").good


def _hash(picture: Picture, name: str) -> Hash:
    hasher = hashers.by_name(name)
    bits, quality = hasher.hash(picture)
    return Hash(name, bits, quality, picture.time, picture.view, hasher.version)


def _oriented(picture: Picture) -> Hash:
    from hashmatch.hashers import pdq

    (upright, *others), quality = pdq.hash_orientations(picture)
    return Hash("pdq", upright, quality, None, picture.view, pdq.HASHER.version, b"".join(others))

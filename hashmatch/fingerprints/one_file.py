"""One file to its fingerprint: digests, kind and perceptual hashes. Worker processes do this; see many_files.py."""

from __future__ import annotations

import contextlib
import functools
import io
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import BinaryIO

from hashmatch.errors import MORE_TO_SEE, MediaError
from hashmatch.fingerprints.file_parts import as_part
from hashmatch.fingerprints.film import (
    LONG,
    CountSharers,
    FilmReading,
    PartsToDecode,
    can_be_shared,
    in_order,
    too_many,
)
from hashmatch.fingerprints.film import read as read_film
from hashmatch.fingerprints.picture import (
    descriptors_of,
    features_of,
    hashes_of,
    leads,
    pixels_of,
    small_copy_of,
    views_of,
)
from hashmatch.fingerprints.settings import Hashing, QueryHashing, Settings, SmallPictures, VpdqHashing
from hashmatch.hashers.base import Picture
from hashmatch.media import Film, MediaType, Stills, count_covers, need, open_media, open_part, probed, recipe
from hashmatch.media.files import chunks, digest
from hashmatch.media.limits import Meter
from hashmatch.media.opened import Beat, unheard
from hashmatch.media.parts import COVER_NEEDS, MOST_PARTS, PartSource, named, parts_beside, parts_elsewhere, window
from hashmatch.media.sampling import FilmShare
from hashmatch.media.sniff import HEAD_BYTES, sniff
from hashmatch.media.unexamined import unexamined_kind
from hashmatch.messages import Message
from hashmatch.records import (
    LONGEST_FILM,
    Digests,
    Failure,
    FilePart,
    Fingerprint,
    Hash,
    Kind,
    Length,
    Pixels,
    Sighting,
    SmallCopy,
    View,
)

#: Asked whether content with these digests is known; if so, it is not decoded.
IsKnown = Callable[[Digests], bool]
#: Asked with the hashes of still pictures whether no reference explains them, so that dearer things are worth computing.
IsUnexplained = Callable[[Sighting], bool]


@dataclass(frozen=True, slots=True)
class ReadingHooks:
    """What is asked and told while a file is read.

    is_known, parts_to_decode: see IsKnown, PartsToDecode.
    beat: called with the seconds of film and all pixels that have been decoded so far.
    count_sharers: asked how many workers share a long film; `fingerprint` does the first share, `fingerprint_share` the
        others.
    has_decoders: asked whether what `media.load_decoder` takes by these names is loaded, or can be. If not, the file is
        given up, for another process to examine.
    is_unexplained: see IsUnexplained.
    """

    is_known: IsKnown = lambda digests: False
    beat: Beat = unheard
    parts_to_decode: PartsToDecode = lambda glance: ()
    count_sharers: CountSharers = lambda length: 1
    has_decoders: Callable[[frozenset[str]], bool] = lambda needs: True
    is_unexplained: IsUnexplained = lambda sighting: True


def fingerprint(
    file: BinaryIO,
    settings: Settings,
    hooks: ReadingHooks = ReadingHooks(),
    media_type: MediaType | None = None,
) -> Fingerprint:
    """Read, recognise, decode and hash an open, seekable file. What is wrong with it comes back as `error`.

    media_type: how to open it; None: as its first bytes say.
    """
    size = file.seek(0, os.SEEK_END)
    told, hooks = hooks.beat, replace(hooks, beat=Meter(settings.limits, size, hooks.beat).beat)
    file.seek(0)
    head = file.read(HEAD_BYTES)
    asked, media_type = media_type, media_type or sniff(head)
    media_type = media_type and probed(file, media_type)
    file.seek(len(head))
    unexamined = None if media_type else unexamined_kind(head, functools.partial(_read_at, file))
    if unexamined == "sound" or (media_type is not None and media_type.decoder == "sound"):
        return _read_sound(file, settings, Fingerprint(None, size, unexamined="sound"), hooks)
    if media_type is None:
        nothing = Fingerprint(None, size, unexamined=unexamined)
        has_name = asked is not None and asked.format == "named" and size <= settings.limits.max_bytes
        return _with_digests(file, settings, nothing, hooks) if has_name else nothing
    kind = kind_of(media_type)
    is_film = media_type.decoder == "pyav"
    limit = settings.limits.max_bytes if is_film else min(settings.limits.max_picture_bytes, settings.limits.max_bytes)
    if size > limit:
        return Fingerprint(kind, size, error=Failure("too-large", Message.of("size-limit", size=size, limit=limit)))
    data = None if is_film else head + file.read()
    result = Fingerprint(kind, size)
    if settings.digests:
        digests = digest([data] if data is not None else _with_head(head, file), lambda: told(0.0, 0))
        result = replace(result, digests=digests)
        if hooks.is_known(digests):
            return replace(result, known=True)
    source = file if data is None else io.BytesIO(data)
    if isinstance(settings, SmallPictures):
        return _read_pictures(source, data, media_type, settings, result, hooks)
    return _read(source, data, media_type, settings, result, hooks)


def _read_pictures(
    file: BinaryIO,
    data: bytes | None,
    media_type: MediaType,
    settings: SmallPictures,
    result: Fingerprint,
    hooks: ReadingHooks,
) -> Fingerprint:
    """Make small pictures of one part of a file. data: the file's content, if that is in memory."""
    if settings.part is None:
        return _tried(
            result, lambda: _make_pictures(_open_media(file, data, media_type, settings), settings, result, hooks.beat)
        )
    sources = list(parts_elsewhere(file, result.size, media_type))
    if media_type.decoder == "sound":
        sources = _covers_of_sound(file, media_type, result.size)
    else:
        with contextlib.suppress(MediaError):  # as when it was hashed: the other parts are there without the main one
            sources[:0] = parts_beside(result.size, media_type, _open_media(file, data, media_type, settings))
    needs = frozenset(filter(None, (need(each.media_type) for each in sources)))
    needs |= COVER_NEEDS if any(each.is_cover for each in sources) else frozenset()
    if needs and not hooks.has_decoders(needs):
        return result
    part = next((each for each in named(sources, media_type) if each.name == settings.part), None)
    if part is None:
        return replace(result, error=Failure("no-usable-frames", Message.of("no-pictures")))
    own = window(file, part.start, part.end)
    kind: Kind = "image" if part.is_cover else kind_of(part.media_type)
    opened = functools.partial(open_part, own, part, settings.limits, settings.exact)
    return _tried(result, lambda: _make_pictures(opened(), settings, replace(result, kind=kind), hooks.beat))


def _read(
    file: BinaryIO,
    data: bytes | None,
    media_type: MediaType,
    settings: Hashing,
    result: Fingerprint,
    hooks: ReadingHooks,
) -> Fingerprint:
    """Hash all parts of a file. data: its content, if that is in memory."""
    has_parts = not isinstance(settings, VpdqHashing)
    elsewhere = list(parts_elsewhere(file, result.size, media_type)) if has_parts else []
    needs = frozenset(filter(None, (need(each.media_type) for each in elsewhere)))
    if needs and not hooks.has_decoders(needs):
        return result
    beside: list[PartSource] = []

    def read_main() -> Fingerprint:
        opened = _open_media(file, data, media_type, settings)
        if has_parts:
            beside.extend(parts_beside(result.size, media_type, opened))
        if any(each.is_cover for each in beside) and not hooks.has_decoders(COVER_NEEDS):
            return result
        if not isinstance(opened, Film):
            return _read_stills(opened, settings, result, hooks.is_unexplained)
        length = Length(opened.duration or 0.0, can_be_shared(settings) and media_type.decoder == "pyav")
        share = FilmShare(0, hooks.count_sharers(length) if length.seconds >= LONG else 1)
        return _read_film(opened, settings, result, hooks.beat, hooks.parts_to_decode, share)

    main = _tried(result, read_main)
    if main is result:  # given up
        return main
    if main.error is not None and main.error.detail.code == "cover-only":  # a film's container, with sound alone
        return _read_sound(file, settings, replace(main, kind=None, error=None, unexamined="sound"), hooks)
    if not beside and not elsewhere:
        return main
    sources = named([*beside, *elsewhere], media_type)
    parts = tuple(_part(file, each, settings, hooks) for each in sources[:MOST_PARTS])
    if len(sources) <= MOST_PARTS:
        return replace(main, parts=parts)
    problem = Failure("too-large", Message.of("parts-limit", count=len(sources) - MOST_PARTS))
    return replace(main, parts=parts, partial=bool(main.hashes), error=main.error or problem)


def _read_sound(file: BinaryIO, settings: Settings, result: Fingerprint, hooks: ReadingHooks) -> Fingerprint:
    """Hash the covers of a file with sound."""
    sound = MediaType("sound", "")
    covers = [] if isinstance(settings, VpdqHashing) else _covers_of_sound(file, sound, result.size)
    if not covers or not hooks.has_decoders(COVER_NEEDS):
        return result
    result = _with_digests(file, settings, result, hooks)
    if result.known:
        return result
    if isinstance(settings, SmallPictures):
        return _read_pictures(file, None, sound, settings, result, hooks) if settings.part else result
    parts = (_part(file, each, settings, hooks) for each in named(covers, sound)[:MOST_PARTS])
    return replace(result, parts=tuple(parts))


def _with_digests(file: BinaryIO, settings: Settings, result: Fingerprint, hooks: ReadingHooks) -> Fingerprint:
    """The same with the digests of the file, if they are wanted, and whether its content is known."""
    if not settings.digests:
        return result
    file.seek(0)
    digests = digest(chunks(file), lambda: hooks.beat(0.0, 0))
    return replace(result, digests=digests, known=hooks.is_known(digests))


def _covers_of_sound(file: BinaryIO, sound: MediaType, size: int) -> list[PartSource]:
    return [PartSource("", sound, 0, size, number, is_cover=True) for number in range(count_covers(file, sound))]


def _tried(result: Fingerprint, read: Callable[[], Fingerprint]) -> Fingerprint:
    """What `read` makes of a file or part; or `result` with the reason why it cannot be read."""
    try:
        return read()
    except MediaError as error:
        return replace(result, error=error.failure)
    except MemoryError:
        return replace(result, error=Failure("out-of-memory", Message.of("memory-limit")))


def _part(file: BinaryIO, source: PartSource, settings: Hashing, hooks: ReadingHooks) -> FilePart:
    """A further part of a file, read as if it were a file of its own, films from end to end. What is wrong with it is in its
    `error`."""
    size = source.end - source.start
    result = Fingerprint("image" if source.is_cover else kind_of(source.media_type), size)

    def read() -> Fingerprint:
        limit = settings.limits.max_picture_bytes
        if result.kind == "image" and not source.is_cover and size > limit:
            raise MediaError("too-large", Message.of("size-limit", size=size, limit=limit))
        own = window(file, source.start, source.end)
        opened = open_part(own, source, settings.limits, settings.exact)
        if isinstance(opened, Film):
            return _read_film(opened, settings, result, hooks.beat, lambda glance: ((0.0, LONGEST_FILM),), FilmShare())
        return _read_stills(opened, settings, result, hooks.is_unexplained)

    found = _tried(result, read)
    return as_part(source.name, found)


def fingerprint_share(
    file: BinaryIO, media_type: MediaType, settings: Hashing, share: FilmShare, beat: Beat
) -> Fingerprint:
    """One of the other shares of a film that `fingerprint` does the first share of: hashes, but no digests."""
    result = Fingerprint("video", file.seek(0, os.SEEK_END))
    beat = Meter(settings.limits, result.size, beat).beat
    try:
        opened = _open_media(file, None, media_type, settings)
        assert isinstance(opened, Film)
        return _read_film(opened, settings, result, beat, lambda glance: (), share)
    except MediaError as error:
        return replace(result, error=error.failure)


def joined(shares: Sequence[Fingerprint], settings: Settings) -> Fingerprint:
    """A film's fingerprint from those of its shares, the first of which has the digests."""
    limit = settings.limits.max_frames
    hashes = in_order(each for share in shares for each in share.hashes)
    # What says that there is more to see before damage.
    errors = sorted((each.error for each in shares if each.error), key=lambda error: error.code not in MORE_TO_SEE)
    error = errors[0] if errors else None
    if not hashes:
        return replace(shares[0], error=error or Failure("no-usable-frames", Message.of("no-pictures")))
    if len(hashes) > limit:
        error = too_many(limit).failure
    # The first share may have no frame that decodes, and then knows neither size nor recipe.
    seen = next(share for share in shares if share.hashes)
    partial = error is not None
    return replace(
        seen,
        digests=shares[0].digests,
        hashes=tuple(hashes[:limit]),
        partial=partial,
        error=error,
        parts=shares[0].parts,
    )


def _read_at(file: BinaryIO, place: int, length: int) -> bytes:
    file.seek(place)
    return file.read(length)


def _with_head(head: bytes, file: BinaryIO) -> Iterator[bytes]:
    yield head
    yield from chunks(file)


def _open_media(file: BinaryIO, data: bytes | None, media_type: MediaType, settings: Settings) -> Stills | Film:
    if media_type.decoder is None:
        raise MediaError("unsupported-format", Message.of("format-not-examined", format=media_type.format))
    file.seek(0)
    return open_media(file, data, media_type, settings.limits, settings.exact)


def _read_stills(stills: Stills, settings: Hashing, result: Fingerprint, is_unexplained: IsUnexplained) -> Fingerprint:
    hashes: list[Hash] = []
    views: tuple[View, ...] = ()
    size: tuple[int, int] | None = None
    error: Failure | None = None
    leading: tuple[Picture, tuple[View, ...]] | None = None
    try:
        for picture in stills.pictures:
            size, is_leading = size or picture.full_size, leads(picture, hashes)
            own = views_of(picture, settings) if is_leading else ()
            views = own or views
            hashes.extend(hashes_of(picture, settings, own))
            if is_leading and (settings.features or settings.models):
                leading = picture, own
    except MediaError as problem:
        error = _what_is_missing(problem, bool(hashes))
    if size is None:
        raise MediaError("no-usable-frames", Message.of("no-pictures"))
    features: tuple[bytes, ...] = ()
    copy: SmallCopy | None = None
    is_query = isinstance(settings, QueryHashing)
    if leading is not None and (not is_query or is_unexplained(Sighting(tuple(hashes)))):
        hashes.extend(descriptors_of(leading[0], settings, leading[1]))
        features = features_of(leading[0], settings) if settings.features else ()
        copy = small_copy_of(leading[0]) if settings.features and is_query else None
    measured = _measured(result, "image", size, hashes, stills.decoder, error, settings)
    return replace(measured, views=views, features=features, copy=copy)


def _read_film(
    film: Film, settings: Hashing, result: Fingerprint, beat: Beat, parts_to_decode: PartsToDecode, share: FilmShare
) -> Fingerprint:
    reading = FilmReading()
    error: Failure | None = None
    try:
        read_film(film, settings, reading, beat, parts_to_decode, share)
    except MediaError as problem:
        error = _what_is_missing(problem, bool(reading.hashes))
    if reading.size is None and share.of > 1:
        return replace(result, decoder=film.decoder, duration=film.duration)  # no reach of the film is in this share
    if reading.size is None:
        raise MediaError("no-usable-frames", Message.of("no-pictures"))
    length = film.duration if film.duration is not None else reading.end
    measured = _measured(result, "video", reading.size, in_order(reading.hashes), film.decoder, error, settings)
    return replace(measured, duration=None if length is None else round(length, 3))


def _make_pictures(opened: Stills | Film, settings: SmallPictures, result: Fingerprint, beat: Beat) -> Fingerprint:
    if isinstance(opened, Film):
        moments = opened.pictures(settings.moments, settings.side, beat) if settings.moments else ()
        return replace(result, kind="video", decoder=opened.decoder, moments=moments)
    pixels: Pixels | None = None
    error: Failure | None = None
    try:
        for picture in opened.pictures:  # all pages, to notice damage to any
            pixels = pixels or pixels_of(picture, settings.side)
    except MediaError as problem:
        error = _what_is_missing(problem, pixels is not None)
    if pixels is None:
        raise MediaError("no-usable-frames", Message.of("no-pictures"))
    return replace(result, decoder=opened.decoder, pixels=pixels, partial=error is not None, error=error)


def _what_is_missing(problem: MediaError, has_begun: bool) -> Failure:
    """Why a file is partial: over a limit, without a decoder for the rest, or else damaged; what was decoded before the
    problem is good. Raises the problem if nothing was decoded before."""
    if not has_begun:
        raise problem
    return Failure(problem.code if problem.code in MORE_TO_SEE else "partial", problem.detail)


def _measured(
    result: Fingerprint,
    kind: Kind,
    size: tuple[int, int],
    hashes: list[Hash],
    decoder: str,
    error: Failure | None,
    settings: Hashing,
) -> Fingerprint:
    return replace(
        result,
        kind=kind,
        width=size[0],
        height=size[1],
        partial=error is not None,
        hashes=tuple(hashes),
        decoder=decoder,
        recipe=recipe(kind, settings.exact, settings.features),
        error=error,
    )


def kind_of(media_type: MediaType) -> Kind:
    return "video" if media_type.decoder == "pyav" else "image"

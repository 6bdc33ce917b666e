"""Single pictures of a film at given moments."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from hashmatch.errors import MediaError
from hashmatch.media.sampling import Sampling

AnyFrame = TypeVar("AnyFrame")
AnyPicture = TypeVar("AnyPicture")

#: Seconds to decode before and after a moment. A film without a frame there has few frames, and all are decoded.
AROUND = 1.0


def pictures_at(
    moments: Sequence[float],
    decode: Callable[[Sampling], Iterable[tuple[float, AnyFrame]]],
    show: Callable[[AnyFrame], AnyPicture],
) -> tuple[AnyPicture | None, ...]:
    """A picture for each moment; None where none could be decoded. Raises MediaError only if that is so for all of them.

    moments: in seconds.
    decode: yields (seconds, frame) in order; may raise MediaError at the end.
    show: makes a picture of a frame.
    """
    found: dict[float, AnyPicture] = {}
    complaint: MediaError | None = None
    for whole in (False, True):
        missing = sorted(set(moments) - found.keys())
        if not missing:
            break
        parts = None if whole else tuple((moment - AROUND, moment + AROUND) for moment in missing)
        try:
            for moment, time, frame in nearest(decode(Sampling(parts=parts)), missing):
                if whole or abs(time - moment) <= AROUND:
                    found[moment] = show(frame)
        except MediaError as error:
            complaint = error
    if not found and complaint is not None:
        raise complaint
    return tuple(found.get(moment) for moment in moments)


def nearest(
    frames: Iterable[tuple[float, AnyFrame]], moments: Sequence[float]
) -> Iterator[tuple[float, float, AnyFrame]]:
    """For each moment the nearest frame, as (moment, the frame's time, frame). A MediaError of `frames` comes last.

    frames: (seconds, frame), in order of time. moments: ascending.
    """
    left, last = list(moments), None
    complaint: MediaError | None = None
    try:
        for each in frames:
            while left and each[0] >= left[0]:
                moment = left.pop(0)
                time, frame = last if last is not None and moment - last[0] < each[0] - moment else each
                yield moment, time, frame
            if not left:
                return
            last = each
    except MediaError as error:
        complaint = error
    if last is not None:
        for moment in left:
            yield moment, *last
    if complaint is not None:
        raise complaint

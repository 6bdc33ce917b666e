"""Which frames of a film or animation are looked at."""

from __future__ import annotations

from dataclasses import dataclass

#: Frames a second of film that a query is looked at, where it is decoded.
QUERY_RATE = 2.0
#: A short clip is looked at more often at its beginning, so that a GIF of two seconds has more than four hashes.
DENSE_SECONDS, DENSE_RATE = 4.0, 4.0
#: Seconds between key frames up to which nothing between them is decoded. Encoders' usual longest is 250 frames: 10 s.
LONGEST_KEY_GAP = 12.0
#: Pixels of each side of the small square picture that FFmpeg scales a frame to. A reference's borders are found on it as
#: well as a query's, but a query's views go further (hashers/frames.py) and need more.
REFERENCE_SIDE, QUERY_SIDE = 128, 256

#: A reference keeps the hash of a frame that is more than so many bits from the last one that was kept, or so many seconds
#: after it; but no more than so many a second, or a camera that shakes would fill the disk.
DISTINCT_BITS, HEARTBEAT, MOST_A_SECOND = 31, 5.0, 10.0
#: The above in short, for the recipe of stored hashes.
SETTINGS = f"{REFERENCE_SIDE}px,>{DISTINCT_BITS}bit,<{MOST_A_SECOND:g}fps,{HEARTBEAT:g}s"


#: Seconds of a film, from a key frame on, that are decoded and hashed for themselves, whatever came before, so that several
#: workers can share a film and the hashes are the same as if one had done it all.
REACH = 60.0


@dataclass(frozen=True, slots=True)
class FilmShare:
    """Of a film's reaches, every `of`-th from this number on: what one of several workers decodes."""

    number: int = 0
    of: int = 1


@dataclass(frozen=True, slots=True)
class Sampling:
    """Which frames of a film to decode, and how small to make them.

    rate: so many a second at most; 0 for every frame. keys: key frames only, and others only where these are more than
    LONGEST_KEY_GAP apart. parts: only between these seconds [start, end]; None for all of the film. side: see above.
    share: only these reaches.
    """

    rate: float = 0.0
    keys: bool = False
    parts: tuple[tuple[float, float], ...] | None = None
    side: int = REFERENCE_SIDE
    share: FilmShare = FilmShare()

    def wants(self, time: float) -> bool:
        """Whether a time lies in the parts that are asked for."""
        return self.parts is None or any(start <= time <= end for start, end in self.parts)


EVERY_FRAME = Sampling()
STEADY = Sampling(rate=QUERY_RATE, side=QUERY_SIDE)
KEY_FRAMES = Sampling(rate=QUERY_RATE, keys=True, side=QUERY_SIDE)


class SampleClock:
    """Says of each frame, in order, whether it is the first at or after the next sampling time."""

    def __init__(self, rate: float, start: float = 0.0) -> None:
        """rate: frames a second; 0 for every frame. start: seconds at which to begin."""
        self._rate = rate
        self._next = start

    def due(self, time: float) -> bool:
        """time: the frame's time in seconds from the start."""
        if not self._rate:
            return True
        if time + 1e-6 < self._next:
            return False
        rate = max(self._rate, DENSE_RATE) if time < DENSE_SECONDS else self._rate
        # The next multiple of the step after this frame, so that a gap in the film does not cause a burst.
        self._next = (int(time * rate + 1e-6) + 1) / rate
        return True

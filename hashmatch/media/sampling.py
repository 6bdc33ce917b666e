"""Which frames of a film or animation to decode and hash."""

from __future__ import annotations

from dataclasses import dataclass

#: Frames per second that are hashed of a query, in the parts that are decoded.
QUERY_RATE = 2.0
#: More frames are taken at the beginning, so that a GIF of two seconds has more than four hashes.
DENSE_SECONDS, DENSE_RATE = 4.0, 4.0
#: If key frames are at most this many seconds apart, nothing between them is decoded. Most encoders' longest gap is 250
#: frames, 10 s.
LONGEST_KEY_GAP = 12.0
#: Side in pixels of the small square that FFmpeg scales a frame to. That of a reference is enough to find borders; a
#: query has more views (hashers/frames.py) and needs more pixels.
REFERENCE_SIDE, QUERY_SIDE = 128, 256

#: A reference keeps a frame's hash if it is more than DISTINCT_BITS from the last one kept, or HEARTBEAT seconds after it,
#: but at most MOST_A_SECOND, or a shaking camera would fill the disk.
DISTINCT_BITS, HEARTBEAT, MOST_A_SECOND = 31, 5.0, 10.0
#: These settings in short, for the recipe of stored hashes.
SETTINGS = f"{REFERENCE_SIDE}px,>{DISTINCT_BITS}bit,<{MOST_A_SECOND:g}fps,{HEARTBEAT:g}s"


#: Seconds of a reach: a part of a film that begins at a key frame and is decoded and hashed independently of what came
#: before. So several workers can share a film, and the hashes are the same as if one had done all of it.
REACH = 60.0


@dataclass(frozen=True, slots=True)
class FilmShare:
    """What one of several workers decodes of a film: every `of`-th reach, from this number on."""

    number: int = 0
    of: int = 1


@dataclass(frozen=True, slots=True)
class Sampling:
    """Which frames of a film to decode, and how small to make them.

    rate: frames per second at most; 0 for every frame.
    keys: only key frames, plus others where key frames are more than LONGEST_KEY_GAP apart.
    parts: only between these seconds [start, end]; None for all of the film.
    side: pixels; see above.
    share: only these reaches.
    """

    rate: float = 0.0
    keys: bool = False
    parts: tuple[tuple[float, float], ...] | None = None
    side: int = REFERENCE_SIDE
    share: FilmShare = FilmShare()

    def wants(self, time: float) -> bool:
        """Whether a time lies in the wanted parts."""
        return self.parts is None or any(start <= time <= end for start, end in self.parts)


EVERY_FRAME = Sampling()
STEADY = Sampling(rate=QUERY_RATE, side=QUERY_SIDE)
KEY_FRAMES = Sampling(rate=QUERY_RATE, keys=True, side=QUERY_SIDE)


class SampleClock:
    """Tells of each frame, in order, whether it is the first at or after the next sampling time, or is shown for as long as
    it takes from one sampling time to the next: behind a frame that flashes by, such a one may be all that people see."""

    def __init__(self, rate: float, start: float = 0.0) -> None:
        """rate: frames per second; 0 for every frame. start: seconds at which to begin."""
        self._rate = rate
        self._next = start

    def due(self, time: float, lasts: float = 0.0) -> bool:
        """Whether to take a frame. time: its seconds from the start. lasts: for how many it is shown, if that is known."""
        if not self._rate:
            return True
        rate = max(self._rate, DENSE_RATE) if time < DENSE_SECONDS else self._rate
        if time + 1e-6 < self._next and lasts + 1e-6 < 1 / rate:
            return False
        # The next multiple of the step, so that a gap in the film does not cause a burst of frames.
        self._next = (int(time * rate + 1e-6) + 1) / rate
        return True

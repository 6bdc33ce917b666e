"""When a film or animation is sampled."""

from __future__ import annotations

#: Samples a second of film time.
SAMPLES_PER_SECOND = 1.0
#: A short clip is sampled more often at its beginning, so that a GIF of two seconds has more than two hashes.
DENSE_SECONDS = 4.0
DENSE_SAMPLES_PER_SECOND = 4.0
#: The above in short, for the recipe of stored hashes.
SETTINGS = f"{SAMPLES_PER_SECOND:g}fps,{DENSE_SAMPLES_PER_SECOND:g}fps<{DENSE_SECONDS:g}s"


class SampleClock:
    """Says of each frame, in order, whether it is the first at or after the next sampling time."""

    def __init__(self) -> None:
        self._next = 0.0

    def due(self, time: float) -> bool:
        """time: the frame's time in seconds from the start."""
        if time + 1e-6 < self._next:
            return False
        rate = DENSE_SAMPLES_PER_SECOND if time < DENSE_SECONDS else SAMPLES_PER_SECOND
        # The next multiple of the step after this frame, so that a gap in the film does not cause a burst.
        self._next = (int(time * rate + 1e-6) + 1) / rate
        return True

"""Hashes of made-up films: a few bits change from frame to frame, and all of them at a cut."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from hashmatch.media.sampling import DISTINCT_BITS, HEARTBEAT
from hashmatch.records import Hash

RATE = 25

#: The bits of each frame, RATE frames a second: bool (n, 256).
Bits = npt.NDArray[np.bool_]


def walk(seed: int, seconds: float, restless: int = 4, shot: float = 4.0) -> Bits:
    """A film. restless: how many bits change per frame. shot: seconds between cuts, on average."""
    random = np.random.default_rng(seed)
    made = np.empty((round(seconds * RATE), 256), np.bool_)
    bits = random.random(256) < 0.5
    for number in range(len(made)):
        if random.random() < 1 / (shot * RATE):
            bits = random.random(256) < 0.5
        bits = bits.copy()
        bits[random.integers(0, 256, restless)] ^= True
        made[number] = bits
    return made


def still(seed: int, seconds: float, noise: int = 3) -> Bits:
    """A static scene. noise: how many bits of each frame are flipped."""
    random = np.random.default_rng(seed)
    made = np.repeat((random.random(256) < 0.5)[None, :], round(seconds * RATE), axis=0)
    for bits in made:
        bits[random.integers(0, 256, noise)] ^= True
    return made


def reference(film: Bits) -> list[Hash]:
    """The hashes that indexing keeps: frames that differ from the last kept one, or come HEARTBEAT seconds after it."""
    kept = [0]
    for number in range(1, len(film)):
        differs = int((film[number] ^ film[kept[-1]]).sum()) > DISTINCT_BITS
        if differs or (number - kept[-1]) / RATE >= HEARTBEAT:
            kept.append(number)
    return [_hash(film[number], number / RATE) for number in kept]


def sparse(film: Bits, step: float) -> list[Hash]:
    """The hashes that a list may bring: one frame every `step` seconds."""
    return [_hash(film[number], number / RATE) for number in range(0, len(film), round(step * RATE))]


def query(film: Bits, speed: float = 1.0, noise: int = 0, rate: float = 2.0, start: float = 0.0) -> list[Hash]:
    """The hashes of a film that is searched for.

    speed: how much faster it plays. noise: how many bits of each frame are flipped. rate: sampled frames per second.
    """
    random = np.random.default_rng(1)
    hashes = []
    for number in range(int(len(film) / RATE / speed * rate)):
        bits = film[min(round(number / rate * speed * RATE), len(film) - 1)].copy()
        bits[random.choice(256, noise, replace=False)] ^= True
        hashes.append(_hash(bits, start + number / rate))
    return hashes


def part(film: Bits, start: float, end: float) -> Bits:
    """The part of a film from one second to another."""
    return film[round(start * RATE) : round(end * RATE)]


def join(films: Sequence[Bits]) -> Bits:
    """The films one after the other."""
    return np.concatenate(films)


def _hash(bits: npt.NDArray[np.bool_], time: float) -> Hash:
    return Hash("pdq", np.packbits(bits).tobytes(), 100, time)

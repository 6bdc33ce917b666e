"""Matching a ten-minute film against a thousand hours of references, on one core, in a ready index, with and without numba:
the bare search of its frames, and all of it: the guesses of crops and insets, alignment and the verdict.

The references are made, as nobody has a thousand hours to hand out, but of real pictures in real order. Each is cut from
pieces, and a piece is the double exposure of two stretches of real film, each cropped at random and mirrored or not. PDQ
is linear up to its median, so that such a picture costs two small matrix products. What other ways there are spoil what
an index feels: to turn over or permute a film's bits keeps the distances within it, but hashes of unrelated films then no
longer share keys more often than random ones do, as those of real films do. How real the made ones are is printed beside
the same figures of the films they were made of. With --exposures 1 they are nearly as crowded as these, but as there are
only some twenty films to make them of, a hundred times as many unrelated frames are near each other: the harder test.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from measure import REPOSITORY, Goal, machine, one_thread, stop, table, verdict

from hashmatch.fingerprints.film import GUESS_EVERY, guesses
from hashmatch.hamming import HammingIndex
from hashmatch.hamming.words import bits_at, to_words
from hashmatch.hashers.pdq import FREQUENCIES, SIDE, dct_matrix
from hashmatch.matching.table import HashRows, HashTable
from hashmatch.matching.tiers import thresholds
from hashmatch.matching.verdict import find
from hashmatch.records import Hash

Bits = npt.NDArray[np.uint8]
Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]

VIDEOS = REPOSITORY.parent / "shared" / "corpus" / "videos"
#: A frame is kept when it differs by more bits from the last one kept: in references, and before, of the real films, so
#: that no time is spent on pictures that would be dropped again.
KEPT, KEPT_BEFORE = 31, 15
#: Of a piece, in frames of the real film that were kept; of a crop, the least share of each side.
PIECE, LEAST_SIDE = (40, 250), 0.7
FILM_SECONDS, QUERY_SECONDS = 3600.0, 600.0
#: Noise on the coefficients of a copy, as a share of the median coefficient: 9 bits on average, as a re-encode has.
NOISE = 0.15
#: Frames a second of a `thorough` query; seconds between key frames of a `fast` one.
RATE, KEY_SECONDS = 2.0, 8.0
#: The farthest hits that are wanted, in bits.
RADIUS = 60
#: The number of a film that is not among the references.
NOT_AMONG_THEM = 10**9
#: Hashes compared with each other to tell how real they are.
SAMPLE = 5000
SIZES = {"200k": 200_000, "2M": 2_000_000, "5M": 5_000_000, "24M": 24_000_000}


@dataclass(frozen=True, slots=True)
class Film:
    """bits: uint8 (n, 32). mirrored: the same of the mirrored pictures. seconds: float64 (n,), ascending."""

    bits: Bits
    mirrored: Bits
    seconds: Float64


@dataclass(frozen=True, slots=True)
class Scene:
    """The frames of a real film that differ. pictures: float32 (n, SIDE, SIDE). seconds: float64 (n,)."""

    pictures: Float32
    seconds: Float64


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=SIZES, default="2M", help="reference hashes; 24M are the 1,000 hours")
    parser.add_argument("--videos", type=Path, default=VIDEOS, help="real films (default: ../shared/corpus/videos)")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "hashmatch-film-search")
    parser.add_argument("--exposures", type=int, default=2, help="pictures in each; 1 is the harder test; default 2")
    parser.add_argument("--exact-to", type=int, default=31, help="bits within which all hits are found; default 31")
    parser.add_argument("--rounds", type=int, default=3, help="best of so many; default 3")
    arguments = parser.parse_args()
    one_thread()
    print(machine(), "\n")
    scenes = scenes_of(arguments.videos, arguments.folder)
    exact_to, exposures = arguments.exact_to, arguments.exposures
    made = arguments.folder / f"{arguments.size}-{exposures}"
    references = references_of(scenes, SIZES[arguments.size], exposures, made)
    report_likeness(scenes, references)
    goals = []
    # Half of a query is a copy of the first film, the other half of none.
    copied, unknown = film_of(scenes, 0, exposures, NOISE), film_of(scenes, NOT_AMONG_THEM, exposures)
    for name, step, bound in (("fast", KEY_SECONDS, 1.0), ("thorough", 1 / RATE, 10.0)):
        half = QUERY_SECONDS / 2
        query = join([every(copied, step, half), every(unknown, step, half)])
        seconds = [search(references, query, exact_to, numba, arguments.rounds) for numba in (False, True)]
        report_found(references, query, exact_to)
        for kind, each in zip(("numpy", "numba"), seconds, strict=True):
            print(f"{name}: bare search of {2 * len(query.bits)} hashes, {kind}: {each:.2f} s")
        hashes = hashes_of(query, guessed(scenes, name, step), name)
        for numba, kind in enumerate(("numpy", "numba")):
            taken, found = match(references, hashes, bool(numba), arguments.rounds)
            print(f"{name}: matching, {kind}: {taken:.2f} s; found: {found}")
            goals.append(Goal(f"{name}: matching, {kind}", taken, bound, at_least=False, unit=" s"))
        print()
    print(f"Peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB, mapped pages included.\n")
    return verdict(goals)


def search(references: HashTable, query: Film, exact_to: int, numba: bool, rounds: int) -> float:
    """Seconds of the processor that it takes to search all hashes of a query and their mirror images, at best."""
    os.environ["HASHMATCH_NUMBA"] = str(int(numba))
    hashes = np.concatenate((query.bits, query.mirrored))
    taken = []
    for _ in range(rounds + 1):  # the first may have to compile, and to fetch the index into memory
        start = time.process_time()
        references.index.range_search(hashes, RADIUS, exact_to=exact_to)
        taken.append(time.process_time() - start)
    return min(taken[1:])


def hashes_of(query: Film, others: dict[str, Film], profile: str) -> list[Hash]:
    """A query as a scan has it: of each frame the whole, and of every GUESS_EVERY-th (of each key frame) what it may be a
    part of, or have a part of in it, all mirrored, too. others: the films that those views seem to be."""
    every = 1 if profile == "fast" else GUESS_EVERY
    views = {"full": query}
    views |= {name: pick(film, np.arange(0, len(film.bits), every)) for name, film in others.items()}
    return [
        Hash("pdq", bits.tobytes(), 100, float(seconds), view, 1, mirrored.tobytes())
        for view, film in views.items()
        for bits, mirrored, seconds in zip(film.bits, film.mirrored, film.seconds, strict=True)
    ]


def guessed(scenes: list[Scene], profile: str, step: float) -> dict[str, Film]:
    """For each guess that a scan of a 16:9 film makes, some film that is not among the references."""
    names = guesses((1280, 720), profile == "thorough")
    return {
        name: every(film_of(scenes, NOT_AMONG_THEM + number, 2), step, QUERY_SECONDS)
        for number, name in enumerate(names, 1)
    }


def match(references: HashTable, hashes: list[Hash], numba: bool, rounds: int) -> tuple[float, str]:
    """Seconds of the processor from hashes to verdicts, at best, and the verdicts."""
    os.environ["HASHMATCH_NUMBA"] = str(int(numba))
    taken, found = [], ""
    for _ in range(rounds):
        start = time.process_time()
        verdicts = list(find(hashes, "video", references, lambda owner, view: None))
        taken.append(time.process_time() - start)
        found = ", ".join(f"film {each.reference_id} {each.tier}" for each in verdicts[:5]) or "nothing"
    return min(taken), found


def report_found(references: HashTable, query: Film, exact_to: int) -> None:
    """What was found of the copied half, and how many hits there are on films that have nothing to do with the query."""
    copied = query.bits[: len(query.bits) // 2]
    original = HammingIndex.from_hashes(references.index.hashes(np.flatnonzero(references.rows.owner == 0)))
    near, _row, near_bits = original.range_search(copied, RADIUS)
    q, r, bits = references.index.range_search(query.bits, RADIUS, exact_to=exact_to)
    right = (references.rows.owner[r] == 0) & (q < len(copied))
    rows = []
    for least, most in ((0, 31), (32, 40), (41, 50), (51, RADIUS)):
        there = (near_bits >= least) & (near_bits <= most)
        found = right & (bits >= least) & (bits <= most)
        rows.append((f"{least} to {most}", f"{there.sum():,}", f"{found.sum() / max(there.sum(), 1):.1%}"))
    table(("bits from its original", "pairs", "found"), rows)
    shares = [f"{len(np.unique(each)) / len(copied):.0%}" for each in (near, q[right])]
    print(f"Of the copy's frames {shares[0]} are within {RADIUS} bits of the original's, {shares[1]} were found to be.")
    print(f"Hits on films that have nothing to do with it: {(~right).sum() / len(query.bits):.1f} a frame.\n")


def report_likeness(scenes: list[Scene], references: HashTable) -> None:
    """How often unrelated frames are near each other or share a key, among real films and among the made ones."""
    real = [pick(every_frame, differing(every_frame.bits, KEPT)) for every_frame in map(_upright, scenes)]
    real_owner = np.repeat(np.arange(len(real)), [len(film.bits) for film in real])
    some = np.random.default_rng(0).choice(len(references), min(SAMPLE, len(references)), replace=False)
    rows = []
    for name, bits, owner in (
        ("real films", join(real).bits, real_owner),
        ("made ones", references.index.hashes(some), references.rows.owner[some]),
    ):
        words = to_words(bits)
        unrelated = owner[:, None] != owner
        apart = sum(np.bitwise_count(word[:, None] ^ word).astype(np.uint16) for word in words)
        near = [f"{(apart[unrelated] <= bits).mean():.1e}" for bits in (60, 70, 85)]
        crowds = []
        for length in (8, 12, 16):
            keys = [bits_at(words, start, length) for start in range(0, 257 - length, length)]
            shared = np.mean([(key[:, None] == key)[unrelated].mean() for key in keys])
            crowds.append(f"{shared * 2**length:.1f} ×")
        rows.append((f"{name}, {len(bits):,} frames", *near, *crowds))
    table(("unrelated frames", "≤ 60 bits", "≤ 70", "≤ 85", "same 8 bits", "12", "16"), rows)
    print("(How many times as often as random hashes have the same bits.)\n")


# -- The references


def scenes_of(videos: Path, folder: Path) -> list[Scene]:
    """Real films, each once, kept in the folder."""
    kept = folder / "scenes.npz"
    if not kept.exists():
        files = sorted(path for path in videos.iterdir() if path.is_file()) if videos.is_dir() else []
        if not files:
            stop(f"no films in {videos}")
        folder.mkdir(parents=True, exist_ok=True)
        scenes: list[Scene] = []
        for file in files:
            scene = _decoded(file)
            bits = [_upright(each).bits for each in (scene, *scenes)]
            known = np.concatenate(bits[1:]) if scenes else bits[0][:0]
            # The corpus has some films in two encodings; short ones would make poor pieces.
            again = len(HammingIndex.from_hashes(known).range_search(bits[0], KEPT)[0])
            if len(bits[0]) > PIECE[0] and not again:
                scenes.append(scene)
        np.savez(
            kept,
            pictures=np.concatenate([scene.pictures for scene in scenes]).astype(np.uint8),
            seconds=np.concatenate([scene.seconds for scene in scenes]),
            ends=np.cumsum([len(scene.seconds) for scene in scenes]),
        )
    with np.load(kept) as loaded:
        pictures, seconds, ends = (loaded[name] for name in ("pictures", "seconds", "ends"))
        starts = (0, *ends[:-1])
        return [Scene(pictures[a:b].astype(np.float32), seconds[a:b]) for a, b in zip(starts, ends, strict=True)]


def _decoded(file: Path) -> Scene:
    """The frames that differ, as FFmpeg shrinks them."""
    import av
    import av.error

    pictures, seconds = [], []
    with av.open(file, metadata_errors="replace") as container:
        for packet in container.demux(container.streams.video[0]):
            try:
                frames = packet.decode()
            except av.error.FFmpegError:
                continue
            for frame in frames:
                pictures.append(frame.reformat(SIDE, SIDE, "gray", interpolation="AREA").to_ndarray())
                seconds.append(len(seconds) / 25 if frame.time is None else frame.time)
    order = np.argsort(seconds, kind="stable")
    scene = Scene(np.array(pictures, np.float32)[order], np.array(seconds)[order])
    kept = differing(_upright(scene).bits, KEPT_BEFORE)
    return Scene(scene.pictures[kept], scene.seconds[kept])


def _upright(scene: Scene) -> Film:
    """A real film as it is."""
    whole = _cropped(0, SIDE)
    coefficients = whole @ (scene.pictures @ whole.T)
    return Film(to_bits(coefficients), to_bits(coefficients * _MIRRORED), scene.seconds)


def references_of(scenes: list[Scene], size: int, exposures: int, folder: Path) -> HashTable:
    """`size` hashes of made films, kept in the folder."""
    facts = folder / "facts.npz"
    if not facts.exists():
        folder.mkdir(parents=True, exist_ok=True)
        print(f"Making {size:,} hashes of films in {folder} …", flush=True)
        bits, owner = np.empty((size, 32), np.uint8), np.empty(size, np.int32)
        seconds = np.empty(size, np.float32)
        filled = number = 0
        while filled < size:
            film = film_of(scenes, number, exposures)
            film = pick(film, differing(film.bits, KEPT)[: size - filled])
            end = filled + len(film.bits)
            bits[filled:end], owner[filled:end], seconds[filled:end] = film.bits, number, film.seconds
            filled, number = end, number + 1
        start = time.perf_counter()
        HammingIndex.from_hashes(bits).save(folder)
        print(f"{number} films of an hour; index built and saved in {time.perf_counter() - start:.1f} s.\n")
        np.savez(facts, owner=owner, seconds=seconds)
    index = HammingIndex.open(folder, check=False)
    with np.load(facts) as loaded:
        owner, seconds = loaded["owner"].astype(np.int64), loaded["seconds"]
    good, upright = np.full(size, 100, np.uint8), np.zeros(size, np.uint16)
    rows = HashRows(owner, np.empty((size, 0), np.uint8), good, seconds, upright)
    return HashTable("pdq", thresholds("thorough")["pdq"], rows, index)


def film_of(scenes: list[Scene], number: int, exposures: int, noise: float = 0.0) -> Film:
    """An hour, the same one for the same number. noise: as a share of the median coefficient."""
    return join(list(_pieces(scenes, np.random.default_rng(number), exposures, noise)))


def _pieces(scenes: list[Scene], chance: np.random.Generator, exposures: int, noise: float) -> Iterator[Film]:
    clock, noise_chance = 0.0, np.random.default_rng(0)
    while clock < FILM_SECONDS:
        length = int(chance.integers(*PIECE))
        stretches = [_stretch(scenes, length, chance) for _ in range(exposures)]
        length = min(len(each.seconds) for each in stretches)
        exposed = np.sum([_coefficients(each.pictures[:length], chance) for each in stretches], axis=0)
        if noise:
            exposed += noise * np.median(np.abs(exposed)) * noise_chance.standard_normal(exposed.shape, np.float32)
        seconds = stretches[0].seconds[:length] - stretches[0].seconds[0] + clock
        yield Film(to_bits(exposed), to_bits(exposed * _MIRRORED), seconds)
        clock = float(seconds[-1]) + 0.04


def _stretch(scenes: list[Scene], length: int, chance: np.random.Generator) -> Scene:
    scene = scenes[chance.integers(len(scenes))]
    length = min(length, len(scene.seconds))
    start = int(chance.integers(len(scene.seconds) - length + 1))
    return Scene(scene.pictures[start : start + length], scene.seconds[start : start + length])


#: What becomes of the DCT coefficients of a picture that is mirrored: those of odd frequencies change their sign.
_MIRRORED = np.where(np.arange(1, FREQUENCIES + 1) % 2, -1, 1).astype(np.float32)


def _coefficients(pictures: Float32, chance: np.random.Generator) -> Float32:
    """The DCT coefficients of pictures cropped and mirrored at random, at one contrast: float32 (n, 16, 16)."""
    sides = chance.uniform(LEAST_SIDE, 1, 2) * SIDE
    starts = chance.uniform(0, 1, 2) * (SIDE - sides)
    down, across = (_cropped(start, start + side) for start, side in zip(starts, sides, strict=True))
    coefficients: Float32 = down @ (pictures @ across.T)
    coefficients /= np.abs(coefficients).mean() + np.float32(1e-9)
    return coefficients * _MIRRORED if chance.random() < 0.5 else coefficients


def _cropped(start: float, end: float) -> Float32:
    """The DCT of pixels [start, end), sampled at SIDE points that each are the mean over two steps: (16, SIDE)."""
    step = (end - start) / SIDE
    left = start + (np.arange(SIDE)[:, None] - 0.5) * step
    pixel = np.arange(SIDE)
    shares = np.clip(np.minimum(left + 2 * step, pixel + 1) - np.maximum(left, pixel), 0, None)
    matrix: Float32 = (dct_matrix() @ (shares / shares.sum(axis=1, keepdims=True))).astype(np.float32)
    return matrix


def to_bits(coefficients: Float32) -> Bits:
    """hashers.pdq.to_bits of many: uint8 (n, 32)."""
    flat = coefficients.reshape(len(coefficients), -1)
    middle = flat.shape[1] // 2 - 1
    return np.packbits((flat > np.partition(flat, middle, axis=1)[:, middle, None])[:, ::-1], axis=1)


def differing(bits: Bits, least: int) -> npt.NDArray[np.int64]:
    """The rows that differ by more than `least` bits from the last such row."""
    kept = [0]
    last = int.from_bytes(bits[0], "little")
    for row, each in enumerate(bits):
        number = int.from_bytes(each, "little")
        if (number ^ last).bit_count() > least:
            kept.append(row)
            last = number
    return np.array(kept)


# -- Queries


def every(film: Film, step: float, until: float) -> Film:
    """The frame shown at every `step` seconds."""
    return pick(film, np.searchsorted(film.seconds, np.arange(0, until, step), side="right") - 1)


def pick(film: Film, rows: npt.NDArray[np.int64]) -> Film:
    return Film(film.bits[rows], film.mirrored[rows], film.seconds[rows])


def join(films: list[Film]) -> Film:
    return Film(*(np.concatenate([getattr(film, name) for film in films]) for name in ("bits", "mirrored", "seconds")))


if __name__ == "__main__":
    sys.exit(main())

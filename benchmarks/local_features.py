"""Local features: what is found again, which unrelated pictures are taken for each other, and what the search costs.

Recall and wrong pairs are by local features alone, with votes, from pictures edited as by `hashmatch evaluate`. The search
is measured among real descriptors and ones made by flipping bits of real descriptors; its loss is against brute force.
"""

from __future__ import annotations

import argparse
import io
import resource
import tempfile
import time
from collections import Counter
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from measure import Goal, jpegs, machine, one_thread, photos_argument, stop, table, verdict
from PIL import Image

from hashmatch.evaluate.edits import EDITS, Edit, randomness
from hashmatch.hamming import ApproximateIndex
from hashmatch.hamming.words import distances
from hashmatch.hashers import orb
from hashmatch.hashers.local_features import LocalFeatures
from hashmatch.matching import local as matching
from hashmatch.matching.local import Suspect
from hashmatch.matching.local_candidates import ENOUGH_VOTES, FeatureRows, LocalTable

Bits = npt.NDArray[np.uint8]
SEED = 7
#: Group of edits to the recall that is asked for, in percent.
WANTED = {
    "crop-20": 98,
    "crop-30": 90,
    "rotation": 98,
    "pip-50": 90,
    "pip-33": 65,
    "overlay": 95,
    "meme": 95,
    "phone": 95,
}
WANTED |= {"combination": 90}
#: Pairs of unrelated pictures are compared for these edits, each with all others.
WRONG = ("jpeg-50", "crop-random-30", "phone-post-light", "watermark-tiled")


@dataclass(frozen=True, slots=True)
class Photo:
    name: str
    image: Image.Image
    features: LocalFeatures


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    photos_argument(parser)
    parser.add_argument("--every", type=int, default=2, help="edit every so many photographs; default 2")
    parser.add_argument(
        "--first", type=int, default=1, help="from this one on; default 1, as settings were chosen by 0"
    )
    parser.add_argument(
        "--sizes", default="1000,10000,100000", help="references to search in; default 1000,10000,100000"
    )
    parser.add_argument("--parts", default="cost,recall,wrong,search", help="what to measure; default all")
    arguments = parser.parse_args()
    one_thread()
    print(machine(), "\n")
    images = [(path.name, Image.open(path).convert("RGB")) for path in jpegs(arguments.photos)]
    if len(images) < 20:
        stop("needs 20 photographs")
    photos = [Photo(name, image, orb.extract(_luma(image))) for name, image in images]
    asked = photos[arguments.first :: arguments.every]
    goals: list[Goal] = []
    parts = arguments.parts.split(",")
    if "cost" in parts:
        goals += cost(asked)
    if "recall" in parts:
        goals += recall(photos, asked)
    if "wrong" in parts:
        goals += wrong(photos, asked)
    if "search" in parts:
        goals += searching(photos, asked, [int(size) for size in arguments.sizes.split(",")])
    return verdict(goals)


def cost(asked: list[Photo]) -> list[Goal]:
    """Milliseconds of processor time for one picture."""
    rows = []
    lumas = [_luma(photo.image) for photo in asked]
    for label, detail in (("reference", orb.REFERENCE), ("suspect", orb.QUERY)):
        best = min(_seconds(lumas, detail) for _ in range(3))
        rows.append([label, f"{1000 * best / len(lumas):.1f} ms"])
    largest = max(len(photo.features.to_bytes()) for photo in asked)
    rows.append(["stored, at most", f"{largest} bytes"])
    table(["features of one photograph", ""], rows)
    return [Goal("bytes stored of a reference", largest, 16_384, at_least=False, unit="")]


def recall(photos: list[Photo], asked: list[Photo]) -> list[Goal]:
    """The share of copies whose original is found, among all originals."""
    references = _table([photo.features for photo in photos])
    numbers = {photo.name: number for number, photo in enumerate(photos)}
    rows, groups = [], dict[str, list[bool]]()
    for edit in EDITS:
        if edit.group not in WANTED:
            continue
        hits = []
        for photo in asked:
            found = matching.search(references, _suspects(_edited(photo, edit)), lambda owner: photos[owner].features)
            hits.append(numbers[photo.name] in {match.owner for match in found})
        groups.setdefault(edit.group, []).extend(hits)
        rows.append([edit.name, edit.group, f"{100 * np.mean(hits):.0f} %"])
    table([f"copies of {len(asked)} photographs", "group", "original found"], rows)
    return [
        Goal(f"{group}, found", 100 * float(np.mean(hits)), WANTED[group], unit=" %") for group, hits in groups.items()
    ]


def wrong(photos: list[Photo], asked: list[Photo]) -> list[Goal]:
    """Every unrelated pair, compared without votes, upright, mirrored and as a negative; by the inliers that are enough."""
    edits = [edit for edit in EDITS if edit.name in WRONG]
    inliers: Counter[int] = Counter()
    pairs = 0
    enough, matching.ENOUGH_INLIERS = matching.ENOUGH_INLIERS, 3
    for edit in edits:
        for photo in asked:
            for suspect in _suspects(_edited(photo, edit)):
                for other in photos:
                    if other is photo:
                        continue
                    match = matching.compare(suspect, other.features)
                    pairs += 1
                    inliers[match.inliers if match else 0] += 1
    matching.ENOUGH_INLIERS = enough
    rows = [[str(least), str(sum(n for found, n in inliers.items() if found >= least))] for least in range(3, 8)]
    table(["inliers at least", f"of {pairs:,} unrelated pairs"], rows)
    false = sum(n for found, n in inliers.items() if found >= enough)
    return [Goal(f"wrong pairs per million, at {enough} inliers", 1e6 * false / pairs, 1, at_least=False, unit="")]


def searching(photos: list[Photo], asked: list[Photo], sizes: list[int]) -> list[Goal]:
    """Among ever more references: the time of one search, and what is lost against voting by brute force."""
    edits = [edit for edit in EDITS if edit.name in ("crop-random-30", "pip-33-50", "phone-chat-dark")]
    queries = [(photo, _suspects(_edited(photo, edit))) for edit in edits for photo in asked[::4]]
    numbers = {photo.name: number for number, photo in enumerate(photos)}
    real = np.concatenate([photo.features.bits for photo in photos])
    rows, times = [], []
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            each = orb.REFERENCE.count
            starts = np.cumsum([0] + [len(photo.features) for photo in photos] + [each] * (size - len(photos)))
            built = time.perf_counter()
            ApproximateIndex.from_hashes(_more(real, int(starts[-1]))).save(folder)
            built = time.perf_counter() - built
            opened = time.perf_counter()
            index = ApproximateIndex.open(folder, check=False)
            opened = time.perf_counter() - opened
            looks = np.resize(np.concatenate([photo.features.looks for photo in photos]), (len(index), 4))
            sizes = np.resize(np.array([(p.features.width, p.features.height) for p in photos], np.uint16), (size, 2))
            references = LocalTable(index, FeatureRows(starts, np.arange(size), sizes, looks))
            counts, voted, seconds = [], [], []
            for photo, suspects in queries:
                before = time.process_time()
                candidates = [references.candidates(suspect.features) for suspect in suspects]
                seconds.append(time.process_time() - before)
                counts.append(sum(map(len, candidates)))
                voted.append(numbers[photo.name] in {owner for each in candidates for owner in each})
            exact = [_votes_exactly(photo, each[0].features) >= ENOUGH_VOTES for photo, each in queries]
            times.append(float(np.mean(seconds)))
            rows.append(
                [
                    f"{size:,}",
                    f"{index.nbytes / len(index):.0f}",
                    f"{built:.0f} s",
                    f"{1000 * opened:.0f} ms",
                    f"{1000 * np.mean(seconds):.1f} ms",
                    f"{np.mean(counts):.1f}",
                    f"{100 * np.mean(voted):.1f} %",
                    f"{100 * np.mean(exact):.1f} %",
                ]
            )
    head = [
        "references",
        "bytes each",
        "built",
        "opened",
        "all three",
        "candidates",
        "original among them",
        "by brute force",
    ]
    table(head, rows)
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000:.0f} MB\n")
    goals = [Goal("bytes for each descriptor", index.nbytes / len(index), 60, at_least=False, unit="")]
    if len(times) > 1:
        growth = (times[-1] / times[0]) / (sizes[-1] / sizes[0])
        goals.append(Goal("growth of search time against that of references", growth, 0.2, at_least=False, unit=""))
    return goals


def _votes_exactly(photo: Photo, suspect: LocalFeatures) -> int:
    """Features of the original that have one within 40 bits in the suspect."""
    if not len(suspect) or not len(photo.features):
        return 0
    return int((distances(suspect.bits, photo.features.bits).min(axis=0) <= 40).sum())


def _more(real: Bits, count: int) -> Bits:
    """The real descriptors, and copies of them with 12 to 25 % of the bits flipped, up to so many."""
    made = np.empty((count, real.shape[1]), np.uint8)
    made[: len(real)] = real[:count]
    chance = np.random.default_rng(SEED)
    for start in range(len(real), count, len(real)):
        part = real[chance.permutation(len(real))][: count - start]
        flips = chance.integers(0, 256, part.shape, np.uint8) & chance.integers(0, 256, part.shape, np.uint8)
        if start // len(real) % 2:
            flips &= chance.integers(0, 256, part.shape, np.uint8)
        made[start : start + len(part)] = part ^ flips
    return made


def _table(references: list[LocalFeatures]) -> LocalTable:
    starts = np.cumsum([0] + [len(each) for each in references])
    sizes = np.array([(each.width, each.height) for each in references], np.uint16)
    looks = np.concatenate([each.looks for each in references])
    rows = FeatureRows(starts, np.arange(len(references)), sizes, looks)
    return LocalTable(ApproximateIndex.from_hashes(np.concatenate([each.bits for each in references])), rows)


def _edited(photo: Photo, edit: Edit) -> Bits:
    return _luma(Image.open(io.BytesIO(edit.make(photo.image, randomness(SEED, edit, photo.name)))))


def _suspects(luma: Bits) -> list[Suspect]:
    """Upright, mirrored, and as a negative."""
    return Suspect.each(orb.extract_suspects(luma))


def _luma(image: Image.Image) -> Bits:
    return np.asarray(image.convert("RGB").convert("L"))


def _seconds(lumas: list[Bits], detail: orb.Detail) -> float:
    before = time.process_time()
    for luma in lumas:
        orb.extract(luma, detail)
    return time.process_time() - before


if __name__ == "__main__":
    raise SystemExit(main())

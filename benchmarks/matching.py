"""What views, blocks and local features cost: hashing one photograph, and scanning many against a large reference set,
beside threatexchange's PDQ alone on the same images in the same run.

The references are made of the hashes of real photographs, by turning bits over at random: far from every picture, but no
more alike each other than real ones. The photographs themselves are among them, so that there is something to find.
"""

# Closures are called where they are made.
# ruff: noqa: B023

from __future__ import annotations

import argparse
import json
import os
import resource
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from measure import Goal, jpegs, machine, one_thread, photos_argument, stop, table, verdict

#: Bits that are turned over, of 256 of a PDQ hash and of a local feature's descriptor: as far apart as unrelated ones.
PDQ_FLIPS, FEATURE_FLIPS = 100, 90
#: Times what the PDQ-only path takes.
HASHING_GOALS = {"views and blocks": 2.0, "views, blocks and local features": 6.0}
#: Times what threatexchange takes to hash and match.
SCAN_GOALS = {"fast": 1.5, "thorough": 20.0}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    photos_argument(parser, limit=True)
    parser.add_argument("--rounds", type=int, default=5, help="of hashing; default 5")
    parser.add_argument("--references", type=int, default=100_000, help="default 100,000")
    parser.add_argument("--queries", type=int, default=1000, help="images to scan; default 1,000")
    parser.add_argument("--folder", type=Path, help="where the reference set is made and kept for the next run")
    arguments = parser.parse_args()
    one_thread()
    print(machine(), "\n")
    photos = jpegs(arguments.photos, arguments.limit)
    goals = hashing(photos, arguments.rounds)
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        folder.mkdir(exist_ok=True)
        database = folder / f"{arguments.references}.db"
        if not database.exists():
            make_references(database, photos, arguments.references)
        queries = make_queries(photos, arguments.queries, Path(temporary) / "queries")
        stages(database, queries[:: max(1, len(queries) // 100)])
        goals += scanning(database, queries)
    return verdict(goals)


def hashing(photos: Sequence[Path], rounds: int) -> list[Goal]:
    """Decode and hash each photograph from memory, in this process, by each way in turns."""
    from hashmatch.fingerprints.model_files import find_models
    from hashmatch.fingerprints.picture import descriptors_of, features_of, hashes_of, prepare, views_of
    from hashmatch.fingerprints.settings import Hashing, PlainHashing, QueryHashing, ReferenceHashing
    from hashmatch.media import Limits
    from hashmatch.media.image import open_image
    from hashmatch.media.sniff import HEAD_BYTES, sniff

    def work(data: bytes, settings: Hashing) -> None:
        media_type = sniff(data[:HEAD_BYTES])
        assert media_type is not None
        for picture in open_image(data, media_type, Limits(), exact=False).pictures:
            views = views_of(picture, settings)
            list(hashes_of(picture, settings, views))
            list(descriptors_of(picture, settings, views))
            if settings.features:
                features_of(picture, is_query=isinstance(settings, QueryHashing))

    ways: dict[str, Hashing] = {
        "PDQ only": PlainHashing(views=False),
        "views and blocks": ReferenceHashing(),
        "views, blocks and local features": ReferenceHashing(features=True),
        "the same of a query, fast": QueryHashing(),
        "the same of a query, thorough": QueryHashing(features=True),
    }
    for model in find_models(None):
        ways[f"… and described by {model.model}"] = QueryHashing(features=True, models=(model,))
        prepare(ways[f"… and described by {model.model}"])
    contents = [path.read_bytes() for path in photos]
    seconds: dict[str, list[float]] = defaultdict(list)
    for number in range(-1, rounds):  # the first round warms the caches and is not counted
        for name, settings in ways.items():
            start = time.process_time()
            for data in contents if number >= 0 else contents[:20]:
                work(data, settings)
            if number >= 0:
                seconds[name].append(time.process_time() - start)
    base = seconds["PDQ only"]
    ratios = {name: statistics.median(a / b for a, b in zip(seconds[name], base, strict=True)) for name in ways}
    print(f"Hashing {len(photos)} photographs from memory, {rounds} rounds, CPU time of one process")
    rows = [
        (name, f"{statistics.median(seconds[name]) / len(photos) * 1e3:.2f} ms", f"{ratios[name]:.2f}") for name in ways
    ]
    table(("", "a photograph", "× PDQ only"), rows)
    return [Goal(f"hashing: {name}", ratios[name], most, at_least=False) for name, most in HASHING_GOALS.items()]


def make_references(database: Path, photos: Sequence[Path], count: int) -> None:
    """A reference set of `count` pictures. Written without digests of rows, which nothing here reads."""
    import numpy as np

    from hashmatch import ReferenceSet

    print(f"making {count:,} references …", flush=True)
    with ReferenceSet(database) as known:
        for each in known.index(photos, collection="benchmark"):
            assert each.error is None, each
    columns = "reference_id, algorithm, view, recipe_id, count, bits, quality, points"
    connection = sqlite3.connect(database)
    own = [row[0] for row in connection.execute("SELECT id FROM reference")]
    rows = {
        number: connection.execute(f"SELECT {columns} FROM hash WHERE reference_id = ?", (number,)).fetchall()
        for number in own
    }
    chance = np.random.default_rng(0)

    def turned(bits: bytes, width: int, flips: int) -> bytes:
        array = np.frombuffer(bits, np.uint8).reshape(-1, width)
        noise = np.zeros((len(array), width * 8), np.uint8)
        noise[:, :flips] = 1
        return (array ^ np.packbits(chance.permuted(noise, axis=1), axis=1)).tobytes()

    def altered(number: int, row: Sequence[Any]) -> tuple[Any, ...]:
        _old, algorithm, view, recipe, size, bits, quality, points = row
        if algorithm == "pdq":
            bits = turned(bits, 32, PDQ_FLIPS)
        elif points is not None:
            bits = turned(bits, 32, FEATURE_FLIPS)
        return number, algorithm, view, recipe, size, bits, quality, points

    with connection:
        for number in range(max(own) + 1, count + 1):
            source = own[number % len(own)]
            identity = os.urandom(32)
            connection.execute(
                "INSERT INTO reference (id, identity, sha256, kind, added) VALUES (?, ?, ?, 'image', 'x')",
                (number, identity, identity),
            )
            connection.execute(
                "INSERT INTO membership (reference_id, collection_id, added) VALUES (?, 1, 'x')", (number,)
            )
            connection.executemany(
                f"INSERT INTO hash ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [altered(number, row) for row in rows[source]],
            )
    connection.close()
    start = time.perf_counter()
    scan(database, [photos[0]], "thorough")  # makes the caches
    size = database.stat().st_size / count / 1e3
    print(f"  {size:.1f} KB a reference in the database, caches built in {time.perf_counter() - start:.0f} s")
    caches = [path for path in Path(f"{database}.cache").rglob("*") if path.is_file()]
    for path in caches:
        print(f"  cache {path.parent.name}/{path.name}: {path.stat().st_size / 1e6:.0f} MB")
    print()


def make_queries(photos: Sequence[Path], count: int, folder: Path) -> list[Path]:
    """Photographs, and copies of them in bars, cropped, mirrored and small."""
    from PIL import Image, ImageOps

    def crop(image: Image.Image) -> Image.Image:
        return image.crop((image.width // 10, image.height // 8, image.width * 9 // 10, image.height * 6 // 7))

    edits: list[Callable[[Image.Image], Image.Image]] = [
        lambda image: image,
        lambda image: ImageOps.expand(image, (0, image.height // 5), "black"),
        crop,
        ImageOps.mirror,
        lambda image: image.resize((image.width * 2 // 3, image.height * 2 // 3)),
    ]
    folder.mkdir()
    made = []
    for number in range(count):
        path = folder / f"{number:06}.jpg"
        with Image.open(photos[number % len(photos)]) as image:
            edits[number // len(photos) % len(edits)](image.convert("RGB")).save(path, quality=85)
        made.append(path)
    return made


def stages(database: Path, queries: Sequence[Path]) -> None:
    """Where the time of a thorough scan goes, step by step in this process."""
    import numpy as np

    from hashmatch.fingerprints.one_file import fingerprint
    from hashmatch.fingerprints.settings import PlainHashing, QueryHashing
    from hashmatch.hashers.local_features import LocalFeatures
    from hashmatch.matching import local
    from hashmatch.matching.tiers import thresholds
    from hashmatch.matching.verdict import find
    from hashmatch.records import Guards
    from hashmatch.search.cache import load, load_features
    from hashmatch.store import hash_rows, open_store

    seconds: dict[str, float] = defaultdict(float)

    def timed(name: str, call: Callable[[], Any]) -> Any:
        start = time.perf_counter()
        result = call()
        seconds[name] += time.perf_counter() - start
        return result

    with open_store(database) as store:
        tables = {profile: load(store, "pdq", thresholds(profile)["pdq"]) for profile in ("fast", "thorough")}
        local_tables = load_features(store)

        def guards_of(number: int, view: str) -> Guards | None:
            return hash_rows.guards(store.connection, number, view)

        for path in queries:
            for name, settings in {
                "decode, digests, PDQ alone": PlainHashing(views=False),
                "… and views, orientations, blocks": QueryHashing(),
                "… and local features": QueryHashing(features=True),
            }.items():
                with open(path, "rb") as file:
                    result = timed(name, lambda: fingerprint(file, settings))
            for profile, its_tables in tables.items():
                timed(
                    f"search of hashes, {profile}",
                    lambda: [list(find(result.hashes, "image", table, guards_of)) for table in its_tables],
                )
            suspects = local.Suspect.each(list(map(LocalFeatures.from_bytes, result.features)))
            candidates = timed(
                "votes of local features",
                lambda: [table.candidates(each.features) for table in local_tables for each in suspects],
            )
            owners = {owner for found in candidates for owner in found}
            timed(
                "geometry of candidates",
                lambda: [
                    m
                    for table in local_tables
                    for m in local.search(table, suspects, lambda n: hash_rows.features(store.connection, n))
                ],
            )
            seconds["candidates"] += len(owners)
    count = len(queries)
    base = seconds["decode, digests, PDQ alone"]
    more = seconds["… and views, orientations, blocks"]
    rows = {
        "decode, digests, PDQ": base,
        "views, orientations, blocks": more - base,
        "search of hashes (fast)": seconds["search of hashes, fast"],
        "local features": seconds["… and local features"] - more,
        "search of hashes (thorough)": seconds["search of hashes, thorough"],
        "votes of local features": seconds["votes of local features"],
        "geometry of candidates": seconds["geometry of candidates"] - seconds["votes of local features"],
    }
    whole = sum(value for name, value in rows.items() if name != "search of hashes (fast)")
    print(
        f"Stages, one process, mean of {count} images; {seconds['candidates'] / count:.1f} candidates of local features each"
    )
    table(
        ("", "ms", "of thorough"),
        [
            (name, f"{value / count * 1e3:.2f}", "" if "(fast)" in name else f"{value / whole:.0%}")
            for name, value in rows.items()
        ],
    )
    assert np.isfinite(whole)


def scan(database: Path, paths: Iterable[Path], profile: str) -> tuple[float, float, int]:
    """The real command: wall seconds, CPU seconds, and how many matched."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-m", "hashmatch", "--db", str(database), "--quiet", "scan", "--format", "jsonl"]
    names = "\n".join(map(str, paths)).encode()
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    ran = subprocess.run(
        [*command, "--profile", profile, "--files-from", "-"], input=names, capture_output=True, env=environment
    )
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if ran.returncode not in (0, 1):
        stop(f"the scan failed: {ran.stderr.decode()}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, cpu, sum(json.loads(line)["status"] == "match" for line in ran.stdout.splitlines())


def scanning(database: Path, queries: Sequence[Path]) -> list[Goal]:
    """Everybody scans the same files; the peer in this process, with its index built before."""
    try:
        from threatexchange.signal_type.pdq.pdq_index import PDQIndex
        from threatexchange.signal_type.pdq.signal import PdqSignal
    except ImportError as error:
        stop(f"the peer is not installed ({error}): pip install -r benchmarks/requirements.txt")
    connection = sqlite3.connect(database)
    stored = connection.execute(
        "SELECT bits, reference_id FROM hash WHERE algorithm = 'pdq' AND view = 'full'"
    ).fetchall()
    connection.close()
    index = PDQIndex.build([(bits.hex(), number) for bits, number in stored])
    start, cpu_start, matched = time.perf_counter(), time.process_time(), 0
    for path in queries:
        matched += bool(index.query(PdqSignal.hash_from_file(path)))
    peer, peer_cpu = time.perf_counter() - start, time.process_time() - cpu_start
    measured = {"threatexchange, PDQ only": (peer, peer_cpu, matched)}
    for profile in SCAN_GOALS:
        scan(database, queries[:50], profile)
        measured[f"hashmatch scan --profile {profile}"] = scan(database, queries, profile)
    rows = [
        (
            name,
            f"{wall / len(queries) * 1e3:.1f} ms",
            f"{cpu / len(queries) * 1e3:.1f} ms",
            f"{wall / peer:.2f}",
            f"{cpu / peer_cpu:.2f}",
            f"{found:,}",
        )
        for name, (wall, cpu, found) in measured.items()
    ]
    print(f"Scanning {len(queries):,} images against {len(stored):,} references, start of the program included")
    table(("", "wall, an image", "CPU, an image", "× peer", "× peer by CPU", "matched"), rows)
    return [
        Goal(f"scan: {profile}", measured[f"hashmatch scan --profile {profile}"][0] / peer, most, at_least=False)
        for profile, most in SCAN_GOALS.items()
    ]


if __name__ == "__main__":
    sys.exit(main())

"""How much of copied films hashmatch finds, and where: edits, clips, compilations, and what must not match.

Query films are made from the corpus (`film_queries`), by the seed, and kept in --folder. The originals are indexed and
the queries scanned with the real command line; its JSON is held against the truth.

    python benchmarks/films.py --profile both --folder /tmp/films --json results.json
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import cv2
from film_queries import plan
from film_queries.edits import FIRST, SECOND, TURNED
from film_queries.plan import Film, Query
from film_queries.published import distances
from film_queries.score import Score, scores
from measure import REPOSITORY, Goal, machine, one_thread, stop, table, verdict

#: In the names of the kept films: another recipe must not find them.
RECIPE = 1
#: What --only calls the comparison of hashes.
PUBLISHED = "published hashes"
#: Median bits from Meta's hashes.
PUBLISHED_BITS = 10
#: Indexed media: the set, the file, the collection that it is put into.
Known = tuple[str, Path, str]


@dataclass(frozen=True, slots=True)
class Trial:
    """All that is asked, and all that is known."""

    queries: list[Query]
    known: list[Known]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, default=REPOSITORY.parent / "shared" / "corpus")
    parser.add_argument("--profile", choices=("thorough", "fast", "both"), default="both")
    parser.add_argument("--windows", type=int, default=10, help="of each edit; default 10")
    parser.add_argument("--only", help="edits, separated by commas: parts of their names will do")
    parser.add_argument("--folder", type=Path, help="where the films are made and kept for the next run")
    parser.add_argument(
        "--known", type=Path, help="where reference sets are kept: the next run indexes only what is new"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--jobs", type=int, default=os.cpu_count(), help="processes that make films; default one a core"
    )
    parser.add_argument("--json", type=Path, help="write every single result to this file")
    parser.add_argument(
        "--scan-option", action="append", default=[], help="passed on to scan, as --scan-option=--radius=31"
    )
    arguments = parser.parse_args()
    one_thread()
    cv2.setNumThreads(1)  # threads of OpenCV don't survive the fork of make_all
    if not (arguments.corpus / "videos").is_dir():
        stop(f"no corpus at {arguments.corpus}")
    print(machine(), "\n", flush=True)
    profiles = ("thorough", "fast") if arguments.profile == "both" else (arguments.profile,)
    with tempfile.TemporaryDirectory() as temporary:
        folder = (arguments.folder or Path(temporary)) / f"recipe-{RECIPE}-seed-{arguments.seed}"
        folder.mkdir(parents=True, exist_ok=True)
        trial = prepare(arguments.corpus, folder, arguments.windows, arguments.seed, arguments.only)
        if not trial.queries and arguments.only not in PUBLISHED:
            stop(f"no edit is called {arguments.only}")
        files = make_all(trial.queries, folder, arguments.jobs)
        databases = arguments.known or Path(temporary)
        databases.mkdir(parents=True, exist_ok=True)
        groups = index(trial, databases)
        everything: dict[str, list[Score]] = {}
        goals: list[Goal] = []
        for profile in profiles if trial.queries else ():
            options = ["--profile", profile, *arguments.scan_option]
            found = scan(trial, files, databases, options)
            everything[profile] = [
                each for query in trial.queries for each in scores(query, found.get(query.name), groups)
            ]
            report(profile, everything[profile])
            goals += judged(profile, everything[profile])
    if not arguments.only or arguments.only in PUBLISHED:
        goals += published(arguments.corpus / "vpdq")
    if arguments.json:
        plain = {profile: [asdict(each) for each in results] for profile, results in everything.items()}
        arguments.json.write_text(json.dumps(plain, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return verdict(goals)


def prepare(corpus: Path, folder: Path, windows: int, seed: int, only: str | None) -> Trial:
    """Plan the queries and make the films that are to be known."""
    films, twins, strangers = plan.corpus_films(corpus)
    known: list[Known] = [("clips", film.path, film.group) for film in (*films, *twins)]
    joined = plan.joined_parts(films, seed)
    long_film = Film(folder / "joined.mp4", "joined", plan.joined_length(joined))
    queries = [
        *plan.edit_queries(films, strangers, windows, seed),
        *plan.clip_queries(long_film, windows, seed),
        *plan.compilation_queries(films, windows, seed),
        *plan.intro_queries(films, strangers, windows, seed),
        *plan.opening_queries(films, strangers, windows),
        *plan.vpdq_queries(corpus / "vpdq", films),
        *plan.negative_queries(films, seed),
        *plan.leader_queries(films),
        *plan.later_queries(films),
    ]
    if only:
        wanted = [part.strip() for part in only.split(",")]
        queries = [query for query in queries if any(part in query.edit for part in wanted)]
    sets = {query.known for query in queries}
    making: list[tuple[str, str, Callable[[Path], None]]] = []
    if "joined" in sets:
        making.append(("joined", long_film.path.name, partial(plan.make_joined, joined)))
    if "leaders" in sets:
        for window in plan.leader_films(films)[:-1]:
            making.append(("leaders", f"leader-{window.film.group}.mp4", partial(plan.make_with_leader, window)))
    if "halves" in sets:
        for film in filter(plan.is_static, films):
            making.append(("halves", f"half-{film.group}.mp4", partial(plan.make_half, film, True)))
    for database, name, make in making:
        kept(folder / name, make)
        known.append((database, folder / name, database))
    return Trial(queries, [each for each in known if each[0] in sets])


def make_all(queries: Sequence[Query], folder: Path, jobs: int) -> dict[str, Path]:
    """The file of each query by its name, made by several processes unless it is there."""
    context = multiprocessing.get_context("fork")  # queries hold functions, which can't be sent
    with context.Pool(jobs, _to_make.extend, ([(query, folder) for query in queries],)) as pool:
        paths = pool.map(_make, range(len(queries)), chunksize=1)
    return {query.name: path for query, path in zip(queries, paths, strict=True)}


_to_make: list[tuple[Query, Path]] = []


def _make(number: int) -> Path:
    return made(*_to_make[number])


def made(query: Query, folder: Path) -> Path:
    """The file of a query, made unless it is there."""
    if query.make is None:
        assert query.path is not None, query
        return query.path
    return kept(folder / f"{query.name}.mp4", query.make)


def kept(path: Path, make: Callable[[Path], None]) -> Path:
    if not path.exists():
        start = time.perf_counter()
        make(path)
        print(f"made {path.name} in {time.perf_counter() - start:.1f} s", file=sys.stderr, flush=True)
    return path


def hashmatch(database: Path, *arguments: str) -> str:
    """What the command prints on standard output. Ends the script where it fails."""
    command = [sys.executable, "-m", "hashmatch", "--db", str(database), "--quiet", *arguments]
    done = subprocess.run(command, capture_output=True, encoding="utf-8")
    if done.returncode not in (0, 1):
        print(done.stderr, file=sys.stderr)
        if not done.stdout:
            stop(f"hashmatch {arguments[0]} ended with {done.returncode}")
    return done.stdout


def index(trial: Trial, folder: Path) -> dict[str, str]:
    """Index what is known, each set into a database of its own. Returns the film by its SHA-256."""
    start, groups = time.perf_counter(), {}
    by_collection: dict[tuple[str, str], list[Path]] = defaultdict(list)
    for database, path, group in trial.known:
        by_collection[database, group].append(path)
        groups[hashlib.sha256(path.read_bytes()).hexdigest()] = group
    for (database, group), paths in by_collection.items():
        told = hashmatch(
            folder / f"{database}.db", "index", "--format", "json", "--collection", group, *map(str, paths)
        )
        if json.loads(told)["summary"]["failed"]:
            stop(f"not all could be indexed: {told}")
    print(f"indexed {len(trial.known)} films in {time.perf_counter() - start:.0f} s\n", flush=True)
    return groups


def scan(trial: Trial, files: dict[str, Path], folder: Path, options: Sequence[str]) -> dict[str, dict[str, object]]:
    """Scan all queries, those that are held against the same references in one run. Returns the RESULT by query."""
    collections: dict[str, set[str]] = defaultdict(set)
    for database, _path, group in trial.known:
        collections[database].add(group)
    runs: dict[tuple[str, str | None], list[Query]] = defaultdict(list)
    for query in trial.queries:
        runs[query.known, query.without].append(query)
    found: dict[str, dict[str, object]] = {}
    start = time.perf_counter()
    for (database, without), queries in runs.items():
        names = folder / "names"
        names.write_text("".join(f"{files[query.name]}\n" for query in queries), encoding="utf-8")
        chosen = [f"--collection={name}" for name in sorted(collections[database] - {without})] if without else []
        printed = hashmatch(
            folder / f"{database}.db", "scan", "--format", "jsonl", "--files-from", str(names), *chosen, *options
        )
        by_path = {each["path"]: each for each in map(json.loads, printed.splitlines())}
        for query in queries:
            if str(files[query.name]) in by_path:
                found[query.name] = by_path[str(files[query.name])]
    print(f"scanned {len(trial.queries)} queries with {' '.join(options)} in {time.perf_counter() - start:.0f} s\n")
    return found


def report(profile: str, results: Sequence[Score]) -> None:
    """A line for each edit and each row, then all that should not be there."""
    by_edit: dict[str, list[Score]] = defaultdict(list)
    by_row: dict[str, list[Score]] = defaultdict(list)
    for each in results:
        by_edit[each.edit].append(each)
        by_row[each.row].append(each)
    heads = (profile, "n", "found", "near", "ends, s", "90 %", "IoU", "10 %", "segments", "wrong films", "wrong place")
    lines = [_line(name, those) for name, those in by_edit.items()]
    lines += [_line(f"all of {name}", those) for name, those in by_row.items() if name not in by_edit]
    table(heads, lines)
    for each in results:
        if each.status not in ("match", "clean"):
            print(f"  {each.query}: {each.status}")
        if each.wrong:
            print(f"  {each.query}: wrong: " + ", ".join(f"{film} ({tier})" for film, tier in sorted(set(each.wrong))))
        if each.group is not None and not each.near:
            print(f"  {each.query}: {each.group} {'only possible' if each.found else 'not found'}")
    print(flush=True)


def _line(name: str, results: Sequence[Score]) -> tuple[str, ...]:
    ends = [error for each in results for error in each.ends]
    iou = [share for each in results for share in each.iou]
    places = [film for each in results for film, _tier in each.wrong if film.endswith("other place")]
    films = [film for each in results for film, _tier in each.wrong if not film.endswith("other place")]
    segments = sum(each.segments for each in results)
    return (
        name,
        str(len(results)),
        f"{percent(each.found for each in results):.0f} %",
        f"{percent(each.near for each in results):.0f} %",
        *((f"{at(ends, 0.5):.2f}", f"{at(ends, 0.9):.2f}") if ends else ("", "")),
        *((f"{at(iou, 0.5):.3f}", f"{at(iou, 0.1):.3f}") if iou else ("", "")),
        str(segments),
        str(len(films)),
        str(len(places)),
    )


def published(folder: Path) -> list[Goal]:
    """Our hashes of Meta's films against its own, by the squares that references and queries are hashed from."""
    from hashmatch.media.sampling import QUERY_SIDE, REFERENCE_SIDE

    bits: dict[int, list[int]] = defaultdict(list)
    lines = []
    for text in sorted((folder / "hashes").glob("*.txt")):
        cells = []
        for side in (REFERENCE_SIDE, QUERY_SIDE):
            own = distances(folder / f"{text.stem}.mp4", text, side)
            bits[side] += own
            cells += [str(len(own)), f"{at(own, 0.5):.0f}", f"{at(own, 0.9):.0f}"] if own else ["0", "", ""]
        lines.append((text.stem, *cells))
    heads = [head for side in bits for head in (f"frames, {side} pixels", "median bits", "90 %")]
    table((PUBLISHED, *heads), lines)
    return [
        Goal(f"published hashes, {side} pixels, median", at(each, 0.5), PUBLISHED_BITS, False, " bits")
        for side, each in bits.items()
    ]


def percent(which: Iterable[bool]) -> float:
    """The share that is true, of 100."""
    values = list(which)
    return 100 * sum(values) / len(values)


def at(values: Sequence[float], share: float) -> float:
    """The value below which that share of them lies."""
    if len(values) == 1:
        return values[0]
    return statistics.quantiles(values, n=100, method="inclusive")[round(share * 100) - 1]


#: Found and near of a thorough scan, per cent, by row of the issue's table.
ROW_GOALS: dict[str, tuple[float, float | None]] = {
    FIRST: (98, 95),
    SECOND: (90, None),
    TURNED: (85, None),
    plan.CLIPS.format(5): (80, None),
    plan.CLIPS.format(10): (95, None),
    plan.CLIPS.format(20): (98, None),
    plan.COMPILATION: (95, None),
    plan.VPDQ: (100, None),
}
#: The same of a fast scan.
FAST_ROW, FAST_ALL = 95, 70
NEGATIVES = (plan.UNRELATED, plan.GENERATED, plan.LEADERS, plan.LATER, plan.OPENINGS)


def judged(profile: str, results: Sequence[Score]) -> list[Goal]:
    """The issue's table: what was asked, as far as it was tried."""
    rows: dict[str, list[Score]] = defaultdict(list)
    for each in results:
        rows[each.row].append(each)
    goals = []

    def add(name: str, measured: float, bound: float, at_least: bool = True, unit: str = " %") -> None:
        goals.append(Goal(f"{profile}: {name}", measured, bound, at_least, unit))

    if profile == "fast":
        if FIRST in rows:
            add(f"{FIRST} found", percent(each.found for each in rows[FIRST]), FAST_ROW)
        positive = [each for each in results if each.group is not None]
        if positive:
            add("all rows found", percent(each.found for each in positive), FAST_ALL)
    else:
        for row, (found, near) in ROW_GOALS.items():
            if row in rows:
                add(f"{row} found", percent(each.found for each in rows[row]), found)
                if near is not None:
                    add(f"{row} near", percent(each.near for each in rows[row]), near)
        ends = [error for each in results for error in each.ends]
        iou = [share for each in results for share in each.iou]
        if ends:
            add("ends of segments, median error", at(ends, 0.5), 0.5, False, " s")
            add("IoU, median", at(iou, 0.5), 0.95, unit="")
            add("IoU, tenth percentile", at(iou, 0.1), 0.8, unit="")
    if plan.COMPILATION in rows:
        add("wrong matches of compilations", sum(len(each.wrong) for each in rows[plan.COMPILATION]), 0, False, "")
    wrong = [film for each in results if each.group is not None for film, tier in each.wrong if tier != "possible"]
    add("wrong films near, in all copies", sum(not film.endswith("place") for film in wrong), 0, False, "")
    for row in NEGATIVES:
        if row in rows:
            add(f"near, {row}", sum(each.near for each in rows[row]), 0, False, "")
    return goals


if __name__ == "__main__":
    raise SystemExit(main())

"""How fast films are hashed and scanned on one core, beside bare decoding and the peers, in one run; and what they take.

Test films are made of corpus clips, with x264's, x265's and libvpx' usual B frames and references, repeated without another
encoding, and kept in --folder. Speed is seconds of film by seconds of CPU time of the whole process tree, bound to one
core, less the median of those of the same command on a film of one second: start-up is no part of a rate. In turns,
several rounds.

Peers are asked in the Python given by --peers, where benchmarks/requirements-films.txt is installed (vpdq is built with
FFmpeg's headers; videohash2 runs the `ffmpeg` program, found by PATH or --ffmpeg).
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from operator import attrgetter
from pathlib import Path

import av
from film_queries import plan
from film_queries.footage import Frame, fitted, frames, length, write
from measure import REPOSITORY, Goal, machine, one_thread, stop, table, verdict

RATE = Fraction(25)
#: Moving pictures of the corpus in good quality; ten seconds of each in turns.
SOURCES = ("big-buck-bunny", "cockatoo", "introductions-rant", "crystal", "rabbit.mp4")
#: What is known while the test films are scanned: it must have nothing to do with them.
KNOWN = ("frog", "monster", "pig", "one-by-one")


@dataclass(frozen=True, slots=True)
class Kind:
    """A way to encode. size: width and height in pixels."""

    name: str
    size: tuple[int, int]
    codec: str
    options: dict[str, str]


_X264 = {"preset": "medium", "crf": "23"}
_X265 = {"preset": "fast", "crf": "26", "x265-params": "log-level=error"}
_VP9 = {"deadline": "good", "cpu-used": "5", "b": "0", "crf": "33"}
KINDS = (
    Kind("H.264 480p", (854, 480), "libx264", _X264),
    Kind("H.264 720p", (1280, 720), "libx264", _X264),
    Kind("H.264 1080p", (1920, 1080), "libx264", _X264),
    Kind("HEVC 480p", (854, 480), "libx265", _X265),
    Kind("HEVC 720p", (1280, 720), "libx265", _X265),
    Kind("HEVC 1080p", (1920, 1080), "libx265", _X265),
    Kind("VP9 480p", (854, 480), "libvpx-vp9", _VP9),
    Kind("VP9 720p", (1280, 720), "libvpx-vp9", _VP9),
    Kind("VP9 1080p", (1920, 1080), "libvpx-vp9", _VP9),
)

#: Run by whichever Python has the peer, with the film as first argument; a process of its own each.
DECODE = """
import av, sys
with av.open(sys.argv[1]) as container:
    stream = container.streams.video[0]
    stream.codec_context.thread_count = 1
    for packet in container.demux(stream):
        packet.decode()
"""
VPDQ = "import sys, vpdq; assert vpdq.computeHash(sys.argv[1], thread_count=1)"
VPDQ_ALL = "import sys, vpdq; assert vpdq.computeHash(sys.argv[1], seconds_per_hash=0, thread_count=1)"
TMK = "import sys; from perception.hashers import TMKL2; assert TMKL2().compute(sys.argv[1], errors='raise')"
VIDEOHASH = "import sys; from videohash2 import VideoHash; assert VideoHash(path=sys.argv[1]).hash_hex"
#: Where vpdq cannot be built: what it does, with the same code for the hash.
LIKE_VPDQ = """
import av, pdqhash, sys
with av.open(sys.argv[1]) as container:
    stream = container.streams.video[0]
    stream.codec_context.thread_count = 1
    step = int(stream.average_rate)
    for number, frame in enumerate(container.decode(stream)):
        if number % step == 0:
            pdqhash.compute(frame.to_ndarray(format="rgb24"))
"""
PEERS = {"vpdq": VPDQ, "vpdq, every frame": VPDQ_ALL, "perception's TMK": TMK, "videohash2": VIDEOHASH}
IMPORTS = {
    "vpdq": "vpdq",
    "vpdq, every frame": "vpdq",
    "perception's TMK": "perception.hashers",
    "videohash2": "videohash2",
}

#: (way, kinds of film, against, times): the issue's goals.
GOALS: tuple[tuple[str, tuple[str, ...], str, float], ...] = (
    ("index", tuple(kind.name for kind in KINDS), "bare decoding", 0.9),
    ("scan, thorough", ("H.264 720p", "H.264 1080p", "HEVC 720p", "HEVC 1080p"), "vpdq", 1.6),
    ("scan, fast", ("H.264 720p", "HEVC 720p", "VP9 720p"), "vpdq", 12.0),
)
SECOND_WORKER = 1.8
#: Seconds by which two starts of a program differ. Less than this beyond the start is taken for this: of what is fast, a
#: short film tells that it is at least so fast.
STARTS_VARY = 0.05
#: What can be left out, since all of it takes an hour.
MEASURES = ("rates", "workers", "storage")
MB_AN_HOUR = 1.0


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of a process and all that it waited for."""

    cpu: float
    wall: float


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, default=REPOSITORY.parent / "shared" / "corpus")
    parser.add_argument("--folder", type=Path, help="where test films are made and kept for the next run")
    parser.add_argument("--peers", default=sys.executable, help="the Python that has the peers; default: this one")
    parser.add_argument("--ffmpeg", type=Path, help="folder of the ffmpeg program, for videohash2")
    parser.add_argument("--seconds", type=int, default=30, help="of film that is encoded; default 30")
    parser.add_argument("--repeat", type=int, default=4, help="how often it is repeated; default 4")
    parser.add_argument("--rounds", type=int, default=3, help="default 3")
    parser.add_argument("--only", default="", help="kinds of film, part of a name: 720p")
    parser.add_argument("--without", choices=PEERS, nargs="+", default=(), help="peers to leave out")
    parser.add_argument("--measure", choices=MEASURES, nargs="+", default=MEASURES, help="default: all of them")
    arguments = parser.parse_args()
    one_thread()
    if not (arguments.corpus / "videos").is_dir():
        stop(f"no corpus at {arguments.corpus}")
    print(machine(), "\n", flush=True)
    if arguments.ffmpeg:
        os.environ["PATH"] = f"{arguments.ffmpeg}{os.pathsep}{os.environ['PATH']}"
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        peers = available(arguments.peers, arguments.without)
        known = Path(temporary, "known.db")
        hashmatch(known, "index", *(str(path) for path in clips(arguments.corpus, KNOWN)))
        goals: list[Goal] = []
        for kind in KINDS:
            if arguments.only in kind.name and "rates" in arguments.measure:
                film = test_film(kind, arguments.corpus, folder, arguments.seconds, arguments.repeat)
                short = test_film(kind, arguments.corpus, folder, 1, 1)
                goals += rates(kind, film, short, known, peers, arguments.peers, arguments.rounds)
        if "workers" in arguments.measure:
            goals += two_workers(arguments.corpus, folder, arguments.seconds, arguments.repeat, arguments.rounds)
        if "storage" in arguments.measure:
            goals += storage(arguments.corpus, Path(temporary))
    return verdict(goals)


def available(python: str, unwanted: Collection[str]) -> dict[str, str]:
    """The peers that this Python can run, or what stands in for vpdq; says which are missing, and why."""
    found = {}
    for name, code in PEERS.items():
        if name in unwanted:
            continue
        tried = subprocess.run([python, "-c", f"import {IMPORTS[name]}"], capture_output=True, encoding="utf-8")
        if tried.returncode == 0:
            found[name] = code
        else:
            print(f"without {name}: {tried.stderr.strip().splitlines()[-1]}")
    if "vpdq" not in found and "vpdq" not in unwanted:
        print("instead of vpdq: PyAV's decoding and pdqhash of a frame a second, as vpdq does it")
        found["vpdq"] = LIKE_VPDQ
    return found


def clips(corpus: Path, names: Sequence[str]) -> list[Path]:
    """Films of the corpus by parts of their names, in that order."""
    paths = sorted((corpus / "videos").iterdir())
    return [next(path for path in paths if name in path.name) for name in names]


def test_film(kind: Kind, corpus: Path, folder: Path, seconds: int, repeat: int) -> Path:
    """Encode so many seconds, then repeat the packets."""
    stem = f"{kind.name.replace(' ', '-')}-{seconds}"
    once, path = folder / f"{stem}.mp4", folder / f"{stem}-times-{repeat}.mp4"
    if not once.exists():
        start = time.perf_counter()
        pictures = _pictures(clips(corpus, SOURCES), kind.size, seconds)
        write(once, pictures, RATE, options=kind.options, codec=kind.codec)
        print(f"made {once.name} in {time.perf_counter() - start:.0f} s", file=sys.stderr, flush=True)
    if not path.exists():
        _repeat(once, path, seconds, repeat)
    return path


def _pictures(sources: Sequence[Path], size: tuple[int, int], seconds: int) -> Iterator[Frame]:
    left = seconds * int(RATE)
    for turn in range(seconds):
        path = sources[turn % len(sources)]
        start = 2.0 + 10.0 * (turn // len(sources))  # not from their black beginnings
        for picture in frames(path, start, min(start + 10.0, length(path)), RATE):
            if left == 0:
                return
            left -= 1
            yield fitted(picture, size)


def _repeat(once: Path, path: Path, seconds: int, repeat: int) -> None:
    unfinished = path.with_suffix(".part.mp4")
    with av.open(str(unfinished), "w") as out:
        for turn in range(repeat):
            with av.open(str(once)) as source:
                stream = source.streams.video[0]
                if turn == 0:
                    copy = out.add_stream_from_template(stream)
                assert stream.time_base is not None
                shift = round(turn * seconds / stream.time_base)
                for packet in source.demux(stream):
                    if packet.dts is None or packet.pts is None:
                        continue
                    packet.dts += shift
                    packet.pts += shift
                    packet.stream = copy
                    out.mux(packet)
    os.replace(unfinished, path)


def rates(
    kind: Kind, film: Path, short: Path, known: Path, peers: dict[str, str], python: str, rounds: int
) -> list[Goal]:
    """Every way in turns; the table, and the goals of this kind of film."""
    seconds = length(film)
    ways: dict[str, list[str]] = {"bare decoding": [sys.executable, "-c", DECODE]}
    common = [sys.executable, "-m", "hashmatch", "--quiet", "--db"]
    ways["index"] = [*common, "NEW", "index", "--workers=1"]
    for profile in ("thorough", "fast"):
        ways[f"scan, {profile}"] = [*common, str(known), "scan", "--workers=1", f"--profile={profile}"]
    for name, code in peers.items():
        ways[name] = [python, "-c", code]
    starts: dict[str, list[Cost]] = defaultdict(list)
    wholes: dict[str, list[Cost]] = defaultdict(list)
    for _round in range(rounds):
        for name, command in list(ways.items()):
            start, whole = run(command, short), run(command, film)
            if start is None or whole is None:
                del ways[name]  # it has said why
                continue
            starts[name].append(start)
            wholes[name].append(whole)
    of_film = seconds - length(short)
    speeds, walls = (
        {
            name: [of_film / max(STARTS_VARY, of(cost) - statistics.median(map(of, starts[name]))) for cost in costs]
            for name, costs in wholes.items()
        }
        for of in (attrgetter("cpu"), attrgetter("wall"))
    )
    print(
        f"{kind.name}: {seconds:.0f} s at {film.stat().st_size * 8e-3 / seconds:.0f} kbit/s, {rounds} rounds, one core"
    )
    rows = [
        (
            name,
            f"{statistics.median(each):.1f} ×",
            f"{statistics.median(walls[name]):.1f} ×",
            _ratio(each, speeds.get("bare decoding")),
            _ratio(each, speeds.get("vpdq")),
        )
        for name, each in speeds.items()
    ]
    table(("", "by CPU time", "by the clock", "bare decoding", "vpdq"), rows)
    sys.stdout.flush()
    return [
        Goal(f"{kind.name}: {way} by {peer}", median(speeds[way], speeds[peer]), bound)
        for way, kinds, peer, bound in GOALS
        if kind.name in kinds and speeds.get(way) and speeds.get(peer)
    ]


def median(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Of the ratios within each round."""
    return statistics.median(our / their for our, their in zip(ours, theirs, strict=False))


def _ratio(ours: Sequence[float], theirs: Sequence[float] | None) -> str:
    return f"{median(ours, theirs):.2f}" if theirs else ""


def run(command: Sequence[str], film: Path, one_core: bool = True) -> Cost | None:
    """Run a way on a film, into a new database where it asks for one. None, with a line of why, where it fails."""
    with tempfile.TemporaryDirectory() as temporary:
        words = [str(Path(temporary, "new.db")) if word == "NEW" else word for word in command]
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        done = subprocess.run(
            [*words, str(film)],
            capture_output=True,
            encoding="utf-8",
            cwd=REPOSITORY,
            preexec_fn=_bind if one_core else None,
        )
        wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode not in (0, 1) or (done.returncode == 1 and "scan" not in command):
        why = (done.stderr.strip().splitlines() or [f"ended with {done.returncode}"])[-1]
        print(f"{' '.join(words[-2:])[:60]!r} failed on {film.name}: {why}")
        return None
    return Cost(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall)


def _bind() -> None:
    """One core for this process and all that it starts: the last that it may use."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def two_workers(corpus: Path, folder: Path, seconds: int, repeat: int, rounds: int) -> list[Goal]:
    """Indexing four films, and one long one, with one worker and with two, by the clock, not bound to a core."""
    film = test_film(KINDS[0], corpus, folder, seconds, repeat)
    goals = []
    for name, count in (("four films", 4), ("one film", 1)):
        clock: dict[int, list[float]] = defaultdict(list)
        for _round in range(rounds):
            for workers in (1, 2):
                with tempfile.TemporaryDirectory() as temporary:
                    for number in range(count):  # a byte more each: the same bytes would be hashed once
                        data = film.read_bytes() + _free_box(number)
                        Path(temporary, f"{number}.mp4").write_bytes(data)
                    command = [sys.executable, "-m", "hashmatch", "--quiet", "--db", "NEW", "index"]
                    cost = run([*command, f"--workers={workers}"], Path(temporary), one_core=False)
                if cost is None:
                    return goals
                clock[workers].append(cost.wall)
        gain = statistics.median(one / two for one, two in zip(clock[1], clock[2], strict=True))
        print(f"index of {name} ({KINDS[0].name}): two workers {gain:.2f} × one, start-up included")
        goals.append(Goal(f"two workers against one, {name}", gain, SECOND_WORKER))
    print()
    return goals


def _free_box(number: int) -> bytes:
    """An MP4 box that every reader skips, with a number in it."""
    return (12).to_bytes(4, "big") + b"free" + number.to_bytes(4, "big")


def storage(corpus: Path, folder: Path) -> list[Goal]:
    """Bytes that the database grows by for the corpus' clips, by their hours. Short clips: records are counted in."""
    films, _twins, _strangers = plan.corpus_films(corpus)
    database = folder / "storage.db"
    hashmatch(database, "index", str(films[0].path))
    empty = _bytes(database)
    hashmatch(database, "index", *(str(film.path) for film in films[1:]))
    hours = sum(film.seconds for film in films[1:]) / 3600
    size = (_bytes(database) - empty) / 1e6 / hours
    print(f"storage: {size:.2f} MB per reference hour, of {len(films) - 1} clips of {hours * 60:.1f} minutes in all\n")
    return [Goal("storage of a reference hour", size, MB_AN_HOUR, at_least=False, unit=" MB")]


def _bytes(database: Path) -> int:
    import sqlite3

    with sqlite3.connect(database) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        pages, free, size = (
            connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
        )
    connection.close()
    return int((pages - free) * size)


def hashmatch(database: Path, *arguments: str) -> None:
    command = [sys.executable, "-m", "hashmatch", "--quiet", "--db", str(database), *arguments]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", cwd=REPOSITORY)
    if done.returncode not in (0, 1):
        stop(f"{' '.join(command)}: {done.stderr}")


if __name__ == "__main__":
    raise SystemExit(main())

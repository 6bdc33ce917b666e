"""Hostile files, through the program: nothing but the file itself is opened, and each is accounted for."""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import io
import json
import os
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hashmatch import hashers
from hashmatch.fingerprints.examiner import ExaminerHooks, FileState
from hashmatch.fingerprints.many_files import fingerprints
from hashmatch.fingerprints.one_file import fingerprint
from hashmatch.fingerprints.settings import ReferenceHashing
from hashmatch.isolation import Isolation, lock
from hashmatch.media import Limits
from hashmatch.media.files import FoundPath
from hashmatch.records import Digests, Fingerprint
from tests.support.film_files import film
from tests.support.still_files import ANIMATIONS, STILLS, saved, scene, still

#: Bytes that no worker has read before it is heard of.
LARGE = 256 << 20

linux = pytest.mark.skipif(sys.platform != "linux", reason="watches the file system as Linux does")


def of_paths(*paths: Path, isolation: Isolation = Isolation(workers=2), **more: Any) -> list[Fingerprint]:
    settings = ReferenceHashing(limits=more.pop("limits", Limits()))
    found = [FoundPath(os.fsencode(path)) for path in paths]
    done = {state.path: result for state, result in fingerprints(found, settings, isolation, ExaminerHooks(**more))}
    return [result for each in found if (result := done[each.path]) is not None]


def code(result: Fingerprint) -> str | None:
    return result.error.code if result.error else None


# Media that point elsewhere.


@contextlib.contextmanager
def opened(folder: Path) -> Iterator[list[str]]:
    """The names of files in a folder that any process opens meanwhile (inotify)."""
    libc = ctypes.CDLL(None, use_errno=True)
    watch = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
    assert libc.inotify_add_watch(watch, os.fsencode(folder), 0x20) >= 0  # IN_OPEN
    names: list[str] = []
    try:
        yield names
        data = b""
        with contextlib.suppress(BlockingIOError):
            data = os.read(watch, 1 << 16)
        while data:
            length = struct.unpack_from("iIII", data)[3]
            names.append(data[16 : 16 + length].rstrip(b"\0").decode())
            data = data[16 + length :]
    finally:
        os.close(watch)


def pointing_elsewhere(target: Path) -> dict[str, bytes]:
    """Media of every kind that name another file, some of them under a name that promises a plain picture or film."""
    name = str(target)
    concat = f"ffconcat version 1.0\nfile '{name}'\n".encode()
    playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{name}\n#EXT-X-ENDLIST\n".encode()
    dash = f'<?xml version="1.0"?><MPD><Period><BaseURL>{name}</BaseURL></Period></MPD>'.encode()
    eps = f"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n({name}) (r) file pop\nshowpage\n".encode()
    svg = f'<svg xmlns="http://www.w3.org/2000/svg"><image href="file://{name}"/></svg>'.encode()
    return {
        "ffconcat.mp4": concat,
        "ffconcat with a mark.mp4": b"\xef\xbb\xbf" + concat,
        "playlist.m3u8": playlist,
        "playlist.mp4": playlist,
        "playlist.ts": b"\n" + playlist,
        "list.pls": f"[playlist]\nFile1={name}\n".encode(),
        "dash.mp4": dash,
        "script.avs": f'DirectShowSource("{name}")'.encode(),
        "description.sdp": f"v=0\no=- 0 0 IN IP4 127.0.0.1\ns={name}\nm=video 9 RTP/AVP 96\n".encode(),
        "subtitles.sub": f"{name}\n".encode(),
        "images%03d.png": b"",
        "eps.jpg": eps,
        "eps.eps": b"\xc5\xd0\xd3\xc6" + struct.pack("<II", 32, len(eps)) + bytes(20) + eps,
        "svg.png": svg,
        "svg.svg": b'<?xml version="1.0"?>' + svg,
        "reference.mov": quicktime_reference(name),
        "long.mp4": concat + bytes(5000) + film("mp4"),
    }


def quicktime_reference(name: str) -> bytes:
    """A QuickTime film whose only content is the address of another."""
    url = f"file://{name}\0".encode()

    def atom(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I4s", 8 + len(content), kind) + content

    reference = atom(b"rdrf", struct.pack(">I4sI", 0, b"url ", len(url)) + url)
    return atom(b"ftyp", b"qt  \0\0\0\0qt  ") + atom(b"moov", atom(b"rmra", atom(b"rmda", reference)))


@linux
@pytest.mark.parametrize("steps", [lock.STEPS, ()], ids=["locked", "by the decoders' own settings"])
def test_nothing_but_the_file_itself_is_opened(tmp_path: Path, steps: tuple[str, ...]) -> None:
    elsewhere, folder = tmp_path / "elsewhere", tmp_path / "folder"
    elsewhere.mkdir()
    folder.mkdir()
    target = elsewhere / "canary.mp4"
    target.write_bytes(film("mp4"))
    for name, data in pointing_elsewhere(target).items():
        (folder / name).write_bytes(data)
    paths = sorted(folder.iterdir())
    with opened(elsewhere) as names:
        results = of_paths(*paths, isolation=Isolation(workers=2, steps=steps))
    assert names == []
    for path, result in zip(paths, results, strict=True):
        assert not result.hashes, path.name
        refused = path.suffix in (".sdp", ".sub", ".avs", ".svg", ".m3u8", ".pls", ".eps")
        assert code(result) in (
            ("unsupported-format", None) if refused else ("unsupported-format", "corrupt", "no-usable-frames")
        ), path.name
    with opened(elsewhere) as names:
        target.read_bytes()
    assert names == ["canary.mp4"], "or the test proves nothing"


@pytest.mark.parametrize(
    "name", ["ffconcat.mp4", "playlist.mp4", "eps.jpg", "svg.png", "list.pls", "eps.eps", "svg.svg"]
)
def test_refused_by_name(tmp_path: Path, name: str) -> None:
    """Not as damaged media, but as what it is."""
    result = fingerprint(io.BytesIO(pointing_elsewhere(tmp_path / "x")[name]), ReferenceHashing())
    assert code(result) == "unsupported-format"
    assert result.error is not None
    assert any(word in result.error.message for word in ("script", "playlist", "PostScript", "SVG"))


# What a death leaves.


def test_digests_are_kept_of_a_worker_that_died_before_it_told_them(tmp_path: Path) -> None:
    """Killed as soon as it has a large file to read, each time, and long before it has read it."""
    path = tmp_path / "large.mp4"
    made = film("mp4")
    path.write_bytes(made)
    os.truncate(path, LARGE)
    asked: list[Digests] = []

    def children() -> set[int]:
        return set(map(int, Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()))

    def kill_them(steps: tuple[str, ...]) -> None:
        for worker in children() - others:
            os.kill(worker, signal.SIGSEGV)

    def is_known(state: FileState, digests: Digests) -> bool:
        asked.append(digests)
        return False

    others = children()
    (result,) = of_paths(path, isolation=Isolation(workers=1), on_locked=kill_them, is_known=is_known)
    assert asked == []
    assert (code(result), result.size) == ("decoder-crash", LARGE)
    assert result.digests is not None
    assert result.digests.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_nothing_is_imported_once_the_door_is_locked(tmp_path: Path) -> None:
    """A missing import would look like a damaged file. All kinds, each in a worker that was made for it alone."""
    for name, (make, _media_type) in (STILLS | ANIMATIONS).items():
        path = tmp_path / name
        path.write_bytes(make())
        command = [sys.executable, "-m", "hashmatch", "hash", "--format", "json", str(path)]
        locked = subprocess.run(command, capture_output=True, check=False, timeout=60)
        assert locked.returncode == 0, (name, locked.stderr)
        (document,) = json.loads(locked.stdout)
        (expected,) = [fingerprint(io.BytesIO(path.read_bytes()), ReferenceHashing())]
        printed = [each.hex for each in expected.hashes if each.algorithm != hashers.DETAILS]
        assert [each["hash"] for each in document["hashes"]] == printed, name
        assert document["error"] is None


# Limits and levels.


@linux
def test_a_required_sandbox(tmp_path: Path) -> None:
    """On a kernel that says it has no Landlock, as older ones do: every command that examines files refuses."""
    path = tmp_path / "a.jpg"
    path.write_bytes(still("jpeg"))
    script = (
        "import sys\n"
        "from hashmatch.isolation import landlock\n"
        "from hashmatch.cli import run\n"
        "landlock.version = lambda: 0\n"
        "sys.exit(run(sys.argv[1:]))\n"
    )
    database = str(tmp_path / "set.db")
    for command in (["index", path], ["scan", path], ["hash", path], ["compare", path, path]):
        arguments = ["--db", database, *map(str, command)]
        plain = [sys.executable, "-c", script, *arguments]
        assert subprocess.run(plain, capture_output=True, check=False).returncode in (0, 1), command
        ran = subprocess.run([*plain, "--require-sandbox"], capture_output=True, check=False)
        assert ran.returncode == 2, command
        assert b"landlock" in ran.stderr and len(ran.stderr.splitlines()) == 1
        if lock.available() == lock.STEPS:
            here = [sys.executable, "-m", "hashmatch", *arguments, "--require-sandbox"]
            assert subprocess.run(here, capture_output=True, check=False).returncode in (0, 1), command
    log = [sys.executable, "-m", "hashmatch", "--db", database, "log"]
    assert b"limits" in subprocess.run(log, capture_output=True, check=False).stdout


def test_over_a_limit_is_never_clean(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(still("jpeg"))
    (tmp_path / "b.mp4").write_bytes(film("mp4"))
    (tmp_path / "c.tif").write_bytes(still("tiff-pages"))
    hashmatch = [sys.executable, "-m", "hashmatch", "--db", str(tmp_path / "set.db")]
    other = tmp_path / "other.png"
    other.write_bytes(saved(scene(77), "PNG"))
    assert subprocess.run([*hashmatch, "index", str(other)], capture_output=True, check=False).returncode == 0
    other.unlink()
    for options, expected in (
        (["--max-pixels", "1000"], {"a.jpg", "b.mp4", "c.tif"}),
        (["--max-file-size", "1k"], {"a.jpg", "b.mp4", "c.tif"}),
        (["--max-frames", "3"], {"b.mp4"}),
        ([], set()),
    ):
        names = [str(tmp_path / name) for name in ("a.jpg", "b.mp4", "c.tif")]
        ran = subprocess.run(
            [*hashmatch, "scan", "--format", "json", *options, *names], capture_output=True, check=False
        )
        document = json.loads(ran.stdout)
        failed = {
            Path(each["path"]).name: each["error"]["code"] for each in document["results"] if each["status"] == "failed"
        }
        assert failed == dict.fromkeys(expected, "too-large")
        assert document["summary"]["failed"] == len(expected)
        assert ran.returncode == (2 if expected else 0)


#: Runs a command, and says how large the largest of its processes was: this process may have had larger children before.
MEASURED = """
import resource, subprocess, sys
code = subprocess.run(sys.argv[1:]).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)
sys.exit(code)
"""


#: What becomes of some of the hostile files.
TOLD = {
    **dict.fromkeys(
        ("ffconcat.mp4", "ffconcat_loop.mp4", "hls.m3u8", "hls_as.mp4", "hls_http.mp4", "eps_gs.jpg"),
        "unsupported-format",
    ),
    "jpeg_2000_scans_16Mpx.jpg": "timeout",
    "png_60000x60000_header.png": "too-large",
}


@pytest.mark.timeout(900)
def test_the_corpus_in_one_run(corpus: Path, tmp_path: Path) -> None:
    """194 bombs, tricks and malformed files: no crash, no hang, each accounted for, within the memory limit, in time."""
    folder = corpus / "hostile"
    paths = [path for path in folder.rglob("*") if path.is_file()]
    before = {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in paths}
    start, limit = time.monotonic(), 2 << 30
    for command in ("index", "scan"):
        arguments = [
            "--db",
            str(tmp_path / "set.db"),
            command,
            str(folder),
            "--max-memory",
            str(limit),
            "--timeout",
            "10",
            "--format",
            "json",
        ]
        ran = subprocess.run(
            [sys.executable, "-c", MEASURED, sys.executable, "-m", "hashmatch", *arguments],
            capture_output=True,
            check=False,
            timeout=290,
        )
        # The largest that any of its processes has been; Linux counts in KiB.
        assert int(ran.stderr.split()[-1]) << 10 < limit + (300 << 20)
        document = json.loads(ran.stdout)
        summary = document["summary"]
        if command == "index":
            told = {Path(each["path"]).name: each["code"] for each in document["failures"]}
            assert {name: told.get(name) for name in TOLD} == TOLD
            parts = ("indexed", "unchanged", "duplicates", "failed", "skipped")
            assert sum(summary[name] for name in parts) == len(paths)
        assert b"Traceback" not in ran.stderr
        assert (ran.returncode, summary["files"]) == (1, len(paths))
        counts = {name: count for name, count in summary.items() if not isinstance(count, dict)}
        assert sum(count for name, count in counts.items() if name not in ("files", "seconds", "partial")) == len(paths)
    assert {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in paths} == before
    print(f"both runs: {time.monotonic() - start:.0f} s")

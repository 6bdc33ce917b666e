"""One machine and a cluster stand behind the same seam: whoever gives them an Examiner or a Searcher sees no difference.

That both have the types' methods is checked by mypy, in cli/shared/cluster.py; here is what these do.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

pytest.importorskip("distributed", reason="needs Dask: pip install hashmatch[cluster]")

from hashmatch.cluster.connection import joined
from hashmatch.cluster.examining import ClusterExaminer
from hashmatch.cluster.searching import ClusterSearcher
from hashmatch.cluster.sizes import Sizes
from hashmatch.fingerprints.examiner import ExaminedFile, Examiner, ExaminerHooks, FileState
from hashmatch.fingerprints.many_files import LocalExaminer
from hashmatch.fingerprints.one_file import ReadingHooks, fingerprint
from hashmatch.fingerprints.settings import QueryHashing, ReferenceHashing
from hashmatch.isolation import Isolation
from hashmatch.matching.results import Result
from hashmatch.media.files import FoundPath, walk
from hashmatch.records import Digests, Fingerprint, Glance
from hashmatch.search.searcher import LocalSearcher, Searcher
from hashmatch.store import Store, open_store
from hashmatch.workflows.scan import scan
from tests.support.dask_cluster import Dask
from tests.support.drawn_pictures import picture
from tests.support.file_parts import in_streams, motion_photo, song_with_cover
from tests.support.film_files import film
from tests.support.indexed_files import fixture_set
from tests.support.repository import FIXTURES
from tests.support.still_files import saved, scene

pytestmark = pytest.mark.timeout(300)

#: Makes what examines and what searches, for a reference set.
Seam = Callable[[Store], tuple[Examiner, Searcher]]


@pytest.fixture(params=["this machine", "a cluster"])
def seam(request: pytest.FixtureRequest, two_workers: Dask) -> Iterator[Seam]:
    isolation = Isolation(2)
    if request.param == "this machine":
        yield lambda store: (LocalExaminer(isolation), LocalSearcher(store))
        return
    with joined(two_workers.address) as cluster:
        yield lambda store: (
            ClusterExaminer(cluster, isolation, Sizes(store.connection)),
            ClusterSearcher(cluster, store),
        )


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(fixture_set(tmp_path)) as opened:
        yield opened


def test_a_scan_comes_to_the_same_results(seam: Seam, store: Store) -> None:
    def results(examiner: Examiner, searcher: Searcher) -> list[Result]:
        found = walk([os.fsencode(FIXTURES / "uploads")])
        return sorted(scan(store, found, examiner, searcher), key=lambda result: result.path)

    got = results(*seam(store))
    assert got == results(LocalExaminer(Isolation(1)), LocalSearcher(store))
    assert {"match", "allowed", "clean", "failed", "skipped"} == {result.status for result in got}


def test_all_parts_of_odd_files_are_examined(seam: Seam, store: Store, tmp_path: Path) -> None:
    """Also those that another worker must open, and what only a probe tells to be a film."""
    odd = {
        "motion.jpg": motion_photo(scene(1), film("mp4", seconds=2)),
        "streams.mkv": in_streams("matroska", [16, 16]),
        "song.mp3": song_with_cover(saved(scene(2), "JPEG")),
        "junk-first.ts": b"junk" * 30 + film("ts", seconds=2),
        "bad-name.mp4": b"no media" * 100,
    }
    folder = tmp_path / "odd"
    folder.mkdir()
    for name, data in odd.items():
        (folder / name).write_bytes(data)

    def examined(examiner: Examiner) -> dict[bytes, Fingerprint | None]:
        batches = examiner.examine(walk([os.fsencode(folder)]), QueryHashing())
        return {os.path.basename(file.state.path): file.fingerprint for batch in batches for file in batch}

    got = examined(seam(store)[0])
    assert got == examined(LocalExaminer(Isolation(1)))
    names = {name: tuple(part.name for part in found.parts) for name, found in got.items() if found}
    assert names == {
        b"motion.jpg": ("film1",),
        b"streams.mkv": ("stream2",),
        b"song.mp3": ("cover1",),
        b"junk-first.ts": (),
        b"bad-name.mp4": (),
    }
    junk_first, bad_name = got[b"junk-first.ts"], got[b"bad-name.mp4"]
    assert junk_first and junk_first.hashes and bad_name and bad_name.error


def test_what_the_client_is_asked_and_told(seam: Seam, store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    names = [b"film.mp4", b"known.jpg", b"new.jpg", b"text.txt", b"unchanged.jpg"]
    for name in (b"known.jpg", b"new.jpg", b"unchanged.jpg"):
        picture(folder / os.fsdecode(name), name)
    (folder / "film.mp4").write_bytes(film("mp4", seconds=5.5))
    (folder / "text.txt").write_bytes(b"no media")
    known = FIXTURES / "archive" / "towns" / "market.jpg"
    (folder / "known.jpg").write_bytes(known.read_bytes())  # in the reference set, of which a cluster is told
    log: list[tuple[str, bytes]] = []

    def noted(what: str, state: FileState) -> bytes:
        log.append((what, os.path.basename(state.path)))
        return log[-1][1]

    def is_known(state: FileState, digests: Digests) -> bool:
        return noted("known?", state) == b"known.jpg"

    def parts_to_decode(state: FileState, glance: Glance) -> tuple[tuple[float, float], ...]:
        noted("parts?", state)
        assert glance.hashes
        return ((0.0, 2.0),)

    hooks = ExaminerHooks(
        is_unchanged=lambda state: noted("unchanged?", state) == b"unchanged.jpg",
        is_known=is_known,
        parts_to_decode=parts_to_decode,
        on_locked=lambda steps: log.append(("locked", b"")),
        prepare=lambda: log.append(("prepare", b"")),
    )
    examiner, _searcher = seam(store)
    found = [FoundPath(os.fsencode(folder) + b"/" + name) for name in (*names, b"none.jpg")]
    batches = list(examiner.examine(found, QueryHashing(), hooks))
    done = {os.path.basename(file.state.path): file.fingerprint for batch in batches for file in batch}
    assert sum(map(len, batches)) == len(done) == len(found), "each file once"
    assert done[b"unchanged.jpg"] is None
    known_file, new, film_file, text, none = (
        done[name] for name in (b"known.jpg", b"new.jpg", b"film.mp4", b"text.txt", b"none.jpg")
    )
    assert known_file and new and film_file and text and none
    assert (known_file.known, known_file.hashes) == (True, ())
    assert (new.known, bool(new.hashes), new.kind) == (False, True, "image")
    with (folder / "film.mp4").open("rb") as file:
        whole = ReadingHooks(parts_to_decode=lambda glance: ((0.0, 2.0),))
        assert film_file == fingerprint(file, QueryHashing(), whole)
    assert (text.kind, text.error) == (None, None)
    assert none.error is not None and none.error.code == "not-found"
    assert [name for what, name in log if what == "unchanged?"] == names
    assert ("known?", b"known.jpg") in log and ("known?", b"unchanged.jpg") not in log
    assert [name for what, name in log if what == "parts?"] == [b"film.mp4"]
    assert log.count(("prepare", b"")) == 1
    assert ("locked", b"") in log


def test_names_are_answered_as_they_come(seam: Seam, store: Store, tmp_path: Path) -> None:
    names = [b"1.jpg", b"2.jpg", b"3.jpg"]
    for name in names:
        picture(tmp_path / os.fsdecode(name), name)
    sender, receiver = socket.socketpair()
    receiver.setblocking(False)

    def found() -> Iterator[FoundPath | None]:
        while True:
            try:
                name = receiver.recv(100)
            except BlockingIOError:
                yield None
                continue
            if not name:
                return
            yield FoundPath(os.fsencode(tmp_path) + b"/" + name)

    examiner, _searcher = seam(store)
    answered: list[bytes] = []
    with sender, receiver:
        sender.send(names[0])
        batches: Iterator[Sequence[ExaminedFile]] = examiner.examine(
            found(), ReferenceHashing(), input_descriptor=receiver.fileno()
        )
        for batch in batches:
            answered.extend(os.path.basename(file.state.path) for file in batch)
            if len(answered) < len(names):
                sender.send(names[len(answered)])
            else:
                sender.shutdown(socket.SHUT_WR)
    assert answered == names

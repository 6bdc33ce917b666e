"""What a scan keeps, and when; and what happens when it cannot."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import hashmatch
from hashmatch.errors import CommandError
from hashmatch.matching.results import Match, MatchedReference, Result, ScanSummary
from hashmatch.report import as_json
from hashmatch.store import Store, audit, open_store, verify
from hashmatch.workflows import record_scan
from hashmatch.workflows.record_scan import ScanRecorder, open_to_record
from tests.support.drawn_pictures import picture
from tests.support.made_references import ME, actions, add

LATER = 1e9


def result(path: bytes = b"/x", status: str = "match") -> Result:
    reference = MatchedReference(1, None, "image", ("label",), False, ())
    found = Match(reference, "near", 3, "pdq", "none", 100, None)
    return Result(path, status, tier="near", sha256="ab" * 32, matches=(found,))  # type: ignore[arg-type]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "reference.db", write=True) as opened:
        add(opened, "a")
        yield opened


def paths(store: Store) -> list[bytes]:
    return [path for (path,) in store.connection.execute("SELECT path FROM recorded_result ORDER BY id")]


def finished(store: Store) -> list[bool]:
    return [bool(done) for (done,) in store.connection.execute("SELECT finished IS NOT NULL FROM recorded_scan")]


def test_what_matched_or_was_allowed_is_kept(store: Store) -> None:
    with ScanRecorder(store, ME, {"profile": "fast"}) as recorder:
        for status in ("match", "allowed", "clean", "failed", "skipped"):
            recorder.add(result(b"/" + status.encode(), status))
        recorder.complete(ScanSummary(5, 1, 1, 1, 1, 1, 0.5))
    assert paths(store) == [b"/match", b"/allowed"]
    assert finished(store) == [True]
    assert actions(store)[-2:] == ["scan", "scanned"]
    tier, evidence = store.connection.execute("SELECT tier, evidence FROM recorded_match LIMIT 1").fetchone()
    assert tier == "near"
    assert json.loads(evidence) == json.loads(json.dumps(as_json.match(result().matches[0])))
    assert list(verify.check(store)) == []


def test_paths_are_absolute_and_exact(store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    with ScanRecorder(store, ME, {}) as recorder:
        recorder.add(result(b"a/../\xff\n"))
    assert paths(store) == [bytes(tmp_path) + b"/\xff\n"]


def test_results_are_written_in_batches(store: Store) -> None:
    with ScanRecorder(store, ME, {}, seconds=LATER) as recorder:
        for number in range(record_scan.BATCH + 2):
            recorder.add(result(b"/%d" % number))
        # The first at once, the next ones together, the last not yet.
        assert len(paths(store)) == record_scan.BATCH + 1
    assert len(paths(store)) == record_scan.BATCH + 2


def test_without_a_wait_each_is_written_before_it_is_told_of(store: Store) -> None:
    with ScanRecorder(store, ME, {}, seconds=0.0) as recorder:
        for number in range(5):
            recorder.add(result(b"/%d" % number))
            assert len(paths(store)) == number + 1


def test_an_interrupted_scan_keeps_what_it_had_and_is_not_finished(store: Store) -> None:
    with pytest.raises(KeyboardInterrupt), ScanRecorder(store, ME, {}, seconds=LATER) as recorder:
        recorder.add(result(b"/1"))
        recorder.add(result(b"/2"))
        raise KeyboardInterrupt
    assert paths(store) == [b"/1", b"/2"]
    assert finished(store) == [False]
    assert actions(store)[-1] == "scan"


def test_an_interruption_after_the_commit_doubles_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    committed = Store.transaction

    def interrupted_later(self: Store) -> object:
        import contextlib

        @contextlib.contextmanager
        def transaction() -> Iterator[object]:
            with committed(self) as connection:
                yield connection
            monkeypatch.undo()
            raise KeyboardInterrupt

        return transaction()

    with pytest.raises(KeyboardInterrupt), ScanRecorder(store, ME, {}) as recorder:
        monkeypatch.setattr(Store, "transaction", interrupted_later)
        recorder.add(result(b"/1"))
    assert paths(store) == [b"/1"]


def test_a_full_disk_ends_the_recording_and_not_the_scan(store: Store) -> None:
    told: list[str] = []
    recorder = ScanRecorder(store, ME, {}, told.append, seconds=0.0)
    (pages,) = store.connection.execute("PRAGMA page_count").fetchone()
    store.connection.execute(f"PRAGMA max_page_count = {pages + 8}")
    with pytest.raises(CommandError, match=r"not recorded to its end: .*the disk is full"), recorder:
        for number in range(1000):
            recorder.add(result(b"/%d" % number))
        recorder.complete(ScanSummary(1000, 1000, 0, 0, 0, 0, 0.5))
    assert len(told) == 1 and "not recorded any further" in told[0]
    assert 0 < len(paths(store)) < 1000
    assert finished(store) == [False]
    store.connection.execute("PRAGMA max_page_count = 1000000")
    assert list(verify.check(store)) == []


def test_a_scan_makes_no_database(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="no database"):
        open_to_record(tmp_path / "gone.db")
    assert not (tmp_path / "gone.db").exists()


def test_from_python(store: Store, tmp_path: Path) -> None:
    known = hashmatch.ReferenceSet(store.path, operator="somebody")
    pictures = [picture(tmp_path / f"{seed}.jpg", seed) for seed in "xy"]
    list(known.index(pictures[:1], workers=1))
    with known:
        plain = list(known.scan(pictures, workers=1))
        assert paths(store) == []
        results = known.scan(pictures, workers=1, record=True)
        first = next(results)
        assert (first.status, paths(store)) == ("match", [bytes(pictures[0])])
        assert [first, *results] == plain
    assert finished(store) == [True]
    assert [entry.operator for entry in audit.entries(store)][-1] == "somebody"

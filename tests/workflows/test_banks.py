"""`export --to-hma` and `import --from-hma`: the whole command against a server that answers as HMA does."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hashmatch.records import Hash
from hashmatch.store import curate, lookup, open_store, verify
from tests.support.hma_server import Hma, running
from tests.support.made_references import ME, add, pdq
from tests.support.repository import ROOT


@pytest.fixture
def hma() -> Iterator[Hma]:
    with running(Hma()) as server:
        yield server


@pytest.fixture
def known(tmp_path: Path) -> Path:
    """A reference set of four, the last one of which may not go out."""
    path = tmp_path / "known.db"
    with open_store(path, write=True) as store:
        for name in ("one", "two", "three"):
            add(store, name, collection="east", tlp="green")
        add(store, "secret", collection="east", tlp="red")
    return path


def run(db: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": str(ROOT), "HASHMATCH_DB": str(db)}
    command = [sys.executable, "-m", "hashmatch", *arguments]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=120)


def push(db: Path, hma: Hma) -> subprocess.CompletedProcess[str]:
    return run(db, "export", "--to-hma", hma.url, "--bank", "EAST")


def test_a_bank_follows_the_reference_set(hma: Hma, known: Path) -> None:
    first = push(known, hma)
    assert (first.returncode, "3 added" in first.stderr) == (1, True), first.stderr
    assert "1 left out: marked stricter than TLP:GREEN" in first.stderr
    assert hma.live("EAST") == sorted(pdq(name).hex for name in ("one", "two", "three"))
    assert "3 already there" in push(known, hma).stderr
    with open_store(known, write=True) as store, store.transaction() as connection:
        curate.retract(connection, ME, 2, "a mistake")
    assert "1 disabled" in push(known, hma).stderr
    assert hma.states() == {1: 1, 2: 0, 3: 1}
    with open_store(known, write=True) as store, store.transaction() as connection:
        curate.restore(connection, ME, 2)
    assert "1 enabled again" in push(known, hma).stderr
    assert hma.states() == {1: 1, 2: 1, 3: 1}
    with open_store(known) as store:
        assert list(verify.check(store)) == []


def test_what_others_took_out_there_is_disputed_here(hma: Hma, known: Path) -> None:
    push(known, hma)
    hma.contents[1]["until"] = 0
    del hma.contents[3]
    read = run(known, "import", "--from-hma", hma.url, "--bank", "EAST")
    assert read.returncode == 0, read.stderr
    assert "3 contents read" in read.stderr and "2 references" in read.stderr
    with open_store(known) as store:
        said = {each.id: each.opinions for each in lookup.references(store.connection)}
        assert all(reference.live for reference in lookup.references(store.connection))
    assert {number: [each.verdict for each in opinions] for number, opinions in said.items()} == {
        1: ["disputed"],
        2: [],
        3: ["disputed"],
        4: [],
    }
    assert said[1][0].source == f"HMA {hma.url} EAST"
    again = run(known, "import", "--from-hma", hma.url, "--bank", "EAST")
    assert "0 references" in again.stderr


def test_what_is_enabled_there_again_is_confirmed_here(hma: Hma, known: Path) -> None:
    push(known, hma)
    said = []
    for until in (0, 1, 0):
        hma.contents[1]["until"] = until
        read = run(known, "import", "--from-hma", hma.url, "--bank", "EAST")
        assert ("1 references newly disputed" in read.stderr, "1 confirmed" in read.stderr) == (until == 0, until == 1)
        with open_store(known) as store:
            (opinion,) = lookup.reference(store.connection, 1).opinions
            said.append(opinion.verdict)
            assert not lookup.reference(store.connection, 2).opinions
    assert said == ["disputed", "confirmed", "disputed"]


def test_of_a_bank_that_was_never_filled_from_here(hma: Hma, known: Path) -> None:
    read = run(known, "import", "--from-hma", hma.url, "--bank", "EAST")
    assert read.returncode == 2
    assert "HMA cannot list" in read.stderr


def test_films_are_told_of(hma: Hma, tmp_path: Path) -> None:
    from tests.support.made_references import measured

    path = tmp_path / "films.db"
    with open_store(path, write=True) as store:
        frames = tuple(Hash("pdq", pdq(n).bits, 90, n / 2) for n in range(3))
        add(store, measured("film", frames, "video"), tlp="green")
    done = push(path, hma)
    assert done.returncode == 1
    assert "1 left out: films without their frames" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["export", "--to-hma", "http://127.0.0.1:1"],
        ["export", "--bank", "EAST"],
        ["export", "--to-hma", "http://127.0.0.1:1", "--bank", "EAST", "-o", "x"],
        ["import", "--from-hma", "http://127.0.0.1:1"],
        ["import", "list", "--from-hma", "http://127.0.0.1:1", "--bank", "EAST"],
        ["import"],
        ["export", "--to-hma", "http://127.0.0.1:1", "--bank", "EAST"],
        ["export", "--to-hma", "http://127.0.0.1:1", "--bank", "east"],
        ["export", "--to-hma", "http://127.0.0.1:1", "--bank", "EAST", "--since", "2026-01-01"],
    ],
    ids=" ".join,
)
def test_what_cannot_be_is_said_in_one_line(known: Path, arguments: list[str]) -> None:
    done = run(known, *arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr and done.stderr.strip()

"""What a hasher declares: that it makes sense, costs nothing to read, and is what the others go by."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hashmatch import hashers
from hashmatch.exchange.entry_checks import check
from hashmatch.exchange.fields import LineError, perceptual_hash
from hashmatch.hashers import GUARDS, HASHERS, by_name, find, title_of
from hashmatch.hashers.base import Hasher, Picture, Quality, Threshold, Thresholds
from hashmatch.matching.table import comparable, is_good, rows_of
from hashmatch.records import Fingerprint, Hash, ListItem
from hashmatch.search.searcher import LocalSearcher
from hashmatch.store import open_store
from tests.support.made_references import add_entry, flip, pdq_bits

NEAR = Threshold.plain(near=20, possible=40, margin=8)


def never(picture: Picture) -> tuple[bytes, None]:
    raise AssertionError("nothing is hashed here")


MADE_UP = Hasher("made-up", "Made-Up", 256, 1, never, Thresholds(NEAR, NEAR))

Declare = Callable[..., Hasher]


@pytest.fixture
def declare(monkeypatch: pytest.MonkeyPatch) -> Iterator[Declare]:
    """Adds a hasher of 256 bits to those that there are."""

    def add(**changes: Any) -> Hasher:
        hasher = replace(MADE_UP, **changes)
        monkeypatch.setitem(HASHERS, hasher.name, "not imported")
        monkeypatch.setitem(hashers._loaded, hasher.name, hasher)
        return hasher

    yield add


@pytest.mark.parametrize("name", [*HASHERS, *GUARDS])
def test_each_is_registered_by_its_name(name: str) -> None:
    hasher = by_name(name)
    assert hasher.name == name and find(name) is hasher
    assert (hasher.width, hasher.digits) == (hasher.bits // 8, hasher.bits // 4)
    assert (hasher.thresholds is None) == (name in GUARDS), "it is stored beside others, and not searched"


def test_titles() -> None:
    assert [title_of(name) for name in ("pdq", "phash", "a stranger's")] == ["PDQ", "pHash", "a stranger's"]


def test_names_cost_nothing_and_declarations_little() -> None:
    """Start-up time: whoever names hashers in a help text needs no numpy, and whoever asks for a width no SciPy."""
    code = """if True:
        import sys
        from hashmatch import hashers
        heavy = {"numpy", "PIL", "imagehash", "scipy", "av", "cv2"}
        print(sorted(heavy & sys.modules.keys()))
        assert all(hashers.by_name(name).bits for name in (*hashers.HASHERS, *hashers.GUARDS))
        print(sorted(heavy & sys.modules.keys()))
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["[]", "['PIL', 'numpy']"]


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "Made Up"},
        {"name": ""},
        {"bits": 100},
        {"bits": 0},
        {"bits": 8192},
        {"bits": 64, "thresholds": Thresholds(NEAR, replace(NEAR, along=65))},
        {"thresholds": Thresholds(NEAR, replace(NEAR, near=-2))},
        {"thresholds": Thresholds(replace(NEAR, near=41), NEAR)},
        {"thresholds": Thresholds(NEAR, replace(NEAR, low_quality=19))},
        {"thresholds": Thresholds(NEAR, replace(NEAR, film=41))},
        {"thresholds": Thresholds(NEAR, replace(NEAR, turned=257))},
    ],
)
def test_a_declaration_that_contradicts_itself_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        replace(MADE_UP, **changes)


def test_its_own_quality_decides(declare: Declare) -> None:
    declare(quality=Quality(least=30, good=70))
    rows = rows_of([Hash("made-up", bytes(32), quality) for quality in (0, 29, 30, 69, 70, 100)])
    assert comparable(rows, "made-up").tolist() == [False, False, True, True, True, True]
    assert is_good(rows, "made-up").tolist() == [False, False, False, False, True, True]


@pytest.mark.parametrize(("usual", "expected"), [(None, [True] * 3), ((0.1, 0.3), [False, True, False])])
def test_the_number_of_ones_says_what_it_declares(
    declare: Declare, usual: tuple[float, float] | None, expected: list[bool]
) -> None:
    declare(usual_ones=usual)
    hashes = [Hash("made-up", np.packbits(np.arange(256) < ones).tobytes()) for ones in (10, 50, 128)]
    rows = rows_of(hashes)
    assert comparable(rows, "made-up").tolist() == is_good(rows, "made-up").tolist() == expected
    told = [check(ListItem(hashes=(each,))).remarks for each in hashes]
    text = "a Made-Up hash has unusually few or many ones: its picture is plain, or it is not a Made-Up hash"
    assert told == [() if each else (text,) for each in expected]


def test_lists_take_only_its_width(declare: Declare) -> None:
    record = {"algorithm": "made-up", "hash": "00" * 8}
    assert len(perceptual_hash(record).bits) == 8, "an algorithm that is not known"
    declare()
    with pytest.raises(LineError, match="must have 64 hexadecimal digits"):
        perceptual_hash(record)


def test_the_stronger_of_two_hashes_of_a_reference_decides(declare: Declare, tmp_path: Path) -> None:
    declare()
    known = pdq_bits("a")
    both = (Hash("pdq", known, 100), Hash("made-up", known))
    query = (Hash("pdq", flip(known, 40), 100), Hash("made-up", flip(known, 10)))
    with open_store(tmp_path / "x.db", write=True) as store:
        add_entry(store, ListItem(kind="image", hashes=both))
        assert LocalSearcher(store).algorithms == ("pdq",), "whatever has PDQ is found by it"
        add_entry(store, ListItem(kind="image", hashes=(Hash("made-up", pdq_bits("b")),)))
        searcher = LocalSearcher(store)
        assert searcher.algorithms == ("pdq", "made-up")
        [match] = searcher.matches(Fingerprint("image", 1, hashes=query))
        assert (match.tier, match.algorithm, match.distance) == ("near", "made-up", 10)
        [match] = searcher.matches(Fingerprint("image", 1, hashes=query[:1]))
        assert (match.tier, match.algorithm, match.distance) == ("possible", "pdq", 40)

"""Formats that are met seldom, examined as a scan does: in locked workers, which can load nothing later."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hashmatch.fingerprints import many_files
from hashmatch.fingerprints.settings import ReferenceHashing
from hashmatch.isolation import Isolation, lock
from hashmatch.media.files import walk
from hashmatch.records import Fingerprint
from tests.support.film_files import RARE_FILMS, encoder_or_skip, film
from tests.support.rare_stills import RARE_STILLS, RAW_KINDS, rare_still, raw
from tests.support.still_files import saved, scene

pytestmark = pytest.mark.skipif(lock.available() != lock.STEPS, reason="this system has no full sandbox")


def examined(folder: Path) -> dict[str, Fingerprint]:
    found = walk([os.fsencode(folder)])
    isolation = Isolation(workers=1, require_sandbox=True)
    results = many_files.fingerprints(found, ReferenceHashing(), isolation)
    return {Path(os.fsdecode(each.state.path)).name: each.fingerprint for each in results}


def test_stills(tmp_path: Path) -> None:
    made = []
    for name in RARE_STILLS:
        try:
            (tmp_path / name).write_bytes(rare_still(name))
        except pytest.skip.Exception:
            continue
        made.append(name)
    assert len(made) > 20
    for kind in RAW_KINDS:
        (tmp_path / f"raw-{kind}").write_bytes(raw(kind, saved(scene(), "JPEG")))
    results = examined(tmp_path)
    assert set(made) <= results.keys() and len(results) == len(made) + len(RAW_KINDS)
    failed = {name: each.error for name, each in results.items() if each.error is not None}
    assert failed == {} and all(each.hashes for each in results.values())


def test_films(tmp_path: Path) -> None:
    for name in RARE_FILMS:
        try:
            encoder_or_skip(name)
        except pytest.skip.Exception:
            continue
        (tmp_path / name).write_bytes(film(name, seconds=2))
    results = examined(tmp_path)
    assert {name: each.error for name, each in results.items() if each.error is not None} == {}
    assert all(len(each.hashes) >= 4 for each in results.values())

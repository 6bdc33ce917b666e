"""Films take no more memory than they may: none for frames that are over, and little for those on which others build."""

from __future__ import annotations

import gc
import sys
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from hashmatch.errors import MediaError
from hashmatch.fingerprints.many_files import fingerprints
from hashmatch.fingerprints.settings import QueryHashing, ReferenceHashing
from hashmatch.isolation import Isolation
from hashmatch.media.files import FoundPath
from hashmatch.media.limits import Limits
from hashmatch.media.opened import Frame
from hashmatch.media.sampling import EVERY_FRAME
from hashmatch.records import Fingerprint
from tests.support.film_files import FILMS, film, filmed, with_display_matrix
from tests.support.opened_media import opened_film


def living(width: int) -> int:
    """How many decoded frames of this width Python holds on to."""
    return sum(1 for each in gc.get_objects() if isinstance(each, av.VideoFrame) and each.width == width)


@pytest.mark.parametrize("exact", [False, True], ids=["small", "exact"])
@pytest.mark.parametrize("turned", [False, True], ids=["upright", "turned"])
def test_a_frame_is_let_go(exact: bool, turned: bool) -> None:
    """PyAV would hold on to each frame whose display matrix was asked for, until the garbage was collected."""
    data = with_display_matrix(film("mp4"), 0, 1, -1, 0) if turned else film("mp4")
    gc.collect()
    gc.disable()
    try:
        for number, frame in enumerate(opened_film(data, exact).frames(EVERY_FRAME)):
            assert frame.size == ((144, 176) if turned else (176, 144))
            if number > 10:
                assert living(176) <= 4
    finally:
        gc.enable()


@pytest.fixture(scope="module")
def many_references(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film of 2,560 × 1,600 with two key frames, in which each other frame may build on 16 others."""
    chance = np.random.default_rng(3)
    coarse = chance.integers(0, 255, (25, 40, 3), np.uint8)
    sheet = np.kron(coarse, np.ones((64, 64, 1), np.uint8))
    shown = (np.ascontiguousarray(np.roll(sheet, 48 * number, 1)) for number in range(40))
    options = {"preset": "ultrafast", "x264-params": "ref=16:bframes=0:keyint=20:scenecut=0:rc-lookahead=0:level=6.2"}
    path = tmp_path_factory.mktemp("films") / "many.mp4"
    path.write_bytes(filmed(shown, replace(FILMS["mp4"], size=(2560, 1600), options=options)))
    return path


def examined(path: Path, settings: ReferenceHashing | QueryHashing) -> Fingerprint:
    """In a worker, the memory of which is its own."""
    (done,) = fingerprints([FoundPath(bytes(path))], settings, Isolation(workers=1))
    assert done.fingerprint is not None
    return done.fingerprint


@pytest.mark.skipif(sys.platform != "linux", reason="memory is measured on Linux only")
def test_what_takes_too_much_is_examined_by_its_key_frames(many_references: Path) -> None:
    whole = examined(many_references, ReferenceHashing())
    assert whole.error is None
    few = Limits(film_memory=60 << 20)  # ten frames
    for settings in (
        ReferenceHashing(limits=few),
        QueryHashing(limits=few),
        QueryHashing(profile="thorough", limits=few),
    ):
        found = examined(many_references, settings)
        assert found.error is not None and found.error.code == "out-of-memory"
        assert found.error.detail.code == "key-frames-only"
        assert found.partial and found.digests == whole.digests
        assert any((each.time or 0) >= 2.0 for each in found.hashes), "the second key frame"


def test_the_limit_of_pixels_reaches_the_decoder() -> None:
    """A film that grows on the way, far beyond the limit: its large frames are never made."""
    data = film(replace(FILMS["h264"], size=(176, 144)), seconds=1) + film(
        replace(FILMS["h264"], size=(1920, 1440)), seconds=1
    )
    opened = opened_film(data, limits=Limits(max_pixels=200 * 200))
    seen: list[Frame] = []
    with pytest.raises(MediaError) as caught:
        seen.extend(opened.frames(EVERY_FRAME))
    assert caught.value.code == "too-large"
    assert seen and all(frame.size == (176, 144) for frame in seen)

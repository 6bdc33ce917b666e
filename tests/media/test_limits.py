"""What one file may cost: granted by its bytes and by what was really decoded, never by what it says."""

from __future__ import annotations

import io
import itertools
import time
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from hashmatch.errors import MediaError
from hashmatch.fingerprints.one_file import fingerprint
from hashmatch.fingerprints.settings import QueryHashing, ReferenceHashing
from hashmatch.media import limits as costs
from hashmatch.media.limits import Limits, Meter
from tests.support.film_files import film
from tests.support.still_files import scene

DAY = 24 * 3600


def test_a_lie_about_pixels_buys_what_the_size_allows() -> None:
    small = Limits().cpu_seconds(1400, 1 << 62)
    assert Limits().cpu_seconds(1400, 0) == pytest.approx(20, abs=0.01)
    assert small < 21, "a GIF of 1,400 bytes"
    assert Limits().cpu_seconds(500_000, 1 << 62) < 130
    assert Limits().cpu_seconds(256 << 30, 1 << 62) <= DAY + (256 << 30) / costs.SLOWEST_DIGEST


def test_time_is_granted_for_what_was_decoded() -> None:
    """As for an hour of a slide show of 1080p, which has few bytes; and for films of 12 hours, and of 8K."""
    frame = 1920 * 1080
    slides = Limits().cpu_seconds(20 << 20, 3600 * 30 * frame)
    assert slides > 5 * 3600 * 30 * 0.003, "five times what it takes here"
    assert Limits().cpu_seconds(8 << 30, 12 * 3600 * 25 * frame) > 12 * 3600 * 25 * 0.02
    assert Limits().cpu_seconds(8 << 30, 3600 * 30 * 7680 * 4320) > 3600 * 30 * 0.5
    few, many = (Limits().cpu_seconds(8 << 30, number * frame) for number in (1000, 2000))
    assert few < many


def test_a_larger_limit_grants_more_of_all() -> None:
    once, twice = Limits(), Limits(max_seconds=40)
    assert twice.cpu_seconds(10_000_000, 1 << 40) == pytest.approx(2 * once.cpu_seconds(10_000_000, 1 << 40), rel=0.01)


def test_a_meter_adds_up_and_tells() -> None:
    told: list[tuple[float, int]] = []
    meter = Meter(Limits(), 1 << 30, lambda position, pixels: told.append((position, pixels)))
    meter.beat(0.0, 0)
    meter.beat(0.5, 1_000_000)
    meter.beat(1.0, 100)
    assert told == [(0.0, 0), (0.5, 1_000_000), (1.0, 1_000_000 + costs.LEAST_FRAME)]


def test_a_meter_ends_what_costs_too_much() -> None:
    meter = Meter(Limits(max_seconds=0.05), 100, lambda position, pixels: None)
    start = time.thread_time()
    with pytest.raises(MediaError) as caught:
        for number in itertools.count():
            meter.beat(number / 1000, 1000)
    assert caught.value.code == "timeout"
    assert 0.05 <= time.thread_time() - start < 0.5


def test_a_film_that_costs_too_much_keeps_what_was_compared() -> None:
    data, few = film("mp4", seconds=40), Limits(max_seconds=0.05)
    for settings in (ReferenceHashing(), QueryHashing(profile="thorough")):
        whole = fingerprint(io.BytesIO(data), settings)
        cut = fingerprint(io.BytesIO(data), replace(settings, limits=few))
        assert whole.error is None
        assert cut.error is not None and cut.error.code == "timeout"
        assert cut.digests == whole.digests
        assert len(cut.hashes) < len(whole.hashes)
        assert cut.partial or not cut.hashes


def test_an_animation_that_costs_too_much_is_a_limit() -> None:
    """A GIF of few bytes with many large frames."""
    pictures = [Image.fromarray(np.full((3000, 3000), number, np.uint8)) for number in (0, 255)] * 10
    out = io.BytesIO()
    pictures[0].save(out, "GIF", save_all=True, append_images=pictures[1:], duration=100)
    data = out.getvalue()
    assert len(data) < 1_000_000
    found = fingerprint(io.BytesIO(data), QueryHashing(limits=Limits(max_seconds=0.3)))
    assert found.error is not None and found.error.code == "timeout"


def test_an_animation_has_a_smaller_canvas() -> None:
    """Because it is held several times over."""
    frames = [scene(number, 240, 180) for number in (1, 2)]
    out = io.BytesIO()
    frames[0].save(out, "WEBP", save_all=True, append_images=frames[1:])
    for most, code in ((4 * 240 * 180, None), (4 * 240 * 180 - 4, "too-large")):
        found = fingerprint(io.BytesIO(out.getvalue()), QueryHashing(limits=Limits(max_pixels=most)))
        assert (found.error and found.error.code) == code

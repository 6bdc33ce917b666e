"""vPDQ's rule gives the shares that its description gives, and those that its authors published."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashmatch.matching.vpdq import RULES, VpdqMatch, VpdqRule, match

UInt8 = npt.NDArray[np.uint8]
Frames = list[tuple[int, int]]
#: Of the C++ tools that made the figures in Meta's README.
CPP = VpdqRule(0.0, 0.0, distance=30, unique=False)


def arrays(frames: Frames) -> tuple[UInt8, UInt8]:
    bits = b"".join(value.to_bytes(32, "big") for value, _quality in frames)
    return np.frombuffer(bits, np.uint8).reshape(-1, 32), np.array([quality for _value, quality in frames], np.uint8)


def matched(query: Frames, compared: Frames, rule: VpdqRule) -> VpdqMatch:
    return match(*arrays(query), *arrays(compared), rule)


def plainly(query: Frames, compared: Frames, rule: VpdqRule) -> tuple[bool, float, float]:
    """The rule as vpdq/README.md describes it."""

    def counted(frames: Frames) -> list[int]:
        kept: list[int] = []
        seen: set[int] = set()
        for value, quality in frames:
            if quality >= rule.quality and not (rule.unique and value in seen):
                kept.append(value)
            seen.add(value)
        return kept

    def percent(these: list[int], those: list[int]) -> float:
        matching = [one for one in these if any((one ^ other).bit_count() <= rule.distance for other in those)]
        return 100 * len(matching) / len(these)

    ours, theirs = counted(query), counted(compared)
    if not ours or not theirs:
        return False, 0.0, 0.0
    shares = percent(ours, theirs), percent(theirs, ours)
    return shares[0] >= rule.query_percent and shares[1] >= rule.compared_percent, *shares


# Few pictures, moved by few bits, so that frames are equal, near, at the limit and beyond it.
FRAMES = st.lists(
    st.tuples(
        st.builds(
            lambda picture, bits: (picture * int("5" * 64, 16)) ^ ((1 << bits) - 1),
            st.integers(0, 3),
            st.sampled_from((0, 1, 15, 16, 30, 31, 32)),
        ),
        st.sampled_from((0, 49, 50, 100)),
    ),
    max_size=12,
)


@given(FRAMES, FRAMES, st.sampled_from([*RULES.values(), CPP, VpdqRule(50.0, 50.0, 16, 0)]))
def test_is_what_the_description_says(query: Frames, compared: Frames, rule: VpdqRule) -> None:
    got = matched(query, compared, rule)
    expected, *shares = plainly(query, compared, rule)
    assert got.is_match == expected
    assert [got.query_percent, got.compared_percent] == pytest.approx(shares, abs=0.006)


#: Eight frames, of which any two differ.
FILM: Frames = [
    (int("5" * 64, 16) ^ (((1 << 64) - 1) << 64 * (n % 4)) ^ ((1 << 40) - 1) << 40 * (n % 5), 100) for n in range(8)
]


class TestPresets:
    def test_a_clip_out_of_a_known_film(self) -> None:
        clip, film = FILM[:2], FILM
        readme, python = (matched(clip, film, RULES[name]) for name in ("vpdq-readme", "vpdq-python"))
        assert not readme.is_match and python.is_match
        assert readme.query_percent == python.query_percent == 100
        assert readme.compared_percent == python.compared_percent < 80

    def test_a_known_clip_in_a_long_upload(self) -> None:
        long, clip = FILM, FILM[:2]
        assert matched(long, clip, RULES["vpdq-readme"]).is_match
        assert not matched(long, clip, RULES["vpdq-python"]).is_match

    def test_nothing_matches_a_film_without_detail(self) -> None:
        dark = [(value, 49) for value, _quality in FILM]
        for rule in RULES.values():
            assert matched(dark, FILM, rule) == VpdqMatch(False, 0.0, 0.0, 0, 8)
            assert matched([], [], rule) == VpdqMatch(False, 0.0, 0.0, 0, 0)


class TestPublished:
    """On the hashes that Meta publishes of its sample films."""

    @staticmethod
    def read(folder: Path, name: str) -> tuple[UInt8, UInt8]:
        lines = (folder / "vpdq" / "hashes" / f"{name}.txt").read_text().split()
        cells = [line.split(",") for line in lines]
        return arrays([(int(hex_, 16), int(quality)) for _number, quality, hex_, _seconds in cells])

    def test_the_share_that_its_authors_printed(self, corpus: Path) -> None:
        # vpdq/README.md prints 10.55 % of the query. (The other figures there are of older hashes, and of a version that
        # counted in one direction only.)
        query, target = self.read(corpus, "chair-22-with-large-logo-bar"), self.read(corpus, "chair-19-sd-bar")
        assert match(*query, *target, CPP).query_percent == 10.55

    def test_copies_of_one_film_match_and_others_do_not(self, corpus: Path) -> None:
        chair, sepia = self.read(corpus, "chair-orig-22-sd-bar"), self.read(corpus, "chair-22-sd-sepia-bar")
        pattern = self.read(corpus, "pattern-hd-no-bar")
        for rule in RULES.values():
            assert match(*sepia, *chair, rule).is_match
            other = match(*pattern, *chair, rule)
            assert (other.is_match, other.query_percent, other.compared_percent) == (False, 0.0, 0.0)

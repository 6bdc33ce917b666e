"""Hashes as arrays: which are worth comparing, who owns them, and what a search finds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hashmatch.matching.table import (
    HashTable,
    comparable,
    is_good,
    is_part,
    is_trimmed,
    join_rows,
    rows_of,
    stands,
)
from hashmatch.matching.tiers import thresholds
from hashmatch.records import Hash
from hashmatch.views import ViewName
from tests.support.made_hashes import film, still, table_of
from tests.support.made_references import flip, pdq_bits


def with_ones(count: int) -> bytes:
    return ((1 << count) - 1).to_bytes(32, "big")


class TestRows:
    def test_hashes_become_arrays(self) -> None:
        rows = rows_of([Hash("pdq", pdq_bits(1), 7, 1.5), Hash("pdq", pdq_bits(2))], owner=9)
        assert rows.owner.tolist() == [9, 9]
        assert [row.tobytes() for row in rows.bits] == [pdq_bits(1), pdq_bits(2)]
        assert rows.quality.tolist() == [7, 255]
        assert rows.time[0] == 1.5 and np.isnan(rows.time[1])
        assert rows.view.tolist() == [0, 0]

    def test_none(self) -> None:
        assert len(rows_of([])) == 0
        assert len(join_rows([])) == 0
        assert len(table_of({})) == 0

    def test_several_are_joined_in_order(self) -> None:
        parts = [rows_of([still(1)], 5), rows_of([]), rows_of([still(2), still(3)], 4)]
        assert join_rows(parts).owner.tolist() == [5, 4, 4]


class TestViews:
    def test_kinds_of_many(self) -> None:
        names = ["full", "trim1", "page2", "part1", "wide1", "cut1", "somebody's", "trim8191"]
        rows = rows_of([still(1, view=name) for name in names])
        assert [str(ViewName.unpack(packed)) for packed in rows.view.tolist()] == [*names[:6], "other", "trim8191"]
        assert is_trimmed(rows.view).tolist() == [False, True, False, True, False, False, False, True]
        assert is_part(rows.view).tolist() == [False, False, False, True, False, False, False, False]


class TestQuality:
    @pytest.mark.parametrize(
        ("quality", "compared", "good"),
        [
            (0, False, False),
            (9, False, False),
            (10, True, False),
            (49, True, False),
            (50, True, True),
            (100, True, True),
        ],
    )
    def test_a_stated_one_decides(self, quality: int, compared: bool, good: bool) -> None:
        for bits in (pdq_bits(1), bytes(32)):  # whatever the bits look like
            rows = rows_of([Hash("pdq", bits, quality)])
            assert (comparable(rows, "pdq").tolist(), is_good(rows, "pdq").tolist()) == ([compared], [good])

    @pytest.mark.parametrize(
        ("ones", "good"),
        [(0, False), (60, False), (102, False), (103, True), (128, True), (153, True), (154, False), (256, False)],
    )
    def test_an_unknown_one_is_judged_by_the_number_of_ones(self, ones: int, good: bool) -> None:
        rows = rows_of([Hash("pdq", with_ones(ones))])
        assert (comparable(rows, "pdq").tolist(), is_good(rows, "pdq").tolist()) == ([good], [good])

    def test_of_64_bits_the_number_of_ones_says_nothing(self) -> None:
        rows = rows_of([Hash("dhash", bytes(8)), Hash("dhash", b"\xff" * 8), Hash("dhash", bytes(7) + b"\1")])
        assert comparable(rows, "dhash").all() and is_good(rows, "dhash").all()


class TestStands:
    @pytest.mark.parametrize(
        ("times", "seconds"),
        [
            ([], []),
            ([7.0], [1]),
            ([0.0, 1.0, 2.0], [1, 1, 1]),
            ([0.0, 0.25, 0.5], [0.25, 0.25, 0.25]),
            ([0.0, 0.25, 1.0, 9.0], [0.25, 0.75, 5, 1]),
            ([0.0, 5.0, 10.0], [5, 5, 1]),
            ([3.0, 3.0], [0, 0]),
        ],
        ids=str,
    )
    def test_of_each_frame(self, times: list[float], seconds: list[float]) -> None:
        assert stands(np.array(times, np.float64), 5.0).tolist() == seconds


class TestTable:
    def test_rows_of_an_owner_lie_together(self) -> None:
        order = [(30, 1), (10, 2), (30, 3), (20, 4), (10, 5)]
        table = HashTable("pdq", thresholds()["pdq"], join_rows(rows_of([still(seed)], owner) for owner, seed in order))
        for owner in (10, 20, 30):
            own = table.of_owner(owner)
            assert set(table.rows.owner[own].tolist()) == {owner}
            expected = [pdq_bits(seed) for each, seed in order if each == owner]
            assert [row.tobytes() for row in table.bits_of(own)] == expected
        assert table.of_owner(15).start == table.of_owner(15).stop

    def test_what_says_nothing_is_left_out(self) -> None:
        table = table_of({1: [still(1, quality=9)], 2: [still(2)], 3: [Hash("pdq", bytes(32))]})
        assert table.rows.owner.tolist() == [2]

    @given(
        st.lists(
            st.tuples(st.integers(1, 4), st.integers(0, 3), st.integers(0, 70), st.integers(0, 10)),
            min_size=1,
            max_size=12,
        ),
        st.lists(st.tuples(st.integers(0, 3), st.integers(0, 70), st.integers(0, 10)), min_size=1, max_size=6),
        st.integers(0, 100),
    )
    def test_search_finds_what_comparing_all_finds(
        self,
        references: list[tuple[int, int, int, int]],
        queries: list[tuple[int, int, int]],
        possible: int,
    ) -> None:
        def made(seed: int, distance: int, quality: int) -> Hash:
            return still(seed, distance, None if quality == 0 else quality * 10 - 1)

        table = table_of({owner: [made(*rest) for each, *rest in references if each == owner] for owner in range(1, 5)})
        assume(len(table))
        hits = table.search(rows_of([made(*query) for query in queries]), possible)
        found = {
            (int(q), int(table.rows.owner[r]), table.bits_of(np.array([r])).tobytes(), int(d), bool(g))
            for q, r, d, g in zip(hits.query, hits.reference, hits.distance, hits.good, strict=True)
        }
        expected = set()
        for number, query in enumerate(queries):
            for owner, *reference in references:
                one, other = made(*query), made(*reference)
                if other.quality is not None and other.quality < 10:
                    continue
                distance = (int.from_bytes(one.bits, "big") ^ int.from_bytes(other.bits, "big")).bit_count()
                good = all(each.quality is None or each.quality >= 50 for each in (one, other))
                if distance <= (possible if good else table.threshold.low_quality):
                    expected.add((number, owner, other.bits, distance, good))
        assert found == expected
        assert table.rows.owner[hits.reference].tolist() == sorted(table.rows.owner[hits.reference].tolist())

    def test_times_go_with_their_hashes(self) -> None:
        table = table_of({2: film("abc", start=5), 1: film("xy")})
        assert table.rows.time.tolist() == [0, 1, 5, 6, 7]
        hits = table.search(rows_of([Hash("pdq", flip(pdq_bits("b"), 3), 100)]), 31)
        assert (table.rows.time[hits.reference].tolist(), hits.distance.tolist()) == ([6], [3])

    def test_views_go_with_their_hashes(self) -> None:
        table = table_of({2: [still("a"), still("b", view="trim1")], 1: [still("c", view="page2")]})
        hits = table.search(rows_of([still("b", 3)]), 31)
        assert [str(ViewName.unpack(each)) for each in table.rows.view[hits.reference].tolist()] == ["trim1"]

    def test_a_hash_that_is_too_common_counts_as_one_of_low_quality(self) -> None:
        owners = {1: still("card"), 2: still("a"), 3: still("card"), 4: still("card", 1)}
        rows = join_rows(rows_of([each], owner) for owner, each in owners.items())
        table = HashTable("pdq", thresholds()["pdq"], rows, common=[pdq_bits("card"), pdq_bits("gone")])
        assert [table.is_common(row) for row in range(4)] == [True, False, True, False]
        limit = table.threshold.low_quality
        for distance, common in ((0, [1, 3]), (limit, [1, 3]), (limit + 1, [])):
            hits = table.search(rows_of([still("card", distance)]), limit + 10)
            good = dict(zip(table.rows.owner[hits.reference].tolist(), hits.good.tolist(), strict=True))
            assert good == {**dict.fromkeys(common, False), 4: True}
        assert table.search(rows_of([still("a")]), limit).good.tolist() == [True]


@pytest.mark.slow
def test_static_scenes_are_bounded() -> None:
    # An hour against an hour of the same picture: 13 million pairs, of which each frame keeps some, those at its time.
    hour = [Hash("pdq", pdq_bits("card"), 100, float(second)) for second in range(3600)]
    hits = table_of({1: hour}).search(rows_of(hour), 31)
    each = np.bincount(hits.query)
    assert len(each) == 3600 and each.min() == each.max() < 200
    assert set(range(3600)) == set(hits.query[hits.query == hits.reference].tolist())

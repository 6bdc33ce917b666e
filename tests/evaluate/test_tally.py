"""What counts as found, as wrong, and as neither."""

from __future__ import annotations

from hashmatch.evaluate.copies import EditedCopy
from hashmatch.evaluate.edits import EDITS
from hashmatch.evaluate.tally import Tally
from hashmatch.evaluate.temporary_set import Original
from hashmatch.matching.results import Match, Result
from tests.support.made_hashes import match
from tests.support.made_references import flip, pdq_bits

TWO = EDITS[:2]


def originals(*qualities: int) -> list[Original]:
    return [Original(b"%d.jpg" % n, 10 + n, pdq_bits(n), quality) for n, quality in enumerate(qualities)]


def tally_of(*qualities: int, alike: dict[int, set[int]] | None = None) -> Tally:
    return Tally(originals(*qualities), TWO, [(alike or {}).get(place, set()) for place in range(len(qualities))])


def copy(original: int, distance: int = 0, quality: int = 100, edit: int = 0) -> EditedCopy:
    return EditedCopy(b"copy", original, edit, flip(pdq_bits(original), distance), quality)


def result(*matches: Match) -> Result:
    return Result(b"copy", "match" if matches else "clean", matches=matches)


def test_near_possible_and_missed() -> None:
    tally = tally_of(100, 100)
    tally.add(copy(0, 3), result(match("near", 3, reference_id=10)))
    tally.add(copy(0, 40), result(match("possible", 40, reference_id=10)))
    tally.add(copy(1, 31), result(match("exact", 0, reference_id=11)))
    tally.add(copy(1, 200), result())
    tally.add(copy(1, 0, edit=1), result())
    first, second = tally.edits()
    recall = first.recall
    assert (recall.copies, recall.near, recall.found, recall.plain) == (4, 2, 3, 2)
    assert (recall.good, recall.good_near, recall.good_found) == (4, 2, 3)
    assert (second.recall.copies, second.recall.found, second.recall.plain) == (1, 0, 1)
    assert first.found_by == {"pdq, none": 2, "sha256, none": 1}
    assert first.median_distance == 35.5
    assert tally.wrong().pairs == 5


def test_low_quality_is_counted_apart() -> None:
    tally = tally_of(100, 20)
    tally.add(copy(0, 3, quality=49), result(match("possible", 3, reference_id=10)))
    tally.add(copy(1, 3), result(match("possible", 3, reference_id=11)))
    tally.add(copy(0, 3), result(match("near", 3, reference_id=10)))
    recall = tally.edits()[0].recall
    assert (recall.copies, recall.found, recall.good, recall.good_found, recall.plain) == (3, 3, 1, 1, 1)


def test_wrong_and_alike() -> None:
    tally = tally_of(100, 100, 100, alike={0: {2}, 2: {0}})
    tally.add(
        copy(0, 3),
        result(
            match("near", 3, reference_id=10),
            match("possible", 50, reference_id=11),
            match("near", 9, reference_id=12),
            match("near", 9, reference_id=99),
        ),
    )
    wrong, aside = tally.wrong(), tally.aside()
    assert (wrong.pairs, wrong.near, wrong.possible) == (1, 0, 1)
    assert (aside.pairs, aside.near, aside.possible) == (1, 1, 0)
    (shown,) = tally.wrong_matches
    assert (shown.original, shown.edit, shown.matched, shown.tier) == (b"0.jpg", TWO[0].name, b"1.jpg", "possible")
    assert tally.edits()[0].recall.found == 1


def test_plain_pdq_counts_wrong_pairs_by_distance() -> None:
    tally = tally_of(100, 100, 10)
    # A copy of the first that looks like the second, and would look like the third if that had anything to it.
    tally.add(EditedCopy(b"copy", 0, 0, flip(pdq_bits(1), 20), 100), result())
    tally.add(EditedCopy(b"copy", 0, 0, pdq_bits(2), 100), result())
    at = {each.distance: each for each in tally.distances()}
    assert (at[10].wrong, at[20].wrong, at[31].wrong, at[70].wrong) == (0, 1, 1, 1)
    assert at[70].recall == 0
    assert tally.wrong().plain == 1


def test_what_could_not_be_examined_is_not_found() -> None:
    tally = tally_of(100)
    tally.add(copy(0), Result(b"copy", "failed"))
    recall = tally.edits()[0].recall
    assert (recall.copies, recall.failed, recall.found) == (1, 1, 0)

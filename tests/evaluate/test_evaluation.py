"""An evaluation from beginning to end, on pictures made for it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from hashmatch.errors import CommandError, MediaError
from hashmatch.evaluate.edits import matching
from hashmatch.evaluate.evaluation import evaluate, steps
from hashmatch.evaluate.look_alikes.kinds import CARDS, KINDS
from hashmatch.evaluate.originals import choose
from hashmatch.evaluate.scores import Evaluation
from hashmatch.isolation import Isolation
from hashmatch.media.files import walk
from tests.support.photo_like_pictures import folder_of, picture

EDITS = (*matching("jpeg-75"), *matching("resize-50"), *matching("png"), *matching("phone-chat-dark"))

Evaluate = Callable[..., Evaluation]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Evaluate:
    """Evaluates the pictures in a folder, and sees to it that nothing is left behind."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))

    def call(folder: Path, workers: int = 1, templates: int = 0, **options: object) -> Evaluation:
        paths = choose(walk([bytes(folder)]), 100, 0, lambda path, why: None)
        options = {"edits": EDITS, **options}
        try:
            return evaluate(paths, templates=templates, isolation=Isolation(workers), **options)  # type: ignore[arg-type]
        finally:
            assert list(scratch.iterdir()) == []

    return call


def test_slight_copies_are_found_and_nothing_else(run: Evaluate, tmp_path: Path) -> None:
    steps_done: list[None] = []
    folder = folder_of(tmp_path / "own", 5, (640, 480))
    done = run(folder, advance=lambda: steps_done.append(None), templates=1)
    assert len(steps_done) == steps(5, EDITS, 1)
    by_name = {each.edit: each for each in done.edits}
    assert list(by_name) == [edit.name for edit in EDITS]
    for name in ("jpeg-75", "resize-50", "png"):
        recall = by_name[name].recall
        assert (recall.copies, recall.near, recall.found, recall.plain, recall.failed) == (5, 5, 5, 5, 0), name
        assert by_name[name].median_distance is not None
    assert by_name["phone-chat-dark"].recall.plain == 0, "which is why plain PDQ is not enough"
    assert (done.pictures, done.duplicates, done.alike) == (5, 0, ())
    assert (done.wrong.pairs, done.wrong.near, done.wrong.plain) == (5 * len(EDITS) * 4, 0, 0)
    assert done.distances[-1].recall >= 0.75
    assert [kind.kind for kind in done.look_alikes] == [kind.name for kind in KINDS]
    cards = done.look_alikes[0]
    assert (cards.recall.copies, cards.recall.found) == (6, 6)
    assert cards.same.pairs == 6 * 5
    apart = 6 * (6 * (len(KINDS) - 1) + 5)
    assert (cards.others.pairs, cards.others.near) == (apart, 0), "cards, look-alikes of other kinds, and pictures"


def test_originals_are_found_by_the_hash_that_they_have(run: Evaluate, tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "own", 3, (320, 240))
    done = run(folder, edits=matching("jpeg-75"), hashes=("phash",), profile="fast")
    (edit,) = done.edits
    assert done.hashes == ("phash",)
    assert (edit.recall.copies, edit.recall.near, edit.recall.found, edit.recall.plain) == (3, 0, 3, 3)
    assert edit.found_by == {"phash, none": 3}


def test_same_bytes_and_copies_among_the_originals_are_set_aside(run: Evaluate, tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "own", 3, (320, 240))
    shutil.copy(folder / "0.png", folder / "same bytes.png")
    picture(1, (320, 240)).save(folder / "1 anew.jpg", quality=60)
    done = run(folder, edits=matching("jpeg-50"))
    assert (done.pictures, done.duplicates) == (4, 1)
    (alike,) = done.alike
    assert {Path(path.decode()).name for path in (alike.a, alike.b)} == {"1.png", "1 anew.jpg"}
    assert alike.tier == "near"
    assert (done.wrong.pairs, done.wrong.near, done.wrong.possible) == (4 * 3 - 2, 0, 0)
    assert done.edits[0].recall.near == 4


def test_a_template_with_two_texts_is_no_pair_of_unrelated_pictures(run: Evaluate, tmp_path: Path) -> None:
    done = run(folder_of(tmp_path / "own", 1), templates=2, kinds=(CARDS,), edits=matching("png"))
    (cards,) = done.look_alikes
    assert (cards.kind, cards.layouts, cards.texts) == ("card", 2, 6)
    assert (cards.same.pairs, cards.others.pairs) == (12 * 5, 12 * 7)
    assert cards.same.near + cards.same.possible > 0, "layouts are alike"


def test_one_card_of_each_layout_is_shown_and_cut(run: Evaluate, tmp_path: Path) -> None:
    edits = (*matching("png"), *matching("card-keep-70"), *matching("card-post-channel-light"))
    count: list[None] = []
    done = run(
        folder_of(tmp_path / "own", 1), templates=2, edits=edits, kinds=KINDS[:2], advance=lambda: count.append(None)
    )
    assert len(count) == steps(1, edits, 2, KINDS[:2])
    assert [(each.edit, each.recall.copies) for each in done.edits] == [
        ("png", 1),
        ("card-keep-70", 2),
        ("card-post-channel-light", 2),
    ]
    shown = done.look_alikes[1]
    assert [kind.kind for kind in done.look_alikes] == ["card", "card-shown", "one-word"]
    assert (shown.layouts, shown.recall.copies, shown.recall.found) == (
        2,
        4,
        sum(e.recall.found for e in done.edits[1:]),
    )
    assert (shown.same.pairs, shown.others.pairs) == (4 * 5, 4 * (6 + 12 + 1))


@pytest.mark.parametrize("workers", [2, 3])
def test_the_number_of_workers_changes_nothing(run: Evaluate, tmp_path: Path, workers: int) -> None:
    folder = folder_of(tmp_path / "own", 4)
    edits = (*matching("crop-random-10"), *matching("noise-8"))
    assert run(folder, workers, edits=edits) == run(folder, 1, edits=edits)


def test_seeds_draw_other_copies(run: Evaluate, tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "own", 4)
    edits = matching("crop-random-30")
    first, again, other = (run(folder, edits=edits, seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert first != replace(other, seed=1)


def test_what_is_of_no_use_is_told_and_left_out(run: Evaluate, tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "own", 2)
    frames = [picture(seed) for seed in range(3)]
    frames[0].save(folder / "moving.gif", save_all=True, append_images=frames[1:])
    data = (folder / "1.png").read_bytes()
    (folder / "1.png").write_bytes(data[: len(data) // 2])
    told: dict[str, str] = {}

    def refuse(path: bytes, why: MediaError) -> None:
        told[Path(path.decode()).name] = why.code

    done = run(folder, edits=matching("png"), refuse=refuse)
    assert done.pictures == 1
    assert told == {"moving.gif": "unsupported-format", "1.png": "partial"}


def test_nothing_to_evaluate(run: Evaluate, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="none of the pictures"):
        run(tmp_path / "none")


def test_interrupting_leaves_nothing(run: Evaluate, tmp_path: Path) -> None:
    left = [20]

    def advance() -> None:
        left[0] -= 1
        if not left[0]:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(folder_of(tmp_path / "own", 3), advance=advance)


def test_others_are_indexed_but_not_copied(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "own", 5, (320, 240))
    names = [bytes(folder / f"{number}.png") for number in range(5)]
    done = evaluate(names[2:4], others=[*names[:2], names[4]], edits=matching("jpeg-75"), templates=0)
    (edit,) = done.edits
    assert (done.pictures, edit.recall.copies, edit.recall.near) == (2, 2, 2)
    assert (done.wrong.pairs, done.wrong.near) == (2 * 4, 0)

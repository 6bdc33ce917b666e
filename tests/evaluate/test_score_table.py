"""What a person and a program are told of an evaluation."""

from __future__ import annotations

import io
import json
import sys

import pytest
from PIL import Image

from hashmatch.errors import CommandError
from hashmatch.evaluate import plot
from hashmatch.evaluate.edits import EDITS
from hashmatch.evaluate.goals import GOALS
from hashmatch.evaluate.score_table import as_json, as_table
from hashmatch.evaluate.scores import (
    AlikePair,
    EditResult,
    Evaluation,
    LookAlikeResult,
    Recall,
    ThresholdResult,
    WrongMatch,
    WrongPairs,
    groups,
    near_of_found,
)
from hashmatch.matching.tiers import Profile


def edit(name: str, group: str, copies: int, near: int, found: int, good: int | None = None) -> EditResult:
    """good: so many of the copies have the quality; of these all that could be are near and found."""
    good = copies if good is None else good
    recall = Recall(copies, near, found, 1, good, min(near, good), min(found, good))
    return EditResult(name, group, recall, {"pdq, none": found}, 12.0, 0, 1)


def evaluation(*edits: EditResult, profile: Profile = "thorough") -> Evaluation:
    return Evaluation(
        profile,
        ("pdq",),
        0,
        1000,
        2,
        edits,
        WrongPairs(2_000_000, 0, 41, 4),
        (WrongMatch(b"a\xff.jpg", "mirror", b"b.jpg", "possible", "pdq", "mirror", 59),),
        (AlikePair(b"c.jpg", b"\x1b[2J.jpg", "near", 4),),
        (
            LookAlikeResult(
                "card", False, 28, 6, Recall(168, 167, 168), WrongPairs(840, 9, 100, 200), WrongPairs(30_000, 0, 0, 0)
            ),
            LookAlikeResult(
                "app-menu", True, 14, 6, Recall(84, 84, 84), WrongPairs(420, 0, 9, 9), WrongPairs(9, 0, 0, 0)
            ),
        ),
        (ThresholdResult(31, 0.5, 7),),
    )


def met(*edits: EditResult, profile: Profile = "thorough") -> dict[str, bool | None]:
    return {each.group: each.met for each in groups(edits, profile)}


def test_goals_are_met_by_groups_as_a_whole() -> None:
    bars = edit("a", "bars", 100, 80, 97), edit("b", "bars", 100, 100, 99)
    assert met(*bars) == {"bars": True}
    assert met(bars[0]) == {"bars": False}
    assert met(edit("a", "collage", 9, 0, 0)) == {"collage": None}


def test_low_quality_does_not_count_where_there_is_nothing_to_compare() -> None:
    assert met(edit("a", "codec", 10, 8, 9, good=8)) == {"codec": True}
    assert met(edit("a", "codec", 10, 8, 9, good=9)) == {"codec": False}
    assert met(edit("a", "codec", 10, 8, 9, good=0)) == {"codec": None}
    assert met(edit("a", "overlay", 10, 8, 9, good=8)) == {"overlay": False}, "here all of them count"


def test_profiles_have_goals_of_their_own() -> None:
    meme = edit("a", "meme", 100, 0, 90)
    assert (met(meme), met(meme, profile="fast")) == ({"meme": False}, {"meme": True})
    assert met(edit("a", "rotation", 9, 0, 0), profile="fast") == {"rotation": None}
    assert met(edit("a", "bars", 100, 89, 98), profile="fast") == {"bars": False}


def test_the_table() -> None:
    done = evaluation(edit("jpeg-75", "codec", 10_000, 9_999, 10_000), edit("caption", "overlay", 4, 1, 2))
    text = "\n".join(as_table(done, peer=False))
    assert "1,000 pictures, 10,004 copies" in text
    (line,) = (each for each in text.splitlines() if "jpeg-75" in each)
    assert line.split() == ["jpeg-75", "99.9", "%", "100.0", "%"], "what is not all is never shown as all"
    assert "near 100 %, found 100 %: MISSED" in text
    assert (
        "2,000,000 pairs, 0 near (0 %), 41 possible (0.00205 %); goal 0 near, 20 possible per million: MISSED" in text
    )
    assert "840 pairs, 9 near (1.07 %), 100 possible (11.9 %); goal 1 % near: MISSED" in text
    assert "their own copies: near 99.4 %, found 100.0 %" in text
    assert "420 pairs, 0 near (0 %), 9 possible (2.14 %); goal 1 % near, 2 % possible: MISSED" in text
    assert "families:" not in text, "none of these is one"
    assert "\x1b" not in text
    assert "≤ 31" in text
    assert "PDQ ≤ 31" not in text.replace("Plain PDQ", "")
    assert "PDQ ≤ 31: 4" in "\n".join(as_table(done, peer=True))


def test_json_has_everything_and_is_json() -> None:
    done = evaluation(edit("jpeg-75", "codec", 10, 10, 10))
    read = json.loads(json.dumps(as_json(done)))
    assert read["wrong"] == {"pairs": 2_000_000, "near": 0, "possible": 41, "plain": 4}
    assert read["edits"][0]["recall"]["found"] == 10
    assert read["groups"][0]["met"] is True
    assert read["wrong_matches"][0]["original"]["path_bytes"] == "Yf8uanBn"
    assert read["alike"][0]["a"] == {"path": "c.jpg"}
    assert [kind["same"]["near"] for kind in read["look_alikes"]] == [9, 0]


def test_families_are_told_together() -> None:
    done = evaluation(edit("a", "story", 10, 3, 8), edit("b", "card", 10, 4, 4), edit("c", "codec", 9, 9, 9))
    assert near_of_found(done.edits) == 7 / 12
    assert [group.near_of_found for group in groups(done.edits, "fast")] == pytest.approx([1, 3 / 8, 1])
    assert "families: 58.3 % of what is found is near; goal 65 %: MISSED" in as_table(done, peer=False)


def test_every_group_has_a_goal_and_every_goal_a_group() -> None:
    results = [edit(each.name, each.group, 1, 1, 1) for each in EDITS]
    assert [each.group for each in groups(results, "thorough")] == list(GOALS)


@pytest.mark.parametrize("peer", [False, True])
def test_the_plot_is_a_picture_with_a_row_for_each_edit(peer: bool) -> None:
    pytest.importorskip("matplotlib", reason="needs matplotlib: pip install -e .[evaluate]")
    few = plot.png(evaluation(edit("a", "bars", 10, 5, 8)), peer)
    many = plot.png(evaluation(*(edit(each.name, each.group, 10, 5, 8) for each in EDITS)), peer)
    small, large = (Image.open(io.BytesIO(data)) for data in (few, many))
    assert (small.format, small.width) == ("PNG", large.width)
    assert large.height > small.height + 10 * len(EDITS)
    near, possible = (large.convert("RGB").getcolors(1 << 24), plot.POSSIBLE)
    assert near is not None
    colours = {"#{:02x}{:02x}{:02x}".format(*colour) for _count, colour in near}  # type: ignore[str-format]
    assert {plot.NEAR, possible} <= colours
    assert (plot.PEER in colours) == peer


def test_without_matplotlib_a_plot_is_refused_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.delitem(sys.modules, "matplotlib.figure", raising=False)
    with pytest.raises(CommandError, match="pip install"):
        plot.check()

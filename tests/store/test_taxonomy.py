"""Labels that are known, and what is said of others."""

from __future__ import annotations

from pathlib import Path

import pytest

from hashmatch.errors import CommandError
from hashmatch.store import taxonomy
from hashmatch.store.taxonomy import Remarks, Taxonomy


@pytest.fixture
def default() -> Taxonomy:
    return taxonomy.read(taxonomy.DEFAULT)


def test_the_default(default: Taxonomy) -> None:
    assert list(default.facets) == ["media-type", "entity", "behaviour"]
    assert len(list(default.labels())) > 20
    assert not default.facets["entity"].labels, "whom to name is for those who use it"
    for facet in default.facets.values():
        assert facet.title and facet.description and all(facet.labels.values())


@pytest.mark.parametrize(
    ("label", "known"),
    {
        "behaviour:recruitment": True,
        "media-type:poster": True,
        "entity:whoever": True,
        "entity:جماعة: a": True,
        "entity:": False,
        "entity: ": False,
        "entity": False,
        "recruitment": False,
        "behaviour:": False,
        "behaviour:Recruitment": False,
        "colour:red": False,
        "": False,
    }.items(),
)
def test_which_labels_are_known(default: Taxonomy, label: str, known: bool) -> None:
    assert (label in default) is known


def test_what_was_perhaps_meant(default: Taxonomy) -> None:
    assert default.nearest("Behavior:Recruitment") == "behaviour:recruitment"
    assert default.nearest("x") is None


def test_one_beside_the_database_counts(tmp_path: Path) -> None:
    database = tmp_path / "reference.db"
    assert taxonomy.load(database).path == taxonomy.DEFAULT
    copy = taxonomy.copy_default(database)
    assert copy == tmp_path / "taxonomy.toml" and copy.read_bytes() == taxonomy.DEFAULT.read_bytes()
    copy.write_text('["لون"]\nopen = false\n["لون".labels]\n"أحمر" = ""\n', encoding="utf-8")
    with pytest.raises(CommandError, match="cannot write"):
        taxonomy.copy_default(database)
    own = taxonomy.load(database)
    assert list(own.labels()) == ["لون:أحمر"]
    assert "entity:x" not in own


@pytest.mark.parametrize(
    "content",
    [
        b"[behaviour",
        b"\xff",
        b"x = 1",
        b'["a:b"]',
        b'["a b"]',
        b'[""]',
        b"[a]\nlabels = 1",
        b"[a]\nlabels = ['x']",
        b"[a.labels]\nx = 1",
        b'[a.labels]\n"" = "x"',
        b"[a]\ntitle = 1",
        b"[a]\nopen = 1",
        b'[a]\nlable = "x"',
        b"a = " + b"[" * 100_000,
        b"#" * (taxonomy.LARGEST + 1),
    ],
    ids=lambda content: repr(content[:20]),
)
def test_a_broken_one_is_refused_in_a_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "taxonomy.toml").write_bytes(content)
    with pytest.raises(CommandError, match=r"taxonomy.toml cannot be used: .") as error:
        taxonomy.load(tmp_path / "reference.db")
    assert "\n" not in str(error.value)


def test_one_that_cannot_be_read_is_not_taken_for_the_default(tmp_path: Path) -> None:
    (tmp_path / "taxonomy.toml").symlink_to(tmp_path / "gone")
    with pytest.raises(CommandError, match="No such file"):
        taxonomy.load(tmp_path / "reference.db")


def test_remarks_are_made_once(default: Taxonomy) -> None:
    loaded = []

    def load() -> Taxonomy:
        loaded.append(1)
        return default

    remarks = Remarks(load)
    assert list(remarks(())) == [] and not loaded
    first = list(remarks(("behaviour:threat", "odd", "behavior:threat", "odd")))
    assert len(first) == 2
    assert "'odd'" in first[0] and "meant" not in first[0]
    assert "'behaviour:threat'" in first[1]
    assert list(remarks(("odd", "behaviour:threat"))) == []
    assert len(loaded) == 1


def test_a_list_of_countless_labels_has_few_remarks(default: Taxonomy) -> None:
    remarks = Remarks(lambda: default)
    told = [text for number in range(1000) for text in remarks((f"label {number}",))]
    assert len(told) == taxonomy.MOST_REMARKS + 1
    assert "more labels" in told[-1]


def test_no_remarks_without_a_taxonomy() -> None:
    assert list(Remarks(lambda: None)(("odd",))) == []

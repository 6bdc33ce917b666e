"""Names of views, and what they mean."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hashmatch.views import MOST_NUMBER, ViewKind, ViewName, pack_view

OURS = {
    "full": ViewName(ViewKind.FULL),
    "trim1": ViewName(ViewKind.TRIM, 1),
    "trim3": ViewName(ViewKind.TRIM, 3),
    "page2": ViewName(ViewKind.PAGE, 2),
    "page8191": ViewName(ViewKind.PAGE, 8191),
    "part12": ViewName(ViewKind.PART, 12),
    "wide2": ViewName(ViewKind.WIDE, 2),
    "cut1": ViewName(ViewKind.CUT, 1),
}


@pytest.mark.parametrize("name", OURS)
def test_a_name_survives(name: str) -> None:
    view = ViewName.parse(name)
    assert view == OURS[name]
    assert str(view) == name
    assert ViewName.unpack(pack_view(name)) == view


def test_packed_values_are_those_of_caches() -> None:
    """Whoever changes these must raise search/cache.FORM and cluster/shard.VERSION."""
    assert [pack_view(name) for name in OURS] == [0, 8193, 8195, 16386, 24575, 24588, 32770, 40961]
    assert pack_view("somebody's") == 49152
    assert MOST_NUMBER == 8191
    assert all(kind < 8 for kind in ViewKind), "three bits"


@pytest.mark.parametrize(
    "name",
    [
        *("", "trim", "page", "trimmed", "trim-1", "trim1.5", "trim٣", "trim²", "trim0", "trim01", "trim1\n", "full1"),
        *("page8192", "page10000", "crop1", "Full", "other", "other1", "Trim1", " trim1"),
    ],
)
def test_names_of_others_are_one(name: str) -> None:
    assert ViewName.parse(name) == ViewName(ViewKind.OTHER)
    assert str(ViewName.parse(name)) == "other"


def test_which_show_a_picture_as_it_is() -> None:
    assert {kind for kind in ViewKind if kind.shows_all} == {
        ViewKind.FULL,
        ViewKind.PAGE,
        ViewKind.LOOK,
        ViewKind.OTHER,
    }


@given(st.text() | st.builds("{}{}".format, st.sampled_from(["trim", "page"]), st.from_regex("[0-9]{1,20}")))
@example("trim0000199999")
@example("page" + "0" * 5000)
def test_whatever_a_list_calls_one_fits_in_16_bits(name: str) -> None:
    packed = pack_view(name)
    assert 0 <= packed < 1 << 16
    assert str(ViewName.unpack(packed)) in (name, "other")

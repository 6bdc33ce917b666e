"""Good and bad values of every field of a list."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashmatch.errors import CommandError
from hashmatch.exchange import fields
from hashmatch.exchange.fields import LineError
from hashmatch.records import Hash, ListItem
from tests.support.list_items import BRIDGE, MD5, patient

HASH = Hash("pdq", bytes.fromhex(BRIDGE))


def item(**record: object) -> ListItem:
    return fields.list_item(record, (HASH,), ())


def hash(**record: object) -> Hash:
    return fields.perceptual_hash({"algorithm": "pdq", "hash": BRIDGE} | record)


def test_nothing_is_nothing() -> None:
    assert item() == ListItem(hashes=(HASH,))
    assert item(md5="", labels=[], note="", size=None, allow=None, tlp="", added="") == item()
    with pytest.raises(LineError, match="neither a digest nor a hash"):
        fields.list_item({"size": 3, "labels": ["x"]}, (), ())


@pytest.mark.parametrize(
    ("field", "value", "kept"),
    [
        ("kind", "video", "video"),
        ("md5", MD5.upper(), MD5),
        ("size", 0, 0),
        ("size", 2**63 - 1, 2**63 - 1),
        ("duration", 3, 3.0),
        ("duration", 1e300, 1e300),
        ("labels", ["b", "", "a", "b"], ("b", "a", "b")),
        ("allow", True, True),
        ("tlp", "TLP:AMBER+STRICT", "amber+strict"),
        ("tlp", " tlp: White", "clear"),
        ("tlp", "Red", "red"),
        ("added", "2026-11-21T19:00:00Z", "2026-11-21T19:00:00Z"),
        ("added", "2026-11-21T19:00:00.999", "2026-11-21T19:00:00Z"),
        ("added", "2026-11-21", "2026-11-21T00:00:00Z"),
        ("added", "2020-07-01T18:31:15+0230", "2020-07-01T16:01:15Z"),
        ("retracted", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
        ("note", "x" * 65_536, "x" * 65_536),
    ],
)
def test_good_values(field: str, value: object, kept: object) -> None:
    assert getattr(item(**{field: value}), field) == kept


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("kind", "Image"),
        ("kind", 1),
        ("md5", MD5[:-1]),
        ("md5", MD5 + "00"),
        ("md5", MD5[:-2] + "  "),
        ("md5", " " + MD5[:-1]),
        ("md5", "g" * 32),
        ("md5", "\u0661" * 32),
        ("md5", ["x"]),
        ("sha1", MD5),
        ("sha256", MD5),
        ("size", -1),
        ("size", 2**63),
        ("size", 1.0),
        ("size", True),
        ("size", "1"),
        ("duration", -0.1),
        ("duration", float("nan")),
        ("duration", float("inf")),
        ("duration", 10**400),
        ("duration", False),
        ("labels", "one"),
        ("labels", [1]),
        ("labels", ["\ud800"]),
        ("labels", ["nul\0"]),
        ("allow", "yes"),
        ("allow", 1),
        ("tlp", "purple"),
        ("tlp", "TLP:EX:CHR"),
        ("added", "yesterday"),
        ("added", 1700000000),
        ("added", "2026-13-01"),
        ("added", "9999-12-31T23:59:59-01:00"),
        ("added", "0001-01-01T00:00:00+14:00"),
        ("added", "\ud800"),
        ("note", "x" * 65_537),
        ("note", {}),
    ],
)
def test_bad_values(field: str, value: object) -> None:
    with pytest.raises(LineError, match=field):
        item(**{field: value})


def test_good_hashes() -> None:
    bits = bytes.fromhex(BRIDGE)
    assert hash() == Hash("pdq", bits)
    assert hash(algorithm="PDQ", hash=BRIDGE.upper(), quality=0, time=2, view="left", version=3) == (
        Hash("pdq", bits, 0, 2.0, "left", 3)
    )
    assert str(hash(time=-0.0).time) == "0.0"
    assert hash(algorithm="phash", hash="0" * 16).bits == bytes(8)
    assert hash(algorithm="blocks", hash="0" * 1944).bits == bytes(972)
    assert len(hash(algorithm="new-1.2", hash="ab" * 512).bits) == 512


@pytest.mark.parametrize(
    "record",
    [
        {"algorithm": None},
        {"algorithm": "p d q"},
        {"algorithm": "\u0440dq"},
        {"algorithm": "x" * 33},
        {"hash": None},
        {"hash": BRIDGE[:-2]},
        {"hash": BRIDGE + "00"},
        {"hash": BRIDGE[:-1]},
        {"hash": 5},
        {"algorithm": "phash"},
        {"algorithm": "blocks", "hash": "0" * 1942},
        {"algorithm": "blocks", "hash": "0" * 1946},
        {"algorithm": "other", "hash": "0" * 1944},
        {"algorithm": "dhash", "hash": "0" * 18},
        {"algorithm": "new", "hash": "ab" * 7},
        {"algorithm": "new", "hash": "ab" * 513},
        {"algorithm": "new", "hash": "a" * 17},
        {"quality": 101},
        {"quality": -1},
        {"quality": 50.0},
        {"quality": "50"},
        {"time": -1},
        {"time": float("nan")},
        {"view": "a\nb"},
        {"view": "x" * 65},
        {"version": -1},
    ],
)
def test_bad_hashes(record: dict[str, object]) -> None:
    with pytest.raises(LineError):
        hash(**record)


def test_paths() -> None:
    assert fields.list_item({}, (HASH,), (b"\xff",)).paths == (b"\xff",)
    for bad in (b"", b"a\0"):
        with pytest.raises(LineError):
            fields.list_item({}, (HASH,), (bad,))


def test_versions() -> None:
    for fine in (None, 0, 1, 2):
        fields.check_version(fine, first=True)
    for first, error in ((True, CommandError), (False, LineError)):
        with pytest.raises(error, match="version 3; this program reads versions up to 2"):
            fields.check_version(3, first)
    with pytest.raises(LineError):
        fields.check_version("2", first=True)


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=5,
)


@patient
@given(_values)
def test_a_snippet_is_short_and_harmless(value: object) -> None:
    shown = fields.snippet(value)
    assert len(shown) <= 40 and shown.isprintable()


def test_a_snippet_of_much_is_quick() -> None:
    nested: list[object] = []
    for _level in range(100_000):
        nested = [nested]
    assert fields.snippet(nested) == "list"
    assert fields.snippet("\u202e" * 10**7) == "'" + "\\u202e" * 6 + "\\u" + "…"


@patient
@given(st.dictionaries(st.sampled_from([*ListItem.__dataclass_fields__, *Hash.__dataclass_fields__, "hash"]), _values))
def test_any_record_gives_an_item_or_is_refused(record: dict[str, object]) -> None:
    for check in (item, hash):
        try:
            check(**record)
        except LineError as refused:
            assert 0 < len(str(refused)) < 200 and str(refused).isprintable()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (1704901040.22, "2024-01-10T15:37:20Z"),
        (-1, "1969-12-31T23:59:59Z"),
        ("2020-07-01T18:31:15+0200", "2020-07-01T16:31:15Z"),
        (None, None),
        ("", None),
    ],
)
def test_instants(value: object, expected: str | None) -> None:
    assert fields.instant("at", value) == expected


@pytest.mark.parametrize("value", [True, 1e300, float("inf"), 10**30, [], "1704901040"])
def test_what_is_no_instant(value: object) -> None:
    with pytest.raises(LineError):
        fields.instant("at", value)

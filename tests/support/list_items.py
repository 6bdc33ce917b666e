"""Well-known hashes, made-up list items, and short ways to read and write lists."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from io import BytesIO

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from hashmatch.exchange import EXTRAS, Format, WriteReport
from hashmatch.records import TLP_ORDER, VERDICTS, BadLine, Hash, LineRemark, ListItem, Opinion

# pdq/data/bridge-mods/aaa-orig.jpg in github.com/facebook/ThreatExchange
BRIDGE = "f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22"
# the digests of "abc": RFC 1321 and FIPS 180-4
MD5 = "900150983cd24fb0d6963f7d28e17f72"
SHA1 = "a9993e364706816aba3e25717850c26c9cd0d89d"
SHA256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

ALL = frozenset(EXTRAS)

#: For properties of whole lists. A busy machine does not fail them. There are some thirty formats, so each gets a quarter of
#: the examples of other properties.
patient = settings(
    deadline=None,
    max_examples=max(1, settings.default.max_examples // 4) if settings.default else 25,
    suppress_health_check=[HealthCheck.too_slow],
)

PICTURE = ListItem(
    kind="image",
    md5=MD5,
    sha1=SHA1,
    sha256=SHA256,
    size=3,
    hashes=(Hash("pdq", bytes.fromhex(BRIDGE), 100, version=1), Hash("phash", bytes(range(8)), view="centre")),
    labels=("one", "two"),
    collection="east",
    source="a partner",
    tlp="green",
    added="2026-11-21T19:00:00Z",
)

FILM = ListItem(
    kind="video",
    md5=MD5,
    sha256=SHA256,
    duration=2.0,
    width=640,
    height=360,
    hashes=(
        Hash("pdq", bytes.fromhex(BRIDGE), None, 1.5, version=1),
        Hash("pdq", bytes.fromhex(BRIDGE), 100, 0.0, version=1),
    ),
)


def write(
    format: Format, items: Iterable[ListItem], include: frozenset[str] = frozenset()
) -> tuple[bytes, WriteReport]:
    out = BytesIO()
    assert format.write is not None
    report = format.write(items, out, include)
    return out.getvalue(), report


def read(format: Format, data: bytes) -> tuple[dict[int, ListItem], dict[int, str]]:
    """The items, and why each bad line is bad, both by line number."""
    items, bad = {}, {}
    for row in format.read(BytesIO(data)):
        if isinstance(row, BadLine):
            assert row.line not in bad
            bad[row.line] = row.message
        elif not isinstance(row, LineRemark):
            assert row[0] not in items
            items[row[0]] = row[1]
    return items, bad


def items_of(format: Format, data: bytes) -> list[ListItem]:
    items, bad = read(format, data)
    assert bad == {}
    return list(items.values())


def same(item: ListItem) -> ListItem:
    """An item without what others' formats lose: the order of paths and hashes, and duplicates."""
    hashes = sorted(set(item.hashes), key=repr)
    paths, opinions = sorted(set(item.paths)), dict.fromkeys(item.opinions)
    return replace(item, hashes=tuple(hashes), paths=tuple(paths), opinions=tuple(opinions))


def rows_of(format: Format, data: bytes) -> tuple[list[ListItem], list[str], list[str]]:
    """The items, why lines were refused, and the remarks."""
    rows = list(format.read(BytesIO(data)))
    bad = [row.message for row in rows if isinstance(row, BadLine)]
    told = [row.message for row in rows if isinstance(row, LineRemark)]
    return [row[1] for row in rows if isinstance(row, tuple)], bad, told


# Often with characters that mean something to CSV, spreadsheets, our escapes or a terminal.
_hostile = st.sampled_from(list("=+-@'\"|\\,;\t\r\n x\u202e\u2028\ufeff\u0661"))
_any = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
texts = st.text(_hostile | _any, min_size=1, max_size=12)
_seconds = st.floats(0, allow_nan=False, allow_infinity=False)
_whole = st.integers(0, 2**63 - 1)
_moments = st.sampled_from(["0001-01-01T00:00:00Z", "2026-11-21T19:00:00Z", "9999-12-31T23:59:59Z"])


def _hexes(digits: int) -> st.SearchStrategy[str]:
    return st.binary(min_size=digits // 2, max_size=digits // 2).map(bytes.hex)


_algorithms = st.sampled_from(
    [("pdq", 32), ("phash", 8), ("dhash", 8), ("new-1.0+x_y", 33), ("0" * 32, 512)],
)

hashes = _algorithms.flatmap(
    lambda one: st.builds(
        Hash,
        algorithm=st.just(one[0]),
        bits=st.binary(min_size=one[1], max_size=one[1]),
        quality=st.none() | st.integers(0, 100),
        time=st.none() | _seconds,
        view=st.just("full") | texts.filter(str.isprintable),
        version=st.none() | _whole,
    )
)

_paths = st.lists(texts.map(str.encode) | st.binary(min_size=1, max_size=8).filter(lambda path: b"\0" not in path))

opinions = st.builds(
    Opinion,
    verdict=st.sampled_from(VERDICTS),
    source=st.none() | texts,
    at=st.none() | _moments.map(lambda moment: moment[:-1] + ".000001Z"),
    reason=st.none() | texts,
)

items = st.builds(
    ListItem,
    kind=st.sampled_from([None, "image", "video"]),
    md5=st.none() | _hexes(32),
    sha1=st.none() | _hexes(40),
    sha256=st.none() | _hexes(64),
    size=st.none() | _whole,
    duration=st.none() | _seconds,
    width=st.none() | st.integers(0, 2**63 - 1),
    height=st.none() | st.integers(0, 2**63 - 1),
    hashes=st.lists(hashes, max_size=4, unique=True).map(tuple),
    labels=st.lists(texts, max_size=4).map(tuple),
    allow=st.booleans(),
    collection=st.none() | texts,
    source=st.none() | texts,
    tlp=st.sampled_from([None, *TLP_ORDER]),
    added=st.none() | _moments,
    retracted=st.none() | _moments,
    retraction_reason=st.none() | texts,
    changed=st.none() | _moments.map(lambda moment: moment[:-1] + ".012345Z"),
    opinions=st.lists(opinions, max_size=3, unique=True).map(tuple),
    paths=_paths.map(tuple),
    case=st.none() | texts,
    operator=st.none() | texts,
    note=st.none() | texts,
).filter(lambda item: item.md5 or item.sha1 or item.sha256 or item.hashes)

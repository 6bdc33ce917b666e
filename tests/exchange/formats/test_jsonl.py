"""The `jsonl` format."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashmatch.errors import CommandError
from hashmatch.exchange import json_reading
from hashmatch.exchange.formats.jsonl import FORMAT
from hashmatch.records import BadLine, Hash, ListItem
from hashmatch.version import __version__
from tests.support.list_items import ALL, BRIDGE, MD5, PICTURE, SHA256, items, items_of, patient, read, write

HEADER = b'{"format":"hashmatch-list","version":1}\n'


def test_what_is_written() -> None:
    film = ListItem(
        kind="video", sha256=SHA256, duration=1.5, hashes=(Hash("pdq", bytes.fromhex(BRIDGE), time=1.0),), allow=True
    )
    data, report = write(FORMAT, [PICTURE, ListItem(size=1), film])
    header, first, second = map(json.loads, data.splitlines())
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", header.pop("created"))
    assert header == {"format": "hashmatch-list", "version": 2, "tool": f"hashmatch {__version__}"}
    assert first == {
        "kind": "image",
        "md5": MD5,
        "sha1": PICTURE.sha1,
        "sha256": SHA256,
        "size": 3,
        "hashes": [
            {"algorithm": "pdq", "version": 1, "hash": BRIDGE, "quality": 100, "view": "full"},
            {"algorithm": "phash", "hash": "0001020304050607", "view": "centre"},
        ],
        "labels": ["one", "two"],
        "allow": False,
        "collection": "east",
        "source": "a partner",
        "tlp": "green",
        "added": "2026-11-21T19:00:00Z",
    }
    assert second == {
        "kind": "video",
        "sha256": SHA256,
        "duration": 1.5,
        "hashes": [{"algorithm": "pdq", "hash": BRIDGE, "time": 1.0, "view": "full"}],
        "allow": True,
    }
    assert (report.written, report.left_out_without_hash, report.left_out_retracted) == (2, 1, 0)


def test_private_fields_only_if_asked_for() -> None:
    item = replace(PICTURE, paths=(b"\xffb", "é".encode()), case="c", operator="o", note="n")
    assert items_of(FORMAT, write(FORMAT, [item])[0]) == [PICTURE]
    data, _report = write(FORMAT, [item], frozenset({"paths", "note"}))
    record = json.loads(data.splitlines()[1])
    assert record["paths"] == ["é"] and base64.b64decode(record["paths_bytes"][0]) == b"\xffb"
    assert record["note"] == "n" and "case" not in record and "operator" not in record


@patient
@given(st.lists(items, max_size=3))
def test_round_trip(written: list[ListItem]) -> None:
    data, report = write(FORMAT, written, ALL)
    found = items_of(FORMAT, data)
    assert report.written == len(written)
    assert [set(item.paths) for item in found] == [set(item.paths) for item in written]
    assert [replace(item, paths=()) for item in found] == [replace(item, paths=()) for item in written]


def test_lines_of_every_kind() -> None:
    good = json.dumps({"md5": MD5, "unknown": {"x": [1]}}).encode()
    lines = [
        HEADER.strip(),
        good,
        b"",
        b"   ",
        b"{",
        b"[]",
        b'{"md5":"00"}',
        b'{"labels":["x"]}',
        b'{"hashes":[1]}',
        b'{"hashes":{}}',
        b'{"md5":NaN}',
        b'{"size":' + b"9" * 5000 + b"}",
        b"[" * 100_000,
        b'{"md5":"%b","x":%b}' % (MD5.encode(), b'{"x":' * 100_000),
        b'{"paths_bytes":["?"],"md5":"%b"}' % MD5.encode(),
        b'{"labels":["\\ud800"],"md5":"%b"}' % MD5.encode(),
        HEADER.strip(),
        b'{"format":"hashmatch-list","version":3}',
        b"\xff",
        good + b"\r",
        good,
    ]
    found, bad = read(FORMAT, b"\xef\xbb\xbf" + b"\n".join(lines))
    assert found == {line: ListItem(md5=MD5) for line in (2, 20, 21)}
    assert sorted(bad) == [*range(5, 17), 18, 19]
    assert all(len(message) < 150 for message in bad.values())
    assert "version 3" in bad[18] and "neither a digest nor a hash" in bad[8]


def test_the_same_hash_twice_counts_once() -> None:
    one = {"algorithm": "pdq", "hash": BRIDGE}
    (item,) = items_of(FORMAT, json.dumps({"hashes": [one, one, one | {"time": 1}]}).encode())
    assert [hash.time for hash in item.hashes] == [None, 1.0]


def test_a_line_of_too_many_parts_is_refused_unparsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_reading, "_PARTS_MAX", 10)
    assert list(read(FORMAT, b'{"md5":"%b","x":[1,2,3,4,5,6,7,8,9]}' % MD5.encode())[1]) == [1]


def test_a_newer_list_is_refused_as_a_whole() -> None:
    with pytest.raises(CommandError, match="version 3"):
        next(FORMAT.read(BytesIO(b'{"version":3,"format":"hashmatch-list"}\n{"md5":"%b"}' % MD5.encode())))


def test_a_header_without_a_sane_version_is_a_bad_line() -> None:
    assert list(read(FORMAT, b'{"version":"9","format":"hashmatch-list"}')[1]) == [1]


def test_half_a_character_does_not_stop_the_writing() -> None:
    data, _report = write(FORMAT, [replace(PICTURE, labels=("\udcff",))])
    assert json.loads(data.splitlines()[1])["labels"] == ["\udcff"]
    assert list(read(FORMAT, data)[1]) == [2]


def test_items_are_written_and_read_one_at_a_time() -> None:
    out = BytesIO()

    def growing() -> Iterator[ListItem]:
        for number in range(3):
            assert out.getvalue().count(b"\n") == number + 1
            yield PICTURE

    FORMAT.write(growing(), out)
    rows = FORMAT.read(BytesIO(out.getvalue() + b"rubbish"))
    assert next(rows) == (2, PICTURE)
    assert isinstance(list(rows)[-1], BadLine)

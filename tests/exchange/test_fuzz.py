"""Every reader accepts any bytes at all: each line yields an item or a reason, and nothing is raised."""

from __future__ import annotations

import json
import random
import tracemalloc
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashmatch.errors import CommandError
from hashmatch.exchange import detect, get, names, written
from hashmatch.exchange.fields import identified
from hashmatch.exchange.formats import stix_waiting
from hashmatch.exchange.formats.csv_table import COLUMNS
from hashmatch.exchange.formats.stix_objects import EXTENSION
from hashmatch.exchange.sqlite_files import MAGIC
from hashmatch.records import BadLine, Hash, Kind, LineRemark, ListItem
from tests.support.list_items import ALL, BRIDGE, MD5, SHA1, SHA256, items, patient, write

#: Good and bad pieces of lists, so that random input gets past the first check of each reader.
PIECES = [
    *(b"\n", b"\r\n", b",", b'"', b"\\", b"|", b"'", b"=", b" ", b"\0", b"\xff", b"\xef\xbb\xbf", b"#", b"  -"),
    *(b"{", b"}", b"[", b"]", b":", b"null", b"NaN", b"1e999", b"9" * 5000, b"-1", b"true", b'"\\ud800"', b"\xd9\xa1"),
    *(BRIDGE.encode(), MD5.encode(), SHA256.encode(), b"MD5 (", b") = ", b"hash=", b",quality=", b",filename="),
    b",".join(column.encode() for column in COLUMNS) + b"\n1,1,image,pdq,1," + BRIDGE.encode() + b"," * 16 + b"\n1,1,",
    *(b'{"hashes":[{"algorithm":"pdq","hash":"%b","quality":' % BRIDGE.encode(), b'{"md5":"%b","' % MD5.encode()),
    *(f'"{column}":'.encode() for column in COLUMNS),
    *(
        b'{"objects":[',
        b'"type":"indicator",',
        b'"type":"file",',
        b'"id":"file--1",',
        b'"hashes":{"MD5":"%b"}' % MD5.encode(),
    ),
    *(b'"pattern":"[file:hashes.MD5=\'%b\' OR ' % MD5.encode(), b'"revoked":true,', b'"created":"', b'"extensions":{"'),
    *(
        EXTENSION.encode() + b'":{"',
        b'"file_ref":"file--1"',
        b'"object_marking_refs":["',
        b'{"type":"opinion","id":"o",',
    ),
    *(
        b'{"Event":{"Object":[',
        b'"Attribute":[{"type":"md5","value":"%b"' % MD5.encode(),
        b'"name":"perceptual-hash-media"',
    ),
    *(b'"Tag":[{"name":"tlp:', b'"object_relation":"', b'"deleted":true,', b'"timestamp":"9', b'"Orgc":{"name":"'),
    *(b'{"value":[{"Media":[{"MD5":"%b",' % MD5.encode(), b'"AlternativeHashes":[{"HashName":"PDQ","HashValue":"'),
    *(
        b'"DateUpdated":"/Date(1',
        b'"MediaFiles":[{"FilePath":"a\\\\b"',
        b'"MediaMetadata":[{"PropertyName":"hashmatch:hashes"',
    ),
    *(MAGIC, b"CREATE TABLE hashes(md5, sha1, sha2_256)", SHA1.encode(), b'"SHA-1","MD5","FileName","ProductCode"\n'),
    *(b'"file_id","hashset_id","file_name","hash"\n', b'1,1,"","' + MD5.encode() + b'",3\n'),
    *(b"signal_type,signal_str,collab,category,tags\n", b"POSITIVE_CLASS", b"DISPUTED", b"tlp:amber", b"raw_text "),
    *(b"pdq ", b"video_md5 ", b"vpdq [", b'"%b,100,1e+02"' % BRIDGE.encode(), b"1,100,%b,0.5\n" % BRIDGE.encode()),
    *(b'{"0":{"quality":1,"timestamp":0,"hash":"%b"' % BRIDGE.encode(), b'"indicator":"%b"' % BRIDGE.encode()),
    *(
        b'{"data":[{"type":"HASH_PDQ",',
        b'"descriptors":{"data":[{"status":"MALICIOUS","owner":{"id":"1"},"reactions":[',
    ),
    *(b'"should_delete":true', b'"last_updated":1', b'{"key":"HELPFUL","value":"1,2"}', b'"tags":["x"]', b"}]}"),
    *(b'{"results":[{"algorithm":"MD5","deleted":true,"hash_digest":"%b"' % MD5.encode(), b'"updated_on":1.5'),
    *(b'{"hashRecords":[{"signalType":"VideoMD5","hashValue":"%b"' % MD5.encode(), b'"hashStatus":"Withdrawn"'),
    *(b'"CSPFeedbacks":[{"feedbackValue":"Blocked"}]', b'"caseNumbers":{"1":"Active"}'),
    *(b"<queryResult><images>", b"</images></queryResult>", b"<image>", b"</image>", b"<deletedImage><id>1</id>"),
    *(
        b"%%%% HASHDEEP-1.0\n%%%% size,md5,filename\n",
        b"0|a|1|r/r|0|0|3|1|1|1|1\n",
        MD5.encode() + b"|a|1|r/r|0|0|3|1|1|1|1\n",
    ),
    *(b"Algorithm : MD5\nHash : %b\nPath : a\n" % MD5.encode(), b"SHA256          %b C:\\a\n" % SHA256.encode()),
    *(
        b"MD5;SHA-1\tHash,Path|Quality\n",
        b";",
        b"\t",
        b"SHA1 (a) = " + SHA1.encode(),
        b"md5:",
        b"ab" * 64,
        b" 100 a.jpg\n",
    ),
    *(
        b" 'Some \\' Collab' POSITIVE_CLASS a,b c",
        b" DISPUTED +1 +x,-y",
        b'"hash":"%b"' % BRIDGE.encode(),
        b'["' + SHA1.encode(),
    ),
    *(b"INSERT INTO FILE ", b'"hashes":["%b",' % BRIDGE.encode(), b'"quality":100', b'"algorithm":"PDQ",'),
    *(b"<member id='1'>x</member><fingerprints>", b"<md5>%b</md5>" % MD5.encode(), b"<pdna/></fingerprints>"),
]

#: Formats that are one document: their records are counted, not their lines.
DOCUMENTS = {"threatexchange", "tat", "stopncii", "ncmec", "kdb", "rds", "json"}

streams = st.binary() | st.lists(st.sampled_from(PIECES) | st.binary(max_size=3)).map(b"".join)


#: Of these, the formats in which a record may yield several entries or wait for another record.
ENTANGLED = {"stix", "misp", "vics"}


def check(name: str, data: bytes) -> None:
    lines = max(1, data.count(b"\n") + (not data.endswith(b"\n")))
    last = data.count(b"{") + 1 if name in ENTANGLED else len(data) + 1 if name in DOCUMENTS else lines
    seen: dict[str, list[int]] = {"good": [], "bad": []}
    for row in get(name).read(BytesIO(data)):
        if isinstance(row, BadLine):
            assert 0 < len(row.message) < 200 and row.message.isprintable()
            seen["bad"].append(row.line)
        elif isinstance(row, LineRemark):
            assert 0 < len(row.message) < 200 and row.message.isprintable()
        else:
            assert isinstance(row[1], ListItem)
            assert identified(row[1]) or (row[1].record and row[1].retracted), "a record alone can only be withdrawn"
            hash(row[1])
            seen["good"].append(row[0])
    for numbers in seen.values():
        assert all(1 <= number <= last for number in numbers)
        assert len(set(numbers)) == len(numbers) or name in ENTANGLED
    assert seen["good"] == sorted(seen["good"]) or name in ENTANGLED


@pytest.mark.parametrize("name", names())
@patient
@given(data=streams)
def test_any_bytes(name: str, data: bytes) -> None:
    check(name, data)
    detect(data)


@pytest.mark.parametrize("name", written())
@patient
@given(listed=st.lists(items, min_size=1, max_size=3), seed=st.integers(0, 2**32))
def test_damaged_lists(name: str, listed: list[ListItem], seed: int) -> None:
    data = bytearray(write(get(name), listed, ALL)[0])
    chance = random.Random(seed)
    for _time in range(chance.randrange(1, 8)):
        if data:
            place = chance.randrange(len(data))
            data[place : place + chance.choice((0, 1, 9))] = chance.choice(PIECES)
    try:
        check(name, bytes(data))
    except CommandError as error:
        assert "version" in str(error)  # the damage turned it into a list of a newer version


#: Values to put where something else is expected.
VALUES = [
    None,
    True,
    0,
    -1,
    10**30,
    1.5,
    "",
    "x",
    "\ud800",
    "\0",
    [],
    {},
    [[]],
    [None],
    {"a": 1},
    ["x"],
    [{}],
    MD5,
    BRIDGE,
]


def otherwise(value: Any, chance: random.Random) -> Any:
    """A document in which some values have the wrong type."""
    if chance.random() < 0.05:
        return chance.choice(VALUES)
    if isinstance(value, dict):
        return {key: otherwise(each, chance) for key, each in value.items()}
    return [otherwise(each, chance) for each in value] if isinstance(value, list) else value


@pytest.mark.parametrize("name", sorted(ENTANGLED))
@patient
@given(listed=st.lists(items, min_size=1, max_size=3), seed=st.integers(0, 2**32))
def test_values_of_other_types(name: str, listed: list[ListItem], seed: int) -> None:
    document = otherwise(json.loads(write(get(name), listed, ALL)[0]), random.Random(seed))
    check(name, json.dumps(document).encode())


#: Held in memory, these would take several megabytes.
ENTRIES = 4_000
LONG = {
    "pdq": f"{BRIDGE}\n".encode() * ENTRIES,
    "digests": f"{MD5}\n{SHA1}\n".encode() * (ENTRIES // 2),
    "hashdeep": b"%%%% HASHDEEP-1.0\n%%%% size,md5,filename\n" + b"3,%b,a,b\n" % MD5.encode() * ENTRIES,
    "bodyfile": b"%b|a|1|r/r|0|0|3|1|1|1|1\n" % MD5.encode() * ENTRIES,
    "get-filehash": b"Algorithm : MD5\nHash : %b\nPath : a\n\n" % MD5.encode() * ENTRIES,
    "table": b"hash;name\n" + b"%b;a\n" % MD5.encode() * ENTRIES,
    "json": b"[" + b'{"hash":"%b"},' % MD5.encode() * (ENTRIES - 1) + b'{"hash":"%b"}]' % MD5.encode(),
    "threatexchange": b'{"data":[' + b'{"type":"HASH_MD5","indicator":"%b"},' % MD5.encode() * ENTRIES + b"]}",
    "tat": b'{"results":[' + b'{"algorithm":"MD5","hash_digest":"%b"},' % MD5.encode() * ENTRIES + b"]}",
    "stopncii": b'{"hashRecords":[' + b'{"signalType":"VideoMD5","hashValue":"%b"},' % MD5.encode() * ENTRIES + b"]}",
}


@pytest.mark.parametrize(
    "name", [name for name in names() if name not in ("ncmec", "rds", "rds-delta")]
)  # see test_ncmec
def test_a_long_list_is_not_held_in_memory(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stix_waiting, "WAITING_MAX", 10)  # files that a later indicator may still refer to
    count = 1_000 if name in ENTANGLED else ENTRIES
    frame = (Hash("pdq", bytes(32), 100, 1.0),) if name.startswith("vpdq") else ()
    kind: Kind = "video" if name.startswith("tx") else "image"
    listed = (ListItem(md5=f"{n:032x}", sha1=SHA1, sha256=SHA256, kind=kind, hashes=frame) for n in range(count))
    data = LONG.get(name) or write(get(name), listed)[0]
    rows = 2 * ENTRIES if name.startswith("tx") else count  # one digest per row
    stream = BytesIO(data)
    tracemalloc.start()
    try:
        assert sum(isinstance(row, tuple) for row in get(name).read(stream)) == rows
        assert tracemalloc.get_traced_memory()[1] < 500_000
    finally:
        tracemalloc.stop()

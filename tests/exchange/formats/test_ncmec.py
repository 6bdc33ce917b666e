"""The `ncmec` format: responses in the form that python-threatexchange reads, and hostile XML."""

from __future__ import annotations

import builtins
import sys
import tracemalloc
from collections.abc import Iterable, Iterator
from io import BytesIO
from typing import Any

import pytest

from hashmatch.errors import CommandError
from hashmatch.exchange.formats import ncmec
from hashmatch.exchange.formats.ncmec import FORMAT
from hashmatch.records import BadLine, Hash, LineRemark, ListItem, Opinion
from tests.support.list_items import BRIDGE, MD5, SHA1, items_of, read

pytest.importorskip("defusedxml", reason="needs defusedxml: pip install -e .[exchange]")

HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
OPEN = '<queryResult xmlns="https://hashsharing.ncmec.org/hashsharing/v2">'
MEMBER = '<member id="42">Example Member</member>'
TIME = "<timestamp>2017-10-24T15:00:00Z</timestamp>"
FEEDBACK = """
<feedback lastUpdateTimestamp="2023-06-01T12:48:14Z">
  <affirmativeFeedback type="Md5" lastUpdateTimestamp="2023-06-01T12:48:14Z">
    <members timestamp="2023-06-01T12:48:14Z"><member id="42">Example Member</member><member id="7">West</member></members>
  </affirmativeFeedback>
  <negativeFeedback type="Sha1" lastUpdateTimestamp="2023-05-31T19:41:51Z"><reasons>
    <reason guid="01234567-abcd-0123-4567-012345678900" name="Example Reason 1" type="Sha1"/>
    <members timestamp="2023-06-01T12:48:15Z"><member id="8"/></members>
  </reasons></negativeFeedback>
</feedback>"""


def entry(tag: str = "image", prints: str = f"<md5>{MD5}</md5>", more: str = "", number: str = "one") -> str:
    fingerprints = f"<fingerprints>{prints}</fingerprints>" if prints else ""
    return f"<{tag}>{MEMBER}{TIME}<id>{number}</id>{fingerprints}{more}</{tag}>"


def document(*entries: str) -> bytes:
    return f'{HEAD}{OPEN}<images count="2">{"".join(entries)}</images></queryResult>'.encode()


def rows_of(data: bytes) -> list[Any]:
    return list(FORMAT.read(BytesIO(data)))


def test_all_that_an_entry_says() -> None:
    prints = f"<md5>{MD5.upper()}</md5><sha1> {SHA1}\n</sha1><pdq>{BRIDGE}</pdq>"
    data = document(entry(prints=prints, more=f"<classification>A1</classification>{FEEDBACK}"))
    assert items_of(FORMAT, data) == [
        ListItem(
            kind="image",
            md5=MD5,
            sha1=SHA1,
            hashes=(Hash("pdq", bytes.fromhex(BRIDGE)),),
            labels=("classification:A1",),
            source="Example Member",
            changed="2017-10-24T15:00:00.000000Z",
            opinions=(
                Opinion("confirmed", None, "2023-06-01T12:48:14.000000Z", "Md5"),
                Opinion("confirmed", "West", "2023-06-01T12:48:14.000000Z", "Md5"),
                Opinion("disputed", "8", "2023-06-01T12:48:15.000000Z", "Sha1: Example Reason 1"),
            ),
            record="ncmec:42/one",
        )
    ]
    assert FORMAT.looks_like(data)


def test_a_prefix_of_the_namespace_and_another_encoding_do_no_harm() -> None:
    data = document(entry("video")).decode().replace("<", "<n:").replace("<n:/", "</n:").replace("<n:?", "<?")
    data = data.replace("xmlns=", "xmlns:n=").replace("Example Member", "Sönke")
    for form in (data, data.replace("UTF-8", "UTF-16")):
        (item,) = items_of(FORMAT, form.encode("utf-16" if "UTF-16" in form else "utf-8"))
        assert (item.kind, item.source) == ("video", "Sönke")
    assert FORMAT.looks_like(data.encode())


def test_what_is_not_searched_is_said_once_and_an_entry_of_nothing_else_is_refused() -> None:
    other = '<pdna>a1a1</pdna><tmk-pdqf rel="self" href="/v2/entries/1/fingerprints/TMK_PDQF"/>'
    rows = rows_of(document(entry(prints=f"<md5>{MD5}</md5>{other}"), entry(prints=other), entry(prints="")))
    remarks = [row for row in rows if isinstance(row, LineRemark)]
    assert sorted(row.message.split()[3] for row in remarks) == ["pdna", "tmk-pdqf"] and {r.line for r in remarks} == {
        1
    }
    bad = [row for row in rows if isinstance(row, BadLine)]
    assert [(row.line, row.message) for row in bad] == [(line, "neither a digest nor a hash") for line in (2, 3)]
    assert len(rows) == 5


def test_a_deleted_entry_withdraws_the_hashes_that_the_list_named_for_it() -> None:
    gone = entry("deletedImage", prints="")
    items = items_of(FORMAT, document(entry(), gone, entry("deletedVideo", prints=f"<sha1>{SHA1}</sha1>", number="x")))
    assert [(item.kind, item.md5, item.sha1, item.retraction_reason) for item in items] == [
        ("image", MD5, None, None),
        ("image", MD5, None, "deletedImage"),
        ("video", None, SHA1, "deletedVideo"),
    ]
    assert items[1].retracted == "2017-10-24T15:00:00Z" and items[1].record == "ncmec:42/one"


def test_a_deleted_entry_of_another_list_has_its_record(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ncmec, "KEPT", 1)
    rows = rows_of(document(entry(), entry(number="two"), entry("deletedImage", prints="")))
    assert rows[2] == (
        3,
        ListItem(
            kind="image",
            source="Example Member",
            changed="2017-10-24T15:00:00.000000Z",
            retracted="2017-10-24T15:00:00Z",
            retraction_reason="deletedImage",
            record="ncmec:42/one",
        ),
    )


def test_a_deleted_entry_without_an_id_is_refused() -> None:
    (row,) = rows_of(document(f"<deletedImage>{MEMBER}{TIME}</deletedImage>"))
    assert row == BadLine(1, "it withdraws an entry without giving its id")


@pytest.mark.parametrize(
    "bad",
    [
        entry(prints="<md5>00</md5>"),
        entry(prints=f"<pdq>{'0' * 32}</pdq>"),
        entry(more="<timestamp>soon</timestamp>"),
        entry(more=f"<x>{'x' * 70_000}</x>"),
        entry(more="<x/>" * 100_001),
        entry(more=f"<x>{'x' * 60_000}</x>" * 20),
        entry(more=f'<member id="{"x" * 500_000}"/>' * 3),
    ],
)
def test_a_bad_entry_costs_itself_only(bad: str) -> None:
    found, refused = read(FORMAT, document(entry(), bad, entry()))
    assert list(found) == [1, 3] and list(refused) == [2]


ENTITIES = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'
EXTERNAL = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (f"{HEAD}{ENTITIES}{OPEN}&b;</queryResult>", "document type or an entity"),
        (f"{HEAD}{EXTERNAL}{OPEN}&a;</queryResult>", "document type or an entity"),
        (f'{HEAD}<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">{OPEN}</queryResult>', "document type or an entity"),
        ('<?xml version="1.0" encoding="no-such"?><a/>', "broken"),
        (f"{OPEN}{'<a>' * 200}", "nested more than 100 deep"),
        (f"{OPEN}<image>{'<a>' * 200}", "nested more than 100 deep"),
        (f"{OPEN}&a;</queryResult>", "broken"),
        ("rubbish", "broken"),
        ("\0", "broken"),
    ],
)
def test_xml_that_cannot_be_read(data: str, reason: str) -> None:
    (row,) = rows_of(data.encode())
    assert isinstance(row, BadLine) and reason in row.message and row.line == 1


def test_what_stands_before_a_break_is_kept() -> None:
    whole = document(entry(), entry())
    for cut in (whole[:-20], whole.replace(b"</images>", b"</wrong>"), whole + b"<x/>"):
        rows = rows_of(cut)
        assert [type(row) for row in rows] == [tuple, tuple, BadLine]
        assert rows[2].line == 3


def test_a_document_without_entries_says_so() -> None:
    (row,) = rows_of(f"{OPEN}<updates/></queryResult>".encode())
    assert isinstance(row, LineRemark) and "no entry" in row.message
    (row,) = rows_of(b"")
    assert isinstance(row, LineRemark)


def test_an_answer_without_entries_is_nothing_new() -> None:
    assert rows_of(document()) == []


@pytest.mark.parametrize("head", [HEAD, ""])
def test_several_answers_in_one_file(head: str) -> None:
    def answer(number: str) -> bytes:
        return document(entry(number=number)).removeprefix(HEAD.encode()).join((head.encode(), b"\n"))

    items = items_of(FORMAT, answer("one") + answer("two") + answer("three"))
    assert [item.record for item in items] == ["ncmec:42/one", "ncmec:42/two", "ncmec:42/three"]


@pytest.mark.parametrize("head", [HEAD, ""])
def test_a_damaged_answer_does_not_hide_the_good_ones_after_it(head: str) -> None:
    whole = document(entry(number="one"), entry(number="two")).removeprefix(HEAD.encode())
    for cut in range(len(OPEN) + 1, len(whole) - 1):
        rows = rows_of(head.encode() + whole[:cut] + head.encode() + whole)
        assert [row[1].record for row in rows if isinstance(row, tuple)][-2:] == ["ncmec:42/one", "ncmec:42/two"]
        assert sum(isinstance(row, BadLine) for row in rows) == 1
    rows = rows_of(whole + head.encode() + whole.replace(b"<md5>", b"<md5>&e;", 1) + head.encode() + whole)
    assert [type(row) for row in rows] == [tuple, tuple, BadLine, tuple, tuple]
    bomb = ENTITIES.encode() + OPEN.encode() + b"&b;</queryResult>"
    rows = rows_of(HEAD.encode() + bomb + head.encode() + whole)
    assert isinstance(rows[0], BadLine) and len(rows) == 3


def test_answers_are_told_apart_wherever_they_are_cut_for_reading() -> None:
    whole = document(entry(number="one")) + document(entry(number="two"))
    for size in (1, 2, 7, 33, 80, 81):
        pieces = (whole[start : start + size] for start in range(0, len(whole), size))
        stream: Any = Pieces(pieces)
        assert [row[1].record for row in FORMAT.read(stream) if isinstance(row, tuple)] == [
            "ncmec:42/one",
            "ncmec:42/two",
        ]


def test_a_corrected_entry_has_the_same_record_and_the_mark_is_that_of_the_interface() -> None:
    first, second = items_of(FORMAT, document(entry(), entry(prints=f"<sha1>{SHA1}</sha1>")))
    assert (first.record, first.md5, second.record, second.sha1) == ("ncmec:42/one", MD5, "ncmec:42/one", SHA1)
    assert first.tlp is None and FORMAT.default_tlp == "amber+strict"


class Pieces:
    """A list that comes in pieces for as long as someone reads it."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)

    def read(self, _size: int) -> bytes:
        return next(self._pieces, b"")


def _endless(start: bytes, more: bytes) -> Iterator[bytes]:
    yield start
    for _number in range(20):  # 1.3 MB
        yield more * (2**16 // len(more))


@pytest.mark.parametrize(
    ("start", "more"),
    [
        (f'{OPEN}<image a="', "x"),
        (f"{OPEN}<!--", "x"),
        (f"{OPEN}<", "a"),
        (f"{OPEN}<image><id>", "x"),
        (f"{OPEN}<image>", f"<a>{'x' * 40}</a>"),
        (OPEN, f"<a>{'x' * 40}</a>"),
        (OPEN, entry(prints="", number="x" * 999)),
    ],
)
def test_what_never_ends_does_not_fill_the_memory(start: str, more: str) -> None:
    stream: Any = Pieces(_endless(start.encode(), more.encode()))
    tracemalloc.start()
    try:
        assert all(isinstance(row, BadLine) for row in FORMAT.read(stream))
        assert tracemalloc.get_traced_memory()[1] < 1 << 22
    finally:
        tracemalloc.stop()


def test_a_long_list_is_not_held_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ncmec, "KEPT", 100)
    pieces = (entry(number=str(number)).encode() for number in range(3000))
    stream: Any = Pieces((OPEN.encode(), *pieces, b"</queryResult>"))
    tracemalloc.start()
    try:
        assert sum(isinstance(row, tuple) for row in FORMAT.read(stream)) == 3000
        assert tracemalloc.get_traced_memory()[1] < 3_000_000
    finally:
        tracemalloc.stop()


def test_without_defusedxml_one_line_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [each for each in sys.modules if each.startswith("defusedxml")]:
        monkeypatch.delitem(sys.modules, name)
    real = builtins.__import__

    def missing(name: str, *rest: Any, **more: Any) -> Any:
        if name.startswith("defusedxml"):
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(CommandError, match=r"pip install 'hashmatch\[exchange\]'"):
        next(FORMAT.read(BytesIO(document(entry()))))

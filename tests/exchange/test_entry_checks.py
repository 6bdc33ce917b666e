"""Checks of entries whose fields are all valid by themselves."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import pytest
from hypothesis import given

from hashmatch import exchange
from hashmatch.exchange import entry_checks
from hashmatch.exchange.entry_checks import ListChecker, RemarkLimit, check
from hashmatch.records import LONGEST_FILM, Hash, LineRemark, ListItem, Opinion
from tests.support.list_items import BRIDGE, MD5, PICTURE, SHA1, SHA256, items, patient

GOOD = Hash("pdq", bytes.fromhex(BRIDGE), 100)


def ones(count: int, quality: int | None = None) -> Hash:
    return Hash("pdq", ((1 << count) - 1).to_bytes(32), quality)


def film(*times: float) -> ListItem:
    return ListItem("video", hashes=tuple(replace(GOOD, bits=bytes([n]) * 32, time=t) for n, t in enumerate(times, 1)))


def test_a_good_entry_is_left_alone() -> None:
    for item in (PICTURE, film(0.0, 1.0, 2.0)):
        assert check(item).item is item
        assert check(item).problem == ""
    assert check(ListItem(hashes=(GOOD,))).remarks == ()


@pytest.mark.parametrize(
    ("item", "problem"),
    [
        (ListItem(md5=entry_checks.EMPTY["md5"], hashes=(GOOD,)), "md5 is that of an empty file"),
        (ListItem(sha1=entry_checks.EMPTY["sha1"]), "sha1 is that of an empty file"),
        (ListItem(md5=MD5, sha256=entry_checks.EMPTY["sha256"]), "sha256 is that of an empty file"),
        (ListItem(sha256="0" * 64, hashes=(GOOD,)), "placeholder"),
        (ListItem(md5="f" * 32), "placeholder"),
        (ListItem(hashes=(ones(0),)), "with 0 ones"),
        (ListItem(hashes=(ones(1, 100),)), "with 1 ones"),
        (ListItem(hashes=(ones(255), ones(256))), "with 255 ones"),
        (ListItem(hashes=(GOOD, Hash("pdq", bytes(8)))), "differ in length"),
        (film(1.0, LONGEST_FILM + 1), "longer than any film"),
        (ListItem(md5=MD5, duration=LONGEST_FILM * 2), "longer than any film"),
    ],
)
def test_what_is_refused(item: ListItem, problem: str) -> None:
    assert problem in check(item).problem


@pytest.mark.parametrize(
    ("item", "remark"),
    [
        (ListItem(hashes=(ones(60),)), "unusually few or many ones"),
        (ListItem(hashes=(ones(80, 70),)), "unusually few or many ones"),
        (ListItem(md5=MD5, capitals=True), "capitals"),
        (ListItem(md5=MD5, labels=("a\u202eb",)), "control characters"),
        (ListItem(md5=MD5, opinions=(Opinion("confirmed", "x\x1b[2J"),)), "control characters"),
        (ListItem(md5=MD5, paths=(b"a\nb",)), "control characters"),
        (ListItem(md5=MD5, note="=cmd()"), "formula"),
        (ListItem(md5=MD5, hashes=(Hash("photodna", bytes(144)),)), "does not know"),
        (film(99.0, 100.0, 100.0, 102.0), "rounded to three digits"),
        (film(1230.0, 1230.0, 1240.0), "rounded to three digits"),
    ],
)
def test_what_is_told(item: ListItem, remark: str) -> None:
    checked = check(item)
    assert checked.problem == "" and checked.item == item
    assert sum(remark in each for each in checked.remarks) == 1
    assert all(each.isprintable() for each in checked.remarks)


@pytest.mark.parametrize(
    "item",
    [
        ListItem(md5=MD5, note="two\r\nlines\tand more", labels=("داعش", "می\u200cخواهم")),
        ListItem(md5=MD5, paths=(b"-rf", b"@name.jpg")),
        ListItem(hashes=(ones(0, 0),)),  # a black picture whose quality says so
        replace(film(1.0), hashes=(replace(ones(0, 5), time=1.0), replace(GOOD, time=2.0))),
        ListItem("video", hashes=tuple(replace(GOOD, time=float(t)) for t in range(90, 120))),
    ],
)
def test_what_is_nothing_special(item: ListItem) -> None:
    assert check(item) == entry_checks.CheckedEntry(item)


def test_a_bad_hash_is_left_out_where_others_are_left() -> None:
    checked = check(ListItem(hashes=(ones(0), GOOD, ones(1))))
    assert checked.item.hashes == (GOOD,) and checked.problem == ""
    assert checked.remarks == (
        "a hash is left out: no picture has a PDQ hash with 0 ones",
        "a hash is left out: no picture has a PDQ hash with 1 ones",
    )
    checked = check(ListItem(sha256=SHA256, hashes=(Hash("pdq", bytes.fromhex(SHA256)),)))
    assert checked.item == ListItem(sha256=SHA256) and "is really its sha256" in checked.remarks[0]


def test_an_entry_that_comes_again() -> None:
    judge = ListChecker()
    assert judge.check(1, PICTURE).remarks == check(PICTURE).remarks
    assert (
        judge.check(2, replace(PICTURE, collection="west")).remarks == check(PICTURE).remarks
    )  # said by another source
    assert judge.check(3, replace(PICTURE, labels=())).remarks[-1] == "the same entry as in line 1"
    one, two = GOOD, Hash("phash", bytes(range(8)))
    assert judge.check(4, ListItem(hashes=(one, two))).remarks == ()
    assert judge.check(5, ListItem(hashes=(two, one))).remarks == ("the same entry as in line 4",)


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entry_checks, "REMEMBERED", 2)
    judge = ListChecker()
    told = [judge.check(n, ListItem(md5=f"{(n - 1) % 4 + 1:032x}")).remarks for n in range(1, 9)]
    assert [bool(each) for each in told] == [False] * 4 + [True] * 2 + [False] * 2, "the first two are remembered"


def test_remarks_of_a_kind_are_told_some_times_and_then_counted() -> None:
    told = RemarkLimit(most=2)
    remarks = [LineRemark(n, f"the same entry as in line {n // 2}, 'x{n}'") for n in range(1, 8)]
    remarks.insert(1, LineRemark(1, "something else"))
    assert [r.line for r in remarks if told.tells(r)] == [1, 1, 2]
    assert list(told.rest()) == [LineRemark(7, f"{remarks[-1].message}; the same goes for 4 more lines")]
    assert all(map(RemarkLimit(None).tells, remarks))
    told = RemarkLimit(most=1)
    assert [told.tells(remark) for remark in remarks[2:4]] == [True, False]
    assert list(told.rest()) == [remarks[3]], "one is told as it is"


def test_kinds_of_remarks_are_bounded() -> None:
    told = RemarkLimit(most=1)
    words = [chr(97 + n // 26) + chr(97 + n % 26) for n in range(300)]
    assert sum(told.tells(LineRemark(n, word)) for n, word in enumerate(words)) < 110
    assert len(list(told.rest())) == 1


def test_digests_that_are_called_pdq_are_noticed() -> None:
    judge, fine = ListChecker(), ListChecker()
    for n in range(100):
        judge.check(n, ListItem(hashes=(ones(120),)))
        fine.check(n, ListItem(hashes=(ones(128),)))
    (remark,) = judge.whole()
    assert "only 0 of 100 PDQ hashes" in remark.message
    assert list(fine.whole()) == []


@pytest.mark.parametrize(
    ("form", "line"),
    [
        ("pdq", BRIDGE),
        ("md5sum", f"{MD5}  a"),
        ("sha256sum", f"SHA256 (a) = {SHA256}"),
        ("jsonl", f'{{"md5":"{MD5}"}}'),
        ("jsonl", f'{{"hashes":[{{"algorithm":"pdq","hash":"{BRIDGE}"}}]}}'),
        ("csv", f"algorithm,hash\npdq,{BRIDGE}"),
        ("csv", f"sha256,algorithm,hash\n{SHA256},,"),
    ],
)
def test_capitals_are_seen_in_every_format(form: str, line: str) -> None:
    for value in (BRIDGE, MD5, SHA256):
        capital = line.replace(value, value.upper())
        rows = [[*exchange.get(form).read(BytesIO(text.encode()))] for text in (line, capital)]
        items = [row[1] for each in rows for row in each if isinstance(row, tuple)]
        assert items[0] == items[1]
        assert [item.capitals for item in items] == [False, capital != line]


@patient
@given(items)
def test_never_fails_and_what_it_keeps_is_good(item: ListItem) -> None:
    checked = ListChecker().check(1, item)
    if not checked.problem:
        assert replace(checked.item, hashes=item.hashes) == item
        assert check(checked.item).problem == ""
        assert checked.item.hashes or checked.item.md5 or checked.item.sha1 or checked.item.sha256


@pytest.mark.parametrize("form", ["hashkeeper", "nsrl", "vics"])
def test_capitals_are_usual_in_forensic_lists(form: str) -> None:
    out = BytesIO()
    write = exchange.get(form).write
    assert write is not None
    write([ListItem(md5=MD5, sha1=SHA1)], out)
    assert MD5.upper() in out.getvalue().decode()
    out.seek(0)
    assert [row[1].capitals for row in exchange.get(form).read(out) if isinstance(row, tuple)] == [False]


@pytest.mark.parametrize("field", ["added", "changed", "retracted"])
def test_a_date_to_come_is_told(field: str) -> None:
    judge = ListChecker()
    for number, (year, odd) in enumerate([("2020", False), ("2999", True)]):
        dates = {field: f"{year}-01-01T00:00:00Z"}
        checked = judge.check(number, ListItem(md5=f"{number + 1:032x}", **dates))  # type: ignore[arg-type]
        assert not checked.problem and any("in the future" in each for each in checked.remarks) == odd

"""Numbered lines from any stream."""

from __future__ import annotations

from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashmatch.exchange import numbered_lines
from hashmatch.records import BadLine


def test_lines_keep_their_number_and_end() -> None:
    data = b"\xef\xbb\xbfone\r\n\n\xe2\x80\xa8three\xc2\x85\rx\nlast"
    assert list(numbered_lines.numbered_text(BytesIO(data))) == [
        (1, "one\r\n"),
        (2, "\n"),
        (3, "\u2028three\u0085\rx\n"),
        (4, "last"),
    ]


def test_a_byte_order_mark_alone_is_an_empty_line() -> None:
    assert list(numbered_lines.numbered(BytesIO(b"\xef\xbb\xbf"))) == [(1, b"")]


def test_nul_and_bad_utf8_are_refused_and_reading_goes_on() -> None:
    found = list(numbered_lines.numbered_text(BytesIO(b"a\0b\nab\xff\nfine\n")))
    assert found == [
        BadLine(1, "the line contains a NUL byte"),
        BadLine(2, "not valid UTF-8 (at byte 3)"),
        (3, "fine\n"),
    ]


@pytest.mark.parametrize("end", [b"\nnext\n", b"\nnext", b""])
def test_a_long_line_is_passed_over(monkeypatch: pytest.MonkeyPatch, end: bytes) -> None:
    monkeypatch.setattr(numbered_lines, "LINE_MAX", 10)
    found = list(numbered_lines.numbered(BytesIO(b"123456789\n" + b"x" * 3_000_000 + end)))
    assert found[:2] == [(1, b"123456789\n"), BadLine(2, "the line is longer than 10 bytes")]
    assert [line[1].strip() for line in found[2:] if isinstance(line, tuple)] == ([b"next"] if end else [])


@given(st.binary())
def test_numbers_count_the_lines(data: bytes) -> None:
    found = list(numbered_lines.numbered_text(BytesIO(data)))
    numbers = [line.line if isinstance(line, BadLine) else line[0] for line in found]
    assert numbers == list(range(1, len(data.split(b"\n")) + (0 if data.endswith(b"\n") or not data else 1)))


def test_a_sample_leaves_out_comments_and_the_cut_line() -> None:
    assert numbered_lines.sample(b"\xef\xbb\xbf# c\n\n one \r\ntwo\nthr") == [b" one ", b"two"]
    assert numbered_lines.sample(b"onl") == [b"onl"]
    assert len(numbered_lines.sample(b"x\n" * 1000)) == 100

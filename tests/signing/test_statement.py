"""What a signer says about a list, written to a line and read from a line that may be hostile."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashmatch.exchange.fields import LineError
from hashmatch.signing.minisign import COMMENT_MAX
from hashmatch.signing.statement import SignedStatement, from_comment, to_comment
from tests.support.signing_keys import STATEMENT, statements


def test_what_is_written() -> None:
    assert to_comment(STATEMENT) == (
        'hashmatch-list {"count":3,"created":"2026-11-26T12:00:00Z","expires":"2027-01-01T00:00:00Z","list":"unit\'s list",'
        '"sequence":7,"sha256":"' + "ab" * 32 + '","since":null,"tlp":"amber+strict","version":2}'
    )


@given(statements())
def test_round_trip(statement: SignedStatement) -> None:
    comment = to_comment(statement)
    assert comment.isascii() and comment.isprintable() and len(comment) <= COMMENT_MAX
    assert from_comment(comment) == statement


def test_names_of_all_scripts() -> None:
    for name in ("قائمة الوحدة", "می‌خواهم", "名簿", "x" * 200):
        assert from_comment(to_comment(replace(STATEMENT, name=name))).name == name  # type: ignore[union-attr]


@given(st.text())
def test_other_comments_are_no_statement(comment: str) -> None:
    assert from_comment(comment) is None
    assert from_comment("timestamp:1795732274\tfile:f\thashed") is None


@given(st.text() | st.text().map(json.dumps) | st.recursive(st.none() | st.integers(), st.lists).map(json.dumps))
def test_hostile_text(text: str) -> None:
    with pytest.raises(LineError) as refused:
        from_comment("hashmatch-list " + text)
    assert len(str(refused.value)) < 300 and "\n" not in str(refused.value)


def test_deep_and_long_ones() -> None:
    for text in ("[" * 8000, '{"a":' * 1500, '{"count":' + "9" * 7000 + "}", '{"list":NaN}', '{"list":"a","list":"b"}'):
        with pytest.raises(LineError):
            from_comment("hashmatch-list " + text)


GOOD = json.loads(to_comment(STATEMENT).removeprefix("hashmatch-list "))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *[(field, None) for field in ("list", "version", "sequence", "created", "count", "sha256")],
        *[
            (field, value)
            for field in ("version", "sequence", "since", "count")
            for value in (-1, 2**63, 1.5, "1", True, [])
        ],
        *[
            ("list", value)
            for value in ("", " x", "x\n", "\x1b[31m", "\u202egpj", "\x7f", "\0", "\ud800", "x" * 201, 1, [])
        ],
        *[(field, value) for field in ("created", "expires") for value in ("yesterday", "2026-13-01", 5, "9" * 70)],
        *[("sha256", value) for value in ("", "ab" * 31, "zz" * 32, "ab" * 16 + " " * 32, 1)],
        *[("tlp", value) for value in ("black", 1, [])],
        ("since", 8),
    ],
)
def test_fields_that_are_refused(field: str, value: object) -> None:
    with pytest.raises(LineError) as refused:
        from_comment("hashmatch-list " + json.dumps({**GOOD, field: value}))
    assert str(refused.value).isprintable()


def test_what_is_optional_or_unknown() -> None:
    less = {key: value for key, value in GOOD.items() if key not in ("since", "expires", "tlp")}
    found = from_comment("hashmatch-list " + json.dumps({**less, "later": [1]}))
    assert found == replace(STATEMENT, expires=None, tlp=None)


def test_what_could_not_be_read_is_not_written() -> None:
    for changes in (
        {"name": "a\nb"},
        {"since": 8},
        {"created": "2026-11-26T12:00"},
        {"sha256": "AB" * 32},
        {"count": -1},
    ):
        with pytest.raises(LineError):
            to_comment(replace(STATEMENT, **changes))  # type: ignore[arg-type]

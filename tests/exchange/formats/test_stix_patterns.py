"""Digests in STIX patterns as real feeds write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashmatch.exchange.fields import LineError
from hashmatch.exchange.formats.stix_patterns import entries, pattern_of
from tests.support.list_items import MD5, SHA1, SHA256


@pytest.mark.parametrize(
    ("pattern", "found", "more"),
    [
        (f"[file:hashes.'SHA-256' = '{SHA256}']", [{"SHA256": SHA256}], False),
        (f"[file:hashes.MD5='{MD5}']", [{"MD5": MD5}], False),
        (
            f"[ file:hashes.'SHA-256' = '{SHA256}' AND file:hashes.MD5 = '{MD5}' ]",
            [{"SHA256": SHA256, "MD5": MD5}],
            False,
        ),
        (f"[file:hashes.MD5 = '{MD5}' AND file:size = 3]", [{"MD5": MD5, "size": 3}], False),
        (f"[file:hashes.MD5 = '{MD5}' OR file:hashes.'SHA-1' = '{SHA1}']", [{"MD5": MD5}, {"SHA1": SHA1}], False),
        (f"[file:hashes.MD5 = '{MD5}'] OR [file:hashes.SHA1 = '{SHA1}']", [{"MD5": MD5}, {"SHA1": SHA1}], False),
        (f"[file:hashes.MD5 IN ('{MD5}', '{MD5[::-1]}')]", [{"MD5": MD5}, {"MD5": MD5[::-1]}], False),
        (f"[(file:hashes.MD5 = '{MD5}') AND file:hashes.SHA1 = '{SHA1}']", [{"MD5": MD5, "SHA1": SHA1}], False),
        (f"[(file:hashes.MD5 = '{MD5}' OR file:name = 'x') AND file:size = 3]", [{"MD5": MD5, "size": 3}], True),
        (f"[file:hashes.MD5 IN ('{MD5}', '{MD5[::-1]}') AND file:size = 3]", [{"MD5": MD5}, {"MD5": MD5[::-1]}], False),
        (f"[file:hashes.MD5 = '{MD5}' AND file:hashes.MD5 = '{MD5[::-1]}']", [{"MD5": MD5}, {"MD5": MD5[::-1]}], False),
        (f"[artifact:hashes.'MD5' = '{MD5}']", [{"MD5": MD5}], False),
        (f"[file:content_ref.hashes.MD5 = '{MD5}']", [{"MD5": MD5}], False),
        (f"[file:name = 'a]\\' OR [' AND file:hashes.MD5 = '{MD5}']", [{"MD5": MD5}], True),
        (f"[file:hashes.MD5 = '{MD5}'] FOLLOWEDBY [url:value = 'x']", [{"MD5": MD5}], True),
        (f"[file:hashes.MD5 = '{MD5}'] AND [file:hashes.SHA1 = '{SHA1}']", [{"MD5": MD5}, {"SHA1": SHA1}], True),
        (f"[file:hashes.MD5 = '{MD5}'] WITHIN 5 SECONDS", [{"MD5": MD5}], True),
        ("[ipv4-addr:value = '198.51.100.1']", [], True),
        (f"[file:name = 'file:hashes.MD5 = {MD5}']", [], True),
        (f"[file:hashes.MD5 = '{MD5}' AND file:hashes.'SHA-1' NOT IN ('{SHA1}')]", [{"MD5": MD5}], True),
        (f"[file:hashes.MD5 = '{MD5}' OR file:hashes.'SHA-1' != '{SHA1}']", [{"MD5": MD5}], True),
        (f"[file:hashes.MD5 = '{MD5}' AND EXISTS file:name]", [{"MD5": MD5}], True),
        (
            f"[file:hashes.MD5 = '{MD5}'] START t'2026-01-01T00:00:00Z' STOP t'2026-02-01T00:00:00Z'",
            [{"MD5": MD5}],
            True,
        ),
        (f"([file:hashes.MD5 == '{MD5}'] REPEATS 5 TIMES) WITHIN 1.5 SECONDS", [{"MD5": MD5}], True),
        (f"[file:hashes.MD5 = /* NOT */ '{MD5}'] // NOT", [{"MD5": MD5}], False),
        (
            f"[file:hashes.sha-256 = '{SHA256}' or file:hashes.\"MD5\" in ('{MD5}')]",
            [{"SHA256": SHA256}, {"MD5": MD5}],
            False,
        ),
        (f"[file:extensions.'windows-pebinary-ext'.sections[*].hashes.MD5 = '{MD5}']", [], True),
        (f"[x509-certificate:hashes.MD5 = '{MD5}']", [], True),
    ],
)
def test_patterns(pattern: str, found: list[dict[str, str]], more: bool) -> None:
    assert entries(pattern) == (found, more)


@pytest.mark.parametrize(
    "test",
    [
        *(
            "file:hashes.MD5 NOT = '{}'",
            "file:hashes.MD5 != '{}'",
            "file:hashes.MD5 <> '{}'",
            "file:hashes.MD5 NOT IN ('{}')",
        ),
        *("file:hashes.MD5 NOT != '{}'", "file:hashes.MD5 not LIKE '{}'", "file:hashes.MD5 MATCHES '{}'"),
        *("file:hashes.MD5 > '{}'", "EXISTS file:hashes.MD5 AND file:name = '{}'", "(file:hashes.MD5 NOT='{}')"),
    ],
)
def test_what_looks_for_no_digest(test: str) -> None:
    for pattern in (f"[{test}]", f"[file:name = 'x' AND {test}]", f"[{test}] FOLLOWEDBY [file:name = 'x']"):
        with pytest.raises(LineError, match="looks for none of them"):
            entries(pattern.format(MD5))


@pytest.mark.parametrize(
    "pattern",
    [
        *(
            "[NOT file:hashes.MD5 = '{}']",
            "NOT [file:hashes.MD5 = '{}']",
            "[NOT (file:hashes.MD5 = '{}')]",
            "[!file:hashes.MD5 = '{}']",
        ),
        *(
            "[file:name = 'x' AND NOT file:hashes.MD5 = '{}']",
            "[file:hashes.MD5 = NOT '{}']",
            "[file:hashes.MD5 NOT NOT = '{}']",
        ),
        *(
            "[file:hashes.MD5 = '{}'",
            "file:hashes.MD5 = '{}'",
            "file:hashes.MD5 = '{}']",
            "[file:hashes.MD5 = '{}]",
            "[file:hashes.MD5 = {}]",
        ),
        *(
            "[(file:hashes.MD5 = '{}']",
            "[file:hashes.MD5 = '{}')]",
            "[file:hashes.MD5 IN ('{}']",
            "[file:hashes.MD5 IN ('{}' 'x')]",
        ),
        *(
            "[file:hashes.MD5 = '{}' AND]",
            "[file:hashes.MD5 = '{}'] OR",
            "[file:hashes.MD5 = '{}'] x",
            "[file:hashes.MD5 = '{}'] WITHIN 5 HOURS",
        ),
        *(
            "[file:hashes.\\'MD5\\' = '{}']",
            "[file.hashes.MD5 = '{}']",
            "[file:hashes.MD5 =? '{}']",
            "[file:hashes.MD5 '{}']",
            "[]",
            "",
            "{}",
        ),
    ],
)
def test_what_is_not_valid_is_refused(pattern: str) -> None:
    with pytest.raises(LineError, match="not a valid STIX pattern"):
        entries(pattern.format(MD5))


_TESTS = [
    *(f"file:hashes.MD5 {operator} '{MD5}'" for operator in ("=", "!=", "NOT =", "LIKE", "NOT LIKE")),
    *(f"artifact:hashes.'SHA-1' {operator} ('{SHA1}')" for operator in ("IN", "NOT IN")),
    "file:size = 3",
]
_JOINS = [" AND ", " OR ", "] AND [", "] OR [", "] FOLLOWEDBY [", " AND ("]
_PIECES = [
    "",
    "[",
    "]",
    "(",
    ")",
    "=",
    "NOT ",
    " AND ",
    " IN ",
    "EXISTS ",
    "'",
    ",",
    " 7 ",
    "h",
    "!",
    "file:hashes.MD5 ",
]


@given(
    joined=st.lists(st.tuples(st.sampled_from(_TESTS), st.sampled_from(_JOINS)), min_size=1, max_size=4),
    last=st.sampled_from(_TESTS),
    spoilt=st.integers(0, 200),
    piece=st.sampled_from(_PIECES),
    cut=st.booleans(),
)
def test_the_grammar_of_oasis_agrees(
    joined: list[tuple[str, str]], last: str, spoilt: int, piece: str, cut: bool
) -> None:
    judge = pytest.importorskip("stix2patterns.v21.pattern", reason="patterns are judged by stix2-patterns")
    pattern = "[" + "".join(test + join for test, join in joined) + last
    pattern += ")" * pattern.count("AND (") + "]"
    pattern = pattern[:spoilt] + piece + pattern[spoilt + cut :]
    try:
        judge.Pattern(pattern)
        valid = True
    except judge.ParseException:
        valid = False
    try:
        entries(pattern)
        refused = ""
    except LineError as error:
        refused = str(error)
    assert valid == ("not a valid" not in refused), refused


@pytest.mark.parametrize(
    "piece",
    ["[", "(", "'", "'\\", "file:hashes.", "file:hashes.MD5 IN (", "file:hashes.MD5 = '", "file:size = 1", "x "],
)
def test_hostile_patterns_take_no_time(piece: str) -> None:
    for pattern in (piece * 100_000, "[" + piece * 100_000, f"[file:hashes.MD5 = '{MD5}' OR {piece * 100_000}"):
        with pytest.raises(LineError):
            entries(pattern)


def test_a_pattern_of_many_digests() -> None:
    digests = [f"{number:032x}" for number in range(20_000)]
    listed = ", ".join(f"'{digest}'" for digest in digests)
    assert len(entries(f"[file:hashes.MD5 IN ({listed})]")[0]) == len(digests)
    assert len(entries(" OR ".join(f"[file:hashes.MD5 = '{digest}']" for digest in digests))[0]) == len(digests)


@given(md5=st.none() | st.just(MD5), sha1=st.none() | st.just(SHA1), sha256=st.just(SHA256))
def test_our_own(md5: str | None, sha1: str | None, sha256: str) -> None:
    named, more = entries(pattern_of(md5, sha1, sha256))
    assert not more and [value for each in named for value in each.values()] == [d for d in (md5, sha1, sha256) if d]

"""Digests in STIX patterns as real feeds write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
        (f"[(file:hashes.MD5 = '{MD5}') AND file:hashes.SHA1 = '{SHA1}']", [{"MD5": MD5}, {"SHA1": SHA1}], False),
        (f"[file:hashes.MD5 = '{MD5}' AND file:hashes.MD5 = '{MD5[::-1]}']", [{"MD5": MD5}, {"MD5": MD5[::-1]}], False),
        (f"[artifact:hashes.'MD5' = '{MD5}']", [{"MD5": MD5}], False),
        (f"[file:content_ref.hashes.MD5 = '{MD5}']", [{"MD5": MD5}], False),
        (f"[file:name = 'a]\\' OR [' AND file:hashes.MD5 = '{MD5}']", [{"MD5": MD5}], True),
        (f"[file:hashes.MD5 = '{MD5}'] FOLLOWEDBY [url:value = 'x']", [{"MD5": MD5}], True),
        (f"[file:hashes.MD5 = '{MD5}'] AND [file:hashes.SHA1 = '{SHA1}']", [{"MD5": MD5}, {"SHA1": SHA1}], True),
        (f"[file:hashes.MD5 = '{MD5}'] WITHIN 5 SECONDS", [{"MD5": MD5}], True),
        (f"[file:hashes.MD5 NOT = '{MD5}']", [], True),
        (f"[file:hashes.MD5 != '{MD5}']", [], True),
        (f"[file:name = 'file:hashes.MD5 = {MD5}']", [], True),
        ("[ipv4-addr:value = '198.51.100.1']", [], True),
        (f"file:hashes.MD5 = '{MD5}'", [{"MD5": MD5}], False),
        ("", [], False),
    ],
)
def test_patterns(pattern: str, found: list[dict[str, str]], more: bool) -> None:
    assert entries(pattern) == (found, more)


@pytest.mark.parametrize(
    "piece",
    ["[", "(", "'", "'\\", "file:hashes.", "file:hashes.MD5 IN (", "file:hashes.MD5 = '", "file:size = 1", "x "],
)
def test_hostile_patterns_take_no_time(piece: str) -> None:
    entries(piece * 100_000)


@given(md5=st.none() | st.just(MD5), sha1=st.none() | st.just(SHA1), sha256=st.just(SHA256))
def test_our_own(md5: str | None, sha1: str | None, sha256: str) -> None:
    named, more = entries(pattern_of(md5, sha1, sha256))
    assert not more and [value for each in named for value in each.values()] == [d for d in (md5, sha1, sha256) if d]

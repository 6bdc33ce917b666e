"""Keys and statements to sign with, and minisign itself to compare with."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import strategies as st

from hashmatch.records import TLP_ORDER
from hashmatch.signing.keys import KnownKey
from hashmatch.signing.minisign import SecretKey
from hashmatch.signing.statement import SignedStatement

NOW = "2026-11-26T12:00:00Z"
#: The memory, in bytes, that trying a password takes in tests: libsodium's minimum.
LITTLE_MEMORY = 2**20

OURS, THEIRS = SecretKey._of(b"ourskey1", bytes(range(32))), SecretKey._of(b"theirs22", bytes(range(32, 64)))
OUR_KEY, THEIR_KEY = KnownKey("ours", OURS.public), KnownKey("theirs", THEIRS.public)

STATEMENT = SignedStatement("unit's list", 2, 7, None, NOW, "2027-01-01T00:00:00Z", 3, "amber+strict", "ab" * 32)

_names = st.text(st.characters(categories=("L", "N", "P", "S"), include_characters=" "), min_size=1, max_size=200)
_numbers = st.integers(0, 2**63 - 1)
moments = st.datetimes().map(lambda moment: moment.replace(microsecond=0).isoformat() + "Z")


@st.composite
def statements(draw: st.DrawFn) -> SignedStatement:
    since = draw(st.none() | _numbers)
    return SignedStatement(
        name=draw(_names.filter(lambda name: name == name.strip() != "")),
        list_version=draw(_numbers),
        sequence=draw(_numbers if since is None else st.integers(since, 2**63 - 1)),
        since=since,
        created=draw(moments),
        expires=draw(st.none() | moments),
        count=draw(_numbers),
        tlp=draw(st.none() | st.sampled_from(TLP_ORDER)),
        sha256=draw(st.binary(min_size=32, max_size=32)).hex(),
    )


def of_file(**changes: object) -> SignedStatement:
    """The statement without a digest, which is taken from the file later."""
    return replace(STATEMENT, sha256="", **changes)  # type: ignore[arg-type]


def minisign(*arguments: str | Path, typed: str = "", memory: int | None = None) -> subprocess.CompletedProcess[str]:
    """Run the public tool, or skip the test where it is not installed. memory: the most that it may use, in bytes."""
    if shutil.which("minisign") is None:
        pytest.skip("needs minisign, the public tool (apt-get install minisign)")
    limit = [] if memory is None else ["sh", "-c", f'ulimit -v {memory >> 10} && exec "$@"', "sh"]
    words = [*limit, "minisign", *map(str, arguments)]
    return subprocess.run(words, input=typed, capture_output=True, text=True, timeout=60)

"""Keys and signatures as bytes: round trips, flipped bits, hostile files, and the public tool as a check."""

from __future__ import annotations

import base64
import struct
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hashmatch.signing import minisign
from hashmatch.signing.minisign import PublicKey, SecretKey, UnusableError
from tests.support.signing_keys import LITTLE_MEMORY, OURS

KEYS = st.builds(SecretKey._of, st.binary(min_size=8, max_size=8), st.binary(min_size=32, max_size=32))
COMMENTS = st.binary(max_size=300).map(lambda text: bytes(byte for byte in text if byte not in b"\r\n\0"))


def never() -> str:
    raise AssertionError("a password was asked for")


@given(KEYS)
def test_round_trip_of_keys(key: SecretKey) -> None:
    assert minisign.parse_public_text(key.public.text) == key.public
    assert minisign.parse_public(minisign.write_public(key.public, "ملاحظة")) == (key.public, "ملاحظة")
    assert minisign.parse_secret(minisign.write_secret(key), never) == key
    assert key.seed.hex() not in repr(key) and repr(key.seed) not in repr(key)


def test_new_keys_differ() -> None:
    keys = {SecretKey.new() for _ in range(20)}
    assert len({key.seed for key in keys}) == len({key.public.number for key in keys}) == 20


def test_password() -> None:
    data = minisign.write_secret(OURS, "كلمة سر", LITTLE_MEMORY)
    assert OURS.seed not in base64.b64decode(data.splitlines()[1])
    assert minisign.parse_secret(data, lambda: "كلمة سر") == OURS
    for wrong in ("كلمة  سر", "", "\udcff", "x" * 10_000):
        with pytest.raises(UnusableError, match="wrong password"):
            minisign.parse_secret(data, lambda wrong=wrong: wrong)  # type: ignore[misc]
    assert data != minisign.write_secret(OURS, "كلمة سر", LITTLE_MEMORY), "salted"


@given(KEYS, st.binary(max_size=100), COMMENTS)
def test_round_trip_of_signatures(key: SecretKey, message: bytes, comment: bytes) -> None:
    signature = minisign.sign(key, message, comment)
    assert minisign.parse_signature(minisign.write_signature(signature, "whatever")) == signature
    assert signature.is_sealed_by(key.public)
    assert key.public.verifies(signature.proof, message)
    assert not key.public.verifies(signature.proof, message + b"x")


@pytest.mark.parametrize("comment", [b"two\nlines", b"\r", b"\0", b"x" * (minisign.COMMENT_MAX + 1)])
def test_a_comment_that_minisign_could_not_read_is_not_signed(comment: bytes) -> None:
    with pytest.raises(ValueError):
        minisign.sign(OURS, b"", comment)


def test_line_ends_of_windows() -> None:
    signature = minisign.sign(OURS, b"digest", b"comment")
    data = minisign.write_signature(signature, "x").replace(b"\n", b"\r\n")
    assert minisign.parse_signature(data) == signature


def _survives(change: Callable[[], object]) -> bool:
    try:
        change()
    except UnusableError:
        return False
    return True


def _flipped(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def test_every_bit_of_a_signature_counts() -> None:
    data = minisign.write_signature(minisign.sign(OURS, b"digest", b"comment"), "untrusted")
    first = data.index(b"untrusted\n") * 8
    for bit in [*range(first), *range(first + 8 * len(b"untrusted"), 8 * len(data) - 8)]:
        try:
            signature = minisign.parse_signature(_flipped(data, bit))
        except UnusableError:
            continue
        good = (
            signature.prehashed
            and signature.number == OURS.public.number
            and signature.is_sealed_by(OURS.public)
            and OURS.public.verifies(signature.proof, b"digest")
        )
        assert not good, bit


def test_every_bit_of_a_secret_key_counts() -> None:
    line = minisign.write_secret(OURS).splitlines()[1]
    raw = base64.b64decode(line)
    # But not the salt and the costs, which mean nothing without a password, nor the number of the key.
    for bit in [*range(6 * 8), *range(62 * 8, len(raw) * 8)]:
        data = b"untrusted comment: \n" + base64.b64encode(_flipped(raw, bit))
        assert not _survives(lambda data=data: minisign.parse_secret(data, lambda: "x")), bit  # type: ignore[misc]


@given(
    st.binary(max_size=200) | st.builds(lambda lines: b"\n".join(lines), st.lists(st.binary(max_size=40), max_size=5))
)
@example(b"")
@example(b"\n\n\n\n")
@example(b"untrusted comment: ")
@example(b"untrusted comment: x\n" + b"=" * 100)
@example(b"untrusted comment: x\nRUQ=\ntrusted comment: \nRUQ=\n")
@example(b"untrusted comment: x\n" + b"A" * 100_000)
@example(b"untrusted comment: " + b"x" * 10_000_000)
def test_bytes_that_are_none(data: bytes) -> None:
    assert not _survives(lambda: minisign.parse_signature(data))
    assert not _survives(lambda: minisign.parse_public(data))
    assert not _survives(lambda: minisign.parse_secret(data, never))
    assert not _survives(lambda: minisign.parse_public_text(data.decode("latin-1")))


def test_lengths_and_kinds_that_are_none() -> None:
    good = base64.b64decode(OURS.public.text)
    for raw in (good[:-1], good + b"\0", b"ED" + good[2:], b"RS" + good[2:]):
        assert not _survives(lambda raw=raw: minisign.parse_public_text(base64.b64encode(raw).decode()))  # type: ignore[misc]
    with pytest.raises(UnusableError, match="never give to anybody"):
        minisign.parse_public(minisign.write_secret(OURS))
    assert not _survives(lambda: minisign.parse_public(minisign.write_public(OURS.public, "x") + b"more\n"))
    assert not _survives(lambda: minisign.parse_public_text(OURS.public.text[:-1] + "\udcff"))


@pytest.mark.parametrize(
    ("operations", "memory"),
    [(2**64 - 1, 2**64 - 1), (0, 2**64 - 1), (2**64 - 1, 0), (2**25 + 1, 2**30), (2**25, 2**30 + 1)],
)
def test_a_key_that_would_cost_too_much_is_not_even_tried(operations: int, memory: int) -> None:
    raw = struct.pack("<2s2s2s32sQQ104s", b"Ed", b"Sc", b"B2", bytes(32), operations, memory, bytes(104))
    with pytest.raises(UnusableError, match="more time or memory"):
        minisign.parse_secret(b"untrusted comment: x\n" + base64.b64encode(raw), never)


@given(st.integers(0, minisign.OPERATIONS_MAX), st.integers(0, minisign.MEMORY_MAX))
def test_costs_that_are_allowed_are_bounded(operations: int, memory: int) -> None:
    rounds, parallel = minisign._scrypt_cost(operations, memory)
    assert 2 <= rounds <= 2**20 and rounds & (rounds - 1) == 0
    assert parallel >= 1 and rounds * parallel * 8 <= 2**23


def test_costs_as_libsodium_has_them() -> None:
    assert minisign._scrypt_cost(2**25, 2**30) == (2**20, 1), "sensitive, as minisign takes it"
    assert minisign._scrypt_cost(2**19, 2**24) == (2**14, 1), "interactive"
    assert minisign._scrypt_cost(2**15, 2**24) == (2**10, 1), "less time than memory"
    assert minisign._scrypt_cost(2**20, 2**20) == (2**10, 32), "less memory than time"
    assert minisign._scrypt_cost(minisign.MEMORY // 32, minisign.MEMORY) == (minisign.MEMORY // 1024, 1)


def test_the_number_as_minisign_prints_it() -> None:
    key = minisign.parse_public_text("RWQclDLq8VoWEoZhimOvG11B4lFdq/RyMuTl0PbE+V4yTm/A/SCv02If")
    assert key.id == "12165AF1EA32941C"
    assert key.fingerprint == "e1de 63dd 7652 0087 8f84 92d2 b701 ca3a"
    assert key.text == "RWQclDLq8VoWEoZhimOvG11B4lFdq/RyMuTl0PbE+V4yTm/A/SCv02If"


def test_any_point_is_asked_and_none_crashes() -> None:
    for point in (bytes(32), b"\x01" + bytes(31), b"\xff" * 32, b"\x02" + bytes(31)):
        PublicKey(b"12345678", point).verifies(bytes(64), b"message")

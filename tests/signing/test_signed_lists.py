"""Signing and verifying lists as files: everything that can be wrong with one has its own message."""

from __future__ import annotations

import io
import os
import stat
import tracemalloc
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashmatch.errors import CommandError
from hashmatch.signing import minisign, signed_lists, statement
from hashmatch.signing.keys import KnownKey
from hashmatch.signing.minisign import PublicKey, SecretKey
from hashmatch.signing.signed_lists import NoSignatureError, UnknownSignerError, VerifiedList
from tests.support.signing_keys import OUR_KEY, OURS, STATEMENT, THEIR_KEY, THEIRS, of_file, statements

BODY = b'{"format": "hashmatch-list"}\n' + b"0123456789abcdef" * 8 + b"\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A list with a hostile name."""
    path = tmp_path / "قائمة list\n.jsonl"
    path.write_bytes(BODY)
    return path


def verify(path: Path, *keys: KnownKey) -> VerifiedList:
    with path.open("rb") as file:
        return signed_lists.verify_file(file, path, keys or (OUR_KEY,))


def test_sign_and_verify(path: Path) -> None:
    told = signed_lists.sign_file(path, OURS, of_file())
    assert sorted(path.parent.iterdir()) == sorted([path, signed_lists.signature_path(path)])
    with path.open("rb") as file:
        found = signed_lists.verify_file(file, path, (THEIR_KEY, OUR_KEY))
        assert file.read() == BODY, "from its start"
    assert (found.key, found.statement, found.sha256, found.size) == (OUR_KEY, told, told.sha256, len(BODY))
    assert replace(told, sha256="") == of_file()


def test_signature_may_stand_elsewhere(path: Path, tmp_path: Path) -> None:
    target = tmp_path / "elsewhere"
    signed_lists.sign_file(path, OURS, of_file(), target)
    assert not signed_lists.signature_path(path).exists()
    with path.open("rb") as file:
        assert signed_lists.verify_file(file, path, (OUR_KEY,), target).key == OUR_KEY


def test_a_new_signature_takes_the_place_of_the_old_one(path: Path) -> None:
    signed_lists.sign_file(path, OURS, of_file())
    path.write_bytes(BODY * 2)
    path.chmod(0o640)
    signed_lists.sign_file(path, OURS, of_file(sequence=8))
    assert verify(path).statement.sequence == 8  # type: ignore[union-attr]
    assert stat.S_IMODE(signed_lists.signature_path(path).stat().st_mode) == 0o640, (
        "who may read the list may verify it"
    )


def test_a_list_that_is_not_the_one_that_was_written_is_not_signed(path: Path) -> None:
    with pytest.raises(CommandError, match="has changed since it was written"):
        signed_lists.sign_file(path, OURS, STATEMENT)
    with pytest.raises(CommandError, match="cannot be signed"):
        signed_lists.sign_file(path, OURS, of_file(name="a\nb"))
    with pytest.raises(CommandError, match="cannot read"):
        signed_lists.sign_file(path.parent, OURS, of_file())
    assert not signed_lists.signature_path(path).exists()


def test_a_signature_that_cannot_be_written(path: Path) -> None:
    signed_lists.signature_path(path).mkdir()
    with pytest.raises(CommandError, match="cannot write"):
        signed_lists.sign_file(path, OURS, of_file())
    assert sorted(path.parent.iterdir()) == sorted([path, signed_lists.signature_path(path)]), "nothing left over"


def test_unsigned(path: Path) -> None:
    with pytest.raises(NoSignatureError, match="is not signed"):
        verify(path)


def test_unknown_signer(path: Path) -> None:
    signed_lists.sign_file(path, THEIRS, of_file())
    with pytest.raises(UnknownSignerError, match=f"the key {THEIRS.public.id}, not with ours {OURS.public.id}"):
        verify(path)
    for known in ((), (OUR_KEY, KnownKey(None, SecretKey.new().public))):
        with path.open("rb") as file, pytest.raises(UnknownSignerError, match="which is not known"):
            signed_lists.verify_file(file, path, known)


def test_another_key_with_the_same_number(path: Path) -> None:
    """Whoever makes a key can choose its number."""
    forger = SecretKey._of(OURS.public.number, THEIRS.seed)
    signed_lists.sign_file(path, forger, of_file())
    with pytest.raises(CommandError, match="another key that uses the number"):
        verify(path)
    forged = KnownKey("forger", forger.public)
    assert verify(path, OUR_KEY, forged).key == forged, "where both are known, the one that signed it is named"


def test_an_altered_list(path: Path) -> None:
    signed_lists.sign_file(path, OURS, of_file())
    for altered in (BODY + b"\n", BODY[:-1], b"", BODY.replace(b"a", b"b")):
        path.write_bytes(altered)
        with pytest.raises(CommandError, match="not the list that was signed"):
            verify(path)


def test_an_altered_comment(path: Path) -> None:
    signed_lists.sign_file(path, OURS, of_file())
    beside = signed_lists.signature_path(path)
    beside.write_bytes(beside.read_bytes().replace(b'"sequence":7', b'"sequence":9'))
    with pytest.raises(CommandError, match=r"minisig was altered"):
        verify(path)


def test_parts_of_two_good_signatures_do_not_make_one(path: Path) -> None:
    made = []
    for number in (7, 8):
        signed_lists.sign_file(path, OURS, of_file(sequence=number))
        made.append(signed_lists.signature_path(path).read_bytes().splitlines())
    old, new = made
    assert old[1] == new[1], "the same list"
    signed_lists.signature_path(path).write_bytes(b"\n".join([*new[:3], old[3]]))
    with pytest.raises(CommandError, match="was altered"):
        verify(path)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n" * 4,
        os.urandom(500),
        b"untrusted comment: x\n",
        b"untrusted comment: " + b"x" * 1_000_000,
        b"\0" * 300,
    ],
)
def test_a_malformed_signature(path: Path, data: bytes) -> None:
    signed_lists.signature_path(path).write_bytes(data)
    with pytest.raises(CommandError, match="is not a signature") as refused:
        verify(path)
    assert not isinstance(refused.value, NoSignatureError)


def test_what_cannot_be_read_is_not_unsigned(path: Path) -> None:
    signed_lists.signature_path(path).mkdir()
    with pytest.raises(CommandError, match="is not a file") as refused:
        verify(path)
    assert not isinstance(refused.value, NoSignatureError)
    signed_lists.signature_path(path).rmdir()
    os.mkfifo(signed_lists.signature_path(path))
    with pytest.raises(CommandError, match="is not a file"):
        verify(path)


def signed(path: Path, comment: bytes) -> None:
    signature = minisign.sign(OURS, minisign.file_digest().digest(), comment)
    path.write_bytes(b"")
    signed_lists.signature_path(path).write_bytes(minisign.write_signature(signature, "x"))


def test_a_statement_that_is_signed_and_wrong(path: Path) -> None:
    signed(path, statement.to_comment(STATEMENT).encode())
    with pytest.raises(CommandError, match="about another list"):
        verify(path)
    for comment in (
        b"hashmatch-list {",
        b"hashmatch-list []",
        b"hashmatch-list \xff",
        b"hashmatch-list " + b"[" * 7000,
    ):
        signed(path, comment)
        with pytest.raises(CommandError, match="cannot be used"):
            verify(path)


def test_a_comment_of_others_is_no_statement(path: Path) -> None:
    for comment in (b"", b"timestamp:1\tfile:x", b"\xff\x1b[31m"):
        signed(path, comment)
        found = verify(path)
        assert found.statement is None and found.comment.encode("utf-8", "surrogateescape") == comment


def test_check_contents(path: Path) -> None:
    signed_lists.check_contents(path, STATEMENT)
    signed_lists.check_contents(path, STATEMENT, name="unit's list", count=3)
    with pytest.raises(CommandError, match="has 2 entries, but its signer counted 3"):
        signed_lists.check_contents(path, STATEMENT, count=2)
    with pytest.raises(CommandError, match="is the list unit's list, not east"):
        signed_lists.check_contents(path, STATEMENT, name="east")


def test_what_is_verified_is_what_is_read(path: Path, tmp_path: Path) -> None:
    signed_lists.sign_file(path, OURS, of_file())
    with path.open("rb") as file:
        signed_lists.verify_file(file, path, (OUR_KEY,))
        other = tmp_path / "other"
        other.write_bytes(b"something else")
        os.replace(other, path)
        assert file.read() == BODY


def test_a_pipe_cannot_be_verified_and_then_read(path: Path) -> None:
    signed_lists.sign_file(path, OURS, of_file())
    reader, writer = os.pipe()
    os.close(writer)
    with open(reader, "rb") as pipe, pytest.raises(CommandError, match="is not a file"):
        signed_lists.verify_file(pipe, path, (OUR_KEY,))


@given(statements(), st.binary(max_size=200), st.integers(0))
def test_one_bit_anywhere_is_refused(
    tmp_path_factory: pytest.TempPathFactory, told: object, body: bytes, bit: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "flipped.jsonl"
    assert isinstance(told, statement.SignedStatement)
    path.write_bytes(body)
    signed_lists.sign_file(path, OURS, replace(told, sha256=""))
    assert replace(verify(path).statement, sha256="") == replace(told, sha256="")  # type: ignore[type-var]
    beside = signed_lists.signature_path(path)
    # After the untrusted comment and before the last line ending.
    signature = bytearray(beside.read_bytes())
    start = signature.index(b"\n")
    whole = 8 * (len(signature) - 1 - start + len(body))
    place, mask = divmod(bit % whole, 8)
    if place < len(body):
        changed = bytearray(body)
        changed[place] ^= 1 << mask
        path.write_bytes(changed)
    else:
        signature[start + place - len(body)] ^= 1 << mask
        beside.write_bytes(signature)
    with pytest.raises(CommandError):
        verify(path)


def test_the_old_way_of_minisign_takes_memory_and_is_bounded(path: Path) -> None:
    proof = OURS.sign(BODY)
    old = minisign.Signature(OURS.public.number, False, proof, b"old", OURS.sign(proof + b"old"))
    signed_lists.signature_path(path).write_bytes(minisign.write_signature(old, "x"))
    assert verify(path).comment == "old"
    with path.open("r+b") as file:
        file.truncate(signed_lists.LEGACY_MAX + 1)
    with pytest.raises(CommandError, match="ask for a new signature"):
        verify(path)


def test_a_large_list_is_not_held_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(2**26)
    tracemalloc.start()
    try:
        signed_lists.sign_file(path, OURS, of_file())
        verify(path)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most < 8 * 2**20


def test_verification_of_bytes_in_memory(path: Path) -> None:
    signed_lists.sign_file(path, OURS, of_file())
    assert signed_lists.verify_file(io.BytesIO(BODY), path, (OUR_KEY,)).size == len(BODY)
    unknown = KnownKey(None, PublicKey(OURS.public.number, bytes(32)))
    with pytest.raises(CommandError):
        signed_lists.verify_file(io.BytesIO(BODY), path, (unknown,))


def test_a_name_as_long_as_names_can_be(tmp_path: Path) -> None:
    path = tmp_path / ("x" * (255 - len(".minisig")))
    path.write_bytes(BODY)
    signed_lists.sign_file(path, OURS, of_file())
    assert verify(path).size == len(BODY)

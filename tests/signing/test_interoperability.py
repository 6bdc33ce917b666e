"""The public tool minisign verifies what we sign, and we verify what it signs; keys work in both directions."""

from __future__ import annotations

from pathlib import Path

import pytest

from hashmatch.errors import CommandError
from hashmatch.signing import keys, minisign, signed_lists, statement
from tests.support.signing_keys import LITTLE_MEMORY, NOW, OURS, of_file
from tests.support.signing_keys import minisign as tool


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "قائمة.jsonl"
    path.write_bytes(b"a list\n" * 1000)
    return path


@pytest.fixture
def theirs(tmp_path: Path) -> tuple[Path, Path]:
    """The public and the secret half of a key that minisign made."""
    public, secret = tmp_path / "minisign.pub", tmp_path / "minisign.key"
    assert tool("-G", "-W", "-p", public, "-s", secret).returncode == 0
    return public, secret


def test_minisign_verifies_ours(path: Path) -> None:
    told = signed_lists.sign_file(path, OURS, of_file(name="قائمة الوحدة", expires=None))
    done = tool("-Vm", path, "-P", OURS.public.text)
    assert done.returncode == 0, done.stderr
    assert f"Trusted comment: {statement.to_comment(told)}\n" in done.stdout
    assert tool("-VHm", path, "-P", OURS.public.text).returncode == 0, "prehashed, as it wants them today"
    path.write_bytes(path.read_bytes() + b"more")
    assert tool("-Vm", path, "-P", OURS.public.text).returncode == 1


def test_minisign_reads_the_longest_statement(path: Path) -> None:
    signed_lists.sign_file(
        path, OURS, of_file(name="\U0001f600" * 200, sequence=2**63 - 1, since=2**63 - 1, count=2**63 - 1)
    )
    assert tool("-Vm", path, "-P", OURS.public.text).returncode == 0
    # And a comment longer than any statement.
    signature = minisign.sign(OURS, minisign.file_digest().digest(), b"x" * minisign.COMMENT_MAX)
    path.write_bytes(b"")
    signed_lists.signature_path(path).write_bytes(minisign.write_signature(signature, "x" * 900))
    assert tool("-Vm", path, "-P", OURS.public.text).returncode == 0


@pytest.mark.parametrize("way", [(), ("-l",)], ids=["prehashed", "legacy"])
def test_we_verify_minisign_s(path: Path, theirs: tuple[Path, Path], tmp_path: Path, way: tuple[str, ...]) -> None:
    public, secret = theirs
    assert tool("-S", *way, "-m", path, "-s", secret, "-t", "كلمات").returncode == 0
    key = keys.find(tmp_path / "none", str(public))
    with path.open("rb") as file:
        found = signed_lists.verify_file(file, path, (key,))
    assert (found.statement, found.comment, found.key) == (None, "كلمات", key)
    path.write_bytes(path.read_bytes() + b"more")
    with path.open("rb") as file, pytest.raises(CommandError, match="not the list that was signed"):
        signed_lists.verify_file(file, path, (key,))


def test_a_statement_that_minisign_signed(path: Path, theirs: tuple[Path, Path], tmp_path: Path) -> None:
    """If the key is on another machine, one can sign there, with the statement that we would have signed."""
    told = signed_lists.sign_file(path, OURS, of_file())
    assert tool("-Sm", path, "-s", theirs[1], "-t", statement.to_comment(told)).returncode == 0
    with path.open("rb") as file:
        assert signed_lists.verify_file(file, path, (keys.find(tmp_path / "none", str(theirs[0])),)).statement == told


def test_minisign_signs_with_our_key(path: Path, tmp_path: Path) -> None:
    made = keys.make(tmp_path / "keys", "unit", None, NOW)
    assert tool("-Sm", path, "-s", tmp_path / "keys" / "unit.key").returncode == 0
    with path.open("rb") as file:
        assert signed_lists.verify_file(file, path, (made,)).statement is None
    # And -R recreates the public half, as the message about a missing one says.
    again = tmp_path / "again.pub"
    assert tool("-R", "-s", tmp_path / "keys" / "unit.key", "-p", again).returncode == 0
    assert keys.find(tmp_path / "none", str(again)).public == made.public
    assert tool("-Vm", path, "-p", tmp_path / "keys" / "unit.pub").returncode == 0


def test_we_sign_with_minisign_s_key(path: Path, theirs: tuple[Path, Path], tmp_path: Path) -> None:
    secret = keys.secret_key(tmp_path / "none", str(theirs[1]), lambda: "")
    signed_lists.sign_file(path, secret, of_file())
    assert tool("-Vm", path, "-p", theirs[0]).returncode == 0


def test_minisign_opens_our_key_with_its_password(path: Path, tmp_path: Path) -> None:
    made = keys.make(tmp_path / "keys", "unit", "كلمة سر", NOW, memory=LITTLE_MEMORY)
    secret = tmp_path / "keys" / "unit.key"
    assert tool("-Sm", path, "-s", secret, typed="wrong\n").returncode != 0
    assert tool("-Sm", path, "-s", secret, typed="كلمة سر\n").returncode == 0
    with path.open("rb") as file:
        assert signed_lists.verify_file(file, path, (made,)).key == made


def test_we_open_minisign_s_key_with_its_password(tmp_path: Path) -> None:
    """With little memory, minisign uses less of it for a password; otherwise this would take a gigabyte and seconds."""
    public, secret = tmp_path / "minisign.pub", tmp_path / "minisign.key"
    assert tool("-G", "-p", public, "-s", secret, typed="كلمة سر\nكلمة سر\n", memory=2**26).returncode == 0
    key = keys.secret_key(tmp_path / "none", str(secret), lambda: "كلمة سر")
    assert key.public == keys.find(tmp_path / "none", str(public)).public

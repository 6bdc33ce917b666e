"""The folder of keys: making, listing, finding and removing keys, who may read and write it, and stray files in it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashmatch.errors import CommandError
from hashmatch.signing import keys, minisign
from hashmatch.signing.keys import KnownKey
from tests.support.signing_keys import LITTLE_MEMORY, NOW, OURS, THEIRS


def never() -> str:
    raise AssertionError("a password was asked for")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data" / "keys"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_make_and_use(folder: Path) -> None:
    made = keys.make(folder, "unit", None, NOW)
    assert (mode(folder), mode(folder / "unit.key"), mode(folder / "unit.pub")) == (0o700, 0o600, 0o600)
    assert made == KnownKey("unit", made.public, True, NOW)
    assert keys.known(folder) == ([made], [])
    assert keys.secret_key(folder, "unit", never).public == made.public
    assert keys.secret_key(Path("/nowhere"), str(folder / "unit.key"), never).public == made.public
    assert sorted(os.listdir(folder)) == ["unit.key", "unit.pub"], "nothing left over"


def test_modes_whatever_the_umask(folder: Path) -> None:
    before = os.umask(0)
    try:
        keys.make(folder, "unit", None, NOW)
    finally:
        os.umask(before)
    assert (mode(folder), mode(folder / "unit.key"), mode(folder / "unit.pub")) == (0o700, 0o600, 0o600)


def test_password(folder: Path) -> None:
    made = keys.make(folder, "unit", "open", NOW, memory=LITTLE_MEMORY)
    assert keys.secret_key(folder, "unit", lambda: "open").public == made.public
    with pytest.raises(CommandError, match=r"unit\.key: wrong password"):
        keys.secret_key(folder, "unit", lambda: "shut")


def test_add_and_find(folder: Path, tmp_path: Path) -> None:
    made = keys.make(folder, "unit", None, NOW)
    file = tmp_path / "theirs.pub"
    file.write_bytes(minisign.write_public(THEIRS.public, "minisign public key"))
    added = keys.add(folder, "شريك", str(file), NOW)
    assert added == KnownKey("شريك", THEIRS.public, False, NOW)
    assert keys.known(folder) == ([made, added], [])
    for what in ("شريك", THEIRS.public.text, f" {THEIRS.public.text}\n", str(file)):
        assert keys.find(folder, what) == added
    assert keys.find(folder, OURS.public.text) == KnownKey(None, OURS.public), "given, though not known"
    assert keys.find(tmp_path / "none", OURS.public.text) == KnownKey(None, OURS.public)
    with pytest.raises(CommandError, match="only the public half of the key"):
        keys.secret_key(folder, "شريك", never)


def test_a_name_in_the_folder_goes_before_a_file_that_lies_around(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys.add(folder, "partner", THEIRS.public.text, NOW)
    monkeypatch.chdir(tmp_path)
    Path("partner").write_bytes(minisign.write_public(OURS.public, "not the partner"))
    assert keys.find(folder, "partner").public == THEIRS.public
    assert keys.find(folder, "./partner").public == OURS.public


def test_one_key_has_one_name_and_one_number_one_key(folder: Path) -> None:
    keys.add(folder, "partner", THEIRS.public.text, NOW)
    with pytest.raises(CommandError, match="already known as partner"):
        keys.add(folder, "other", THEIRS.public.text, NOW)
    with pytest.raises(CommandError, match="there is a key partner already"):
        keys.add(folder, "partner", OURS.public.text, NOW)
    with pytest.raises(CommandError, match="there is a key partner already"):
        keys.make(folder, "partner", None, NOW)
    twin = minisign.PublicKey(THEIRS.public.number, OURS.public.point)
    with pytest.raises(CommandError, match="is pretending to be the other"):
        keys.add(folder, "twin", twin.text, NOW)
    assert [key.name for key in keys.known(folder)[0]] == ["partner"]


def test_one_spelling_of_a_name(folder: Path) -> None:
    keys.add(folder, "re\u0301seau", THEIRS.public.text, NOW)
    assert keys.find(folder, "r\u00e9seau").name == "r\u00e9seau"


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "../x",
        "a/b",
        "a b",
        "-x",
        ".x",
        "x\n",
        "\x1b",
        "\u202egpj",
        "a\0b",
        "x" * 65,
        "\udcff",
        "\U000103a0" * 64,
    ],
)
def test_names_that_cannot_be(folder: Path, name: str) -> None:
    with pytest.raises(CommandError):
        keys.make(folder, name, None, NOW)
    with pytest.raises(CommandError):
        keys.remove(folder, name, with_secret=True)
    with pytest.raises(CommandError):
        keys.find(folder, name)
    with pytest.raises(CommandError):
        keys.secret_key(folder, name, never)


@given(st.text(max_size=70))
def test_whatever_is_looked_for(what: str) -> None:
    for look in (lambda: keys.find(Path("/nowhere"), what), lambda: keys.secret_key(Path("/nowhere"), what, never)):
        with pytest.raises(CommandError):
            look()


def test_remove(folder: Path) -> None:
    keys.make(folder, "unit", None, NOW)
    keys.add(folder, "partner", THEIRS.public.text, NOW)
    with pytest.raises(CommandError, match="--with-secret"):
        keys.remove(folder, "unit")
    keys.remove(folder, "partner")
    keys.remove(folder, "unit", with_secret=True)
    assert os.listdir(folder) == []
    with pytest.raises(CommandError, match="no key unit"):
        keys.remove(folder, "unit")


@pytest.mark.parametrize("bits", [0o040, 0o004, 0o020, 0o001])
def test_a_secret_key_that_others_may_read_is_refused(folder: Path, bits: int) -> None:
    keys.make(folder, "unit", None, NOW)
    (folder / "unit.key").chmod(0o600 | bits)
    with pytest.raises(CommandError, match="others may read this secret key"):
        keys.secret_key(folder, "unit", never)


@pytest.mark.parametrize("bits", [0o020, 0o002])
def test_a_folder_that_others_may_write_is_refused(folder: Path, bits: int) -> None:
    keys.add(folder, "partner", THEIRS.public.text, NOW)
    folder.chmod(0o700 | bits)
    for use in (
        lambda: keys.known(folder),
        lambda: keys.find(folder, "partner"),
        lambda: keys.find(folder, OURS.public.text),
        lambda: keys.make(folder, "x", None, NOW),
        lambda: keys.remove(folder, "partner"),
    ):
        with pytest.raises(CommandError, match="decide whom you trust"):
            use()


def test_what_is_no_key_is_told_and_the_others_are_found(folder: Path) -> None:
    made = keys.make(folder, "unit", None, NOW)
    (folder / "binary.pub").write_bytes(os.urandom(1000))
    (folder / "huge.pub").write_bytes(b"untrusted comment: " + b"x" * 10_000_000)
    (folder / "folder.pub").mkdir()
    (folder / "secret.pub").write_bytes(minisign.write_secret(OURS))
    (folder / "gone.pub").symlink_to(folder / "nowhere")
    (folder / "half.key").write_bytes(minisign.write_secret(OURS))
    os.mkfifo(folder / "pipe.pub")
    (folder / "notes.txt").write_text("ours")
    (folder / ".unit.part").write_text("left by a kill")
    found, bad = keys.known(folder)
    assert found == [made]
    names = ["binary.pub", "folder.pub", "gone.pub", "huge.pub", "pipe.pub", "secret.pub", "half.key"]
    assert [next(name for name in names if name in each.message) for each in bad] == names
    os.mkfifo(folder / "pipe.key", 0o600)
    for name in ("pipe", "folder", "binary", "huge", "secret"):
        with pytest.raises(CommandError):
            keys.find(folder, name)
    with pytest.raises(CommandError, match="is not a file"):
        keys.secret_key(folder, "pipe", never)


def test_a_damaged_secret_key(folder: Path) -> None:
    keys.make(folder, "unit", None, NOW)
    path = folder / "unit.key"
    data = path.read_bytes()
    for damaged in (b"", data[:100], data.replace(b"RW", b"RV"), data[:-20] + b"A" * 20, os.urandom(300)):
        path.write_bytes(damaged)
        with pytest.raises(CommandError, match=r"unit\.key"):
            keys.secret_key(folder, "unit", never)


def test_where_keys_live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HASHMATCH_KEYS", str(tmp_path / "mine"))
    assert keys.default_folder() == tmp_path / "mine"
    monkeypatch.delenv("HASHMATCH_KEYS")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert keys.default_folder() == tmp_path / "hashmatch" / "keys"
    assert keys.known(tmp_path / "none") == ([], [])


def test_a_folder_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for use in (
        lambda: keys.known(tmp_path / "file"),
        lambda: keys.make(tmp_path / "file", "x", None, NOW),
        lambda: keys.make(tmp_path / "file" / "keys", "x", None, NOW),
    ):
        with pytest.raises(CommandError):
            use()

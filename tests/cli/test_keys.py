"""`hashmatch keys` from outside."""

from __future__ import annotations

import os
import pty
import re
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from hashmatch.signing import keys, minisign
from hashmatch.signing.minisign import SecretKey
from tests.support.command_line import COMMAND, Ran, environment, run_command
from tests.support.repository import ROOT

Keys = Callable[..., Ran]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "keys"


@pytest.fixture
def run(folder: Path) -> Keys:
    """`hashmatch keys` with the test's own folder, without a terminal and without a database."""

    def call(*arguments: str | Path, **env: str) -> Ran:
        return run_command("keys", *arguments, input=b"", HASHMATCH_KEYS=str(folder), **env)

    return call


def test_make_list_and_show(run: Keys, folder: Path) -> None:
    made = run("make", "وحدة")
    assert made.code == 0
    assert stat.S_IMODE((folder / "وحدة.key").stat().st_mode) == 0o600
    (record,) = run("--format", "json").json
    assert record.keys() == {"name", "key_id", "public_key", "fingerprint", "secret", "created"}
    assert (record["name"], record["secret"]) == ("وحدة", True)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", record["created"])
    for shown in (made.out, run("show", "وحدة").out):
        assert all(record[field] in shown for field in ("name", "key_id", "public_key", "fingerprint", "created"))
    assert run("show", record["public_key"], "--format", "json").json == record
    table = run().out
    assert record["public_key"] in table and record["key_id"] in table and "here" in table
    seed = keys.secret_key(folder, "وحدة", lambda: "").seed
    assert seed.hex() not in made.out + made.err


def test_the_fingerprint_is_what_every_machine_can_compute(run: Keys) -> None:
    run("make", "unit")
    (record,) = run("--format", "json").json
    words = "printf %s \"$1\" | base64 -d | sha256sum | cut -c 1-32 | sed 's/..../& /g'"
    done = subprocess.run(["sh", "-c", words, "sh", record["public_key"]], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == record["fingerprint"]


def test_partners(run: Keys, tmp_path: Path) -> None:
    public = SecretKey.new().public
    assert run("add", "partner", public.text).code == 0
    file = tmp_path / "other.pub"
    file.write_bytes(minisign.write_public(SecretKey.new().public, "from a USB stick"))
    assert run("add", "other", file).code == 0
    assert [(key["name"], key["secret"]) for key in run("--format", "json").json] == [
        ("other", False),
        ("partner", False),
    ]
    again = run("add", "twice", public.text)
    assert (again.code, again.out) == (2, "") and "already known as partner" in again.err
    assert run("remove", "partner").code == 0
    assert run("show", "partner").code == 2
    stranger = run("show", public.text)
    assert stranger.code == 0 and "not a known key" in stranger.out


def test_a_secret_key_is_not_removed_by_mistake(run: Keys, folder: Path) -> None:
    run("make", "unit")
    assert run("remove", "unit").code == 2
    assert run("remove", "unit", "--with-secret").code == 0
    assert os.listdir(folder) == []


def test_what_is_damaged_is_told_and_the_others_listed(run: Keys, folder: Path) -> None:
    run("make", "unit")
    (folder / "bad\x1b[31m.pub").write_bytes(b"\xff")
    ran = run("--format", "json")
    assert ran.code == 1
    assert [key["name"] for key in ran.json] == ["unit"]
    assert "\x1b" not in ran.err and r"bad\x1b[31m.pub is not a public key" in ran.err
    folder.chmod(0o777)
    assert run().code == 2


def test_password_of_the_environment(run: Keys, folder: Path) -> None:
    assert run("make", "unit", "--password", HASHMATCH_KEY_PASSWORD="كلمة سر").code == 0
    assert keys.secret_key(folder, "unit", lambda: "كلمة سر")
    assert run("make", "none", "--password", HASHMATCH_KEY_PASSWORD="").code == 2
    nobody = run("make", "nobody", "--password")
    assert nobody.code == 2 and "no terminal" in nobody.err
    assert sorted(os.listdir(folder)) == ["unit.key", "unit.pub"]


def test_password_at_a_terminal(folder: Path) -> None:
    master, slave = pty.openpty()
    words = [*COMMAND, "keys", "make", "unit", "--password"]
    env = environment({"HASHMATCH_KEYS": str(folder)})
    process = subprocess.Popen(
        words, cwd=ROOT, env=env, stdin=slave, stdout=slave, stderr=slave, start_new_session=True
    )
    os.close(slave)
    seen, answers = b"", [b"secret words\n", b"secret words\n"]
    while True:
        try:
            seen += os.read(master, 1024)
        except OSError:  # the other end is closed
            break
        # Typed only when asked for: what was typed before is thrown away when the echo is switched off.
        if answers and seen.count(b": ") > 2 - len(answers):
            os.write(master, answers.pop())
    os.close(master)
    assert process.wait(60) == 0, seen
    assert b"secret words" not in seen
    assert keys.secret_key(folder, "unit", lambda: "secret words")


@pytest.mark.parametrize(
    "words", [("make",), ("make", "../x"), ("add", "x"), ("add", "x", "nothing"), ("remove", "x"), ("x",)]
)
def test_mistakes(run: Keys, folder: Path, words: tuple[str, ...]) -> None:
    ran = run(*words)
    assert ran.code == 2 and ran.err
    assert not folder.exists() or os.listdir(folder) == []

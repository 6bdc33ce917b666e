"""`export --to-hma` and `import --from-hma`: the whole command against a server that answers as HMA does."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest

from hashmatch import cli
from hashmatch.exchange.hma import client
from hashmatch.records import Hash, ListItem, Opinion
from hashmatch.store import audit, curate, lookup, open_store, opinions, verify
from tests.support.hma_server import Fault, Hma, hangs_up, replies, running
from tests.support.interruptible import start_interruptible
from tests.support.made_references import ME, add, add_entry, measured, pdq
from tests.support.repository import ROOT


@pytest.fixture
def hma() -> Iterator[Hma]:
    with running(Hma()) as server:
        yield server


@pytest.fixture
def known(tmp_path: Path) -> Path:
    """A reference set of four, the last one of which may not go out."""
    path = tmp_path / "known.db"
    with open_store(path, write=True) as store:
        for name in ("one", "two", "three"):
            add(store, name, collection="east", tlp="green")
        add(store, "secret", collection="east", tlp="red")
    return path


def run(db: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command line in this process, which is ten times faster than in one of its own."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    command = ["--lang", "en", "--db", str(db), *arguments]
    with redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as said:
        try:
            code = cli.run(command)
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
    return subprocess.CompletedProcess(command, code, out.getvalue(), said.getvalue())


def push(
    db: Path, hma: Hma, *more: str, bank: str = "EAST", url: str | None = None
) -> subprocess.CompletedProcess[str]:
    return run(db, "export", "--to-hma", url or hma.url, "--bank", bank, *more)


def change(db: Path, what: Callable[..., object], *arguments: object) -> None:
    """Change the reference set by a function of the store that is given the connection and an actor."""
    with open_store(db, write=True) as store, store.transaction() as connection:
        what(connection, ME, *arguments)


def number_of(hma: Hma, name: str) -> int:
    """The number of the content that was made of a reference. Several are made at a time, in no certain order."""
    (number,) = (number for number, content in hma.contents.items() if content["signals"]["pdq"] == pdq(name).hex)
    return number


ALL = sorted(pdq(name).hex for name in ("one", "two", "three"))


def test_a_bank_follows_the_reference_set(hma: Hma, known: Path) -> None:
    first = push(known, hma)
    assert (first.returncode, "3 added" in first.stderr) == (1, True), first.stderr
    assert "1 left out: marked stricter than TLP:GREEN" in first.stderr
    assert hma.live("EAST") == sorted(pdq(name).hex for name in ("one", "two", "three"))
    assert "3 already there" in push(known, hma).stderr
    with open_store(known, write=True) as store, store.transaction() as connection:
        curate.retract(connection, ME, 2, "a mistake")
    assert "1 disabled" in push(known, hma).stderr
    assert hma.live("EAST") == sorted(pdq(name).hex for name in ("one", "three"))
    with open_store(known, write=True) as store, store.transaction() as connection:
        curate.restore(connection, ME, 2)
    assert "1 enabled again" in push(known, hma).stderr
    assert hma.states() == {1: 1, 2: 1, 3: 1}
    with open_store(known) as store:
        assert list(verify.check(store)) == []


def test_what_others_took_out_there_is_disputed_here(hma: Hma, known: Path) -> None:
    push(known, hma)
    hma.contents[number_of(hma, "one")]["until"] = 0
    del hma.contents[number_of(hma, "three")]
    read = run(known, "import", "--from-hma", hma.url, "--bank", "EAST")
    assert read.returncode == 0, read.stderr
    assert "3 contents read" in read.stderr and "2 references" in read.stderr
    with open_store(known) as store:
        said = {each.id: each.opinions for each in lookup.references(store.connection)}
        assert all(reference.live for reference in lookup.references(store.connection))
    assert {number: [each.verdict for each in opinions] for number, opinions in said.items()} == {
        1: ["disputed"],
        2: [],
        3: ["disputed"],
        4: [],
    }
    assert said[1][0].source == f"HMA {hma.url} EAST"
    with open_store(known) as store:
        query = "SELECT DISTINCT owner FROM opinion JOIN voice ON voice.id = voice_id"
        assert store.connection.execute(query).fetchall() == [(f"hma:{hma.url}",)]
    again = run(known, "import", "--from-hma", hma.url, "--bank", "EAST")
    assert "0 references" in again.stderr


def test_what_is_enabled_there_again_is_confirmed_here(hma: Hma, known: Path) -> None:
    push(known, hma)
    said = []
    for until in (0, 1, 0):
        hma.contents[number_of(hma, "one")]["until"] = until
        read = run(known, "import", "--from-hma", hma.url, "--bank", "EAST")
        assert ("1 references newly disputed" in read.stderr, "1 confirmed" in read.stderr) == (until == 0, until == 1)
        with open_store(known) as store:
            (opinion,) = lookup.reference(store.connection, 1).opinions
            said.append(opinion.verdict)
            assert not lookup.reference(store.connection, 2).opinions
    assert said == ["disputed", "confirmed", "disputed"]


@pytest.mark.parametrize("how", ["server", "bank"])
def test_the_word_of_a_bank_goes_with_its_name(hma: Hma, known: Path, how: str) -> None:
    url, bank = hma.url, "EAST"
    push(known, hma)
    said = []
    for until in (0, 1, 0):
        hma.contents[number_of(hma, "one")]["until"] = until
        read = run(known, "import", "--from-hma", url, "--bank", bank)
        assert read.returncode == 0, read.stderr
        with open_store(known) as store:
            (opinion,) = lookup.reference(store.connection, 1).opinions
        assert (opinion.source, opinion.author) == (f"HMA {url} {bank}", f"hma:{url}")
        said.append(opinion.verdict)
        if how == "server":
            url = hma.url if "localhost" in url else hma.url.replace("127.0.0.1", "localhost")
        else:
            hma.rename(bank, "WEST" if bank == "EAST" else "EAST")
            bank = "WEST" if bank == "EAST" else "EAST"
    assert said == ["disputed", "confirmed", "disputed"]


def test_of_a_bank_that_was_never_filled_from_here(hma: Hma, known: Path) -> None:
    read = run(known, "import", "--from-hma", hma.url, "--bank", "EAST")
    assert read.returncode == 2
    assert "HMA cannot list" in read.stderr


def test_films_are_told_of(hma: Hma, tmp_path: Path) -> None:
    path = tmp_path / "films.db"
    with open_store(path, write=True) as store:
        frames = tuple(Hash("pdq", pdq(n).bits, 90, n / 2) for n in range(3))
        add(store, measured("film", frames, "video"), tlp="green")
    done = push(path, hma)
    assert done.returncode == 1
    assert "1 left out: films without their frames" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["export", "--to-hma", "http://127.0.0.1:1"],
        ["export", "--bank", "EAST"],
        ["export", "--to-hma", "http://127.0.0.1:1", "--bank", "EAST", "-o", "x"],
        ["import", "--from-hma", "http://127.0.0.1:1"],
        ["import", "list", "--from-hma", "http://127.0.0.1:1", "--bank", "EAST"],
        ["import"],
        ["export", "--to-hma", "http://127.0.0.1:1", "--bank", "EAST"],
        ["export", "--to-hma", "http://127.0.0.1:1", "--bank", "east"],
        ["export", "--to-hma", "http://127.0.0.1:1", "--bank", "EAST", "--since", "2026-01-01"],
    ],
    ids=" ".join,
)
def test_what_cannot_be_is_said_in_one_line(known: Path, arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "_WAITS", (0.0, 0.0))  # else seven seconds for nobody
    done = run(known, *arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr and done.stderr.strip()


@pytest.mark.parametrize("how", ["emptied", "made anew"])
def test_a_bank_with_nothing_of_ours_is_filled_again(hma: Hma, known: Path, how: str) -> None:
    push(known, hma)
    hma.empty("EAST")
    if how == "made anew":
        del hma.banks["EAST"]
        hma.banks["EAST"] = 1.0
    again = push(known, hma)
    assert "none of the 3 contents" in again.stderr and "3 added" in again.stderr
    assert hma.live("EAST") == ALL
    assert "3 already there" in push(known, hma).stderr


def test_a_server_that_is_restored_from_a_backup_is_known_again(hma: Hma, known: Path) -> None:
    push(known, hma)
    saved = dict(hma.contents)
    hma.empty("EAST")
    push(known, hma)
    hma.contents = saved
    assert "3 already there" in push(known, hma).stderr
    change(known, curate.retract, 1, None)
    push(known, hma)
    assert hma.live("EAST") == sorted(pdq(name).hex for name in ("two", "three"))


def test_what_others_removed_singly_stays_out(hma: Hma, known: Path) -> None:
    push(known, hma)
    del hma.contents[number_of(hma, "two")]
    again = push(known, hma)
    assert "2 already there, 1 removed there by others" in again.stderr
    assert len(hma.contents) == 2
    # Whoever takes it out and puts it in again decides anew.
    change(known, curate.retract, 2, None)
    push(known, hma)
    change(known, curate.restore, 2)
    assert "1 added" in push(known, hma).stderr
    assert hma.live("EAST") == ALL


@pytest.mark.parametrize("has_notes", [True, False])
@pytest.mark.parametrize("name", ["WEST", "EAST"])
def test_a_renamed_bank_is_found(hma: Hma, known: Path, name: str, has_notes: bool) -> None:
    hma.has_notes = has_notes
    push(known, hma)
    hma.rename("EAST", "WEST")
    again = push(known, hma, bank=name)
    assert "bank WEST: 3 already there" in again.stderr
    assert ("bank EAST is called WEST there now" in again.stderr) == (name == "EAST")
    change(known, curate.retract, 1, None)
    push(known, hma, bank=name)
    assert len(hma.live("WEST")) == 2 and list(hma.banks) == ["WEST"]
    read = run(known, "import", "--from-hma", hma.url, "--bank", "WEST")
    assert "3 contents read" in read.stderr


def test_a_renamed_bank_whose_name_was_given_to_another(hma: Hma, known: Path) -> None:
    push(known, hma)
    hma.rename("EAST", "OLD")
    hma.banks["EAST"] = 1.0
    again = push(known, hma)
    assert "is in bank OLD now" in again.stderr and "3 added" in again.stderr
    assert hma.live("EAST") == hma.live("OLD") == ALL
    change(known, curate.retract, 1, None)
    for bank in ("EAST", "OLD"):
        push(known, hma, bank=bank)
        assert len(hma.live(bank)) == 2


@pytest.mark.parametrize("has_notes", [True, False])
def test_one_server_under_two_names_is_one(hma: Hma, known: Path, has_notes: bool) -> None:
    hma.has_notes = has_notes
    names = [hma.url, hma.url.replace("127.0.0.1", "localhost") + "/", hma.url + "/behind/a/proxy/"]
    assert "3 added" in push(known, hma).stderr
    for url in (*names, *names):
        assert "bank EAST: 3 already there" in push(known, hma, url=url).stderr
    change(known, curate.retract, 1, None)
    assert "1 disabled" in push(known, hma, url=names[0]).stderr
    assert len(hma.contents) == 3 and len(hma.live("EAST")) == 2


def test_two_servers_with_the_same_contents_are_two(hma: Hma, known: Path) -> None:
    with running(Hma()) as other:
        for server in (hma, other, hma, other):
            push(known, server)
        change(known, curate.retract, 1, None)
        for server in (hma, other, hma):
            push(known, server)
            assert len(server.contents) == 3 and len(server.live("EAST")) == 2


def start(db: Path, hma: Hma) -> subprocess.Popen[bytes]:
    env = {**os.environ, "PYTHONPATH": str(ROOT), "HASHMATCH_DB": str(db)}
    command = [sys.executable, "-m", "hashmatch", "export", "--to-hma", hma.url, "--bank", "EAST"]
    return start_interruptible(command, env=env, stderr=subprocess.PIPE)


def wait_for_posts(hma: Hma, count: int) -> None:
    end = time.monotonic() + 60
    while sum(path.endswith("/signal") for method, path in hma.requests if method == "POST") < count:
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.parametrize("posts", [1, 3])
def test_an_interrupt_waits_for_the_answer(hma: Hma, known: Path, posts: int) -> None:
    hma.delay = 0.4
    with start(known, hma) as process:
        wait_for_posts(hma, posts)
        process.send_signal(signal.SIGINT)
        _out, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert len(hma.contents) == posts
    with open_store(known) as store:
        assert store.connection.execute("SELECT count(*) FROM pushed").fetchone() == (posts,)
        assert store.connection.execute("SELECT count(*) FROM sent").fetchone() == (0,)
    hma.delay = 0
    push(known, hma)
    assert hma.live("EAST") == ALL and len(hma.contents) == 3


@pytest.mark.parametrize("fault", [replies(418), hangs_up], ids=["refuses to go on", "hangs up"])
def test_what_went_out_before_something_went_wrong_is_in_the_audit_trail(hma: Hma, known: Path, fault: Fault) -> None:
    hma.faults = [None, None, None, None, fault]
    assert push(known, hma).returncode == 2
    with open_store(known) as store:
        (aborted,) = (json.loads(entry.detail) for entry in audit.entries(store) if entry.action == "push")
    assert aborted["added"] in (1, 2) and aborted["aborted"] is True
    push(known, hma)
    with open_store(known) as store:
        *_before, through = (json.loads(entry.detail) for entry in audit.entries(store) if entry.action == "push")
    assert "aborted" not in through
    assert hma.live("EAST") == ALL and len(hma.contents) == 3


def test_what_went_wrong_on_a_server_that_was_set_up_anew_is_found(hma: Hma, known: Path) -> None:
    hma.number = 5000
    push(known, hma)
    hma.banks.clear()
    hma.contents.clear()
    hma.number = 0
    hma.faults = [None] * 4 + [None, hangs_up]
    assert push(known, hma).returncode == 2
    assert hma.contents
    assert "interrupted export were found" in push(known, hma).stderr
    assert hma.live("EAST") == ALL and len(hma.contents) == 3


def test_a_second_interrupt_does_not_wait(hma: Hma, known: Path) -> None:
    hma.delay = 0.5
    with start(known, hma) as process:
        wait_for_posts(hma, 1)
        hma.delay = 20.0
        wait_for_posts(hma, 2)
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert process.returncode == 130 and time.monotonic() - began < 10


@pytest.mark.parametrize("has_notes", [True, False])
@pytest.mark.parametrize("others", [0, 100])
def test_what_a_killed_export_left_behind_is_found(hma: Hma, known: Path, has_notes: bool, others: int) -> None:
    hma.has_notes, hma.delay = has_notes, 0.5
    with start(known, hma) as process:
        wait_for_posts(hma, 3 if has_notes else 4)  # without notes, the first one goes twice
        process.kill()
        process.communicate(timeout=60)
    end = time.monotonic() + 60
    while len(hma.contents) < 3:  # the server goes on
        assert time.monotonic() < end
        time.sleep(0.01)
    hma.delay = 0
    hma.banks["NEWS"] = 1.0
    for _number in range(others):
        hma.add("NEWS", {"pdq": pdq("one").hex})
    again = push(known, hma)
    assert "2 contents of an interrupted export were found" in again.stderr and "3 already there" in again.stderr
    assert hma.live("EAST") == ALL


def test_what_is_taken_after_we_have_looked_is_found_by_the_index(hma: Hma, known: Path) -> None:
    hma.faults = [None, None, None, hangs_up]
    assert push(known, hma).returncode == 2
    (late,) = hma.contents.values()
    hma.contents.clear()  # not yet
    assert "3 added" in push(known, hma).stderr
    hma.number = 5000
    number = hma.add("EAST", late["signals"], note=late["note"])
    hma.indexed = number
    again = push(known, hma)
    assert "1 contents of an interrupted export were found" in again.stderr and "1 disabled" in again.stderr
    assert hma.live("EAST") == ALL and sorted(hma.states().values()) == [0, 1, 1, 1]


def test_many_go_at_a_time(hma: Hma, tmp_path: Path) -> None:
    path = tmp_path / "many.db"
    with open_store(path, write=True) as store:
        for number in range(200):
            add(store, f"{number}", tlp="green")
    hma.delay = 0.02
    assert "200 added" in push(path, hma).stderr
    assert 2 <= hma.most_working <= 8
    assert "200 already there" in push(path, hma).stderr
    with open_store(path) as store:
        assert list(verify.check(store)) == []


def show(db: Path, number: int, *more: str, bank: str = "EAST") -> subprocess.CompletedProcess[str]:
    return run(db, "show", "--bank", bank, f"{number}", *more)


def test_a_content_leads_to_its_reference(hma: Hma, known: Path) -> None:
    push(known, hma)
    for number, content in hma.contents.items():
        name = next(name for name in ("one", "two", "three") if pdq(name).hex == content["signals"]["pdq"])
        shown = show(known, number)
        assert shown.returncode == 0 and measured(name).digests.sha256 in shown.stdout  # type: ignore[union-attr]
        assert not {"east", "green", name, measured(name).digests.sha256[:8]} & set(content["note"].split())  # type: ignore[union-attr]
        assert len(content["note"]) <= 255
    unknown = show(known, 99)
    assert unknown.returncode == 2 and "--hma URL asks" in unknown.stderr
    assert "has no content 99" in show(known, 99, "--hma", hma.url).stderr


def test_a_note_leads_to_the_reference_where_the_ledger_does_not(hma: Hma, known: Path) -> None:
    push(known, hma)
    hma.rename("EAST", "WEST")
    assert show(known, 1, bank="WEST").returncode == 2
    by_number = show(known, 1, "--hma", hma.url, bank="WEST")
    with open_store(known, write=True) as store, store.transaction() as connection:
        connection.execute("DELETE FROM pushed")
    by_note = show(known, 1, "--hma", hma.url, bank="WEST")
    assert by_note.returncode == 0 and by_note.stdout == by_number.stdout != ""


@pytest.mark.parametrize("note", [None, "hello", "hashmatch {other} 1 {token}", "hashmatch {ours} 3 {token}", "{big}"])
def test_a_note_that_lies_is_not_believed(hma: Hma, known: Path, note: str | None) -> None:
    with open_store(known) as store:
        (ours,) = store.connection.execute("SELECT lower(hex(substr(uuid, 1, 8))) FROM origin").fetchone()
    fill = {"other": "0" * 16, "ours": ours, "token": "1" * 16, "big": f"hashmatch {ours} {10**17} {'1' * 16}"}
    hma.banks["EAST"] = 1.0
    number = hma.add("EAST", {"pdq": pdq("one").hex}, note=note and note.format(**fill))
    shown = show(known, number, "--hma", hma.url)
    assert shown.returncode == 2 and not shown.stdout and "Traceback" not in shown.stderr


def test_contents_of_earlier_versions_get_their_notes(hma: Hma, known: Path) -> None:
    hma.has_notes = False
    push(known, hma)
    assert "3 already there" in push(known, hma).stderr
    hma.has_notes = True
    hma.contents[1]["note"] = "looked at by Kim"
    push(known, hma)
    notes = [content["note"] for _number, content in sorted(hma.contents.items())]
    assert notes[0] == "looked at by Kim"
    assert all(note.startswith("hashmatch ") for note in notes[1:]) and len(set(notes)) == 3


def test_a_bank_follows_marks_labels_and_collections(hma: Hma, known: Path) -> None:
    with open_store(known, write=True) as store:
        add(store, "four", collection="west", tlp="green")
        with store.transaction() as connection:
            for number in (1, 2, 5):
                curate.set_labels(connection, ME, number, ["flag"], [])
    chosen = ("--label", "flag")
    assert "3 added" in push(known, hma, *chosen).stderr
    change(known, curate.set_labels, 1, [], ["flag"])
    again = push(known, hma, *chosen)
    assert "1 disabled" in again.stderr and "1 of those disabled are not to go out any more" in again.stderr
    change(known, curate.set_collection, "west", "red")
    again = push(known, hma, *chosen)
    assert "1 disabled" in again.stderr and again.returncode == 1
    assert "1 left out: marked stricter than TLP:GREEN" in again.stderr
    assert hma.live("EAST") == [pdq("two").hex]
    push(known, hma, "--collection", "west", "--max-tlp", "red")
    assert hma.live("EAST") == [pdq("four").hex]
    push(known, hma, *chosen)
    assert hma.live("EAST") == [pdq("two").hex]


def test_what_nobody_marked_stays_home(hma: Hma, known: Path) -> None:
    with open_store(known, write=True) as store:
        add(store, "four", collection="west")
    first = push(known, hma)
    assert first.returncode == 1 and "1 left out: without a TLP mark" in first.stderr
    assert hma.live("EAST") == ALL
    assert "1 added" in push(known, hma, "--unmarked").stderr
    assert pdq("four").hex in hma.live("EAST")
    assert "1 of those disabled" in push(known, hma).stderr
    assert hma.live("EAST") == ALL


def test_what_we_dispute_is_withdrawn_and_what_others_dispute_is_not(hma: Hma, known: Path) -> None:
    push(known, hma)
    change(known, opinions.give, 1, Opinion("disputed", "review", "2026-11-30T20:00:00Z", "a newspaper"))
    change(known, opinions.give, 2, Opinion("disputed", "West", "2026-11-30T20:00:00Z", "a newspaper"))
    # Somebody else's review is not ours.
    change(known, opinions.give, 3, Opinion("disputed", "review", "2026-11-30T20:00:00Z", "a newspaper"), "RWwest")
    again = push(known, hma)
    assert again.returncode == 1 and "1 left out: disputed here" in again.stderr
    assert hma.live("EAST") == sorted(pdq(name).hex for name in ("two", "three"))


def test_what_has_expired_is_withdrawn(hma: Hma, known: Path) -> None:
    push(known, hma)
    with open_store(known, write=True) as store, store.transaction() as connection:
        connection.execute("UPDATE membership SET expires = '2020-01-01T00:00:00Z' WHERE reference_id = 2")
    assert "1 disabled" in push(known, hma).stderr
    assert hma.live("EAST") == sorted(pdq(name).hex for name in ("one", "three"))


def test_what_waits_for_a_person_to_allow_stays_home(hma: Hma, known: Path) -> None:
    with open_store(known, write=True) as store:
        add_entry(store, ListItem(hashes=(pdq("newspaper"),), allow=True), allow=True, tlp="green")
    pushed = push(known, hma)
    assert "1 left out: on the allow list" in pushed.stderr
    assert hma.live("EAST") == ALL


def test_what_is_withdrawn_and_enabled_there_is_disabled_again(hma: Hma, known: Path) -> None:
    push(known, hma)
    for outdated in (lambda: change(known, curate.retract, 1, None), lambda: None):
        outdated()
        push(known, hma)
        assert len(hma.live("EAST")) == 2
        for content in hma.contents.values():
            content["until"] = 1


def test_parts_of_pictures_stay_home(hma: Hma, tmp_path: Path) -> None:
    path = tmp_path / "card.db"
    with open_store(path, write=True) as store:
        hashes = (pdq("card"), replace(pdq("photo"), view="part1"), replace(pdq("trimmed"), view="trim1"))
        add(store, measured("card", hashes), tlp="green")
    push(path, hma)
    assert hma.live("EAST") == sorted(pdq(name).hex for name in ("card", "trimmed"))


def test_an_emptied_bank_disputes_nothing(hma: Hma, known: Path) -> None:
    push(known, hma)
    hma.empty("EAST")
    read = run(known, "import", "--from-hma", hma.url, "--bank", "EAST")
    assert read.returncode == 2 and "is there any more" in read.stderr
    with open_store(known) as store:
        assert not any(each.opinions for each in lookup.references(store.connection))


def test_our_own_note_is_no_reason(hma: Hma, known: Path) -> None:
    push(known, hma)
    for content in hma.contents.values():
        content["until"] = 0
    hma.contents[1]["note"] = "a newspaper"
    run(known, "import", "--from-hma", hma.url, "--bank", "EAST")
    with open_store(known) as store:
        reasons = [each.reason for one in lookup.references(store.connection) for each in one.opinions]
    assert reasons == ["a newspaper", "disabled there", "disabled there"]

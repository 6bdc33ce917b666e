"""Lists that are wrong, endless or cut off: nothing is lost, nothing half-done."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hashmatch.errors import CommandError
from hashmatch.exchange import numbered_lines
from hashmatch.exchange.entry_checks import EMPTY, TOLD
from hashmatch.records import BadLine, LineRemark, ListItem
from hashmatch.store import Store, audit, hash_rows, lookup, open_store, verify
from hashmatch.workflows import list_lines
from hashmatch.workflows.import_list import ImportReport, import_list
from hashmatch.workflows.list_origin import ImportPlan
from tests.support.made_references import ME, pdq, pdq_bits

MIXED = "\n".join(
    [
        pdq_bits(1).hex(),
        "0" * 64,
        pdq_bits(2).hex().upper(),
        pdq_bits(3).hex()[:-1],
        pdq_bits(4).hex()[:-1] + "g",
        pdq_bits(1).hex(),
        EMPTY["md5"],
        pdq_bits(5).hex(),
    ]
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "x.db", write=True) as opened:
        yield opened


def imported(
    store: Store, path: Path, text: str, plan: ImportPlan = ImportPlan("x"), all_remarks: bool = False
) -> tuple[ImportReport, dict[int, str], list[LineRemark]]:
    """The report, why lines were refused, and remarks."""
    path.write_text(text)
    told: list[BadLine | LineRemark] = []
    report = import_list(store, ME, path, plan, format_name="pdq", told=told.append, all_remarks=all_remarks)
    refused = {line.line: line.message for line in told if isinstance(line, BadLine)}
    return report, refused, [line for line in told if isinstance(line, LineRemark)]


def test_each_bad_line_is_named_and_the_rest_imported(store: Store, tmp_path: Path) -> None:
    report, refused, remarks = imported(store, tmp_path / "list", MIXED)
    assert sorted(refused) == [2, 4, 5, 7]
    assert (report.added, report.known, report.refused, report.remarks) == (3, 1, 4, 2)
    assert [remark.line for remark in remarks] == [3, 6]
    assert "capitals" in remarks[0].message and "line 1" in remarks[1].message


def test_strict_leaves_nothing(store: Store, tmp_path: Path) -> None:
    last = audit.head(store.connection)
    for text in (MIXED, f"{pdq_bits(1).hex()}\n" * 6000 + "0" * 64):
        with pytest.raises(CommandError, match="nothing was imported"):
            imported(store, tmp_path / "list", text, ImportPlan("x", strict=True))
    assert audit.head(store.connection) == last
    assert lookup.counts(store.connection)["references"] == 0
    assert store.connection.execute("SELECT count(*) FROM import").fetchone() == (0,)
    report, _refused, remarks = imported(
        store, tmp_path / "list", pdq_bits(1).hex().upper(), ImportPlan("x", strict=True)
    )
    assert report.added == len(remarks) == 1, "what is only odd is no reason to refuse a list"


def test_a_million_remarks_are_counted(store: Store, tmp_path: Path) -> None:
    text = f"{pdq_bits(1).hex()}\n" * 3000
    report, _refused, remarks = imported(store, tmp_path / "list", text)
    assert (report.added, report.known, report.remarks) == (1, 2999, 2999)
    assert len(remarks) == TOLD + 1
    assert remarks[-1].line == 3000 and f"{2999 - TOLD - 1:,}" in remarks[-1].message
    assert len(imported(store, tmp_path / "list", text, all_remarks=True)[2]) == 2999


class Endless:
    """A line of ten gigabytes."""

    def __init__(self) -> None:
        self._block, self._left = b"a" * (numbered_lines.LINE_MAX + 1), 10**10
        self.largest = 0

    def readline(self, size: int) -> bytes:
        self.largest = max(self.largest, size)
        if not self._left:
            return b""
        self._left = max(0, self._left - size)
        return self._block[:size] if self._left else b"a\n"


def test_a_line_of_ten_gigabytes_is_passed_over() -> None:
    stream = Endless()
    (found,) = numbered_lines.numbered(stream)  # type: ignore[arg-type]
    assert isinstance(found, BadLine) and "longer" in found.message
    assert stream.largest <= numbered_lines.LINE_MAX + 1


KILLED = """
import os, signal, sys
from pathlib import Path
from hashmatch.workflows import import_list, list_lines
from hashmatch.store import Store, open_store
from hashmatch.store.audit import Actor

list_lines.BATCH = 100
with open_store(Path(sys.argv[1]), write=True) as store:
    plan = import_list.ImportPlan("x")
    import_list.import_list(store, Actor("me", "import"), Path(sys.argv[2]), plan, told=lambda line: os.kill(os.getpid(), 9))
"""


@pytest.mark.slow
def test_one_that_was_killed_is_not_finished_and_completed_by_doing_it_again(tmp_path: Path) -> None:
    path, database = tmp_path / "list", tmp_path / "killed.db"
    hashes = [pdq_bits(n).hex() for n in range(300)]
    text = "\n".join([*hashes[:250], "nonsense", *hashes[250:]])
    path.write_text(text)
    process = subprocess.run([sys.executable, "-c", KILLED, database, path], env=dict(os.environ), check=False)
    assert process.returncode == -signal.SIGKILL
    finished = "SELECT finished IS NOT NULL, items, refused FROM import"
    with open_store(database, write=True) as store:
        assert lookup.counts(store.connection)["references"] == 200
        assert store.connection.execute(finished).fetchall() == [(0, 0, 0)]
        report, refused, _remarks = imported(store, path, text)
        assert (report.known, report.added, list(refused)) == (200, 100, [251])
        assert store.connection.execute(finished).fetchall() == [(1, 300, 1)]
        assert list(audit.check(store)) == []
        killed = [(r.id, hash_rows.hashes(store.connection, r.id)) for r in lookup.references(store.connection)]
    with open_store(tmp_path / "whole.db", write=True) as store:
        imported(store, path, text)
        assert [(r.id, hash_rows.hashes(store.connection, r.id)) for r in lookup.references(store.connection)] == killed


READER_KILLED = """
import os, sys
from pathlib import Path
from hashmatch.workflows import import_list, list_lines
from hashmatch.exchange import entry_checks
from hashmatch.store import Store, open_store
from hashmatch.store.audit import Actor

class Killing(entry_checks.ListChecker):
    def check(self, line, item):
        assert os.getpid() != parent, "another process reads"
        if line == 250:
            os._exit(1)
        return super().check(line, item)

parent = os.getpid()
entry_checks.ListChecker = Killing
list_lines.BATCH = 100
with open_store(Path(sys.argv[1]), write=True) as store:
    try:
        import_list.import_list(store, Actor("me", "import"), Path(sys.argv[2]), import_list.ImportPlan("x"))
    except import_list.CommandError as error:
        print(error)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere no other process reads")
def test_the_process_that_reads_ends_too_early(tmp_path: Path) -> None:
    path, database = tmp_path / "list", tmp_path / "x.db"
    text = "\n".join(pdq_bits(n).hex() for n in range(300))
    path.write_text(text)
    told = subprocess.run(
        [sys.executable, "-c", READER_KILLED, database, path], capture_output=True, text=True, check=True
    ).stdout
    assert str(path) in told and "ended before the list did" in told
    with open_store(database, write=True) as store:
        assert lookup.counts(store.connection)["references"] == 200, "whole batches only"
        assert list(verify.check(store)) == []
        report, _refused, _remarks = imported(store, path, text)
        assert (report.known, report.added) == (200, 100)


def lines_of(messages: Iterator[bytes]) -> list[int]:
    return [len(list_lines.unpacked(message)) for message in messages]


def test_a_transaction_takes_so_many_entries_and_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(list_lines, "BATCH", 4)
    monkeypatch.setattr(list_lines, "BATCH_HASHES", 10)
    film = ListItem("video", hashes=tuple(pdq(n, time=n) for n in range(5)))
    packing, messages = list_lines.PackedLines(), list[bytes]()
    for number in range(5):
        messages += packing.full(None)
        packing.put(number, film, "", ())
    for number in range(6):
        messages += packing.full(None)
        packing.put_remark(BadLine(number, "x"))
    messages += packing.rest()
    assert lines_of(iter(messages)) == [2, 2, 4, 3]


def test_the_entries_of_one_record_are_one_transaction(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(list_lines, "BATCH", 2)
    packing, messages = list_lines.PackedLines(), list[bytes]()
    for number, record in enumerate([None, "a", "a", "a", "a", "b", None, "a", "a"]):
        messages += packing.full(record)
        packing.put(number, ListItem("image", hashes=(pdq(number),), record=record), "", ())
    messages += packing.rest()
    assert lines_of(iter(messages)) == [5, 2, 2]


def test_a_pipe_is_refused(store: Store) -> None:
    reading, writing = os.pipe()
    os.write(writing, MIXED.encode())
    os.close(writing)
    try:
        with pytest.raises(CommandError, match="a pipe cannot be: give a file"):
            import_list(store, ME, Path(f"/dev/fd/{reading}"))
    finally:
        os.close(reading)

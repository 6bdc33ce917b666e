"""`index --cluster`: the same reference set as one machine makes, whatever happens to whom meanwhile."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("distributed", reason="needs Dask: pip install hashmatch[cluster]")

from hashmatch.cluster.connection import Cluster, joined
from hashmatch.cluster.examining import ClusterExaminer
from hashmatch.cluster.jobs import Job
from hashmatch.cluster.sizes import Sizes
from hashmatch.fingerprints.examiner import ExaminerHooks
from hashmatch.fingerprints.settings import ReferenceHashing
from hashmatch.isolation import Isolation, wire
from hashmatch.media.files import FoundPath
from hashmatch.media.sampling import FilmShare
from hashmatch.store import open_store
from tests.support.command_line import run_command
from tests.support.dask_cluster import LONG, Dask, children, dask, dask_worker_of, is_alive, until
from tests.support.drawn_pictures import picture
from tests.support.film_files import Film, film
from tests.support.index_runs import holds, locations, start
from tests.support.repository import FIXTURES, ROOT
from tests.support.still_files import saved, scene

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The fixtures' archive and what is broken, a name that is no text, a link, and a film that is shared by workers."""
    folder = tmp_path_factory.mktemp("archive")
    shutil.copytree(FIXTURES / "archive", folder / "archive")
    shutil.copytree(FIXTURES / "uploads" / "broken", folder / "broken")
    shutil.copy(FIXTURES / "uploads" / "small.jpg", os.fsencode(folder) + b"/caf\xe9.jpg")
    (folder / "link.jpg").symlink_to("broken")
    (folder / "unreadable name\n.txt").write_text("no media")
    slow = Film("mp4", "mpeg4", "mpeg4", rate=1, size=(96, 64))
    (folder / "long.mp4").write_bytes(film(slow, seconds=270.0))
    return folder


@pytest.fixture(scope="module")
def alone(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What one machine makes of it."""
    db = tmp_path_factory.mktemp("alone") / "reference.db"
    assert run_command("index", archive, "--workers", "1", db=db).code == 1
    return db


#: Files of `pictures`, and how many of them make sure that it is not over before something happens in the middle of it.
COUNT = 321
BATCH = 32
INDEX = ("-v", "index", "--no-local-features", "--cluster")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Enough pictures for ten batches, of other bytes each but for two of them; the first takes a second."""
    folder = tmp_path_factory.mktemp("pictures")
    (folder / "000.jpg").write_bytes(with_scans(1000))
    drawn = [picture(folder / "drawn.jpg", number).read_bytes() for number in range(20)]
    (folder / "drawn.jpg").unlink()
    for number in range(1, COUNT - 1):
        data, comment = drawn[number % 20], b"%04d" % number
        (folder / f"{number:03}.jpg").write_bytes(data[:2] + b"\xff\xfe\x00\x06" + comment + data[2:])
    shutil.copy(folder / "007.jpg", folder / "copy of 007.jpg")
    return folder


@pytest.fixture(scope="module")
def once(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What one machine makes of them."""
    db = tmp_path_factory.mktemp("once") / "reference.db"
    assert run_command("index", "--no-local-features", pictures, db=db).code == 0
    return db


def with_scans(count: int) -> bytes:
    """A progressive JPEG whose last scan comes so many times; a thousand take a second."""
    data = saved(scene().resize((3000, 3000)), "JPEG", progressive=True, quality=30)
    scan = data.rindex(b"\xff\xda")
    return data[:scan] + count * data[scan:-2] + data[-2:]


class TestTheSame:
    def test_as_one_machine(self, two_workers: Dask, archive: Path, alone: Path, db: Path) -> None:
        ran = run_command("index", archive, "--cluster", two_workers.address, "--format", "json", db=db)
        assert ran.code == 1  # of the broken ones
        assert holds(db) == holds(alone)
        again = run_command("index", archive, "--workers", "1", "--format", "json", db=db)
        assert again.json["summary"]["indexed"] == 0
        assert again.json["failures"][0]["path"] == ran.json["failures"][0]["path"]
        assert run_command("verify", db=db).code == 0

    def test_what_is_unchanged_or_known_is_not_decoded(
        self, two_workers: Dask, archive: Path, alone: Path, db: Path, tmp_path: Path
    ) -> None:
        shutil.copy(alone, db)
        shutil.copy(FIXTURES / "archive" / "towns" / "market.jpg", tmp_path / "moved.jpg")
        index = ("index", archive, tmp_path / "moved.jpg", "--cluster", two_workers.address, "--format", "json")
        summary = run_command(*index, db=db).json["summary"]
        assert summary["indexed"] == 0
        assert summary["duplicates"] == 1
        assert summary["unchanged"] > 20
        assert "moved.jpg" in locations(db)

    def test_what_was_hashed_otherwise_is_decoded_though_its_content_is_known(
        self, two_workers: Dask, db: Path
    ) -> None:
        """The worker is told that it is known, as far as its size tells; the client knows better."""
        file = FIXTURES / "archive" / "towns" / "market.jpg"
        assert run_command("index", file, "--no-local-features", db=db).code == 0
        index = ("index", file, "--cluster", two_workers.address, "--hash", "pdq,dhash", "--format", "json")
        assert run_command(*index, db=db).json["summary"]["indexed"] == 1
        algorithms = {row[1] for row in holds(db)["hashes"]}
        assert {"pdq", "dhash"} < algorithms

    def test_in_processes_of_this_machine(self, archive: Path, alone: Path, db: Path) -> None:
        ran = run_command("index", archive / "archive" / "towns", "--cluster", "local:2", db=db)
        assert ran.code == 0
        assert "local:2" in ran.err
        rates = re.findall(
            r"^tcp://127\.0\.0\.1:\d+: (\d+) files, ([\d.]+) files/s, [\d.]+ MB/s$", ran.err, re.MULTILINE
        )
        assert 1 <= len(rates) <= 2
        assert sum(int(files) for files, _speed in rates) == len(locations(db))
        assert all(float(speed) > 0 for _files, speed in rates)
        assert "http://127.0.0.1:" in ran.err
        towns = {row for row in holds(alone)["locations"] if b"/towns/" in row[0]}
        assert set(holds(db)["locations"]) == towns

    def test_a_long_film_is_shared(
        self, two_workers: Dask, archive: Path, alone: Path, db: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sent: list[Job] = []
        submit = Cluster.submit

        def noted(self: Cluster, function: Any, run: bytes, jobs: bytes, name: str) -> Any:
            sent.extend(wire.read(tuple[Job, ...], wire.unpack(jobs)[1]))
            return submit(self, function, run, jobs, name=name)

        monkeypatch.setattr(Cluster, "submit", noted)
        with joined(two_workers.address) as cluster, open_store(db, write=True) as store:
            until(lambda: len(cluster.look_again()) == 2, "two workers")
            shares_done: list[float] = []
            examiner = ClusterExaminer(cluster, Isolation(), Sizes(store.connection, grows=True))
            hooks = ExaminerHooks(on_progress=lambda state, share: shares_done.append(share))
            found = [FoundPath(os.fsencode(archive / "long.mp4"))]
            told = [file for batch in examiner.examine(found, ReferenceHashing(), hooks) for file in batch]
            rates = sum(rate.files for rate in cluster.rates.values())
        assert [job.share for job in sent] == [FilmShare(0, 1), FilmShare(1, 2)]
        assert len(told) == rates == 1
        assert shares_done
        (result,) = [result for _state, result in told]
        assert result is not None and result.error is None
        assert result.digests is not None
        sha256 = bytes.fromhex(result.digests.sha256)
        (expected,) = (row[6] for row in holds(alone)["hashes"] if row[:3] == (sha256, "pdq", "full"))
        assert b"".join(each.bits for each in result.hashes if each.view == "full") == expected

    def test_a_dry_run_writes_nothing(self, two_workers: Dask, db: Path) -> None:
        index = ("index", FIXTURES / "archive" / "towns", "--cluster", two_workers.address, "--dry-run")
        assert run_command(*index, db=db).code == 0
        assert not db.exists()


class TestPoison:
    def test_costs_itself(self, two_workers: Dask, pictures: Path, db: Path, tmp_path: Path) -> None:
        folder = tmp_path / "folder"
        folder.mkdir()
        for number in range(1, 13):
            shutil.copy(pictures / f"{number:03}.jpg", folder)
        (folder / "005b.jpg").write_bytes(with_scans(5000))
        options = ("--cluster", two_workers.address, "--max-seconds", "1", "--format", "json")
        ran = run_command("index", folder, *options, db=db)
        assert ran.code == 1
        assert ran.json["summary"]["indexed"] == 12
        assert [each["code"] for each in ran.json["failures"]] == ["timeout"]


class TestKilled:
    @pytest.mark.parametrize("failures", ["3", "0"])
    def test_a_worker_in_the_middle(
        self, pictures: Path, once: Path, db: Path, tmp_path: Path, failures: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Its batch is done by another one; or, where Dask is told to give up at once, file by file."""
        monkeypatch.setenv("DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES", failures)
        with dask(tmp_path / "dask", 2) as started:
            process = start(db, *INDEX, started.address, pictures)
            until(lambda: len(locations(db)) > 0, "the first batch")
            os.kill(dask_worker_of(started.processes[1]), signal.SIGKILL)
            _out, err = process.communicate(timeout=LONG)
            assert process.returncode == 0, err
        assert holds(db) == holds(once)

    def test_the_process_beside_a_worker(self, two_workers: Dask, pictures: Path, once: Path, db: Path) -> None:
        process = start(db, *INDEX, two_workers.address, pictures)
        until(lambda: len(locations(db)) > 0, "the first batch")
        for nanny in two_workers.processes[1:]:
            hosts = [pid for pid, words in children(nanny.pid).items() if "hashmatch.cluster.host" in words]
            os.kill(min(hosts), signal.SIGKILL)
        _out, err = process.communicate(timeout=LONG)
        assert process.returncode == 0, err
        assert holds(db) == holds(once)

    def test_the_client_and_then_the_scheduler(self, pictures: Path, once: Path, db: Path, tmp_path: Path) -> None:
        with dask(tmp_path / "dask", 2) as started:
            process = start(db, *INDEX, started.address, pictures)
            until(lambda: len(locations(db)) > 0, "the first batch")
            process.kill()
            process.communicate(timeout=LONG)
            done = len(locations(db))
            assert done < COUNT
            # The same workers serve the next client, which goes on where the last one was.
            process = start(db, *INDEX, started.address, pictures)
            until(lambda: len(locations(db)) > done, "the next batch")
            started.processes[0].kill()
            _out, err = process.communicate(timeout=LONG)
            assert process.returncode == 2
            assert "Traceback" not in err
            assert "the scheduler of the cluster at" in err.splitlines()[-1]
            assert len(locations(db)) < COUNT
        with dask(tmp_path / "another", 1) as started:
            ran = run_command(*INDEX, started.address, pictures, "--format", "json", db=db)
            assert ran.code == 0
            assert done < ran.json["summary"]["unchanged"] < COUNT
        assert holds(db) == holds(once)

    def test_a_client_takes_its_own_workers_with_it(self, pictures: Path, db: Path) -> None:
        process = start(db, *INDEX, "local:2", pictures)
        until(lambda: len(locations(db)) > 0, "the first batch")
        below = children(process.pid)
        assert any("hashmatch.cluster.host" in words for words in below.values())
        process.kill()
        process.communicate(timeout=LONG)
        until(lambda: not any(map(is_alive, below)), "all processes to be gone")


def test_a_slow_worker_delays_its_own_batches_only(pictures: Path, once: Path, db: Path, tmp_path: Path) -> None:
    with dask(tmp_path / "dask", 2) as started:
        process = start(db, *INDEX, started.address, pictures)
        until(lambda: len(locations(db)) > 0, "the first batch")
        slow = dask_worker_of(started.processes[1])
        os.kill(slow, signal.SIGSTOP)
        # All but what it has at hand is done without it.
        until(lambda: len(locations(db)) >= COUNT - 3 * BATCH, "the other one to do the rest")
        os.kill(slow, signal.SIGCONT)
        _out, err = process.communicate(timeout=LONG)
        assert process.returncode == 0, err
    assert holds(db) == holds(once)


@pytest.fixture
def standing_still(tmp_path: Path) -> Iterator[Dask]:
    """A cluster of two workers, one of which does not answer."""
    from distributed import Client

    with dask(tmp_path / "dask", 2) as started:
        with Client(started.address, set_as_default=False) as client:
            client.wait_for_workers(2, timeout=LONG)
        os.kill(dask_worker_of(started.processes[1]), signal.SIGSTOP)
        yield started


def test_a_run_does_not_begin_with_a_worker_that_does_not_answer(standing_still: Dask, db: Path) -> None:
    script = (
        "import sys\nfrom hashmatch.cli import run\nfrom hashmatch.cluster import connection\nconnection.PATIENCE = 2\n"
        f"sys.exit(run(['--db', {str(db)!r}, 'index', {str(FIXTURES / 'archive' / 'towns')!r},"
        f" '--cluster', {standing_still.address!r}]))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=LONG)
    assert done.returncode == 2
    assert "has workers that do not answer" in done.stderr.splitlines()[-1]


def test_an_interrupted_run_does_not_wait_for_a_worker_that_does_not_answer(
    pictures: Path, db: Path, tmp_path: Path
) -> None:
    with dask(tmp_path / "dask", 2) as started:
        process = start(db, *INDEX, started.address, pictures)
        until(lambda: len(locations(db)) > 0, "the first batch")
        os.kill(dask_worker_of(started.processes[1]), signal.SIGSTOP)
        process.send_signal(signal.SIGINT)
        _out, err = process.communicate(timeout=60)  # Dask waits for five minutes
        assert process.returncode == 130, err
        assert "Traceback" not in err
    assert 0 < len(locations(db)) < COUNT


class TestRefused:
    @pytest.fixture(scope="class")
    @staticmethod
    def other(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dask]:
        """A cluster whose only worker has another version of hashmatch."""
        package = tmp_path_factory.mktemp("package")
        shutil.copytree(ROOT / "hashmatch", package / "hashmatch", ignore=shutil.ignore_patterns("__pycache__"))
        module = package / "hashmatch" / "version.py"
        text = module.read_text()
        assert '__version__ = "' in text
        module.write_text(text.replace('__version__ = "', '__version__ = "9.'))
        with dask(tmp_path_factory.mktemp("dask") / "other", 0) as started:
            started.start_worker(package)
            yield started

    def test_another_version(self, other: Dask, db: Path) -> None:
        ran = run_command("index", FIXTURES / "archive" / "towns", "--cluster", other.address, db=db)
        assert ran.code == 2
        assert "would come to other results than this machine: hashmatch 9." in ran.err.splitlines()[-1]
        assert locations(db) == set()

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (("--cluster", "elsewhere"), "is not the address of a cluster; write tcp://host:8786"),
            (("--cluster", "local:0"), "is not the address of a cluster"),
            (("--cluster", "tcp://127.0.0.1:1"), "tcp://127.0.0.1:1"),
            (("--cluster", "tcp://127.0.0.1"), "is not the address of a cluster"),
            (("--cluster", "http://127.0.0.1:8786"), "is not the address of a cluster"),
            (("--cluster", "local:2", "--workers", "2"), "--workers is for this machine only"),
        ],
    )
    def test_what_is_no_cluster(self, arguments: tuple[str, ...], message: str, db: Path) -> None:
        ran = run_command(
            "index", FIXTURES / "archive" / "towns", *arguments, db=db, DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT="1s"
        )
        assert ran.code == 2
        assert message in ran.err

    def test_without_the_encryption_that_is_required(self, db: Path) -> None:
        index = ("index", FIXTURES / "archive" / "towns", "--cluster", "tcp://127.0.0.1:8786")
        ran = run_command(*index, db=db, DASK_DISTRIBUTED__COMM__REQUIRE_ENCRYPTION="True")
        assert ran.code == 2
        assert "is configured to require encryption; use tls://" in ran.err

    def test_a_url_without_a_cluster(self, db: Path) -> None:
        ran = run_command("index", "s3://bucket/prefix", db=db)
        assert ran.code == 2
        assert "give --cluster" in ran.err


def test_workers_of_our_own_listen_on_loopback_only(pictures: Path, db: Path) -> None:
    psutil = pytest.importorskip("psutil")
    process = start(db, *INDEX, "local:2", pictures)
    until(lambda: len(locations(db)) > 0, "the first batch")
    listening = [
        connection.laddr.ip
        for each in (psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True))
        for connection in each.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    process.kill()
    process.communicate(timeout=LONG)
    assert len(listening) >= 3  # scheduler and workers
    assert set(listening) == {"127.0.0.1"}


def test_dask_is_not_imported_without_a_cluster(db: Path) -> None:
    script = (
        "import sys\nfrom hashmatch.cli import run\n"
        f"run(['--db', {str(db)!r}, 'index', {str(FIXTURES / 'archive' / 'towns')!r}])\n"
        "print([name for name in sys.modules if name.split('.')[0] in ('dask', 'distributed', 'fsspec', 'tornado')])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True)
    assert done.stdout.splitlines()[-1] == b"[]"

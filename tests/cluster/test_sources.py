"""Objects by URL: found, known again, and brought to a worker; an S3 store among them."""

from __future__ import annotations

import datetime
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

pytest.importorskip("fsspec", reason="needs fsspec: pip install hashmatch[cluster]")

from hashmatch.cluster.sources import FoundObject, fetch, version, walk_all
from hashmatch.errors import MediaError
from hashmatch.media.files import FoundPath
from tests.support.command_line import Run, run_command
from tests.support.index_runs import holds
from tests.support.repository import FIXTURES

pytestmark = pytest.mark.timeout(300)


class TestVersion:
    def test_is_the_time_of_the_last_change(self) -> None:
        assert version({"mtime": 1_700_000_000.5}) == 1_700_000_000_500_000_000
        moment = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)
        assert version({"LastModified": moment}) == round(moment.timestamp()) * 10**9
        assert version({"updated": moment.isoformat()}) == version({"LastModified": moment})

    def test_has_the_tag_within_the_second(self) -> None:
        moment = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)
        one, other = (version({"LastModified": moment, "ETag": tag}) for tag in ('"a"', '"b"'))
        assert one is not None and other is not None and one != other
        assert one // 10**9 == other // 10**9 == round(moment.timestamp())
        assert version({"ETag": '"a"'}) == one % 10**9

    def test_of_a_store_that_tells_nothing(self) -> None:
        assert version({}) is None
        assert version({"mtime": "yesterday"}) is None
        assert version({"mtime": 1e300}) is None


class TestWalk:
    def test_of_files_by_url(self, tmp_path: Path) -> None:
        for name in ("b/2.jpg", "b/a/1.jpg", "c.jpg", "منظر.jpg", "left/out.jpg"):
            (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
            (tmp_path / name).write_bytes(b"x" * len(name))
        root = f"file://{tmp_path}".encode()
        found = list(walk_all([root], ["left"]))
        assert [os.fsdecode(each.path.removeprefix(root + b"/")) for each in found] == [
            "c.jpg",
            "منظر.jpg",
            "b/2.jpg",
            "b/a/1.jpg",
        ]
        assert all(isinstance(each, FoundObject) and each.size and each.mtime_ns for each in found)
        assert [each.path for each in walk_all([root + b"/c.jpg"])] == [root + b"/c.jpg"]

    def test_of_what_is_not_there(self, tmp_path: Path) -> None:
        (found,) = walk_all([f"file://{tmp_path}/nothing".encode()])
        assert found.error is not None and found.error.code == "not-found"

    def test_of_paths_among_them(self, tmp_path: Path) -> None:
        (tmp_path / "a.jpg").write_bytes(b"")
        paths = [os.fsencode(tmp_path), f"file://{tmp_path}".encode()]
        assert [type(each) for each in walk_all(paths)] == [FoundPath, FoundObject]


class TestFetch:
    def test_brings_all_of_what_is_media(self, tmp_path: Path) -> None:
        shutil.copy(FIXTURES / "uploads" / "small.jpg", tmp_path / "a.jpg")
        fetched = fetch(f"file://{tmp_path}/a.jpg".encode(), 1 << 30)
        with fetched.file, open(fetched.path, "rb") as file:
            assert file.read() == (tmp_path / "a.jpg").read_bytes()
            assert fetched.size == (tmp_path / "a.jpg").stat().st_size

    @pytest.mark.parametrize(
        ("name", "head", "largest"), [("a.txt", b"no media", 1 << 30), ("a.jpg", b"\xff\xd8\xff\xe0", 1000)]
    )
    def test_brings_the_beginning_of_the_rest(self, tmp_path: Path, name: str, head: bytes, largest: int) -> None:
        (tmp_path / name).write_bytes(head.ljust(1 << 20, b"x"))
        fetched = fetch(f"file://{tmp_path}/{name}".encode(), largest)
        with fetched.file:
            assert fetched.size == 1 << 20
            assert os.fstat(fetched.file.fileno()).st_blocks * 512 < 1 << 19

    def test_leaves_nothing_behind(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        shutil.copy(FIXTURES / "uploads" / "small.jpg", tmp_path / "a.jpg")
        (tmp_path / "temporary").mkdir()
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
        with fetch(f"file://{tmp_path}/a.jpg".encode(), 1 << 30).file:
            pass
        with pytest.raises(MediaError, match="does not exist"):
            fetch(f"file://{tmp_path}/b.jpg".encode(), 1 << 30)
        assert not list((tmp_path / "temporary").iterdir())


class TestS3:
    @pytest.fixture(scope="class")
    @staticmethod
    def endpoint() -> Iterator[str]:
        server = pytest.importorskip("moto.server", reason="needs moto's server")
        pytest.importorskip("s3fs", reason="needs s3fs: pip install hashmatch[cluster]")
        pytest.importorskip("distributed", reason="needs Dask: pip install hashmatch[cluster]")
        started = server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        started.start()
        host, port = started.get_host_and_port()
        yield f"http://{host}:{port}"
        started.stop()

    @pytest.fixture
    def env(self, endpoint: str) -> dict[str, str]:
        names = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}
        return names | {"AWS_ENDPOINT_URL": endpoint}

    def test_an_index_of_a_bucket(self, endpoint: str, env: dict[str, str], run: Run, db: Path, tmp_path: Path) -> None:
        import boto3

        options = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
        client = boto3.client("s3", endpoint_url=endpoint, **options)
        client.create_bucket(Bucket="seized")
        files = [
            FIXTURES / "archive" / "landscapes" / "منظر-جبلي.jpg",
            FIXTURES / "archive" / "films" / "journey.mp4",
            FIXTURES / "uploads" / "broken" / "not-a-picture.jpg",
            FIXTURES / "uploads" / "notes.txt",
        ]
        for file in files:
            client.put_object(Bucket="seized", Key=f"disk/{file.name}", Body=file.read_bytes())
        client.put_object(Bucket="seized", Key="elsewhere/small.jpg", Body=b"")
        index = ("index", "s3://seized/disk", "--cluster", "local:1", "--format", "json")
        ran = run(*index, **env)
        assert ran.code == 1, ran.err
        assert ran.json["summary"] | {"seconds": 0} == ran.json["summary"] | {
            "files": 4,
            "indexed": 2,
            "failed": 1,
            "skipped": 1,
            "seconds": 0,
        }
        assert "s3://seized/disk/not-a-picture.jpg: unsupported-format: is named like an image" in ran.err
        # The same but for where: as from a disk.
        alone = tmp_path / "alone.db"
        assert run_command("index", *files, db=alone).code == 1
        one, other = holds(db), holds(alone)
        assert one["hashes"] == other["hashes"]
        assert one["references"] == other["references"]
        assert {row[0] for row in one["locations"]} == {f"s3://seized/disk/{file.name}".encode() for file in files[:3]}
        assert run("show", "s3://seized/disk/journey.mp4").code == 0
        # What is unchanged is not read again; what has other content, of the same size and within the second, is.
        old = files[0].read_bytes()
        picture = Image.effect_noise((32, 32), 50)
        picture.save(tmp_path / "new.jpg")
        new = (tmp_path / "new.jpg").read_bytes().ljust(len(old), b"\0")
        client.put_object(Bucket="seized", Key=f"disk/{files[0].name}", Body=new)
        summary = run(*index, **env).json["summary"]
        assert (summary["unchanged"], summary["indexed"], summary["failed"], summary["skipped"]) == (1, 1, 1, 1)

    def test_a_bucket_that_is_not_there(self, env: dict[str, str], run: Run) -> None:
        ran = run("index", "s3://nowhere/prefix", "--cluster", "local:1", **env)
        assert ran.code == 2
        assert "s3://nowhere/prefix: not-found: does not exist" in ran.err

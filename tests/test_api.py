"""The toolkit as Python."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

import pytest

import hashmatch
from hashmatch.errors import CommandError, MediaError
from hashmatch.store import audit, hash_rows, lookup, open_store
from tests.support.command_line import run_command
from tests.support.drawn_pictures import animation, draw, picture
from tests.support.indexed_files import fixture_set
from tests.support.made_references import digests_of


@pytest.fixture
def files(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    folder.mkdir()
    for number in range(3):
        picture(folder / f"{number}.jpg", number)
    return folder


@pytest.fixture
def known(tmp_path: Path) -> hashmatch.ReferenceSet:
    return hashmatch.ReferenceSet(tmp_path / "sets" / "reference.db", operator="somebody")


class TestHashing:
    def test_a_file(self, files: Path) -> None:
        path = files / "1.jpg"
        for named in (path, str(path), os.fsencode(path)):
            got = hashmatch.hash_file(named)
            assert (got.kind, got.width, got.height, got.error) == ("image", 192, 144, None)
            assert got.digests == digests_of(path.read_bytes())
            assert [(h.algorithm, h.view, h.quality) for h in got.hashes][:2] == [
                ("pdq", "full", 100),
                ("blocks", "full", None),
            ]
            assert {h.view for h in got.hashes} == {"full", *(view.name for view in got.views)}

    def test_bytes_are_as_the_file(self, files: Path, tmp_path: Path) -> None:
        film = animation(tmp_path / "film.webp", range(3))
        for path in (files / "1.jpg", film):
            for exact in (False, True):
                hashers = ("pdq", "phash", "dhash")
                assert hashmatch.hash_bytes(path.read_bytes(), hashers, exact) == hashmatch.hash_file(
                    path, hashers, exact
                )

    def test_what_is_wrong_with_the_content_is_in_the_result(self) -> None:
        got = hashmatch.hash_bytes(b"\xff\xd8\xff\xe0 no picture")
        assert got.error is not None and got.error.code == "corrupt"
        assert hashmatch.hash_bytes(b"text").kind is None
        assert hashmatch.hash_bytes(b"").kind is None

    def test_what_cannot_be_opened_is_raised(self, tmp_path: Path) -> None:
        with pytest.raises(MediaError) as caught:
            hashmatch.hash_file(tmp_path / "gone.jpg")
        assert caught.value.code == "not-found"
        with pytest.raises(MediaError) as caught:
            hashmatch.hash_file(tmp_path)
        assert caught.value.code == "not-regular-file"

    def test_an_unknown_hash(self) -> None:
        picture = io.BytesIO()
        draw(1).save(picture, "png")
        with pytest.raises(CommandError, match="unknown hash"):
            hashmatch.hash_bytes(picture.getvalue(), ("md6",))


class TestReferenceSet:
    def test_from_files_to_matches(self, known: hashmatch.ReferenceSet, files: Path) -> None:
        with known:
            told = list(known.index([files], "archive", labels=["x"], tlp="green", case="C-1", workers=1))
            assert [each.status for each in told] == ["indexed"] * 3
            copy = picture(files / "copy.webp", 1, 60)
            (result,) = known.scan([copy], workers=1)
            assert (result.status, result.tier, result.path) == ("match", "near", os.fsencode(copy))
            reference = result.matches[0].reference
            assert (reference.labels, reference.sources[0].collection, reference.sources[0].tlp) == (
                ("x",),
                "archive",
                "green",
            )

    def test_lists_out_and_in(self, known: hashmatch.ReferenceSet, files: Path, tmp_path: Path) -> None:
        with known:
            list(known.index([files], workers=1))
            out = io.BytesIO()
            assert known.export(out, "csv", unmarked=True).written == 3
        path = tmp_path / "list.csv"
        path.write_bytes(out.getvalue() + b"nonsense\r\n")
        with hashmatch.ReferenceSet(tmp_path / "other.db") as other:
            report, bad = other.import_(path, collection="theirs", tlp="amber")
            assert (report.added, report.refused, [type(line).__name__ for line in bad]) == (3, 1, ["BadLine"])
            (result,) = other.scan([files / "2.jpg"], workers=1)
            assert (result.status, result.tier) == ("match", "exact")
            assert result.matches[0].reference.sources[0].tlp == "amber"
            with pytest.raises(CommandError, match="nothing was imported"):
                other.import_(path, strict=True)

    def test_who_did_it_is_recorded(self, known: hashmatch.ReferenceSet, files: Path) -> None:
        with known:
            list(known.index([files / "1.jpg"], workers=1))
            known.export(io.BytesIO())
        with open_store(known.path) as store:
            entries = [(e.operator, e.command, e.action) for e in audit.entries(store)]
            (source,) = lookup.reference(store.connection, 1).sources
        assert entries == [
            ("somebody", "index", "isolation"),
            ("somebody", "index", "collection"),
            ("somebody", "index", "add"),
            ("somebody", "export", "export"),
        ]
        assert source.operator == "somebody"

    def test_scanning_makes_no_database_and_needs_no_right_to_write(
        self, known: hashmatch.ReferenceSet, files: Path, tmp_path: Path
    ) -> None:
        with known, pytest.raises(CommandError, match="there is no database"):
            list(known.scan([files]))
        assert not known.path.exists()
        path = fixture_set(tmp_path)
        with hashmatch.ReferenceSet(path) as fixtures:
            assert [r.status for r in fixtures.scan([files], workers=1)] == ["clean"] * 3

    def test_options_reach_their_places(self, known: hashmatch.ReferenceSet, files: Path) -> None:
        (files / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no picture")
        other = picture(files.parent / "other.png", 99)
        with known:
            told = list(known.index([files], exclude=["0.*"], hashers=("pdq", "dhash"), allow=True, workers=1))
            assert len(told) == 3
            with pytest.raises(CommandError, match="an allow list, and nothing else"):
                known.scan([other], workers=1)
            list(known.index([other], workers=1))
            copy = picture(files / "copy.webp", 1, 60)
            assert [r.status for r in known.scan([copy], workers=1)] == ["allowed"]
            (found,) = known.scan([copy], workers=1)
            distance = found.matches[0].distance
            assert distance is not None and 0 < distance < 31 and found.matches[0].view == "full"
            for radius, status in ((distance, "allowed"), (distance - 1, "clean")):
                assert [r.status for r in known.scan([copy], profile="fast", radius=radius, workers=1)] == [status]
            for least, status in (("possible", "allowed"), ("near", "allowed"), ("exact", "clean")):
                assert [r.status for r in known.scan([copy], min_tier=least, workers=1)] == [status]
            with pytest.raises(CommandError, match="no collection 'x'"):
                list(known.scan([copy], collections=["x"], workers=1))
            (again,) = known.index([files / "broken.jpg"], workers=1)
            (retried,) = known.index([files / "broken.jpg"], workers=1, retry_failed=True)
            assert again.error is not None and "tried before" in again.error.message
            assert retried.error is not None and "tried before" not in retried.error.message
        with open_store(known.path) as store:
            assert {h.algorithm for h in hash_rows.hashes(store.connection, 1)} == {"pdq", "blocks", "details", "dhash"}

    def test_the_weakest_tier_that_counts_is_the_commands(self, known: hashmatch.ReferenceSet, files: Path) -> None:
        """`min_tier` and `--min-tier` leave out the same matches, and then say the same of the file."""
        with known:
            list(known.index([files], workers=1))
            copies = [picture(files / "near.webp", 1, 60), files / "1.jpg", picture(files / "other.png", 9)]
            for least in ("possible", "near", "exact"):
                said = [(os.fsdecode(r.path), r.status, r.tier) for r in known.scan(copies, min_tier=least, workers=1)]
                ran = run_command(
                    "scan", *copies, "--min-tier", least, "--workers", "1", "--format", "json", db=known.path
                )
                assert said == [(each["path"], each["status"], each["tier"]) for each in ran.json["results"]]
                assert [status for _path, status, _tier in said].count("match") == (1 if least == "exact" else 2)
            list(known.scan(copies, min_tier="exact", workers=1, record=True))
        with open_store(known.path) as store:
            (kept,) = store.connection.execute("SELECT settings FROM recorded_scan").fetchone()
        assert json.loads(kept)["min_tier"] == "exact"

    def test_can_be_opened_again_after_it_was_closed(self, known: hashmatch.ReferenceSet, files: Path) -> None:
        for _ in range(2):
            with known:
                assert len(list(known.index([files / "1.jpg"], workers=1))) == 1
        known.close()
        known.close()

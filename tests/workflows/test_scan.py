"""Files against the reference set: the fixtures' ground truth, and what each rule does to a verdict."""

from __future__ import annotations

import itertools
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageOps

import hashmatch
from hashmatch.errors import CommandError
from hashmatch.fingerprints.examiner import ExaminerHooks
from hashmatch.fingerprints.many_files import fingerprints
from hashmatch.fingerprints.settings import ReferenceHashing
from hashmatch.isolation import Isolation
from hashmatch.matching.results import Match, Result
from hashmatch.matching.tiers import Profile, thresholds
from hashmatch.media.files import FoundPath, walk
from hashmatch.records import Hash, ListItem
from hashmatch.store import Store, curate, lookup, open_store
from tests.support.drawn_pictures import animation, draw, picture
from tests.support.indexed_files import ALONE, fixture_set, index_paths, scan_found
from tests.support.made_references import ME, add_entry, digests_of, flip, pdq_bits, set_bits
from tests.support.repository import FIXTURES

LIMITS = thresholds()["pdq"]
EXPECTED = json.loads((FIXTURES / "expected.json").read_text("utf-8"))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    (tmp_path / "sets").mkdir()
    with open_store(tmp_path / "sets" / "reference.db", write=True) as opened:
        yield opened


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "files"
    made.mkdir()
    return made


def scan_all(store: Store, *paths: Path, isolation: Isolation = ALONE, **options: Any) -> dict[str, Result]:
    """Scan files and folders; results by the names of the files."""
    results = scan_found(store, walk(map(os.fsencode, paths)), isolation, **options)
    return {os.path.basename(os.fsdecode(result.path)): result for result in results}


def scan_one(store: Store, path: Path, **options: Any) -> Result:
    (result,) = scan_all(store, path, **options).values()
    return result


def found(result: Result) -> list[tuple[int, str, int | None]]:
    return [(match.reference.id, match.tier, match.distance) for match in result.matches]


def hash_of(path: Path, *algorithms: str) -> Hash:
    return hashmatch.hash_file(path, algorithms or ("pdq",)).hashes[0]


@pytest.fixture(scope="module")
def scanned(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Result, list[str]]]:
    """Each upload's result, and the paths of the references that it matched, below the fixtures."""
    path = fixture_set(tmp_path_factory.mktemp("scanned"))
    results = {}
    with open_store(path) as store:
        for result in scan_found(store, walk([os.fsencode(FIXTURES / "uploads")]), Isolation(2)):
            where = [lookup.locations(store.connection, match.reference.id)[0] for match in result.matches]
            names = [os.path.relpath(os.fsdecode(each), FIXTURES) for each in where]
            results[os.path.relpath(os.fsdecode(result.path), FIXTURES)] = result, names
    return results


class TestFixtures:
    """expected.json, file by file."""

    def test_every_upload_has_one_result(self, scanned: dict[str, Any]) -> None:
        assert set(scanned) == set(EXPECTED)

    @pytest.mark.parametrize("name", EXPECTED)
    def test_result_is_as_expected(self, scanned: dict[str, tuple[Result, list[str]]], name: str) -> None:
        expected, (result, references) = EXPECTED[name], scanned[name]
        if result.matches:
            assert result.tier == result.matches[0].tier
        match expected["expect"]:
            case "match" | "allowed" as status:
                assert (result.status, result.tier) == (status, expected["tier"])
                assert references[0] == expected["reference"]
                assert result.matches[0].reference.allow == (status == "allowed")
                # Anything else that is found is no more than a hint.
                assert {match.tier for match in result.matches[1:]} <= {"possible"}
            case "partial":
                # 60 % of its rows; the rest is grey, and so it is too far off for the profile that is the default.
                assert (result.partial, result.status) == (True, "clean")
                assert result.error is not None and result.error.code == "partial"
            case "clean" | "skipped" as status:
                assert (result.status, result.tier, result.matches, result.error) == (status, None, (), None)
            case "failed":
                assert (result.status, result.tier, result.matches) == ("failed", None, ())
                # What is no media is skipped; what is named like media, and cannot be read, is not.
                code = "unsupported-format" if expected["edit"] == "text-named-jpg" else "corrupt"
                assert result.error is not None and result.error.code == code
            case other:
                pytest.fail(f"expected.json says {other}")

    @pytest.mark.parametrize("name", EXPECTED)
    def test_facts_about_the_file(self, scanned: dict[str, tuple[Result, list[str]]], name: str) -> None:
        result, _references = scanned[name]
        data = (FIXTURES / name).read_bytes()
        assert (result.size or 0) == len(data)
        if result.status in ("match", "allowed", "clean"):
            digests = digests_of(data)
            assert (result.sha256, result.md5) == (digests.sha256, digests.md5)
            film = "films/" in name or name.endswith(".mp4")
            assert result.kind == ("video" if film else "image")
        for match in result.matches:
            film = match.reference.kind == "video" or result.kind == "video"
            assert (match.video is not None) == (film and match.tier != "exact")
            assert match.transform == "none"
            if match.tier == "near":
                assert match.algorithm == "pdq" and match.distance is not None and match.distance <= 31
                assert match.quality is not None and match.quality >= 50

    def test_films_are_told_where(self, scanned: dict[str, tuple[Result, list[str]]]) -> None:
        clip = scanned["uploads/films/clip.webm"][0].matches[0].video
        assert clip is not None
        assert clip.query_coverage == 1.0
        assert 0.3 < clip.reference_coverage < 0.6
        (segment,) = clip.segments
        assert segment.query[0] < 0.5
        assert segment.reference[0] > 1.0, "it does not begin with the film"
        assert abs((segment.query[1] - segment.query[0]) - (segment.reference[1] - segment.reference[0])) < 1.01
        still = scanned["uploads/still.jpg"][0].matches[0].video
        assert still is not None and still.query_coverage == 1.0 and len(still.segments) == 1

    def test_a_quoted_clip_is_shown_beside_the_news_film(self, scanned: dict[str, tuple[Result, list[str]]]) -> None:
        result, references = scanned["uploads/films/news-copy.mp4"]
        assert [match.reference.allow for match in result.matches] == [True, False]
        assert references[1] == "archive/films/رحلة بحرية.mp4"
        assert result.matches[1].tier == "possible"

    def test_the_archive_matches_itself_and_tells_templates_apart(self, tmp_path: Path) -> None:
        with open_store(fixture_set(tmp_path)) as store:
            results = scan_all(store, FIXTURES / "archive", isolation=Isolation(2))
        assert len(results) == 26
        for result in results.values():
            assert (result.status, result.tier) == ("match", "exact")
            assert (result.matches[0].distance, result.matches[0].algorithm) == (0, "sha256")
            assert {match.tier for match in result.matches[1:] if not match.reference.allow} <= {"possible"}


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A set of pictures of the archive, with local features."""
    with open_store(tmp_path_factory.mktemp("archive") / "reference.db", write=True) as store:
        towns, landscapes = FIXTURES / "archive" / "towns", FIXTURES / "archive" / "landscapes"
        index_paths(store, towns, landscapes, settings=ReferenceHashing(features=True))
        yield store


class TestEdits:
    """What re-uploaders do to known pictures, and how it is told."""

    def only(self, archive: Store, image: Image.Image, path: Path, **options: Any) -> Match:
        image.save(path, quality=80)
        result = scan_one(archive, path, **options)
        assert result.status == "match"
        best = result.matches[0]
        (where, *_others) = lookup.locations(archive.connection, best.reference.id)
        assert os.path.basename(os.fsdecode(where)) == "market.jpg"
        assert best.tier == "near" or len(result.matches) == 1
        return best

    @pytest.fixture
    def market(self) -> Image.Image:
        with Image.open(FIXTURES / "archive" / "towns" / "market.jpg") as image:
            return image.convert("RGB")

    @pytest.mark.parametrize(
        ("name", "transform"),
        [
            ("FLIP_LEFT_RIGHT", "mirror"),
            ("FLIP_TOP_BOTTOM", "flip"),
            ("ROTATE_180", "rotate180"),
            ("ROTATE_270", "rotate90"),  # Pillow turns the other way round
            ("ROTATE_90", "rotate270"),
            ("TRANSPOSE", "transpose"),
            ("TRANSVERSE", "transverse"),
        ],
    )
    def test_orientations(self, archive: Store, market: Image.Image, folder: Path, name: str, transform: str) -> None:
        match = self.only(archive, market.transpose(Image.Transpose[name]), folder / "a.jpg")
        assert (match.tier, match.reason, match.transform) == ("near", "same-picture", transform)
        assert match.distance is not None and match.distance <= LIMITS.near

    def test_a_negative(self, archive: Store, market: Image.Image, folder: Path) -> None:
        match = self.only(archive, ImageOps.invert(market), folder / "a.jpg")
        assert (match.tier, match.reason, match.transform) == ("near", "same-picture", "inverted")

    @pytest.mark.parametrize("bars", [(0, 0.2), (0.25, 0), (0.1, 0.1)], ids=["letterbox", "pillars", "all round"])
    @pytest.mark.parametrize("colour", ["black", "#3050a0"])
    def test_bars(
        self, archive: Store, market: Image.Image, folder: Path, bars: tuple[float, float], colour: str
    ) -> None:
        left, top = round(market.width * bars[0]), round(market.height * bars[1])
        framed = ImageOps.expand(market, (left, top, left, top), colour)
        match = self.only(archive, framed, folder / "a.jpg")
        assert (match.tier, match.reason, match.transform) == ("near", "same-picture", "trimmed")
        assert match.view.startswith("trim") and match.reference_view == "full"

    def test_bars_around_a_mirror_image(self, archive: Store, market: Image.Image, folder: Path) -> None:
        framed = ImageOps.expand(ImageOps.mirror(market), (0, 60, 0, 60), "black")
        match = self.only(archive, framed, folder / "a.jpg")
        assert (match.tier, match.transform, match.view[:4]) == ("near", "mirror", "trim")

    def test_bars_of_the_reference(self, store: Store, market: Image.Image, folder: Path) -> None:
        ImageOps.expand(market, (0, 60, 0, 60), "black").save(folder / "known.jpg", quality=85)
        market.save(folder / "a.jpg", quality=80)
        index_paths(store, folder / "known.jpg")
        (match,) = scan_one(store, folder / "a.jpg").matches
        assert (match.tier, match.transform, match.view) == ("near", "trimmed", "full")
        assert match.reference_view.startswith("trim")

    def test_a_crop_is_found_by_a_thorough_scan(self, archive: Store, market: Image.Image, folder: Path) -> None:
        box = market.width // 5, market.height // 6, market.width * 9 // 10, market.height * 9 // 10
        match = self.only(archive, market.crop(box), folder / "a.jpg", profile="thorough")
        assert (match.tier, match.reason, match.transform) == ("near", "straightened", "crop")
        assert (match.algorithm, match.distance, match.quality, match.video) == ("orb", None, None, None)
        assert match.local is not None and match.local.points >= 6
        x, y = match.local.quadrilateral[0]
        assert abs(x - (0 - box[0]) / (box[2] - box[0])) < 0.02
        assert abs(y - (0 - box[1]) / (box[3] - box[1])) < 0.02
        assert scan_one(archive, folder / "a.jpg").status == "clean", "the other profile does not look for it"

    def test_a_small_copy_in_another_picture(self, archive: Store, market: Image.Image, folder: Path) -> None:
        with Image.open(FIXTURES / "uploads" / "clean" / "aquarium.jpg") as image:
            around = image.convert("RGB").resize((640, 480))
        around.paste(market.resize((320, 213)), (250, 40))
        match = self.only(archive, around, folder / "a.jpg", profile="thorough")
        assert (match.tier, match.reason, match.transform) == ("near", "straightened", "inset")
        assert match.local is not None
        for found, corner in zip(
            match.local.quadrilateral, ((250, 40), (570, 40), (570, 253), (250, 253)), strict=True
        ):
            assert abs(found[0] - corner[0] / 640) < 0.02 and abs(found[1] - corner[1] / 480) < 0.02

    def test_a_mirror_image_that_was_cropped(self, archive: Store, market: Image.Image, folder: Path) -> None:
        cropped = ImageOps.mirror(market).crop((market.width // 4, 0, market.width, market.height * 4 // 5))
        match = self.only(archive, cropped, folder / "a.jpg", profile="thorough")
        assert (match.reason, match.transform) == ("straightened", "mirror")

    def test_a_truncated_copy_is_found_by_a_thorough_scan(self, tmp_path: Path) -> None:
        name = "uploads/broken/truncated.jpg"
        with open_store(fixture_set(tmp_path)) as store:
            result = scan_one(store, FIXTURES / name, profile="thorough")
            (match,) = result.matches
            where = lookup.locations(store.connection, match.reference.id)
        assert (result.status, result.tier, result.partial) == ("match", "possible", True)
        assert [os.path.relpath(os.fsdecode(each), FIXTURES) for each in where] == [EXPECTED[name]["reference"]]

    @pytest.mark.parametrize("name", sorted(name for name in EXPECTED if EXPECTED[name]["expect"] == "clean"))
    def test_what_is_unrelated_stays_clean_in_a_thorough_scan(self, archive: Store, name: str) -> None:
        assert scan_one(archive, FIXTURES / name, profile="thorough").status == "clean"


class TestNothingIsWritten:
    def test_to_the_reference_set(self, tmp_path: Path, folder: Path) -> None:
        path = fixture_set(tmp_path)
        before = path.read_bytes()
        picture(folder / "a.jpg", 1)
        with open_store(path) as store:
            scan_all(store, folder)
        assert path.read_bytes() == before

    def test_with_a_store_that_is_open_to_write(self, store: Store, folder: Path) -> None:
        index_paths(store, picture(folder / "a.jpg", 1))
        before = store.connection.total_changes
        scan_all(store, folder)
        assert store.connection.total_changes == before


class TestKnownContent:
    def test_is_not_decoded_again(self, store: Store, folder: Path) -> None:
        a, b = picture(folder / "a.jpg", "a"), picture(folder / "b.jpg", "b")
        index_paths(store, a, b)
        # If it were decoded, it would not be found to be like b.
        set_bits(store, 1, hash_of(b).bits)
        shutil.copy(a, folder / "copy.jpg")
        assert found(scan_one(store, folder / "copy.jpg")) == [(1, "exact", 0), (2, "near", 0)]

    def test_is_decoded_where_its_hashes_are_of_another_recipe(self, store: Store, folder: Path) -> None:
        a, b = picture(folder / "a.jpg", "a"), picture(folder / "b.jpg", "b")
        index_paths(store, a, b)
        set_bits(store, 1, hash_of(b).bits)
        store.connection.execute("UPDATE recipe SET version = 0")
        assert found(scan_one(store, a)) == [(1, "exact", 0)]

    def test_finds_others_by_its_hashes(self, store: Store, folder: Path) -> None:
        index_paths(store, picture(folder / "a.jpg", "a"), picture(folder / "a.webp", "a", 60))
        (first, second) = scan_one(store, folder / "a.jpg").matches
        assert (first.tier, first.reference.id, second.tier, second.reference.id) == ("exact", 1, "near", 2)

    def test_finds_what_is_mirrored_or_cropped_as_unknown_content_does(self, store: Store, folder: Path) -> None:
        """A retracted reference is a suspect like any other."""
        with Image.open(FIXTURES / "archive" / "towns" / "market.jpg") as image:
            market = image.convert("RGB")
        market.save(folder / "a.jpg", quality=90)
        ImageOps.mirror(market).save(folder / "mirror.jpg", quality=80)
        market.crop((90, 60, market.width - 60, market.height - 50)).save(folder / "crop.jpg", quality=80)
        index_paths(
            store,
            *(folder / f"{name}.jpg" for name in ("a", "mirror", "crop")),
            settings=ReferenceHashing(features=True),
        )
        for number in (2, 3):
            with store.transaction() as connection:
                curate.retract(connection, ME, number, None)
        for name in ("mirror", "crop"):
            result = scan_one(store, folder / f"{name}.jpg", profile="thorough")
            assert (name, [match.reference.id for match in result.matches]) == (name, [1])

    def test_a_partial_one_is_told_as_such(self, store: Store) -> None:
        path = FIXTURES / "uploads" / "broken" / "truncated.jpg"
        fresh = scan_one(store, path)
        assert (fresh.status, fresh.partial, fresh.error and fresh.error.code) == ("clean", True, "partial")
        index_paths(store, path)
        known = scan_one(store, path)
        assert (known.status, known.tier, known.partial) == ("match", "exact", True)
        assert known.error == fresh.error

    def test_what_could_not_be_decoded_matches_its_bytes(self, store: Store, folder: Path) -> None:
        broken = folder / "broken.jpg"
        broken.write_bytes(b"\xff\xd8\xff\xe0" + b"no picture" * 99)
        fresh = scan_one(store, broken)
        assert (fresh.status, fresh.kind, fresh.matches) == ("failed", "image", ())
        assert fresh.error is not None and fresh.error.code == "corrupt"
        assert fresh.sha256 == digests_of(broken.read_bytes()).sha256
        index_paths(store, broken)
        known = scan_one(store, broken)
        assert (known.status, known.tier, found(known)) == ("match", "exact", [(1, "exact", 0)])
        with store.transaction() as connection:
            curate.retract(connection, ME, 1, None)
        assert scan_one(store, broken).status == "failed", "and not clean: nobody has looked into it"


class TestDigests:
    @pytest.mark.parametrize("name", ["sha256", "sha1", "md5"])
    def test_an_entry_that_is_a_digest_only(self, store: Store, folder: Path, name: str) -> None:
        path = picture(folder / "a.jpg", "a")
        add_entry(store, ListItem(**{name: getattr(digests_of(path.read_bytes()), name)}))
        (match,) = scan_one(store, path).matches
        assert (match.tier, match.distance, match.algorithm, match.video) == ("exact", 0, name, None)
        assert scan_one(store, picture(folder / "b.jpg", "a", 80)).status == "clean"

    def test_of_what_no_decoder_can_open(self, store: Store, folder: Path) -> None:
        path = folder / "broken.jpg"
        path.write_bytes(b"\xff\xd8\xff\xe0" + b"no picture" * 99)
        add_entry(store, ListItem(md5=digests_of(path.read_bytes()).md5))
        assert (scan_one(store, path).status, scan_one(store, path).tier) == ("match", "exact")


class TestCuration:
    @pytest.fixture
    def copies(self, store: Store, folder: Path) -> Path:
        """A folder with a copy of reference 1 and one of reference 2; both are in collection "one"."""
        index_paths(store, picture(folder / "a.jpg", "a"), picture(folder / "b.jpg", "b"), labels=("x",), tlp="green")
        uploads = folder / "uploads"
        uploads.mkdir()
        picture(uploads / "a.webp", "a", 60)
        picture(uploads / "b.webp", "b", 60)
        return uploads

    def test_a_retracted_reference_matches_nothing(self, store: Store, copies: Path) -> None:
        with store.transaction() as connection:
            curate.retract(connection, ME, 1, None)
        results = scan_all(store, copies)
        assert {name: result.status for name, result in results.items()} == {"a.webp": "clean", "b.webp": "match"}
        assert scan_one(store, copies.parent / "a.jpg").status == "clean", "nor its own bytes"
        with store.transaction() as connection:
            curate.restore(connection, ME, 1)
        assert scan_one(store, copies / "a.webp").status == "match"

    def test_an_allow_listed_one_protects(self, store: Store, copies: Path) -> None:
        with store.transaction() as connection:
            curate.set_allow(connection, ME, 1, True)
        results = scan_all(store, copies)
        assert {name: result.status for name, result in results.items()} == {"a.webp": "allowed", "b.webp": "match"}
        (match,) = results["a.webp"].matches
        assert (match.reference.allow, match.tier, match.reference.sources[0].opinion) == (True, "near", "benign")
        assert scan_one(store, copies.parent / "a.jpg").status == "allowed"

    def test_what_is_told_of_a_reference(self, store: Store, copies: Path) -> None:
        reference = scan_one(store, copies / "a.webp").matches[0].reference
        assert (reference.id, reference.kind, reference.labels, reference.allow) == (1, "image", ("x",), False)
        assert reference.sha256 == digests_of((copies.parent / "a.jpg").read_bytes()).sha256
        (source,) = reference.sources
        assert (source.collection, source.source, source.tlp, source.opinion) == ("one", None, "green", "malicious")

    def test_one_collection_only(self, store: Store, folder: Path, copies: Path) -> None:
        index_paths(store, picture(folder / "a2.jpg", "a", 80), collection="two")

        def matched(**options: Any) -> dict[str, set[int]]:
            return {name: {m.reference.id for m in r.matches} for name, r in scan_all(store, copies, **options).items()}

        assert matched() == {"a.webp": {1, 3}, "b.webp": {2}}
        assert matched(collections=("two",)) == {"a.webp": {3}, "b.webp": set()}
        assert matched(collections=("one", "two")) == {"a.webp": {1, 3}, "b.webp": {2}}
        assert found(scan_one(store, folder / "b.jpg", collections=("two",))) == [], "nor by its bytes"
        with pytest.raises(CommandError, match="no collection 'three'"):
            scan_all(store, copies, collections=("two", "three"))

    def test_what_one_collection_took_back_another_may_still_know(self, store: Store, copies: Path) -> None:
        index_paths(store, copies.parent / "a.jpg", collection="two")
        with store.transaction() as connection:
            curate.retract(connection, ME, 1, None, "one")
        upload = copies / "a.webp"
        assert scan_one(store, upload).status == "match"
        assert scan_one(store, upload, collections=("two",)).status == "match"
        assert scan_one(store, upload, collections=("one",)).status == "clean"
        assert scan_one(store, copies.parent / "a.jpg", collections=("one",)).status == "clean"

    def test_the_allow_list_protects_whatever_collection_is_searched(self, store: Store, copies: Path) -> None:
        upload = copies / "a.webp"
        assert scan_one(store, upload, collections=("one",)).status == "match"
        add_entry(store, ListItem("image", hashes=(hash_of(upload),)), collection="news", allow=True)
        assert scan_one(store, upload, collections=("one",)).status == "match", "a list's word waits for a person"
        with store.transaction() as connection:
            curate.set_allow(connection, ME, 3, True)
        result = scan_one(store, upload, collections=("one",))
        assert (result.status, [match.reference.id for match in result.matches]) == ("allowed", [3, 1])
        assert scan_one(store, copies / "b.webp", collections=("one",)).status == "match"

    def test_a_radius(self, store: Store, folder: Path) -> None:
        path = picture(folder / "a.jpg", "a")
        for distance in (10, LIMITS.possible, 70):
            add_entry(store, ListItem("image", hashes=(Hash("pdq", flip(hash_of(path).bits, distance), 100),)))
        assert found(scan_one(store, path)) == [(1, "near", 10), (2, "possible", LIMITS.possible)]
        assert found(scan_one(store, path, radius=9)) == []
        assert found(scan_one(store, path, radius=10)) == [(1, "near", 10)]
        farthest = [(1, "near", 10), (2, "possible", LIMITS.possible), (3, "possible", 70)]
        assert found(scan_one(store, path, radius=70)) == farthest

    def test_a_profile(self, store: Store, folder: Path) -> None:
        path = picture(folder / "a.jpg", "a")
        profiles: tuple[Profile, ...] = ("fast", "thorough")
        limits = {name: thresholds(name)["pdq"].possible for name in profiles}
        for distance in (limits["fast"], limits["fast"] + 1, limits["thorough"], limits["thorough"] + 1):
            add_entry(store, ListItem("image", hashes=(Hash("pdq", flip(hash_of(path).bits, distance), 100),)))
        for profile, numbers in (("fast", [1]), ("thorough", [1, 2, 3])):
            assert [match.reference.id for match in scan_one(store, path, profile=profile).matches] == numbers


class TestOtherAlgorithms:
    @pytest.mark.parametrize(("algorithm", "limit"), [("phash", 6), ("dhash", 4)])
    def test_what_has_only_such_a_hash_is_found_as_possible(
        self, store: Store, folder: Path, algorithm: str, limit: int
    ) -> None:
        path = picture(folder / "a.jpg", "a")
        bits = hash_of(path, algorithm).bits
        for distance in (0, limit, limit + 1):
            add_entry(store, ListItem("image", hashes=(Hash(algorithm, flip(bits, distance)),)))
        result = scan_one(store, path)
        assert found(result) == [(1, "possible", 0), (2, "possible", limit)]
        assert {match.algorithm for match in result.matches} == {algorithm}
        assert {match.quality for match in result.matches} == {None}

    def test_also_by_content_that_is_known_with_other_hashes(self, store: Store, folder: Path) -> None:
        path = picture(folder / "a.jpg", "a")
        index_paths(store, path)
        add_entry(store, ListItem("image", hashes=(hash_of(path, "phash"),)))
        assert found(scan_one(store, path)) == [(1, "exact", 0), (2, "possible", 0)]

    def test_each_reference_is_told_once(self, store: Store, folder: Path) -> None:
        path = picture(folder / "a.jpg", "a")
        index_paths(store, path, settings=ReferenceHashing(("pdq", "phash", "dhash")))
        add_entry(store, ListItem("image", hashes=(hash_of(path, "phash"),)))
        copy = picture(folder / "a.webp", "a", 80)
        (near, possible) = scan_one(store, copy).matches
        assert (near.reference.id, near.tier, near.algorithm) == (1, "near", "pdq")
        assert (possible.reference.id, possible.tier, possible.algorithm) == (2, "possible", "phash")

    def test_an_algorithm_unknown_here_does_no_harm(self, store: Store, folder: Path) -> None:
        path = picture(folder / "a.jpg", "a")
        add_entry(store, ListItem("image", hashes=(Hash("unheard-of", bytes(8)),)))
        assert scan_one(store, path).status == "clean"
        index_paths(store, path)
        assert scan_one(store, path).status == "match"


class TestFilms:
    def test_stills_clips_and_quotes(self, store: Store, folder: Path) -> None:
        index_paths(store, animation(folder / "film.webp", range(8)))
        uploads = folder / "uploads"
        uploads.mkdir()
        animation(uploads / "smaller.webp", range(8), (128, 96))
        animation(uploads / "clip.webp", range(2, 7))
        animation(uploads / "longer.webp", [*range(100, 103), *range(8)])
        animation(uploads / "quote.webp", [*range(200, 208), 3])
        animation(uploads / "other.webp", range(300, 306))
        picture(uploads / "still.jpg", 5)
        results = scan_all(store, uploads)
        tiers = {name: result.tier for name, result in results.items()}
        assert tiers == {
            "smaller.webp": "near",
            "clip.webp": "near",
            "longer.webp": "near",
            "quote.webp": "possible",
            "other.webp": None,
            "still.jpg": "near",
        }
        clip = results["clip.webp"].matches[0].video
        assert clip is not None and (clip.query_coverage, clip.reference_coverage) == (1.0, 0.625)
        assert [(s.query, s.reference, s.frames) for s in clip.segments] == [((0.0, 5.0), (2.0, 7.0), 5)]
        still = results["still.jpg"].matches[0].video
        assert still is not None and [s.reference for s in still.segments] == [(5.0, 6.0)]

    def test_a_film_that_shows_a_known_picture(self, store: Store, folder: Path) -> None:
        index_paths(store, picture(folder / "a.jpg", 3))
        result = scan_one(store, animation(folder / "film.webp", range(8)))
        (match,) = result.matches
        assert (result.kind, match.reference.kind, match.tier) == ("video", "image", "possible")
        assert match.video is not None
        assert [(s.query, s.frames) for s in match.video.segments] == [((3.0, 4.0), 1)]


class TestOthersAtWork:
    """A scan of names that come through a pipe may run for weeks, while others add references and withdraw some."""

    def test_changes_count_at_once(self, store: Store, folder: Path) -> None:
        index_paths(store, picture(folder / "1.jpg", 1), picture(folder / "2.jpg", 2))
        one = int(lookup.id_of_sha256(store.connection, hashmatch.hash_file(folder / "1.jpg").digests.sha256) or 0)
        copies = [picture(folder / f"copy {n}.jpg", n, 40) for n in (1, 2, 3)]
        seen: list[str] = []

        def names() -> Iterator[FoundPath | None]:
            yield FoundPath(os.fsencode(copies[0]))
            yield FoundPath(os.fsencode(copies[2]))
            while len(seen) < 2:
                yield None
            with open_store(store.path, write=True) as other:
                index_paths(other, picture(folder / "3.jpg", 3))
                with other.transaction() as connection:
                    curate.retract(connection, ME, one, "wrong")
            yield FoundPath(os.fsencode(copies[0]))
            yield FoundPath(os.fsencode(copies[1]))
            yield FoundPath(os.fsencode(copies[2]))

        with open("/dev/zero", "rb") as readable:
            for result in scan_found(store, names(), input_descriptor=readable.fileno()):
                seen.append(result.status)
        assert seen == ["match", "clean", "clean", "match", "match"]


def test_one_file_starts_one_worker(folder: Path) -> None:
    started: list[tuple[str, ...]] = []
    found = walk([os.fsencode(picture(folder / "a.jpg", 1))])
    assert (
        len(list(fingerprints(found, ReferenceHashing(), Isolation(8), ExaminerHooks(on_locked=started.append)))) == 1
    )
    assert len(started) == 1


class TestStreaming:
    def test_results_come_before_all_names_are_known(self, store: Store, folder: Path) -> None:
        index_paths(store, picture(folder / "known.jpg", 0))
        taken = itertools.count()

        def endless() -> Iterator[FoundPath]:
            for number in taken:
                path = folder / f"{number}.bmp"
                draw(number, (64, 48)).save(path)
                yield FoundPath(os.fsencode(path))

        running = scan_found(store, endless(), Isolation(2))
        assert len({result.path for result in itertools.islice(running, 5)}) == 5
        running.close()
        assert next(taken) < 15

    def test_what_cannot_be_opened_is_told(self, store: Store, folder: Path) -> None:
        os.mkfifo(folder / "pipe.jpg")
        results = scan_all(store, folder / "gone.jpg", folder / "pipe.jpg")
        assert {name: (r.status, r.error and r.error.code) for name, r in results.items()} == {
            "gone.jpg": ("failed", "not-found"),
            "pipe.jpg": ("failed", "not-regular-file"),
        }

    def test_an_empty_reference_set_finds_nothing(self, store: Store, folder: Path) -> None:
        assert scan_one(store, picture(folder / "a.jpg", 1)).status == "clean"


def test_made_up_bits_are_those_of_no_picture(folder: Path) -> None:
    one, other = (int.from_bytes(each, "big") for each in (hash_of(picture(folder / "a.jpg", "a")).bits, pdq_bits("a")))
    assert (one ^ other).bit_count() > 85

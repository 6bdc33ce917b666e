"""`compare` explains and draws, `lint` tells and demotes; by the real command."""

from __future__ import annotations

import re
from pathlib import Path

from PIL import Image

from hashmatch.records import Hash
from hashmatch.store import open_store
from tests.support.command_line import Run
from tests.support.drawn_pictures import animation, draw, picture
from tests.support.made_references import add, flip, measured, pdq, pdq_bits
from tests.support.repository import FIXTURES


def saved(path: Path, image: Image.Image) -> Path:
    image.save(path, quality=90)
    return path


def scene(size: tuple[int, int] = (480, 360)) -> Image.Image:
    """Detail at all scales, for local features."""
    image = draw("a", size)
    for number in range(40):
        x, y = number * 97 % (size[0] - 40), number * 61 % (size[1] - 40)
        image.paste(draw(number, (40, 30)), (x, y))
    return image


class TestCompare:
    def test_a_mirrored_picture_in_bars(self, run: Run, tmp_path: Path) -> None:
        original = scene()
        sheet = Image.new("RGB", (480, 640), "black")
        sheet.paste(original.transpose(Image.Transpose.FLIP_LEFT_RIGHT), (0, 140))
        a, b = saved(tmp_path / "a.jpg", sheet), saved(tmp_path / "b.jpg", original)
        target = tmp_path / "side.png"
        ran = run("compare", a, b, "--save", target)
        assert ran.code == 0, ran.err
        assert "tier: near (the same picture: hash and blocks agree)" in ran.out
        assert "transform mirror" in ran.out and "trim1 of A with full of B" in ran.out
        assert "blocks: contradiction " in ran.out
        with Image.open(target) as picture:
            assert picture.format == "PNG" and picture.width > picture.height
            pixels = list(picture.get_flattened_data())
        assert pixels.count((208, 32, 32)) > 500  # the frame that is drawn about the picture within the bars
        assert sum(max(pixel) - min(pixel) > 60 for pixel in pixels) > 100_000  # in colour, though hashed in grey

    def test_a_crop_is_found_by_its_features(self, run: Run, tmp_path: Path) -> None:
        original = scene()
        a = saved(tmp_path / "a.jpg", original.crop((110, 70, 400, 300)))
        b = saved(tmp_path / "b.jpg", original)
        found = run("compare", a, b, "--format", "json").json
        assert (found["tier"], found["reason"], found["transform"]) == ("near", "straightened", "crop")
        corners = found["local"]["quadrilateral"]
        expected = [(x / 290, y / 230) for x, y in ((-110, -70), (370, -70), (370, 290), (-110, 290))]
        assert all(
            abs(a - b) < 0.05
            for one, other in zip(corners, expected, strict=True)
            for a, b in zip(one, other, strict=True)
        )
        assert found["area"] is None
        ran = run("compare", a, b, "--save", tmp_path / "side.png")
        assert "tier: near (the same picture: fo" in ran.out
        assert "corners at (-" in ran.out

    def test_nothing_in_common(self, run: Run, tmp_path: Path) -> None:
        a, b = saved(tmp_path / "a.jpg", draw("a")), saved(tmp_path / "b.jpg", draw("b"))
        ran = run("compare", a, b)
        assert (ran.code, "tier: none (nothing agrees)" in ran.out) == (0, True)

    def test_nothing_to_compare(self, run: Run, tmp_path: Path) -> None:
        a, black = saved(tmp_path / "a.jpg", draw("a")), saved(tmp_path / "b.png", Image.new("RGB", (200, 150)))
        ran = run("compare", a, black)
        assert "tier: none" in ran.out
        assert [line for line in ran.err.splitlines() if "nothing-to-compare: shows too little detail" in line] == [
            f"{black}: nothing-to-compare: shows too little detail to be compared: it is black, plain or blurred"
        ]

    def test_a_picture_that_cannot_be_written(self, run: Run, tmp_path: Path) -> None:
        a = saved(tmp_path / "a.jpg", draw("a"))
        ran = run("compare", a, a, "--save", tmp_path / "none" / "side.png")
        assert ran.code == 2 and "cannot write" in ran.err and len(ran.err.splitlines()) == 1


class TestFilms:
    FILMS = FIXTURES / "archive" / "films"
    UPLOADS = FIXTURES / "uploads" / "films"

    def test_a_clip(self, run: Run, tmp_path: Path) -> None:
        clip, film, target = self.UPLOADS / "clip.webm", self.FILMS / "journey.mp4", tmp_path / "films.png"
        ran = run("compare", clip, film, "--save", target, "--rule", "vpdq-python")
        assert ran.code == 0, ran.err
        assert re.search(r"^100% of A, \d\d% of B$", ran.out, re.MULTILINE)
        assert re.search(r"^  0:00:00–0:00:0\d = 0:00:0\d–0:00:\d\d: \d+ frames agree, ", ran.out, re.MULTILINE)
        assert "tier: near (the same footage)" in ran.out
        assert re.search(r"^vpdq-python: match; .* % of 5 frames of A, .* % of 10 of B$", ran.out, re.MULTILINE)
        with Image.open(target) as picture:
            assert picture.format == "PNG"
            red = [value for value in picture.get_flattened_data() if value == (240, 128, 128)]
            colours = picture.crop((0, 500, *picture.size)).getcolors(1 << 20)
        assert len(red) > 200  # the line of the stretch
        assert colours is not None and len(colours) > 5000  # and frames below

    def test_as_json(self, run: Run) -> None:
        clip, film = self.UPLOADS / "clip.webm", self.FILMS / "journey.mp4"
        found = run("compare", clip, film, "--format", "json").json
        assert found["vpdq"] is None
        (segment,) = found["video"]["segments"]
        assert segment["query"][0] == 0 and segment["frames"] > 5
        by_rule = "--rule", "vpdq-readme", "--seconds-per-hash", "0.5"
        found = run("compare", clip, film, "--format", "json", *by_rule).json["vpdq"]
        assert (found["rule"], found["seconds_per_hash"], found["is_match"]) == ("vpdq-readme", 0.5, False)
        assert found["compared_percent"] < 80 < found["query_percent"]

    def test_films_with_nothing_in_common(self, run: Run, tmp_path: Path) -> None:
        one, other = self.FILMS / "journey.mp4", self.FILMS / "a-year-in-the-valley.webm"
        ran = run("compare", one, other, "--save", tmp_path / "films.png")
        assert (ran.code, "tier: none (nothing agrees)" in ran.out) == (0, True)
        with Image.open(tmp_path / "films.png") as picture:
            assert (240, 128, 128) not in picture.get_flattened_data()

    def test_a_picture_and_a_film(self, run: Run, tmp_path: Path) -> None:
        film = animation(tmp_path / "film.webp", range(5))
        still = picture(tmp_path / "still.jpg", 3)
        ran = run("compare", still, film, "--save", tmp_path / "a.png")
        assert "tier: near" in ran.out and "  0:00:03–0:00:04: 1 frame agrees" in ran.out
        for pair in ((still, film), (film, still)):
            assert run("compare", *pair, "--save", tmp_path / "b.png").code == 0
            refused = run("compare", *pair, "--rule", "vpdq-readme")
            assert refused.code == 2 and "--rule needs two films" in refused.err


class TestLint:
    def test_tells_and_demotes(self, run: Run, tmp_path: Path) -> None:
        database = tmp_path / "reference.db"
        with open_store(database, write=True) as store:
            for number in range(6):
                card = Hash("pdq", flip(pdq_bits("card"), number), 100, 0.0)
                add(store, measured(f"film {number}", (card, pdq(number, time=1.0)), "video"))
        sound = run("--db", database, "lint")
        assert (sound.code, sound.out) == (0, "12 PDQ hashes\n")
        told = run("--db", database, "lint", "--common", "6")
        assert told.code == 1
        assert "6 that are too common; `hashmatch lint --demote` demotes them" in told.out
        assert "like 6 unrelated references" in told.out
        demoted = run("--db", database, "lint", "--common", "6", "--demote", "--format", "json").json
        assert demoted["demoted"] and len(demoted["common"]) == 6
        assert run("--db", database, "verify").code == 0
        assert "demote" in run("--db", database, "log").out

    def test_without_a_database(self, run: Run, tmp_path: Path) -> None:
        ran = run("--db", tmp_path / "none.db", "lint")
        assert ran.code == 2 and len(ran.err.splitlines()) == 1

"""A person's work over real HTTP: what is shown, what a decision does, at once and for later scans, and what is refused."""

from __future__ import annotations

import io
import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from hashmatch.matching.results import MatchedReference, Result
from hashmatch.store import audit, lookup, open_store, review_decisions, verify
from tests.support.command_line import environment, run_command
from tests.support.repository import ROOT
from tests.support.review_server import EVIL, Case, Served, scan_of, served, write


def numbers(page: Served) -> dict[str, int]:
    """The numbers of the matches by the names of their files."""
    found = {}
    for number in range(1, 21):
        text = page.ask("GET", f"/match/{number}").text
        name = re.search(r'<b><bdi dir="ltr">(.*?)</bdi></b>', text)
        assert name
        found[name[1]] = number
    return found


def jpeg(answer: Any) -> Image.Image:
    assert (answer.status, answer.headers["content-type"]) == (200, "image/jpeg")
    return Image.open(io.BytesIO(answer.body))


class TestPages:
    def test_all_matches_in_order(self, page: Served) -> None:
        listed = page.ask("GET", "/list").text
        tiers = re.findall(r'<li class="paper"><span class="tier (\w+)"', listed)
        assert tiers[0] == "exact" and set(tiers[1:]) <= {"near", "possible"}
        assert "0 of 20 decided" in listed
        assert page.ask("GET", "/").headers["location"] == f"{page.base}/match/1"

    def test_evil_names_are_inert(self, page: Served) -> None:
        (number,) = [number for name, number in numbers(page).items() if "script" in name]
        for path in (f"/match/{number}", "/list"):
            text = page.ask("GET", path).text
            assert "<script>window" not in text and "<img src=x" not in text and "\u202e" not in text
        assert "\\u202e" in page.ask("GET", f"/match/{number}").text

    def test_both_sides_are_shown(self, page: Served) -> None:
        for side in ("file", "reference"):
            assert jpeg(page.ask("GET", f"/picture/2/{side}/0")).size == (192, 144)
            assert not jpeg(page.ask("GET", f"/picture/2/{side}/0?small")).getexif()

    def test_frames_of_a_film_are_those_of_the_stretch(self, page: Served) -> None:
        number = numbers(page)["film.webp"]
        text = page.ask("GET", f"/match/{number}").text
        pictures = re.findall(rf'src="{page.base}(/picture/{number}/\w+/\d)"', text)
        assert len(pictures) == 8
        for n in range(4):
            ours, theirs = (jpeg(page.ask("GET", f"/picture/{number}/{side}/{n}")) for side in ("file", "reference"))
            difference = sum(
                abs(a - b) for a, b in zip(ours.convert("L").tobytes(), theirs.convert("L").tobytes(), strict=True)
            )
            assert difference / (192 * 144) < 12, "the same moment on both sides"
        assert "<video" not in text and "<audio" not in text

    def test_a_grid_has_all_files_of_a_reference(self, page: Served) -> None:
        number = numbers(page)["again.jpg"]
        (group,) = re.findall(r"/grid/(\d+)\" data-key", page.ask("GET", f"/match/{number}").text)
        text = page.ask("GET", f"/grid/{group}").text
        assert text.count('type="checkbox"') == 3 and "3 files match this reference" in text


@pytest.fixture(scope="module")
def desk(original: Case, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A page on which each test decides on other matches."""
    own = original.copy(tmp_path_factory.mktemp("desk"))
    with served(own, "--reviewer", "Anna", "--source", "unit 7") as page:
        page.enter()
        yield Desk(own, page, numbers(page))


@dataclass(frozen=True)
class Desk:
    """numbers: of the matches, by the names of their files."""

    case: Case
    page: Served
    numbers: dict[str, int]

    def found(self, name: str) -> Path:
        return self.case.folder / "found" / name

    def decided(self) -> int:
        """How many matches are decided."""
        told = re.search(r"([0-9]+) of 20 decided", self.page.ask("GET", "/list").text)
        assert told
        return int(told[1])


class TestDecisions:
    def test_confirmed(self, desk: Desk) -> None:
        page, number = desk.page, desk.numbers["copy 6.jpg"]
        answer = page.decide("confirmed", number, note="seen before\n<b>")
        assert answer.headers["location"] == f"{page.base}/match/{number + 1}"
        assert "confirmed: 1 match" in page.told()
        text = page.ask("GET", f"/match/{number}").text
        assert "Decided: confirmed, by Anna" in text and "seen before\\n&lt;b&gt;" in text
        before = desk.decided()
        page.decide("confirmed", number)  # sent twice
        assert desk.decided() == before
        with open_store(desk.case.db) as store:
            sha256 = scan_of(desk.case.db, desk.found("copy 6.jpg"))[0].sha256
            said = [word for word in review_decisions.words_after(store.connection, 0) if word.pair.sha256 == sha256]
            assert [(word.said, word.reviewer) for word in said] == [("confirmed", "Anna")]
            assert list(audit.entries(store))[-1].operator == audit.Actor.current("x").operator
            assert list(verify.check(store)) == []
        exported = run_command("export", "--unmarked", db=desk.case.db)
        lines = [json.loads(line) for line in exported.out.splitlines()]
        told = [each for line in lines for each in line.get("opinions", ()) if each["opinion"] == "confirmed"]
        assert [each["source"] for each in told] == ["unit 7"] and "Anna" not in exported.out

    def test_what_was_judged_false_does_not_come_back(self, desk: Desk) -> None:
        desk.page.decide("false-positive", desk.numbers["copy 2.jpg"])
        assert "false positive: 1 match" in desk.page.told()
        judged, db = desk.found("copy 2.jpg"), desk.case.db
        ran = run_command("scan", judged, "--min-tier", "near", "--format", "json", db=db)
        (result,) = ran.json["results"]
        assert (ran.code, result["status"], result["tier"]) == (0, "clean", None)
        (match,) = result["matches"]
        assert match["decision"]["decision"] == "false-positive" and match["decision"]["by"] == ["Anna"]
        assert match["decision"]["in_force"] is True
        told = run_command("scan", judged, desk.found("again.jpg"), db=db)
        assert told.code == 1 and "1 file is not a match, because people judged it a false positive" in told.err

    def test_allow(self, desk: Desk) -> None:
        desk.page.decide("allow", desk.numbers["copy 4.jpg"])
        (result,) = scan_of(desk.case.db, desk.found("copy 4.jpg"))
        assert result.status == "allowed"

    def test_dispute_needs_a_reason(self, desk: Desk) -> None:
        page, number = desk.page, desk.numbers["copy 8.jpg"]
        answer = page.decide("dispute", number, back=f"match/{number}")
        assert answer.headers["location"] == f"{page.base}/match/{number}"
        assert "Say in the note why" in page.told()
        page.decide("dispute", number, note="a news photograph")
        assert page.decide("dispute", desk.numbers["copy 10.jpg"], note="x" * 5000).status == 403
        with open_store(desk.case.db) as store:
            said = [each for reference in lookup.references(store.connection) for each in reference.opinions]
        assert [each.reason for each in said if each.verdict == "disputed"] == ["a news photograph"]

    def test_same_bytes_are_no_false_match(self, desk: Desk) -> None:
        desk.page.decide("false-positive", desk.numbers["same.jpg"])
        assert "the bytes are those of the reference" in desk.page.told()
        assert re.search(r'value="false-positive"[^>]*disabled', desk.page.ask("GET", "/match/1").text)

    def test_take_back(self, desk: Desk) -> None:
        page, before = desk.page, desk.decided()
        chosen = desk.numbers["copy 12.jpg"], desk.numbers["copy 14.jpg"]
        page.decide("confirmed", *chosen)
        assert desk.decided() == before + 2
        answer = page.ask("POST", "/undo", body=f"secret={page.secret}")
        assert answer.headers["location"] == f"{page.base}/match/{chosen[0]}"
        assert desk.decided() == before
        page.ask("POST", "/undo", body=f"secret={page.secret}")
        assert "nothing to take back" in page.told()

    def test_a_whole_grid_at_once(self, desk: Desk) -> None:
        page, before = desk.page, desk.decided()
        wanted = [desk.numbers[name] for name in ("again.jpg", "once more.jpg", "copy 0.jpg")]
        (group,) = re.findall(r"/grid/(\d+)\" data-key", page.ask("GET", f"/match/{wanted[0]}").text)
        here, there = f"grid/{group}/1", f"{page.base}/grid/{group}?page=1"
        assert page.decide("confirmed", *wanted[:2], back=here).headers["location"] == there
        assert page.decide("confirmed", wanted[2], back=here).headers["location"] != there, "nothing waits there"
        assert page.decide("confirmed", back=here).status == 303
        assert "Nothing was chosen" in page.told()
        assert desk.decided() == before + 3

    def test_what_another_process_decides_is_seen(self, desk: Desk) -> None:
        before, (result,) = desk.decided(), scan_of(desk.case.db, desk.found("film.webp"))
        pair = review_decisions.DecisionPair(result.sha256 or "", result.matches[0].reference.id)
        with open_store(desk.case.db, write=True) as store, store.transaction() as connection:
            review_decisions.decide(connection, audit.Actor("x", "test"), pair, "confirmed", "Ben")
        assert desk.decided() == before + 1


class TestTwoPeople:
    def test_must_agree_and_the_second_does_not_know(self, case: Case) -> None:
        with served(case, "--reviewer", "Anna", "--needed", "2") as page:
            page.enter()
            page.decide("second-look", 3, note="is it?")
            assert "Anna asks for a second pair of eyes" in page.ask("GET", "/match/3").text
            page.decide("confirmed", 2, note="clear")
            text = page.ask("GET", "/match/2").text
            assert "1 of 2 who must agree" in text and "2 different people must agree" in text
            assert re.search("<b>18</b> wait for you", page.ask("GET", "/list").text)
        with served(case, "--reviewer", " anna ") as page:
            page.enter()
            page.decide("confirmed", 2)
            assert "0 of 20 decided" in page.ask("GET", "/list").text, "nobody is two people"
        with served(case, "--reviewer", "Ben") as page:
            page.enter()
            text = page.ask("GET", "/match/2").text
            assert (
                "shown once you have, too" in text
                and "clear" not in text.partition("What was said")[2].partition("</section>")[0]
            )
            page.decide("confirmed", 2)
            text = page.ask("GET", "/match/2").text
            assert "Decided: confirmed, by Ben, Anna" in text and "clear" in text
            assert "1 of 20 decided" in text


class TestKept:
    def test_a_kill_loses_nothing_and_the_next_start_goes_on(self, case: Case) -> None:
        with served(case) as page:
            page.enter()
            for number in (1, 2, 3):
                page.decide("confirmed", number)
            page.process.kill()
        with served(case, "--pause", "0") as page:
            page.enter()
            assert page.ask("GET", "/").headers["location"] == f"{page.base}/match/4"
            assert 'id="pause"' not in page.ask("GET", "/match/1").text
            page.process.send_signal(signal.SIGINT)
            _out, err = page.process.communicate(timeout=60)
            assert page.process.returncode == 130 and "Traceback" not in err
        with served(case) as page:
            page.enter()
            assert page.ask("GET", "/").headers["location"] == f"{page.base}/match/4"
            assert "3 of 20 decided" in page.ask("GET", "/list").text
            assert page.ask("POST", "/end", body=f"secret={page.secret}").status == 200
            assert page.process.wait(60) == 0

    def test_pause(self, original: Case, tmp_path: Path) -> None:
        with served(original.copy(tmp_path), "--pause", "0.00001") as page:
            page.enter()
            assert re.search('<aside id="pause"[^>]*data-due="0.0">', page.ask("GET", "/match/1").text)
            answer = page.ask("POST", "/paused", body=f"secret={page.secret}&back=match/2")
            assert answer.headers["location"] == f"{page.base}/match/2"


class TestFiles:
    """What is shown has the bytes that were scanned or indexed, or is not shown."""

    @pytest.fixture
    def own(self, original: Case, tmp_path: Path) -> Case:
        """A case whose files may be changed: one match of two pictures."""
        from tests.support.drawn_pictures import picture
        from tests.support.indexed_files import index_paths

        for folder in ("known", "found"):
            (tmp_path / folder).mkdir()
        picture(tmp_path / "known" / "a.jpg", "a")
        picture(tmp_path / "found" / "a.jpg", "a", 60)
        db, kept = tmp_path / "reference.db", tmp_path / "scan.jsonl"
        with open_store(db, write=True) as store:
            index_paths(store, tmp_path / "known")
        write(kept, scan_of(db, tmp_path / "found"))
        return Case(tmp_path, db, kept)

    def test_reference_that_is_not_what_it_was(self, own: Case) -> None:
        """What else may be in its place, test_picture_maker.py has."""
        (own.folder / "known" / "a.jpg").write_bytes((own.folder / "found" / "a.jpg").read_bytes())
        with served(own) as page:
            page.enter()
            assert page.ask("GET", "/picture/1/reference/0").status == 404
            assert "has other bytes now" in page.ask("GET", "/why/1/reference").text
            assert page.ask("GET", "/picture/1/file/0").status == 200

    def test_file_that_is_gone_is_not_called_harmless(self, own: Case) -> None:
        (own.folder / "found" / "a.jpg").unlink()
        with served(own) as page:
            page.enter()
            for decision in ("false-positive", "allow"):
                page.decide(decision, 1)
                assert "the file is not at hand (does not exist)" in page.told()
            page.decide("confirmed", 1)
            assert "confirmed: 1 match" in page.told()
        with served(own, "--unseen") as page:
            page.enter()
            page.decide("false-positive", 1)
            assert "false positive: 1 match" in page.told()

    def test_a_scan_of_another_database(self, own: Case, tmp_path: Path) -> None:
        (result,) = scan_of(own.db, own.folder / "found")
        elsewhere = replace(result.matches[0].reference, sha256="ab" * 32)
        listed = MatchedReference(999, None, "image", (), False, ())
        bad = [replace(result, matches=(replace(result.matches[0], reference=each),)) for each in (elsewhere, listed)]
        bad.append(replace(result, sha256="../../etc/passwd"))
        bad.append(replace(result, sha256=None))
        write(own.scan, bad)
        with served(own) as page:
            page.enter()
            assert "4 matches cannot be decided here" in page.ask("GET", "/list").text
            for number in range(1, 5):
                assert "No decision can be taken here" in page.ask("GET", f"/match/{number}").text
                page.decide("confirmed", number)
                assert "Not decided" in page.told()
                assert page.ask("GET", f"/picture/{number}/file/0").status == 404


class TestScans:
    @pytest.mark.parametrize(
        ("content", "problem"),
        [
            (b"\x00\xff\n", "is not JSON"),
            (b'{"path": "a", "status": "match", "matches": [{}]}\n', "line 1"),
            (b"[" * 100_000, "is no"),
        ],
    )
    def test_damaged(self, case: Case, tmp_path: Path, content: bytes, problem: str) -> None:
        (tmp_path / "bad.jsonl").write_bytes(content)
        ran = run_command("review", tmp_path / "bad.jsonl", db=case.db)
        assert ran.code == 2 and problem in ran.err and ran.out == ""

    def test_cut_off(self, case: Case, tmp_path: Path) -> None:
        cut = tmp_path / "cut.jsonl"
        cut.write_bytes(case.scan.read_bytes()[:-100])
        with served(replace(case, scan=cut)) as page:
            page.enter()
            assert "is cut off" in page.ask("GET", "/list").text

    def test_what_cannot_be(self, case: Case, tmp_path: Path) -> None:
        for arguments, problem in (
            ((tmp_path / "none.jsonl",), "cannot read"),
            ((case.scan, "--reviewer", "\u202eanna"), "cannot be shown as a name"),
            ((case.scan, "--reviewer", " "), "cannot be shown as a name"),
        ):
            ran = run_command("review", *arguments, db=case.db)
            assert ran.code == 2 and problem in ran.err
        ran = run_command("review", case.scan, db=tmp_path / "none.db")
        assert ran.code == 2 and "there is no database" in ran.err and not (tmp_path / "none.db").exists()

    def test_without_its_packages(self, case: Case) -> None:
        program = (
            "import sys; sys.modules['uvicorn'] = None; from hashmatch.cli import run; sys.exit(run(sys.argv[1:]))"
        )
        command = [sys.executable, "-c", program, "--db", str(case.db), "review", str(case.scan)]
        done = subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=120)
        assert done.returncode == 2 and "pip install 'hashmatch[review]'" in done.stderr
        assert "Traceback" not in done.stderr

    def test_a_port_that_is_taken(self, case: Case, page: Served) -> None:
        ran = run_command("review", case.scan, "--port", str(page.port), db=case.db)
        assert ran.code == 2 and "cannot listen on port" in ran.err

    def test_copies_of_one_file_are_one_match(self, case: Case, tmp_path: Path) -> None:
        (result,) = scan_of(case.db, case.folder / "found" / "copy 2.jpg")
        twice: list[Result] = [result, replace(result, path=b"/elsewhere/copy.jpg")]
        write(tmp_path / "twice.jsonl", twice)
        with served(replace(case, scan=tmp_path / "twice.jsonl")) as page:
            page.enter()
            assert "of 1 decided" in page.ask("GET", "/list").text
            assert "/elsewhere/" in page.ask("GET", "/match/1").text
            assert EVIL not in page.ask("GET", "/match/1").text

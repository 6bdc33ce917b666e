"""The HTML report: that all of a scan is in it, inert, whatever names are like."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from hashmatch import i18n
from hashmatch.matching.results import MatchedOpinion, Result
from hashmatch.report.html import contents, scan_facts
from hashmatch.report.html.drawings import histogram, timeline
from hashmatch.report.html.page import pieces
from hashmatch.report.pictures import ShownPicture
from tests.support.catalogues import write_catalogues
from tests.support.report_pages import ABOUT, ALL, CROP, EVIL, LONG, NEWS, Page, evil_result, report
from tests.support.report_results import CLEAN, FAILED, FLAGGED, HOSTILE, MATCHED, SKIPPED


@pytest.fixture(scope="module")
def page() -> Page:
    return Page(report())


class TestWhatIsInIt:
    @pytest.mark.parametrize(
        "expected",
        [
            # the scan
            "/media/disk/صور",
            r"/caf\xe9",
            "analyst",
            "2026-11-26 22:37:06 UTC",
            "Ended 2026-11-26 22:38:07 UTC Took 0:01:01",
            "hashmatch 9.8.7",
            "/db/reference.db",
            "1,234,567",
            "Entries of its audit trail 31 Newest of them 2026-11-26 22:37:04 UTC",
            "89" * 32,
            "fast",
            "full sandbox: limits, landlock, seccomp",
            "2 workers, 2 GiB of memory each, 60 s without progress",
            "max_pixels 178,000,000",
            # the report
            "clerk",
            "2026-12-01 08:00:00 UTC",
            "hashmatch 9.8.8",
            "TLP:AMBER+STRICT",
            # matches
            "PDQ distance 12 of 256 bits",
            "PDQ distance 14 of 256 bits",
            "equal MD5",
            "found by orb",
            "transform crop",
            "transform trimmed",
            "31 points agree",
            "quality 88",
            "blocks contradict by 26",
            "compared: trim1 of the file with full of the reference",
            "same layout? parts of the picture do not agree",
            "cd" * 32,
            "ef" * 16,
            "ab" * 32,
            "123,456 bytes",
            "=second",
            "a partner",
            "its source says: malicious",
            "Opinion disputed of north 2026-11-21 19:00:00 UTC news",
            "no TLP mark",
            "on the allow list",
            "50% of this file, 25% of the reference",
            "0:00:00–0:00:04 0:01:01–0:01:05 5 1 3.2",
            "at 1.25 × speed, mirrored",
            "250 frames looked at, up to 2.5 s apart",
            "up to 2.5 s apart; what is shorter may have been missed",
            # what could not be examined
            "not-found does not exist",
            "not-found 1",
            "Examined in part: partial: cut off",
        ],
    )
    def test_every_fact(self, page: Page, expected: str) -> None:
        assert expected in page.text

    def test_counts(self, page: Page) -> None:
        # One of the flagged film's two matches is an exact one with the allow list.
        for count in ("1 exact matches", "2 near matches", "2 possible matches", "7 files", "3 files matched"):
            assert count in page.text
        for count in ("files allowed", "files clean", "files not examined", "files examined in part", "files skipped"):
            assert f"1 {count}" in page.text
        assert CLEAN.path.decode() not in page.text, "what is clean is counted"

    def test_names_are_made_visible(self, page: Page) -> None:
        (shown,) = {text for text in page.texts if text.startswith("=1+1")}
        assert r"\x1b[2J\u202egpj." in shown and r"\xff\xfe.jpg" in shown
        assert not re.search("[\u202e\u2066\x1b\u00ad]", page.text)

    def test_matches_are_grouped_by_tier_and_reference(self) -> None:
        gathered = contents.ReportContents()
        other = replace(MATCHED, path=b"other", matches=(replace(FLAGGED, distance=3),))
        for result in (MATCHED, other, CROP, NEWS):
            gathered.add(result)
        found = [
            (section.name, [(group.reference.id, [e.result.path for e in group.entries]) for group in section.groups])
            for section in gathered.sections()
        ]
        assert found == [
            ("exact", [(8, [HOSTILE])]),
            ("near", [(7, [b"other", HOSTILE])]),
            ("possible", [(10, [CROP.path]), (9, [CROP.path])]),
            ("allowed", [(8, [NEWS.path])]),
        ]

    def test_more_than_there_is_room_for_is_told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(contents, "MOST_MATCHES", 2)
        assert "4 more matches are counted above and not listed" in Page(report()).text

    def test_lines_that_would_fill_the_memory_are_counted(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(contents, "MOST_BYTES", 1000)
        gathered = contents.ReportContents()
        for result, size in ((CLEAN, 900), (MATCHED, 900), (LONG, 900), (FAILED, 900), (CROP, 50)):
            gathered.add(result, size)
        assert gathered.files.total() == 5 and gathered.problems.total() == 1
        assert (gathered.listed, gathered.left_out, gathered.unexamined) == (4, 1, [])

    def test_opinions_of_others(self) -> None:
        opinion = MatchedOpinion("hotline", "false-positive", "2026-01-02T03:04:05Z", EVIL)
        reference = replace(FLAGGED.reference, opinions=(opinion,))
        page = Page(report([replace(MATCHED, matches=(replace(FLAGGED, reference=reference),))]))
        assert "Opinion false positive of hotline 2026-01-02 03:04:05 UTC" in page.text
        assert "<script>window.pwned=1</script>" in page.text, "as a text"

    def test_the_part_that_matched_and_what_was_not_looked_into(self) -> None:
        found = replace(MATCHED, matches=(replace(FLAGGED, part="cover1"),))
        archive = Result(b"a.zip", "skipped", size=9, unexamined="archive")
        page = Page(report([found, archive, SKIPPED]))
        assert "in its cover picture" in page.text
        assert "1 archive was not looked into" in page.text
        assert "does not look for crops, insets and rotations" in page.text

    def test_nothing_at_all(self) -> None:
        assert "Nothing matched." in Page(report([])).text

    def test_notices(self) -> None:
        kept = scan_facts.KeptScan(b"scan\xff.jsonl", 7, "77" * 32, False, True)
        text = Page(report(about=replace(ABOUT, scan=None, interrupted=True, kept=kept))).text
        for expected in ("was stopped before its end", "file is cut off", r"scan\xff.jsonl", "77" * 32, "not recorded"):
            assert expected in text


class TestInert:
    def test_evil_texts_are_texts(self) -> None:
        html = report([evil_result(), replace(evil_result(), status="failed", matches=())])
        page = Page(html)
        assert [tag for tag, _attributes in page.tags].count("script") == 1
        assert not [tag for tag, _attributes in page.tags if tag == "img"]
        assert not [name for _tag, attributes in page.tags for name in attributes if name.startswith("on")]
        assert "49" not in re.findall(r"\b49\b", page.text)
        assert "\u202e" not in html

    def test_nothing_is_loaded_and_the_policy_allows_nothing(self) -> None:
        page = Page(report())
        links = {
            value for _tag, attributes in page.tags for name, value in attributes.items() if name in ("src", "href")
        }
        assert all(link and link.startswith("#") for link in links)
        (policy,) = [a["content"] for _tag, a in page.tags if a.get("http-equiv") == "Content-Security-Policy"]
        assert policy and policy.startswith("default-src 'none'; style-src 'sha256-")
        assert "unsafe" not in policy and "http" not in policy

    def test_pictures(self) -> None:
        given = {
            LONG.path: ShownPicture(8, 6, "data:image/jpeg;base64,AA==", 42.0),
            CROP.path: ShownPicture(why="none: gone"),
        }
        page = Page(report(pictures=given))
        (picture,) = [attributes for tag, attributes in page.tags if tag == "img"]
        assert (picture["src"], picture["width"], picture["height"]) == ("data:image/jpeg;base64,AA==", "8", "6")
        assert "at 0:00:42" in page.text and "none: gone" in page.text


class TestDrawings:
    def test_a_stretch_is_where_its_times_are(self) -> None:
        assert LONG.matches[0].video
        drawn = timeline(LONG.matches[0].video.segments, 300.0, None, True)
        assert drawn.query and drawn.reference
        assert (drawn.query.length, drawn.query.is_whole) == (300.0, True)
        assert (drawn.reference.length, drawn.reference.is_whole) == (230.0, False)
        band = drawn.bands[3]
        assert band.query == (pytest.approx(10.0), pytest.approx(38 / 3)) and band.is_turned
        assert band.reference == (pytest.approx(100 * 60 / 230), pytest.approx(100 * 70 / 230))
        assert [mark.text for mark in drawn.query.marks] == ["0:00:00", "0:02:00", "0:04:00"]

    def test_a_still_of_a_film_has_one_axis(self) -> None:
        assert FLAGGED.video
        still = replace(FLAGGED.video.segments[0], query=(0.0, 0.0))
        drawn = timeline([still], None, 100.0, False)
        assert drawn.query is None and drawn.reference and drawn.bands[0].corners == ""

    def test_histogram_counts_all(self) -> None:
        gathered = contents.ReportContents()
        for result in ALL:
            gathered.add(result)
        drawn = histogram(gathered.distances)
        assert drawn and drawn.most == 2
        assert drawn.rows == ((12, 13, (2, 0)), (14, 15, (0, 1)))
        assert sum(bar.height for bar in drawn.bars) == pytest.approx(150)
        assert histogram({}) is None


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a.jpg", ["a.jpg"]),
        ("/a/b.jpg", ["/a/", "b.jpg"]),
        ("a/صور.jpg", ["a/", "صور.jpg"]),
        ("/a/صور/بيت/b.jpg", ["/", "a/", "صور/", "بيت/", "b.jpg"]),
    ],
)
def test_names_from_right_to_left_do_not_change_the_order_of_folders(path: str, expected: list[str]) -> None:
    assert pieces(path) == expected


@pytest.mark.parametrize(
    ("stamp", "expected"),
    [
        ("2026-11-26T22:37:06Z", "2026-11-26 22:37:06 UTC"),
        ("2026-11-26T22:37:06+03:00", "2026-11-26 19:37:06 UTC"),
        ("2026-11-26T22:37:06", "2026-11-26T22:37:06"),
        ("0001-01-01T00:00:00+23:59", "0001-01-01T00:00:00+23:59"),
        ("\u202eyesterday", r"\u202eyesterday"),
    ],
)
def test_times_are_unambiguous(stamp: str, expected: str) -> None:
    assert scan_facts.moment(stamp) == expected


@pytest.fixture
def made_up_language(tmp_path: Path) -> Iterator[None]:
    i18n.activate("ar", write_catalogues(tmp_path))
    yield
    i18n.activate(None)


@pytest.mark.usefixtures("made_up_language")
def test_every_text_is_translated() -> None:
    kept = scan_facts.KeptScan(b"", 7, "", False, True)
    html = report(about=replace(ABOUT, kept=kept), pictures={LONG.path: ShownPicture(1, 1, "data:,", 1.0)})
    page = Page(html)
    assert ("html", {"lang": "ar", "dir": "rtl"}) in page.tags
    rest = page.text
    while rest != (rest := re.sub(r"⟦[^⟦⟧]*⟧( \d\b)?", "", rest)):
        pass
    # What is left are names, codes, digests, marks and numbers, which are the same in every language.
    names = (
        r"hashmatch|UTC|TLP:[A-Z+]+|SHA-256|MD5|JSON|lines|[a-z]+(_[a-z]+)+|[0-9a-f]{32,}|/\S*|analyst|clerk|fast|possible"
        r"|east|west|north|news|first|second|partner|not-found|\S*\.(jpg|mp4|db)|\\\w+|gpj|partial|صور|does|not|exist|cut|off"
        r"|\S*2J\S*|caf\S*"
    )
    rest = re.sub(rf"(?<!\w)({names})(?!\w)", "", rest)
    assert not re.findall(r"[^\W\d_]{3,}", rest), re.findall(r".{20}[^\W\d_]{3,}.{20}", rest)

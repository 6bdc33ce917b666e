"""A kept scan, read again: all of it comes back, and what is no scan is told in one line."""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hashmatch import i18n
from hashmatch.errors import CommandError
from hashmatch.matching.results import Result, ScanSummary
from hashmatch.messages import Message
from hashmatch.records import LONGEST_FILM, Failure
from hashmatch.report import as_json, scan_file
from hashmatch.report.scan_file import ScanFile
from hashmatch.store import open_store
from tests.support.report_pages import ALL, CUSTODY, LONG
from tests.support.report_results import FAILED

SETTINGS = {"min_tier": "near", "profile": "thorough", "radius": 20, "collections": ["east"]}


def lines_of(*results: Result) -> bytes:
    out = io.BytesIO()
    for result in results:
        as_json.dump(as_json.result(result), out)
    return out.getvalue()


def read(content: bytes) -> tuple[ScanFile, list[Result]]:
    file = ScanFile(io.BytesIO(content), "scan")
    results = list(file.results())
    assert (file.size, file.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    return file, results


@pytest.fixture
def document(tmp_path: Path) -> Callable[..., bytes]:
    def make(*results: Result, interrupted: bool = False) -> bytes:
        out = io.BytesIO()
        with open_store(tmp_path / "x.db", write=True) as store:
            writer = as_json.ScanDocument(out, store, SETTINGS, CUSTODY)
            for result in results:
                writer.write(result)
            writer.finish(ScanSummary(len(results), 0, 0, 0, 0, 0, 2.5, interrupted))
        return out.getvalue()

    return make


class TestWhatIsRead:
    @pytest.mark.parametrize("results", [(), ALL[:1], ALL], ids=len)
    def test_lines(self, results: tuple[Result, ...]) -> None:
        file, got = read(lines_of(*results))
        assert tuple(got) == results
        assert (file.is_document, file.head, file.seconds, file.cut_off) == (False, None, None, False)

    @pytest.mark.parametrize("results", [(), ALL[:1], ALL], ids=len)
    @pytest.mark.parametrize("layout", ["as it is", "in one line", "indented", "keys sorted"])
    def test_document(self, document: Callable[..., bytes], results: tuple[Result, ...], layout: str) -> None:
        content = document(*results)
        if layout != "as it is":
            options: dict[str, Any] = {"indented": {"indent": 2}, "keys sorted": {"sort_keys": True}}.get(layout, {})
            content = json.dumps(json.loads(content), **options).encode() + b"\n"
        file, got = read(content)
        assert tuple(got) == results
        assert file.is_document and file.head and not file.cut_off and not file.interrupted
        assert file.head.custody == CUSTODY
        assert file.head.reference_set.references == 0 and file.head.reference_set.path.endswith("x.db")
        assert file.head.settings == scan_file.ScanSettings("near", "thorough", 20, ("east",))
        assert file.seconds == 2.5

    def test_one_of_a_version_without_custody(self, document: Callable[..., bytes]) -> None:
        value = json.loads(document(*ALL))
        del value["custody"]
        file, got = read(json.dumps(value).encode())
        assert file.head and file.head.custody is None and len(got) == len(ALL)

    def test_one_that_was_interrupted(self, document: Callable[..., bytes]) -> None:
        assert read(document(*ALL, interrupted=True))[0].interrupted

    def test_what_a_later_version_adds_is_left_out(self) -> None:
        value = as_json.result(ALL[0]) | {"new": [1]}
        value["matches"][0]["reference"]["new"] = {}
        assert read(json.dumps(value).encode())[1] == [ALL[0]]

    def test_what_an_older_version_did_not_have_is_not_needed(self) -> None:
        values = [as_json.result(each) for each in ALL]
        for value in values:
            del value["parts"], value["unexamined"]
            for match in value["matches"]:
                del match["part"]
        assert read(b"\n".join(json.dumps(value).encode() for value in values))[1] == list(ALL)

    def test_parts_and_what_was_not_looked_into(self) -> None:
        found = replace(ALL[0], parts=("stream2", "cover1"), matches=(replace(ALL[0].matches[0], part="stream2"),))
        other = Result(b"a.zip", "skipped", size=9, unexamined="archive")
        lines = b"\n".join(json.dumps(as_json.result(each)).encode() for each in (found, other))
        assert read(lines)[1] == [found, other]

    def test_the_last_frame_of_the_longest_film_stands_for_some_time(self) -> None:
        value = as_json.result(ALL[0])
        value["matches"][0]["video"]["segments"][0]["query"] = [0, LONGEST_FILM + 12]
        ((result,),) = (read(json.dumps(value).encode())[1],)
        video = result.matches[0].video
        assert video and video.segments[0].query == (0, LONGEST_FILM + 12)

    @pytest.mark.parametrize(
        "detail",
        [
            None,
            "empty",
            {},
            {"code": "empty"},
            {"code": 7, "parameters": {}},
            {"code": "no-such-message", "parameters": {}},
            {"code": "empty", "parameters": {"why": "x"}},
            {"code": "cannot-be-decoded", "parameters": {}},
            {"code": "cannot-be-decoded", "parameters": {"why": None}},
            {"code": "frame-limit", "parameters": {"limit": "many"}},
            {"code": "no-progress", "parameters": {"seconds": []}},
        ],
        ids=str,
    )
    def test_a_message_that_is_not_known_is_told_by_its_text(self, detail: Any) -> None:
        """As of an older version, which wrote no more, or of a newer one."""
        error = {"code": "corrupt", "message": "فارغ", "detail": detail}
        (result,) = read(json.dumps({**as_json.result(FAILED), "error": error}).encode())[1]
        assert result.error == Failure("corrupt", Message.literal("فارغ"))

    def test_a_message_is_told_in_the_reader_s_language(self) -> None:
        empty = replace(FAILED, error=Failure("corrupt", Message.of("empty")))
        for written, other, text in (("ar", "en", "is empty"), ("en", "ar", "فارغ")):
            try:
                i18n.activate(written)
                content = lines_of(empty)
                i18n.activate(other)
                (result,) = read(content)[1]
                assert result.error is not None and result.error.message == text
                assert text.encode() not in content
            finally:
                i18n.activate(None)

    def test_a_database_may_have_any_name(self, document: Callable[..., bytes]) -> None:
        content = document().replace(b"x.db", b"\\udcff.db")
        head = read(content)[0].head
        assert head and "udcff" in head.reference_set.path


class TestWhatIsCutOff:
    @given(share=st.floats(0, 1))
    @example(share=1e-9)
    @example(share=6.1e-05)
    @example(share=4e-4)
    def test_lines(self, share: float) -> None:
        content = lines_of(*ALL)
        whole = content[: round(share * len(content))]
        file, got = read(whole)
        assert got == list(ALL[: len(got)])
        # What ends with a result, with or without its newline, cannot be told from the end.
        assert file.cut_off == (whole.rstrip()[-1:] != b"}" or len(got) < whole.count(b'{"path"')) or not whole

    @pytest.mark.parametrize("cut", [-3, -40, -200, -2000])
    def test_document(self, document: Callable[..., bytes], cut: int) -> None:
        file, got = read(document(*ALL)[:cut])
        assert file.cut_off and file.head and got == list(ALL[: len(got)])


GOOD = as_json.result(LONG)


def changed(*path: Any, to: Any) -> bytes:
    value = json.loads(json.dumps(GOOD))
    place = value
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = to
    return json.dumps(value).encode() + b"\n"


def places(value: Any, *path: Any) -> Iterator[tuple[Any, ...]]:
    """Where text and numbers stand in a JSON value."""
    if isinstance(value, dict | list):
        for key, each in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(each, *path, key)
    elif value is not None:
        yield path


class TestDamage:
    @pytest.mark.parametrize(
        "content",
        [
            b"\x00\x01\x02\n",
            b"\xff\xd8\xff\xe0 a picture\n",
            b"[]\n",
            b"7\n",
            b'"text"\n',
            b"{}\n",
            b"[" * 100_000 + b"\n",
            b'{"a":' * 100_000 + b"\n",
            b"1" * 100_000 + b"\n",
            b'{"results": {}}\n',
            b'{"hashmatch": "1", "results": []}\n',
            changed("path", to=7),
            changed("path", to="\ud800"),
            changed("path_bytes", to="!"),
            changed("status", to="gone"),
            changed("tier", to="sure"),
            changed("size", to=-1),
            changed("size", to=1 << 70),
            changed("size", to=float("nan")),
            changed("sha256", to=[]),
            changed("matches", to={}),
            changed("matches", to=[[]]),
            changed("matches", 0, "reference", to=None),
            changed("matches", 0, "reference", "labels", to="label"),
            changed("matches", 0, "video", "query_coverage", to=7),
            changed("matches", 0, "video", "segments", 0, "query", to=[5, 1]),
            changed("matches", 0, "video", "segments", 0, "query", to=[0, 1e300]),
            changed("matches", 0, "video", "segments", 0, "query", to=[0]),
            changed("matches", 0, "video", "segments", 0, "speed", to=1e300),
            changed("matches", 0, "video", "segments", 0, "mean_distance", to=-1),
            changed("matches", 0, "distance", to=True),
            changed("matches", 0, "local", to={"points": 1, "quadrilateral": [[1e9, 0]] * 4}),
            changed("matches", 0, "local", to={"points": 1, "quadrilateral": []}),
            changed("error", to={"code": "x"}),
            changed("error", to={"message": "x"}),
            changed("error", to={"code": 7, "message": "x"}),
            changed("error", to={"code": "x", "message": None}),
            changed("error", to="x"),
            changed("error", to=False),
        ],
    )
    def test_one_line_that_says_where(self, content: bytes) -> None:
        with pytest.raises(CommandError, match=r"^scan, line 1: [^\n]+$"):
            read(content)
        if content.startswith(b'{"path'):
            with pytest.raises(CommandError, match=r"^scan, line 3: [^\n]+$"):
                read(lines_of(*ALL[:2]) + content + lines_of(ALL[0]))

    @pytest.mark.parametrize("value", [1 << 63, -(1 << 63) - 1, 1e400, "\ud800", [{}], {}], ids=str)
    def test_what_no_field_may_be(self, value: Any) -> None:
        """Infinity, integers that SQLite does not take, half a surrogate pair; a float may be large, if it can be drawn."""
        for *path, last in places(GOOD):
            written = json.loads(json.dumps(GOOD))
            target = written
            for key in path:
                target = target[key]
            if isinstance(target[last], float) and isinstance(value, int):
                continue
            target[last] = value
            line = json.dumps(written).replace("Infinity", "1e999")
            with pytest.raises(CommandError, match=r"^scan, line 1: [^\n]+$"):
                read(line.encode() + b"\n")
                pytest.fail(f"{path} {last}")

    def test_the_place_is_told(self) -> None:
        for place, content in {
            "matches[0].distance": changed("matches", 0, "distance", to="7"),
            "matches[0].video.segments[3].query[1]": changed("matches", 0, "video", "segments", 3, "query", 1, to=None),
            "status": changed("status", to="\x1b` - at `$.gone`"),
        }.items():
            with pytest.raises(CommandError, match=re.escape(f"is not the result of a scan: see {place}") + "$"):
                read(content)

    def test_damage_within_a_document(self, document: Callable[..., bytes]) -> None:
        content = document(*ALL)
        for place, line in ((b'"status": "match"', 2), (b'"summary": {', len(ALL) + 2)):
            with pytest.raises(CommandError, match=rf"^scan, line {line}: "):
                read(content.replace(place, place.upper(), 1))
        for paths in (b"7", b'"x"', b"[7]", b'["x"]', b"[{}]"):
            with pytest.raises(CommandError, match=r"^scan, line 1: "):
                read(re.sub(rb'"paths": \[.*?\]', b'"paths": ' + paths, content))
        with pytest.raises(CommandError, match="follows after the end"):
            read(content + b"more\n")

    def test_a_line_without_end(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(scan_file.ScanFile._next_line, "__defaults__", (1000,))
        with pytest.raises(CommandError, match="is longer than 1,000 bytes"):
            read(b'{"path": "' + b"a" * 2000)

    def test_a_document_too_large_to_be_held(
        self, document: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(scan_file, "LARGEST_DOCUMENT", 2000)
        assert len(read(document(*ALL))[1]) == len(ALL), "as it is laid out by us"
        with pytest.raises(CommandError, match="more than 2,000 bytes"):
            read(json.dumps(json.loads(document(*ALL)), indent=1).encode())

    @given(st.binary(max_size=300), st.integers(0, 2))
    def test_anything(self, noise: bytes, before: int) -> None:
        try:
            read(lines_of(*ALL[:before]) + noise)
        except CommandError as error:
            assert "\n" not in str(error)

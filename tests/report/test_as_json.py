"""JSON: the names, the types and the order that the interface promises, and exact file names."""

from __future__ import annotations

import base64
import io
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashmatch.matching.results import ScanSummary
from hashmatch.messages import Message
from hashmatch.records import Failure, Fingerprint, Hash
from hashmatch.report import as_json
from hashmatch.store import Store, hash_rows, lookup, open_store
from hashmatch.version import __version__
from tests.support.made_references import ME, add, measured, pdq
from tests.support.report_pages import CUSTODY
from tests.support.report_results import CLEAN, CROPPED, FAILED, HOSTILE, MATCHED, SAME_LAYOUT, SKIPPED

RESULT = ["path", "status", "partial", "tier", "kind", "size", "sha256", "md5", "matches", "error"]
RESULT += ["examined", "parts", "unexamined"]
FAILURE = Failure("corrupt", Message.of("empty"))
EMPTY = {"code": "empty", "parameters": {}}
#: First what the interface has promised from the beginning, then what has come since.
MATCH = ["reference", "tier", "distance", "algorithm", "transform", "quality", "video"]
MATCH += ["reason", "view", "reference_view", "contradiction", "local", "decision", "part", "details", "straightened"]
REFERENCE = ["id", "sha256", "kind", "labels", "allow", "sources", "opinions", "pending"]
SOURCE = ["collection", "source", "tlp", "opinion", "owner", "author"]
VIDEO = ["query_coverage", "reference_coverage", "segments"]
LOCAL = ["points", "quadrilateral"]
SEGMENT = ["query", "reference", "frames", "mean_distance"]
SEGMENT += ["worst_distance", "distinct", "speed", "transform", "view", "reference_view"]
FILE = [
    "path",
    "kind",
    "size",
    "md5",
    "sha1",
    "sha256",
    "width",
    "height",
    "duration",
    "partial",
    "hashes",
    "decoder",
    "error",
    "unexamined",
    "parts",
]
HASH = ["algorithm", "hash", "quality", "time", "view"]


def written(value: Any, **options: Any) -> Any:
    """What a reader gets of what is written."""
    out = io.BytesIO()
    as_json.dump(value, out, **options)
    assert out.getvalue().endswith(b"\n")
    return json.loads(out.getvalue().decode("utf-8"))


class TestNames:
    def test_of_a_result(self) -> None:
        got = written(as_json.result(MATCHED))
        assert list(got) == ["path", "path_bytes", *RESULT[1:]]
        for plain in (CLEAN, FAILED, SKIPPED):
            assert list(written(as_json.result(plain))) == RESULT

    def test_of_a_match_and_all_in_it(self) -> None:
        flagged, allowed = written(as_json.result(MATCHED))["matches"]
        assert list(flagged) == list(allowed) == MATCH
        assert list(flagged["reference"]) == REFERENCE
        assert list(flagged["reference"]["sources"][0]) == SOURCE
        assert list(flagged["video"]) == VIDEO
        assert list(flagged["video"]["segments"][0]) == SEGMENT
        assert allowed["video"] is None
        assert list(written(as_json.match(CROPPED))["local"]) == LOCAL

    def test_of_a_file(self) -> None:
        made = Fingerprint("image", 3, measured("abc").digests, 4, 5, None, True, (pdq(1, 9, 1.5),), "made", "r")
        got = written(as_json.fingerprint(b"a.jpg", made))
        assert list(got) == FILE
        assert list(got["hashes"][0]) == HASH
        nothing = written(as_json.fingerprint(b"a.txt", Fingerprint(None, 0, error=FAILURE)))
        assert list(nothing) == FILE
        assert (nothing["md5"], nothing["hashes"]) == (None, [])
        assert nothing["error"] == {"code": "corrupt", "message": "is empty", "detail": EMPTY}

    def test_of_a_failure(self) -> None:
        told = {"path": "a.jpg", "code": "corrupt", "message": "is empty", "detail": EMPTY, "tried_before": False}
        assert written(as_json.problem(b"a.jpg", FAILURE)) == told
        again = written(as_json.problem(b"a.jpg", replace(FAILURE, tried_before=True)))
        assert again == {**told, "message": "is empty (tried before)", "tried_before": True}

    def test_of_a_warning(self) -> None:
        limit = Message.of("resembles-allowed", id=7, tier="near", distance=4)
        parameters = {"distance": 4, "id": 7, "tier": "near"}
        assert written(as_json.warning(b"a.jpg", limit)) == {
            "path": "a.jpg",
            "code": "warning",
            "message": "resembles reference 7, which is on the allow list (near, distance 4)",
            "detail": {"code": "resembles-allowed", "parameters": parameters},
        }


class TestValues:
    def test_of_a_result(self) -> None:
        got = written(as_json.result(MATCHED))
        assert [got[name] for name in RESULT[1:8]] == ["match", True, "near", "video", 123_456, "cd" * 32, "ef" * 16]
        detail = {"code": "text", "parameters": {"text": "cut off"}}
        assert got["error"] == {"code": "partial", "message": "cut off", "detail": detail}
        flagged = got["matches"][0]
        assert [flagged[name] for name in MATCH[1:6]] == ["near", 12, "pdq", "none", 88]
        assert flagged["reference"] == {
            "id": 7,
            "sha256": "ab" * 32,
            "kind": "video",
            "labels": ["first", "=second"],
            "allow": False,
            "sources": [
                {
                    "collection": "east",
                    "source": "a partner",
                    "tlp": "amber+strict",
                    "opinion": "malicious",
                    "owner": "",
                    "author": "",
                },
                {"collection": "west", "source": None, "tlp": None, "opinion": "retracted", "owner": "", "author": ""},
            ],
            "opinions": [
                {
                    "source": "north",
                    "opinion": "disputed",
                    "at": "2026-11-21T19:00:00Z",
                    "reason": "news",
                    "author": "",
                    "owner": "",
                }
            ],
            "pending": False,
        }
        assert flagged["video"]["segments"][0] == {
            "query": [0.0, 4.0],
            "reference": [61.0, 65.0],
            "frames": 5,
            "mean_distance": 3.2,
            "worst_distance": 0,
            "distinct": 1,
            "speed": 1.0,
            "transform": "none",
            "view": "full",
            "reference_view": "full",
        }

    def test_of_the_evidence_for_a_match(self) -> None:
        cropped, poster = (written(as_json.match(each)) for each in (CROPPED, SAME_LAYOUT))
        assert [cropped[name] for name in MATCH[1:]] == [
            *("possible", None, "orb", "crop", None, None, "local-features", "full", "full", None),
            {"points": 31, "quadrilateral": [[-0.25, -0.125], [1.25, -0.125], [1.25, 1.0], [-0.25, 1.0]]},
            None,
            None,
            None,
            None,
        ]
        assert [poster[name] for name in MATCH[1:]] == [
            *(
                "possible",
                14,
                "pdq",
                "trimmed",
                91,
                None,
                "same-layout",
                "trim1",
                "full",
                26,
                None,
                None,
                None,
                None,
                None,
            )
        ]

    def test_unknown_is_null(self) -> None:
        got = written(as_json.result(FAILED))
        assert [got[name] for name in ("tier", "kind", "size", "sha256", "md5")] == [None] * 5
        assert got["matches"] == []
        assert written(as_json.result(CLEAN))["error"] is None

    def test_of_a_hash(self) -> None:
        values = [Hash("phash", b"\xab" * 8), Hash("pdq", b"\x01" * 32, 0, 0.0, "top")]
        assert written(as_json.hashes(values)) == [
            {"algorithm": "phash", "hash": "ab" * 8, "quality": None, "time": None, "view": "full"},
            {"algorithm": "pdq", "hash": "01" * 32, "quality": 0, "time": 0.0, "view": "top"},
        ]

    def test_text_is_written_as_it_is(self) -> None:
        out = io.BytesIO()
        as_json.dump({"a": "صورة"}, out)
        assert out.getvalue() == '{"a": "صورة"}\n'.encode()

    def test_a_line_is_one_line(self) -> None:
        out = io.BytesIO()
        as_json.dump(as_json.result(MATCHED), out)
        assert out.getvalue().count(b"\n") == 1

    def test_what_is_no_json_is_never_written(self) -> None:
        with pytest.raises(ValueError):
            as_json.dump({"a": float("nan")}, io.BytesIO())

    def test_half_a_character_does_not_stop_the_output(self) -> None:
        assert written({"a": "\ud800"}) == {"a": "\ud800"}


class TestPaths:
    @given(st.binary(max_size=30) | st.text().map(lambda text: text.encode("utf-8", "surrogatepass")))
    def test_are_exact(self, path: bytes) -> None:
        got = written(as_json.path_of(path))
        if "path_bytes" in got:
            assert base64.b64decode(got["path_bytes"], validate=True) == path
            with pytest.raises(UnicodeDecodeError):
                path.decode("utf-8")
        else:
            assert got["path"].encode("utf-8") == path

    def test_hostile_ones_too(self) -> None:
        got = written(as_json.result(MATCHED))
        assert base64.b64decode(got["path_bytes"]) == HOSTILE
        assert got["path"] == HOSTILE.decode("utf-8", "replace")


@pytest.fixture
def store(tmp_path: Path) -> Any:
    with open_store(tmp_path / "reference.db", write=True) as opened:
        add(opened, measured("a", (pdq("a"), pdq("b", time=1.5))), "some/place", labels=("x",), tlp="green")
        yield opened


class TestReferences:
    def test_as_shown(self, store: Store) -> None:
        reference = lookup.reference(store.connection, 1)
        where = [*lookup.locations(store.connection, 1), b"/\xff"]
        got = written(as_json.shown(reference, where, hash_rows.hashes(store.connection, 1), []), indent=2)
        assert (got["id"], got["live"], got["labels"], got["sha256"]) == (1, True, ["x"], reference.sha256)
        assert got["sources"][0]["collection"] == "one"
        assert got["locations"] == [{"path": "/some/place"}, {"path": "/\ufffd", "path_bytes": "L/8="}]
        assert [each["hash"] for each in got["hashes"]] == [pdq("a").hex, pdq("b").hex]
        assert "hashes" not in written(as_json.reference(reference))


class TestScanDocument:
    def document(self, store: Store, *results: Any, interrupted: bool = False) -> Any:
        out = io.BytesIO()
        document = as_json.ScanDocument(out, store, {"radius": None})
        for result in results:
            document.write(result)
        document.finish(ScanSummary(len(results), 1, 2, 3, 4, 5, 6.25, interrupted, {"corrupt": 4}, {"sound": 5}))
        return json.loads(out.getvalue())

    @pytest.mark.parametrize("results", [(), (CLEAN,), (MATCHED, CLEAN, FAILED, SKIPPED)], ids=len)
    def test_is_one_object_however_many_results(self, store: Store, results: Any) -> None:
        got = self.document(store, *results)
        assert set(got) == {"hashmatch", "reference_set", "settings", "summary", "results"}
        assert got["hashmatch"] == __version__
        assert got["settings"] == {"radius": None}
        counts = {"matched": 1, "allowed": 2, "clean": 3, "failed": 4, "skipped": 5}
        assert got["summary"] == {
            "files": len(results),
            **counts,
            "seconds": 6.25,
            "failures": {"corrupt": 4},
            "unexamined": {"sound": 5},
        }
        assert self.document(store, interrupted=True)["summary"]["interrupted"] is True
        assert got["results"] == [json.loads(json.dumps(as_json.result(each))) for each in results]

    def test_says_against_what(self, store: Store) -> None:
        about = self.document(store)["reference_set"]
        assert (about["path"], about["references"]) == (str(store.path), 1)

    def test_facts_of_custody(self, store: Store) -> None:
        out = io.BytesIO()
        as_json.ScanDocument(out, store, {}, CUSTODY).finish(ScanSummary(0, 0, 0, 0, 0, 0, 0.0))
        got = json.loads(out.getvalue())["custody"]
        assert list(got) == ["operator", "started", "paths", "names_from", "isolation", "limits", "audit"]
        assert got["paths"] == [{"path": "/media/disk/صور"}, {"path": "/caf\ufffd", "path_bytes": "L2NhZuk="}]
        assert got["audit"] == {"entries": 31, "at": "2026-11-26T22:37:04Z", "digest": "89" * 32}
        assert got["isolation"]["steps"] == ["limits", "landlock", "seccomp"]

    def test_a_database_may_have_any_name(self, tmp_path: Path) -> None:
        path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.db"))
        with open_store(path, write=True) as store:
            add(store, "a", operator=ME.operator)
            assert self.document(store)["reference_set"]["references"] == 1

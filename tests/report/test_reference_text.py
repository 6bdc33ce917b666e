"""What a person reads of a file and of a reference."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hashmatch.messages import Message
from hashmatch.records import Failure, Fingerprint, Hash
from hashmatch.report.reference_text import LONGEST_HASH, fingerprint_lines, list_line, pdq_lines, reference_lines
from hashmatch.store.lookup import Provenance, Reference, ReferenceSource
from tests.support.harmless_text import harmless
from tests.support.report_results import HOSTILE

HASHES = (
    Hash("pdq", b"\xab" * 32, 77, 1.5),
    Hash("phash", b"\x12" * 8, view="page 2"),
    Hash("pdq", b"\xcd" * 32, 0),
)
SOURCE = ReferenceSource(
    "east", "a partner", "amber", "malicious", "C-1", "a note", "someone", "2026-01-01T00:00:00Z", None, None
)
REFERENCE = Reference(
    id=7,
    sha256="ab" * 32,
    sha1="cd" * 20,
    md5="ef" * 16,
    kind="video",
    size=1_234_567,
    width=640,
    height=480,
    duration=61.5,
    partial=False,
    allow=False,
    error=None,
    added="2026-02-02T00:00:00Z",
    labels=("x", "y"),
    sources=(SOURCE,),
)
LISTS = [
    Provenance(
        "l\x1bst.jsonl", "jsonl", "0" * 64, "east", 3, "RWQkey", None, "2026-02-02T00:00:00Z", "east", "sha256,pdq"
    )
]
TEXT = HOSTILE.decode("utf-8", "replace")


@pytest.fixture
def fingerprint() -> Fingerprint:
    from tests.support.made_references import measured

    return measured("abc", HASHES, duration=2.0, partial=True)


def test_a_file(fingerprint: Fingerprint) -> None:
    assert fingerprint.digests is not None
    name, facts, *rest = fingerprint_lines(b"a\x1b.jpg", fingerprint)
    assert name == r"a\x1b.jpg"
    assert facts == "  image, 640 × 480, 2.0 s, 3 bytes, made up, damaged in part"
    assert [line.split()[:2] for line in rest[:3]] == [
        [name, getattr(fingerprint.digests, name)] for name in ("md5", "sha1", "sha256")
    ]
    assert [line.split() for line in rest[3:]] == [
        ["pdq", "ab" * 32, "quality", "77", "1.500", "s"],
        ["phash", "12" * 8, "page", "2"],
        ["pdq", "cd" * 32, "quality", "0"],
    ]


def test_a_file_that_is_no_media() -> None:
    failure = Failure("corrupt", Message.literal("x"))
    for nothing in (Fingerprint(None, 3), Fingerprint("image", 3, error=failure)):
        assert list(fingerprint_lines(b"a.txt", nothing)) == ["a.txt"]


def test_the_blocks_are_cut_short(fingerprint: Fingerprint) -> None:
    *_others, line = fingerprint_lines(
        b"a.jpg", replace(fingerprint, hashes=(Hash("blocks", b"\xab" * 972, view="trim1"),))
    )
    assert line.split() == ["blocks", "ab" * LONGEST_HASH + "…", "trim1"]


def test_pdq_lines_are_of_pictures_as_they_are(fingerprint: Fingerprint) -> None:
    kinds = [("pdq", "full"), ("blocks", "full"), ("pdq", "trim1"), ("blocks", "trim1"), ("pdq", "page2")]
    hashes = tuple(Hash(name, bytes([number]) * 32, 90, view=view) for number, (name, view) in enumerate(kinds))
    assert list(pdq_lines(b"a.jpg", replace(fingerprint, hashes=hashes))) == [
        "00" * 32 + ",90,a.jpg",
        "04" * 32 + ",90,a.jpg",
    ]


def test_pdq_lines_are_of_pdq_only_and_safe(fingerprint: Fingerprint) -> None:
    assert list(pdq_lines(b"a,b.jpg", fingerprint)) == ["ab" * 32 + ",77,a,b.jpg", "cd" * 32 + ",0,a,b.jpg"]
    (line, _) = pdq_lines(HOSTILE, fingerprint)
    assert harmless(line)
    assert line.split(",", 2)[2].startswith("'=")


def test_a_reference() -> None:
    text = "\n".join(reference_lines(REFERENCE, [b"/one", b"/two\x1b"], HASHES, LISTS))
    assert text.startswith("#7  video  live\n")
    for part in ("ab" * 32, "cd" * 20, "ef" * 16, "1,234,567 bytes", "640 × 480", "61.5 s", "x, y", "TLP:AMBER"):
        assert part in text
    for part in (
        "source: a partner",
        "case: C-1",
        "operator: someone",
        "note: a note",
        r"l\x1bst.jsonl, east 3, signed by RWQkey",
        "sha256,pdq",
        "/one",
        r"/two\x1b",
        "ab" * 32,
    ):
        assert part in text
    assert r"l\x1bst.jsonl, east 3, signed by RWQkey" in text and "sha256,pdq" in text
    assert "None" not in text and "problem" not in text and "allow" not in text


def test_a_reference_that_is_not_as_others() -> None:
    gone = replace(SOURCE, retracted="2026-03-03T00:00:00Z", retraction_reason="a mistake", tlp=None)
    broken = Failure("corrupt", Message.literal("broken\x1b"))
    text = "\n".join(reference_lines(replace(REFERENCE, sources=(gone,), allow=True, error=broken), [], [], []))
    assert text.startswith("#7  video  retracted, on the allow list\n")
    for part in (r"corrupt: broken\x1b", "retracted: 2026-03-03T00:00:00Z", "reason: a mistake", "no TLP mark"):
        assert part in text


def test_an_entry_of_which_little_is_known() -> None:
    little = replace(
        REFERENCE,
        **dict.fromkeys(("sha256", "sha1", "md5", "kind", "size", "width", "height", "duration")),  # type: ignore[arg-type]
    )
    text = "\n".join(reference_lines(little, [], [], []))
    assert text.startswith("#7  ?  live\n")
    assert "None" not in text


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({}, "live"),
        ({"allow": True}, "allowed"),
        ({"error": Failure("corrupt", Message.of("empty"))}, "failed"),
        ({"error": Failure("partial", Message.of("end-missing")), "partial": True}, "live"),
        ({"sources": (replace(SOURCE, retracted="2026-03-03T00:00:00Z"),), "allow": True}, "retracted"),
    ],
    ids=str,
)
def test_one_in_the_list(changes: dict[str, object], state: str) -> None:
    line = list_line(replace(REFERENCE, **changes), [b"/some/place", b"/another"])  # type: ignore[arg-type]
    assert line.split() == ["7", "video", state, "ab" * 6, "east", "[x]", "[y]", "/some/place"]


def test_one_in_the_list_without_digests() -> None:
    line = list_line(replace(REFERENCE, sha256=None, sha1=None, md5=None, kind=None), [])
    assert line.split() == ["7", "?", "live", "-" * 12, "east", "[x]", "[y]"]


def test_nothing_that_others_wrote_acts_on_the_terminal() -> None:
    hostile = replace(
        REFERENCE,
        labels=(TEXT,),
        error=Failure("corrupt", Message.literal(TEXT)),
        sources=(
            replace(SOURCE, collection=TEXT, source=TEXT, case=TEXT, note=TEXT, operator=TEXT, retraction_reason=TEXT),
        ),
    )
    views = [Hash("pdq", bytes(32), view="top")]
    for line in (*reference_lines(hostile, [HOSTILE], views, []), list_line(hostile, [HOSTILE])):
        assert harmless(line), line

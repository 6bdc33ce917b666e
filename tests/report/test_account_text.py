"""What was not examined, in words."""

from __future__ import annotations

import pytest

from hashmatch.report.account_text import failure_rows, unexamined_line
from hashmatch.report.part_names import in_part


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ({}, ""),
        ({"archive": 0}, ""),
        ({"archive": 1}, "1 archive was not looked into"),
        ({"sound": 2}, "2 sound files were not looked into"),
        (
            {"sound": 40, "archive": 14, "document": 3},
            "14 archives, 3 documents and 40 sound files were not looked into",
        ),
        ({"document": 1, "sound": 1200}, "1 document and 1,200 sound files were not looked into"),
    ],
)
def test_what_was_not_looked_into(counts: dict[str, int], expected: str) -> None:
    assert unexamined_line(counts) == expected


def test_failures_by_number_and_then_by_name() -> None:
    rows = failure_rows({"timeout": 1, "corrupt": 3, "encrypted": 1, "\x1b[2J": 2})
    assert list(rows.items()) == [("  corrupt", 3), ("  \\x1b[2J", 2), ("  encrypted", 1), ("  timeout", 1)]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("stream2", "in its video stream 2"),
        ("picture3", "in its picture 3"),
        ("film1", "in the film inside the picture"),
        ("film2", "in film 2 inside the picture"),
        ("appended1", "in what follows after its end"),
        ("appended2", "in file 2 of those that follow after its end"),
        ("cover1", "in its cover picture"),
        ("cover2", "in its cover picture 2"),
        ("stream0", "in its part stream0"),
        ("page1\u202e", "in its part page1\\u202e"),
        ("", "in its part "),
    ],
)
def test_parts(name: str, expected: str) -> None:
    assert in_part(name) == expected

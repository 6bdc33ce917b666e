"""What decoders raise, as what it means for the file."""

from __future__ import annotations

import pytest

from hashmatch.errors import MediaError
from hashmatch.media.classified import classified
from hashmatch.messages import Message


def code(error: BaseException, after_first: bool = False) -> str:
    with pytest.raises(MediaError) as caught, classified(after_first):
        raise error
    return caught.value.code


@pytest.mark.parametrize("after_first", [False, True])
@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (MemoryError(), "out-of-memory"),
        (OSError("out of memory when reading image file"), "out-of-memory"),  # Pillow's ImageFile
        (OSError(12, "Cannot allocate memory"), "out-of-memory"),
        (RuntimeError("std::bad_alloc"), "out-of-memory"),
        (ValueError("Memory allocation error: Security limit exceeded"), "too-large"),
        (MediaError("too-large", Message.of("no-pixels")), "too-large"),
    ],
)
def test_a_limit_is_no_damage(error: BaseException, expected: str, after_first: bool) -> None:
    assert code(error, after_first) == expected


def test_damage() -> None:
    for error in (OSError("image file is truncated"), SyntaxError("broken PNG file"), IndexError(), ValueError("bad")):
        assert (code(error), code(error, after_first=True)) == ("corrupt", "partial")

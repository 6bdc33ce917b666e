"""Hashers by name, and what each says of itself."""

from __future__ import annotations

import pytest
from PIL import Image

from hashmatch.errors import CommandError
from hashmatch.hashers import GUARDS, HASHERS, by_name, parse_names
from hashmatch.hashers.base import Picture


def test_names() -> None:
    assert tuple(HASHERS)[:3] == ("pdq", "phash", "dhash"), "results and help texts have this order"


@pytest.mark.parametrize(("name", "bits"), [("pdq", 256), ("phash", 64), ("dhash", 64)])
def test_facts(name: str, bits: int) -> None:
    hasher = by_name(name)
    assert (hasher.name, hasher.bits, hasher.version) == (name, bits, 1)
    assert by_name(name) is hasher


def test_which_hashes_show_the_picture() -> None:
    """Those stay out of lists, so a new hasher must say it, and no other may be held back."""
    assert [name for name in (*HASHERS, *GUARDS) if by_name(name).shows_picture] == [*GUARDS]


@pytest.mark.parametrize("name", HASHERS)
def test_a_hash_has_the_stated_width(name: str) -> None:
    picture = Image.linear_gradient("L").rotate(30)
    hasher = by_name(name)
    for image in (picture, picture.convert("RGB")):
        bits, quality = hasher.hash(Picture(image, image.size))
        assert isinstance(bits, bytes) and len(bits) * 8 == hasher.bits
        assert (quality is None) == (hasher.quality is None)
        assert hasher.hash(Picture(image, image.size)) == (bits, quality)


@pytest.mark.parametrize("name", ["", "PDQ", "md5", "pdq ", "../pdq"])
def test_unknown_name(name: str) -> None:
    with pytest.raises(CommandError, match="pdq, phash, dhash") as caught:
        by_name(name)
    assert repr(name) in str(caught.value)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ("pdq", ("pdq",)),
        ("dhash,pdq", ("pdq", "dhash")),
        (" PDQ , dHash,phash,", ("pdq", "phash", "dhash")),
        ("pdq,pdq", ("pdq",)),
    ],
)
def test_parse_names(names: str, expected: tuple[str, ...]) -> None:
    assert parse_names(names) == expected


@pytest.mark.parametrize("names", ["", ",", " , ", "pdq,md5", "pdq phash", "pdq;phash"])
def test_parse_names_refuses(names: str) -> None:
    with pytest.raises(CommandError, match="unknown hash"):
        parse_names(names)


def test_parse_names_says_which_is_unknown() -> None:
    with pytest.raises(CommandError, match="'no-such-hash'"):
        parse_names("pdq,whash,no-such-hash")

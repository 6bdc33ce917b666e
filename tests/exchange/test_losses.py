"""Counts of what a format cannot express."""

from __future__ import annotations

from dataclasses import fields, replace
from io import BytesIO

import pytest

from hashmatch.exchange import get, written
from hashmatch.exchange.losses import DIGESTS, EVERYTHING, FILM, OF_HASHES, OF_ITEMS, Losses
from hashmatch.records import Hash, ListItem, Opinion
from tests.support.list_items import PICTURE

A_FILM = ListItem(
    kind="video",
    hashes=(Hash("pdq", bytes(32), 90, 1.0), Hash("pdq", bytes(32), None, 2.0)),
    opinions=(Opinion("disputed", "west"),),
)


def test_every_part_of_an_item_has_its_name() -> None:
    assert {field.name for field in fields(ListItem)} == DIGESTS | OF_ITEMS | {"hashes", "record", "capitals"}


def test_every_format_says_what_it_carries_in_these_words() -> None:
    for name in written():
        parts = {part.removeprefix(FILM) for part in get(name).carries}
        assert parts <= EVERYTHING | {"pdq", "phash", "dhash", "blocks"}, name


def test_what_is_kept_and_what_is_lost() -> None:
    losses = Losses(replace(get("pdq"), carries=frozenset({"pdq", "quality", "md5", "labels"})))
    assert list(losses.watch([PICTURE, A_FILM, PICTURE])) == [PICTURE, A_FILM, PICTURE]
    assert losses.kept == {"pdq": 4, "quality": 3, "md5": 2, "labels": 2}
    assert losses.lost == {
        "phash": 2,
        "time": 2,
        "view": 2,
        "hash_version": 2,
        "frames": 1,
        "opinions": 1,
        "kind": 3,
        "sha1": 2,
        "sha256": 2,
        "size": 2,
        "collection": 2,
        "source": 2,
        "tlp": 2,
        "added": 2,
    }


def test_some_parts_are_carried_of_films_only() -> None:
    losses = Losses(get("tx-lines"))
    list(losses.watch([PICTURE, replace(A_FILM, md5=PICTURE.md5)]))
    assert losses.kept == {"pdq": 3, "kind": 2, "frames": 1, "time": 2, "quality": 1, "md5": 1}
    assert losses.lost["md5"] == losses.lost["quality"] == losses.lost["sha256"] == 1


def test_our_own_formats_lose_nothing() -> None:
    for name in ("jsonl", "csv"):
        losses = Losses(get(name))
        list(losses.watch([PICTURE, A_FILM]))
        assert not losses.lost and losses.kept["phash"] == 1
    assert OF_HASHES <= EVERYTHING


@pytest.mark.parametrize("name", written())
def test_what_is_left_out_as_a_whole_is_not_said_to_be_carried(name: str) -> None:
    items = [
        PICTURE,
        A_FILM,
        ListItem(kind="image", sha256="ab" * 32),
        ListItem(kind="video", md5="cd" * 16),
        replace(PICTURE, retracted="2026-01-01T00:00:00Z"),
        replace(PICTURE, retracted="2026-01-01T00:00:00Z", opinions=(Opinion("disputed"),)),
        replace(PICTURE, retracted="2026-01-01T00:00:00Z", opinions=(Opinion("false-positive"),)),
        replace(PICTURE, allow=True),
        replace(PICTURE, opinions=(Opinion("false-positive"),)),
    ]
    losses, out = Losses(get(name)), BytesIO()
    write = get(name).write
    assert write is not None
    report = write(losses.watch(items), out)
    assert losses.kept["kind"] + losses.lost["kind"] == report.written

"""Pictures for the page: of the right bytes or none, each made once, and as many kept as there is room for."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from hashmatch.media import Limits
from hashmatch.review import picture_maker
from hashmatch.review.picture_maker import SOON, PictureMaker, PictureOrder
from tests.support.drawn_pictures import picture
from tests.support.indexed_files import ALONE

#: From Python 3.12 on, of the first fork: in a test there may be threads of numpy, which hold nothing then.
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")


@pytest.fixture
def room() -> Iterator[PictureMaker]:
    made = PictureMaker(ALONE, Limits())
    yield made
    made.close()


def order(*paths: Path, of: Path | None = None) -> PictureOrder:
    return PictureOrder(
        tuple(bytes(path) for path in paths), hashlib.sha256((of or paths[-1]).read_bytes()).hexdigest(), "image"
    )


def test_the_first_place_that_has_the_bytes(room: PictureMaker, tmp_path: Path) -> None:
    right, wrong = picture(tmp_path / "a.jpg", "a"), picture(tmp_path / "b.jpg", "b")
    made = room.ask(order(tmp_path / "gone.jpg", wrong, right)).result(60)
    assert made.path == bytes(right) and made.is_verified and made.why == ""
    assert all(each is not None and each.large.startswith(b"\xff\xd8") for each in made.prints)


def test_none_of_other_bytes(room: PictureMaker, tmp_path: Path) -> None:
    right, wrong = picture(tmp_path / "a.jpg", "a"), picture(tmp_path / "b.jpg", "b")
    made = room.ask(order(wrong, of=right)).result(60)
    assert (made.path, made.is_verified, made.prints) == (None, False, (None,))
    assert "other bytes" in made.why


@pytest.mark.parametrize("change", ["gone", "link", "folder", "pipe"])
def test_none_of_what_is_no_file_any_more(room: PictureMaker, tmp_path: Path, change: str) -> None:
    where = picture(tmp_path / "a.jpg", "a")
    wanted = order(where)
    moved = where.rename(tmp_path / "moved.jpg")
    if change == "link":
        where.symlink_to(moved)
    elif change == "folder":
        where.mkdir()
    elif change == "pipe":
        os.mkfifo(where)
    made = room.ask(wanted).result(60)
    assert not made.is_verified and made.prints == (None,)
    assert made.why == ("does not exist" if change == "gone" else "is not a regular file")
    if change == "link":
        assert room.ask(replace(wanted, follow=True)).result(60).is_verified, "of what was scanned, as a scan does"


def test_what_cannot_be_decoded_is_verified_and_has_no_picture(room: PictureMaker, tmp_path: Path) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"\xff\xd8\xff\xe0" + b"nothing" * 40)
    made = room.ask(order(broken)).result(60)
    assert made.is_verified and made.prints == (None,) and made.why


def test_no_media_is_shown_to_nobody(room: PictureMaker, tmp_path: Path) -> None:
    secret = tmp_path / "id_ed25519"
    secret.write_text("-----BEGIN OPENSSH PRIVATE KEY-----\n", encoding="utf-8")
    made = room.ask(order(secret)).result(60)
    assert not made.is_verified and made.prints == (None,)


def test_each_is_made_once(room: PictureMaker, tmp_path: Path) -> None:
    orders = [order(picture(tmp_path / f"{n}.jpg", n)) for n in range(4)]
    asked = [room.ask(each, SOON) for each in orders]
    assert [room.ask(each) for each in orders] == asked
    assert all(each.result(60).is_verified for each in asked)


def test_what_there_is_no_room_for_is_forgotten(
    room: PictureMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, third = (order(picture(tmp_path / f"{n}.jpg", n)) for n in range(3))
    size = room.ask(first).result(60).size
    monkeypatch.setattr(picture_maker, "ROOM", size + size // 2)
    kept = room.ask(second)
    kept.result(60)
    room.ask(third).result(60)
    assert room.ask(second) is kept
    assert room.ask(first).result(60).is_verified, "and made anew"


def test_a_process_that_has_ended_keeps_nobody_waiting(room: PictureMaker, tmp_path: Path) -> None:
    where = picture(tmp_path / "a.jpg", "a")
    room.close()
    made = room.ask(order(where)).result(60)
    assert made.prints == (None,) and "begin the review anew" in made.why

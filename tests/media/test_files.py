"""Finding files, opening them without a trace, and their digests."""

from __future__ import annotations

import contextlib
import hashlib
import os
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashmatch.errors import MediaError
from hashmatch.media.files import CHUNK, FoundPath, chunks, digest, open_file, os_error, walk

OrdinaryUser = Callable[[Callable[[], Any]], Any]


def make(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())


def names(root: Path, *exclude: str) -> list[str]:
    """What the walk finds below a folder, relative to it; "!" before what is an error."""
    found = walk([os.fsencode(root)], exclude)
    return [("!" if each.error else "") + os.path.relpath(os.fsdecode(each.path), root) for each in found]


# The walk.


def test_order_is_stable(tmp_path: Path) -> None:
    """A folder's files by name, then its folders by name."""
    make(tmp_path, "b/2", "b/1", "a/x/deep", "a/z", "B", "a.txt", "10", "9", "ä", "صورة.jpg")
    assert names(tmp_path) == ["10", "9", "B", "a.txt", "ä", "صورة.jpg", "a/z", "a/x/deep", "b/1", "b/2"]


def test_paths_begin_as_they_were_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, "in/a", "b")
    monkeypatch.chdir(tmp_path / "in")
    named = [b".", b"../b", b"a", b"../in/", os.fsencode(tmp_path / "in")]
    assert [each.path for each in walk(named)] == [b"./a", b"../b", b"a", b"../in/a", os.fsencode(tmp_path / "in/a")]


def test_names_that_cannot_be(tmp_path: Path) -> None:
    make(tmp_path, "a")
    found = list(walk([b"nul\0byte", b"", os.fsencode(tmp_path)]))
    assert [each.error.code if each.error else None for each in found] == ["not-found", "not-found", None]


def test_empty_folder(tmp_path: Path) -> None:
    assert names(tmp_path) == []


def test_what_is_not_there(tmp_path: Path) -> None:
    make(tmp_path, "a")
    found = list(
        walk([os.fsencode(tmp_path / "none"), os.fsencode(tmp_path / "a/under-a-file"), os.fsencode(tmp_path)])
    )
    assert [each.error.code if each.error else None for each in found] == ["not-found", "not-found", None]
    assert found[0].path == os.fsencode(tmp_path / "none")


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        ([], ["a.jpg", "a.txt", "in/b.jpg", "in/b.txt", "in/tmp/c.jpg", "tmp/d.jpg"]),
        (["*.txt"], ["a.jpg", "in/b.jpg", "in/tmp/c.jpg", "tmp/d.jpg"]),
        (["tmp"], ["a.jpg", "a.txt", "in/b.jpg", "in/b.txt"]),
        (["in/tmp"], ["a.jpg", "a.txt", "in/b.jpg", "in/b.txt", "tmp/d.jpg"]),
        (["in/*.txt", "?.jpg"], ["a.txt"]),
        (["in", "[t]mp", "*.TXT"], ["a.jpg", "a.txt"]),
        (["*"], []),
    ],
)
def test_exclude(tmp_path: Path, patterns: list[str], expected: list[str]) -> None:
    """Held against the name and against the path below the named folder, in the letters' case."""
    make(tmp_path, "a.jpg", "a.txt", "in/b.jpg", "in/b.txt", "in/tmp/c.jpg", "tmp/d.jpg")
    assert names(tmp_path, *patterns) == expected


def test_exclude_is_not_held_against_what_was_named(tmp_path: Path) -> None:
    make(tmp_path, "tmp/a.txt")
    assert names(tmp_path / "tmp", "tmp") == ["a.txt"]
    assert [each.error for each in walk([os.fsencode(tmp_path / "tmp/a.txt")], ["*.txt"])] == [None]


def test_exclude_by_undecodable_name(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"\xff.jpg")).write_bytes(b"")
    make(tmp_path, "a.jpg")
    assert names(tmp_path, os.fsdecode(b"\xff*")) == ["a.jpg"]


def test_symbolic_links_inside_are_not_followed(tmp_path: Path) -> None:
    make(tmp_path, "outside/secret", "in/a")
    inside = tmp_path / "in"
    (inside / "out").symlink_to(tmp_path / "outside")
    (inside / "secret").symlink_to(tmp_path / "outside/secret")
    (inside / "circle").symlink_to(inside)
    (inside / "nowhere").symlink_to(tmp_path / "gone")
    assert names(inside) == ["a", "!circle", "!nowhere", "!out", "!secret"], (
        "each is told of, so that nothing is missing"
    )


def test_symbolic_links_are_followed_if_asked(tmp_path: Path) -> None:
    """Each folder once, whichever way leads there; so that circles have an end."""
    make(tmp_path, "outside/secret", "outside/more/b", "in/a", "in/x/c")
    inside = tmp_path / "in"
    (inside / "out").symlink_to(tmp_path / "outside")
    (inside / "secret").symlink_to(tmp_path / "outside/secret")
    (inside / "circle").symlink_to(inside)
    (inside / "nowhere").symlink_to(tmp_path / "gone")
    (inside / "x/up").symlink_to(tmp_path)
    (inside / "itself").symlink_to(inside / "itself")
    found = {os.path.relpath(os.fsdecode(e.path), inside): e for e in walk([os.fsencode(inside)], follow=True)}
    good = {name for name, each in found.items() if each.error is None}
    assert good == {"a", "secret", "out/secret", "out/more/b", "x/c"}
    assert {name: each.error.code for name, each in found.items() if each.error} == {
        "circle": "unsupported-format",
        "itself": "not-found",
        "nowhere": "not-found",
        "x/up/in": "unsupported-format",
        "x/up/outside": "unsupported-format",
    }
    assert all(open_and_close(found[name].path, found[name].named) for name in good)


def test_hard_links_are_two_names(tmp_path: Path) -> None:
    make(tmp_path, "a")
    (tmp_path / "b").hardlink_to(tmp_path / "a")
    assert names(tmp_path) == ["a", "b"]


def test_other_file_systems_are_left_out_if_asked(tmp_path: Path) -> None:
    make(tmp_path, "a")
    (tmp_path / "mounted").mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(tmp_path / "mounted")]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"needs to mount a file system: {error}")
    try:
        make(tmp_path, "mounted/b")
        assert names(tmp_path) == ["a", "mounted/b"]
        found = list(walk([os.fsencode(tmp_path)], one_file_system=True))
        assert [(os.path.basename(e.path), e.error and e.error.code) for e in found] == [
            (b"a", None),
            (b"mounted", "unsupported-format"),
        ]
        named = walk([os.fsencode(tmp_path / "mounted")], one_file_system=True)
        assert [os.path.basename(each.path) for each in named] == [b"b"]
    finally:
        subprocess.run(["umount", str(tmp_path / "mounted")], check=True)


def test_no_folder_s_access_time_changes(tmp_path: Path) -> None:
    make(tmp_path, "a/b/c")
    folders = [tmp_path, tmp_path / "a", tmp_path / "a/b"]
    for folder in folders:
        os.utime(folder, ns=(1, folder.stat().st_mtime_ns))
    before = [folder.stat() for folder in folders]
    if os.name == "nt" or not hasattr(os, "O_NOATIME"):
        pytest.skip("only Linux can read a folder without a trace")
    assert names(tmp_path) == ["a/b/c"]
    assert [(s.st_atime_ns, s.st_mtime_ns) for s in map(Path.stat, folders)] == [
        (s.st_atime_ns, s.st_mtime_ns) for s in before
    ]


def test_a_named_symbolic_link_is_taken(tmp_path: Path) -> None:
    make(tmp_path, "folder/a")
    (tmp_path / "to-folder").symlink_to(tmp_path / "folder")
    (tmp_path / "to-file").symlink_to(tmp_path / "folder/a")
    assert names(tmp_path / "to-folder") == ["a"]
    assert [each.path for each in walk([os.fsencode(tmp_path / "to-file")])] == [os.fsencode(tmp_path / "to-file")]


def test_names_that_are_no_text(tmp_path: Path) -> None:
    raw = [b"\xff\xfe.jpg", b"new\nline", b"\x1b[31m", b"\xd8\xa7\xff", b" "]
    folder = os.fsencode(tmp_path)
    for name in raw:
        with open(os.path.join(folder, name), "wb"):
            pass
    assert [each.path for each in walk([folder])] == [os.path.join(folder, name) for name in sorted(raw)]


@pytest.fixture
def unremovable(tmp_path: Path) -> Iterator[Path]:
    """A folder whose tree is too deep for pytest to remove; it is taken down level by level."""
    root = tmp_path / "deep"
    root.mkdir()
    yield root
    levels = 0
    here = os.open(root, os.O_RDONLY)
    while True:
        for entry in os.listdir(here):
            with contextlib.suppress(IsADirectoryError, PermissionError):
                os.unlink(entry, dir_fd=here)
        entries = os.listdir(here)
        if not entries:
            break
        below = os.open(entries[0], os.O_RDONLY, dir_fd=here)
        os.close(here)
        here, levels = below, levels + 1
    for _level in range(levels):
        above = os.open("..", os.O_RDONLY, dir_fd=here)
        for entry in os.listdir(above):
            os.rmdir(entry, dir_fd=above)
        os.close(here)
        here = above
    os.close(here)


def dig(root: Path, name: str, levels: int) -> None:
    """Folders inside folders, each with a file, deeper than a path can be written."""
    here = os.open(root, os.O_RDONLY)
    for _level in range(levels):
        os.close(os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=here))
        os.mkdir(name, dir_fd=here)
        below = os.open(name, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)


def test_deeper_than_python_can_recurse(unremovable: Path) -> None:
    levels = sys.getrecursionlimit() + 200
    dig(unremovable, "d", levels)
    found = list(walk([os.fsencode(unremovable)]))
    assert len(found) == levels
    assert not any(each.error for each in found)
    assert len(open_and_close(found[-1].path)) == 0


def test_deeper_than_a_path_may_be(unremovable: Path) -> None:
    """All are found and can be opened, and the deepest folder can be named."""
    dig(unremovable, "d" * 200, 30)
    found = list(walk([os.fsencode(unremovable)]))
    assert [each.error for each in found] == [None] * 30
    assert len(found[-1].path) > 5500
    for each in found:
        os.close(open_file(each.path)[0])
    with pytest.raises(MediaError, match="does not exist"):
        open_file(found[-1].path + b"2")
    deepest = os.path.dirname(found[-1].path)
    assert [each.path for each in walk([deepest, found[-1].path])] == [found[-1].path] * 2
    with pytest.raises(MediaError):
        open_file(b"a" * 5000)


def test_a_folder_that_may_not_be_read(tmp_path: Path, as_ordinary_user: OrdinaryUser) -> None:
    make(tmp_path, "closed/secret", "open/a", "z")
    for folder in (tmp_path, *tmp_path.parents):
        if folder.owner() != "root" or folder.stat().st_mode & 0o005 == 0:
            with contextlib.suppress(PermissionError):
                folder.chmod(folder.stat().st_mode | 0o005)
    (tmp_path / "closed").chmod(0)
    try:
        found = as_ordinary_user(lambda: [(e.path, e.error and e.error.code) for e in walk([os.fsencode(tmp_path)])])
    finally:
        (tmp_path / "closed").chmod(0o755)
    root = os.fsencode(tmp_path)
    assert found == [(root + b"/z", None), (root + b"/closed", "permission"), (root + b"/open/a", None)]


def test_walk_is_lazy(tmp_path: Path) -> None:
    """A million files are not listed before the first is worked on."""
    make(tmp_path, "a", "b/c")
    found = walk([os.fsencode(tmp_path)])
    assert next(found).path.endswith(b"/a")
    make(tmp_path, "b/d")
    assert [os.path.basename(each.path) for each in found] == [b"c", b"d"]


# Opening.


def open_and_close(path: bytes, follow: bool = True) -> bytes:
    descriptor, status = open_file(path, follow)
    with open(descriptor, "rb") as file:
        content = file.read()
    assert status.st_size == len(content)
    return content


def refused(path: Path) -> str:
    before = set(os.listdir("/proc/self/fd"))
    with pytest.raises(MediaError) as caught:
        open_file(os.fsencode(path))
    assert set(os.listdir("/proc/self/fd")) == before
    assert str(path) not in caught.value.message
    return caught.value.code


def test_open_regular_file(tmp_path: Path) -> None:
    make(tmp_path, "a")
    assert open_and_close(os.fsencode(tmp_path / "a")) == b"a"


def test_descriptor_is_for_reading_only_and_not_inherited(tmp_path: Path) -> None:
    make(tmp_path, "a")
    descriptor, status = open_file(os.fsencode(tmp_path / "a"))
    try:
        assert stat.S_ISREG(status.st_mode)
        assert not os.get_inheritable(descriptor)
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.write(descriptor, b"x")
    finally:
        os.close(descriptor)


def test_what_is_no_regular_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(tmp_path / "socket"))
        assert refused(tmp_path / "fifo") == "not-regular-file"  # and does not wait for someone to write to it
        assert refused(tmp_path / "socket") == "not-regular-file"
        assert refused(tmp_path) == "not-regular-file"
        assert refused(Path("/dev/null")) == "not-regular-file"
        assert names(tmp_path) == ["!fifo", "!socket"]  # the walk says so before anyone opens them
        assert {each.error and each.error.code for each in walk([os.fsencode(tmp_path)])} == {"unsupported-format"}


def test_open_what_is_not_there(tmp_path: Path) -> None:
    make(tmp_path, "a")
    assert refused(tmp_path / "none") == "not-found"
    assert refused(tmp_path / "a" / "b") == "not-found"
    (tmp_path / "nowhere").symlink_to(tmp_path / "none")
    assert refused(tmp_path / "nowhere") == "not-found"


def test_open_what_the_system_refuses(tmp_path: Path) -> None:
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    assert refused(tmp_path / "circle") in ("not-regular-file", "io-error")
    assert refused(tmp_path / ("x" * 300)) == "io-error"


def test_symbolic_links_are_followed_only_where_a_person_named_them(tmp_path: Path) -> None:
    """One that takes the place of a file between the walk and the opening would lead out of the evidence."""
    make(tmp_path, "a", "in/b")
    (tmp_path / "link").symlink_to(tmp_path / "a")
    path = os.fsencode(tmp_path / "link")
    os.close(open_file(path)[0])
    with pytest.raises(MediaError) as caught:
        open_file(path, follow=False)
    assert caught.value.code == "not-regular-file"
    os.close(open_file(os.fsencode(tmp_path / "a"), follow=False)[0])
    found = walk([os.fsencode(tmp_path / "link"), os.fsencode(tmp_path / "in")])
    assert [each.named for each in found] == [True, False]


def test_a_name_that_cannot_be() -> None:
    with pytest.raises(MediaError) as caught:
        open_file(b"nul\0byte")
    assert caught.value.code == "not-found"


def test_open_what_may_not_be_read(tmp_path: Path, as_ordinary_user: OrdinaryUser) -> None:
    make(tmp_path, "a")
    (tmp_path / "a").chmod(0)

    def attempt() -> str:
        try:
            open_file(os.fsencode(tmp_path / "a"))
        except MediaError as error:
            return error.code
        return "opened"

    # As another user than the owner, already the folders above may not be entered; that is the same code.
    assert as_ordinary_user(attempt) == "permission"


def test_reading_leaves_no_trace(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(bytes(10_000))
    os.utime(path, (1_000_000, 2_000_000))  # older than its change, so that even `relatime` would touch it
    path.read_bytes()
    if path.stat().st_atime == 1_000_000:
        pytest.skip("this file system keeps no access times")
    os.utime(path, (1_000_000, 2_000_000))
    before = path.stat()
    open_and_close(os.fsencode(path))
    after = path.stat()
    assert after.st_atime_ns == before.st_atime_ns == 1_000_000 * 10**9
    assert (after.st_mtime_ns, after.st_ctime_ns) == (before.st_mtime_ns, before.st_ctime_ns)


def test_a_file_of_another_owner_can_be_read(tmp_path: Path, as_ordinary_user: OrdinaryUser) -> None:
    """O_NOATIME is refused then; the file is opened without it."""
    path = Path("/etc/passwd")
    if not path.exists() or path.stat().st_uid != 0:
        pytest.skip("needs a readable file that is root's")
    content = path.read_bytes()
    assert as_ordinary_user(lambda: open_and_close(os.fsencode(path))) == content


# Reading and digests.


@given(parts=st.lists(st.binary(max_size=200), max_size=8))
def test_digests_are_those_of_hashlib(parts: list[bytes]) -> None:
    whole = b"".join(parts)
    result = digest(parts)
    assert result.md5 == hashlib.md5(whole).hexdigest()
    assert result.sha1 == hashlib.sha1(whole).hexdigest()
    assert result.sha256 == hashlib.sha256(whole).hexdigest()


def test_digests_of_a_well_known_text() -> None:
    """RFC 1321 and FIPS 180-4."""
    result = digest([b"a", b"", b"bc"])
    assert result.md5 == "900150983cd24fb0d6963f7d28e17f72"
    assert result.sha1 == "a9993e364706816aba3e25717850c26c9cd0d89d"
    assert result.sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_a_beat_for_each_part() -> None:
    beats: list[int] = []
    digest([b"a", b"b", b"c"], lambda: beats.append(1))
    assert len(beats) == 3


def test_a_long_file_is_read_in_parts(tmp_path: Path) -> None:
    content = os.urandom(CHUNK * 2 + 5)
    (tmp_path / "a").write_bytes(content)
    with open(tmp_path / "a", "rb") as file:
        file.seek(3)
        parts = list(chunks(file))
    assert b"".join(parts) == content[3:]
    assert max(map(len, parts)) == CHUNK


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (FileNotFoundError(2, "No such file"), "not-found"),
        (NotADirectoryError(20, "Not a directory"), "not-found"),
        (PermissionError(13, "Permission denied"), "permission"),
        (OSError(5, "Input/output error"), "io-error"),
        (OSError("odd"), "io-error"),
        (BlockingIOError(11, "Resource temporarily unavailable"), "io-error"),
    ],
)
def test_codes_of_the_system(error: OSError, code: str) -> None:
    assert os_error(error).code == code
    assert os_error(error).message


def test_found_says_nothing_wrong_by_itself() -> None:
    assert FoundPath(b"/a").error is None

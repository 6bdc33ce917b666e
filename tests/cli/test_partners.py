"""What partners send each other, command by command: how far it goes, whose word it is, and how it is taken back."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hashmatch.records import Opinion, Tlp
from hashmatch.store import open_store, opinions
from tests.support.command_line import Ran, run_command
from tests.support.made_references import ME, add, digests_of, measured, pdq
from tests.support.repository import FIXTURES

ARCHIVE, UPLOADS = FIXTURES / "archive", FIXTURES / "uploads"


def md5(name: str) -> str:
    return digests_of(name.encode()).md5


class Side:
    """A partner: a reference set, and keys of its own."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name, self.folder = name, folder
        self.db, self.keys = folder / "reference.db", folder / "keys"
        folder.mkdir()

    def __call__(self, *arguments: str | Path, code: int = 0) -> Ran:
        ran = run_command(*arguments, db=self.db, HASHMATCH_KEYS=str(self.keys))
        assert ran.code == code, ran.err
        return ran

    def add(self, *names: str, **membership: Any) -> None:
        with open_store(self.db, write=True) as store:
            for name in names:
                add(store, name, **membership)

    def shown(self, name: str) -> dict[str, Any]:
        (found,) = self("show", md5(name), "--format", "json").json
        assert isinstance(found, dict)
        return found

    def words(self, name: str) -> list[tuple[str, str, bool]]:
        """Each word on a reference: its collection and owner, and whether it stands."""
        return [(each["collection"], each["owner"], each["retracted"] is None) for each in self.shown(name)["sources"]]

    def stands(self, *names: str) -> list[str]:
        """Which of these still match."""
        return [name for name in names if self.shown(name)["live"]]

    def lists(self, *arguments: str, code: int = 0) -> Path:
        """Export a list to a new file."""
        path = self.folder / f"list {len(list(self.folder.iterdir()))}"
        self("export", "-o", path, *arguments, code=code)
        return path

    def writes(self, *entries: dict[str, Any]) -> Path:
        """Write a list by hand."""
        path = self.folder / f"list {len(list(self.folder.iterdir()))}"
        path.write_text("".join(json.dumps(entry) + "\n" for entry in entries), encoding="utf-8")
        return path

    def key(self) -> str:
        """Make a key, and return its public half."""
        self("keys", "make", self.name)
        return str(self("keys", "show", self.name, "--format", "json").json["public_key"])


@pytest.fixture
def side(tmp_path: Path) -> Callable[[str], Side]:
    return lambda name: Side(name, tmp_path / name)


Sides = Callable[[str], Side]


class TestHowFar:
    def indicators(self, *tags: str | None) -> dict[str, Any]:
        """An answer of ThreatExchange: an entry for each tag, or without one."""
        entries = [
            {
                "id": str(number),
                "indicator": md5(str(number)),
                "type": "HASH_MD5",
                "last_updated": 1_700_000_000,
                "should_delete": False,
                "descriptors": {"data": []},
                "tags": [tag] if tag else [],
            }
            for number, tag in enumerate(tags)
        ]
        return {"data": entries}

    def marks(self, side: Side, count: int) -> list[Tlp | None]:
        return [side.shown(str(number))["sources"][0]["tlp"] for number in range(count)]

    def test_what_an_interface_says_without_a_mark_is_for_its_members(self, side: Sides) -> None:
        tags = (None, "TLP:CLEAR", 'tlp:"amber"', "tlp:purple")
        east, west = side("east"), side("west")
        answer = east.writes(self.indicators(*tags))
        east("import", answer)
        assert self.marks(east, 4) == ["amber+strict", "clear", "amber", "amber+strict"]
        for most, count in (("green", 1), ("amber", 2), ("amber+strict", 4)):
            ran = east("export", "--max-tlp", most, code=int(count < 4))
            assert len(ran.lines) == 1 + count
        west("import", answer, "--default-tlp", "green")
        assert self.marks(west, 4) == ["green", "clear", "amber", "amber+strict"]

    def test_a_default_is_for_what_has_no_mark_in_any_list(self, side: Sides) -> None:
        west = side("west")
        west("import", west.writes({"md5": md5("0")}, {"md5": md5("1"), "tlp": "red"}), "--default-tlp", "amber")
        assert self.marks(west, 2) == ["amber", "red"]

    def test_what_is_left_out_names_the_option_that_would_change_it(self, side: Sides) -> None:
        east = side("east")
        east.add("a", "b", tlp="amber")
        east.add("c", collection="unmarked")
        ran = east("export", code=1)
        assert "0 entries written" in ran.err
        assert "2 left out: marked stricter than TLP:GREEN (--max-tlp lets them out)" in ran.err
        assert "1 left out: without a TLP mark (--unmarked lets them out)" in ran.err
        assert "left out" not in east("export", "--max-tlp", "amber", "--unmarked").err

    def test_no_part_of_a_picture_goes_out_as_a_whole_one(self, side: Sides) -> None:
        east = side("east")
        whole, photo, frame, inset = (pdq(name) for name in ("card", "a stock photo on it", "frame", "inset"))
        with open_store(east.db, write=True) as store:
            add(store, measured("card", (whole, replace(photo, view="part1"))), tlp="green")
            film = (replace(frame, time=1.0), replace(inset, time=1.0, view="part1"))
            add(store, measured("film", film, "video"), tlp="green")
        for form in ("pdq", "tx-lines", "tx-csv", "vpdq", "vpdq-text"):
            out = east("export", "--format", form, code=int(form.startswith("vpdq"))).out
            assert photo.hex not in out and inset.hex not in out, form
            assert frame.hex in out and (whole.hex in out) != form.startswith("vpdq"), form
        out = east("export").out
        assert photo.hex in out and inset.hex in out


class TestWhatAListGave:
    NAMES = ("kept", "marked", "retracted", "unlabelled", "moved")

    def changed(self, east: Side) -> None:
        """Retract one, mark one more strictly, take a label from one, and retract one from the collection of the list."""
        east("retract", md5("retracted"), "--reason", "a mistake")
        east.add("marked", collection="another", tlp="red")
        east("label", md5("unlabelled"), "--remove", "x")
        east.add("moved", collection="another", tlp="green")
        east("retract", md5("moved"), "--collection", "one")

    @pytest.mark.parametrize("form", ["jsonl", "csv", "stix", "misp"])
    def test_and_would_not_give_now_is_withdrawn(self, side: Sides, form: str) -> None:
        east, west = side("east"), side("west")
        east.add(*self.NAMES, tlp="green", labels=("x",))
        given = "--list", "e", "--collection", "one", "--label", "x", "--format", form
        west("import", east.lists(*given))
        assert west.stands(*self.NAMES) == list(self.NAMES)
        self.changed(east)
        second = east.lists(*given, "--since", "1", code=1)  # one is left out by its mark
        assert "4 retracted" in west("import", second).err
        assert west.stands(*self.NAMES) == ["kept"]
        assert west("import", second).err.count("retracted") == 0, "it is said once"
        east("restore", md5("retracted"))
        east("label", md5("unlabelled"), "--add", "x")
        third = east.lists(*given, "--since", "2")
        assert "2 restored" in west("import", third).err
        assert west.stands(*self.NAMES) == ["kept", "retracted", "unlabelled"]

    def test_is_told_of_where_a_format_cannot_withdraw(self, side: Sides) -> None:
        east = side("east")
        east.add(*self.NAMES, tlp="green", labels=("x",))
        given = "export", "--list", "e", "--collection", "one", "--label", "x", "--format", "pdq"
        east(*given)
        self.changed(east)
        ran = east(*given, code=1)
        assert (
            "that this list gave before are to be withdrawn, which pdq cannot express: tell those who have it"
            in ran.err
        )
        assert ran.out == pdq("kept").hex + "\n"

    @pytest.mark.parametrize("bare, live", [("md5sum", (2, 1, 2)), ("pdq", (2, 2, 3))])  # one is there by its PDQ, too
    def test_in_a_format_that_cannot_withdraw_is_withdrawn_in_another(
        self, side: Sides, bare: str, live: tuple[int, int, int]
    ) -> None:
        east, west = side("east"), side("west")
        west("keys", "add", "east", east.key())
        east.add("kept", "wrong", tlp="green")
        given = "--list", "e", "--sign", "east", "--format"
        west("import", east.lists(*given, bare))
        assert west("list").out.count(" live ") == live[0]
        east("retract", md5("wrong"))
        assert "1 retracted" in west("import", east.lists(*given, "jsonl")).err
        assert west.stands("kept", "wrong") == ["kept"]
        assert west("list").out.count(" live ") == live[1]
        east("restore", md5("wrong"))
        assert "1 restored" in west("import", east.lists(*given, bare)).err
        assert west("list").out.count(" live ") == live[2]

    def test_is_disputed_where_a_format_can_say_that(self, side: Sides) -> None:
        east = side("east")
        east.add("kept", "retracted", tlp="green")
        given = "export", "--list", "e", "--format", "tx-csv"
        assert "DISPUTED" not in east(*given).out
        east("retract", md5("retracted"))
        (row,) = [line for line in east(*given).out.splitlines() if pdq("retracted").hex in line]
        assert row.split(",")[3] == "DISPUTED"


class TestWhoseWord:
    def test_two_of_one_name_are_two(self, side: Sides) -> None:
        """Nobody takes a name first: not the one who comes first, and not the one who signs."""
        east, west, here = side("east"), side("west"), side("here")
        key = east.key()
        here("keys", "add", "east", key)
        for each in (east, west):
            each.add("file", collection="default", tlp="green")
        here.add("file", collection="default", tlp="green")
        here("import", west.lists())
        here("import", east.lists("--sign", "east"))
        (ours, wests, easts) = here.words("file")
        assert ours == ("default", "", True) and easts == ("default", key, True)
        assert wests[0] == "default" and wests[1].startswith("origin:") and wests[2]
        west("retract", md5("file"))
        assert "1 disputed" in here("import", west.lists()).err
        assert here.words("file") == [ours, (*wests[:2], False), easts], "the words of the others stand"
        table = here("collections").out
        assert table.count("default") == 3 and "east" in table

    def test_an_opinion_is_of_who_tells_it(self, side: Sides) -> None:
        here, senders = side("here"), [side("east"), side("south")]
        here.add("file", collection="ours")
        keys = [each.key() for each in senders]
        for each, key in zip(senders, keys, strict=True):
            here("keys", "add", each.name, key)
            each.add("file", collection="ours", tlp="green")
        # Both are called `review` by default, and one says something in the other's name.
        with open_store(senders[0].db, write=True) as store, store.transaction() as connection:
            opinions.give(connection, ME, 1, Opinion("confirmed", "review"))
        with open_store(senders[1].db, write=True) as store, store.transaction() as connection:
            for source in ("review", "east"):
                opinions.give(connection, ME, 1, Opinion("disputed", source))
        for each in senders:
            here("import", each.lists("--sign", each.name))
        told = {(each["owner"], each["source"]): each["opinion"] for each in here.shown("file")["opinions"]}
        assert told == {
            (keys[0], "review"): "confirmed",
            (keys[1], "review"): "disputed",
            (keys[1], "east"): "disputed",
        }
        text = here("show", md5("file")).out
        assert "disputed, east, told by south" in text and "confirmed, review, told by east" in text

    def test_a_restore_takes_a_dispute_back_everywhere(self, side: Sides) -> None:
        east, here, west = side("east"), side("here"), side("west")
        east.add("file", tlp="green")
        given = east.lists()
        here("import", given)
        west("import", given)
        here("retract", md5("file"), "--reason", "a news report")
        west("import", here.lists("--list", "h"))
        assert [each["opinion"] for each in west.shown("file")["opinions"]] == ["disputed"]
        assert west.stands("file") == ["file"], "the partner's own list counts"
        here("restore", md5("file"))
        west("import", here.lists("--list", "h", "--since", "1"))
        assert west.shown("file")["opinions"] == []
        here("retract", md5("file"))
        west("import", here.lists("--list", "h", "--since", "2"))
        assert [each["opinion"] for each in west.shown("file")["opinions"]] == ["disputed"]

    def test_any_digest_finds_the_reference_under_the_word_that_brought_it(self, side: Sides) -> None:
        here = side("here")
        upload = UPLOADS / "clean" / "aquarium.jpg"
        known = run_command("hash", upload, "--format", "json").json[0]
        here("import", here.writes({"collection": "a", "md5": known["md5"]}))
        word = {"collection": "b", "md5": known["md5"], "sha256": known["sha256"], "size": known["size"]}
        assert "1 known" in here("import", here.writes(word)).err
        (stated,) = here("show", "1", "--format", "json").json[0]["stated"]
        assert (stated["collection"], stated["sha256"], stated["size"]) == ("b", known["sha256"], known["size"])
        (result,) = here("scan", upload, "--format", "jsonl", code=1).lines
        assert (result["tier"], result["matches"][0]["algorithm"]) == ("exact", "sha256")
        gone = {"collection": "b", "sha256": known["sha256"], "retracted": "2099-01-01T00:00:00Z"}
        here("import", here.writes(gone))
        (result,) = here("scan", upload, "--format", "jsonl", code=1).lines
        assert result["matches"][0]["algorithm"] == "md5", "which is a's word"

    @pytest.mark.parametrize("by", ["pdq", "md5"])
    def test_a_statement_reaches_every_reference_that_has_it(self, side: Sides, by: str) -> None:
        here = side("here")
        both = {
            "pdq": {"hashes": [{"algorithm": "pdq", "hash": pdq("picture").hex, "quality": 100}]},
            "md5": {"md5": md5("picture")},
        }
        entries = [{"collection": "a", "sha256": each * 64, **both[by]} for each in "12"]
        here("import", here.writes(*entries))
        ran = here("import", here.writes({"collection": "a", **both[by], "retracted": "2099-01-01T00:00:00Z"}))
        assert "it is about 2 references: #1, #2" in ran.err and "1 about several references" in ran.err
        # By its hash alone, it is also a tombstone, so that an older word on the hash alone does not revive it.
        assert here("list", "--retracted").out.count("\n") == (3 if by == "pdq" else 2)

    def test_what_has_expired_matches_no_more(self, side: Sides) -> None:
        here = side("here")
        uploads = sorted((UPLOADS / "clean").glob("*.jpg"))[:2]
        objects = [
            {
                "type": "indicator",
                "id": f"indicator--00000000-0000-4000-8000-00000000000{number}",
                "created": "2020-01-01T00:00:00Z",
                "modified": "2020-01-01T00:00:00Z",
                "pattern_type": "stix",
                "spec_version": "2.1",
                "valid_from": "2020-01-01T00:00:00Z",
                "valid_until": until,
                "pattern": f"[file:hashes.MD5 = '{digests_of(upload.read_bytes()).md5}']",
            }
            for number, (upload, until) in enumerate(
                zip(uploads, ("2021-01-01T00:00:00Z", "2099-01-01T00:00:00Z"), strict=True)
            )
        ]
        here("import", here.writes({"type": "bundle", "id": "bundle--1", "objects": objects}))
        results = here("scan", *uploads, "--format", "jsonl", code=1).lines
        told = {each["path"]: each["status"] for each in results}
        assert [told[str(upload)] for upload in uploads] == ["clean", "match"]
        assert "#1  ?  expired" in here("show", "1").out


class TestTheAllowListOfOthers:
    def test_waits_for_a_person(self, side: Sides) -> None:
        east, here = side("east"), side("here")
        upload, original = UPLOADS / "small.jpg", ARCHIVE / "towns" / "night-city.heic"
        here("index", original, "--collection", "seized")
        # Both by likeness and by the same bytes, somebody says that it is legitimate.
        told = {"collection": "news", "allow": True}
        hashed = run_command("hash", original, "--format", "json").json[0]
        bytes_of = run_command("hash", upload, "--format", "json").json[0]
        like = {
            "kind": "image",
            "hashes": [{"algorithm": "pdq", "hash": bytes_of["hashes"][0]["hash"], "quality": 100}],
        }
        listed = east.writes({**told, "sha256": hashed["sha256"]}, {**told, **like})
        ran = here("import", listed)
        assert "2 waiting for a person to allow (`hashmatch allow --pending`)" in ran.err
        assert "--allow" not in ran.err.replace("`hashmatch allow --pending`", "")
        for path in (upload, original):
            assert here("scan", path, "--format", "jsonl", code=1).lines[0]["status"] == "match"
        waiting = here("allow", "--pending")
        assert waiting.out.splitlines() == ["#1  news, unsigned, others call it propaganda", "#2  news, unsigned"]
        told = here("scan", upload, code=1).out
        assert "on the allow list by others' word only (`hashmatch allow` agrees)" in told
        assert here("list").out.count("pending") == 1
        here("allow", "2")
        assert here("scan", upload, "--format", "jsonl").lines[0]["status"] == "allowed"
        assert here("scan", original, "--format", "jsonl", code=1).lines[0]["status"] == "match"
        assert here("allow", "--pending").out.count("\n") == 1
        here("allow", "1", "--off")
        assert here("allow", "--pending").out == ""

    def test_counts_where_its_signer_is_trusted_for_it(self, side: Sides) -> None:
        east, here = side("east"), side("here")
        here("keys", "add", "east", east.key())
        east.add("news", "known", tlp="green", allow=True)
        here.add("known", collection="seized")
        here("keys", "trust", "east", "--allow")
        ran = here("import", east.lists("--sign", "east"))
        assert "1 on the allow list" in ran.err and "1 waiting" in ran.err
        assert [here.shown(name)["allow"] for name in ("news", "known")] == [True, False], "it overrides nobody"
        assert not here.shown("news")["pending"]
        here("keys", "trust", "east", "--allow", "--off")
        assert here.shown("news")["pending"]

    def test_ours_goes_out_as_ours(self, side: Sides) -> None:
        east, here, west = side("east"), side("here"), side("west")
        key = here.key()
        west("keys", "add", "here", key)
        east.add("news", tlp="green")
        here("import", east.lists())
        here("allow", md5("news"))
        west("import", here.lists("--sign", "here"))
        ours, theirs = (
            next(each for each in west.shown("news")["sources"] if bool(each["author"]) == passed_on)
            for passed_on in (False, True)
        )
        assert (ours["owner"], ours["allow"], ours["collection"]) == (key, True, "allowed")
        assert theirs["author"].startswith("origin:") and not theirs["allow"], "and east's word stays east's"
        here("allow", md5("news"), "--off")
        assert "1 disputed" in west("import", here.lists("--sign", "here")).err
        assert [each["retracted"] is None for each in west.shown("news")["sources"]] == [False, True]
        # The same in one step.
        other = side("other")
        other("import", east.lists(), "--allow")
        assert [(each["collection"], each["allow"]) for each in other.shown("news")["sources"]] == [
            ("allowed", True),
            ("one", False),
        ]
        assert other.shown("news")["allow"]

    def test_what_a_person_says_with_the_import_waits_for_nobody(self, side: Sides) -> None:
        here = side("here")
        ran = here("import", here.writes({"md5": md5("a")}), "--allow")
        assert "1 on the allow list" in ran.err and "waiting" not in ran.err and "--allow" not in ran.err
        here.add("b", collection="seized")
        ran = here("import", here.writes({"md5": md5("b")}), "--allow")
        assert "1 on the allow list" in ran.err and here.shown("b")["allow"]


class TestKeysThatChangeHands:
    def start(self, side: Sides) -> tuple[Side, Side, Path]:
        """Two partners, one of which has a list of the other, and a newer list that the old key signed."""
        east, here = side("east"), side("here")
        here("keys", "add", "east", east.key())
        east.add("one", "two", tlp="green")
        here("import", east.lists("--sign", "east"))
        east("retract", md5("one"))
        east("keys", "make", "new")
        here("keys", "add", "new", east("keys", "show", "new", "--format", "json").json["public_key"])
        return east, here, east.lists("--sign", "east")

    @pytest.mark.parametrize("is_lost", [False, True])
    def test_what_the_old_one_said_is_the_word_of_the_new_one(self, side: Sides, is_lost: bool) -> None:
        east, here, by_old = self.start(side)
        statement = east.folder / "statement"
        east("keys", "hand-over", "east", "new", "--write", statement)
        told = here("keys", "hand-over", "east", "new", *([] if is_lost else ["--statement", statement])).err
        assert ("your own decision" in told) == is_lost
        (entry,) = [
            json.loads(line) for line in here("log", "--format", "jsonl").out.splitlines() if "hand over" in line
        ]
        assert (entry["detail"]["statement"] is None) == is_lost
        assert "which was handed over to new" in here("import", by_old, code=2).err
        assert here.stands("one", "two") == ["one", "two"]
        here("import", east.lists("--list", "hashmatch", "--since", "1", "--sign", "new"))
        assert here.stands("one", "two") == ["two"]
        assert {owner for _collection, owner, _live in here.words("two")} == {
            here("keys", "show", "new", "--format", "json").json["public_key"]
        }

    def test_a_statement_of_somebody_else_changes_nothing(self, side: Sides) -> None:
        _east, here, by_old = self.start(side)
        west = side("west")
        west("keys", "make", "west")
        for name in ("east", "new"):
            public = here("keys", "show", name, "--format", "json").json["public_key"]
            west("keys", "add", name, public)
        statement = west.folder / "statement"
        west("keys", "hand-over", "west", "new", "--write", statement)
        here("keys", "hand-over", "east", "new", "--statement", statement, code=2)
        here("import", by_old)
        assert here.stands("one", "two") == ["two"], "the old key still counts"


class TestMessages:
    def test_an_opinion_about_what_is_not_known_retracts_nothing(self, side: Sides) -> None:
        here = side("here")
        said = here.writes({"md5": md5("a"), "opinions": [{"opinion": "false-positive"}]})
        told = here("import", said).err
        assert "1 withdrawn that never came" in told and "1 retracted" not in told

    def test_what_is_in_a_collection_is_not_new_to_it(self, side: Sides) -> None:
        here = side("here")
        listed = here.writes({"md5": md5("a"), "collection": "east"})
        assert ": 1 new" in here("import", listed).err
        again = here("import", listed).err
        assert ": 1 known\n" in again and "new" not in again.partition(":")[2]

    def test_quiet_is_quiet(self, side: Sides) -> None:
        east, here = side("east"), side("here")
        east.add("a", "b", tlp="green")
        east.add("c", collection="unmarked")
        listed = east.folder / "listed"
        assert east("--quiet", "export", "-o", listed, code=1).err == ""
        assert here("--quiet", "import", listed).err == here("--quiet", "import", listed).err == ""
        assert here("--quiet", "allow", "--pending").err == here("--quiet", "retract", md5("a")).err == ""

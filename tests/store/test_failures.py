"""How the database keeps why a file could not be hashed."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from hashmatch import i18n
from hashmatch.messages import Message
from hashmatch.records import Failure
from hashmatch.report import as_json
from hashmatch.store import Store, failures, lookup, open_store, verify
from tests.support.made_references import add, make_older, measured

EMPTY = Failure("corrupt", Message.of("empty"))
CUT = Failure("partial", Message.of("damaged-or-cut-off", why="47 bytes مقطوع"))
LARGE = Failure("too-large", Message.of("size-limit", size=2_000_000, limit=1_000_000))
SLOW = Failure("timeout", Message.of("no-progress", seconds=0.5))
FOREIGN = Failure("io-error", Message.literal("Input/output error"))


@pytest.fixture(autouse=True)
def english_again() -> Iterator[None]:
    yield
    i18n.activate(None)


@pytest.mark.parametrize("failure", [EMPTY, CUT, LARGE, SLOW, FOREIGN, None])
def test_comes_back_as_it_was(failure: Failure | None) -> None:
    assert failures.unpacked(*failures.packed(failure)) == failure


def columns(store: Store) -> list[tuple[object, ...]]:
    return store.connection.execute(f"SELECT {failures.COLUMNS} FROM reference ORDER BY id").fetchall()


def test_no_sentence_of_ours_is_kept(store: Store) -> None:
    i18n.activate("ar")
    for name, failure in {"empty": EMPTY, "cut": CUT, "foreign": FOREIGN}.items():
        add(store, measured(name, (), error=failure))
    assert columns(store) == [
        ("corrupt", None, "empty", "{}"),
        (
            "partial",
            None,
            "damaged-or-cut-off",
            '{"why":"47 bytes مقطوع"}',
        ),
        ("io-error", "Input/output error", None, None),
    ]


def test_a_message_of_a_newer_version_is_shown_as_far_as_it_can_be(store: Store) -> None:
    add(store, measured("a", (), error=EMPTY))
    store.connection.execute("UPDATE reference SET error_detail = 'worn-out', error_parameters = '{\"age\": 7}'")
    found = lookup.reference(store.connection, 1).error
    assert found is not None and found.message == "worn-out age=7"


@pytest.mark.parametrize(
    "parameters",
    [
        "{",
        "[1]",
        "null",
        "[" * 100_000,
        '{"size": null, "limit": [1]}',
        '{"size": true, "limit": 1}',
        '{"size": NaN, "limit": Infinity}',
        '{"size": 1e999, "limit": 1}',
        '{"size": 1, "limit": 9223372036854775808}',
        '{"size": 1, "limit": "\\ud800"}',
    ],
)
def test_parameters_that_we_never_write_are_left_out(store: Store, parameters: str) -> None:
    """The database may be damaged, or another's."""
    add(store, measured("a", (), error=LARGE))
    store.connection.execute("UPDATE reference SET error_parameters = ?", (parameters,))
    found = lookup.reference(store.connection, 1).error
    assert found is not None and found.message == "size-limit"
    hash(found)
    as_json.dump(as_json.failure(found), io.BytesIO())


class TestOlder:
    """A database of version 7, which kept sentences, in Arabic where that was the language in force."""

    @pytest.fixture
    def older(self, path: Path) -> Path:
        def fill(store: Store) -> None:
            add(store, measured("a", (), error=Failure("corrupt", Message.literal("فارغ"))))
            add(store, measured("b", partial=True, error=Failure("partial", Message.literal("its end is missing"))))
            add(store, "c")

        make_older(path, 7, fill)
        return path

    def test_sentences_stay(self, older: Path) -> None:
        for language in (None, "ar"):
            i18n.activate(language)
            with open_store(older) as store:
                found = [lookup.reference(store.connection, number).error for number in (1, 2, 3)]
                assert [each and each.message for each in found] == ["فارغ", "its end is missing", None]
                assert [each and each.code for each in found] == ["corrupt", "partial", None]

    def test_what_is_written_from_now_on_is_a_code(self, older: Path) -> None:
        with open_store(older, write=True) as store:
            add(store, measured("d", (), error=LARGE))
            assert columns(store) == [
                ("corrupt", "فارغ", None, None),
                ("partial", "its end is missing", None, None),
                (None, None, None, None),
                ("too-large", None, "size-limit", '{"limit":1000000,"size":2000000}'),
            ]
            assert list(verify.check(store)) == []
            # A file that is tried again gets rid of its old sentence.
            add(store, "a")
            assert lookup.reference(store.connection, 1).error is None
            assert columns(store)[0] == (None, None, None, None)

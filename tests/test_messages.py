"""Messages about files: a code with parameters, in whatever language they are read."""

from __future__ import annotations

import ast
import pickle
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo

from docs.make_messages import PACKAGE, template
from hashmatch.i18n import DOMAIN, activate
from hashmatch.messages import LITERAL, TEXTS, Message, placeholders


@pytest.fixture(autouse=True)
def english_again() -> Iterator[None]:
    yield
    activate(None)


@pytest.fixture
def speak(tmp_path: Path) -> Iterator[None]:
    """Have a language in force with some translations, a broken one among them."""
    catalogue = Catalog()
    catalogue.add(TEXTS["empty"], "c'est vide")
    catalogue.add(TEXTS["size-limit"], "limite {limit:,}, taille {size:,}")
    catalogue.add(TEXTS["cannot-be-decoded"], "illisible : {reason}")
    catalogue.add(TEXTS["end-missing"], "{")
    catalogue.add(TEXTS[LITERAL], "never used")
    target = tmp_path / "fr" / "LC_MESSAGES" / f"{DOMAIN}.mo"
    target.parent.mkdir(parents=True)
    with target.open("wb") as out:
        write_mo(out, catalogue)
    activate("fr", tmp_path)
    yield


def calls() -> Iterator[tuple[str, ast.Call]]:
    """Each Message.of(…) of the package, with the place where it stands."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match node:
                case ast.Call(func=ast.Attribute(value=ast.Name(id="Message"), attr="of")):
                    yield f"{path.relative_to(PACKAGE)}:{node.lineno}", node


class TestTexts:
    def test_every_message_has_a_text_and_what_its_placeholders_need(self) -> None:
        used = set[str]()
        for place, call in calls():
            (code,) = call.args
            assert isinstance(code, ast.Constant) and code.value in TEXTS, place
            assert placeholders(TEXTS[code.value]) == {keyword.arg for keyword in call.keywords}, place
            used.add(code.value)
        assert used == TEXTS.keys() - {LITERAL}

    def test_translators_find_them(self) -> None:
        assert set(TEXTS.values()) - {TEXTS[LITERAL]} <= {message.id for message in template(DOMAIN)}

    @pytest.mark.parametrize("code", TEXTS)
    def test_codes_and_placeholders_are_names(self, code: str) -> None:
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", code)
        assert all(name.isidentifier() for name in placeholders(TEXTS[code]))


class TestMessage:
    def test_is_made_when_it_is_shown(self, speak: None) -> None:
        empty, size = Message.of("empty"), Message.of("size-limit", size=2000, limit=1000)
        assert (str(empty), str(size)) == ("c'est vide", "limite 1,000, taille 2,000")
        activate(None)
        assert (str(empty), str(size)) == ("is empty", "2,000 bytes are more than the limit of 1,000")

    def test_is_english_where_there_is_no_translation_or_a_broken_one(self, speak: None) -> None:
        assert str(Message.of("no-frames")) == "has no frames"
        assert str(Message.of("cannot-be-decoded", why="x")) == "cannot be decoded: x"
        assert str(Message.of("end-missing")) == "its end is missing"

    def test_words_of_others_stay_as_they_are(self, speak: None) -> None:
        for text in ("is empty", "", "{why} %s {", "فارغ"):
            assert str(Message.literal(text)) == text
            assert str(Message.of("decoder-failed", error=text)) == f"the decoder failed: {text}"

    def test_of_a_newer_version_shows_what_there_is(self) -> None:
        newer = Message("too-many-wheels", (("limit", 4), ("why", "x")))
        assert str(newer) == "too-many-wheels limit=4 why=x"
        assert str(Message("frame-limit", (("limit", "many"),))) == "frame-limit limit=many"

    @pytest.mark.parametrize(
        ("code", "parameters"),
        [("no-such", {}), ("empty", {"why": "x"}), ("frame-limit", {}), ("frame-limit", {"limit": "x"})],
    )
    def test_of_us_is_refused_where_it_does_not_fit(self, code: str, parameters: dict[str, str]) -> None:
        with pytest.raises(ValueError, match="no such message"):
            Message.of(code, **parameters)

    def test_can_be_compared_and_sent_to_another_process(self) -> None:
        message = Message.of("size-limit", size=1, limit=2)
        assert message == Message.of("size-limit", limit=2, size=1) == pickle.loads(pickle.dumps(message))
        assert len({message, Message.of("size-limit", limit=2, size=1)}) == 1


class TestOfStrangers:
    @pytest.mark.parametrize(
        "message",
        [
            Message.of("empty"),
            Message.of("cannot-be-decoded", why="x" * 50),
            Message.of("no-progress", seconds=1.5),
            Message.literal("x" * 100),
        ],
        ids=str,
    )
    def test_sound(self, message: Message) -> None:
        assert message.is_sound(100)

    @pytest.mark.parametrize(
        "message",
        [
            Message("no-such-message"),
            Message("empty", (("why", "x"),)),
            Message("cannot-be-decoded"),
            Message("cannot-be-decoded", (("why", "x"), ("why", "x"))),
            Message("size-limit", (("size", 2), ("limit", 1))),
            Message("cannot-be-decoded", (("why", None),)),  # type: ignore[arg-type]
            Message("cannot-be-decoded", (("why", True),)),
            Message("frame-limit", (("limit", "x"),)),
            Message("frame-limit", (("limit", 10**5000),)),
            Message("no-progress", (("seconds", float("inf")),)),
            Message.literal("x" * 101),
        ],
        ids=lambda message: message.code,
    )
    def test_not_sound(self, message: Message) -> None:
        assert not message.is_sound(100)

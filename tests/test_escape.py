"""What an enemy named a file does nothing to a terminal nor to a spreadsheet, and can still be told apart."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hashmatch.escape import for_json, for_spreadsheet, for_terminal
from tests.support.harmless_text import JOINERS, harmless

BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"

#: Any text, with what is dangerous in it often; and any bytes, mostly UTF-8.
texts = st.text(
    st.characters() | st.sampled_from("\\x0123456789abcdefu\x1b\x9b\x00\n\r\u2028\u00ad\ufeff" + BIDI + JOINERS)
)
names = texts.map(lambda text: text.encode("utf-8", "surrogatepass")) | st.binary()


class TestForTerminal:
    @pytest.mark.parametrize(
        ("text", "shown"),
        [
            ("", ""),
            ("plain name (1).jpg", "plain name (1).jpg"),
            ("صورة.jpg", "صورة.jpg"),
            ("日本 – ﷽ – e\u0301", "日本 – ﷽ – e\u0301"),
            ("می\u200cخواهم", "می\u200cخواهم"),
            ("a\nb\tc\rd", r"a\nb\tc\rd"),
            ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
            ("photo\u202egpj.exe", r"photo\u202egpj.exe"),
            ("\u2066\u2069\ufeff\u2028", r"\u2066\u2069\ufeff\u2028"),
            ("C:\\x1b", r"C:\\x1b"),
            ("\U000e0041", r"\U000e0041"),
            (b"plain", "plain"),
            ("صورة".encode(), "صورة"),
            (b"\xff\xfe", r"\xff\xfe"),
            (b"caf\xe9.jpg", r"caf\xe9.jpg"),
            (b"\\xff", r"\\xff"),
            (b"\x1b[31m", r"\x1b[31m"),
        ],
    )
    def test_examples(self, text: str | bytes, shown: str) -> None:
        assert for_terminal(text) == shown

    @given(texts | names)
    def test_nothing_in_it_acts(self, text: str | bytes) -> None:
        assert harmless(for_terminal(text))

    @pytest.mark.parametrize("character", [*map(chr, range(0x20)), "\x7f", *map(chr, range(0x80, 0xA0)), *BIDI])
    def test_no_control_character_gets_through(self, character: str) -> None:
        for shown in (for_terminal(character), for_terminal(character.encode())):
            assert re.fullmatch(r"\\[a-z0-9]+", shown)

    @given(names, names)
    @example(b"\x9b", "\x9b".encode())
    @example(b"\xad.jpg", "\u00ad.jpg".encode())
    @example(b"\xff", b"\\xff")
    @example(b"\n", b"\\n")
    def test_different_names_look_different(self, one: bytes, other: bytes) -> None:
        assert (for_terminal(one) == for_terminal(other)) == (one == other)

    def test_each_byte_and_each_character_has_a_look_of_its_own(self) -> None:
        # One byte that is no text, beside every character that is shown by its number.
        alone = [bytes([byte]) for byte in range(256)]
        characters = [chr(number).encode() for number in range(0x80, 0x250)]
        shown = {for_terminal(name) for name in alone + characters}
        assert len(shown) == len(set(alone + characters))

    @given(texts)
    def test_text_and_its_bytes_look_the_same(self, text: str) -> None:
        if not any("\ud800" <= char <= "\udfff" for char in text):
            assert for_terminal(text) == for_terminal(text.encode())


class TestForSpreadsheet:
    @pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])
    def test_what_a_spreadsheet_would_run_is_guarded(self, start: str) -> None:
        assert for_spreadsheet(start + "cmd|' /C calc'!A0") == "'" + start + "cmd|' /C calc'!A0"

    @pytest.mark.parametrize("text", ["", "a", "a=b", "1", "صورة", " =x"])
    def test_other_text_stays(self, text: str) -> None:
        assert for_spreadsheet(text) == text


class TestForJson:
    @given(texts)
    @example("\x7f")
    def test_is_the_same_json_with_nothing_in_it_that_acts(self, text: str) -> None:
        made = for_json(json.dumps({text: [text]}, ensure_ascii=False))
        assert json.loads(made) == {text: [text]}
        assert harmless(made)
        made.encode("utf-8")  # also of half a character

    def test_what_can_be_read_stays(self) -> None:
        assert for_json('"صورة می\u200cخواهم 日本"') == '"صورة می\u200cخواهم 日本"'
        assert for_json('"\u202egpj.exe \x9b \U000e0041"') == r'"\u202egpj.exe \u009b \udb40\udc41"'

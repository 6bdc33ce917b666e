"""The records that travel: what they promise to every part that uses them."""

from __future__ import annotations

import dataclasses
import itertools
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashmatch import errors, records
from hashmatch.errors import MediaError
from hashmatch.messages import Message
from hashmatch.records import TLP_ORDER, BadLine, Digests, Failure, Fingerprint, Hash, ListItem, strictest

RECORDS = [
    Digests("0" * 32, "1" * 40, "2" * 64),
    Hash("pdq", bytes(32), 7, 1.5, "top", 1),
    Failure("corrupt", Message.literal("broken")),
    Fingerprint("image", 3, hashes=(Hash("pdq", bytes(32)),), error=Failure("partial", Message.literal("cut off"))),
    ListItem("video", hashes=(Hash("pdq", bytes(32)),), labels=("x",)),
    BadLine(3, "nonsense"),
]


class TestStrictest:
    def test_order_is_that_of_tlp_2(self) -> None:
        assert TLP_ORDER == ("clear", "green", "amber", "amber+strict", "red")
        for one, other in itertools.combinations(TLP_ORDER, 2):
            assert strictest(one, other) == strictest(other, one) == other

    def test_no_mark_is_weaker_than_any(self) -> None:
        assert strictest() is strictest(None) is strictest(None, None) is None
        for mark in TLP_ORDER:
            assert strictest(None, mark) == strictest(mark, None) == mark

    @given(st.lists(st.sampled_from([None, *TLP_ORDER])), st.lists(st.sampled_from([None, *TLP_ORDER])))
    def test_of_all_is_that_of_the_parts(self, one: list[records.Tlp | None], other: list[records.Tlp | None]) -> None:
        assert strictest(*one, *other) == strictest(strictest(*one), strictest(*other))


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
class TestEveryRecord:
    def test_cannot_be_changed(self, record: object) -> None:
        for field in dataclasses.fields(record):  # type: ignore[arg-type]
            with pytest.raises(dataclasses.FrozenInstanceError):
                setattr(record, field.name, None)

    def test_can_be_sent_to_another_process(self, record: object) -> None:
        assert pickle.loads(pickle.dumps(record)) == record

    def test_can_be_compared_and_counted(self, record: object) -> None:
        again = pickle.loads(pickle.dumps(record))
        assert len({record, again}) == 1


def test_hex_is_lower_case_and_first_bit_first() -> None:
    assert Hash("x", b"\x80\xab\x00\x01").hex == "80ab0001"


class TestMediaError:
    @pytest.mark.parametrize("code", errors.CODES)
    def test_survives_the_way_between_processes(self, code: str) -> None:
        error = MediaError(code, Message.literal("a line"))
        again = pickle.loads(pickle.dumps(error))
        assert (again.code, again.message, str(again)) == (code, "a line", "a line")

    def test_has_only_codes_that_are_promised(self) -> None:
        with pytest.raises(AssertionError):
            MediaError("no-such-code", Message.literal("a line"))

    def test_codes_are_those_of_the_interface(self) -> None:
        assert set(errors.CODES) == {
            "not-found",
            "not-regular-file",
            "permission",
            "too-large",
            "unsupported-format",
            "corrupt",
            "partial",
            "encrypted",
            "nothing-to-compare",
            "timeout",
            "out-of-memory",
            "decoder-crash",
            "no-usable-frames",
            "changed-while-read",
            "io-error",
        }

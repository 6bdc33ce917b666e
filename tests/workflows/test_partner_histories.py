"""Partners who exchange lists in any order end as the plain model says: see tests/support/partner_model.py."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import BinaryIO

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from hashmatch.isolation import Isolation
from hashmatch.isolation.reading import Reading
from hashmatch.records import TLP_ORDER
from hashmatch.signing import keys
from tests.support.partner_sets import FILES, KEYS, Clock, Sets
from tests.support.partner_world import CHOICES, HOWS, LISTS, Step, World

MakeWorld = Callable[[int], World]


@pytest.fixture(scope="module")
def make_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MakeWorld]:
    """Makes partners of new, empty reference sets, which know each other's keys."""
    folder = tmp_path_factory.mktemp("partners")
    sets = Sets(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HASHMATCH_KEYS", str(folder / "keys"))
        for name, key in KEYS.items():
            keys.add(folder / "keys", name, key.public.text, "2026-01-01T00:00:00Z")
        patch.setattr("hashmatch.workflows.list_reading.read_apart", read_here)
        clock = Clock()
        patch.setattr("hashmatch.clock.time", clock)
        patch.setattr("hashmatch.clock.datetime", clock)
        yield lambda count: World(sets, folder, clock, count)


def read_here(file: BinaryIO, reading: Reading, _isolation: Isolation | None) -> Iterator[bytes]:
    """Like read_apart, without another process, which would take most of the time."""
    with open(file.name, "rb") as stream:
        yield from reading.work(stream, *reading.arguments)


def steps_of(partners: str, least: int = 4) -> st.SearchStrategy[list[Step]]:
    """What partners do in any order. partners: their letters. least: how many steps at least."""
    who, on = st.sampled_from(partners), st.booleans()
    files = st.sampled_from((*FILES[:1] * 3, *FILES))
    collections = st.sampled_from(("one", "two"))
    maybe = st.none() | collections
    marks = st.sampled_from((None, *TLP_ORDER))
    rarely = st.sampled_from((False, False, False, True))
    how = st.sampled_from((*[0] * 6, *range(1, len(HOWS))))
    issue = (
        st.sampled_from(tuple(LISTS)),
        st.integers(0, len(CHOICES) - 1),
        st.integers(0, 3),
        st.integers(0, 3),
    )
    verdicts = st.sampled_from((None, "confirmed", "disputed", "false-positive"))

    def step(name: str, *arguments: st.SearchStrategy[object]) -> st.SearchStrategy[Step]:
        return st.tuples(st.just(name), who, *arguments)

    send = step("send", st.sampled_from((*partners, partners)), *issue, how)
    return st.lists(
        st.one_of(
            step("add", files, collections, marks, st.sampled_from(((), ("x",))), rarely),
            send,
            send,
            step("publish", *issue),
            step("deliver", st.integers(0, 9), how),
            step("retract", files, maybe),
            step("restore", files, maybe),
            step("label", files, st.just("x"), on),
            step("rule", collections, st.sampled_from(TLP_ORDER)),
            step("allow", files, on),
            step("opinion", files, st.sampled_from(("review", "desk")), verdicts),
            st.one_of(step("trust", who, on), step("new_key"), step("hand_over", who)),
        ),
        min_size=least,
        max_size=least + 12,
    )


def check(world: World, steps: list[Step], *, increments: bool) -> None:
    world.play(steps)
    world.finish(increments=increments)
    world.check_withdrawals()
    world.check_opinions()
    world.check_owners()


#: Histories that went wrong once, by what was wrong.
FOUND: dict[str, list[Step]] = {
    "a list that is read again, of what was taken back here, is no change": [
        ("add", "B", "full 1", "one"),
        ("send", "B", "A", "west", 1),
        ("retract", "A", "full 1"),
        ("deliver", "A", 0),
    ],
    "a label that people here removed does not come back with the same word": [
        ("add", "A", "full 1", "one", "clear", ("x",)),
        ("send", "A", "B", "west"),
        ("send", "B", "A", "west", 5),
        ("label", "B", "full 1", "x", False),
    ],
    "what a bare list could not carry was not given, and its withdrawal would be the first that is heard of it": [
        ("add", "A", "sha256", "two", "clear"),
        ("add", "A", "full 1", "one"),
        ("publish", "A", "north", 0, 0, "md5sum"),
        ("publish", "A", "north", 4),
    ],
    "what was given by its PDQ alone is withdrawn by that alone": [
        ("add", "A", "full 1", "one", "green", ("x",)),
        ("publish", "A", "north", 5, 0, "pdq"),
        ("publish", "A", "east"),
        ("label", "A", "full 1", "x", False),
    ],
    "a withdrawal by a hash alone leaves a tombstone, also beside a reference with more": [
        ("add", "B", "full 1", "one", "green"),
        ("send", "B", "A", "east"),
        ("publish", "A", "north", 0, 0, "pdq"),
        ("new_key", "B"),
    ],
    "what is indexed again as legitimate goes out as that": [
        ("add", "A", "full 1", "one"),
        ("add", "A", "full 1", "one", None, (), True),
        ("publish", "A", "east", 1),
    ],
    "what we take off the allow list takes nothing of another's list back": [
        ("add", "A", "full 1", "allowed", "green", (), True),
        ("send", "A", "B", "east"),
        ("add", "B", "full 1", "allowed"),
        ("allow", "B", "full 1"),
        ("allow", "B", "full 1", False),
    ],
    "the mark of the first that we allow is not that of all": [
        ("add", "A", "full 1", "one", "red"),
        ("add", "A", "full 2", "two", "clear"),
        ("send", "A", "B", "east"),
        ("allow", "B", "full 1"),
        ("allow", "B", "full 2"),
    ],
    "what people here took back stays so, also if its source had withdrawn it then": [
        ("add", "A", "full 1", "one", "green"),
        ("send", "A", "B", "east"),
        ("retract", "A", "full 1"),
        ("send", "A", "B", "east"),
        ("retract", "B", "full 1"),
        ("restore", "A", "full 1"),
    ],
    "two sources that withdrew it in collections of one name, and people here who restore it": [
        ("add", "A", "full 1", "one", "green"),
        ("add", "C", "full 1", "one", "amber"),
        ("send", "A", "B", "east"),
        ("send", "C", "B", "east"),
        ("retract", "A", "full 1"),
        ("retract", "C", "full 1"),
        ("send", "A", "B", "east"),
        ("send", "C", "B", "east"),
        ("restore", "B", "full 1"),
    ],
    "what one list withdraws and another of the same partner still gives stands": [
        ("add", "A", "full 1", "one", "green", ("x",)),
        ("send", "A", "B", "east"),
        ("send", "A", "B", "north", 5),
        ("label", "A", "full 1", "x", False),
        ("send", "A", "B", "north", 5),
    ],
    "what one list withdraws is in the next increment of another that still gives it": [
        ("publish", "C", "east"),
        ("add", "C", "full 1", "one", "clear", ("x",)),
        ("send", "C", "A", "north", 5),
        ("send", "C", "A", "east", 0, 1),
        ("label", "C", "full 1", "x", False),
        ("send", "C", "A", "east", 0, 1),
        ("send", "C", "A", "north", 5),
        ("send", "C", "A", "east", 0, 1),
    ],
    "a key that was handed over: of two words the stricter mark stays": [
        ("add", "A", "full 1", "one", "green"),
        ("send", "A", "B", "east", 0, 0, 0, 1),
        ("new_key", "A"),
        ("send", "A", "B", "east"),
        ("hand_over", "B", "A"),
    ],
    "a key that was handed over: what people here took back stays so": [
        ("add", "A", "full 1", "one", "green"),
        ("send", "A", "B", "east"),
        ("add", "B", "full 1", "two"),
        ("retract", "B", "full 1", "one"),
        ("new_key", "A"),
        ("send", "A", "B", "east"),
        ("hand_over", "B", "A"),
    ],
    "a key that was handed over: what was passed on for the old one is withdrawn": [
        ("add", "A", "full 1", "one", "green"),
        ("send", "A", "B", "east"),
        ("send", "B", "C", "east"),
        ("new_key", "A"),
        ("hand_over", "B", "A"),
        ("send", "B", "C", "east", 0, 1),
    ],
    "a key that was handed over: what a third one passes on for both": [
        ("add", "A", "full 1", "one", "green"),
        ("send", "A", "B", "east"),
        ("send", "B", "C", "east"),
        ("new_key", "A"),
        ("send", "A", "B", "east"),
        ("send", "B", "C", "east"),
        ("hand_over", "C", "A"),
    ],
    "what nobody in particular thinks of another's word is not the other's opinion": [
        ("add", "B", "full 1", "one", "green"),
        ("send", "B", "A", "east"),
        ("opinion", "A", "full 1"),
        ("send", "A", "C", "south"),
    ],
    "our own list brings back no opinions": [
        ("add", "B", "full 1", "one", "green"),
        ("opinion", "B", "full 1"),
        ("send", "B", "A", "east"),
        ("publish", "A", "east"),
        ("deliver", "A", 1),
    ],
    "an older word in another collection takes no newer opinion back": [
        ("add", "A", "full 1", "one", "green"),
        ("add", "A", "full 1", "two"),
        ("publish", "A", "east"),
        ("opinion", "A", "full 1"),
        ("send", "A", "B", "north", 4),
        ("deliver", "B", 0),
    ],
    "what a list gave in a bare format it withdraws in another one": [
        ("add", "A", "full 1", "one", "green"),
        ("send", "A", "B", "north", 0, 0, "md5sum"),
        ("retract", "A", "full 1"),
        ("send", "A", "B", "north"),
        ("restore", "A", "full 1"),
        ("send", "A", "B", "north", 0, 0, "md5sum"),
        ("retract", "A", "full 1"),
        ("send", "A", "B", "north", 0, 0, "pdq"),
    ],
    "what a list knows by its MD5 alone and is indexed later is one reference": [
        ("add", "B", "full 1", "one", "clear"),
        ("publish", "A", "east"),
        ("add", "B", "full 1", "one"),
        ("send", "B", "A", "north", 0, 0, 1),
        ("add", "A", "full 1", "one", "clear"),
        ("publish", "A", "east", 1),
    ],
}

#: A history is short beside the other examples, and what goes wrong takes several steps of a few kinds.
EXAMPLES = max(settings().max_examples, min(10 * settings().max_examples, 1000))

histories = settings(
    deadline=None,
    max_examples=EXAMPLES,
    phases=set(Phase) - {Phase.explain},
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.parametrize("wrong", FOUND)
def test_what_went_wrong_once(make_world: MakeWorld, wrong: str) -> None:
    for increments in (False, True):
        check(make_world(3), FOUND[wrong], increments=increments)


class TestAnyHistory:
    @histories
    @given(steps=steps_of("AB"), increments=st.booleans())
    def test_of_two(self, make_world: MakeWorld, steps: list[Step], increments: bool) -> None:
        check(make_world(2), steps, increments=increments)

    @histories
    @given(steps=steps_of("ABC"), increments=st.booleans())
    def test_of_three(self, make_world: MakeWorld, steps: list[Step], increments: bool) -> None:
        check(make_world(3), steps, increments=increments)

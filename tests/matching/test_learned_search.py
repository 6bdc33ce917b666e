"""What learned descriptors propose, against a plain count of bits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
from hypothesis import given
from hypothesis import strategies as st

from hashmatch.hashers import learned
from hashmatch.hashers.learned import Proof
from hashmatch.matching.learned_search import MOST_PROPOSALS, NEAREST, LearnedTables, Proposal
from hashmatch.matching.table import HashTable, rows_of
from hashmatch.matching.tiers import threshold_of
from hashmatch.records import Hash

Bits = npt.NDArray[np.uint8]
ALGORITHM = "sscd-small-240436cc531e"
MODEL = learned.model("sscd-small")


def around(random: np.random.Generator, centre: Bits, flips: int) -> Bits:
    bits = np.unpackbits(centre)
    bits[random.choice(512, flips, replace=False)] ^= 1
    return np.packbits(bits)


def hashed(bits: Bits, algorithm: str = ALGORITHM) -> Hash:
    return Hash(algorithm, bits.tobytes(), view="full", version=1)


def tables_of(owners: dict[int, list[Bits]], parts: int = 1) -> LearnedTables:
    threshold = threshold_of(ALGORITHM)
    assert threshold is not None
    tables = []
    for part in range(parts):
        rows = [(owner, each) for owner, some in owners.items() if owner % parts == part for each in some]
        packed = rows_of([hashed(each) for _owner, each in rows])
        if rows:
            packed = replace(packed, owner=np.array([owner for owner, _each in rows], np.int64))
            tables.append(HashTable(ALGORITHM, threshold, packed))
    return LearnedTables(ALGORITHM, MODEL, tuple(tables))


def distance(one: Bits, other: Bits) -> int:
    return int(np.bitwise_count(one ^ other).sum())


@given(st.integers(0, 2**32), st.integers(1, 30), st.integers(1, 3), st.integers(1, 2))
def test_the_nearest_references_are_proposed_each_once(seed: int, count: int, queries: int, parts: int) -> None:
    random = np.random.default_rng(seed)
    asked = [random.integers(0, 256, 64, np.uint8) for _query in range(queries)]
    owners = {
        owner: [
            around(random, asked[random.integers(queries)], int(random.integers(0, 256))) for _ in range(1 + owner % 2)
        ]
        for owner in range(1, count + 1)
    }
    found = tables_of(owners, parts).propose([*map(hashed, asked), hashed(asked[0], "sscd-000000000000")])
    expected = []
    proof = MODEL.proof
    assert proof is not None
    for owner, some in owners.items():
        pairs = [(distance(query, each), query) for query in asked for each in some]
        near = [(bits, query) for bits, query in pairs if bits <= MODEL.radius]
        if near:
            tells = False
            for bits, query in near:
                ground = sum(sorted(distance(query, each) for each in MODEL.background())[:NEAREST]) / NEAREST
                lead = proof.lead_afar if ground >= proof.afar else proof.lead
                tells |= bits <= proof.distance and ground - bits >= lead
            expected.append(Proposal(owner, min(bits for bits, _query in near), tells))
    expected.sort(key=lambda each: (each.distance, each.owner))
    assert found == expected[:MOST_PROPOSALS]


def test_nothing_is_proposed_to_what_was_not_described() -> None:
    owners = {1: [np.zeros(64, np.uint8)]}
    assert tables_of(owners).propose([]) == []
    assert tables_of(owners).propose([hashed(np.zeros(64, np.uint8), "sscd-small-000000000000")]) == []
    assert LearnedTables(ALGORITHM, MODEL, ()).propose([hashed(np.zeros(64, np.uint8))]) == []


def test_a_made_up_card_is_no_more_alike_to_a_reference_than_to_the_background() -> None:
    """References of the style of a card of the background set are proposed, and alone say nothing."""
    card = MODEL.background()[0].copy()
    random = np.random.default_rng(3)
    tables = tables_of({1: [around(random, card, 25)], 2: [around(random, card, 40)]})
    proposals = tables.propose([hashed(card)])
    assert [each.owner for each in proposals] == [1, 2]
    assert not any(each.is_telling for each in proposals)
    other = np.packbits(random.integers(0, 2, 512, np.uint8))
    apart = tables_of({1: [around(random, other, 100)], 2: [around(random, other, 190)]})
    (near, far) = apart.propose([hashed(other)])
    assert (near.is_telling, far.is_telling) == (True, False)


def test_a_model_without_proof_says_nothing_alone() -> None:
    bits = np.packbits(np.random.default_rng(4).integers(0, 2, 512, np.uint8))
    tables = tables_of({1: [bits]})
    for proof, expected in (
        (MODEL.proof, True),
        (None, False),
        (Proof(185, 50, 400, 200), False),
        (Proof(185, 0, 0, 0), True),
    ):
        (proposal,) = LearnedTables(ALGORITHM, replace(MODEL, proof=proof), tables.tables).propose([hashed(bits)])
        assert (proposal.distance, proposal.is_telling) == (0, expected)

"""Both engines, compiled by numba. Importing this takes a third of a second, and seconds the first time: see numba_calls.py.

The arithmetic is that of brute.py and probe.py, which explain it; here it runs row by row and key by key.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np

# Through importlib, because numba has no types, and is not installed wherever types are checked.
_numba: Any = import_module("numba")
_extending: Any = import_module("numba.extending")

#: Rows compared with one query after the other: 4 KB a column, so that they stay in the L1 cache.
BLOCK = 512
#: Rows of a block that are compared in full at a time, if one of them may be near.
PART = 64
#: A kernel returns these instead of the number of pairs: the output is full, or the index contradicts itself.
FULL, DAMAGED = -1, -2

_compiled: Any = _numba.njit(cache=True, nogil=True, boundscheck=False, error_model="numpy")


def _ones_typed(typing_context: Any, value: Any) -> Any:
    """The number of one-bits of an unsigned integer, as one instruction."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return value(value), generate


_ones: Any = _extending.intrinsic(_ones_typed)


def _least_of_two(a: Any, b: Any, x: Any, y: Any) -> Any:
    """The least number of ones that either column differs by; written so that it becomes vector instructions."""
    least = np.uint64(64)
    for row in range(len(a)):
        least = min(least, _ones((a[row] ^ x) | (b[row] ^ y)))
    return least


def _least_of_three(a: Any, b: Any, c: Any, x: Any, y: Any, z: Any) -> Any:
    least = np.uint64(192)
    for row in range(len(a)):
        least = min(least, _ones(a[row] ^ x) + _ones(b[row] ^ y) + _ones(c[row] ^ z))
    return least


def _least_of_four(words: Any, start: int, end: int, query: Any) -> Any:
    a, b, c, d = words[0, start:end], words[1, start:end], words[2, start:end], words[3, start:end]
    least = np.uint64(256)
    for row in range(end - start):
        total: Any = _ones(a[row] ^ query[0]) + _ones(b[row] ^ query[1])
        least = min(least, total + _ones(c[row] ^ query[2]) + _ones(d[row] ^ query[3]))
    return least


def _least_of_one(a: Any, x: Any) -> Any:
    least = np.uint64(64)
    for row in range(len(a)):
        least = min(least, _ones(a[row] ^ x))
    return least


def brute(words: Any, queries: Any, radius: int, filtering: int, out: Any) -> int:
    """Every pair within the radius, packed as in pairs.py.

    words: uint64 (columns, N). queries: uint64 (M, columns). filtering: 2 to rule hashes out by the ones of column 0 or
    column 1, 3 by the ones of columns 0, 1 and 2; 0 to count all. out: uint64. Returns the number of pairs, or FULL.
    """
    columns, count = words.shape
    within = np.uint64(radius)
    found = 0
    for start in range(0, count, BLOCK):
        end = min(start + BLOCK, count)
        for number in range(len(queries)):
            query = queries[number]
            if filtering == 2:
                if _least_of_two(words[0, start:end], words[1, start:end], query[0], query[1]) > within:
                    continue
            elif filtering == 3:
                a, b, c = words[0, start:end], words[1, start:end], words[2, start:end]
                if _least_of_three(a, b, c, query[0], query[1], query[2]) > within:
                    continue
            for part in range(start, end, PART):
                until = min(part + PART, end)
                if columns == 4 and _least_of_four(words, part, until, query) > within:
                    continue
                if columns == 1 and _least_of_one(words[0, part:until], query[0]) > within:
                    continue
                for row in range(part, until):
                    total = np.uint64(0)
                    for column in range(columns):
                        total += _ones(words[column, row] ^ query[column])
                    if total <= within:
                        if found == len(out):
                            return FULL
                        out[found] = np.uint64(number) << np.uint64(48) | total << np.uint64(32) | np.uint64(row)
                        found += 1
    return found


def _key(query: Any, offset: Any, length: Any) -> Any:
    """Bits [offset, offset + length) of a query, as bits_at in words.py has them."""
    word, shift = offset >> 6, np.uint64(offset & 63)
    found = query[word] >> shift
    if np.int64(shift) + length > 64:
        found |= query[word + 1] << (np.uint64(64) - shift)
    return found & ((np.uint64(1) << np.uint64(length)) - np.uint64(1))


def probe(postings: Any, words: Any, queries: Any, plan: Any, radius: int, costs: Any, spent: Any, out: Any) -> int:
    """Every pair within the radius, packed as in pairs.py; a pair that is near in several chunks appears several times.

    postings: occupied, starts, rows, beside. queries: uint64 (M, columns). plan: offsets and lengths of the chunks, int64;
    flips, base, patterns, slack; and ends, int64 (chunks + 1,), where each chunk's probes start. costs: nanoseconds for a
    bucket and a posting, and the budget of a query. spent: float64 (M,), nanoseconds so far; queries beyond the budget
    are skipped. Returns the number of pairs in out, FULL or DAMAGED.
    """
    occupied, starts, rows, beside = postings
    offsets, lengths, low_bits, flips, base, patterns, slack, ends = plan
    bucket_ns, posting_ns, budget = costs
    columns, count = words.shape
    within = np.uint64(radius)
    met = np.empty(len(flips) + 1, np.int64)
    begins = np.empty(len(flips) + 1, np.int64)
    sizes = np.empty(len(flips) + 1, np.int64)
    found = 0
    for chunk in range(len(ends) - 1):
        for number in range(len(queries)):
            if spent[number] > budget or ends[chunk] == ends[chunk + 1]:
                continue
            query = queries[number]
            key = _key(query, offsets[chunk], lengths[chunk])
            home, low = np.uint32(key >> np.uint64(low_bits)), np.int64(key & np.uint64((1 << low_bits) - 1))
            # The neighbour's key, and above it the low bits of this one's, as postings hold them beside the row.
            aim = np.uint32(_key(query, offsets[chunk - 1], lengths[chunk - 1]) | np.uint64(low << lengths[chunk - 1]))
            first = np.uint64(base[ends[chunk]])
            hits = 0
            masks, near = flips[ends[chunk] : ends[chunk + 1]], patterns[low, ends[chunk] : ends[chunk + 1]]
            # Without a branch, which nobody could predict; and unsigned, because an index below 0 would need another check.
            for n in range(len(masks)):
                met[np.uint64(hits)] = n
                hits += (occupied[first + np.uint64(home ^ masks[n])] & near[n]) != 0
            # Where the chunk's postings begin; starts has one more entry for each chunk before it.
            offset = chunk * count
            shift = first + np.uint64(chunk)
            one = np.uint64(1)
            compared = np.int64(0)
            for hit in range(hits):
                place = shift + np.uint64(home ^ masks[met[hit]])
                begin, end = np.int64(starts[place]), np.int64(starts[place + one])
                if end <= begin or end > count:
                    return DAMAGED
                compared += end - begin
                begins[hit], sizes[hit] = begin, end - begin
            spent[number] += hits * bucket_ns + compared * posting_ns
            if spent[number] > budget:
                continue
            for hit in range(hits):
                differing = slack[ends[chunk] + met[hit]]
                for posting in range(offset + begins[hit], offset + begins[hit] + sizes[hit]):
                    if _ones(beside[posting] ^ aim) > differing:
                        continue
                    row = np.int64(rows[posting])
                    if row >= count:
                        return DAMAGED
                    total = np.uint64(0)
                    for column in range(columns):
                        total += _ones(words[column, row] ^ query[column])
                    if total <= within:
                        if found == len(out):
                            return FULL
                        out[found] = np.uint64(number) << np.uint64(48) | total << np.uint64(32) | np.uint64(row)
                        found += 1
    return found


_least_of_one = _compiled(_least_of_one)
_least_of_two = _compiled(_least_of_two)
_least_of_three = _compiled(_least_of_three)
_least_of_four = _compiled(_least_of_four)
_key = _compiled(_key)
brute = _compiled(brute)
probe = _compiled(probe)

"""Bits to neighbours: every hash within a Hamming radius, found exactly, or features of a picture, found approximately.

hamming_index.py is the way in for exact search. It chooses (engines.py) between brute force (brute.py) and multi-index
hashing (chunks.py, postings.py, probe.py), with compiled kernels where numba is installed (numba_calls.py, kernels.py).
approximate.py searches local features. index_file.py keeps an index on disk. words.py and pairs.py hold the array formats.
Everything here knows bits, row numbers and a radius, and nothing else.
"""

from hashmatch.hamming.approximate import ApproximateIndex
from hashmatch.hamming.hamming_index import HammingIndex
from hashmatch.hamming.index_file import verify
from hashmatch.hamming.probe import DamagedIndexError
from hashmatch.hamming.words import distance

__all__ = ["ApproximateIndex", "DamagedIndexError", "HammingIndex", "distance", "verify"]

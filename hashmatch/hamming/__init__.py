"""Bits to neighbours: exact search for all hashes within a Hamming radius; approximate search for hundreds of features."""

from hashmatch.hamming.approximate import ApproximateIndex
from hashmatch.hamming.hamming_index import HammingIndex
from hashmatch.hamming.index_file import verify
from hashmatch.hamming.probe import DamagedIndexError
from hashmatch.hamming.words import distance

__all__ = ["ApproximateIndex", "DamagedIndexError", "HammingIndex", "distance", "verify"]

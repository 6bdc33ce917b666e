"""Bits to neighbours: exact search for all hashes within a Hamming radius."""

from hashmatch.hamming.cachefile import verify
from hashmatch.hamming.index import HammingIndex
from hashmatch.hamming.probe import DamagedIndexError
from hashmatch.hamming.words import distance

__all__ = ["DamagedIndexError", "HammingIndex", "distance", "verify"]

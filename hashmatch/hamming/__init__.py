"""Bits to neighbours: exact search for all hashes within a Hamming radius."""

from hashmatch.hamming.brute import HammingIndex

__all__ = ["HammingIndex"]

"""Hits to verdicts: which references a file shows, how sure that is, and why."""

from hashmatch.matching.results import Match, MatchedReference, MatchedSource, Result, Segment, Tier, VideoEvidence

__all__ = ["Match", "MatchedReference", "MatchedSource", "Result", "Segment", "Tier", "VideoEvidence"]

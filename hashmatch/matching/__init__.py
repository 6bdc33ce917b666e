"""Hits to verdicts: which references a file shows, how sure that is, and why.

table.py finds hits, verdict.py judges them: still pictures in stills.py (with layouts.py), films in films.py (with
tracks.py, time_lines.py, alignment.py, evidence.py, rarity.py and coverage.py), local features in local.py. tiers.py has
the numbers that decide a tier, status.py the rule from matches to a status, results.py the types that come out, and
vpdq.py Meta's rule.
"""

from hashmatch.matching.results import Match, MatchedReference, MatchedSource, Result, Segment, Tier, VideoEvidence

__all__ = ["Match", "MatchedReference", "MatchedSource", "Result", "Segment", "Tier", "VideoEvidence"]

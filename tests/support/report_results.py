"""Results of every kind, for tests of how they are shown. MATCHED has a value in every field."""

from __future__ import annotations

from hashmatch.matching.results import (
    LocalEvidence,
    Match,
    MatchedOpinion,
    MatchedReference,
    MatchedSource,
    Result,
    Segment,
    VideoEvidence,
)
from hashmatch.messages import Message
from hashmatch.records import Failure

#: What an enemy may call a file: terminal escapes, reversed text, a formula, a quote, bytes that are not text.
HOSTILE = "=1+1\x1b[2J\u202egpj.\"'\\x\n,\u0635\u200c\u0648\x9b\u2066\u00ad".encode() + b"\xff\xfe.jpg"

VIDEO = VideoEvidence(
    0.5, 0.25, (Segment((0.0, 4.0), (61.0, 65.0), 5, 3.2), Segment((9.0, 9.0), (3670.0, 3670.0), 1, 7.0))
)

FLAGGED = Match(
    MatchedReference(
        7,
        "ab" * 32,
        "video",
        ("first", "=second"),
        False,
        (
            MatchedSource("east", "a partner", "amber+strict", "malicious"),
            MatchedSource("west", None, None, "retracted"),
        ),
        (MatchedOpinion("north", "disputed", "2026-11-21T19:00:00Z", "news"),),
    ),
    "near",
    12,
    "pdq",
    "none",
    88,
    VIDEO,
    "same-footage",
)
ALLOWED = Match(
    MatchedReference(8, None, None, (), True, (MatchedSource("news", None, "clear", "benign"),)),
    "exact",
    0,
    "md5",
    "none",
    None,
    None,
    "same-bytes",
)
#: A crop of a picture, which only local features find.
CROPPED = Match(
    MatchedReference(9, "12" * 32, "image", (), False, (MatchedSource("east", None, None, "malicious"),)),
    "possible",
    None,
    "orb",
    "crop",
    None,
    None,
    "local-features",
    local=LocalEvidence(31, ((-0.25, -0.125), (1.25, -0.125), (1.25, 1.0), (-0.25, 1.0))),
)
#: A poster with another text, in a white frame.
SAME_LAYOUT = Match(
    MatchedReference(10, "34" * 32, "image", (), False, (MatchedSource("east", None, None, "malicious"),)),
    "possible",
    14,
    "pdq",
    "trimmed",
    91,
    None,
    "same-layout",
    "trim1",
    "full",
    26,
)
MATCHED = Result(
    HOSTILE,
    "match",
    True,
    "near",
    "video",
    123_456,
    "cd" * 32,
    "ef" * 16,
    (FLAGGED, ALLOWED),
    Failure("partial", Message.literal("cut off")),
)
CLEAN = Result(b"a.jpg", "clean", kind="image", size=1, sha256="0" * 64, md5="0" * 32)
FAILED = Result(b"gone.jpg", "failed", error=Failure("not-found", Message.literal("does not exist")))
SKIPPED = Result(b"notes.txt", "skipped", size=45)

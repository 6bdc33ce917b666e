"""hashmatch finds known propaganda again: hash a seized archive once, find every copy of it in new uploads.

The same abilities as the command line's, as Python:

    import hashmatch

    hashmatch.hash_file("photo.jpg")                      # a Fingerprint
    with hashmatch.ReferenceSet("reference.db") as known:
        for indexed in known.index(["archive/"]): ...     # Indexed, one for each file
        for result in known.scan(["uploads/"]): ...       # Result, one for each file

Names are imported when they are first used, so that `import hashmatch` costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hashmatch.version import __version__

__all__ = [
    "BadLine",
    "CommandError",
    "DetailsEvidence",
    "Digests",
    "ExaminedFilm",
    "ExportReport",
    "Failure",
    "FilePart",
    "Fingerprint",
    "Hash",
    "HashmatchError",
    "ImportReport",
    "IndexStatus",
    "Indexed",
    "Kind",
    "ListHead",
    "LocalEvidence",
    "Match",
    "MatchedDecision",
    "MatchedOpinion",
    "MatchedReference",
    "MatchedSource",
    "MediaError",
    "Message",
    "Pixels",
    "Profile",
    "Reason",
    "ReferenceSet",
    "Result",
    "Segment",
    "SmallCopy",
    "Status",
    "StraightenedEvidence",
    "Tier",
    "Tlp",
    "Unexamined",
    "VideoEvidence",
    "View",
    "__version__",
    "hash_bytes",
    "hash_file",
]

#: The module of each name; the imports below tell type checkers the same.
_MODULES = {
    "hashmatch.api": ("ReferenceSet", "hash_bytes", "hash_file"),
    "hashmatch.errors": ("CommandError", "HashmatchError", "MediaError"),
    "hashmatch.matching.results": (
        *("DetailsEvidence", "ExaminedFilm", "LocalEvidence", "Match", "MatchedDecision", "MatchedOpinion"),
        *("MatchedReference", "MatchedSource", "Reason", "Result", "Segment", "Status", "StraightenedEvidence", "Tier"),
        "VideoEvidence",
    ),
    "hashmatch.matching.tiers": ("Profile",),
    "hashmatch.messages": ("Message",),
    "hashmatch.records": (
        *("BadLine", "Digests", "Failure", "FilePart", "Fingerprint", "Hash", "Kind", "ListHead", "Pixels", "Tlp"),
        *("SmallCopy", "Unexamined", "View"),
    ),
    "hashmatch.workflows.export_list": ("ExportReport",),
    "hashmatch.workflows.import_list": ("ImportReport",),
    "hashmatch.workflows.index": ("IndexStatus", "Indexed"),
}

if TYPE_CHECKING:
    from hashmatch.api import ReferenceSet, hash_bytes, hash_file
    from hashmatch.errors import CommandError, HashmatchError, MediaError
    from hashmatch.matching.results import (
        DetailsEvidence,
        ExaminedFilm,
        LocalEvidence,
        Match,
        MatchedDecision,
        MatchedOpinion,
        MatchedReference,
        MatchedSource,
        Reason,
        Result,
        Segment,
        Status,
        StraightenedEvidence,
        Tier,
        VideoEvidence,
    )
    from hashmatch.matching.tiers import Profile
    from hashmatch.messages import Message
    from hashmatch.records import (
        BadLine,
        Digests,
        Failure,
        FilePart,
        Fingerprint,
        Hash,
        Kind,
        ListHead,
        Pixels,
        SmallCopy,
        Tlp,
        Unexamined,
        View,
    )
    from hashmatch.workflows.export_list import ExportReport
    from hashmatch.workflows.import_list import ImportReport
    from hashmatch.workflows.index import Indexed, IndexStatus
else:
    # Type checkers do not see this: it would have them believe that every name exists.
    def __getattr__(name: str) -> Any:
        for module, names in _MODULES.items():
            if name in names:
                from importlib import import_module

                value = globals()[name] = getattr(import_module(module), name)
                return value
        raise AttributeError(f"module 'hashmatch' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

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

__all__ = ["ReferenceSet", "__version__", "hash_bytes", "hash_file"]

if TYPE_CHECKING:
    from hashmatch.api import ReferenceSet, hash_bytes, hash_file


def __getattr__(name: str) -> Any:
    if name in ("ReferenceSet", "hash_bytes", "hash_file"):
        from hashmatch import api

        return getattr(api, name)
    raise AttributeError(f"module 'hashmatch' has no attribute {name!r}")

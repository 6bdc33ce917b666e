"""Pixels to bits. Each algorithm is one module; adding one is that module and one line in HASHERS."""

from __future__ import annotations

import importlib

from hashmatch.errors import CommandError
from hashmatch.hashers.base import Hasher, Picture
from hashmatch.i18n import _

__all__ = ["GUARD", "HASHERS", "Hasher", "Picture", "by_name", "parse_names"]

#: Algorithm name to the module that has its HASHER. Modules are imported when first asked for: pHash needs SciPy.
HASHERS = {
    "pdq": "hashmatch.hashers.pdq",
    "phash": "hashmatch.hashers.phash",
    "dhash": "hashmatch.hashers.dhash",
}

#: Kept beside PDQ of every still picture, to tell pictures of one layout apart; nothing is searched by it.
GUARD = "blocks"
_MODULES = HASHERS | {GUARD: "hashmatch.hashers.blocks"}


def by_name(name: str) -> Hasher:
    """The hasher of that name. Raises CommandError if there is none."""
    if name not in _MODULES:
        raise CommandError(_("unknown hash {name!r}; known are: {known}").format(name=name, known=", ".join(HASHERS)))
    hasher: Hasher = importlib.import_module(_MODULES[name]).HASHER
    return hasher


def parse_names(names: str) -> tuple[str, ...]:
    """Split "pdq,phash" into names that exist, in the order of HASHERS. Raises CommandError on an unknown one."""
    wanted = {name.strip().lower() for name in names.split(",") if name.strip()}
    unknown = sorted(wanted - HASHERS.keys())
    if unknown or not wanted:
        by_name(unknown[0] if unknown else "")
    return tuple(name for name in HASHERS if name in wanted)

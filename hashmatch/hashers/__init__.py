"""Pixels to bits: one module per algorithm, which declares everything that the rest of the program must know about it.

Adding a hasher takes one module and one line in HASHERS; docs/adding-a-hasher.md shows how. The hash is then:

- computed by `index`, `hash` and `compare`, of still pictures and of the frames that are kept of a film;
- stored, verified, and exported and imported by every list format that carries hashes of any algorithm (jsonl, csv, stix,
  misp);
- searched by `scan`, with its own thresholds, if some reference has it and no PDQ; `scan` then computes both for each file,
  and where both find a reference, the stronger tier counts;
- measured by `evaluate --hash NAME`, and shown under its own title in reports.

Some features are built on PDQ itself, and other hashers do not get them:

- other orientations and the negative of a query (`orientations`), views without borders and frames (`borders`, `insets`,
  `static_borders`), and guesses at cropped film frames (`frames`);
- the choice of which film frames to keep: those that differ enough by PDQ, and a query's key frames;
- vPDQ and the list formats that carry nothing but PDQ;
- `lint`, which looks for hashes that too many references have, and the warning of `import` about near duplicates;
- the option `--radius` of `scan`, and the verdict of `compare`, which is the one that `scan` would give.

The GUARDS are stored beside PDQ. Where both sides have them, they also check what another hasher calls the same picture.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from hashmatch.errors import CommandError
from hashmatch.i18n import _

if TYPE_CHECKING:  # whoever only needs the names pays for nothing else
    from hashmatch.hashers.base import Hasher

#: Algorithm name -> the module with its HASHER, in the order in which they are listed. A module is imported when its
#: hasher is first asked for.
HASHERS = {
    "pdq": "hashmatch.hashers.pdq",
    "phash": "hashmatch.hashers.phash",
    "dhash": "hashmatch.hashers.dhash",
}

#: The hasher that the features listed above are built on. Every query is hashed with it.
MAIN = "pdq"

#: Stored beside MAIN for every still picture, to tell different pictures of one layout apart; never searched. DETAILS is the
#: finer of the two, and younger: references from before, and from lists, have none.
GUARD, DETAILS = "blocks", "details"
GUARDS = {GUARD: "hashmatch.hashers.blocks", DETAILS: "hashmatch.hashers.details"}

_loaded: dict[str, Hasher] = {}


def find(name: str) -> Hasher | None:
    """The hasher of that name, or None if there is none; names may come from a stranger's list."""
    found = _loaded.get(name)
    if found is None:
        module = GUARDS.get(name) or HASHERS.get(name)
        found = importlib.import_module(module).HASHER if module else _learned(name)
        if found is not None:
            _loaded[name] = found
    return found


def _learned(name: str) -> Hasher | None:
    """The hasher of a learned descriptor, whose name tells the model (learned.py)."""
    from hashmatch.hashers import learned

    return learned.hasher(name)


def by_name(name: str) -> Hasher:
    """The hasher of that name. Raises CommandError if there is none."""
    hasher = find(name)
    if hasher is None:
        raise CommandError(_("unknown hash {name!r}; known are: {known}").format(name=name, known=", ".join(HASHERS)))
    return hasher


def title_of(name: str) -> str:
    """An algorithm's name as a person reads it; the bare name if this program does not know it."""
    hasher = find(name)
    return hasher.title if hasher else name


def parse_names(names: str) -> tuple[str, ...]:
    """Split "pdq,phash" into names that exist, in the order of HASHERS. Raises CommandError on an unknown one."""
    wanted = {name.strip().lower() for name in names.split(",") if name.strip()}
    unknown = sorted(wanted - HASHERS.keys())
    if unknown or not wanted:
        by_name(unknown[0] if unknown else "")
    return tuple(name for name in HASHERS if name in wanted)

"""Whether a worker would come to the same results: the same program, recipes and decoders."""

from __future__ import annotations

from importlib import metadata

from hashmatch import hashers
from hashmatch.errors import CommandError
from hashmatch.fingerprints.settings import ReferenceOrQuery
from hashmatch.hashers import learned
from hashmatch.i18n import _
from hashmatch.media import recipe
from hashmatch.version import __version__

#: Packages whose version may show in the bits of any hash. Each hasher declares those that it needs beside them.
DECODERS = ("numpy", "Pillow", "pillow-heif", "av", "opencv-python-headless")

Versions = tuple[tuple[str, str], ...]


def facts(settings: ReferenceOrQuery) -> Versions:
    """What the hashes made here depend on, as pairs of a name and a version."""
    found = {"hashmatch": __version__}
    for kind in ("image", "video"):
        found[f"recipe of {kind}s"] = recipe(kind, settings.exact, settings.features)
    for model in settings.models:
        found[f"model {model.path}"] = model.algorithm if learned.is_there(model) else "none"
    described = (model.algorithm for model in settings.models)
    used = [hashers.by_name(name) for name in (*settings.hashers, *hashers.GUARDS, *described)]
    for hasher in used:
        found[hasher.name] = str(hasher.version)
    for package in dict.fromkeys((*DECODERS, *(package for hasher in used for package in hasher.packages))):
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = "none"
    return tuple(found.items())


def check(place: str, ours: Versions, theirs: Versions) -> None:
    """Raises CommandError if anything differs, and says what. place: the worker's address."""
    here, there = dict(ours), dict(theirs)
    differences = [
        f"{name} {there.get(name, '–')} ≠ {here.get(name, '–')}"
        for name in dict.fromkeys((*here, *there))
        if here.get(name) != there.get(name)
    ]
    if differences:
        message = _("worker {place} would come to other results than this machine: {differences}")
        raise CommandError(message.format(place=place, differences=", ".join(differences)))

"""Which of the models that are here describe the pictures that are added to a reference set."""

from __future__ import annotations

from hashmatch.fingerprints.model_files import find_models
from hashmatch.hashers.learned import ModelFile
from hashmatch.isolation import Isolation
from hashmatch.store import Store, hash_rows


def models_for(store: Store, asked: str | None, isolation: Isolation = Isolation()) -> tuple[ModelFile, ...]:
    """One model at most: where none was asked for, the one that the set has descriptors of, else the one to prefer.

    asked, isolation: as for find_models. Raises CommandError as that does.
    """
    found = find_models(asked, isolation)
    described = hash_rows.algorithms(store.connection, (each.algorithm for each in found))
    return next(((each,) for each in found if each.algorithm in described), found[:1])

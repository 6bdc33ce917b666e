"""Tables of local features, as the cache makes them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hashmatch.hamming import ApproximateIndex
from hashmatch.hashers.local_features import LocalFeatures
from hashmatch.matching.local_candidates import FeatureRows, LocalTable


def table_of(references: Sequence[LocalFeatures], owners: Sequence[int]) -> LocalTable:
    """The features of these references, ready to be searched."""
    starts = np.cumsum([0] + [len(each) for each in references])
    sizes = np.array([(each.width, each.height) for each in references], np.uint16)
    rows = FeatureRows(starts, np.array(owners, np.int64), sizes, np.concatenate([each.looks for each in references]))
    return LocalTable(ApproximateIndex.from_hashes(np.concatenate([each.bits for each in references])), rows)

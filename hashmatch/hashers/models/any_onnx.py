"""Any other network that takes pictures as uint8 (n, height, width, 3), RGB, and gives 512 numbers.

Nothing was measured with it, so it proposes candidates and says nothing more.
"""

from __future__ import annotations

from hashmatch.hashers.learned import LearnedModel
from hashmatch.hashers.models.sscd import feed

MODEL = LearnedModel(name="onnx", title="ONNX model", side=224, radius=195, feed=feed)

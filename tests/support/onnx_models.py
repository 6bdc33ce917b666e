"""Small ONNX models, written byte by byte: real networks for onnxruntime, so that no test needs a download.

The format is protobuf (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto); the numbers of fields are from there.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_FLOAT, _UINT8, _INT64 = 1, 2, 7
SIDE = 224


def averages(signs: int = 512, seed: int = 0, side: int | str = SIDE) -> bytes:
    """A model that averages an RGB picture, uint8 (n, side, side, 3), to 14 × 14 points, and projects what differs from the
    mean to so many random directions. Pictures that look alike from afar have like signs."""
    points = 3 * (SIDE // 16) ** 2
    directions = np.random.default_rng(seed).normal(size=(points, signs)).astype("<f4")
    nodes = [
        _node("Cast", ["picture"], "real", [_attribute("to", _FLOAT)]),
        _node("Transpose", ["real"], "planes", [_attributes("perm", (0, 3, 1, 2))]),
        _node(
            "AveragePool", ["planes"], "points", [_attributes(each, (16, 16)) for each in ("kernel_shape", "strides")]
        ),
        _node("Flatten", ["points"], "flat", [_attribute("axis", 1)]),
        _node("ReduceMean", ["flat"], "mean", [_attributes("axes", (1,)), _attribute("keepdims", 1)]),
        _node("Sub", ["flat", "mean"], "contrast", []),
        _node("MatMul", ["contrast", "directions"], "signs", []),
    ]
    graph = b"".join(_field(1, each) for each in nodes) + _field(2, b"averages")
    graph += _field(5, _tensor("directions", directions))
    graph += _field(11, _value("picture", _UINT8, ("n", side, side, 3))) + _field(
        12, _value("signs", _FLOAT, ("n", signs))
    )
    return _number(1, 8) + _field(7, graph) + _field(8, _number(2, 13))


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _field(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _node(kind: str, inputs: Sequence[str], output: str, attributes: Sequence[bytes]) -> bytes:
    given = b"".join(_field(1, each.encode()) for each in inputs)
    return (
        given + _field(2, output.encode()) + _field(4, kind.encode()) + b"".join(_field(5, each) for each in attributes)
    )


def _attribute(name: str, value: int) -> bytes:
    return _field(1, name.encode()) + _number(3, value) + _number(20, 2)


def _attributes(name: str, values: Sequence[int]) -> bytes:
    return _field(1, name.encode()) + b"".join(_number(8, each) for each in values) + _number(20, 7)


def _tensor(name: str, values: np.ndarray) -> bytes:
    dims = b"".join(_number(1, each) for each in values.shape)
    return dims + _number(2, _FLOAT) + _field(8, name.encode()) + _field(9, values.tobytes())


def _value(name: str, kind: int, shape: Sequence[int | str]) -> bytes:
    dims = b"".join(
        _field(1, _number(1, each) if isinstance(each, int) else _field(2, each.encode())) for each in shape
    )
    return _field(1, name.encode()) + _field(2, _field(1, _number(1, kind) + _field(2, dims)))

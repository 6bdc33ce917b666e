"""ICC profiles, made by hand: what Pillow cannot make, and with colours that tests can foresee. ICC.1:2010."""

from __future__ import annotations

import struct

import numpy as np

#: sRGB's red, green and blue in XYZ under D50, as they stand in its profile.
SRGB = ((0.4361, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141))
ADOBE = ((0.6097, 0.3111, 0.0195), (0.2053, 0.6257, 0.0609), (0.1492, 0.0632, 0.7446))
_WHITE = (0.9642, 1.0, 0.8249)


def matrix_profile(primaries: tuple[tuple[float, float, float], ...] = SRGB, curve: bytes | None = None) -> bytes:
    """A profile for RGB. primaries: XYZ of red, green and blue. curve: of all three; None for sRGB's."""
    tags = dict(zip((b"rXYZ", b"gXYZ", b"bXYZ"), map(_xyz, primaries), strict=True))
    curve = curve if curve is not None else table_curve(srgb_curve())
    return _profile(b"RGB ", tags | {b"wtpt": _xyz(_WHITE), b"rTRC": curve, b"gTRC": curve, b"bTRC": curve})


def grey_profile(curve: bytes) -> bytes:
    return _profile(b"GRAY", {b"wtpt": _xyz(_WHITE), b"kTRC": curve})


def ink_profile() -> bytes:
    """A profile for CMYK in which black ink makes light, and the other inks nothing."""
    lightness = [255 if corner & 1 else 0 for corner in range(16)]  # the last ink changes fastest
    grid = b"".join(bytes((value, 128, 128)) for value in lightness)
    straight = bytes(range(256))
    matrix = struct.pack(">9i", *(1 << 16 if number % 4 == 0 else 0 for number in range(9)))
    table = b"mft1" + bytes(4) + bytes((4, 3, 2, 0)) + matrix + straight * 4 + grid + straight * 3
    return _profile(b"CMYK", {b"wtpt": _xyz(_WHITE), b"A2B0": table}, kind=b"prtr", space=b"Lab ")


def gamma_curve(gamma: float) -> bytes:
    return b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256)) + bytes(2)


def table_curve(values: np.typing.NDArray[np.float64]) -> bytes:
    """values: light, 0 to 1, of even steps."""
    made = (
        b"curv"
        + bytes(4)
        + struct.pack(f">I{len(values)}H", len(values), *np.round(values * 65535).astype(int).tolist())
    )
    return made + bytes(-len(made) % 4)


def srgb_curve() -> np.typing.NDArray[np.float64]:
    values = np.linspace(0, 1, 1024)
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def _xyz(values: tuple[float, float, float]) -> bytes:
    return b"XYZ " + bytes(4) + struct.pack(">3i", *(round(value * 65536) for value in values))


def _profile(colours: bytes, tags: dict[bytes, bytes], kind: bytes = b"mntr", space: bytes = b"XYZ ") -> bytes:
    tags = {b"desc": b"desc" + bytes(4) + struct.pack(">I", 5) + b"test\0" + bytes(79), **tags}
    table, body, at = struct.pack(">I", len(tags)), b"", 128 + 4 + 12 * len(tags)
    for name, content in tags.items():
        content += bytes(-len(content) % 4)
        table += name + struct.pack(">II", at + len(body), len(content))
        body += content
    header = struct.pack(">I4sI4s4s4s", 128 + len(table) + len(body), b"lcms", 0x02400000, kind, colours, space)
    header += struct.pack(">6H4s", 2026, 1, 1, 0, 0, 0, b"acsp") + bytes(28)
    header += struct.pack(">3i", *(round(value * 65536) for value in _WHITE))
    return header.ljust(128, b"\0") + table + body

"""Learned descriptors: a neural network turns a picture into numbers, of which the signs are kept as a hash of 512 bits.

The network is an ONNX file that the user has: named by `--model`, or brought by an installed package. Nothing is downloaded.
Each kind of network is declared in one module of models/ (docs/adding-a-model.md). A descriptor finds candidates that show
the same scene; it cannot read, so two cards of one style are alike to it. Geometry and blocks decide: see
matching/learned_search.py.

A model is who it is by the bytes of its file: the algorithm of its hashes is called by the declaration's name and the first
digits of the file's SHA-256. So hashes of different models, or versions of one, are never compared.
"""

from __future__ import annotations

import functools
import hashlib
import importlib
import importlib.util
import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hashmatch.errors import CommandError
from hashmatch.hashers.base import Hasher, Picture, Threshold, Thresholds
from hashmatch.i18n import _
from hashmatch.messages import Message

if TYPE_CHECKING:  # the commands that only need names pay for nothing else
    import numpy as np
    import numpy.typing as npt

#: Declaration's name -> the module with its MODEL, the one to prefer first.
MODELS = {
    "sscd-small": "hashmatch.hashers.models.sscd_small",
    "sscd": "hashmatch.hashers.models.sscd",
    "onnx": "hashmatch.hashers.models.any_onnx",
}

#: The declaration of files that no other one knows.
ANY = "onnx"
#: Numbers that a model must give for a picture; of each, the sign is kept.
SIGNS = 512
#: Digits of the file's SHA-256 in the name of an algorithm.
_DIGITS = 12
_ALGORITHM = re.compile(rf"({'|'.join(MODELS)})-([0-9a-f]{{{_DIGITS}}})")


@dataclass(frozen=True, slots=True)
class Proof:
    """From where on the descriptor alone makes a match `possible`; see matching/learned_search.py.

    distance: bits, of 512, at which a reference is alike. lead: bits by which it must be nearer than the background;
    lead_afar: the same where the background is at least `afar` away, as it is from photographs.
    """

    distance: int
    lead: int
    lead_afar: int
    afar: int


@dataclass(frozen=True, slots=True)
class LearnedModel:
    """A kind of network, with everything that the rest of the program must know about it.

    name: as in --model and in the names of its hashes. title: as a person reads it.
    side: pixels across and down to which a picture is scaled, whatever its shape.
    radius: largest distance, in bits of 512, at which a reference is a candidate.
    looks: how many pictures of a file are described, at most: the whole one, then its views or its middle.
    feed: what the network takes, from the scaled picture: uint8 (side, side, 3), RGB.
    package: Python's name of a package that brings the file, and the file's name in it; None if there is none.
    measured: SHA-256 of the file that `radius` and `proof` were measured with; "" if nothing was measured.
    proof: what the descriptor alone says, with that file; None: nothing.
    ground: name of the file beside the declarations that holds the background set; "" if there is none.
    """

    name: str
    title: str
    side: int
    radius: int
    feed: Callable[[npt.NDArray[np.uint8]], npt.NDArray[Any]]
    looks: int = 1
    package: tuple[str, str] | None = None
    measured: str = ""
    proof: Proof | None = None
    ground: str = ""

    def background(self) -> npt.NDArray[np.uint8]:
        """Signs of made-up cards, screens and documents, by the measured file: uint8 (n, 64)."""
        return _background(self.ground)


@functools.cache
def _background(name: str) -> npt.NDArray[np.uint8]:
    import numpy as np

    content = resources.files("hashmatch.hashers.models").joinpath(name).read_bytes() if name else b""
    return np.frombuffer(content, np.uint8).reshape(-1, SIGNS // 8)


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A model that can be run: the name of its declaration, the path of its file, and that file's SHA-256."""

    model: str
    path: str
    digest: str

    @property
    def algorithm(self) -> str:
        """What its hashes are called."""
        return f"{self.model}-{self.digest[:_DIGITS]}"


def model(name: str) -> LearnedModel:
    """The declaration of that name. Raises KeyError if there is none."""
    found: LearnedModel = importlib.import_module(MODELS[name]).MODEL
    return found


def model_of(algorithm: str) -> LearnedModel | None:
    """The declaration behind an algorithm; None if it is no learned descriptor."""
    found = _ALGORITHM.fullmatch(algorithm)
    return model(found[1]) if found else None


def hasher(algorithm: str) -> Hasher | None:
    """The hasher of an algorithm, whether its file is here or not; None if it is no learned descriptor."""
    declared = model_of(algorithm)
    if declared is None:
        return None
    # Never searched as other hashes are: nothing is near by it, and candidates are not yet matches.
    threshold = Threshold.plain(near=-1, possible=declared.radius, margin=0)
    return Hasher(
        name=algorithm,
        title=declared.title,
        bits=SIGNS,
        version=1,
        hash=functools.partial(_signs, algorithm),
        thresholds=Thresholds(threshold, threshold),
        packages=("onnxruntime",),
        shows_picture=True,
    )


def packaged(name: str) -> Path | None:
    """The file of a model that an installed package brings; None if there is none."""
    package = model(name).package
    found = package and importlib.util.find_spec(package[0])
    if not package or not found or not found.submodule_search_locations:
        return None
    path = Path(found.submodule_search_locations[0]) / package[1]
    return path if path.is_file() else None


def is_there(file: ModelFile) -> bool:
    """Whether the file is what it was, on this machine."""
    try:
        return hashlib.sha256(Path(file.path).read_bytes()).hexdigest() == file.digest
    except OSError:
        return False


def load(file: ModelFile) -> None:
    """Import what running the model takes and read its file, but do not look into it: that is for after the lock.

    Raises CommandError if it cannot be read, or is another file than it was.
    """
    if file.algorithm in _contents:
        return
    import onnxruntime  # noqa: F401

    try:
        content = Path(file.path).read_bytes()
    except OSError as error:
        raise unfit(file.path, error.strerror or str(error)) from error
    if hashlib.sha256(content).hexdigest() != file.digest:
        raise unfit(file.path, str(Message.of("changed-while-read")))
    _contents[file.algorithm] = content


def unfit(path: str, why: str) -> CommandError:
    """The error to raise where a model cannot be used."""
    return CommandError(_("model {path} cannot be used: {why}").format(path=path, why=why))


def start(content: bytes) -> Any:
    """A network that is ready to run, on one thread. Raises whatever onnxruntime raises: the content may be anything."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def fed(declared: LearnedModel, picture: Picture) -> npt.NDArray[Any]:
    """What a network is given of a picture."""
    import numpy as np
    from PIL import Image

    side = declared.side
    scaled = picture.image.resize((side, side), Image.Resampling.BICUBIC, reducing_gap=2.0).convert("RGB")
    return declared.feed(np.asarray(scaled))


def run(session: Any, declared: LearnedModel, picture: Picture) -> npt.NDArray[np.float32]:
    """The numbers that a network gives for a picture: float32 (n,). Raises whatever onnxruntime raises."""
    import numpy as np

    entry = session.get_inputs()[0].name
    return np.asarray(session.run(None, {entry: fed(declared, picture)})[0], np.float32).ravel()


#: What `load` has read, and what runs, by algorithm. A worker has them as long as it lives.
_contents: dict[str, bytes] = {}
_sessions: dict[str, Any] = {}


def _signs(algorithm: str, picture: Picture) -> tuple[bytes, None]:
    """The signs of a picture's descriptor: 64 bytes, and no quality."""
    import numpy as np

    declared = model_of(algorithm)
    assert declared is not None
    try:
        if algorithm not in _sessions:
            _sessions[algorithm] = start(_contents[algorithm])
        numbers = run(_sessions[algorithm], declared, picture)
    except Exception as error:  # onnxruntime has its own, of many kinds
        if "alloc" in str(error).lower():
            raise MemoryError from error
        raise
    if numbers.shape != (SIGNS,):
        raise ValueError(f"{algorithm} gave {numbers.size} numbers")
    return np.packbits(numbers > 0).tobytes(), None

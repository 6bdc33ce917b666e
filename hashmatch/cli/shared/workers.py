"""Options of commands that examine files: worker processes, limits for each file, and which hashes to compute."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import click

from hashmatch.cli.shared import sections
from hashmatch.hashers import HASHERS, MAIN
from hashmatch.hashers.learned import ANY, MODELS
from hashmatch.i18n import _

if TYPE_CHECKING:
    from hashmatch.isolation import Isolation
    from hashmatch.media import Limits

F = TypeVar("F", bound=Callable[..., Any])

_UNITS = {"k": 10, "m": 20, "g": 30, "t": 40}


@dataclass(frozen=True, slots=True)
class Examining:
    """The values of these options."""

    isolation: Isolation
    limits: Limits


class Size(click.ParamType):  # type: ignore[type-arg]
    """A number of bytes: 500000, 300M, 2G. Units are powers of 1024."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        text = value.strip().lower().removesuffix("b").removesuffix("i")
        number, unit = (text[:-1], _UNITS[text[-1]]) if text[-1:] in _UNITS else (text, 0)
        if not (number.isascii() and number.isdigit() and int(number[:15])):
            self.fail(_("{value!r} is not a size; write 500000, 300M or 2G").format(value=value), param, ctx)
        return int(number[:15]) << unit


require_sandbox = sections.option(
    "--require-sandbox",
    is_flag=True,
    section=sections.PROCESSES,
    help=_("Do nothing unless workers can be locked completely (Landlock and seccomp, on Linux)."),
)

_OPTIONS = (
    sections.option(
        "--workers",
        type=click.IntRange(1, 256),
        section=sections.PROCESSES,
        help=_("Processes that decode and hash. Default: one per core."),
    ),
    require_sandbox,
    sections.option(
        "--timeout",
        type=click.FloatRange(min=2),
        default=60.0,
        show_default=True,
        section=sections.LIMITS,
        help=_("Give up a file after this many seconds without progress."),
    ),
    sections.option(
        "--max-seconds",
        type=click.FloatRange(min=1),
        section=sections.LIMITS,
        help=_("CPU seconds for a small file; a large one gets more for its size and pixels. Default: 20."),
    ),
    sections.option(
        "--max-memory",
        type=Size(),
        default="2G",
        show_default=True,
        section=sections.LIMITS,
        help=_("Memory for decoding a file."),
    ),
    sections.option(
        "--max-file-size",
        type=Size(),
        section=sections.LIMITS,
        help=_("Largest file. Default: 512M for a picture, 256G for a film."),
    ),
    sections.option(
        "--max-pixels",
        type=click.IntRange(1),
        section=sections.LIMITS,
        help=_("Most pixels of a picture or frame in colour; in grey, twice as many. Default: 178 million."),
    ),
    sections.option(
        "--max-frames",
        type=click.IntRange(1),
        section=sections.LIMITS,
        help=_("Most hashes kept of a film; the default is enough for a reference of 12 hours. Default: 300,000."),
    ),
)


def examining_options(command: F) -> F:
    """Adds these options to a command, which gets them as one argument, `examining`."""

    @functools.wraps(command)
    def wrapped(*arguments: Any, **named: Any) -> Any:
        chosen = {option: named.pop(option) for option in _NAMES}
        return command(*arguments, **named, examining=_examining(**chosen))

    decorated: Any = wrapped
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated  # type: ignore[no-any-return]


def hash_option(command: F) -> F:
    """--hash, for commands that compute the hashes the person names. The others compute what they search for."""
    return sections.option(
        "--hash",
        "names",
        default=MAIN,
        show_default=True,
        metavar="NAMES",
        section=sections.HASHES,
        help=_("Perceptual hashes to compute, separated by commas: {names}.").format(names=", ".join(HASHERS)),
    )(command)


def model_option(command: F) -> F:
    """--model, for commands that describe pictures. They get the models' files; see `models_of`."""
    return sections.option(
        "--model",
        metavar="NAME|FILE",
        section=sections.HASHES,
        help=_(
            "Learned descriptors (hashmatch[learned]): {names}, an ONNX file, or none. Default: $HASHMATCH_MODEL, else what"
            " is installed."
        ).format(names=", ".join(name for name in MODELS if name != ANY)),
    )(command)


_NAMES = (
    *("workers", "timeout", "max_seconds", "max_memory"),
    *("max_file_size", "max_pixels", "max_frames", "require_sandbox"),
)


def _examining(
    workers: int | None,
    timeout: float,
    max_seconds: float | None,
    max_memory: int,
    max_file_size: int | None,
    max_pixels: int | None,
    max_frames: int | None,
    require_sandbox: bool,
) -> Examining:
    from hashmatch.isolation import Isolation
    from hashmatch.media import Limits

    asked: dict[str, Any] = {"max_pixels": max_pixels, "max_frames": max_frames, "max_seconds": max_seconds}
    asked["film_memory"] = max_memory * 3 // 16
    if max_file_size is not None:
        asked["max_bytes"] = asked["max_picture_bytes"] = max_file_size
    limits = Limits(**{name: value for name, value in asked.items() if value is not None})
    isolation = Isolation(workers, timeout, max_memory, require_sandbox=require_sandbox)
    return Examining(isolation, limits)

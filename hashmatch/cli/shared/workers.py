"""The options of commands that examine files: how workers are kept, what one file may cost, and which hashes to compute."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import click

from hashmatch.hashers import HASHERS, MAIN
from hashmatch.i18n import _

if TYPE_CHECKING:
    from hashmatch.isolation import Isolation
    from hashmatch.media import Limits

F = TypeVar("F", bound=Callable[..., Any])

_UNITS = {"k": 10, "m": 20, "g": 30, "t": 40}


@dataclass(frozen=True, slots=True)
class Examining:
    """What the options ask for."""

    isolation: Isolation
    limits: Limits


class Size(click.ParamType):  # type: ignore[type-arg]
    """A number of bytes: 500000, 300M, 2G; the units are powers of 1024."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        text = value.strip().lower().removesuffix("b").removesuffix("i")
        number, unit = (text[:-1], _UNITS[text[-1]]) if text[-1:] in _UNITS else (text, 0)
        if not (number.isascii() and number.isdigit() and int(number[:15])):
            self.fail(_("{value!r} is no size; write 500000, 300M or 2G").format(value=value), param, ctx)
        return int(number[:15]) << unit


_OPTIONS = (
    click.option(
        "--workers",
        type=click.IntRange(1, 256),
        help=_("Worker processes that decode and hash. Default: one a core."),
    ),
    click.option(
        "--timeout",
        type=click.FloatRange(min=2),
        default=60.0,
        show_default=True,
        help=_("Seconds without progress after which a file is given up."),
    ),
    click.option(
        "--max-seconds",
        type=click.FloatRange(min=1),
        help=_("CPU seconds for one file; six times as many for each minute of film. Default: 20."),
    ),
    click.option(
        "--max-memory",
        type=Size(),
        default="2G",
        show_default=True,
        help=_("Memory for decoding one file."),
    ),
    click.option("--max-file-size", type=Size(), help=_("Largest file. Default: 512M for a picture, 256G for a film.")),
    click.option("--max-pixels", type=click.IntRange(1), help=_("Pixels of a picture or frame. Default: 178 million.")),
    click.option(
        "--max-frames",
        type=click.IntRange(1),
        help=_("Hashes of a film that are kept; of a reference some 12 hours. Default: 300,000."),
    ),
    click.option(
        "--require-sandbox",
        is_flag=True,
        help=_("Do nothing where workers cannot be locked in full (Landlock and seccomp, on Linux)."),
    ),
)


def examining_options(command: F) -> F:
    """The command gets them as one argument, `examining`."""

    @functools.wraps(command)
    def wrapped(*arguments: Any, **named: Any) -> Any:
        chosen = {option: named.pop(option) for option in _NAMES}
        return command(*arguments, **named, examining=_examining(**chosen))

    decorated: Any = wrapped
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated  # type: ignore[no-any-return]


def hash_option(command: F) -> F:
    """--hash, of commands that compute what the person names; the others compute what they search for."""
    return click.option(
        "--hash",
        "names",
        default=MAIN,
        show_default=True,
        metavar="NAMES",
        help=_("Perceptual hashes to compute, separated by commas: {names}.").format(names=", ".join(HASHERS)),
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
    if max_seconds is not None:
        asked["film_seconds"] = 6 * max_seconds
    if max_file_size is not None:
        asked["max_bytes"] = asked["max_picture_bytes"] = max_file_size
    limits = Limits(**{name: value for name, value in asked.items() if value is not None})
    isolation = Isolation(workers, timeout, max_memory, require_sandbox=require_sandbox)
    return Examining(isolation, limits)

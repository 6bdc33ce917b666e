"""What the benchmarks share: their files, their tables, their verdicts."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import platform
import statistics
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from PIL import Image

REPOSITORY = Path(__file__).resolve().parent.parent
PHOTOS = REPOSITORY.parent / "shared" / "corpus" / "photos"
FIXTURES = REPOSITORY / "fixtures" / "archive"

#: What a "12-megapixel" picture has, in pixels.
LARGE_PIXELS = 12_000_000


@dataclass(frozen=True, slots=True)
class Goal:
    """A promise and what was measured. at_least: whether more is better; unit is printed behind both numbers."""

    name: str
    measured: float
    bound: float
    at_least: bool = True
    unit: str = "×"

    @property
    def met(self) -> bool:
        return self.measured >= self.bound if self.at_least else self.measured <= self.bound


def stop(message: str) -> NoReturn:
    """End the script because it cannot measure: 2, where 1 says that a goal was missed."""
    print(message, file=sys.stderr)
    raise SystemExit(2)


def one_thread() -> None:
    """Start this script over with one thread for linear algebra, so that both sides have one core and no more.

    The libraries read these variables as they are loaded, so it is too late to set them in a running process.
    """
    names = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
    if any(os.environ.get(name) != "1" for name in names):
        environment = os.environ | dict.fromkeys(names, "1")
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], environment)


def photos_argument(parser: argparse.ArgumentParser, limit: bool = False) -> None:
    """--photos, as `jpegs` takes it; limit: --limit too."""
    parser.add_argument("--photos", type=Path, help="folder of JPEGs (default: ../shared/corpus/photos, else fixtures)")
    if limit:
        parser.add_argument("--limit", type=int, help="take only so many of them")


def jpegs(folder: Path | None, limit: int | None = None) -> list[Path]:
    """The JPEGs below a folder (None: the corpus beside the repository, else the fixtures), at most `limit`, in order.

    Ends the script where there are none.
    """
    if folder is None:
        folder = PHOTOS
        if not folder.is_dir():
            folder = FIXTURES
            print(f"Note: no corpus of photographs at {PHOTOS}; taking the few drawings of the fixtures instead.\n")
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg"))
    if not files:
        stop(f"no JPEG below {folder}")
    return files[:limit]


def enlarge(photos: Sequence[Path], folder: Path, grain: float = 0.0, suffix: str = ".jpg") -> list[Path]:
    """Copies of photographs at 12 megapixels, written by a process of its own, whose memory then is not ours.

    grain: standard deviation of noise in brightness levels; upscaled pictures have less detail than a camera's.
    suffix: ".jpg" or ".png".
    """
    targets = [folder / f"{number:04}{suffix}" for number in range(len(photos))]
    process = multiprocessing.get_context("spawn").Process(target=_enlarge, args=(list(photos), targets, grain))
    process.start()
    process.join()
    if process.exitcode != 0:
        stop("the 12-megapixel pictures could not be made")
    return targets


def _enlarge(photos: list[Path], targets: list[Path], grain: float) -> None:
    from PIL import Image

    for photo, target in zip(photos, targets, strict=True):
        with Image.open(photo) as image:
            picture = image.convert("RGB")
        scale = (LARGE_PIXELS / (picture.width * picture.height)) ** 0.5
        size = round(picture.width * scale), round(picture.height * scale)
        picture = picture.resize(size, Image.Resampling.BICUBIC)
        if grain:
            noise = Image.effect_noise(size, grain)  # about 128
            picture = Image.merge("RGB", [_add(band, noise) for band in picture.split()])
        picture.save(target, quality=90)


def _add(band: Image.Image, noise: Image.Image) -> Image.Image:
    from PIL import ImageChops

    return ImageChops.add(band, noise, offset=-128)


def machine() -> str:
    """One line on what this ran on, and how busy that was."""
    model = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), model)
    except OSError:
        pass
    load = f", load {os.getloadavg()[0]:.2f}" if hasattr(os, "getloadavg") else ""
    return f"{model}, {os.cpu_count()} cores, Python {platform.python_version()}, {platform.system()}{load}"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table: the first column to the left, numbers to the right."""
    lines = [list(heads), *(list(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    for number, line in enumerate(lines):
        cells = [
            line[0].ljust(widths[0]),
            *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)),
        ]
        print("  ".join(cells).rstrip())
        if number == 0:
            print("  ".join("─" * width for width in widths))
    print()


def verdict(goals: Sequence[Goal]) -> int:
    """Print each goal with PASS or FAIL. Returns the exit code: 1 if one was missed."""
    sign = {True: "≥", False: "≤"}
    rows = [
        (
            goal.name,
            f"{goal.measured:.2f}{goal.unit}",
            f"{sign[goal.at_least]} {goal.bound:g}{goal.unit}",
            "PASS" if goal.met else "FAIL",
        )
        for goal in goals
    ]
    table(("goal", "measured", "asked", ""), rows)
    return 0 if all(goal.met for goal in goals) else 1


def median_ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """The median over the rounds of theirs / ours: how many times as fast we are, each round judged by itself."""
    return statistics.median(their / our for our, their in zip(ours, theirs, strict=True))

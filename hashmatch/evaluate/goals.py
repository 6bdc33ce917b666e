"""What each group of edits is to reach; a report shows it beside what was measured."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Goal:
    """Shares of copies, 0 to 1. `near`: matched as `near` or better; `found`: matched at all. None: no goal.

    `fast` is the least that is to be found with that profile; the others hold for `thorough`.
    """

    found: float | None = None
    near: float | None = None
    fast: float | None = None


#: Of the first, only copies count where copy and original both have a PDQ quality of at least 50.
GOALS: dict[str, Goal] = {
    "codec": Goal(found=1.0, near=1.0, fast=1.0),
    "resize": Goal(found=1.0, near=1.0, fast=1.0),
    "tone": Goal(found=1.0, near=1.0, fast=1.0),
    "blur": Goal(found=1.0, near=1.0, fast=1.0),
    "noise": Goal(found=1.0, near=1.0, fast=1.0),
    "squeeze": Goal(found=1.0, near=1.0, fast=1.0),
    "bars": Goal(found=0.98, near=0.9, fast=0.98),
    "blurred-border": Goal(found=0.98, near=0.9, fast=0.98),
    "orientation": Goal(found=0.98, near=0.9, fast=0.98),
    "overlay": Goal(found=0.95),
    "meme": Goal(found=0.95, fast=0.85),
    "phone": Goal(found=0.95, fast=0.85),
    "crop-20": Goal(found=0.98),
    "crop-30": Goal(found=0.9),
    "rotation": Goal(found=0.98),
    "pip-50": Goal(found=0.9),
    "pip-33": Goal(found=0.65),
    "collage": Goal(),
    "inversion": Goal(),
    "combination": Goal(found=0.9),
}

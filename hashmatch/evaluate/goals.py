"""The goal for each group of edits; a report shows it beside what was measured."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Goal:
    """Shares of copies, 0 to 1; None if there is no goal.

    found: matched at all; near: matched as `near` or better. fast: the least share to find with that profile; the
    goal for `near` holds for both profiles where this one has one. good_quality: only copies count where copy and original
    both have a good PDQ quality, so that there is something to compare.
    """

    found: float | None = None
    near: float | None = None
    fast: float | None = None
    good_quality: bool = False

    def of(self, profile: str) -> tuple[float | None, float | None]:
        """The goals for near and for found of a profile, "fast" or "thorough"."""
        if profile == "fast":
            return (self.near if self.fast is not None else None), self.fast
        return self.near, self.found


_SAME_PICTURE = Goal(found=1.0, near=1.0, fast=1.0, good_quality=True)
_REARRANGED = Goal(found=0.98, near=0.9, fast=0.98)
_FRAMED = Goal(found=0.95, fast=0.85)
_NO_GOAL = Goal()

GOALS: dict[str, Goal] = {
    "codec": _SAME_PICTURE,
    "resize": _SAME_PICTURE,
    "tone": _SAME_PICTURE,
    "blur": _SAME_PICTURE,
    "noise": _SAME_PICTURE,
    "squeeze": _SAME_PICTURE,
    "bars": _REARRANGED,
    "blurred-border": _REARRANGED,
    "orientation": _REARRANGED,
    "overlay": Goal(found=0.95),
    "meme": _FRAMED,
    "phone": _FRAMED,
    "crop-grid": _NO_GOAL,
    "crop-20": Goal(found=0.98),
    "crop-30": Goal(found=0.9),
    "rotation": Goal(found=0.98),
    "pip-50": Goal(found=0.9),
    "pip-33": Goal(found=0.65),
    "collage": _NO_GOAL,
    "inversion": _NO_GOAL,
    "combination": Goal(found=0.9),
}

#: Largest acceptable shares of wrong pairs: unrelated pictures as `near` and `possible`, and one template with other text
#: as `near`.
MOST_WRONG_NEAR = 0.0
MOST_WRONG_POSSIBLE = 1e-6
MOST_TEMPLATES_NEAR = 0.01

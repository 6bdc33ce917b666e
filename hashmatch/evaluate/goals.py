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
        """The goals for near and for found of a profile."""
        if profile != "thorough":
            return (self.near if self.fast is not None else None), self.fast
        return self.near, self.found


#: The group of edits that are made with made-up cards.
CARD = "card"

_SAME_PICTURE = Goal(found=1.0, near=1.0, fast=1.0, good_quality=True)
_REARRANGED = Goal(found=0.98, near=0.9, fast=0.98)
_FRAMED = Goal(found=0.95, fast=0.85)
_NO_GOAL = Goal()
_SHOWN = Goal(found=0.96, fast=0.85)
_MOVED = Goal(found=0.98, fast=0.95)

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
    "social": _SHOWN,
    "story": _SHOWN,
    "television": _SHOWN,
    "camera": Goal(found=0.92, fast=0.75),
    "mosaic": Goal(found=0.95, fast=0.8),
    "crop-keeps-50": Goal(found=0.98, fast=0.9),
    "crop-keeps-30": Goal(found=0.85, fast=0.5),
    "perspective": _MOVED,
    "turn": _MOVED,
    "stretch-crop": _MOVED,
    "mark": _MOVED,
    "hiding": _MOVED,
    "attack": _MOVED,
    "recompression": _MOVED,
    "filter": _MOVED,
    "halftone": _MOVED,
    "distortion": _MOVED,
    "several": Goal(found=0.95, fast=0.85),
    CARD: Goal(found=0.8, fast=0.6),
}
#: Groups of families in which the picture is shown, filmed, cut, turned, marked or repainted; CARD too.
FAMILIES = tuple(GOALS)[tuple(GOALS).index("social") :]

#: Of the copies of families that are found, the share that should be `near`.
LEAST_NEAR_OF_FOUND = 0.65

#: Largest acceptable shares of wrong pairs: unrelated pictures as `near` and `possible`; one layout with other text or in
#: other colours as `near`; and screens of one app as `possible`.
MOST_WRONG_NEAR = 0.0
MOST_WRONG_POSSIBLE = 20e-6
MOST_LOOK_ALIKES_NEAR = 0.01
MOST_SCREENS_POSSIBLE = 0.02

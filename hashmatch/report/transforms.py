"""What was done to the reference's picture, as people read it."""

from __future__ import annotations

from hashmatch.escape import for_terminal
from hashmatch.i18n import _


def transform_name(transform: str) -> str:
    """A transform in the language in force.

    The code is data: it stays as it is in English, and stands in brackets after its translation elsewhere.
    transform: a match's; one that is not known, as a scan's file may have, is only made visible.
    """
    names = {
        "none": _("none"),
        "trimmed": _("trimmed"),
        "mirror": _("mirror"),
        "flip": _("flip"),
        "rotate90": _("rotate90"),
        "rotate180": _("rotate180"),
        "rotate270": _("rotate270"),
        "transpose": _("transpose"),
        "transverse": _("transverse"),
        "inverted": _("inverted"),
        "crop": _("crop"),
        "inset": _("inset"),
        "rotate": _("rotate"),
        "picture-in-picture": _("picture-in-picture"),
    }
    return names.get(transform) or for_terminal(transform)

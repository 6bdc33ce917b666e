"""The parts of a file in words; media/parts.py has their names, docs/examining.md what they are."""

from __future__ import annotations

import re

from hashmatch.escape import for_terminal
from hashmatch.i18n import _

_NAME = re.compile(r"(stream|picture|film|appended|cover)([1-9][0-9]{0,8})")


def in_part(name: str) -> str:
    """Where in a file a part is. name: of the part; an unknown one, as a scan's file may have, is only made visible."""
    found = _NAME.fullmatch(name)
    if found is None:
        return _("in its part {name}").format(name=for_terminal(name))
    kind, number = found[1], int(found[2])
    if number == 1 and kind in ("film", "appended", "cover"):
        return {
            "film": _("in the film inside the picture"),
            "appended": _("in what follows after its end"),
            "cover": _("in its cover picture"),
        }[kind]
    texts = {
        "stream": _("in its video stream {n}"),
        "picture": _("in its picture {n}"),
        "film": _("in film {n} inside the picture"),
        "appended": _("in file {n} of those that follow after its end"),
        "cover": _("in its cover picture {n}"),
    }
    return texts[kind].format(n=number)

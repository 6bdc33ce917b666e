"""What to call those whose word something is."""

from __future__ import annotations

import functools

from hashmatch.escape import for_terminal
from hashmatch.i18n import _
from hashmatch.store import voices


@functools.cache
def _names() -> dict[str, str]:
    from hashmatch.signing import keys

    return keys.names()


def called(owner: str, author: str = "") -> str:
    """A name to show for a voice: of its key if it is known here, of its interface, or where it is from."""
    if owner == "":
        return _("here")
    if owner == voices.UNSIGNED:
        return _("unsigned")
    if owner.startswith(f"{voices.UNSIGNED}:"):
        return _("{name} (unsigned)").format(name=for_terminal(owner.partition(":")[2]))
    name = for_terminal(_names().get(owner) or owner)
    return _("{owner} for {author}").format(owner=name, author=called(author)) if author else name

"""The note that each content of ours has on a server. By it we know it again, and find the reference that it is of.

It tells others nothing but that the content is from one reference set and which of theirs are from the same.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass

_NOTE = re.compile(r"hashmatch ([0-9a-f]{16}) ([0-9]{1,18}) ([0-9a-f]{16})", re.ASCII)


@dataclass(frozen=True, slots=True)
class ContentNote:
    """What a note of ours says.

    origin: the first 16 digits of the number of the reference set. reference: the id of the reference there.
    token: 16 random digits, different for each content.
    """

    origin: str
    reference: int
    token: str

    def __str__(self) -> str:
        """The note as the server has it, far shorter than the 255 characters that HMA allows."""
        return f"hashmatch {self.origin} {self.reference} {self.token}"

    @classmethod
    def make(cls, origin: str, reference: int) -> ContentNote:
        """A new note. origin: 32 hexadecimal digits."""
        return cls(origin[:16], reference, secrets.token_hex(8))

    @classmethod
    def parse(cls, text: str | None) -> ContentNote | None:
        """The meaning of a note, which may be anybody's; None if hashmatch has not written it."""
        found = _NOTE.fullmatch(text or "")
        return cls(found[1], int(found[2]), found[3]) if found else None

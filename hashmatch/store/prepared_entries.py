"""Entries of hash lists as the database will keep them, made without the database, so that another process can do it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from hashmatch.records import ListItem, Opinion
from hashmatch.store import voices
from hashmatch.store.membership import Membership
from hashmatch.store.references import PackedRow, packed_rows, raw
from hashmatch.views import FULL

#: The columns of a reference that an entry can fill.
COLUMNS = ("sha256", "sha1", "md5", "kind", "size", "duration", "width", "height")


class ListEntry(NamedTuple):
    """A list's entry as the database will keep it. It is made without the database, so that another process can do it. A
    tuple, since a list has millions.

    columns: values of COLUMNS. hashes: see packed_rows. opinions: each with its source. tells_opinions: whether its format
    can say that there are none.
    """

    identity: bytes
    columns: tuple[object, ...]
    hashes: tuple[PackedRow, ...]
    opinions: tuple[Opinion, ...]
    membership: Membership
    tells_opinions: bool = False

    @property
    def digests(self) -> tuple[bytes | None, bytes | None, bytes | None]:
        """SHA-256, SHA-1, MD5."""
        return self.columns[:3]  # type: ignore[return-value]

    @property
    def whole_hashes(self) -> list[tuple[str, bytes]]:
        """Hashes of a whole still picture, each by its algorithm and bits."""
        return [(row[0], row[4]) for row in self.hashes if row[1] == FULL and row[3] == 1 and row[6] is None]

    @property
    def only_doubts(self) -> bool:
        """Whether it is about a picture by its hashes alone, and says that it is wrong to know it."""
        if self.membership.retracted is None and all(each.verdict == "confirmed" for each in self.opinions):
            return False
        return not any(self.columns[:3])

    @property
    def is_only_its_record(self) -> bool:
        """Whether it names nothing but the record that it withdraws."""
        return not self.hashes and not any(self.columns[:3])


def entry_of(item: ListItem, membership: Membership, *, tells_opinions: bool = False) -> ListEntry:
    """An entry of a list, prepared. membership: how to add it. tells_opinions: see ListEntry."""
    return ListEntry(
        identity_of(item),
        (raw(item.sha256), raw(item.sha1), raw(item.md5), item.kind, item.size, item.duration, item.width, item.height),
        packed_rows(item.hashes),
        with_source(item.opinions, membership),
        membership,
        tells_opinions,
    )


def identity_of(item: ListItem) -> bytes:
    """What makes two entries of lists the same: 32 bytes.

    This is the SHA-256 of the media's bytes if the list has it, else a SHA-256 over the strongest digest, else over all
    perceptual hashes, in an order that does not depend on the list's.
    """
    if item.sha256 is not None:
        return bytes.fromhex(item.sha256)
    if item.sha1 is not None:
        named = "sha1:" + item.sha1
    elif item.md5 is not None:
        named = "md5:" + item.md5
    elif len(item.hashes) == 1:  # as in most lists, of which some have millions
        (one,) = item.hashes
        named = f"{one.algorithm}:{one.view}:{one.bits.hex()}"
    else:
        # Without times: other tools round them, each in its own way.
        named = ",".join(sorted(f"{h.algorithm}:{h.view}:{h.hex}" for h in item.hashes))
    return hashlib.sha256(b"hashmatch identity\0" + named.encode()).digest()


def with_source(told: Sequence[Opinion], membership: Membership) -> tuple[Opinion, ...]:
    """An entry's opinions, each with its source and author, and with a date if the entry has one."""
    if not told:
        return ()
    at = membership.said
    unnamed = membership.collection if membership.owner == voices.UNSIGNED else ""
    return tuple(
        replace(
            each,
            source=each.source or membership.collection,
            author=membership.author if each.source is None else _author(each.author, membership.owner) or unnamed,
            at=each.at or at,
        )
        for each in told
    )


def _author(author: str, owner: str) -> str:
    """For whom an owner passes a word on; "" for itself."""
    return "" if author == owner else author

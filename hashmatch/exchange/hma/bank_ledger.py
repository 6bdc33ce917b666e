"""What whoever fills a bank has to remember, because HMA cannot list what is in one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from hashmatch.records import Pushed, SentContent


class BankLedger(Protocol):
    """Records what was put into one bank of one server. What it is given must survive a crash right after the call."""

    @property
    def origin(self) -> str:
        """The number of the reference set: 32 hexadecimal digits."""

    def of(self, reference: int) -> Sequence[Pushed]:
        """Every content of a reference, including disabled ones."""

    def all(self) -> Iterable[Pushed]:
        """Every content, in the order of their numbers. The caller may change the ledger meanwhile."""

    def some(self, most: int) -> Sequence[Pushed]:
        """All contents, or so many of them, chosen at random."""

    def highest(self) -> int:
        """The highest number that we know this server has given, in any bank; 0 if we know of none."""

    def put(self, pushed: Iterable[Pushed]) -> None:
        """Stores new contents, or the new state of those whose numbers are known."""

    def forget(self, numbers: Iterable[int]) -> None:
        """Forgets contents that are not there any more."""

    def set_aside(self) -> int:
        """None of the contents is there any more. They are kept aside, in case that they come back, as on a server that is
        restored from a backup; `elsewhere` has them from then on. Returns how many there are."""

    def send(self, contents: Sequence[SentContent]) -> None:
        """Stores what is about to be sent."""

    def arrived(self, contents: Iterable[tuple[SentContent, Pushed | None]]) -> None:
        """Stores the numbers of what was sent; None where the server has not taken it."""

    def under_way(self) -> Sequence[SentContent]:
        """What was sent to this bank, and of which we do not know whether the server has it."""

    def give_up(self) -> None:
        """Forgets what was sent so long ago that the server must have it by now, if it has taken it at all."""

    def elsewhere(self) -> Iterable[tuple[str, str, Sequence[Pushed]]]:
        """What was put into other banks, or into this one under another name: the names of a server and of a bank, and some
        of its contents, chosen at random."""

    def take_over(self, server: str, bank: str) -> None:
        """From now on, what was put into a bank of that name is known as being in this one."""

    def hand_over(self, bank: str) -> None:
        """From now on, what was put into this bank is known as being in one of another name on the same server."""

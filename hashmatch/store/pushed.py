"""What was put into banks of servers from here, and under which numbers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hashmatch.clock import now
from hashmatch.records import Pushed
from hashmatch.store.database import Store


@dataclass(frozen=True, slots=True)
class PushedContents:
    """The contents of one bank of one server that were made from references here: a Ledger of exchange/hma.

    Each change is a transaction of its own: what a server has taken must not be forgotten.
    """

    store: Store
    server: str
    bank: str

    def of(self, reference: int) -> Iterable[Pushed]:
        return self._found("AND reference_id = ?", reference)

    def all(self) -> list[Pushed]:
        """Every content, in the order of their numbers."""
        return self._found("")

    def put(self, pushed: Pushed) -> None:
        with self.store.transaction() as connection:
            connection.execute(
                "INSERT INTO pushed (server, bank, content_id, reference_id, digest, disabled, at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (server, bank, content_id) DO UPDATE SET"
                " reference_id = excluded.reference_id, digest = excluded.digest, disabled = excluded.disabled,"
                " at = excluded.at",
                (
                    *(self.server, self.bank, pushed.content, pushed.reference),
                    *(pushed.digest, pushed.disabled, now()),
                ),
            )

    def forget(self) -> None:
        with self.store.transaction() as connection:
            connection.execute("DELETE FROM pushed WHERE server = ? AND bank = ?", (self.server, self.bank))

    def _found(self, condition: str, *values: int) -> list[Pushed]:
        rows = self.store.connection.execute(
            "SELECT content_id, reference_id, digest, disabled FROM pushed WHERE server = ? AND bank = ?"
            f" {condition} ORDER BY content_id",
            (self.server, self.bank, *values),
        )
        return [Pushed(content, reference, digest, bool(disabled)) for content, reference, digest, disabled in rows]

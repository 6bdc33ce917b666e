"""Remarks about labels, for several commands."""

from __future__ import annotations

from hashmatch.cli.shared.app import App
from hashmatch.errors import CommandError
from hashmatch.store.taxonomy import Remarks, Taxonomy, load


def remarks(app: App) -> Remarks:
    """Remarks about labels. If the taxonomy cannot be used, this says so, and labelling works all the same."""

    def taxonomy() -> Taxonomy | None:
        try:
            return load(app.database)
        except CommandError as error:
            from hashmatch.escape import for_terminal

            app.warn("hashmatch: " + for_terminal(str(error)))
            return None

    return Remarks(taxonomy)


def remark_on(app: App, labels: tuple[str, ...]) -> None:
    """Say which of these labels are not in the taxonomy."""
    from hashmatch.escape import for_terminal

    for remark in remarks(app)(labels):
        app.say(for_terminal(remark))

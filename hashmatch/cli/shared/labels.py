"""Labels and the taxonomy, as several commands tell of them."""

from __future__ import annotations

from hashmatch.cli.shared.app import App
from hashmatch.errors import CommandError
from hashmatch.store.taxonomy import Remarks, Taxonomy, load


def remarks(app: App) -> Remarks:
    """What is to be said of labels. A taxonomy that cannot be used is told of, and keeps nobody from labelling."""

    def taxonomy() -> Taxonomy | None:
        try:
            return load(app.database)
        except CommandError as error:
            from hashmatch.escape import for_terminal

            app.warn("hashmatch: " + for_terminal(str(error)))
            return None

    return Remarks(taxonomy)


def tell_of(app: App, labels: tuple[str, ...]) -> None:
    """Say of labels that are given here which ones are not in the taxonomy."""
    from hashmatch.escape import for_terminal

    for remark in remarks(app)(labels):
        app.say(for_terminal(remark))

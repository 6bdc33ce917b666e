"""A browser tab that logs what happens in it, and a check of its page's accessibility."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Page

#: The impacts, in axe's words, of faults that our pages must not have.
SERIOUS = {"serious", "critical"}


@dataclass
class Tab:
    """A tab and its log: console lines, script errors, requested URLs and dialogs."""

    page: Page
    console: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)

    def watch(self) -> Tab:
        self.page.on("console", lambda message: self.console.append(message.text))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("dialog", self._dismiss)
        return self

    def _dismiss(self, dialog: Any) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    @property
    def left_the_page(self) -> list[str]:
        """Requested URLs, except the page itself and data that it embeds."""
        return [url for url in self.requests if not url.startswith("data:") and url != self.page.url.partition("#")[0]]

    def is_quiet(self) -> bool:
        """Whether the log is empty but for the page itself."""
        return not (self.console or self.errors or self.dialogs or self.left_the_page)


def faults(page: Page, axe: str) -> list[str]:
    """The serious accessibility faults of a page, one line each.

    The script runs through the browser's tools, so the page's content security policy does not stop it.
    """
    page.evaluate(axe)
    found: Any = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{fault['id']}: {fault['help']}: {node['html'][:200]}"
        for fault in found["violations"]
        if fault["impact"] in SERIOUS
        for node in fault["nodes"]
    ]

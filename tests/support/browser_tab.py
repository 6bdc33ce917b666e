"""A tab of the browser that is watched, and what is wrong with the page in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Page

#: What axe calls the effects of a fault that no page of ours may have.
SERIOUS = {"serious", "critical"}


@dataclass
class Tab:
    """A tab, and what it did: lines on the console, errors of scripts, addresses that were asked for, dialogs."""

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
        """Requests for anything but the page itself and what is within it."""
        return [url for url in self.requests if not url.startswith("data:") and url != self.page.url.partition("#")[0]]

    def is_quiet(self) -> bool:
        """Whether nothing was said, went wrong or was asked for."""
        return not (self.console or self.errors or self.dialogs or self.left_the_page)


def faults(page: Page, axe: str) -> list[str]:
    """The serious faults of accessibility of a page, one line each. The page's policy does not bind what the tools of the
    browser run."""
    page.evaluate(axe)
    found: Any = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{fault['id']}: {fault['help']}: {node['html'][:200]}"
        for fault in found["violations"]
        if fault["impact"] in SERIOUS
        for node in fault["nodes"]
    ]

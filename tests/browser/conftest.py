"""Real Chromium, headless, for pages of ours: one browser for all tests, and for each a tab that is watched."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ARGUMENTS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
#: Where `npm install --no-save axe-core` was run; CI does it in node_modules/ of the repository.
AXE_FOLDERS = (os.environ.get("HASHMATCH_AXE", ""), "node_modules/axe-core")
#: What axe calls the effects of a fault that no page of ours may have.
SERIOUS = {"serious", "critical"}


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, driven by Playwright."""
    reason = "needs Playwright's Python package: pip install -e .[test]"
    api = pytest.importorskip("playwright.sync_api", reason=reason, exc_type=ImportError)
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    with api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield started
        started.close()


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


@pytest.fixture
def tab(browser: Browser) -> Iterator[Tab]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(120_000)  # milliseconds; a busy machine is no failure
    yield Tab(context.new_page()).watch()
    context.close()


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe-core, which finds faults of accessibility."""
    root = Path(__file__).parents[2]
    for folder in AXE_FOLDERS:
        script = root / folder / "axe.min.js"
        if folder and script.is_file():
            return script.read_text(encoding="utf-8")
    pytest.skip("needs axe-core: npm install --no-save axe-core, in this repository, or its folder in $HASHMATCH_AXE")


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

"""One headless Chromium for all tests, and a tab of its own for each."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.support.browser_tab import Tab
from tests.support.repository import ROOT

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ARGUMENTS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
#: Where axe-core may be. CI runs `npm install --no-save axe-core` in the repository.
AXE_FOLDERS = (os.environ.get("HASHMATCH_AXE", ""), "node_modules/axe-core")


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


@pytest.fixture
def tab(browser: Browser) -> Iterator[Tab]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(120_000)  # milliseconds; a busy machine is no failure
    yield Tab(context.new_page()).watch()
    context.close()


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe-core, which finds accessibility faults."""
    for folder in AXE_FOLDERS:
        script = ROOT / folder / "axe.min.js"
        if folder and script.is_file():
            return script.read_text(encoding="utf-8")
    pytest.skip("needs axe-core: npm install --no-save axe-core, in this repository, or its folder in $HASHMATCH_AXE")

"""The pages in Arabic, with the translations that go out: from right to left, nothing left in English, names isolated."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hashmatch import i18n
from hashmatch.messages import Message
from hashmatch.records import Failure
from hashmatch.report.pictures import ShownPicture
from tests.support.browser_tab import Tab, faults
from tests.support.report_pages import ALL, CROP, report

#: Where screenshots are left for a person to look at, if anywhere.
SCREENSHOTS = os.environ.get("HASHMATCH_SCREENSHOTS")

#: The same in every language: names of programs, formats and hashes, and words of the data.
NAMES = {
    *("hashmatch", "scan", "format", "JSON", "SHA", "MD", "PDQ", "TLP", "UTC", "GiB", "Esc", "Enter"),
    *(
        "exact",
        "near",
        "possible",
        "allowed",
        "limits",
        "landlock",
        "seccomp",
        "orb",
        "crop",
        "full",
        "trim",
        "trimmed",
    ),
}
#: Of what a reader sees or hears, all that is neither data nor a key, as which it is marked up.
TOLD = """() => {
    const told = [document.title];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode())
        if (!walker.currentNode.parentElement.closest('bdi, code, kbd, script, option'))
            told.push(walker.currentNode.data);
    for (const e of document.querySelectorAll('[aria-label], [title], [placeholder], [data-text]'))
        if (!e.closest('bdi'))
            told.push(...['aria-label', 'title', 'placeholder', 'data-text'].map((name) => e.getAttribute(name) || ''));
    return told.map((text) => text.trim()).filter((text) => text);
}"""


def in_english(page: Any, data: set[str]) -> list[str]:
    """What is told in another language. data: names that stand in attributes, where nothing can be marked up."""
    told: list[str] = page.evaluate(TOLD)
    assert sum(bool(re.search(r"[\u0600-\u06ff]{2}", text)) for text in told) > 10
    gaps = re.compile("|".join([r"\{\w+\}", *map(re.escape, data)]))
    return [text for text in told if set(re.findall(r"[A-Za-z]{2,}", gaps.sub("", text))) - NAMES]


def is_from_right_to_left(page: Any) -> bool:
    heading = page.locator("h1").bounding_box()
    middle = page.evaluate("document.documentElement.clientWidth") / 2
    return bool(
        page.evaluate("[document.documentElement.lang, document.dir]") == ["ar", "rtl"]
        and heading["x"] + heading["width"] > middle
    )


def names_and_digests(page: Any) -> set[tuple[str, str]]:
    """How they are written: direction, and whether apart from what is around them."""
    found = page.evaluate(
        "[...document.querySelectorAll('.path, .path bdi, code')].map((e) => getComputedStyle(e))"
        ".map((style) => [style.direction, style.unicodeBidi])"
    )
    return {(direction, isolation) for direction, isolation in found}


def look(page: Any, name: str) -> None:
    if SCREENSHOTS:
        page.wait_for_load_state("networkidle")
        page.screenshot(path=Path(SCREENSHOTS) / f"{name}.png", full_page=True)


class TestReport:
    @pytest.fixture(autouse=True)
    def in_arabic(self) -> Iterator[None]:
        i18n.activate("ar")
        yield
        i18n.activate(None)

    @pytest.mark.parametrize("width", [360, 1280])
    def test_report(self, tab: Tab, axe: str, tmp_path: Path, width: int) -> None:
        target = tmp_path / "report.html"
        damaged = replace(CROP, partial=True, error=Failure("partial", Message.literal("تالف")))
        pictures = {CROP.path: ShownPicture(why="لا صورة")}
        target.write_text(report((*ALL, damaged), pictures=pictures), encoding="utf-8")
        tab.page.set_viewport_size({"width": width, "height": 9000})
        tab.page.goto(target.as_uri())
        assert is_from_right_to_left(tab.page)
        assert in_english(tab.page, set()) == []
        assert names_and_digests(tab.page) == {("ltr", "isolate")}
        assert tab.page.evaluate("document.documentElement.scrollWidth") <= width
        assert faults(tab.page, axe) == []
        tab.page.fill("#search", "long")
        tab.page.wait_for_selector("#shown:text-matches('المعروض: [0-9]+ من [0-9]+')")
        # Or else its backslash would be seen at its end.
        written = tab.page.locator(".note bdi", has_text="u202e")
        assert written.evaluate("(e) => getComputedStyle(e).direction") == "ltr"
        look(tab.page, f"report-{width}")
        assert tab.is_quiet()


class TestReview:
    def test_review(self, tab: Tab, axe: str, tmp_path: Path) -> None:
        pytest.importorskip("starlette", reason="needs the review page's packages: pip install -e .[review]")
        pytest.importorskip("uvicorn", reason="needs the review page's packages: pip install -e .[review]")
        from tests.support.review_server import make, served

        page = tab.page
        with served(make(tmp_path), language="ar", catalogues=i18n.FOLDER) as running:
            page.goto(running.link, wait_until="domcontentloaded")
            for path in ("list", "match/2", "grid/2"):
                page.goto(f"http://{running.host}{running.base}/{path}", wait_until="domcontentloaded")
                data = set(page.evaluate("[...document.querySelectorAll('.path')].map((e) => e.textContent.trim())"))
                for width in (360, 1280):
                    page.set_viewport_size({"width": width, "height": 900})
                    assert is_from_right_to_left(page)
                    assert page.evaluate("document.documentElement.scrollWidth") <= width
                    look(page, f"review-{path.replace('/', '-')}-{width}")
                assert in_english(page, data) == []
                assert names_and_digests(page) <= {("ltr", "isolate")}
                assert faults(page, axe) == []
            page.keyboard.press("h")
            look(page, "review-help")
            page.keyboard.press("Escape")
            page.goto(f"http://{running.host}{running.base}/match/2", wait_until="domcontentloaded")
            with page.expect_navigation(wait_until="domcontentloaded"):
                page.keyboard.press("1")
            assert "تأكيد" in page.content()
            assert in_english(page, set()) == []
            assert not (tab.console or tab.errors or tab.dialogs)

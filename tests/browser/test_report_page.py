"""The report in a real browser: inert, without network, by keyboard, filtered, right to left, printed, without script."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hashmatch import i18n
from hashmatch.report.pictures import ShownPicture
from tests.support.browser_tab import Tab, faults
from tests.support.catalogues import write_catalogues
from tests.support.report_pages import ABOUT, ALL, CROP, EVIL, LONG, NEWS, evil_result, report
from tests.support.report_results import MATCHED

if TYPE_CHECKING:
    from playwright.sync_api import Browser

#: A red JPEG of 8 by 8.
PICTURE = ShownPicture(
    160,
    160,
    "data:image/jpeg;base64,/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAgGBgcGBQgHBwcJCQgKDBQNDAsLDBkSEw8UHRofHh0aHBwgJC4nICIsIxwcKDcp"
    "LDAxNDQ0Hyc5PTgyPC4zNDL/wAALCAAIAAgBAREA/8QAFAABAAAAAAAAAAAAAAAAAAAAB//EABQQAQAAAAAAAAAAAAAAAAAAAAD/2gAIAQEAAD8AV//Z",
    42.0,
)


@pytest.fixture
def show(tab: Tab, tmp_path: Path) -> Any:
    """Opens a report in the tab."""

    def call(results: Any = ALL, **options: Any) -> Any:
        target = tmp_path / "report.html"
        target.write_text(report(results, **options), encoding="utf-8")
        tab.page.goto(target.as_uri())
        return tab.page

    return call


@pytest.fixture
def from_right_to_left(tmp_path: Path) -> Iterator[None]:
    i18n.activate("ar", write_catalogues(tmp_path))
    yield
    i18n.activate(None)


def shown(page: Any) -> list[str]:
    """The names of the files that are seen, in order."""
    names: list[str] = page.evaluate(
        "[...document.querySelectorAll('.match .path')].filter((each) => each.checkVisibility()).map((e) => e.textContent)"
    )
    return names


class TestInert:
    def test_evil_names_do_nothing(self, show: Any, tab: Tab) -> None:
        evil = evil_result()
        page = show(
            [evil, replace(evil, status="failed", matches=()), MATCHED], pictures={evil.path: ShownPicture(why=EVIL)}
        )
        assert page.locator(".match .path", has_text="\"'><script>window.pwned=1</script>").count() == 1
        assert page.evaluate("window.pwned") is None
        assert page.locator("img").count() == 0
        assert page.locator("script").count() == 1
        for field, value in (("#search", EVIL), ("#distance", "12")):
            page.fill(field, value)
        page.select_option("#sort", "name")
        page.wait_for_selector("#flat:visible")
        assert page.evaluate("window.pwned") is None
        assert tab.is_quiet(), (tab.console, tab.errors, tab.left_the_page)

    def test_no_request_leaves(self, show: Any, tab: Tab) -> None:
        page = show(pictures={LONG.path: PICTURE})
        page.locator("img").scroll_into_view_if_needed()
        assert page.evaluate("{ const i = document.querySelector('img'); i.decode().then(() => i.naturalWidth) }") == 8
        assert tab.is_quiet()

    @pytest.mark.parametrize(
        "attack",
        [
            "fetch('https://example.org/')",
            "new Promise((y, n) => { const i = new Image(); i.onload = y; i.onerror = n; i.src = 'https://example.org/' })",
            "new Promise((y, n) => { const i = new Image(); i.onload = y; i.onerror = n; i.src = 'file:///etc/hostname' })",
            "document.body.innerHTML = '<p>'",
            "eval('1')",
        ],
    )
    def test_the_policy_holds_even_if_a_script_ran(self, show: Any, tab: Tab, attack: str) -> None:
        page = show()
        # Not as the tools of a browser run it, whom no policy binds, but from a timer of the page's own.
        told = page.evaluate(
            "(attack) => new Promise((done) => setTimeout(() => { try { Promise.resolve(Function(attack)()).then(() =>"
            " done('ran'), () => done('refused')) } catch { done('refused') } }))",
            f"return {attack}",
        )
        assert told == "refused"
        assert tab.left_the_page == []


class TestTools:
    def wait(self, page: Any, count: int, of: int = 6) -> list[str]:
        # Not wait_for_function, which the page's policy refuses.
        page.wait_for_selector(f"#shown:text-is('Shown: {count} of {of}')")
        return shown(page)

    def test_search(self, show: Any, tab: Tab) -> None:
        page = show()
        everything = self.wait(page, 6)
        assert len(everything) == 6
        for text, count in (("LONG.mp4", 1), ("5555", 1), ("east mirrored", 1), ("صو", 2), ("no such", 0), ("", 6)):
            page.fill("#search", text)
            assert len(self.wait(page, count)) == count
        assert tab.is_quiet()

    def test_filters(self, show: Any) -> None:
        page = show()
        page.fill("#distance", "12")
        assert len(self.wait(page, 4)) == 4
        page.uncheck("[name=tier][value=exact]")
        self.wait(page, 3)
        page.select_option("#collections", label="news")
        assert self.wait(page, 1) == [NEWS.path.decode()]
        assert page.locator(".tier-section:visible").count() == 1, "what has nothing to show is not shown"
        page.click("[type=reset]")
        assert len(self.wait(page, 6)) == 6
        page.select_option("#kind", "image")
        assert len(self.wait(page, 3)) == 3
        page.select_option("#labels", label="first")
        self.wait(page, 0)

    def test_sort(self, show: Any) -> None:
        page = show()
        first = shown(page)
        page.select_option("#sort", "name")
        page.wait_for_selector("#flat:visible")
        assert [name[:4] for name in shown(page)] == ["=1+1", "=1+1", "crop", "crop", "long", "خبر."]
        assert page.locator("#flat .brief:visible").count() == 6, "each says of which reference it is"
        page.select_option("#sort", "size")
        page.wait_for_selector("#flat > :first-child .path:has-text('=1+1')")
        page.select_option("#sort", "share")
        page.wait_for_selector("#flat > :first-child .path:has-text('long.mp4')")
        page.select_option("#sort", "")
        page.wait_for_selector("#flat", state="hidden")
        assert shown(page) == first

    def test_all_of_it_by_keyboard(self, show: Any, tab: Tab) -> None:
        page = show(pictures={LONG.path: PICTURE})
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        page.keyboard.type("long")
        self.wait(page, 1)
        seen = []
        for _press in range(20):
            page.keyboard.press("Tab")
            seen.append(page.evaluate("document.activeElement.id || document.activeElement.className"))
            if seen[-1] == "veil":
                break
        assert [each for each in seen if each in ("kind", "collections", "labels", "distance", "sort", "veil")] == [
            *("kind", "collections", "labels", "distance", "sort", "veil")
        ]
        assert tab.is_quiet()


def settle(page: Any) -> None:
    """Wait until the page has scrolled to what has the focus: scrolling covers pictures again."""
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


class TestPictures:
    def is_blurred(self, page: Any) -> bool:
        return "blur" in str(page.evaluate("getComputedStyle(document.querySelector('.veil img')).filter"))

    def test_seen_while_a_key_is_down(self, show: Any) -> None:
        page = show(pictures={LONG.path: PICTURE})
        page.focus(".veil")
        settle(page)
        for key in (" ", "Enter"):
            assert self.is_blurred(page)
            page.keyboard.down(key)
            assert not self.is_blurred(page)
            page.keyboard.up(key)
        assert self.is_blurred(page)
        page.keyboard.down(" ")
        page.keyboard.press("Tab")
        assert self.is_blurred(page), "nor does it stay when one goes on"

    def test_seen_while_a_button_is_down(self, show: Any) -> None:
        page = show(pictures={LONG.path: PICTURE})
        page.locator(".veil").scroll_into_view_if_needed()
        page.hover(".veil")
        settle(page)
        assert self.is_blurred(page), "not by pointing at it"
        page.mouse.down()
        assert not self.is_blurred(page)
        page.mouse.up()
        assert self.is_blurred(page)

    def test_one_at_a_time(self, show: Any) -> None:
        page = show(pictures={LONG.path: PICTURE, CROP.path: PICTURE})
        page.locator(".veil").first.scroll_into_view_if_needed()
        page.locator(".veil").first.focus()
        settle(page)
        page.keyboard.down(" ")
        assert page.locator(".veil.held").count() == 1


class TestShape:
    @pytest.mark.parametrize("width", [360, 1280])
    @pytest.mark.parametrize("language", ["en", "ar"])
    def test_fits_and_is_accessible(
        self, show: Any, tab: Tab, axe: str, width: int, language: str, request: pytest.FixtureRequest
    ) -> None:
        if language == "ar":
            request.getfixturevalue("from_right_to_left")
        # So high that all of it is rendered, which what is out of sight is not.
        tab.page.set_viewport_size({"width": width, "height": 9000})
        page = show(pictures={LONG.path: PICTURE, CROP.path: ShownPicture(why="gone")})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert faults(page, axe) == []
        page.select_option("#sort", "name")
        page.wait_for_selector("#flat:visible")
        assert faults(page, axe) == []

    @pytest.mark.usefixtures("from_right_to_left")
    def test_from_right_to_left_names_and_digests_are_not(self, show: Any) -> None:
        page = show()
        assert page.evaluate("[document.documentElement.lang, document.dir]") == ["ar", "rtl"]
        heading = page.locator("h1").bounding_box()
        assert heading["x"] + heading["width"] > 1000, "it begins on the right"
        for selector in (".path", "code"):
            styles = page.evaluate(
                f"[...document.querySelectorAll('{selector}')].map((e) => getComputedStyle(e).direction)"
            )
            assert set(styles) == {"ltr"}

    def test_without_script_all_is_there_but_the_tools(self, browser: Browser, tmp_path: Path) -> None:
        target = tmp_path / "report.html"
        target.write_text(report(), encoding="utf-8")
        context = browser.new_context(java_script_enabled=False)
        page = context.new_page()
        page.goto(target.as_uri())
        assert page.locator("#tools").is_hidden()
        assert page.locator(".match:visible").count() == 6
        assert "50% of this file" in (page.locator("main").text_content() or "")
        context.close()

    def test_on_paper_everything_is_unfolded(self, show: Any, tmp_path: Path) -> None:
        page = show()
        assert page.locator("details:not([open])").count() == 2
        page.emulate_media(media="print")
        page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
        assert page.locator("details:not([open])").count() == 0
        assert page.locator("#tools").is_hidden()
        page.evaluate("window.dispatchEvent(new Event('afterprint'))")
        assert page.locator("details:not([open])").count() == 2
        pages = re.findall(rb"/Type\s*/Page\b", page.pdf(prefer_css_page_size=True))
        assert 2 <= len(pages) <= 8

    def test_a_report_of_nothing(self, show: Any, tab: Tab) -> None:
        page = show([], about=replace(ABOUT, scan=None))
        assert "Nothing matched." in page.locator("main").inner_text()
        assert tab.is_quiet()

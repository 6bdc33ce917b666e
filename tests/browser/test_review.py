"""The review page in a real browser: by keyboard alone, blurred unless a key is down, inert, from right to left, killed."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("starlette", reason="needs the review page's packages: pip install -e .[review]")
pytest.importorskip("uvicorn", reason="needs the review page's packages: pip install -e .[review]")

from hashmatch.store import open_store, review_decisions
from tests.support.browser_tab import Tab, faults
from tests.support.catalogues import write_catalogues
from tests.support.review_server import Case, Served, make, served

#: Where screenshots are left for a person to look at, if anywhere.
SCREENSHOTS = os.environ.get("HASHMATCH_SCREENSHOTS")


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Case:
    return make(tmp_path_factory.mktemp("review"))


@pytest.fixture(scope="module")
def shared(original: Case, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A page on which nothing is decided."""
    with served(original.copy(tmp_path_factory.mktemp("shared"))) as running:
        running.enter()
        yield running


@pytest.fixture(scope="module")
def arabic(original: Case, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The same from right to left, in made-up texts."""
    folder = tmp_path_factory.mktemp("arabic")
    catalogues = write_catalogues(folder / "locale")
    with served(original.copy(folder), language="ar", catalogues=catalogues) as running:
        running.enter()
        yield running


@pytest.fixture
def case(original: Case, tmp_path: Path) -> Case:
    return original.copy(tmp_path)


def enter(tab: Tab, page: Served, path: str = "/") -> Any:
    """Open the page in the tab, by its link or where that was used by its cookie."""
    if page.cookie:
        name, _equals, value = page.cookie.partition("=")
        tab.page.context.add_cookies(
            [
                {
                    "name": name,
                    "value": value,
                    "domain": "127.0.0.1",
                    "path": page.base,
                    "httpOnly": True,
                    "sameSite": "Strict",
                }
            ]
        )
        tab.page.goto(f"http://{page.host}{page.base}{path}")
    else:
        tab.page.goto(page.link)
        tab.page.wait_for_url("**/match/*")
    return tab.page


def is_quiet(tab: Tab, page: Served) -> bool:
    """Whether nothing went wrong, and nothing was asked of anybody else."""
    elsewhere = [url for url in tab.requests if not url.startswith(f"http://{page.host}{page.base}/")]
    return not (tab.console or tab.errors or tab.dialogs or elsewhere)


def look(page: Any, name: str) -> None:
    if SCREENSHOTS:
        page.wait_for_load_state("networkidle")
        page.screenshot(path=Path(SCREENSHOTS) / f"{name}.png", full_page=True)


def seen(page: Any, selector: str = ".veil img") -> set[str]:
    """How pictures are shown: each a CSS filter."""
    return set(page.evaluate(f"[...document.querySelectorAll('{selector}')].map((e) => getComputedStyle(e).filter)"))


def is_clear(page: Any, selector: str = ".veil img") -> bool:
    return not any("blur" in each for each in seen(page, selector))


class TestByKeyboard:
    def test_through_20_matches(self, case: Case, tab: Tab) -> None:
        with served(case, "--reviewer", "Anna") as running:
            page = enter(tab, running)
            for number in range(1, 21):
                page.wait_for_selector(f"h1:has-text('Match {number} of 20')")
                page.keyboard.down("v")
                assert is_clear(page)
                page.keyboard.up("v")
                key = "1" if number == 1 else "12354"[number % 5]
                if key == "4":
                    page.keyboard.press("m")
                    page.keyboard.type("a news photograph, 1 of 2")
                    page.keyboard.press("Escape")
                with page.expect_navigation(wait_until="load"):
                    page.keyboard.press(key)
            page.wait_for_selector("text=Nothing waits for you any more.")
            look(page, "done")
            assert is_quiet(tab, running), (tab.console, tab.errors, tab.requests)
        with open_store(case.db) as store:
            said = Counter(word.said for word in review_decisions.words_after(store.connection, 0))
        assert said == {"confirmed": 5, "false-positive": 3, "allow": 4, "second-look": 4, "dispute": 4}

    def test_focus_is_seen_and_goes_everywhere(self, shared: Served, tab: Tab) -> None:
        page = enter(tab, shared, "/match/2")
        reached = set()
        for _press in range(40):
            page.keyboard.press("Tab")
            name, outline = page.evaluate(
                "(() => { const e = document.activeElement; return [e.value || e.id || e.className || e.localName,"
                " getComputedStyle(e).outlineStyle]; })()"
            )
            assert outline != "none" or name == "body", name
            reached.add(name)
        assert reached >= {"skip", "colour", "help-button", "veil", "note", *review_decisions.DECISIONS}

    def test_help_and_ways(self, shared: Served, tab: Tab) -> None:
        page = enter(tab, shared, "/match/2")
        page.keyboard.press("h")
        assert page.locator("#help").is_visible()
        page.keyboard.press("1")
        assert page.url.endswith("/match/2"), "keys are explained, not obeyed"
        page.keyboard.press("Escape")
        assert not page.locator("#help").is_visible()
        for key, to in (
            ("j", "/match/3"),
            ("k", "/match/2"),
            ("ArrowRight", "/match/3"),
            ("ArrowLeft", "/match/2"),
            ("l", "/list"),
            ("o", "/match/1"),
        ):
            page.keyboard.press(key)
            page.wait_for_url(f"**{to}")
        page.keyboard.press("g")
        page.wait_for_url("**/grid/1")
        page.keyboard.press("g")
        page.wait_for_url("**/match/1")
        page.keyboard.press("m")
        page.keyboard.type("1 v g j")
        assert page.input_value("#note") == "1 v g j" and page.url.endswith("/match/1")
        page.keyboard.press("Escape")
        page.keyboard.press("Control+g")
        assert page.url.endswith("/match/1"), "what the browser has its keys for"

    def test_a_dispute_asks_for_its_reason(self, shared: Served, tab: Tab) -> None:
        page = enter(tab, shared, "/match/2")
        page.keyboard.press("4")
        assert page.evaluate("document.activeElement.id") == "note" and page.url.endswith("/match/2")

    def test_a_whole_grid(self, case: Case, tab: Tab) -> None:
        with served(case) as running:
            page = enter(tab, running)
            page.goto(f"http://{running.host}{running.base}/list")
            page.click("text=3 files")
            page.locator(".groups li", has_text="3 files").locator("a").click()
            page.wait_for_selector("h1:has-text('3 files match this reference')")
            page.wait_for_load_state("load")  # the keys work from then on
            look(page, "grid")
            page.keyboard.press("ArrowRight")
            page.keyboard.press("x")
            page.keyboard.down(" ")
            assert is_clear(page, ".held .veil img")
            assert page.locator(".held").count() == 1, "one picture of many"
            page.keyboard.up(" ")
            with page.expect_navigation():
                page.keyboard.press("2")
            assert "false positive: 1 match" in page.inner_text(".told")
            page.keyboard.press("a")
            with page.expect_navigation():
                page.keyboard.press("1")
            assert "confirmed: 3 matches" in page.inner_text(".told")
            with page.expect_navigation():
                page.keyboard.press("u")
            assert "taken back: 3 matches" in page.inner_text(".told")
            assert is_quiet(tab, running)


class TestBlur:
    def test_is_lifted_only_while_a_key_is_down(self, shared: Served, tab: Tab) -> None:
        page = enter(tab, shared, "/match/2")
        blurred = {"blur(28px) grayscale(1)"}
        for key in (" ", "v"):
            assert seen(page) == blurred
            page.keyboard.down(key)
            assert seen(page) == {"grayscale(1)"}, "both sides, and in grey"
            page.keyboard.up(key)
        assert seen(page) == blurred
        page.keyboard.down("v")
        page.evaluate("window.dispatchEvent(new Event('blur'))")
        assert seen(page) == blurred, "nor when the window is left"
        page.keyboard.up("v")

    def test_is_lifted_only_while_a_button_is_down(self, shared: Served, tab: Tab) -> None:
        page = enter(tab, shared, "/match/2")
        page.locator(".veil").first.hover()
        assert not is_clear(page), "not by pointing at it"
        page.mouse.down()
        assert is_clear(page)
        page.mouse.up()
        assert not is_clear(page)

    def test_strength_and_colour(self, shared: Served, tab: Tab) -> None:
        page = enter(tab, shared, "/match/2")
        page.keyboard.press("+")
        page.keyboard.press("NumpadAdd")
        assert "36px" in str(seen(page))
        for _press in range(20):
            page.keyboard.press("-")
        assert seen(page) == {"blur(8px) grayscale(1)"}, "never none"
        page.keyboard.press("j")
        page.wait_for_url("**/match/3")
        assert seen(page) == {"blur(8px) grayscale(1)"}, "it is kept"
        page.keyboard.press("c")
        assert seen(page) == {"blur(8px)"}
        page.keyboard.down("v")
        assert seen(page) == {"none"}
        page.keyboard.up("v")
        assert page.get_attribute("#colour", "aria-pressed") == "true"
        page.keyboard.press("c")

    def test_nothing_plays(self, shared: Served, tab: Tab) -> None:
        page = enter(tab, shared, "/match/2")
        assert page.locator("video, audio, iframe, object, embed").count() == 0


class TestInert:
    def test_evil_names(self, shared: Served, tab: Tab) -> None:
        (number,) = [n for n in range(1, 21) if "script&gt;" in shared.ask("GET", f"/match/{n}").text]
        page = enter(tab, shared, f"/match/{number}")
        assert "<script>window.pwned=1<" in page.inner_text("main")
        page.keyboard.press("g")
        page.wait_for_url("**/grid/*")
        assert page.evaluate("window.pwned") is None
        assert page.locator("img:not(.veil img)").count() == 0 and page.locator("script").count() == 1
        assert is_quiet(tab, shared), (tab.console, tab.errors, tab.requests)

    @pytest.mark.parametrize(
        "attack",
        [
            "fetch('https://example.org/')",
            "new Promise((y, n) => { const i = new Image(); i.onload = y; i.onerror = n; i.src = 'https://example.org/' })",
            "document.body.innerHTML = '<p>'",
            "document.cookie.includes('hashmatch') ? 1 : Promise.reject()",
        ],
    )
    def test_the_policy_holds_even_if_a_script_ran(self, shared: Served, tab: Tab, attack: str) -> None:
        page = enter(tab, shared, "/match/2")
        told = page.evaluate(
            "(attack) => new Promise((done) => setTimeout(() => { try { Promise.resolve(Function('return ' + attack)())"
            ".then(() => done('ran'), () => done('refused')) } catch { done('refused') } }))",
            attack,
        )
        assert told == "refused"
        assert all(url.startswith(f"http://{shared.host}{shared.base}/") for url in tab.requests)


class TestKept:
    def test_killed_in_between(self, case: Case, tab: Tab) -> None:
        with served(case) as running:
            page = enter(tab, running)
            for _press in range(3):
                with page.expect_navigation():
                    page.keyboard.press("1")
            running.process.kill()
            running.process.wait()
        with served(case) as running:
            page = enter(tab, running)
            assert page.url.endswith("/match/4")
            assert "3 of 20 decided" in page.inner_text(".bar")

    def test_why_there_is_no_picture(self, original: Case, case: Case, tab: Tab, tmp_path: Path) -> None:
        moved = tmp_path / "scan.jsonl"
        moved.write_text(original.scan.read_text(encoding="utf-8").replace("/found/", "/lost/"), encoding="utf-8")
        with served(Case(case.folder, case.db, moved)) as running:
            page = enter(tab, running)
            page.wait_for_selector(".why:has-text('does not exist')")
            look(page, "no-picture")
            assert page.locator(".why:visible").count() == 1, "and the reference is shown"

    def test_pause(self, case: Case, tab: Tab) -> None:
        with served(case, "--pause", "0.01") as running:
            page = enter(tab, running)
            page.wait_for_selector("#pause:visible")
            look(page, "pause")
            page.focus("#pause button")
            with page.expect_navigation():
                page.keyboard.press("Enter")
            assert page.url.endswith("/match/1")


class TestShape:
    @pytest.mark.parametrize("width", [360, 1280])
    @pytest.mark.parametrize("language", ["en", "ar"])
    def test_fits_and_is_accessible(
        self, shared: Served, tab: Tab, axe: str, width: int, language: str, request: pytest.FixtureRequest
    ) -> None:
        running = request.getfixturevalue("arabic") if language == "ar" else shared
        film = next(n for n in range(1, 21) if "film.webp" in running.ask("GET", f"/match/{n}").text)
        tab.page.set_viewport_size({"width": width, "height": 900})
        for path in (f"/match/{film}", "/grid/2", "/list"):
            page = enter(tab, running, path)
            assert page.evaluate("[document.documentElement.lang, document.dir]") == [
                language,
                "rtl" if language == "ar" else "ltr",
            ]
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path
            look(page, f"{language}-{width}-{path.strip('/').replace('/', '-')}")
            assert faults(page, axe) == [], path
        page = enter(tab, running, "/match/1")
        page.keyboard.press("h")
        look(page, f"{language}-{width}-help")
        assert faults(page, axe) == []

    def test_from_right_to_left_forward_is_left(self, arabic: Served, tab: Tab) -> None:
        page = enter(tab, arabic, "/match/2")
        page.keyboard.press("ArrowLeft")
        page.wait_for_url("**/match/3")
        first, second = (page.locator(".pair h2").nth(n).bounding_box() for n in (0, 1))
        assert first["x"] > second["x"], "the file is on the right"
        for selector in (".path", "code"):
            styles = page.evaluate(
                f"[...document.querySelectorAll('{selector}')].map((e) => getComputedStyle(e).direction)"
            )
            assert set(styles) == {"ltr"}

    def test_an_arabic_keyboard_has_the_same_keys(self, shared: Served, tab: Tab) -> None:
        page = enter(tab, shared, "/match/2")
        event = "new KeyboardEvent('keydown', {code: 'KeyJ', key: 'ت', bubbles: true, cancelable: true})"
        page.evaluate(f"document.activeElement.dispatchEvent({event})")
        page.wait_for_url("**/match/3")

    def test_without_script_the_forms_work(self, case: Case, tab: Tab) -> None:
        with served(case) as running:
            running.enter()
            assert tab.page.context.browser is not None
            context = tab.page.context.browser.new_context(java_script_enabled=False)
            page = enter(Tab(context.new_page()), running, "/match/2")
            assert page.locator("#help-button").is_hidden()
            assert not is_clear_without_script(page)
            page.click("button.confirmed")
            assert "confirmed: 1 match" in page.inner_text(".told")
            context.close()


def is_clear_without_script(page: Any) -> bool:
    return "blur" not in str(page.locator(".veil img").first.evaluate("(e) => getComputedStyle(e).filter"))

"""Takes the picture of the README again: `make picture`. It indexes and scans the fixtures, opens the review page in
Chromium, holds the key that shows the pictures down, and keeps what is on the screen.

Needs Debian's chromium, and the packages of `hashmatch[test]`.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

if TYPE_CHECKING:
    from playwright.sync_api import Page

ROOT = Path(__file__).parents[1]
TARGET = ROOT / "docs" / "images" / "review.png"
#: The match that is shown: a clip that was cut out of a film, encoded anew.
SHOWN = "clip.webm"
#: Pixels. High enough for two pairs of frames above the buttons.
SIZE = {"width": 1280, "height": 666}
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]


def main() -> int:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        print("needs Chromium: apt-get install chromium", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "fixtures").symlink_to(ROOT / "fixtures")
        run(folder, "index", "fixtures/archive", "--collection", "seized-2026-11", "--case", "C-17", "--tlp", "amber")
        run(folder, "index", "fixtures/allowed", "--collection", "news", "--allow", "--tlp", "clear")
        run(folder, "scan", "fixtures/uploads", "--format", "json", "-o", "scan.json")
        with review_page(folder) as address:
            photograph(chromium, address, folder / "screen.png")
        TARGET.parent.mkdir(exist_ok=True)
        with Image.open(folder / "screen.png") as screen:
            # A palette, which keeps the file small. The method keeps rare colours, such as those of the buttons.
            screen.convert("RGB").quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(
                TARGET, optimize=True
            )
    print(f"{TARGET.relative_to(ROOT)}: {TARGET.stat().st_size // 1000} kB")
    return 0


def command(folder: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "hashmatch", "--lang", "en", "--quiet", "--db", str(folder / "known.db"), *arguments]


def run(folder: Path, *arguments: str) -> None:
    """Run a command of hashmatch in the folder. 1 is scan's exit code for "something matched"."""
    done = subprocess.run(command(folder, *arguments), cwd=folder, env=environment())
    if done.returncode not in (0, 1):
        raise SystemExit(f"hashmatch {arguments[0]} failed")


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


@contextmanager
def review_page(folder: Path) -> Iterator[str]:
    """Serve the review page of the folder's scan; yields its address, which is good once."""
    serving = subprocess.Popen(
        command(folder, "review", "scan.json", "--reviewer", "analyst-2"),
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert serving.stdout is not None
        found = re.search(r"http://\S+", serving.stdout.readline())
        if found is None:
            raise SystemExit("the review page did not start")
        yield found[0]
    finally:
        serving.send_signal(signal.SIGINT)
        serving.wait()


def photograph(chromium: str, address: str, target: Path) -> None:
    """Go to the match that is shown, hold the key down, and take the picture."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        page = browser.new_page(viewport=SIZE)
        page.goto(address)
        page.wait_for_url("**/match/*")
        find(page)
        page.keyboard.down("v")
        page.wait_for_function("[...document.images].every((each) => each.complete)")
        page.wait_for_timeout(500)  # the blur takes a moment to go
        page.screenshot(path=target)
        page.keyboard.up("v")
        browser.close()


def find(page: Page) -> None:
    """Step through the matches to the one that is shown."""
    seen = set()
    while SHOWN not in page.inner_text("main"):
        if page.url in seen:
            raise SystemExit(f"{SHOWN} is not among the matches")
        seen.add(page.url)
        before = page.url
        page.keyboard.press("j")
        page.wait_for_function("before => location.href !== before", arg=before)
        page.wait_for_load_state()


if __name__ == "__main__":
    sys.exit(main())

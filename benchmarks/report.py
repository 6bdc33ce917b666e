"""A report of many results: how large it is, how long it takes to make, and in Chromium to show, to filter and to sort.

The results are made up: a third of the files are films with three stretches, a tenth could not be examined. Chromium is
Debian's, driven by Playwright; without either, only making is measured."""

from __future__ import annotations

import argparse
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from measure import REPOSITORY, machine, table

from hashmatch.matching.results import (
    ExaminedFilm,
    Match,
    MatchedReference,
    MatchedSource,
    Result,
    Segment,
    Tier,
    VideoEvidence,
)
from hashmatch.messages import Message
from hashmatch.records import Failure
from hashmatch.report import as_json

ARGUMENTS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
#: Waits until what an input did is on the screen; gives the milliseconds, with the 120 ms that the page waits after typing.
INPUT = """
([id, value]) => new Promise((done) => {
  const start = performance.now();
  const element = document.getElementById(id);
  const shown = document.getElementById("shown");
  shown.value = "";
  element.value = value;
  element.dispatchEvent(new Event("input", { bubbles: true }));
  const look = () => shown.value
    ? requestAnimationFrame(() => setTimeout(() => done([performance.now() - start, shown.value])))
    : setTimeout(look, 1);
  look();
})
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=int, default=10_000, help="how many; default 10,000")
    parser.add_argument("--rounds", type=int, default=5, help="how often each is measured; default 5")
    parser.add_argument("--keep", type=Path, help="copy the report to this file")
    arguments = parser.parse_args()
    print(machine(), "\n")
    with tempfile.TemporaryDirectory() as folder:
        scan, page = Path(folder, "scan.jsonl"), Path(folder, "report.html")
        with scan.open("wb") as out:
            for number in range(arguments.results):
                as_json.dump(as_json.result(made_up(number)), out)
        seconds = [make(scan, page) for _round in range(arguments.rounds)]
        rows = [
            ("results", f"{arguments.results:,}", "", ""),
            ("scan.jsonl", f"{scan.stat().st_size / 1e6:.1f} MB", "", ""),
            ("report.html", f"{page.stat().st_size / 1e6:.1f} MB", "", ""),
            ("hashmatch report", "", f"{1000 * statistics.median(seconds):.0f} ms", ""),
        ]
        rows += in_chromium(page, arguments.rounds)
        if arguments.keep:
            shutil.copy(page, arguments.keep)
    table(("", "median", "CPU", "best"), rows)
    return 0


def make(scan: Path, page: Path) -> float:
    """Seconds of CPU time, start of the program included."""
    before = os.times()
    command = [sys.executable, "-m", "hashmatch", "report", str(scan), "-o", str(page)]
    subprocess.run(command, cwd=REPOSITORY, check=True)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def in_chromium(page: Path, rounds: int) -> list[tuple[str, str, str, str]]:
    """Until something is seen, until all is loaded, and of filters and orders: median, CPU time of that, best."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        print("Note: no Playwright, so nothing is measured in a browser.\n")
        return []
    chromium = shutil.which("chromium")
    if chromium is None:
        print("Note: no Chromium, so nothing is measured in a browser.\n")
        return []
    taken: dict[str, list[tuple[float, float]]] = {}
    inputs = {
        "search for a name": ("search", "camp 77"),
        "search for a digest": ("search", "00ff"),
        "distance at most 8": ("distance", "8"),
        "sort by distance": ("sort", "distance"),
        "sort by name": ("sort", "name"),
        "sort as at first": ("sort", ""),
    }
    with sync_playwright() as playwright:
        for _round in range(rounds):
            browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
            tab = browser.new_page()
            session = tab.context.new_cdp_session(tab)
            session.send("Performance.enable", {"timeDomain": "threadTicks"})
            start = time.perf_counter()
            tab.goto(page.as_uri(), wait_until="load", timeout=120_000)
            loaded = 1000 * (time.perf_counter() - start)
            paint: Any = tab.evaluate("performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? NaN")
            taken.setdefault("first paint", []).append((paint, 0.0))
            taken.setdefault("loaded", []).append((loaded, busy(session)))
            for name, (field, value) in inputs.items():
                before = busy(session)
                milliseconds, told = tab.evaluate(INPUT, [field, value])
                taken.setdefault(f"{name}: {told}", []).append((milliseconds, busy(session) - before))
                if field != "sort":
                    tab.evaluate(INPUT, [field, ""])
            browser.close()
    rows = []
    for name, pairs in taken.items():
        walls, busies = zip(*pairs, strict=True)
        cpu = statistics.median(busies)
        rows.append(
            (name, f"{statistics.median(walls):.0f} ms", f"{cpu:.0f} ms" if cpu else "", f"{min(walls):.0f} ms")
        )
    return rows


def busy(session: Any) -> float:
    """Milliseconds of CPU time of the page's main thread so far."""
    metrics = {each["name"]: each["value"] for each in session.send("Performance.getMetrics")["metrics"]}
    return 1000 * float(metrics["TaskDuration"])


def made_up(number: int) -> Result:
    """A result, the same for the same number."""
    dice = random.Random(number)
    path = f"/media/seizure/صور/{number % 50:03}/camp {number:06} photo.{dice.choice(['jpg', 'png', 'mp4'])}".encode()
    size, digest = dice.randrange(10_000, 5_000_000), f"{dice.getrandbits(256):064x}"
    if number % 10 == 9:
        return Result(path, "failed", size=size, error=Failure("corrupt", Message.literal("damaged at once")))
    tier: Tier = dice.choices(["exact", "near", "possible"], [1, 4, 2])[0]
    known = dice.randrange(400)
    source = MatchedSource(f"collection {known % 7}", "a partner", "amber" if known % 2 else None, "malicious")
    is_film = number % 3 == 0
    reference = MatchedReference(
        known, f"{known:064x}", "video" if is_film else "image", (f"label {known % 20}",), False, (source,)
    )
    video = None
    if is_film and tier != "exact":
        starts = sorted(dice.uniform(0, 600) for _segment in range(3))
        segments = tuple(
            Segment((at, at + 20), (at / 2 + 100, at / 2 + 120), 40, dice.uniform(3, 40), 50, 12) for at in starts
        )
        video = VideoEvidence(0.3, 0.2, segments)
    distance = 0 if tier == "exact" else dice.randrange(32) if tier == "near" else dice.randrange(20, 64)
    algorithm, reason = ("sha256", "same-bytes") if tier == "exact" else ("pdq", "same-picture")
    match = Match(reference, tier, distance, algorithm, "none", 97, video, reason)  # type: ignore[arg-type]
    examined = ExaminedFilm(300, 2.0, 620.0) if is_film else None
    kind = "video" if is_film else "image"
    return Result(path, "match", False, tier, kind, size, digest, digest[:32], (match,), None, examined)  # type: ignore[arg-type]


if __name__ == "__main__":
    raise SystemExit(main())

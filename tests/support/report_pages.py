"""HTML reports of made-up scans, and a reader for them."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from dataclasses import replace
from html.parser import HTMLParser

from hashmatch.matching.results import ExaminedFilm, MatchedOpinion, MatchedReference, Result, Segment, VideoEvidence
from hashmatch.media import Limits
from hashmatch.messages import Message
from hashmatch.report.custody import AuditHead, Custody, IsolationFacts
from hashmatch.report.html.contents import ReportContents
from hashmatch.report.html.page import write
from hashmatch.report.html.scan_facts import ReportOrigin
from hashmatch.report.pictures import ShownPicture
from hashmatch.report.scan_file import ScanHead, ScanSettings, SearchedSet
from tests.support.report_results import ALLOWED, CLEAN, CROPPED, FAILED, FLAGGED, MATCHED, SAME_LAYOUT, SKIPPED

#: What an enemy, or a partner's list, may put into any text: elements, attributes, the end of our own, a script link, a
#: template placeholder, and characters that reverse the text after them.
EVIL = "\"'><script>window.pwned=1</script><img src=x onerror=window.pwned=1></style></script>{{7*7}}\u202ejavascript:"

CUSTODY = Custody(
    "analyst",
    "2026-11-26T22:37:06Z",
    ("/media/disk/صور".encode(), b"/caf\xe9"),
    None,
    IsolationFacts(("limits", "landlock", "seccomp"), 2, 60.0, 2 << 30),
    Limits(),
    AuditHead(31, "2026-11-26T22:37:04Z", "89" * 32),
)
HEAD = ScanHead("9.8.7", SearchedSet("/db/reference.db", 1234567), ScanSettings("possible", "fast"), CUSTODY)
ABOUT = ReportOrigin("9.8.8", "clerk", "2026-12-01T08:00:00Z", HEAD, 61.0)

#: A film that shares many stretches with another, mirrored and at another speed.
LONG = Result(
    b"long.mp4",
    "match",
    False,
    "near",
    "video",
    10,
    "11" * 32,
    "22" * 16,
    (
        replace(
            FLAGGED,
            video=VideoEvidence(
                0.75,
                0.5,
                tuple(
                    Segment((10.0 * n, 10.0 * n + 8), (20.0 * n, 20.0 * n + 10), 9, 4.25, 31, 7, 1.25, "mirror")
                    for n in range(12)
                ),
            ),
        ),
    ),
    None,
    ExaminedFilm(250, 2.5, 300.0),
)
CROP = Result(b"crop.jpg", "match", False, "possible", "image", 5, "33" * 32, "44" * 16, (CROPPED, SAME_LAYOUT))
NEWS = Result("خبر.jpg".encode(), "allowed", False, "exact", "image", 6, "55" * 32, "66" * 16, (ALLOWED,))
ALL = (MATCHED, LONG, CROP, NEWS, CLEAN, FAILED, SKIPPED)


def evil_result() -> Result:
    """A result with the evil text in every field that takes text."""
    source = replace(FLAGGED.reference.sources[0], collection=EVIL, source=EVIL, opinion=EVIL)
    opinion = MatchedOpinion(EVIL, EVIL, EVIL, EVIL)
    reference = MatchedReference(1, EVIL, "image", (EVIL,), False, (source,), (opinion,))
    match = replace(FLAGGED, reference=reference, algorithm=EVIL, transform=EVIL, view=EVIL, reference_view=EVIL)
    error = replace(FAILED.error, code=EVIL, detail=Message.literal(EVIL)) if FAILED.error else None
    return Result(EVIL.encode(), "match", True, "near", "video", 1, EVIL, EVIL, (match,), error)


def report(
    results: Iterable[Result] = ALL, about: ReportOrigin = ABOUT, pictures: Mapping[bytes, ShownPicture] = {}
) -> str:
    gathered = ReportContents()
    for result in results:
        gathered.add(result)
    out = io.BytesIO()
    write(gathered, about, out, pictures=pictures)
    return out.getvalue().decode("utf-8")


class Page(HTMLParser):
    """tags: the name and attributes of each element. texts: what a person reads, piece by piece, also from attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self._within = ""
        self.feed(html)
        self.close()

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self._within = tag
        self.tags.append((tag, dict(attributes)))
        self.texts += [value or "" for name, value in attributes if name in ("aria-label", "alt", "data-text")]

    def handle_endtag(self, tag: str) -> None:
        self._within = ""

    def handle_data(self, data: str) -> None:
        if self._within not in ("style", "script") and data.strip():
            self.texts.append(data.strip())

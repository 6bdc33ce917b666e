"""The facts of custody in words: those of the scan, and those of the report about it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from hashmatch.escape import for_terminal
from hashmatch.i18n import _
from hashmatch.isolation import lock
from hashmatch.matching.tiers import Profile, thresholds
from hashmatch.report.custody import AuditHead
from hashmatch.report.scan_file import ScanHead

#: Paths of a scan that are listed; more are counted.
MOST_PATHS = 100


@dataclass(frozen=True, slots=True)
class KeptScan:
    """The file that a report is made from. cut_off: whether the scan's output is incomplete."""

    path: bytes
    size: int
    sha256: str
    is_document: bool
    cut_off: bool


@dataclass(frozen=True, slots=True)
class ReportOrigin:
    """What a report is made from, by whom and when.

    scan: what is known about the scan as a whole. seconds: how long it took.
    kept: the scan's file; None if the scan itself makes the report.
    audit: where the audit trail of the report maker's database ended at that time.
    pictures: how the report shows pictures; None if it has none.
    """

    version: str
    operator: str
    made: str
    scan: ScanHead | None
    seconds: float | None = None
    interrupted: bool = False
    kept: KeptScan | None = None
    database: str | None = None
    audit: AuditHead | None = None
    pictures: str | None = None


@dataclass(frozen=True, slots=True)
class FactRow:
    """A fact: its name and value. look: whether it is shown as text in the page's language, or left to right as data."""

    name: str
    values: tuple[str, ...]
    look: Literal["text", "data", "hash"] = "data"


@dataclass(frozen=True, slots=True)
class ScanFacts:
    """The facts of scan and report, and what the reader must know first."""

    scan: tuple[FactRow, ...]
    report: tuple[FactRow, ...]
    notices: tuple[str, ...]


def facts(about: ReportOrigin) -> ScanFacts:
    return ScanFacts(tuple(_of_scan(about)), tuple(_of_report(about)), tuple(_notices(about)))


def _of_scan(about: ReportOrigin) -> Iterator[FactRow]:
    scan = about.scan
    if scan is None:
        text = _("not recorded: JSON lines tell of files only; `scan --format json` keeps these facts, too")
        yield FactRow(_("Operator, time, settings, database"), (text,), "text")
        return
    custody, settings = scan.custody, scan.settings
    if custody is not None:
        if custody.names_from is not None:
            yield FactRow(_("Scanned: names from the file"), (for_terminal(custody.names_from),))
        else:
            shown = [for_terminal(path) for path in custody.paths[:MOST_PATHS]]
            more = len(custody.paths) - len(shown)
            yield FactRow(_("Scanned"), (*shown, f"… + {more:,}") if more > 0 else tuple(shown))
        yield FactRow(_("Operator"), (for_terminal(custody.operator),))
        yield FactRow(_("Started"), (moment(custody.started),))
        if about.seconds is not None:
            yield FactRow(_("Ended"), (_end(custody.started, about.seconds),))
            yield FactRow(_("Took"), (_length(about.seconds),))
    else:
        yield FactRow(_("Scanned"), (_("not recorded by the version that scanned"),), "text")
    yield FactRow(_("Version"), (f"hashmatch {for_terminal(scan.hashmatch)}",))
    yield FactRow(_("Database"), (for_terminal(scan.reference_set.path),))
    count = scan.reference_set.references
    yield FactRow(_("References in it"), (f"{count:,}",))
    if custody is not None:
        yield from _of_audit(custody.audit)
    yield FactRow(_("Profile"), (for_terminal(settings.profile or "–"),))
    yield FactRow(_("Weakest tier"), (for_terminal(settings.min_tier or "–"),))
    yield FactRow(_("Largest PDQ distance"), (_radius(settings.radius, settings.profile),))
    names = tuple(map(for_terminal, settings.collections[:MOST_PATHS])) or (_("all"),)
    yield FactRow(_("Collections searched"), names)
    if custody is not None:
        isolated = custody.isolation
        yield FactRow(_("Isolation"), (for_terminal(lock.name_of(isolated.steps)),), "text")
        text = _("{workers} workers, {gib:g} GiB of memory each, {timeout:g} s without progress")
        gib = isolated.memory / (1 << 30)
        yield FactRow(_("Kept to"), (text.format(workers=isolated.workers, gib=gib, timeout=isolated.timeout),), "text")
        limits = dataclasses.asdict(custody.limits)
        yield FactRow(_("Limits of one file"), (", ".join(f"{name} {value:,}" for name, value in limits.items()),))


def _of_report(about: ReportOrigin) -> Iterator[FactRow]:
    yield FactRow(_("Made by"), (for_terminal(about.operator),))
    yield FactRow(_("Made"), (moment(about.made),))
    yield FactRow(_("Version"), (f"hashmatch {about.version}",))
    if about.kept is not None:
        form = "JSON" if about.kept.is_document else "JSON lines"
        size = _("{size:,} bytes").format(size=about.kept.size)
        yield FactRow(_("Made from the file"), (for_terminal(about.kept.path), f"{form}, {size}"))
        yield FactRow(_("SHA-256 of that file"), (about.kept.sha256,), "hash")
        if about.database is not None:
            yield FactRow(_("Database then"), (for_terminal(about.database),))
        if about.audit is not None:
            yield from _of_audit(about.audit)
    pictures = {
        "blurred": _("of the scanned files, so blurred that nothing can make them sharp again"),
        "grey": _("of the scanned files, without colour"),
        "plain": _("of the scanned files"),
    }
    yield FactRow(_("Pictures"), (pictures.get(about.pictures or "", _("none")),), "text")


def _of_audit(audit: AuditHead) -> Iterator[FactRow]:
    yield FactRow(_("Entries of its audit trail"), (f"{audit.entries:,}",))
    if audit.entries:
        yield FactRow(_("Newest of them"), (moment(audit.at or ""),))
        yield FactRow(_("Digest of the newest"), (for_terminal(audit.digest),), "hash")


def _notices(about: ReportOrigin) -> Iterator[str]:
    if about.interrupted:
        yield _("The scan was stopped before its end: files that it had not come to are missing here.")
    if about.kept is not None and about.kept.cut_off:
        yield _("The scan's file is cut off: the scan did not come to its end, or the file lost a part.")


def _radius(radius: int | None, profile: str | None) -> str:
    if radius is not None:
        return f"{radius:,}"
    profiles: dict[str, Profile] = {"fast": "fast", "balanced": "balanced", "thorough": "thorough"}
    known = profiles.get(profile or "")
    return f"{thresholds(known)['pdq'].possible}" if known else "–"


def moment(stamp: str) -> str:
    """A recorded time for a person: the month cannot be mistaken for the day, and the zone is named."""
    try:
        time = datetime.fromisoformat(stamp)
        if time.tzinfo is not None:
            return time.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (ValueError, OverflowError):
        pass
    return for_terminal(stamp)


#: Seconds, 31 years; a damaged file may say that a scan took longer, which no calendar holds.
_LONGEST_RUN = 1e9


def _length(seconds: float) -> str:
    if 0 <= seconds < 60:
        return _("{seconds:.1f} s").format(seconds=seconds)
    return str(timedelta(seconds=round(max(0.0, min(seconds, _LONGEST_RUN)))))


def _end(started: str, seconds: float) -> str:
    try:
        return moment((datetime.fromisoformat(started) + timedelta(seconds=seconds)).isoformat())
    except (ValueError, OverflowError):
        return "–"

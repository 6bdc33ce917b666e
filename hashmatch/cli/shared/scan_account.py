"""What a scan says on standard error once its last file is done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hashmatch.cli.shared.app import App
from hashmatch.i18n import _, ngettext

if TYPE_CHECKING:
    from hashmatch.matching.results import ScanSummary
    from hashmatch.matching.tiers import Profile

#: Seconds between two examined frames of a film. From here on, a message says that something may have been missed.
WORTH_SAYING_GAP = 1.0


@dataclass(frozen=True, slots=True)
class ScanAccount:
    """How a scan went.

    judged_false: as of StatusCounts. widest_gap: seconds between two examined frames of a film. has_features: whether local
    features were searched for. unused: learned descriptors that the set has, where none were searched for.
    """

    summary: ScanSummary
    profile: Profile
    judged_false: int
    widest_gap: float
    has_features: bool
    unused: Sequence[str] = ()


def print_account(app: App, account: ScanAccount, as_table: bool) -> None:
    """Print the account; with a summary if nothing else has one. The last line is what the profile does not find."""
    if as_table:
        _print_summary(app, account)
    summary = account.summary
    if not summary.files:
        if not summary.interrupted:
            app.warn(_("no files were found: nothing was scanned"))
        return
    if summary.files == summary.skipped:
        app.say(_("none of the files is an image or a film"))
    if account.profile == "fast":
        app.say(_("profile fast does not look for crops, insets and rotations; --profile balanced does"))
    elif not account.has_features:
        app.say(_("pictures were not searched for crops and insets: no reference has local features"))
    if account.unused:
        text = _("the references have learned descriptors ({names}), which were not used: their model is not here")
        app.say(text.format(names=", ".join(account.unused)))


def _print_summary(app: App, account: ScanAccount) -> None:
    from hashmatch.cli.shared.progress import print_counts
    from hashmatch.report.account_text import failure_rows, unexamined_line

    summary = account.summary
    rows = {
        _("files"): summary.files,
        _("matched"): summary.matched,
        _("allowed"): summary.allowed,
        _("clean"): summary.clean,
        _("failed (not examined)"): summary.failed,
        **failure_rows(summary.failures),
        _("skipped (no media)"): summary.skipped,
        _("seconds"): summary.seconds,
    }
    title = _("scanned against {db}, profile {profile}").format(db=app.database, profile=account.profile)
    print_counts(app, title, rows)
    if line := unexamined_line(summary.unexamined):
        app.say(line)
    if account.judged_false:
        text = ngettext(
            "{n} file is not a match, because people judged it a false positive; --format json says who and when",
            "{n} files are not matches, because people judged them false positives; --format json says who and when",
            account.judged_false,
        )
        app.say(text.format(n=account.judged_false))
    if account.profile != "thorough" and account.widest_gap >= WORTH_SAYING_GAP:
        text = _(
            "only key frames of films were examined, up to {gap:.1f} s apart; --profile thorough examines two a second"
        )
        app.say(text.format(gap=account.widest_gap))

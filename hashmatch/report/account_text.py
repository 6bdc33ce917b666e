"""What was not examined, in words: failures by their code, and what a scan does not look into, by kind."""

from __future__ import annotations

from collections.abc import Mapping

from hashmatch.escape import for_terminal
from hashmatch.i18n import _, ngettext


def failure_rows(failures: Mapping[str, int]) -> dict[str, int]:
    """Rows of a summary that go below its number of failures: the codes, indented, the most frequent first."""
    return {
        f"  {for_terminal(code)}": count
        for code, count in sorted(failures.items(), key=lambda each: (-each[1], each[0]))
    }


def unexamined_line(counts: Mapping[str, int]) -> str:
    """How many files are of kinds that are not looked into; "" if none are. counts: by records.Unexamined."""
    archives, documents, sounds = (counts.get(kind, 0) for kind in ("archive", "document", "sound"))
    parts = [
        ngettext("{n:,} archive", "{n:,} archives", archives).format(n=archives) if archives else "",
        ngettext("{n:,} document", "{n:,} documents", documents).format(n=documents) if documents else "",
        ngettext("{n:,} sound file", "{n:,} sound files", sounds).format(n=sounds) if sounds else "",
    ]
    *first, last = [part for part in parts if part] or [""]
    if not last:
        return ""
    what = _("{several} and {last}").format(several=", ".join(first), last=last) if first else last
    total = archives + documents + sounds
    return ngettext("{what} was not looked into", "{what} were not looked into", total).format(what=what)

"""Why a match has its tier, in a few words for a person."""

from __future__ import annotations

from hashmatch.escape import for_terminal
from hashmatch.hashers import title_of
from hashmatch.i18n import _
from hashmatch.matching.results import MatchedDecision, MatchedReference, Reason
from hashmatch.matching.tiers import threshold_of
from hashmatch.store.lookup import Reference


def explain(reason: Reason, algorithm: str) -> str:
    """Words for a reason. algorithm: the match's; a report may have one that this program does not know."""
    threshold = threshold_of(algorithm)
    near = threshold.near if threshold else "?"
    texts: dict[Reason, str] = {
        "same-bytes": _("the bytes are the same"),
        "same-picture": _("the same picture: hash and blocks agree"),
        "same-hash": _("{name} distance of at most {near}").format(name=for_terminal(title_of(algorithm)), near=near),
        "same-layout": _("same layout? parts of the picture do not agree"),
        "resembles": _("resembles it, but the distance is too large to be sure"),
        "low-quality": _("little detail, so that others may look alike"),
        "common-hash": _("too many references have this hash"),
        "local-features": _("parts of the picture were found by local features"),
        "straightened": _("the same picture: found by local features, and hash and guards agree once it is straight"),
        "looks-alike": _("a learned descriptor finds it alike; nothing else confirms it"),
        "same-footage": _("the same footage"),
        "shared-footage": _("single frames are the same, but not enough of either film"),
    }
    return texts[reason]


def decision_name(decision: str) -> str:
    """A person's decision in words; an unknown one stays as it is."""
    names = {
        "confirmed": _("confirmed"),
        "false-positive": _("false positive"),
        "allow": _("legitimate: allowed"),
        "dispute": _("reference disputed"),
        "second-look": _("needs a second pair of eyes"),
        "withdrawn": _("taken back"),
    }
    return names.get(decision, decision)


def decided(found: MatchedDecision) -> str:
    """Who decided what about a match, and when."""
    text = _("{decision}: decided by {people}, {day}") if found.in_force else _("{decision}: said by {people}, {day}")
    day = (found.at or "").partition("T")[0]
    return text.format(decision=decision_name(found.decision), people=", ".join(found.by), day=day)


def allow_text(reference: Reference | MatchedReference) -> str:
    """What to say of a reference on the allow list."""
    if reference.pending:
        return _("on the allow list by others' word only (`hashmatch allow` agrees)")
    return _("on the allow list")

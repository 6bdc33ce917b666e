"""The `stopncii` format, read only: JSON responses of StopNCII.org's FetchHashes. One file may have several in a row.

    {"count", "nextSetTimestamp", "nextPageToken", "hasMoreRecords",
     "hashRecords": [{"lastModtimestamp": seconds, "hashValue", "hashStatus": "Received"|"Active"|"Withdrawn"|"Deleted",
                      "caseNumbers": {uuid: status}, "signalType": "ImagePDQ"|"VideoMD5"|"VideoTMK"|"Text"|"URL",
                      "CSPFeedbacks": [{"source", "feedbackValue": "Blocked"|"NotBlocked"|…, "tags": [text]}]}]}

A record has no id of its own: its hash tells it. hashStatus tells whether an entry is withdrawn. Feedback is the opinion of
a platform: Blocked confirms the entry; NotBlocked ("looked at and not found to be it") disputes it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import BinaryIO

from hashmatch.exchange.fields import LineError, exact_instant, text, texts
from hashmatch.exchange.formats.partners import (
    MEMBERS_ONLY,
    SignalMeaning,
    hashed,
    labels_and_tlp,
    read_document,
    withdrawn,
)
from hashmatch.exchange.list_format import Format, ListRow
from hashmatch.i18n import _
from hashmatch.records import ListItem, Opinion, Verdict

_PLACES = (("hashRecords", "*"), ("*",))
_TELLING = re.compile(rb'"(?:hashRecords|hashStatus)"\s*+:')

_MEANT: dict[str, SignalMeaning] = {
    "ImagePDQ": ("pdq", "image"),
    "ImageMD5": ("md5", "image"),
    "VideoMD5": ("md5", "video"),
}
_WITHDRAWN = frozenset({"Withdrawn", "Deleted"})
_FEEDBACK: dict[str, Verdict] = {"Blocked": "confirmed", "NotBlocked": "disputed"}


def read(stream: BinaryIO) -> Iterator[ListRow]:
    return read_document(stream, _PLACES, _item)


def _item(record: dict[str, object]) -> ListItem:
    signal_type = text("signalType", record.get("signalType"), 64)
    item = hashed(_MEANT.get(signal_type or ""), signal_type, record.get("hashValue"))
    changed = exact_instant("lastModtimestamp", record.get("lastModtimestamp"))
    feedbacks = record.get("CSPFeedbacks") or []
    if not isinstance(feedbacks, list) or not all(isinstance(each, dict) for each in feedbacks):
        raise LineError(_("{field} is not a list of objects").format(field="CSPFeedbacks"))
    labels, tlp = labels_and_tlp(tag for each in feedbacks for tag in texts("tags", each.get("tags")))
    item = replace(
        item,
        labels=labels,
        tlp=tlp,
        source="StopNCII",
        changed=changed,
        opinions=tuple(dict.fromkeys(_opinions(feedbacks))),
        case=_cases(record.get("caseNumbers")),
    )
    status = text("hashStatus", record.get("hashStatus"), 64)
    if status in _WITHDRAWN:
        return replace(item, retracted=withdrawn(changed), retraction_reason=status)
    return item


def _opinions(feedbacks: list[dict[str, object]]) -> Iterator[Opinion]:
    for each in feedbacks:
        verdict = _FEEDBACK.get(text("feedbackValue", each.get("feedbackValue"), 64) or "")
        # A platform without a name must not pass for StopNCII itself.
        if verdict:
            yield Opinion(verdict, text("source", each.get("source")) or "platform")


def _cases(numbers: object) -> str | None:
    """The case numbers, joined; None if there are none, for which the API returns an empty list instead of an object."""
    return text("caseNumbers", " ".join(numbers)) if isinstance(numbers, dict) else None


def looks_like(head: bytes) -> bool:
    return _TELLING.search(head) is not None


FORMAT = Format("stopncii", frozenset(), None, read, looks_like, speaker="StopNCII", default_tlp=MEMBERS_ONLY)

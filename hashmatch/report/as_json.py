"""Records as JSON, with the names and types that the interface promises."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, BinaryIO

from hashmatch.escape import for_json
from hashmatch.matching.results import Match, Result, ScanSummary
from hashmatch.messages import Message
from hashmatch.records import Failure, FilePart, Fingerprint, Hash
from hashmatch.store import Store, lookup
from hashmatch.store.lookup import Provenance, Reference
from hashmatch.store.word_facts import StatedFacts
from hashmatch.version import __version__

if TYPE_CHECKING:
    from hashmatch.report.custody import Custody
    from hashmatch.store.scans import Recalled
    from hashmatch.store.stats import Statistics
    from hashmatch.store.taxonomy import Taxonomy
    from hashmatch.workflows.lint import LintReport


_NOTHING: Mapping[int, StatedFacts] = {}


def dump(value: Any, out: BinaryIO, indent: int | None = None) -> None:
    """Write one value and a newline as UTF-8, and flush, so that the reader of a pipe has it at once."""
    text = _text(value, indent)
    out.write(text.encode("utf-8") + b"\n")
    out.flush()


def dump_list(values: Iterable[Any], out: BinaryIO) -> None:
    """Write a JSON array, one value per line, each as it comes."""
    separator = b"["
    for value in values:
        out.write(separator + b"\n" + _text(value).encode("utf-8"))
        separator = b","
    out.write(b"[]\n" if separator == b"[" else b"\n]\n")
    out.flush()


def _text(value: Any, indent: int | None = None) -> str:
    return for_json(json.dumps(value, ensure_ascii=False, allow_nan=False, indent=indent))


def path_of(path: bytes) -> dict[str, str]:
    """The exact name: `path`, and where that is not valid UTF-8, the bytes in base64 as `path_bytes`."""
    try:
        return {"path": path.decode("utf-8")}
    except UnicodeDecodeError:
        return {"path": path.decode("utf-8", "replace"), "path_bytes": base64.b64encode(path).decode("ascii")}


def failure(error: Failure | None) -> dict[str, Any] | None:
    """What is wrong with a file: `message` in the language in force, and `detail`, from which any language can be made."""
    return None if error is None else {"code": error.code, "message": error.message, "detail": detail(error.detail)}


def detail(value: Message) -> dict[str, Any]:
    """A message of messages.py as its code and parameters."""
    return {"code": value.code, "parameters": dict(value.parameters)}


def result(value: Result) -> dict[str, Any]:
    """A RESULT of the interface."""
    return {
        **path_of(value.path),
        "status": value.status,
        "partial": value.partial,
        "tier": value.tier,
        "kind": value.kind,
        "size": value.size,
        "sha256": value.sha256,
        "md5": value.md5,
        "matches": [match(each) for each in value.matches],
        "error": failure(value.error),
        "examined": value.examined and asdict(value.examined),
        "parts": list(value.parts),
        "unexamined": value.unexamined,
    }


def match(value: Match) -> dict[str, Any]:
    """A MATCH of the interface."""
    return asdict(value)


def recalled(value: Recalled) -> dict[str, Any]:
    """One object of `retract --recall --format json`."""
    facts = asdict(value)
    del facts["path"]
    return {"scan": facts.pop("scan"), **path_of(value.path), **facts}


def taxonomy(value: Taxonomy, used: Mapping[str, int]) -> dict[str, Any]:
    """What `label --list --format json` prints. used: how many references have each label."""
    facets = []
    for facet in value.facets.values():
        named = [(f"{facet.name}:{name}", meaning) for name, meaning in facet.labels.items()]
        named += [(label, "") for label in value.further(facet, used)]
        labels = [{"label": label, "meaning": meaning, "references": used.get(label, 0)} for label, meaning in named]
        about = {"facet": facet.name, "title": facet.title, "description": facet.description, "open": facet.open}
        facets.append({**about, "labels": labels})
    others = [{"label": label, "references": count} for label, count in used.items() if label not in value]
    return {"taxonomy": str(value.path), "facets": facets, "others": others}


def statistics(value: Statistics) -> dict[str, Any]:
    """What `stats --format json` prints."""
    facts = asdict(value)
    lists = {what: [{one: each.pop("name"), **each} for each in facts[what]] for what, one in _SHARES.items()}
    selection = {**facts.pop("period"), "collections": facts.pop("selection")}
    return {"hashmatch": __version__, "made": facts.pop("made"), "selection": selection, **facts, **lists}


#: What is counted by name, and the word for one of each.
_SHARES = {"collections": "collection", "sources": "source", "labels": "label"}


def fingerprint(path: bytes, value: Fingerprint) -> dict[str, Any]:
    """One object of `hash --format json`."""
    digests = value.digests
    return {
        **path_of(path),
        "kind": value.kind,
        "size": value.size,
        "md5": digests and digests.md5,
        "sha1": digests and digests.sha1,
        "sha256": digests and digests.sha256,
        **_measured(value),
        "unexamined": value.unexamined,
        "parts": [{"part": part.name, "kind": part.kind, **_measured(part)} for part in value.parts],
    }


def _measured(value: Fingerprint | FilePart) -> dict[str, Any]:
    """What was measured of a file, or of a further part of it."""
    return {
        "width": value.width,
        "height": value.height,
        "duration": value.duration,
        "partial": value.partial,
        "hashes": hashes(value.hashes),
        "decoder": value.decoder,
        "error": failure(value.error),
    }


def problem(path: bytes, error: Failure) -> dict[str, Any]:
    """One entry of `failures` of `index` and `evaluate --format json`, or of `warnings`.

    `tried_before`, which `message` says too: an earlier run found this, and the file was not tried again.
    """
    return {**path_of(path), **(failure(error) or {}), "tried_before": error.tried_before}


def warning(path: bytes, value: Message) -> dict[str, Any]:
    """An entry of `warnings` that is about what the reference set has, not about the file."""
    return {**path_of(path), "code": "warning", "message": str(value), "detail": detail(value)}


def hashes(values: Sequence[Hash]) -> list[dict[str, Any]]:
    return [
        {"algorithm": h.algorithm, "hash": h.hex, "quality": h.quality, "time": h.time, "view": h.view} for h in values
    ]


def lint(value: LintReport, demoted: bool) -> dict[str, Any]:
    """What `lint --format json` prints."""
    common = [{"hash": each.bits.hex(), "references": each.found, "example": each.example} for each in value.common]
    return {**asdict(value), "common": common, "demoted": demoted}


_OPINION = ("source", "opinion", "at", "reason", "author", "owner")


def reference(value: Reference) -> dict[str, Any]:
    """A reference as `list` prints it."""
    told = ({**asdict(each), "opinion": each.verdict} for each in value.opinions)
    opinions = [{name: each[name] for name in _OPINION} for each in told]
    error = {"error_code": None, "error_message": None, "error_detail": None}
    if value.error is not None:
        error = {f"error_{name}": what for name, what in (failure(value.error) or {}).items()}
    facts = asdict(value)
    del facts["error"]
    for source in facts["sources"]:
        del source["collection_id"]
        source["carried"] = None if source["carried"] is None else sorted(source["carried"])
    return {**facts, **error, "opinions": opinions, "live": value.live}


def shown(
    value: Reference,
    where: Sequence[bytes],
    its_hashes: Sequence[Hash],
    lists: Sequence[Provenance],
    stated: Mapping[int, StatedFacts] = _NOTHING,
) -> dict[str, Any]:
    """A reference as `show` prints it, with what its words state beyond its own facts, the places where it was seen, the
    lists that had it, and its hashes."""
    places = [path_of(path) for path in where]
    owners = {source.collection_id: (source.owner, source.author, source.collection) for source in value.sources}
    return {
        **reference(value),
        "stated": [
            {**dict(zip(("owner", "author", "collection"), owners[number], strict=True)), **asdict(facts)}
            for number, facts in stated.items()
            if number in owners
        ],
        "locations": places,
        "lists": [asdict(each) for each in lists],
        "hashes": hashes(its_hashes),
    }


def summary(value: ScanSummary) -> dict[str, Any]:
    """The summary of a scan; `interrupted` only where it was."""
    values = asdict(value)
    return values if value.interrupted else {name: each for name, each in values.items() if name != "interrupted"}


class ScanDocument:
    """Writes `scan --format json`: one object, with the results as they come and the summary last."""

    def __init__(
        self, out: BinaryIO, store: Store, settings: Mapping[str, Any], custody: Custody | None = None
    ) -> None:
        self._out = out
        about = {"path": str(store.path), "references": lookup.size(store.connection)}
        head = {"hashmatch": __version__, "reference_set": about, "settings": settings}
        if custody is not None:
            head["custody"] = {**asdict(custody), "paths": [path_of(path) for path in custody.paths]}
        text = _text(head)
        self._write(text[:-1] + ', "results": [')
        self._separator = "\n"

    def write(self, value: Result) -> None:
        self._write(self._separator + _text(result(value)))
        self._separator = ",\n"

    def finish(self, value: ScanSummary) -> None:
        self._write(f'\n], "summary": {json.dumps(summary(value))}}}\n')
        self._out.flush()

    def _write(self, text: str) -> None:
        self._out.write(text.encode("utf-8", "backslashreplace"))

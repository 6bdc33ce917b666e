"""Fingerprints and references as text for people."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from hashmatch.escape import for_spreadsheet, for_terminal
from hashmatch.i18n import _
from hashmatch.records import Fingerprint, Hash
from hashmatch.report.reasons import allow_text
from hashmatch.store import voices
from hashmatch.store.lookup import Provenance, Reference
from hashmatch.store.word_facts import StatedFacts
from hashmatch.views import FULL, ViewName

#: How many bytes of a hash a person is shown.
LONGEST_HASH = 32


def fingerprint_lines(path: bytes, value: Fingerprint) -> Iterator[str]:
    """What `hash` prints about one file."""
    yield for_terminal(path)
    if value.kind is None or value.digests is None:
        return
    facts = [_("image") if value.kind == "image" else _("film")]
    if value.width:
        facts.append(f"{value.width} × {value.height}")
    if value.duration is not None:
        facts.append(_("{seconds:.1f} s").format(seconds=value.duration))
    facts.append(_("{size:,} bytes").format(size=value.size))
    if value.decoder:
        facts.append(value.decoder)
    if value.partial:
        facts.append(_("damaged in part"))
    yield "  " + ", ".join(facts)
    for name in ("md5", "sha1", "sha256"):
        yield f"  {name:<12}{getattr(value.digests, name)}"
    yield from _hash_lines(value.hashes)


def pdq_lines(path: bytes, value: Fingerprint) -> Iterator[str]:
    """`hex,quality,path`, one line per hash."""
    name = for_spreadsheet(for_terminal(path))
    for each in value.hashes:
        if each.algorithm == "pdq" and ViewName.parse(each.view).kind.shows_all:
            yield f"{each.hex},{each.quality},{name}"


def reference_lines(
    reference: Reference,
    where: Sequence[bytes],
    hashes: Sequence[Hash],
    lists: Sequence[Provenance],
    stated: Mapping[int, StatedFacts] | None = None,
    called: Callable[[str], str] = for_terminal,
) -> Iterator[str]:
    """What `show` prints about one reference.

    stated: what its words say beyond its own, by collection. called: the name of an owner or author; see store/voices.py.
    """
    state = _("live") if reference.live else _("retracted")
    if not reference.live and any(source.retracted is None for source in reference.sources):
        state = _("expired")
    allow = f", {allow_text(reference)}" if reference.allow else ""
    yield f"#{reference.id}  {reference.kind or '?'}  {state}{allow}"
    facts = {
        "sha256": reference.sha256,
        "sha1": reference.sha1,
        "md5": reference.md5,
        _("size"): None if reference.size is None else _("{size:,} bytes").format(size=reference.size),
        _("pixels"): None if reference.width is None else f"{reference.width} × {reference.height}",
        _("length"): None if reference.duration is None else _("{seconds:.1f} s").format(seconds=reference.duration),
        _("added"): reference.added,
        _("problem"): reference.error and f"{reference.error.code}: {for_terminal(reference.error.message)}",
        _("labels"): ", ".join(map(for_terminal, reference.labels)) or None,
    }
    for name, value in facts.items():
        if value is not None:
            yield f"  {name:<12}{value}"
    for source in reference.sources:
        told = [for_terminal(source.collection)]
        if source.owner == voices.UNSIGNED:
            told.append(_("unsigned"))
        elif not source.is_ours:
            told.append(_("of {owner}").format(owner=called(source.owner)))
            if source.author:
                told.append(_("for {author}").format(author=called(source.author)))
        told.append(f"TLP:{source.tlp.upper()}" if source.tlp else _("no TLP mark"))
        pairs = {
            _("source"): source.source,
            _("case"): source.case,
            _("operator"): source.operator,
            _("note"): source.note,
            _("added"): source.added,
            _("retracted"): source.retracted,
            _("reason"): source.retraction_reason,
            _("expires"): source.expires,
            _("record"): source.record,
        }
        if source.allow:
            told.append(_("legitimate"))
        if source.withdrawn_here:
            told.append(_("taken back here"))
        told += [f"{name}: {for_terminal(value)}" for name, value in pairs.items() if value]
        if stated and source.collection_id in stated:
            told += _stated_facts(stated[source.collection_id])
        yield f"  {_('collection'):<12}{', '.join(told)}"
    for said in reference.opinions:
        facts = {_("on"): said.at, _("reason"): said.reason}
        told = [said.verdict, for_terminal(said.source or "")]
        if said.owner:
            teller = said.author if said.owner == voices.UNSIGNED else said.owner
            told.append(_("told by {owner}").format(owner=called(teller)))
            if said.author not in (said.owner, teller):
                told.append(_("for {author}").format(author=called(said.author)))
        told += [f"{name}: {for_terminal(value)}" for name, value in facts.items() if value]
        yield f"  {_('opinion'):<12}{', '.join(told)}"
    for each in lists:
        yield f"  {_('list'):<12}{', '.join(_list_facts(each))}"
    for path in where:
        yield f"  {_('seen at'):<12}{for_terminal(path)}"
    yield from _hash_lines(hashes)


def _stated_facts(each: StatedFacts) -> Iterator[str]:
    digests = {"md5": each.md5, "sha1": each.sha1, "sha256": each.sha256}
    measures = {_("size"): each.size, _("width"): each.width, _("height"): each.height, _("length"): each.duration}
    for name, value in (digests | measures).items():
        if value:
            yield f"{name}: {value}"


def _list_facts(each: Provenance) -> Iterator[str]:
    yield for_terminal(each.name)
    if each.list is not None:
        yield for_terminal(each.list) + ("" if each.sequence is None else f" {each.sequence}")
    yield _("signed by {key}").format(key=each.signer) if each.signer else _("not signed")
    yield _("imported: {date}").format(date=each.imported)
    yield each.carried


def list_line(reference: Reference, where: Sequence[bytes]) -> str:
    """One reference on one line. Text that may be Arabic comes last."""
    state = _("live")
    if not reference.live:
        state = _("retracted")
    elif reference.pending:
        state = _("pending")
    elif reference.allow:
        state = _("allowed")
    elif reference.failed:
        state = _("failed")
    digest = (reference.sha256 or reference.sha1 or reference.md5 or "-" * 12)[:12]
    collections = ",".join(for_terminal(source.collection) for source in reference.sources)
    labels = "".join(f" [{for_terminal(label)}]" for label in reference.labels)
    path = for_terminal(where[0]) if where else ""
    return f"{reference.id:>7}  {reference.kind or '?':<6}{state:<10}{digest}  {collections}{labels}  {path}".rstrip()


def _hash_lines(hashes: Sequence[Hash]) -> Iterator[str]:
    for each in hashes:
        quality = "" if each.quality is None else "  " + _("quality {quality}").format(quality=each.quality)
        time = "" if each.time is None else f"  {each.time:.3f} s"
        view = "" if each.view == FULL else f"  {each.view}"
        text = each.hex if len(each.bits) <= LONGEST_HASH else each.hex[: 2 * LONGEST_HASH] + "…"
        yield f"  {each.algorithm + ' ':<12}{text}{quality}{time}{view}"

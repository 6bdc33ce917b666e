"""Who made a list, and whether to accept it. This is settled before its first entry is read."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from hashmatch import exchange
from hashmatch.clock import now
from hashmatch.errors import CommandError
from hashmatch.i18n import _
from hashmatch.media.files import chunks
from hashmatch.records import ListHead, Tlp
from hashmatch.store import Store, hand_overs, list_issues, voices
from hashmatch.workflows.list_files import ListFile

if TYPE_CHECKING:
    from hashmatch.signing.acceptance import IssueNumbers, ListFlaw
    from hashmatch.signing.signed_lists import VerifiedList


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """How to import a list: where its entries go, and which checks apply.

    collection: the name of the collection for entries, whose owner is the list's; without it, the one that the entry names,
    else one for its author (list_memberships.py).
    tlp: the mark for entries; if an entry has its own, the stricter one counts.
    default_tlp: the mark for entries that have none; without it, the one of the partner's interface, if it is one.
    allow: a person says that what the list has is legitimate.
    strict: every line must be good, or nothing is imported.
    verify_key: the key that must have signed the list, by name, by file or as text; without it, any known key will do.
    accept: flaws of the list to accept.
    """

    collection: str | None = None
    tlp: Tlp | None = None
    allow: bool = False
    strict: bool = False
    verify_key: str | None = None
    accept: frozenset[ListFlaw] = frozenset()
    default_tlp: Tlp | None = None


AS_IT_SAYS = ImportPlan()


@dataclass(frozen=True, slots=True)
class ListOrigin:
    """What is known about a list as a whole.

    signer: a public key. owner: whose word it is, see store/voices.py. teller: the same by name: of the signer, the list or
    its file.
    missing: numbers of earlier lists of this name that have not arrived. count: how many entries its signer says it has,
    where they can be counted. tlp: the mark that its signer gives to its entries, where its format has none.
    """

    given: ListFile
    form: exchange.Format
    sha256: bytes
    head: ListHead
    signer: str | None
    owner: str
    teller: str
    missing: tuple[IssueNumbers, ...] = ()
    count: int | None = None
    tlp: Tlp | None = None


def origin_of(store: Store, given: ListFile, form: exchange.Format, told: ListHead, plan: ImportPlan) -> ListOrigin:
    """Find out who made a list. told: what it says about itself.

    Raises CommandError, with every objection, if the list is not acceptable.
    """
    from hashmatch.signing import keys
    from hashmatch.signing.acceptance import ListIssue, decide

    connection, path = store.connection, given.path
    signed = _verified(given.file, path, plan)
    head = told if signed is None else ListHead(origin=told.origin)
    if signed is not None and signed.statement is not None:
        head = replace(signed.statement.head, origin=told.origin)
    signer = None if signed is None else signed.key.public.text
    if signer is not None and (newer := hand_overs.successor(connection, signer)) is not None:
        message = _(
            "{path}: it is signed by {signer}, which was handed over to {newer}: ask for a list that this key signed"
        )
        names = keys.names()
        called = {"signer": names.get(signer, signer), "newer": names.get(newer, newer)}
        raise CommandError(message.format(path=path, **called))
    before = [] if head.name is None else list_issues.sequences_seen(connection, head, signer)
    is_signed_there = plan.collection is not None and list_issues.has_signed(connection, plan.collection)
    lacks = signed is None and (plan.verify_key is not None or is_signed_there)
    issues = [ListIssue(since, sequence) for sequence, since in before]
    is_whole = signed is not None and given.content is given.file
    digest = bytes.fromhex(signed.sha256) if signed is not None and is_whole else _digest(given.content)
    accepted: frozenset[ListFlaw] = plan.accept
    if list_issues.was_read(connection, digest, signer):  # what was read once can revive nothing
        accepted |= {"older"}
    decision = decide(head, issues, now(), accepted, lacks_signature=lacks)
    if decision.refused:
        objections = [each for each in decision.objections if not each.accepted]
        reasons = "; ".join(each.message for each in objections)
        flaws = " ".join(f"--accept {each.flaw}" for each in objections)
        message = _("{path}: {reasons}; nothing was imported ({options} takes it all the same)")
        raise CommandError(message.format(path=path, reasons=reasons, options=flaws))
    teller = (signed and signed.key.name) or signer or head.name or given.short_name
    statement = None if signed is None else signed.statement
    # In a plain list one reference may be several lines, and two may be one.
    count = statement.count if statement is not None and form.carries_retraction and is_whole else None
    mark = statement.tlp if statement is not None and "tlp" not in form.carries else None
    owner = _owner(form, head, signer)
    return ListOrigin(given, form, digest, head, signer, owner, teller, decision.missing, count, mark)


def _owner(form: exchange.Format, head: ListHead, signer: str | None) -> str:
    """Whose word a list is, see docs/lists.md."""
    if signer is not None:
        return signer
    if form.speaker:
        return voices.of_interface(form.name)
    return voices.UNSIGNED if head.origin is None else voices.of_origin(head.origin)


def _digest(file: BinaryIO) -> bytes:
    file.seek(0)
    digest = hashlib.sha256()
    for part in chunks(file):
        digest.update(part)
    return digest.digest()


def _verified(file: BinaryIO, path: Path, plan: ImportPlan) -> VerifiedList | None:
    """Verify a list's signature, if it has one. Raises CommandError if it is not the one it should be."""
    from hashmatch.signing import keys
    from hashmatch.signing.signed_lists import NoSignatureError, UnknownSignerError, signature_path, verify_file

    if plan.verify_key is None and not signature_path(path).exists():
        return None
    folder = keys.default_folder()
    wanted = keys.known(folder)[0] if plan.verify_key is None else [keys.find(folder, plan.verify_key)]
    try:
        return verify_file(file, path, wanted)
    except NoSignatureError:
        return None  # origin_of decides whether that is acceptable
    except UnknownSignerError:
        if plan.verify_key is None and "unsigned" in plan.accept:
            return None
        raise

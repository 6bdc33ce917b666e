"""Signs a finished list, and verifies a signed one.

The signature is LIST.minisig beside LIST, where `minisign -Sm LIST` writes it and `minisign -Vm LIST` expects it.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from hashmatch.errors import CommandError
from hashmatch.exchange.fields import LineError
from hashmatch.i18n import _
from hashmatch.signing import minisign, statement
from hashmatch.signing.keys import KnownKey
from hashmatch.signing.minisign import PublicKey, SecretKey, Signature, UnusableError
from hashmatch.signing.small_files import read_small, write_over
from hashmatch.signing.statement import SignedStatement

#: The largest file, in bytes, with a signature of the file itself, as minisign made them at first. Verifying such a
#: signature takes the whole file into memory.
LEGACY_MAX = 2**27
_CHUNK = 2**20


class NoSignatureError(CommandError):
    """There is no signature beside the list."""


class UnknownSignerError(CommandError):
    """The list is signed with a key that is not one of the expected keys."""


@dataclass(frozen=True, slots=True)
class VerifiedList:
    """A list with a good signature.

    key: the signer's key. statement: what the signer says about the list; None if it was signed with minisign itself.
    comment: the trusted comment. sha256, size: of the bytes that were verified.
    """

    key: KnownKey
    statement: SignedStatement | None
    comment: str
    sha256: str
    size: int


def signature_path(path: Path) -> Path:
    return path.with_name(path.name + ".minisig")


def sign_file(path: Path, key: SecretKey, claim: SignedStatement, target: Path | None = None) -> SignedStatement:
    """Signs a finished list and writes the signature beside it as LIST.minisig, or to `target`. Replaces an older one.

    claim: the statement to sign. If its digest is empty, the digest is computed from the file; otherwise it must match.
    Returns the statement as signed. Raises CommandError.
    """
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            blake2b, sha256, _size = _digests(file)
    except OSError as error:
        raise _cannot_read(path, error) from error
    if claim.sha256 not in ("", sha256):
        raise CommandError(_("{path} has changed since it was written, so it is not signed").format(path=path))
    claim = replace(claim, sha256=sha256)
    try:
        comment = statement.to_comment(claim)
    except LineError as error:
        raise CommandError(_("{path} cannot be signed: {reason}").format(path=path, reason=error)) from None
    signature = minisign.sign(key, blake2b, comment.encode("ascii"))
    data = minisign.write_signature(signature, f"signature from hashmatch, key {key.public.id}")
    write_over(target or signature_path(path), data, mode)
    return claim


def verify_file(file: BinaryIO, path: Path, keys: Sequence[KnownKey], signature: Path | None = None) -> VerifiedList:
    """Verifies an open list.

    file: seekable. It is left at its start, so that the caller reads the very file that was verified, whatever its name
    leads to by then. keys: the keys that may have signed it. signature: its path; None for the one beside the list.
    Raises NoSignatureError, UnknownSignerError, and CommandError for anything else that is wrong.
    """
    beside = signature or signature_path(path)
    try:
        found = minisign.parse_signature(read_small(beside))
    except FileNotFoundError:
        raise NoSignatureError(
            _("{path} is not signed: there is no {name}").format(path=path, name=beside.name)
        ) from None
    except UnusableError as error:
        raise CommandError(_("{path} is not a signature: {reason}").format(path=beside, reason=error)) from None
    named = [key for key in keys if key.public.number == found.number]
    if not named:
        raise _unknown_signer(path, found, keys)
    # Check the comment first: it is cheap, and it tells an altered signature from an altered list.
    signer = next((key for key in named if found.is_sealed_by(key.public)), None)
    if signer is None:
        message = _("{path} was altered after it was made, or was made with another key that uses the number {id}")
        raise CommandError(message.format(path=beside, id=found.key_id))
    comment = found.comment.decode("utf-8", "surrogateescape")
    claim = _statement(beside, comment)
    try:
        sha256, size = _verify_body(file, path, found, signer.public)
        file.seek(0)
    except OSError as error:
        raise _cannot_read(path, error) from error
    if claim is not None and claim.sha256 != sha256:
        raise CommandError(_("{path}: the signed statement is about another list").format(path=path))
    return VerifiedList(signer, claim, comment, sha256, size)


def check_contents(path: Path, claim: SignedStatement, *, name: str | None = None, count: int | None = None) -> None:
    """Checks that a list is what its signer says it is. Raises CommandError.

    name: the name of the list that the caller wants. count: how many entries it has. None: not checked.
    """
    if name is not None and claim.name != name:
        message = _("{path} is the list {found}, not {wanted}")
        raise CommandError(message.format(path=path, found=claim.name, wanted=name))
    if count is not None and claim.count != count:
        message = _("{path} has {found:,} entries, but its signer counted {wanted:,}")
        raise CommandError(message.format(path=path, found=count, wanted=claim.count))


def _verify_body(file: BinaryIO, path: Path, signature: Signature, key: PublicKey) -> tuple[str, int]:
    """Checks that the key signed the bytes of the file. Returns their SHA-256 and their number. Raises CommandError."""
    if not file.seekable():
        raise CommandError(
            _("{path} is not a file: save it as one, so that it can be verified before it is read").format(path=path)
        )
    file.seek(0)
    if signature.prehashed:
        message, sha256, size = _digests(file)
    else:
        message = file.read(LEGACY_MAX + 1)
        size = len(message)
        if size > LEGACY_MAX:
            reason = _("{path}: larger than {most} MiB and signed in minisign's old way (-l); ask for a new signature")
            raise CommandError(reason.format(path=path, most=LEGACY_MAX >> 20))
        sha256 = hashlib.sha256(message).hexdigest()
    if not key.verifies(signature.proof, message):
        raise CommandError(_("{path} is not the list that was signed: it was altered or replaced").format(path=path))
    return sha256, size


def _digests(file: BinaryIO) -> tuple[bytes, str, int]:
    """The BLAKE2b-512, SHA-256 and size of the rest of a file."""
    blake2b, sha256, size = minisign.file_digest(), hashlib.sha256(), 0
    while part := file.read(_CHUNK):
        blake2b.update(part)
        sha256.update(part)
        size += len(part)
    return blake2b.digest(), sha256.hexdigest(), size


def _statement(path: Path, comment: str) -> SignedStatement | None:
    try:
        return statement.from_comment(comment)
    except LineError as error:
        message = _("{path}: the signed statement cannot be used: {reason}")
        raise CommandError(message.format(path=path, reason=error)) from None


def _unknown_signer(path: Path, signature: Signature, keys: Sequence[KnownKey]) -> UnknownSignerError:
    if len(keys) == 1:
        message = _("{path} is signed with the key {id}, not with {wanted}")
        wanted = f"{keys[0].name or ''} {keys[0].public.id}".strip()
        return UnknownSignerError(message.format(path=path, id=signature.key_id, wanted=wanted))
    message = _("{path} is signed with the key {id}, which is not known; add a key with `hashmatch keys add`")
    return UnknownSignerError(message.format(path=path, id=signature.key_id))


def _cannot_read(path: Path, error: OSError) -> CommandError:
    return CommandError(_("cannot read {path}: {reason}").format(path=path, reason=error.strerror or error))

"""The statement by which a key hands over to another: a small file, with the old key's minisign signature beside it."""

from __future__ import annotations

import json
from pathlib import Path

from hashmatch.errors import CommandError
from hashmatch.i18n import _
from hashmatch.signing import minisign
from hashmatch.signing.minisign import PublicKey, SecretKey, UnusableError
from hashmatch.signing.signed_lists import signature_path
from hashmatch.signing.small_files import read_small, write_new

_BEGINNING = "hashmatch-hand-over "


def write(path: Path, old: SecretKey, new: PublicKey, created: str) -> None:
    """Write and sign the statement. Raises CommandError if one of the two files is there, or cannot be written."""
    told = {"created": created, "new": new.text, "old": old.public.text}
    data = (_BEGINNING + json.dumps(told, sort_keys=True, separators=(",", ":")) + "\n").encode("ascii")
    signature = minisign.sign(old, _digest(data), b"hashmatch key hand-over")
    try:
        write_new(path, data, 0o644)
        write_new(signature_path(path), minisign.write_signature(signature, "hashmatch key hand-over"), 0o644)
    except FileExistsError as error:
        raise CommandError(_("{path} is there already").format(path=error.filename or path)) from None


def verify(path: Path, old: PublicKey, new: PublicKey) -> str:
    """Check that the old key signed that it hands over to the new one. Returns the statement. Raises CommandError."""
    try:
        data = read_small(path)
        found = minisign.parse_signature(read_small(signature_path(path)))
    except FileNotFoundError as error:
        raise CommandError(_("{path}: {reason}").format(path=error.filename or path, reason=error.strerror)) from None
    except UnusableError as error:
        raise CommandError(
            _("{path} is not a signature: {reason}").format(path=signature_path(path), reason=error)
        ) from None
    message = _digest(data) if found.prehashed else data
    if found.number != old.number or not found.is_sealed_by(old) or not old.verifies(found.proof, message):
        raise CommandError(_("{path}: the old key {id} did not sign this").format(path=path, id=old.id))
    try:
        text = data.decode("ascii")
        told = json.loads(text.removeprefix(_BEGINNING)) if text.startswith(_BEGINNING) else None
    except ValueError:
        told = None
    if not isinstance(told, dict) or (told.get("old"), told.get("new")) != (old.text, new.text):
        raise CommandError(
            _("{path}: it does not hand over the key {old} to {new}").format(path=path, old=old.id, new=new.id)
        )
    return text.strip()


def _digest(data: bytes) -> bytes:
    digest = minisign.file_digest()
    digest.update(data)
    return digest.digest()

"""The folder of keys: NAME.pub for each known public key, with NAME.key beside it if we have the secret key.

Both are minisign's own files, so `minisign -Sm LIST -s NAME.key` signs as hashmatch does. Whoever can write to the folder
decides whom we trust, and whoever can read a NAME.key can sign for us. We create the folder with mode 0700 and secret keys
with 0600, and refuse a folder that others can write to and a secret key that others can read.
"""

from __future__ import annotations

import contextlib
import os
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from hashmatch.errors import CommandError
from hashmatch.i18n import _
from hashmatch.signing import minisign
from hashmatch.signing.minisign import PublicKey, SecretKey, UnusableError
from hashmatch.signing.small_files import cannot_write, read_small, write_new

#: Letters and digits of any script and _, and after the first also - and . : safe as a file name and on a terminal.
_NAME = re.compile(r"\w[\w.-]{0,63}")
_SINCE = re.compile(r"hashmatch public key [0-9A-F]{16}, since (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)")
#: Tells a public key from a name or a path: 42 bytes in base64 that begin with "Ed".
_PUBLIC_TEXT = re.compile(r"RW[A-Za-z0-9+/]{54}")


@dataclass(frozen=True, slots=True)
class KnownKey:
    """A known public key.

    name: None if the key was given as a file or text and is not in the folder. secret: we have its secret half, too.
    created: when it was made or added here, UTC, ISO 8601; None if something else put the file there.
    """

    name: str | None
    public: PublicKey
    secret: bool = False
    created: str | None = None


@dataclass(frozen=True, slots=True)
class BadKey:
    """A file in the folder of keys that is not a usable key. The message is one line for the user and has the path."""

    message: str


def default_folder() -> Path:
    """$HASHMATCH_KEYS, or else `keys` in the user's data folder. It may not exist yet."""
    if chosen := os.environ.get("HASHMATCH_KEYS"):
        return Path(chosen)
    import platformdirs

    return Path(platformdirs.user_data_dir("hashmatch", appauthor=False)) / "keys"


def known(folder: Path) -> tuple[list[KnownKey], list[BadKey]]:
    """All keys in a folder, sorted by name, and the damaged files. Raises CommandError if others can write to it."""
    found, bad = list[KnownKey](), list[BadKey]()
    names = _names(folder)
    for name in sorted({name.removesuffix(".pub") for name in names if name.endswith(".pub")}):
        try:
            found.append(_read(folder, name))
        except CommandError as error:
            bad.append(BadKey(str(error)))
        except FileNotFoundError:  # removed in the meantime, or a dangling link
            bad.append(BadKey(_("{path} no longer exists").format(path=folder / f"{name}.pub")))
    for name in sorted(name for name in names if name.endswith(".key")):
        if f"{name.removesuffix('.key')}.pub" not in names:
            message = _("{path}: its public half is missing; `minisign -R` recreates it")
            bad.append(BadKey(message.format(path=folder / name)))
    return found, bad


def names() -> dict[str, str]:
    """The names of the public keys that are known here, by their texts. None, if the folder of keys cannot be trusted."""
    try:
        return {key.public.text: key.name for key in known(default_folder())[0] if key.name}
    except CommandError:
        return {}


def find(folder: Path, what: str) -> KnownKey:
    """Finds a public key by its name in the folder, its base64 or the path of its file. Raises CommandError.

    what: tried as a name first, then as base64, then as a path.
    """
    if _NAME.fullmatch(_normal(what)):
        with contextlib.suppress(FileNotFoundError):
            _check_folder(folder)
            return _read(folder, _normal(what))
    public = _public_of(what)
    keys = known(folder)[0]
    return next((key for key in keys if key.public == public), KnownKey(None, public))


def secret_key(folder: Path, what: str, password: Callable[[], str]) -> SecretKey:
    """Reads a secret key by its name in the folder, or else by the path of its file.

    password: called only if the key has a password. Raises CommandError.
    """
    paths = [Path(what)]
    if _NAME.fullmatch(_normal(what)):
        paths.insert(0, folder / f"{_normal(what)}.key")
    for path in paths:
        with contextlib.suppress(FileNotFoundError):
            try:
                return minisign.parse_secret(read_small(path, secret=True), password)
            except UnusableError as error:
                raise CommandError(_("{path}: {reason}").format(path=path, reason=error)) from None
    if os.path.lexists(folder / f"{_normal(what)}.pub"):
        message = _("only the public half of the key {name} is here; signing needs the secret half")
        raise CommandError(message.format(name=what))
    raise CommandError(_("no secret key {name}; `hashmatch keys make {name}` makes one").format(name=what))


def make(folder: Path, name: str, password: str | None, created: str, memory: int = minisign.MEMORY) -> KnownKey:
    """Makes a new key pair, encrypted if there is a password. memory: see minisign.write_secret. Raises CommandError."""
    name = _new_name(folder, name)
    try:
        secret = SecretKey.new()
        data = minisign.write_secret(secret, password, memory)
    except UnusableError as error:
        raise CommandError(str(error)) from None
    path = folder / f"{name}.key"
    with _taken(name):
        write_new(path, data, 0o600)
    try:
        return _write_public(folder, name, secret.public, created, secret=True)
    except BaseException:
        path.unlink()
        raise


def add(folder: Path, name: str, what: str, created: str) -> KnownKey:
    """Adds a partner's public key, given as base64 or as the path of its file. Raises CommandError."""
    public = _public_of(what)
    name = _new_name(folder, name)
    for key in known(folder)[0]:
        if key.public == public:
            raise CommandError(_("this key is already known as {name}").format(name=key.name))
        if key.public.number == public.number:
            message = _(
                "another key, {name}, already has the number {id}; one of the two is pretending to be the other"
            )
            raise CommandError(message.format(id=public.id, name=key.name))
    return _write_public(folder, name, public, created, secret=False)


def remove(folder: Path, name: str, *, with_secret: bool = False) -> None:
    """Removes a key from the folder. Raises CommandError.

    with_secret: needed to remove a key whose secret half is there.
    """
    name = _checked_name(name)
    _check_folder(folder)
    public, secret = folder / f"{name}.pub", folder / f"{name}.key"
    if not os.path.lexists(public) and not os.path.lexists(secret):
        raise CommandError(_("no key {name}").format(name=name))
    if os.path.lexists(secret) and not with_secret:
        message = _(
            "the secret half of {name} is here and can never be recreated; to remove it as well, use --with-secret"
        )
        raise CommandError(message.format(name=name))
    try:
        for path in (secret, public):
            path.unlink(missing_ok=True)
    except OSError as error:
        raise cannot_write(folder, error) from error


def _read(folder: Path, name: str) -> KnownKey:
    path = folder / f"{name}.pub"
    public, comment = _parse_public(path, read_small(path))
    since = _SINCE.fullmatch(comment)
    return KnownKey(name, public, os.path.lexists(folder / f"{name}.key"), since[1] if since else None)


def _public_of(what: str) -> PublicKey:
    try:
        if _PUBLIC_TEXT.fullmatch(what.strip()):
            return minisign.parse_public_text(what)
        return _parse_public(Path(what), read_small(Path(what)))[0]
    except UnusableError as error:
        raise CommandError(_("{path}: {reason}").format(path=what, reason=error)) from None
    except FileNotFoundError:
        message = _("no key {name}: neither a known name, nor a file, nor a public key of 56 characters")
        raise CommandError(message.format(name=what)) from None


def _parse_public(path: Path, data: bytes) -> tuple[PublicKey, str]:
    try:
        return minisign.parse_public(data)
    except UnusableError as error:
        raise CommandError(_("{path} is not a public key: {reason}").format(path=path, reason=error)) from None


def _write_public(folder: Path, name: str, public: PublicKey, created: str, *, secret: bool) -> KnownKey:
    data = minisign.write_public(public, f"hashmatch public key {public.id}, since {created}")
    with _taken(name):
        write_new(folder / f"{name}.pub", data, 0o600)
    return KnownKey(name, public, secret, created)


@contextlib.contextmanager
def _taken(name: str) -> Iterator[None]:
    try:
        yield
    except FileExistsError:
        raise CommandError(_("there is a key {name} already").format(name=name)) from None


def _new_name(folder: Path, name: str) -> str:
    """Checks that a name is valid and free, and makes sure that the folder exists. Returns the name in normal form."""
    name = _checked_name(name)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(folder, error) from error
    _check_folder(folder)
    with _taken(name):
        if any(os.path.lexists(folder / f"{name}{ending}") for ending in (".pub", ".key")):
            raise FileExistsError
    return name


def _checked_name(name: str) -> str:
    name = _normal(name)
    if not _NAME.fullmatch(name):
        message = _(
            "{name} cannot be the name of a key: use at most 64 letters, digits, - . and _, and begin with a letter or digit"
        )
        raise CommandError(message.format(name=name[:80]))
    return name


def _normal(name: str) -> str:
    """Unicode normal form C, so that names that look the same are the same."""
    return unicodedata.normalize("NFC", name)


def _names(folder: Path) -> set[str]:
    try:
        _check_folder(folder)
        return {name for name in os.listdir(folder) if not name.startswith(".")}
    except FileNotFoundError:
        return set()
    except OSError as error:
        reason = error.strerror or error
        raise CommandError(_("cannot read {path}: {reason}").format(path=folder, reason=reason)) from error


def _check_folder(folder: Path) -> None:
    """Raises CommandError if others could put keys into the folder, and FileNotFoundError if there is no folder."""
    try:
        mode = os.stat(folder).st_mode
    except FileNotFoundError:
        raise
    except OSError as error:
        reason = error.strerror or error
        raise CommandError(_("cannot read {path}: {reason}").format(path=folder, reason=reason)) from error
    if os.name == "posix" and mode & 0o022:
        message = _("others can write to the folder of keys {path} and so decide whom you trust; run chmod 700 on it")
        raise CommandError(message.format(path=folder))

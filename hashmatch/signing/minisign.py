"""Parses, writes, makes and verifies minisign's keys and signatures (https://jedisct1.github.io/minisign/).

Everything is a comment line followed by a base64 line. A key pair has a random number of 8 bytes, by which a signature
names its key; the number is not secret and proves nothing. A signature covers the BLAKE2b-512 digest of the file ("ED") or
the file itself ("Ed", as minisign did at first). A second signature covers the first one and the *trusted comment*, so
that neither can be combined with another.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import struct
from collections.abc import Callable
from dataclasses import dataclass, field

from hashmatch.i18n import _

#: The largest key or signature file, in bytes.
FILE_MAX = 16_384
#: The longest trusted comment that minisign reads: its line may have 8191 bytes.
COMMENT_MAX = 8_000

_UNTRUSTED, _TRUSTED = b"untrusted comment: ", b"trusted comment: "
_PUBLIC = struct.Struct("2s 8s 32s")
_SIGNATURE = struct.Struct("2s 8s 64s")
#: Signature algorithm, key derivation, checksum algorithm, salt, operations, memory; then the part a password encrypts.
_SECRET = struct.Struct("< 2s 2s 2s 32s Q Q 104s")
#: Key number, seed, public key, checksum.
_PRIVATE = struct.Struct("8s 32s 32s 32s")

#: The most work that opening a key may take. minisign itself uses this much for a password: libsodium's "sensitive".
OPERATIONS_MAX, MEMORY_MAX = 2**25, 2**30
#: The memory in bytes that trying one password takes for keys made here: a quarter of what minisign uses, so that a
#: container with little memory can sign. OWASP asks for half of this.
MEMORY = 2**28


class UnusableError(Exception):
    """A key or signature cannot be used. The message is one line for the user, without the file's name."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key. number: 8 bytes, by which signatures name it. point: the Ed25519 public key, 32 bytes."""

    number: bytes
    point: bytes

    @property
    def text(self) -> str:
        """The public key in the form that minisign's option -P takes: 56 characters."""
        return base64.b64encode(_PUBLIC.pack(b"Ed", self.number, self.point)).decode("ascii")

    @property
    def id(self) -> str:
        """The number as minisign prints it: 16 hexadecimal digits."""
        return self.number[::-1].hex().upper()

    @property
    def fingerprint(self) -> str:
        """What two people compare over the phone: the first half of the SHA-256 of the key's 42 bytes, in groups of four.

        It is hexadecimal because nobody can read out letters that differ only in case.
        """
        digits = hashlib.sha256(base64.b64decode(self.text)).hexdigest()[:32]
        return " ".join(digits[i : i + 4] for i in range(0, 32, 4))

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Whether this key made the signature (64 bytes) of the message."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        try:
            Ed25519PublicKey.from_public_bytes(self.point).verify(signature, message)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class SecretKey:
    """A key pair. seed: 32 bytes, never shown."""

    public: PublicKey
    seed: bytes = field(repr=False)

    @classmethod
    def new(cls) -> SecretKey:
        return cls._of(os.urandom(8), os.urandom(32))

    @classmethod
    def _of(cls, number: bytes, seed: bytes) -> SecretKey:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        point = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
        return cls(PublicKey(number, point), seed)

    def sign(self, message: bytes) -> bytes:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        return Ed25519PrivateKey.from_private_bytes(self.seed).sign(message)


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature of a file.

    number: the key's number. proof: 64 bytes, the signature of the file's digest if `prehashed`, else of the file itself.
    comment: the trusted comment as it was signed. seal: 64 bytes, the signature of `proof` and `comment`.
    """

    number: bytes
    prehashed: bool
    proof: bytes
    comment: bytes
    seal: bytes

    @property
    def key_id(self) -> str:
        return PublicKey(self.number, bytes(32)).id

    def is_sealed_by(self, key: PublicKey) -> bool:
        """Whether this key made the signature and its comment as they are. This says nothing about the file yet."""
        return key.verifies(self.seal, self.proof + self.comment)


def file_digest() -> hashlib.blake2b:
    """An empty digest to feed with the file that is signed: BLAKE2b with 64 bytes."""
    return hashlib.blake2b(digest_size=64)


def sign(key: SecretKey, digest: bytes, comment: bytes) -> Signature:
    """Signs a file's digest together with a one-line comment. Raises ValueError if minisign could not read the comment."""
    if len(comment) > COMMENT_MAX or any(byte in comment for byte in b"\r\n\0"):
        raise ValueError("the comment is too long, or not one line")
    proof = key.sign(digest)
    return Signature(key.public.number, True, proof, comment, key.sign(proof + comment))


def parse_public_text(text: str) -> PublicKey:
    """Parses a public key in base64. Raises UnusableError."""
    algorithm, number, point = _PUBLIC.unpack(_decoded(text.strip().encode("utf-8", "replace"), _PUBLIC.size))
    if algorithm != b"Ed":
        raise UnusableError(_("its algorithm is not Ed25519"))
    return PublicKey(number, point)


def parse_public(data: bytes) -> tuple[PublicKey, str]:
    """Parses a public key file. Also returns its comment, which anybody may have written. Raises UnusableError."""
    lines = _lines(data, 2)
    if len(lines[1]) == _base64_size(_SECRET.size):
        raise UnusableError(_("it is a secret key, which you must never give to anybody"))
    return parse_public_text(lines[1].decode("latin-1")), lines[0][len(_UNTRUSTED) :].decode("utf-8", "replace")


def write_public(key: PublicKey, comment: str) -> bytes:
    return _UNTRUSTED + comment.encode("utf-8") + b"\n" + key.text.encode("ascii") + b"\n"


def parse_secret(data: bytes, password: Callable[[], str]) -> SecretKey:
    """Parses a secret key file. Raises UnusableError, also for a wrong password.

    password: called only if the key is encrypted.
    """
    algorithm, derivation, check, salt, operations, memory, private = _SECRET.unpack(
        _decoded(_lines(data, 2)[1], _SECRET.size)
    )
    if (algorithm, check) != (b"Ed", b"B2") or derivation not in (b"Sc", b"\0\0"):
        raise UnusableError(_("it is a secret key of an unknown kind"))
    encrypted = derivation == b"Sc"
    if encrypted:
        private = _xor(private, _derive(password, salt, operations, memory))
    number, seed, point, checksum = _PRIVATE.unpack(private)
    # minisign leaves out the checksum if there is no password, since it only serves to detect a wrong one.
    sound = hmac.compare_digest(checksum, _checksum(number, seed, point)) or (not encrypted and not any(checksum))
    key = SecretKey._of(number, seed)
    if not sound or key.public.point != point:
        raise UnusableError(_("wrong password for this key") if encrypted else _("the secret key is damaged"))
    return key


def write_secret(key: SecretKey, password: str | None = None, memory: int = MEMORY) -> bytes:
    """Writes a secret key file, encrypted if there is a password.

    memory: how many bytes trying one password should take, a power of two. Raises UnusableError if there is less memory.
    """
    number, seed, point = key.public.number, key.seed, key.public.point
    if password is None:
        derivation, salt, operations, memory = b"\0\0", bytes(32), 0, 0
        private = _PRIVATE.pack(number, seed, point, bytes(32))
    else:
        derivation, salt, operations = b"Sc", os.urandom(32), memory // 32
        private = _PRIVATE.pack(number, seed, point, _checksum(number, seed, point))
        private = _xor(private, _derive(lambda: password, salt, operations, memory))
    secret = base64.b64encode(_SECRET.pack(b"Ed", derivation, b"B2", salt, operations, memory, private))
    kind = b"minisign encrypted secret key" if password is not None else b"minisign secret key, without a password"
    return _UNTRUSTED + kind + b"\n" + secret + b"\n"


def parse_signature(data: bytes) -> Signature:
    """Parses a .minisig file. Raises UnusableError."""
    lines = _lines(data, 4)
    algorithm, number, proof = _SIGNATURE.unpack(_decoded(lines[1], _SIGNATURE.size))
    if algorithm not in (b"ED", b"Ed"):
        raise UnusableError(_("its algorithm is not Ed25519"))
    if not lines[2].startswith(_TRUSTED):
        raise UnusableError(_("its third line does not begin with “trusted comment: ”"))
    return Signature(number, algorithm == b"ED", proof, lines[2][len(_TRUSTED) :], _decoded(lines[3], 64))


def write_signature(signature: Signature, comment: str) -> bytes:
    """Writes a .minisig file. comment: the untrusted comment, which no signature covers."""
    algorithm = b"ED" if signature.prehashed else b"Ed"
    proof = base64.b64encode(_SIGNATURE.pack(algorithm, signature.number, signature.proof))
    lines = (
        _UNTRUSTED + comment.encode("utf-8"),
        proof,
        _TRUSTED + signature.comment,
        base64.b64encode(signature.seal),
    )
    return b"\n".join(lines) + b"\n"


def _lines(data: bytes, count: int) -> list[bytes]:
    """The lines of a file of this format: exactly `count`, the first of them a comment. Raises UnusableError."""
    if len(data) > FILE_MAX:
        raise UnusableError(_("it is longer than {most} bytes").format(most=FILE_MAX))
    lines = [line.rstrip(b"\r") for line in data.rstrip(b"\r\n").split(b"\n")]
    if len(lines) != count or not lines[0].startswith(_UNTRUSTED) or b"\0" in data:
        raise UnusableError(
            _("it does not have {count} lines, the first beginning with “untrusted comment: ”").format(count=count)
        )
    return lines


def _decoded(line: bytes, size: int) -> bytes:
    """Decodes a line of base64. The bits that base64 leaves unused must be zero, so that no bit can change unnoticed."""
    try:
        data = base64.b64decode(line, validate=True)
    except binascii.Error:
        data = b""
    if len(data) != size or base64.b64encode(data) != line:
        raise UnusableError(_("a line is not {size} bytes in base64").format(size=size))
    return data


def _base64_size(size: int) -> int:
    return (size + 2) // 3 * 4


def _checksum(number: bytes, seed: bytes, point: bytes) -> bytes:
    return hashlib.blake2b(b"Ed" + number + seed + point, digest_size=32).digest()


def _xor(data: bytes, stream: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(data, stream, strict=True))


def _derive(password: Callable[[], str], salt: bytes, operations: int, memory: int) -> bytes:
    """The bytes that encrypt a key. operations, memory: the cost, in libsodium's terms for scrypt."""
    if operations > OPERATIONS_MAX or memory > MEMORY_MAX:
        raise UnusableError(_("opening this key would take more time or memory than minisign ever requires"))
    rounds, parallel = _scrypt_cost(operations, memory)
    typed = password().encode("utf-8", "surrogateescape")
    try:
        return hashlib.scrypt(
            typed,
            salt=salt,
            n=rounds,
            r=8,
            p=parallel,
            maxmem=2**31 - 1,
            dklen=_PRIVATE.size,
        )
    except (ValueError, MemoryError):
        message = _("opening or making a key with a password takes {memory} MiB of memory, and there is not enough")
        raise UnusableError(message.format(memory=memory >> 20)) from None


def _scrypt_cost(operations: int, memory: int) -> tuple[int, int]:
    """scrypt's N and p (r is 8) as libsodium chooses them: as much memory as allowed, then time for the rest."""
    operations = max(operations, 32_768)
    if operations < memory // 32:
        return _power_below(operations // 32), 1
    rounds = _power_below(memory // 1024)
    return rounds, max(operations // 4 // rounds // 8, 1)


def _power_below(most: int) -> int:
    """The largest power of two that is not above `most`, but at least 2."""
    return max(2, 1 << max(most.bit_length() - 1, 0))

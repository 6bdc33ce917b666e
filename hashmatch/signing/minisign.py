"""Keys and signatures as minisign has them (https://jedisct1.github.io/minisign/): parse, write, sign, verify.

Everything is a line of comment and a line of base64. A key pair has a random number of 8 bytes, by which a signature names
its key; it is no secret, and proves nothing. A signature covers the BLAKE2b-512 digest of the file ("ED"), or the file
itself ("Ed", as minisign did at first). A second one covers the first and the *trusted comment*, so that neither can be put
beside another.
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

#: Files larger than that are no keys or signatures of this format: bytes.
FILE_MAX = 16_384
#: The longest trusted comment that minisign reads, whose line may have 8191 bytes.
COMMENT_MAX = 8_000

_UNTRUSTED, _TRUSTED = b"untrusted comment: ", b"trusted comment: "
_PUBLIC = struct.Struct("2s 8s 32s")
_SIGNATURE = struct.Struct("2s 8s 64s")
#: Signature algorithm, key derivation, checksum algorithm, salt, operations, memory; then what a password encrypts.
_SECRET = struct.Struct("< 2s 2s 2s 32s Q Q 104s")
#: Key number, seed, public key, checksum.
_PRIVATE = struct.Struct("8s 32s 32s 32s")

#: What minisign itself takes for a password, and the most that is done for a file of others: libsodium's "sensitive".
OPERATIONS_MAX, MEMORY_MAX = 2**25, 2**30
#: Bytes of memory that trying one password takes, for keys made here: a quarter of what minisign takes, so that a
#: container with little memory can sign. OWASP asks for half of this.
MEMORY = 2**28


class UnusableError(Exception):
    """A key or signature that cannot be used. The message is one line for a person, without the file's name."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """number: by which signatures name it, 8 bytes. point: the Ed25519 public key, 32 bytes."""

    number: bytes
    point: bytes

    @property
    def text(self) -> str:
        """The public key as minisign takes it with -P: 56 characters."""
        return base64.b64encode(_PUBLIC.pack(b"Ed", self.number, self.point)).decode("ascii")

    @property
    def id(self) -> str:
        """The number as minisign prints it: 16 hexadecimal digits."""
        return self.number[::-1].hex().upper()

    @property
    def fingerprint(self) -> str:
        """What two people compare by phone: the first half of the SHA-256 of the key's 42 bytes, in groups of four.

        Hexadecimal, for letters that differ in case only cannot be read aloud.
        """
        digits = hashlib.sha256(base64.b64decode(self.text)).hexdigest()[:32]
        return " ".join(digits[i : i + 4] for i in range(0, 32, 4))

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Whether this key made the signature, 64 bytes, of the message."""
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

    number: of the key. proof: 64 bytes, of the file's digest if `prehashed`, else of the file itself.
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
        """Whether the signature and its comment are as this key made them. The file is another question."""
        return key.verifies(self.seal, self.proof + self.comment)


def file_digest() -> hashlib.blake2b:
    """The digest of a file that is signed, to be fed with it: BLAKE2b of 64 bytes."""
    return hashlib.blake2b(digest_size=64)


def sign(key: SecretKey, digest: bytes, comment: bytes) -> Signature:
    """Signs a file by its digest, with a comment of one line. Raises ValueError where minisign could not read that."""
    if len(comment) > COMMENT_MAX or any(byte in comment for byte in b"\r\n\0"):
        raise ValueError("the comment is too long, or not one line")
    proof = key.sign(digest)
    return Signature(key.public.number, True, proof, comment, key.sign(proof + comment))


def parse_public_text(text: str) -> PublicKey:
    """A public key from its base64. Raises UnusableError."""
    algorithm, number, point = _PUBLIC.unpack(_decoded(text.strip().encode("utf-8", "replace"), _PUBLIC.size))
    if algorithm != b"Ed":
        raise UnusableError(_("a key of an algorithm other than Ed25519"))
    return PublicKey(number, point)


def parse_public(data: bytes) -> tuple[PublicKey, str]:
    """A public key file, and its comment, which anybody can have written. Raises UnusableError."""
    lines = _lines(data, 2)
    if len(lines[1]) == _base64_size(_SECRET.size):
        raise UnusableError(_("a secret key, which is to be given to nobody"))
    return parse_public_text(lines[1].decode("latin-1")), lines[0][len(_UNTRUSTED) :].decode("utf-8", "replace")


def write_public(key: PublicKey, comment: str) -> bytes:
    return _UNTRUSTED + comment.encode("utf-8") + b"\n" + key.text.encode("ascii") + b"\n"


def parse_secret(data: bytes, password: Callable[[], str]) -> SecretKey:
    """A secret key file. password: asked only if the key is encrypted. Raises UnusableError, also for a wrong password."""
    algorithm, derivation, check, salt, operations, memory, private = _SECRET.unpack(
        _decoded(_lines(data, 2)[1], _SECRET.size)
    )
    if (algorithm, check) != (b"Ed", b"B2") or derivation not in (b"Sc", b"\0\0"):
        raise UnusableError(_("a secret key of an unknown kind"))
    encrypted = derivation == b"Sc"
    if encrypted:
        private = _xor(private, _derive(password, salt, operations, memory))
    number, seed, point, checksum = _PRIVATE.unpack(private)
    # minisign leaves the checksum out where there is no password that it could tell to be wrong.
    sound = hmac.compare_digest(checksum, _checksum(number, seed, point)) or (not encrypted and not any(checksum))
    key = SecretKey._of(number, seed)
    if not sound or key.public.point != point:
        raise UnusableError(_("wrong password for this key") if encrypted else _("the secret key is damaged"))
    return key


def write_secret(key: SecretKey, password: str | None = None, memory: int = MEMORY) -> bytes:
    """A secret key file; with a password, encrypted. memory: bytes that trying one password shall take, a power of two.

    Raises UnusableError where there is not so much memory.
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
    """A .minisig file. Raises UnusableError."""
    lines = _lines(data, 4)
    algorithm, number, proof = _SIGNATURE.unpack(_decoded(lines[1], _SIGNATURE.size))
    if algorithm not in (b"ED", b"Ed"):
        raise UnusableError(_("a signature of an algorithm other than Ed25519"))
    if not lines[2].startswith(_TRUSTED):
        raise UnusableError(_("its third line does not begin with “trusted comment: ”"))
    return Signature(number, algorithm == b"ED", proof, lines[2][len(_TRUSTED) :], _decoded(lines[3], 64))


def write_signature(signature: Signature, comment: str) -> bytes:
    """A .minisig file. comment: the untrusted one, which no signature covers."""
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
    """The lines of a file of this format, of which the first is a comment, and no more than `count`."""
    if len(data) > FILE_MAX:
        raise UnusableError(_("longer than {most} bytes").format(most=FILE_MAX))
    lines = [line.rstrip(b"\r") for line in data.rstrip(b"\r\n").split(b"\n")]
    if len(lines) != count or not lines[0].startswith(_UNTRUSTED) or b"\0" in data:
        raise UnusableError(_("not {count} lines that begin with “untrusted comment: ”").format(count=count))
    return lines


def _decoded(line: bytes, size: int) -> bytes:
    """The bytes of a line of base64. Bits that base64 leaves unused are zero, so that no bit can change unseen."""
    try:
        data = base64.b64decode(line, validate=True)
    except binascii.Error:
        data = b""
    if len(data) != size or base64.b64encode(data) != line:
        raise UnusableError(_("not the base64 of {size} bytes").format(size=size))
    return data


def _base64_size(size: int) -> int:
    return (size + 2) // 3 * 4


def _checksum(number: bytes, seed: bytes, point: bytes) -> bytes:
    return hashlib.blake2b(b"Ed" + number + seed + point, digest_size=32).digest()


def _xor(data: bytes, stream: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(data, stream, strict=True))


def _derive(password: Callable[[], str], salt: bytes, operations: int, memory: int) -> bytes:
    """The bytes that encrypt a key. operations, memory: what it may cost, as libsodium states it for scrypt."""
    if operations > OPERATIONS_MAX or memory > MEMORY_MAX:
        raise UnusableError(_("opening this key would take more time or memory than minisign ever asks for"))
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
        message = _("opening or making a key with a password takes {memory} MiB of memory, which are not there")
        raise UnusableError(message.format(memory=memory >> 20)) from None


def _scrypt_cost(operations: int, memory: int) -> tuple[int, int]:
    """scrypt's N and p (r is 8), as libsodium finds them: as much memory as allowed, and time for the rest."""
    operations = max(operations, 32_768)
    if operations < memory // 32:
        return _power_below(operations // 32), 1
    rounds = _power_below(memory // 1024)
    return rounds, max(operations // 4 // rounds // 8, 1)


def _power_below(most: int) -> int:
    """The largest power of two up to `most`, and at least 2."""
    return max(2, 1 << max(most.bit_length() - 1, 0))

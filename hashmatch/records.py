"""The records that travel between the parts of the program.

They are frozen, hold plain Python values only, and know nothing of SQL, files or terminals, so that every part can use
them and any process can send them to another.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from hashmatch.i18n import _
from hashmatch.messages import Message
from hashmatch.views import FULL

Kind = Literal["image", "video"]
Tlp = Literal["clear", "green", "amber", "amber+strict", "red"]

#: Traffic Light Protocol 2.0 (https://www.first.org/tlp/), from the most open to the strictest.
TLP_ORDER: tuple[Tlp, ...] = ("clear", "green", "amber", "amber+strict", "red")


def strictest(*marks: Tlp | None) -> Tlp | None:
    """The strictest of some TLP marks; unmarked (None) is weaker than every mark."""
    known = [mark for mark in marks if mark is not None]
    return max(known, key=TLP_ORDER.index) if known else None


@dataclass(frozen=True, slots=True)
class Digests:
    """Cryptographic digests of a file's bytes, lower-case hex. Raises ValueError for anything else: they are told by
    worker processes, which a hostile file may have taken over."""

    md5: str
    sha1: str
    sha256: str

    def __post_init__(self) -> None:
        for digest, length in ((self.md5, 32), (self.sha1, 40), (self.sha256, 64)):
            if len(digest) != length or digest.strip("0123456789abcdef"):
                raise ValueError("a digest is of another form")


#: Stands for a quality that is not known, where qualities are packed in one byte each.
UNKNOWN_QUALITY = 255

#: Seconds, a hundred days: no film is longer. (The longest one that was ever shown took 35 days.) Later times come from
#: broken clocks and hostile files. Lists that claim more are refused, and times that we meet in a film are cut to it.
LONGEST_FILM = 8_640_000.0


@dataclass(frozen=True, slots=True)
class Hash:
    """One perceptual hash.

    bits: the hash packed big-endian, first bit first (PDQ: 32 bytes, pHash and dHash: 8 bytes).
    quality: 0 to 100 where the algorithm has one (PDQ), else None.
    time: seconds from the start of a video, None for a still image.
    view: which part of the picture was hashed, by its name; see views.py.
    version: of the hasher that made it; None where a list did not say.
    turned: of a query only: the picture's hash in the other orientations, one after the other (see hashers/orientations.py):
        of a still image all seven, of a film's frame the first, its mirror image. Never stored.
    """

    algorithm: str
    bits: bytes
    quality: int | None = None
    time: float | None = None
    view: str = FULL
    version: int | None = None
    turned: bytes = b""

    @property
    def hex(self) -> str:
        return self.bits.hex()


@dataclass(frozen=True, slots=True)
class Glance:
    """What the key frames of a film show, before the rest is decoded. duration: in seconds, where it is known."""

    hashes: tuple[Hash, ...]
    duration: float | None


@dataclass(frozen=True, slots=True)
class Length:
    """How long a film is that is about to be decoded, in seconds, and whether several workers may share it."""

    seconds: float
    can_be_shared: bool


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a file could not be examined.

    code: stable, kebab-case, one of errors.CODES. detail: what is wrong in particular. tried_before: whether an earlier
    run found that, and the file was not tried again.
    """

    code: str
    detail: Message
    tried_before: bool = False

    @property
    def message(self) -> str:
        """One line for a person, in the language in force."""
        if self.tried_before:
            return _("{message} (tried before)").format(message=self.detail)
        return str(self.detail)


@dataclass(frozen=True, slots=True)
class View:
    """A part of a picture that was hashed, too: its name (see views.py), and its edges in parts of the picture's width and
    height."""

    name: str
    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True, slots=True)
class Pixels:
    """A picture: 8-bit RGB, row after row."""

    width: int
    height: int
    rgb: bytes


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Everything that was measured from one file.

    kind is None when the bytes are no media at all. error is set when the media could not be hashed (then `hashes` is
    empty), or when only a part of it could (then `partial` is true and `hashes` holds what decoded).
    width and height are those of the upright picture; duration is in seconds, for video only.
    recipe names the decoder and its settings, so that a later change of either can be noticed. known: its bytes were
    known already, so it was not decoded. views: what is left of a still image without its borders.
    features: of a still image, where they were asked for, as bytes (see hashers/local_features.py); of a query those of
    the picture, and those of its mirror image. pixels: a small version of the picture, where that was asked for.
    moments: of a film its pictures at the seconds that were asked for; None of those that cannot be decoded.
    """

    kind: Kind | None
    size: int
    digests: Digests | None = None
    width: int | None = None
    height: int | None = None
    duration: float | None = None
    partial: bool = False
    hashes: tuple[Hash, ...] = ()
    decoder: str = ""
    recipe: str = ""
    known: bool = False
    error: Failure | None = None
    views: tuple[View, ...] = ()
    features: tuple[bytes, ...] = ()
    pixels: Pixels | None = None
    moments: tuple[Pixels | None, ...] = ()


Verdict = Literal["confirmed", "disputed", "false-positive"]
VERDICTS: tuple[Verdict, ...] = ("confirmed", "disputed", "false-positive")


@dataclass(frozen=True, slots=True)
class Opinion:
    """What somebody who looked at a reference says of it. Opinions of several are kept side by side, never merged.

    source: whose opinion it is; None stands for the source of the entry that brings it. at: UTC, ISO 8601, to the
    microsecond where it can be told.
    """

    verdict: Verdict
    source: str | None = None
    at: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class ListItem:
    """One entry of a hash list, of any format: a reference as one source (collection) knows it.

    added, changed and retracted are UTC in ISO 8601 ("2026-11-21T19:00:00Z"), by the source's clock; changed: when it
    last said anything of this entry, to the microsecond where it can be told. opinions: of the source itself (then
    `source` is None) and of others; an entry whose own source calls it a false positive names nothing as known. paths,
    case, operator and note are filled only when the person who exports asks for them. capitals: of one that was read,
    whether the list had hexadecimal digits in capitals; it says nothing of the entry itself.
    """

    kind: Kind | None = None
    md5: str | None = None
    sha1: str | None = None
    sha256: str | None = None
    size: int | None = None
    duration: float | None = None
    width: int | None = None
    height: int | None = None
    hashes: tuple[Hash, ...] = ()
    labels: tuple[str, ...] = ()
    allow: bool = False
    collection: str | None = None
    source: str | None = None
    tlp: Tlp | None = None
    added: str | None = None
    retracted: str | None = None
    retraction_reason: str | None = None
    changed: str | None = None
    opinions: tuple[Opinion, ...] = ()
    paths: tuple[bytes, ...] = ()
    case: str | None = None
    operator: str | None = None
    note: str | None = None
    capitals: bool = field(default=False, compare=False)

    @property
    def verdict(self) -> Verdict | None:
        """What the entry's own source says of it."""
        return next((opinion.verdict for opinion in self.opinions if opinion.source is None), None)


@dataclass(frozen=True, slots=True)
class ListHead:
    """What a list says of itself, as far as it does. sequence: its number among the lists of that name. since: it has what
    changed since the one of that number; None of one that has everything. created, expires: UTC, ISO 8601."""

    name: str | None = None
    sequence: int | None = None
    since: int | None = None
    created: str | None = None
    expires: str | None = None


#: Of a list that says nothing of itself.
UNNAMED = ListHead()


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line of a hash list that was refused, by its number (from 1) and the reason."""

    line: int
    message: str


@dataclass(frozen=True, slots=True)
class LineRemark:
    """A line of a hash list that was used, and what a person should know of it."""

    line: int
    message: str


@dataclass(frozen=True, slots=True)
class Pushed:
    """One content of a bank that we put there.

    content: HMA's number of it. reference: ours of what it is. digest: tells its signals from
    others, see exchange/hma/bank.py.
    """

    content: int
    reference: int
    digest: str
    disabled: bool = False

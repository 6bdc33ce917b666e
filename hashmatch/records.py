"""The records that travel between the parts of the program.

They are frozen, hold only plain Python values, and know nothing of SQL, files or terminals. So every part can use them, and
any process can send them to another.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from hashmatch.i18n import _
from hashmatch.messages import Message
from hashmatch.views import FULL

Kind = Literal["image", "video"]
#: What is no picture and no film, and is not looked into yet: it is counted by these words.
Unexamined = Literal["archive", "document", "sound"]
Tlp = Literal["clear", "green", "amber", "amber+strict", "red"]

#: Traffic Light Protocol 2.0 (https://www.first.org/tlp/), from the most open to the strictest.
TLP_ORDER: tuple[Tlp, ...] = ("clear", "green", "amber", "amber+strict", "red")


def strictest(*marks: Tlp | None) -> Tlp | None:
    """The strictest of some TLP marks; unmarked (None) is weaker than every mark."""
    known = [mark for mark in marks if mark is not None]
    return max(known, key=TLP_ORDER.index) if known else None


@dataclass(frozen=True, slots=True)
class Digests:
    """Cryptographic digests of a file's bytes, lower-case hex.

    Raises ValueError for anything else, because a worker process sends them, which a hostile file may have taken over.
    """

    md5: str
    sha1: str
    sha256: str

    def __post_init__(self) -> None:
        for digest, length in ((self.md5, 32), (self.sha1, 40), (self.sha256, 64)):
            if len(digest) != length or digest.strip("0123456789abcdef"):
                raise ValueError("not a digest")


#: An unknown quality, where qualities are packed in one byte each.
UNKNOWN_QUALITY = 255

#: Seconds, a hundred days: no film is longer. (The longest ever shown took 35 days.) Later times come from broken clocks and
#: hostile files. We refuse lists that claim more, and cut times in films to it.
LONGEST_FILM = 8_640_000.0


@dataclass(frozen=True, slots=True)
class Hash:
    """One perceptual hash.

    bits: the hash packed big-endian, first bit first (PDQ: 32 bytes, pHash and dHash: 8 bytes).
    quality: 0 to 100 where the algorithm has one (PDQ), else None.
    time: seconds from the start of a video, None for a still image.
    view: which part of the picture was hashed, by its name; see views.py.
    version: of the hasher that made it; None where a list did not say.
    turned: for a query only: the hashes of the picture in other orientations (see hashers/orientations.py), concatenated:
        all seven of a still image and of some frames of a film, only the mirror image of the others. Never stored.
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
        """The bits as lower-case hex."""
        return self.bits.hex()


@dataclass(frozen=True, slots=True)
class Guards:
    """The packed guards of one view of a picture, see hashers/blocks.py and details.py. details: None if it has none."""

    blocks: bytes
    details: bytes | None = None


@dataclass(frozen=True, slots=True)
class Glance:
    """The hashes of a film's key frames, before the rest is decoded. duration: seconds, if known."""

    hashes: tuple[Hash, ...]
    duration: float | None


@dataclass(frozen=True, slots=True)
class Sighting:
    """The hashes of a file's still pictures, before anything dearer is computed of them."""

    hashes: tuple[Hash, ...]


@dataclass(frozen=True, slots=True)
class Length:
    """The length of a film that is about to be decoded, in seconds, and whether several workers may share it."""

    seconds: float
    can_be_shared: bool


@dataclass(frozen=True, slots=True)
class DecoderNeeds:
    """What must be loaded to decode all parts of a file, by the names that media.load_decoder takes."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a file could not be examined.

    code: stable, kebab-case, one of errors.CODES.
    detail: what exactly is wrong.
    tried_before: whether an earlier run found this, and the file was not tried again.
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
    """A part of a picture that was hashed too: its name (see views.py), and its edges as shares (0 to 1) of the picture's
    width and height."""

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
class SmallCopy:
    """A query's picture, small, to be straightened (matching/straightening.py). It is never stored, and dropped after the
    search.

    luma: 8-bit brightness, row after row. chroma: Cb, then Cr, of JPEG, at a size of their own; empty if unknown.
    """

    width: int
    height: int
    luma: bytes
    chroma_width: int = 0
    chroma_height: int = 0
    chroma: bytes = b""


@dataclass(frozen=True, slots=True)
class FilePart:
    """A further part of a file that a viewer can show by itself, and that is compared by itself.

    name: which part this is, by its name; see media/parts.py. The other fields are as of Fingerprint.
    """

    name: str
    kind: Kind
    width: int | None = None
    height: int | None = None
    duration: float | None = None
    partial: bool = False
    hashes: tuple[Hash, ...] = ()
    decoder: str = ""
    recipe: str = ""
    error: Failure | None = None
    views: tuple[View, ...] = ()
    features: tuple[bytes, ...] = ()
    copy: SmallCopy | None = None


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Everything that was measured from one file.

    kind: None if the file is not media at all.
    width, height: of the upright picture. duration: seconds, of a video.
    partial: whether only a part could be hashed; `hashes` are those of that part.
    recipe: the decoder and its settings, so that we notice later if either has changed.
    known: whether the content was known already, and so was not decoded.
    error: why the media could not be hashed, or not as a whole.
    views: what is left of a still image without its borders.
    features: local features of a still image, if wanted, as bytes (see hashers/local_features.py); for a query those of the
        picture and of its mirror image.
    copy: of a query with features: its picture, small.
    pixels: a small version of the picture, if wanted.
    moments: pictures of a film at the wanted seconds; None for those that could not be decoded.
    parts: what else the file shows; the other fields are of its main part.
    unexamined: what the file is, if it is of a kind that is not looked into yet.
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
    copy: SmallCopy | None = None
    pixels: Pixels | None = None
    moments: tuple[Pixels | None, ...] = ()
    parts: tuple[FilePart, ...] = ()
    unexamined: Unexamined | None = None


Verdict = Literal["confirmed", "disputed", "false-positive"]
VERDICTS: tuple[Verdict, ...] = ("confirmed", "disputed", "false-positive")


@dataclass(frozen=True, slots=True)
class Opinion:
    """What somebody who looked at a reference says about it. Different opinions are kept side by side, never merged.

    source: whose opinion it is, as it calls itself; None: that of the source of the list entry that has it.
    at: UTC, ISO 8601, to the microsecond if known.
    author: in a list: for whom the list passes it on, see ListItem. In the reference set: whose word it is, as we would pass
        it on; "" for people here.
    owner: in the reference set: who told it, see store/voices.py. Whoever is not its author may be wrong about that.
    """

    verdict: Verdict
    source: str | None = None
    at: str | None = None
    reason: str | None = None
    author: str = ""
    owner: str = ""


@dataclass(frozen=True, slots=True)
class ListItem:
    """One entry of a hash list, of any format: a reference as one source (collection) knows it.

    added, retracted: UTC, ISO 8601 ("2026-11-21T19:00:00Z"), by the source's clock.
    changed: when the source last said anything about this entry, to the microsecond if known.
    opinions: of the source itself (then `source` is None) and of others. If the source itself calls the entry a false
        positive, it names nothing as known.
    author: for whom the list passes the entry on, if it is not its own word; see docs/lists.md. "" if it is.
    record: what the source calls its own record of this entry, the same from version to version, such as a STIX id. A newer
        version replaces the older one, also if it names another file.
    expires: from when on the source no longer stands by it: UTC, ISO 8601.
    paths, case, operator, note: filled only if the person who exports asks for them.
    capitals: whether the list that we read had hexadecimal digits in capitals; not a property of the entry itself.
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
    author: str = ""
    record: str | None = None
    expires: str | None = None
    paths: tuple[bytes, ...] = ()
    case: str | None = None
    operator: str | None = None
    note: str | None = None
    capitals: bool = field(default=False, compare=False)

    @property
    def verdict(self) -> Verdict | None:
        """What the entry's own source says about it."""
        return next((opinion.verdict for opinion in self.opinions if opinion.source is None), None)


@dataclass(frozen=True, slots=True)
class ListHead:
    """What a list says about itself.

    sequence: its number among the lists of that name.
    since: the number of the list since which it has the changes; None if it has everything.
    created, expires: UTC, ISO 8601.
    origin: of which reference set it is: 32 hexadecimal digits. Nothing proves it unless the list is signed.
    """

    name: str | None = None
    sequence: int | None = None
    since: int | None = None
    created: str | None = None
    expires: str | None = None
    origin: str | None = None


#: The head of a list that says nothing about itself.
UNNAMED = ListHead()


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line of a hash list that was refused: its number (from 1) and the reason."""

    line: int
    message: str


@dataclass(frozen=True, slots=True)
class LineRemark:
    """A line of a hash list that was used, and what a person should know about it.

    asks_allow: it advises to import the list with --allow, which is nothing new to whoever did.
    """

    line: int
    message: str
    asks_allow: bool = False


@dataclass(frozen=True, slots=True)
class Pushed:
    """A content that we put into a bank on an HMA server.

    content: its number at HMA.
    reference: the id of our reference.
    digest: of its signals, to tell them from others; see exchange/hma/bank.py.
    disabled: whether we have disabled it.
    note: the note that it has there from us, see exchange/hma/notes.py; None if the server knows no notes.
    """

    content: int
    reference: int
    digest: str
    disabled: bool = False
    note: str | None = None


@dataclass(frozen=True, slots=True)
class SentContent:
    """A content that is on its way to a bank on an HMA server, so that its number is not known yet.

    reference: the id of our reference. signals: by type. note: different for each.
    after: the highest number that we know the server had given before; 0 if we know of none.
    """

    reference: int
    signals: dict[str, str]
    note: str
    after: int

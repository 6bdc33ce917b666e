"""Pictures for the page. The locked workers decode files whose bytes are the expected ones; the pictures stay in memory.

Threads wait for them, so that a slow film does not block the page. A process with threads must not fork: the child
could wait for ever for a lock that another thread held. So each thread has a process without threads, which is the
parent of its locked worker, and which starts before the threads do.
"""

from __future__ import annotations

import atexit
import concurrent.futures
import contextlib
import io
import itertools
import multiprocessing
import queue
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from multiprocessing.context import ForkProcess

from hashmatch.fingerprints.settings import SmallPictures
from hashmatch.i18n import _
from hashmatch.isolation import Isolation
from hashmatch.isolation.parent import end_with_parent
from hashmatch.media import Limits, load_decoder
from hashmatch.records import Fingerprint, Kind, Pixels

#: Pixels of the longer side: of a single picture, and of one among many.
SIDE, SMALL_SIDE = 960, 320
#: Most bytes of pictures that are kept.
ROOM = 96 << 20
#: How many files are worked on at once.
THREADS = 2
#: How many places with the same bytes are tried.
MOST_PLACES = 20
#: What is wanted now comes before what may be wanted soon.
NOW, SOON = 0, 1
_QUALITY = 82


@dataclass(frozen=True, slots=True)
class PictureOrder:
    """Which pictures to make, and from what: the first of the paths where a file with this SHA-256 lies.

    moments: seconds of a film; empty for a still picture. follow: whether a path may be a symbolic link. part: of the file,
    by its name; None: the main part.
    """

    paths: tuple[bytes, ...]
    sha256: str
    kind: Kind
    moments: tuple[float, ...] = ()
    follow: bool = False
    part: str | None = None


@dataclass(frozen=True, slots=True)
class MadePicture:
    """One picture as JPEG in both sizes."""

    large: bytes
    small: bytes


@dataclass(frozen=True, slots=True)
class MadePictures:
    """The result of an order.

    path: the file that was used. is_verified: whether it has the expected bytes.
    prints: one picture per moment; None if there is no picture, and `why` says the reason.
    """

    path: bytes | None
    is_verified: bool
    prints: tuple[MadePicture | None, ...]
    why: str = ""

    @property
    def size(self) -> int:
        return sum(len(each.large) + len(each.small) for each in self.prints if each)


class PictureMaker:
    """Makes pictures on request, the latest request first. One thread uses it; create it before starting other threads."""

    def __init__(self, isolation: Isolation, limits: Limits) -> None:
        self._kept: OrderedDict[PictureOrder, concurrent.futures.Future[MadePictures]] = OrderedDict()
        self._jobs: queue.PriorityQueue[tuple[int, int, PictureOrder, concurrent.futures.Future[MadePictures]]] = (
            queue.PriorityQueue()
        )
        self._numbers, self._lock = itertools.count(0, -1), threading.Lock()
        # Loaded here once, so that forked workers need not.
        for decoder in ("film", "jpeg"):
            load_decoder(decoder)
        # One worker per file; more would only wait for each other.
        alone = replace(isolation, workers=1)
        forking = multiprocessing.get_context("fork")
        ends = []
        self._developers: list[ForkProcess] = []
        for _thread in range(THREADS):
            ours, theirs = forking.Pipe()
            developer = forking.Process(target=_serve, args=(theirs, alone, limits))
            developer.start()
            theirs.close()
            ends.append(ours)
            self._developers.append(developer)
        atexit.register(self.close)
        for end in ends:
            # Nobody waits for them at the end: their workers die with them.
            threading.Thread(target=self._work, args=(end,), daemon=True).start()

    def ask(self, order: PictureOrder, when: int = NOW) -> concurrent.futures.Future[MadePictures]:
        """A future for the pictures of an order."""
        kept = self._kept.get(order)
        if kept is None:
            kept = self._kept[order] = concurrent.futures.Future()
            self._make_room()
            self._jobs.put((when, next(self._numbers), order, kept))
        elif when == NOW and not kept.done():
            self._jobs.put((when, next(self._numbers), order, kept))
        self._kept.move_to_end(order)
        return kept

    def close(self) -> None:
        """End the processes, whatever they are doing, and their workers with them."""
        atexit.unregister(self.close)
        for developer in self._developers:
            developer.kill()
            developer.join()

    def _make_room(self) -> None:
        done = [(order, each) for order, each in self._kept.items() if each.done()]
        size = sum(each.result().size for _order, each in done)
        for order, each in done:
            if size <= ROOM:
                break
            size -= each.result().size
            del self._kept[order]

    def _work(self, developer: Connection) -> None:
        while True:
            _when, _number, order, future = self._jobs.get()
            with self._lock:
                if future.running() or future.done():
                    continue  # it was requested again, and is taken already
                future.set_running_or_notify_cancel()
            try:
                developer.send(order)
                future.set_result(developer.recv())
            except (OSError, EOFError):
                future.set_result(_none(order, _("the process that makes pictures has ended; begin the review anew")))


def _serve(orders: Connection, isolation: Isolation, limits: Limits) -> None:
    """Runs in its own process: makes one order after another, until the page's process is gone."""
    end_with_parent()
    with contextlib.suppress(OSError, EOFError):
        while True:
            order = orders.recv()
            try:
                made = _develop(order, isolation, limits)
            except Exception as error:  # a dead process would leave everybody waiting
                made = _none(order, str(error) or type(error).__name__)
            orders.send(made)


def _develop(order: PictureOrder, isolation: Isolation, limits: Limits) -> MadePictures:
    settings = SmallPictures(SIDE, order.moments, limits, part=order.part)
    complaint = _("no place of it is known on this machine")
    for path in order.paths[:MOST_PLACES]:
        found = _examined(path, settings, order.follow, isolation)
        if found.digests is None:
            complaint = found.error.message if found.error else _("is not media")
        elif found.digests.sha256 != order.sha256:
            complaint = _("the file there has other bytes now")
        else:
            return _printed(path, found, order)
    return _none(order, complaint)


def _examined(path: bytes, settings: SmallPictures, follow: bool, isolation: Isolation) -> Fingerprint:
    from hashmatch.fingerprints.many_files import fingerprints
    from hashmatch.media.files import FoundPath

    ((_state, found),) = fingerprints([FoundPath(path, named=follow)], settings, isolation)
    assert found is not None
    return found


def _printed(path: bytes, found: Fingerprint, order: PictureOrder) -> MadePictures:
    pixels: Sequence[Pixels | None] = found.moments if order.moments else (found.pixels,)
    prints = tuple(_print(each) if each else None for each in pixels) or (None,)
    why = ""
    if not all(prints):
        why = found.error.message if found.error else _("no picture could be decoded")
    return MadePictures(path, True, prints, why)


def _none(order: PictureOrder, why: str) -> MadePictures:
    return MadePictures(None, False, (None,) * max(1, len(order.moments)), why)


def _print(pixels: Pixels) -> MadePicture:
    from PIL import Image

    image = Image.frombytes("RGB", (pixels.width, pixels.height), pixels.rgb)
    large = _jpeg(image)
    image.thumbnail((SMALL_SIDE, SMALL_SIDE))
    return MadePicture(large, _jpeg(image))


def _jpeg(image: object) -> bytes:
    from PIL import Image

    assert isinstance(image, Image.Image)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=_QUALITY)
    return out.getvalue()

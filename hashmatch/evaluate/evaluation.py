"""How well copies of some pictures are found: what `hashmatch evaluate` does."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageOps

from hashmatch.errors import CommandError, MediaError
from hashmatch.evaluate.copies import CopySource, EditedCopy, make
from hashmatch.evaluate.edits import EDITS
from hashmatch.evaluate.goals import CARD
from hashmatch.evaluate.look_alikes import made_up
from hashmatch.evaluate.look_alikes.kinds import CARDS, KINDS, LookAlikeKind
from hashmatch.evaluate.making import Edit
from hashmatch.evaluate.originals import RefusedListener, decode, name_of
from hashmatch.evaluate.scores import AlikePair, EditResult, Evaluation, LookAlikeResult, add
from hashmatch.evaluate.tally import Tally
from hashmatch.evaluate.temporary_set import Original, TemporarySet
from hashmatch.hashers import MAIN
from hashmatch.hashers.learned import ModelFile
from hashmatch.i18n import _
from hashmatch.isolation import Isolation
from hashmatch.matching.tiers import Profile
from hashmatch.media import Limits
from hashmatch.messages import Message
from hashmatch.workflows.index import Indexed

#: About how many copies are on disk at once: some 50 MB.
BATCH = 500
#: How many pictures are in memory at once.
MOST_PICTURES = 32
#: How many others may be put beside a picture, and their longer side in pixels.
MOST_BESIDE, BESIDE_SIDE = 12, 640


def steps(pictures: int, edits: Sequence[Edit], templates: int, kinds: Sequence[LookAlikeKind] = KINDS) -> int:
    """How often `evaluate` calls `advance`, unless some files turn out to be unusable."""
    of_cards = sum(edit.group == CARD for edit in edits)
    look_alikes = templates * made_up.TEXTS * 3 * len(kinds)
    return (
        pictures * (2 + 2 * (len(edits) - of_cards)) + look_alikes + (2 * templates * of_cards if CARDS in kinds else 0)
    )


def evaluate(
    paths: Sequence[bytes],
    *,
    edits: tuple[Edit, ...] = EDITS,
    others: Sequence[bytes] = (),
    beside: Sequence[bytes] = (),
    templates: int = 14,
    kinds: tuple[LookAlikeKind, ...] = KINDS,
    profile: Profile = "thorough",
    hashes: tuple[str, ...] = (MAIN,),
    seed: int = 0,
    isolation: Isolation = Isolation(),
    limits: Limits = Limits(),
    models: tuple[ModelFile, ...] = (),
    refuse: RefusedListener = lambda path, why: None,
    advance: Callable[[], object] = lambda: None,
) -> Evaluation:
    """Measure how many edited copies of pictures are found, and how many pairs are matched wrongly.

    paths: from originals.choose. others: pictures that are indexed, too, but not copied. beside: pictures that are not
    indexed; collages have up to MOST_BESIDE of them beside a picture, and made-up scenes without any.
    templates: how many layouts of each of these kinds of look-alikes are tried as well.
    hashes: names of the hashers that the originals are hashed with. models: to describe them with, too.
    The reference set and the copies are in the system's temporary folder, and are gone at the end.
    Raises CommandError if no picture can be used.
    """
    with tempfile.TemporaryDirectory(prefix="hashmatch-evaluate-") as folder:
        trial = TemporarySet(Path(folder), profile, hashes, isolation, limits, models)
        work = _Work(trial, seed, refuse, advance, _beside(beside, isolation, limits))
        indexed, duplicates = work.index([*paths, *others])
        asked = set(paths)
        copied = [each for each in indexed if each.path in asked]
        pictures = [*copied, *(each for each in indexed if each.path not in asked)]
        if not copied:
            raise CommandError(_("none of the pictures can be used"))
        drawn = work.draw(kinds if templates else (), templates)
        alike = work.alike(pictures)
        usual = tuple(edit for edit in edits if edit.group != CARD)
        tally = work.scan(copied, usual, Tally(pictures, usual, _neighbours(pictures, alike)))
        found, of_cards = work.look_alikes(drawn, pictures, tuple(edit for edit in edits if edit.group == CARD))
    return Evaluation(
        profile=profile,
        hashes=hashes,
        seed=seed,
        pictures=len(copied),
        duplicates=duplicates,
        edits=(*tally.edits(), *of_cards),
        wrong=tally.wrong(),
        wrong_matches=tuple(tally.wrong_matches),
        alike=alike,
        look_alikes=found,
        distances=tally.distances(),
    )


@dataclass(frozen=True, slots=True)
class _Work:
    """The steps of an evaluation, on one temporary reference set."""

    trial: TemporarySet
    seed: int
    refuse: RefusedListener
    advance: Callable[[], object]
    beside: tuple[Image.Image, ...]

    def index(self, paths: Sequence[bytes]) -> tuple[list[Original], int]:
        """Put pictures into the reference set. Returns the usable ones, in the order of their names, and how many others
        have the same bytes as one of them."""
        done: list[Indexed] = []
        for each in self.trial.index(paths):
            self.advance()
            if each.error is not None:
                self.refuse(each.path, MediaError(each.error.code, each.error.detail))
            else:
                done.append(each)
        originals = self.trial.originals(sorted(done, key=lambda each: each.path))
        for path in sorted({each.path for each in done} - {each.path for each in originals}):
            self.refuse(path, MediaError("unsupported-format", Message.of("animated")))
        first = {each.reference_id: each for each in reversed(originals)}
        return sorted(first.values(), key=lambda each: each.path), len(originals) - len(first)

    def draw(self, kinds: Sequence[LookAlikeKind], layouts: int) -> dict[LookAlikeKind, list[Original]]:
        """Draw look-alikes and put them into the reference set."""
        folder = self.trial.folder / "made-up"
        return {kind: self.index(made_up.write(folder, kind, layouts, self.seed))[0] for kind in kinds}

    def look_alikes(
        self, drawn: dict[LookAlikeKind, list[Original]], pictures: Sequence[Original], card_edits: tuple[Edit, ...]
    ) -> tuple[tuple[LookAlikeResult, ...], tuple[EditResult, ...]]:
        """Scan copies of look-alikes, and one card of each layout after the edits for cards. Returns what was found of each
        kind, and of each of these edits."""
        results, of_cards = [], tuple[EditResult, ...]()
        for kind, own in drawn.items():
            rest = [*(each for other, them in drawn.items() if other != kind for each in them), *pictures]
            tally = self._scan_like(own, own, rest, (made_up.RESENT,))
            results.append(_look_alike(kind.name, kind, own, tally))
            if kind == CARDS and card_edits:
                tally = self._scan_like(made_up.first_texts(own), own, rest, card_edits)
                of_cards = tally.edits()
                results.append(_look_alike(f"{kind.name}-shown", kind, own, tally))
        return tuple(results), of_cards

    def _scan_like(
        self, copied: Sequence[Original], own: Sequence[Original], rest: Sequence[Original], edits: tuple[Edit, ...]
    ) -> Tally:
        """Scan copies of some look-alikes of a kind; rest: of other kinds, and pictures."""
        first = set(copied)
        ordered = [*copied, *(each for each in own if each not in first)]
        return self.scan(
            copied, edits, Tally([*ordered, *rest], edits, [*made_up.siblings(ordered), *(set[int]() for _ in rest)])
        )

    def alike(self, originals: Sequence[Original]) -> tuple[AlikePair, ...]:
        """Pairs of originals that match before any edit, each pair once."""
        place = {each.reference_id: number for number, each in enumerate(originals)}
        own = {each.path: number for number, each in enumerate(originals)}
        found: dict[tuple[int, int], AlikePair] = {}
        for result in self.trial.scan(own):
            self.advance()
            for match in result.matches:
                a, b = own[result.path], place.get(match.reference.id)
                if b is not None and a != b:
                    pair = min(a, b), max(a, b)
                    first, second = originals[pair[0]].path, originals[pair[1]].path
                    found.setdefault(pair, AlikePair(first, second, match.tier, match.distance))
        return tuple(found[pair] for pair in sorted(found))

    def scan(self, originals: Sequence[Original], edits: tuple[Edit, ...], tally: Tally) -> Tally:
        """Scan and count every copy, batch by batch; only one batch is on disk at a time."""
        workers = self.trial.isolation.worker_count()
        size = min(max(BATCH // max(1, len(edits)), workers), MOST_PICTURES)
        for start in range(0, len(originals), size):
            sources = list(self._sources(originals, range(start, min(start + size, len(originals)))))
            with tempfile.TemporaryDirectory(dir=self.trial.folder) as folder:
                copies: dict[bytes, EditedCopy] = {}
                for copy in make(sources, edits, self.seed, Path(folder), workers, self.beside):
                    self.advance()
                    copies[copy.path] = copy
                for result in self.trial.scan(copies):
                    self.advance()
                    tally.add(copies[result.path], result)
        return tally

    def _sources(self, originals: Sequence[Original], numbers: Iterable[int]) -> Iterator[CopySource]:
        place = {originals[number].path: number for number in numbers}
        for path, picture in decode(place, self.trial.isolation, self.trial.limits):
            if isinstance(picture, MediaError):
                self.refuse(path, picture)
            else:
                yield CopySource(place[path], name_of(path), picture)


def _beside(paths: Sequence[bytes], isolation: Isolation, limits: Limits) -> tuple[Image.Image, ...]:
    """Small versions of the first of these pictures that can be decoded, in the order of their names."""
    decoded = dict(decode(paths[:MOST_BESIDE], isolation, limits))
    usable = [each for _path, each in sorted(decoded.items()) if isinstance(each, Image.Image)]
    return tuple(ImageOps.contain(each, (BESIDE_SIDE, BESIDE_SIDE)) for each in usable)


def _look_alike(name: str, kind: LookAlikeKind, own: Sequence[Original], tally: Tally) -> LookAlikeResult:
    recall = add(each.recall for each in tally.edits())
    layouts = len(made_up.first_texts(own))
    return LookAlikeResult(name, kind.is_screen, layouts, made_up.TEXTS, recall, tally.aside(), tally.wrong())


def _neighbours(originals: Sequence[Original], alike: Sequence[AlikePair]) -> list[set[int]]:
    """For each original, the places of those that resemble it."""
    place = {each.path: number for number, each in enumerate(originals)}
    neighbours: list[set[int]] = [set() for _original in originals]
    for pair in alike:
        a, b = place[pair.a], place[pair.b]
        neighbours[a].add(b)
        neighbours[b].add(a)
    return neighbours

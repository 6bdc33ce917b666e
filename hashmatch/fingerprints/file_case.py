"""A file under way: what is known of it before a worker opens it, and what its workers have asked."""

from __future__ import annotations

from dataclasses import replace

from hashmatch.fingerprints.examiner import ExaminedFile, FileState
from hashmatch.isolation import TaskResult
from hashmatch.media import MediaType, need, second_choice
from hashmatch.media.names import breaks_promise, named_like_media, promised_kind
from hashmatch.media.sampling import FilmShare
from hashmatch.media.sniff import sniff
from hashmatch.media.unexamined import behind_tag, if_only_sound
from hashmatch.messages import Message
from hashmatch.records import Digests, Failure, Fingerprint, Unexamined


class FileCase:
    """A file under way, or one worker's share of it, with what its worker has asked.

    sniffed: what its first bytes say. media_type: how to open it. whole: the case of the first share. seconds: the film's
    length. outcomes: of all shares so far, kept in `whole`. needs: what its worker must have loaded. lacked: what it turned
    out to need besides. head: the file's first bytes. first: the result of another way to open it. is_second: whether this
    is the second way.
    """

    def __init__(
        self,
        state: FileState,
        sniffed: MediaType | None,
        media_type: MediaType,
        descriptor: int,
        share: FilmShare = FilmShare(),
    ) -> None:
        self.state, self.sniffed, self.media_type, self.descriptor = state, sniffed, media_type, descriptor
        self.share, self.whole = share, self
        self.needs = frozenset(filter(None, [need(media_type)]))
        self.lacked = frozenset[str]()
        self.name = state.path
        self.head: bytes | None = None
        self.first: ExaminedFile | None = None
        self.is_second = False
        self.others_elsewhere = False
        self.digests: Digests | None = None
        self.is_known = False
        self.seconds = 0.0
        self.outcomes: list[TaskResult[FileCase]] = []

    def is_last(self, outcome: TaskResult[FileCase]) -> bool:
        """Note an outcome of this share. Returns whether it was the last share."""
        self.whole.outcomes.append(outcome)
        return self.others_elsewhere or len(self.whole.outcomes) == self.whole.share.of


def way_to_open(unexamined: Unexamined | None, head: bytes, path: bytes) -> MediaType | None:
    """How a worker may open what `sniff` does not know; None if there is nothing to see in it.

    What is named like media gets a probe in any case: what precedes a film may look like something else. And where it is
    none, its digests are read, by which it can still be known.
    """
    if head and (breaks_promise(path, head, unexamined) or (unexamined == "sound" and named_like_media(path))):
        return MediaType("probe", "named")
    if unexamined == "sound":
        behind = sniff(behind_tag(head))
        return behind if behind is not None and behind.decoder == "pyav" else MediaType("sound", "")
    return None if unexamined else second_choice(None, head, path, None)


def judge_name(name: bytes, result: Fingerprint, head: bytes | None = None) -> Fingerprint:
    """A fingerprint with the judgement of its file's name: an error if that promises media and the content is none.

    An empty file counts as damaged media. A film that is all sound counts as sound.
    head: its first bytes, if they are at hand; some names stand for other things as well.
    """
    result = if_only_sound(result)
    if result.kind is not None or result.error is not None or not breaks_promise(name, head, result.unexamined):
        return result
    error = Failure("unsupported-format", Message.of("not-what-its-name-says"))
    if result.size == 0:
        error = Failure("corrupt", Message.of("empty"))
    return replace(result, kind=promised_kind(name), error=error, unexamined=None)

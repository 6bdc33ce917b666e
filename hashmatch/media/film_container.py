"""Open the container of a film or sound, and tell its streams apart: films, the main one first, and covers."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

import av
import av.container
import av.stream
import av.video

from hashmatch.errors import MediaError
from hashmatch.media.classified import one_line
from hashmatch.media.sniff import MediaType
from hashmatch.messages import Message

#: PyAV 18 and older raise an error over names in a film that are not UTF-8, unless given this option. Newer ones lack it.
_LENIENT: dict[str, Any] = {"metadata_errors": "replace"} if int(av.__version__.split(".")[0]) < 19 else {}

#: FFmpeg's demuxers for files of sound. Only these may be chosen for what we took for sound.
SOUND_DEMUXERS = "aac,aiff,ape,asf,caf,dsf,flac,matroska,webm,mov,mp3,mpc,mpc8,ogg,oma,tak,tta,w64,wav,wv"
#: Demuxers whose files list all streams at the beginning. In others, a film may begin later.
_WITH_A_LIST = ("mov", "matroska", "ogg", "asf", "avi", "nut", "rm")
#: Packets to look at for the second frame of a stream.
LOOK_AHEAD = 500

Stream = av.video.stream.VideoStream


def open_container(
    file: BinaryIO, media_type: MediaType, options: Mapping[str, str] = {}, further: Mapping[str, str] = {}
) -> av.container.InputContainer:
    """Open a container with the one demuxer for its type; a file of sound with any of those for sound.

    options: of the decoders with which FFmpeg looks into a stream. further: of the demuxer.
    Raises MediaError: corrupt, out-of-memory.
    """
    file.seek(0)
    is_sound = media_type.decoder == "sound"
    allowed = SOUND_DEMUXERS if is_sound else media_type.format
    try:
        container: av.container.InputContainer = av.open(
            file,
            mode="r",
            format=None if is_sound else media_type.format,
            options=dict(options),
            container_options={"format_whitelist": allowed, "protocol_whitelist": "", **further},
            **_LENIENT,
        )
    except MemoryError as error:
        raise MediaError("out-of-memory", Message.of("memory-limit")) from error
    except Exception as error:  # PyAV raises kinds of OSError, ValueError and others; here all mean a bad header
        raise MediaError("corrupt", Message.of("cannot-be-opened", why=one_line(error))) from error
    return container


def covers_in(container: av.container.InputContainer) -> list[Stream]:
    """The streams that are pictures to go with the film or sound."""
    return [each for each in container.streams.video if each.disposition & av.stream.Disposition.attached_pic]


def film_streams(container: av.container.InputContainer) -> list[Stream]:
    """The streams that are no covers. Raises MediaError if there is none."""
    covers = covers_in(container)
    streams = [stream for stream in container.streams.video if stream not in covers]
    if not streams:
        alone = Message.of("sound-only") if _has_only_sound(container) else Message.of("no-video-stream")
        raise MediaError("no-usable-frames", Message.of("cover-only") if covers else alone)
    return streams


def _has_only_sound(container: av.container.InputContainer) -> bool:
    """Whether a file without a film certainly is a sound file."""
    return bool(container.streams.audio) and container.format.name.split(",")[0] in _WITH_A_LIST


@dataclass(frozen=True, slots=True)
class StreamOrder:
    """The streams of a film by FFmpeg's indexes, the main one first. single: those that have one frame."""

    indexes: tuple[int, ...]
    single: frozenset[int]


def order_of(container: av.container.InputContainer) -> StreamOrder:
    """The main stream is the one that a player would show: the default one, or else the first. But one of a single frame is
    never shown in place of a longer one.

    Reads the beginning of the container, which must be opened anew to decode it. Raises MediaError as `film_streams` does.
    """
    streams = film_streams(container)
    # What a header says of one frame may be wrong; so we look whether a second one comes.
    seen = {stream.index: 0 for stream in streams if stream.frames <= 1}
    read = 0
    if seen:
        for packet in itertools.islice(packets_in(container, [s for s in streams if s.index in seen]), LOOK_AHEAD):
            read += 1
            seen[packet.stream.index] += 1
            if all(count > 1 for count in seen.values()):
                break
    short = {index for index, count in seen.items() if count <= 1}

    def rank(stream: Stream) -> tuple[bool, bool]:
        return stream.index in short, not stream.disposition & av.stream.Disposition.default

    single = frozenset(index for index in short if seen[index] == 1 and read < LOOK_AHEAD)
    return StreamOrder(tuple(stream.index for stream in sorted(streams, key=rank)), single)


def packets_in(container: av.container.InputContainer, streams: list[Stream]) -> Iterator[Any]:
    """The packets of some streams that hold something, up to the first that cannot be read."""
    packets = iter(container.demux(streams))
    while True:
        try:
            packet = next(packets, None)
        except MemoryError:
            raise
        except Exception:  # as in packets.py; whoever decodes the film meets it again, and tells
            return
        if packet is None:
            return
        if packet.size:
            yield packet

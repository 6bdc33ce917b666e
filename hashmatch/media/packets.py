"""A film's packets on one clock that begins at 0, and which of them must be decoded for the wanted frames."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import av
import av.container

from hashmatch.media.classified import one_line
from hashmatch.media.sampling import LONGEST_KEY_GAP, REACH, Sampling

#: Seconds by which packets of one recording may be out of order.
_MAX_STEP_BACK = 1.0
#: After this many seconds without a packet, the clock did not go on but was reset. FFmpeg takes a clock that was set back
#: for one that has run over, which looks like a pause of 26 hours.
_LONGEST_PAUSE = 3600.0
#: Bytes of packets to hold back while we do not know whether they are needed.
_MOST_HELD = 64 << 20


class Demuxed(NamedTuple):
    """A packet and its time in seconds since the film's first frame. The last packet is empty; it makes the decoder give out
    what it still holds.

    is_untimed: whether the stream has no times, as bare H.264; then the time is the packet's number divided by the rate.
    reach: see sampling.REACH.
    """

    packet: Any
    time: float
    is_untimed: bool
    reach: int


def packets_of(
    container: av.container.InputContainer, stream: av.video.stream.VideoStream, rate: float, damage: list[str]
) -> Iterator[Demuxed]:
    """All packets of a stream, with time stamps that begin at 0 and go on where another recording was appended.

    rate: frames per second.
    damage: a list that gets the reason if reading ends early.
    """
    start: int | None = stream.start_time
    last, number, reach, is_untimed = 0.0, 0, 0, False
    packets = iter(container.demux(stream))
    while True:
        try:
            packet = next(packets, None)
        except MemoryError:
            raise
        except Exception as error:  # demuxers raise all kinds of errors, and nothing comes after one
            damage[:] = [one_line(error)]
            packet = None
        if packet is None:
            return
        if packet.size == 0 and packet.pts is not None:
            continue  # in Theora and others: "show the last frame again"; the decoder would refuse it
        stamp = packet.dts if packet.dts is not None else packet.pts
        is_untimed = stamp is None if packet.size else is_untimed  # the last, empty packet is like the one before
        if packet.size == 0 or stamp is None or packet.time_base is None:
            yield Demuxed(packet, number / rate, is_untimed, reach)
            number += 1
            continue
        base = float(packet.time_base)
        if start is None:
            start = stamp if packet.pts is None else packet.pts
        if packet.dts is not None:  # unlike pts, it never goes back within a recording
            if not -_MAX_STEP_BACK <= (stamp - start) * base - last <= _LONGEST_PAUSE:
                start = stamp - round((last + 1 / rate) / base)
            last = max(last, (stamp - start) * base)
        if packet.pts is not None:
            packet.pts -= start
        if packet.dts is not None:
            packet.dts -= start
        time = float(stamp - start if packet.pts is None else packet.pts) * base
        if packet.is_keyframe:
            reach = max(reach, int(time / REACH))
        number += 1
        yield Demuxed(packet, time, False, reach)


def wanted(packets: Iterator[Demuxed], sampling: Sampling) -> Iterator[Demuxed]:
    """The packets that must be decoded: key frames, or groups from a key frame up to the wanted frame, since each frame
    builds on those before it."""
    if not sampling.keys and sampling.parts is None:
        share = sampling.share
        yield from (each for each in packets if each.reach % share.of == share.number or not each.packet.size)
        return
    held: list[Demuxed] = []  # packets of this group that were not yielded
    held_bytes, is_open = 0, False  # is_open: the group so far was yielded, and the rest will be
    key_time = taken = float("-inf")
    for each in packets:
        if each.packet.size == 0:
            yield each
            continue
        if each.packet.is_keyframe:
            held, held_bytes, is_open, key_time = [], 0, False, each.time
        if is_open:
            yield each
            continue
        held.append(each)
        held_bytes += each.packet.size
        if sampling.keys:
            is_due = each.packet.is_keyframe and each.time - taken >= 1 / sampling.rate - 1e-3
            is_open = each.time - key_time > LONGEST_KEY_GAP
        else:
            is_due = sampling.wants(each.time)
        is_open |= held_bytes > _MOST_HELD
        if is_due or is_open:
            taken = each.time
            yield from held
            held, held_bytes = [], 0

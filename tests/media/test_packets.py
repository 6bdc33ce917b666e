"""Which packets of a film are decoded for what is asked for, and what time they say."""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace

import av
import pytest

from hashmatch.media.packets import _MOST_HELD, Demuxed, packets_of, wanted
from hashmatch.media.sampling import EVERY_FRAME, KEY_FRAMES, LONGEST_KEY_GAP, STEADY, FilmShare, Sampling
from tests.support.film_files import FILMS, Film, film
from tests.support.opened_media import frames, opened_film, what_decodes


@dataclass(frozen=True)
class Packet:
    """What `wanted` looks at of a packet."""

    size: int
    is_keyframe: bool


def a_film(seconds: float, gap: float, rate: int = 10, size: int = 100) -> list[Demuxed]:
    """Packets with a key frame every `gap` seconds, and the empty one at the end."""
    packets = [
        Demuxed(Packet(size, number % round(gap * rate) == 0), number / rate, False, int(number / rate / 60))
        for number in range(round(seconds * rate))
    ]
    return [*packets, Demuxed(Packet(0, False), seconds, False, packets[-1].reach)]


def times(packets: Iterator[Demuxed]) -> list[float]:
    return [each.time for each in packets if each.packet.size]


def spans(numbers: list[float], step: float = 0.1) -> list[tuple[float, float]]:
    """Runs of times that follow each other by one step, as first and last."""
    runs: list[list[float]] = []
    for number in numbers:
        if runs and number - runs[-1][-1] < 1.5 * step:
            runs[-1].append(number)
        else:
            runs.append([number])
    return [(run[0], run[-1]) for run in runs]


def test_every_packet_for_a_reference() -> None:
    whole = a_film(100, 5)
    assert list(wanted(iter(whole), EVERY_FRAME)) == whole
    assert list(wanted(iter(whole), STEADY)) == whole


def test_key_frames_only() -> None:
    assert times(wanted(iter(a_film(60, 10)), KEY_FRAMES)) == [0, 10, 20, 30, 40, 50]
    assert times(wanted(iter(a_film(60, LONGEST_KEY_GAP)), KEY_FRAMES)) == [0, 12, 24, 36, 48]


def test_no_more_key_frames_than_the_rate() -> None:
    """A film of key frames only, as of a camera, is not decoded whole."""
    chosen = times(wanted(iter(a_film(20, 0.1)), KEY_FRAMES))
    assert chosen == pytest.approx([n / 2 for n in range(40)])


def test_a_long_gap_between_key_frames_is_decoded_whole() -> None:
    """From its key frame on, since each frame is made of those before; the groups beside it are not."""
    packets = [*a_film(20, 10)[:-1]]
    packets += [each._replace(time=each.time + 20) for each in a_film(30, 30)[:-1]]
    packets += [each._replace(time=each.time + 50) for each in a_film(20, 10)]
    given = spans(times(wanted(iter(packets), KEY_FRAMES)))
    assert given == [(0, 0), (10, 10), (20, pytest.approx(50)), (60, 60)]


def test_a_film_with_one_key_frame() -> None:
    whole = a_film(100, 1000)
    assert times(wanted(iter(whole), KEY_FRAMES)) == times(iter(whole))


def test_parts_take_the_groups_that_reach_into_them_and_no_more() -> None:
    whole = a_film(100, 10)
    closely = replace(STEADY, parts=((12, 14), (55, 63)))
    assert spans(times(wanted(iter(whole), closely))) == [(10, 14), (50, 63)]


def test_all_that_is_given_out_can_be_decoded() -> None:
    """Of each group its key frame, and without a gap up to the last that is given out."""
    whole = a_film(200, 7)
    for sampling in (KEY_FRAMES, replace(STEADY, parts=((3, 5), (20.5, 40), (100, 101), (199, 500)))):
        given = times(wanted(iter(whole), sampling))
        for first, _last in spans(given):
            assert first % 7 == pytest.approx(0, abs=1e-6) or first % 7 == pytest.approx(7)


def test_held_packets_are_bounded() -> None:
    """One group of a huge film that is never asked for is given out rather than held: costly, but no danger."""
    size = 1 << 20
    packets = a_film(30, 1000, size=size)
    held = most = 0

    def counted() -> Iterator[Demuxed]:
        nonlocal held, most
        for each in packets:
            held += each.packet.size
            most = max(most, held)
            yield each

    for each in wanted(counted(), replace(STEADY, parts=((1000, 1001),))):
        held -= each.packet.size
    assert most <= _MOST_HELD + 2 * size


def test_shares_are_all_packets_once() -> None:
    whole = a_film(400, 5)
    for of in (1, 2, 3, 9):
        shares = [times(wanted(iter(whole), Sampling(share=FilmShare(number, of)))) for number in range(of)]
        assert sorted(itertools.chain(*shares)) == times(iter(whole))


# Of real films.


def demuxed(data: bytes, name: str) -> list[Demuxed]:
    with av.open(io.BytesIO(data), format=name) as container:
        stream = container.streams.video[0]
        return list(packets_of(container, stream, float(stream.average_rate or stream.guessed_rate), []))


@pytest.mark.parametrize("name", ["ts", "mpg", "mkv", "wmv", "mp4"])
def test_the_clock_begins_with_the_film(name: str) -> None:
    of = FILMS[name]
    packets = [each for each in demuxed(film(of, seconds=3, late=50), of.demuxer.split(",")[0]) if each.packet.size]
    assert min(each.time for each in packets) == 0
    assert max(each.time for each in packets) == pytest.approx(3 - 1 / of.rate, abs=0.01)
    assert not any(each.is_untimed for each in packets)


@pytest.mark.parametrize("name", ["ts", "mpg"])
def test_the_clock_goes_on_where_a_recording_was_joined_on(name: str) -> None:
    of = FILMS[name]
    joined = b"".join(film(of, seconds=3, late=late) for late in (70, 0, 50_000))
    stamps = [each.time for each in demuxed(joined, of.demuxer) if each.packet.size]
    assert stamps[0] == 0
    falls = [before - after for before, after in itertools.pairwise(stamps) if after < before]
    assert all(fall < 0.5 for fall in falls), "but for the order in which packets come"
    assert len({round(stamp, 3) for stamp in stamps}) >= len(stamps) - 4


@pytest.mark.parametrize("name", ["h264", "hevc"])
def test_a_bare_stream_is_timed_by_its_frame_rate(name: str) -> None:
    packets = demuxed(film(name, seconds=3), name)
    assert all(each.is_untimed for each in packets)
    assert [each.time for each in packets[:75]] == pytest.approx([n / 25 for n in range(75)])


def grouped(every: int, container: str = "mp4", demuxer: str = "mov") -> Film:
    """A film with a key frame every so many of its 10 frames a second, and at no other."""
    parameters = f"keyint={every}:min-keyint={every}:scenecut=0"
    return Film(container, "libx264", demuxer, 10, (96, 64), options={"x264-params": parameters})


def decoded(data: bytes, sampling: Sampling, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many packets are given to the decoder."""
    given = 0

    def counted(packets: Iterator[Demuxed], asked: Sampling) -> Iterator[Demuxed]:
        nonlocal given
        for each in wanted(packets, asked):
            given += each.packet.size > 0
            yield each

    monkeypatch.setattr("hashmatch.media.video.wanted", counted)
    list(opened_film(data).frames(sampling))
    return given


@pytest.mark.parametrize(("every", "expected"), [(10, 40), (100, 4), (1000, 400)])
def test_what_a_glance_decodes(every: int, expected: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 40 s: each key frame; or, of a film with a single one, everything."""
    data = film(grouped(every), seconds=40)
    assert decoded(data, KEY_FRAMES, monkeypatch) == expected
    assert decoded(data, EVERY_FRAME, monkeypatch) == decoded(data, STEADY, monkeypatch) == 400


def test_a_glance_beyond_the_longest_gap_sees_no_less_than_key_frames_would(monkeypatch: pytest.MonkeyPatch) -> None:
    """A film of one key frame is not seen at 0 s alone."""
    seen = frames(film(grouped(1000), seconds=40), KEY_FRAMES)
    moments = [0, *(frame.time for frame in seen), 40]
    assert max(after - before for before, after in itertools.pairwise(moments)) <= LONGEST_KEY_GAP + 0.5


@pytest.mark.parametrize("late", [0, 77])
@pytest.mark.parametrize(
    ("container", "demuxer"), [("mp4", "mov"), ("mpegts", "mpegts"), ("matroska", "matroska,webm")]
)
def test_parts_are_what_a_full_pass_sees(container: str, demuxer: str, late: float) -> None:
    """The same pictures at the same times."""
    data = film(grouped(20, container, demuxer), seconds=20, late=late)
    parts = ((3.25, 4.15), (10.95, 13.55), (18.95, 99.0))
    whole = {round(frame.time, 3): frame for frame in frames(data, EVERY_FRAME)}
    seen = frames(data, Sampling(parts=parts))
    asked = [time for time in whole if any(start <= time <= end for start, end in parts)]
    assert [round(frame.time, 3) for frame in seen] == asked
    assert all((frame.pixels == whole[round(frame.time, 3)].pixels).all() for frame in seen)


def test_parts_of_joined_recordings() -> None:
    of = grouped(20, "mpegts", "mpegts")
    data = film(of, seconds=8, late=5) + film(of, seconds=8, first_seed=20)
    whole = {round(frame.time, 3): frame for frame in what_decodes(data, EVERY_FRAME)}
    assert max(whole) == pytest.approx(15.9, abs=0.5)
    seen = what_decodes(data, Sampling(parts=((2, 3), (11, 13))))
    assert len(seen) > 25
    assert all((frame.pixels == whole[round(frame.time, 3)].pixels).all() for frame in seen)

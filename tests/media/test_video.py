"""Films: every container, upright, at the right times; and what is wrong with them is said."""

from __future__ import annotations

import io
import itertools
import os
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from hashmatch.errors import MediaError
from hashmatch.hamming.brute import distance
from hashmatch.hashers.base import Picture
from hashmatch.hashers.pdq import hash_exact
from hashmatch.media import Limits, MediaType
from hashmatch.media.opened import Frame
from hashmatch.media.sampling import EVERY_FRAME, KEY_FRAMES, STEADY, FilmShare, Sampling
from hashmatch.media.video import open_video
from tests.support.film_files import FILMS, Film, encoder_or_skip, film, filmed, sound, with_cover, with_display_matrix
from tests.support.opened_media import away, frames, opened, opened_film, shown_by, what_decodes
from tests.support.still_files import scene

SIZE = (176, 144)


@pytest.fixture(scope="module")
def mp4() -> bytes:
    return film("mp4")


def failure(
    data: bytes, limits: Limits = Limits(), sampling: Sampling = EVERY_FRAME
) -> tuple[MediaError, list[Frame | Picture]]:
    seen: list[Frame | Picture] = []
    with pytest.raises(MediaError) as caught:
        for frame in shown_by(opened(data, limits=limits), sampling):
            seen.append(frame)  # noqa: PERF402: what came before the error is wanted
    return caught.value, seen


def shows(frame: Frame, seed: int, size: tuple[int, int] = SIZE) -> bool:
    """Whether a scene is to be seen; two scenes are 100 bits apart, and bad encoders take up to 30."""
    return away(frame, scene(seed, *size)) <= 40


def times_of(frames: list[Frame]) -> list[float]:
    return [frame.time for frame in frames]


# Every container.


#: Streams without a container, which states times and a length.
BARE = ("m2v", "m4v", "h264", "hevc")


@pytest.mark.parametrize("sampling", [EVERY_FRAME, STEADY, KEY_FRAMES], ids=["every", "steady", "keys"])
@pytest.mark.parametrize("name", FILMS)
def test_films(name: str, sampling: Sampling, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new scene each second: what is seen when, in each container and codec."""
    monkeypatch.setenv("SVT_LOG", "1")  # keep the AV1 encoder quiet
    of = encoder_or_skip(name)
    medium = opened_film(film(name))
    sampled = list(medium.frames(sampling))
    assert medium.decoder.startswith(f"pyav {of.demuxer.split(',')[0]} ")
    if name not in BARE:
        assert medium.duration == pytest.approx(5.5, abs=0.2)
    times = times_of(sampled)
    if sampling is EVERY_FRAME:
        assert times == pytest.approx([n / of.rate for n in range(round(5.5 * of.rate))], abs=0.002)
    elif sampling is STEADY:
        # Frames that no other is made of are not decoded, so that one may be taken a little after it is due.
        assert len(times) <= 19 and times[-1] >= 4.5
        assert all(0 < after - before <= 0.5 + 8 / of.rate for before, after in itertools.pairwise(times))
    else:
        assert times and times == sorted(set(times))
    assert sampled[0].time == 0
    for frame in sampled:
        assert (frame.pixels.shape, frame.pixels.dtype, frame.size) == ((sampling.side,) * 2, np.uint8, SIZE)
        assert shows(frame, int(frame.time + 0.01)), frame.time


@pytest.mark.parametrize("name", ["mp4", "mkv-ffv1", "webm-vp9"])
def test_exact_pictures_are_in_colour(name: str) -> None:
    medium = opened_film(film(name, seconds=2), exact=True)
    assert medium.decoder.endswith(" exact")
    seen = list(medium.frames(Sampling(rate=1)))
    assert times_of(seen) == pytest.approx([n / 4 for n in range(8)], abs=0.13)
    for frame in seen:
        assert frame.pixels.shape == (144, 176, 3)
        difference = frame.pixels.astype(int) - np.asarray(scene(int(frame.time), *SIZE))
        assert np.abs(difference).mean() < 12


def test_brightness_has_the_full_range() -> None:
    """Films store 16 to 235; the quality of PDQ counts brightness, so it must be stretched as players do."""
    data = film("mkv-ffv1", seconds=1)
    expected = scene(0, *SIZE).convert("L")
    exact = Image.fromarray(frames(data, exact=True)[0].pixels).convert("L")
    assert np.abs(np.asarray(exact).astype(int) - np.asarray(expected)).mean() < 3
    small = frames(data, EVERY_FRAME)[0].pixels.astype(int)
    assert np.abs(small - np.asarray(expected.resize((128, 128), Image.Resampling.BOX))).mean() < 3


@pytest.mark.parametrize("side", [16, 64, 128])
def test_small_squares_are_means_of_the_pixels(side: int) -> None:
    """Whatever FFmpeg's "AREA" is, it must not pick single pixels: noise of one pixel would remain."""
    rough = np.random.default_rng(1).integers(0, 256, (512, 512), np.uint8)
    data = filmed([rough] * 3, replace(FILMS["mkv-ffv1"], size=(512, 512)))
    shown = frames(data, Sampling(side=side))[0].pixels.astype(int)
    means = rough.reshape(side, 512 // side, side, 512 // side).mean(axis=(1, 3))
    assert np.abs(shown - means).mean() <= 1 and np.abs(shown - means).max() <= 6


def test_theora_of_the_corpus(corpus: Path) -> None:
    """No encoder for it comes with PyAV."""
    data = (corpus / "videos" / "mozilla+popcorn-js__trailer.ogv").read_bytes()
    medium = opened_film(data)
    assert medium.decoder == "pyav ogg theora"
    times = times_of(list(medium.frames(STEADY)))
    assert len(times) == 16 + 123
    assert times[-1] == pytest.approx(64, abs=1)


@pytest.mark.parametrize("name", ["pattern-sd-grey-bar", "test-padded-dimensions"])
def test_frames_hash_as_meta_says(corpus: Path, name: str) -> None:
    """Against the hash of every frame that Meta's vpdq gives, at the time that it gives."""
    lines = (corpus / "vpdq" / "hashes" / f"{name}.txt").read_text().split()
    expected = [(float(seconds), bits, int(quality)) for _n, quality, bits, seconds in (x.split(",") for x in lines)]
    film = (corpus / "vpdq" / f"{name}.mp4").read_bytes()
    sampled = frames(film, Sampling(rate=1), exact=True)
    assert len(sampled) > 15
    for frame in sampled:
        bits, quality = hash_exact(frame.pixels)
        time, theirs, their_quality = min(expected, key=lambda each: abs(each[0] - frame.time))
        assert abs(time - frame.time) < 0.01
        assert distance(bits, bytes.fromhex(theirs)) <= 6
        assert abs(quality - their_quality) <= 1


def test_time_begins_with_the_first_frame() -> None:
    """Transport streams usually start at 1.4 s, and recordings of broadcasts anywhere."""
    for name in ("ts", "mpg", "mkv", "wmv"):
        data = film(name, seconds=1, late=100)
        for sampling in (EVERY_FRAME, STEADY, KEY_FRAMES):
            assert frames(data, sampling)[0].time == 0
        assert times_of(frames(data)) == pytest.approx([0, 0.25, 0.5, 0.75], abs=0.13)
        assert len(frames(data, EVERY_FRAME)) == FILMS[name].rate


@pytest.mark.parametrize("sampling", [EVERY_FRAME, STEADY], ids=["every", "steady"])
@pytest.mark.parametrize("name", ["ts", "mpg"])
def test_a_film_after_a_film(name: str, sampling: Sampling) -> None:
    """`cat one.ts other.ts` plays on, though the clock starts anew; what comes second must not escape."""
    sampled = what_decodes(film(name, seconds=3) + film(name, seconds=3, first_seed=10), sampling)
    assert {n for frame in sampled for n in (0, 1, 2, 10, 11, 12) if shows(frame, n)} == {0, 1, 2, 10, 11, 12}
    times = times_of(sampled)
    assert times == sorted(times)
    assert times[-1] == pytest.approx(6 if sampling is EVERY_FRAME else 5.5, abs=0.5)


#: Seconds at which frames come, at no steady rate and with long stills, for over two minutes.
UNSTEADY = [round(float(time), 1) for time in np.cumsum(np.random.default_rng(1).choice([0.1, 0.2, 0.5], 500))]
UNSTEADY = [round(time - UNSTEADY[0], 1) for time in UNSTEADY]


@pytest.fixture(scope="module", params=["mkv", "mp4", "flv", "webm-vp8", "wmv", "avi-mjpeg"])
def unsteady(request: pytest.FixtureRequest) -> bytes:
    shown = (np.asarray(scene(number // 20, 96, 64)) for number in range(len(UNSTEADY)))
    return filmed(shown, replace(FILMS[request.param], size=(96, 64)), times=UNSTEADY)


def test_variable_frame_rate(unsteady: bytes) -> None:
    """By time stamps, from the first frame to the last: the decoder holds back some of each reach."""
    seen = frames(unsteady, EVERY_FRAME)
    assert times_of(seen) == pytest.approx(UNSTEADY, abs=0.002)
    assert all(shows(frame, number // 20, (96, 64)) for number, frame in enumerate(seen))
    steady = times_of(frames(unsteady, STEADY))
    assert set(steady) <= set(times_of(seen)) and steady == sorted(set(steady))


def test_shares_of_a_film_are_the_film(unsteady: bytes) -> None:
    for sampling in (EVERY_FRAME, STEADY):
        whole = frames(unsteady, sampling)
        assert len({frame.reach for frame in whole}) >= 2
        shares = [frames(unsteady, replace(sampling, share=FilmShare(number, 3))) for number in range(3)]
        assert sum(1 for share in shares if share) >= 2
        joined = sorted((frame for share in shares for frame in share), key=lambda frame: frame.time)
        assert times_of(joined) == times_of(whole)
        assert all((one.pixels == other.pixels).all() for one, other in zip(joined, whole, strict=True))


@pytest.mark.parametrize(
    "of",
    [
        Film("mp4", "libx264", "mov", 8, (96, 64), options={"x264-params": "open-gop=1:keyint=40:scenecut=0"}),
        Film("mpegts", "mpeg2video", "mpegts", 25, (96, 64), options={"bf": "2", "g": "15"}),
    ],
    ids=lambda of: of.codec,
)
def test_open_groups_of_pictures(of: Film) -> None:
    """Where a reach begins, frames that lean on the one before are left out; it is no damage, and all else is there."""
    shown = (np.asarray(scene(number // 40, 96, 64)) for number in range(130 * of.rate))
    seen = frames(filmed(shown, of), EVERY_FRAME)
    numbers = [round(frame.time * of.rate) for frame in seen]
    assert numbers == sorted(set(numbers)) and len(numbers) >= 130 * of.rate - 2 * 3
    assert {frame.reach for frame in seen} == {0, 1, 2}
    assert all(shows(frame, number // 40, (96, 64)) for number, frame in list(zip(numbers, seen, strict=True))[::9])


def test_size_is_that_of_the_film_and_not_of_its_macroblocks() -> None:
    odd = Film("matroska", "libx264", "matroska,webm", size=(170, 98))
    assert frames(film(odd, seconds=1))[0].size == (170, 98)
    assert frames(film(odd, seconds=1), exact=True)[0].pixels.shape == (98, 170, 3)


# Rotation: as the matrix of ISO/IEC 14496-12 says, x' = a x + c y and y' = b x + d y.

TURNS = {
    "none": ((1, 0, 0, 1), None),
    "clockwise": ((0, 1, -1, 0), Image.Transpose.ROTATE_270),
    "upside down": ((-1, 0, 0, -1), Image.Transpose.ROTATE_180),
    "counter-clockwise": ((0, -1, 1, 0), Image.Transpose.ROTATE_90),
    "mirrored": ((-1, 0, 0, 1), Image.Transpose.FLIP_LEFT_RIGHT),
    "mirrored top to bottom": ((1, 0, 0, -1), Image.Transpose.FLIP_TOP_BOTTOM),
    "transposed": ((0, 1, 1, 0), Image.Transpose.TRANSPOSE),
    "transversed": ((0, -1, -1, 0), Image.Transpose.TRANSVERSE),
}


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("turn", TURNS)
def test_rotation(mp4: bytes, turn: str, exact: bool) -> None:
    """Phones store films as the sensor lies, and selfies mirrored; players turn them."""
    matrix, transposition = TURNS[turn]
    frame = frames(with_display_matrix(mp4, *matrix), exact=exact)[0]
    shown = scene(0, *SIZE) if transposition is None else scene(0, *SIZE).transpose(transposition)
    assert frame.size == shown.size
    assert frame.pixels.shape == ((*shown.size[::-1], 3) if exact else (256, 256))
    assert away(frame, shown) <= 20


# What is wrong with a film.


@pytest.mark.parametrize("container", ["mp4", "mov", "matroska", "mpegts", "flv", "asf"])
def test_sound_only(container: str) -> None:
    error, seen = failure(sound(container))
    assert (error.code, seen) == ("no-usable-frames", [])


def test_a_cover_is_no_film() -> None:
    song = with_cover(sound("mp4"))
    with av.open(io.BytesIO(song)) as container:
        assert len(container.streams.video) == 1  # or the test proves nothing
    error, seen = failure(song)
    assert (error.code, seen) == ("no-usable-frames", [])


def test_a_film_with_a_cover_is_hashed_as_the_film(mp4: bytes) -> None:
    covered = with_cover(mp4)
    with av.open(io.BytesIO(covered)) as container:
        assert len(container.streams.video) == 2
    plain, beside = frames(mp4, EVERY_FRAME), frames(covered, EVERY_FRAME)
    assert times_of(plain) == times_of(beside)
    assert all((one.pixels == other.pixels).all() for one, other in zip(plain, beside, strict=True))


def test_no_frames() -> None:
    error, seen = failure(film("mkv", seconds=0))
    assert error.code in ("corrupt", "no-usable-frames")
    assert seen == []


@pytest.mark.parametrize("name", ["mp4", "avi", "mkv", "flv", "wmv", "ts", "mpg"])
def test_only_the_beginning_is_left(name: str) -> None:
    """A decoder may paint something over half a frame; then it is partial at least."""
    error, seen = failure(film(name, seconds=1)[:800])
    assert error.code == "partial" if seen else error.code in ("corrupt", "no-usable-frames")


def test_an_index_at_the_end_that_is_cut_off(mp4: bytes) -> None:
    error, seen = failure(mp4[: len(mp4) * 9 // 10])
    assert (error.code, seen) == ("corrupt", [])


#: Containers in which FFmpeg notices that a packet or frame is not whole.
TELL_OF_A_CUT = ["avi", "avi-mjpeg", "flv", "mp4-fragmented", "mpg", "wmv"]


@pytest.mark.parametrize("name", [*TELL_OF_A_CUT, "mkv", "webm-vp8", "ts", "ogv-vp8"])
def test_a_cut_film_is_hashed_as_far_as_it_goes(name: str) -> None:
    data = film(name)
    data = data[: len(data) * 6 // 10 + 7]
    if name in TELL_OF_A_CUT:
        error, seen = failure(data)
        assert error.code == "partial"
    else:  # FFmpeg takes the end of the file for the end of the film
        seen = what_decodes(data)
    assert len(seen) >= 8
    assert seen[-1].time > 1.5
    assert all(shows(frame, int(frame.time + 0.01)) for frame in seen if frame.time < 1.5)


def test_damage_in_the_middle_is_passed_over() -> None:
    """What comes after it is hashed too, and the film is partial."""
    data = bytearray(film("mov-prores"))
    middle = len(data) // 2
    data[middle : middle + 40_000] = bytes(40_000)
    error, seen = failure(bytes(data))
    assert error.code == "partial"
    times = times_of(seen)
    assert (times[0], times[-1]) == (0, 43 / 8)
    assert [shows(frame, int(frame.time)) for frame in (seen[0], *seen[-8:])] == [True] * 9


def test_too_many_pixels(mp4: bytes) -> None:
    error, seen = failure(mp4, Limits(max_pixels=176 * 144 - 1))
    assert (error.code, seen) == ("too-large", [])
    assert len(frames(mp4, EVERY_FRAME, limits=Limits(max_pixels=176 * 144))) == 44


def test_frames_that_grow_past_the_limit() -> None:
    """A transport stream may change its size anywhere; its header says nothing of that."""
    small = film(Film("mpegts", "mpeg2video", "mpegts", rate=25), seconds=1)
    large = film(Film("mpegts", "mpeg2video", "mpegts", rate=25, size=(704, 576)), seconds=1, late=1)
    assert {frame.size for frame in what_decodes(small + large)} == {(176, 144), (704, 576)}
    error, seen = failure(small + large, Limits(max_pixels=200 * 200))
    assert error.code in ("partial", "too-large")
    assert {frame.size for frame in seen} <= {(176, 144)}


def test_message_is_one_line_and_says_nothing_of_the_path(tmp_path: Path, mp4: bytes) -> None:
    path = tmp_path / "very-secret-name.mp4"
    path.write_bytes(mp4[: len(mp4) // 2])
    with path.open("rb") as file, pytest.raises(MediaError) as caught:
        open_video(file, MediaType("pyav", "mov"), Limits(), exact=False)
    assert caught.value.code == "corrupt"
    assert "secret" not in caught.value.message and "Errno" not in caught.value.message
    assert caught.value.message.isprintable() and len(caught.value.message) < 250


# One file never makes another be opened.

SCRIPTS = {
    "ffconcat": b"ffconcat version 1.0\nfile secret.mp4\n",
    "hls": b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:5.5,\nsecret.mp4\n#EXT-X-ENDLIST\n",
    "dash": b'<?xml version="1.0"?><MPD><Period><AdaptationSet><Representation id="1"><BaseURL>secret.mp4</BaseURL>'
    b"</Representation></AdaptationSet></Period></MPD>",
    "sdp": b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n",
}


def reads_leave_a_trace(path: Path) -> bool:
    """Whether reading a file whose access time is older than its change changes that on this file system."""
    os.utime(path, (1, 2))
    path.read_bytes()
    return path.stat().st_atime != 1


@pytest.fixture
def secret(tmp_path: Path, mp4: bytes, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A film beside the script that names it."""
    path = tmp_path / "secret.mp4"
    path.write_bytes(mp4)
    monkeypatch.chdir(tmp_path)
    return path


def test_the_trap_is_one(secret: Path, tmp_path: Path) -> None:
    """Without our settings FFmpeg does decode the other film."""
    script = tmp_path / "x.mp4"
    script.write_bytes(SCRIPTS["ffconcat"])
    with av.open(str(script)) as container:
        assert container.format.name == "concat"
        assert len(list(container.decode(video=0))) == 44


@pytest.mark.parametrize("demuxer", sorted({each.demuxer for each in FILMS.values()} | {"concat", "hls"}))
@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_opens_no_other_file(secret: Path, tmp_path: Path, script: str, demuxer: str) -> None:
    """Whatever the content was taken for."""
    path = tmp_path / "x.mp4"
    path.write_bytes(SCRIPTS[script])
    traced = reads_leave_a_trace(secret)
    os.utime(secret, (1, 2))
    with path.open("rb") as file, pytest.raises(MediaError) as caught:
        list(shown_by(open_video(file, MediaType("pyav", demuxer), Limits(), exact=False)))
    assert caught.value.code in ("corrupt", "no-usable-frames")
    if traced:
        assert secret.stat().st_atime == 1


def test_only_the_demuxer_that_was_recognised(mp4: bytes) -> None:
    for demuxer in ("avi", "matroska,webm", "flv", "asf"):
        with pytest.raises(MediaError) as caught:
            list(open_video(io.BytesIO(mp4), MediaType("pyav", demuxer), Limits(), exact=False).frames(EVERY_FRAME))
        assert caught.value.code in ("corrupt", "no-usable-frames")


def test_a_stream_that_no_decoder_knows() -> None:
    """Its codec is named in the header, and FFmpeg has none of that name."""
    data = film("mkv", seconds=1)
    assert data.count(b"V_MPEG4/ISO/AVC") == 1
    error, seen = failure(data.replace(b"V_MPEG4/ISO/AVC", b"V_MPEG9/ISO/AVC"))
    assert error.code in ("unsupported-format", "corrupt", "no-usable-frames")
    assert seen == []

"""Ask FFmpeg what a file is, where its beginning tells us nothing.

FFmpeg guesses, and believes a lot. So it is asked about few containers, reads little, and is only believed once a frame of a
film has come out. Runs in locked workers, like all decoding.
"""

from __future__ import annotations

import io
from typing import Any, BinaryIO

import av
import av.container
import av.error

from hashmatch.media.containers import boxes
from hashmatch.media.media_type import MediaType

#: Bytes that a probe may read: of a file that is named like media, and of any other.
MOST_READ = {True: 16 << 20, False: 2 << 20}
#: Bytes from which FFmpeg guesses the container, and packets among which there must be a frame.
GUESSED_FROM = {True: 1 << 20, False: 1 << 16}
MOST_PACKETS = 500
#: Pixels of the largest frame that is decoded for a probe: 8K.
LARGEST_TRIED = 7680 * 4320

# FFmpeg's names of demuxers for containers with pictures. Not among them: scripts and playlists, which name other files
# (concat, hls, dash, imf, vobsub, sdp, image2); devices and protocols; whatever takes any bytes for pictures (rawvideo,
# tty, bin, ipu); sound; stills, which `sniff` knows.
_CONTAINERS = (
    "3dostr 4xm amv anm asf asf_o avi avs bethsoftvid bfi bink bmv c93 cdxl cine dcstr dfa dhav dsicin dv dxa ea film_cpk "
    "filmstrip flic flv frm gdv gxf hnm idcin iff ifv ingenient ipmovie iss iv8 ivf ivr jv kux live_flv lmlm4 luodat lxf "
    "matroska mgsts mlv mm mods moflex mov mpeg mpegts msnwctcp mtv mv mvi mxf mxg nc nsv nut nuv obu ogg paf pdv pmp "
    "psxstr pva r3d rl2 rm roq rpl sdr2 ser sga siff simbiosis_imx smjpeg smk smush swf thp tiertexseq tmv txd ty usm "
    "vc1test viv vivo vmd wc3movie wsvqa wtv xmv yop yuv4mpegpipe"
)
#: The same for streams without a container.
_BARE_STREAMS = (
    "apv av1 avs2 avs3 cavsvideo dnxhd evc h261 h263 h264 hevc m4v mjpeg mjpeg_2000 mpegvideo mpjpeg vc1 vvc"
)
CONTAINERS, BARE_STREAMS = frozenset(_CONTAINERS.split()), frozenset(_BARE_STREAMS.split())


def probe(file: BinaryIO, is_named_like_media: bool) -> MediaType | None:
    """The type of a film, by the demuxer that FFmpeg chooses and that gives a frame; None if there is none.

    file: seekable; left at its beginning.
    is_named_like_media: whether streams without a container are looked for, and more is read.
    """
    av.logging.set_level(None)
    allowed = CONTAINERS | BARE_STREAMS if is_named_like_media else CONTAINERS
    file.seek(0)
    bounded = _Bounded(file, MOST_READ[is_named_like_media])
    try:
        if found := _by_boxes(file):
            return found
        file.seek(0)
        return _recognised(bounded, allowed, GUESSED_FROM[is_named_like_media])
    except MemoryError:
        raise
    except Exception:  # PyAV raises anything over what is no film
        return None
    finally:
        file.seek(0)


def _by_boxes(file: BinaryIO) -> MediaType | None:
    """A film in ISO base media whose first boxes nobody knows, and which are longer than what FFmpeg looks at."""
    start = 0

    def read(at: int) -> bytes:
        file.seek(at)
        return file.read(16)

    for size, kind in boxes(read):
        if start and kind in (b"ftyp", b"moov", b"moof"):
            return MediaType("pyav", "mov")
        start += size
    return None


def _recognised(file: Any, allowed: frozenset[str], guessed_from: int) -> MediaType | None:
    options = {
        "format_whitelist": ",".join(sorted(allowed)),
        "protocol_whitelist": "",
        "formatprobesize": str(guessed_from),
        "probesize": str(file.left // 2),
        "analyzeduration": "2000000",
    }
    with av.open(file, mode="r", container_options=options) as container:
        name: str = container.format.name
        # FFmpeg's names can be lists ("mov,mp4,m4a,…"), whose first is the demuxer's own.
        if name.split(",")[0] not in allowed or not _has_a_frame(container):
            return None
    return MediaType("pyav", name if name.startswith("matroska") else name.split(",")[0])


def _has_a_frame(container: av.container.InputContainer) -> bool:
    streams = [s for s in container.streams.video if not s.disposition & av.stream.Disposition.attached_pic]
    if any(s.codec_context is not None and s.width * s.height > LARGEST_TRIED for s in streams):
        return True  # the decoder's limits decide about it
    for number, packet in enumerate(container.demux(streams) if streams else ()):
        if number >= MOST_PACKETS:
            break
        try:
            if packet.stream.codec_context is not None and packet.decode():
                return True
        except av.error.FFmpegError:
            continue
    return False


class _Bounded(io.RawIOBase):
    """A file of which only so many bytes can be read, wherever they stand; after them it seems to end."""

    def __init__(self, file: BinaryIO, most: int) -> None:
        self._file, self.left = file, most

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(min(size, self.left) if size >= 0 else self.left)
        self.left -= len(data)
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

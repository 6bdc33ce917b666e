"""Recognise a file by its first bytes, never by its name.

We have our own tables rather than a library's, because they decide which decoder may touch hostile bytes: Pillow is opened
with exactly this format, and FFmpeg with exactly this demuxer. signatures.py has what begins with fixed bytes;
containers.py, picture_headers.py, raw_headers.py and text_formats.py know the others by their structure.
"""

from __future__ import annotations

from hashmatch.media.containers import film_by_structure
from hashmatch.media.media_type import MediaType
from hashmatch.media.picture_headers import jpeg_kind, picture_by_structure
from hashmatch.media.raw_headers import tiff_kind
from hashmatch.media.signatures import AT_START
from hashmatch.media.text_formats import text_format
from hashmatch.media.unexamined import unexamined_kind

__all__ = ["HEAD_BYTES", "MediaType", "sniff"]

#: Bytes of a file's beginning that `sniff` needs.
HEAD_BYTES = 4096

# In this order, since the last are the most generous.
_TESTS = (tiff_kind, film_by_structure, picture_by_structure, text_format)


def sniff(head: bytes) -> MediaType | None:
    """The type of a file, from its first HEAD_BYTES (or all of a shorter file); None if it is not media."""
    if head.startswith(b"\xff\xd8"):
        return jpeg_kind(head)
    for signature, media_type in AT_START:
        if head.startswith(signature):
            # A film of JPEG 2000 pictures (ISO/IEC 15444-3) begins as one picture does.
            return MediaType("pyav", "mov") if head[16:24] == b"ftypmjp2" else media_type
    if found := next((found for test in _TESTS if (found := test(head))), None):
        return found
    # A song has its cover in its head, and archives and documents may have a picture there.
    return None if unexamined_kind(head) else jpeg_kind(head)

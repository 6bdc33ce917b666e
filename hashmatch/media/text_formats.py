"""Recognise pictures that are text, and scripts that name other files. None of them is decoded."""

from __future__ import annotations

import re
import zlib

from hashmatch.media.media_type import MediaType

_PLAYLISTS = (b"ffconcat", b"#extm3u", b"[playlist]", b"<asx", b"<mpd")
#: What a Lottie animation says of itself in the first places: its frame rate, and its first and last frame.
_LOTTIE = (b'"fr":', b'"ip":', b'"op":')
#: Bytes that are unpacked to see what a file in gzip is.
_UNPACKED = 2048


def text_format(head: bytes) -> MediaType | None:
    """The type of a text that a person would call a picture, or that names other media; None for anything else."""
    if head[:3] == b"\x1f\x8b\x08":
        return _of_text(_unpacked(head))
    return _of_text(head)


def _of_text(head: bytes) -> MediaType | None:
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith(b"<svg") or (text.startswith((b"<?xml", b"<!doctype svg", b"<!--")) and _SVG.search(text)):
        return MediaType(None, "SVG")
    if text.startswith(_PLAYLISTS) or (text.startswith(b"<?xml") and _DASH.search(text)):
        return MediaType(None, "playlist")
    if text.startswith(b"{") and all(sign in text for sign in _LOTTIE):
        return MediaType(None, "Lottie animation")
    return None


_SVG = re.compile(rb"<(?:\w+:)?svg[\s>]")
_DASH = re.compile(rb"<mpd[\s>]")


def _unpacked(head: bytes) -> bytes:
    try:
        return zlib.decompressobj(31).decompress(head, _UNPACKED)
    except zlib.error:
        return b""

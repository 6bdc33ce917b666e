"""Which paths are URLs: `s3://bucket/prefix` and whatever else fsspec knows; in the database by their UTF-8 bytes."""

from __future__ import annotations

import os
import re

_URL = re.compile(rb"[A-Za-z][A-Za-z0-9+.-]+://")


def is_url(path: bytes) -> bool:
    return _URL.match(path) is not None


def absolute(path: bytes) -> bytes:
    """A path as the database remembers it, and as every worker sees it: a file's absolute one, a URL as it is."""
    return path if is_url(path) else os.path.abspath(path)

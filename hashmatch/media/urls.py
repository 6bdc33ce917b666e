"""Paths that are URLs: `s3://bucket/prefix` and whatever else fsspec knows. The database keeps their UTF-8 bytes."""

from __future__ import annotations

import os
import re

_URL = re.compile(rb"[A-Za-z][A-Za-z0-9+.-]+://")


def is_url(path: bytes) -> bool:
    """Whether a path is a URL."""
    return _URL.match(path) is not None


def absolute(path: bytes) -> bytes:
    """A path as the database keeps it and every worker sees it: absolute for a file, unchanged for a URL."""
    return path if is_url(path) else os.path.abspath(path)

"""`hashmatch info`: what the database holds, and what this installation can do."""

from __future__ import annotations

import sys
from typing import Any

import click

from hashmatch.cli.shared.app import App, format_option, pass_app
from hashmatch.i18n import _


@click.command(help=_("Show what the database holds. Also which decoders, hashes and isolation this installation has."))
@format_option("table", "json")
@pass_app
def command(app: App, form: str) -> int:
    from hashmatch.report import as_json

    about = {"hashmatch": _hashmatch(), "database": _database(app), **_abilities()}
    if form == "json":
        as_json.dump(about, sys.stdout.buffer, indent=2)
        return 0
    for title, content in about.items():
        click.echo(title)
        for name, value in content.items():
            click.echo(f"  {name:<15}{value}")
    return 0


def _hashmatch() -> dict[str, Any]:
    import platform

    from hashmatch.version import __version__

    return {"version": __version__, "python": platform.python_version(), "system": platform.platform()}


def _database(app: App) -> dict[str, Any]:
    from hashmatch.search import cache as tables
    from hashmatch.store import lookup, open_store

    if not app.database.exists():
        return {"path": str(app.database), "exists": False}
    with open_store(app.database) as store:
        return {
            "path": str(app.database),
            "exists": True,
            "bytes": app.database.stat().st_size,
            **lookup.counts(store.connection),
            **{
                f"cache of {cache.algorithm}": f"{cache.state}, {cache.hashes:,} hashes, {cache.bytes:,} bytes"
                for cache in tables.states(store)
            },
        }


#: Decoders that an installation may lack, and the packages that they come in: JPEG XL on some machines, the extra `formats`.
_OPTIONAL_DECODERS = ("tifffile", "pylibjxl", "imagecodecs", "rawpy")


def _version_of(package: str) -> str:
    from importlib import metadata

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return _("not installed")


def _abilities() -> dict[str, dict[str, Any]]:
    import sqlite3
    from importlib import metadata

    import av
    import numpy
    import PIL
    import pillow_heif
    from PIL import features

    from hashmatch.hashers import HASHERS, by_name, learned
    from hashmatch.isolation.config import Isolation, describe

    ffmpeg = ".".join(map(str, av.library_versions["libavcodec"]))
    hashers = {name: by_name(name) for name in HASHERS}
    return {
        "decoders": {
            "Pillow": PIL.__version__,
            "libjpeg-turbo": str(features.version("libjpeg_turbo")),
            "libheif": str(pillow_heif.libheif_version()),
            "PyAV": av.__version__,
            "libavcodec": ffmpeg,
            "numpy": numpy.__version__,
            "OpenCV": metadata.version("opencv-python-headless"),
            **{package: _version_of(package) for package in _OPTIONAL_DECODERS},
            "SQLite": sqlite3.sqlite_version,
        },
        "hashes": {
            name: _("{bits} bits, version {version}").format(bits=h.bits, version=h.version)
            for name, h in hashers.items()
        },
        "models": {
            name: str(learned.packaged(name) or _("not installed")) for name in learned.MODELS if name != learned.ANY
        },
        "isolation": describe(Isolation()),
    }

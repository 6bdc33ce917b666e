"""What Dask runs on a worker to search: beside its tasks, so that no search waits for a film to be decoded."""

from __future__ import annotations

import asyncio
import functools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from hashmatch.cluster.shard import Opening, Shard, ShardQuery, Shelf
from hashmatch.cluster.versions import check
from hashmatch.isolation import wire
from hashmatch.version import __version__

#: The environment variable that names the folder of shards, instead of one in the user's folder for caches.
FOLDER = "HASHMATCH_SHARDS"


@functools.cache
def _shelf() -> Shelf:
    named = os.environ.get(FOLDER)
    if named:
        return Shelf(Path(named))
    import platformdirs

    return Shelf(Path(platformdirs.user_cache_dir("hashmatch", appauthor=False)) / "shards")


@functools.cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="hashmatch-search")


async def beside(version: str, function: Callable[..., Any], *arguments: Any, dask_worker: Any) -> Any:
    """Call a function in a thread, while the Dask worker goes on.

    version: of the client's hashmatch; a worker that came late may have another. dask_worker: Dask gives it.
    Raises CommandError if the versions differ.
    """
    check(str(dask_worker.address), (("hashmatch", version),), (("hashmatch", __version__),))
    return await asyncio.get_running_loop().run_in_executor(_threads(), function, *arguments)


def inventory(origin: str) -> bytes:
    return wire.pack("inventory", tuple(_shelf().inventory(origin)))


def receive(origin: str, name: str, kind: str, data: bytes) -> None:
    _shelf().receive(origin, name, kind, data)


def build(origin: str, name: str, shard: bytes) -> None:
    _shelf().build(origin, name, wire.read(Shard, wire.unpack(shard)[1]))


def open_all(origin: str, openings: bytes) -> tuple[bool, ...]:
    asked = wire.read(tuple[Opening, ...], wire.unpack(openings)[1])
    return tuple(_shelf().open(origin, each) for each in asked)


def search(handles: tuple[str, ...], queries: bytes) -> bytes:
    """handles: of all openings; this worker has some of them."""
    asked = wire.read(tuple[ShardQuery, ...], wire.unpack(queries)[1])
    return wire.pack("answers", tuple(_shelf().search(handles, asked)))


def tidy(origin: str, handles: tuple[str, ...], shards: bytes) -> None:
    _shelf().tidy(origin, handles, wire.read(tuple[Shard, ...], wire.unpack(shards)[1]))

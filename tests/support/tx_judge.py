"""Asks the `threatexchange` package what it makes of our lists. test_tx.py runs this in a process of its own.

Arguments: a file of `<type> <signal>` lines, a file of vpdq signals, then media. Prints JSON: the number of signals of each
type, what percentage of each film its own signal matches, and what each media file matches.
Films are hashed with vPDQ's own C++ where its package is installed. Matching needs only the package's name.
"""

from __future__ import annotations

import importlib.util
import json
import sys
import types
from collections import Counter
from pathlib import Path

list_name, films_name, *media = sys.argv[1:]
has_vpdq = importlib.util.find_spec("vpdq") is not None
if not has_vpdq:
    placeholder = types.ModuleType("vpdq")
    placeholder.VpdqFeature = object  # type: ignore[attr-defined]
    sys.modules["vpdq"] = placeholder

from threatexchange.exchanges.impl.file_api import FileCollaborationConfig, LocalFileSignalExchangeAPI  # noqa: E402
from threatexchange.extensions.vpdq.vpdq import VPDQSignal  # noqa: E402
from threatexchange.signal_type.md5 import VideoMD5Signal  # noqa: E402
from threatexchange.signal_type.pdq.signal import PdqSignal  # noqa: E402
from threatexchange.signal_type.sha256 import VideoSHA256Signal  # noqa: E402

TYPES = {each.get_name(): each for each in (PdqSignal, VPDQSignal, VideoMD5Signal, VideoSHA256Signal)}


def fetched(name: str, signal_type: str | None = None) -> list[tuple[str, str]]:
    config = FileCollaborationConfig(name="list", api="local_file", filename=name, signal_type=signal_type)
    (delta,) = LocalFileSignalExchangeAPI.for_collab(config).fetch_iter((), None)
    return list(delta.updates)


signals = fetched(list_name)
for signal_type, signal in signals:
    assert TYPES[signal_type].validate_signal_str(signal) == signal
indices = {
    name: each.get_index_cls().build(
        [(signal, number) for number, (other, signal) in enumerate(signals) if other == name]
    )
    for name, each in TYPES.items()
}
films = [signal for _type, signal in fetched(films_name, "vpdq")]
own = [[match.similarity_info.compared_match_percent for match in indices["vpdq"].query(film)] for film in films]
found: dict[str, list[str]] = {}
for name in media:
    is_film = Path(name).suffix in (".mp4", ".webm", ".mkv")
    kinds = ("vpdq", "video_md5", "video_sha256") if is_film else ("pdq",)
    found[name] = [
        kind
        for kind in kinds
        if (kind != "vpdq" or has_vpdq) and indices[kind].query(TYPES[kind].hash_from_file(Path(name)))
    ]
told = {"signals": Counter(signal_type for signal_type, _signal in signals), "own": own, "media": found}
print(json.dumps({**told, "has_vpdq": has_vpdq}))

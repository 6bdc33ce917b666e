"""A server that answers like HMA's curation.py, and misbehaves when a test asks for it."""

from __future__ import annotations

import json
import re
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

#: Handles one request in place of the right answer.
Fault = Callable[["Handler"], None]

_PDQ, _MD5 = re.compile("[0-9a-f]{64}"), re.compile("[0-9a-f]{32}")


@dataclass
class Hma:
    """The state of a server.

    types: signal types in use. faults: one for each of the next requests; None for the right answer.
    old: answer as HMA did in early 2025. has_notes: whether it knows notes; HMA does since 2026.
    indexed: up to which number its index has what it has. delay: how many seconds each answer takes; slots: how many of
    them run at once. working: how many requests are under way; most_working: how many were at once.
    """

    types: tuple[str, ...] = ("pdq", "video_md5")
    old: bool = False
    has_notes: bool = True
    indexed: int = 0
    delay: float = 0.0
    slots: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(1000))
    working: int = 0
    most_working: int = 0
    faults: list[Fault | None] = field(default_factory=list)
    banks: dict[str, float] = field(default_factory=dict)
    contents: dict[int, dict[str, Any]] = field(default_factory=dict)
    requests: list[tuple[str, str]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    url: str = ""
    number: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, bank: str, signals: dict[str, str], until: int = 1, note: str | None = None) -> int:
        self.number += 1  # never given twice, as in a database
        self.contents[self.number] = {"bank": bank, "signals": signals, "until": until, "note": note}
        return self.number

    def rename(self, bank: str, name: str) -> None:
        self.banks[name] = self.banks.pop(bank)
        for content in self.contents.values():
            content["bank"] = name if content["bank"] == bank else content["bank"]

    def empty(self, bank: str) -> None:
        self.contents = {number: content for number, content in self.contents.items() if content["bank"] != bank}

    def live(self, bank: str) -> list[str]:
        """The PDQ hashes that a bank matches, in order."""
        return sorted(
            content["signals"]["pdq"]
            for content in self.contents.values()
            if content["bank"] == bank and content["until"] == 1
        )

    def states(self) -> dict[int, int]:
        return {number: content["until"] for number, content in self.contents.items()}

    def answer(self, method: str, target: str, body: Any) -> tuple[int, Any]:
        url = urlsplit(target)
        asked = parse_qs(url.query)
        match method, url.path.removeprefix("/behind/a/proxy").strip("/").split("/")[1:]:
            case "GET", ["signal_type"]:
                return 200, [{"name": name, "enabled_ratio": 1.0} for name in self.types]
            case "GET", ["banks"]:
                return 200, [{"name": name, "matching_enabled_ratio": ratio} for name, ratio in self.banks.items()]
            case "GET", ["raw_lookup"]:
                matches = [
                    number
                    for number, content in self.contents.items()
                    if number <= self.indexed and content["signals"].get(asked["signal_type"][0]) == asked["signal"][0]
                ]
                return 200, {"matches": matches}
            case "GET", ["bank", bank]:
                if bank not in self.banks:
                    return 404, {"message": f"bank '{bank}' not found"}
                return 200, {"name": bank, "matching_enabled_ratio": self.banks[bank]}
            case "POST", ["banks"]:
                if not re.fullmatch("[A-Z_][A-Z0-9_]*", body["name"]):
                    return 400, {"message": "Bank names must be UPPER_WITH_UNDERSCORE"}
                if body["name"] in self.banks:
                    return 403, {"message": "Bank already exists"}
                self.banks[body["name"]] = 1.0
                return 201, {"name": body["name"], "matching_enabled_ratio": 1.0}
            case "POST", ["bank", bank, "signal"] if bank in self.banks:
                return self._signal(bank, body)
            case method, ["bank", bank, "content", number] if bank in self.banks and number.isdigit():
                return self._content(method, int(number), body, asked)
        return 404, {"message": "not found"}

    def _signal(self, bank: str, body: dict[str, str]) -> tuple[int, Any]:
        note = body.pop("note", None) if self.has_notes else None
        if note is not None and len(note) > 255:
            return 400, {"message": "note must be at most 255 characters"}
        for name, value in body.items():
            if name not in self.types:
                return 400, {"message": f"No such signal type {name}"}
            right = {"pdq": _PDQ, "video_md5": _MD5}.get(name)
            if right and not right.fullmatch(value):
                return 400, {"message": f"Invalid {name} signal: no"}
        return 200, {"id": self.add(bank, body, note=note), "signals": body}

    def _content(self, method: str, number: int, body: Any, asked: dict[str, list[str]]) -> tuple[int, Any]:
        # Like HMA, this goes by the number alone and ignores the bank in the path.
        content = self.contents.get(number)
        if content is None:
            return 404, {"message": f"content '{number}' not found"}
        bank: Any = {"name": content["bank"], "matching_enabled_ratio": self.banks[content["bank"]]}
        shown = {"id": number, "disable_until_ts": content["until"], "original_media_uri": None, "bank": bank}
        if method == "PUT":
            content["until"] = shown["disable_until_ts"] = body.get("disable_until_ts", content["until"])
            if self.has_notes:
                content["note"] = shown["note"] = body.get("note", content["note"])
            return 200, {**shown, "collab_metadata": {}}
        if self.has_notes and content["note"] is not None:
            shown["note"] = content["note"]
        if self.old:
            old = {"id": number, "bank": content["bank"], "enabled": content["until"] == 1, "original_media_uri": None}
            if names := asked.get("signal_type"):
                old["signals"] = {name: content["signals"][name] for name in names if name in content["signals"]}
            return 200, old
        if asked.get("include_signals") == ["true"]:
            shown["signals"] = content["signals"]
        return 200, shown


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else each answer waits for 40 ms
    hma: Hma

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def _do(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        self.sent = self.rfile.read(length)
        with self.hma.lock:
            self.hma.requests.append((self.command, self.path))
            self.hma.headers.append(dict(self.headers))
            fault = self.hma.faults.pop(0) if self.hma.faults else None
            self.hma.working += 1
            self.hma.most_working = max(self.hma.most_working, self.hma.working)
        try:
            if self.hma.delay:
                with self.hma.slots:
                    time.sleep(self.hma.delay)
            if fault is None:
                self.reply(*self.right_answer())
            else:
                fault(self)
        finally:
            with self.hma.lock:
                self.hma.working -= 1

    do_GET = do_POST = do_PUT = do_DELETE = _do  # noqa: N815 (names of http.server)

    def right_answer(self) -> tuple[int, Any]:
        with self.hma.lock:
            return self.hma.answer(self.command, self.path, json.loads(self.sent) if self.sent else None)

    def reply(self, status: int, body: Any, **headers: str) -> None:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(raw)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(raw)


def replies(status: int, body: Any = b"", **headers: str) -> Fault:
    return lambda handler: handler.reply(status, body, **headers)


def hangs_up(handler: Handler) -> None:
    """Does what was asked, and hangs up without an answer."""
    handler.right_answer()
    handler.close_connection = True


def sends_for_ever(start: bytes, more: bytes) -> Fault:
    def fault(handler: Handler) -> None:
        handler.close_connection = True
        try:
            handler.wfile.write(start)
            while True:
                handler.wfile.write(more)
        except OSError:  # the other side has had enough
            pass

    return fault


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Says nothing: a client that hangs up is what many tests are about."""


@contextmanager
def running(hma: Hma, certificate: Path | None = None) -> Iterator[Hma]:
    handler = type("OneHandler", (Handler,), {"hma": hma})
    with _Server(("127.0.0.1", 0), handler) as server:
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        hma.url = f"http{'s' if certificate else ''}://127.0.0.1:{server.server_address[1]}"
        try:
            yield hma
        finally:
            server.shutdown()
            thread.join()

"""Talks JSON over HTTP to one server, which may be slow, broken or hostile: every request ends in a response or one error.

Connections go only where the URL says: proxies from the environment are ignored, and redirects are refused. Each thread has
a connection of its own, which stays open from request to request if the server lets it.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import select
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import TracebackType
from typing import TypeVar
from urllib.parse import urlsplit

from hashmatch.errors import CommandError
from hashmatch.escape import for_terminal
from hashmatch.exchange.fields import snippet
from hashmatch.i18n import _
from hashmatch.version import __version__

#: The environment variable with the token for a server behind a proxy, or with a whole header line "Name: value".
TOKEN = "HASHMATCH_HMA_TOKEN"

#: How many seconds a server may be silent, and how many a whole response may take.
SILENCE, DEADLINE = 30.0, 120.0

#: The longest response, in bytes. A film's signal has about 80 bytes per second of film.
ANSWER_MAX = 16 * 2**20

#: How many requests may be under way at once. More would keep others from a server with few processes.
CONNECTIONS = 8

#: How many seconds to wait before each retry.
_WAITS = (1.0, 2.0, 4.0)

# After a _BUSY status nothing of the request was kept: HMA rolls back what it had begun. A _BROKEN status comes from a
# proxy, which does not know what became of the request.
_BUSY = frozenset({429, 500, 503})
_BROKEN = frozenset({502, 504})

_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

_Item = TypeVar("_Item")
_Outcome = TypeVar("_Outcome")


@dataclass(frozen=True, slots=True)
class HmaResponse:
    """A server's response. status: the HTTP status. body: the parsed JSON; None if it was not JSON."""

    status: int
    body: object

    @property
    def message(self) -> str:
        """What the server said about an error, shortened and escaped."""
        body = self.body if isinstance(self.body, dict) else {}
        said = body.get("message")
        return f"{self.status} {snippet(said)}" if isinstance(said, str) else str(self.status)


def token_from_environment(environment: Mapping[str, str] = os.environ) -> str | None:
    return environment.get(TOKEN, "").strip() or None


class _EndedError(OSError):
    """Nothing more is asked, because the command ends."""


class HmaServer:
    """A server and the connections to it, to be used as a context manager.

    url: http(s)://host[:port][/path]; HMA's /c is below it. token: see TOKEN.
    Raises CommandError if the URL or the token is not valid, or if the token would travel unencrypted.
    """

    def __init__(
        self,
        url: str,
        token: str | None = None,
        *,
        silence: float = SILENCE,
        deadline: float = DEADLINE,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            host, port = None, None
        if not host or parts.scheme not in ("http", "https") or not url.isascii() or re.search(r"[\s\x00-\x1f]", url):
            raise CommandError(
                _("not the URL of a server, which must begin with https://: {url}").format(url=snippet(url))
            )
        if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
            message = _(
                "a server's URL must not have a user, password, query or fragment; put a token into ${variable}"
            )
            raise CommandError(message.format(variable=TOKEN))
        self._headers = {"Accept": "application/json", "User-Agent": f"hashmatch/{__version__}"}
        if token is not None:
            if parts.scheme == "http" and host not in _LOCAL:
                raise CommandError(_("a token is not sent over http:// where others can read it: use https://"))
            self._headers.update([_header(token)])
        self._path = parts.path.rstrip("/")
        place = f"[{host}]" if ":" in host else host
        usual = {"http": 80, "https": 443}[parts.scheme]
        #: Identifies this server: the same for the same address, however it was written.
        self.name = f"{parts.scheme}://{place}{'' if port in (None, usual) else f':{port}'}{self._path}"
        self._deadline = deadline
        self._sleep = sleep
        self._host, self._port, self._silence = host, port, silence
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._of_thread = threading.local()
        self._connections: list[http.client.HTTPConnection] = []
        self._threads = ThreadPoolExecutor(CONNECTIONS, thread_name_prefix="hashmatch-hma")
        self._closed = False

    def __enter__(self) -> HmaServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Ends what is still under way, which is only so after an error or an interrupt."""
        self._closed = True
        for connection in self._connections:
            _cut(connection.sock)
        self._threads.shutdown(cancel_futures=True)
        for connection in self._connections:
            connection.close()

    def each(self, function: Callable[[_Item], _Outcome], items: Sequence[_Item]) -> list[_Outcome]:
        """What a function that asks this server returns for each item, in their order. Several run at a time.

        Raises what the function raises, for the first such item.
        """
        if len(items) == 1:
            return [function(items[0])]
        return list(self._threads.map(function, items))

    def ask(self, method: str, path: str, body: object = None, *, again: bool = True) -> HmaResponse:
        """Sends one request and returns the response. Retries where that may help.

        again: the request may be sent twice without harm. If not, it is sent again only if the server cannot have acted
        on it. Raises CommandError if there is no response, an invalid one, or an error of the server's own.
        """
        for wait in (*_WAITS, None):
            sent = False
            try:
                self._connect()
                sent = True
                answer = self._exchange(method, path, body)
            except (OSError, http.client.HTTPException) as error:
                self._connection.close()
                final = wait is None or self._closed or isinstance(error, ssl.SSLCertVerificationError)
                if wait is None or final or (sent and not again):
                    raise self._failed(error, in_doubt=sent and not again) from error
            else:
                if wait is None or not (answer.status in _BUSY or (again and answer.status in _BROKEN)):
                    return self._checked(answer, in_doubt=not again)
            self._sleep(wait)
        raise AssertionError("unreachable")

    @property
    def _connection(self) -> http.client.HTTPConnection:
        """The connection of this thread."""
        own: http.client.HTTPConnection | None = getattr(self._of_thread, "connection", None)
        if own is None:
            if self._tls is not None:
                own = http.client.HTTPSConnection(self._host, self._port, timeout=self._silence, context=self._tls)
            else:
                own = http.client.HTTPConnection(self._host, self._port, timeout=self._silence)
            self._of_thread.connection = own
            self._connections.append(own)
        return own

    def _connect(self) -> None:
        """Connects, or reconnects if the server has closed the connection.

        This is a step of its own before anything is sent, so that after a failure we know that nothing was sent.
        """
        connection = self._connection
        if connection.sock is not None:
            poll = select.poll()
            poll.register(connection.sock, select.POLLIN)
            if poll.poll(0):
                connection.close()
        if connection.sock is None:
            connection.connect()
        if self._closed:
            connection.close()
            raise _EndedError

    def _exchange(self, method: str, path: str, body: object) -> HmaResponse:
        data = None if body is None else json.dumps(body).encode("ascii")
        headers = self._headers if data is None else {**self._headers, "Content-Type": "application/json"}
        connection = self._connection
        with _at_most(self._deadline, connection.sock) as late:
            try:
                connection.request(method, self._path + path, data, headers)
                with connection.getresponse() as response:
                    raw = response.read(ANSWER_MAX + 1)
                    if len(raw) > ANSWER_MAX:
                        connection.close()
                        message = _("{server}: a response is longer than {most} bytes")
                        raise CommandError(message.format(server=self.name, most=ANSWER_MAX))
                    if response.length:
                        raise http.client.IncompleteRead(raw, response.length)
                    return HmaResponse(response.status, _json(raw))
            except (OSError, http.client.HTTPException, ValueError) as error:
                if late.is_set():
                    raise TimeoutError(
                        _("no complete response within {limit:g} s").format(limit=self._deadline)
                    ) from error
                if isinstance(error, ValueError):  # the response is not HTTP
                    raise http.client.HTTPException(str(error)) from error
                raise

    def _failed(self, error: Exception, in_doubt: bool) -> CommandError:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        message = _("{server}: {reason}").format(server=self.name, reason=for_terminal(reason)[:150])
        return CommandError(f"{message}; {_doubt()}" if in_doubt else message)

    def _checked(self, answer: HmaResponse, in_doubt: bool) -> HmaResponse:
        if 300 <= answer.status < 400:
            message = _("{server}: it redirects elsewhere, which is not followed: give the URL of the server itself")
            raise CommandError(message.format(server=self.name))
        if answer.status in (401, 403, 407) and not (answer.status == 403 and isinstance(answer.body, dict)):
            message = _("{server}: it requires a valid token ({status}): put one into ${variable}")
            raise CommandError(message.format(server=self.name, status=answer.status, variable=TOKEN))
        if answer.status >= 500 or answer.status == 429:
            message = _("{server}: error {said}").format(server=self.name, said=answer.message)
            raise CommandError(f"{message}; {_doubt()}" if in_doubt and answer.status in _BROKEN else message)
        return answer


def _doubt() -> str:
    return _("it is not known whether the server accepted the last entry: the next export looks for it")


def _header(token: str) -> tuple[str, str]:
    """The header for a token: a bare token becomes a bearer token (RFC 6750), a line "Name: value" is used as it is."""
    name, colon, value = token.partition(": ")
    if not colon:
        name, value = "Authorization", f"Bearer {token}"
    if not _HEADER_NAME.fullmatch(name) or not value.isascii() or _CONTROL.search(value):
        raise CommandError(_("${variable} is neither a token nor a header").format(variable=TOKEN))
    return name, value


def _json(raw: bytes) -> object:
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return None


@contextmanager
def _at_most(seconds: float, sock: socket.socket | None) -> Iterator[threading.Event]:
    """Cuts the connection after this many seconds, since a server that keeps sending in small pieces is never silent."""
    late = threading.Event()

    def cut() -> None:
        late.set()
        _cut(sock)

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield late
    finally:
        timer.cancel()


def _cut(sock: socket.socket | None) -> None:
    """Ends a connection that another thread may be waiting for."""
    if sock is not None:
        with suppress(OSError):
            socket.socket.shutdown(sock, socket.SHUT_RDWR)  # below TLS, whose own shutdown could take for ever

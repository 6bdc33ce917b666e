"""Who may talk to the page: the person with the link, from one of our pages, by the host name that we gave.

Everybody on this machine can reach the port, and every site in the person's browser can make it send requests there. So the
link works once and is exchanged for a cookie; no other host name is accepted, which stops DNS rebinding; no request that
another page made is accepted; and every form carries a second secret.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hashmatch.i18n import _

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "hashmatch"
#: Most bytes of a form, including the longest note.
LARGEST_FORM = 256 << 10

#: Only our own style sheets, script and pictures; no frames, no other target for a form, no elements made from text.
POLICY = "; ".join(
    (
        *("default-src 'none'", "style-src 'self'", "script-src 'self'", "img-src 'self'", "connect-src 'self'"),
        *("form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'"),
        *("require-trusted-types-for 'script'", "trusted-types 'none'"),
    )
)
HEADERS = {
    "content-security-policy": POLICY,
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    # Not no-referrer: with it, a browser says that its own forms come from nowhere.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), autoplay=()",
    "x-robots-tag": "noindex",
}


@dataclass
class RunSecrets:
    """The secrets of one run. base: all paths begin with it; the browser sends the cookie nowhere else, not even to another
    server on this machine, to which a cookie for 127.0.0.1 would go as well."""

    base: str = field(default_factory=lambda: "/" + secrets.token_urlsafe(12))
    token: str | None = field(default_factory=lambda: secrets.token_urlsafe(32))
    cookie: str | None = None
    form: str = field(default_factory=lambda: secrets.token_urlsafe(32))

    def exchange(self, token: str) -> str | None:
        """The cookie for the token, which then expires; None if the token is wrong or was used before."""
        if self.token is None or not _equal(token, self.token):
            return None
        self.token, self.cookie = None, secrets.token_urlsafe(32)
        return self.cookie

    def is_known(self, cookie: str | None) -> bool:
        return self.cookie is not None and cookie is not None and _equal(cookie, self.cookie)

    def is_our_form(self, value: str) -> bool:
        return _equal(value, self.form)


def _equal(a: str, b: str) -> bool:
    return hmac.compare_digest(a.encode("utf-8", "replace"), b.encode("utf-8", "replace"))


class AccessControl:
    """Stands before the application: refuses strangers, and adds the security headers to every response."""

    def __init__(self, app: ASGIApp, keys: RunSecrets, port: int) -> None:
        self._app, self._keys = app, keys
        self._host = f"127.0.0.1:{port}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        from starlette.requests import Request
        from starlette.responses import PlainTextResponse

        if scope["type"] != "http":
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                kept = [(name, value) for name, value in message["headers"] if name.decode("latin-1") not in HEADERS]
                message["headers"] = [*kept, *((name.encode(), value.encode()) for name, value in HEADERS.items())]
            await send(message)

        status, why = self.refusal(Request(scope))
        if status:
            await PlainTextResponse(why + "\n", status)(scope, receive, guarded)
        else:
            await self._app(scope, receive, guarded)

    def refusal(self, request: Any) -> tuple[int, str]:
        """Why a request is refused: an HTTP status, or 0 if it is not, and one line."""
        headers = request.headers
        if headers.getlist("host") != [self._host]:
            return 421, _("This page has another address.")
        if request.method not in ("GET", "HEAD", "POST"):
            return 405, _("This page does not know that method.")
        if headers.get("sec-fetch-site", "none") not in ("none", "same-origin") and not self._is_entry(request):
            return 403, _("Another page has no business here.")
        if request.method == "POST" and headers.getlist("origin") != [f"http://{self._host}"]:
            return 403, _("Another page has no business here.")
        if self._is_entry(request) and request.method == "GET":
            return 0, ""
        if not self._keys.is_known(request.cookies.get(COOKIE)):
            return 403, _(
                "Open the link that `hashmatch review` printed. It is good once: if it was used, start it again."
            )
        return 0, ""

    def _is_entry(self, request: Any) -> bool:
        return bool(request.url.path == f"{self._keys.base}/enter")


async def form_of(request: Any) -> dict[str, list[str]] | None:
    """The fields of a form; None if it is not a form, or too large."""
    from urllib.parse import parse_qs

    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/x-www-form-urlencoded":
        return None
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > LARGEST_FORM:
            return None
    try:
        return parse_qs(body.decode("ascii"), keep_blank_values=True, max_num_fields=5000, errors="strict")
    except ValueError:
        return None

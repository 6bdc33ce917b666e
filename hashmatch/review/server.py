"""Answers the browser. A decision is in the database before the response goes out."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hashmatch.errors import CommandError
from hashmatch.i18n import _, ngettext
from hashmatch.report.reasons import decision_name
from hashmatch.review.access import COOKIE, AccessControl, RunSecrets, form_of
from hashmatch.review.pages import STATIC, ReviewPages, order_of_file, order_of_reference
from hashmatch.review.picture_maker import SOON, MadePictures, PictureMaker, PictureOrder
from hashmatch.review.queue import QueueItem, ReviewQueue
from hashmatch.store import Store, review_decisions
from hashmatch.store.audit import Actor
from hashmatch.store.review_decisions import DECISIONS, WITHDRAWN, ReviewerWord

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

#: Most characters of a note.
LONGEST_NOTE = 4000
#: Most decisions in one form.
MOST_AT_ONCE = 1000
#: After this many seconds without a request, the person has paused anyway.
AWAY = 300.0
#: How many matches ahead pictures are made.
AHEAD = 2
#: Decisions that silence the machine; they are possible only for a file whose bytes are at hand.
_SILENCING = ("false-positive", "allow")


@dataclass
class ReviewApp:
    """One person's work on one scan. pause: seconds after which a pause is suggested; 0 for never. unseen: whether a file
    may be called a false positive or legitimate that is not at hand."""

    store: Store
    actor: Actor
    queue: ReviewQueue
    pages: ReviewPages
    keys: RunSecrets
    picture_maker: PictureMaker
    pause: float
    unseen: bool
    end: Callable[[], object] = lambda: None
    told: list[str] = field(default_factory=list)
    last: list[int] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)
    asked: float = field(default_factory=time.monotonic)

    def application(self, port: int) -> Any:
        """The ASGI application."""
        from starlette.applications import Starlette
        from starlette.routing import Mount, Route

        inner: Starlette = Starlette(
            routes=[
                Mount(
                    self.keys.base,
                    routes=[
                        Route("/enter", self.enter),
                        Route("/", self.start),
                        Route("/list", self.overview),
                        Route("/match/{number:int}", self.match),
                        Route("/grid/{number:int}", self.grid),
                        Route("/picture/{number:int}/{side}/{which:int}", self.picture),
                        Route("/why/{number:int}/{side}", self.why),
                        Route("/static/{name}", self.static),
                        Route("/decide", self.decide, methods=["POST"]),
                        Route("/undo", self.undo, methods=["POST"]),
                        Route("/paused", self.paused, methods=["POST"]),
                        Route("/end", self.finish, methods=["POST"]),
                    ],
                )
            ],
            exception_handlers={CommandError: self.failed, 404: self.missing},
        )
        return AccessControl(inner, self.keys, port)

    async def enter(self, request: Request) -> Response:
        cookie = self.keys.exchange(request.query_params.get("token", ""))
        if cookie is None:
            return _text(
                _(
                    "This link was used, or is none of ours. `hashmatch review` prints a new one when it is started again."
                ),
                403,
            )
        answer = _html(self.pages.entry())
        answer.set_cookie(COOKIE, cookie, path=self.keys.base, httponly=True, samesite="strict")
        return answer

    async def start(self, request: Request) -> Response:
        """Where the work goes on."""
        self.queue.refresh()
        found = self.queue.next_open()
        return self._to(f"/match/{found.number}" if found else "/list")

    async def match(self, request: Request) -> Response:
        item = self._item(request)
        if item is None:
            return self._no_such()
        self.queue.refresh()
        answer = _html(self.pages.match(item, self._told(), bool(self.last), self._due()))
        self._look_ahead(item)
        return answer

    async def grid(self, request: Request) -> Response:
        group = self.queue.group(request.path_params["number"])
        if group is None:
            return self._no_such()
        self.queue.refresh()
        number = _number(request.query_params.get("page"))
        return _html(self.pages.grid(group, number, self._told(), bool(self.last), self._due()))

    async def overview(self, request: Request) -> Response:
        self.queue.refresh()
        number = _number(request.query_params.get("page"))
        return _html(self.pages.overview(number, self._told(), bool(self.last), self._due()))

    async def picture(self, request: Request) -> Response:
        from starlette.responses import Response

        prints = await self._prints(request)
        which = request.path_params["which"]
        found = prints.prints[which] if prints and which < len(prints.prints) else None
        if found is None:
            return _text(_("There is no picture."), 404)
        is_small = "small" in request.query_params
        return Response(found.small if is_small else found.large, media_type="image/jpeg")

    async def why(self, request: Request) -> Response:
        """Why there is no picture, in a line."""
        prints = await self._prints(request)
        return _text(_("No picture: {why}").format(why=prints.why) if prints else _("There is no picture."))

    async def static(self, request: Request) -> Response:
        from starlette.responses import Response

        known = STATIC.get(request.path_params["name"])
        if known is None:
            return self._no_such()
        path, kind = known
        return Response(path.read_bytes(), media_type=kind)

    async def decide(self, request: Request) -> Response:
        form = await self._form(request)
        if form is None:
            return self._no_form()
        said, note = form.get("decision", [""])[0], form.get("note", [""])[0].strip()
        numbers = form.get("item", [])
        back = form.get("back", [""])[0]
        items = [self.queue.item(_number(each)) for each in dict.fromkeys(numbers)]
        if (
            said not in (*DECISIONS, WITHDRAWN)
            or None in items
            or len(items) > MOST_AT_ONCE
            or len(note) > LONGEST_NOTE
        ):
            return self._no_form()
        wanted = [item for item in items if item is not None]
        is_taken = False
        if not wanted:
            self.told.append(_("Nothing was chosen."))
        elif said == "dispute" and not note:
            self.told.append(_("Say in the note why the reference is disputed; nothing was decided."))
        else:
            is_taken = await self._take(wanted, said, note or None)
        return self._to(self._onward(back, wanted) if is_taken else self._back(back))

    async def _take(self, wanted: list[QueueItem], said: ReviewerWord, note: str | None) -> bool:
        """Record a decision on some matches, and tell the person the outcome. Returns whether any was recorded."""
        self.queue.refresh()
        refused: dict[str, int] = {}
        ready = []
        if said in _SILENCING:
            for item in wanted:
                order = order_of_file(item)
                if order is not None:
                    self.picture_maker.ask(order, SOON)  # all at once, before waiting for each
        for item in wanted:
            why = await self._refusal(item, said)
            if why:
                refused[why] = refused.get(why, 0) + 1
            else:
                ready.append(item)
        with self.store.transaction() as connection:
            for item in ready:
                if item.pair is not None and self.queue.is_news(item, said, note):
                    review_decisions.decide(connection, self.actor, item.pair, said, self.queue.reviewer, note)
        self.queue.refresh()
        if ready:
            self.last = [] if said == WITHDRAWN else [item.number for item in ready]
            text = ngettext("{decision}: {n} match", "{decision}: {n} matches", len(ready))
            self.told.append(text.format(decision=decision_name(said), n=len(ready)))
        for why, count in refused.items():
            text = ngettext("Not decided, {n} match: {why}", "Not decided, {n} matches: {why}", count)
            self.told.append(text.format(n=count, why=why))
        return bool(ready)

    async def _refusal(self, item: QueueItem, said: ReviewerWord) -> str:
        """Why a decision cannot be taken on a match; empty if it can."""
        if item.pair is None:
            return item.problem
        if said == "false-positive" and item.is_same_bytes:
            return _("the bytes are those of the reference")
        if said in _SILENCING and not self.unseen:
            prints = await self._made(order_of_file(item))
            if prints is None or not prints.is_verified:
                why = prints.why if prints else _("it is neither an image nor a film")
                return _("the file is not at hand ({why}); --unseen decides nevertheless").format(why=why)
        return ""

    async def undo(self, request: Request) -> Response:
        """Take the last decision back."""
        if await self._form(request) is None:
            return self._no_form()
        wanted = [item for number in self.last if (item := self.queue.item(number)) is not None]
        if not wanted:
            self.told.append(_("There is nothing to take back."))
            return self._to("/")
        await self._take(wanted, WITHDRAWN, None)
        self.last = []
        return self._to(f"/match/{wanted[0].number}")

    async def paused(self, request: Request) -> Response:
        form = await self._form(request)
        if form is None:
            return self._no_form()
        self.began = time.monotonic()
        return self._to(self._back(form.get("back", [""])[0]))

    async def finish(self, request: Request) -> Response:
        if await self._form(request) is None:
            return self._no_form()
        self.end()
        return _html(
            self.pages.message(_("Ended. Everything that was decided is kept; this tab can be closed."), is_end=True)
        )

    async def failed(self, request: Request, error: Exception) -> Response:
        return _html(self.pages.message(_("Nothing was decided: {problem}").format(problem=error)), 503)

    async def missing(self, request: Request, error: Exception) -> Response:
        return self._no_such()

    def _told(self) -> list[str]:
        told, self.told = self.told, []
        return told

    def _due(self) -> float | None:
        """Seconds until a pause is suggested."""
        now = time.monotonic()
        if now - self.asked > AWAY:
            self.began = now
        self.asked = now
        return max(0.0, self.began + self.pause - now) if self.pause else None

    def _look_ahead(self, item: QueueItem) -> None:
        following = item
        for _step in range(AHEAD):
            upcoming = self.queue.next_open(following.number)
            if upcoming is None or upcoming is item:
                return
            for order in (order_of_file(upcoming), order_of_reference(upcoming, self.store)):
                if order is not None:
                    self.picture_maker.ask(order, SOON)
            following = upcoming

    async def _prints(self, request: Request) -> MadePictures | None:
        item, side = self._item(request), request.path_params["side"]
        order: PictureOrder | None = None
        if item is not None and side == "file":
            order = order_of_file(item)
        elif item is not None and side == "reference":
            order = order_of_reference(item, self.store)
        return await self._made(order)

    async def _made(self, order: PictureOrder | None) -> MadePictures | None:
        if order is None:
            return None
        # If one request stops waiting, others still get the pictures.
        return await asyncio.shield(asyncio.wrap_future(self.picture_maker.ask(order)))

    async def _form(self, request: Request) -> dict[str, list[str]] | None:
        """The fields of one of our own forms."""
        form = await form_of(request)
        is_ours = form is not None and self.keys.is_our_form(form.get("secret", [""])[0])
        return form if is_ours else None

    def _item(self, request: Request) -> QueueItem | None:
        return self.queue.item(request.path_params["number"])

    def _onward(self, back: str, decided: list[QueueItem]) -> str:
        """Where to go after a decision: to the next match that waits, or back to the grid as long as any waits there."""
        if back.startswith("grid/") and decided:
            group = self.queue.groups[decided[0].group - 1]
            if self.queue.open_in(group):
                return self._back(back)
            found = self.queue.next_open(group.items[-1].number)
            return f"/grid/{found.group}" if found else "/list"
        found = self.queue.next_open(decided[-1].number if decided else 0)
        return f"/match/{found.number}" if found else "/list"

    def _back(self, back: str) -> str:
        """The page that a form was on; always one of ours, whatever the form says."""
        kind, _slash, rest = back.partition("/")
        number, _slash, place = rest.partition("/")
        if kind == "grid" and self.queue.group(_number(number)):
            return f"/grid/{_number(number)}?page={_number(place)}"
        if kind == "match" and self.queue.item(_number(number)):
            return f"/match/{_number(number)}"
        return "/list"

    def _to(self, path: str) -> Response:
        from starlette.responses import RedirectResponse

        return RedirectResponse(self.keys.base + path, 303)

    def _no_such(self) -> Response:
        return _html(self.pages.message(_("There is no such page.")), 404)

    def _no_form(self) -> Response:
        return _html(self.pages.message(_("Nothing was decided: that was no form of this page.")), 403)


def serve(app: ReviewApp, listening: socket.socket) -> None:
    """Answer until the person ends it, on the page or by Ctrl-C (which raises KeyboardInterrupt)."""
    import uvicorn

    (_address, port) = listening.getsockname()
    config = uvicorn.Config(
        app.application(port),
        log_config=None,
        access_log=False,
        lifespan="off",
        ws="none",
        http="h11",
        loop="asyncio",
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)

    def end() -> None:
        server.should_exit = True

    app.end = end
    server.run(sockets=[listening])


def listen(port: int) -> socket.socket:
    """A socket that listens on this machine only. port: 0 for one that the system chooses. Raises CommandError."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", port))
        listening.listen(64)
    except OSError as error:
        listening.close()
        message = _("cannot listen on port {port}: {reason}")
        raise CommandError(message.format(port=port, reason=error.strerror or error)) from error
    return listening


def _number(text: str | None) -> int:
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 10 else 0


def _html(text: str, status: int = 200) -> Response:
    from starlette.responses import Response

    return Response(text.encode("utf-8", "backslashreplace"), status, media_type="text/html; charset=utf-8")


def _text(text: str, status: int = 200) -> Response:
    from starlette.responses import PlainTextResponse

    return PlainTextResponse(text.encode("utf-8", "backslashreplace").decode() + "\n", status)

"""The labelling page: a small ASGI application for people on this machine.

Every address begins with a random token, and requests by another host name are refused, so that no
web page and no other user who does not know the token can read clips or give answers.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
import secrets
import sqlite3
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import asdict, dataclass
from importlib import resources
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from rewardwrap.annotate.clips import Clips
from rewardwrap.annotate.desk import Desk, LabelError
from rewardwrap.annotate.messages import LONGEST, message_of, number, size_of, word
from rewardwrap.annotate.summary import summarise
from rewardwrap.core.errors import extra

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
QUESTION = "Which clip is better?"

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


@dataclass(frozen=True)
class Page:
    """What the application serves.

    Args:
        desk: Hands out pairs and takes answers.
        clips: Shows them.
        token: First part of every address.
        labeler: Name to begin with; the page asks for one where it is empty.
        question: What the labeler is asked.
    """

    desk: Desk
    clips: Clips
    token: str
    labeler: str = ""
    question: str = QUESTION

    def application(self) -> Guard:
        """The ASGI application."""
        extra("starlette", needs="rewardwrap label", install="ui")
        return Guard(_Routes(self).application(), self.token)


def new_token() -> str:
    """Nobody guesses it."""
    return secrets.token_urlsafe(18)


def asset(name: str) -> str:
    """A file of the page."""
    return resources.files("rewardwrap.annotate").joinpath(name).read_text(encoding="utf-8")


def ui_version() -> str:
    """Names the script that took an answer."""
    return f"{version('rewardwrap')}+{hashlib.sha256(asset('label.js').encode()).hexdigest()[:8]}"


class Guard:
    """Refuses whoever does not come through the link that was printed.

    Args:
        application: What is guarded.
        token: First part of every address.
    """

    def __init__(self, application: Any, token: str) -> None:
        self._application, self._token = application, token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve, or say no."""
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        headers = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in scope["headers"]}
        first = scope["path"].lstrip("/").partition("/")[0]
        if not _is_here("//" + headers.get("host", "")) or (
            "origin" in headers and not _is_here(headers["origin"])
        ):
            await _refuse(send, 421, "This page answers to 127.0.0.1 and localhost alone.")
        elif not secrets.compare_digest(first.encode(), self._token.encode()):
            await _refuse(send, 403, "Open the link that was printed; it has a token.")
        elif size_of(headers.get("content-length")) > LONGEST or (
            scope["method"] == "POST"
            and not headers.get("content-type", "").startswith("application/json")
        ):
            await _refuse(send, 400, "A message must be a little JSON.")
        else:
            await self._application(scope, receive, _with_headers(send))


class _Routes:
    """Addresses and what they do."""

    def __init__(self, page: Page) -> None:
        from rewardwrap.pages.templates import environment

        self._page, self._desk, self._clips = page, page.desk, page.clips
        self._version = ui_version()
        self._templates = environment(Path(__file__).parent, share=share)

    def application(self) -> Starlette:
        """The routes below the token."""
        from starlette.applications import Starlette
        from starlette.routing import Mount, Route

        inner = [
            Route("/", self.start),
            Route("/summary", self.summary),
            Route("/label.js", self.script("label.js")),
            Route("/drawn.js", self.script("drawn.js")),
            Route("/label.css", self.style),
            Route("/icon.svg", self.icon),
            Route("/api/open", self.open, methods=["POST"]),
            Route("/api/state", self.state),
            Route("/api/judge", self.judge, methods=["POST"]),
            Route("/api/undo", self.undo, methods=["POST"]),
            Route("/clip/{clip}", self.clip),
            Route("/clip/{clip}/sheet", self.sheet),
        ]
        problems: dict[Any, Any] = {
            LabelError: _problem(409), ValueError: _problem(400),
            sqlite3.OperationalError: _problem(503), 404: _nowhere, 405: _nowhere,
        }  # fmt: skip
        return Starlette(
            routes=[Mount(f"/{self._page.token}", routes=inner)], exception_handlers=problems
        )

    def start(self, request: Request) -> Response:
        """The page, or the question for a name."""
        name = request.query_params.get("labeler", "") or self._page.labeler
        return self._html(
            "label.html.jinja", labeler=name.strip(), question=self._page.question,
            version=self._version,
        )  # fmt: skip

    def summary(self, _: Request) -> Response:
        """Counts, habits, agreement."""
        return self._html("summary.html.jinja", summary=summarise(self._desk.database))

    def script(self, name: str) -> Callable[[Request], Response]:
        """Serves a script."""
        return lambda _: _text(asset(name), "text/javascript")

    def style(self, _: Request) -> Response:
        """The one style sheet."""
        colours = self._templates.get_template("colours.css.jinja").render()
        return _text(colours + asset("label.css"), "text/css")

    def icon(self, _: Request) -> Response:
        """Two clips, for the browser's tab."""
        return _text(asset("icon.svg"), "image/svg+xml")

    async def open(self, request: Request) -> Response:
        """Begin a session."""
        message = await message_of(request)
        return await _later(lambda: self._state(
            self._desk.open(word(message, "labeler"), ui_version=self._version)
        ))  # fmt: skip

    def state(self, request: Request) -> Response:
        """What is on the desk; also a sign of life."""
        return _json(self._state(number(request.query_params, "session")))

    async def judge(self, request: Request) -> Response:
        """Take an answer; it is on disk before the reply leaves."""
        m = await message_of(request)
        session = number(m, "session")
        ms = None if m.get("ms") is None else number(m, "ms")

        def write() -> dict[str, Any]:
            receipt = self._desk.record(
                word(m, "assignment"), word(m, "side"), ms=ms, session=session,
                ui_version=self._version,
            )  # fmt: skip
            return {"receipt": asdict(receipt), **self._state(session)}

        return await _later(write)

    async def undo(self, request: Request) -> Response:
        """Take an answer back."""
        m = await message_of(request)
        session, judgment = number(m, "session"), number(m, "judgment")

        def write() -> dict[str, Any]:
            self._desk.undo(judgment, session=session, ui_version=self._version)
            return self._state(session)

        return await _later(write)

    def clip(self, request: Request) -> Response:
        """What a clip shows."""
        content = self._clips.show(*self._where(number(request.path_params, "clip")))
        return _json({**content, "why": self._clips.why if content["kind"] == "plot" else ""})

    def sheet(self, request: Request) -> Response:
        """The pictures of a film."""
        from starlette.responses import Response

        content, kind = self._clips.sheet(*self._where(number(request.path_params, "clip")))
        return Response(content, media_type=kind, headers={"cache-control": "no-store"})

    def _where(self, clip: int) -> tuple[int, int, int]:
        rows = self._desk.database.read(
            "SELECT episode, start, length FROM clip WHERE id = ?", (clip,)
        )
        if not rows:
            raise LabelError(f"a clip must be in the file, got {clip}. Reload the page.")
        return rows[0]["episode"], rows[0]["start"], rows[0]["length"]

    def _state(self, session: int) -> dict[str, Any]:
        return {
            "session": session,
            "work": [asdict(each) for each in self._desk.work(session)],
            "progress": self._desk.progress(session),
            "undo": self._desk.last(session),
        }

    def _html(self, template: str, **values: Any) -> Response:
        return _text(self._templates.get_template(template).render(values), "text/html")


def share(value: float) -> str:
    """A share as percent.

    >>> share(0.915), share(float("nan"))
    ('92 %', '–')
    """
    return "–" if value != value else f"{100 * value:.0f} %"


def _is_here(url: str) -> bool:
    """Whether a host is this machine by a name that no foreign page can have."""
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _text(content: str, kind: str) -> Response:
    from starlette.responses import Response

    return Response(content, media_type=kind, headers={"cache-control": "no-store"})


def _json(content: Any) -> Response:
    from starlette.responses import Response

    text = json.dumps(content, allow_nan=False, separators=(",", ":"))
    return Response(text, media_type="application/json", headers={"cache-control": "no-store"})


async def _later(write: Callable[[], dict[str, Any]]) -> Response:
    """Wait for the disk on another thread."""
    from starlette.concurrency import run_in_threadpool

    return _json(await run_in_threadpool(write))


def _nowhere(_: Any, error: Any) -> Any:
    from starlette.responses import JSONResponse

    why = "Nothing is here that can be asked so. Open the link that was printed."
    return JSONResponse({"error": why}, status_code=error.status_code)


def _problem(status: int) -> Any:
    from starlette.responses import JSONResponse

    def answer(_: Any, error: Exception) -> Any:
        return JSONResponse({"error": str(error)}, status_code=status)

    return answer


def _with_headers(send: Send) -> Send:
    async def sending(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            added = [(k.encode(), v.encode()) for k, v in HEADERS.items()]
            message["headers"] = [*message.get("headers", []), *added]
        await send(message)

    return sending


async def _refuse(send: Send, status: int, why: str) -> None:
    kind = (b"content-type", b"text/plain; charset=utf-8")
    send = _with_headers(send)
    await send({"type": "http.response.start", "status": status, "headers": [kind]})
    await send({"type": "http.response.body", "body": why.encode()})

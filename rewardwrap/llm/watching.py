"""Pages on which a person watches what a reward leads to, and says a sentence about it.

They are served like the page of ``rewardwrap label``: on this machine alone, behind a token, without a script
or a picture from elsewhere.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rewardwrap.annotate.messages import message_of, word
from rewardwrap.annotate.page import Guard, asset, new_token
from rewardwrap.core.errors import RewardwrapError, extra

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

LONGEST_SENTENCE = 500
Said = Callable[[str], Any]
"""A sentence -> what the page is told; a `RewardwrapError` is shown as it is."""


@dataclass(frozen=True)
class Watched:
    """What is served.

    Args:
        template: Beside this file.
        values: Of the template, whenever the page is opened.
        told: Address below ``api/`` or ``clip/`` -> its JSON, of the rest of the address.
        said: What becomes of a sentence.
        token: First part of every address.
    """

    template: str
    values: Callable[[], Mapping[str, Any]]
    told: Callable[[str], Any]
    said: Said
    token: str = field(default_factory=new_token)

    def application(self) -> Guard:
        """The ASGI application."""
        extra("starlette", needs="a page to watch", install="ui")
        from starlette.applications import Starlette
        from starlette.routing import Mount, Route

        inner = [
            Route("/", self._start),
            Route("/{name}.js", self._script),
            Route("/watch.css", self._style),
            Route("/icon.svg", self._icon),
            Route("/api/say", self._say, methods=["POST"]),
            Route("/told/{which}", self._told),
        ]
        return Guard(Starlette(routes=[Mount(f"/{self.token}", routes=inner)]), self.token)

    def _templates(self) -> Any:
        from rewardwrap.pages.templates import environment

        return environment(Path(__file__).parent)

    def _start(self, _: Request) -> Response:
        page = self._templates().get_template(self.template)
        return _text(page.render(dict(self.values())), "text/html")

    def _script(self, request: Request) -> Response:
        own = request.path_params["name"] == "watch"
        return _text(_own("watch.js") if own else asset("drawn.js"), "text/javascript")

    def _style(self, _: Request) -> Response:
        colours = self._templates().get_template("colours.css.jinja").render()
        return _text(colours + asset("label.css") + _own("watch.css"), "text/css")

    def _icon(self, _: Request) -> Response:
        return _text(asset("icon.svg"), "image/svg+xml")

    async def _told(self, request: Request) -> Response:
        return await _answer(lambda: self.told(request.path_params["which"]))

    async def _say(self, request: Request) -> Response:
        try:
            text = " ".join(word(await message_of(request), "text").split())[:LONGEST_SENTENCE]
        except ValueError as error:
            return _json({"error": str(error)}, 400)
        return await _answer(lambda: self.said(text))


async def _answer(work: Callable[[], Any]) -> Response:
    """On another thread; what was done wrongly is a sentence on the page."""
    from starlette.concurrency import run_in_threadpool

    running: Awaitable[Any] = run_in_threadpool(work)
    try:
        return _json(await running)
    except RewardwrapError as error:
        return _json({"error": str(error)}, 409)


def _own(name: str) -> str:
    return resources.files("rewardwrap.llm").joinpath(name).read_text(encoding="utf-8")


def _json(content: Any, status: int = 200) -> Response:
    from starlette.responses import JSONResponse

    return JSONResponse(content, status_code=status, headers={"cache-control": "no-store"})


def _text(content: str, kind: str) -> Response:
    from starlette.responses import Response

    return Response(content, media_type=kind, headers={"cache-control": "no-store"})

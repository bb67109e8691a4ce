"""From a folder of episodes to a page that runs: what ``rewardwrap label`` does."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from rewardwrap.annotate.clips import Clips, environment_of
from rewardwrap.annotate.database import Database, set_meta
from rewardwrap.annotate.desk import Desk
from rewardwrap.annotate.page import QUESTION, Page, new_token
from rewardwrap.annotate.pool import add_pairs, asked_keys, draw, same_data
from rewardwrap.core.errors import ConfigError, extra
from rewardwrap.data import EpisodeStore

HOST = "127.0.0.1"
PAIRS, LENGTH = 100, 50
MOST_REFILLS = 3
"""Pairs drawn at most, in multiples of the goal, however many are skipped."""
STARTING = 60.0
"""Seconds within which a server must listen."""


@dataclass(frozen=True)
class Labelling:
    """What is to be labelled, and how.

    Args:
        store: The episodes.
        out: The file of judgements.
        pairs: How many pairs are to be answered; None leaves what the file says.
        length: Steps of a clip; where left out `LENGTH`, or the median episode's where that is less.
        seed: Of pairs, sides and repeats.
        overlap: How many labelers see each pair.
        repeats: Share of own answers that are asked again.
        env: Environment the episodes come from; the one they name themselves where left out.
        catalog: Folders with further recipes.
        plain: Numbers over time instead of drawings.
        labeler: Name to begin with.
        question: What the page asks.

    Raises:
        ConfigError: A share or number outside its range.
    """

    store: EpisodeStore
    out: Path
    pairs: int | None = None
    length: int | None = None
    seed: int = 0
    overlap: int = 1
    repeats: float = 0.1
    env: str | None = None
    catalog: tuple[str, ...] = ()
    plain: bool = False
    labeler: str = ""
    question: str = QUESTION

    def __post_init__(self) -> None:
        if not 0 <= self.repeats <= 0.5:
            raise ConfigError(
                f"repeats must lie in [0, 0.5], got {self.repeats}. 0.1 asks every tenth pair again."
            )
        if self.overlap < 1:
            raise ConfigError(
                f"overlap must be at least 1, got {self.overlap}. 1 asks each pair once."
            )

    @contextmanager
    def page(self) -> Iterator[Page]:
        """Open the file, see that there are pairs, and put the page together."""
        for module in ("starlette", "uvicorn"):
            extra(module, needs="rewardwrap label", install="ui")
        with Database(self.out, create=True) as database:
            same_data(database, self.store)
            self._fill(database)
            desk = Desk(
                database,
                overlap=self.overlap,
                repeats=self.repeats,
                seed=self.seed,
                refill=lambda missing: self._refill(database, missing),
            )
            clips = Clips(
                self.store,
                self.env or environment_of(self.store),
                catalog=self.catalog,
                plain=self.plain,
            )
            token = database.meta("token") or new_token()
            with database.write() as connection:
                # kept, so that a page that is open goes on after the server was stopped
                set_meta(connection, "token", token)
            yield Page(desk, clips, token, self.labeler, self.question)

    def _fill(self, database: Database) -> None:
        """Pairs up to the goal; those that are there stay."""
        there = len(asked_keys(database))
        before = int(database.meta("goal", "0"))
        goal = self.pairs or before or PAIRS
        missing = max(goal, before) - there
        if missing > 0:
            self._add(database, missing)
        if goal != before:
            with database.write() as connection:
                set_meta(connection, "goal", goal)

    def _refill(self, database: Database, missing: int) -> None:
        room = MOST_REFILLS * int(database.meta("goal", "0")) - len(asked_keys(database))
        if room > 0:
            self._add(database, min(missing, room))

    def _add(self, database: Database, count: int) -> None:
        asked = asked_keys(database)
        seed = self.seed + len(asked)
        usual = min(LENGTH, int(np.median(self.store.lengths))) if len(self.store) else LENGTH
        pairs = draw(self.store, self.length or usual, count, seed=seed, asked=asked)
        add_pairs(database, pairs, seed=seed)


class Servable(Protocol):
    """A page behind a token."""

    @property
    def token(self) -> str:
        """First part of every address."""
        ...

    def application(self) -> Any:
        """The ASGI application."""
        ...


@contextmanager
def running(page: Servable, port: int = 0) -> Iterator[str]:
    """Serve on 127.0.0.1 in a thread; yields the address with its token.

    Args:
        page: What is served.
        port: 0 takes a free one.

    Raises:
        ConfigError: The port is taken.
    """
    import uvicorn

    with _socket(port) as listening:
        server = uvicorn.Server(_config(page))
        thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
        thread.start()
        deadline = time.monotonic() + STARTING
        while not server.started and thread.is_alive() and time.monotonic() < deadline:
            time.sleep(0.01)
        try:
            yield address(page, listening)
        finally:
            server.should_exit = True
            thread.join()


def serve(page: Page, port: int, *, ready: Callable[[str], None]) -> None:
    """Serve until Ctrl+C; ``ready`` gets the address first."""
    import uvicorn

    with _socket(port) as listening:
        server = uvicorn.Server(_config(page))
        ready(address(page, listening))
        server.run([listening])


def address(page: Servable, listening: socket.socket) -> str:
    """What to open in a browser."""
    return f"http://{HOST}:{listening.getsockname()[1]}/{page.token}/"


def _config(page: Servable) -> Any:
    import uvicorn

    return uvicorn.Config(
        page.application(), log_level="warning", access_log=False, timeout_graceful_shutdown=3,
        server_header=False, ws="none", lifespan="off",
    )  # fmt: skip


@contextmanager
def _socket(port: int) -> Iterator[socket.socket]:
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if os.name == "posix":  # elsewhere it would share a port that is taken
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, port))
        listening.listen(64)
    except OSError as error:
        listening.close()
        raise ConfigError(
            f"--port must be free, got {port} ({error.strerror}). Leave it out for a free one."
        ) from error
    with listening:
        yield listening

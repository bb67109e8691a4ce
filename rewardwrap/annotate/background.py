"""Annotators that answer beside the training, which never waits for them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Generic, TypeVar

import numpy as np

from rewardwrap.annotate.annotator import AnnotatorError, Query, Synchronous, Ticket, together
from rewardwrap.core.errors import ConfigError
from rewardwrap.core.transitions import FloatArray
from rewardwrap.data import Preferences

Q = TypeVar("Q")
A = TypeVar("A")


class Stack(Generic[Q, A]):
    """Questions that threads answer, the newest first; who puts them in never waits.

    Args:
        answer: Called in a thread; it should have a deadline of its own.
        workers: Threads; 0: questions are answered when `poll` is called, which then waits.
        most: Questions that wait at most; the oldest is dropped for a newer one.

    Attributes:
        dropped: Questions that were, so far.

    Raises:
        ConfigError: A number outside its range.
    """

    def __init__(self, answer: Callable[[Q], A], *, workers: int = 1, most: int = 1000) -> None:
        if workers < 0 or most < 1:
            raise ConfigError(
                f"workers must be at least 0 and most at least 1, got {workers} and {most}. "
                "Use 1 and 1000."
            )
        self._answer, self.most, self.dropped = answer, most, 0
        self._waiting: deque[Q] = deque()
        self._failed: deque[Q] = deque()
        self._running: list[Future[tuple[Q, A] | None]] = []
        self._pool = ThreadPoolExecutor(workers, "annotator") if workers else None

    @property
    def waiting(self) -> int:
        """Questions that nobody has begun to answer."""
        return len(self._waiting)

    def put(self, question: Q) -> Q | None:
        """Ask; returns the question that was dropped for it, if any."""
        dropped = None
        if len(self._waiting) >= self.most:
            with suppress(IndexError):  # a thread took it in between
                dropped = self._waiting.popleft()
                self.dropped += 1
        self._waiting.append(question)
        if self._pool is not None:
            self._running.append(self._pool.submit(self._newest))
        return dropped

    def poll(self) -> tuple[list[tuple[Q, A]], list[Q], BaseException | None]:
        """Answers since the last call, questions whose answer raised, and the last error."""
        found, error = [], None
        if self._pool is None:
            while (one := self._newest()) is not None:
                found.append(one)
        ended = [future for future in self._running if future.done()]
        self._running = [future for future in self._running if not future.done()]
        for future in ended:
            error = future.exception() or error
            if future.exception() is None and (pair := future.result()) is not None:
                found.append(pair)
        failed = [self._failed.popleft() for _ in range(len(self._failed))]
        return found, failed, error

    def close(self) -> None:
        """Ask no more; an answer under way is not waited for."""
        self._waiting.clear()
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)

    def _newest(self) -> tuple[Q, A] | None:
        try:
            question = self._waiting.pop()
        except IndexError:  # dropped, or taken by another thread
            return None
        answered = False
        try:
            said = self._answer(question)
            answered = True
        finally:
            if not answered:
                self._failed.append(question)
        return question, said


class Background:
    """Any annotator that answers at once, asked in a thread: `submit` returns, `poll` has what came.

    For annotators whose answers take time, such as a `Judge`: the loop of preferences goes on training.

    Args:
        annotator: Who answers.
        workers: Queries that are answered at a time.
        most: Queries that wait at most; the oldest is dropped for a newer one.

    Raises:
        ConfigError: A number outside its range.

    Example:
        ``PreferenceLoop("out", annotator=Background(Judge(client, render, "Prefer the faster one.")))``
    """

    def __init__(self, annotator: Synchronous, *, workers: int = 1, most: int = 1000) -> None:
        self.annotator = annotator
        self._stack: Stack[tuple[Ticket, Query], FloatArray] = Stack(
            lambda asked: annotator.answer(asked[1]), workers=workers, most=most
        )
        self._asked = 0

    def submit(self, query: Query) -> Ticket:
        """Take the questions in; returns at once."""
        ticket = Ticket(self._asked, len(query))
        self._asked += len(query)
        if len(query):
            self._stack.put((ticket, query))
        return ticket

    def poll(self) -> Preferences | None:
        """Answers that came since the last call, or None.

        Raises:
            AnnotatorError: The annotator raised, and nothing else came; the next call has what came later.
        """
        found, _, error = self._stack.poll()
        if found:
            return together([self._said(*asked, said) for asked, said in found])
        if error is not None:
            raise AnnotatorError(
                f"annotator must answer every query, got {type(error).__name__}: {error}. "
                "Mend it and go on: what was answered before is kept."
            ) from error
        return None

    def close(self) -> None:
        """Ask no more."""
        self._stack.close()

    def _said(self, ticket: Ticket, query: Query, said: FloatArray) -> Preferences:
        numbers = ticket.first + np.arange(len(query))
        names = np.full(len(query), self.annotator.name)
        return Preferences(query.a, query.b, said, annotator=names, group=numbers)

"""Whoever answers questions about clips: at once, or when they get round to it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from rewardwrap.core.errors import RewardwrapError
from rewardwrap.core.transitions import FloatArray
from rewardwrap.data import DataError, Fragments, Preferences


@dataclass(frozen=True, eq=False)
class Query:
    """n questions "which clip is better".

    Args:
        a: n clips.
        b: n clips of the same store.

    Raises:
        DataError: Another number of clips on either side, or two stores.
    """

    a: Fragments
    b: Fragments

    def __post_init__(self) -> None:
        if len(self.a) != len(self.b) or self.a.store is not self.b.store:
            raise DataError(
                "a query must hold as many clips a as clips b, of one store, got "
                f"{len(self.a)} and {len(self.b)}. Draw both from the same store."
            )

    def __len__(self) -> int:
        return len(self.a)

    def swapped(self) -> Query:
        """The same questions with a and b exchanged."""
        return Query(self.b, self.a)


@dataclass(frozen=True)
class Ticket:
    """The numbers of the questions that a query became: ``first .. first + count - 1``.

    They are what ``Preferences.group`` holds in the answers.
    """

    first: int
    count: int


class AnnotatorError(RewardwrapError, RuntimeError):
    """Whoever was asked beside a training does not answer."""


class Annotator(Protocol):
    """Takes questions now and answers them whenever it can; training goes on in between."""

    def submit(self, query: Query) -> Ticket:
        """Take the questions in."""
        ...

    def poll(self) -> Preferences | None:
        """Answers that came since the last call, or None; ``group`` is the question's number."""
        ...


class Synchronous(ABC):
    """An annotator that answers as soon as it is asked.

    Args:
        name: Who says so; goes into ``Preferences.annotator``.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._asked = 0
        self._waiting: list[Preferences] = []

    @abstractmethod
    def answer(self, query: Query) -> FloatArray:
        """``(n,)`` P(b better): 0.5 for a tie, NaN for a skipped question."""

    def submit(self, query: Query) -> Ticket:
        """Answer, and keep the answers for `poll`."""
        ticket = Ticket(self._asked, len(query))
        self._asked += len(query)
        if len(query):
            numbers = ticket.first + np.arange(len(query))
            names = np.full(len(query), self.name)
            said = self.answer(query)
            self._waiting.append(
                Preferences(query.a, query.b, said, annotator=names, group=numbers)
            )
        return ticket

    def poll(self) -> Preferences | None:
        """All answers since the last call, one query after the other; None where there are none."""
        waiting, self._waiting = self._waiting, []
        return together(waiting) if waiting else None


def together(parts: list[Preferences]) -> Preferences:
    """Answers over one store, one after the other.

    Raises:
        DataError: They lie in two stores.
    """
    first = parts[0].store
    if any(part.store is not first for part in parts):
        raise DataError(
            "answers must lie in one store to be joined, got several. Poll before asking about "
            "another store."
        )

    def clips(side: str) -> Fragments:
        own = [getattr(part, side) for part in parts]
        return Fragments(
            first,
            *(np.concatenate([getattr(c, n) for c in own]) for n in ("episode", "start", "length")),
        )

    return Preferences(
        clips("a"),
        clips("b"),
        *(
            np.concatenate([getattr(part, n) for part in parts])
            for n in ("preferred", "weight", "annotator", "group")
        ),
    )

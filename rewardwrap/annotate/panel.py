"""A society of judges: who hears whom, and whose word counts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np

from rewardwrap.annotate.annotator import Query, Synchronous
from rewardwrap.core.errors import ConfigError, UnknownName
from rewardwrap.core.transitions import FloatArray

Structure: TypeAlias = Literal["monarchy", "democracy", "market"]
STRUCTURES = ("monarchy", "democracy", "market")


class Panel(Synchronous):
    """Several annotators as one: under a leader, by vote, or by what they stake.

    Before the verdict there are ``rounds`` of talk: each member that has ``hear(query, said)`` answers
    again, told what all said last, ``(m, n)``. Then, for each question,

    * ``"monarchy"``: the leader's answer stands; where the leader skips, the others vote;
    * ``"democracy"``: the most frequent answer of all; a draw is a tie;
    * ``"market"``: each member stakes the share ``stake`` of its credits on its answer, and the answer with
      the most credits on it stands. When the truth is known, `settle` pays all stakes to those who were
      right, in proportion to theirs; where nobody was, each takes its own back. So the sum of credits
      never changes, and credits end with the members that are right.

    Members that err independently with chance e < 1/2 err together as the binomial law says:
    ``P(more than half of m err)``.

    Args:
        members: One or more that answer at once.
        structure: See above.
        leader: Number of the monarch.
        rounds: Of talk.
        stake: Of the market, in (0, 1].
        least: Answers that a question needs; with fewer it is skipped.
        truth: Of a market: query -> ``(n,)`` P(b better) as it turned out, NaN where nobody knows. Each
            question is settled by it right after its verdict, which does not read it. None: call `settle`.
        name: For the record.

    Raises:
        ConfigError: No members, a leader that is none of them, or a stake outside its range.
        UnknownName: Another structure.

    Source: Zhuge et al., Mindstorms in natural language-based societies of mind, 2023, arXiv 2305.17066, 2.3
        (monarchical, democratic) and 3 (an economy of minds). Deviations: messages are answers, not
        sentences; a market pays by shares of the pot, as a totalisator does.
    """

    def __init__(
        self,
        members: Sequence[Synchronous],
        *,
        structure: Structure | str = "democracy",
        leader: int = 0,
        rounds: int = 0,
        stake: float = 0.1,
        least: int = 1,
        truth: Callable[[Query], Any] | None = None,
        name: str = "panel",
    ) -> None:
        super().__init__(name)
        self.members, self.society = (
            tuple(members),
            Society(len(members), structure, leader, stake, least),
        )
        if rounds < 0:
            raise ConfigError(f"Panel: rounds must be at least 0, got {rounds}. 0 is no talk.")
        self.rounds, self.truth = rounds, truth
        self._last = np.zeros((len(members), 0))

    @property
    def credits(self) -> FloatArray:
        """``(m,)``, 1 each at first."""
        return self.society.credits

    def answer(self, query: Query) -> FloatArray:
        """Ask all, let them talk, give the verdict."""
        said = np.stack([each.answer(query) for each in self.members])
        for _ in range(self.rounds):
            heard = [
                each.hear(query, said) if hasattr(each, "hear") else said[k]
                for k, each in enumerate(self.members)
            ]
            said = np.stack(heard)
        self._last = said
        if self.truth is None:
            return self.society.verdict(said)
        true, found = np.asarray(self.truth(query), np.float64), []
        for k in range(len(query)):
            found.append(self.society.verdict(said[:, k : k + 1]))
            self.society.settle(said[:, k : k + 1], true[k : k + 1])
        return np.concatenate(found) if found else np.zeros(0)

    def settle(self, truth: Any) -> None:
        """Pay the stakes of the last query, question by question.

        Args:
            truth: ``(n,)`` P(b better) as it turned out; 1/2 is a tie, NaN pays nobody.
        """
        self.society.settle(self._last, np.asarray(truth, np.float64))


class Listener(Synchronous):
    """A member that changes its mind where more than ``trust`` of the others contradict it.

    Args:
        of: Who answers first.
        place: Its number in the panel, whose own words it does not count.
        trust: Share of the others, in [0, 1].
    """

    def __init__(self, of: Synchronous, *, place: int, trust: float = 0.5) -> None:
        super().__init__(of.name)
        self.of, self.place, self.trust = of, place, trust

    def answer(self, query: Query) -> FloatArray:
        return self.of.answer(query)

    def hear(self, query: Query, said: FloatArray) -> FloatArray:
        """``(m, n)`` -> ``(n,)``: its answer after the talk."""
        own, others = said[self.place], np.delete(said, self.place, axis=0)
        against = (sides(others) * sides(own) < 0).sum(0) > self.trust * (~np.isnan(others)).sum(0)
        return np.where(np.isnan(own) | against, vote(others), own)


@dataclass
class Society:
    """The rules of a `Panel` on arrays: ``(m, n)`` answers become ``(n,)``.

    Raises:
        ConfigError: See `Panel`.
    """

    members: int
    structure: str = "democracy"
    leader: int = 0
    stake: float = 0.1
    least: int = 1
    credits: FloatArray = field(init=False)

    def __post_init__(self) -> None:
        if self.members < 1:
            raise ConfigError("Panel: members must be one or more, got none. Name some.")
        if self.structure not in STRUCTURES:
            raise UnknownName("structure", self.structure, STRUCTURES)
        if not 0 <= self.leader < self.members:
            raise ConfigError(
                f"Panel: leader must be one of {self.members} members, got {self.leader}. Count from 0."
            )
        if not 0.0 < self.stake <= 1.0:
            raise ConfigError(f"Panel: stake must lie in (0, 1], got {self.stake}. Use 0.1.")
        if not 1 <= self.least <= self.members:
            raise ConfigError(
                f"Panel: least must be from 1 to its {self.members} members, got {self.least}. Use 1."
            )
        self.credits = np.ones(self.members)

    def verdict(self, said: FloatArray) -> FloatArray:
        """What is said in the name of all."""
        if self.structure == "democracy":
            return vote(said, least=self.least)
        if self.structure == "market":
            return vote(said, least=self.least, weight=self.stake * self.credits)
        own = said[self.leader]
        return np.where(np.isnan(own), vote(said, least=self.least), own)

    def settle(self, said: FloatArray, truth: FloatArray) -> None:
        """Move credits to those who were right, one question after the other."""
        if self.structure != "market":
            raise ConfigError(
                f"Panel: only a market must be settled, got a {self.structure}. Leave it out."
            )
        for words, true in zip(said.T, truth, strict=True):
            staked = np.where(np.isnan(words), 0.0, self.stake * self.credits)
            right = np.where(sides(words) == sides(true), staked, 0.0)
            if np.isnan(true) or not right.any():
                continue
            self.credits = self.credits - staked + staked.sum() * right / right.sum()


def sides(said: Any) -> Any:
    """-1 for a, 0 for a tie, 1 for b; NaN stays."""
    return np.sign(np.asarray(said) - 0.5)


def vote(votes: FloatArray, *, least: int = 1, weight: Any = 1.0) -> FloatArray:
    """``(m, n)`` answers -> ``(n,)``: the heaviest of a, tie, b; a draw among them is a tie.

    An answer counts for the side it leans to: above 0.5 for b, below for a.

    Args:
        votes: NaN is no answer.
        least: Answers that a question needs; with fewer it is skipped.
        weight: Of each member, ``(m,)``; alike where left out.

    >>> vote(np.array([[1.0, 0.0, np.nan], [1.0, 1.0, np.nan], [0.0, 0.5, np.nan]]))
    array([1. , 0.5, nan])
    """
    heavy = np.broadcast_to(np.asarray(weight, np.float64), len(votes))[:, None]
    sides = np.stack([votes < 0.5, votes == 0.5, votes > 0.5])
    weighed = (sides * heavy).sum(1)
    most = weighed.max(axis=0)
    # rounding must not decide a draw of weights
    draw = (weighed >= most * (1.0 - 1e-12)).sum(axis=0) > 1
    said = np.where(draw, 0.5, np.array([0.0, 0.5, 1.0])[weighed.argmax(axis=0)])
    said[sides.sum((0, 1)) < least] = np.nan
    return said

"""One reward on one tape: what the rules of the contract are put to."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from rewardwrap.core.reward import Reward
from rewardwrap.testing import hosts
from rewardwrap.testing.tapes import Tape


@dataclass(frozen=True)
class Case:
    """One reward on one tape, with what it learned there."""

    fresh: Reward
    reward: Reward
    tape: Tape
    tolerance: float
    rng: np.random.Generator

    def clone(self) -> Reward:
        """The reward after learning, with knowledge of its own."""
        return copy.deepcopy(self.reward)

    def same(self, rule: str, got: Any, want: Any, cure: str) -> None:
        """Raise unless two ``(steps, lanes)`` arrays agree."""
        got, want = np.asarray(got), np.asarray(want)
        if got.shape != want.shape:
            raise broken(self.fresh, rule, f"shape {got.shape} instead of {want.shape}", cure)
        wrong = np.argwhere(~np.isclose(got, want, rtol=self.tolerance, atol=self.tolerance))
        if len(wrong):
            at = tuple(wrong[0])
            where = f"{got[at]:.9g} instead of {want[at]:.9g} at (step, lane) {tuple(map(int, at))}"
            raise broken(self.fresh, rule, where, cure)

    def pays_alike(self, rule: str, tape: Tape, cure: str) -> None:
        """Raise unless another tape is paid what this one is; where it draws, by equal draws."""
        self.same(rule, hosts.pay(self.clone(), tape), hosts.pay(self.clone(), self.tape), cure)


Rule = Callable[[Case], str | None]


def broken(reward: Reward, rule: str, got: str, cure: str) -> AssertionError:
    """The error for a broken rule."""
    return AssertionError(f"{type(reward).__name__} must {rule}, got {got}. {cure}")


def stochastic(reward: Reward) -> bool:
    """Whether some part draws random numbers."""
    return any(node.stochastic for node in reward.walk())


def learns(reward: Reward) -> bool:
    """Whether some part learns while training."""
    return any(node.learns for node in reward.walk())

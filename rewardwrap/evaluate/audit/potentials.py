"""Whether every potential of a reward telescopes, as it must for the optimal policy to stay.

For ``F_t = gamma * Phi(s_{t+1}) - Phi(s_t)`` the discounted sum over an episode is
``gamma^T Phi(s_T) - Phi(s_0)`` with ``Phi = 0`` where the task terminated. Both ends are read when the
episode begins and ends, so potentials that are learned meanwhile pass as well.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rewardwrap.core import tree
from rewardwrap.core.info import NO_INFO, Info
from rewardwrap.core.reward import Affine, Named, Reward, Sum
from rewardwrap.core.task import Task
from rewardwrap.core.terms import with_every_term_named
from rewardwrap.core.transitions import Transitions
from rewardwrap.rewards.potential import Potential

FloatArray = NDArray[np.float64]

TOLERANCE = 1e-6
"""Residual above which the telescope counts as broken, for ``|Phi|`` up to 1; it grows with Phi."""


@dataclass(frozen=True, eq=False)
class Checked:
    """A potential that is paid as an addend of its own.

    Args:
        name: Of the term.
        potential: The potential.
        scale: What it is multiplied by.
        altered: Why it is no plain potential (a bound, a shift), or "".
    """

    name: str
    potential: Potential
    scale: float
    altered: str = ""


def addends(reward: Reward) -> dict[str, Reward]:
    """Term name -> reward of everything that is added to the pay directly."""
    named = with_every_term_named(reward)
    terms = named.terms if isinstance(named, Sum) else (named,)
    return {term.name: term.base for term in terms if isinstance(term, Named)}


def checked(reward: Reward) -> tuple[list[Checked], list[str]]:
    """The potentials that can be checked, and a sentence for each that cannot."""
    found, left = [], []
    for name, base in addends(reward).items():
        scale, altered, core = 1.0, "", base
        while isinstance(core, Affine):
            scale *= core.scale
            if core.low is not None or core.high is not None:
                altered = "is bounded after shaping"
            elif core.shift:
                altered = "has a constant added"
            core = core.base
        if isinstance(core, Potential):
            found.append(Checked(name, core, scale, altered))
        elif any(isinstance(node, Potential) for node in core.walk()):
            left.append(
                f'The potential inside "{name}" was not checked: it is not an addend of its own, '
                "and what surrounds it may break the telescope."
            )
    return found, left


class Telescope:
    """Reads the potentials of a reward at states, and compares what they paid with both ends.

    Args:
        potentials: From `checked`.
        task: Named fields.
        gamma: Discount of the learner.
        lanes: Number of lanes.
    """

    def __init__(self, potentials: list[Checked], task: Task, gamma: float, lanes: int) -> None:
        self.potentials, self.task, self.gamma, self.lanes = potentials, task, gamma, lanes
        # undiscounted, from an empty carry, a potential pays Phi(s'): its public face is enough
        self._readers = [replace(p.potential, gamma=1.0) for p in potentials]
        self._batches: dict[int, Transitions] = {}

    def residual(
        self,
        paid: FloatArray,
        lengths: NDArray[np.int64],
        first: FloatArray,
        last: FloatArray,
        terminated: NDArray[np.bool_],
    ) -> FloatArray:
        """``sum gamma^t F_t - (gamma^T Phi(s_T) - Phi(s_0))`` of each potential, over its size.

        Args:
            paid: ``(n, p)`` discounted sums of the potentials' terms over ``n`` episodes.
            lengths: ``(n,)`` steps.
            first: ``(n, p)`` ``Phi(s_0)``.
            last: ``(n, p)`` ``Phi(s_T)``, whether they terminated or not.
            terminated: ``(n,)`` whether the task ended there.

        Returns:
            ``(n, p)`` residuals relative to the larger ``|Phi|`` at both ends, at least 1.
        """
        scale = np.array([one.scale for one in self.potentials])
        always = np.array([p.potential.on_truncation == "terminal" for p in self.potentials], bool)
        kept = np.where(terminated[:, None] | always, 0.0, last)
        expected = scale * (self.gamma ** lengths[:, None] * kept - first)
        size = np.maximum(1.0, np.abs(scale) * np.maximum(np.abs(first), np.abs(last)))
        found: FloatArray = (paid - expected) / size
        return found

    def read(self, obs: Any, info: Info = NO_INFO) -> FloatArray:
        """``Phi`` of every potential, ``(p, B)``."""
        lanes = tree.size(obs)
        batch = self._batches.get(lanes)
        if batch is None:
            nobody, zeros = np.zeros(lanes, bool), np.zeros(lanes)
            batch = self._batches[lanes] = Transitions(
                obs=obs, action=None, next_obs=obs, reward=zeros, terminated=nobody,
                truncated=nobody, first=nobody, training=False, task=self.task, starts=False,
                ends=False,
            )  # fmt: skip
        batch.obs = batch.next_obs = obs
        batch.info = batch.info_before = info
        zeros = batch.reward
        return np.array([reader.step(zeros, batch)[1] for reader in self._readers])

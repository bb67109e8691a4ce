"""How cheaply a whole episode is moved onto the nearest demonstration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY
from pathlib import Path
from typing import Any, Literal

import numpy as np

from rewardwrap.core.errors import ConfigError, extra
from rewardwrap.core.transitions import FloatArray
from rewardwrap.rewards.frozen import thaw
from rewardwrap.rewards.matched import Matched
from rewardwrap.rewards.sealed import read_model
from rewardwrap.scores.contract import register_score
from rewardwrap.scores.coupling import by_pot, exact, sinkhorn
from rewardwrap.scores.reading import finished


@register_score("transport")
class Transport:
    """``-min_d sum_tj P_tj C_tj``: minus what moving the steps of an episode onto a demonstration d costs.

    Of all demonstrations the cheapest counts. P is the coupling of even masses that costs least; its row t
    is what step t owes, so ``r_t = -sum_j P_tj C_tj`` (`steps`) sums to the score. It is known when the
    episode is complete: give it to `rw.make_grouped`, ``rewardwrap train --score``, or label logs with
    ``steps``. The order of an episode's steps does not matter: read ``obs,next_obs``, or add the time, where
    it should.

    Args:
        path: What ``rewardwrap fit demonstrations DIR --method ot`` (or ``pwil``) wrote.
        epsilon: Weight of the entropy (Sinkhorn), in units of the cost; 0: the exact coupling.
        cost: ``"cosine"``: one minus the cosine, in [0, 2]; ``"euclidean"``: the distance, in deviations.
        iterations: Of Sinkhorn, at most.
        solver: ``"own"``, or ``"pot"``, which is quicker for exact couplings of unequal lengths and must be
            installed (``rewardwrap[ot]``).

    Raises:
        ConfigError: A model of something else, a negative epsilon, another cost or solver.
        MissingExtra: The solver is not installed.

    Source: Luo et al., "Optimal transport for offline imitation learning" (OTR), 2023, arXiv 2303.13971:
        cosine cost, epsilon .01, 100 iterations, the best demonstration. Deviations: no squashing (multiply,
        or `rw.Tanh`); plans are rounded to exact marginals; masses are even over an episode's own steps.

    Example:
        >>> import rewardwrap as rw
        >>> near = rw.Transport("model/")  # doctest: +SKIP
        >>> venv = rw.make("CartPole-v1", rw.Grouped(near, group=1, centred=False))  # doctest: +SKIP
    """

    path: str
    _: KW_ONLY
    epsilon: float = 0.01
    cost: Literal["cosine", "euclidean"] = "cosine"
    iterations: int = 100
    solver: Literal["own", "pot"] = "own"

    def __post_init__(self) -> None:
        if not self.epsilon >= 0 or self.iterations < 1:
            raise ConfigError(
                f"Transport: epsilon must be at least 0 and iterations at least 1, got {self.epsilon} and "
                f"{self.iterations}. 0 is the exact coupling."
            )
        if self.cost not in ("cosine", "euclidean"):
            raise ConfigError(
                f'Transport: cost must be "cosine" or "euclidean", got {self.cost!r}. Choose one.'
            )
        if self.solver not in ("own", "pot"):
            raise ConfigError(
                f'Transport: solver must be "own" or "pot", got {self.solver!r}. Choose one.'
            )
        if self.solver == "pot":
            extra("ot", needs="The solver pot", install="ot")
        found = thaw(*(read_model(Path(self.path))))
        if not isinstance(found, Matched):
            raise ConfigError(
                f"Transport: model must hold demonstrations, got {self.path}, which is something else. "
                "Fit it "
                "with rewardwrap fit demonstrations DIR --method ot --out MODEL."
            )
        object.__setattr__(self, "_matched", found)

    def __call__(self, episodes: Sequence[Any]) -> FloatArray:
        return np.array([self.steps(episode).sum() for episode in episodes])

    def steps(self, episode: Any) -> FloatArray:
        """``r_t`` of each step, ``(T,)``, at most 0."""
        matched: Matched = self._matched  # type: ignore[attr-defined]
        own = matched.encode(finished(episode).transitions())
        paid = []
        for shown in matched.episodes():
            cost = self._cost(own, shown)
            plan = self._plan(cost)
            paid.append(-(plan * cost).sum(axis=1))
        return max(paid, key=np.sum)

    def _plan(self, cost: FloatArray) -> FloatArray:
        if self.solver == "pot":
            return by_pot(cost, self.epsilon, iterations=self.iterations)
        if self.epsilon:
            return sinkhorn(cost, self.epsilon, iterations=self.iterations)
        return exact(cost)

    def _cost(self, own: FloatArray, shown: FloatArray) -> FloatArray:
        if self.cost == "euclidean":
            return np.asarray(np.linalg.norm(own[:, None] - shown[None], axis=2))
        lengths = [np.maximum(np.linalg.norm(x, axis=1), 1e-12) for x in (own, shown)]
        cosine = (own @ shown.T) / np.outer(*lengths)
        return np.asarray(1.0 - np.clip(cosine, -1.0, 1.0))

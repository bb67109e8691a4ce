"""A bonus for what several forward models do not agree about."""

from __future__ import annotations

from dataclasses import KW_ONLY
from typing import Any, ClassVar

import numpy as np

from rewardwrap.core.registry import register
from rewardwrap.rewards.curiosity import Nets, Sizes, Student
from rewardwrap.rewards.limits import require_count
from rewardwrap.rewards.reading import Seen
from rewardwrap.rewards.weights import beside


@register("disagreement")
class Disagreement(Student):
    """``mean_d Var_m h_m(s, a)_d``: the variance of M models' forecasts of ``s'``.

    Models that know too little err each in its own way; where there are data they agree, on the mean
    where the outcome is random. So noise stops to be new, which an error of forecast never does.

    Args:
        models: M, at least 2; each leaves out another M-th of every minibatch.
        hidden: Units of the hidden layer of each model.
        every: Steps of all lanes together between two updates; about a rollout.
        rate: Learning rate.
        seed: Of the first weights and of the order of what is learned.
        normalise: Whether to divide by the running deviation of the discounted sum.
        gamma: Discount of that sum, in [0, 1].

    Raises:
        ConfigError: A number outside its range; observations or actions that are no numbers.

    Source: Pathak, Gandhi, Gupta, "Self-supervised exploration via disagreement", 2019,
        arXiv 1906.04161, equation 1. Deviations: forecasts are of the observation on one scale (of
        fixed random features of an image); the bonus pays, and is not differentiated.

    Example:
        >>> import rewardwrap as rw
        >>> venv = rw.make("MountainCar-v0", rw.EnvReward() + 0.1 * rw.Disagreement().clip(0, 1))
    """

    sizes: ClassVar[tuple[str, ...]] = ("hidden",)
    reads: ClassVar[tuple[str, ...]] = ("obs", "action", "next_obs")

    _: KW_ONLY
    models: int = 5
    hidden: int = 64

    def __post_init__(self) -> None:
        super().__post_init__()
        require_count(self, "models", "One model agrees with itself.", low=2)

    def learned(self, width: int, actions: int) -> Sizes:
        return {f"model{m}": (width + actions, self.hidden, width) for m in range(self.models)}

    def novelty(self, nets: Nets, seen: Seen) -> Any:
        known = beside(seen.x, seen.a)
        told = np.stack([nets[f"model{m}"](known) for m in range(self.models)])
        return told.var(axis=0).mean(axis=-1)

    def loss(self, nets: Nets, seen: Seen) -> Any:
        known = beside(seen.x, seen.a)
        error = 0.0
        for m in range(self.models):
            own = np.flatnonzero(np.arange(len(known)) % self.models != m)
            error = error + ((nets[f"model{m}"](known[own]) - seen.y[own]) ** 2).mean()
        return error

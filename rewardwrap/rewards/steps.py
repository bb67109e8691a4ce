"""Steps found in a few demonstrations, paid as progress."""

from __future__ import annotations

from typing import Any

import numpy as np

from rewardwrap.core.errors import ConfigError
from rewardwrap.core.registry import register
from rewardwrap.core.transitions import FloatArray, Transitions
from rewardwrap.rewards.learned_potential import LearnedPotential
from rewardwrap.rewards.step_model import StepModel


@register("steps")
class Steps(LearnedPotential):
    """``F = gamma Phi' - Phi``, Phi the share of a task's steps that are done, seen in a few demonstrations.

    Demonstrations are cut into n steps (`rewardwrap.rewards.segments`); each step g is a Gaussian of the
    features that tell its frames from all others, ``z_j = 5 |mu+ - mu-| - (sd+ + sd-)``, and
    ``R_g(x) = -1/k sum_j (x_j - mu_gj)^2 / sd_gj^2``. Phi is the mean of ``g / (n - 1)`` weighted by
    ``softmax(R_g)``: 0 in the first step, 1 in the last. States alone are read, so whoever demonstrated may
    have
    had another body. With ``record`` Phi never falls within an episode, which makes it depend on the past.

    Args:
        path: What ``rewardwrap fit demonstrations DIR --method steps --out MODEL`` wrote.
        gamma: Discount of the *agent*, in [0, 1]; None takes the run's.
        raw: Pay Phi after each step instead, which pays for staying in the last step.
        on_truncation: As of `rw.Potential`.
        record: Whether Phi is the highest so far in the episode.

    Raises:
        ConfigError: A model of something else, gamma outside [0, 1] or not set anywhere.

    Source: Sermanet et al., "Unsupervised perceptual rewards for imitation learning", 2016, arXiv 1612.06699,
        section 3. Deviations: cuts by squared error (the printed cost is an option), the variance where the
        paper prints the deviation (an option too), a softmax in place of the appendix's thresholds, paid as
        a potential, and features are the environment's numbers.

    Example:
        >>> import rewardwrap as rw
        >>> reward = rw.EnvReward() + rw.Steps("steps/", gamma=0.99)  # doctest: +SKIP
    """

    record: bool = False

    def begin(self, batch: Transitions) -> tuple[FloatArray, ...]:
        return (self._net()(batch),)

    def follow(self, before: tuple[FloatArray, ...], batch: Transitions) -> tuple[FloatArray, ...]:
        after = self._net()(batch)
        return (np.maximum(before[0], after) if self.record else after,)

    def _take(self, document: dict[str, Any], packed: bytes) -> None:
        super()._take(document, packed)
        if not isinstance(self.__dict__["_frozen"], StepModel):
            raise ConfigError(
                f"Steps: model must hold steps of demonstrations, got one fitted by "
                f"{document['objective']}. Fit "
                "it with rewardwrap fit demonstrations DIR --method steps --out MODEL."
            )

"""A bonus for what a network cannot foretell yet of another that never changes."""

from __future__ import annotations

from dataclasses import KW_ONLY
from typing import Any, ClassVar

import numpy as np

from rewardwrap.core.registry import register
from rewardwrap.core.transitions import Carry, Transitions
from rewardwrap.rewards.curiosity import Mind, Nets, Sizes, Student
from rewardwrap.rewards.reading import Seen


@register("rnd")
class RND(Student):
    """``mean_k (f_k(s') - g_k(s'))^2``: ``f`` is random and fixed, ``g`` learns to say what f says.

    Where the agent often was, ``g`` has learned; elsewhere it errs. Nothing is asked of the dynamics,
    so what is random, a television of noise, stays new for long. The bonus is divided by the running
    deviation of its discounted sum.

    Args:
        hidden: Units of the hidden layer of f; g has twice as many.
        features: Outputs k of both networks.
        every: Steps of all lanes together between two updates; about a rollout.
        rate: Learning rate.
        seed: Of the first weights and of the order of what is learned.
        normalise: Whether to divide by the running deviation.
        gamma: Discount of the sum that is normalised by, in [0, 1].

    Raises:
        ConfigError: A number outside its range; observations that are no numbers.

    Source: Burda et al., "Exploration by random network distillation", 2018, arXiv 1810.12894, section
        2.2, and 2.4 for both scales. Deviations: one critic for both rewards, so the bonus is worth as
        long as an episode; the deviation follows every step, and its sum starts anew with each episode;
        images pass one fixed random convolution before both networks; all rows of a rollout are learned
        from instead of a quarter.

    Example:
        >>> import rewardwrap as rw
        >>> reward = rw.EnvReward() + 0.1 * rw.RND().clip(0, 1).named("novelty")
        >>> venv = rw.make("MountainCar-v0", reward, n_envs=8)
    """

    sizes: ClassVar[tuple[str, ...]] = ("hidden", "features")

    _: KW_ONLY
    hidden: int = 64
    features: int = 32

    def fixed(self, width: int, actions: int) -> Sizes:
        return {"target": (width, self.hidden, self.features)}

    def learned(self, width: int, actions: int) -> Sizes:
        return {"predictor": (width, 2 * self.hidden, self.features)}

    def feel(self, own: Carry, batch: Transitions, mind: Mind, seen: Seen) -> tuple[Carry, Any]:
        inner, outer = mind.joined(_joined)
        rows = np.ones((batch.lanes, len(inner)))
        rows[:, 1:] = seen.y
        hidden = rows.dot(inner)
        apart = np.maximum(hidden, 0.0, out=hidden).dot(outer)
        return own, np.vecdot(apart, apart)

    def loss(self, nets: Nets, seen: Seen) -> Any:
        return ((nets["target"](seen.y) - nets["predictor"](seen.y)) ** 2).mean()


def _joined(nets: Nets) -> tuple[Any, Any]:
    """Both networks as one, whose outputs are their differences: two products of matrices, not four.

    Biases are the weights of an input that is 1, which a hidden unit hands on. In single precision one
    lane would be paid otherwise than eight, from the seventh digit on.
    """
    ((t, t0),), ((p, p0),) = nets["target"].inner, nets["predictor"].inner
    (u, u0), (q, q0) = nets["target"].last, nets["predictor"].last
    one = np.eye(1 + len(t), 1)
    inner = np.hstack((one, np.vstack((t0, t)), np.vstack((p0, p))))
    outer = np.vstack((u0 - q0, u, -q)) / np.sqrt(len(u0))
    return inner, outer

"""The callbacks that a reward needs to learn while an agent trains."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rewardwrap.core.reward import Reward
from rewardwrap.loops.rates import Rates
from rewardwrap.rewards.decoded import Decoded

if TYPE_CHECKING:
    from stable_baselines3.common.callbacks import BaseCallback


def teachers(reward: Reward, seed: int) -> list[BaseCallback]:
    """One where it holds a `Decoded`, one for each `Rates`, else none.

    Args:
        reward: What the learner is paid.
        seed: Of weights and draws.
    """
    from rewardwrap.training.return_decomposition import ReturnDecomposition

    nodes = list(reward.walk())
    found: list[BaseCallback] = [node.update() for node in nodes if isinstance(node, Rates)]
    if any(isinstance(node, Decoded) for node in nodes):
        found.append(ReturnDecomposition(seed=seed))
    return found

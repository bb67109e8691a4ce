"""What an agent gets that does not look: the floor under every score."""

from __future__ import annotations

import numpy as np

from rewardwrap_envs.entry import Recipe


def random_return(recipe: Recipe, *, episodes: int = 20, seed: int = 0) -> float:
    """Return the mean true return of uniformly random actions.

    The figure of a recipe's ``returns.random``; measure it again for a recipe of your own.

    Args:
        recipe: the environment, built as for evaluation.
        episodes: how many, at least 1.
        seed: episode i resets with ``seed + i``; the actions are seeded with `seed`.

    Returns:
        Mean of the undiscounted sums of the environment's own rewards.

    >>> from rewardwrap_envs import recipe
    >>> random_return(recipe("Acrobot-v1"), episodes=2) < -100
    True
    """
    env = recipe.build(split="eval")
    env.action_space.seed(seed)
    totals = []
    for episode in range(episodes):
        env.reset(seed=seed + episode)
        total, over = 0.0, False
        while not over:
            _, reward, terminated, truncated, _ = env.step(env.action_space.sample())
            total += float(reward)
            over = terminated or truncated
        totals.append(total)
    env.close()
    return float(np.mean(totals))

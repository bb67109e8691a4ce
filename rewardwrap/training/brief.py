"""One short training, for what its reward is worth: no folder, no evaluation on the way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from rewardwrap.adapters.build import make
from rewardwrap.core.reward import Reward
from rewardwrap.rewards.env import EnvReward

LANES, ROLLOUT = 4, 256


def brief_return(
    env: str,
    reward: Reward,
    steps: int,
    *,
    seed: int = 0,
    episodes: int = 10,
    env_kwargs: Mapping[str, Any] | None = None,
    catalog: Iterable[str] = (),
) -> float:
    """Mean true return of a PPO agent that was paid ``reward`` for so many steps.

    Args:
        env: A recipe, a gymnasium id or ``"module:Id"``.
        reward: What it is paid.
        steps: Of the training.
        seed: Of learner and environments.
        episodes: That it is judged by.
        env_kwargs: Arguments of the environment.
        catalog: Folders with recipes of one's own.
    """
    from stable_baselines3 import PPO
    from stable_baselines3.common.evaluation import evaluate_policy

    there: dict[str, Any] = {"env_kwargs": env_kwargs, "catalog": catalog}
    paid = make(env, reward, n_envs=LANES, seed=seed, **there)
    agent = PPO("MlpPolicy", paid, seed=seed, n_steps=ROLLOUT, device="cpu")
    agent.learn(steps)
    paid.close()
    plain = make(env, EnvReward(), n_envs=1, seed=seed + 1, **there)
    seen, _ = evaluate_policy(agent, plain, episodes, warn=False, return_episode_rewards=True)
    plain.close()
    return float(np.mean(seen))

"""Independent episodes of a trained agent, as many as a claim needs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from rewardwrap.adapters.acting import Acting
from rewardwrap.core.reward import TRUE

if TYPE_CHECKING:
    from stable_baselines3.common.base_class import BaseAlgorithm
    from stable_baselines3.common.vec_env import VecEnv


def true_returns(
    model: BaseAlgorithm,
    venv: VecEnv,
    episodes: int,
    *,
    seed: int,
    deterministic: bool = True,
    on_progress: Callable[[int], None] | None = None,
) -> NDArray[np.float64]:
    """True return of each episode, (episodes,).

    How many each lane plays is fixed in advance: taking the first to end would prefer short ones.

    Args:
        model: Whose policy plays; its own normaliser, if any, is applied and not updated.
        venv: From ``Agent.eval_env``.
        episodes: How many.
        seed: Of environments, noise and actions.
        deterministic: Whether the policy plays its mode instead of a sample.
        on_progress: Called with the number of finished episodes.
    """
    lanes = venv.num_envs
    quota = np.full(lanes, episodes // lanes)
    quota[: episodes % lanes] += 1
    found: list[list[float]] = [[] for _ in range(lanes)]
    left = episodes
    state = np.random.get_state()  # noqa: NPY002 - DQN samples from it
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        np.random.seed(seed % 2**32)  # noqa: NPY002
        act = Acting(model, venv, deterministic=deterministic)
        venv.seed(seed)
        obs: Any = venv.reset()
        while left:
            obs, _, dones, infos = venv.step(act(obs))
            act.ended(dones)
            for lane in np.flatnonzero(dones):
                if len(found[lane]) < quota[lane]:
                    found[lane].append(float(infos[lane]["episode_terms"][TRUE]))
                    left -= 1
            if on_progress is not None and dones.any():
                on_progress(episodes - left)
    np.random.set_state(state)  # noqa: NPY002
    return np.array([value for played in found for value in played])

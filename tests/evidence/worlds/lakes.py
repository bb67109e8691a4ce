"""Rewards that nobody had told the explorer, and what a plan loses on them."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np

from rewardwrap.design.models import best
from rewardwrap.design.reward_free import RewardFree

OPEN = ["S" + 7 * "F", *6 * [8 * "F"], 7 * "F" + "G"]
"""A map without holes, where the far corner is 14 steps away."""


def lake(**options: Any) -> gym.Env[Any, Any]:
    """Slippery unless asked otherwise, and without a clock of its own."""
    return gym.make("FrozenLake-v1", max_episode_steps=10_000, **options)


def truth(env: gym.Env[Any, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Chances of successors that go on and that end, ``(S, A, S)`` each."""
    table = env.unwrapped.P  # type: ignore[attr-defined]
    live, ended = np.zeros((2, len(table), len(table[0]), len(table)))
    for s, actions in table.items():
        for a, outcomes in actions.items():
            for chance, after, _, over in outcomes:
                (ended if over else live)[s, a, after] += chance
    return live, ended


def lost(known: RewardFree, reward: np.ndarray, chances: tuple[np.ndarray, np.ndarray]) -> float:
    """What the planned policy earns less than the best one, in the environment itself, from state 0."""
    live, ended = chances
    mean, horizon = ((live + ended) * reward).sum(-1), known.horizon
    policy, value, here = known.plan(reward).policy, np.zeros(len(live)), np.arange(len(live))
    for t in range(horizon - 1, -1, -1):
        value = (mean + live @ value)[here, policy[t]]
    return float(best(mean, live, horizon, np.inf)[1][0][0] - value[0])


def worst(
    known: RewardFree,
    rewards: list[np.ndarray],
    chances: tuple[np.ndarray, np.ndarray] | None = None,
) -> float:
    """The largest loss over all rewards; ``chances`` of a lake are its own."""
    chances = truth(known.env) if chances is None else chances
    return max(lost(known, reward, chances) for reward in rewards)


def random_rewards(count: int, states: int, actions: int, horizon: int) -> list[np.ndarray]:
    """Of at most 1 in total over an episode, and 0 for most successors."""
    rng = np.random.default_rng(5)
    return [
        rng.random((states, actions, states)) * (rng.random(states) < 0.3) / horizon
        for _ in range(count)
    ]

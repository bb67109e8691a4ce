"""Rewards designed to be seen early, against the task's own and against the potential V*."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import gymnasium as gym
import numpy as np

import rewardwrap as rw
from rewardwrap.design.exprd import Design, design
from tests.evidence.harness.judging import Row, State, higher, mean, together, within
from tests.evidence.worlds.tabular import Run, learn

CLAIM = (
    "On FrozenLake 8x8 (not slippery) tabular Q-learning needs at most half the episodes on a reward "
    "designed for five states that it needs on the task's own, and finds the same policy."
)
SOURCE = "Devidze et al., NeurIPS 2021 (EXPRD)"
BUDGET = 3.0
SEEDS = 10
OBJECT = "rewardwrap.design.exprd:design"
USE = "rewardwrap design FrozenLake-8x8 --states 5 --out designed.yml"
GAMMA, SHORTEST, CAP = 0.95, 14, 400_000


def run(seed: int, *, small: bool = False) -> Row:
    designed = _designed(small)
    rewards = {
        "original": rw.EnvReward(),
        "designed": designed.reward,
        "potential": rw.EnvReward() + rw.Potential(_optimal_value, gamma=GAMMA),
    }
    row = {"regret": float(designed.regret)}
    for name, reward in rewards.items():
        env = rw.wrap(_world(small), reward)
        found = learn(
            env,
            np.random.default_rng(seed),
            steps=500 if small else CAP,
            gamma=GAMMA,
            alpha=0.5,
            stop=_is_optimal,
        )
        row[f"episodes_{name}"] = float(len(found.lengths))
        row[f"log2_episodes_{name}"] = float(np.log2(max(len(found.lengths), 1)))
    return row


def _world(small: bool) -> gym.Env:
    size = "4x4" if small else "8x8"
    return gym.make("FrozenLake-v1", map_name=size, is_slippery=False, max_episode_steps=200)


@cache
def _designed(small: bool) -> Design:
    return design(_world(small), states=2 if small else 5, gamma=GAMMA)


@cache
def _value() -> np.ndarray:
    """The task's optimal value by state."""
    table = _table()
    value = np.zeros(len(table))
    for _ in range(500):
        for s, actions in table.items():
            value[s] = max(
                sum(p * (r + (0.0 if over else GAMMA * value[t])) for p, t, r, over in outcomes)
                for outcomes in actions.values()
            )
    return value


def _optimal_value(obs: np.ndarray) -> np.ndarray:
    return _value()[obs]


def _is_optimal(run: Run) -> bool:
    """Whether greedy play from the start reaches the goal on a shortest way."""
    table = _table()
    state, steps = 0, 0
    while steps < SHORTEST:
        values = run.q.get((state,))
        if values is None or not values.any():
            return False
        (_, state, reward, over), steps = table[state][int(values.argmax())][0], steps + 1
        if over:
            return reward > 0
    return False


@cache
def _table() -> dict:
    return _world(False).unwrapped.P


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    state = together(
        [
            within(rows, "regret", 0.0, 1e-6),
            higher(rows, "log2_episodes_original", "log2_episodes_designed", by=1.0),
        ]
    )
    told = ", ".join(
        f"{mean(rows, f'episodes_{name}'):.0f} {name}"
        for name in ("original", "designed", "potential")
    )
    return state, (
        f"mean episodes until greedy play is optimal: {told} (the environment's reward plus the "
        "potential V*, which pays in every state)"
    )

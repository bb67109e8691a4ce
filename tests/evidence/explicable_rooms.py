"""The same designs in a maze that a random walk soon solves."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import gymnasium as gym
import numpy as np

import rewardwrap as rw
import rewardwrap_envs  # noqa: F401 - registers FourRooms
from rewardwrap.design.adaptive import Adaptive
from tests.evidence.harness.judging import Row, State, higher, mean
from tests.evidence.worlds.tabular import Run, learn

CLAIM = (
    "In FourRooms tabular Q-learning needs at most half the episodes on a reward designed for five states "
    "that it needs on the task's own."
)
SOURCE = "Devidze et al., NeurIPS 2021 (EXPRD)"
BUDGET = 1.0
SEEDS = 10
OBJECT = "rewardwrap.design.exprd:design"
USE = "rewardwrap design rewardwrap/FourRooms-v0 --states 5 --out designed.yml"
GAMMA, SHORTEST, CAP = 0.95, 12, 30_000


def run(seed: int, *, small: bool = False) -> Row:
    designs, row = _designed(), dict[str, float]()
    value = designs.values
    rewards = {
        "original": rw.EnvReward(),
        "designed": designs.reward,
        "potential": rw.EnvReward() + rw.Potential(lambda obs: value[obs], gamma=GAMMA),
    }
    for name, reward in rewards.items():
        env = rw.wrap(gym.make("rewardwrap/FourRooms-v0"), reward)
        found = learn(
            env, np.random.default_rng(seed), steps=500 if small else CAP, gamma=GAMMA, alpha=0.5,
            stop=_is_optimal,
        )  # fmt: skip
        row[f"episodes_{name}"] = float(len(found.lengths))
        row[f"log2_episodes_{name}"] = float(np.log2(max(len(found.lengths), 1)))
    return row


@cache
def _designed() -> Adaptive:
    return Adaptive("rewardwrap/FourRooms-v0", states=5, gamma=GAMMA)


def _is_optimal(run: Run) -> bool:
    """Whether greedy play from the start reaches the goal on a shortest way."""
    moves, state = _designed().moves, int(_designed().start.argmax())
    for _ in range(SHORTEST):
        values = run.q.get((state,))
        if values is None or not values.any():
            return False
        action = int(values.argmax())
        if not moves[state, action].any():
            return True
        state = int(moves[state, action].argmax())
    return False


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    told = ", ".join(
        f"{mean(rows, f'episodes_{name}'):.0f} {name}"
        for name in ("original", "designed", "potential")
    )
    return higher(rows, "log2_episodes_original", "log2_episodes_designed", by=1.0), (
        f"mean episodes until greedy play is optimal, at most {CAP} steps: {told} (the environment's reward "
        "plus the potential V*, which pays in every state)"
    )

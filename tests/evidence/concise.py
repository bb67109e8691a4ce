"""Conciseness as a factor of the outcome, composed: brevity that cannot pay for being wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np

import rewardwrap as rw
from tests.evidence.harness.judging import Row, State, higher, mean, together
from tests.evidence.worlds.tabular import climb

CLAIM = (
    "A penalty per step makes the policy gradient end in short wrong answers; a factor on the outcome "
    "is right at least as often as the outcome alone, and in fewer steps."
)
SOURCE = "Wang et al., 2025, arXiv 2511.09158"
BUDGET = 0.3
SEEDS = 10
USE = (
    "rewardwrap train ENV --algo ppo --reward FILE.yml, with `product: [env, {affine: {base: "
    "{episode_sum: {constant: 1}}, scale: -0.025, shift: 1.5, low: 1.05, high: 1.5}}]` in the file"
)
EXAMPLE = """\
import rewardwrap as rw
length = rw.EpisodeSum(rw.Constant(1.0))
conciseness = (1.0 - 0.05 * length).clip(0.1, 1.0)
reward = rw.EnvReward() * (1.0 + 0.5 * conciseness)
"""
USEFUL, WASTE, ANSWER = 0, 1, 2
CAP = 20


class Answering(gym.Env[Any, Any]):
    """Needs 3 to 8 useful steps before the answer is right; repeating wastes a step."""

    def __init__(self) -> None:
        self.observation_space = gym.spaces.Box(0, 1, (2,))
        self.action_space = gym.spaces.Discrete(3)
        self.need = self.useful = self.clock = 0

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.need, self.useful, self.clock = int(self.np_random.integers(3, 9)), 0, 0
        return self._obs(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.clock += 1
        self.useful += action == USEFUL
        right = action == ANSWER and self.useful >= self.need
        # an episode that is never answered ends as a wrong one, so nothing is bootstrapped
        ended = action == ANSWER or self.clock >= CAP
        return self._obs(), float(right), bool(ended), False, {}

    def _obs(self) -> Any:
        return np.array((self.need / 10, min(self.useful, self.need) / 10), np.float32)


def run(seed: int, *, small: bool = False) -> Row:
    rng = np.random.default_rng(seed)
    length = rw.EpisodeSum(rw.Constant(1.0))
    conciseness = (1.0 - 0.05 * length).clip(0.1, 1.0)
    rewards = {
        "outcome": rw.EnvReward(),
        "additive": rw.EnvReward() - 0.2 * length,
        "factor": rw.EnvReward() * (1.0 + 0.5 * conciseness),
    }
    row = {}
    for name, reward in rewards.items():
        env = rw.wrap(Answering(), reward)
        found = climb(env, rng, updates=3 if small else 400)
        row[f"success_{name}"], row[f"length_{name}"] = found
    row["not_fewer"] = row["success_factor"] - row["success_outcome"]
    return row


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    state = together(
        [
            higher(rows, "success_factor", "success_additive", by=0.3),
            higher(rows, "not_fewer", -0.02),
            higher(rows, "length_outcome", "length_factor", by=0.1),
        ]
    )
    told = ", ".join(
        f"{name} {mean(rows, f'success_{name}'):.2f} ({mean(rows, f'length_{name}'):.1f} steps where right)"
        for name in ("outcome", "additive", "factor")
    )
    return state, f"success: {told}"

"""A filter of outlying advantages: what it gives PPO under gross errors, and takes where success is rare."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.env_util import make_vec_env

from rewardwrap_policies.stable import StablePPO
from tests.evidence.harness.judging import Row, State, higher, mean, together

CLAIM = (
    "Without rows beyond three deviations PPO learns more from rewards with rare gross errors; where success "
    "itself is as rare as an error it learns nothing, and PPO does, as StablePPO then warns."
)
SOURCE = "Zhang et al., 2025, arXiv 2505.02835"
BUDGET = 1
SEEDS = 10
OBJECT = "rewardwrap_policies.stable:StablePPO"
USE = "rewardwrap train CartPole-v1 --algo ppo_stable"
ERRORS, GROSS = 0.01, 30.0
STEPS = {"errors": 3072, "rare": 8192}
"""Of each training, set on seed 100, which was kept aside."""


class Questions(gym.Env[Any, Any]):
    """One of four questions, one answer of ``answers``; one is right and pays 1.

    Args:
        answers: How many.
        errors: Chance that a reward is a gross error of either sign instead.
    """

    def __init__(self, answers: int, errors: float) -> None:
        self.errors = errors
        self.observation_space = gym.spaces.Box(0.0, 1.0, (4,))
        self.action_space = gym.spaces.Discrete(answers)

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.asked = int(self.np_random.integers(4))
        return np.eye(4, dtype=np.float32)[self.asked], {}

    def step(self, action: Any) -> Any:
        paid = float(action == self.asked)
        if self.np_random.random() < self.errors:
            paid = GROSS * float(self.np_random.choice((-1.0, 1.0)))
        return np.eye(4, dtype=np.float32)[self.asked], paid, True, False, {}


def right(model: PPO, answers: int) -> float:
    """The policy's mean chance of the right answer."""
    asked = torch.eye(4)
    chance = model.policy.get_distribution(asked).distribution.probs.detach()
    return float(chance[range(4), range(4)].mean())


def run(seed: int, *, small: bool = False) -> Row:
    torch.set_num_threads(1)
    row = {}
    for world, answers, errors in (("errors", 4, ERRORS), ("rare", 64, 0.0)):
        for name, kind, fields in (("ppo", PPO, {}), ("stable", StablePPO, {"sigmas": 3.0})):
            venv = make_vec_env(
                Questions, 8, seed=seed, env_kwargs={"answers": answers, "errors": errors}
            )
            model = kind(
                "MlpPolicy", venv, n_steps=32, batch_size=256, n_epochs=4, learning_rate=3e-3, gamma=0.0,
                policy_kwargs={"net_arch": [32]}, seed=seed, device="cpu", **fields,
            )  # fmt: skip
            with warnings.catch_warnings(record=True) as said:
                warnings.simplefilter("always")
                model.learn(512 if small else STEPS[world])
            row[f"{name}_{world}"] = right(model, answers)
            if name == "stable":
                row[f"warned_{world}"] = float(any("rare success" in str(w.message) for w in said))
    return row


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    state = together(
        [
            higher(rows, "stable_errors", "ppo_errors", by=0.05),
            higher(rows, "ppo_rare", "stable_rare", by=0.3),
            higher(rows, "warned_rare", 0.5),
        ]
    )
    told = ", ".join(
        f"{world} {mean(rows, f'ppo_{key}'):.2f} PPO, {mean(rows, f'stable_{key}'):.2f} filtered "
        f"(warned on {mean(rows, f'warned_{key}'):.0%})"
        for key, world in (("errors", "1 % gross errors"), ("rare", "1 right answer in 64"))
    )
    return state, f"chance of the right answer: {told}"

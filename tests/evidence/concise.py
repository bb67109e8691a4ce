"""Conciseness as a factor of the outcome: brevity that cannot pay for being wrong."""

from __future__ import annotations

from collections.abc import Sequence

import gymnasium as gym
import numpy as np
import torch
from stable_baselines3 import PPO

import rewardwrap as rw
import rewardwrap_envs  # noqa: F401  registers Ans
from rewardwrap.core.episode import Episode
from rewardwrap.scores import Return
from tests.evidence.harness.judging import Row, State, higher, mean, together

CLAIM = (
    "A penalty per step makes PPO end in short wrong answers; brevity as a factor of the outcome is right "
    "at least as often as the outcome alone, in at most 0.85 of its steps."
)
SOURCE = "Wang et al., 2025, arXiv 2511.09158"
BUDGET = 5
SEEDS = 10
OBJECT = "rewardwrap.scores.concise:Concise"
PENALTY, STEPS, ASKED = 0.15, 60_000, 60


def additive(episodes: Sequence[Episode]) -> list[float]:
    """What is done otherwise: the outcome minus a price for every step."""
    return [float(e.reward.sum()) - PENALTY * len(e) for e in episodes]


def asked(model: PPO) -> tuple[float, float]:
    """Success and length of deterministic answers to questions of their own seeds."""
    env, right, lengths = gym.make("rewardwrap/Ans-v0"), 0.0, []
    for seed in range(ASKED):
        obs, _ = env.reset(seed=500 + seed)
        over, length = False, 0
        while not over:
            action, _ = model.predict(obs, deterministic=True)
            obs, reward, terminated, truncated, _ = env.step(int(action))
            over, length, right = terminated or truncated, length + 1, right + float(reward)
        lengths.append(length)
    return right / ASKED, float(np.mean(lengths))


def run(seed: int, *, small: bool = False) -> Row:
    torch.set_num_threads(1)
    row = {}
    scores = {"outcome": Return(), "additive": additive, "concise": rw.Concise(steps=(4, 20))}
    for name, score in scores.items():
        venv = rw.make_grouped(
            "rewardwrap/Ans-v0", score, group=1, n_envs=8, seed=seed, centred=False
        )
        model = PPO(
            "MlpPolicy", venv, n_steps=8 if small else 128, batch_size=64 if small else 256, n_epochs=5,
            learning_rate=1e-3, ent_coef=0.02, gamma=1.0, seed=seed,
        )  # fmt: skip
        model.learn(64 if small else STEPS)
        row[f"success_{name}"], row[f"length_{name}"] = asked(model)
    row["not_fewer"] = row["success_concise"] - row["success_outcome"]
    row["share"] = row["length_concise"] / row["length_outcome"]
    return row


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    state = together(
        [
            higher(rows, "success_concise", "success_additive", by=0.3),
            higher(rows, "not_fewer", -0.02),
            higher([{"left": 0.85 - row["share"]} for row in rows], "left", 0.0),
        ]
    )
    # no agent is right in fewer steps: what a question needs, and the answer
    env = gym.make("rewardwrap/Ans-v0")
    asked = [round(10 * float(env.reset(seed=500 + k)[0][0])) + 1 for k in range(ASKED)]
    told = ", ".join(
        f"{name} {mean(rows, f'success_{name}'):.2f} in {mean(rows, f'length_{name}'):.1f} steps"
        for name in ("outcome", "additive", "concise")
    )
    least = float(np.mean(asked)) / mean(rows, "length_outcome")
    best = f"the shortest right answers take {np.mean(asked):.1f}, {least:.2f} of the outcome's"
    return state, f"success: {told}; {best}"

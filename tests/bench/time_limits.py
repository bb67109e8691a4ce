"""What a time limit does to rewards that are settled at an end: `python -m tests.bench.time_limits`.

Prints, for each reward and seed, what PPO learned and what its critic says of the start, beside the largest
return that the reward can pay. Settings are the same for all rows; only the word at the limit differs.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

import gymnasium as gym
import numpy as np
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import DummyVecEnv

import rewardwrap as rw
from rewardwrap.testing.toys import Ten

SCORE = rw.Native("process_score")
EXACT = 1.0
SETTINGS: dict[str, Any] = {
    "n_steps": 64, "batch_size": 128, "n_epochs": 8, "learning_rate": 1e-3, "ent_coef": 0.01,
}  # fmt: skip


def ten() -> gym.Env[Any, Any]:
    return gym.wrappers.TimeLimit(Ten(), 10)


def step_chain() -> gym.Env[Any, Any]:
    return gym.make("rewardwrap/StepChain-v0")


Row = tuple[str, Callable[[], gym.Env[Any, Any]], rw.Reward, str]
TRUE = rw.EnvReward()
LAST: Any = {"last": True}
CUT: Any = {"on_truncation": "bootstrap"}
END: Any = {"on_truncation": "terminal"}
DELTA: tuple[Row, ...] = (
    ("Delta, terminal", step_chain, TRUE + 0.1 * SCORE.delta(**END), "bootstrap"),
    ("Delta, bootstrap (default)", step_chain, TRUE + 0.1 * SCORE.delta(), "bootstrap"),
    ("Delta, limit=end", step_chain, TRUE + 0.1 * SCORE.delta(), "end"),
    ("refine, terminal", step_chain, rw.refine(SCORE, eta=0.85, alpha=0.1, **END), "bootstrap"),
    ("refine, bootstrap (default)", step_chain, rw.refine(SCORE, eta=0.85, alpha=0.1), "bootstrap"),
)
SUMS: tuple[Row, ...] = tuple(
    (f"{name}, {said}", ten, reward, limit)
    for name, reward in {
        "EpisodeSum": rw.EpisodeSum(TRUE),
        "Sparsify(last)": rw.Sparsify(rw.EpisodeSum(TRUE), **LAST),
        "Delay(4)": rw.Delay(TRUE, 4),
        "last-step PAR": rw.Sparsify(rw.PAR(rw.EpisodeSum(TRUE), [0.5], k=8), **LAST),
    }.items()
    for said, limit in (("terminal", "bootstrap"), ("limit=end", "end"))
)


def trained(row: Row, seed: int, steps: int) -> dict[str, float]:
    """What one training ends in: success or true return, length, and the critic's value of the start."""
    _, make, reward, limit = row
    venv = rw.wrap(DummyVecEnv([make] * 16), reward, limit=limit)
    model = PPO("MlpPolicy", venv, gamma=0.99, seed=seed, device="cpu", **SETTINGS)
    model.learn(steps)
    env = make()
    obs, _ = env.reset(seed=seed)
    start = float(model.policy.predict_values(model.policy.obs_to_tensor(obs)[0]).item())
    total, length, over = 0.0, 0, False
    while not over:
        action, _ = model.predict(obs, deterministic=True)
        obs, paid, terminated, truncated, _ = env.step(action)
        total, length, over = total + float(paid), length + 1, terminated or truncated
    return {"true": total, "length": length, "V(s_0)": start}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=40_000)
    arguments = parser.parse_args()
    for row in (*DELTA, *SUMS):
        rows = [trained(row, seed, arguments.steps) for seed in range(arguments.seeds)]
        shown = {name: np.round([r[name] for r in rows], 2).tolist() for name in rows[0]}
        print(f"{row[0]:28}", shown, flush=True)


if __name__ == "__main__":
    main()

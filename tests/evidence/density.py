"""Ten demonstrations as a density, paid step by step, and no other reward."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from typing import Any

import numpy as np

import rewardwrap as rw
from tests.evidence.harness.judging import Row, State, higher, mean
from tests.evidence.preference_loop import Reach

CLAIM = (
    "A kernel density of ten demonstrations teaches PPO at least 80 % of what the true reward teaches it in "
    "the same steps."
)
SOURCE = "the density baseline of Gleave et al. (imitation), 2022, arXiv 2211.11972"
BUDGET = 1.5
OBJECT = "rewardwrap.rewards.density:Density"
USE = (
    "rewardwrap fit demonstrations demos/ --method density --out model/, then rw.Learned('model/')"
)
STEPS, TRIALS = 12_000, 30


def run(seed: int, *, small: bool = False) -> Row:
    from rewardwrap.nets.demonstration_recipe import fit_density

    demos = _demonstrations(10, seed)
    with tempfile.TemporaryDirectory() as folder:
        fit_density(demos, reads=("obs", "next_obs")).save(f"{folder}/model")
        learned = rw.Learned(f"{folder}/model")
        row = {
            "untrained": _trained(rw.EnvReward(), seed, 0, small=small),
            "true": _trained(rw.EnvReward(), seed, STEPS, small=small),
            "density": _trained(learned, seed, STEPS, small=small),
        }
    row["share"] = (row["density"] - row["untrained"]) / max(row["true"] - row["untrained"], 1e-6)
    return row


def _demonstrations(episodes: int, seed: int) -> rw.EpisodeStore:
    """Straight to the middle, and staying there."""
    env, made = Reach(), []
    for number in range(episodes):
        obs, _ = env.reset(seed=5000 + 100 * seed + number)
        seen, rows = [obs], []
        while not rows or not rows[-1][3]:
            action = np.clip(-10.0 * obs, -1, 1).astype(np.float32)
            obs, *rest = env.step(action)
            seen.append(obs)
            rows.append((action, *rest[:3]))
        names = ("action", "reward", "terminated", "truncated")
        columns = map(np.array, zip(*rows, strict=True))
        made.append({"obs": np.stack(seen), **dict(zip(names, columns, strict=True))})
    return rw.EpisodeStore.from_episodes(
        made, observation_space=env.observation_space, action_space=env.action_space
    )


def _trained(reward: rw.Reward, seed: int, steps: int, *, small: bool) -> float:
    """Mean true return of deterministic play."""
    from stable_baselines3 import PPO
    from stable_baselines3.common.vec_env import DummyVecEnv

    venv = rw.wrap(DummyVecEnv([Reach] * 8), reward)
    venv.seed(seed)
    options: dict[str, Any] = {"learning_rate": 1e-3, "gamma": 0.95, "n_epochs": 5, "seed": seed}
    size = {"n_steps": 8, "batch_size": 64} if small else {"n_steps": 64, "batch_size": 128}
    model = PPO("MlpPolicy", venv, device="cpu", **options, **size)
    if steps:
        model.learn(16 if small else steps)
    env, total, trials = Reach(), 0.0, 1 if small else TRIALS
    for trial in range(trials):
        obs, _ = env.reset(seed=1000 + trial)
        truncated = False
        while not truncated:
            obs, paid, _, truncated, _ = env.step(model.predict(obs, deterministic=True)[0])
            total += paid
    return total / trials


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    state = higher(rows, "share", 0.8)
    told = ", ".join(f"{mean(rows, name):.1f} {name}" for name in ("untrained", "true", "density"))
    return (
        state,
        f"true return after {STEPS} steps of PPO: {told} ({mean(rows, 'share'):.0%} of the gain)",
    )

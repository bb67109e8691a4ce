"""One demonstration of carrying a peg along thirty cells, and 150 rollouts of PPO."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np

import rewardwrap as rw
from rewardwrap.nets.progress_recipe import fit_progress
from rewardwrap_envs.chain_insert import FORWARD, INSERT
from tests.evidence.harness.judging import Row, State, higher, mean, together

CLAIM = (
    "With progress learned from one demonstration and paid as a potential, PPO brings a peg into its hole "
    "in more than nine of ten of the last 20 of 150 rollouts, and on the sparse reward alone in hardly any."
)
SOURCE = "Tan et al. (Robo-Dopamine), 2025, arXiv 2512.23703: one demonstration, 150 rollouts, 95 %"
BUDGET = 3.0
SEEDS = 10
USE = (
    "rewardwrap fit demonstrations demos/ --method progress --out model/, then "
    "rw.HopProgress('model/', gamma=0.99)"
)
ENV, CELLS, GAMMA, ROLLOUTS, LAST = "rewardwrap/ChainInsert-v0", 30, 0.99, 150, 20


def run(seed: int, *, small: bool = False) -> Row:
    row = {"sparse": _trained(rw.EnvReward(), seed, small=small)}
    with tempfile.TemporaryDirectory() as folder:
        shown = demonstration()
        fit_progress(shown, keyframes=8, seed=seed, updates=5 if small else 600).save(
            f"{folder}/model"
        )
        for fuse in ("gate", "mean"):
            phi = rw.HopProgress(f"{folder}/model", gamma=GAMMA, fuse=fuse)
            row[fuse] = _trained(rw.EnvReward() + phi, seed, small=small)
    return row


def demonstration() -> rw.EpisodeStore:
    """Straight to the hole, and in."""
    env = gym.make(ENV, chance=1.0, cells=CELLS)
    obs, _ = env.reset(seed=0)
    seen, rows = [obs], []
    for action in [FORWARD] * (CELLS - 1) + [INSERT]:
        obs, *rest, _ = env.step(action)
        seen.append(obs)
        rows.append((action, *rest))
    names = ("action", "reward", "terminated", "truncated")
    columns = dict(zip(names, map(np.array, zip(*rows, strict=True)), strict=True))
    spaces = {name: getattr(env, name) for name in ("observation_space", "action_space")}
    return rw.EpisodeStore.from_episodes([{"obs": np.stack(seen), **columns}], **spaces)


def _trained(reward: rw.Reward, seed: int, *, small: bool) -> float:
    """Share of the last rollouts with the peg in the hole."""
    from stable_baselines3 import PPO

    kwargs = {"cells": CELLS, "chance": 1.0}
    venv = rw.make(ENV, reward, n_envs=5, seed=seed, env_kwargs=kwargs)
    options: dict[str, Any] = {
        "learning_rate": 3e-3,
        "ent_coef": 0.01,
        "gamma": GAMMA,
        "seed": seed,
    }
    size = {"n_steps": 60, "batch_size": 100, "n_epochs": 1 if small else 10}
    model = PPO("MlpPolicy", venv, device="cpu", **options, **size)
    done: list[bool] = []

    def goes_on(known: Any, _: Any) -> bool:
        infos = (i for i, over in zip(known["infos"], known["dones"], strict=True) if over)
        done.extend(bool(info["is_success"]) for info in infos)
        return len(done) < (5 if small else ROLLOUTS)

    model.learn(60 * (ROLLOUTS + 10), callback=goes_on)
    return float(np.mean(done[-LAST:]))


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    state = together([higher(rows, "gate", 0.9), higher(rows, "gate", "sparse", by=0.5)])
    worst = min(row["gate"] for row in rows)
    told = ", ".join(f"{mean(rows, name):.2f} {name}" for name in rows[0])
    return (
        state,
        f"success in the last {LAST} of {ROLLOUTS} rollouts: {told}; worst seed by the gate {worst:.2f}",
    )

"""Wandering on the line of ChainInsert, seen through noise: which estimate of progress is the nearest.

Nothing is trained on a reward here: what is judged is the progress that would be paid.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence

import gymnasium as gym
import numpy as np

import rewardwrap as rw
from rewardwrap.nets.progress_recipe import fit_progress
from rewardwrap_envs.chain_insert import BACK, FORWARD
from tests.evidence.harness.judging import Row, State, higher, mean, together
from tests.evidence.hop_progress import CELLS, ENV, demonstration

CLAIM = (
    "Where somebody wanders on ChainInsert, seen through noise, progress by the mean of the three estimates "
    "is nearer to the truth than steps added up, than the estimate from the start and than that from the "
    "goal; and so is progress by the gate."
)
SOURCE = "Tan et al. (Robo-Dopamine), 2025, arXiv 2512.23703, the ablation of the fusion"
BUDGET = 1.0
SEEDS = 10
OBJECT = "rewardwrap.rewards.hop_progress:HopProgress"
USE = (
    "rewardwrap fit demonstrations demos/ --method progress --out model/, then "
    "rw.HopProgress('model/', gamma=0.99, fuse='backward')"
)
EPISODES, STEPS, NOISE, AHEAD = 20, 60, 0.1, 0.65
ALONE, FUSED = ("step", "forward", "backward"), ("mean", "gate")


def run(seed: int, *, small: bool = False) -> Row:
    episodes, truth = wandered(2 if small else EPISODES, seed)
    row: Row = {}
    with tempfile.TemporaryDirectory() as folder:
        fitted = fit_progress(demonstration(), keyframes=8, seed=seed, updates=5 if small else 600)
        fitted.save(f"{folder}/model")
        for fuse in (*ALONE, *FUSED):
            phi = rw.HopProgress(f"{folder}/model", raw=True, fuse=fuse)
            found = [rw.relabel(phi, episode) for episode in episodes]
            row[fuse] = float(np.sqrt(np.mean((np.concatenate(found) - truth) ** 2)))
    return row


def wandered(count: int, seed: int) -> tuple[list[dict[str, np.ndarray]], np.ndarray]:
    """Episodes that go forward more often than back, and the progress after each step."""
    env, draws = gym.make(ENV, cells=CELLS), np.random.default_rng(seed)
    made, truth = [], []
    for number in range(count):
        seen = [env.reset(seed=number)[0]]
        actions = np.where(draws.random(STEPS) < AHEAD, FORWARD, BACK)
        for action in actions:
            obs, *_, info = env.step(action)
            seen.append(obs)
            truth.append(info["progress"])
        frames = np.stack(seen) + NOISE * draws.normal(size=(STEPS + 1, 4)).astype(np.float32)
        last = np.arange(STEPS) == STEPS - 1
        none = {"reward": np.zeros(STEPS), "terminated": np.zeros(STEPS, bool), "truncated": last}
        made.append({"obs": frames, "action": actions, **none})
    return made, np.array(truth)


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    state = together([higher(rows, alone, fused) for alone in ALONE for fused in FUSED])
    told = ", ".join(f"{mean(rows, name):.3f} {name}" for name in (*ALONE, *FUSED))
    return state, f"root of the mean square error of progress in [0, 1]: {told}"

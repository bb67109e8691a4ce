"""Agents that saw nothing but a learned model of Pendulum's logs, with and without its judge.

For time, agents train 3,000 steps in models of 8 epochs instead of 6,000 in models of 15, and the arm that
filters without a cut (32 candidates alone), which did worse than none in the one look, was left out.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import gymnasium as gym
import numpy as np
from stable_baselines3 import SAC

import rewardwrap as rw
from rewardwrap.nets.dynamics import fit_dynamics
from rewardwrap.nets.reward_recipe import fit_regression
from tests.evidence.dynamics import _recorded
from tests.evidence.harness.judging import Row, State, higher, mean

CLAIM = (
    "SAC in a model of Pendulum's random logs that plays the most real of 32 successors and is cut where "
    "none is real returns at least 20 % more than in the unfiltered model, after as many steps."
)
SOURCE = "Luo et al. (MOREC), 2023, arXiv 2310.05422"
BUDGET = 2.0
OBJECT = "rewardwrap.adapters.model_env:ModelEnv"
USE = "rewardwrap fit dynamics DATA --out MODEL, then rw.ModelEnv(MODEL, reward=MODEL, filter=32, stop=0.6)"
STEPS, LOOKS = 3000, 4
WAYS = {"plain": (1, 0.0), "cut": (32, 0.6)}
"""Candidates of a step, and the dynamics reward below which an episode is cut."""


def run(seed: int, *, small: bool = False) -> Row:
    """True returns of 20 new starts, the mean of the last two of four looks; ``first`` is the first look."""
    logs, epochs = _recorded(2 if small else 100, seed), 1 if small else 8
    row = {}
    with tempfile.TemporaryDirectory() as folder:
        model, reward = Path(folder) / "dyn", Path(folder) / "reward"
        fit_dynamics(logs, seed=seed, epochs=epochs, members=3, batch=256, lr=4e-3).save(model)
        fit_regression(logs, seed=seed, epochs=epochs).save(reward)
        for name, (candidates, stop) in WAYS.items():
            env = rw.ModelEnv(model, reward=str(reward), filter=candidates, stop=stop,
                              horizon=5 if small else 50)  # fmt: skip
            agent = SAC("MlpPolicy", env, seed=seed, learning_starts=36 if small else 500, batch_size=128,
                        learning_rate=1e-3, policy_kwargs={"net_arch": [64, 64]}, device="cpu")  # fmt: skip
            looks = []
            for _ in range(LOOKS):
                agent.learn(10 if small else STEPS // LOOKS, reset_num_timesteps=False)
                looks.append(_returns(agent, 1 if small else 20, 5 if small else 200))
            row[name] = float(np.mean(looks[-2:]))
            row[f"first_{name}"] = looks[0]
            row[f"length_{name}"] = float(np.mean([e["l"] for e in agent.ep_info_buffer]))
    return row


def _returns(agent: SAC, episodes: int, steps: int) -> float:
    """In the true environment."""
    env, total = gym.make("Pendulum-v1", max_episode_steps=steps), 0.0
    for i in range(episodes):
        obs, _ = env.reset(seed=5000 + i)
        over = False
        while not over:
            obs, reward, _, over, _ = env.step(agent.predict(obs, deterministic=True)[0])
            total += float(reward)
    return total / episodes


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    fifths = [{**row, "less a fifth": row["plain"] + 0.2 * abs(row["plain"])} for row in rows]
    state = higher(fifths, "cut", "less a fifth")
    looks = "; ".join(
        f"{told} {mean(rows, name):.0f} ({', '.join(f'{row[name]:.0f}' for row in rows)})"
        for name, told in (("plain", "unfiltered"), ("cut", "of 32 and cut"))
    )
    return state, (
        f"true return after {STEPS} steps, mean of the last two of four looks: {looks}. Episodes that are "
        f"cut last {mean(rows, 'length_cut'):.1f} steps: a draw of a model of this deterministic task is "
        "told from a record, so the agent restarts at a record nearly every step. Settings were chosen after "
        "a look at seed 0 with twice the steps and models of 15 epochs: unfiltered -250, of 32 -458, of "
        "32 and cut -150, near what a pendulum allows at all. For time the steps and the models' epochs were "
        "then halved, and the arm of 32 without a cut was left out: what it does over seeds is not known"
    )

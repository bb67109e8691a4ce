"""Labels of events that arrive while the agent trains, on a key, a door and a goal behind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback

import rewardwrap as rw
import rewardwrap_envs.key_door as key_door
from tests.evidence.harness.judging import Row, State, higher, mean, together

CLAIM = (
    "Over 24,000 steps PPO reaches the goal behind the door in a tenth more of all its episodes with labels "
    "from any of the three sources than without."
)
SOURCE = "Zheng et al., 2024, arXiv 2410.23022"
BUDGET = 3.0
SEEDS = 10
USE = "rewardwrap train rewardwrap/KeyDoor-v0 --reward events.yml --trust mylabels"
SOURCES = ("hash", "classifier", "ranking")
STEPS = 24_000
GOOD = (key_door.KEY, key_door.DOOR, key_door.GOAL)


def run(seed: int, *, small: bool = False) -> Row:
    torch.set_num_threads(1)
    steps = 256 if small else STEPS
    row = {"none": _reached(rw.EnvReward(), [], seed, steps)}
    for source in SOURCES:
        answer: Callable[..., Any] = _better if source == "ranking" else _good
        loop = rw.EventLoop(None, key="message", annotator=answer, pays=source, seed=seed)
        row[source] = _reached(rw.EnvReward() + loop.reward, [loop], seed, steps)
    return row


def _good(text: str) -> float:
    return float(text in GOOD)


def _better(a: str, b: str) -> float:
    return 0.5 + 0.5 * (_good(b) - _good(a))


def learner(reward: rw.Reward, seed: int, n_steps: int) -> PPO:
    """PPO on the small key-and-door grid."""
    venv = rw.make("rewardwrap/KeyDoor-v0", reward, n_envs=8, seed=seed, env_kwargs={"size": 6})
    return PPO(
        "MlpPolicy", venv, n_steps=n_steps, batch_size=256, n_epochs=4, ent_coef=0.05,
        learning_rate=1e-3, seed=seed, device="cpu",
    )  # fmt: skip


class _Ends(BaseCallback):
    """Whether episodes reached the goal."""

    def __init__(self) -> None:
        super().__init__()
        self.won: list[float] = []

    def _on_step(self) -> bool:
        for over, info in zip(self.locals["dones"], self.locals["infos"], strict=True):
            if over:
                self.won.append(float(info["is_success"]))
        return True


def _reached(reward: rw.Reward, loops: list[BaseCallback], seed: int, steps: int) -> float:
    """Share of the episodes of a training that reach the goal."""
    ends = _Ends()
    learner(reward, seed, 128 if steps == STEPS else 32).learn(steps, callback=[ends, *loops])
    return float(np.mean(ends.won or [0.0]))


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    state = together([higher(rows, source, "none", by=0.1) for source in SOURCES])
    told = ", ".join(f"{mean(rows, source):.2f} with {source}" for source in SOURCES)
    return (
        state,
        f"share of all episodes that reach the goal: {told}, {mean(rows, 'none'):.2f} without",
    )

"""The record of progress: ground that pays once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np

import rewardwrap as rw
from tests.evidence.harness.judging import Row, State, higher, mean, together
from tests.evidence.worlds.tabular import learn, play

CLAIM = (
    "Paid for every step forward, an agent on a road with a toll near its end goes to and fro in front "
    "of it; paid for new ground alone it pays the toll and arrives."
)
SOURCE = "route completion of Jaeger et al., 2025, arXiv 2504.17838; the record is ours"
BUDGET = 0.2
SEEDS = 10
CELLS, LIMIT, TOLL = 8, 40, 3.0


class Road(gym.Env[Any, Any]):
    """Cells 0 .. 7, back and forth; entering the last but one costs a toll, the last one ends it."""

    def __init__(self) -> None:
        self.observation_space = gym.spaces.Box(0, CELLS, (2,))
        self.action_space = gym.spaces.Discrete(2)
        self.cell = self.most = self.clock = 0

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.cell = self.most = self.clock = 0
        return self._obs(), self._info()

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.clock += 1
        self.cell = min(max(self.cell + (1 if action else -1), 0), CELLS - 1)
        first, self.most = self.cell > self.most, max(self.most, self.cell)
        cost = -TOLL if first and self.cell == CELLS - 2 else 0.0
        there = self.cell == CELLS - 1
        return self._obs(), cost, there, self.clock >= LIMIT, self._info()

    def _obs(self) -> Any:
        return np.array([self.cell, self.most], np.float32)

    def _info(self) -> dict[str, Any]:
        return {"place": float(self.cell), "arrived": float(self.cell == CELLS - 1)}


def run(seed: int, *, small: bool = False) -> Row:
    rng, place = np.random.default_rng(seed), rw.Native("place")
    rewards = {
        "steps": rw.EnvReward() + 2.0 * rw.Progress(place, record=False).maximum(0.0),
        "record": rw.EnvReward() + 2.0 * rw.Progress(place),
    }
    row = {}
    for name, reward in rewards.items():
        steps = 300 if small else 20_000
        found = learn(rw.wrap(Road(), reward), rng, steps=steps, gamma=0.99, epsilon=0.3)
        row[f"arrived_{name}"] = play(Road(), found.q).last_info["arrived"]
    return row


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    state = together([higher(rows, "arrived_record", "arrived_steps", by=0.3)])
    arrived, never = mean(rows, "arrived_record"), mean(rows, "arrived_steps")
    return (
        state,
        f"greedy play arrives in {arrived:.0%} of seeds with the record, {never:.0%} without",
    )

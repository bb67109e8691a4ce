"""Progress times penalties: a reward that nothing but driving well can raise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np

import rewardwrap as rw
from tests.evidence.harness.judging import Row, State, higher, mean, together, within
from tests.evidence.worlds.tabular import learn, play

CLAIM = (
    "On a road with a light, an additive reward for speed, for staying in lane and against red lights "
    "ends in lingering or in running the light; gated progress drives the route and waits for green."
)
SOURCE = "Jaeger et al., 2025, arXiv 2504.17838"
BUDGET = 0.4
SEEDS = 10
CELLS, LIGHT, LIMIT = 9, 5, 30
WAIT, SLOW, FAST = 0, 1, 2


class Lane(gym.Env[Any, Any]):
    """Wait, drive one cell, or speed over two; a light in the middle is red for the first 8 steps."""

    def __init__(self) -> None:
        self.observation_space = gym.spaces.Box(0, LIMIT, (2,))
        self.action_space = gym.spaces.Discrete(3)
        self.cell = self.clock = 0

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.cell = self.clock = 0
        return self._obs(), self._info(WAIT, ran=False)

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        before, self.clock = self.cell, self.clock + 1
        self.cell = min(self.cell + int(action), CELLS)
        ran = before < LIGHT <= self.cell and self.clock <= 8
        arrived = self.cell == CELLS
        info = self._info(int(action), ran=ran)
        return self._obs(), 0.0, arrived or ran, self.clock >= LIMIT, info

    def _obs(self) -> Any:
        return np.array([self.cell, min(self.clock, 9)], np.float32)

    def _info(self, action: int, *, ran: bool) -> dict[str, Any]:
        return {
            "route": self.cell / CELLS,
            "speed": float(action),
            "pace": 0.5 if action == FAST else 1.0,
            "ran_red": float(ran),
            "in_lane": 1.0,
        }


def run(seed: int, *, small: bool = False) -> Row:
    rng = np.random.default_rng(seed)
    rewards = {
        "additive": 0.1 * rw.Native("speed") + 0.1 * rw.Native("in_lane") - rw.Native("ran_red"),
        "gated": rw.Gate(
            10.0 * rw.Progress(rw.Native("route")),
            (rw.Native("pace"),),
            hard=(rw.Native("ran_red"),),
        ),
    }
    row = {}
    for name, reward in rewards.items():
        env = rw.wrap(Lane(), reward)
        found = learn(env, rng, steps=300 if small else 30_000, gamma=0.98, epsilon=0.3)
        seen = play(Lane(), found.q).last_info
        row[f"score_{name}"] = float(seen["route"] == 1.0) * (1.0 - seen["ran_red"])
    row["most_paid"] = max(_paid(rewards["gated"], rng) for _ in range(20))
    return row


def _paid(gated: rw.Reward, rng: np.random.Generator) -> float:
    """The gated return of a random drive, over what its progress alone would have paid."""
    env, total, over = rw.wrap(Lane(), gated), 0.0, False
    env.reset(seed=0)
    while not over:
        _, reward, terminated, truncated, info = env.step(int(rng.integers(3)))
        total, over = total + float(reward), terminated or truncated
    return total - 10.0 * info["route"]


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    state = together(
        [
            higher(rows, "score_gated", "score_additive", by=0.3),
            higher(rows, "score_gated", 0.9),
            within(rows, "most_paid", -100.0, 1e-9),
        ]
    )
    return state, (
        f"seeds that arrive without running the light: {mean(rows, 'score_gated'):.2f} gated, "
        f"{mean(rows, 'score_additive'):.2f} additive; no random drive was paid more than its progress"
    )

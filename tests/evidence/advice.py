"""Look-back advice: saying which action is good where."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np

import rewardwrap as rw
from tests.evidence.harness.judging import Row, State, higher, mean, together
from tests.evidence.worlds.tabular import Corridor, learn, play

CLAIM = (
    "Right advice about actions saves an on-policy learner most of its steps on a corridor with a "
    "sparse goal; on a corridor short enough to be explored wrong advice does not change the policy."
)
SOURCE = "Wiewiora, Cottrell, Elkan, ICML 2003"
BUDGET = 0.3
SEEDS = 10
CELLS, SHORT, ACTIONS, GAMMA, RIGHT, WRONG = 10, 4, 3, 0.95, 1, 0


def run(seed: int, *, small: bool = False) -> Row:
    rng = np.random.default_rng(seed)
    row = {}
    for name, advised in (("none", None), ("right", RIGHT), ("wrong", WRONG)):
        cells = SHORT if advised == WRONG else CELLS
        env = rw.wrap(Corridor(cells, ACTIONS, 500), _reward(advised))
        steps = 500 if small else 40_000
        found = learn(env, rng, steps=steps, gamma=GAMMA, alpha=0.1, epsilon=0.3, on_policy=True)
        row[f"log10_steps_{name}"] = math.log10(found.steps_until(cells + 4))
        row[f"reached_{name}"] = play(Corridor(cells, ACTIONS, 500), found.q).returns
    env = rw.wrap(Remembering(SHORT, ACTIONS, 500), _reward(WRONG))
    found = learn(env, rng, steps=steps, gamma=GAMMA, alpha=0.1, epsilon=0.3, on_policy=True)
    row["reached_remembering"] = play(Remembering(SHORT, ACTIONS, 500), found.q).returns
    return row


class Remembering(Corridor):
    """The corridor with the last action in the observation."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.observation_space = gym.spaces.Box(-1, self.cells, (2,))

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        return np.array([self.cell, -1.0]), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        _, *rest = super().step(action)
        return np.array([self.cell, float(action)]), *rest


def _reward(advised: int | None) -> rw.Reward:
    if advised is None:
        return rw.EnvReward()
    return rw.EnvReward() + rw.Advice(lambda obs, action: 0.5 * (action == advised), gamma=GAMMA)


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    state = together(
        [
            higher(rows, "log10_steps_none", "log10_steps_right", by=0.3),
            higher(rows, "reached_wrong", 0.8),
        ]
    )
    told = ", ".join(
        f"{10 ** mean(rows, f'log10_steps_{name}'):.0f} steps with {name if name != 'none' else 'no'} advice "
        f"(goal reached in {mean(rows, f'reached_{name}'):.0%})"
        for name in ("none", "right", "wrong")
    )
    return state, (
        f"until a near-shortest episode: {told}; with wrong advice and the last action in the "
        f"observation the goal is reached in {mean(rows, 'reached_remembering'):.0%}"
    )

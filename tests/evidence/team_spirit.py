"""Shooting oneself or passing to a mate who scores more surely: what team spirit makes players do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np

import rewardwrap as rw
from tests.evidence.harness.judging import Row, State, higher, mean, together

CLAIM = (
    "Players who shoot for themselves where each is paid its own goals pass to a mate who scores more surely "
    "with team spirit 1, and with .3, where sharing is still worth less than shooting, they do not."
)
SOURCE = "Moschopoulos et al., 2023, arXiv 2305.15801"
BUDGET = 0.2
SEEDS = 10
SHOT, PASSED = 0.5, 0.9
"""Chance of a goal; who is paid for passing is the mate, so passing is better for oneself above tau = 5/7."""
SPIRITS = (0.0, 0.3, 1.0)


class Shots:
    """Two against two; everybody shoots (0) or passes (1), and the step ends the match."""

    possible_agents = ("a0", "a1", "b0", "b1")
    teams = (0, 0, 1, 1)

    def __init__(self, seed: int) -> None:
        self.dice = np.random.default_rng(seed)

    def observation_space(self, agent: str) -> Any:
        return gym.spaces.Box(0.0, 1.0, (1,), np.float32)

    def action_space(self, agent: str) -> Any:
        return gym.spaces.Discrete(2)

    def _all(self, value: Any) -> dict[str, Any]:
        return dict.fromkeys(self.possible_agents, value)

    def reset(self, seed: int | None = None, options: Any = None) -> Any:
        return self._all(np.zeros(1, np.float32)), self._all({})

    def step(self, actions: dict[str, Any]) -> Any:
        paid = self._all(0.0)
        for i, agent in enumerate(self.possible_agents):
            passes = bool(actions[agent])
            scorer = self.possible_agents[i ^ 1] if passes else agent
            paid[scorer] += float(self.dice.random() < (PASSED if passes else SHOT))
        nothing = self._all(np.zeros(1, np.float32))
        return nothing, paid, self._all(True), self._all(False), self._all({})


def run(seed: int, *, small: bool = False) -> Row:
    row = {}
    for tau in SPIRITS:
        dice = np.random.default_rng(seed)
        venv = rw.wrap(rw.PlayersVecEnv(Shots(seed + 1000)), rw.TeamSpirit(rw.EnvReward(), tau=tau))
        venv.reset()
        logits, usual, goals = np.zeros(4), np.zeros(4), []
        for _ in range(20 if small else 4000):
            chance = 1.0 / (1.0 + np.exp(-logits))
            passes = dice.random(4) < chance
            _, paid, _, _ = venv.step(passes.astype(int))
            # REINFORCE, each player for itself
            logits += 0.1 * (paid - usual) * (passes - chance)
            usual += 0.05 * (paid - usual)
            goals.append(venv.reward_terms[:, 0].mean())
        row[f"passes_{tau}"] = float(chance.mean())
        row[f"goals_{tau}"] = float(np.mean(goals[-400:]))
    return row


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    state = together(
        [
            higher(rows, "goals_1.0", "goals_0.0", by=0.2),
            higher(rows, "passes_1.0", 0.9),
            higher([{**r, "shoots": 1.0 - r["passes_0.3"]} for r in rows], "shoots", 0.9),
        ]
    )
    told = ", ".join(
        f"tau {tau:g}: {mean(rows, f'passes_{tau}'):.2f} passes, {mean(rows, f'goals_{tau}'):.2f} goals"
        for tau in SPIRITS
    )
    return state, f"a player and match after 4000 matches; {told}"

"""Distances as potentials on PushBall: nearness that goes on falling far away, or fades at once."""

from __future__ import annotations

from collections.abc import Sequence

import rewardwrap as rw
from tests.evidence.harness.judging import Row, State, higher, mean, together
from tests.evidence.worlds.push import GAMMA, TRIALS, learn

CLAIM = (
    "A potential of two distances, player to ball and ball to goal, lets PPO score where the goal alone "
    "does not, and a distance that fades within a tenth of the plane helps less."
)
SOURCE = "Moschopoulos et al., 2023, arXiv 2305.15801"
BUDGET = 1.5


def run(seed: int, *, small: bool = False) -> Row:
    row = {}
    for name, dispersion in (("plain", None), ("near", 0.1), ("wide", 1.0)):
        reward: rw.Reward = 10.0 * rw.EnvReward()
        if dispersion is not None:
            ball, goal = (
                rw.Distance(f"{what}_distance", scale=0.5, dispersion=dispersion)
                for what in ("ball", "goal")
            )
            reward = reward + rw.Potential(2.0 * (ball + goal), gamma=GAMMA)
        row[name], row[f"{name}_steps"] = learn(reward, seed, small=small)
    return row


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    state = together(
        [higher(rows, "wide", "plain", by=0.05), higher(rows, "wide", "near", by=0.05)]
    )
    told = ", ".join(
        f"{mean(rows, name):.2f} {what}"
        for name, what in (
            ("plain", "without"),
            ("near", "with dispersion .1"),
            ("wide", "with dispersion 1"),
        )
    )
    return state, f"goals in {TRIALS} trials after 40 000 steps of PPO: {told}"

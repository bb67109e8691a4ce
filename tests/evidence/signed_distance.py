"""A signed distance as a component of KRC: what is far is bad, where a plain one is only less good."""

from __future__ import annotations

from collections.abc import Sequence

import rewardwrap as rw
from tests.evidence.harness.judging import Row, State, higher, mean
from tests.evidence.worlds.push import GAMMA, TRIALS, learn

CLAIM = (
    "In a potential that combines nearness to the ball and the ball's nearness to the goal by KRC, a signed "
    "distance to the goal lets PPO score more often after the same steps than a plain one."
)
SOURCE = "Moschopoulos et al., 2023, arXiv 2305.15801"
BUDGET = 1.0
SEEDS = 10


def run(seed: int, *, small: bool = False) -> Row:
    ball, row = rw.Distance("ball_distance", scale=0.5), {}
    for name, shape in (("signed", rw.SignedDistance), ("plain", rw.Distance)):
        worth = 1.0 + rw.KRC([ball, shape("goal_distance", scale=0.5)])
        reward = 10.0 * rw.EnvReward() + rw.Potential(worth, gamma=GAMMA)
        row[name], row[f"{name}_steps"] = learn(reward, seed, small=small)
    return row


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    return higher(rows, "signed", "plain", by=0.05), (
        f"goals in {TRIALS} trials after 40 000 steps of PPO: {mean(rows, 'signed'):.2f} signed, "
        f"{mean(rows, 'plain'):.2f} plain"
    )

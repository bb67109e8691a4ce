"""A geometric mean with a sign against the sum of the same parts: pushing a ball to a goal."""

from __future__ import annotations

from collections.abc import Sequence

import rewardwrap as rw
from tests.evidence.harness.judging import Row, State, higher, mean
from tests.evidence.worlds.push import GAMMA, STEPS, TRIALS, learn

CLAIM = (
    "With a potential of alignment, speed and nearness combined by KRC, PPO pushes the ball into the "
    "goal more often after the same steps than with a potential of their mean."
)
SOURCE = "Moschopoulos et al., 2023, arXiv 2305.15801"
BUDGET = 1.0
SEEDS = 10


def run(seed: int, *, small: bool = False) -> Row:
    parts = (rw.Field("align"), rw.Field("speed"), rw.Distance("ball_distance", scale=0.5))
    # Phi from 0 to 2, since a constant that is missing would pay for the end of an episode
    worths = {"krc": 1.0 + rw.KRC(parts), "sum": 1.0 + sum(parts[1:], start=parts[0]) / 3}
    row = {}
    for name, worth in worths.items():
        reward = 10.0 * rw.EnvReward() + rw.Potential(worth, gamma=GAMMA)
        row[name], row[f"{name}_steps"] = learn(reward, seed, small=small)
    return row


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    state = higher(rows, "krc", "sum", by=0.05)
    reached = {n: sum(row[f"{n}_steps"] <= STEPS for row in rows) for n in ("krc", "sum")}
    return state, (
        f"goals in {TRIALS} trials after 40 000 steps of PPO: {mean(rows, 'krc'):.2f} with KRC, "
        f"{mean(rows, 'sum'):.2f} with the mean; .8 was reached by {reached['krc']} and {reached['sum']} "
        f"of {len(rows)} agents"
    )

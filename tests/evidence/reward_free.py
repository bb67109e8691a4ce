"""Exploring without a reward, then ten rewards: how much is lost, and how that depends on the horizon."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rewardwrap.design.models import best
from rewardwrap.design.reward_free import RewardFree
from tests.evidence.harness.judging import Row, State, mean, together, within
from tests.evidence.worlds.lakes import lake, random_rewards, worst
from tests.evidence.worlds.mixtures import MixtureChain, kernels

CLAIM = (
    "On slippery FrozenLake 8x8, horizon 20, the largest loss over ten random rewards is at most .05 after "
    "400 episodes, falls with a slope of -.35 or steeper in their number, and no reward is read."
)
SOURCE = "Zhang, Zhang, Gu, 2023, arXiv 2303.10165"
BUDGET = 2.0
OBJECT = "rewardwrap.design.reward_free:RewardFree"
USE = "rewardwrap plan ex '{table: {values: {14: [0, 0, 1, 0]}}}'"
HORIZON, COUNTS, HORIZONS, EPSILON, STEP, MOST = (
    20,
    (50, 100, 200, 400, 800),
    (10, 80),
    0.05,
    1.3,
    2000,
)
CHAIN = (10, 20, 40, 80)


class Polynomial(RewardFree):
    """The same with values up to H: the plan of a bonus that knows nothing of a bounded total."""

    def _uncertain_plan(self):  # type: ignore[no-untyped-def]
        unknown = self.uncertainty + 1e-6 * self._rng.random((self.states, self.actions))
        return best(unknown, self._model.chances()[0], self.horizon, np.inf)


def run(seed: int, *, small: bool = False) -> Row:
    rewards = random_rewards(10, 64, 4, HORIZON)
    counts = COUNTS[:2] if small else COUNTS
    known, losses = RewardFree(lake(map_name="8x8"), horizon=HORIZON, seed=seed), []
    for more in np.diff((0, *counts)):
        losses.append(worst(known.explore(int(more)), rewards))
    slope = np.polyfit(np.log(counts), np.log(np.maximum(losses, 1e-6)), 1)[0]
    row = {f"lost_{n}": loss for n, loss in zip(counts, losses, strict=True)}
    row |= {
        "lost_400": losses[counts.index(400)] if 400 in counts else losses[-1],
        "slope": float(slope),
    }
    row["lost_random"] = _by_chance(seed, rewards, 50 if small else 400)
    for name, explorer in (("", RewardFree), ("_polynomial", Polynomial)):
        needed = [_needed(explorer, horizon, seed, 60 if small else MOST) for horizon in HORIZONS]
        row[f"growth{name}"] = needed[1] / needed[0]
        row[f"needed{name}"] = needed[1]
    row["read"] = float(known.rewards_read)
    for horizon in (HORIZONS[0],) if small else CHAIN:
        chain = RewardFree(MixtureChain(), horizon=horizon, kernels=kernels(), seed=seed)
        chain.explore(2 if small else 32)
        row[f"doubt_{horizon}"] = float(chain._uncertain_plan()[1][0, 0])
    return row


class _Blind(RewardFree):
    """Random play."""

    def _uncertain_plan(self):  # type: ignore[no-untyped-def]
        policy = self._rng.integers(self.actions, size=(self.horizon, self.states))
        return policy, np.zeros((self.horizon + 1, self.states))


def _by_chance(seed: int, rewards: list[np.ndarray], episodes: int) -> float:
    return worst(
        _Blind(lake(map_name="8x8"), horizon=HORIZON, seed=seed).explore(episodes), rewards
    )


def _needed(explorer: type[RewardFree], horizon: int, seed: int, most: int) -> float:
    """Episodes until the largest loss is at most epsilon and is so at the next look as well."""
    rewards = random_rewards(10, 64, 4, horizon)
    known, below, look = explorer(lake(map_name="8x8"), horizon=horizon, seed=seed), 0, 20.0
    while known.episodes < most:
        known.explore(int(look) - known.episodes)
        below = below + 1 if worst(known, rewards) <= EPSILON else 0
        if below == 2:
            return look / STEP
        look *= STEP
    return float(most)


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    state = together(
        [
            within(rows, "lost_400", 0.0, 0.05),
            within(rows, "slope", -np.inf, -0.35),
            within(rows, "read", 0.0, 0.0),
        ]
    )
    lost = ", ".join(
        f"{mean(rows, f'lost_{n}'):.3f} after {n}" for n in COUNTS if f"lost_{n}" in rows[0]
    )
    doubts = ", ".join(
        f"{mean(rows, f'doubt_{h}'):.2f} at {h}" for h in CHAIN if f"doubt_{h}" in rows[0]
    )
    return state, (
        f"largest loss {lost} episodes (random play: {mean(rows, 'lost_random'):.3f} after 400), slope "
        f"{mean(rows, 'slope'):.2f}; from horizon 10 to 80 {mean(rows, 'growth'):.1f} times the episodes "
        f"({mean(rows, 'needed'):.0f} at 80); where the sum of uncertainties is not cut at 1, "
        f"{mean(rows, 'growth_polynomial'):.1f} times ({mean(rows, 'needed_polynomial'):.0f}); on a chain of "
        f"three kernels the sum of uncertainties after 32 episodes is {doubts}"
    )

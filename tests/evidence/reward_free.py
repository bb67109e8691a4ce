"""Exploring without a reward, then ten rewards: how much is lost, and how that depends on the horizon."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from rewardwrap.design.doubt import Doubt
from rewardwrap.design.models import Mixture
from rewardwrap.design.reward_free import RewardFree
from tests.evidence.harness.judging import Row, State, mean, together, within
from tests.evidence.worlds.lakes import OPEN, lake, random_rewards, worst
from tests.evidence.worlds.mixtures import STATES, THETA, MixtureChain, kernels

CLAIM = (
    "On a chain that is a mixture of three kernels, the episodes until the sum of uncertainties is at "
    "most .3 grow at most 1.25 times a doubling of the horizon, from 10 to 160, and at least 1.6 times, "
    "from 10 to 40, where the regression is not weighted; the sum falls with a slope of -.4 or steeper in "
    "the episodes, and ten random rewards lose at most .05 by then. On slippery FrozenLake 8x8, horizon "
    "20, they lose at most .05 after 400 episodes, with a slope of -.35 or steeper. No reward is read."
)
SOURCE = "Zhang, Zhang, Gu, 2023, arXiv 2303.10165"
BUDGET = 3.0
OBJECT = "rewardwrap.design.reward_free:RewardFree"
USE = "rewardwrap plan ex '{table: {values: {14: [0, 0, 1, 0]}}}'"
WEIGHTED, PLAIN, EPSILON, STEP, MOST = (10, 20, 40, 80, 160), (10, 20, 40), 0.3, 1.15, 3000
LAKE, OPEN_LAKE, ROUTE = (50, 100, 200, 400), (50, 150, 400, 800), 24


class Unweighted(Mixture):
    """The same regression with a variance of 1 everywhere: a bonus that grows with the horizon."""

    def _variance(self, phi: np.ndarray) -> np.ndarray:
        return np.ones(len(phi))


class Blind(RewardFree):
    """Random play."""

    def _doubt(self, start: int) -> Doubt:
        policy = self._rng.integers(self.actions, size=(self.horizon, self.states))
        return Doubt(policy, np.zeros((self.horizon + 1, self.states)), 1.0)


def run(seed: int, *, small: bool = False) -> Row:
    row: Row = {}
    for name, model, horizons in (("", Mixture, WEIGHTED), ("_plain", Unweighted, PLAIN)):
        needed = {}
        for horizon in horizons[:2] if small else horizons:
            needed[horizon], known = _needed(model, horizon, seed, 12 if small else MOST)
            row[f"needed{name}_{horizon}"] = needed[horizon]
        first, last = min(needed), max(needed)
        row[f"growth{name}"] = float(
            (needed[last] / needed[first]) ** (1.0 / np.log2(last / first))
        )
        if not name:
            row["lost_chain"] = _lost_on_chain(known)
    row["slope_doubt"] = _slope_of_doubt(seed, (4, 8) if small else (100, 200, 400, 800))
    row |= _losses("lake", seed, LAKE[:2] if small else LAKE, 20, map_name="8x8")
    row |= _losses(
        "open", seed, OPEN_LAKE[:2] if small else OPEN_LAKE, ROUTE, desc=OPEN, success_rate=0.8
    )
    return row


def _chain(model: type[Mixture], horizon: int, seed: int) -> RewardFree:
    known = RewardFree(MixtureChain(), horizon=horizon, kernels=kernels(), seed=seed)
    known._model = model(kernels(), horizon, known.beta)
    return known


def _needed(model: type[Mixture], horizon: int, seed: int, most: int) -> tuple[float, RewardFree]:
    """Episodes until the sum of uncertainties is at most epsilon, to a factor of `STEP`."""
    known, look = _chain(model, horizon, seed), 8.0
    while known.episodes < most:
        known.explore(int(look) - known.episodes)
        if known.doubt <= EPSILON:
            break
        look *= STEP
    return float(known.episodes), known


def _lost_on_chain(known: RewardFree) -> float:
    truth = np.tensordot(THETA, kernels(), axes=1)
    rewards = random_rewards(10, STATES, 2, known.horizon)
    return worst(known, rewards, (truth, np.zeros_like(truth)))


def _slope_of_doubt(seed: int, counts: Sequence[int]) -> float:
    known, doubts = _chain(Mixture, 40, seed), []
    for more in np.diff((0, *counts)):
        doubts.append(known.explore(int(more)).doubt)
    return float(np.polyfit(np.log(counts), np.log(doubts), 1)[0])


def _losses(name: str, seed: int, counts: Sequence[int], horizon: int, **options: Any) -> Row:
    """The largest loss of ten random rewards after so many episodes, and with random play."""
    rewards, row = random_rewards(10, 64, 4, horizon), {}
    for who, explorer in (("", RewardFree), ("_blind", Blind)):
        known = explorer(lake(**options), horizon=horizon, seed=seed)
        found = [worst(known.explore(int(more)), rewards) for more in np.diff((0, *counts))]
        row |= {f"{name}{who}_{n}": loss for n, loss in zip(counts, found, strict=True)}
        row[f"{name}{who}_last"] = found[-1]
        if explorer is RewardFree:
            logs = np.log(counts), np.log(np.maximum(found, 1e-6))
            row[f"{name}_slope"] = float(np.polyfit(*logs, 1)[0])
            row[f"{name}_read"] = float(known.rewards_read)
    return row


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    state = together(
        [
            within(rows, "growth", 0.0, 1.25),
            within(rows, "growth_plain", 1.6, np.inf),
            within(rows, "slope_doubt", -np.inf, -0.4),
            within(rows, "lost_chain", 0.0, 0.05),
            within(rows, "lake_last", 0.0, 0.05),
            within(rows, "lake_slope", -np.inf, -0.35),
            within(rows, "lake_read", 0.0, 0.0),
        ]
    )
    lake, blind, free, chance = (
        _told(rows, name, ".3f", " after ") for name in ("lake", "lake_blind", "open", "open_blind")
    )
    return state, (
        f"episodes until the sum of uncertainties is at most {EPSILON}: "
        f"{_told(rows, 'needed', '.0f', ' at horizon ')}, {mean(rows, 'growth'):.2f} times a doubling; not "
        f"weighted {_told(rows, 'needed_plain', '.0f', ' at ')}, {mean(rows, 'growth_plain'):.2f} times; the "
        f"sum falls with a slope of {mean(rows, 'slope_doubt'):.2f}, and ten rewards lose "
        f"{mean(rows, 'lost_chain'):.3f} at most; FrozenLake loses {lake} (random play {blind}), slope "
        f"{mean(rows, 'lake_slope'):.2f}; without holes {free} (random play {chance})"
    )


def _told(rows: Sequence[Row], name: str, how: str, between: str) -> str:
    """Means of ``name_N``, in words."""
    counts = sorted(int(n) for key in rows[0] if (n := key.removeprefix(f"{name}_")).isdigit())
    return ", ".join(f"{mean(rows, f'{name}_{n}'):{how}}{between}{n}" for n in counts)

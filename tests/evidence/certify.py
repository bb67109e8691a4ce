"""Certified returns of a smoothed policy, under an attacker who knows everything."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import gymnasium as gym
import numpy as np

from rewardwrap.evaluate import certify
from tests.evidence.harness.judging import Row, State, higher, mean, together, within

CLAIM = (
    "No attack found within an l2 budget on the observations of an episode takes a smoothed CartPole "
    "policy below its certified return, and the certificate is no empty one."
)
SOURCE = "Kumar, Levine, Feizi, 2021, arXiv 2106.11420"
BUDGET = 0.5
OBJECT = "rewardwrap.evaluate.certificate.lower_bound:certify"
USE = "rewardwrap certify RUN --sigma 0.1 --budgets 0.1 0.2"
SIGMA, BUDGETS, STEPS = 0.2, (0.1, 0.2, 0.4), 200
Attack = Callable[[np.ndarray, int, float], np.ndarray]
WEIGHTS = np.array([0.1, 0.5, 5.0, 1.5])


def run(seed: int, *, small: bool = False) -> Row:
    episodes, attacked = (10, 2) if small else (300, 40)
    steps = 20 if small else STEPS
    rng = np.random.default_rng(seed)
    clean = [_return(rng, steps) for _ in range(episodes)]
    levels = np.arange(1, steps + 1)
    found = certify(clean, sigma=SIGMA, budgets=BUDGETS, lower=0.0, thresholds=levels)
    row = {"clean": float(np.mean(clean)), "margin": float("inf")}
    for budget, bound in zip(BUDGETS, found.certified, strict=True):
        returns = [
            np.mean([_return(rng, steps, attack, budget) for _ in range(attacked)])
            for attack in _attacks(steps)
        ]
        row[f"certified_{budget:g}"], row[f"attacked_{budget:g}"] = (
            float(bound),
            float(min(returns)),
        )
        row["margin"] = min(row["margin"], float(min(returns) - bound))
    return row


def _return(
    rng: np.random.Generator, steps: int, attack: Attack | None = None, budget: float = 0.0
) -> float:
    """Steps survived by a linear policy on noisy, and perhaps shifted, observations."""
    env = gym.make("CartPole-v1").unwrapped
    obs, _ = env.reset(seed=int(rng.integers(2**31)))
    for t in range(steps):
        seen = obs + SIGMA * rng.normal(size=4)
        if attack is not None:
            seen = seen + attack(obs, t, budget)
        obs, _, terminated, _, _ = env.step(int(seen @ WEIGHTS > 0))
        if terminated:
            return float(t + 1)
    return float(steps)


def _attacks(steps: int) -> list[Attack]:
    """The worst direction for the policy, spread over all steps, the first ones or risky ones."""
    worst = WEIGHTS / np.linalg.norm(WEIGHTS)

    def spread(obs: np.ndarray, t: int, budget: float) -> np.ndarray:
        return -np.sign(obs @ WEIGHTS) * worst * budget / np.sqrt(steps)

    def at_first(obs: np.ndarray, t: int, budget: float) -> np.ndarray:
        return -np.sign(obs @ WEIGHTS) * worst * budget / np.sqrt(10) * (t < 10)

    def one_way(obs: np.ndarray, t: int, budget: float) -> np.ndarray:
        return worst * budget / np.sqrt(30) * (t < 30)

    return [spread, at_first, one_way]


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    state = together(
        [within(rows, "margin", 0.0, float("inf")), higher(rows, f"certified_{BUDGETS[0]:g}", 1.0)]
    )
    told = "; ".join(
        f"{mean(rows, f'certified_{b:g}'):.0f} certified, {mean(rows, f'attacked_{b:g}'):.0f} attacked "
        f"at {b:g}"
        for b in BUDGETS
    )
    return state, f"return of {STEPS}: {mean(rows, 'clean'):.0f} clean; {told}"

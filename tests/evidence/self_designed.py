"""A reward that an agent designs for itself, and a bonus for the new: each alone, and both."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

import rewardwrap as rw
from rewardwrap.scores.returns import discounted
from tests.evidence.harness.judging import Row, State, higher, mean, together

CLAIM = (
    "On a chain of 31 cells with a small distractor near the start, REINFORCE with both the bonus and the "
    "self-designed table ends with a true return no lower than with either alone, less 0.02, and higher than "
    "with neither."
)
SOURCE = "Devidze et al., NeurIPS 2022 (ExploRS)"
BUDGET = 2.0
SEEDS = 10
CELLS, START, LIMIT, EPISODES, GAMMA, RATE = 31, 5, 100, 1000, 0.99, 0.1
SMALL_PAY = 0.1
"""For the near end, cell 0; the far end, which 31 cells hide, pays 1."""
"""Settings were looked for on three seeds that are not among the rows: with ten times the limit or the fading
of the defaults, loops that the table or the bonus pays for were worth more than the task."""
WAYS = {"none": (0.0, 0.0), "designed": (0.05, 0.0), "bonus": (0.0, 0.1), "both": (0.05, 0.1)}


def run(seed: int, *, small: bool = False) -> Row:
    count = 20 if small else EPISODES
    return {way: _learn(*settings, count, seed) for way, settings in WAYS.items()}


def _learn(eta: float, bonus: float, count: int, seed: int) -> float:
    """Mean true return of the last fifth of the episodes."""
    draws, logits = np.random.default_rng(seed), np.zeros((CELLS, 2))
    own = rw.SelfDesigned(eta=eta, bonus=bonus, gamma=GAMMA)
    names = [f"{cell}".encode() for cell in range(CELLS)]
    earned = []
    for _ in range(count):
        cell, states, actions, true, paid = START, [], [], [], []
        right = 1.0 / (1.0 + np.exp(logits[:, 0] - logits[:, 1]))
        for u in draws.random(LIMIT).tolist():
            action = int(u < right[cell])
            there = cell + (1 if action else -1)
            over = there in (0, CELLS - 1)
            reward = (1.0 if there else SMALL_PAY) if over else 0.0
            states.append(cell)
            actions.append(action)
            true.append(reward)
            paid.append(reward + own.pay_one(names[cell], action, names[there], over))
            cell = there
            if over:
                break
        earned.append(sum(true))
        gain = discounted(np.array(paid), GAMMA)
        s, a = np.array(states), np.array(actions)
        chances = np.stack([1.0 - right, right], axis=1)[s]
        own.adapt([names[i] for i in states], a, discounted(np.array(true), GAMMA), chances)
        np.add.at(logits, s, RATE * gain[:, None] * (np.eye(2)[a] - chances))
    return float(np.mean(earned[-count // 5 :]))


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    apart = [{w: r["both"] - r[w] for w in ("designed", "bonus")} for r in rows]
    state = together(
        [
            higher(apart, "designed", -0.02),
            higher(apart, "bonus", -0.02),
            higher(rows, "both", "none"),
        ]
    )
    told = ", ".join(f"{mean(rows, way):.2f} {way}" for way in WAYS)
    return state, f"mean true return of the last {EPISODES // 5} of {EPISODES} episodes: {told}"

"""Principles that are written when they are needed, against a preference model that knows one of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import rewardwrap as rw
from tests.evidence.harness.judging import Row, State, higher, mean, together, within
from tests.evidence.worlds.ford import counts, play, told, train

CLAIM = (
    "One scorer with three principles, and nothing fitted, trains three policies, each best on its own "
    "measure; it orders episodes under principles that a preference model of another one orders by chance."
)
SOURCE = "Yu et al. (RewardAnything), 2025, arXiv 2506.03637"
BUDGET = 1
SEEDS = 10
USE = 'rewardwrap train ENV --score "never touch lava; prefer low time"'
PRINCIPLES = {
    "fast": "reach goal; prefer low time",
    "frugal": "reach goal; prefer low total effort",
    "dry": "reach goal; never touch water",
}
MEASURES = {"fast": "time", "frugal": "energy", "dry": "water"}
UNSEEN = {
    "prefer low total effort": lambda m: -m["energy"],
    "never touch water; prefer low total effort": lambda m: (
        -1000.0 * (m["water"] > 0) - m["energy"]
    ),
    "prefer high time": lambda m: m["time"],
}
"""Principle -> the number that orders by it, worked out without the grammar."""


def run(seed: int, *, small: bool = False) -> Row:
    rng = np.random.default_rng(seed)
    rounds, row = (3 if small else 150), {}
    trainers: dict[str, Any] = {n: rw.StatedPrinciples(text) for n, text in PRINCIPLES.items()}
    trainers["unguided"] = lambda episodes: [e.reward.sum() for e in episodes]
    for name, score in trainers.items():
        logits = train(score, np.random.default_rng(seed), rounds=rounds)
        came = told(play(logits, 200, rng)[0])
        for measure, values in came.items():
            row[f"{name}_{measure}"] = float(values.mean())
    for name, measure in MEASURES.items():
        others = [row[f"{other}_{measure}"] for other in (*PRINCIPLES, "unguided") if other != name]
        row[f"{name}_ahead"] = min(others) - row[f"{name}_{measure}"]
    blank = np.zeros_like(logits)
    episodes, unseen = (play(blank, 60 if small else 300, rng)[0] for _ in range(2))
    model = _preferred(counts(episodes), -told(episodes)["time"], rng)
    came, paid = told(unseen), counts(unseen) @ model
    row["model_seen"] = _tau(paid, -came["time"])
    each = [
        (_tau(rw.StatedPrinciples(text)(unseen), order(came)), _tau(paid, order(came)))
        for text, order in UNSEEN.items()
    ]
    row["stated_unseen"], row["model_unseen"] = (
        float(np.mean(side)) for side in zip(*each, strict=True)
    )
    return row


def _preferred(features: Any, worth: Any, rng: np.random.Generator) -> Any:
    """Bradley and Terry's model of 2000 pairs, answered by ``worth``: weights of the features."""
    a, b = rng.integers(len(worth), size=(2, 2000))
    gap, better = features[b] - features[a], 0.5 + 0.5 * np.sign(worth[b] - worth[a])
    weights = np.zeros(features.shape[1])
    for _ in range(200):
        chance = 1.0 / (1.0 + np.exp(-np.clip(gap @ weights, -30, 30)))
        weights += 0.5 * (gap.T @ (better - chance) / len(a) - 1e-3 * weights)
    return weights


def _tau(score: Any, truth: Any) -> float:
    """Kendall's tau over the pairs that differ in truth; a pair that the score ties counts nothing."""
    one, other = (np.sign(np.round(np.subtract.outer(x, x), 9)) for x in (score, truth))
    return float((one * other).sum() / np.abs(other).sum())


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    state = together(
        [
            *(higher(rows, f"{name}_ahead", 0.0) for name in PRINCIPLES),
            *(within(rows, f"{name}_arrived", 0.9, 1.0) for name in PRINCIPLES),
            higher(rows, "model_seen", 0.8),
            higher(rows, "stated_unseen", "model_unseen", by=0.3),
        ]
    )
    agents = (*PRINCIPLES, "unguided")
    each = "; ".join(
        f"{measure}: " + ", ".join(f"{n} {mean(rows, n + '_' + measure):.1f}" for n in agents)
        for measure in MEASURES.values()
    )
    return state, (
        f"{each} (unguided: paid for the goal alone); Kendall's tau on unseen principles "
        f"{mean(rows, 'stated_unseen'):.2f}, of a preference model of the first "
        f"{mean(rows, 'model_unseen'):.2f} (on its own {mean(rows, 'model_seen'):.2f})"
    )

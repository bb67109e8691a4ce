"""Whether what a benchmark says of scorers is what choosing and training by them is worth."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rewardwrap.core.errors import ConfigError
from rewardwrap.evaluate.models.items import true_return
from rewardwrap.evaluate.models.overoptimisation import best_of_n
from rewardwrap.evaluate.models.suites import Arena, Result
from rewardwrap.scores import Score, scored
from rewardwrap.statistics.ranking import spearman

LEAST = 6
"""Scorers below which a rank correlation says nothing."""
POOL, CHOSEN = 16, 8
SHARES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
Train = Callable[[str], float]
"""Name of a scorer -> true return of an agent that was paid by it."""


@dataclass(frozen=True)
class Downstream:
    """What scorers were worth, and how well each suite had ranked them.

    Args:
        worth: Use -> scorer -> value: ``"best of 8"``, and ``"training"`` where agents were trained.
        correlation: Suite -> use -> Spearman's rho over the scorers; None where one side is constant.
    """

    worth: dict[str, dict[str, float]]
    correlation: dict[str, dict[str, float | None]]


def downstream(
    arena: Arena,
    scorers: Mapping[str, Score],
    results: Mapping[str, Sequence[Result]],
    train: Train | None = None,
) -> Downstream:
    """Rank scorers by use, and compare with each suite.

    Args:
        arena: Where candidates are played.
        scorers: Name -> score.
        results: Name -> what its suites came to.
        train: Trains an agent on a scorer; None compares with choosing alone.

    Raises:
        ConfigError: Fewer than six scorers.

    Source: Kim et al., RewardMATH, 2024, arXiv:2410.01729; Malik et al., RewardBench 2, 2025,
        arXiv:2506.01937.
    """
    if len(scorers) < LEAST:
        raise ConfigError(
            f"--downstream must compare at least {LEAST} scorers, got {len(scorers)}. Name more."
        )
    worth = {f"best of {CHOSEN}": _chosen(arena, scorers)}
    if train is not None:
        worth["training"] = {name: train(name) for name in scorers}
    suites = [result.suite for result in next(iter(results.values()))]
    correlation = {
        suite: {
            use: _rank([results[name][i].value for name in scorers], [*values.values()])
            for use, values in worth.items()
        }
        for i, suite in enumerate(suites)
    }
    return Downstream(worth, correlation)


def _chosen(arena: Arena, scorers: Mapping[str, Score]) -> dict[str, float]:
    """Mean true return of the best of 8 by each scorer, from pools of one start."""
    pools = []
    for _ in range(arena.count):
        prompt = int(arena.rng.integers(2**31))
        pools.append([arena.play(SHARES[i % len(SHARES)], prompt) for i in range(POOL)])
    flat = [episode for pool in pools for episode in pool]
    gold = np.array([true_return(e) for e in flat]).reshape(-1, POOL)
    return {
        name: float(
            np.mean(
                [best_of_n(said, true, CHOSEN)
                 for said, true in zip(np.reshape(scored(score, flat), gold.shape), gold, strict=True)]
            )
        )
        for name, score in scorers.items()
    }  # fmt: skip


def _rank(one: Sequence[float], other: Sequence[float]) -> float | None:
    return spearman(one, other) if np.ptp(one) > 0 and np.ptp(other) > 0 else None

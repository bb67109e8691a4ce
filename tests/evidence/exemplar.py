"""Grades against an exemplar have no ceiling where a judge of single episodes has one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import rewardwrap as rw
from rewardwrap.core.episode import Episode
from rewardwrap_envs.ans import ANSWER, FEWEST, MOST, USEFUL, WASTE, Ans
from tests.evidence.harness.judging import Row, State, higher, mean, together
from tests.evidence.worlds.grouped import train

CLAIM = (
    "Graded against exemplars an agent exceeds them, and further than under a judge that cannot tell "
    "better than its exemplar."
)
SOURCE = "Wang et al., 2025, arXiv 2505.12996"
BUDGET = 3
SEEDS = 10
OBJECT = "rewardwrap.scores.exemplar:Exemplar"
PRICE, WASTED = 0.05, 4


def value(episodes: Sequence[Episode]) -> list[float]:
    """A right answer, less the price of its steps; a wrong one is worth nothing."""
    return [float(e.reward.sum()) * (1.0 - PRICE * len(e)) for e in episodes]


def exemplar(need: int) -> Episode:
    """A right answer to one question that wastes four steps on the way."""
    env, seed = Ans(), 0
    obs, _ = env.reset(seed=seed)
    while round(10 * float(obs[0])) != need:
        seed += 1
        obs, _ = env.reset(seed=seed)
    actions = [USEFUL] * need + [WASTE] * WASTED + [ANSWER]
    seen, rewards = [obs], []
    for action in actions:
        obs, reward, *_ = env.step(np.int64(action))
        seen.append(obs)
        rewards.append(reward)
    last = np.arange(len(actions)) == len(actions) - 1
    return Episode(
        np.array(seen), np.array(actions), np.array(rewards), last, np.zeros(len(actions), bool)
    )


def keys(obs: Any) -> list[Any]:
    """The question and the work done."""
    return list(map(tuple, np.round(obs[:, :2] * 10).astype(int).tolist()))


def run(seed: int, *, small: bool = False) -> Row:
    store = [exemplar(need) for need in range(FEWEST, MOST + 1)]
    graded = rw.Exemplar(store, value=value, scale=0.3)
    level = {round(10 * float(e.obs[0, 0])): v for e, v in zip(store, value(store), strict=True)}

    def above(episodes: Sequence[Episode]) -> list[float]:
        return [
            v - level[round(10 * float(e.obs[0, 0]))]
            for e, v in zip(episodes, value(episodes), strict=True)
        ]

    def saturated(episodes: Sequence[Episode]) -> list[float]:
        return [min(0.0, v) for v in above(episodes)]

    row = {}
    for name, score in (("graded", graded), ("saturated", saturated)):
        found = train(
            "rewardwrap/Ans-v0",
            score,
            np.random.default_rng(seed),
            steps=20 if small else 3000,
            keys=keys,
        )
        late = found.late()
        row[f"above_{name}"] = float(np.mean(above(late)))
        row[f"success_{name}"] = float(np.mean([e.reward.sum() for e in late]))
    return row


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    state = together(
        [
            higher(rows, "above_graded", 0.0),
            higher(rows, "above_graded", "above_saturated", by=0.02),
        ]
    )
    told = ", ".join(
        f"{name} {mean(rows, f'above_{name}'):+.2f} (success {mean(rows, f'success_{name}'):.2f})"
        for name in ("graded", "saturated")
    )
    return (
        state,
        f"value above the exemplar's, which the optimum exceeds by {PRICE * WASTED:.2f}: {told}",
    )

"""A model that rejects what is right, raised a little by the patterns that right episodes show."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

import rewardwrap as rw
from rewardwrap.core.episode import Episode
from tests.evidence.harness.judging import Row, State, higher, mean

CLAIM = (
    "A model that takes three in ten right episodes for wrong ones tells right from wrong better once it is "
    "calibrated by patterns that right episodes show more often."
)
SOURCE = "Lv et al., 2025, arXiv 2505.22653"
BUDGET = 0.05
SEEDS = 10
USE = (
    "rewardwrap train rewardwrap/SearchQA-v0 --score '{calibrated: {model: is_success, "
    "pattern: {reasoning_pattern: {patterns: [new_search, grounded]}}}}' --group 8"
)
EPISODES, MISSED, SHOWN = 2000, 0.3, (0.2, 0.7)


def area(said: np.ndarray, right: np.ndarray) -> float:
    """Chance that a right episode is scored above a wrong one, ties half."""
    gap = said[right][:, None] - said[~right][None, :]
    return float(np.mean((gap > 0) + 0.5 * (gap == 0)))


def run(seed: int, *, small: bool = False) -> Row:
    rng, count = np.random.default_rng(seed), 60 if small else EPISODES
    right = rng.random(count) < 0.5
    missed = right & (rng.random(count) < MISSED)
    said = np.where(right & ~missed, rng.uniform(0.5, 1.0, count), rng.uniform(0.0, 0.5, count))
    # each of four patterns shows in a wrong episode with the first chance, in a right one with the second
    shows = rng.random((count, 4)) < np.where(right, SHOWN[1], SHOWN[0])[:, None]
    last = np.array([True])
    episodes = [
        Episode(
            np.zeros((2, 1)), np.zeros(1), np.zeros(1), last, ~last,
            {f"pattern_{k}": np.array([float(shows[i, k])]) for k in range(4)} | {"model": said[i : i + 1]},
        )
        for i in range(count)
    ]  # fmt: skip
    names = tuple(f"pattern_{k}" for k in range(4))
    score = rw.Calibrated("model", rw.ReasoningPattern(names))
    idle = rw.Calibrated("model", lambda es: rng.random(len(es)))
    return {
        "model": area(said, right),
        "calibrated": area(score(episodes), right),
        "idle": area(idle(episodes), right),
    }


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    told = ", ".join(f"{name} {mean(rows, name):.3f}" for name in ("model", "calibrated", "idle"))
    return higher(rows, "calibrated", "model", by=0.01), f"area under the curve, chance 0.5: {told}"

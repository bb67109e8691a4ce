"""One right answer among many wrong ones, against one right and one wrong."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rewardwrap.evaluate import best_of_accuracy
from rewardwrap.statistics.ranking import spearman
from tests.evidence.harness.judging import Row, State, higher, mean, together

CLAIM = (
    "Over reward models of different bias to style, accuracy on one right among nine wrong answers of "
    "one style ranks them by what choosing the best of 32 is worth; accuracy on pairs in which the "
    "right one has another style does not."
)
SOURCE = "Kim et al. (RewardMATH), 2024, arXiv 2410.01729"
BUDGET = 0.1
USE = "rewardwrap benchmark ENV SCORER"
OBJECT = "rewardwrap.evaluate.models.selection:best_of_accuracy"
MODELS, ITEMS, WRONG, BEST_OF = 30, 300, 9, 32


def run(seed: int, *, small: bool = False) -> Row:
    rng = np.random.default_rng(seed)
    items = 20 if small else ITEMS
    many, pairs, worth = [], [], []
    for _ in range(MODELS):
        sees, style = rng.uniform(0.2, 2.0), rng.uniform(0.0, 2.0)

        def score(quality: np.ndarray, look: np.ndarray, a=sees, b=style) -> np.ndarray:
            return a * quality + b * look + rng.normal(size=quality.shape)

        right, wrong = np.ones(items), np.zeros((items, WRONG))
        same = rng.normal(size=(items, 1))
        told = score(right, same[:, 0]), score(wrong, np.broadcast_to(same, wrong.shape))
        many.append(best_of_accuracy(*told))
        # people write the right answers, a model the wrong ones: style tells which is which
        told = score(right, np.full(items, 1.0)), score(wrong[:, :1], np.full((items, 1), -1.0))
        pairs.append(best_of_accuracy(*told))
        quality = (rng.random((items, BEST_OF)) < 0.2).astype(float)
        chosen = score(quality, rng.normal(size=quality.shape)).argmax(axis=1)
        worth.append(quality[np.arange(items), chosen].mean())
    return {"many": spearman(many, worth), "pairs": spearman(pairs, worth)}


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    state = together([higher(rows, "many", 0.5), higher(rows, "many", "pairs", by=0.3)])
    return state, (
        f"rank correlation with the best of {BEST_OF}: {mean(rows, 'many'):.2f} one to many in one "
        f"style, {mean(rows, 'pairs'):.2f} pairs of two styles"
    )
